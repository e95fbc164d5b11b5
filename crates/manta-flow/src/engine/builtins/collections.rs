//! Methods of sequences and mappings.

use std::rc::Rc;

use manta_core::Span;

use crate::domain::StrProps;
use crate::engine::facts::Cond;
use crate::engine::interp::{Args, Interp};
use crate::engine::slices::key_index;
use crate::engine::store::{Obj, ObjKind};
use crate::engine::value::{Kind, ObjId, Val};
use crate::ir::{Lang, Symbol};

impl Interp<'_> {
    pub(super) fn object_method(
        &mut self,
        receiver: &Val,
        id: ObjId,
        name: Symbol,
        args: &Args,
        span: Span,
    ) -> Option<Val> {
        let kind = self.store.obj(id).kind.clone();
        let is_collection = matches!(kind, ObjKind::Array | ObjKind::Set | ObjKind::Dict | ObjKind::Map);
        match name.as_str() {
            "__getitem__" if is_collection => return Some(self.get_index(receiver, args.get(0)?, span)),
            "__setitem__" if is_collection => {
                self.set_index(receiver, args.get(0)?, args.get(1).cloned()?, span);
                return Some(Val::null());
            }
            "__iter__" if is_collection => return Some(receiver.clone()),
            _ => {}
        }
        match &kind {
            ObjKind::Array | ObjKind::Set => self.sequence_method(receiver, id, name, args, span),
            ObjKind::Dict | ObjKind::Map => self.mapping_method(receiver, id, name, args, span),
            ObjKind::Plain | ObjKind::External | ObjKind::Instance(_) | ObjKind::Class(_) => match name.as_str() {
                "hasOwnProperty" => Some(self.membership(&args.get(0)?.clone(), receiver, span)),
                "__new__" => self.bare_instance(args.pos.first()?),
                "__subclasses__" => {
                    let classes = self.subclasses(id).into_iter().map(|id| Val::of(Kind::Obj(id))).collect();
                    Some(self.new_array(classes, None))
                }
                "toString" | "toJSON" | "valueOf" | "geturl" => Some(self.to_text(receiver)),
                "_replace" => {
                    let copy = self.store.new_obj((*self.store.obj_rc(id)).clone());
                    for (name, value) in &args.named {
                        self.store.obj_mut(copy).fields.insert(*name, value.clone());
                    }
                    self.store.obj_mut(copy).fields.shift_remove(&Symbol::new("href"));
                    Some(Val { kind: Kind::Obj(copy), ..receiver.clone() })
                }
                "model_dump" | "dict" | "to_dict" | "asdict" => {
                    let copy = self.store.new_obj(Obj::new(ObjKind::Dict));
                    self.copy_fields(receiver, copy);
                    Some(Val { kind: Kind::Obj(copy), ..receiver.clone() })
                }
                "model_dump_json" | "json" if matches!(kind, ObjKind::Instance(_)) => {
                    let (taint, step) = self.deep_taint(receiver, 4);
                    Some(Val { taint, step, vn: self.store.fresh_vn(), ..Val::with_props(StrProps::default()) })
                }
                "model_copy" | "copy" if matches!(kind, ObjKind::Instance(_)) => {
                    let copy = self.store.new_obj((*self.store.obj_rc(id)).clone());
                    if let Some(update) = args.named("update").cloned() {
                        self.copy_fields(&update, copy);
                    }
                    Some(Val { kind: Kind::Obj(copy), ..receiver.clone() })
                }
                _ => None,
            },
        }
    }

    fn mapping_method(&mut self, receiver: &Val, id: ObjId, name: Symbol, args: &Args, span: Span) -> Option<Val> {
        let first = args.get(0).cloned();
        Some(match name.as_str() {
            "get" | "pop" => {
                let key = first?;
                self.learn_names(&key, id);
                let value = self.get_index(receiver, &key, span);
                let value = if matches!(value.kind, Kind::Method(_)) { Val::undefined() } else { value };
                match args.get(1).cloned() {
                    Some(default) if matches!(value.kind, Kind::Undefined) => default,
                    Some(default) if matches!(value.kind, Kind::Unknown | Kind::Str) => {
                        if default.taint.is_none() && value.is_tainted() { value } else { self.join(&value, &default) }
                    }
                    _ if matches!(value.kind, Kind::Undefined) => {
                        if self.lang() == Lang::Python {
                            Val::null()
                        } else {
                            Val::undefined()
                        }
                    }
                    _ => value,
                }
            }
            "set" => {
                let key = first?;
                let value = args.get(1).cloned().unwrap_or_else(Val::undefined);
                self.set_index(receiver, &key, value, span);
                receiver.clone()
            }
            "setdefault" => {
                let key = first?;
                let value = args.get(1).cloned().unwrap_or_else(Val::null);
                let before = self.get_index(receiver, &key, span);
                if before.is_nullish() {
                    self.set_index(receiver, &key, value.clone(), span);
                    value
                } else {
                    before
                }
            }
            "has" | "__contains__" => self.membership(&first?, receiver, span),
            "keys" => {
                let (items, more) = self.keys_of(receiver);
                self.new_array(items, more)
            }
            "values" => {
                let (items, more) = self.values_of(receiver);
                self.new_array(items, more)
            }
            "items" | "entries" => self.entries_of(receiver),
            "update" => {
                if let Some(source) = first {
                    self.copy_fields(&source, id);
                }
                for (name, value) in &args.named {
                    self.store.obj_mut(id).fields.insert(*name, value.clone());
                }
                Val::null()
            }
            "copy" => {
                let copy = self.store.new_obj((*self.store.obj_rc(id)).clone());
                Val { kind: Kind::Obj(copy), ..receiver.clone() }
            }
            "forEach" => {
                let function = first?;
                let (keys, _) = self.keys_of(receiver);
                let (values, more) = self.values_of(receiver);
                for (key, value) in keys.into_iter().zip(values) {
                    self.call_value(&function, None, Args::of(vec![value, key]), span);
                }
                if let Some(more) = more {
                    self.in_branch(|interp| {
                        interp.call_value(&function, None, Args::of(vec![more, Val::unknown()]), span);
                    });
                }
                Val::undefined()
            }
            "delete" | "clear" => Val::any_bool(),
            "size" => Val::of(Kind::Num(None)),
            _ => return None,
        })
    }

    fn sequence_method(&mut self, receiver: &Val, id: ObjId, name: Symbol, args: &Args, span: Span) -> Option<Val> {
        let first = args.get(0).cloned();
        Some(match name.as_str() {
            "push" | "append" | "add" => {
                let filled = args.of_list.clone().map(|given| [self.holds_any(id), Some(given)]);
                self.push_all(id, args.pos.iter().cloned());
                if let Some(filled) = filled {
                    self.fill_from(id, &filled);
                }
                if let Some(rest) = args.rest.clone() {
                    self.add_more(id, rest);
                }
                if name.as_str() == "add" { receiver.clone() } else { Val::of(Kind::Num(None)) }
            }
            "unshift" => {
                for value in args.pos.iter().rev() {
                    self.store.obj_mut(id).items.insert(0, value.clone());
                }
                if let Some(rest) = args.rest.clone() {
                    self.add_more(id, rest);
                }
                Val::of(Kind::Num(None))
            }
            "insert" => {
                let value = args.get(1).cloned()?;
                match key_index(&first?).and_then(|at| usize::try_from(at).ok()) {
                    Some(at) if at <= self.store.obj(id).items.len() => {
                        self.store.obj_mut(id).items.insert(at, value);
                    }
                    _ => self.add_more(id, value),
                }
                Val::null()
            }
            "extend" | "update" => {
                self.extend_array(id, &first?, span);
                Val::null()
            }
            "pop" => {
                if self.open_cond(id).is_some() {
                    self.take_out(id);
                }
                self.pop_item(id, args.get(0))
            }
            "shift" | "popleft" => {
                if self.open_cond(id).is_some() {
                    self.take_out(id);
                }
                if self.store.obj(id).items.is_empty() {
                    self.store.obj(id).more.clone().unwrap_or_else(Val::undefined)
                } else {
                    self.store.obj_mut(id).items.remove(0)
                }
            }
            "group" | "groups" | "groupdict" | "start" | "end" => self.match_method(id, name.as_str(), args)?,
            "isdisjoint" | "issubset" | "issuperset" => self.set_method_test(receiver, name.as_str(), &first?, span)?,
            "concat" | "union" => {
                let mut list = receiver.clone();
                for value in &args.pos {
                    let is_list = matches!(value.kind, Kind::Obj(other) if self.store.obj(other).is_sequence())
                        || matches!(value.kind, Kind::Unknown | Kind::Api(..));
                    let (mut items, more) = self.elements_of(&list, span);
                    let (theirs, rest) =
                        if is_list { self.elements_of(value, span) } else { (vec![value.clone()], None) };
                    let more = match more {
                        Some(more) => self.join_all(std::iter::once(more).chain(theirs).chain(rest)),
                        None => {
                            items.extend(theirs);
                            rest
                        }
                    };
                    list = self.new_array(items, more);
                }
                list
            }
            "slice" => {
                let second = args.get(1).cloned();
                return Some(self.slice(receiver, first.as_ref(), second.as_ref(), span));
            }
            "splice" => {
                self.take_out(id);
                for value in args.pos.iter().skip(2) {
                    self.add_more(id, value.clone());
                }
                let all: Vec<Val> = self.store.obj(id).items.clone();
                let joined = self.join_all(all);
                self.new_array(Vec::new(), joined)
            }
            "join" => {
                let separator = first.map_or_else(|| ",".to_owned(), |value| value.literal().unwrap_or(" ").to_owned());
                self.join_array(receiver, &separator)
            }
            "includes" | "has" | "__contains__" => self.membership(&first?, receiver, span),
            "indexOf" | "index" | "lastIndexOf" => {
                let test = self.membership(&first?, receiver, span);
                Val { cond: test.cond, ..Val::of(Kind::Num(None)) }
            }
            "map" | "filter" | "forEach" | "flatMap" | "find" | "findLast" | "findIndex" | "some" | "every"
            | "reduce" | "reduceRight" => {
                if name.as_str().starts_with("reduce") {
                    return Some(self.reduce(receiver, &first?, args.get(1).cloned(), span));
                }
                return Some(self.array_callback(receiver, name.as_str(), &first?, span));
            }
            "flat" => {
                let (items, more) = self.elements_of(receiver, span);
                let mut flat = Vec::new();
                let mut open = Vec::new();
                for item in items {
                    let is_list = matches!(item.kind, Kind::Obj(inner) if self.store.obj(inner).is_sequence());
                    if is_list {
                        let (inner, rest) = self.elements_of(&item, span);
                        flat.extend(inner);
                        open.extend(rest);
                    } else {
                        flat.push(item);
                    }
                }
                if let Some(more) = more {
                    let (inner, rest) = self.elements_of(&more, span);
                    open.extend(inner);
                    open.extend(rest);
                }
                let more = self.join_all(open);
                self.new_array(flat, more)
            }
            // Which of them is overwritten is not looked at.
            "fill" => {
                self.add_more(id, first?);
                receiver.clone()
            }
            "sort" | "reverse" => receiver.clone(),
            "toSorted" | "toReversed" | "copy" => {
                let obj = self.store.obj_rc(id);
                let copy = self.store.new_obj((*obj).clone());
                Val { kind: Kind::Obj(copy), ..receiver.clone() }
            }
            "keys" => self.new_array(Vec::new(), Some(Val::of(Kind::Num(None)))),
            "values" => receiver.clone(),
            "entries" => self.entries_of(receiver),
            "at" => self.get_index(receiver, &first?, span),
            "then" => return self.promise_method(receiver, name, args, span),
            "toString" => self.join_array(receiver, ","),
            "clear" | "remove" | "discard" | "delete" => {
                self.take_out(id);
                Val::null()
            }
            "count" => Val::null(),
            _ => return None,
        })
    }

    /// `xs.map(f)` and friends: `f` runs for each known element, then once for all others.
    pub(crate) fn array_callback(&mut self, list: &Val, name: &str, function: &Val, span: Span) -> Val {
        let Some(filled) = self.open_list(list) else { return self.answer_of_each(list, name, function, span) };
        if name == "forEach" {
            let mut each = |interp: &mut Self| {
                interp.assume(&filled.when_true);
                interp.answer_of_each(list, name, function, span);
                !std::mem::take(&mut interp.last_call_failed)
            };
            let mut none = |interp: &mut Self| {
                interp.assume(&filled.when_false);
                true
            };
            self.branches(&mut [&mut each, &mut none]);
            return Val::undefined();
        }
        let answer = self.answer_of_each(list, name, function, span);
        match (&answer.kind, name) {
            (Kind::Obj(made), "map" | "flatMap") => {
                self.fill_from(*made, &[Some(self.bool_with(None, filled))]);
                answer
            }
            (Kind::Obj(made), "filter") => {
                let passed = self.evidence.get(made).map_or_else(|| filled.clone(), |passed| filled.and(passed));
                self.evidence.insert(*made, passed);
                answer
            }
            _ => self.answer_of_maybe(name, answer, &filled),
        }
    }

    fn answer_of_each(&mut self, list: &Val, name: &str, function: &Val, span: Span) -> Val {
        let result = self.each_element(list, name, function, span);
        // What is made of a list that nobody filled is as empty.
        if let (Kind::Obj(from), Kind::Obj(to), "map" | "filter" | "flatMap") = (&list.kind, &result.kind, name)
            && self.store.obj(*from).is_configured
        {
            self.store.obj_mut(*to).is_configured = true;
        }
        result
    }

    fn each_element(&mut self, list: &Val, name: &str, function: &Val, span: Span) -> Val {
        // An input that is followed in place of a list is its only element: a text has no such methods.
        let is_text = matches!(list.kind, Kind::Str) && self.is_witness(list);
        let (items, more) = if is_text {
            (vec![list.clone()], None)
        } else {
            let rounds = self.rounds_of(list, span);
            (rounds.items, rounds.more)
        };
        let (items, more) = if items.len() > 96 || !self.admits_rounds(items.len()) {
            let joined = self.join_all(items.into_iter().chain(more));
            (Vec::new(), joined)
        } else {
            (items, more)
        };
        let outer_rounds = self.enter_loop(items.len());
        let mut kept = Vec::new();
        let mut results = Vec::new();
        for (index, item) in items.iter().enumerate() {
            let index = Val::num(f64::from(u32::try_from(index).unwrap_or(0)));
            let result = self.call_value(function, None, Args::of(vec![item.clone(), index, list.clone()]), span);
            if name == "filter" && result.truth() != Some(false) {
                kept.push(self.with_outcome(item, &result));
            }
            if name == "find" || name == "findLast" {
                let truth = result.truth();
                if truth != Some(false) {
                    kept.push(item.clone());
                }
                if truth == Some(true) && kept.len() == 1 {
                    self.leave_loop(outer_rounds);
                    return item.clone();
                }
            }
            results.push(result);
        }
        self.leave_loop(outer_rounds);
        let mut open = None;
        let mut open_kept = None;
        if let Some(more) = &more {
            let mut result = Val::unknown();
            let args = Args::of(vec![more.clone(), Val::of(Kind::Num(None)), list.clone()]);
            self.in_branch(|interp| result = interp.call_value(function, None, args, span));
            open_kept = (result.truth() != Some(false)).then(|| self.with_outcome(more, &result));
            open = Some(result);
        }
        // That something passed says what the test says of it, and that nothing did what it says of all.
        let evidence = match name {
            "filter" | "find" | "findLast" => {
                let answers = self.new_array(results.clone(), open.clone());
                let some = self.quantified(&answers, false, span);
                some.cond.as_deref().cloned().unwrap_or_default()
            }
            _ => Cond::default(),
        };
        match name {
            "map" => self.new_array(results, open),
            "flatMap" => {
                let mut flat = Vec::new();
                let mut rest = Vec::new();
                for result in results {
                    if matches!(result.kind, Kind::Obj(id) if self.store.obj(id).is_sequence()) {
                        let (inner, more) = self.elements_of(&result, span);
                        flat.extend(inner);
                        rest.extend(more);
                    } else {
                        flat.push(result);
                    }
                }
                if let Some(result) = open {
                    let (inner, more) = self.elements_of(&result, span);
                    rest.extend(inner);
                    rest.extend(more);
                }
                let rest = self.join_all(rest);
                self.new_array(flat, rest)
            }
            "filter" => {
                // Known elements stay one by one, also those whose presence is in doubt.
                let list = self.new_array(kept, open_kept);
                // How many there are is as much in doubt as the elements are.
                let is_in_doubt = results.iter().any(|result| result.truth().is_none());
                if let (Kind::Obj(id), true) = (&list.kind, is_in_doubt || !evidence.is_trivial()) {
                    self.evidence.insert(*id, evidence);
                }
                list
            }
            "find" | "findLast" => {
                let found = self.join_all(kept.into_iter().chain(open_kept)).unwrap_or_else(Val::undefined);
                if !evidence.when_true.is_empty() {
                    // Nothing found is no element that passed, unless an element may be as false itself; a character isn't.
                    let is_never_false = more.as_ref().is_some_and(|more| self.is_character(more));
                    let when_false = if is_never_false { evidence.when_false } else { Vec::new() };
                    let cond = Cond { when_true: evidence.when_true, when_false, ..Cond::default() };
                    return Val { cond: Some(Rc::new(cond)), ..found };
                }
                // That something was found means that some element passed.
                let passed = self.new_array(results, open);
                let cond = self.quantified(&passed, false, span).cond;
                if found.cond.is_none() && !found.is_nullish() { Val { cond, ..found } } else { found }
            }
            "some" | "every" => {
                let list = self.new_array(results, open);
                self.quantified(&list, name == "every", span)
            }
            "findIndex" | "findLastIndex" => {
                let passed = self.new_array(results, open);
                let cond = self.quantified(&passed, false, span).cond;
                Val { cond, ..Val::of(Kind::Num(None)) }
            }
            _ => Val::undefined(),
        }
    }

    /// The element as it is when the callback's answer was true.
    fn with_outcome(&self, item: &Val, result: &Val) -> Val {
        let Some(cond) = &result.cond else { return item.clone() };
        match cond.when_true.iter().find(|(vn, _)| *vn == item.vn && item.vn != 0) {
            Some((_, fact)) => self.refined(item, fact),
            None => item.clone(),
        }
    }

    /// Whether all (or any) of the elements of a list pass a test.
    pub(crate) fn each_passes(
        &mut self,
        list: &Val,
        is_all: bool,
        span: Span,
        mut test: impl FnMut(&mut Self, &Val) -> Val,
    ) -> Val {
        let (items, more) = self.elements_of(list, span);
        let known: Vec<Val> = items.iter().map(|item| test(self, item)).collect();
        let open = more.map(|more| test(self, &more));
        let answers = self.new_array(known, open);
        self.quantified(&answers, is_all, span)
    }

    /// Whether all (or any) of these answers are true.
    pub(crate) fn quantified(&mut self, results: &Val, is_all: bool, span: Span) -> Val {
        let (items, more) = self.elements_of(results, span);
        let is_open = more.is_some();
        let mut cond: Option<Cond> = None;
        let mut truths = Vec::new();
        for item in items.into_iter().chain(more) {
            truths.push(item.truth());
            let own = item.cond.as_deref().cloned().unwrap_or_default();
            cond = Some(match cond {
                None => own,
                Some(before) if is_all => before.and(&own),
                Some(before) => before.or(&own),
            });
        }
        let truth = if is_all {
            if truths.contains(&Some(false)) {
                Some(false)
            } else if truths.iter().all(|truth| *truth == Some(true)) {
                Some(true)
            } else {
                None
            }
        } else if truths.contains(&Some(true)) && !is_open {
            Some(true)
        } else if truths.iter().all(|truth| *truth == Some(false)) {
            // Also when there is no element at all.
            Some(false)
        } else {
            None
        };
        let cond = self.quantified_cond(cond.unwrap_or_default(), is_all);
        self.bool_with(truth, cond)
    }

    /// What holds of every character of a text holds of the text.
    pub(crate) fn quantified_cond(&self, cond: Cond, is_all: bool) -> Cond {
        if is_all {
            Cond { when_true: self.for_whole_texts(cond.when_true), ..cond }
        } else {
            Cond { when_false: self.for_whole_texts(cond.when_false), ..cond }
        }
    }

    pub(super) fn reduce(&mut self, list: &Val, function: &Val, initial: Option<Val>, span: Span) -> Val {
        let (items, more) = self.elements_of(list, span);
        let mut all = items.into_iter();
        let mut result = match initial {
            Some(initial) => initial,
            None => all.next().or_else(|| more.clone()).unwrap_or_else(Val::undefined),
        };
        for item in all.take(96) {
            result = self.call_value(function, None, Args::of(vec![result, item]), span);
        }
        if let Some(more) = more {
            let next = self.call_value(function, None, Args::of(vec![result.clone(), more]), span);
            result = self.join(&result, &next);
        }
        result
    }

    /// Sequence methods on values that may be sequences.
    pub(crate) fn sequence_method_of_unknown(
        &mut self,
        receiver: &Val,
        name: Symbol,
        args: &Args,
        span: Span,
    ) -> Option<Val> {
        let first = args.get(0).cloned();
        Some(match name.as_str() {
            "map" | "filter" | "forEach" | "flatMap" | "find" | "some" | "every" => {
                let function = first?;
                if !matches!(function.kind, Kind::Fn(_) | Kind::Bound(_)) {
                    return None;
                }
                let result = self.array_callback(receiver, name.as_str(), &function, span);
                if matches!(name.as_str(), "map" | "filter" | "flatMap") {
                    Val { taint: result.taint.union(receiver.taint), ..result }
                } else {
                    result
                }
            }
            "reduce" => self.reduce(receiver, &first?, args.get(1).cloned(), span),
            "join" if receiver.is_tainted() && self.lang() == Lang::JavaScript => {
                let separator = first.map_or_else(|| ",".to_owned(), |value| value.literal().unwrap_or(" ").to_owned());
                self.join_array(receiver, &separator)
            }
            "includes" | "has" | "indexOf" => {
                let test = self.membership(&first?, receiver, span);
                if name.as_str() == "indexOf" { Val { cond: test.cond, ..Val::of(Kind::Num(None)) } } else { test }
            }
            "get" if receiver.is_tainted() => self.get_index(receiver, &first?, span),
            "items" | "entries" if receiver.is_tainted() => self.entries_of(receiver),
            "keys" if receiver.is_tainted() => {
                let (items, more) = self.keys_of(receiver);
                self.new_array(items, more)
            }
            "values" if receiver.is_tainted() => {
                let (items, more) = self.values_of(receiver);
                self.new_array(items, more)
            }
            "concat" if receiver.is_tainted() => {
                let (items, more) = self.elements_of(receiver, span);
                let theirs: Vec<Val> = args.pos.clone();
                let joined = self.join_all(items.into_iter().chain(more).chain(theirs));
                self.new_array(Vec::new(), joined)
            }
            _ => return None,
        })
    }
}
