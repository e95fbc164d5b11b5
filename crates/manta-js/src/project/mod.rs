//! placeholder
use manta_flow::frontend::{Entry, ProjectFiles, Resolution, Resolver};
use manta_flow::ir::Symbol;

/// Whether a path is JavaScript or TypeScript source (declarations are not).
pub(crate) fn is_source(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    let Some((stem, ext)) = name.rsplit_once('.') else { return false };
    matches!(ext, "js" | "mjs" | "cjs" | "jsx" | "ts" | "mts" | "cts" | "tsx") && !stem.ends_with(".d")
}

pub(crate) struct Project;
impl Project {
    pub(crate) fn read(_files: &dyn ProjectFiles) -> Self {
        Self
    }
}
impl Resolver for Project {
    fn entries(&self) -> Vec<Entry> {
        Vec::new()
    }
    fn resolve(&self, _from: &str, request: &str) -> Resolution {
        Resolution::External { root: Symbol::new(request), path: Vec::new() }
    }
    fn dependency(&self, _from: &str, _package: &str) -> Option<String> {
        None
    }
    fn package(&self, _from: &str) -> (String, Option<String>) {
        (String::new(), None)
    }
    fn siblings(&self, _dir: &str) -> Vec<String> {
        Vec::new()
    }
}
