//! Expressions.

use manta_flow::ir::{
    Arg, ArgKind, BinaryOp, CompClause, CompKind, Expr as Ir, ExprId, Key, LogicalOp, Pat, Prop, SeqKind, UnaryOp, Var,
};
use ruff_python_ast::{
    ArgOrKeyword, BoolOp, CmpOp, Comprehension, Expr, ExprAttribute, ExprBinOp, ExprBoolOp, ExprCall, ExprCompare,
    ExprDict, ExprName, ExprSubscript, Number, Operator, UnaryOp as PyUnaryOp,
};
use ruff_text_size::{Ranged, TextRange};

use super::{Binding, Lowerer, Reference, ScopeKind};
use crate::scope::Collector;

/// Operands of one operator in a row that are regrouped, so that a long sum is not a deep one.
const LONG_CHAIN: usize = 64;

impl Lowerer<'_> {
    /// An expression for its value.
    pub(super) fn value(&mut self, expr: &Expr) -> ExprId {
        match self.deeper(|this| this.value_inner(expr)) {
            Some(id) => id,
            None => self.expr(Ir::Opaque(Vec::new()), expr.range()),
        }
    }

    fn values(&mut self, exprs: &[Expr]) -> Vec<ExprId> {
        exprs.iter().map(|expr| self.value(expr)).collect()
    }

    fn value_inner(&mut self, expr: &Expr) -> ExprId {
        let range = expr.range();
        let lowered = match expr {
            Expr::BoolOp(chain) => return self.bool_op(chain),
            Expr::Named(named) => {
                let value = self.value(&named.value);
                let Expr::Name(name) = &*named.target else { return value };
                let name = self.names.symbol(&name.id);
                let target = Box::new(Pat::Var(self.assigned(name, true)));
                Ir::Assign { target, value }
            }
            Expr::BinOp(binary) => return self.binary(binary),
            Expr::UnaryOp(unary) => {
                let op = match unary.op {
                    PyUnaryOp::Invert => UnaryOp::BitNot,
                    PyUnaryOp::Not => UnaryOp::Not,
                    PyUnaryOp::UAdd => UnaryOp::Plus,
                    PyUnaryOp::USub => UnaryOp::Neg,
                };
                Ir::Unary(op, self.value(&unary.operand))
            }
            Expr::Lambda(lambda) => Ir::Func(self.lambda(lambda)),
            Expr::If(choice) => {
                let test = self.value(&choice.test);
                let (then, otherwise) = (self.value(&choice.body), self.value(&choice.orelse));
                Ir::Conditional(test, then, otherwise)
            }
            Expr::Dict(dict) => self.dict(dict),
            Expr::Set(set) => self.sequence(SeqKind::Set, &set.elts),
            Expr::List(list) => self.sequence(SeqKind::List, &list.elts),
            Expr::Tuple(tuple) => self.sequence(SeqKind::Tuple, &tuple.elts),
            Expr::ListComp(comp) => self.comprehension(CompKind::List, &comp.elt, None, &comp.generators),
            Expr::SetComp(comp) => self.comprehension(CompKind::Set, &comp.elt, None, &comp.generators),
            Expr::Generator(comp) => self.comprehension(CompKind::Generator, &comp.elt, None, &comp.generators),
            Expr::DictComp(comp) => {
                let key = comp.key.as_deref().unwrap_or(&comp.value);
                self.comprehension(CompKind::Dict, key, Some(&comp.value), &comp.generators)
            }
            Expr::Await(awaited) => Ir::Await(self.value(&awaited.value)),
            Expr::Yield(yielded) => {
                self.mark_generator();
                Ir::Yield { value: yielded.value.as_ref().map(|value| self.value(value)), delegate: false }
            }
            Expr::YieldFrom(yielded) => {
                self.mark_generator();
                Ir::Yield { value: Some(self.value(&yielded.value)), delegate: true }
            }
            Expr::Compare(compare) => return self.compare(compare),
            Expr::Call(call) => return self.call(call),
            Expr::FString(string) => return self.f_string(string),
            Expr::TString(string) => return self.t_string(string),
            Expr::StringLiteral(string) => return self.text(string.value.to_str(), range),
            Expr::BytesLiteral(bytes) => return self.bytes(bytes),
            Expr::NumberLiteral(number) => Ir::Num(match &number.value {
                Number::Int(int) => Self::integer(int),
                Number::Float(float) => *float,
                Number::Complex { imag, .. } => *imag,
            }),
            Expr::BooleanLiteral(literal) => Ir::Bool(literal.value),
            Expr::NoneLiteral(_) => Ir::Null,
            Expr::EllipsisLiteral(_) => return self.global("Ellipsis", range),
            Expr::Attribute(attribute) => return self.attribute(attribute),
            Expr::Subscript(subscript) => self.subscript(subscript),
            Expr::Starred(starred) => Ir::Opaque(vec![self.value(&starred.value)]),
            Expr::Name(name) => return self.name(name),
            Expr::Slice(slice) => {
                let bounds = [&slice.lower, &slice.upper, &slice.step];
                let bounds = bounds.into_iter().flatten().map(|bound| self.value(bound)).collect();
                Ir::Opaque(bounds)
            }
            Expr::IpyEscapeCommand(_) => Ir::Opaque(Vec::new()),
        };
        self.expr(lowered, range)
    }

    fn mark_generator(&mut self) {
        if let Some(generator) = self.generators.last_mut() {
            *generator = true;
        }
    }

    fn name(&mut self, name: &ExprName) -> ExprId {
        if name.id.is_empty() {
            return self.expr(Ir::Opaque(Vec::new()), name.range);
        }
        let symbol = self.names.symbol(&name.id);
        match self.resolve(symbol) {
            Reference::Var(var) => self.expr(Ir::Var(var), name.range),
            Reference::Import(id, imported) => self.expr(Ir::Import(id, imported), name.range),
            Reference::Method(func, decorators) => {
                let function = self.expr(Ir::Func(func), name.range);
                self.decorated(function, &decorators)
            }
        }
    }

    fn attribute(&mut self, attribute: &ExprAttribute) -> ExprId {
        if let Some(module) = self.dotted_module(attribute) {
            return module;
        }
        let object = self.value(&attribute.value);
        let name = self.names.symbol(&attribute.attr);
        self.expr(Ir::Member { object, name, optional: false }, attribute.range)
    }

    fn subscript(&mut self, subscript: &ExprSubscript) -> Ir {
        let object = self.value(&subscript.value);
        match &*subscript.slice {
            Expr::Slice(slice) => {
                let mut bound = |bound: &Option<Box<Expr>>| bound.as_ref().map(|bound| self.value(bound));
                Ir::Slice { object, lower: bound(&slice.lower), upper: bound(&slice.upper), step: bound(&slice.step) }
            }
            index => Ir::Index { object, index: self.value(index) },
        }
    }

    fn bool_op(&mut self, chain: &ExprBoolOp) -> ExprId {
        let op = match chain.op {
            BoolOp::And => LogicalOp::And,
            BoolOp::Or => LogicalOp::Or,
        };
        let values = self.values(&chain.values);
        self.chain(&values, chain.range, &|left, right| Ir::Logical(op, left, right))
    }

    /// Joins operands by an associative operator: from the left, or as a balanced tree if there are many.
    pub(super) fn chain(
        &mut self,
        values: &[ExprId],
        range: TextRange,
        join: &impl Fn(ExprId, ExprId) -> Ir,
    ) -> ExprId {
        if values.len() > LONG_CHAIN {
            let (left, right) = values.split_at(values.len() / 2);
            let (left, right) = (self.chain(left, range, join), self.chain(right, range, join));
            return self.expr(join(left, right), range);
        }
        let Some((&first, rest)) = values.split_first() else { return self.expr(Ir::Opaque(Vec::new()), range) };
        rest.iter().fold(first, |left, &right| {
            let span = manta_core::Span::new(self.builder.span(left).start, self.builder.span(right).end);
            self.builder.expr(join(left, right), span)
        })
    }

    fn binary(&mut self, binary: &ExprBinOp) -> ExprId {
        if matches!(binary.op, Operator::Add | Operator::BitOr)
            && let Some(operands) = long_chain(binary)
        {
            let values: Vec<_> = operands.into_iter().map(|operand| self.value(operand)).collect();
            let op = if binary.op == Operator::Add { BinaryOp::Add } else { BinaryOp::BitOr };
            return self.chain(&values, binary.range, &|left, right| Ir::Binary(op, left, right));
        }
        let (left, right) = (self.value(&binary.left), self.value(&binary.right));
        let lowered = match binary_op(binary.op) {
            Some(op) => Ir::Binary(op, left, right),
            None => Ir::Opaque(vec![left, right]),
        };
        self.expr(lowered, binary.range)
    }

    /// `a < b < c` is `a < b and b < c`.
    fn compare(&mut self, compare: &ExprCompare) -> ExprId {
        let mut left = self.value(&compare.left);
        let mut tests = Vec::with_capacity(compare.ops.len());
        for (op, comparator) in compare.ops.iter().zip(&compare.comparators) {
            let right = self.value(comparator);
            let span = manta_core::Span::new(self.builder.span(left).start, self.builder.span(right).end);
            tests.push(self.builder.expr(Ir::Binary(compare_op(*op), left, right), span));
            left = right;
        }
        self.chain(&tests, compare.range, &|left, right| Ir::Logical(LogicalOp::And, left, right))
    }

    fn call(&mut self, call: &ExprCall) -> ExprId {
        if let Some(module) = self.import_call(call) {
            return module;
        }
        if self.is_super(&call.func) {
            let of = match &*call.arguments.args {
                [class, object] => Ir::SuperOf { class: self.value(class), object: self.value(object) },
                _ => Ir::Super,
            };
            return self.expr(of, call.range());
        }
        if let Some(variables) = self.local_variables(call) {
            return variables;
        }
        let callee = self.value(&call.func);
        let mut args = Vec::with_capacity(call.arguments.len());
        for argument in call.arguments.iter_source_order() {
            args.push(self.argument(argument));
        }
        self.expr(Ir::Call { callee, args, is_new: false, optional: false }, call.range())
    }

    fn argument(&mut self, argument: ArgOrKeyword<'_>) -> Arg {
        match argument {
            ArgOrKeyword::Arg(Expr::Starred(starred)) => {
                Arg { value: self.value(&starred.value), kind: ArgKind::Spread }
            }
            ArgOrKeyword::Arg(value) => Arg { value: self.value(value), kind: ArgKind::Positional },
            ArgOrKeyword::Keyword(keyword) => {
                let value = self.value(&keyword.value);
                let kind = match &keyword.arg {
                    Some(name) => ArgKind::Named(self.names.symbol(name)),
                    None => ArgKind::SpreadNamed,
                };
                Arg { value, kind }
            }
        }
    }

    /// `locals()` and `vars()` in a function: a dictionary of its variables.
    fn local_variables(&mut self, call: &ExprCall) -> Option<ExprId> {
        let Expr::Name(name) = &*call.func else { return None };
        if !matches!(name.id.as_str(), "locals" | "vars") || !call.arguments.is_empty() {
            return None;
        }
        let name = self.names.symbol(name.id.as_str());
        if !matches!(self.resolve(name), Reference::Var(Var::Global(_))) {
            return None;
        }
        let at = self.scopes.iter().rposition(|scope| scope.kind != ScopeKind::Comprehension)?;
        if self.scopes[at].kind != ScopeKind::Function {
            return None;
        }
        let names = self.scopes[at].order.clone();
        let mut props = Vec::with_capacity(names.len());
        for name in names {
            let is_variable = matches!(self.scopes[at].names.get(&name), Some(Binding::Slot(..)));
            if is_variable && let Reference::Var(var) = self.reference(at, name) {
                let value = self.expr(Ir::Var(var), call.range());
                props.push(Prop::Init(Key::Static(name), value));
            }
        }
        Some(self.expr(Ir::Object { props, is_dict: true }, call.range()))
    }

    /// `super` in a call, unless the file gives the name another meaning.
    fn is_super(&mut self, callee: &Expr) -> bool {
        let Expr::Name(name) = callee else { return false };
        if name.id.as_str() != "super" {
            return false;
        }
        let name = self.names.symbol("super");
        matches!(self.resolve(name), Reference::Var(Var::Global(_)))
    }

    fn sequence(&mut self, kind: SeqKind, elements: &[Expr]) -> Ir {
        let mut items = Vec::with_capacity(elements.len());
        for element in elements {
            items.push(match element {
                Expr::Starred(starred) => (self.value(&starred.value), true),
                other => (self.value(other), false),
            });
        }
        Ir::Seq { kind, items }
    }

    fn dict(&mut self, dict: &ExprDict) -> Ir {
        let mut props = Vec::with_capacity(dict.items.len());
        for item in &dict.items {
            let key = match &item.key {
                None => {
                    props.push(Prop::Spread(self.value(&item.value)));
                    continue;
                }
                Some(Expr::StringLiteral(name)) => Key::Static(self.names.symbol(name.value.to_str())),
                Some(key) => Key::Computed(self.value(key)),
            };
            props.push(Prop::Init(key, self.value(&item.value)));
        }
        Ir::Object { props, is_dict: true }
    }

    /// Targets are variables of the current function with a scope of their own; the first iterable is evaluated
    /// outside of it.
    fn comprehension(&mut self, kind: CompKind, element: &Expr, value: Option<&Expr>, loops: &[Comprehension]) -> Ir {
        let first = loops.first().map(|first| self.value(&first.iter));
        let mut collector = Collector::new(&mut self.names, false);
        loops.iter().for_each(|clause| collector.target(&clause.target));
        let bindings = collector.finish();
        self.open_scope(ScopeKind::Comprehension, bindings.into_iter());
        let mut clauses = Vec::with_capacity(loops.len());
        for (at, clause) in loops.iter().enumerate() {
            let iter = match first {
                Some(first) if at == 0 => first,
                _ => self.value(&clause.iter),
            };
            let pat = self.target(&clause.target);
            clauses.push(CompClause { pat, iter, conditions: self.values(&clause.ifs) });
        }
        let element = self.value(element);
        let value = value.map(|value| self.value(value));
        self.close_scope();
        Ir::Comprehension { kind, element, value, clauses }
    }
}

/// The operands of `a + b + …` if there are so many that the tree should be regrouped.
fn long_chain(binary: &ExprBinOp) -> Option<Vec<&Expr>> {
    let mut operands = vec![&*binary.right];
    let mut left = &*binary.left;
    while let Expr::BinOp(inner) = left
        && inner.op == binary.op
    {
        operands.push(&inner.right);
        left = &inner.left;
    }
    operands.push(left);
    operands.reverse();
    (operands.len() > LONG_CHAIN).then_some(operands)
}

/// None for `@`, which no value domain knows.
pub(super) fn binary_op(op: Operator) -> Option<BinaryOp> {
    Some(match op {
        Operator::Add => BinaryOp::Add,
        Operator::Sub => BinaryOp::Sub,
        Operator::Mult => BinaryOp::Mul,
        Operator::MatMult => return None,
        Operator::Div => BinaryOp::Div,
        Operator::Mod => BinaryOp::Mod,
        Operator::Pow => BinaryOp::Pow,
        Operator::LShift => BinaryOp::Shl,
        Operator::RShift => BinaryOp::Shr,
        Operator::BitOr => BinaryOp::BitOr,
        Operator::BitXor => BinaryOp::BitXor,
        Operator::BitAnd => BinaryOp::BitAnd,
        Operator::FloorDiv => BinaryOp::FloorDiv,
    })
}

fn compare_op(op: CmpOp) -> BinaryOp {
    match op {
        CmpOp::Eq => BinaryOp::Eq,
        CmpOp::NotEq => BinaryOp::NotEq,
        CmpOp::Lt => BinaryOp::Lt,
        CmpOp::LtE => BinaryOp::LtEq,
        CmpOp::Gt => BinaryOp::Gt,
        CmpOp::GtE => BinaryOp::GtEq,
        CmpOp::Is => BinaryOp::Is,
        CmpOp::IsNot => BinaryOp::IsNot,
        CmpOp::In => BinaryOp::In,
        CmpOp::NotIn => BinaryOp::NotIn,
    }
}
