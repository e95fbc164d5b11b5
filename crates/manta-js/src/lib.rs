//! JavaScript and TypeScript front end: source files to the language-neutral IR, and import resolution inside one
//! package.
//!
//! The only crate that knows the parser. Lowering ([`FrontEnd::lower`]) is one walk over the syntax tree; resolution
//! ([`FrontEnd::project`]) works on the files of the target in memory and never touches a file system.
#![forbid(unsafe_code)]

mod docs;
mod lower;
mod nesting;
mod parse;
mod project;

use manta_core::FileId;
use manta_flow::frontend::{FrontEnd, Lowered, ProjectFiles, Resolver};
use manta_flow::ir::Lang;

/// The front end for JavaScript and TypeScript.
#[derive(Clone, Copy, Debug, Default)]
pub struct JavaScript;

impl FrontEnd for JavaScript {
    fn lang(&self) -> Lang {
        Lang::JavaScript
    }

    fn claims(&self, path: &str) -> bool {
        project::is_source(path)
    }

    fn lower(&self, file: FileId, path: &str, text: &str) -> Lowered {
        parse::lower_file(file, path, text)
    }

    fn project(&self, files: &dyn ProjectFiles) -> Box<dyn Resolver> {
        Box::new(project::Project::read(files))
    }
}

/// The bare parse, for benchmarks that compare against it.
pub mod bench {
    /// Parses a file and analyses its scopes, without lowering.
    pub fn parse_only(path: &str, text: &str) {
        crate::parse::parse_only(path, text);
    }
}
