//! Statements.

use std::rc::Rc;

use manta_core::Span;

use super::{Interp, JumpTarget, MAX_UNROLL, NOT_TAKEN, Returned, TryFrame, without_facts};
use crate::engine::api::ApiId;
use crate::engine::calls::matches::PRESENT;
use crate::engine::facts::{Fact, Refinements};
use crate::engine::objects::Rounds;
use crate::engine::program::Link;
use crate::engine::store::{Content, Loc, Mark, Snapshot};
use crate::engine::trace::StepKind;
use crate::engine::value::{Kind, ObjId, Val};
use crate::ir::{BinaryOp, Block, Expr, ExprId, Handler, Lang, LogicalOp, Pat, Stmt, StmtKind, Symbol, UnaryOp};

/// How often one statement is interpreted at most because of the loops around it, those of callers included; while
/// modules load and in handlers. Rounds multiply along calls, so that loops over loops would otherwise use up all fuel on
/// their innermost statements. Beyond, a loop over known elements takes them as one, and any loop runs once.
const MAX_ROUNDS_LOADING: usize = 8_192;
const MAX_ROUNDS_RUNNING: usize = 256;
/// Most elements of a list that a loop takes one by one if nothing tells one from the other.
const MAX_OF_A_KIND: usize = 4;
/// Most names that a loop copies one by one while modules load.
const MAX_NAMES: usize = 1_024;
/// Most places kept in which one function ends the program.
const MAX_DEAD_ENDS: usize = 8;

/// The mark that compilers leave on what a module exports.
const ES_MODULE: &str = "__esModule";

impl<'p> Interp<'p> {
    /// Runs statements; false when control does not reach the end.
    pub(crate) fn block(&mut self, block: &'p [Stmt]) -> bool {
        if self.found.is_asking_names && self.is_one_name() {
            return true;
        }
        for stmt in block {
            if !self.stmt(stmt) {
                return false;
            }
        }
        true
    }

    /// Whether the called tool has one name here: what runs for it compares that with no other.
    fn is_one_name(&self) -> bool {
        self.found.name_vns().any(|vn| self.store.fact(vn).is_some_and(|fact| fact.props.as_literal().is_some()))
    }

    pub(super) fn stmt(&mut self, stmt: &'p Stmt) -> bool {
        if !self.burn() {
            return false;
        }
        match &stmt.kind {
            StmtKind::Expr(expr) => {
                self.last_call_failed = false;
                let value = self.eval(*expr);
                let is_end = self.is_never(&value, *expr);
                if is_end {
                    self.note_dead_end();
                }
                !is_end && !self.is_not_taken()
            }
            StmtKind::Let { pat, value } => {
                let value = match value {
                    Some(expr) => {
                        let value = self.eval(*expr);
                        let span = self.code().span(*expr);
                        self.step(value, span, StepKind::Assign)
                    }
                    None => Val::undefined(),
                };
                self.bind(pat, value);
                !self.is_not_taken()
            }
            StmtKind::If { test, then, otherwise } => self.if_else(*test, then, otherwise),
            StmtKind::While { test, body, update, test_first, otherwise, fresh } => {
                self.while_loop(*test, body, *update, *test_first, fresh, otherwise)
            }
            StmtKind::ForEach { pat, iter, keys, body, otherwise, fresh } => {
                self.for_each(pat, *iter, *keys, body, fresh, otherwise)
            }
            StmtKind::Switch { value, cases } => self.switch(*value, cases),
            StmtKind::Return(expr) => {
                let value = match expr {
                    Some(expr) => {
                        let value = self.eval(*expr);
                        let span = self.code().span(*expr);
                        self.step(value, span, StepKind::Return)
                    }
                    None => self.nothing(),
                };
                if self.is_not_taken() {
                    return false;
                }
                let value = self.current(&value);
                if let Some(expr) = expr.filter(|_| self.found.returned.is_some()) {
                    self.note_returned(&value, self.code().span(expr));
                }
                let (entry, is_first) = (self.frame().entry, self.frame().returns.is_empty());
                // A return that no branch surrounds is the last thing its function does: the state stays as it is.
                let is_final = is_first && self.store.is_innermost(entry);
                let state = if is_final { None } else { Some(self.store.snapshot(entry)) };
                let by_default = self.frame().configured == 0;
                self.frame_mut().returns.push(Returned { value, state, by_default });
                false
            }
            StmtKind::Throw(expr) => {
                let value = expr.map_or_else(Val::unknown, |expr| self.eval(expr));
                self.throw(value);
                self.note_dead_end();
                false
            }
            StmtKind::Break(label) => {
                self.jump(*label, true);
                false
            }
            StmtKind::Continue(label) => {
                self.jump(*label, false);
                false
            }
            StmtKind::Block(block) => self.block(block),
            StmtKind::Labeled(label, block) => {
                // A labelled loop handles its own `continue label`.
                if let [only] = block.as_slice()
                    && matches!(only.kind, StmtKind::While { .. } | StmtKind::ForEach { .. })
                {
                    self.next_label(*label, only)
                } else {
                    let target = self.open_jump(Some(*label), false, false);
                    let alive = self.block(block);
                    self.close_jump(target, alive)
                }
            }
            StmtKind::Try { body, handlers, otherwise, finally } => self.try_catch(body, handlers, otherwise, finally),
            StmtKind::Assert(test) => {
                let value = self.eval(*test);
                if let Some(cond) = value.cond.clone() {
                    self.assume(&cond.when_true);
                }
                value.truth() != Some(false)
            }
            StmtKind::ImportStar(import) => {
                let module = self.frame().module;
                self.star_imports.entry(module).or_default().push(*import);
                true
            }
            // JavaScript's imports were loaded before the module ran.
            StmtKind::ImportEffect(import) => {
                let module = self.frame().module;
                if let (Lang::Python, Link::Module(target)) = (self.lang(), self.program.link_of(module, *import)) {
                    self.load(*target);
                }
                true
            }
        }
    }

    pub(crate) fn nothing(&self) -> Val {
        if self.lang() == Lang::Python { Val::null() } else { Val::undefined() }
    }

    /// A call that does not come back: `process.exit()`, `sys.exit()`, a function that throws on every path.
    pub(super) fn is_never(&self, value: &Val, expr: ExprId) -> bool {
        matches!(self.code().expr(expr), Expr::Call { .. } | Expr::Await(_) | Expr::Logical(..))
            && (self.last_call_failed || matches!(value.kind, Kind::Api(api, _) if self.is_never_api(api)))
    }

    fn is_never_api(&self, api: ApiId) -> bool {
        let look_up = || self.models.is_never(&self.apis.name(api));
        *self.never.borrow_mut().entry(api).or_insert_with(look_up)
    }

    /// The program ends here, while modules load.
    fn note_dead_end(&mut self) {
        if !self.is_loading || self.is_not_taken() || self.frame().dead_ends.len() >= MAX_DEAD_ENDS {
            return;
        }
        let end = self.store.snapshot(self.frame().entry);
        self.frame_mut().dead_ends.push(end);
    }

    /// Runs one of several ways. What follows sees what it leaves if control comes there; and, while modules load, if it
    /// sets up a server and then ends the process: `if args: sys.exit(serve())`.
    fn branch(&mut self, block: &'p Block) -> bool {
        let (ends, discovered) = (self.frame().dead_ends.len(), self.discoveries());
        self.block(block) || self.frame().dead_ends.len() > ends && self.discoveries() > discovered
    }

    pub(crate) fn throw(&mut self, value: Val) {
        if self.found.is_running_handler {
            self.memo.note_throw(self.tries.len(), &value);
        }
        if let Some(mark) = self.tries.last().map(|frame| frame.mark) {
            let snapshot = self.store.snapshot(mark);
            if let Some(frame) = self.tries.last_mut()
                && frame.throws.len() < 64
            {
                frame.throws.push((value, snapshot));
            }
        }
    }

    /// The operation under way does what it is asked: the handlers of the `try` around it have nothing to do.
    pub(crate) fn expect_success(&mut self) {
        self.mark_repeated_effect();
        if let Some(frame) = self.tries.last_mut() {
            frame.succeeds = true;
        }
    }

    /// The operation under way raises: handlers see the state here, and the normal path is marked as not taken.
    pub(crate) fn raise_here(&mut self) {
        self.throw(Val::unknown());
        self.leave_path();
    }

    /// Control does not come back from the operation under way.
    pub(crate) fn leave_path(&mut self) {
        let at = self.here(Span::default());
        self.store.assume(NOT_TAKEN, &Rc::new(Fact::listed(at)));
    }

    /// Whether the present path goes on after something that surely raised.
    pub(crate) fn is_not_taken(&self) -> bool {
        self.store.fact(NOT_TAKEN).is_some()
    }

    fn if_else(&mut self, test: ExprId, then: &'p Block, otherwise: &'p Block) -> bool {
        let value = self.eval(test);
        if self.is_not_taken() {
            return false;
        }
        let (yes, no) = self.outcomes(&value);
        match (yes, no) {
            (Some(facts), None) => {
                self.assume(&facts);
                self.block(then)
            }
            (None, Some(facts)) => {
                self.assume(&facts);
                self.block(otherwise)
            }
            (Some(when_true), Some(when_false)) => {
                let (then, otherwise) = ((when_true, then), (when_false, otherwise));
                match self.by_default(&value, test) {
                    Some(true) => self.by_setting(test, then, otherwise),
                    Some(false) => self.by_setting(test, otherwise, then),
                    None => self.branches(&mut [
                        &mut |interp: &mut Self| {
                            interp.assume(&then.0);
                            interp.branch(then.1)
                        },
                        &mut |interp: &mut Self| {
                            interp.assume(&otherwise.0);
                            interp.branch(otherwise.1)
                        },
                    ]),
                }
            }
            (None, None) => false,
        }
    }

    /// Two branches of a test of a setting, the usual one first.
    fn by_setting(&mut self, test: ExprId, usual: (Refinements, &'p Block), other: (Refinements, &'p Block)) -> bool {
        let ends = self.frame().dead_ends.len();
        let had_end = std::mem::take(&mut self.frame_mut().has_end_by_default);
        let last = usual.1.last().map(|stmt| &stmt.kind);
        let alive = self.configured(usual, other);
        let is_end = matches!(last, Some(StmtKind::Throw(_) | StmtKind::Expr(_)))
            && self.frame().has_end_by_default
            && self.frame().dead_ends.len() > ends;
        self.frame_mut().has_end_by_default |= had_end;
        if is_end {
            self.note_required(test);
        }
        alive
    }

    /// The program ends where nobody makes the settings that a test asks for: `if (!KEY) process.exit(1)`.
    fn note_required(&mut self, test: ExprId) {
        let code = self.program.module(self.frame().module);
        let mut parts = vec![test];
        while let Some(part) = parts.pop() {
            match code.expr(part) {
                Expr::Unary(UnaryOp::Not, operand) => parts.push(*operand),
                Expr::Logical(LogicalOp::Or, left, right) | Expr::Binary(BinaryOp::Eq, left, right) => {
                    parts.extend([*left, *right]);
                }
                Expr::Var(_) | Expr::Member { .. } | Expr::Import(..) => {
                    let value = self.eval(part);
                    let settings = value.alternatives().iter().filter_map(|one| match one.kind {
                        Kind::Api(api, _) => Some(api).filter(|api| self.is_setting(*api)),
                        _ => None,
                    });
                    let settings: Vec<ApiId> = settings.collect();
                    self.found.required.extend(settings);
                }
                _ => {}
            }
        }
    }

    /// Two branches between which the administrator's configuration decides, the usual one first. What the usual one
    /// checks counts behind them: that an administrator may switch a check off does not make it none.
    pub(super) fn configured(&mut self, usual: (Refinements, &'p Block), other: (Refinements, &'p Block)) -> bool {
        let mark = self.store.mark();
        let mut ends = Vec::new();
        self.assume(&usual.0);
        let is_usual_alive = self.branch(usual.1);
        if is_usual_alive {
            ends.push(self.store.snapshot(mark));
        }
        self.store.rollback(mark);
        // A witness that a check in the usual branch refuses is not followed around it. A branch that always leaves is no
        // check but the end of what is not configured.
        let is_refused = self.found.replay.is_some() && !is_usual_alive && !always_leaves(usual.1);
        self.frame_mut().has_end_by_default |= !is_usual_alive;
        if !is_refused {
            self.assume(&other.0);
            self.frame_mut().configured += 1;
            let is_alive = self.branch(other.1);
            self.frame_mut().configured -= 1;
            if is_alive {
                ends.push(self.store.snapshot(mark));
            }
            self.store.rollback(mark);
        }
        self.store.release(mark);
        let facts: Vec<(Loc, Content)> = match ends.first() {
            Some(end) if is_usual_alive => {
                end.changes.iter().filter(|(loc, _)| matches!(loc, Loc::Fact(_))).cloned().collect()
            }
            _ => Vec::new(),
        };
        let alive = !ends.is_empty();
        self.join_into_store(ends);
        for (loc, content) in facts {
            self.store.write(loc, content);
        }
        alive
    }

    /// Facts of the true and of the false outcome; none when that outcome is impossible.
    pub(crate) fn outcomes(&self, value: &Val) -> (Option<Refinements>, Option<Refinements>) {
        let truth = self.truth(value);
        let cond = self.condition(value);
        let yes = (truth != Some(false) && !self.is_impossible(&cond.when_true)).then_some(cond.when_true);
        let no = (truth != Some(true) && !self.is_impossible(&cond.when_false)).then_some(cond.when_false);
        match (yes, no) {
            // Contradiction on both sides means that we know less than we think: take both.
            (None, None) => (Some(Vec::new()), Some(Vec::new())),
            outcomes => outcomes,
        }
    }

    /// Whether a value is taken for true. A Python list is when it has an element; where a witness is followed that is known
    /// of lists whose elements are, as it is of their length.
    pub(crate) fn truth(&self, value: &Val) -> Option<bool> {
        match value.kind {
            Kind::Obj(id) if self.lang() == Lang::Python && self.found.replay.is_some() => {
                self.holds_any(id).filter(|_| self.store.obj(id).is_sequence()).and_then(|filled| filled.truth())
            }
            Kind::Obj(id) if self.is_surely_there(value, id) => Some(true),
            Kind::Api(api, _) if self.models.is_present(&self.apis.name(api)) => Some(true),
            _ => value.truth(),
        }
    }

    /// Whether an object is no null in disguise: what a map gives may be missing, and so may be what the caller gives. What a
    /// module exports is there, and so is what the program makes itself on the way of a witness.
    fn is_surely_there(&self, value: &Val, id: ObjId) -> bool {
        let is_made_here = self.found.replay.is_some() && value.taint.is_none() && self.memo.is_of_run(id);
        let fields = &self.store.obj(id).fields;
        is_made_here || [ES_MODULE, PRESENT].iter().any(|mark| fields.contains_key(&Symbol::new(mark)))
    }

    fn open_jump(&mut self, label: Option<Symbol>, is_loop: bool, is_breakable: bool) -> Mark {
        let mark = self.store.mark();
        self.frame_mut().jumps.push(JumpTarget {
            label,
            is_loop,
            is_breakable,
            mark,
            breaks: Vec::new(),
            continues: Vec::new(),
        });
        mark
    }

    /// Joins the normal end (if alive) with all breaks.
    fn close_jump(&mut self, mark: Mark, alive: bool) -> bool {
        self.close_loop(mark, alive, &[])
    }

    /// The same for a loop, with what Python runs behind it where nothing broke out of it.
    fn close_loop(&mut self, mark: Mark, alive: bool, otherwise: &'p [Stmt]) -> bool {
        let target = self.frame_mut().jumps.pop().expect("close_jump pairs with open_jump");
        let alive = alive && self.block(otherwise);
        let mut ends = target.breaks;
        if ends.is_empty() && alive {
            self.store.release(mark);
            return true;
        }
        if alive {
            ends.push(self.store.snapshot(mark));
        }
        self.store.rollback(mark);
        self.store.release(mark);
        let reached = !ends.is_empty();
        self.join_into_store(ends);
        reached
    }

    fn jump(&mut self, label: Option<Symbol>, is_break: bool) {
        let found = self.frame().jumps.iter().rposition(|target| match label {
            Some(label) => target.label == Some(label),
            None if is_break => target.is_breakable,
            None => target.is_loop,
        });
        let Some(at) = found else { return };
        let snapshot = self.store.snapshot(self.frame().jumps[at].mark);
        let target = &mut self.frame_mut().jumps[at];
        if is_break {
            target.breaks.push(snapshot);
        } else {
            target.continues.push(snapshot);
        }
    }

    fn next_label(&mut self, label: Symbol, stmt: &'p Stmt) -> bool {
        self.pending_label(label);
        let alive = self.stmt(stmt);
        self.frame_mut().jumps.retain(|target| target.label != Some(label) || target.is_loop);
        alive
    }

    /// Loops read their label from here when they open.
    fn pending_label(&mut self, label: Symbol) {
        self.found.pending_label = Some(label);
    }

    /// Whether a loop may run so many rounds here.
    pub(crate) fn admits_rounds(&self, rounds: usize) -> bool {
        let most = if self.found.is_running_handler { MAX_ROUNDS_RUNNING } else { MAX_ROUNDS_LOADING };
        self.rounds.saturating_mul(rounds) <= most
    }

    /// Enters a loop of so many rounds, or of one when that is all that is admitted; returns what [`Self::rounds`] is to
    /// be afterwards.
    pub(crate) fn enter_loop(&mut self, rounds: usize) -> usize {
        let outer = self.rounds;
        if self.admits_rounds(rounds) {
            self.rounds = outer * rounds.max(1);
        }
        outer
    }

    pub(crate) fn leave_loop(&mut self, outer: usize) {
        self.rounds = outer;
    }

    /// One round of a loop body; joins `continue`s into its end.
    fn round(&mut self, body: &'p Block) -> bool {
        let alive = self.block(body);
        let continues = std::mem::take(&mut self.frame_mut().jumps.last_mut().expect("inside a loop").continues);
        if continues.is_empty() {
            return alive;
        }
        let mark = self.frame().jumps.last().expect("inside a loop").mark;
        let mut ends = continues;
        if alive {
            ends.push(self.store.snapshot(mark));
        }
        self.store.rollback(mark);
        self.join_into_store(ends);
        true
    }

    fn fresh_cells(&mut self, slots: &[u32]) {
        for slot in slots {
            let old = self.frame().locals[*slot as usize];
            let value = self.store.cell(old).clone();
            let cell = self.store.new_cell(value);
            self.frame_mut().locals[*slot as usize] = cell;
        }
    }

    fn while_loop(
        &mut self,
        test: Option<ExprId>,
        body: &'p Block,
        update: Option<ExprId>,
        test_first: bool,
        fresh: &[u32],
        otherwise: &'p Block,
    ) -> bool {
        let label = self.found.pending_label.take();
        let outer = self.open_jump(label, true, true);
        let mut exits: Vec<Snapshot> = Vec::new();
        let mut endless = false;
        // A witness is followed round by round, as long as it is sure that the loop goes on.
        if self.found.replay.is_some() {
            for round in 0..MAX_UNROLL {
                let goes_on = match test {
                    Some(test) if test_first || round > 0 => self.eval(test).truth() == Some(true),
                    _ => true,
                };
                if !goes_on {
                    break;
                }
                self.fresh_cells(fresh);
                if !self.round(body) {
                    endless = true;
                    break;
                }
                if let Some(update) = update {
                    self.eval(update);
                }
            }
        }
        // Two abstract rounds: the second sees what the first wrote, joined with the entry state.
        let outer_rounds = self.enter_loop(2);
        for round in 0..self.rounds / outer_rounds {
            if endless {
                break;
            }
            let mut when_true = Vec::new();
            if let Some(test) = test
                && (test_first || round > 0)
            {
                let value = self.eval(test);
                let (yes, no) = self.outcomes(&value);
                if let Some(facts) = no {
                    let inner = self.store.mark();
                    self.assume(&facts);
                    exits.push(self.store.snapshot(outer));
                    self.store.rollback(inner);
                    self.store.release(inner);
                }
                let Some(facts) = yes else {
                    endless = true;
                    break;
                };
                when_true = facts;
            }
            self.fresh_cells(fresh);
            self.assume(&when_true);
            let before = self.store.snapshot(outer);
            if !self.round(body) {
                endless = true;
                break;
            }
            if let Some(update) = update {
                self.eval(update);
            }
            let after = self.store.snapshot(outer);
            self.store.rollback(outer);
            self.join_into_store(vec![before, after]);
        }
        self.leave_loop(outer_rounds);
        if !endless && test.is_some() {
            exits.push(self.store.snapshot(outer));
        }
        self.store.rollback(outer);
        let alive = !exits.is_empty();
        self.join_into_store(exits);
        self.close_loop(outer, alive, otherwise)
    }

    fn for_each(
        &mut self,
        pat: &'p Pat,
        iter: ExprId,
        keys: bool,
        body: &'p Block,
        fresh: &[u32],
        otherwise: &'p Block,
    ) -> bool {
        let label = self.found.pending_label.take();
        let collection = self.eval(iter);
        if self.is_not_taken() {
            return false;
        }
        let span = self.code().span(iter);
        let Rounds { items, more: rest, is_of_either } = if keys {
            let (items, more) = self.keys_of(&collection);
            Rounds { items, more, is_of_either: false }
        } else {
            self.rounds_of(&collection, span)
        };
        let outer = self.open_jump(label, true, true);
        let mut alive = true;
        // Bundlers copy all names that a module exports in a loop of one statement.
        let copies_names = keys && body.len() == 1 && !self.found.is_running_handler;
        let most = if copies_names { MAX_NAMES } else { MAX_UNROLL };
        let (items, alike) = self.one_by_one(items);
        let no_round = self.open_list(&collection).map(|filled| (self.store.snapshot(outer), filled));
        if let Some((_, filled)) = &no_round {
            self.assume(&filled.when_true);
        }
        if items.len() <= most && self.admits_rounds(items.len()) {
            let outer_rounds = self.enter_loop(items.len());
            for item in items {
                let before = is_of_either.then(|| (self.store.snapshot(outer), item.clone()));
                self.fresh_cells(fresh);
                self.bind(pat, item);
                alive = self.round(body);
                if let (false, Some((before, item))) = (alive, before) {
                    // What ends the loop here (a second tool of one name) may be of the other list, and come first.
                    self.store.rollback(outer);
                    self.fresh_cells(fresh);
                    self.bind(pat, item);
                    let alone = self.round(body).then(|| self.store.snapshot(outer));
                    self.store.rollback(outer);
                    self.join_into_store(std::iter::once(before).chain(alone).collect());
                    alive = true;
                }
                if !alive {
                    break;
                }
            }
            self.leave_loop(outer_rounds);
            if alive && let Some(joined) = self.join_all(alike) {
                alive = self.repeat(pat, &joined, body, fresh, outer);
            }
        } else if let Some(joined) = self.join_all(items.into_iter().chain(alike)) {
            alive = self.repeat(pat, &joined, body, fresh, outer);
        }
        if alive && let Some(element) = rest {
            alive = self.repeat(pat, &element, body, fresh, outer);
        }
        if let Some((before, filled)) = no_round {
            let after = alive.then(|| self.store.snapshot(outer));
            self.store.rollback(outer);
            self.store.apply(before);
            self.assume(&filled.when_false);
            let none = self.store.snapshot(outer);
            self.store.rollback(outer);
            self.join_into_store(after.into_iter().chain([none]).collect());
            alive = true;
        }
        self.close_loop(outer, alive, otherwise)
    }

    /// Elements that a loop takes one by one, and those that it takes as one: where many are the server's own data, of which
    /// nothing is known that tells one from the other (the forms of a password that a log is not to show), each says
    /// what the first ones said.
    fn one_by_one(&self, mut items: Vec<Val>) -> (Vec<Val>, Vec<Val>) {
        if self.found.replay.is_some() || items.len() <= MAX_OF_A_KIND {
            return (items, Vec::new());
        }
        let mut left = MAX_OF_A_KIND;
        let alike = items
            .extract_if(.., |item| {
                let is_further = left == 0 && says_nothing(item);
                left -= usize::from(left > 0 && says_nothing(item));
                is_further
            })
            .collect();
        (items, alike)
    }

    /// Any number of rounds with an unknown element.
    fn repeat(&mut self, pat: &'p Pat, element: &Val, body: &'p Block, fresh: &[u32], outer: Mark) -> bool {
        let outer_rounds = self.enter_loop(2);
        let alive = self.repeat_rounds(pat, element, body, fresh, outer, self.rounds / outer_rounds);
        self.leave_loop(outer_rounds);
        alive
    }

    fn repeat_rounds(
        &mut self,
        pat: &'p Pat,
        element: &Val,
        body: &'p Block,
        fresh: &[u32],
        outer: Mark,
        rounds: usize,
    ) -> bool {
        if self.found.replay.is_some() && element.literal().is_some() && self.is_of_witness(element.taint) {
            // A list of the witness has the witness in it.
            self.fresh_cells(fresh);
            self.bind(pat, element.clone());
            return self.round(body);
        }
        for _ in 0..rounds {
            let before = self.store.snapshot(outer);
            self.fresh_cells(fresh);
            self.bind(pat, element.clone());
            let breaks = self.frame().jumps.last().map_or(0, |target| target.breaks.len());
            if !self.round(body) {
                self.store.rollback(outer);
                self.store.apply(before);
                return true;
            }
            let after = self.store.snapshot(outer);
            // A fact about every element holds after the loop, also when there was none to check.
            let universal = self.frame().jumps.last().map_or(0, |target| target.breaks.len()) == breaks;
            let element_fact = match after.get(Loc::Fact(element.vn)) {
                Some(Content::Fact(Some(fact))) if universal && self.universal.contains(&element.vn) => {
                    Some(fact.clone())
                }
                _ => None,
            };
            self.store.rollback(outer);
            self.join_into_store(vec![before, after]);
            if let Some(fact) = element_fact {
                let of_each = vec![(element.vn, fact)];
                let facts = self.for_whole_texts(of_each);
                self.assume(&facts);
            }
        }
        true
    }

    fn switch(&mut self, value: ExprId, cases: &'p [(Option<ExprId>, Block)]) -> bool {
        let subject = self.eval(value);
        let span = self.code().span(value);
        let outer = self.open_jump(None, false, true);
        // Facts of "none of the cases before".
        let mut not_before: Refinements = Vec::new();
        let mut fall_through: Option<Snapshot> = None;
        let mut default_reachable = true;
        let mut default_at = None;
        for (index, (test, body)) in cases.iter().enumerate() {
            let mut entries: Vec<Snapshot> = fall_through.take().into_iter().collect();
            match test {
                None => {
                    default_at = Some(index);
                    // The default runs last unless it falls through; approximated by its own entry below.
                    if let Some(entry) = entries.pop() {
                        self.store.apply(entry);
                        let alive = self.block(body);
                        fall_through = alive.then(|| self.store.snapshot(outer));
                        self.store.rollback(outer);
                    }
                    continue;
                }
                Some(test) => {
                    let inner = self.store.mark();
                    self.assume(&not_before);
                    let case = self.eval(*test);
                    let equal = self.compare(BinaryOp::Eq, &subject, &case, span);
                    let (yes, no) = self.outcomes(&equal);
                    if let Some(facts) = yes {
                        self.assume(&facts);
                        entries.push(self.store.snapshot(outer));
                    }
                    self.store.rollback(inner);
                    self.store.release(inner);
                    match no {
                        Some(facts) => not_before = crate::engine::facts::both(&not_before, &facts),
                        None => default_reachable = false,
                    }
                }
            }
            if entries.is_empty() {
                continue;
            }
            self.join_into_store(entries);
            let alive = self.branch(body);
            fall_through = alive.then(|| self.store.snapshot(outer));
            self.store.rollback(outer);
            if !default_reachable && fall_through.is_none() {
                break;
            }
        }
        let mut ends: Vec<Snapshot> = fall_through.into_iter().collect();
        if default_reachable {
            self.assume(&not_before);
            let mut alive = true;
            if let Some(at) = default_at {
                for (_, body) in &cases[at..] {
                    alive = self.branch(body);
                    if !alive {
                        break;
                    }
                }
            }
            if alive {
                ends.push(self.store.snapshot(outer));
            }
            self.store.rollback(outer);
        }
        let target = self.frame_mut().jumps.pop().expect("switch target is innermost");
        ends.extend(target.breaks);
        self.store.release(outer);
        let reached = !ends.is_empty();
        self.join_into_store(ends);
        reached
    }

    fn try_catch(
        &mut self,
        body: &'p Block,
        handlers: &'p [Handler],
        otherwise: &'p Block,
        finally: &'p Block,
    ) -> bool {
        let mark = self.store.mark();
        let depth = self.frames.len();
        self.tries.push(TryFrame { mark, throws: Vec::new(), succeeds: false });
        let mut alive = self.branch(body);
        debug_assert_eq!(depth, self.frames.len());
        let (throws, succeeds) = self.tries.pop().map(|frame| (frame.throws, frame.succeeds)).unwrap_or_default();
        let end_of_body = self.store.snapshot(mark);
        if alive {
            alive = self.block(otherwise);
        }
        let mut ends = Vec::new();
        if alive {
            ends.push(self.store.snapshot(mark));
        }
        self.store.rollback(mark);
        // Anything in the body may fail, if it isn't known to succeed: the handlers see the state before it, after it, and
        // at each throw that they may catch, without the facts that the failing operation would have established.
        let mut pending: Vec<(Val, Snapshot, bool)> =
            throws.into_iter().map(|(value, at)| (value, at, false)).collect();
        for handler in handlers {
            let mut starts = Vec::new();
            let mut thrown = Vec::new();
            let mut rest = Vec::with_capacity(pending.len());
            for (value, at, is_caught) in pending {
                let catches = self.catches(handler, &value);
                if catches != Some(false) {
                    starts.push(at.clone());
                    thrown.push(value.clone());
                }
                // What is surely caught goes no further.
                if catches != Some(true) {
                    rest.push((value, at, is_caught || catches.is_none()));
                }
            }
            pending = rest;
            if !succeeds {
                starts.push(without_facts(&end_of_body));
                starts.push(Snapshot::default());
            }
            if starts.is_empty() {
                continue;
            }
            self.join_into_store(starts);
            if let Some(pat) = &handler.pat {
                let mut error = self.join_all(thrown).unwrap_or_else(Val::unknown);
                if error.taint.is_none() && !matches!(error.kind, Kind::Obj(_)) {
                    error = Val::unknown();
                }
                self.bind(pat, error);
            }
            if self.block(&handler.body) {
                ends.push(self.store.snapshot(mark));
            }
            self.store.rollback(mark);
        }
        // What no handler catches goes on to the next one outwards, `finally` being run on the way.
        for (value, at, _) in pending.into_iter().filter(|(_, _, is_caught)| !is_caught) {
            self.store.apply(at);
            self.block(finally);
            self.throw(value);
            self.store.rollback(mark);
        }
        self.store.release(mark);
        let reached = !ends.is_empty();
        self.join_into_store(ends);
        if reached || !finally.is_empty() { self.block(finally) && reached } else { false }
    }
}

/// Whether a block does nothing but leave, whatever is in it: its last statement returns or throws, and no other
/// statement decides.
fn always_leaves(block: &Block) -> bool {
    let leaves = |stmt: &Stmt| matches!(stmt.kind, StmtKind::Return(_) | StmtKind::Throw(_));
    let decides = |stmt: &Stmt| {
        matches!(
            stmt.kind,
            StmtKind::If { .. } | StmtKind::Switch { .. } | StmtKind::Try { .. } | StmtKind::ForEach { .. }
        )
    };
    block.last().is_some_and(leaves) && !block.iter().any(decides)
}

/// Whether a value is data of the server's own of which it is not known what it says.
fn says_nothing(value: &Val) -> bool {
    let is_data = |value: &Val| {
        value.taint.is_none() && matches!(value.kind, Kind::Unknown | Kind::Str | Kind::Null | Kind::Undefined)
    };
    match &value.kind {
        Kind::Union(values) => values.iter().all(is_data),
        _ => is_data(value) && value.literal().is_none() && !value.is_nullish(),
    }
}
