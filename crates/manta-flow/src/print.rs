//! The IR as text, for golden tests and for people.
//!
//! The notation is compact and stable, close to the source languages: `%n` is a local slot, `^n` a captured variable,
//! `@name` a global, `import(m).name` an imported binding, `fn n` a closure and `class n` a class value. Functions and
//! classes are printed once each, in the order of their ids.

use std::fmt::Write as _;

use crate::ir::{
    Arg, ArgKind, BinaryOp, Block, Captured, Class, CompClause, CompKind, Export, Expr, ExprId, Func, ImportId,
    ImportName, Key, LogicalOp, Member, MemberKind, Module, Param, ParamKind, Pat, Prop, SeqKind, Stmt, StmtKind,
    UnaryOp, Var,
};

/// Prints a whole module. Deep nesting is printed recursively, so this is for modules from tests and tools.
#[must_use]
pub fn print(module: &Module) -> String {
    let mut printer = Printer { module, out: String::new(), indent: 0 };
    printer.module();
    printer.out
}

struct Printer<'m> {
    module: &'m Module,
    out: String,
    indent: usize,
}

impl Printer<'_> {
    fn module(&mut self) {
        let module = self.module;
        for import in &module.imports {
            let kind = if import.type_only { "import type" } else { "import" };
            self.line(&format!("{kind} {:?}", import.request));
        }
        if let Some(slots) = module.commonjs {
            self.line(&format!("commonjs module=%{} exports=%{}", slots.module, slots.exports));
        }
        for export in &module.exports {
            let text = self.export(export);
            self.line(&text);
        }
        for (index, class) in module.classes.iter().enumerate() {
            self.class(index, class);
        }
        for (index, func) in module.funcs.iter().enumerate() {
            self.func(index, func);
        }
    }

    fn line(&mut self, text: &str) {
        let _ = writeln!(self.out, "{:1$}{text}", "", self.indent * 2);
    }

    fn export(&self, export: &Export) -> String {
        match export {
            Export::Local { name, slot } => format!("export {name} = %{slot}"),
            Export::From { name, import, imported } => {
                format!("export {name} = {}", self.import(*import, *imported))
            }
            Export::Star { import } => format!("export * = {}", self.import(*import, ImportName::Namespace)),
        }
    }

    fn import(&self, import: ImportId, name: ImportName) -> String {
        let request = &self.module.imports[import.0 as usize].request;
        match name {
            ImportName::Namespace => format!("import({request})"),
            ImportName::Default => format!("import({request}).default"),
            ImportName::Named(name) => format!("import({request}).{name}"),
        }
    }

    fn class(&mut self, index: usize, class: &Class) {
        let mut head = format!("class {index}");
        if let Some(name) = class.name {
            let _ = write!(head, " {name}");
        }
        let mut bases: Vec<_> = class.bases.iter().map(|base| self.expr(*base)).collect();
        bases.extend(class.keywords.iter().map(|(name, value)| format!("{name}={}", self.expr(*value))));
        if !bases.is_empty() {
            let _ = write!(head, " extends {}", bases.join(", "));
        }
        for decorator in &class.decorators {
            let decorator = self.expr(*decorator);
            self.line(&format!("@{decorator}"));
        }
        self.line(&(head + ":"));
        self.indent += 1;
        self.doc(class.doc.as_deref());
        for member in &class.members {
            self.member(member);
        }
        self.indent -= 1;
    }

    fn member(&mut self, member: &Member) {
        for decorator in &member.decorators {
            let decorator = self.expr(*decorator);
            self.line(&format!("@{decorator}"));
        }
        let kind = match member.kind {
            MemberKind::Method => "method",
            MemberKind::StaticMethod => "static method",
            MemberKind::ClassMethod => "class method",
            MemberKind::Getter => "get",
            MemberKind::Setter => "set",
            MemberKind::StaticGetter => "static get",
            MemberKind::StaticSetter => "static set",
            MemberKind::Field => "field",
            MemberKind::StaticField => "static field",
            MemberKind::StaticBlock => "static block",
        };
        let mut text = format!("{kind} {}", self.key(member.key));
        if let Some(annotation) = member.annotation {
            let _ = write!(text, ": {}", self.expr(annotation));
        }
        if let Some(value) = member.value {
            let _ = write!(text, " = {}", self.expr(value));
        }
        if let Some(func) = member.func {
            let _ = write!(text, " = fn {}", func.0);
        }
        self.line(text.trim_end());
    }

    fn func(&mut self, index: usize, func: &Func) {
        let mut head = String::new();
        for (on, word) in [(func.is_async, "async "), (func.is_generator, "generator "), (func.is_arrow, "arrow ")] {
            if on {
                head.push_str(word);
            }
        }
        let _ = write!(head, "fn {index}");
        if let Some(name) = func.name {
            let _ = write!(head, " {name}");
        }
        let params: Vec<_> = func.params.iter().map(|param| self.param(param)).collect();
        let _ = write!(head, "({})", params.join(", "));
        if !func.captures.is_empty() {
            let captures: Vec<_> = func.captures.iter().map(|captured| captured_text(*captured)).collect();
            let _ = write!(head, " captures [{}]", captures.join(", "));
        }
        if let Some(slot) = func.arguments {
            let _ = write!(head, " arguments=%{slot}");
        }
        if let Some(returns) = func.returns {
            let _ = write!(head, " -> {}", self.expr(returns));
        }
        self.line(&(head + ":"));
        self.indent += 1;
        self.doc(func.doc.as_deref());
        self.block(&func.body);
        self.indent -= 1;
    }

    fn doc(&mut self, doc: Option<&str>) {
        if let Some(doc) = doc {
            self.line(&format!("doc {doc:?}"));
        }
    }

    fn param(&self, param: &Param) -> String {
        let mut text = match param.kind {
            ParamKind::Normal => String::new(),
            ParamKind::Rest => "...".to_owned(),
            ParamKind::KeywordOnly => "key ".to_owned(),
            ParamKind::KeywordRest => "**".to_owned(),
        };
        if param.is_property {
            text.push_str("this.");
        }
        text.push_str(&self.pat(&param.pat));
        if let Some(name) = param.name {
            let _ = write!(text, " {name}");
        }
        if let Some(annotation) = param.annotation {
            let _ = write!(text, ": {}", self.expr(annotation));
        }
        if let Some(default) = param.default {
            let _ = write!(text, " = {}", self.expr(default));
        }
        text
    }

    // ---- statements ------------------------------------------------------------------------------------------

    fn block(&mut self, block: &Block) {
        for stmt in block {
            self.stmt(stmt);
        }
    }

    fn nested(&mut self, head: &str, block: &Block) {
        self.line(head);
        self.indent += 1;
        self.block(block);
        self.indent -= 1;
    }

    fn nested_unless_empty(&mut self, head: &str, block: &Block) {
        if !block.is_empty() {
            self.nested(head, block);
        }
    }

    fn stmt(&mut self, stmt: &Stmt) {
        match &stmt.kind {
            StmtKind::Expr(value) => self.line_expr("", *value),
            StmtKind::Let { pat, value } => {
                let value = value.map_or_else(|| "undefined".to_owned(), |value| self.expr(value));
                let text = format!("let {} = {value}", self.pat(pat));
                self.line(&text);
            }
            StmtKind::If { test, then, otherwise } => {
                let test = self.expr(*test);
                self.nested(&format!("if {test}:"), then);
                self.nested_unless_empty("else:", otherwise);
            }
            StmtKind::Switch { value, cases } => {
                self.line_expr("switch ", *value);
                for (test, body) in cases {
                    let head = test.map_or_else(|| "default:".to_owned(), |test| format!("case {}:", self.expr(test)));
                    self.nested(&head, body);
                }
            }
            StmtKind::While { .. } | StmtKind::ForEach { .. } => self.loop_stmt(stmt),
            StmtKind::Return(value) => self.line_optional("return", *value),
            StmtKind::Throw(value) => self.line_optional("throw", *value),
            StmtKind::Break(label) => self.line(&label.map_or("break".to_owned(), |label| format!("break {label}"))),
            StmtKind::Continue(label) => {
                self.line(&label.map_or("continue".to_owned(), |label| format!("continue {label}")));
            }
            StmtKind::Block(body) => self.nested("block:", body),
            StmtKind::Labeled(label, body) => self.nested(&format!("label {label}:"), body),
            StmtKind::Try { body, handlers, otherwise, finally } => {
                self.nested("try:", body);
                for handler in handlers {
                    let types: Vec<_> = handler.types.iter().map(|ty| self.expr(*ty)).collect();
                    let mut head = format!("catch {}", types.join(", "));
                    if let Some(pat) = &handler.pat {
                        let _ = write!(head, " as {}", self.pat(pat));
                    }
                    self.nested(&format!("{}:", head.trim_end().replace("  ", " ")), &handler.body);
                }
                self.nested_unless_empty("else:", otherwise);
                self.nested_unless_empty("finally:", finally);
            }
            StmtKind::Assert(value) => self.line_expr("assert ", *value),
            StmtKind::ImportStar(import) => {
                let text = format!("from {} import *", self.import(*import, ImportName::Namespace));
                self.line(&text);
            }
            StmtKind::ImportEffect(import) => {
                let text = format!("run {}", self.import(*import, ImportName::Namespace));
                self.line(&text);
            }
        }
    }

    fn loop_stmt(&mut self, stmt: &Stmt) {
        match &stmt.kind {
            StmtKind::While { test, body, update, test_first, otherwise, fresh } => {
                let mut head = if *test_first { "while".to_owned() } else { "do while".to_owned() };
                let test = test.map_or_else(|| "true".to_owned(), |test| self.expr(test));
                let _ = write!(head, " {test}");
                if let Some(update) = update {
                    let _ = write!(head, " step {}", self.expr(*update));
                }
                self.nested(&format!("{head}{}:", fresh_text(fresh)), body);
                self.nested_unless_empty("else:", otherwise);
            }
            StmtKind::ForEach { pat, iter, keys, body, otherwise, fresh } => {
                let word = if *keys { "in" } else { "of" };
                let head = format!("for {} {word} {}{}:", self.pat(pat), self.expr(*iter), fresh_text(fresh));
                self.nested(&head, body);
                self.nested_unless_empty("else:", otherwise);
            }
            _ => {}
        }
    }

    fn line_expr(&mut self, word: &str, value: ExprId) {
        let text = format!("{word}{}", self.expr(value));
        self.line(&text);
    }

    fn line_optional(&mut self, word: &str, value: Option<ExprId>) {
        match value {
            Some(value) => self.line_expr(&format!("{word} "), value),
            None => self.line(word),
        }
    }

    // ---- patterns --------------------------------------------------------------------------------------------

    fn pat(&self, pat: &Pat) -> String {
        match pat {
            Pat::Var(var) => var_text(*var),
            Pat::Member(object, name) => format!("{}.{name}", self.operand(*object)),
            Pat::Index(object, index) => format!("{}[{}]", self.operand(*object), self.expr(*index)),
            Pat::Object { fields, rest } => {
                let mut parts: Vec<_> = fields
                    .iter()
                    .map(|(key, target, default)| {
                        format!("{}: {}", self.key(*key), self.pat_with_default(target, *default))
                    })
                    .collect();
                parts.extend(rest.iter().map(|rest| format!("...{}", self.pat(rest))));
                format!("{{{}}}", parts.join(", "))
            }
            Pat::Array { items, rest } => {
                let mut parts: Vec<_> = items
                    .iter()
                    .map(|item| {
                        item.as_ref().map_or(String::new(), |(target, default)| self.pat_with_default(target, *default))
                    })
                    .collect();
                if let Some((position, rest)) = rest {
                    parts.insert((*position).min(parts.len()), format!("...{}", self.pat(rest)));
                }
                format!("[{}]", parts.join(", "))
            }
            Pat::Ignore => "_".to_owned(),
        }
    }

    fn pat_with_default(&self, pat: &Pat, default: Option<ExprId>) -> String {
        match default {
            Some(default) => format!("{} = {}", self.pat(pat), self.expr(default)),
            None => self.pat(pat),
        }
    }

    fn key(&self, key: Key) -> String {
        match key {
            Key::Static(name) => name.to_string(),
            Key::Computed(value) => format!("[{}]", self.expr(value)),
        }
    }

    // ---- expressions -----------------------------------------------------------------------------------------

    /// An expression in parentheses where it would be ambiguous.
    fn operand(&self, id: ExprId) -> String {
        let text = self.expr(id);
        let compound = matches!(
            self.module.expr(id),
            Expr::Binary(..)
                | Expr::Logical(..)
                | Expr::Conditional(..)
                | Expr::Assign { .. }
                | Expr::AugAssign { .. }
                | Expr::LogicalAssign { .. }
                | Expr::Unary(..)
                | Expr::Await(_)
                | Expr::Yield { .. }
                | Expr::Func(_)
                | Expr::Class(_)
        );
        if compound { format!("({text})") } else { text }
    }

    fn list(&self, ids: &[ExprId]) -> String {
        ids.iter().map(|id| self.expr(*id)).collect::<Vec<_>>().join(", ")
    }

    fn expr(&self, id: ExprId) -> String {
        match self.module.expr(id) {
            Expr::Undefined => "undefined".to_owned(),
            Expr::Null => "null".to_owned(),
            Expr::Bool(value) => value.to_string(),
            Expr::Num(value) => value.to_string(),
            Expr::Str(text) => format!("{text:?}"),
            Expr::Regex { pattern, flags } => format!("/{pattern}/{flags}"),
            Expr::Template(parts) => format!("template({})", self.list(parts)),
            Expr::Tagged { tag, parts } => format!("{} tagged({})", self.operand(*tag), self.list(parts)),
            Expr::Var(var) => var_text(*var),
            Expr::Import(import, name) => self.import(*import, *name),
            Expr::This => "this".to_owned(),
            Expr::Super => "super".to_owned(),
            Expr::SuperOf { class, object } => format!("super({}, {})", self.operand(*class), self.operand(*object)),
            Expr::Member { object, name, optional } => {
                format!("{}{}{name}", self.operand(*object), if *optional { "?." } else { "." })
            }
            Expr::Index { object, index } => format!("{}[{}]", self.operand(*object), self.expr(*index)),
            Expr::Slice { object, lower, upper, step } => {
                let part = |id: &Option<ExprId>| id.map_or_else(String::new, |id| self.expr(id));
                format!("{}[{}:{}:{}]", self.operand(*object), part(lower), part(upper), part(step))
            }
            Expr::Call { callee, args, is_new, optional } => self.call(*callee, args, *is_new, *optional),
            Expr::DynamicImport(source) => format!("import({})", self.expr(*source)),
            Expr::Object { props, is_dict } => self.object(props, *is_dict),
            Expr::Seq { kind, items } => self.seq(*kind, items),
            Expr::Comprehension { kind, element, value, clauses } => {
                self.comprehension(*kind, *element, *value, clauses)
            }
            Expr::Func(func) => format!("fn {}", func.0),
            Expr::Class(class) => format!("class {}", class.0),
            other => self.operator(other),
        }
    }

    fn operator(&self, expr: &Expr) -> String {
        match expr {
            Expr::Unary(op, value) => format!("{}{}", unary_text(*op), self.operand(*value)),
            Expr::Binary(op, left, right) => {
                format!("{} {} {}", self.operand(*left), binary_text(*op), self.operand(*right))
            }
            Expr::Logical(op, left, right) => {
                format!("{} {} {}", self.operand(*left), logical_text(*op), self.operand(*right))
            }
            Expr::Conditional(test, yes, no) => {
                format!("{} ? {} : {}", self.operand(*test), self.operand(*yes), self.operand(*no))
            }
            Expr::Assign { target, value } => format!("{} = {}", self.pat(target), self.expr(*value)),
            Expr::AugAssign { op, target, value, .. } => {
                format!("{} {}= {}", self.pat(target), binary_text(*op), self.expr(*value))
            }
            Expr::LogicalAssign { op, target, value, .. } => {
                format!("{} {}= {}", self.pat(target), logical_text(*op), self.expr(*value))
            }
            Expr::Await(value) => format!("await {}", self.operand(*value)),
            Expr::Yield { value, delegate } => {
                let value = value.map_or_else(String::new, |value| self.operand(value));
                format!("yield{} {value}", if *delegate { "*" } else { "" }).trim_end().to_owned()
            }
            Expr::Sequence(values) => format!("seq({})", self.list(values)),
            Expr::Enter(value) => format!("enter({})", self.expr(*value)),
            Expr::Decorated { decorator, target } => {
                format!("decorated({}, {})", self.expr(*decorator), self.expr(*target))
            }
            Expr::Opaque(parts) => format!("opaque({})", self.list(parts)),
            _ => "?".to_owned(),
        }
    }

    fn call(&self, callee: ExprId, args: &[Arg], is_new: bool, optional: bool) -> String {
        let args: Vec<_> = args
            .iter()
            .map(|arg| {
                let value = self.expr(arg.value);
                match arg.kind {
                    ArgKind::Positional => value,
                    ArgKind::Spread => format!("...{value}"),
                    ArgKind::Named(name) => format!("{name}={value}"),
                    ArgKind::SpreadNamed => format!("**{value}"),
                }
            })
            .collect();
        let new = if is_new { "new " } else { "" };
        format!("{new}{}{}({})", self.operand(callee), if optional { "?." } else { "" }, args.join(", "))
    }

    fn object(&self, props: &[Prop], is_dict: bool) -> String {
        let props: Vec<_> = props
            .iter()
            .map(|prop| match prop {
                Prop::Init(key, value) => format!("{}: {}", self.key(*key), self.expr(*value)),
                Prop::Spread(value) => format!("...{}", self.expr(*value)),
                Prop::Getter(key, func) => format!("get {} = fn {}", self.key(*key), func.0),
                Prop::Setter(key, func) => format!("set {} = fn {}", self.key(*key), func.0),
            })
            .collect();
        format!("{}{{{}}}", if is_dict { "dict" } else { "" }, props.join(", "))
    }

    fn seq(&self, kind: SeqKind, items: &[(ExprId, bool)]) -> String {
        let items: Vec<_> = items
            .iter()
            .map(|(value, spread)| format!("{}{}", if *spread { "..." } else { "" }, self.expr(*value)))
            .collect();
        let word = match kind {
            SeqKind::List => "",
            SeqKind::Tuple => "tuple",
            SeqKind::Set => "set",
        };
        format!("{word}[{}]", items.join(", "))
    }

    fn comprehension(&self, kind: CompKind, element: ExprId, value: Option<ExprId>, clauses: &[CompClause]) -> String {
        let word = match kind {
            CompKind::List => "list",
            CompKind::Set => "set",
            CompKind::Dict => "dict",
            CompKind::Generator => "generator",
        };
        let mut text = format!("{word}({}", self.expr(element));
        if let Some(value) = value {
            let _ = write!(text, ": {}", self.expr(value));
        }
        for clause in clauses {
            let _ = write!(text, " for {} in {}", self.pat(&clause.pat), self.expr(clause.iter));
            for condition in &clause.conditions {
                let _ = write!(text, " if {}", self.expr(*condition));
            }
        }
        text + ")"
    }
}

fn fresh_text(fresh: &[u32]) -> String {
    if fresh.is_empty() {
        return String::new();
    }
    let slots: Vec<_> = fresh.iter().map(|slot| format!("%{slot}")).collect();
    format!(" fresh [{}]", slots.join(", "))
}

fn captured_text(captured: Captured) -> String {
    match captured {
        Captured::Local(slot) => format!("%{slot}"),
        Captured::Capture(index) => format!("^{index}"),
    }
}

fn var_text(var: Var) -> String {
    match var {
        Var::Local(slot) => format!("%{slot}"),
        Var::Capture(index) => format!("^{index}"),
        Var::Global(name) => format!("@{name}"),
    }
}

fn unary_text(op: UnaryOp) -> &'static str {
    match op {
        UnaryOp::Not => "!",
        UnaryOp::Neg => "-",
        UnaryOp::Plus => "+",
        UnaryOp::BitNot => "~",
        UnaryOp::TypeOf => "typeof ",
        UnaryOp::Void => "void ",
        UnaryOp::Delete => "delete ",
    }
}

fn binary_text(op: BinaryOp) -> &'static str {
    match op {
        BinaryOp::Add => "+",
        BinaryOp::Sub => "-",
        BinaryOp::Mul => "*",
        BinaryOp::Div => "/",
        BinaryOp::Mod => "%",
        BinaryOp::Pow => "**",
        BinaryOp::FloorDiv => "//",
        BinaryOp::BitAnd => "&",
        BinaryOp::BitOr => "|",
        BinaryOp::BitXor => "^",
        BinaryOp::Shl => "<<",
        BinaryOp::Shr => ">>",
        BinaryOp::Eq => "==",
        BinaryOp::NotEq => "!=",
        BinaryOp::Lt => "<",
        BinaryOp::LtEq => "<=",
        BinaryOp::Gt => ">",
        BinaryOp::GtEq => ">=",
        BinaryOp::In => "in",
        BinaryOp::NotIn => "not in",
        BinaryOp::InstanceOf => "instanceof",
        BinaryOp::Is => "is",
        BinaryOp::IsNot => "is not",
    }
}

fn logical_text(op: LogicalOp) -> &'static str {
    match op {
        LogicalOp::And => "&&",
        LogicalOp::Or => "||",
        LogicalOp::Coalesce => "??",
    }
}
