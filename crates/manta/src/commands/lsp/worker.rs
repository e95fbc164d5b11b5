//! Looks at the states of a tree, one after another, on a thread of its own, so that the editor is heard meanwhile.
//!
//! A large server takes longer than an editor should wait for. Then there are two answers: the first after a glance at
//! what the edit may concern, with what is still known of the rest, and the last after a whole analysis, which is that of a
//! fresh scan. Where a glance would have to load modules, which is half of the work, the first answer is what was known, at
//! its new places, and what is told of the text. A new state stops the work on the one before it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender};
use manta_core::{Finding, Fix, ProjectInput, ScanReport, TextChange};

use crate::analyse::Analysis;

/// What an analysis may take before a glance comes first.
const AT_ONCE: Duration = Duration::from_millis(30);
/// How long more and more handlers are looked at in a glance.
const GLANCE: Duration = Duration::from_millis(20);

/// What a whole analysis takes where a glance that loads modules is worth it.
const LONG: Duration = Duration::from_secs(1);

/// A state of the tree.
pub(super) struct State {
    /// Counts them.
    pub(super) number: u64,
    pub(super) input: ProjectInput,
    /// Set when there is a newer one.
    pub(super) stop: Arc<AtomicBool>,
}

/// What is known of a state.
pub(super) struct Answer {
    pub(super) number: u64,
    pub(super) report: ScanReport,
}

/// What is known of the state before.
struct Known {
    input: ProjectInput,
    report: ScanReport,
}

/// Works until there are no more states.
pub(super) fn work(analysis: &Analysis, states: &Receiver<State>, answers: &Sender<Answer>) {
    let mut known: Option<Known> = None;
    // Of the state that is known.
    let mut kept = None;
    let mut usual = Duration::ZERO;
    for state in states {
        // Only the newest counts.
        let State { number, input, stop } = states.try_iter().last().unwrap_or(state);
        let started = Instant::now();
        let change = known.as_ref().filter(|_| usual > AT_ONCE);
        let change = change.and_then(|known| TextChange::between(&known.input, &input));
        if let (Some(before), Some(change)) = (known.take_if(|_| change.is_some()), change) {
            let is_time = || started.elapsed() < GLANCE;
            let glance = analysis.glance_at_kept_unless(&stop, &input, change, &is_time, &mut kept);
            // Nothing is looked at, and all handlers are left.
            let first = glance.unwrap_or_else(|| (analysis.around(&input), vec![None]));
            let report = joined(change, before.report.clone(), first, false);
            if stop.load(Ordering::Relaxed) {
                (known, kept) = (Some(before), None);
                continue;
            }
            if answers.send(Answer { number, report: report.clone() }).is_err() {
                return;
            }
            let is_glance_due = kept.is_none() && usual > LONG;
            let glance = is_glance_due.then(|| analysis.glance_unless(&stop, &input, change, &is_time, &mut kept));
            let report = match glance.flatten() {
                Some(glance) => joined(change, before.report, glance, true),
                None => report,
            };
            if is_glance_due && answers.send(Answer { number, report: report.clone() }).is_err() {
                return;
            }
            known = Some(Known { input: input.clone(), report });
        }
        let started = Instant::now();
        let Some((report, of_now)) = analysis.run_unless(&stop, &input) else { continue };
        usual = started.elapsed();
        kept = of_now.filter(|_| usual > AT_ONCE);
        if answers.send(Answer { number, report: report.clone() }).is_err() {
            return;
        }
        known = Some(Known { input, report });
    }
}

/// The rule that looks at the text of a file of code.
const ABOUT_TEXT: &str = "exposed-secret";

/// What a glance found, and what was known before of all that it did not look at: handlers that are `left`, by name as far
/// as they have one, and what is about no tool, unless modules were loaded anew.
fn joined(
    change: TextChange,
    before: ScanReport,
    (mut glance, left): (ScanReport, Vec<Option<String>>),
    is_loaded: bool,
) -> ScanReport {
    let sources = Arc::clone(&glance.sources);
    let is_of_code = |finding: &Finding| sources.get(finding.location.file).is_some_and(|file| file.kind.is_source());
    let is_left = |tool: &String| left.iter().any(|name| name.as_ref().is_none_or(|name| name == tool));
    let is_looked_at = |tool: &String| glance.tools().any(|known| known.name == *tool);
    let is_about_text = |finding: &Finding| finding.rule.id == ABOUT_TEXT && finding.location.file == change.file;
    // What is about no tool, is not told by a glance, and was known before.
    let is_unasked = |finding: &Finding| !is_loaded && is_of_code(finding) && !is_about_text(finding);
    let is_kept = |finding: &Finding| match finding.tools.as_slice() {
        [] => is_unasked(finding),
        tools => is_of_code(finding) && tools.iter().all(|tool| is_left(tool) && !is_looked_at(tool)),
    };
    let kept = before.findings.into_iter().filter(is_kept).filter_map(|finding| moved(change, finding));
    let kept: Vec<Finding> = kept.collect();
    glance.findings.retain(|finding| !finding.tools.is_empty() || !is_unasked(finding));
    glance.findings.extend(kept);
    glance.settle();
    glance
}

/// A finding where it stands now; none when it stood in what was replaced.
fn moved(change: TextChange, mut finding: Finding) -> Option<Finding> {
    finding.location = change.place(finding.location)?;
    for step in &mut finding.trace {
        step.location = change.place(step.location).unwrap_or(change.at());
    }
    if let Some(source) = &mut finding.source {
        source.location = change.place(source.location).unwrap_or(change.at());
    }
    let is_whole = |fix: &Fix| fix.edits.iter().all(|edit| change.place(edit.at).is_some());
    finding.fix = finding.fix.filter(is_whole);
    for edit in finding.fix.iter_mut().flat_map(|fix| &mut fix.edits) {
        edit.at = change.place(edit.at)?;
    }
    Some(finding)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use manta_core::{FileId, Persona, SourceFile, SourceMap};

    use super::*;
    use crate::collect::{self, Limits};

    /// What an editor shows, apart from words.
    fn shown(report: &ScanReport) -> Vec<String> {
        let regular = report.findings.iter().filter(|finding| finding.persona == Persona::Regular);
        let mut shown: Vec<String> = regular
            .map(|finding| {
                let file = report.sources.get(finding.location.file).unwrap();
                let line = file.line_column(finding.location.span.start).line;
                format!("{} {}:{line} {}", finding.rule.id, file.path, finding.tools.join(" "))
            })
            .collect();
        shown.sort();
        shown
    }

    /// The target with one line of one file edited.
    fn edited(input: &ProjectInput, file: FileId, line: usize, edit: fn(&str) -> String) -> ProjectInput {
        let mut sources = SourceMap::default();
        for (id, source) in input.sources.iter() {
            let lines = source.text.split_inclusive('\n').enumerate();
            let edited = lines.map(|(at, text)| if id == file && at == line { edit(text) } else { text.to_owned() });
            sources.add(SourceFile::new(source.path.clone(), edited.collect::<String>()));
        }
        ProjectInput { sources: Arc::new(sources), ..input.clone() }
    }

    const NOTES: &str = "\
import os

ROOT = '/srv/notes'

def locate(name):
    path = os.path.realpath(os.path.join(ROOT, name))
    if not path.startswith(ROOT):
        raise ValueError(name)
    return path

def listed(pattern):
    found = os.popen('ls ' + pattern).read()
    lines = found.split('\\n')
    return [line.strip() for line in lines if line]
";
    const SERVER: &str = "\
import httpx
from mcp.server.fastmcp import FastMCP
from notes import listed, locate

mcp = FastMCP('notes', host='0.0.0.0')

@mcp.tool()
def read_note(name: str, first: int = 0) -> str:
    '''Reads a note'''
    path = locate(name)
    with open(path) as file:
        text = file.read()
    lines = text.split('\\n')
    return '\\n'.join(lines[first:])

@mcp.tool()
def list_notes(pattern: str) -> list:
    '''Lists notes'''
    found = listed(pattern)
    found.sort()
    return found

@mcp.tool()
def fetch_note(url: str, name: str) -> str:
    '''Fetches a note'''
    answer = httpx.get(url, verify=False)
    with open(locate(name), 'w') as file:
        file.write(answer.text)
    return 'done'

mcp.run(transport='streamable-http')
";

    /// A line is deleted, something is typed behind it, something inside it.
    const EDITS: [fn(&str) -> String; 3] =
        [|_| String::new(), |line| format!("{} \n", line.trim_end_matches('\n')), |line| line.replacen(", ", ",  ", 1)];

    /// What is kept between analyses never changes a result, and a glance that has time
    /// for every handler in sight shows what a whole analysis does.
    #[test]
    fn after_an_edit_the_results_are_those_of_a_fresh_scan() {
        let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples");
        let mut used = 0;
        let of_example = |server: &str| {
            let input = collect::collect(&examples.join(server).to_string_lossy(), &Limits::default()).unwrap();
            (server.to_owned(), input)
        };
        let notes = ProjectInput::from_texts("notes", [("notes.py", NOTES), ("server.py", SERVER)]);
        let all = ["my-mcp-server", "py-fastmcp", "sdk-server"].into_iter().map(of_example);
        for (server, input) in all.chain([("notes".to_owned(), notes)]) {
            let analysis = Analysis::new(&[]).unwrap().remembering();
            let known = analysis.run(&input);
            for (file, source) in input.sources.iter().filter(|(_, file)| file.kind.is_source()) {
                let lines = (0..source.text.lines().count()).step_by(if server == "notes" { 1 } else { 4 });
                for (line, edit) in lines.flat_map(|line| EDITS.map(|edit| (line, edit))) {
                    let edited = edited(&input, file, line, edit);
                    let Some(change) = TextChange::between(&input, &edited) else { continue };
                    let fresh = shown(&Analysis::new(&[]).unwrap().run(&edited));
                    let stop = Arc::default();
                    // With what the analysis before left, and without.
                    let left = analysis.run_unless(&stop, &input).unwrap().1;
                    for mut kept in [left, None] {
                        let is_with = kept.is_some();
                        let glance = analysis.glance_unless(&stop, &edited, change, &|| true, &mut kept).unwrap();
                        used += usize::from(is_with && kept.is_some());
                        let joined = joined(change, known.clone(), glance, kept.is_none());
                        assert_eq!(shown(&joined), fresh, "{server}/{} edited in line {}", source.path, line + 1);
                    }
                    assert_eq!(shown(&analysis.run_unless(&stop, &edited).unwrap().0), fresh);
                }
            }
        }
        assert!(used > 5, "what was kept was used {used} times");
    }

    /// Where modules would have to be loaded, the first answer is what was known at its new places, and what is told of the
    /// text itself.
    #[test]
    fn before_modules_are_loaded_what_was_known_is_shown_at_its_place() {
        let input = ProjectInput::from_texts("notes", [("notes.py", NOTES), ("server.py", SERVER)]);
        let analysis = Analysis::new(&[]).unwrap().remembering();
        let known = analysis.run(&input);
        let file = input.sources.find("server.py").unwrap();
        let below = edited(&input, file, 4, |line| format!("DEBUG = True\n{line}"));
        let change = TextChange::between(&input, &below).unwrap();
        let (stop, mut kept) = (Arc::default(), None);
        assert!(analysis.glance_at_kept_unless(&stop, &below, change, &|| true, &mut kept).is_none());
        let first = joined(change, known.clone(), (analysis.around(&below), vec![None]), false);
        assert!(!shown(&first).is_empty());
        assert_eq!(shown(&first), shown(&Analysis::new(&[]).unwrap().run(&below)));

        // Divided, so that no scanner takes this file for a leak.
        let leaking = edited(&input, file, 4, |line| {
            format!("TOKEN = '{}{}'\n{line}", "ghp", "_k3J9sQ2mVx8LrT5wZy7BnC4dFg6HpA1eUi0O")
        });
        let change = TextChange::between(&input, &leaking).unwrap();
        let first = joined(change, known, (analysis.around(&leaking), vec![None]), false);
        assert!(
            shown(&first).iter().any(|finding| finding.starts_with("exposed-secret server.py:5")),
            "{:?}",
            shown(&first)
        );
    }
}
