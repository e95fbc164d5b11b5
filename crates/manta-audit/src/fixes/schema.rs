//! A parameter that is any text gets a largest length.

use manta_core::{Fix, Safety, Span};
use manta_flow::ir::{Expr, ExprId, Key, Prop};

use super::Code;

/// Longest text that a repaired schema takes: the longest path that Linux has (`PATH_MAX`).
const MAX_LENGTH: u32 = 4096;

/// Bounds the parameter where the code declares it: a call of zod, a JSON schema, or a Python annotation.
pub(super) fn repair(code: &Code<'_>, param: &str) -> Option<Fix> {
    let edits = declared(code, param).or_else(|| annotated(code, param))?;
    Some(Fix {
        title: format!("bound `{param}` to {MAX_LENGTH} characters"),
        safety: Safety::Unsafe,
        reason: "longer texts are refused; a pattern or a list of values says more".to_owned(),
        edits,
    })
}

/// `{ param: z.string()… }` and `{ param: { type: "string" } }`.
fn declared(code: &Code<'_>, param: &str) -> Option<Vec<manta_core::Edit>> {
    let schema = code.exprs().find_map(|id| {
        let Expr::Object { props, .. } = code.module.expr(id) else { return None };
        let schema = member(props, param)?;
        zod_string(code, schema).or_else(|| json_string(code, schema))
    })?;
    Some(vec![code.insert(schema.0, schema.1)])
}

fn member(props: &[Prop], wanted: &str) -> Option<ExprId> {
    props.iter().find_map(|prop| match prop {
        Prop::Init(Key::Static(key), value) if key.as_str() == wanted => Some(*value),
        _ => None,
    })
}

/// Where and what to insert behind `z.string()`, however the chain goes on.
fn zod_string(code: &Code<'_>, schema: ExprId) -> Option<(u32, String)> {
    let Expr::Call { callee, args, .. } = code.module.expr(schema) else { return None };
    let Expr::Member { object, name, .. } = code.module.expr(*callee) else { return None };
    match name.as_str() {
        "string" if args.is_empty() => Some((code.module.span(schema).end, format!(".max({MAX_LENGTH})"))),
        _ => zod_string(code, *object),
    }
}

/// Where and what to insert behind `type: "string"`.
fn json_string(code: &Code<'_>, schema: ExprId) -> Option<(u32, String)> {
    let Expr::Object { props, .. } = code.module.expr(schema) else { return None };
    let ty =
        member(props, "type").filter(|ty| matches!(code.module.expr(*ty), Expr::Str(text) if &**text == "string"))?;
    let span = code.module.span(ty);
    let is_quoted = code.before(span.start).trim_end().trim_end_matches(':').trim_end().ends_with(['"', '\'']);
    let key = if is_quoted { "\"maxLength\"" } else { "maxLength" };
    Some((span.end, format!(", {key}: {MAX_LENGTH}")))
}

/// `param: str` becomes `Annotated[str, Field(max_length=…)]`.
fn annotated(code: &Code<'_>, param: &str) -> Option<Vec<manta_core::Edit>> {
    if !code.is_python() {
        return None;
    }
    // The place is the parameter's own, or that of the function's registration.
    let is_near = |span: Span| code.span.contains(span) || span.contains(code.span);
    let params = code.module.funcs.iter().filter(|func| is_near(func.span)).flat_map(|func| &func.params);
    let annotation =
        params.filter(|known| known.name.is_some_and(|name| name.as_str() == param)).find_map(|known| {
            let annotation = known.annotation?;
            (code.text(annotation) == "str").then(|| code.module.span(annotation))
        })?;
    let bounded = format!("Annotated[str, Field(max_length={MAX_LENGTH})]");
    let needed = [("typing", "Annotated"), ("pydantic", "Field")];
    let imports: String = needed
        .iter()
        .filter(|(_, name)| !imports(&code.file.text, name))
        .map(|(module, name)| format!("from {module} import {name}\n"))
        .collect();
    let mut edits = vec![code.edit(annotation, bounded)];
    if !imports.is_empty() {
        edits.push(code.insert(first_import(code)?, imports));
    }
    Some(edits)
}

/// Whether a name is imported as it is, on one line.
fn imports(text: &str, name: &str) -> bool {
    text.lines().filter_map(|line| line.strip_prefix("from ")?.split_once(" import ")).any(|(_, names)| {
        names.split(',').any(|listed| listed.trim_matches(|c: char| c.is_whitespace() || "()".contains(c)) == name)
    })
}

/// Start of the first line that imports something and may have others before it.
fn first_import(code: &Code<'_>) -> Option<u32> {
    let mut at = 0;
    for line in code.file.text.split_inclusive('\n') {
        let is_import =
            line.starts_with("import ") || line.starts_with("from ") && !line.starts_with("from __future__");
        if is_import && code.module.imports.iter().any(|import| Span::new(at, at + length(line)).contains(import.span))
        {
            return Some(at);
        }
        at += length(line);
    }
    None
}

fn length(line: &str) -> u32 {
    u32::try_from(line.len()).unwrap_or(u32::MAX)
}
