//! `cargo xtask bench-pairs`: the scores on known vulnerabilities, then every miss and every fixed
//! tree that is not quiet, so that the next thing to look at is on the screen.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::PathBuf;
use std::time::Duration;

use serde_json::{Value, json};

use super::scan::{self, Finding, Scan};
use super::score::{self, Hit, PairRun, Ratio, Tally};
use super::truth::{self, Difficulty, Flow, Language, Pair};

/// What to measure.
#[derive(Debug, clap::Args)]
pub(crate) struct PairsArgs {
    /// Directory with `<id>/vuln` and `<id>/fixed`.
    #[arg(long)]
    pairs: PathBuf,
    /// The facts, one pair per line (JSON Lines).
    #[arg(long)]
    truth: PathBuf,
    /// The scanner [default: the `manta` built beside this program].
    #[arg(long)]
    manta: Option<PathBuf>,
    /// Only pairs of one language.
    #[arg(long, value_enum, default_value_t = Only::All)]
    lang: Only,
    /// Only the pairs whose id contains this.
    #[arg(long)]
    id: Option<String>,
    /// Print JSON instead of tables.
    #[arg(long)]
    json: bool,
}

/// Which languages to measure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Only {
    /// TypeScript and JavaScript.
    Ts,
    /// Python.
    Py,
    /// Every language.
    All,
}

impl PairsArgs {
    fn wants(&self, pair: &Pair) -> bool {
        let is_language = match self.lang {
            Only::All => true,
            Only::Ts => pair.group() == Language::Ts,
            Only::Py => pair.group() == Language::Py,
        };
        is_language && self.id.as_ref().is_none_or(|part| pair.id.contains(part))
    }
}

/// Scans both trees of every wanted pair and reports the scores.
///
/// # Errors
/// When the facts or the scanner are not there, or no pair is wanted. A scan that crashes or hangs is
/// a part of the report.
pub(crate) fn run(args: &PairsArgs) -> Result<String, String> {
    let manta = scan::manta_binary(args.manta.as_deref())?;
    let wanted: Vec<Pair> = truth::load(&args.truth)?.into_iter().filter(|pair| args.wants(pair)).collect();
    if wanted.is_empty() {
        return Err("no pair matches".into());
    }
    let scan_both = |pair: Pair| {
        let tree = |side| args.pairs.join(&pair.id).join(side);
        let (vuln, fixed) = (scan::scan(&manta, &tree("vuln")), scan::scan(&manta, &tree("fixed")));
        PairRun { pair, vuln, fixed }
    };
    let runs: Vec<PairRun> = wanted.into_iter().map(scan_both).collect();
    Ok(if args.json { as_json(&runs) } else { as_text(&runs) })
}

/// One line of the table.
struct Row {
    name: String,
    tally: Tally,
}

/// The table: per language all, normal, hard and every class; compiled packages apart.
fn rows(runs: &[PairRun]) -> Vec<Row> {
    let mut rows = Vec::new();
    let (dist, source): (Vec<&PairRun>, Vec<&PairRun>) = runs.iter().partition(|run| run.pair.is_dist());
    for (group, name) in [(Language::Ts, "TypeScript, JavaScript"), (Language::Py, "Python")] {
        let runs: Vec<&PairRun> = source.iter().copied().filter(|run| run.pair.group() == group).collect();
        if !runs.is_empty() {
            push_group(&mut rows, name, &runs);
        }
    }
    rows.push(Row { name: "all".into(), tally: tally(&source, |_| true) });
    if !dist.is_empty() {
        rows.push(Row { name: "compiled (--dist), apart".into(), tally: tally(&dist, |_| true) });
    }
    rows
}

fn push_group(rows: &mut Vec<Row>, name: &str, runs: &[&PairRun]) {
    rows.push(Row { name: name.into(), tally: tally(runs, |_| true) });
    for (name, difficulty) in [("normal", Difficulty::Normal), ("hard", Difficulty::Hard)] {
        rows.push(Row { name: format!("  {name}"), tally: tally(runs, |flow| flow.difficulty == difficulty) });
    }
    let classes: BTreeSet<&str> =
        runs.iter().flat_map(|run| run.pair.scored()).map(|flow| flow.class.as_str()).collect();
    for class in classes {
        rows.push(Row { name: format!("  {class}"), tally: tally(runs, |flow| flow.class == class) });
    }
}

fn tally(runs: &[&PairRun], keep: impl Fn(&Flow) -> bool) -> Tally {
    Tally::of(runs.iter().copied(), keep)
}

fn as_text(runs: &[PairRun]) -> String {
    let mut text = format!(
        "{:26}{:>14}{:>14}{:>14}{:>14}{:>14}\n",
        "", "flows hit", "tool named", "pairs found", "fixed quiet", "pairs solved"
    );
    for Row { name, tally } in rows(runs) {
        let cells = [tally.flows, tally.named, tally.found, tally.quiet, tally.solved].map(cell);
        let _ = writeln!(text, "{name:26}{}", cells.concat());
    }
    push_section(&mut text, "flows missed", runs.iter().flat_map(misses));
    push_section(&mut text, "flows hit without naming the tool", runs.iter().flat_map(unnamed));
    push_section(&mut text, "fixed trees that are not quiet", runs.iter().flat_map(noisy));
    push_section(&mut text, "scans that failed or are incomplete", runs.iter().flat_map(troubles));
    let (total, longest) = score::times(runs);
    let _ = writeln!(text, "\n{} scans in {total:.1?}, the longest {longest:.1?}", runs.len() * 2);
    text
}

/// `12/20  60 %`, right-aligned; a dash where nothing was to be counted.
fn cell(ratio: Ratio) -> String {
    let text = match (ratio.part * 100).checked_div(ratio.whole) {
        Some(percent) => format!("{}/{} {percent:3} %", ratio.part, ratio.whole),
        None => "-".to_owned(),
    };
    format!("{text:>14}")
}

fn push_section(text: &mut String, title: &str, lines: impl Iterator<Item = String>) {
    let lines: Vec<String> = lines.collect();
    if !lines.is_empty() {
        let _ = writeln!(text, "\n{title} ({})", lines.len());
        for line in lines {
            let _ = writeln!(text, "  {line}");
        }
    }
}

fn misses(run: &PairRun) -> impl Iterator<Item = String> {
    let findings = run.vuln.findings();
    let missed = run.pair.scored().into_iter().filter(|flow| score::hit(flow, findings) == Hit::Missed);
    missed.map(|flow| format!("{}{}", describe(run, flow), nearest(flow, findings)))
}

fn unnamed(run: &PairRun) -> impl Iterator<Item = String> {
    let findings = run.vuln.findings();
    let is_unnamed = |flow: &&Flow| flow.tool.is_some() && score::hit(flow, findings) == Hit::Unnamed;
    run.pair.scored().into_iter().filter(is_unnamed).map(|flow| {
        let named: BTreeSet<&str> =
            score::hitting(flow, findings).flat_map(|finding| &finding.tools).map(String::as_str).collect();
        format!("{} · findings name {named:?}", describe(run, flow))
    })
}

fn describe(run: &PairRun, flow: &Flow) -> String {
    let tool = flow.tool.as_deref().unwrap_or("no tool");
    let Flow { class, sink_file, sink_line, difficulty, .. } = flow;
    let difficulty = format!("{difficulty:?}").to_lowercase();
    format!("{} · {class} · {sink_file}:{sink_line} · {tool} · {difficulty}", run.pair.id)
}

/// A hint for the reader of a miss: the closest finding of the class in the sink's file.
fn nearest(flow: &Flow, findings: &[Finding]) -> String {
    let in_file = findings.iter().filter(|f| score::is_of_class(flow, f) && f.location.file.ends_with(&flow.sink_file));
    in_file
        .min_by_key(|finding| finding.location.line.abs_diff(flow.sink_line))
        .map(|finding| format!(" · nearest {} at {}", finding.rule, finding.location.line))
        .unwrap_or_default()
}

fn noisy(run: &PairRun) -> Vec<String> {
    let flows = run.pair.scored();
    if flows.iter().all(|flow| flow.fixed_still_flags) {
        return Vec::new();
    }
    // Such a tree cannot be quiet and right at once; the definition counts it nevertheless.
    let mixed = if flows.iter().any(|flow| flow.fixed_still_flags) { " · another flow rightly stays" } else { "" };
    let line = |finding: &Finding| {
        let Finding { rule, severity, location, tools, message, .. } = finding;
        format!(
            "{} · {severity} {rule} · {}:{} · {tools:?} · {message}{mixed}",
            run.pair.id, location.file, location.line
        )
    };
    score::noise(&flows, run.fixed.findings()).into_iter().map(line).collect()
}

fn troubles(run: &PairRun) -> impl Iterator<Item = String> {
    let trouble = |side: &str, scan: &Scan| Some(format!("{}/{side}: {}", run.pair.id, scan.trouble()?));
    [trouble("vuln", &run.vuln), trouble("fixed", &run.fixed)].into_iter().flatten()
}

fn as_json(runs: &[PairRun]) -> String {
    let ratio = |Ratio { part, whole }: Ratio| json!([part, whole]);
    let scores: Vec<Value> = rows(runs)
        .into_iter()
        .map(|Row { name, tally }| {
            json!({
                "name": name.trim(), "flows_hit": ratio(tally.flows), "tool_named": ratio(tally.named),
                "pairs_found": ratio(tally.found), "fixed_quiet": ratio(tally.quiet), "pairs_solved": ratio(tally.solved),
            })
        })
        .collect();
    let millis = |time: Duration| time.as_secs_f64() * 1e3;
    let (total, longest) = score::times(runs);
    let report = json!({
        "scores": scores,
        "missed": runs.iter().flat_map(misses).collect::<Vec<_>>(),
        "unnamed": runs.iter().flat_map(unnamed).collect::<Vec<_>>(),
        "noisy": runs.iter().flat_map(noisy).collect::<Vec<_>>(),
        "troubles": runs.iter().flat_map(troubles).collect::<Vec<_>>(),
        "total_ms": millis(total), "longest_ms": millis(longest),
    });
    format!("{report:#}\n")
}

#[cfg(test)]
mod tests {
    use super::super::scan::{Place, Report};
    use super::*;

    /// One pair of two flows; the vulnerable scan hits the first, names another tool, and is incomplete.
    fn example() -> PairRun {
        let pair = serde_json::from_str(
            r#"{"id": "a", "language": "javascript", "flows": [
                {"class": "ssrf", "cwe": "CWE-918", "tool": "get", "sink_file": "a.js", "sink_line": 10, "difficulty": "normal"},
                {"class": "ssrf", "cwe": "CWE-918", "tool": "put", "sink_file": "a.js", "sink_line": 40, "difficulty": "hard"}]}"#,
        )
        .unwrap();
        let finding = || Finding {
            rule: "ssrf".into(),
            cwe: vec!["CWE-918".into()],
            tools: vec!["other".into()],
            location: Place { file: "a.js".into(), line: 11 },
            ..Finding::default()
        };
        let mut report = Report { findings: vec![finding()], ..Report::default() };
        report.completeness.complete = false;
        let vuln = Scan { outcome: Ok(report), took: Duration::ZERO };
        let fixed =
            Scan { outcome: Ok(Report { findings: vec![finding()], ..Report::default() }), took: Duration::ZERO };
        PairRun { pair, vuln, fixed }
    }

    #[test]
    fn the_lists_say_what_to_look_at_next() {
        let run = example();
        assert_eq!(misses(&run).collect::<Vec<_>>(), ["a · ssrf · a.js:40 · put · hard · nearest ssrf at 11"]);
        assert_eq!(
            unnamed(&run).collect::<Vec<_>>(),
            [r#"a · ssrf · a.js:10 · get · normal · findings name {"other"}"#]
        );
        assert_eq!(noisy(&run).len(), 1);
        assert_eq!(
            troubles(&run).collect::<Vec<_>>(),
            ["a/vuln: incomplete: 0 handlers unresolved, budgets exhausted: []"]
        );
    }

    #[test]
    fn the_table_splits_by_difficulty_and_keeps_compiled_packages_apart() {
        let mut dist = example();
        dist.pair.id = "a--dist".into();
        let rows = rows(&[example(), dist]);
        let flows = |name: &str| rows.iter().find(|row| row.name.trim() == name).map(|row| row.tally.flows);
        assert_eq!(flows("normal"), Some(Ratio { part: 1, whole: 1 }));
        assert_eq!(flows("hard"), Some(Ratio { part: 0, whole: 1 }));
        assert_eq!(flows("all"), Some(Ratio { part: 1, whole: 2 }));
        assert_eq!(flows("compiled (--dist), apart"), Some(Ratio { part: 1, whole: 2 }));
        assert_eq!(flows("Python"), None);
    }

    #[test]
    fn nothing_to_count_is_a_dash() {
        assert_eq!(cell(Ratio::default()).trim(), "-");
        assert_eq!(cell(Ratio { part: 1, whole: 3 }).trim(), "1/3  33 %");
    }
}
