//! Path operations of Node and Python on abstract strings.

use std::rc::Rc;

use super::{Abs, DotDot, Norm, PathState, Within, components, leading_abs};
use crate::domain::charset::CharSet;
use crate::domain::props::{Part, StrProps};

/// Characters a working directory or a trusted directory is taken to consist of.
///
/// No attacker chooses them, so a space or quote in there is not held against the value.
const DIRECTORY: CharSet = CharSet::WORD.union(CharSet::of("/.-"));

/// One argument of a path operation.
#[derive(Clone, Debug)]
pub struct Operand<'a> {
    /// The text.
    pub part: Part<'a>,
    /// How the program names a trusted directory, for messages and for comparing directories.
    pub name: Option<Rc<str>>,
}

impl<'a> Operand<'a> {
    /// An operand without a name of its own; a literal is its own name.
    #[must_use]
    pub fn new(part: Part<'a>) -> Self {
        let name = match part {
            Part::Lit(text) => Some(Rc::from(text)),
            Part::Hole(_) | Part::Trusted(_) => None,
        };
        Self { part, name }
    }

    /// A trusted directory the program calls `name`.
    #[must_use]
    pub fn trusted(props: &'a StrProps, name: &str) -> Self {
        Self { part: Part::Trusted(props), name: Some(Rc::from(name)) }
    }

    fn charset(&self) -> CharSet {
        match self.part {
            Part::Lit(text) => CharSet::of(text),
            Part::Hole(props) => props.charset,
            Part::Trusted(props) => props.charset.intersect(DIRECTORY),
        }
    }

    fn literals(&self) -> Option<Vec<String>> {
        match self.part {
            Part::Lit(text) => Some(vec![text.to_owned()]),
            Part::Hole(props) | Part::Trusted(props) => {
                props.lits.as_ref().map(|lits| lits.iter().map(ToString::to_string).collect())
            }
        }
    }

    fn state(&self) -> (Abs, DotDot) {
        (leading_abs(&[self.part]), components::dotdot(&[self.part], components::Count::Holes))
    }
}

/// Node's `path.join`: joined with `/` and normalised; an absolute later operand is just another piece.
#[must_use]
pub fn join(operands: &[Operand<'_>]) -> StrProps {
    if let Some(texts) = all_literals(operands, |pieces| normalize_text(&join_text(pieces))) {
        return texts;
    }
    let parts: Vec<Part<'_>> = operands.iter().map(|operand| operand.part).collect();
    let abs = leading_abs(&parts);
    let dotdot = if abs == Abs::Abs { DotDot::No } else { joined_dotdot(operands) };
    let (within, or_above) = contained(operands, false, false);
    let path = PathState { norm: Norm::Lexical, abs, dotdot, is_not_parent: abs == Abs::Abs, within, or_above };
    described(operands, path)
}

/// Node's `path.resolve`: the last absolute operand wins, the working directory leads otherwise. Always absolute.
#[must_use]
pub fn resolve(operands: &[Operand<'_>]) -> StrProps {
    let absolute_first = |pieces: &[&str]| pieces.iter().any(|piece| piece.starts_with('/'));
    let resolve_text = |pieces: &[&str]| {
        let from = pieces.iter().rposition(|piece| piece.starts_with('/')).unwrap_or(0);
        let joined = normalize_text(&join_text(&pieces[from..]));
        if joined.len() > 1 { joined.trim_end_matches('/').to_owned() } else { joined }
    };
    if combinations(operands).is_some_and(|all| all.iter().all(|pieces| absolute_first(&as_strs(pieces))))
        && let Some(texts) = all_literals(operands, resolve_text)
    {
        return texts;
    }
    let (within, or_above) = contained(operands, true, false);
    let path =
        PathState { norm: Norm::Lexical, abs: Abs::Abs, dotdot: DotDot::No, is_not_parent: true, within, or_above };
    described(operands, path)
}

/// Python's `os.path.join` and the `/` of pathlib: an absolute operand discards all before it; nothing is normalised.
#[must_use]
pub fn python_join(operands: &[Operand<'_>]) -> StrProps {
    if let Some(texts) = all_literals(operands, python_join_text) {
        return texts;
    }
    let (first_abs, _) = operands.first().map_or((Abs::Rel, DotDot::No), Operand::state);
    let later_relative = operands.iter().skip(1).all(|operand| operand.state().0 == Abs::Rel);
    let abs = match first_abs {
        // Whatever overrides an absolute start is absolute itself.
        Abs::Abs => Abs::Abs,
        Abs::Rel if later_relative => Abs::Rel,
        _ => Abs::Unknown,
    };
    let (within, or_above) = contained(operands, true, true);
    let dotdot = joined_dotdot(operands);
    let path = PathState { norm: Norm::Raw, abs, dotdot, is_not_parent: false, within, or_above };
    described(operands, path)
}

/// `path.normalize`, `os.path.normpath`: by text only.
#[must_use]
pub fn normalize(value: &StrProps) -> StrProps {
    let operand = Operand::new(Part::Hole(value));
    if let Some(texts) = all_literals(std::slice::from_ref(&operand), |pieces| normalize_text(pieces[0])) {
        return texts;
    }
    let abs = value.path.abs;
    let path = PathState {
        norm: value.path.norm.max(Norm::Lexical),
        abs,
        dotdot: if abs == Abs::Abs { DotDot::No } else { value.path.dotdot },
        is_not_parent: abs == Abs::Abs,
        within: value.path.within.clone(),
        // A last `..` is resolved here, and is not seen in the text any more.
        or_above: value.path.leads_elsewhere() && value.path.within != Within::None,
    };
    described(&[operand], path)
}

/// `os.path.abspath`, `Path.absolute().resolve()`, `fs.realpath`: absolute against the working directory.
///
/// `norm` is [`Norm::Real`] when symbolic links are resolved as well.
#[must_use]
pub fn absolute(value: &StrProps, norm: Norm) -> StrProps {
    let mut made = resolve(&[Operand::new(Part::Hole(value))]);
    if made.lits.is_some() && norm == Norm::Real {
        // A link may point anywhere, so a constant text is no longer known after `realpath`.
        made = described(&[], PathState { within: Within::None, or_above: false, ..made.path });
    }
    made.path.norm = norm.max(made.path.norm);
    if made.path.within == Within::None {
        made.path.or_above = value.path.leads_elsewhere() && value.path.within != Within::None;
    }
    made.path.within = made.path.within.meet(&value.path.within);
    made
}

/// POSIX lexical normalisation as Node does it: `.` for nothing, a trailing `/` kept.
#[must_use]
pub fn normalize_text(text: &str) -> String {
    let absolute = text.starts_with('/');
    let mut kept: Vec<&str> = Vec::new();
    for component in text.split('/').filter(|component| !component.is_empty() && *component != ".") {
        if component != ".." {
            kept.push(component);
        } else if kept.last().is_some_and(|last| *last != "..") {
            kept.pop();
        } else if !absolute {
            kept.push(component);
        }
    }
    let body = kept.join("/");
    let slash = if text.ends_with('/') && !body.is_empty() { "/" } else { "" };
    match (absolute, body.is_empty()) {
        (true, _) => format!("/{body}{slash}"),
        (false, true) => if text.ends_with('/') { "./" } else { "." }.to_owned(),
        (false, false) => format!("{body}{slash}"),
    }
}

fn join_text(pieces: &[&str]) -> String {
    let pieces: Vec<&str> = pieces.iter().copied().filter(|piece| !piece.is_empty()).collect();
    pieces.join("/")
}

fn python_join_text(pieces: &[&str]) -> String {
    pieces.iter().fold(String::new(), |path, piece| match piece {
        piece if piece.starts_with('/') => (*piece).to_owned(),
        piece if path.is_empty() || path.ends_with('/') => path + piece,
        piece => path + "/" + piece,
    })
}

/// `..` components once the operands are joined by `/`.
fn joined_dotdot(operands: &[Operand<'_>]) -> DotDot {
    let mut parts = Vec::new();
    for operand in operands {
        parts.extend([operand.part, Part::Lit("/")]);
    }
    parts.pop();
    components::dotdot(&parts, components::Count::All)
}

/// The directory that leading trusted operands name, when no hole after them can leave it; and whether it may be the one
/// right above, because the last name may be `..` and the result does not show it.
///
/// `overriding`: an absolute operand discards those before it. `raw`: nothing is normalised, so an existing containment
/// of the first operand survives only if nothing after it climbs.
fn contained(operands: &[Operand<'_>], overriding: bool, raw: bool) -> (Within, bool) {
    let is_hole = |operand: &Operand<'_>| matches!(operand.part, Part::Hole(props) if !props.is_finite());
    let base = operands.iter().take_while(|operand| !is_hole(operand)).count();
    let stays = |operand: &Operand<'_>| {
        let (abs, dotdot) = operand.state();
        // What climbs no higher than where it starts (`normalize(p)` does not begin with `..`).
        let descends = abs == Abs::Rel
            && operand.part.props().is_some_and(|props| matches!(props.path.within, Within::Strong { .. }));
        let dotdot = if descends { DotDot::No } else { dotdot };
        // What the program puts behind a path is a name that it found there. Were it a path of its own, nothing of the
        // caller's would be left.
        let is_own = matches!(operand.part, Part::Trusted(_)) && abs == Abs::Unknown;
        dotdot == DotDot::No && (!overriding || abs == Abs::Rel || is_own)
    };
    let rest = &operands[base.max(1)..];
    // One last name may be `..`: that is a directory, and no file of another one.
    let ends_above = |operand: &Operand<'_>| {
        let (abs, dotdot) = operand.state();
        dotdot == DotDot::LastOnly && (!overriding || abs == Abs::Rel)
    };
    let (rest, is_named) = match rest.split_last() {
        Some((last, before)) if ends_above(last) => (before, true),
        _ => (rest, false),
    };
    if !rest.iter().all(stays) {
        return (last_override(operands, overriding, raw), false);
    }
    // A text that is not normalised shows it itself.
    let or_above = is_named && !raw;
    match operands.first().and_then(|operand| operand.part.props()) {
        Some(props)
            if base == 0 && (raw || !overriding || props.path.within != Within::None || !stays(&operands[0])) =>
        {
            // Behind a last `..` it goes on elsewhere.
            let is_left = operands.len() > 1 && props.path.leads_elsewhere();
            if is_left {
                (Within::None, false)
            } else {
                (props.path.within.clone(), or_above || operands.len() == 1 && props.path.or_above)
            }
        }
        Some(_) if base == 0 => {
            (Within::Strong { dir: Some(Rc::from("the working directory")), real: false }, or_above)
        }
        _ => {
            // The program's own absolute pieces override what stands before them.
            let absolute = |operand: &Operand<'_>| overriding && operand.state().0 == Abs::Abs;
            let from = operands[..base].iter().rposition(absolute).unwrap_or(0);
            (Within::Strong { dir: directory_name(&operands[from..base]), real: false }, or_above)
        }
    }
}

/// `resolve(ROOT, checked)`: an absolute, already contained last operand replaces everything before it.
fn last_override(operands: &[Operand<'_>], overriding: bool, raw: bool) -> Within {
    match operands.last().and_then(|operand| operand.part.props()) {
        Some(props) if overriding && props.path.abs == Abs::Abs && (!raw || props.path.dotdot == DotDot::No) => {
            props.path.within.clone()
        }
        _ => Within::None,
    }
}

fn directory_name(base: &[Operand<'_>]) -> Option<Rc<str>> {
    let names: Option<Vec<&str>> = base.iter().map(|operand| operand.name.as_deref()).collect();
    names.map(|names| Rc::from(join_text(&names)))
}

/// The result over the characters of the operands, a separator and whatever a working directory brings.
fn described(operands: &[Operand<'_>], path: PathState) -> StrProps {
    let base = if path.abs == Abs::Abs { DIRECTORY } else { CharSet::of("/.") };
    let charset = operands.iter().fold(base, |set, operand| set.union(operand.charset()));
    let first = match path.abs {
        Abs::Abs => CharSet::of("/"),
        Abs::Rel => charset.minus(CharSet::of("/")),
        Abs::Unknown => charset,
    };
    let min_len = u32::from(path.norm >= Norm::Lexical);
    StrProps { first, min_len, path, ..StrProps::of_charset(charset) }.normalized()
}

fn all_literals(operands: &[Operand<'_>], apply: impl Fn(&[&str]) -> String) -> Option<StrProps> {
    let texts = combinations(operands)?.iter().map(|pieces| apply(&as_strs(pieces))).collect::<Vec<_>>();
    let mut props = StrProps::one_of(texts);
    props.path.norm = Norm::Lexical;
    Some(props)
}

/// Every choice of literals, when all operands are finite and there are few.
fn combinations(operands: &[Operand<'_>]) -> Option<Vec<Vec<String>>> {
    let mut all = vec![Vec::new()];
    for operand in operands {
        let literals = operand.literals()?;
        if all.len() * literals.len() > crate::domain::props::MAX_LITERALS {
            return None;
        }
        all = all
            .iter()
            .flat_map(|chosen: &Vec<String>| {
                literals.iter().map(move |literal| chosen.iter().cloned().chain([literal.clone()]).collect())
            })
            .collect();
    }
    Some(all)
}

fn as_strs(pieces: &[String]) -> Vec<&str> {
    pieces.iter().map(String::as_str).collect()
}
