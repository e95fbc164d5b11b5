//! Abstract values.

use std::cell::OnceCell;
use std::ops::Deref;
use std::rc::Rc;
use std::sync::Arc;

use crate::domain::path::Within;
use crate::domain::{CharSet, Part as DomainPart, StrProps};
use crate::engine::api::ApiId;
use crate::engine::facts::Cond;
use crate::engine::interp::number_text;
use crate::engine::schema::Schema;
use crate::ir::Symbol;

/// Longest computed text that is known exactly, in bytes; longer ones stand in the program itself.
pub(crate) const MAX_TEXT: usize = 1 << 16;

/// Index of a heap object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct ObjId(pub(crate) u32);

/// Index of a closure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct FnId(pub(crate) u32);

/// Index of a module of the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct ModId(pub(crate) u32);

/// Value number: the identity that facts attach to. 0 means none.
pub(crate) type Vn = u32;

/// Index into the trace arena; 0 means none.
pub(crate) type StepId = u32;

/// The sources a value depends on, as a bit set over the sources of the current run. The last bit stands for "more
/// sources than fit".
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Taint(pub(crate) u64);

impl Taint {
    pub(crate) const NONE: Self = Self(0);
    /// While the content of a file is followed, which is the only source then: what a parser made of it. That is not the
    /// content itself, and stands in the file all the same.
    pub(crate) const PARSED: Self = Self(1 << 62);

    pub(crate) fn source(index: usize) -> Self {
        Self(1 << index.min(63))
    }

    pub(crate) fn is_none(self) -> bool {
        self.0 == 0
    }

    pub(crate) fn is_some(self) -> bool {
        self.0 != 0
    }

    pub(crate) fn union(self, with: Self) -> Self {
        Self(self.0 | with.0)
    }
}

/// What a value may be.
#[derive(Clone, Debug)]
pub(crate) enum Kind {
    /// Anything.
    Unknown,
    /// `undefined`.
    Undefined,
    /// `null`, `None`.
    Null,
    /// A boolean; none when either.
    Bool(Option<bool>),
    /// A number; the exact one if known.
    Num(Option<f64>),
    /// A string; what is known of it is in [`Val::text`].
    Str,
    /// A heap object: plain, dict, array, instance of a project class, class.
    Obj(ObjId),
    /// A closure.
    Fn(FnId),
    /// A method with its receiver.
    Bound(Rc<(Val, Val)>),
    /// A method of a built-in value, by name, with its receiver.
    Method(Rc<(Val, Symbol)>),
    /// Something outside the target, by access path; the object holds call arguments and assigned fields.
    Api(ApiId, Option<ObjId>),
    /// A module of the target.
    Module(ModId),
    /// A regular expression.
    Regex(Rc<RegexVal>),
    /// A schema under construction (zod and relatives).
    Schema(Rc<Schema>),
    /// One of several, none of them a union.
    Union(Rc<[Val]>),
    /// A pair of accessor functions, stored in a field.
    Accessor(Option<FnId>, Option<FnId>),
    /// The resolve function of a promise under construction: writes to the cell.
    Resolver(CellId),
}

/// Index of a variable cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct CellId(pub(crate) u32);

/// A regular expression value.
#[derive(Debug)]
pub(crate) struct RegexVal {
    pub(crate) pattern: Arc<str>,
    pub(crate) flags: Arc<str>,
}

/// An abstract value.
#[derive(Clone, Debug)]
pub(crate) struct Val {
    pub(crate) kind: Kind,
    pub(crate) taint: Taint,
    pub(crate) vn: Vn,
    pub(crate) step: StepId,
    pub(crate) text: Option<Rc<Text>>,
    /// What the truth of this value implies.
    pub(crate) cond: Option<Rc<Cond>>,
}

/// What is known of a string.
#[derive(Clone, Debug, Default)]
pub(crate) struct Text {
    /// Value properties, once somebody asked; until then they follow from `parts`. Most texts of a program are never
    /// looked at.
    pub(crate) known: OnceCell<StrProps>,
    /// Concatenation structure, outermost first; empty when the string is not known to be a concatenation.
    pub(crate) parts: Parts,
    /// The value this one was computed from by a path-preserving function, for facts that carry over.
    pub(crate) base: Option<(Vn, Transform)>,
    /// How it was put together as a path.
    pub(crate) shape: PathShape,
}

impl Text {
    pub(crate) fn props(&self) -> &StrProps {
        self.known.get_or_init(|| match self.parts.as_slice() {
            [] => StrProps::top(),
            [Part::Lit(only)] => StrProps::exact(only),
            parts => concatenated(parts, own_props),
        })
    }

    /// Whether the string may be known to lie in a directory.
    pub(crate) fn is_contained(&self) -> bool {
        // A path that begins with what the program says has been through no check, and nothing has to be computed.
        let starts_constant = self.known.get().is_none() && matches!(self.parts.first(), Some(Part::Lit(_)));
        !starts_constant && !matches!(self.props().path.within, Within::None)
    }
}

/// The properties of a value as a string, by itself: without what is known of it at some point of the program.
pub(crate) fn own_props(value: &Val) -> StrProps {
    match (&value.kind, value.text.as_deref()) {
        (Kind::Union(values), _) => values
            .iter()
            .filter(|value| !value.is_nullish())
            .map(own_props)
            .reduce(|a, b| a.join(&b))
            .unwrap_or_default(),
        (_, Some(text)) => text.props().clone(),
        (Kind::Num(Some(value)), None) => StrProps::exact(&number_text(*value)),
        (Kind::Num(None), None) => StrProps::number(),
        (Kind::Bool(_), None) => StrProps::one_of(["true", "false", "True", "False"]),
        (Kind::Null | Kind::Undefined, None) => StrProps::one_of(["null", "undefined", "None"]),
        _ => StrProps::default(),
    }
}

/// The properties of a concatenation, given those of its holes.
pub(crate) fn concatenated(parts: &[Part], props: impl Fn(&Val) -> StrProps) -> StrProps {
    let holes: Vec<Option<StrProps>> = parts
        .iter()
        .map(|part| match part {
            Part::Lit(_) => None,
            Part::Hole(hole) => Some(props(hole)),
        })
        .collect();
    let parts: Vec<DomainPart<'_>> = parts
        .iter()
        .zip(&holes)
        .map(|(part, props)| match (part, props) {
            (Part::Lit(text), _) => DomainPart::Lit(text),
            (Part::Hole(hole), Some(props)) if hole.is_tainted() => DomainPart::Hole(props),
            (Part::Hole(_), Some(props)) => DomainPart::Trusted(props),
            (Part::Hole(_), None) => DomainPart::Lit(""),
        })
        .collect();
    StrProps::concat(&parts)
}

/// How a path was put together: what the program meant to leave to the caller.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct PathShape {
    /// Joined below a directory that the program names: it was not meant to lead anywhere else.
    pub(crate) is_rooted: bool,
    /// It ends with what the program says: the name of a file, or the ending that says its kind.
    pub(crate) is_end_fixed: bool,
}

impl PathShape {
    /// What holds for either path.
    pub(crate) fn and(self, with: Self) -> Self {
        Self { is_rooted: self.is_rooted && with.is_rooted, is_end_fixed: self.is_end_fixed && with.is_end_fixed }
    }
}

/// Pieces of a concatenation; a lone one takes no memory of its own.
#[derive(Clone, Debug, Default)]
pub(crate) enum Parts {
    #[default]
    None,
    One(Part),
    Several(Rc<[Part]>),
}

impl Parts {
    pub(crate) fn as_slice(&self) -> &[Part] {
        match self {
            Self::None => &[],
            Self::One(only) => std::slice::from_ref(only),
            Self::Several(parts) => parts,
        }
    }
}

impl Deref for Parts {
    type Target = [Part];

    fn deref(&self) -> &[Part] {
        self.as_slice()
    }
}

impl From<Vec<Part>> for Parts {
    fn from(mut parts: Vec<Part>) -> Self {
        match parts.len() {
            0 => Self::None,
            1 => parts.pop().map_or(Self::None, Self::One),
            _ => Self::Several(parts.into()),
        }
    }
}

/// A piece of a concatenation.
#[derive(Clone, Debug)]
pub(crate) enum Part {
    /// Constant text.
    Lit(Arc<str>),
    /// A value.
    Hole(Val),
}

/// How a value was derived from its base.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Transform {
    /// Same file as the base, seen from the working directory: `path.resolve(p)`, `realpath(p)`, `normalize(p)`.
    SamePath,
    /// Blanks cut off or letters changed in case (`strip`, `lower`): the same host, and the same first sign.
    Cosmetic,
    /// `new URL(u)`, or one of its parts: a fact about the host is a fact about the URL.
    UrlPart(UrlPart),
    /// One character of the base, which stands for all of them.
    Character,
    /// Some occurrences of texts made of these characters replaced: all other characters of the base are still there.
    Without(CharSet),
}

/// A component of a URL.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum UrlPart {
    Whole,
    Host,
    Scheme,
    Path,
    Other,
}

impl Val {
    pub(crate) fn of(kind: Kind) -> Self {
        Self { kind, taint: Taint::NONE, vn: 0, step: 0, text: None, cond: None }
    }

    pub(crate) fn unknown() -> Self {
        Self::of(Kind::Unknown)
    }

    pub(crate) fn undefined() -> Self {
        Self::of(Kind::Undefined)
    }

    pub(crate) fn null() -> Self {
        Self::of(Kind::Null)
    }

    pub(crate) fn bool(value: bool) -> Self {
        Self::of(Kind::Bool(Some(value)))
    }

    pub(crate) fn any_bool() -> Self {
        Self::of(Kind::Bool(None))
    }

    pub(crate) fn num(value: f64) -> Self {
        Self::of(Kind::Num(Some(value)))
    }

    /// A text that was computed; beyond [`MAX_TEXT`] only its characters are remembered, since texts that double in
    /// every line of a program soon fill any memory.
    pub(crate) fn str(value: &str) -> Self {
        if value.len() > MAX_TEXT {
            return Self::with_props(StrProps::of_charset(CharSet::of(value)));
        }
        Self::arc_str(Arc::from(value))
    }

    pub(crate) fn arc_str(value: Arc<str>) -> Self {
        let text = Text { parts: Parts::One(Part::Lit(value)), ..Text::default() };
        Self { text: Some(Rc::new(text)), ..Self::of(Kind::Str) }
    }

    /// A string of which only the properties are known.
    pub(crate) fn with_props(props: StrProps) -> Self {
        Self { text: Some(Rc::new(Text { known: props.into(), ..Text::default() })), ..Self::of(Kind::Str) }
    }

    pub(crate) fn is_tainted(&self) -> bool {
        self.taint.is_some()
    }

    /// The exact string, if there is only one.
    pub(crate) fn literal(&self) -> Option<&str> {
        match (&self.kind, self.text.as_deref()) {
            (Kind::Str, Some(text)) => match text.parts.as_slice() {
                [Part::Lit(text)] => Some(text),
                // What is not computed yet, and has no parts, may be any text.
                [] => match text.known.get()?.lits.as_deref() {
                    Some([only]) => Some(&**only),
                    _ => None,
                },
                _ => None,
            },
            _ => None,
        }
    }

    /// All strings the value may be, if they are few.
    pub(crate) fn literals(&self) -> Option<Vec<Arc<str>>> {
        if let Some(text) = self.literal() {
            return Some(vec![Arc::from(text)]);
        }
        match &self.kind {
            Kind::Str => self
                .text
                .as_deref()
                .and_then(|text| text.props().lits.as_deref())
                .map(|lits| lits.iter().map(|lit| Arc::from(&**lit)).collect()),
            Kind::Union(values) => {
                let mut all = Vec::new();
                for value in values.iter() {
                    all.extend(value.literals()?);
                }
                Some(all)
            }
            _ => None,
        }
    }

    /// The alternatives of a union, or the value itself.
    pub(crate) fn alternatives(&self) -> &[Val] {
        match &self.kind {
            Kind::Union(values) => values,
            _ => std::slice::from_ref(self),
        }
    }

    pub(crate) fn is_nullish(&self) -> bool {
        matches!(self.kind, Kind::Undefined | Kind::Null)
    }

    /// Whether the value is certainly true or false in a condition.
    pub(crate) fn truth(&self) -> Option<bool> {
        match &self.kind {
            Kind::Undefined | Kind::Null => Some(false),
            Kind::Bool(value) => *value,
            Kind::Num(Some(value)) => Some(*value != 0.0),
            Kind::Str => self.literal().map(|text| !text.is_empty()),
            Kind::Fn(_) | Kind::Bound(_) | Kind::Method(_) | Kind::Module(_) | Kind::Regex(_) | Kind::Schema(_) => {
                Some(true)
            }
            Kind::Union(values) => {
                let mut truths = values.iter().map(Val::truth);
                let first = truths.next()??;
                truths.all(|truth| truth == Some(first)).then_some(first)
            }
            _ => None,
        }
    }

    pub(crate) fn tainted_by(mut self, from: &Val) -> Self {
        self.taint = self.taint.union(from.taint);
        if self.step == 0 {
            self.step = from.step;
        }
        self
    }
}
