//! Looks at the states of a tree, one after another, on a thread of its own, so that the editor is heard meanwhile.
//!
//! A large server takes longer than an editor should wait for. Then there are two answers: the first after a glance at
//! what the edit may concern, with what is still known of the rest, and the last after a whole analysis, which is that of a
//! fresh scan. A new state stops the work on the one before it.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender};
use manta_core::{FileId, Finding, Location, ProjectInput, ScanReport, Span};

use crate::analyse::Analysis;

/// What an analysis may take before a glance comes first.
const AT_ONCE: Duration = Duration::from_millis(30);
/// How long more and more handlers are looked at in a glance.
const GLANCE: Duration = Duration::from_millis(20);

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
    let mut usual = Duration::ZERO;
    for state in states {
        // Only the newest counts.
        let State { number, input, stop } = states.try_iter().last().unwrap_or(state);
        let started = Instant::now();
        let edit = known.as_ref().filter(|_| usual > AT_ONCE).and_then(|known| Edit::between(&known.input, &input));
        if let (Some(before), Some(edit)) = (known.take_if(|_| edit.is_some()), edit) {
            let is_time = || started.elapsed() < GLANCE;
            let Some(glance) = analysis.glance_unless(&stop, &input, edit.at(), &is_time) else {
                known = Some(before);
                continue;
            };
            let report = edit.join(before.report, glance);
            if answers.send(Answer { number, report: report.clone() }).is_err() {
                return;
            }
            known = Some(Known { input: input.clone(), report });
        }
        let started = Instant::now();
        let Some(report) = analysis.run_unless(&stop, &input) else { continue };
        usual = started.elapsed();
        if answers.send(Answer { number, report: report.clone() }).is_err() {
            return;
        }
        known = Some(Known { input, report });
    }
}

/// A change inside one file.
#[derive(Debug, PartialEq, Eq)]
struct Edit {
    file: FileId,
    /// What was replaced, in the old text.
    old: Span,
    /// What it was replaced with, in the new one.
    new: Span,
}

impl Edit {
    /// The edit between two states; none when more than one file differs, or another file is there.
    fn between(before: &ProjectInput, after: &ProjectInput) -> Option<Self> {
        let (old, new) = (&before.sources, &after.sources);
        if old.len() != new.len() || !old.iter().zip(new.iter()).all(|((_, old), (_, new))| old.path == new.path) {
            return None;
        }
        let mut changed = old.iter().zip(new.iter()).filter(|((_, old), (_, new))| old.text != new.text);
        let ((file, old), (_, new)) = changed.next()?;
        if changed.next().is_some() {
            return None;
        }
        let (old, new) = (old.text.as_bytes(), new.text.as_bytes());
        let before = old.iter().zip(new).take_while(|(old, new)| old == new).count();
        let (old_rest, new_rest) = (&old[before..], &new[before..]);
        let after = old_rest.iter().rev().zip(new_rest.iter().rev()).take_while(|(old, new)| old == new).count();
        let span = |text: &[u8]| Some(Span::new(u32::try_from(before).ok()?, u32::try_from(text.len() - after).ok()?));
        Some(Self { file, old: span(old)?, new: span(new)? })
    }

    /// Where it is in the new text.
    fn at(&self) -> Location {
        Location::new(self.file, self.new)
    }

    /// What a glance found, and what was known before of the handlers that it did not look at: `left`, by name as far as
    /// they have one. What is about no tool stands in other files as before.
    fn join(&self, before: ScanReport, (mut glance, left): (ScanReport, Vec<Option<String>>)) -> ScanReport {
        let sources = Arc::clone(&glance.sources);
        let is_of_code =
            |finding: &Finding| sources.get(finding.location.file).is_some_and(|file| file.kind.is_source());
        let is_left = |tool: &String| left.iter().any(|name| name.as_ref().is_none_or(|name| name == tool));
        let is_looked_at = |tool: &String| glance.tools().any(|known| known.name == *tool);
        let is_kept = |finding: &Finding| {
            is_of_code(finding)
                && match finding.tools.as_slice() {
                    [] => finding.location.file != self.file,
                    tools => tools.iter().all(|tool| is_left(tool) && !is_looked_at(tool)),
                }
        };
        let kept = before.findings.into_iter().filter(is_kept).filter_map(|finding| self.moved(finding));
        let kept: Vec<Finding> = kept.collect();
        glance
            .findings
            .retain(|finding| !finding.tools.is_empty() || !is_of_code(finding) || finding.location.file == self.file);
        glance.findings.extend(kept);
        glance.settle();
        glance
    }

    /// A finding where it stands now; none when it stood in what was replaced.
    fn moved(&self, mut finding: Finding) -> Option<Finding> {
        finding.location = self.place(finding.location)?;
        for step in &mut finding.trace {
            step.location = self.place(step.location).unwrap_or(self.at());
        }
        if let Some(source) = &mut finding.source {
            source.location = self.place(source.location).unwrap_or(self.at());
        }
        // Its edits are those of the old text.
        let is_whole = |fix: &manta_core::Fix| fix.edits.iter().all(|edit| self.place(edit.at).is_some());
        finding.fix = finding.fix.filter(is_whole);
        for edit in finding.fix.iter_mut().flat_map(|fix| &mut fix.edits) {
            edit.at = self.place(edit.at)?;
        }
        Some(finding)
    }

    fn place(&self, at: Location) -> Option<Location> {
        if at.file != self.file || at.span.end <= self.old.start {
            return Some(at);
        }
        if at.span.start < self.old.end {
            return (at.span.contains(self.old)).then(|| {
                let end = at.span.end - self.old.end + self.new.end;
                Location::new(at.file, Span::new(at.span.start, end))
            });
        }
        let moved = |offset: u32| offset - self.old.end + self.new.end;
        Some(Location::new(at.file, Span::new(moved(at.span.start), moved(at.span.end))))
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use manta_core::{Persona, SourceFile, SourceMap};

    use super::*;
    use crate::collect::{self, Limits};

    fn edit(old: &str, new: &str) -> Option<Edit> {
        let input = |text| ProjectInput::from_texts("t", [("a.py", "same"), ("b.py", text)]);
        Edit::between(&input(old), &input(new))
    }

    #[test]
    fn an_edit_is_what_differs() {
        let span = Span::new;
        let of = |old, new| edit(old, new).map(|edit| (edit.old, edit.new));
        assert_eq!(of("one two three", "one 2 three"), Some((span(4, 7), span(4, 5))));
        assert_eq!(of("aa", "aaa"), Some((span(2, 2), span(2, 3))));
        assert_eq!(of("aaa", "aa"), Some((span(2, 3), span(2, 2))));
        assert_eq!(of("same", "same"), None);
        let two = ProjectInput::from_texts("t", [("a.py", "x"), ("b.py", "y")]);
        let other = ProjectInput::from_texts("t", [("a.py", "y"), ("b.py", "x")]);
        let fewer = ProjectInput::from_texts("t", [("a.py", "x")]);
        assert_eq!(Edit::between(&two, &other), None);
        assert_eq!(Edit::between(&two, &fewer), None);
    }

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

    /// The target without one line of one file.
    fn without_line(input: &ProjectInput, file: FileId, line: usize) -> ProjectInput {
        let mut sources = SourceMap::default();
        for (id, source) in input.sources.iter() {
            let text: String = match id == file {
                true => source
                    .text
                    .split_inclusive('\n')
                    .enumerate()
                    .filter(|(at, _)| *at != line)
                    .map(|(_, text)| text)
                    .collect(),
                false => source.text.to_string(),
            };
            sources.add(SourceFile::new(source.path.clone(), text));
        }
        ProjectInput { sources: Arc::new(sources), ..input.clone() }
    }

    /// Takes single lines out of servers. What is kept between analyses never changes a result, and a glance that has time
    /// for every handler in sight shows what a whole analysis does.
    #[test]
    fn after_an_edit_the_results_are_those_of_a_fresh_scan() {
        let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples");
        for server in ["my-mcp-server", "py-fastmcp", "sdk-server"] {
            let path = examples.join(server);
            let input = collect::collect(&path.to_string_lossy(), &Limits::default()).unwrap();
            let kept = Analysis::new(&[]).unwrap().remembering();
            let known = kept.run(&input);
            for (file, source) in input.sources.iter().filter(|(_, file)| file.kind.is_source()) {
                for line in (0..source.text.lines().count()).step_by(3) {
                    let edited = without_line(&input, file, line);
                    let Some(edit) = Edit::between(&input, &edited) else { continue };
                    let fresh = shown(&Analysis::new(&[]).unwrap().run(&edited));
                    let glance = kept.glance_unless(&Arc::default(), &edited, edit.at(), &|| true).unwrap();
                    let joined = edit.join(known.clone(), glance);
                    assert_eq!(shown(&joined), fresh, "{server}/{} without line {}", source.path, line + 1);
                    assert_eq!(shown(&kept.run(&edited)), fresh);
                }
            }
        }
    }

    #[test]
    fn places_move_with_the_text() {
        let edit = edit("one two three", "one 2 three").unwrap();
        let at = |start, end| edit.place(Location::new(FileId(1), Span::new(start, end))).map(|at| at.span);
        assert_eq!(at(0, 3), Some(Span::new(0, 3)));
        assert_eq!(at(8, 13), Some(Span::new(6, 11)));
        assert_eq!(at(0, 13), Some(Span::new(0, 11)), "around the edit");
        assert_eq!(at(5, 9), None);
        let elsewhere = Location::new(FileId(0), Span::new(5, 6));
        assert_eq!(edit.place(elsewhere), Some(elsewhere));
    }
}
