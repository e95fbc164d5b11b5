//! Expressions.

use std::sync::Arc;

use manta_flow::ir::{
    Arg, ArgKind, BinaryOp, Expr, ExprId, ImportName, LogicalOp, Prop, SeqKind, Symbol, UnaryOp, Var,
};
use oxc_ast::ast::{
    Argument, ArrayExpression, ArrayExpressionElement, AssignmentExpression, BinaryExpression, CallExpression,
    ChainElement, Expression, ImportExpression, JSXAttributeItem, JSXAttributeValue, JSXChild, JSXElement,
    JSXElementName, JSXExpressionContainer, JSXMemberExpression, JSXMemberExpressionObject, LogicalExpression,
    NewExpression, ObjectExpression, ObjectPropertyKind, PropertyKind, TaggedTemplateExpression, TemplateLiteral,
    UpdateExpression,
};
use oxc_span::GetSpan;
use oxc_syntax::operator::{AssignmentOperator, BinaryOperator, LogicalOperator, UnaryOperator, UpdateOperator};

use super::{Binding, Lowerer};

/// Chains of one operator longer than this are balanced, so that their depth stays logarithmic.
const MAX_CHAIN: usize = 64;

impl<'a> Lowerer<'a> {
    /// Lowers an expression.
    pub(super) fn expr(&mut self, expr: &Expression<'a>) -> ExprId {
        self.named_expr(expr, None)
    }

    /// Lowers an expression; a function or class without a name gets `name`.
    pub(super) fn named_expr(&mut self, expr: &Expression<'a>, name: Option<Symbol>) -> ExprId {
        if self.depth >= super::MAX_DEPTH {
            let at = expr.span();
            self.too_deep.get_or_insert(super::span(at));
            return self.add(Expr::Opaque(Vec::new()), at);
        }
        self.depth += 1;
        let id = match expr {
            Expression::FunctionExpression(function) => self.function_expr(function, name),
            Expression::ArrowFunctionExpression(arrow) => self.arrow(arrow, name),
            Expression::ClassExpression(class) => self.class_expr(class, name),
            other => self.expr_inner(other, name),
        };
        self.depth -= 1;
        id
    }

    fn expr_inner(&mut self, expr: &Expression<'a>, name: Option<Symbol>) -> ExprId {
        let at = expr.span();
        match expr {
            Expression::BooleanLiteral(literal) => self.add(Expr::Bool(literal.value), at),
            Expression::NullLiteral(_) => self.add(Expr::Null, at),
            Expression::NumericLiteral(literal) => self.add(Expr::Num(literal.value), at),
            Expression::BigIntLiteral(literal) => {
                self.add(Expr::Num(literal.value.as_str().parse().unwrap_or(f64::NAN)), at)
            }
            Expression::RegExpLiteral(literal) => {
                let pattern = Arc::from(literal.regex.pattern.text.as_str());
                let flags = Arc::from(literal.regex.flags.to_string());
                self.add(Expr::Regex { pattern, flags }, at)
            }
            Expression::StringLiteral(literal) => self.string(&literal.value, at),
            Expression::TemplateLiteral(template) => self.template(template),
            Expression::TaggedTemplateExpression(tagged) => self.tagged(tagged),
            Expression::Identifier(ident) => self.identifier(ident),
            Expression::Super(_) => self.add(Expr::Super, at),
            Expression::ThisExpression(_) => self.this(at),
            Expression::ArrayExpression(array) => self.array(array),
            Expression::ObjectExpression(object) => self.object(object),
            Expression::AssignmentExpression(assignment) => self.assignment(assignment),
            Expression::BinaryExpression(binary) => self.binary(binary),
            Expression::LogicalExpression(logical) => self.logical(logical),
            Expression::ConditionalExpression(conditional) => {
                let test = self.expr(&conditional.test);
                let yes = self.named_expr(&conditional.consequent, name);
                let no = self.named_expr(&conditional.alternate, name);
                self.add(Expr::Conditional(test, yes, no), at)
            }
            Expression::UnaryExpression(unary) => {
                let value = self.expr(&unary.argument);
                self.add(Expr::Unary(unary_op(unary.operator), value), at)
            }
            Expression::UpdateExpression(update) => self.update(update),
            Expression::SequenceExpression(sequence) => {
                let values = sequence.expressions.iter().map(|value| self.expr(value)).collect();
                self.add(Expr::Sequence(values), at)
            }
            Expression::CallExpression(call) => self.call(call),
            Expression::NewExpression(call) => self.new_expr(call),
            Expression::ChainExpression(chain) => self.chain(&chain.expression, at),
            Expression::AwaitExpression(awaited) => {
                let value = match awaited.argument.get_inner_expression() {
                    Expression::ImportExpression(import) => self.dynamic_import(import, true),
                    other => self.expr(other),
                };
                self.add(Expr::Await(value), at)
            }
            // In a generator that a helper drives, `yield` waits.
            Expression::YieldExpression(yielded) if self.is_driven() => {
                let value = yielded.argument.as_ref().map(|value| self.expr(value));
                let value = value.unwrap_or_else(|| self.add(Expr::Undefined, at));
                self.add(Expr::Await(value), at)
            }
            Expression::YieldExpression(yielded) => {
                let value = yielded.argument.as_ref().map(|value| self.expr(value));
                self.add(Expr::Yield { value, delegate: yielded.delegate }, at)
            }
            Expression::ImportExpression(import) => self.dynamic_import(import, false),
            Expression::PrivateInExpression(check) => {
                let key = self.string(&format!("#{}", check.left.name), check.left.span);
                let object = self.expr(&check.right);
                self.add(Expr::Binary(BinaryOp::In, key, object), at)
            }
            Expression::ParenthesizedExpression(inner) => self.named_expr(&inner.expression, name),
            Expression::TSAsExpression(cast) => self.named_expr(&cast.expression, name),
            Expression::TSSatisfiesExpression(cast) => self.named_expr(&cast.expression, name),
            Expression::TSTypeAssertion(cast) => self.named_expr(&cast.expression, name),
            Expression::TSNonNullExpression(cast) => self.named_expr(&cast.expression, name),
            Expression::TSInstantiationExpression(cast) => self.named_expr(&cast.expression, name),
            Expression::JSXElement(element) => self.jsx_element(element),
            Expression::JSXFragment(fragment) => {
                let mut parts = Vec::new();
                self.jsx_children(&fragment.children, &mut parts);
                self.add(Expr::Opaque(parts), at)
            }
            Expression::V8IntrinsicExpression(call) => {
                let args = self.args(&call.arguments);
                self.add(Expr::Opaque(args.iter().map(|arg| arg.value).collect()), at)
            }
            other => match other.as_member_expression() {
                Some(member) => {
                    let member = self.member(member);
                    self.add(member, at)
                }
                // `import.meta` and `new.target`.
                None => self.add(Expr::Opaque(Vec::new()), at),
            },
        }
    }

    /// `this`; in static initialisers of a named class it is that class.
    fn this(&mut self, at: oxc_span::Span) -> ExprId {
        let class = self.static_class.filter(|_| self.arrows[self.static_depth + 1..].iter().all(|is_arrow| *is_arrow));
        match class.and_then(|(symbol, _)| self.variable(symbol)) {
            Some(var) => {
                if let Some((_, mentioned)) = &mut self.static_class {
                    *mentioned = true;
                }
                self.add(Expr::Var(var), at)
            }
            None => self.add(Expr::This, at),
        }
    }

    // ---- literals --------------------------------------------------------------------------------------------

    fn template(&mut self, template: &TemplateLiteral<'a>) -> ExprId {
        let parts = self.template_parts(template, false, false);
        match parts[..] {
            [] => self.string("", template.span),
            [only] if matches!(self.b.get(only), Expr::Str(_)) => only,
            _ => self.add(Expr::Template(parts), template.span),
        }
    }

    fn template_parts(&mut self, template: &TemplateLiteral<'a>, raw: bool, keep_empty: bool) -> Vec<ExprId> {
        let mut parts = Vec::with_capacity(template.quasis.len() + template.expressions.len());
        for (index, quasi) in template.quasis.iter().enumerate() {
            let text = if raw { quasi.value.raw } else { quasi.value.cooked.unwrap_or(quasi.value.raw) };
            if keep_empty || !text.is_empty() {
                parts.push(self.string(&text, quasi.span));
            }
            if let Some(value) = template.expressions.get(index) {
                parts.push(self.expr(value));
            }
        }
        parts
    }

    fn tagged(&mut self, tagged: &TaggedTemplateExpression<'a>) -> ExprId {
        let raw = tagged.tag.get_member_expr().is_some_and(|tag| tag.is_specific_member_access("String", "raw"));
        let tag = self.expr(&tagged.tag);
        let parts = self.template_parts(&tagged.quasi, raw, true);
        self.add(Expr::Tagged { tag, parts }, tagged.span)
    }

    fn array(&mut self, array: &ArrayExpression<'a>) -> ExprId {
        let mut items = Vec::with_capacity(array.elements.len());
        for element in &array.elements {
            let item = match element {
                ArrayExpressionElement::SpreadElement(spread) => (self.expr(&spread.argument), true),
                ArrayExpressionElement::Elision(hole) => (self.add(Expr::Undefined, hole.span), false),
                other => match other.as_expression() {
                    Some(value) => (self.expr(value), false),
                    None => continue,
                },
            };
            items.push(item);
        }
        self.add(Expr::Seq { kind: SeqKind::List, items }, array.span)
    }

    fn object(&mut self, object: &ObjectExpression<'a>) -> ExprId {
        let mut props = Vec::with_capacity(object.properties.len());
        for property in &object.properties {
            let property = match property {
                ObjectPropertyKind::SpreadProperty(spread) => {
                    props.push(Prop::Spread(self.expr(&spread.argument)));
                    continue;
                }
                ObjectPropertyKind::ObjectProperty(property) => property,
            };
            let key = self.key(&property.key);
            let name = Self::static_name(key);
            let prop = match (property.kind, &property.value) {
                (PropertyKind::Get, Expression::FunctionExpression(function)) => {
                    Prop::Getter(key, self.function(function, name, None))
                }
                (PropertyKind::Set, Expression::FunctionExpression(function)) => {
                    Prop::Setter(key, self.function(function, name, None))
                }
                (_, Expression::FunctionExpression(function)) if property.method => {
                    let doc = self.docs.before(property.span.start);
                    let func = self.function(function, name, doc);
                    Prop::Init(key, self.add(Expr::Func(func), property.span))
                }
                (_, value) => Prop::Init(key, self.named_expr(value, name)),
            };
            props.push(prop);
        }
        self.add(Expr::Object { props, is_dict: false }, object.span)
    }

    // ---- operators -------------------------------------------------------------------------------------------

    fn binary(&mut self, binary: &BinaryExpression<'a>) -> ExprId {
        let mut spine = vec![binary];
        let mut leftmost = &binary.left;
        while let Expression::BinaryExpression(left) = leftmost {
            spine.push(left);
            leftmost = &left.left;
        }
        let first = self.expr(leftmost);
        if spine.len() > MAX_CHAIN {
            return self.long_binary(first, &spine);
        }
        let mut value = first;
        for node in spine.iter().rev() {
            let right = self.expr(&node.right);
            value = self.add(Expr::Binary(binary_op(node.operator), value, right), node.span);
        }
        value
    }

    /// A chain too long to nest. Sums and bit sets are associative; anything else is only a dependency.
    fn long_binary(&mut self, first: ExprId, spine: &[&BinaryExpression<'a>]) -> ExprId {
        let mut operands = vec![first];
        operands.extend(spine.iter().rev().map(|node| self.expr(&node.right)));
        let at = spine[0].span;
        let operator = spine[0].operator;
        let associative =
            matches!(operator, BinaryOperator::Addition | BinaryOperator::Multiplication | BinaryOperator::BitwiseOR);
        if associative && spine.iter().all(|node| node.operator == operator) {
            let op = binary_op(operator);
            self.balanced(&operands, at, &|left, right| Expr::Binary(op, left, right))
        } else {
            self.add(Expr::Opaque(operands), at)
        }
    }

    fn logical(&mut self, logical: &LogicalExpression<'a>) -> ExprId {
        let mut spine = vec![logical];
        let mut leftmost = &logical.left;
        while let Expression::LogicalExpression(left) = leftmost
            && left.operator == logical.operator
        {
            spine.push(left);
            leftmost = &left.left;
        }
        let op = logical_op(logical.operator);
        let mut operands = vec![self.expr(leftmost)];
        operands.extend(spine.iter().rev().map(|node| self.expr(&node.right)));
        if spine.len() > MAX_CHAIN {
            return self.balanced(&operands, logical.span, &|left, right| Expr::Logical(op, left, right));
        }
        let mut value = operands[0];
        for (right, node) in operands[1..].iter().zip(spine.iter().rev()) {
            value = self.add(Expr::Logical(op, value, *right), node.span);
        }
        value
    }

    fn balanced(&mut self, operands: &[ExprId], at: oxc_span::Span, join: &dyn Fn(ExprId, ExprId) -> Expr) -> ExprId {
        match operands {
            [only] => *only,
            _ => {
                let (left, right) = operands.split_at(operands.len() / 2);
                let left = self.balanced(left, at, join);
                let right = self.balanced(right, at, join);
                self.add(join(left, right), at)
            }
        }
    }

    fn update(&mut self, update: &UpdateExpression<'a>) -> ExprId {
        let (target, current) = self.simple_target(&update.argument);
        let current = self.add(current, update.argument.span());
        let value = self.add(Expr::Num(1.0), update.span);
        let op = match update.operator {
            UpdateOperator::Increment => BinaryOp::Add,
            UpdateOperator::Decrement => BinaryOp::Sub,
        };
        self.add(Expr::AugAssign { op, target: Box::new(target), current, value }, update.span)
    }

    fn assignment(&mut self, assignment: &AssignmentExpression<'a>) -> ExprId {
        let at = assignment.span;
        if assignment.operator == AssignmentOperator::Assign {
            let name = match &assignment.left {
                oxc_ast::ast::AssignmentTarget::AssignmentTargetIdentifier(ident) => Some(self.name(ident.name)),
                oxc_ast::ast::AssignmentTarget::StaticMemberExpression(member) => Some(self.name(member.property.name)),
                _ => None,
            };
            let target = Box::new(self.target(&assignment.left));
            let value = self.named_expr(&assignment.right, name);
            return self.add(Expr::Assign { target, value }, at);
        }
        let Some(left) = assignment.left.as_simple_assignment_target() else {
            let value = self.expr(&assignment.right);
            return self.add(Expr::Opaque(vec![value]), at);
        };
        let (target, current) = self.simple_target(left);
        let target = Box::new(target);
        let current = self.add(current, left.span());
        let value = self.expr(&assignment.right);
        let expr = match assignment.operator.to_logical_operator() {
            Some(op) => Expr::LogicalAssign { op: logical_op(op), target, current, value },
            None => {
                let op = assignment.operator.to_binary_operator().map_or(BinaryOp::Add, binary_op);
                Expr::AugAssign { op, target, current, value }
            }
        };
        self.add(expr, at)
    }

    // ---- calls -----------------------------------------------------------------------------------------------

    fn call(&mut self, call: &CallExpression<'a>) -> ExprId {
        if let Some(import) = self.required(call) {
            return import;
        }
        if let Some(value) = self.helped(call) {
            return value;
        }
        let callee = self.callee(&call.callee);
        let args = self.args(&call.arguments);
        self.add(Expr::Call { callee, args, is_new: false, optional: call.optional }, call.span)
    }

    /// Calls of the helpers that compilers write for what the language version has not got: an async function as a
    /// generator that is driven (`__awaiter(this, [x], void 0, function* (x) { … })`, `__async(this, null, function* …)`),
    /// and a namespace import (`__importStar(require("x"))`, `__toESM(require("x"), 1)`).
    fn helped(&mut self, call: &CallExpression<'a>) -> Option<ExprId> {
        let name = match call.callee.get_inner_expression() {
            Expression::Identifier(ident) => ident.name.as_str(),
            Expression::StaticMemberExpression(member) => member.property.name.as_str(),
            _ => return None,
        };
        let given: Vec<&Expression<'a>> = call.arguments.iter().filter_map(Argument::as_expression).collect();
        match (name, given.as_slice()) {
            ("__importStar" | "_interopRequireWildcard" | "__toESM", [module]) => return Some(self.expr(module)),
            // Under any name, as minifiers give one.
            (_, [Expression::CallExpression(module), Expression::NumericLiteral(mode)]) if mode.value == 1.0 => {
                return self.required(module);
            }
            _ => {}
        }
        let (this, args, generator) = match given.as_slice() {
            [this, args, generator] | [this, args, _, generator] => (*this, *args, *generator),
            _ => return None,
        };
        let Expression::FunctionExpression(function) = generator.get_inner_expression() else { return None };
        let is_none = |expr: &Expression<'a>| {
            matches!(expr, Expression::NullLiteral(_) | Expression::UnaryExpression(_)) || expr.is_undefined()
        };
        if !function.generator || !(is_none(this) || matches!(this, Expression::ThisExpression(_))) {
            return None;
        }
        let this = self.expr(this);
        let mut all = vec![Arg { value: this, kind: ArgKind::Positional }];
        let name = if is_none(args) { "call" } else { "apply" };
        if name == "apply" {
            all.push(Arg { value: self.expr(args), kind: ArgKind::Positional });
        }
        let object = self.driven(function);
        let callee = self.add(Expr::Member { object, name: Symbol::new(name), optional: false }, call.span);
        Some(self.add(Expr::Call { callee, args: all, is_new: false, optional: false }, call.span))
    }

    /// `(0, module.f)(…)` only drops the receiver, which a module function does not look at.
    fn callee(&mut self, callee: &Expression<'a>) -> ExprId {
        match callee.get_inner_expression() {
            Expression::SequenceExpression(sequence) => match sequence.expressions.split_last() {
                Some((last, before)) if before.iter().all(Expression::is_literal) => self.expr(last),
                _ => self.expr(callee),
            },
            _ => self.expr(callee),
        }
    }

    fn new_expr(&mut self, call: &NewExpression<'a>) -> ExprId {
        let callee = self.expr(&call.callee);
        let args = self.args(&call.arguments);
        self.add(Expr::Call { callee, args, is_new: true, optional: false }, call.span)
    }

    fn args(&mut self, arguments: &[Argument<'a>]) -> Vec<Arg> {
        let mut args = Vec::with_capacity(arguments.len());
        for argument in arguments {
            match argument {
                Argument::SpreadElement(spread) => {
                    args.push(Arg { value: self.expr(&spread.argument), kind: ArgKind::Spread });
                }
                other => {
                    if let Some(value) = other.as_expression() {
                        args.push(Arg { value: self.expr(value), kind: ArgKind::Positional });
                    }
                }
            }
        }
        args
    }

    fn chain(&mut self, element: &ChainElement<'a>, at: oxc_span::Span) -> ExprId {
        match element {
            ChainElement::CallExpression(call) => self.call(call),
            ChainElement::TSNonNullExpression(inner) => self.expr(&inner.expression),
            other => match other.as_member_expression() {
                Some(member) => {
                    let member = self.member(member);
                    self.add(member, at)
                }
                None => self.add(Expr::Opaque(Vec::new()), at),
            },
        }
    }

    /// `import(x)`: a promise of the module, unless it is awaited on the spot.
    fn dynamic_import(&mut self, import: &ImportExpression<'a>, awaited: bool) -> ExprId {
        let source = self.expr(&import.source);
        let Expr::Str(request) = self.b.get(source) else {
            return self.add(Expr::DynamicImport(source), import.span);
        };
        let request = Arc::clone(request);
        let module = self.import_namespace(&request, import.span);
        if awaited {
            return module;
        }
        let promise = self.add(Expr::Var(Var::Global(Symbol::new("Promise"))), import.span);
        let resolve = Expr::Member { object: promise, name: Symbol::new("resolve"), optional: false };
        let callee = self.add(resolve, import.span);
        let args = vec![Arg { value: module, kind: ArgKind::Positional }];
        self.add(Expr::Call { callee, args, is_new: false, optional: false }, import.span)
    }

    pub(super) fn import_namespace(&mut self, request: &str, at: oxc_span::Span) -> ExprId {
        let import = self.b.import(request, super::span(at), false);
        self.add(Expr::Import(import, ImportName::Namespace), at)
    }

    /// `require("x")` with the real `require` or one made by `createRequire`.
    fn required(&mut self, call: &CallExpression<'a>) -> Option<ExprId> {
        if !self.is_require(&call.callee) {
            return None;
        }
        let [argument] = &call.arguments[..] else { return None };
        let source = self.expr(argument.as_expression()?);
        let request = match self.b.get(source) {
            Expr::Str(request) => Arc::clone(request),
            _ => return Some(self.add(Expr::DynamicImport(source), call.span)),
        };
        Some(self.import_namespace(&request, call.span))
    }

    fn is_require(&mut self, callee: &Expression<'a>) -> bool {
        match callee {
            Expression::Identifier(ident) => match self.resolve(ident) {
                Some(symbol) => matches!(self.binding(symbol), Binding::Require),
                None => matches!(ident.name.as_str(), "require" | "__non_webpack_require__"),
            },
            Expression::CallExpression(call) => self.is_create_require(call),
            Expression::StaticMemberExpression(member) => {
                // `module.require("x")`
                member.property.name == "require"
                    && matches!(&member.object, Expression::Identifier(ident)
                        if ident.name == "module" && self.resolve(ident).is_none())
            }
            _ => false,
        }
    }

    /// `createRequire(…)`, imported from `module` under any name.
    pub(super) fn is_create_require(&mut self, call: &CallExpression<'a>) -> bool {
        match &call.callee {
            Expression::Identifier(ident) => {
                let Some(symbol) = self.resolve(ident) else { return false };
                matches!(self.binding(symbol), Binding::Import(_, ImportName::Named(name)) if name.as_str() == "createRequire")
            }
            Expression::StaticMemberExpression(member) => member.property.name == "createRequire",
            _ => false,
        }
    }

    // ---- JSX -------------------------------------------------------------------------------------------------

    fn jsx_element(&mut self, element: &JSXElement<'a>) -> ExprId {
        let mut parts = Vec::new();
        match &element.opening_element.name {
            JSXElementName::IdentifierReference(ident) => parts.push(self.identifier(ident)),
            JSXElementName::MemberExpression(member) => parts.push(self.jsx_member(member)),
            JSXElementName::ThisExpression(this) => parts.push(self.this(this.span)),
            JSXElementName::Identifier(_) | JSXElementName::NamespacedName(_) => {}
        }
        for attribute in &element.opening_element.attributes {
            match attribute {
                JSXAttributeItem::SpreadAttribute(spread) => parts.push(self.expr(&spread.argument)),
                JSXAttributeItem::Attribute(attribute) => match &attribute.value {
                    Some(JSXAttributeValue::ExpressionContainer(inner)) => self.jsx_container(inner, &mut parts),
                    Some(JSXAttributeValue::Element(inner)) => parts.push(self.jsx_nested(inner)),
                    Some(JSXAttributeValue::Fragment(inner)) => self.jsx_children(&inner.children, &mut parts),
                    Some(JSXAttributeValue::StringLiteral(_)) | None => {}
                },
            }
        }
        self.jsx_children(&element.children, &mut parts);
        self.add(Expr::Opaque(parts), element.span)
    }

    fn jsx_nested(&mut self, element: &JSXElement<'a>) -> ExprId {
        let at = element.span;
        self.deeper(at, |this| this.jsx_element(element), |this| this.add(Expr::Opaque(Vec::new()), at))
    }

    fn jsx_children(&mut self, children: &[JSXChild<'a>], parts: &mut Vec<ExprId>) {
        for child in children {
            match child {
                JSXChild::Text(_) => {}
                JSXChild::Element(element) => parts.push(self.jsx_nested(element)),
                JSXChild::Fragment(fragment) => {
                    self.deeper(fragment.span, |this| this.jsx_children(&fragment.children, parts), |_| ());
                }
                JSXChild::ExpressionContainer(container) => self.jsx_container(container, parts),
                JSXChild::Spread(spread) => parts.push(self.expr(&spread.expression)),
            }
        }
    }

    fn jsx_container(&mut self, container: &JSXExpressionContainer<'a>, parts: &mut Vec<ExprId>) {
        if let Some(value) = container.expression.as_expression() {
            parts.push(self.expr(value));
        }
    }

    fn jsx_member(&mut self, member: &JSXMemberExpression<'a>) -> ExprId {
        let object = match &member.object {
            JSXMemberExpressionObject::IdentifierReference(ident) => self.identifier(ident),
            JSXMemberExpressionObject::ThisExpression(this) => self.this(this.span),
            JSXMemberExpressionObject::MemberExpression(inner) => {
                let at = inner.span;
                self.deeper(at, |this| this.jsx_member(inner), |this| this.add(Expr::Opaque(Vec::new()), at))
            }
        };
        let name = Symbol::new(&member.property.name);
        self.add(Expr::Member { object, name, optional: false }, member.span)
    }
}

fn unary_op(op: UnaryOperator) -> UnaryOp {
    match op {
        UnaryOperator::UnaryPlus => UnaryOp::Plus,
        UnaryOperator::UnaryNegation => UnaryOp::Neg,
        UnaryOperator::LogicalNot => UnaryOp::Not,
        UnaryOperator::BitwiseNot => UnaryOp::BitNot,
        UnaryOperator::Typeof => UnaryOp::TypeOf,
        UnaryOperator::Void => UnaryOp::Void,
        UnaryOperator::Delete => UnaryOp::Delete,
    }
}

fn binary_op(op: BinaryOperator) -> BinaryOp {
    match op {
        BinaryOperator::Equality | BinaryOperator::StrictEquality => BinaryOp::Eq,
        BinaryOperator::Inequality | BinaryOperator::StrictInequality => BinaryOp::NotEq,
        BinaryOperator::LessThan => BinaryOp::Lt,
        BinaryOperator::LessEqualThan => BinaryOp::LtEq,
        BinaryOperator::GreaterThan => BinaryOp::Gt,
        BinaryOperator::GreaterEqualThan => BinaryOp::GtEq,
        BinaryOperator::Addition => BinaryOp::Add,
        BinaryOperator::Subtraction => BinaryOp::Sub,
        BinaryOperator::Multiplication => BinaryOp::Mul,
        BinaryOperator::Division => BinaryOp::Div,
        BinaryOperator::Remainder => BinaryOp::Mod,
        BinaryOperator::Exponential => BinaryOp::Pow,
        BinaryOperator::ShiftLeft => BinaryOp::Shl,
        BinaryOperator::ShiftRight | BinaryOperator::ShiftRightZeroFill => BinaryOp::Shr,
        BinaryOperator::BitwiseOR => BinaryOp::BitOr,
        BinaryOperator::BitwiseXOR => BinaryOp::BitXor,
        BinaryOperator::BitwiseAnd => BinaryOp::BitAnd,
        BinaryOperator::In => BinaryOp::In,
        BinaryOperator::Instanceof => BinaryOp::InstanceOf,
    }
}

fn logical_op(op: LogicalOperator) -> LogicalOp {
    match op {
        LogicalOperator::And => LogicalOp::And,
        LogicalOperator::Or => LogicalOp::Or,
        LogicalOperator::Coalesce => LogicalOp::Coalesce,
    }
}
