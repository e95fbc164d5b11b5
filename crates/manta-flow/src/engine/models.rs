//! What code outside the target does: sinks, effects, registrations and sources, as data.
//!
//! A row names an *access path* (`child_process.exec`, `axios.create().get`, `requests.Session().get`) and says what
//! calling it means. Rows live in `models/<lang>/<package>.toml`; users add files of the same form with `--models`.
//!
//! Access paths: the root is the import specifier without `node:` and without a trailing `.js` (Python: the dotted
//! module); `.name` is a field, `()` the result of a call or of `new`, `[]` an element. `default` imports are the root
//! itself. Globals are below `globalThis` (JavaScript) and `builtins` (Python). `**` stands for any steps in between
//! (`knex**.raw`).
//!
//! Argument selectors (`arg = "0"`, `"1.url"`, `"*"`, `"kw:shell"`, `"0|kw:args"`, `"this"`): position, fields below
//! it, keyword, alternatives. An array argument is looked into by the sink kinds that take lists.

use std::borrow::Cow;
use std::sync::OnceLock;

use rustc_hash::FxHashMap;

use crate::engine::api::{ApiId, ApiStep, ApiTable};
use crate::ir::{Lang, Symbol};

mod rows;

pub(crate) use rows::Entry;
use rows::Row;
pub use rows::{
    AliasRow, Effect, EffectRow, Exposes, HandlerArgs, ModelFile, RegisterRow, SinkKind, SinkRow, SourceRow,
};

/// All models.
///
/// A program calls a small part of what there are rows for, so those that ship with manta stay packed, sorted by their
/// paths, until one is asked for.
#[derive(Debug, Default)]
pub struct Models {
    /// Paths of the built-in entries, sorted, and what is packed for each; they are the first of `entries`.
    packed: Vec<(&'static str, &'static [u8])>,
    entries: Vec<OnceLock<Box<Entry>>>,
    /// Paths that were added.
    added: FxHashMap<String, usize>,
    /// Paths with `**`, sorted by what comes before.
    gaps: Vec<Gap>,
    /// Built-in aliases, sorted.
    aliases: Vec<(&'static str, &'static str)>,
    added_aliases: FxHashMap<String, String>,
}

/// A path with `**`, divided there.
#[derive(Debug)]
struct Gap {
    before: Cow<'static, str>,
    after: Cow<'static, str>,
    entry: usize,
}

impl Gap {
    fn of(path: &'static str, entry: usize) -> Option<Self> {
        let (before, after) = path.split_once("**")?;
        Some(Self { before: before.into(), after: after.into(), entry })
    }

    fn of_added(path: &str, entry: usize) -> Option<Self> {
        let (before, after) = path.split_once("**")?;
        Some(Self { before: before.to_owned().into(), after: after.to_owned().into(), entry })
    }

    /// How much of a path is named; nothing where it is another path.
    fn named(&self, path: &str) -> Option<usize> {
        let named = self.before.len() + self.after.len();
        (path.len() >= named && path.starts_with(&*self.before) && path.ends_with(&*self.after)).then_some(named)
    }
}

/// A model file that could not be read.
#[derive(Debug)]
pub struct ModelError {
    /// Which file.
    pub file: String,
    /// What is wrong, from the TOML reader.
    pub message: String,
}

impl std::fmt::Display for ModelError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "read model file {}: {}", self.file, self.message)
    }
}

impl std::error::Error for ModelError {}

/// What the build script made of the model files: see [`Packed`].
static BUILTIN_MODELS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/models.bin"));

/// Entries by path, each packed by itself, which of the paths have a `**`, and aliases; all sorted.
#[derive(serde::Deserialize)]
struct Packed {
    #[serde(borrow)]
    entries: Vec<(&'static str, &'static [u8])>,
    gaps: Vec<usize>,
    #[serde(borrow)]
    aliases: Vec<(&'static str, &'static str)>,
}

impl Models {
    /// The models that ship with manta.
    ///
    /// # Panics
    /// Never: the build script packs what is unpacked here.
    #[must_use]
    pub fn builtin() -> Self {
        let Packed { entries, gaps, aliases } =
            postcard::from_bytes(BUILTIN_MODELS).expect("the build script packs what it has read");
        let mut gaps: Vec<Gap> = gaps.into_iter().filter_map(|at| Gap::of(entries[at].0, at)).collect();
        gaps.sort_by(|a, b| a.before.cmp(&b.before));
        Self {
            gaps,
            entries: entries.iter().map(|_| OnceLock::new()).collect(),
            packed: entries,
            aliases,
            ..Self::default()
        }
    }

    /// Adds a file.
    ///
    /// # Errors
    /// When the text is not a model file.
    pub fn add(&mut self, name: &str, text: &str) -> Result<(), ModelError> {
        let file: ModelFile =
            toml::from_str(text).map_err(|error| ModelError { file: name.to_owned(), message: error.to_string() })?;
        for (path, row) in file.rows() {
            match row {
                Row::Alias(to) => drop(self.added_aliases.insert(path, to)),
                row => self.entry(&path).add(row),
            }
        }
        Ok(())
    }

    /// The entry of exactly this path, to add to.
    fn entry(&mut self, path: &str) -> &mut Entry {
        let at = self.exact(path).unwrap_or_else(|| {
            let at = self.entries.len();
            self.entries.push(OnceLock::new());
            self.added.insert(path.to_owned(), at);
            if let Some(gap) = Gap::of_added(path, at) {
                let place = self.gaps.partition_point(|other| other.before <= gap.before);
                self.gaps.insert(place, gap);
            }
            at
        });
        self.get(at);
        self.entries[at].get_mut().expect("it was unpacked just now")
    }

    fn exact(&self, path: &str) -> Option<usize> {
        let built_in = self.packed.binary_search_by_key(&path, |(path, _)| path).ok();
        built_in.or_else(|| self.added.get(path).copied())
    }

    /// The entry for an access path.
    pub(crate) fn find(&self, path: &str) -> Option<usize> {
        if let Some(at) = self.exact(path) {
            return Some(at);
        }
        // Those that begin as the path does, and those that begin with anything.
        let begins = |gap: &Gap| gap.before.as_bytes().first().copied();
        let of = |first: Option<u8>| {
            let from = self.gaps.partition_point(|gap| begins(gap) < first);
            self.gaps[from..].iter().take_while(move |gap| begins(gap) == first)
        };
        let candidates = of(path.as_bytes().first().copied()).chain(of(None));
        // What names most of it, and of several the last one.
        candidates.filter_map(|gap| Some((gap.named(path)?, gap.entry))).max().map(|(_, entry)| entry)
    }

    pub(crate) fn get(&self, index: usize) -> &Entry {
        self.entries[index].get_or_init(|| {
            let packed = self.packed.get(index);
            packed.map_or_else(Box::default, |(path, packed)| {
                postcard::from_bytes(packed).unwrap_or_else(|error| panic!("{path} was packed for this build: {error}"))
            })
        })
    }

    pub(crate) fn is_never(&self, call_result: &str) -> bool {
        self.is_result_of(call_result, Effect::Never)
    }

    /// Whether what a call gives is a text that is never empty.
    pub(crate) fn is_present(&self, call_result: &str) -> bool {
        self.is_result_of(call_result, Effect::Present)
    }

    fn is_result_of(&self, call_result: &str, effect: Effect) -> bool {
        call_result
            .strip_suffix("()")
            .and_then(|path| self.find(path))
            .is_some_and(|at| self.get(at).effect.as_ref().is_some_and(|row| row.effect == effect))
    }

    /// Whether a name is a built-in of the language (so a star import from outside does not hide it).
    pub(crate) fn is_builtin(&self, lang: Lang, name: Symbol) -> bool {
        let root = if lang == Lang::Python { "builtins" } else { "globalThis" };
        self.exact(&format!("{root}.{name}")).is_some()
    }

    fn alias(&self, path: &str) -> Option<&str> {
        let built_in = || self.aliases.binary_search_by_key(&path, |(from, _)| from).ok().map(|at| self.aliases[at].1);
        self.added_aliases.get(path).map(String::as_str).or_else(built_in)
    }

    /// Follows aliases: `fs.promises` is `fs/promises`.
    pub(crate) fn canonical(&self, apis: &mut ApiTable, api: ApiId) -> ApiId {
        if let Some(known) = apis.canonical(api) {
            return known;
        }
        let canonical = match self.alias(&apis.name(api)) {
            Some(target) => parse_path(apis, target),
            None => api,
        };
        apis.set_canonical(api, canonical);
        canonical
    }
}

/// Builds an access path from its text. Package roots may contain dots and slashes; the root ends at the first `.`
/// after the last `/` for JavaScript packages without a file extension, which is how models are written.
pub(crate) fn parse_path(apis: &mut ApiTable, text: &str) -> ApiId {
    let root_from = text.rfind('/').map_or(0, |at| at + 1);
    let root_end = text[root_from..].find(['.', '(', '[']).map_or(text.len(), |at| root_from + at);
    let mut api = apis.root(Symbol::new(&text[..root_end]));
    let mut rest = &text[root_end..];
    while !rest.is_empty() {
        if let Some(after) = rest.strip_prefix("()") {
            api = apis.step(api, ApiStep::Call);
            rest = after;
        } else if let Some(after) = rest.strip_prefix("[]") {
            api = apis.step(api, ApiStep::Element);
            rest = after;
        } else {
            let field = rest.trim_start_matches('.');
            let end = field.find(['.', '(', '[']).unwrap_or(field.len());
            api = apis.step(api, ApiStep::Field(Symbol::new(&field[..end])));
            rest = &field[end..];
        }
    }
    api
}
