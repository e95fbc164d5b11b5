//! Calls of functions the target defines.

use std::rc::Rc;

use manta_core::{Location, Span};

use super::{Args, Frame, Interp, Returned, key_name};
use crate::engine::facts::{Cond, Refinements};
use crate::engine::memo::Callee;
use crate::engine::store::{Closure, Obj, ObjKind, Snapshot};
use crate::engine::trace::StepKind;
use crate::engine::value::{CellId, FnId, Kind, ModId, Taint, Val};
use crate::ir::{ArgKind, Expr, ExprId, FuncId, Lang, Stmt, StmtKind, Symbol};

/// From how many steps on, in all and per call, a function is no longer called while modules load.
const DEAR_IN_ALL: u64 = 40_000;
const DEAR_PER_CALL: u64 = 1_500;
/// How many functions of one piece of code may be running one inside the other while modules load.
const MOST_MADE: usize = 24;

impl<'p> Interp<'p> {
    pub(super) fn eval_call(&mut self, callee: ExprId, args: &'p [crate::ir::Arg], is_new: bool, span: Span) -> Val {
        let code = self.code();
        let (target, receiver) = match code.expr(callee) {
            Expr::Super => {
                let args = self.eval_args(args);
                return self.super_call(args, span);
            }
            Expr::Member { object, name, optional } => {
                if let Some((home, this)) = self.super_of(*object) {
                    let method = self.super_member(home, this, *name, span);
                    let this = self.frame().this.clone();
                    let args = self.eval_args(args);
                    return self.call_value(&method, this, args, span);
                }
                let mut receiver = self.eval(*object);
                let args = self.eval_args(args);
                if receiver.is_nullish() {
                    // A call on what is missing does not happen. One that is met nevertheless is on the promise of a
                    // function that returns nothing, or on something set where we did not look; a witness ends there.
                    let is_promise =
                        code.lang == Lang::JavaScript && matches!(name.as_str(), "then" | "catch" | "finally");
                    if !is_promise && (*optional || self.found.replay.is_some()) {
                        return Val::unknown();
                    }
                    receiver = Val::unknown();
                }
                return self.call_member(&receiver, *name, args, is_new, span);
            }
            Expr::Index { object, index } => {
                let receiver = self.eval(*object);
                let key = self.eval(*index);
                let args = self.eval_args(args);
                // In JavaScript `o[k](…)` calls a method of `o`; in Python an element is a value like any other.
                if let Some(name) = key_name(&key)
                    && self.lang() == Lang::JavaScript
                {
                    return self.call_member(&receiver, name, args, is_new, span);
                }
                if self.lang() == Lang::Python {
                    let target = self.get_index(&receiver, &key, span);
                    return self.call_value(&target, None, args, span);
                }
                let target = self.get_index(&receiver, &key, span);
                return self.call_value(&target, Some(receiver), args, span);
            }
            _ => (self.eval(callee), None),
        };
        let args = self.eval_args(args);
        if is_new { self.construct(&target, args, span) } else { self.call_value(&target, receiver, args, span) }
    }

    fn call_member(&mut self, receiver: &Val, name: Symbol, args: Args, is_new: bool, span: Span) -> Val {
        if let Kind::Union(_) = &receiver.kind {
            let values: Vec<Val> = self.current(receiver).alternatives().to_vec();
            let values: Vec<Val> = values.into_iter().filter(|value| !value.is_nullish()).collect();
            let (mut results, mut proofs) = (Vec::new(), Vec::new());
            let joined = self.each_alternative(&values, |interp, value| {
                let result = interp.call_member(value, name, args.clone(), is_new, span);
                results.push(result.clone());
                if interp.taint_now(value).is_some() {
                    proofs.push(interp.store.fact(value.vn).cloned());
                }
                result
            });
            // `path.relative_to(root)` comes back only with what it asks for, of whichever alternative it was.
            let proven: Option<Vec<_>> = proofs.into_iter().collect();
            if let Some(common) = proven.and_then(|all| all.into_iter().reduce(|one, other| Rc::new(one.or(&other)))) {
                self.assume(&vec![(receiver.vn, common)]);
            }
            let result = self.lifted(receiver, &values, &results, joined);
            return self.numbered_method(receiver, name, &args, result);
        }
        if let Some(message) = self.message_read(receiver, name) {
            return message;
        }
        if let Some((method, this, args)) = self.method_of_base(receiver, name, &args) {
            return self.call_value(&method, Some(this), args, span);
        }
        if let Some(result) = self.on_its_own_object(receiver, name, &args, span) {
            return result;
        }
        let target = self.get_member(receiver, name, span);
        if is_new {
            return self.construct(&target, args, span);
        }
        // Python: `Class.method(instance)` is given its instance like any argument.
        let is_class = matches!(receiver.kind, Kind::Obj(id) if matches!(self.store.obj(id).kind, ObjKind::Class(_)));
        let is_given = is_class && matches!(target.kind, Kind::Fn(_)) && self.lang() == Lang::Python;
        self.call_value(&target, (!is_given).then(|| receiver.clone()), args, span)
    }

    /// Runs `each` for every alternative in its own branch and joins results and effects.
    pub(crate) fn each_alternative(&mut self, values: &[Val], mut each: impl FnMut(&mut Self, &Val) -> Val) -> Val {
        match values {
            [] => Val::unknown(),
            [only] => each(self, only),
            _ => {
                let mark = self.store.mark();
                let outer_rounds = self.enter_loop(values.len());
                let mut ends = Vec::new();
                let mut results = Vec::new();
                for value in values {
                    let result = each(self, value);
                    results.push(self.current(&result));
                    ends.push(self.store.snapshot(mark));
                    self.store.rollback(mark);
                }
                self.leave_loop(outer_rounds);
                self.store.release(mark);
                self.join_into_store(ends);
                self.join_all(results).unwrap_or_else(Val::unknown)
            }
        }
    }

    pub(crate) fn eval_args(&mut self, args: &'p [crate::ir::Arg]) -> Args {
        let mut all = Args::default();
        for arg in args {
            let value = self.eval(arg.value);
            match arg.kind {
                ArgKind::Positional if all.rest.is_some() => {
                    let rest = all.rest.take().expect("checked");
                    all.rest = Some(self.join(&rest, &value));
                }
                ArgKind::Positional => {
                    all.of_list = None;
                    all.pos.push(value);
                }
                ArgKind::Spread => {
                    let span = self.code().span(arg.value);
                    let (items, more) = self.elements_of(&value, span);
                    if let (true, Some(filled)) = (all.pos.is_empty(), self.open_list(&value)) {
                        all.of_list = Some(self.bool_with(None, filled));
                    }
                    all.pos.extend(items);
                    all.rest = more;
                }
                ArgKind::Named(name) => all.named.push((name, value)),
                ArgKind::SpreadNamed => self.spread_named(&value, &mut all),
            }
        }
        all
    }

    /// `**kwargs`. Of several dictionaries that it may be, only arguments that all of them have are known by name.
    pub(crate) fn spread_named(&mut self, value: &Val, all: &mut Args) {
        let collection = self.collection_in(value);
        let alternatives = collection.as_ref().unwrap_or(value).alternatives().to_vec();
        let mut named: Vec<(Symbol, Vec<Val>)> = Vec::new();
        let mut rest: Vec<Val> = Vec::new();
        for one in &alternatives {
            let Kind::Obj(id) = one.kind else {
                rest.push(Val::unknown().tainted_by(one));
                continue;
            };
            let obj = self.store.obj_rc(id);
            for (key, value) in &obj.fields {
                match named.iter_mut().find(|(name, _)| name == key) {
                    Some((_, values)) => values.push(value.clone()),
                    None => named.push((*key, vec![value.clone()])),
                }
            }
            rest.extend(obj.any.clone());
        }
        for (name, values) in named {
            if values.len() == alternatives.len() {
                let value = self.join_all(values).unwrap_or_else(Val::unknown);
                all.named.push((name, value));
            } else {
                rest.extend(values.iter().map(|value| Val::unknown().tainted_by(value)));
            }
        }
        all.named_rest = self.join_all(rest);
    }

    /// Calls any value.
    pub(crate) fn call_value(&mut self, target: &Val, this: Option<Val>, args: Args, span: Span) -> Val {
        match &target.kind {
            Kind::Fn(id) => self.call_closure(*id, this, args, span),
            Kind::Bound(bound) => {
                let (receiver, method) = (&bound.0, &bound.1);
                self.call_value(method, Some(receiver.clone()), args, span)
            }
            Kind::Method(method) => {
                let (receiver, name) = (&method.0, method.1);
                self.call_method(receiver, name, args, span)
            }
            Kind::Api(api, data) => self.call_api(*api, *data, this, args, span),
            Kind::Obj(id) => match &self.store.obj(*id).kind {
                ObjKind::Class(_) => self.construct(target, args, span),
                ObjKind::Instance(_) => {
                    let method = self.get_member(target, Symbol::new("__call__"), span);
                    if matches!(method.kind, Kind::Bound(_)) {
                        self.call_value(&method, None, args, span)
                    } else {
                        self.call_unknown(target, &args, span)
                    }
                }
                _ => {
                    // A module namespace with a callable default (interoperation helpers).
                    match self.store.obj(*id).fields.get(&Symbol::new("default")).cloned() {
                        Some(default) => self
                            .inside(|interp| interp.call_value(&default, this, args, span))
                            .unwrap_or_else(Val::unknown),
                        None => self.call_unknown(target, &args, span),
                    }
                }
            },
            Kind::Module(module) => match self.export(*module, Symbol::new("default"), 0) {
                Some(default) => self.call_value(&default, this, args, span),
                None => self.call_unknown(target, &args, span),
            },
            Kind::Union(values) => {
                let values: Vec<Val> = values.iter().filter(|value| !value.is_nullish()).cloned().collect();
                self.each_alternative(&values, |interp, value| {
                    interp.call_value(value, this.clone(), args.clone(), span)
                })
            }
            Kind::Schema(schema) => {
                let schema = schema.clone();
                self.call_schema(&schema, &args, span)
            }
            Kind::Resolver(cell) => {
                let value = args.get(0).cloned().unwrap_or_else(Val::undefined);
                let before = self.store.cell(*cell).clone();
                let joined = if matches!(before.kind, Kind::Undefined) { value } else { self.join(&before, &value) };
                self.store.set_cell(*cell, joined);
                Val::undefined()
            }
            _ => self.call_unknown(target, &args, span),
        }
    }

    /// Calls a closure of the target.
    pub(crate) fn call_closure(&mut self, id: FnId, this: Option<Val>, args: Args, span: Span) -> Val {
        let closure = self.store.closure(id).clone();
        let depth = self.frames.len();
        let is_of_it = |frame: &Frame| frame.func == closure.func && frame.module == closure.module;
        let on_stack = self.frames.iter().filter(|frame| is_of_it(frame)).count();
        // Functions made of one piece of code are not one function: what a bundler makes of modules, each of which loads
        // the next, is no recursion.
        let is_same = |frame: &&Frame| is_of_it(frame) && frame.captures[..] == closure.captures[..];
        let is_made = self.is_loading && !closure.captures.is_empty() && on_stack < MOST_MADE;
        let recursion = if is_made { self.frames.iter().filter(is_same).count() } else { on_stack };
        if depth >= self.limits.call_depth {
            self.found.depth_exceeded = true;
            self.mark_effect();
            return self.summary(&args, this.as_ref());
        }
        if recursion >= 2 {
            // What led here is part of the answer.
            if let Some(outermost) = self.frames.iter().position(is_of_it) {
                self.mark_dependence(outermost);
            }
            // What it would give is of the kind of what the calls around it give by themselves: the least fixed point. To say
            // that it may be anything of the caller's would undo what they checked.
            return Val { vn: self.store.fresh_vn(), ..Val::unknown() };
        }
        let code = self.program.module(closure.module);
        let func = code.func(closure.func);
        let place = (closure.module, closure.func);
        if self.is_loading && self.is_not_worth_it(place, func.name) {
            self.mark_effect();
            return self.summary(&args, this.as_ref());
        }
        let (steps, registered, started) = (self.fuel_used, self.registered(), self.found.starts);
        // Without steps nothing of it is run.
        if self.fuel > 0 {
            self.entered.insert(place);
        }
        if self.trials == 0 && !self.found.is_running_handler {
            self.ran.insert(place);
        }
        self.found.met.enter(closure.module, closure.func);
        let called_at = (!self.frames.is_empty() && span != Span::default()).then(|| self.here(span));
        let callee = Callee::Function(id, on_stack);
        let result = self.remembered(callee, this, args, called_at, |interp, this, args| {
            if interp.is_given_up(id, this.as_ref(), &args) {
                interp.last_call_failed = false;
                let result = interp.summary(&args, this.as_ref());
                return interp.declared_result(result, &closure, func.returns);
            }
            interp.run_closure(&closure, this, args, span, called_at)
        });
        if self.is_loading {
            let registers = self.registered() != registered;
            let cost = self.load_costs.entry(place).or_default();
            cost.calls += 1;
            cost.steps += self.fuel_used - steps;
            cost.registers |= registers;
            cost.starts = self.found.starts != started;
        }
        result
    }

    /// Runs the body of a function.
    fn run_closure(
        &mut self,
        closure: &Closure,
        this: Option<Val>,
        args: Args,
        span: Span,
        called_at: Option<Location>,
    ) -> Val {
        let func = self.program.module(closure.module).func(closure.func);
        let args = self.mark_arguments(args, func.name, span);
        let entry = self.store.mark();
        let locals: Vec<CellId> = (0..func.slots).map(|_| self.store.new_cell(Val::undefined())).collect();
        let this = if func.is_arrow { closure.this.clone() } else { this };
        let frame = Frame {
            captures: closure.captures.clone(),
            this: this.clone(),
            home: closure.home,
            called_at,
            entered: Some(self.fuel_used),
            discovered: self.discoveries(),
            ..Frame::new(closure.module, closure.func, locals, entry)
        };
        self.frames.push(frame);
        self.bind_params(closure, this, args);
        let alive = self.block(&func.body);
        let result = self.leave(func.is_generator, alive);
        let result = self.given_up().unwrap_or(result);
        self.declared_result(result, closure, func.returns)
    }

    /// Whether a function has cost so much while modules load, without registering or starting anything, that calling it once more
    /// is left out: parsers, indexers and schema compilers that a server runs when it starts say nothing about its tools.
    /// A first call is always made, and constructors are, since what they make would lack its fields.
    fn is_not_worth_it(&self, place: (ModId, FuncId), name: Option<Symbol>) -> bool {
        let Some(cost) = self.load_costs.get(&place) else { return false };
        let is_dear = cost.steps > DEAR_IN_ALL && cost.steps / u64::from(cost.calls.max(1)) > DEAR_PER_CALL;
        let discovers = cost.registers || cost.starts;
        is_dear && !discovers && !name.is_some_and(|name| matches!(name.as_str(), "constructor" | "__init__"))
    }

    /// How much has been discovered: what is registered, and what starts servers.
    pub(super) fn discoveries(&self) -> usize {
        self.registered() + self.found.starts
    }

    fn registered(&self) -> usize {
        self.found.registrations.len()
            + self.found.list_handlers.len()
            + self.found.message_methods.len()
            + self.found.tool_classes.len()
    }

    fn mark_arguments(&mut self, mut args: Args, name: Option<Symbol>, span: Span) -> Args {
        let mut values = args.pos.iter().chain(&args.rest).chain(args.named.iter().map(|(_, value)| value));
        if self.frames.is_empty() || span == Span::default() || !values.any(Val::is_tainted) {
            return args;
        }
        let label = name.map_or_else(|| "a callback".to_owned(), |name| format!("`{name}`"));
        let what = StepKind::Argument(label);
        for value in args.pos.iter_mut().chain(&mut args.rest).chain(args.named.iter_mut().map(|(_, value)| value)) {
            if value.is_tainted() {
                let at = self.here(span);
                value.step = self.trace.add(value.step, at, what.clone());
            }
        }
        args
    }

    fn bind_params(&mut self, closure: &Closure, this: Option<Val>, args: Args) {
        let code = self.program.module(closure.module);
        let func = code.func(closure.func);
        let Args { pos, rest, mut named, named_rest, of_list: _ } = args;
        if let Some(slot) = func.arguments {
            let list = self.new_array(pos.clone(), rest.clone());
            let cell = self.frame().locals[slot as usize];
            self.store.set_cell(cell, list);
        }
        let mut positional = std::collections::VecDeque::from(pos);
        for bound in closure.bound.iter().rev() {
            positional.push_front(bound.clone());
        }
        if closure.takes_self
            && let Some(this) = this
        {
            positional.push_front(this);
        }
        named.splice(0..0, closure.bound_named.iter().cloned());
        for param in &func.params {
            let value = match param.kind {
                crate::ir::ParamKind::Rest => {
                    let items: Vec<Val> = positional.drain(..).collect();
                    self.new_array(items, rest.clone())
                }
                crate::ir::ParamKind::KeywordRest => {
                    let mut obj = Obj::new(ObjKind::Dict);
                    for (name, value) in named.drain(..) {
                        obj.fields.insert(name, value);
                    }
                    obj.any = named_rest.clone();
                    let taint =
                        obj.fields.values().chain(&obj.any).fold(Taint::NONE, |taint, value| taint.union(value.taint));
                    Val { taint, ..Val::of(Kind::Obj(self.store.new_obj(obj))) }
                }
                crate::ir::ParamKind::Normal | crate::ir::ParamKind::KeywordOnly => {
                    let by_name = param
                        .name
                        .and_then(|name| named.iter().position(|(key, _)| *key == name))
                        .map(|at| named.remove(at).1);
                    let by_position =
                        if param.kind == crate::ir::ParamKind::Normal { positional.pop_front() } else { None };
                    let is_left_to_others = by_position.is_none() && by_name.is_none();
                    let given = by_position
                        .or(by_name)
                        .or_else(|| if param.kind == crate::ir::ParamKind::Normal { rest.clone() } else { None });
                    let given = given.or_else(|| {
                        let rest = named_rest.as_ref()?;
                        Some(param.name.map_or_else(|| rest.clone(), |name| self.named_of(rest, name)))
                    });
                    match given {
                        Some(value) if is_left_to_others => self.or_default_of_command(value, param.default),
                        Some(value) => self.or_default_param(value, param.default),
                        None => match param.default {
                            Some(default) => self.eval_default(default),
                            None => self.left_out(param.name),
                        },
                    }
                }
            };
            let value = self.typed(value, param.annotation);
            if param.is_property
                && let (Some(name), Some(this)) = (param.name, self.frame().this.clone())
            {
                self.set_member(&this, name, value.clone(), param.span);
            }
            self.bind(&param.pat, value);
        }
    }

    /// JavaScript defaults apply to `undefined`; Python defaults only to missing arguments.
    fn or_default_param(&mut self, value: Val, default: Option<ExprId>) -> Val {
        if self.lang() == Lang::Python { value } else { self.or_default(value, default) }
    }

    /// What a library calls a function with that it was given while the program starts: of a command line, as a rule the
    /// defaults (`@app.command()` of typer).
    fn or_default_of_command(&mut self, value: Val, default: Option<ExprId>) -> Val {
        let is_open = matches!(value.kind, Kind::Unknown) && !value.is_tainted();
        match default.filter(|_| is_open && self.lang() == Lang::Python && !self.found.is_running_handler) {
            Some(default) => {
                let usual = self.eval_default(default);
                self.join(&usual, &value)
            }
            None => self.or_default_param(value, default),
        }
    }

    /// What a parameter without a default is when nothing is given for it. In Python that is an error, unless something
    /// around the function fills it in: while a program starts, its command line (`@click.command()`).
    fn left_out(&mut self, name: Option<Symbol>) -> Val {
        match name {
            Some(name) if self.lang() == Lang::Python && !self.found.is_running_handler => {
                self.environment(name.as_str())
            }
            _ => Val::undefined(),
        }
    }

    fn eval_default(&mut self, default: ExprId) -> Val {
        let value = self.eval(default);
        // pydantic's `Field(default=…)` and FastAPI's `Query(…)` stand for their default.
        self.field_default(&value).unwrap_or(value)
    }

    /// An argument of unknown kind whose parameter names a class of the target is an instance of that class.
    fn typed(&mut self, value: Val, annotation: Option<ExprId>) -> Val {
        let Some(annotation) = annotation else { return value };
        let is_opaque = matches!(value.kind, Kind::Unknown | Kind::Undefined) && value.text.is_none();
        if !is_opaque || value.is_tainted() {
            return value;
        }
        self.instance_of_annotation(annotation).unwrap_or(value)
    }

    /// A result of which nothing is known is what the function's annotation says, where that is a class of the target.
    fn declared_result(&mut self, result: Val, closure: &Closure, returns: Option<ExprId>) -> Val {
        let Some(returns) = returns else { return result };
        let is_opaque =
            |value: &Val| matches!(value.kind, Kind::Unknown) && value.text.is_none() && !value.is_tainted();
        let (missing, others): (Vec<&Val>, Vec<&Val>) =
            result.alternatives().iter().partition(|value| value.is_nullish());
        if others.is_empty() || !others.into_iter().all(is_opaque) || self.last_call_failed {
            return result;
        }
        let missing = missing.first().map(|value| (*value).clone());
        let declared = self.in_signature(closure, |interp| interp.instance_of_annotation(returns));
        match (declared, missing) {
            (Some(instance), Some(missing)) => self.join(&missing, &instance),
            (Some(instance), None) => instance,
            (None, _) => result,
        }
    }

    /// Ends the innermost call: joins the returns and their states.
    pub(super) fn leave(&mut self, is_generator: bool, alive: bool) -> Val {
        let nothing = self.nothing();
        let mut returns = std::mem::take(&mut self.frame_mut().returns);
        let entry = self.frame().entry;
        let frame = self.frames.pop().expect("leave pairs with call_closure");
        // The only way out needs no join.
        let only = match returns.as_mut_slice() {
            [] if alive => Some(nothing.clone()),
            [Returned { value, state: None, .. }] => Some(value.clone()),
            _ => None,
        };
        if let Some(value) = only {
            self.store.release(entry);
            self.last_call_failed = false;
            return if is_generator { self.new_array(Vec::new(), frame.yielded) } else { value };
        }
        if alive {
            let by_default = frame.configured == 0;
            returns.push(Returned { value: nothing, state: Some(self.store.snapshot(entry)), by_default });
        }
        self.store.rollback(entry);
        self.store.release(entry);
        // A witness is followed as far as the server lets it by default, and around no check that a setting switches off.
        let is_refused = !frame.has_end_by_default && frame.configured == 0;
        if self.found.replay.is_some() && (is_refused || returns.iter().any(|returned| returned.by_default)) {
            returns.retain(|returned| returned.by_default);
        }
        let is_default: Vec<bool> = returns.iter().map(|returned| returned.by_default).collect();
        let (values, ends): (Vec<Val>, Vec<Snapshot>) =
            returns.into_iter().map(|returned| (returned.value, returned.state.unwrap_or_default())).unzip();
        let facts: Vec<Refinements> = ends.iter().map(facts_of).collect();
        // What is checked unless the administrator turned the check off is checked.
        let defaults = facts.iter().zip(&is_default).filter(|(_, by_default)| **by_default).map(|(facts, _)| facts);
        let by_default = if is_default.contains(&false) {
            defaults.cloned().reduce(|a, b| crate::engine::facts::either(&a, &b)).unwrap_or_default()
        } else {
            Vec::new()
        };
        self.last_call_failed = false;
        if ends.is_empty() {
            // What a server sets up before it ends the process is there while it runs: `raise SystemExit(serve())`.
            self.join_into_store(frame.dead_ends);
            if is_generator {
                return self.new_array(Vec::new(), frame.yielded);
            }
            // Every path raises: a validator that refuses this value. A method that only raises is a placeholder for
            // what subclasses define, and fuel that ran out says nothing.
            // While modules load, what raises is a missing setting more often than a check.
            let says_something = self.found.is_running_handler && !self.out_of_fuel && !self.dear.is_leaving();
            let is_placeholder = frame.home.is_some() && self.is_placeholder(frame.module, frame.func);
            if says_something && !is_placeholder {
                self.last_call_failed = true;
                self.leave_path();
            }
            return Val::unknown();
        }
        self.join_into_store(ends);
        self.assume(&by_default);
        if is_generator {
            return self.new_array(Vec::new(), frame.yielded);
        }
        let mut joined = self.join_outcomes(&values, &facts);
        if is_default.contains(&false) && is_default.contains(&true) {
            // An answer that only a configuration gives tells nothing of what the same answer means otherwise.
            let is_usual = |index: usize, value: &Val| {
                let others = values.iter().zip(&is_default).filter(|(_, by_default)| **by_default);
                let has_same =
                    others.map(|(other, _)| other.truth()).any(|truth| truth.is_none() || truth == value.truth());
                is_default[index] || !is_constant(value) || !has_same
            };
            let usual: Vec<usize> = (0..values.len()).filter(|index| is_usual(*index, &values[*index])).collect();
            let values: Vec<Val> = usual.iter().map(|index| values[*index].clone()).collect();
            let facts: Vec<Refinements> = usual.iter().map(|index| facts[*index].clone()).collect();
            if values.len() > 1 || facts.len() == 1 {
                joined.cond = self.outcome_cond(&values, &facts).map(Rc::new);
            }
        }
        joined
    }

    /// Whether a function does nothing but raise: an abstract method.
    fn is_placeholder(&self, module: ModId, func: FuncId) -> bool {
        let code = self.program.module(module);
        let body = &code.func(func).body;
        let is_text =
            |stmt: &Stmt| matches!(stmt.kind, StmtKind::Expr(expr) if matches!(code.expr(expr), Expr::Str(_)));
        body.iter().find(|stmt| !is_text(stmt)).is_some_and(|stmt| matches!(stmt.kind, StmtKind::Throw(_)))
    }

    /// Joins results of several paths; where the results differ in truth, truth tells which path was taken and so
    /// carries that path's facts (predicate validators, `{ ok: false }` results, `null` on failure).
    pub(crate) fn join_outcomes(&mut self, values: &[Val], facts: &[Refinements]) -> Val {
        if values.len() == 1 {
            return values[0].clone();
        }
        let cond = self.outcome_cond(values, facts);
        let mut joined = self.join_records(values, facts).unwrap_or_else(|| {
            let all: Vec<Val> = values.to_vec();
            self.join_all(all).unwrap_or_else(Val::undefined)
        });
        if let Some(cond) = cond {
            joined.cond = Some(Rc::new(cond));
        }
        joined
    }

    pub(crate) fn outcome_cond(&self, values: &[Val], facts: &[Refinements]) -> Option<Cond> {
        let mut when_true: Option<Refinements> = None;
        let mut when_false: Option<Refinements> = None;
        // Of a function that returns something or nothing, something is not empty: `return error_response(…)`.
        let has_nothing = values.iter().any(Val::is_nullish);
        let is_something =
            |value: &Val| has_nothing && !value.is_nullish() && !matches!(value.kind, Kind::Bool(_) | Kind::Num(_));
        for (value, path) in values.iter().zip(facts) {
            let cond = value.cond.as_deref().cloned().unwrap_or_default();
            let truth = value.truth().or_else(|| is_something(value).then_some(true));
            if truth != Some(false) {
                let here = crate::engine::facts::both(path, &cond.when_true);
                when_true = Some(match when_true {
                    Some(before) => crate::engine::facts::either(&before, &here),
                    None => here,
                });
            }
            if truth != Some(true) {
                let here = crate::engine::facts::both(path, &cond.when_false);
                when_false = Some(match when_false {
                    Some(before) => crate::engine::facts::either(&before, &here),
                    None => here,
                });
            }
        }
        let cond = Cond {
            when_true: when_true.unwrap_or_default(),
            when_false: when_false.unwrap_or_default(),
            by_default: None,
        };
        (!cond.is_trivial()).then_some(cond)
    }

    /// Results that are fresh records (`{ valid: false, error }`) join field by field, so that a test of one field
    /// tells the path.
    fn join_records(&mut self, values: &[Val], facts: &[Refinements]) -> Option<Val> {
        let mut objects = Vec::new();
        for value in values {
            match value.kind {
                Kind::Obj(id) if matches!(self.store.obj(id).kind, ObjKind::Plain | ObjKind::Dict | ObjKind::Array) => {
                    objects.push(self.store.obj_rc(id));
                }
                _ => return None,
            }
        }
        let is_tuple = objects.iter().all(|obj| matches!(obj.kind, ObjKind::Array));
        if is_tuple {
            let len = objects.iter().map(|obj| obj.items.len()).max().unwrap_or(0);
            let is_other = |obj: &Rc<Obj>| obj.more.is_some() || !matches!(obj.items.len(), n if n == 0 || n == len);
            if len == 0 || len > 4 || objects.iter().any(is_other) {
                return None;
            }
            // Something, or an empty list: `return ["not allowed"]` beside `return []`.
            let filled: Vec<Val> = objects.iter().map(|obj| Val::bool(!obj.items.is_empty())).collect();
            let is_filled = filled.iter().any(|filled| filled.truth() == Some(false));
            let is_filled = is_filled.then(|| self.outcome_cond(&filled, facts).unwrap_or_default());
            let (objects, facts): (Vec<Rc<Obj>>, Vec<Refinements>) =
                objects.into_iter().zip(facts.iter().cloned()).filter(|(obj, _)| !obj.items.is_empty()).unzip();
            let items = (0..len)
                .map(|at| {
                    let column: Vec<Val> = objects.iter().map(|obj| obj.items[at].clone()).collect();
                    self.join_column(&column, &facts)
                })
                .collect();
            let filled = is_filled.map(|is_filled| self.bool_with(None, is_filled));
            return Some(match filled {
                Some(filled) => self.filled_array(items, None, Some(filled)),
                None => self.new_array(items, None),
            });
        }
        if objects.iter().any(|obj| matches!(obj.kind, ObjKind::Array)) {
            return None;
        }
        let mut joined = Obj::new(objects[0].kind.clone());
        for obj in &objects {
            for key in obj.fields.keys() {
                if joined.fields.contains_key(key) {
                    continue;
                }
                let column: Vec<Val> = objects
                    .iter()
                    .map(|obj| obj.fields.get(key).cloned().or_else(|| obj.any.clone()).unwrap_or_else(Val::undefined))
                    .collect();
                let value = self.join_column(&column, facts);
                joined.fields.insert(*key, value);
            }
        }
        joined.doubts = self.doubts_of_records(&objects, facts);
        let anys: Vec<Val> = objects.iter().filter_map(|obj| obj.any.clone()).collect();
        joined.any = self.join_all(anys);
        let taint = joined.fields.values().fold(Taint::NONE, |taint, value| taint.union(value.taint));
        Some(Val { taint, ..Val::of(Kind::Obj(self.store.new_obj(joined))) })
    }

    fn join_column(&mut self, column: &[Val], facts: &[Refinements]) -> Val {
        let cond = self.outcome_cond(column, facts);
        let mut value = self.join_all(column.to_vec()).unwrap_or_else(Val::undefined);
        if cond.is_some() {
            value.cond = cond.map(Rc::new);
        }
        value
    }

    /// Recursion, depth limit: the result depends on everything passed in.
    pub(super) fn summary(&mut self, args: &Args, this: Option<&Val>) -> Val {
        let mut result = Val::unknown();
        for value in args.all().chain(this) {
            result = result.tainted_by(value);
        }
        result.vn = self.store.fresh_vn();
        result
    }
}

/// What a path learnt.
fn facts_of(end: &Snapshot) -> Refinements {
    end.facts().map(|(vn, fact)| (vn, fact.clone())).collect()
}

/// An answer that carries nothing but itself: `true`, `null`, `""`.
fn is_constant(value: &Val) -> bool {
    value.is_nullish() || matches!(value.kind, Kind::Bool(Some(_))) || value.literal().is_some() && !value.is_tainted()
}
