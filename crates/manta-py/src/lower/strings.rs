//! String literals: plain, bytes, formatted and template strings.

use std::fmt::Write as _;
use std::sync::Arc;

use manta_flow::ir::{Arg, ArgKind, Expr as Ir, ExprId};
use ruff_python_ast::{
    ConversionFlag, ExprBytesLiteral, ExprFString, ExprTString, FStringPart, InterpolatedElement,
    InterpolatedStringElement, InterpolatedStringElements,
};
use ruff_text_size::{Ranged, TextRange};

use super::Lowerer;

impl Lowerer<'_> {
    /// A string constant.
    pub(super) fn text(&mut self, text: &str, range: TextRange) -> ExprId {
        self.expr(Ir::Str(Arc::from(text)), range)
    }

    /// Bytes become a string of the characters U+0000 to U+00FF, one for each byte.
    pub(super) fn bytes(&mut self, bytes: &ExprBytesLiteral) -> ExprId {
        let text: String = bytes.value.bytes().map(char::from).collect();
        self.text(&text, bytes.range())
    }

    pub(super) fn f_string(&mut self, string: &ExprFString) -> ExprId {
        let mut parts = Vec::new();
        for part in &string.value {
            match part {
                FStringPart::Literal(literal) => parts.push(self.text(&literal.value, literal.range())),
                FStringPart::FString(formatted) => self.elements(&formatted.elements, &mut parts),
            }
        }
        self.expr(Ir::Template(parts), string.range())
    }

    /// A template string is not a string: whoever receives it decides what becomes of the parts.
    pub(super) fn t_string(&mut self, string: &ExprTString) -> ExprId {
        let mut parts = Vec::new();
        for part in &string.value {
            self.elements(&part.elements, &mut parts);
        }
        self.expr(Ir::Opaque(parts), string.range())
    }

    fn elements(&mut self, elements: &InterpolatedStringElements, parts: &mut Vec<ExprId>) {
        for element in elements {
            match element {
                InterpolatedStringElement::Literal(literal) => {
                    parts.push(self.text(&literal.value, literal.range()));
                }
                InterpolatedStringElement::Interpolation(value) => self.interpolation(value, parts),
            }
        }
    }

    /// `{value!r:spec}` is `format(repr(value), "spec")`; `{value=}` also shows its source.
    fn interpolation(&mut self, part: &InterpolatedElement, parts: &mut Vec<ExprId>) {
        let range = part.range();
        let mut conversion = part.conversion;
        if let Some(debug) = &part.debug_text {
            parts.push(self.text(debug.as_str(), range));
            if conversion == ConversionFlag::None && part.format_spec.is_none() {
                conversion = ConversionFlag::Repr;
            }
        }
        let mut value = self.value(&part.expression);
        value = match conversion {
            ConversionFlag::None => value,
            ConversionFlag::Str => self.builtin("str", &[value], range),
            ConversionFlag::Ascii => self.builtin("ascii", &[value], range),
            ConversionFlag::Repr => self.builtin("repr", &[value], range),
        };
        if let Some(spec) = &part.format_spec {
            let mut format = Vec::new();
            self.elements(&spec.elements, &mut format);
            let spec = match format.as_slice() {
                [only] => *only,
                _ => self.expr(Ir::Template(format), spec.range),
            };
            value = self.builtin("format", &[value, spec], range);
        }
        parts.push(value);
    }

    /// A call of a built-in function.
    pub(super) fn builtin(&mut self, name: &str, values: &[ExprId], range: TextRange) -> ExprId {
        let callee = self.global(name, range);
        let args = values.iter().map(|&value| Arg { value, kind: ArgKind::Positional }).collect();
        self.expr(Ir::Call { callee, args, is_new: false, optional: false }, range)
    }

    /// A whole number; those beyond 64 bits only approximately.
    pub(super) fn integer(int: &ruff_python_ast::Int) -> f64 {
        let mut digits = String::new();
        let _ = write!(digits, "{int}");
        digits.parse().unwrap_or(f64::INFINITY)
    }
}
