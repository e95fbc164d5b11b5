//! Comparisons, and what they teach of the values compared.

use std::rc::Rc;

use manta_core::Span;

use crate::domain::path::{PathState, Within};
use crate::domain::url::{Host, Scheme, UrlState};
use crate::domain::{CharSet, StrProps, path};
use crate::engine::api::{ApiId, ApiStep};
use crate::engine::facts::{Cond, Fact, Refinements, both};
use crate::engine::interp::Interp;
use crate::engine::store::ObjKind;
use crate::engine::value::{Kind, Transform, UrlPart, Val, Vn};
use crate::ir::{BinaryOp, Lang};

impl Interp<'_> {
    /// `a == b`.
    pub(crate) fn compare(&mut self, _op: BinaryOp, a: &Val, b: &Val, span: Span) -> Val {
        let (a, b) = (&self.current(a), &self.current(b));
        // Constant outcomes.
        if let (Some(x), Some(y)) = (a.literal(), b.literal()) {
            return Val::bool(x == y);
        }
        if let (Some(xs), Some(ys)) = (a.literals(), b.literals())
            && !xs.iter().any(|x| ys.contains(x))
        {
            return Val::bool(false);
        }
        if self.is_foreign(a, b) || self.is_foreign(b, a) {
            return Val::bool(false);
        }
        // A witness is a POSIX path, and is followed where such paths are.
        if self.found.replay.is_some() && (self.asks_for_windows(a, b) || self.asks_for_windows(b, a)) {
            return Val::bool(false);
        }
        if let Some(usual) = self.equal_by_default(a, b).or_else(|| self.equal_by_default(b, a)) {
            return self.bool_with(None, Cond { by_default: Some(usual), ..Cond::default() });
        }
        match (&a.kind, &b.kind) {
            (Kind::Num(Some(x)), Kind::Num(Some(y))) => {
                if let (Some(cond), true) = (&a.cond, *y == -1.0) {
                    return Val { cond: Some(Rc::new(cond.not())), ..Val::bool((x - y).abs() < f64::EPSILON) };
                }
                return Val::bool((x - y).abs() < f64::EPSILON);
            }
            (Kind::Bool(Some(x)), Kind::Bool(Some(y))) => return Val::bool(x == y),
            (Kind::Null | Kind::Undefined, Kind::Null | Kind::Undefined) => return Val::bool(true),
            (Kind::Api(x, None), Kind::Api(y, None)) => return Val::of(Kind::Bool((x == y).then_some(true))),
            (Kind::Fn(x), Kind::Fn(y)) => return Val::of(Kind::Bool((x == y).then_some(true))),
            _ => {}
        }
        for (search, bound) in [(a, b), (b, a)] {
            // `indexOf(…) === 0`: found at the very beginning.
            if let (Kind::Num(Some(0.0)), Some((text, part))) = (&bound.kind, self.searches.get(&search.vn).cloned()) {
                return self.starts_with(&text, &part, span);
            }
            // `indexOf(…) === -1`.
            if let (Some(cond), Kind::Num(Some(bound))) = (&search.cond, &bound.kind)
                && matches!(search.kind, Kind::Num(_))
            {
                if *bound == -1.0 {
                    return self.bool_with(None, cond.not());
                }
                // `passed.length === 0`: nothing passed the test.
                if *bound == 0.0 && search.text.is_some() {
                    return self.bool_with(None, cond.not());
                }
                if *bound == 0.0 {
                    return self.bool_with(None, Cond { when_true: cond.when_true.clone(), ..Cond::default() });
                }
            }
        }
        // Comparisons with true, false, null test the other side's truth.
        for (value, constant) in [(a, b), (b, a)] {
            match constant.kind {
                Kind::Bool(Some(flag)) => {
                    let cond = value.cond.as_deref().cloned().unwrap_or_default();
                    let truth = match value.kind {
                        Kind::Bool(truth) => truth.map(|truth| truth == flag),
                        _ => None,
                    };
                    return self.bool_with(truth, if flag { cond } else { cond.not() });
                }
                Kind::Null | Kind::Undefined => {
                    let truth = match &value.kind {
                        Kind::Union(values) if values.iter().all(is_something) => Some(false),
                        _ => is_something(value).then_some(false),
                    };
                    let mut cond = value.cond.as_deref().map(Cond::not).unwrap_or_default();
                    cond.when_true = both(&cond.when_true, &self.nothing_to_fear(value));
                    return self.bool_with(truth, cond);
                }
                _ => {}
            }
        }
        for (common, other) in [(a, b), (b, a)] {
            if let Some((target, by_component)) = self.common_paths.get(&common.vn).cloned()
                && self.is_own_directory(other)
            {
                // What has `/` for its directory unless somebody sets another is contained in nothing.
                if other.alternatives().iter().any(|dir| dir.literal() == Some("/")) {
                    return self.bool_with(None, Cond::default());
                }
                let dir = other.literal();
                if self.found.replay.is_some()
                    && let Some(text) = target.literal()
                {
                    // Texts are compared as they are: `/data/../etc` begins with `/data`.
                    return Val::bool(match dir.map(|dir| dir.trim_end_matches('/')) {
                        Some(dir) => text
                            .strip_prefix(dir)
                            .is_some_and(|rest| !by_component || rest.is_empty() || rest.starts_with('/')),
                        None => crate::engine::report::is_in_replay_root(text),
                    });
                }
                self.note_prefix(dir.unwrap_or(crate::engine::report::REPLAY_ROOT));
                let at = self.here(span);
                let state = self.props(&target).path;
                let mut fact = Fact::props(StrProps::default(), at);
                let graded = path::grade_common_prefix(&state, by_component);
                fact.props.path.within = graded.within(None);
                let cond = Cond { when_true: self.implied(&target, fact), ..Cond::default() };
                return self.bool_with(None, cond);
            }
            if let Some(inside) = self.relative_test(common, other.literal(), self.here(span)) {
                return self.bool_with(None, inside);
            }
            // `path.dirname(x) === root`: `x` is one of the files in there.
            if let Some(target) = self.parents.get(&common.vn).cloned()
                && self.is_own_directory(other)
            {
                let real = self.props(&target).path.norm == path::Norm::Real;
                let dir = Some(Rc::from(self.dir_name(other).as_str()));
                let mut fact = Fact::props(StrProps::default(), self.here(span));
                fact.props.path.within = Within::Strong { dir, real };
                let cond = Cond { when_true: self.implied(&target, fact), ..Cond::default() };
                return self.bool_with(None, cond);
            }
            // `path.relative(root, x) === ""`: `x` is the directory itself.
            if let (Some(target), Some("")) = (self.relative_paths.get(&common.vn), other.literal()) {
                let real = self.props(target).path.norm == path::Norm::Real;
                let mut fact = Fact::props(StrProps::default(), self.here(span));
                fact.props.path.within = Within::Strong { dir: None, real };
                let cond = Cond { when_true: self.implied(target, fact), ..Cond::default() };
                return self.bool_with(None, cond);
            }
            if let (Some(value), Some(name)) = (self.typeofs.get(&common.vn), other.literal()) {
                return self.bool_with(None, self.type_test(value, name, self.here(span)));
            }
        }
        let mut cond = Cond::default();
        // `process.env.ALLOW === "true"`: not so unless somebody set it.
        let asks = |value: &Val, constant: &Val| {
            let is_variable =
                |value: &Val| matches!(&value.kind, Kind::Api(api, _) if self.apis.name(*api).starts_with("$env."));
            value.alternatives().iter().any(is_variable)
                && constant.literals().is_some_and(|texts| {
                    !value
                        .alternatives()
                        .iter()
                        .any(|value| value.literals().is_some_and(|own| own.iter().any(|own| texts.contains(own))))
                })
        };
        if self.taint_now(a).is_none() && self.taint_now(b).is_none() && (asks(a, b) || asks(b, a)) {
            cond.by_default = Some(false);
        }
        for (value, other) in [(a, b), (b, a)] {
            if self.found.is_name(value.vn)
                && let Some(names) = other.literals()
            {
                if self.found.is_asking_names {
                    let fact = Fact::props(StrProps::one_of(names.iter().map(|name| &**name)), self.here(span));
                    cond.when_true = both(&cond.when_true, &self.implied(value, fact));
                }
                for name in names {
                    self.found.add_name(&name);
                }
            }
            if self.taint_now(value).is_none() {
                continue;
            }
            let at = self.here(span);
            if self.taint_now(other).is_some() {
                // `name === basename(name)`: a text that is equal to what was made of it is as harmless as that.
                if matches!((&value.kind, &other.kind), (Kind::Str | Kind::Unknown, Kind::Str)) {
                    let fact = Fact::props(self.props(other), at);
                    cond.when_true = both(&cond.when_true, &self.implied_exactly(value, fact));
                }
                continue;
            }
            self.note_words(other.literals().iter().flatten().map(|text| &**text));
            let fact = match other.literals() {
                Some(lits) => Fact::props(StrProps::one_of(lits.iter().map(|lit| &**lit)), at),
                None => Fact::listed(at),
            };
            cond.when_true = both(&cond.when_true, &self.implied(value, fact));
            if let Some(text) = other.literal() {
                let fact = Fact::props(self.props(value).refine_not(text), at);
                cond.when_false = both(&cond.when_false, &self.implied_exactly(value, fact));
            }
        }
        self.bool_with(None, cond)
    }

    /// `typeof value === name`. What is no text is no option: argument lists take nothing but texts.
    fn type_test(&self, value: &Val, name: &str, at: manta_core::Location) -> Cond {
        let fact = |props: StrProps| self.implied_exactly(value, Fact::props(props, at));
        match name {
            "number" | "bigint" => Cond { when_true: fact(StrProps::number()), ..Cond::default() },
            "boolean" => Cond { when_true: fact(StrProps::one_of(["true", "false"])), ..Cond::default() },
            "undefined" => Cond { when_true: self.nothing_to_fear(value), ..Cond::default() },
            "string" => {
                let mut other = StrProps::default();
                other.first = other.first.minus(CharSet::of("-"));
                // What else the schema admits.
                let others = value.alternatives().iter().filter(|value| !matches!(value.kind, Kind::Str));
                let is_number = |value: &Val| matches!(value.kind, Kind::Num(_) | Kind::Bool(_));
                if matches!(value.kind, Kind::Union(_)) && others.clone().all(is_number) {
                    other = others.map(|value| self.props(value)).reduce(|a, b| a.join(&b)).unwrap_or(other);
                }
                Cond { when_false: fact(other), ..Cond::default() }
            }
            _ => Cond::default(),
        }
    }

    /// `Array.isArray(value)`. A schema that is enforced says whether an argument is a list or a text.
    pub(crate) fn is_array(&self, value: &Val) -> Val {
        let is_list = |value: &Val| match value.kind {
            Kind::Obj(id) => Some(matches!(self.store.obj(id).kind, ObjKind::Array)),
            Kind::Str | Kind::Num(_) | Kind::Bool(_) | Kind::Undefined | Kind::Null => Some(false),
            _ => None,
        };
        let known: Option<Vec<bool>> = value.alternatives().iter().map(is_list).collect();
        match known.as_deref() {
            Some([first, others @ ..]) if others.iter().all(|other| other == first) => Val::bool(*first),
            _ => Val::any_bool(),
        }
    }

    /// Whether a comparison asks if the server runs on Windows.
    fn asks_for_windows(&self, platform: &Val, name: &Val) -> bool {
        let is_platform = |api: ApiId| {
            let path = self.apis.name(api);
            let path = path.trim_start_matches("globalThis.").trim_start_matches("node:");
            matches!(
                path,
                "process.platform" | "os.platform()" | "os.type()" | "sys.platform" | "os.name" | "platform.system()"
            )
        };
        matches!(platform.kind, Kind::Api(api, _) if is_platform(api))
            && name.literal().is_some_and(|name| matches!(name, "win32" | "Windows_NT" | "Windows" | "nt"))
    }

    /// Whether a setting equals a constant when nobody sets it.
    fn equal_by_default(&self, setting: &Val, constant: &Val) -> Option<bool> {
        let default = self.default_of_setting(setting)?;
        match (&default.kind, &constant.kind) {
            (Kind::Undefined, Kind::Undefined | Kind::Null) => Some(true),
            (Kind::Undefined, Kind::Bool(Some(_)) | Kind::Num(Some(_))) => Some(false),
            (Kind::Undefined, Kind::Str) => constant.literals().map(|_| false),
            (Kind::Str, Kind::Str) => Some(default.literal()? == constant.literal()?),
            _ => None,
        }
    }

    /// The value an environment variable or option has when nobody sets it: none at all, or the one constant the program
    /// falls back to. None for anything else.
    pub(super) fn default_of_setting(&self, value: &Val) -> Option<Val> {
        let is_setting = |value: &Val| match value.kind {
            Kind::Api(api, _) => self.is_setting(api),
            Kind::Obj(id) => self.store.obj(id).is_configured,
            _ => false,
        };
        match &value.kind {
            Kind::Union(values) => {
                let (settings, others): (Vec<&Val>, Vec<&Val>) = values.iter().partition(|value| is_setting(value));
                match (settings.is_empty(), others.as_slice()) {
                    (false, [only])
                        if only.literal().is_some()
                            || matches!(only.kind, Kind::Bool(Some(_)) | Kind::Num(Some(_))) =>
                    {
                        Some((*only).clone())
                    }
                    _ => None,
                }
            }
            _ => is_setting(value).then(Val::undefined),
        }
    }

    /// What a setting counts as when nobody sets it: `process.env.DIR || process.cwd()` is a directory in any case.
    fn usual_truth(&self, value: &Val) -> Option<bool> {
        if let Some(default) = self.default_of_setting(value) {
            return default.truth();
        }
        let Kind::Union(values) = &value.kind else { return None };
        let (settings, others): (Vec<&Val>, Vec<&Val>) =
            values.iter().partition(|value| matches!(value.kind, Kind::Api(api, _) if self.is_setting(api)));
        let are_there =
            |others: &[&Val]| others.iter().all(|other| !other.is_tainted() && self.truth(other) == Some(true));
        (!settings.is_empty() && !others.is_empty() && are_there(&others)).then_some(true)
    }

    /// Whether an access path starts in the environment.
    pub(crate) fn is_setting(&self, api: ApiId) -> bool {
        matches!(self.apis.steps(api).first(), Some(ApiStep::Root(root)) if root.as_str() == "$env")
    }

    /// Whether a list has no element unless the administrator configures some: `(process.env.HOSTS ?? "").split(",")`
    /// without blanks is empty, or what the environment says.
    pub(crate) fn is_empty_by_default(&self, lists: &[Val]) -> bool {
        let is_configured = |list: &Val| matches!(list.kind, Kind::Obj(id) if self.store.obj(id).is_configured);
        let is_empty = |list: &Val| match list.kind {
            Kind::Obj(id) => {
                let list = self.store.obj(id);
                list.is_sequence() && list.items.is_empty() && list.more.is_none()
            }
            _ => list.is_nullish(),
        };
        lists.iter().any(is_configured) && lists.iter().all(|list| is_configured(list) || is_empty(list))
    }

    /// Whether one of the lists has what an administrator may have configured: names, addresses, directories. What a
    /// service answers are records.
    pub(crate) fn is_of_configuration(&self, lists: &[Val]) -> bool {
        lists.iter().any(|list| match list.kind {
            Kind::Obj(id) => {
                let list = self.store.obj(id);
                let is_said = |value: &Val| match value.kind {
                    Kind::Api(api, _) => self.is_setting(api),
                    _ => matches!(value.kind, Kind::Str),
                };
                let first = list.items.first().or(list.more.as_ref());
                list.is_configured || first.is_some_and(|value| value.alternatives().iter().all(is_said))
            }
            _ => false,
        })
    }

    /// What a value implies as a condition: an environment variable is not set by default.
    pub(crate) fn condition(&self, value: &Val) -> Cond {
        match value.cond.as_deref() {
            Some(cond) => cond.clone(),
            None => {
                let by_default = self.usual_truth(value).filter(|_| self.truth(value).is_none());
                let when_false = self.nothing_to_fear(value);
                match self.value_holds_any(value).and_then(|filled| filled.cond) {
                    Some(filled) if self.lang() == Lang::Python => {
                        Cond { when_false: both(&when_false, &filled.when_false), ..(*filled).clone() }
                    }
                    _ => Cond { by_default, when_false, ..Cond::default() },
                }
            }
        }
    }

    /// What is known of a value of the caller's that counts as false: it is missing, empty or zero.
    fn nothing_to_fear(&self, value: &Val) -> Refinements {
        // As what it is written.
        const FALSE_JS: [&str; 7] = ["", "0", "-0", "NaN", "false", "null", "undefined"];
        const FALSE_PY: [&str; 7] = ["", "0", "-0", "False", "None", "[]", "{}"];
        let is_text = |value: &Val| matches!(value.kind, Kind::Str | Kind::Unknown) || value.is_nullish();
        let of_elements = self.no_elements(value);
        if !of_elements.is_empty() {
            return of_elements;
        }
        if value.vn == 0
            || !value.is_tainted()
            || value.literal().is_some()
            || !value.alternatives().iter().all(is_text)
        {
            return Vec::new();
        }
        let props = StrProps::one_of(if self.lang() == Lang::Python { FALSE_PY } else { FALSE_JS });
        vec![(value.vn, Rc::new(Fact { props, is_listed: false, at: None, notes: Vec::new() }))]
    }

    /// A Python list that counts as false has no elements, so whatever is asked of each holds: `if not names: return`
    /// before a check of every name takes nothing from it. What is known of an empty text says as much.
    fn no_elements(&self, value: &Val) -> Refinements {
        if self.lang() != Lang::Python {
            return Vec::new();
        }
        let nothing = StrProps::one_of([""]);
        let lists = value.alternatives().iter().filter_map(|value| match value.kind {
            // What a list was filled with by a test is elsewhere, too.
            Kind::Obj(id) if self.store.obj(id).is_sequence() && self.open_cond(id).is_none() => {
                Some(self.store.obj(id))
            }
            _ => None,
        });
        let elements = lists.flat_map(|list| list.items.iter().chain(&list.more));
        let is_open = |element: &&Val| {
            element.vn != 0 && element.is_tainted() && !self.props(element).refine(&nothing).is_bottom()
        };
        let mut refinements = Refinements::new();
        for element in elements.filter(is_open) {
            let fact = Fact { props: nothing.clone(), is_listed: false, at: None, notes: Vec::new() };
            refinements = both(&refinements, &vec![(element.vn, Rc::new(fact))]);
        }
        refinements
    }

    /// While a witness is followed: a concrete value of the caller's, compared with something that the administrator
    /// chose and we do not know, is not that. (The stand-in directory is.)
    pub(crate) fn is_foreign(&self, value: &Val, other: &Val) -> bool {
        self.found.replay.is_some()
            && value.is_tainted()
            && value.literal().is_some_and(|text| !crate::engine::report::is_in_replay_root(text))
            && other.taint.is_none()
            && other.literals().is_none()
            && matches!(other.kind, Kind::Str | Kind::Unknown | Kind::Api(..) | Kind::Union(_))
    }

    /// The fact about a value and what it means for the value it was derived from.
    pub(crate) fn implied(&self, value: &Val, fact: Fact) -> Refinements {
        let mut all: Refinements = Vec::new();
        if let Some((base, transform)) = value.text.as_deref().and_then(|text| text.base) {
            let own = |props: StrProps| Fact { props, is_listed: false, at: fact.at, notes: fact.notes.clone() };
            let for_base = match transform {
                Transform::SamePath if fact.is_listed || !matches!(fact.props.path.within, Within::None) => {
                    if fact.is_listed {
                        Some(Fact::listed(
                            fact.at.unwrap_or(manta_core::Location::new(self.code().file, Span::default())),
                        ))
                    } else {
                        let within = fact.props.path.within.clone();
                        let mut props = StrProps::default();
                        props.path = PathState { within, ..props.path };
                        Some(own(props))
                    }
                }
                Transform::SamePath => (!fact.notes.is_empty()).then(|| own(StrProps::default())),
                Transform::Cosmetic if fact.is_listed || fact.props.lits.is_some() => {
                    let mut listed = own(StrProps::default());
                    listed.is_listed = true;
                    listed.props.url.host = Host::AllowListed;
                    Some(listed)
                }
                Transform::UrlPart(UrlPart::Host) | Transform::Cosmetic => {
                    let host = if fact.is_listed || fact.props.lits.is_some() {
                        Host::AllowListed
                    } else {
                        fact.props.url.host.clone()
                    };
                    let charset = match transform {
                        Transform::Cosmetic => before_cosmetics(fact.props.charset),
                        _ => CharSet::ALL,
                    };
                    let mut props = StrProps::of_charset(charset);
                    props.url = UrlState { host, ..props.url };
                    Some(own(props))
                }
                Transform::UrlPart(UrlPart::Scheme) => fact.props.lits.as_deref().map(|lits| {
                    let is_web = lits.iter().all(|lit| matches!(&**lit, "http:" | "https:" | "http" | "https"));
                    let is_https = lits.iter().all(|lit| matches!(&**lit, "https:" | "https"));
                    let mut props = StrProps::default();
                    let scheme = if is_https {
                        Scheme::Https
                    } else if is_web {
                        Scheme::Web
                    } else {
                        Scheme::Other
                    };
                    props.url = UrlState { scheme, ..props.url };
                    own(props)
                }),
                Transform::UrlPart(UrlPart::Whole) => Some(fact.clone()),
                Transform::UrlPart(_) => None,
                // One character says nothing of the others; see `for_whole_texts`.
                Transform::Character => None,
                Transform::Without(removed) => {
                    all = self.implied_with_removed(base, removed, &fact);
                    None
                }
            };
            if let Some(fact) = for_base {
                let fact = Rc::new(fact);
                all.push((base, fact.clone()));
                // Further back, as long as each step keeps the file or is the whole URL.
                let mut at = base;
                for _ in 0..8 {
                    match self.derivations.get(&at) {
                        Some((before, Transform::SamePath)) if matches!(transform, Transform::SamePath) => {
                            at = *before;
                        }
                        Some((before, Transform::Cosmetic)) if matches!(transform, Transform::Cosmetic) => at = *before,
                        Some((before, Transform::UrlPart(UrlPart::Whole)))
                            if !matches!(transform, Transform::SamePath) =>
                        {
                            at = *before;
                        }
                        _ => break,
                    }
                    all.push((at, fact.clone()));
                }
                all.sort_by_key(|(vn, _)| *vn);
                all.dedup_by_key(|(vn, _)| *vn);
            }
        }
        if value.vn != 0 {
            all = both(&all, &vec![(value.vn, Rc::new(fact))]);
        }
        all
    }

    /// `name.replace("-", "").isalnum()`: what is left has only these characters, so the text had only these and what was
    /// replaced.
    fn implied_with_removed(&self, base: Vn, mut removed: CharSet, fact: &Fact) -> Refinements {
        let mut all = Vec::new();
        let mut at = base;
        for _ in 0..8 {
            let props = StrProps::of_charset(fact.props.charset.union(removed));
            all.push((at, Rc::new(Fact { props, is_listed: false, at: fact.at, notes: Vec::new() })));
            let Some((before, Transform::Without(more))) = self.derivations.get(&at) else { break };
            (at, removed) = (*before, removed.union(*more));
        }
        all.sort_by_key(|(vn, _)| *vn);
        all.dedup_by_key(|(vn, _)| *vn);
        all
    }

    /// The fact about the value alone.
    pub(crate) fn implied_exactly(&self, value: &Val, fact: Fact) -> Refinements {
        if value.vn == 0 { Vec::new() } else { vec![(value.vn, Rc::new(fact))] }
    }
}

/// Whether a value is certainly neither `null` nor `undefined`, nor `None`. An argument of the caller may be left out.
fn is_something(value: &Val) -> bool {
    let is_argument = value.taint.is_some() && value.vn != 0;
    match value.kind {
        // The result of a match may be none.
        Kind::Obj(_) => value.cond.is_none() && !is_argument,
        Kind::Num(known) => known.is_some() || !is_argument,
        Kind::Bool(known) => known.is_some(),
        Kind::Fn(_) | Kind::Bound(_) => true,
        Kind::Str => value.taint.is_none() || value.literals().is_some(),
        _ => false,
    }
}

/// The characters a text may have had before its blanks were cut off or its letters changed in case, by those it has now.
fn before_cosmetics(charset: CharSet) -> CharSet {
    // Letters outside of ASCII may have become letters (the Kelvin sign a `k`), and blanks outside of it were cut off;
    // Python cuts the four separators of ASCII as well.
    let blanks = CharSet::SPACE.union(CharSet::range(0x1c, 0x1f)).union(CharSet::NON_ASCII);
    if charset == CharSet::ALL { charset } else { charset.both_cases().union(blanks) }
}
