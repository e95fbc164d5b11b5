//! What an editor's analyses of one tree keep from one another.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use manta_audit::{Memory, Settings, audit};
use manta_core::{FileId, ProjectInput, ScanReport};
use manta_flow::engine::models::Models;
use manta_flow::frontend::{FrontEnd, Lowered, ProjectFiles, Resolver};
use manta_flow::ir::Lang;
use manta_py::Python;

/// Python, and how many files were parsed.
#[derive(Default)]
struct Counting(Arc<AtomicUsize>);

impl FrontEnd for Counting {
    fn lang(&self) -> Lang {
        Python.lang()
    }

    fn claims(&self, path: &str) -> bool {
        Python.claims(path)
    }

    fn lower(&self, file: FileId, path: &str, text: &str) -> Lowered {
        self.0.fetch_add(1, Ordering::Relaxed);
        Python.lower(file, path, text)
    }

    fn project(&self, files: &dyn ProjectFiles) -> Box<dyn Resolver> {
        Python.project(files)
    }
}

const SERVER: &str = "\
from mcp.server.fastmcp import FastMCP
import helper
mcp = FastMCP('s')

@mcp.tool()
def show(name: str) -> str:
    return helper.show(name)
";
const HELPER: &str = "import os\ndef show(name):\n    os.system('cat ' + name)\n";
const HARMLESS: &str = "import os\ndef show(name):\n    return 'a'\n";

fn places(report: &ScanReport) -> Vec<(String, String)> {
    let path = |file| report.sources.get(file).map_or_else(String::new, |file| file.path.clone());
    report.findings.iter().map(|found| (found.rule.id.to_owned(), path(found.location.file))).collect()
}

#[test]
fn only_what_changed_is_parsed_and_the_report_is_that_of_a_fresh_analysis() {
    let parsed = Arc::new(AtomicUsize::new(0));
    let front_ends: Vec<Box<dyn FrontEnd>> = vec![Box::new(Counting(Arc::clone(&parsed)))];
    let models = Models::builtin();
    let memory = Memory::default();
    let run = |files: &[(&str, &str)]| {
        parsed.store(0, Ordering::Relaxed);
        let input = ProjectInput::from_texts("s", files.iter().copied());
        let settings = Settings { memory: memory.clone(), ..Settings::default() };
        let report = audit(&input, &front_ends, &models, &settings);
        let number = parsed.load(Ordering::Relaxed);
        let fresh = audit(&input, &front_ends, &models, &Settings::default());
        assert_eq!(places(&report), places(&fresh));
        (places(&report).len(), number)
    };
    let both = [("helper.py", HELPER), ("server.py", SERVER)];
    let (found, number) = run(&both);
    assert!(found > 0);
    assert_eq!(number, 2);
    assert_eq!(run(&both), (found, 0));
    assert_eq!(run(&[("helper.py", HARMLESS), ("server.py", SERVER)]), (0, 1));
    // The old text is not kept beside the new one.
    assert_eq!(run(&both), (found, 1));
    // A file before the others moves them: modules know their file by its number.
    assert_eq!(run(&[("a.py", ""), ("helper.py", HELPER), ("server.py", SERVER)]).0, found);
}
