//! The Python front end: files to the neutral IR, and imports to files.
//!
//! Parsing is ruff's; everything after it is ours, because an interpreter needs what a linter does not: names
//! resolved to slots and captures, statements that bind made explicit, and imports resolved inside one project held
//! in memory. No type of the parser appears in this crate's public interface.
#![forbid(unsafe_code)]

mod lower;
mod names;
mod nesting;
mod project;
mod scope;

use manta_core::FileId;
use manta_flow::frontend::{FrontEnd, Lowered, ProjectFiles, Resolver};
use manta_flow::ir::Lang;

/// Python 3, up to and including the grammar of 3.14.
#[derive(Clone, Copy, Debug, Default)]
pub struct Python;

/// Larger files are not source somebody wrote: generated tables, data in disguise. In bytes.
const MAX_FILE: usize = 4 * 1024 * 1024;

impl FrontEnd for Python {
    fn lang(&self) -> Lang {
        Lang::Python
    }

    fn claims(&self, path: &str) -> bool {
        let name = path.rsplit('/').next().unwrap_or(path);
        [".py", ".pyw"].iter().any(|suffix| name.ends_with(suffix))
    }

    fn lower(&self, file: FileId, path: &str, text: &str) -> Lowered {
        if text.len() > MAX_FILE {
            let problem = format!("not analysed: larger than {} MiB", MAX_FILE / (1024 * 1024));
            return Lowered { module: None, problems: vec![problem] };
        }
        nesting::guarded(text, |text, mut problems| {
            let (module, found) = lower::module(file, path, text);
            problems.extend(found);
            Lowered { module: Some(module.into()), problems }
        })
    }

    fn project(&self, files: &dyn ProjectFiles) -> Box<dyn Resolver> {
        Box::new(project::Project::read(files))
    }
}

/// The bare parse, for benchmarks that compare against it.
pub mod bench {
    /// Parses a file, without scope analysis and lowering.
    pub fn parse_only(text: &str) {
        crate::lower::parse_only(text);
    }
}
