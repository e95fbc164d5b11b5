//! What configuration rules are told of a call: reduced arguments, identities, and what functions decide on.
//!
//! Rules about transports ask questions that no value flow answers: is this middleware one that looks at `Host` and can
//! refuse? Such a question is about what the *code* of a function decides on, so it is answered from the program's
//! expressions: which request headers take part in a condition, and whether the function can refuse.

mod decisions;
mod gates;

use std::collections::BTreeSet;
use std::sync::Arc;

use manta_core::{Location, Span};

pub(crate) use self::decisions::CodeFacts;
use self::decisions::{Reader, Skip};
use self::gates::Gate;
pub use self::gates::SERVES;
use crate::engine::analysis::{ArgInfo, CallInfo};
use crate::engine::api::ApiId;
use crate::engine::interp::{Args, Interp};
use crate::engine::program::Program;
use crate::engine::store::{Closure, ObjKind};
use crate::engine::value::{FnId, Kind, ModId, ObjId, Part, Val};
use crate::ir::{BinaryOp, Block, Expr, ExprId, FuncId, LogicalOp, StmtKind, UnaryOp, Var};

/// Most parts of one argument that are kept; configuration is small, and calls are many.
const MAX_PARTS: usize = 160;
/// Most records of one call at one place.
const MAX_PER_PLACE: u32 = 4;
/// Most calls that are kept.
const MAX_CALLS: usize = 100_000;
/// Most parts of all arguments that are kept.
const MAX_ALL_PARTS: usize = 2_000_000;
/// How far functions called by a middleware are followed.
const MAX_FOLLOWED: usize = 24;

/// What a function (or the methods of a class) looks at and can do, with the functions of the target it uses.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FunctionFacts {
    /// The function and those it uses, outermost first.
    pub functions: Vec<Location>,
    /// What of a request takes part in a condition: `host`, `origin`, `credential`.
    pub decides_on: BTreeSet<&'static str>,
    /// Whether it can refuse a request: an error status, or an exception.
    pub refuses: bool,
    /// Whether it lets every request pass unless the administrator configures something.
    pub is_off_by_default: bool,
    /// Whether it asks every request for a credential before it serves one.
    pub asks_first: bool,
    /// Tests of an `Origin` that ask only how it begins.
    pub prefix_tests: BTreeSet<Location>,
    /// Where it lets pages of every origin read the answer: `Access-Control-Allow-Origin: *`.
    pub opens: BTreeSet<Location>,
    /// Names of fields and methods it uses.
    pub names: BTreeSet<String>,
}

impl FunctionFacts {
    fn add(&mut self, other: &Self) {
        self.decides_on.extend(&other.decides_on);
        self.refuses |= other.refuses;
        self.is_off_by_default |= other.is_off_by_default;
        self.names.extend(other.names.iter().cloned());
        self.prefix_tests.extend(&other.prefix_tests);
        self.opens.extend(&other.opens);
        for function in &other.functions {
            if !self.functions.contains(function) {
                self.functions.push(*function);
            }
        }
    }
}

/// Something made outside the target: `express()`, `new https.Agent({…})`.
#[derive(Clone, Debug, PartialEq)]
pub struct Made {
    /// Access path.
    pub api: String,
    /// Identity: equal numbers are the same object.
    pub id: u32,
    /// Positional arguments it was made with.
    pub args: Vec<ArgInfo>,
    /// Keyword arguments it was made with, and fields assigned later.
    pub fields: Vec<(String, ArgInfo)>,
}

/// Where a place lies in its file.
#[derive(Clone, Debug, Default)]
pub struct Enclosing {
    /// Spans of the functions around it, innermost first.
    pub functions: Vec<Span>,
    /// Spans of the branches (`if`, `else`, `case`) of the innermost function around it.
    pub branches: Vec<Span>,
}

impl Program {
    /// Version (or range as written) of a dependency, as declared for the package that contains a file.
    #[must_use]
    pub fn dependency_of(&self, path: &str, package: &str) -> Option<String> {
        let module = self.find(path)?;
        self.resolver(module).dependency(path, package)
    }

    /// The functions and branches around a place of a file.
    #[must_use]
    pub fn enclosing(&self, path: &str, at: Span) -> Enclosing {
        let Some(module) = self.find(path).map(|id| self.module(id)) else { return Enclosing::default() };
        let mut around: Vec<&crate::ir::Func> =
            module.funcs.iter().skip(1).filter(|func| func.span.contains(at)).collect();
        around.sort_by_key(|func| func.span.end - func.span.start);
        let mut branches = Vec::new();
        let body = around.first().map_or(&module.funcs[0].body, |func| &func.body);
        each_branch(body, &mut |block| {
            if let (Some(first), Some(last)) = (block.first(), block.last()) {
                let span = Span::new(first.span.start, last.span.end);
                if span.contains(at) {
                    branches.push(span);
                }
            }
        });
        Enclosing { functions: around.iter().map(|func| func.span).collect(), branches }
    }
}

/// Calls `found` with every block that runs only under a condition.
fn each_branch(block: &Block, found: &mut dyn FnMut(&Block)) {
    for stmt in block {
        match &stmt.kind {
            StmtKind::If { then, otherwise, .. } => {
                for branch in [then, otherwise] {
                    found(branch);
                    each_branch(branch, found);
                }
            }
            StmtKind::Switch { cases, .. } => {
                for (_, branch) in cases {
                    found(branch);
                    each_branch(branch, found);
                }
            }
            _ => each_inner(stmt, &mut |block| each_branch(block, found)),
        }
    }
}

/// Blocks inside a statement, of any kind.
fn each_inner<'m>(stmt: &'m crate::ir::Stmt, found: &mut dyn FnMut(&'m Block)) {
    match &stmt.kind {
        StmtKind::If { then, otherwise, .. } => {
            found(then);
            found(otherwise);
        }
        StmtKind::While { body, otherwise, .. } | StmtKind::ForEach { body, otherwise, .. } => {
            found(body);
            found(otherwise);
        }
        StmtKind::Switch { cases, .. } => cases.iter().for_each(|(_, block)| found(block)),
        StmtKind::Block(block) | StmtKind::Labeled(_, block) => found(block),
        StmtKind::Try { body, handlers, otherwise, finally } => {
            found(body);
            handlers.iter().for_each(|handler| found(&handler.body));
            found(otherwise);
            found(finally);
        }
        _ => {}
    }
}

/// Calls `found` with every statement of a block, inner ones too.
pub(crate) fn each_stmt<'m>(block: &'m Block, found: &mut dyn FnMut(&'m crate::ir::Stmt)) {
    for stmt in block {
        found(stmt);
        each_inner(stmt, &mut |block| each_stmt(block, found));
    }
}

/// Calls that take functions whose code matters to configuration rules: routes, middleware, listeners.
fn takes_middleware(api: &str) -> bool {
    const LAST: [&str; 32] = [
        "use",
        "get",
        "post",
        "put",
        "patch",
        "delete",
        "all",
        "options",
        "route",
        "on",
        "createServer",
        "serve",
        "add_middleware",
        "addMiddleware",
        "Middleware",
        "addHook",
        "register",
        "Mount",
        "Route",
        "add_route",
        "custom_route",
        "middleware",
        "FastMCP",
        "Starlette",
        "HTTPServer",
        "ThreadingHTTPServer",
        "TCPServer",
        "start",
        "run",
        "run_async",
        "run_http_async",
        "http_app",
    ];
    let last = api.rsplit(['.', '/']).next().unwrap_or(api);
    LAST.contains(&last) || last.ends_with("Transport") || api.starts_with("uvicorn.")
}

/// Whether a call starts a server, which is worth another look with other arguments.
fn starts_server(api: &str) -> bool {
    const RUN: [&str; 6] = ["FastMCP()", "MCPServer()", "uvicorn.", "hypercorn.", "flask.Flask()", "werkzeug.serving."];
    match api.rsplit(['.', '/']).next().unwrap_or(api) {
        "listen" | "run_app" => true,
        "run" | "run_async" | "run_http_async" | "start" | "serve" => RUN.iter().any(|server| api.contains(server)),
        _ => false,
    }
}

impl Interp<'_> {
    /// Keeps what configuration rules ask of a call. Now and not at the end: objects of a handler's run are gone then.
    pub(crate) fn record_call(&mut self, api: ApiId, on: Option<ObjId>, span: Span, args: &Args, result: &Val) {
        self.found.met.call(api);
        let at = self.here(span);
        let seen = self.found.recorded.entry((at, api)).or_insert(0);
        *seen += 1;
        if *seen > MAX_PER_PLACE {
            return;
        }
        self.found.is_calls_cut |= self.found.calls.len() >= MAX_CALLS || self.found.call_parts >= MAX_ALL_PARTS;
        if self.found.calls.len() >= MAX_CALLS {
            return;
        }
        let name = self.apis.name(api);
        // What a handler listens for while it is tried is not the server.
        self.found.starts += usize::from(self.trials == 0 && starts_server(&name));
        let follow = takes_middleware(&name);
        let before = self.found.call_parts;
        let mut parts = MAX_PARTS.min(MAX_ALL_PARTS.saturating_sub(before));
        let given = parts;
        let reduced = args.pos.iter().map(|value| self.arg_info(value, 0, follow, &mut parts)).collect();
        let named = args
            .named
            .iter()
            .map(|(name, value)| (name.as_str().to_owned(), self.arg_info(value, 0, follow, &mut parts)))
            .collect();
        let (state_args, state) = match on {
            Some(on) if !matches!(self.store.obj(on).kind, ObjKind::Array | ObjKind::Set) => {
                self.made_with(on, 1, follow, &mut parts)
            }
            _ => Default::default(),
        };
        let made = match result.kind {
            Kind::Api(_, Some(id)) => Some(id.0),
            _ => None,
        };
        let is_open = args.rest.is_some() || args.named_rest.is_some();
        let call = CallInfo {
            api: name.to_string(),
            at,
            args: reduced,
            named,
            on: on.map(|id| id.0),
            made,
            state_args,
            state,
            is_open,
            in_handler: self.found.is_running_handler,
            tool: self.found.tool,
        };
        self.found.call_parts = before + given - parts;
        self.found.calls.push(call);
    }

    /// Arguments that something external was made with, and its fields.
    fn made_with(
        &mut self,
        id: ObjId,
        depth: usize,
        follow: bool,
        parts: &mut usize,
    ) -> (Vec<ArgInfo>, Vec<(String, ArgInfo)>) {
        let obj = self.store.obj_rc(id);
        let args = obj.items.iter().map(|value| self.arg_info(value, depth + 1, follow, parts)).collect();
        let fields = obj
            .fields
            .iter()
            .take(48)
            .map(|(name, value)| {
                let name = name.as_str().trim_start_matches('$').to_owned();
                (name, self.arg_info(value, depth + 1, follow, parts))
            })
            .collect();
        (args, fields)
    }

    fn arg_info(&mut self, value: &Val, depth: usize, follow: bool, parts: &mut usize) -> ArgInfo {
        if depth > 5 || *parts == 0 {
            return ArgInfo::Unknown;
        }
        *parts -= 1;
        if let Some(text) = value.literal() {
            return ArgInfo::Text(text.to_owned());
        }
        match &value.kind {
            Kind::Undefined | Kind::Null => ArgInfo::Null,
            Kind::Bool(Some(flag)) => ArgInfo::Bool(*flag),
            Kind::Bool(None) => match self.condition(value).by_default {
                Some(usual) => ArgInfo::OneOf(vec![ArgInfo::Bool(usual), ArgInfo::Bool(!usual)]),
                None => ArgInfo::Unknown,
            },
            Kind::Num(Some(number)) => ArgInfo::Number(*number),
            Kind::Str => match value.literals() {
                Some(texts) => ArgInfo::OneOf(texts.iter().map(|text| ArgInfo::Text(text.to_string())).collect()),
                None => self.held(value),
            },
            Kind::Method(_) => self.held(value),
            Kind::Fn(_) | Kind::Bound(_) => ArgInfo::Function(self.facts_of(value, follow)),
            Kind::Api(api, None) => ArgInfo::Api(self.apis.name(*api).to_string()),
            Kind::Api(api, Some(id)) => {
                let (args, fields) = self.made_with(*id, depth, follow, parts);
                ArgInfo::Made(Box::new(Made { api: self.apis.name(*api).to_string(), id: id.0, args, fields }))
            }
            Kind::Union(values) => {
                let values = values.clone();
                ArgInfo::OneOf(values.iter().map(|value| self.arg_info(value, depth + 1, follow, parts)).collect())
            }
            Kind::Obj(id) => {
                let obj = self.store.obj_rc(*id);
                match obj.kind {
                    _ if obj.is_sequence() => ArgInfo::List(
                        obj.items.iter().map(|value| self.arg_info(value, depth + 1, follow, parts)).collect(),
                    ),
                    ObjKind::Plain | ObjKind::Dict => ArgInfo::Record(
                        obj.fields
                            .iter()
                            .take(64)
                            .map(|(name, value)| {
                                let value = obj.where_there(*name, value);
                                (name.as_str().to_owned(), self.arg_info(&value, depth + 1, follow, parts))
                            })
                            .collect(),
                    ),
                    ObjKind::Class(_) | ObjKind::Instance(_) if follow => {
                        ArgInfo::Function(self.facts_of(value, follow))
                    }
                    _ => ArgInfo::Unknown,
                }
            }
            _ => ArgInfo::Unknown,
        }
    }

    /// What is known of a text that is no constant.
    fn held(&self, value: &Val) -> ArgInfo {
        let credentials = self.credentials(value);
        if credentials.is_empty() { ArgInfo::Unknown } else { ArgInfo::Holds(credentials.into_iter().collect()) }
    }

    /// What a function or the methods of a class decide on; empty unless asked to follow.
    fn facts_of(&mut self, value: &Val, follow: bool) -> Arc<FunctionFacts> {
        if !follow {
            return Arc::default();
        }
        let mut all = FunctionFacts::default();
        let mut seen: BTreeSet<(ModId, FuncId)> = BTreeSet::new();
        let mut queue = vec![value.clone()];
        let mut asked: Vec<bool> = Vec::new();
        while let Some(value) = queue.pop() {
            if seen.len() >= MAX_FOLLOWED {
                break;
            }
            match &value.kind {
                Kind::Fn(id) => asked.extend(self.follow(*id, &mut all, &mut seen, &mut queue)),
                Kind::Bound(bound) => queue.extend([bound.0.clone(), bound.1.clone()]),
                Kind::Obj(id) => {
                    let class = match self.store.obj(*id).kind {
                        ObjKind::Instance(class) => class,
                        _ => *id,
                    };
                    let is_static = |value: &&Val| matches!(value.kind, Kind::Fn(_));
                    queue.extend(self.store.obj(class).fields.values().filter(is_static).cloned());
                    if let Some(class) = self.class_val(class) {
                        queue.extend(class.methods.values().cloned());
                        queue.extend(class.bases.iter().filter(|base| matches!(base.kind, Kind::Obj(_))).cloned());
                    }
                }
                _ => {}
            }
        }
        all.is_off_by_default |= !asked.is_empty() && !asked.contains(&true);
        Arc::new(all)
    }

    /// What a test inside a function comes to unless the administrator configures something; none when it asks for
    /// anything else.
    fn usual_outcome(&mut self, closure: &Closure, test: ExprId, depth: usize) -> Option<bool> {
        let module = self.program.module(closure.module);
        match module.expr(test) {
            _ if depth > 6 => None,
            Expr::Unary(UnaryOp::Not, operand) => self.usual_outcome(closure, *operand, depth + 1).map(|value| !value),
            Expr::Logical(op, left, right) => {
                let decides = match op {
                    LogicalOp::And => false,
                    LogicalOp::Or => true,
                    LogicalOp::Coalesce => return None,
                };
                let sides = [*left, *right].map(|side| self.usual_outcome(closure, side, depth + 1));
                match sides {
                    [Some(value), _] | [_, Some(value)] if value == decides => Some(decides),
                    [Some(_), Some(_)] => Some(!decides),
                    _ => None,
                }
            }
            Expr::Binary(op @ (BinaryOp::Eq | BinaryOp::NotEq), left, right) => {
                let (a, b) = (self.setting(closure, *left, depth)?, self.setting(closure, *right, depth)?);
                if self.is_required(&a) && (b.is_nullish() || b.literal() == Some("")) {
                    return Some(*op == BinaryOp::NotEq);
                }
                let equal = self.compare(BinaryOp::Eq, &a, &b, module.span(test));
                let usual = equal.truth().or(self.condition(&equal).by_default)?;
                Some(usual == (*op == BinaryOp::Eq))
            }
            _ => {
                let value = self.setting(closure, test, depth)?;
                if self.is_required(&value) {
                    return Some(true);
                }
                value.truth().or(self.condition(&value).by_default)
            }
        }
    }

    /// Whether the program ends where a setting is not made.
    fn is_required(&self, value: &Val) -> bool {
        let is_it = |one: &Val| matches!(one.kind, Kind::Api(api, _) if self.found.required.contains(&api));
        value.alternatives().iter().any(is_it)
    }

    /// Whether a gate asks for a credential, and nobody has to configure something for that.
    fn is_shut(&mut self, closure: &Closure, gate: &Gate) -> bool {
        let is_on = |interp: &mut Self, switch: &ExprId| match interp.usual_outcome(closure, *switch, 0) {
            Some(usual) => usual,
            None => interp.is_there_usually(closure, *switch),
        };
        if !gate.switches.iter().all(|switch| is_on(self, switch)) {
            return false;
        }
        gate.asks
            || gate.callees.iter().any(|callee| {
                let Some(function) = self.setting(closure, *callee, 0) else { return false };
                self.facts_of(&function, true).decides_on.contains("credential")
            })
    }

    /// Whether a test asks only that a setting is there, which the program makes up where nobody makes it.
    fn is_there_usually(&mut self, closure: &Closure, test: ExprId) -> bool {
        let module = self.program.module(closure.module);
        let asked = match module.expr(test) {
            Expr::Binary(BinaryOp::NotEq, left, right)
                if matches!(module.expr(*right), Expr::Null | Expr::Undefined) =>
            {
                *left
            }
            Expr::Var(_) | Expr::Member { .. } | Expr::Import(..) => test,
            _ => return false,
        };
        self.setting(closure, asked, 0).is_some_and(|value| value.alternatives().iter().any(|one| self.is_made_up(one)))
    }

    /// Whether a value is random, or a text that the program puts something of its own into.
    fn is_made_up(&self, value: &Val) -> bool {
        if let Kind::Api(api, _) = &value.kind {
            let name = self.apis.name(*api).to_ascii_lowercase();
            return ["random", "uuid", "nanoid", "secrets."].iter().any(|word| name.contains(word));
        }
        let parts = value.text.as_deref().map_or(&[][..], |text| &text.parts[..]);
        parts.iter().any(|part| match part {
            Part::Lit(text) => !text.is_empty(),
            Part::Hole(hole) => self.is_made_up(hole),
        })
    }

    /// The value of an expression that reads nothing of the function's own.
    fn setting(&mut self, closure: &Closure, id: ExprId, depth: usize) -> Option<Val> {
        let module = self.program.module(closure.module);
        match module.expr(id) {
            _ if depth > 6 => None,
            Expr::Str(text) => Some(Val::arc_str(text.clone())),
            Expr::Bool(value) => Some(Val::bool(*value)),
            Expr::Null => Some(Val::null()),
            Expr::Undefined => Some(Val::undefined()),
            Expr::Var(Var::Capture(index)) => {
                closure.captures.get(*index as usize).map(|cell| self.store.cell(*cell).clone())
            }
            Expr::Var(Var::Global(name)) => Some(self.global(*name)),
            Expr::Import(import, name) => Some(self.import(closure.module, *import, *name, 0)),
            Expr::Member { object, name, .. } => {
                let object = self.setting(closure, *object, depth + 1)?;
                Some(self.get_member(&object, *name, module.span(id)))
            }
            _ => None,
        }
    }

    /// Adds what a function decides on, and follows what it uses; whether it asks for a credential without being
    /// configured to, if it refuses for one at all.
    fn follow(
        &mut self,
        id: FnId,
        all: &mut FunctionFacts,
        seen: &mut BTreeSet<(ModId, FuncId)>,
        queue: &mut Vec<Val>,
    ) -> Option<bool> {
        let closure = self.store.closure(id).clone();
        if !seen.insert((closure.module, closure.func)) {
            return None;
        }
        let key = (closure.module, closure.func);
        let program = self.program;
        let module = program.module(closure.module);
        let own = match self.found.function_facts.get(&key) {
            Some(known) => known.clone(),
            None => {
                let read = Arc::new(Reader::new(module, closure.func).read());
                self.found.function_facts.insert(key, read.clone());
                read
            }
        };
        all.add(&own.facts);
        let skips = |interp: &mut Self, skip: &Skip| interp.usual_outcome(&closure, skip.test, 0) == Some(skip.when);
        all.is_off_by_default |= own.skips.iter().any(|skip| skips(self, skip));
        if seen.len() == 1 {
            all.asks_first = own.gates.iter().any(|gate| self.is_shut(&closure, gate));
        }
        let captured: Vec<Val> = closure.captures.iter().map(|cell| self.store.cell(*cell).clone()).collect();
        queue.extend(captured.into_iter().filter(|value| matches!(value.kind, Kind::Fn(_) | Kind::Bound(_))));
        queue.extend(closure.this.iter().cloned());
        for (import, name) in &own.imports {
            let value = self.import(closure.module, *import, *name, 0);
            if matches!(value.kind, Kind::Fn(_)) {
                queue.push(value);
            }
        }
        let refuses = own.facts.refuses && own.facts.decides_on.contains("credential");
        refuses.then(|| !own.switches.as_ref().is_some_and(|questions| self.are_off(&closure, questions)))
    }

    /// Whether every question stands behind a setting that nobody makes.
    fn are_off(&mut self, closure: &Closure, questions: &[Vec<ExprId>]) -> bool {
        questions
            .iter()
            .all(|switches| switches.iter().any(|switch| self.usual_outcome(closure, *switch, 0) == Some(false)))
    }
}
