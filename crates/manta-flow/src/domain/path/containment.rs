//! Grades of the checks that are meant to keep a path inside a directory.

use std::rc::Rc;

use super::{DotDot, Norm, PathState, WeakContainment, Within};
use crate::domain::props::StrProps;

/// What a containment check is worth.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Containment {
    /// The path is inside; `real` when symbolic links were resolved first.
    Strong {
        /// Whether symbolic links were resolved before the check.
        real: bool,
    },
    /// There is a way around it.
    Weak(WeakContainment),
    /// It says nothing: the text still holds `..` when it is compared.
    Useless {
        /// A value that passes and leaves the directory.
        example: String,
    },
}

impl Containment {
    /// The fact this check establishes about a value and the directory `dir`.
    #[must_use]
    pub fn within(&self, dir: Option<Rc<str>>) -> Within {
        match self {
            Self::Strong { real } => Within::Strong { dir, real: *real },
            Self::Weak(reason) => Within::Weak { dir, reason: *reason },
            Self::Useless { .. } => Within::None,
        }
    }
}

/// `startsWith(value, prefix)`, `value.startswith(prefix)`, a regex with a fixed prefix.
#[derive(Clone, Copy, Debug)]
pub struct PrefixCheck<'a> {
    /// The path state of the value that is compared.
    pub value: &'a PathState,
    /// The text the value is compared with, separator included if the program appends one.
    pub prefix: &'a StrProps,
    /// Whether the check also accepts equality with the bare directory.
    pub or_equal: bool,
}

/// Grades a prefix check.
#[must_use]
pub fn grade_prefix(check: PrefixCheck<'_>) -> Containment {
    let climbs = check.value.norm == Norm::Raw && check.value.dotdot != DotDot::No;
    if climbs {
        let dir = check.prefix.as_literal().unwrap_or("/safe/");
        return Containment::Useless { example: format!("{}/../../etc/passwd", dir.trim_end_matches('/')) };
    }
    // An exact directory without separator is only a name prefix. `or_equal` alone does not repair that: it adds the
    // directory itself, but the prefix still admits siblings.
    if ends_with_separator(check.prefix) {
        Containment::Strong { real: check.value.norm == Norm::Real }
    } else {
        Containment::Weak(WeakContainment::NoSeparator)
    }
}

fn ends_with_separator(prefix: &StrProps) -> bool {
    prefix.is_nonempty() && prefix.last.is_subset(crate::domain::CharSet::PATH_SEPARATORS)
}

/// How the result of `path.relative(root, value)` or `os.path.relpath` is tested.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RelativeCheck {
    /// Rejected when it starts with `..`.
    pub rejects_parent: bool,
    /// Rejected when it is absolute.
    pub rejects_absolute: bool,
}

/// Grades a check on a relative path. `path.relative` and `relpath` normalise by themselves; `real` says that the
/// operand had its symbolic links resolved before.
#[must_use]
pub fn grade_relative(check: RelativeCheck, real: bool) -> Containment {
    match (check.rejects_parent, check.rejects_absolute) {
        (true, true) => Containment::Strong { real },
        (true, false) => Containment::Weak(WeakContainment::RelativeMayBeAbsolute),
        (false, _) => Containment::Useless { example: "../../etc/passwd".to_owned() },
    }
}

/// Grades `os.path.commonpath([root, value]) == root` (`by_component`) and `commonprefix`, which compares characters.
#[must_use]
pub fn grade_common_prefix(value: &PathState, by_component: bool) -> Containment {
    if value.norm == Norm::Raw && value.dotdot != DotDot::No {
        return Containment::Useless { example: "/safe/../../etc/passwd".to_owned() };
    }
    if by_component {
        Containment::Strong { real: value.norm == Norm::Real }
    } else {
        Containment::Weak(WeakContainment::NoSeparator)
    }
}
