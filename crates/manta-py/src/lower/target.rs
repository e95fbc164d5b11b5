//! Assignment targets.

use manta_flow::ir::{ExprId, Pat};
use ruff_python_ast::Expr;

use super::Lowerer;

impl Lowerer<'_> {
    /// The target of an assignment, loop, `with` or comprehension.
    pub(super) fn target(&mut self, target: &Expr) -> Pat {
        self.deeper(|this| this.target_inner(target)).unwrap_or(Pat::Ignore)
    }

    fn target_inner(&mut self, target: &Expr) -> Pat {
        match target {
            Expr::Name(name) if name.id.is_empty() => Pat::Ignore,
            Expr::Name(name) => {
                let name = self.names.symbol(&name.id);
                Pat::Var(self.assigned(name, false))
            }
            Expr::Attribute(attribute) => {
                let object = self.value(&attribute.value);
                Pat::Member(object, self.names.symbol(&attribute.attr))
            }
            Expr::Subscript(subscript) => {
                let object = self.value(&subscript.value);
                Pat::Index(object, self.value(&subscript.slice))
            }
            Expr::Starred(starred) => self.target(&starred.value),
            Expr::Tuple(tuple) => self.sequence_target(&tuple.elts),
            Expr::List(list) => self.sequence_target(&list.elts),
            _ => Pat::Ignore,
        }
    }

    fn sequence_target(&mut self, elements: &[Expr]) -> Pat {
        let mut items = Vec::with_capacity(elements.len());
        let mut rest = None;
        for element in elements {
            match element {
                Expr::Starred(starred) if rest.is_none() => {
                    rest = Some((items.len(), Box::new(self.target(&starred.value))));
                }
                other => items.push(Some((self.target(other), None::<ExprId>))),
            }
        }
        Pat::Array { items, rest }
    }
}
