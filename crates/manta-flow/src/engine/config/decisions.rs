//! What the code of one function decides on: which parts of a request take part in its conditions, and whether it can refuse.

use std::collections::{BTreeMap, BTreeSet};

use manta_core::{Location, Span};

use super::gates::Gate;
use super::{FunctionFacts, each_inner, each_stmt};
use crate::ir::{
    BinaryOp, Block, Expr, ExprId, FuncId, ImportId, ImportName, Key, LogicalOp, Module, Pat, Prop, StmtKind, Symbol,
    UnaryOp, Var,
};

/// What one function's code says, before the functions it uses are added.
#[derive(Debug, Default)]
pub(crate) struct CodeFacts {
    pub(super) facts: FunctionFacts,
    pub(super) imports: Vec<(ImportId, ImportName)>,
    pub(super) skips: Vec<Skip>,
    pub(super) gates: Vec<Gate>,
    /// For each place that asks for a credential, the settings without which it does not; none where one asks always.
    pub(super) switches: Option<Vec<Vec<ExprId>>>,
}

/// A branch that hands every request on, whatever is in it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Skip {
    pub(super) test: ExprId,
    /// The outcome of the test that leads there.
    pub(super) when: bool,
}

/// Reads one function's code, with the functions written inside it.
pub(super) struct Reader<'a> {
    pub(super) module: &'a Module,
    pub(super) func: FuncId,
    pub(super) span: Span,
    /// Reads of headers that matter: where, which.
    reads: Vec<(Span, &'static str)>,
    /// Expressions inside, by start.
    inside: Vec<(Span, &'a Expr)>,
    /// Variables that hold such a header, or what a test of it came to, by function and slot.
    holders: BTreeMap<(u32, u32), Held>,
    facts: FunctionFacts,
    skips: Vec<Skip>,
}

/// What a variable knows of a header.
#[derive(Clone, Copy, Debug)]
struct Held {
    read: &'static str,
    /// Whether it is the result of a comparison.
    is_compared: bool,
}

/// What a header says about a request, for rules.
fn header_meaning(name: &str) -> Option<&'static str> {
    Some(match name.to_ascii_lowercase().as_str() {
        // What a proxy adds does not count: a request that comes without the proxy lacks it.
        "host" | ":authority" => "host",
        "origin" | "sec-fetch-site" => "origin",
        "authorization" | "cookie" => "credential",
        name if ["token", "api-key", "apikey", "secret"].iter().any(|word| name.contains(word)) => "credential",
        _ => return None,
    })
}

/// Functions that give a header, or its text in another form.
const GETS_TEXT: [&str; 18] = [
    "get",
    "header",
    "getHeader",
    "getlist",
    "headers",
    "get_http_headers",
    "toString",
    "toLowerCase",
    "trim",
    "lower",
    "strip",
    "decode",
    "split",
    "isArray",
    "isinstance",
    "String",
    "str",
    "at",
];

impl<'a> Reader<'a> {
    pub(super) fn new(module: &'a Module, func: FuncId) -> Self {
        let span = module.func(func).span;
        let facts = FunctionFacts { functions: vec![Location::new(module.file, span)], ..FunctionFacts::default() };
        let mut inside: Vec<(Span, &Expr)> = module
            .spans
            .iter()
            .zip(&module.exprs)
            .filter(|(at, _)| span.contains(**at))
            .map(|(at, expr)| (*at, expr))
            .collect();
        inside.sort_by_key(|(at, _)| at.start);
        Self { module, func, span, inside, reads: Vec::new(), holders: BTreeMap::new(), facts, skips: Vec::new() }
    }

    pub(super) fn read(mut self) -> CodeFacts {
        let imports = self.inside.iter().filter_map(|(_, expr)| match expr {
            Expr::Import(import, name) => Some((*import, *name)),
            _ => None,
        });
        let imports = imports.collect();
        self.find_reads();
        let inside: Vec<u32> = (0..u32::try_from(self.module.funcs.len()).unwrap_or(0))
            .filter(|&id| id == self.func.0 || self.span.contains(self.module.func(FuncId(id)).span))
            .collect();
        for &id in &inside {
            self.find_holders(id);
        }
        for &id in &inside {
            self.find_decisions(id);
        }
        self.find_skips();
        self.facts.opens = self.opens(&inside);
        let gates = self.find_gates();
        let switches = self.find_switches();
        CodeFacts { facts: self.facts, imports, skips: self.skips, gates, switches }
    }

    /// Expressions inside a part of the function.
    pub(super) fn within(&self, span: Span) -> impl Iterator<Item = (Span, &'a Expr)> + '_ {
        let first = self.inside.partition_point(|(at, _)| at.start < span.start);
        self.inside[first..]
            .iter()
            .take_while(move |(at, _)| at.start < span.end)
            .filter(move |(at, _)| span.contains(*at))
            .copied()
    }

    fn text(&self, id: ExprId) -> Option<&'a str> {
        match self.module.expr(id) {
            Expr::Str(text) => Some(text),
            _ => None,
        }
    }

    fn find_reads(&mut self) {
        let mut urls: Vec<Span> = Vec::new();
        for (at, expr) in self.inside.clone() {
            let read = match expr {
                Expr::Member { object, name, .. } => {
                    self.facts.names.insert(name.as_str().to_owned());
                    let of_headers =
                        matches!(self.module.expr(*object), Expr::Member { name, .. } if name.as_str() == "headers");
                    of_headers
                        .then(|| header_meaning(name.as_str()))
                        .flatten()
                        .or_else(|| self.host_of_request(*object, *name))
                }
                Expr::Index { object, index } => self
                    .text(*index)
                    .and_then(header_meaning)
                    .filter(|read| *read != "credential" || self.is_headers(*object)),
                Expr::Call { callee, args, .. } => {
                    let is_new_url = args.len() > 1 && self.is_named(*callee, "URL");
                    if is_new_url {
                        urls.extend(args.iter().skip(1).map(|arg| self.module.span(arg.value)));
                    }
                    let is_getter =
                        ["get", "header", "getHeader", "getlist"].iter().any(|name| self.is_named(*callee, name));
                    let of_headers = is_getter && self.reads_header(*callee);
                    args.first()
                        .filter(|_| is_getter)
                        .and_then(|arg| self.text(arg.value))
                        .and_then(header_meaning)
                        .filter(|read| *read != "credential" || of_headers)
                }
                Expr::Num(number) if [401.0, 403.0, 421.0].contains(number) => {
                    self.facts.refuses = true;
                    None
                }
                _ => None,
            };
            self.reads.extend(read.map(|read| (at, read)));
        }
        // The base of `new URL(req.url, base)` fills a gap; nobody decides on it.
        self.reads.retain(|(at, _)| !urls.iter().any(|url| url.contains(*at)));
    }

    /// Whether an expression is the headers of a request: `req.headers`, or a variable in code that mentions headers.
    fn is_headers(&self, object: ExprId) -> bool {
        match self.module.expr(object) {
            Expr::Member { name, .. } => name.as_str() == "headers",
            Expr::Call { callee, .. } => {
                self.is_named(*callee, "headers") || self.is_named(*callee, "get_http_headers")
            }
            Expr::Var(_) => self.facts.names.contains("headers"),
            _ => false,
        }
    }

    /// `request.headers.get(…)`, `req.header(…)`, `req.get(…)`.
    fn reads_header(&self, callee: ExprId) -> bool {
        match self.module.expr(callee) {
            Expr::Member { object, name, .. } => {
                matches!(name.as_str(), "header" | "getHeader") || self.is_headers(*object) || self.is_request(*object)
            }
            _ => false,
        }
    }

    /// The first parameter of the function.
    pub(super) fn is_request(&self, object: ExprId) -> bool {
        let params = &self.module.func(self.func).params;
        match (params.first().map(|param| &param.pat), self.module.expr(object)) {
            (Some(Pat::Var(first)), Expr::Var(var)) => first == var,
            _ => false,
        }
    }

    /// `req.hostname` and `req.host` of a handler's first parameter.
    fn host_of_request(&self, object: ExprId, name: Symbol) -> Option<&'static str> {
        // A function of one value that asks for its host takes a URL, unless it looks at headers too.
        let sees_request = self.module.func(self.func).params.len() > 1 || self.facts.names.contains("headers");
        let is_first = sees_request && self.is_request(object);
        (is_first && matches!(name.as_str(), "hostname" | "host")).then_some("host")
    }

    fn is_named(&self, callee: ExprId, name: &str) -> bool {
        match self.module.expr(callee) {
            Expr::Member { name: own, .. } => own.as_str() == name,
            Expr::Var(Var::Global(own)) => own.as_str() == name,
            Expr::Import(_, ImportName::Named(own)) => own.as_str() == name,
            _ => false,
        }
    }

    /// The headers an expression depends on, directly or through a variable of function `func`.
    pub(super) fn mentions(&self, func: u32, id: ExprId) -> BTreeSet<&'static str> {
        let span = self.module.span(id);
        let mut found: BTreeSet<&'static str> =
            self.reads.iter().filter(|(at, _)| span.contains(*at)).map(|(_, read)| *read).collect();
        found.extend(self.held(func, span).map(|held| held.read));
        found
    }

    /// What the variables of function `func` in a part of it hold.
    fn held(&self, func: u32, span: Span) -> impl Iterator<Item = Held> + '_ {
        self.within(span).filter_map(move |(_, expr)| match expr {
            Expr::Var(Var::Local(slot)) => self.holders.get(&(func, *slot)).copied(),
            _ => None,
        })
    }

    /// Whether an expression asks which value a header has, and not just whether it is there.
    fn compares(&self, func: u32, id: ExprId) -> bool {
        let module = self.module;
        let is_nothing = |id: ExprId| {
            matches!(module.expr(id), Expr::Null | Expr::Undefined | Expr::Unary(UnaryOp::TypeOf, _))
                || self.text(id) == Some("")
        };
        let span = module.span(id);
        let asks = |expr: &Expr| match expr {
            Expr::Binary(BinaryOp::Eq | BinaryOp::NotEq, left, right) => !is_nothing(*left) && !is_nothing(*right),
            Expr::Binary(BinaryOp::In | BinaryOp::NotIn, ..) => true,
            Expr::Call { callee, .. } => !GETS_TEXT.iter().any(|name| self.is_named(*callee, name)),
            _ => false,
        };
        self.within(span).any(|(_, expr)| asks(expr)) || self.held(func, span).any(|held| held.is_compared)
    }

    fn find_holders(&mut self, func: u32) {
        if self.reads.is_empty() {
            return;
        }
        let mut assigned: Vec<(&'a Pat, ExprId)> = Vec::new();
        each_stmt(&self.module.func(FuncId(func)).body, &mut |stmt| match &stmt.kind {
            StmtKind::Let { pat, value: Some(value) } => assigned.push((pat, *value)),
            StmtKind::Expr(expr) => {
                if let Expr::Assign { target, value } = self.module.expr(*expr) {
                    assigned.push((target, *value));
                }
            }
            _ => {}
        });
        for (pat, value) in assigned {
            match pat {
                Pat::Var(Var::Local(slot)) => {
                    if let Some(read) = self.mentions(func, value).into_iter().next() {
                        let is_compared = self.compares(func, value);
                        self.holders.insert((func, *slot), Held { read, is_compared });
                    }
                }
                Pat::Object { fields, .. } => {
                    let of_headers =
                        matches!(self.module.expr(value), Expr::Member { name, .. } if name.as_str() == "headers");
                    for (key, target, _) in fields.iter().filter(|_| of_headers) {
                        if let (Key::Static(name), Pat::Var(Var::Local(slot))) = (key, target)
                            && let Some(read) = header_meaning(name.as_str())
                        {
                            self.holders.insert((func, *slot), Held { read, is_compared: false });
                        }
                    }
                }
                _ => {}
            }
        }
    }

    /// Whether all that a test asks of an origin is how it begins, which `http://localhost.evil.example` passes too.
    fn is_prefix_test(&self, test: ExprId, read: &BTreeSet<&'static str>) -> bool {
        if !read.iter().all(|read| *read == "origin") {
            return false;
        }
        let is_open = |prefix: ExprId| match self.module.expr(prefix) {
            Expr::Str(text) => !text.ends_with(['/', ':']),
            Expr::Var(_) | Expr::Template(_) => true,
            _ => false,
        };
        let calls = self.within(self.module.span(test)).filter_map(|(_, expr)| match expr {
            Expr::Call { callee, args, .. } => match self.module.expr(*callee) {
                Expr::Member { name, .. } => Some((name.as_str(), args.first().map(|arg| arg.value))),
                _ => Some(("", None)),
            },
            Expr::Binary(BinaryOp::Eq | BinaryOp::NotEq | BinaryOp::In | BinaryOp::NotIn, ..) => Some(("", None)),
            _ => None,
        });
        let tests: Vec<(&str, Option<ExprId>)> =
            calls.filter(|(name, _)| !matches!(*name, "some" | "find" | "get" | "header")).collect();
        !tests.is_empty()
            && tests.iter().all(|(name, arg)| matches!(*name, "startsWith" | "startswith") && arg.is_some_and(is_open))
    }

    /// Places that give every origin leave to read: as arguments (`setHeader(name, "*")`), as a member of an object, or
    /// assigned to one.
    fn opens(&self, functions: &[u32]) -> BTreeSet<Location> {
        const NAME: &str = "access-control-allow-origin";
        let is = |id: ExprId, what: &str| self.text(id).is_some_and(|text| text.eq_ignore_ascii_case(what));
        let assigns = |target: &Pat, value: ExprId| {
            let is_it = match target {
                Pat::Index(_, name) => is(*name, NAME),
                Pat::Member(_, name) => name.as_str().eq_ignore_ascii_case(NAME),
                _ => false,
            };
            is_it && is(value, "*")
        };
        let gives = |expr: &Expr| match expr {
            Expr::Call { args, .. } => args.windows(2).any(|pair| is(pair[0].value, NAME) && is(pair[1].value, "*")),
            Expr::Object { props, .. } => props.iter().any(|prop| match prop {
                Prop::Init(Key::Static(name), value) => name.as_str().eq_ignore_ascii_case(NAME) && is(*value, "*"),
                Prop::Init(Key::Computed(name), value) => is(*name, NAME) && is(*value, "*"),
                _ => false,
            }),
            Expr::Assign { target, value } => assigns(target, *value),
            _ => false,
        };
        let at = |span: Span| Location::new(self.module.file, span);
        let mut opens: BTreeSet<Location> =
            self.within(self.span).filter(|(_, expr)| gives(expr)).map(|(span, _)| at(span)).collect();
        for func in functions {
            each_stmt(&self.module.func(FuncId(*func)).body, &mut |stmt| {
                if let StmtKind::Let { pat, value: Some(value) } = &stmt.kind
                    && assigns(pat, *value)
                {
                    opens.insert(at(stmt.span));
                }
            });
        }
        opens
    }

    /// Branches of the function itself that call its last parameter, as middleware does to hand a request on, under a
    /// test that reads nothing of the function's own.
    fn find_skips(&mut self) {
        let module = self.module;
        let func = module.func(self.func);
        let Some(Pat::Var(next)) = func.params.last().filter(|_| func.params.len() > 1).map(|param| &param.pat) else {
            return;
        };
        let is_next = |id: ExprId| matches!(module.expr(id), Expr::Var(var) if var == next);
        let hands_on = |block: &Block| {
            let (Some(first), Some(last)) = (block.first(), block.last()) else { return false };
            let span = Span::new(first.span.start, last.span.end);
            let mut inner = self.within(span).map(|(_, expr)| expr);
            let calls = |expr: &Expr| matches!(expr, Expr::Call { callee, .. } if is_next(*callee));
            inner.any(calls) && !self.within(span).any(|(_, expr)| is_error_status(expr))
        };
        let mut skips = Vec::new();
        for stmt in &func.body {
            let StmtKind::If { test, then, otherwise } = &stmt.kind else { continue };
            if !self.reads_nothing(*test) {
                continue;
            }
            let branches = [(then, true), (otherwise, false)];
            skips.extend(
                branches.iter().filter(|(block, _)| hands_on(block)).map(|(_, when)| Skip { test: *test, when: *when }),
            );
        }
        self.skips = skips;
    }

    /// Whether an expression reads nothing of the function's own.
    fn reads_nothing(&self, id: ExprId) -> bool {
        let is_own = |expr: &Expr| matches!(expr, Expr::Var(Var::Local(_)) | Expr::This);
        !self.within(self.module.span(id)).any(|(_, expr)| is_own(expr))
    }

    /// The settings behind which the function itself asks for a credential: `if (KEY && req.headers.authorization !== KEY)`.
    fn find_switches(&self) -> Option<Vec<Vec<ExprId>>> {
        let mut asked = Vec::new();
        self.add_switches(&self.module.func(self.func).body, &[], &mut asked);
        (!asked.is_empty() && asked.iter().all(|switches| !switches.is_empty())).then_some(asked)
    }

    fn add_switches(&self, block: &'a Block, around: &[ExprId], asked: &mut Vec<Vec<ExprId>>) {
        let asks = |id: ExprId| self.mentions(self.func.0, id).contains("credential");
        for stmt in block {
            match &stmt.kind {
                StmtKind::If { test, then, otherwise } => {
                    let parts = self.conjuncts(*test);
                    let own = parts.iter().copied().filter(|part| !asks(*part) && self.reads_nothing(*part));
                    let switches: Vec<ExprId> = around.iter().copied().chain(own).collect();
                    if parts.iter().any(|part| asks(*part)) {
                        asked.push(switches.clone());
                    }
                    self.add_switches(then, &switches, asked);
                    self.add_switches(otherwise, around, asked);
                }
                StmtKind::Return(Some(value)) if asks(*value) => asked.push(around.to_vec()),
                _ => each_inner(stmt, &mut |inner| self.add_switches(inner, around, asked)),
            }
        }
    }

    /// The parts of a test that must all hold.
    fn conjuncts(&self, test: ExprId) -> Vec<ExprId> {
        let (mut open, mut parts) = (vec![test], Vec::new());
        while let Some(part) = open.pop() {
            match self.module.expr(part) {
                Expr::Logical(LogicalOp::And, left, right) => open.extend([*left, *right]),
                _ => parts.push(part),
            }
        }
        parts
    }

    fn find_decisions(&mut self, func: u32) {
        let module = self.module;
        let mut decisions: Vec<(ExprId, Option<Span>)> = Vec::new();
        let mut throws: Vec<Span> = Vec::new();
        each_stmt(&module.func(FuncId(func)).body, &mut |stmt| match &stmt.kind {
            StmtKind::If { test, .. } => decisions.push((*test, Some(stmt.span))),
            StmtKind::Throw(_) => throws.push(stmt.span),
            StmtKind::Return(Some(value))
                if matches!(
                    module.expr(*value),
                    Expr::Binary(..) | Expr::Logical(..) | Expr::Call { .. } | Expr::Unary(..)
                ) =>
            {
                decisions.push((*value, None));
            }
            _ => {}
        });
        // An exception ends a request wherever it is raised.
        self.facts.refuses |= !throws.is_empty();
        if self.reads.is_empty() {
            return;
        }
        for (at, expr) in self.within(module.func(FuncId(func)).span) {
            if let Expr::Conditional(test, ..) = expr {
                decisions.push((*test, Some(at)));
            }
        }
        for (test, branch) in decisions {
            let mut read = self.mentions(func, test);
            if !self.compares(func, test) {
                // Whether a credential is there is a question about it; a name is always there.
                read.retain(|read| *read == "credential");
            }
            if read.is_empty() {
                continue;
            }
            if self.is_prefix_test(test, &read) {
                self.facts.prefix_tests.insert(Location::new(module.file, module.span(test)));
                continue;
            }
            self.facts.decides_on.extend(read);
            let Some(branch) = branch else { continue };
            let refuses = self.within(branch).any(|(_, expr)| is_error_status(expr));
            self.facts.refuses |= refuses;
        }
    }
}

pub(super) fn is_error_status(expr: &Expr) -> bool {
    matches!(expr, Expr::Num(number) if (400.0..500.0).contains(number))
}
