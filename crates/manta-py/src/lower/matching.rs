//! `match` as a chain of `if`: each pattern becomes a test on the subject and the names it binds.

use manta_flow::ir::{
    BinaryOp, Block, Expr as Ir, ExprId, LogicalOp, Pat, SeqKind, Stmt, StmtKind, Symbol, UnaryOp, Var,
};
use ruff_python_ast::{
    Expr, MatchCase, Pattern, PatternMatchClass, PatternMatchMapping, PatternMatchOr, Singleton, StmtMatch,
};
use ruff_text_size::{Ranged, TextRange};

use super::stmt::{Alternative, chain};
use super::{Lowerer, span, span_of};

/// What a pattern demands of a value and which names it binds to parts of it.
#[derive(Default)]
struct Shape {
    tests: Vec<ExprId>,
    bindings: Vec<(Symbol, ExprId)>,
}

/// Built-in classes whose single positional pattern matches the whole value.
const WHOLE_VALUE: [&str; 11] =
    ["bool", "bytearray", "bytes", "dict", "float", "frozenset", "int", "list", "set", "str", "tuple"];

impl Lowerer<'_> {
    pub(super) fn matching(&mut self, matching: &StmtMatch, out: &mut Block) {
        let parts = plain_tuple(&matching.subject).unwrap_or(std::slice::from_ref(&*matching.subject));
        let variables: Vec<Var> = parts.iter().map(|part| self.keep(part, out)).collect();
        let cases = self.alternatives(&matching.cases, |this, case| {
            let subject = this.subject(&matching.subject, &variables);
            this.case(case, subject)
        });
        out.extend(chain(cases));
    }

    /// Evaluates a part of the subject once.
    fn keep(&mut self, part: &Expr, out: &mut Block) -> Var {
        let value = Some(self.value(part));
        let variable = Var::Local(self.builder.temp());
        out.push(Stmt { kind: StmtKind::Let { pat: Pat::Var(variable), value }, span: span_of(part) });
        variable
    }

    /// The subject; a tuple display stays one, so that patterns find its elements.
    fn subject(&mut self, subject: &Expr, variables: &[Var]) -> ExprId {
        let range = subject.range();
        let parts: Vec<ExprId> = variables.iter().map(|variable| self.expr(Ir::Var(*variable), range)).collect();
        match (plain_tuple(subject), parts.as_slice()) {
            (None, [only]) => *only,
            _ => {
                let items = parts.into_iter().map(|part| (part, false)).collect();
                self.expr(Ir::Seq { kind: SeqKind::Tuple, items }, range)
            }
        }
    }

    /// The test of a case (none if it always matches), and its body. A guard sees what the pattern binds, so then the
    /// binding happens in the test.
    fn case(&mut self, case: &MatchCase, subject: ExprId) -> Alternative {
        let range = case.pattern.range();
        let mut shape = Shape::default();
        self.pattern(&case.pattern, subject, &mut shape);
        let mut then = Block::new();
        match &case.guard {
            None => {
                for (name, value) in shape.bindings {
                    let pat = Pat::Var(self.assigned(name, false));
                    then.push(Stmt { kind: StmtKind::Let { pat, value: Some(value) }, span: span(range) });
                }
            }
            Some(guard) => {
                if !shape.bindings.is_empty() {
                    let bound = self.bind_in_test(shape.bindings, range);
                    shape.tests.push(bound);
                }
                let guard = self.value(guard);
                shape.tests.push(guard);
            }
        }
        self.block_into(&case.body, &mut then);
        (self.all(&shape.tests, range), then, span_of(case))
    }

    fn bind_in_test(&mut self, bindings: Vec<(Symbol, ExprId)>, range: TextRange) -> ExprId {
        let mut steps = Vec::with_capacity(bindings.len() + 1);
        for (name, value) in bindings {
            let target = Box::new(Pat::Var(self.assigned(name, false)));
            steps.push(self.expr(Ir::Assign { target, value }, range));
        }
        steps.push(self.expr(Ir::Bool(true), range));
        self.expr(Ir::Sequence(steps), range)
    }

    fn pattern(&mut self, pattern: &Pattern, subject: ExprId, shape: &mut Shape) {
        self.deeper(|this| this.pattern_inner(pattern, subject, shape));
    }

    fn pattern_inner(&mut self, pattern: &Pattern, subject: ExprId, shape: &mut Shape) {
        let range = pattern.range();
        match pattern {
            Pattern::MatchValue(literal) => {
                let value = self.value(&literal.value);
                shape.tests.push(self.expr(Ir::Binary(BinaryOp::Eq, subject, value), range));
            }
            Pattern::MatchSingleton(singleton) => {
                let value = match singleton.value {
                    Singleton::None => Ir::Null,
                    Singleton::True => Ir::Bool(true),
                    Singleton::False => Ir::Bool(false),
                };
                let value = self.expr(value, range);
                shape.tests.push(self.expr(Ir::Binary(BinaryOp::Is, subject, value), range));
            }
            Pattern::MatchSequence(sequence) => self.sequence_pattern(&sequence.patterns, subject, range, shape),
            Pattern::MatchMapping(mapping) => self.mapping_pattern(mapping, subject, shape),
            Pattern::MatchClass(class) => self.class_pattern(class, subject, shape),
            Pattern::MatchStar(star) => {
                if let Some(name) = &star.name {
                    shape.bindings.push((self.names.symbol(name), subject));
                }
            }
            Pattern::MatchAs(capture) => {
                if let Some(inner) = &capture.pattern {
                    self.pattern(inner, subject, shape);
                }
                if let Some(name) = &capture.name {
                    shape.bindings.push((self.names.symbol(name), subject));
                }
            }
            Pattern::MatchOr(alternatives) => self.or_pattern(alternatives, subject, shape),
        }
    }

    /// `[a, *rest, b]`: the length, and each element by its index (from the end behind the star).
    fn sequence_pattern(&mut self, patterns: &[Pattern], subject: ExprId, range: TextRange, shape: &mut Shape) {
        let star = patterns.iter().position(|pattern| matches!(pattern, Pattern::MatchStar(_)));
        if let Ir::Seq { kind: SeqKind::Tuple, items } = self.builder.get(subject)
            && items.len() == patterns.len()
            && star.is_none()
        {
            let parts = items.clone();
            for (pattern, (part, _)) in patterns.iter().zip(parts) {
                self.pattern(pattern, part, shape);
            }
            return;
        }
        let length = self.builtin("len", &[subject], range);
        let fixed = self.number(patterns.len() - usize::from(star.is_some()), false, range);
        let op = if star.is_some() { BinaryOp::GtEq } else { BinaryOp::Eq };
        shape.tests.push(self.expr(Ir::Binary(op, length, fixed), range));
        for (at, pattern) in patterns.iter().enumerate() {
            let behind = patterns.len() - at;
            let part = match star {
                Some(star) if at == star => {
                    let lower = Some(self.number(at, false, range));
                    let upper = (behind > 1).then(|| self.number(behind - 1, true, range));
                    Ir::Slice { object: subject, lower, upper, step: None }
                }
                Some(star) if at > star => Ir::Index { object: subject, index: self.number(behind, true, range) },
                _ => Ir::Index { object: subject, index: self.number(at, false, range) },
            };
            let part = self.expr(part, pattern.range());
            self.pattern(pattern, part, shape);
        }
    }

    fn number(&mut self, number: usize, negative: bool, range: TextRange) -> ExprId {
        let value = u32::try_from(number).map_or(f64::INFINITY, f64::from);
        let id = self.expr(Ir::Num(value), range);
        if negative { self.expr(Ir::Unary(UnaryOp::Neg, id), range) } else { id }
    }

    /// `{"key": pattern, **rest}`. The rest is not told apart from the whole.
    fn mapping_pattern(&mut self, mapping: &PatternMatchMapping, subject: ExprId, shape: &mut Shape) {
        for (key, pattern) in mapping.keys.iter().zip(&mapping.patterns) {
            let index = self.value(key);
            shape.tests.push(self.expr(Ir::Binary(BinaryOp::In, index, subject), key.range()));
            let part = self.expr(Ir::Index { object: subject, index }, pattern.range());
            self.pattern(pattern, part, shape);
        }
        if let Some(rest) = &mapping.rest {
            shape.bindings.push((self.names.symbol(rest), subject));
        }
    }

    /// `Class(a, name=b)`. Positional patterns of other than the built-in classes go by `__match_args__`, unknown
    /// here, so they match something that depends on the subject.
    fn class_pattern(&mut self, class: &PatternMatchClass, subject: ExprId, shape: &mut Shape) {
        let range = class.range;
        let kind = self.value(&class.cls);
        shape.tests.push(self.expr(Ir::Binary(BinaryOp::InstanceOf, subject, kind), range));
        let whole = matches!(&*class.cls, Expr::Name(name) if WHOLE_VALUE.contains(&name.id.as_str()));
        for pattern in &class.arguments.patterns {
            let part = if whole { subject } else { self.expr(Ir::Opaque(vec![subject]), pattern.range()) };
            self.pattern(pattern, part, shape);
        }
        for keyword in &class.arguments.keywords {
            let name = self.names.symbol(&keyword.attr);
            let part = self.expr(Ir::Member { object: subject, name, optional: false }, keyword.range);
            self.pattern(&keyword.pattern, part, shape);
        }
    }

    /// Each alternative binds the same names; the value of a name depends on which one matched.
    fn or_pattern(&mut self, alternatives: &PatternMatchOr, subject: ExprId, shape: &mut Shape) {
        let range = alternatives.range;
        let mut tests = Vec::with_capacity(alternatives.patterns.len());
        let mut bindings: Vec<(Symbol, Vec<(ExprId, ExprId)>)> = Vec::new();
        for pattern in &alternatives.patterns {
            let mut inner = Shape::default();
            self.pattern(pattern, subject, &mut inner);
            let test = self.all(&inner.tests, pattern.range());
            let test = test.unwrap_or_else(|| self.expr(Ir::Bool(true), pattern.range()));
            tests.push(test);
            for (name, value) in inner.bindings {
                match bindings.iter_mut().find(|(known, _)| *known == name) {
                    Some((_, values)) => values.push((test, value)),
                    None => bindings.push((name, vec![(test, value)])),
                }
            }
        }
        let test = self.chain(&tests, range, &|left, right| Ir::Logical(LogicalOp::Or, left, right));
        shape.tests.push(test);
        for (name, values) in bindings {
            let value = self.alternative_values(&values, range);
            shape.bindings.push((name, value));
        }
    }

    /// The value whose test is the first to hold; of many, something that depends on all of them.
    fn alternative_values(&mut self, values: &[(ExprId, ExprId)], range: TextRange) -> ExprId {
        const MANY: usize = 16;
        match values {
            [(_, only)] => *only,
            [(test, first), rest @ ..] if values.len() <= MANY => {
                let rest = self.alternative_values(rest, range);
                self.expr(Ir::Conditional(*test, *first, rest), range)
            }
            _ => self.expr(Ir::Opaque(values.iter().map(|(_, value)| *value).collect()), range),
        }
    }

    /// All tests must hold; none if there is nothing to test.
    fn all(&mut self, tests: &[ExprId], range: TextRange) -> Option<ExprId> {
        let join = |left, right| Ir::Logical(LogicalOp::And, left, right);
        (!tests.is_empty()).then(|| self.chain(tests, range, &join))
    }
}

/// The elements of a tuple display without stars.
fn plain_tuple(expr: &Expr) -> Option<&[Expr]> {
    match expr {
        Expr::Tuple(tuple) if !tuple.elts.iter().any(Expr::is_starred_expr) => Some(&tuple.elts),
        _ => None,
    }
}
