//! A value in a list of arguments that the program may read as an option.

use manta_core::{Fix, Safety};
use manta_flow::ir::{Expr, ExprId};

use super::{Code, end_of_options};

/// Puts the end of the options before the first operand that is not constant, if no constant option comes behind it.
pub(super) fn repair(code: &Code<'_>) -> Option<Fix> {
    let (call, items) = code.calls().find_map(|call| {
        let items = call.args.iter().find_map(|arg| match code.module.expr(arg.value) {
            Expr::Seq { items, .. } if !items.is_empty() => Some(items),
            _ => None,
        })?;
        Some((call, items))
    })?;
    let option = |id: ExprId| matches!(code.module.expr(id), Expr::Str(text) if text.starts_with('-'));
    let constant = |id: ExprId| matches!(code.module.expr(id), Expr::Str(_));
    // Python's list begins with the program.
    let first = usize::from(code.is_python());
    let at = (first..items.len()).find(|&at| {
        let (id, _) = items[at];
        // Behind an option stands its value.
        !constant(id) && (at == 0 || !option(items[at - 1].0))
    })?;
    if items[at..].iter().any(|(id, _)| option(*id)) {
        return None;
    }
    let text = |id: ExprId| match code.module.expr(id) {
        Expr::Str(text) => Some(&**text),
        _ => None,
    };
    let program = if code.is_python() { text(items[0].0) } else { call.args.first().and_then(|arg| text(arg.value)) };
    let command = items[first..at].iter().filter_map(|(id, _)| text(*id)).find(|word| !word.starts_with('-'));
    let end = end_of_options(program.unwrap_or_default(), command);
    let start = code.module.span(items[at].0).start;
    // A spread is written before the value.
    let spread = if items[at].1 { if code.is_python() { 1 } else { 3 } } else { 0 };
    // As its neighbours are written.
    let quotes = items.iter().filter(|(id, _)| constant(*id)).filter_map(|(id, _)| code.text(*id).chars().next());
    let quote = quotes.into_iter().find(|quote| matches!(quote, '"' | '\'')).unwrap_or('"');
    Some(Fix {
        title: format!("put `{end}` before the operands"),
        safety: Safety::Unsafe,
        reason: format!("the program has to know `{end}`, and values that start with `-` are no options any more"),
        edits: vec![code.insert(start.checked_sub(spread)?, format!("{quote}{end}{quote}, "))],
    })
}
