//! Handlers that ask a request who it is before they serve it: `if (!allowed(req)) { res.writeHead(401); return; }`.

use manta_core::Span;

use super::decisions::{Reader, is_error_status};
use super::{each_inner, each_stmt};
use crate::ir::{Block, Expr, ExprId, FuncId, LogicalOp, Pat, Stmt, StmtKind, Var};

/// Methods that hand a request to a transport.
pub const SERVES: [&str; 6] =
    ["handleRequest", "handlePostMessage", "connect_sse", "handle_request", "handle_post_message", "handleMessage"];

/// A branch that refuses a request, behind which everything is that serves one.
#[derive(Clone, Debug)]
pub(super) struct Gate {
    /// Parts of its test that have nothing of the request in them: settings that switch it on.
    pub(super) switches: Vec<ExprId>,
    /// Whether the rest asks for a credential itself.
    pub(super) asks: bool,
    /// Functions that the rest calls with the request.
    pub(super) callees: Vec<ExprId>,
}

impl Reader<'_> {
    /// Gates of the function itself.
    pub(super) fn find_gates(&self) -> Vec<Gate> {
        let func = self.module.func(self.func);
        if !self.serves(self.span) {
            return Vec::new();
        }
        let mut candidates: Vec<(Span, ExprId)> = Vec::new();
        each_stmt(&func.body, &mut |stmt| {
            if let StmtKind::If { test, then, .. } = &stmt.kind
                && self.refuses(then)
            {
                candidates.push((stmt.span, *test));
            }
        });
        candidates.retain(|(gate, _)| !self.leaks(&func.body, *gate));
        candidates.into_iter().map(|(_, test)| self.gate(test)).collect()
    }

    fn gate(&self, test: ExprId) -> Gate {
        let mut gate = Gate { switches: Vec::new(), asks: false, callees: Vec::new() };
        let mut parts = vec![test];
        while let Some(part) = parts.pop() {
            if let Expr::Logical(LogicalOp::And, left, right) = self.module.expr(part) {
                parts.extend([*left, *right]);
                continue;
            }
            let asks = self.mentions(self.func.0, part).contains("credential");
            let called: Vec<ExprId> =
                self.within(self.module.span(part)).filter_map(|(_, expr)| self.given(expr)).collect();
            if !asks && called.is_empty() {
                gate.switches.push(part);
            }
            gate.asks |= asks;
            gate.callees.extend(called);
        }
        gate
    }

    /// The callee of a call that is given the request.
    fn given(&self, expr: &Expr) -> Option<ExprId> {
        let Expr::Call { callee, args, .. } = expr else { return None };
        args.iter().any(|arg| self.is_request(arg.value)).then_some(*callee)
    }

    /// Whether a block answers with an error and ends.
    fn refuses(&self, block: &Block) -> bool {
        let ends = |stmt: &Stmt| matches!(stmt.kind, StmtKind::Return(_) | StmtKind::Throw(_));
        block.last().is_some_and(ends)
            && block.iter().any(|stmt| self.within(stmt.span).any(|(_, expr)| is_error_status(expr)))
    }

    /// Whether something is served that does not stand behind the gate.
    fn leaks(&self, block: &Block, gate: Span) -> bool {
        for stmt in block {
            if stmt.span == gate {
                return false;
            }
            let leaks = if stmt.span.contains(gate) {
                let mut any = false;
                each_inner(stmt, &mut |inner| any |= self.leaks(inner, gate));
                any
            } else {
                self.serves(stmt.span)
            };
            if leaks {
                return true;
            }
        }
        false
    }

    /// Whether requests are served in a part of the function: by a transport, or, where the function names none, by
    /// whatever is given the request and the response.
    fn serves(&self, span: Span) -> bool {
        let by_transport = |span: Span| {
            self.within(span)
                .any(|(_, expr)| matches!(expr, Expr::Member { name, .. } if SERVES.contains(&name.as_str())))
        };
        by_transport(span) || !by_transport(self.span) && self.within(span).any(|(_, expr)| self.hands_on_both(expr))
    }

    fn hands_on_both(&self, expr: &Expr) -> bool {
        let Expr::Call { args, .. } = expr else { return false };
        let params = &self.module.func(FuncId(self.func.0)).params;
        let given = |index: usize| {
            let Some(Pat::Var(param)) = params.get(index).map(|param| &param.pat) else { return false };
            args.iter().any(|arg| matches!(self.module.expr(arg.value), Expr::Var(var) if var == param))
        };
        given(0) && given(1) && !matches!(params[0].pat, Pat::Var(Var::Global(_)))
    }
}
