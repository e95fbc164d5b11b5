//! Expressions.

use std::rc::Rc;

use manta_core::Span;

use super::{Args, Frame, Interp, MAX_UNROLL, ModState, key_name, without_facts};
use crate::engine::api::ApiStep;
use crate::engine::facts::{Cond, Refinements};
use crate::engine::objects::Rounds;
use crate::engine::store::{Closure, Obj, ObjKind, Snapshot};
use crate::engine::trace::StepKind;
use crate::engine::value::{CellId, Kind, ModId, ObjId, RegexVal, Taint, Val};
use crate::ir::{BinaryOp, Captured, Expr, ExprId, FuncId, Key, LogicalOp, Prop, SeqKind, Symbol, UnaryOp};

/// Most elements of a sequence that are known one by one.
const MAX_ITEMS: usize = 2_048;

/// What the filters of a comprehension say of its elements.
#[derive(Default)]
struct Tests {
    conds: Vec<Cond>,
    /// Whether an element may or may not be let in.
    are_in_doubt: bool,
}

impl<'p> Interp<'p> {
    pub(crate) fn eval(&mut self, id: ExprId) -> Val {
        if !self.burn() {
            return Val::unknown();
        }
        let code = self.code();
        let span = code.span(id);
        match code.expr(id) {
            Expr::Undefined => Val::undefined(),
            Expr::Null => Val::null(),
            Expr::Bool(value) => Val::bool(*value),
            Expr::Num(value) => Val::num(*value),
            Expr::Str(text) => Val::arc_str(text.clone()),
            Expr::Regex { pattern, flags } => {
                Val::of(Kind::Regex(Rc::new(RegexVal { pattern: pattern.clone(), flags: flags.clone() })))
            }
            Expr::Template(parts) => {
                let values: Vec<Val> = parts.iter().map(|part| self.eval(*part)).collect();
                self.concat(&values, span)
            }
            Expr::Tagged { tag, parts } => {
                let tag_value = self.eval(*tag);
                let values: Vec<Val> = parts.iter().map(|part| self.eval(*part)).collect();
                self.call_tagged(&tag_value, &values, span)
            }
            Expr::Var(var) => self.get_var(*var),
            Expr::Import(import, name) => {
                let module = self.frame().module;
                self.import(module, *import, *name, 0)
            }
            Expr::This => self.this(),
            Expr::Super => self.super_value(),
            Expr::SuperOf { object, .. } => self.eval(*object),
            Expr::Member { object, name, .. } => {
                if let Some((home, this)) = self.super_of(*object) {
                    return self.super_member(home, this, *name, span);
                }
                let receiver = self.eval(*object);
                let value = self.get_member(&receiver, *name, span);
                self.named_setting(value, *name)
            }
            Expr::Index { object, index } => {
                let receiver = self.eval(*object);
                if self.is_annotated(&receiver)
                    && let Some(schema) = self.annotation_schema_here(id, 0)
                {
                    return self.schema_val(schema);
                }
                let key = self.eval(*index);
                self.get_index(&receiver, &key, span)
            }
            Expr::Slice { object, lower, upper, step } => {
                let receiver = self.eval(*object);
                let lower = lower.map(|expr| self.eval(expr));
                let upper = upper.map(|expr| self.eval(expr));
                if let Some(step) = step {
                    self.eval(*step);
                }
                self.slice(&receiver, lower.as_ref(), upper.as_ref(), span)
            }
            Expr::Call { callee, args, is_new, .. } => self.eval_call(*callee, args, *is_new, span),
            Expr::DynamicImport(expr) => {
                let request = self.eval(*expr);
                self.dynamic_import(&request, span)
            }
            Expr::Object { props, is_dict } => self.eval_object(props, *is_dict, span),
            Expr::Seq { kind, items } => self.eval_seq(*kind, items, span),
            Expr::Comprehension { kind, element, value, clauses } => {
                self.eval_comprehension(*kind, *element, *value, clauses)
            }
            Expr::Func(func) => self.make_closure(*func, None, false),
            Expr::Class(class) => self.make_class(*class),
            Expr::Unary(op, operand) => {
                let value = self.eval(*operand);
                let asks = *op == UnaryOp::Not && self.is_option(&value, *operand);
                let result = self.unary(*op, value);
                if asks {
                    let cond = result.cond.as_deref().cloned().unwrap_or_default();
                    return Val { cond: Some(Rc::new(Cond { by_default: Some(true), ..cond })), ..result };
                }
                result
            }
            Expr::Binary(op, left, right) => {
                let a = self.eval(*left);
                let b = self.eval(*right);
                self.binary(*op, &a, &b, span)
            }
            Expr::Logical(op, left, right) => self.logical(*op, *left, *right),
            Expr::Conditional(test, yes, no) => self.conditional(*test, *yes, *no),
            Expr::Assign { target, value } => {
                let value = self.eval(*value);
                let value = self.step(value, span, StepKind::Assign);
                self.bind(target, value.clone());
                value
            }
            Expr::AugAssign { op, target, current, value } => {
                let a = self.eval(*current);
                let b = self.eval(*value);
                // `list += more` changes the list in place.
                if *op == BinaryOp::Add
                    && let Kind::Obj(id) = a.kind
                    && self.store.obj(id).is_sequence()
                {
                    self.extend_array(id, &b, span);
                    return a;
                }
                let result = self.binary(*op, &a, &b, span);
                let result = self.step(result, span, StepKind::Assign);
                self.bind(target, result.clone());
                result
            }
            Expr::LogicalAssign { op, target, current, value } => {
                let result = self.logical(*op, *current, *value);
                self.bind(target, result.clone());
                result
            }
            Expr::Await(expr) | Expr::Enter(expr) => {
                let value = self.eval(*expr);
                if matches!(code.expr(id), Expr::Enter(_)) {
                    self.enter_context(&value, span)
                } else {
                    self.settled(value)
                }
            }
            Expr::Yield { value, delegate } => {
                let value = value.map_or_else(Val::undefined, |expr| self.eval(expr));
                let value = if *delegate {
                    let (items, more) = self.elements_of(&value, span);
                    self.join_all(items.into_iter().chain(more)).unwrap_or_else(Val::undefined)
                } else {
                    value
                };
                let joined = match self.frame_mut().yielded.take() {
                    Some(before) => self.join(&before, &value),
                    None => value,
                };
                self.frame_mut().yielded = Some(joined);
                Val::unknown()
            }
            Expr::Sequence(exprs) => {
                let mut last = Val::undefined();
                for expr in exprs {
                    last = self.eval(*expr);
                }
                last
            }
            Expr::Decorated { decorator, target } => {
                let decorator = self.eval(*decorator);
                let target = self.eval(*target);
                self.decorate(&decorator, target, span)
            }
            Expr::Opaque(parts) => {
                let mut result = Val::unknown();
                for part in parts {
                    let value = self.eval(*part);
                    if let Kind::Fn(_) = value.kind {
                        self.call_value(&value, None, Args { rest: Some(Val::unknown()), ..Args::default() }, span);
                    }
                    result = result.tainted_by(&value);
                }
                result
            }
        }
    }

    /// A setting of which only the name is known, where the name says which program it holds (`config.git_path`).
    fn named_setting(&mut self, value: Val, name: Symbol) -> Val {
        let is_open = matches!(value.kind, Kind::Unknown) && value.taint.is_none() && value.text.is_none();
        if !is_open || crate::domain::argv::program_kept_as(name.as_str()).is_none() {
            return value;
        }
        let root = self.apis.root(Symbol::new("$config"));
        let api = self.apis.step(root, ApiStep::Field(name));
        Val { kind: Kind::Api(api, None), ..value }
    }

    pub(crate) fn push_module_frame(&mut self, module: ModId) {
        let locals = match &self.mods[module.0 as usize] {
            ModState::Loaded(cells) => cells.to_vec(),
            ModState::Unloaded => Vec::new(),
        };
        let entry = self.store.mark();
        self.frames.push(Frame::new(module, FuncId(0), locals, entry));
    }

    pub(crate) fn pop_module_frame(&mut self) {
        if let Some(frame) = self.frames.pop() {
            self.store.release(frame.entry);
        }
    }

    fn eval_object(&mut self, props: &'p [Prop], is_dict: bool, span: Span) -> Val {
        let id = self.store.new_obj(Obj::new(if is_dict { ObjKind::Dict } else { ObjKind::Plain }));
        let object = Val::of(Kind::Obj(id));
        for prop in props {
            match prop {
                Prop::Init(key, value) => {
                    let key = self.eval_key(*key);
                    let value = self.eval(*value);
                    match key {
                        Ok(name) => {
                            if let Kind::Resolver(cell) = value.kind {
                                self.found.kept_resolvers.insert(cell);
                            }
                            self.store.obj_mut(id).fields.insert(name, value);
                        }
                        Err(key) => self.set_index(&object, &key, value, span),
                    }
                }
                Prop::Spread(value) => {
                    let value = self.eval(*value);
                    self.copy_fields(&value, id);
                }
                Prop::Getter(key, func) => {
                    if let (Ok(name), Kind::Fn(getter)) =
                        (self.eval_key(*key), self.make_closure(*func, None, false).kind)
                    {
                        let setter = match self.store.obj(id).fields.get(&name).map(|value| &value.kind) {
                            Some(Kind::Accessor(_, setter)) => *setter,
                            _ => None,
                        };
                        let accessor = Val::of(Kind::Accessor(Some(getter), setter));
                        self.store.obj_mut(id).fields.insert(name, accessor);
                    }
                }
                Prop::Setter(key, func) => {
                    if let (Ok(name), Kind::Fn(setter)) =
                        (self.eval_key(*key), self.make_closure(*func, None, false).kind)
                    {
                        let getter = match self.store.obj(id).fields.get(&name).map(|value| &value.kind) {
                            Some(Kind::Accessor(getter, _)) => *getter,
                            _ => None,
                        };
                        let accessor = Val::of(Kind::Accessor(getter, Some(setter)));
                        self.store.obj_mut(id).fields.insert(name, accessor);
                    }
                }
            }
        }
        self.object_built(id, span);
        object
    }

    pub(super) fn eval_key(&mut self, key: Key) -> Result<Symbol, Val> {
        match key {
            Key::Static(name) => Ok(name),
            Key::Computed(expr) => {
                let value = self.eval(expr);
                match key_name(&value).or_else(|| self.protocol_name(&value)) {
                    Some(name) => Ok(name),
                    None => Err(value),
                }
            }
        }
    }

    /// `[Symbol.iterator]`: one name for what both languages ask for the elements.
    fn protocol_name(&self, key: &Val) -> Option<Symbol> {
        let Kind::Api(api, None) = key.kind else { return None };
        let name = self.apis.name(api);
        let iterates = matches!(&*name, "globalThis.Symbol.iterator" | "globalThis.Symbol.asyncIterator");
        iterates.then(|| Symbol::new("__iter__"))
    }

    fn eval_seq(&mut self, kind: SeqKind, items: &'p [(ExprId, bool)], span: Span) -> Val {
        let id = self.store.new_obj(Obj::new(if kind == SeqKind::Set { ObjKind::Set } else { ObjKind::Array }));
        for (item, is_spread) in items {
            let value = self.eval(*item);
            if *is_spread {
                self.extend_array(id, &value, span);
            } else {
                // An argument list is written over many lines: the line of the element is the one to look at.
                let at = self.code().span(*item);
                let value = self.step(value, at, StepKind::Element);
                self.push_array(id, value);
            }
        }
        let taint = self
            .store
            .obj(id)
            .items
            .iter()
            .chain(&self.store.obj(id).more)
            .fold(Taint::NONE, |taint, value| taint.union(value.taint));
        let step = self
            .store
            .obj(id)
            .items
            .iter()
            .chain(&self.store.obj(id).more)
            .find(|value| value.is_tainted())
            .map_or(0, |value| value.step);
        Val { taint, step, ..Val::of(Kind::Obj(id)) }
    }

    pub(crate) fn new_array(&mut self, mut items: Vec<Val>, mut more: Option<Val>) -> Val {
        self.charge(items.len());
        if items.len() > MAX_ITEMS {
            let rest = items.split_off(MAX_ITEMS);
            more = self.join_all(more.into_iter().chain(rest));
        }
        let taint = items.iter().chain(&more).fold(Taint::NONE, |taint, value| taint.union(value.taint));
        let step = items.iter().chain(&more).find(|value| value.is_tainted()).map_or(0, |value| value.step);
        let id = self.store.new_obj(Obj { more, ..Obj::array(items) });
        Val { taint, step, ..Val::of(Kind::Obj(id)) }
    }

    fn eval_comprehension(
        &mut self,
        kind: crate::ir::CompKind,
        element: ExprId,
        value: Option<ExprId>,
        clauses: &'p [crate::ir::CompClause],
    ) -> Val {
        let id = self.store.new_obj(Obj::new(match kind {
            crate::ir::CompKind::Dict => ObjKind::Dict,
            crate::ir::CompKind::Set => ObjKind::Set,
            _ => ObjKind::Array,
        }));
        let mut tests = Tests::default();
        self.comprehension_clause(id, element, value, clauses, &mut tests);
        // That nothing passed the filter says of all what the filter says of one.
        let cond = match clauses {
            [only] if only.conditions.len() == 1 => tests.conds.into_iter().reduce(|one, other| one.or(&other)),
            _ => None,
        };
        if tests.are_in_doubt {
            self.evidence.insert(id, cond.clone().unwrap_or_default());
        }
        let cond = cond.map(|cond| self.quantified_cond(cond, false)).filter(|cond| !cond.is_trivial()).map(Rc::new);
        let obj = self.store.obj(id);
        let taint = obj.items.iter().chain(&obj.more).fold(Taint::NONE, |taint, value| taint.union(value.taint));
        let step = obj.items.iter().chain(&obj.more).find(|value| value.is_tainted()).map_or(0, |value| value.step);
        Val { taint, step, cond, ..Val::of(Kind::Obj(id)) }
    }

    fn comprehension_clause(
        &mut self,
        into: ObjId,
        element: ExprId,
        value: Option<ExprId>,
        clauses: &'p [crate::ir::CompClause],
        tests: &mut Tests,
    ) {
        let Some((clause, inner)) = clauses.split_first() else {
            let key = self.eval(element);
            match value {
                Some(value) => {
                    let value = self.eval(value);
                    let target = Val::of(Kind::Obj(into));
                    self.set_index(&target, &key, value, Span::default());
                }
                // As it is where it was let in.
                None => {
                    let element = self.current(&key);
                    self.push_array(into, element);
                }
            }
            return;
        };
        let collection = self.eval(clause.iter);
        let span = self.code().span(clause.iter);
        let Rounds { items, more: rest, .. } = self.rounds_of(&collection, span);
        let (items, rest) = if items.len() > MAX_UNROLL || !self.admits_rounds(items.len()) {
            let joined = self.join_all(items);
            (
                Vec::new(),
                match (joined, rest) {
                    (Some(a), Some(b)) => Some(self.join(&a, &b)),
                    (a, b) => a.or(b),
                },
            )
        } else {
            (items, rest)
        };
        let known = items.len();
        let outer_rounds = self.enter_loop(known);
        for (at, item) in items.into_iter().chain(rest).enumerate() {
            let is_exact = at < known;
            let before = self.store.obj(into).items.len();
            let mark = self.store.mark();
            self.bind(&clause.pat, item);
            let mut possible = true;
            for condition in &clause.conditions {
                let test = self.eval(*condition);
                tests.conds.push(test.cond.as_deref().cloned().unwrap_or_default());
                match self.outcomes(&test) {
                    (Some(facts), otherwise) => {
                        tests.are_in_doubt |= otherwise.is_some();
                        self.assume(&facts);
                    }
                    (None, _) => possible = false,
                }
            }
            if possible {
                self.comprehension_clause(into, element, value, inner, tests);
            }
            // The filter holds for the element that was added, not for what follows.
            let snapshot = without_facts(&self.store.snapshot(mark));
            self.store.rollback(mark);
            self.store.release(mark);
            self.store.apply(snapshot);
            // A filter may drop a known element; it stays in the list, since what is in doubt is only its presence.
            if !is_exact && self.store.obj(into).items.len() > before {
                // How often is unknown.
                let added: Vec<Val> = self.store.obj_mut(into).items.drain(before..).collect();
                let more = self.store.obj(into).more.clone();
                let joined = self.join_all(more.into_iter().chain(added));
                self.store.obj_mut(into).more = joined;
            }
        }
        self.leave_loop(outer_rounds);
    }

    pub(crate) fn make_closure(&mut self, func: FuncId, home: Option<ObjId>, takes_self: bool) -> Val {
        let frame = self.frame();
        let code = self.code();
        let captures: Vec<CellId> = code
            .func(func)
            .captures
            .iter()
            .map(|captured| match captured {
                Captured::Local(slot) => frame.locals[*slot as usize],
                Captured::Capture(index) => frame.captures[*index as usize],
            })
            .collect();
        let this = if code.func(func).is_arrow { frame.this.clone() } else { None };
        let home = home.or(if code.func(func).is_arrow { frame.home } else { None });
        let closure = Closure {
            module: frame.module,
            func,
            captures: captures.into(),
            this,
            home,
            takes_self,
            bound: Rc::from([]),
            bound_named: Rc::from([]),
            props: None,
        };
        Val::of(Kind::Fn(self.store.new_closure(closure)))
    }

    fn logical(&mut self, op: LogicalOp, left: ExprId, right: ExprId) -> Val {
        let a = self.eval(left);
        let truth = match op {
            LogicalOp::Coalesce => {
                if a.is_nullish() {
                    Some(false)
                } else if matches!(a.kind, Kind::Unknown | Kind::Union(_) | Kind::Api(..)) || a.is_tainted() {
                    None
                } else {
                    Some(true)
                }
            }
            _ => self.truth(&a),
        };
        match (op, truth) {
            (LogicalOp::And, Some(false)) | (LogicalOp::Or | LogicalOp::Coalesce, Some(true)) => return a,
            (LogicalOp::And, Some(true)) | (LogicalOp::Or | LogicalOp::Coalesce, Some(false)) => {
                let facts = self.outcomes(&a);
                if op == LogicalOp::And
                    && let Some(facts) = facts.0
                {
                    self.assume(&facts);
                }
                let b = self.eval(right);
                return match (op, &a.cond) {
                    (LogicalOp::And, Some(cond)) => {
                        let theirs = b.cond.as_deref().cloned().unwrap_or_default();
                        Val { cond: Some(Rc::new(cond.and(&theirs))), ..b }
                    }
                    _ => b,
                };
            }
            _ => {}
        }
        let cond_a = self.condition(&a);
        let facts = if op == LogicalOp::And { cond_a.when_true.clone() } else { cond_a.when_false.clone() };
        // The right side runs only on one outcome of the left, with its facts.
        let mark = self.store.mark();
        self.assume(&facts);
        self.last_call_failed = false;
        let b = self.eval(right);
        if self.is_never(&b, right) {
            // `inside(path) || fail()`: whoever goes on has passed the test.
            self.store.rollback(mark);
            self.store.release(mark);
            self.last_call_failed = false;
            let passed = if op == LogicalOp::And { cond_a.when_false.clone() } else { cond_a.when_true.clone() };
            self.assume(&passed);
            return a;
        }
        let b = self.current(&b);
        let end = without_facts(&self.store.snapshot(mark));
        self.store.rollback(mark);
        self.store.release(mark);
        self.join_into_store(vec![Snapshot::default(), end]);
        let cond_a = Cond { by_default: self.by_default(&a, left), ..cond_a };
        let cond_b = self.condition(&b);
        // `setting || something` is something, whatever the setting.
        let is_there = op == LogicalOp::Or && !b.is_tainted() && self.truth(&b) == Some(true);
        let by_default_b = if is_there { Some(true) } else { self.by_default(&b, right) };
        let cond_b = Cond { by_default: by_default_b, ..cond_b };
        // A witness is followed as far as the server lets it by default.
        let leaves_it = match op {
            LogicalOp::And => Some(true),
            LogicalOp::Or => Some(false),
            LogicalOp::Coalesce => None,
        };
        if self.found.replay.is_some() && leaves_it.is_some() {
            if cond_a.by_default == leaves_it && matches!(b.kind, Kind::Bool(_)) {
                return b;
            }
            if cond_b.by_default == leaves_it && matches!(a.kind, Kind::Bool(_)) {
                return a;
            }
        }
        let cond = if op == LogicalOp::And { cond_a.and(&cond_b) } else { cond_a.or(&cond_b) };
        let mut value = match op {
            // The value of `a && b` is `b`, or something false.
            LogicalOp::And if b.truth() == Some(true) && !matches!(b.kind, Kind::Bool(_)) => {
                Val { kind: Kind::Union(Rc::from([b.clone(), Val::undefined()])), text: None, cond: None, ..b }
            }
            LogicalOp::And if !matches!(b.kind, Kind::Bool(_)) => b,
            LogicalOp::And => Val { taint: Taint::NONE, ..Val::any_bool() },
            LogicalOp::Or | LogicalOp::Coalesce => {
                if matches!((&a.kind, &b.kind), (Kind::Bool(_), Kind::Bool(_))) {
                    Val::any_bool()
                } else {
                    self.join_default(a, &b)
                }
            }
        };
        // `a && b` has the identity of `b`, but its being false says nothing of `b`.
        let is_other = op == LogicalOp::And && value.vn != 0;
        value.cond = (is_other || !cond.is_trivial()).then(|| Rc::new(cond));
        value
    }

    fn conditional(&mut self, test: ExprId, yes: ExprId, no: ExprId) -> Val {
        let value = self.eval(test);
        let outcomes = self.outcomes(&value);
        match outcomes {
            (Some(facts), None) => {
                self.assume(&facts);
                self.eval(yes)
            }
            (None, Some(facts)) => {
                self.assume(&facts);
                self.eval(no)
            }
            (when_true, when_false) => {
                let mut results: Vec<Val> = Vec::new();
                let mut facts = [(when_true.unwrap_or_default(), yes), (when_false.unwrap_or_default(), no)];
                // Where the administrator's configuration decides, the usual value comes first.
                if self.by_default(&value, test) == Some(false) {
                    facts.reverse();
                }
                let mark = self.store.mark();
                let mut ends = Vec::new();
                let mut paths: Vec<Refinements> = Vec::new();
                for (facts, expr) in facts {
                    self.assume(&facts);
                    self.last_call_failed = false;
                    let value = self.eval(expr);
                    if !self.is_never(&value, expr) {
                        results.push(self.current(&value));
                        ends.push(self.store.snapshot(mark));
                        paths.push(facts);
                    }
                    self.store.rollback(mark);
                }
                self.store.release(mark);
                self.last_call_failed = false;
                if results.is_empty() {
                    return Val::unknown();
                }
                self.join_into_store(ends);
                self.join_outcomes(&results, &paths)
            }
        }
    }
}
