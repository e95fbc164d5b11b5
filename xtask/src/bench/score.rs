//! The scores: pure functions from facts and findings to counts.
//!
//! Every score can be taken of any part of the flows (one class, one difficulty), because a tally
//! is asked which flows to look at.

use std::time::Duration;

use super::scan::{Finding, Place, Scan};
use super::truth::{Flow, Pair, cwe_number};

/// How far, in lines, a finding may be from where the reviewer saw the sink: a call spans lines.
const NEAR: u32 = 3;

/// A pair with the scans of both its trees.
#[derive(Debug)]
pub(super) struct PairRun {
    pub pair: Pair,
    pub vuln: Scan,
    pub fixed: Scan,
}

/// `part` of `whole`.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) struct Ratio {
    pub part: usize,
    pub whole: usize,
}

impl Ratio {
    fn count(&mut self, is_in: bool) {
        self.whole += 1;
        self.part += usize::from(is_in);
    }
}

/// The scores of a set of pairs.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Tally {
    /// Flows hit, of all.
    pub flows: Ratio,
    /// Hits that name the tool, of the hits on flows that have one.
    pub named: Ratio,
    /// Pairs with at least one flow hit.
    pub found: Ratio,
    /// Fixed trees without a finding of the pair's classes in its sink files, of those that should have none.
    pub quiet: Ratio,
    /// Found and quiet, of the pairs that can be both.
    pub solved: Ratio,
}

impl Tally {
    /// The scores of `runs`, looking only at the scored flows that `keep` accepts.
    pub(super) fn of<'a>(runs: impl IntoIterator<Item = &'a PairRun>, keep: impl Fn(&Flow) -> bool) -> Self {
        let mut tally = Self::default();
        for run in runs {
            let flows: Vec<&Flow> = run.pair.scored().into_iter().filter(|flow| keep(flow)).collect();
            if !flows.is_empty() {
                tally.add(run, &flows);
            }
        }
        tally
    }

    fn add(&mut self, run: &PairRun, flows: &[&Flow]) {
        for flow in flows {
            let hit = hit(flow, run.vuln.findings());
            self.flows.count(hit != Hit::Missed);
            if hit != Hit::Missed && flow.tool.is_some() {
                self.named.count(hit == Hit::Named);
            }
        }
        let found = flows.iter().any(|flow| hit(flow, run.vuln.findings()) != Hit::Missed);
        self.found.count(found);
        if !flows.iter().all(|flow| flow.fixed_still_flags) {
            // A scan that failed was not quiet, it was absent.
            let quiet = run.fixed.outcome.is_ok() && noise(flows, run.fixed.findings()).is_empty();
            self.quiet.count(quiet);
            self.solved.count(found && quiet);
        }
    }
}

/// How well the findings meet a flow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Hit {
    /// No finding of the class near the sink.
    Missed,
    /// A finding, but none that names the flow's tool (or the flow has none).
    Unnamed,
    /// A finding that names the flow's tool.
    Named,
}

/// Whether a finding of the flow's class has its location or a step of its trace at the sink.
pub(super) fn hit(flow: &Flow, findings: &[Finding]) -> Hit {
    let mut hits = hitting(flow, findings).peekable();
    if hits.peek().is_none() {
        return Hit::Missed;
    }
    let is_named = hits.any(|finding| flow.tool.as_ref().is_some_and(|tool| finding.tools.contains(tool)));
    if is_named { Hit::Named } else { Hit::Unnamed }
}

/// The findings that hit the flow.
pub(super) fn hitting<'a>(flow: &'a Flow, findings: &'a [Finding]) -> impl Iterator<Item = &'a Finding> {
    findings.iter().filter(|finding| {
        let mut places = std::iter::once(&finding.location).chain(&finding.trace);
        is_of_class(flow, finding) && places.any(|place| is_at_sink(flow, place))
    })
}

/// The findings in a fixed tree that should be gone: of one of the flows' classes, in one of their sink files.
pub(super) fn noise<'a>(flows: &[&Flow], findings: &'a [Finding]) -> Vec<&'a Finding> {
    let is_noise = |finding: &&Finding| {
        flows.iter().any(|flow| is_of_class(flow, finding))
            && flows.iter().any(|flow| is_same_or_moved(&finding.location.file, &flow.sink_file))
    };
    findings.iter().filter(is_noise).collect()
}

/// Whether one of the finding's CWEs belongs to the flow's family.
pub(super) fn is_of_class(flow: &Flow, finding: &Finding) -> bool {
    let family = flow.family();
    finding.cwe.iter().filter_map(|name| cwe_number(name)).any(|number| family.contains(&number))
}

fn is_at_sink(flow: &Flow, place: &Place) -> bool {
    is_same(&place.file, &flow.sink_file) && place.line.abs_diff(flow.sink_line) <= NEAR
}

fn is_same(file: &str, sink_file: &str) -> bool {
    file.strip_prefix("./").unwrap_or(file) == sink_file
}

/// A fix may come with a move of the whole project into a sub-folder; its sink files are the same files.
fn is_same_or_moved(file: &str, sink_file: &str) -> bool {
    is_same(file, sink_file) || file.strip_suffix(sink_file).is_some_and(|folder| folder.ends_with('/'))
}

/// Total and longest wall time of all scans.
pub(super) fn times(runs: &[PairRun]) -> (Duration, Duration) {
    let each = || runs.iter().flat_map(|run| [run.vuln.took, run.fixed.took]);
    (each().sum(), each().max().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::super::scan::Report;
    use super::super::truth::Difficulty;
    use super::*;

    fn flow(class: &str, tool: Option<&str>, sink_line: u32) -> Flow {
        Flow {
            class: class.into(),
            cwe: "CWE-0".into(),
            tool: tool.map(Into::into),
            sink_file: "src/a.ts".into(),
            sink_line,
            difficulty: Difficulty::Normal,
            fixed_still_flags: false,
        }
    }

    fn finding(cwe: &str, file: &str, line: u32, tools: &[&str]) -> Finding {
        Finding {
            rule: "rule".into(),
            cwe: vec![cwe.into()],
            tools: tools.iter().map(|&tool| tool.into()).collect(),
            location: Place { file: file.into(), line },
            ..Finding::default()
        }
    }

    fn ok(findings: Vec<Finding>) -> Scan {
        Scan { outcome: Ok(Report { findings, ..Report::default() }), took: Duration::ZERO }
    }

    fn run(flows: Vec<Flow>, vuln: Scan, fixed: Scan) -> PairRun {
        PairRun { pair: Pair { id: "p".into(), language: "typescript".into(), flows }, vuln, fixed }
    }

    fn tally(runs: &[PairRun]) -> Tally {
        Tally::of(runs, |_| true)
    }

    #[test]
    fn three_lines_are_near_and_four_are_not() {
        let flow = flow("command-injection", Some("t"), 10);
        for (line, expected) in [(7, Hit::Named), (13, Hit::Named), (6, Hit::Missed), (14, Hit::Missed)] {
            assert_eq!(hit(&flow, &[finding("CWE-78", "src/a.ts", line, &["t"])]), expected, "line {line}");
        }
        assert_eq!(hit(&flow, &[finding("CWE-78", "src/b.ts", 10, &["t"])]), Hit::Missed);
        assert_eq!(hit(&flow, &[finding("CWE-78", "./src/a.ts", 10, &["t"])]), Hit::Named);
    }

    #[test]
    fn a_step_of_the_trace_hits_too() {
        let mut through = finding("CWE-78", "src/shell.ts", 99, &["t"]);
        through.trace.push(Place { file: "src/a.ts".into(), line: 11 });
        assert_eq!(hit(&flow("command-injection", Some("t"), 10), &[through]), Hit::Named);
    }

    #[test]
    fn kindred_classes_count_for_each_other_and_others_do_not() {
        for (class, cwe, counts) in [
            ("command-injection", "CWE-88", true),
            ("arg-injection", "CWE-95", true),
            ("file-write", "CWE-59", true),
            ("no-auth", "CWE-346", true),
            ("sql-injection", "CWE-943", true),
            ("ssrf", "CWE-22", false),
            ("path-traversal", "CWE-78", false),
            ("other", "CWE-0", true),
            ("other", "CWE-78", false),
            ("ssrf", "918", false),
        ] {
            let is_hit = hit(&flow(class, None, 1), &[finding(cwe, "src/a.ts", 1, &[])]) != Hit::Missed;
            assert_eq!(is_hit, counts, "{cwe} for {class}");
        }
    }

    #[test]
    fn the_finding_that_hits_must_name_the_tool() {
        let flow = flow("ssrf", Some("get"), 10);
        let near = || finding("CWE-918", "src/a.ts", 10, &["post"]);
        assert_eq!(hit(&flow, &[near()]), Hit::Unnamed);
        assert_eq!(hit(&flow, &[near(), finding("CWE-918", "src/a.ts", 50, &["get"])]), Hit::Unnamed);
        assert_eq!(hit(&flow, &[near(), finding("CWE-918", "src/a.ts", 10, &["get"])]), Hit::Named);
    }

    #[test]
    fn found_and_quiet_is_solved() {
        let flows = vec![flow("ssrf", Some("get"), 10), flow("ssrf", Some("post"), 90)];
        let found = || ok(vec![finding("CWE-918", "src/a.ts", 10, &["get"])]);
        let loud = ok(vec![finding("CWE-918", "src/a.ts", 500, &[])]);
        let elsewhere = ok(vec![finding("CWE-918", "src/b.ts", 10, &[]), finding("CWE-22", "src/a.ts", 10, &[])]);
        let runs = [
            run(flows.clone(), found(), loud),
            run(flows.clone(), found(), elsewhere),
            run(flows, ok(vec![]), ok(vec![])),
        ];
        let scores = tally(&runs);
        assert_eq!(scores.flows, Ratio { part: 2, whole: 6 });
        assert_eq!(scores.named, Ratio { part: 2, whole: 2 });
        assert_eq!(scores.found, Ratio { part: 2, whole: 3 });
        assert_eq!(scores.quiet, Ratio { part: 2, whole: 3 });
        assert_eq!(scores.solved, Ratio { part: 1, whole: 3 });
    }

    #[test]
    fn sink_files_that_moved_into_a_folder_still_make_noise() {
        let flow = flow("ssrf", None, 10);
        for (file, is_noise) in [("pkg/src/a.ts", true), ("mysrc/a.ts", false), ("src/a.ts", true), ("a.ts", false)] {
            assert_eq!(!noise(&[&flow], &[finding("CWE-918", file, 1, &[])]).is_empty(), is_noise, "{file}");
        }
    }

    #[test]
    fn contested_flows_do_not_count() {
        let contested = Flow { difficulty: Difficulty::Contested, ..flow("ssrf", None, 10) };
        let loud = || ok(vec![finding("CWE-918", "src/a.ts", 10, &[])]);
        assert_eq!(tally(&[run(vec![contested], loud(), loud())]), Tally::default());
    }

    #[test]
    fn a_pair_whose_fix_leaves_every_flow_is_not_asked_to_be_quiet() {
        let stays = Flow { fixed_still_flags: true, ..flow("ssrf", None, 10) };
        let loud = || ok(vec![finding("CWE-918", "src/a.ts", 10, &[])]);
        let scores = tally(&[run(vec![stays.clone()], loud(), loud())]);
        assert_eq!((scores.found.part, scores.quiet.whole, scores.solved.whole), (1, 0, 0));
        let scores = tally(&[run(vec![stays, flow("ssrf", None, 90)], loud(), loud())]);
        assert_eq!((scores.quiet, scores.solved.part), (Ratio { part: 0, whole: 1 }, 0));
    }

    #[test]
    fn a_failed_scan_is_neither_a_hit_nor_quiet() {
        let failed = || Scan { outcome: Err("timed out".into()), took: Duration::ZERO };
        let scores = tally(&[run(vec![flow("ssrf", None, 10)], failed(), failed())]);
        assert_eq!((scores.flows.part, scores.quiet), (0, Ratio { part: 0, whole: 1 }));
    }

    #[test]
    fn a_tally_of_one_class_looks_at_that_class_alone() {
        let flows = vec![flow("ssrf", None, 10), flow("path-traversal", None, 20)];
        let vuln = ok(vec![finding("CWE-22", "src/a.ts", 20, &[])]);
        let fixed = ok(vec![finding("CWE-918", "src/a.ts", 10, &[])]);
        let runs = [run(flows, vuln, fixed)];
        let paths = Tally::of(&runs, |flow| flow.class == "path-traversal");
        assert_eq!(paths.solved, Ratio { part: 1, whole: 1 });
        let requests = Tally::of(&runs, |flow| flow.class == "ssrf");
        assert_eq!((requests.found.part, requests.quiet.part), (0, 0));
    }
}
