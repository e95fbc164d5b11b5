//! File paths: which directory can a value not leave?
//!
//! POSIX rules; Windows-only bypasses are out of scope. Components are separated by `/`. The state follows a value
//! through `path.join`, `os.path.join`, `realpath` and their like, grades containment checks, and judges the path that
//! finally reaches the file system.

use std::rc::Rc;

use super::charset::CharSet;
use super::props::{Part, StrProps};

mod components;
mod containment;
mod ops;

pub use containment::{Containment, PrefixCheck, RelativeCheck, grade_common_prefix, grade_prefix, grade_relative};
pub use ops::{Operand, absolute, join, normalize, normalize_text, python_join, resolve};

/// What is known of a string as a path.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct PathState {
    /// Which normalisation the text has been through.
    pub norm: Norm,
    /// Whether the text starts with `/`.
    pub abs: Abs,
    /// Whether a component of the text may be `..`.
    pub dotdot: DotDot,
    /// Whether the text is known not to be just `..`.
    pub is_not_parent: bool,
    /// The directory the path cannot leave.
    pub within: Within,
    /// Whether it may also be the directory right above that one: what a last name does that is `..`, once the text is
    /// normalised and does not show it any more.
    pub or_above: bool,
}

/// How far a path has been normalised. Ordered: later is more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Norm {
    /// As it came.
    Raw,
    /// `.`, `..` and doubled separators resolved by text (`path.resolve`, `os.path.abspath`).
    Lexical,
    /// Symbolic links resolved as well (`realpath`).
    Real,
}

/// Whether a path is absolute.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Abs {
    /// Either.
    Unknown,
    /// Does not start with `/`.
    Rel,
    /// Starts with `/`.
    Abs,
}

/// Where a component `..` may occur. Ordered: earlier knows more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DotDot {
    /// No component is `..`.
    No,
    /// Only the last component may be `..` (a check for `../`).
    LastOnly,
    /// Anywhere.
    May,
}

/// Containment of a path in a directory.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Within {
    /// Not known to be contained.
    None,
    /// A check was made that an input can get around.
    Weak {
        /// The directory as the program names it; `None` when there are several.
        dir: Option<Rc<str>>,
        /// What is wrong with the check.
        reason: WeakContainment,
    },
    /// The path is the directory or below it.
    Strong {
        /// The directory as the program names it; `None` when there are several.
        dir: Option<Rc<str>>,
        /// Whether symbolic links were resolved before the check.
        real: bool,
    },
}

/// Why a containment check is weak. Ordered by how much is left open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum WeakContainment {
    /// `path.relative` checked for `..` but not for an absolute result (only Windows: another drive).
    RelativeMayBeAbsolute,
    /// The prefix does not end with a separator: `/safe` also admits `/safe-evil`.
    NoSeparator,
    /// The directory occurs somewhere in the path, not at its start.
    NotAtStart,
}

impl WeakContainment {
    /// An input that passes the check and is outside `dir`.
    #[must_use]
    pub fn bypass(self, dir: &str) -> String {
        let dir = dir.trim_end_matches('/');
        match self {
            Self::RelativeMayBeAbsolute => "D:\\secret.txt".to_owned(),
            Self::NoSeparator => format!("{dir}-evil/secret.txt"),
            Self::NotAtStart => format!("/tmp/x{dir}/secret.txt"),
        }
    }
}

/// The answer to "can this path leave the place the program gave it?"
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PathVerdict {
    /// No input leads anywhere else.
    Safe,
    /// Contained by text only: a symbolic link inside `dir` still leads out.
    SymlinkOnly {
        /// The directory as the program names it.
        dir: Option<Rc<str>>,
    },
    /// A containment check exists and can be bypassed.
    Weak {
        /// The directory as the program names it.
        dir: Option<Rc<str>>,
        /// What is wrong with the check.
        reason: WeakContainment,
        /// A value that gets around it.
        example: String,
    },
    /// The value chooses the file.
    Escapes {
        /// A value that does.
        example: String,
        /// How far it gets.
        reach: Reach,
    },
}

/// How far a path escapes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// Any file of the system.
    Anywhere,
    /// Only a parent directory itself: no separator can follow the `..`.
    ParentOnly,
}

/// Judges the path `parts` spell together.
///
/// `..` written by the program itself is its own business; only what holes contribute counts.
#[must_use]
pub fn judge(parts: &[Part<'_>]) -> PathVerdict {
    if let [Part::Hole(props)] = parts {
        return judge_whole(props);
    }
    let leading = parts.iter().find(|part| !matches!(part, Part::Lit("")));
    let climbs = components::dotdot(parts, components::Count::Holes);
    let hole_climbs = climbs != DotDot::No;
    if let (false, [Part::Lit(dir), Part::Hole(rest), ..]) = (hole_climbs, parts)
        && names_sibling(dir, rest)
    {
        let reason = WeakContainment::NoSeparator;
        return PathVerdict::Weak { dir: Some(Rc::from(*dir)), reason, example: reason.bypass(dir) };
    }
    match leading {
        // Nothing, and then a separator: `["", "etc", "passwd"].join("/")`.
        Some(Part::Hole(props))
            if !props.is_finite() && props.path.abs == Abs::Rel && leading_abs(parts) != Abs::Rel =>
        {
            return PathVerdict::Escapes { example: "/etc/passwd".to_owned(), reach: Reach::Anywhere };
        }
        Some(Part::Hole(props)) if !props.is_finite() => match judge_whole(props) {
            verdict @ (PathVerdict::Escapes { .. } | PathVerdict::Weak { .. }) => return verdict,
            verdict if !hole_climbs => return verdict,
            _ => {}
        },
        _ if !hole_climbs => return PathVerdict::Safe,
        _ => {}
    }
    let escapes = |props: &&StrProps| props.path.dotdot != DotDot::No || props.charset.contains('.');
    let culprits = parts.iter().enumerate().filter_map(|(at, part)| match part {
        Part::Hole(props) => Some((at, *props)),
        _ => None,
    });
    // The one that leads furthest. From a parent directory another value leads on: `${dir}/${name}`.
    let is_far = |verdict: &PathVerdict| matches!(verdict, PathVerdict::Escapes { reach: Reach::Anywhere, .. });
    let leads_on =
        |at: usize| parts[at + 1..].iter().any(|part| matches!(part, Part::Hole(props) if !props.is_finite()));
    let climbs = culprits.filter(|(_, props)| escapes(props)).map(|(at, props)| match climbing_example(props) {
        PathVerdict::Escapes { example, .. } if leads_on(at) => {
            PathVerdict::Escapes { example, reach: Reach::Anywhere }
        }
        verdict => verdict,
    });
    climbs.reduce(|far, next| if is_far(&far) { far } else { next }).unwrap_or(PathVerdict::Safe)
}

/// Whether a value that is put right behind a directory may go on with its name: `ROOT + path` is in `/srv/data-evil` for
/// `-evil/x`. Behind what ends like the first part of a name a name is meant.
fn names_sibling(dir: &str, rest: &StrProps) -> bool {
    let is_directory = dir.starts_with('/') && dir.ends_with(|c: char| c.is_ascii_alphanumeric());
    is_directory && !rest.is_finite() && rest.charset.contains('/') && !rest.first.is_subset(CharSet::of("/"))
}

fn judge_whole(props: &StrProps) -> PathVerdict {
    if props.is_finite() {
        return PathVerdict::Safe;
    }
    match &props.path.within {
        Within::Strong { real: true, .. } => return PathVerdict::Safe,
        Within::Strong { dir, real: false } => return PathVerdict::SymlinkOnly { dir: dir.clone() },
        Within::Weak { dir, reason } => {
            let example = reason.bypass(dir.as_deref().unwrap_or("/safe"));
            return PathVerdict::Weak { dir: dir.clone(), reason: *reason, example };
        }
        Within::None => {}
    }
    if props.path.abs != Abs::Rel {
        let absolute = ["/etc/passwd", "/etc", "/x"].into_iter().find_map(|path| props.witness(path));
        let example = absolute.unwrap_or_else(|| "/etc/passwd".to_owned());
        return PathVerdict::Escapes { example, reach: Reach::Anywhere };
    }
    if props.path.dotdot == DotDot::No { PathVerdict::Safe } else { climbing_example(props) }
}

fn climbing_example(props: &StrProps) -> PathVerdict {
    const CLIMBS: [&str; 4] = ["../../../../etc/passwd", "../../../etc", "../x", "/../x"];
    if props.path.dotdot == DotDot::May
        && let Some(example) = CLIMBS.into_iter().find_map(|path| props.witness(path))
    {
        return PathVerdict::Escapes { example, reach: Reach::Anywhere };
    }
    let example = ["..", "x/..", "."].into_iter().find_map(|path| props.witness(path));
    PathVerdict::Escapes { example: example.unwrap_or_else(|| "..".to_owned()), reach: Reach::ParentOnly }
}

/// The path state of a concatenation.
pub(super) fn state_of(parts: &[Part<'_>], charset: CharSet) -> PathState {
    let first_state = parts.first().and_then(|part| part.props()).map(|props| &props.path);
    let dotdot = components::dotdot(parts, components::Count::All);
    let goes_on = parts.len() > 1;
    let within = match first_state {
        // Behind a last `..` it would go on elsewhere.
        Some(state) if goes_on && state.leads_elsewhere() => Within::None,
        Some(state) if state.within != Within::None && keeps_containment(&parts[1..]) => state.within.clone(),
        _ => below_own_directory(parts),
    };
    let or_above = !goes_on && first_state.is_some_and(|state| state.or_above);
    PathState { norm: Norm::Raw, abs: leading_abs(parts), dotdot, is_not_parent: false, within, or_above }
        .within_charset(charset)
}

/// `${ROOT}/${name}`: in the directory that the program names, where nothing behind it climbs.
fn below_own_directory(parts: &[Part<'_>]) -> Within {
    let is_open = |part: &Part<'_>| matches!(part, Part::Hole(props) if !props.is_finite());
    let at = parts.iter().position(is_open).unwrap_or(parts.len());
    let (own, rest) = parts.split_at(at);
    let (Some(first), Some(Part::Lit(last)), Some(_)) = (own.first(), own.last(), rest.first()) else {
        return Within::None;
    };
    let is_directory = match first {
        Part::Lit(text) => !text.contains("://") && !text.trim_matches(['/', '.']).is_empty(),
        Part::Hole(_) | Part::Trusted(_) => true,
    };
    if is_directory && last.ends_with('/') && components::dotdot(rest, components::Count::All) != DotDot::May {
        Within::Strong { dir: None, real: false }
    } else {
        Within::None
    }
}

/// Whether appending `rest` to a contained path leaves it contained: a new component that climbs nowhere, or a suffix
/// without a separator, such as `.bak` or `.${random}.tmp`.
fn keeps_containment(rest: &[Part<'_>]) -> bool {
    let starts_component = matches!(rest.first(), Some(Part::Lit(text)) if text.starts_with('/'));
    let goes_on = rest.iter().all(|part| match part {
        Part::Lit(text) => !text.contains('/'),
        Part::Hole(props) | Part::Trusted(props) => !props.charset.contains('/'),
    });
    let is_suffix = goes_on && matches!(rest.first(), None | Some(Part::Lit(_)));
    (starts_component || is_suffix) && components::dotdot(rest, components::Count::All) == DotDot::No
}

fn leading_abs(parts: &[Part<'_>]) -> Abs {
    let mut only_relative_so_far = false;
    for part in parts {
        let (abs, nonempty) = match *part {
            Part::Lit("") => continue,
            Part::Lit(text) => (if text.starts_with('/') { Abs::Abs } else { Abs::Rel }, true),
            Part::Hole(props) | Part::Trusted(props) => (props.path.abs, props.is_nonempty()),
        };
        match abs {
            Abs::Rel if nonempty => return Abs::Rel,
            Abs::Rel => only_relative_so_far = true,
            Abs::Abs if !only_relative_so_far => return Abs::Abs,
            Abs::Abs | Abs::Unknown => return Abs::Unknown,
        }
    }
    Abs::Rel
}

impl PathState {
    /// What a character set alone says about a path.
    #[must_use]
    pub fn of_charset(charset: CharSet) -> Self {
        Self {
            norm: Norm::Raw,
            abs: Abs::Unknown,
            dotdot: DotDot::May,
            is_not_parent: false,
            within: Within::None,
            or_above: false,
        }
        .within_charset(charset)
    }

    /// What the given texts have in common as paths.
    #[must_use]
    pub fn of_literals(lits: &[Rc<str>]) -> Self {
        lits.iter().map(|lit| Self::of_text(lit)).reduce(|a, b| a.join(&b)).unwrap_or(Self {
            norm: Norm::Real,
            abs: Abs::Rel,
            dotdot: DotDot::No,
            is_not_parent: true,
            within: Within::None,
            or_above: false,
        })
    }

    fn of_text(text: &str) -> Self {
        let abs = if text.starts_with('/') { Abs::Abs } else { Abs::Rel };
        let dotdot = components::dotdot_of_text(text);
        Self { norm: Norm::Raw, abs, dotdot, is_not_parent: text != "..", within: Within::None, or_above: false }
    }

    /// Whether `text` agrees with what is said about `/` and `..`.
    #[must_use]
    pub fn admits(&self, text: &str) -> bool {
        let abs_ok = match self.abs {
            Abs::Unknown => true,
            Abs::Rel => !text.starts_with('/'),
            Abs::Abs => text.starts_with('/'),
        };
        abs_ok && components::dotdot_of_text(text) <= self.dotdot && !(self.is_not_parent && text == "..")
    }

    /// What either state guarantees.
    #[must_use]
    pub fn join(&self, with: &Self) -> Self {
        Self {
            norm: self.norm.min(with.norm),
            abs: if self.abs == with.abs { self.abs } else { Abs::Unknown },
            dotdot: self.dotdot.max(with.dotdot),
            is_not_parent: self.is_not_parent && with.is_not_parent,
            within: self.within.join(&with.within),
            or_above: self.or_above || with.or_above,
        }
    }

    /// What both states together guarantee.
    #[must_use]
    pub fn meet(&self, with: &Self) -> Self {
        Self {
            norm: self.norm.max(with.norm),
            abs: match (self.abs, with.abs) {
                (Abs::Unknown, other) => other,
                // Contradicting facts mean the branch is dead; either answer is sound.
                (Abs::Abs, Abs::Rel) | (Abs::Rel, Abs::Abs) => Abs::Rel,
                (known, _) => known,
            },
            dotdot: self.dotdot.min(with.dotdot),
            is_not_parent: self.is_not_parent || with.is_not_parent,
            within: self.within.meet(&with.within),
            or_above: match (&self.within, &with.within) {
                (Within::Strong { .. }, Within::Strong { .. }) => self.or_above && with.or_above,
                (Within::Strong { .. }, _) => self.or_above,
                _ => with.or_above,
            },
        }
    }

    /// The state once the characters are known too.
    #[must_use]
    pub(super) fn within_charset(mut self, charset: CharSet) -> Self {
        if !charset.contains('/') {
            self.abs = Abs::Rel;
            self.dotdot = self.dotdot.min(DotDot::LastOnly);
        }
        if !charset.contains('.') {
            self.dotdot = DotDot::No;
        }
        // In a normalised path nothing stands before a last `..` but others, and those are not there; a name has no last
        // component besides itself.
        let is_name = !charset.contains('/');
        if (self.norm != Norm::Raw || is_name) && self.dotdot == DotDot::LastOnly && self.is_not_parent {
            self.dotdot = DotDot::No;
        }
        self
    }

    /// Whether what is put behind the path may stand behind a `..`, and so be anywhere.
    pub(super) fn leads_elsewhere(&self) -> bool {
        self.or_above || self.norm == Norm::Raw && self.dotdot != DotDot::No
    }

    /// What survives a change of letters: the shape of the components, but no containment.
    #[must_use]
    pub(super) fn raw_components(&self) -> Self {
        Self { norm: Norm::Raw, within: Within::None, or_above: false, ..self.clone() }
    }
}

impl Within {
    /// What either guarantees.
    #[must_use]
    pub fn join(&self, with: &Self) -> Self {
        let common = |a: &Option<Rc<str>>, b: &Option<Rc<str>>| if a == b { a.clone() } else { None };
        match (self, with) {
            (Self::None, _) | (_, Self::None) => Self::None,
            (Self::Strong { dir: a, real: x }, Self::Strong { dir: b, real: y }) => {
                Self::Strong { dir: common(a, b), real: *x && *y }
            }
            (Self::Weak { dir: a, reason: x }, Self::Weak { dir: b, reason: y }) => {
                Self::Weak { dir: common(a, b), reason: *x.max(y) }
            }
            (Self::Weak { dir: a, reason }, Self::Strong { dir: b, .. })
            | (Self::Strong { dir: b, .. }, Self::Weak { dir: a, reason }) => {
                Self::Weak { dir: common(a, b), reason: *reason }
            }
        }
    }

    /// The better of two guarantees that both hold.
    #[must_use]
    pub fn meet(&self, with: &Self) -> Self {
        let key = |within: &Self| match within {
            Self::None => (0, None),
            Self::Weak { dir, reason } => (10 - *reason as u8, dir.clone()),
            Self::Strong { dir, real: false } => (20, dir.clone()),
            Self::Strong { dir, real: true } => (21, dir.clone()),
        };
        if key(self) >= key(with) { self.clone() } else { with.clone() }
    }
}
