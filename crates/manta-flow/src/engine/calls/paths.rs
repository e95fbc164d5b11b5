//! Functions over paths.

use std::rc::Rc;

use manta_core::Span;

use crate::domain::path::Operand;
use crate::domain::props::Part as DomainPart;
use crate::domain::{StrProps, path};
use crate::engine::api::ApiTable;
use crate::engine::facts::{Cond, Fact};
use crate::engine::interp::{Args, Interp};
use crate::engine::models::Effect;
use crate::engine::report::{REPLAY_HOME, REPLAY_NAME, REPLAY_ROOT, is_in_replay_root};
use crate::engine::value::{Kind, Part, PathShape, Taint, Text, Transform, Val, Vn};
use crate::ir::{Lang, Symbol};

impl Interp<'_> {
    fn path_operands(&mut self, operands: &[Val]) -> Vec<(Option<String>, StrProps, bool)> {
        operands
            .iter()
            .map(|value| {
                let value = self.current(value);
                let literal = value.literal().filter(|_| value.taint.is_none()).map(str::to_owned);
                (literal, self.props(&value), self.taint_now(&value).is_some())
            })
            .collect()
    }

    /// Node `path.join` and `path.resolve`.
    pub(crate) fn path_operation(&mut self, effect: Effect, values: &[Val], span: Span) -> Val {
        if let Some(at) = values.iter().position(|value| matches!(value.kind, Kind::Union(_)))
            && values.iter().filter(|value| matches!(value.kind, Kind::Union(_))).count() == 1
        {
            let alternatives: Vec<Val> = self.current(&values[at]).alternatives().to_vec();
            let results: Vec<Val> = alternatives
                .into_iter()
                .filter(|value| !value.is_nullish())
                .map(|choice| {
                    let mut values = values.to_vec();
                    values[at] = choice;
                    self.path_operation(effect, &values, span)
                })
                .collect();
            return self.join_all(results).unwrap_or_else(Val::unknown);
        }
        let mut described = self.path_operands(values);
        if self.found.replay.is_some() {
            // Following a witness: directories of the administrator's become one concrete directory. The home of the
            // user is another one. Behind what the caller chose, a program puts names: `join(folder, new_name())`.
            let mut is_behind_caller = false;
            for ((literal, props, is_tainted), value) in described.iter_mut().zip(values) {
                if literal.is_none() {
                    *literal = match (*is_tainted, is_behind_caller) {
                        (true, _) => props.as_literal().map(str::to_owned),
                        (false, true) => Some(self.stand_in_name(value)),
                        (false, false) if is_home(&self.apis, value) => Some(REPLAY_HOME.to_owned()),
                        (false, false) => Some(REPLAY_ROOT.to_owned()),
                    };
                }
                is_behind_caller |= *is_tainted;
            }
            if effect == Effect::PathResolve {
                // The server runs in the stand-in directory.
                described.insert(0, (Some(REPLAY_ROOT.to_owned()), StrProps::default(), false));
            }
        }
        let operands: Vec<Operand<'_>> = described
            .iter()
            .map(|(literal, props, is_tainted)| match literal {
                Some(text) => Operand::new(DomainPart::Lit(text)),
                None if *is_tainted => Operand::new(DomainPart::Hole(props)),
                None => Operand::new(DomainPart::Trusted(props)),
            })
            .collect();
        let all_known = described.iter().all(|(literal, _, _)| literal.is_some());
        let mut props = match effect {
            Effect::PathJoin => path::join(&operands),
            Effect::PathResolve => path::resolve(&operands),
            _ => path::python_join(&operands),
        };
        if !all_known && props.lits.is_none() && values.iter().all(|value| self.taint_now(value).is_none()) {
            props.path.dotdot = path::DotDot::No;
        }
        self.path_result(effect, props, values, span)
    }

    /// A file name for one that the program makes up, with the ending that it gives it.
    fn stand_in_name(&self, value: &Val) -> String {
        let ending = self.file_extension(value).map_or_else(String::new, |extension| format!(".{extension}"));
        format!("{REPLAY_NAME}{ending}")
    }

    /// How a path is put together, as far as it is known.
    pub(crate) fn path_shape(&self, value: &Val) -> PathShape {
        if let Kind::Union(values) = &value.kind {
            return self.path_shape_of(values);
        }
        let Some(text) = value.text.as_deref() else { return PathShape::default() };
        let is_caller = |part: &Part| matches!(part, Part::Hole(hole) if hole.is_tainted());
        let (Some(first), Some(at)) = (text.parts.first(), text.parts.iter().rposition(is_caller)) else {
            return text.shape;
        };
        let is_rooted = match first {
            Part::Lit(text) => is_directory(text),
            Part::Hole(hole) if hole.is_tainted() => self.path_shape(hole).is_rooted,
            Part::Hole(hole) => !self.is_working_directory(hole),
        };
        let is_end_fixed = match &text.parts[at..] {
            [Part::Hole(last)] => self.path_shape(last).is_end_fixed,
            [_, rest @ ..] => {
                let tail: String =
                    rest.iter().map(|part| if let Part::Lit(text) = part { text } else { "x" }).collect();
                let ends = tail.rsplit(['/', '.']).next().is_some_and(|end| !end.is_empty() && end.len() < tail.len());
                let is_fixed = matches!(&text.parts[at], Part::Hole(last) if self.path_shape(last).is_end_fixed);
                ends || is_fixed && !tail.contains('/')
            }
            [] => false,
        };
        PathShape { is_rooted, is_end_fixed }
    }

    /// What the caller's alternatives have in common.
    pub(crate) fn path_shape_of(&self, values: &[Val]) -> PathShape {
        let callers = values.iter().filter(|value| value.is_tainted());
        callers.map(|value| self.path_shape(value)).reduce(PathShape::and).unwrap_or_default()
    }

    /// The shape of `path.join(…)`.
    fn joined_shape(&self, values: &[Val]) -> PathShape {
        let (Some(first), Some(last)) = (values.first(), values.last()) else { return PathShape::default() };
        PathShape {
            is_rooted: if first.is_tainted() {
                self.path_shape(first).is_rooted
            } else {
                !self.is_working_directory(first)
            },
            is_end_fixed: if last.is_tainted() {
                self.path_shape(last).is_end_fixed
            } else {
                values.len() > 1 && last.literal().is_none_or(|name| !matches!(name, "" | "." | ".."))
            },
        }
    }

    /// Where relative paths are looked up anyway, which contains nothing.
    fn is_working_directory(&self, value: &Val) -> bool {
        match &value.kind {
            Kind::Api(api, _) => matches!(
                self.apis.name(*api).trim_start_matches("globalThis."),
                "process.cwd()" | "os.getcwd()" | "pathlib.Path.cwd()" | "os.homedir()" | "pathlib.Path.home()"
            ),
            _ => value.literal().is_some_and(|text| !is_directory(text)),
        }
    }

    fn path_result(&mut self, effect: Effect, props: StrProps, values: &[Val], span: Span) -> Val {
        let tainted: Vec<&Val> = values.iter().filter(|value| self.taint_now(value).is_some()).collect();
        if let Some(text) = props.as_literal() {
            let taint = tainted.iter().fold(Taint::NONE, |taint, value| taint.union(self.taint_now(value)));
            let step = tainted.last().map_or(0, |value| value.step);
            let vn = if taint.is_some() { self.store.fresh_vn() } else { 0 };
            return Val { taint, step, vn, ..Val::str(text) };
        }
        let Some(last) = tainted.last() else {
            let vn = self.store.fresh_vn();
            if let Some(extension) = values.last().and_then(|last| self.file_extension(last)) {
                self.extensions.insert(vn, extension.into());
            }
            let parts = below_directory(values);
            let text = Text { known: props.into(), parts: parts.into(), ..Text::default() };
            return Val { vn, text: Some(Rc::new(text)), ..Val::of(Kind::Str) };
        };
        let taint = tainted.iter().fold(Taint::NONE, |taint, value| taint.union(self.taint_now(value)));
        let base = match (effect, values) {
            (Effect::PathResolve, [only]) if only.vn != 0 => Some((only.vn, Transform::SamePath)),
            (Effect::PythonPathJoin, _) | (_, _) => None,
        };
        let name = match effect {
            Effect::PathResolve => "path.resolve",
            _ => "path join",
        };
        // A witness stays concrete: joined as the real function would.
        let shape = self.joined_shape(values);
        let text = Text { known: props.into(), base, shape, ..Text::default() };
        let vn = self.joined_vn(values);
        if let Some(extension) = values.last().and_then(|last| self.file_extension(last)) {
            self.extensions.insert(vn, extension.into());
        }
        let value = Val { taint, step: last.step, vn, text: Some(Rc::new(text)), ..Val::of(Kind::Str) };
        self.through(value, span, name)
    }

    /// The extension of a file name, as far as the end of it is constant.
    pub(crate) fn file_extension(&self, path: &Val) -> Option<String> {
        if let Some(known) = self.extensions.get(&path.vn) {
            return Some(known.to_string());
        }
        let end = match (path.literal(), path.text.as_deref().and_then(|text| text.parts.last())) {
            (Some(text), _) => text,
            (None, Some(Part::Lit(text))) => text,
            _ => return None,
        };
        let (_, extension) = end.rsplit_once('.')?;
        (!extension.contains('/')).then(|| extension.to_ascii_lowercase())
    }

    /// The value number of a joined path. Joining the same operands again gives the same number, so that a check made
    /// on the path once holds where the program spells it out a second time.
    fn joined_vn(&mut self, values: &[Val]) -> Vn {
        if values.len() > 1 { self.operation_vn(Symbol::new("join"), values) } else { self.store.fresh_vn() }
    }

    /// Python `os.path.join`, `Path / x`.
    pub(crate) fn path_join(&mut self, values: &[Val], span: Span) -> Val {
        self.path_operation(Effect::PythonPathJoin, values, span)
    }

    /// A path computed by a function that keeps the file it means; `describe` says what it does to the text.
    pub(crate) fn path_derived(&mut self, from: &Val, describe: impl Fn(&StrProps) -> StrProps + Copy) -> Val {
        let props = describe(&self.props(from));
        if let Some(text) = props.as_literal() {
            return Val { taint: from.taint, step: from.step, vn: from.vn, ..Val::str(text) };
        }
        if let Kind::Union(values) = &from.kind {
            let values: Vec<Val> = values.iter().filter(|value| !value.is_nullish()).cloned().collect();
            let results: Vec<Val> = values.iter().map(|value| self.path_derived(value, describe)).collect();
            return self.join_all(results).unwrap_or_else(Val::unknown);
        }
        self.derived(props, from, Transform::SamePath)
    }

    /// `expanduser`, `expandvars`: the same file, unless the path begins with `~` or holds a `$` and nobody expands it
    /// before it is used; then it names something that hardly exists.
    pub(crate) fn expand_path(&mut self, value: &Val) -> Val {
        if let Some(text) = value.literal()
            && !text.starts_with('~')
            && !text.contains(['$', '%'])
        {
            return value.clone();
        }
        if let Kind::Union(values) = &value.kind {
            let values: Vec<Val> = values.iter().filter(|value| !value.is_nullish()).cloned().collect();
            let results: Vec<Val> = values.iter().map(|value| self.expand_path(value)).collect();
            return self.join_all(results).unwrap_or_else(Val::unknown);
        }
        let own = self.props(value);
        // An absolute path begins with no `~`; nobody sets a variable so that it leads out of a directory.
        if own.path.abs == path::Abs::Abs {
            return value.clone();
        }
        self.derived(own.slice(), value, Transform::SamePath)
    }

    /// The parent directory: contained when the path is strictly below its root, which checks rarely say; a path known
    /// to be inside keeps that, since only the root itself would leave.
    pub(crate) fn path_parent(&mut self, value: &Val) -> Val {
        let own = self.props(value);
        let mut props = own.slice();
        props.path = own.path.clone();
        if own.path.norm == path::Norm::Raw && own.path.dotdot != path::DotDot::No {
            props.path.within = path::Within::None;
        }
        let mut parent = self.text_val(props, value);
        if parent.is_tainted() {
            self.parents.insert(parent.vn, value.clone());
        }
        if let Some(text) = value.literal() {
            let dir = text.rsplit_once('/').map_or(".", |(dir, _)| if dir.is_empty() { "/" } else { dir });
            parent = Val { taint: value.taint, step: value.step, vn: self.store.fresh_vn(), ..Val::str(dir) };
        }
        parent
    }

    pub(super) fn path_relative(&mut self, args: &Args, _span: Span) -> Val {
        let python = self.lang() == Lang::Python;
        let (from, to) = if python {
            (args.get(1).cloned(), args.get(0).cloned())
        } else {
            (args.get(0).cloned(), args.get(1).cloned())
        };
        let Some(to) = to else { return Val::unknown() };
        let to = self.current(&to);
        let from = from.map(|from| self.current(&from));
        // Below a directory that the caller chose is anywhere. One that was found to lie in a directory of the program's stays
        // there while an input is followed.
        let is_own = from.as_ref().is_none_or(|from| {
            self.taint_now(from).is_none() || matches!(self.props(from).path.within, path::Within::Strong { .. })
        });
        if self.found.replay.is_some()
            && let Some(text) = to.literal()
            && to.is_tainted()
        {
            let is_inside = match from.as_ref().and_then(Val::literal).filter(|_| !is_own) {
                Some(base) => Some(std::path::Path::new(text).starts_with(base)),
                None => is_own.then(|| is_in_replay_root(text)),
            };
            if let Some(is_inside) = is_inside {
                let relative = if is_inside { "inside" } else { "../../etc/passwd" };
                return Val { taint: to.taint, step: to.step, vn: self.store.fresh_vn(), ..Val::str(relative) };
            }
        }
        let mut props = StrProps::default();
        // Of a path in a directory of the program's, what the caller chose lies further in.
        if is_own && matches!(self.props(&to).path.within, path::Within::Strong { .. }) {
            (props.path.abs, props.path.dotdot) = (path::Abs::Rel, path::DotDot::No);
        }
        let mut relative = self.text_val(props, &to);
        if !is_own {
            return relative;
        }
        if let Some(text) = &relative.text {
            // The result is a way to say where `to` is: a check of it is a check of `to`.
            let base = if to.vn != 0 { Some((to.vn, Transform::SamePath)) } else { None };
            relative.text = Some(Rc::new(Text { base, ..(**text).clone() }));
        }
        if relative.vn != 0 {
            self.relative_paths.insert(relative.vn, to);
        }
        relative
    }

    pub(super) fn path_is_absolute(&mut self, value: &Val, span: Span) -> Val {
        let value = self.current(value);
        if let Some(text) = value.literal() {
            return Val::bool(text.starts_with('/'));
        }
        let at = self.here(span);
        if self.taint_now(&value).is_some() && self.props(&value).path.abs == path::Abs::Rel {
            return Val::bool(false);
        }
        if let Some(target) = self.relative_paths.get(&value.vn).cloned() {
            // `!rel.startsWith("..") && !path.isAbsolute(rel)`.
            let _ = target;
            return self.bool_with(None, Cond::default());
        }
        let mut yes = Fact::props(StrProps::default(), at);
        yes.props.path.abs = path::Abs::Abs;
        let mut no = Fact::props(StrProps::default(), at);
        no.props.path.abs = path::Abs::Rel;
        let cond = Cond {
            when_true: self.implied_exactly(&value, yes),
            when_false: self.implied_exactly(&value, no),
            ..Cond::default()
        };
        self.bool_with(None, cond)
    }

    pub(super) fn path_common(&mut self, args: &Args, by_component: bool, span: Span) -> Val {
        let list = args.get(0).cloned().unwrap_or_else(Val::unknown);
        let (items, _) = self.elements_of(&list, span);
        let tainted = items.iter().find(|item| !self.is_own_directory(item)).cloned();
        let Some(tainted) = tainted else { return Val::with_props(StrProps::default()) };
        let mut common = self.text_val(StrProps::default(), &tainted);
        common.taint = Taint::NONE;
        self.common_paths.insert(common.vn, (tainted, by_component));
        common
    }
}

/// Whether a path that begins so begins with a directory of the program's choice.
fn is_directory(text: &str) -> bool {
    !text.starts_with("file:") && !text.trim_start_matches(['.', '/']).is_empty()
}

/// How a path of the program's own is spelled below a directory that is not known: `${dir}/platform-tools/adb`. Empty
/// when an operand after the first is no plain name.
fn below_directory(values: &[Val]) -> Vec<Part> {
    let [first, rest @ ..] = values else { return Vec::new() };
    let is_name = |value: &Val| {
        value.literals().is_some_and(|names| {
            names.iter().all(|name| !name.is_empty() && !name.starts_with(['/', '.']) && !name.contains(".."))
        })
    };
    if rest.is_empty() || first.literals().is_some() || !rest.iter().all(is_name) {
        return Vec::new();
    }
    let mut parts = vec![Part::Hole(first.clone())];
    for name in rest {
        parts.push(Part::Lit("/".into()));
        parts.push(match name.literal() {
            Some(text) => Part::Lit(text.into()),
            None => Part::Hole(name.clone()),
        });
    }
    parts
}

/// Whether a value is the home of the user the server runs as.
fn is_home(apis: &ApiTable, value: &Val) -> bool {
    matches!(&value.kind, Kind::Api(api, _)
        if matches!(apis.name(*api).trim_start_matches("globalThis."), "os.homedir()" | "pathlib.Path.home()"))
}
