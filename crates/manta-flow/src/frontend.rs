//! What a language must provide: lowering of one file, and the resolution of imports inside one project.

use std::sync::Arc;

use manta_core::FileId;

use crate::ir::{Lang, Module, Symbol};

/// A language.
pub trait FrontEnd: Send + Sync {
    /// The language.
    fn lang(&self) -> Lang;

    /// Whether a file (path relative to the target) is source code of this language.
    fn claims(&self, path: &str) -> bool;

    /// Lowers one file. Never panics; what could not be read is said in [`Lowered::problems`].
    fn lower(&self, file: FileId, path: &str, text: &str) -> Lowered;

    /// Reads the manifests among `files` and prepares import resolution and entry points.
    fn project(&self, files: &dyn ProjectFiles) -> Box<dyn Resolver>;
}

/// The result of lowering one file.
#[derive(Debug, Clone)]
pub struct Lowered {
    /// The module, unless nothing of the file could be read.
    pub module: Option<Arc<Module>>,
    /// What was left out and why, in words for the report; empty when the whole file was read.
    pub problems: Vec<String>,
}

/// The files of a target, in memory.
pub trait ProjectFiles {
    /// All paths, sorted.
    fn paths(&self) -> &[String];
    /// The text of a file.
    fn text(&self, path: &str) -> Option<&str>;
}

/// Where an import leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Resolution {
    /// A source file of the target.
    File(String),
    /// A package outside the target: root name and the path below it. JavaScript: root is the whole specifier
    /// without `node:` (`fs/promises`, `@modelcontextprotocol/sdk/server/mcp.js`), path empty. Python: root is the
    /// first component, path the rest (`os` + `[path]`).
    External {
        /// Package or module root.
        root: Symbol,
        /// Fields below the root.
        path: Vec<Symbol>,
    },
    /// A Python package directory without an `__init__` file (namespace package): the directory.
    Namespace(String),
    /// A relative import without a file behind it.
    Missing,
    /// An asset (JSON, CSS, …).
    Asset(String),
}

/// Import resolution and project facts of one language.
pub trait Resolver: Send + Sync {
    /// Entry files (from manifests, or by convention), sorted; the engine analyses their import closure.
    fn entries(&self) -> Vec<Entry>;

    /// Resolves a specifier written in file `from`.
    fn resolve(&self, from: &str, request: &str) -> Resolution;

    /// The file that is loaded before `path` because it is its package (`pkg/__init__.py` before `pkg/tools.py`).
    fn parent(&self, _path: &str) -> Option<String> {
        None
    }

    /// Version (or version range as written) of a dependency as declared for the package that contains `from`.
    fn dependency(&self, from: &str, package: &str) -> Option<String>;

    /// Root directory of the package that contains `from` (`""` for the target itself) and its name.
    fn package(&self, from: &str) -> (String, Option<String>);

    /// Files matching a directory that the program loads at run time (`fs.readdir` + `import()`, plugin folders).
    fn siblings(&self, dir: &str) -> Vec<String>;

    /// Source files anywhere below a directory, for programs that look through it at any depth.
    fn tree(&self, dir: &str) -> Vec<String> {
        self.siblings(dir)
    }

    /// Files that an import in `from` may mean whose specifier is computed and starts with `prefix`: `./tools/`,
    /// `app.tools.`, `.`. What follows the last separator of the prefix is left open.
    fn folder(&self, from: &str, prefix: &str) -> Vec<String>;
}

/// The files around one that `from` imports from another directory, where nothing is: an index that a build writes lists
/// them. The directory of `from` itself is none that anybody lists.
#[must_use]
pub fn around_missing(resolver: &dyn Resolver, from: &str, request: &str) -> Vec<String> {
    let is_elsewhere = request.rsplit_once('/').is_some_and(|(dir, _)| dir.contains(|c| c != '.' && c != '/'));
    if !request.starts_with('.') || !is_elsewhere || resolver.resolve(from, request) != Resolution::Missing {
        return Vec::new();
    }
    resolver.folder(from, request)
}

/// A file where execution starts.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Entry {
    /// Path relative to the target.
    pub path: String,
    /// Why it is one: `bin`, `main`, `exports`, `script`, `__main__`, `convention`.
    pub reason: &'static str,
}
