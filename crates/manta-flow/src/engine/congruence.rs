//! What an operation without effects gives of the same operands is the same value, however often the program spells it
//! out: `if (!ok(id.trim())) throw …; use(id.trim())`. So it has one value number, and what a check says of the one holds for
//! the other. (The value numbering of compilers: Alpern, Wegman and Zadeck, POPL 1988.)

use crate::engine::interp::{Args, Interp};
use crate::engine::value::{Kind, Part, Val, Vn};
use crate::ir::{Lang, Symbol};

/// What identifies an operand.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Operand {
    /// A constant.
    Known(Box<str>),
    /// Any value, by its number.
    Value(Vn),
}

/// Most operands of an operation that is looked for.
const MOST: usize = 8;

impl Operand {
    fn of(value: &Val) -> Option<Self> {
        match &value.kind {
            _ if value.taint.is_none() && value.literal().is_some() => {
                value.literal().map(|text| Self::Known(text.into()))
            }
            Kind::Num(Some(number)) => Some(Self::Known(number.to_string().into())),
            Kind::Regex(regex) => Some(Self::Known(format!("/{}/{}", regex.pattern, regex.flags).into())),
            _ => (value.vn != 0).then_some(Self::Value(value.vn)),
        }
    }
}

impl Interp<'_> {
    /// The value number of what an operation gives of these operands.
    pub(crate) fn operation_vn<'v>(&mut self, name: Symbol, operands: impl IntoIterator<Item = &'v Val>) -> Vn {
        let vn = self.store.fresh_vn();
        self.known_number(name, operands.into_iter().map(Operand::of), vn)
    }

    /// The value number of a text that is put together of these parts.
    pub(crate) fn written_vn(&mut self, parts: &[Part]) -> Vn {
        let operands = parts.iter().map(|part| match part {
            Part::Lit(text) => Some(Operand::Known((&**text).into())),
            Part::Hole(value) => Operand::of(value),
        });
        let vn = self.store.fresh_vn();
        self.known_number(Symbol::new("+"), operands, vn)
    }

    /// The text that an operation gave of these operands, under the number that it had before.
    pub(crate) fn numbered<'v>(&mut self, name: Symbol, operands: impl IntoIterator<Item = &'v Val>, text: Val) -> Val {
        // What has no number is known anyway.
        let is_text = text.alternatives().iter().all(|one| matches!(one.kind, Kind::Str));
        if !is_text || text.vn == 0 || !text.is_tainted() {
            return text;
        }
        Val { vn: self.known_number(name, operands.into_iter().map(Operand::of), text.vn), ..text }
    }

    /// What a method of texts gave, under the number that it had before.
    pub(crate) fn numbered_method(&mut self, value: &Val, name: Symbol, args: &Args, result: Val) -> Val {
        let is_plain = args.named.is_empty() && args.rest.is_none() && args.named_rest.is_none();
        // What was taken off without any change is the text itself.
        let is_other = result.vn != value.vn;
        if !is_plain || !is_other || !is_text_operation(self.lang(), name.as_str()) {
            return result;
        }
        self.numbered(name, std::iter::once(value).chain(&args.pos), result)
    }

    /// The number of what the operation gave the first time, which is this one if it was never seen.
    fn known_number(&mut self, name: Symbol, operands: impl Iterator<Item = Option<Operand>>, own: Vn) -> Vn {
        let operands: Option<Vec<Operand>> = operands.take(MOST + 1).collect();
        match operands.filter(|operands| operands.len() <= MOST) {
            Some(operands) => *self.operations.entry((name, operands)).or_insert(own),
            None => own,
        }
    }
}

/// Methods of texts that give a text which depends on nothing else.
fn is_text_operation(lang: Lang, name: &str) -> bool {
    match lang {
        Lang::JavaScript => matches!(
            name,
            "trim"
                | "trimStart"
                | "trimEnd"
                | "toLowerCase"
                | "toLocaleLowerCase"
                | "toUpperCase"
                | "toLocaleUpperCase"
                | "replace"
                | "replaceAll"
                | "normalize"
                | "padStart"
                | "padEnd"
                | "repeat"
                | "charAt"
        ),
        Lang::Python => matches!(
            name,
            "strip"
                | "lstrip"
                | "rstrip"
                | "lower"
                | "casefold"
                | "upper"
                | "title"
                | "capitalize"
                | "swapcase"
                | "replace"
                | "removeprefix"
                | "removesuffix"
                | "zfill"
                | "ljust"
                | "rjust"
                | "center"
                | "expandtabs"
        ),
    }
}
