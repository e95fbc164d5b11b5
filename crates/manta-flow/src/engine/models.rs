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

use std::sync::Arc;

use rustc_hash::FxHashMap;

use crate::engine::api::{ApiId, ApiStep, ApiTable};
use crate::ir::{Lang, Symbol};

mod rows;

pub use rows::{
    AliasRow, Effect, EffectRow, Exposes, HandlerArgs, ModelFile, RegisterRow, SinkKind, SinkRow, SourceRow,
};

/// Everything known of one access path. Rows are shared by the paths they are written for.
#[derive(Clone, Debug, Default)]
pub(crate) struct Entry {
    pub(crate) sinks: Vec<Arc<SinkRow>>,
    pub(crate) effect: Option<Arc<EffectRow>>,
    pub(crate) registers: Vec<Arc<RegisterRow>>,
    pub(crate) source: Option<Arc<SourceRow>>,
    /// A source that is read, and not called.
    pub(crate) read: Option<Arc<SourceRow>>,
}

/// All models.
#[derive(Debug, Default)]
pub struct Models {
    entries: Vec<Entry>,
    exact: FxHashMap<String, usize>,
    /// Paths with `**`: what comes before, what comes after, entry.
    gaps: Vec<(String, String, usize)>,
    aliases: FxHashMap<String, String>,
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

/// The model files, in order, read and packed by the build script: unpacking takes a fraction of a millisecond, which
/// reading TOML would take for every few rows.
static BUILTIN_MODELS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/models.bin"));

impl Models {
    /// The models that ship with manta.
    ///
    /// # Panics
    /// Never: the build script parses every file before it is embedded.
    #[must_use]
    pub fn builtin() -> Self {
        let mut models = Self::default();
        let files: Vec<ModelFile> =
            postcard::from_bytes(BUILTIN_MODELS).expect("the build script packs what it has read");
        for file in files {
            models.add_file(file);
        }
        models
    }

    /// Adds a file.
    ///
    /// # Errors
    /// When the text is not a model file.
    pub fn add(&mut self, name: &str, text: &str) -> Result<(), ModelError> {
        let file: ModelFile =
            toml::from_str(text).map_err(|error| ModelError { file: name.to_owned(), message: error.to_string() })?;
        self.add_file(file);
        Ok(())
    }

    fn add_file(&mut self, mut file: ModelFile) {
        let package = std::mem::take(&mut file.package);
        let full = |path: &str| -> String {
            if package.is_empty() {
                path.to_owned()
            } else if path.is_empty() {
                package.clone()
            } else if path.starts_with("()") || path.starts_with("**") || path.starts_with('[') {
                format!("{package}{path}")
            } else {
                format!("{package}.{path}")
            }
        };
        for row in file.sink.drain(..).map(Arc::new) {
            for call in &row.call {
                self.entry(&full(call)).sinks.push(row.clone());
            }
        }
        for row in file.effect.drain(..).map(Arc::new) {
            for call in &row.call {
                self.entry(&full(call)).effect = Some(row.clone());
            }
        }
        for row in file.register.drain(..).map(Arc::new) {
            for call in &row.call {
                self.entry(&full(call)).registers.push(row.clone());
            }
        }
        for row in file.source.drain(..).map(Arc::new) {
            for call in &row.call {
                self.entry(&full(call)).source = Some(row.clone());
            }
            for read in &row.read {
                self.entry(&full(read)).read = Some(row.clone());
            }
        }
        for row in &file.alias {
            for from in &row.from {
                self.aliases.insert(full(from), row.to.clone());
            }
        }
    }

    fn entry(&mut self, path: &str) -> &mut Entry {
        if let Some((before, after)) = path.split_once("**") {
            let known = self.gaps.iter().find(|(b, a, _)| b == before && a == after).map(|(_, _, at)| *at);
            let at = known.unwrap_or_else(|| {
                self.entries.push(Entry::default());
                self.gaps.push((before.to_owned(), after.to_owned(), self.entries.len() - 1));
                self.entries.len() - 1
            });
            return &mut self.entries[at];
        }
        let next = self.entries.len();
        let at = *self.exact.entry(path.to_owned()).or_insert(next);
        if at == next {
            self.entries.push(Entry::default());
        }
        &mut self.entries[at]
    }

    /// The entry for an access path.
    pub(crate) fn find(&self, path: &str) -> Option<usize> {
        if let Some(at) = self.exact.get(path) {
            return Some(*at);
        }
        self.gaps
            .iter()
            .filter(|(before, after, _)| {
                path.len() >= before.len() + after.len() && path.starts_with(before) && path.ends_with(after)
            })
            .max_by_key(|(before, after, _)| before.len() + after.len())
            .map(|(_, _, at)| *at)
    }

    pub(crate) fn get(&self, index: usize) -> &Entry {
        &self.entries[index]
    }

    pub(crate) fn is_never(&self, call_result: &str) -> bool {
        call_result
            .strip_suffix("()")
            .and_then(|path| self.find(path))
            .is_some_and(|at| self.entries[at].effect.as_ref().is_some_and(|row| row.effect == Effect::Never))
    }

    /// Whether a name is a built-in of the language (so a star import from outside does not hide it).
    pub(crate) fn is_builtin(&self, lang: Lang, name: Symbol) -> bool {
        let root = if lang == Lang::Python { "builtins" } else { "globalThis" };
        self.exact.contains_key(&format!("{root}.{name}"))
    }

    /// Follows aliases: `fs.promises` is `fs/promises`.
    pub(crate) fn canonical(&self, apis: &mut ApiTable, api: ApiId) -> ApiId {
        if let Some(known) = apis.canonical(api) {
            return known;
        }
        let canonical = match self.aliases.get(&*apis.name(api)) {
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
