//! placeholder
use manta_flow::frontend::*;
use manta_flow::ir::Symbol;
pub(crate) struct Project {}
impl Project {
    pub(crate) fn read(_f: &dyn ProjectFiles) -> Self {
        Project {}
    }
}
impl Resolver for Project {
    fn entries(&self) -> Vec<Entry> {
        vec![]
    }
    fn resolve(&self, _from: &str, request: &str) -> Resolution {
        Resolution::External { root: Symbol::new(request), path: vec![] }
    }
    fn dependency(&self, _from: &str, _package: &str) -> Option<String> {
        None
    }
    fn package(&self, _from: &str) -> (String, Option<String>) {
        (String::new(), None)
    }
    fn siblings(&self, _dir: &str) -> Vec<String> {
        vec![]
    }
}
