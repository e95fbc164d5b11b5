//! Annotations: expressions in which a string is a forward reference.

use manta_flow::ir::{Expr as Ir, ExprId, SeqKind};
use ruff_python_ast::{Expr, ExprStringLiteral, ExprSubscript, Operator};
use ruff_python_parser::parse_string_annotation;
use ruff_text_size::Ranged;

use super::Lowerer;

impl Lowerer<'_> {
    /// An annotation. Strings are parsed, except where they are data: in `Literal[…]` and behind the type of
    /// `Annotated[…]`.
    pub(super) fn annotation(&mut self, annotation: &Expr) -> ExprId {
        let lowered = self.deeper(|this| match annotation {
            Expr::StringLiteral(string) => this.forward_reference(string),
            Expr::Subscript(subscript) => this.generic(subscript),
            Expr::BinOp(union) if union.op == Operator::BitOr => {
                let (left, right) = (this.annotation(&union.left), this.annotation(&union.right));
                this.expr(Ir::Binary(manta_flow::ir::BinaryOp::BitOr, left, right), union.range())
            }
            Expr::List(list) => this.annotations(&list.elts, SeqKind::List, annotation),
            Expr::Tuple(tuple) => this.annotations(&tuple.elts, SeqKind::Tuple, annotation),
            other => this.value(other),
        });
        lowered.unwrap_or_else(|| self.expr(Ir::Opaque(Vec::new()), annotation.range()))
    }

    fn annotations(&mut self, elements: &[Expr], kind: SeqKind, whole: &Expr) -> ExprId {
        let items = elements.iter().map(|element| (self.annotation(element), false)).collect();
        self.expr(Ir::Seq { kind, items }, whole.range())
    }

    fn forward_reference(&mut self, string: &ExprStringLiteral) -> ExprId {
        let source = self.source;
        // An implicitly concatenated string has no single place in the source, so it stays a string.
        if let [literal] = string.value.as_slice()
            && let Ok(parsed) = parse_string_annotation(source, literal)
        {
            return self.annotation(parsed.expr());
        }
        self.text(string.value.to_str(), string.range())
    }

    fn generic(&mut self, subscript: &ExprSubscript) -> ExprId {
        let name = match &*subscript.value {
            Expr::Name(name) => name.id.as_str(),
            Expr::Attribute(attribute) => attribute.attr.as_str(),
            _ => "",
        };
        let object = self.value(&subscript.value);
        let index = match (name, &*subscript.slice) {
            ("Literal", literal) => self.value(literal),
            ("Annotated", Expr::Tuple(tuple)) => {
                let mut items = Vec::with_capacity(tuple.elts.len());
                for (at, element) in tuple.elts.iter().enumerate() {
                    let item = if at == 0 { self.annotation(element) } else { self.value(element) };
                    items.push((item, false));
                }
                self.expr(Ir::Seq { kind: SeqKind::Tuple, items }, tuple.range())
            }
            (_, slice) => self.annotation(slice),
        };
        self.expr(Ir::Index { object, index }, subscript.range())
    }
}
