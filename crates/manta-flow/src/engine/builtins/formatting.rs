//! Formatted texts.

use manta_core::Span;

use crate::engine::interp::{Args, Interp};
use crate::engine::value::{Kind, Val};

impl Interp<'_> {
    /// `"… %s …" % values`.
    pub(crate) fn percent_format(&mut self, format: &Val, values: &Val, span: Span) -> Val {
        let Some(text) = format.literal().map(str::to_owned) else {
            return self.concat(&[format.clone(), values.clone()], span);
        };
        let (items, more) = match values.kind {
            Kind::Obj(id) if self.store.obj(id).is_sequence() => self.elements_of(values, span),
            _ => (vec![values.clone()], None),
        };
        let mut items = items.into_iter();
        let mut pieces = Vec::new();
        let mut rest = text.as_str();
        while let Some(at) = rest.find('%') {
            pieces.push(Val::str(&rest[..at]));
            let after = &rest[at + 1..];
            if let Some(after) = after.strip_prefix('%') {
                pieces.push(Val::str("%"));
                rest = after;
                continue;
            }
            let (key, after) = match after.strip_prefix('(').and_then(|inner| inner.split_once(')')) {
                Some((key, after)) => (Some(key), after),
                None => (None, after),
            };
            let conversion = after.find(|c: char| c.is_ascii_alphabetic()).unwrap_or(after.len().saturating_sub(1));
            let kind = after[conversion.min(after.len())..].chars().next().unwrap_or('s');
            let value = match key {
                Some(key) => self.get_index(values, &Val::str(key), span),
                None => items.next().or_else(|| more.clone()).unwrap_or_else(Val::unknown),
            };
            let value = if matches!(kind, 'd' | 'i' | 'f' | 'x' | 'g') {
                Val { taint: value.taint, step: value.step, ..Val::of(Kind::Num(None)) }
            } else {
                value
            };
            pieces.push(value);
            rest = after.get(conversion + kind.len_utf8()..).unwrap_or("");
        }
        pieces.push(Val::str(rest));
        self.concat(&pieces, span)
    }

    /// `"… {} {name} …".format(…)`.
    pub(super) fn brace_format(&mut self, format: &Val, args: &Args, span: Span) -> Val {
        let Some(text) = format.literal().map(str::to_owned) else {
            if let Some(formats) = format.literals().filter(|formats| formats.len() <= 4) {
                let results: Vec<Val> =
                    formats.iter().map(|format| self.brace_format(&Val::str(format), args, span)).collect();
                return self.join_all(results).unwrap_or_else(Val::unknown);
            }
            let mut all = vec![format.clone()];
            all.extend(args.all().cloned());
            return self.concat(&all, span);
        };
        let mut pieces = Vec::new();
        let mut rest = text.as_str();
        let mut next = 0;
        while let Some(at) = rest.find('{') {
            pieces.push(Val::str(&rest[..at].replace("}}", "}")));
            let after = &rest[at + 1..];
            if let Some(after) = after.strip_prefix('{') {
                pieces.push(Val::str("{"));
                rest = after;
                continue;
            }
            let Some((field, after)) = after.split_once('}') else { break };
            let name = field.split([':', '!']).next().unwrap_or_default();
            let head = name.split(['.', '[']).next().unwrap_or_default();
            let value = if head.is_empty() {
                next += 1;
                args.get(next - 1).cloned()
            } else if let Ok(index) = head.parse::<usize>() {
                args.get(index).cloned()
            } else {
                args.named(head).cloned().or_else(|| args.named_rest.clone())
            };
            pieces.push(value.unwrap_or_else(Val::unknown));
            rest = after;
        }
        pieces.push(Val::str(&rest.replace("}}", "}")));
        self.concat(&pieces, span)
    }
}
