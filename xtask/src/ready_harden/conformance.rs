//! The official conformance suite, against the SDK alone and against what this repository puts around it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use super::Server;
use super::install::Tools;

/// Revisions of the protocol, one per era.
const REVISIONS: [&str; 2] = ["2025-11-25", "2026-07-28"];
/// Scenarios that ask for nothing but a server; the others call tools and prompts that only fixtures have.
const ANY_SERVER: &[&str] = &[
    "server-initialize",
    "server-session-lifecycle",
    "ping",
    "tools-list",
    "dns-rebinding-protection",
    "http-header-validation",
    "server-stateless",
];
/// Checks of `server-stateless` that need a tool of the fixture (`test_missing_capability`, `test_logging_tool`,
/// `test_trigger_tool_change`, …) or lists that change. `manta serve` has neither, so the suite learns nothing from it
/// and says so. Any other check of which it says that is a loss.
const NEEDS_FIXTURE: &[&str] = &[
    "server-stateless/sep-2575-http-server-no-independent-requests-on-stream",
    "server-stateless/sep-2575-missing-capability-http-400",
    "server-stateless/sep-2575-server-honors-notification-filter",
    "server-stateless/sep-2575-server-no-log-without-loglevel",
    "server-stateless/sep-2575-server-rejects-undeclared-capability",
    "server-stateless/sep-2575-server-sends-prompts-list-changed-on-subscription",
    "server-stateless/sep-2575-server-sends-subscription-ack",
    "server-stateless/sep-2575-server-sends-tools-list-changed-on-subscription",
    "server-stateless/sep-2575-server-tags-subscription-id",
];
/// What the suite says of a check from which it learnt nothing.
const NOT_TESTABLE: [&str; 2] = ["UNTESTABLE", "SKIPPED"];

/// Everything passes. The wrapper must not show.
const POLICY: &str = r#"
version = 1
default = "allow"
[limits.default]
calls = 60000
per = "60s"
[tools.test_simple_text]
[tools.test_sampling.args]
prompt = { kind = "string", required = true }
[tools.json_schema_2020_12_tool]
extra = "pass"
"#;

/// What a server did: status per scenario and check.
type Results = BTreeMap<String, String>;

pub(super) fn run(root: &Path, tools: &Tools, manta: &Path, fixture: &Path) -> Result<String, String> {
    let place = tools.place.join("conformance");
    let _ = fs::remove_dir_all(&place);
    fs::create_dir_all(place.join("project")).map_err(|error| error.to_string())?;
    fs::write(place.join("wrapper.toml"), POLICY).map_err(|error| error.to_string())?;
    fs::copy(root.join("crates/manta-harden/tests/clients/policy.toml"), place.join("manta.toml"))
        .map_err(|error| error.to_string())?;
    let mut report = String::new();
    for revision in REVISIONS {
        let suite = |name: &str, command: &mut Command| -> Result<Results, String> {
            let server = Server::start(command)?;
            let _ = fs::remove_dir_all(place.join(format!("{name}-{revision}")));
            ask(tools, &server.url, revision, &place.join(format!("{name}-{revision}")))
        };
        let bare = suite("bare", Command::new(fixture).arg("bare"))?;
        let guard = || suite("guarded", Command::new(fixture).arg("guarded").arg(place.join("wrapper.toml")));
        let mut guarded = guard()?;
        let served = suite(
            "serve",
            Command::new(manta).args(["serve", "--http", "127.0.0.1:0", "--policy"]).arg(place.join("manta.toml")),
        )?;
        let of_any = |results: &Results| -> Results {
            let is_any = |name: &String| ANY_SERVER.iter().any(|scenario| name.starts_with(&format!("{scenario}/")));
            results
                .iter()
                .filter(|(name, _)| is_any(name))
                .map(|(name, status)| (name.clone(), status.clone()))
                .collect()
        };
        // Some checks wait for a message for a moment, which a busy machine can miss; what is lost twice is lost.
        let again = if compare(&bare, &guarded).is_ok() { Results::new() } else { guard()? };
        guarded.extend(again.into_iter().filter(|(_, status)| status == "SUCCESS"));
        let passed = compare(&bare, &guarded).map_err(|lost| format!("conformance {revision}, wrapper: {lost}"))?;
        report.push_str(&format!(
            "conformance {revision}: the bare SDK passes {passed} checks, the wrapper all of them\n"
        ));
        let served = of_any(&served);
        let (asked, untested) = testable(&of_any(&bare), &served);
        let passed = compare(&asked, &served).map_err(|lost| format!("conformance {revision}, manta serve: {lost}"))?;
        report.push_str(&format!(
            "conformance {revision}: manta serve passes {passed} of {passed} checks for any server; without the \
             fixture's tools {} can't be asked: {}\n",
            untested.len(),
            untested.join(", ")
        ));
    }
    Ok(report)
}

/// The checks that could be asked of a server without the fixture's tools, and the names of the others.
fn testable(bare: &Results, served: &Results) -> (Results, Vec<String>) {
    let is_untested = |name: &str| {
        let nothing_learnt = served.get(name).is_some_and(|status| NOT_TESTABLE.contains(&status.as_str()));
        NEEDS_FIXTURE.contains(&name) && nothing_learnt
    };
    let (untested, asked): (Results, Results) =
        bare.iter().map(|(name, status)| (name.clone(), status.clone())).partition(|(name, _)| is_untested(name));
    (asked, untested.into_keys().collect())
}

/// How many checks pass without us, when all of them pass with us.
fn compare(bare: &Results, ours: &Results) -> Result<usize, String> {
    let passed = |results: &Results| -> BTreeSet<String> {
        results.iter().filter(|(_, status)| *status == "SUCCESS").map(|(name, _)| name.clone()).collect()
    };
    let (bare_passed, ours_passed) = (passed(bare), passed(ours));
    if bare_passed.is_empty() {
        return Err(format!("the bare server passes nothing: {bare:?}"));
    }
    let lost: Vec<String> = bare_passed
        .difference(&ours_passed)
        .map(|name| format!("{name} is {}", ours.get(name).map_or("missing", String::as_str)))
        .collect();
    if lost.is_empty() { Ok(bare_passed.len()) } else { Err(format!("lost {}", lost.join(", "))) }
}

fn ask(tools: &Tools, url: &str, revision: &str, out: &Path) -> Result<Results, String> {
    let suite = tools.place.join("node_modules/@modelcontextprotocol/conformance/dist/index.js");
    // It ends with 1 when any check fails, which is for us to judge.
    let output = Command::new(&tools.node)
        .arg(suite)
        .args(["server", "--url", url, "--requirements", revision, "--timeout", "20000", "-o"])
        .arg(out)
        .output()
        .map_err(|error| format!("conformance suite: {error}"))?;
    let mut results = Results::new();
    for file in checks(out) {
        let text = fs::read_to_string(&file).map_err(|error| format!("{}: {error}", file.display()))?;
        let Ok(Value::Array(list)) = serde_json::from_str::<Value>(&text) else {
            return Err(format!("{} is no list of checks", file.display()));
        };
        let scenario = scenario(&file);
        for check in list {
            let id = check["id"].as_str().unwrap_or_default();
            let status = match check["details"]["untestable"] == Value::Bool(true) {
                true => NOT_TESTABLE[0],
                false => check["status"].as_str().unwrap_or_default(),
            };
            let name = format!("{scenario}/{id}");
            // A check that is made several times passes when it passes every time.
            let is_worse = results.get(&name).is_some_and(|before| before != "SUCCESS");
            if !is_worse {
                results.insert(name, status.to_owned());
            }
        }
    }
    match results.is_empty() {
        false => Ok(results),
        true => {
            let (said, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
            Err(format!("the conformance suite left no results: {said}{err}"))
        }
    }
}

fn checks(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten().map(|entry| entry.path());
    let mut files: Vec<PathBuf> = entries.map(|path| path.join("checks.json")).filter(|file| file.exists()).collect();
    files.sort();
    files
}

/// `server-ping-2026-11-24T…` is the directory of `ping`.
fn scenario(file: &Path) -> String {
    let name =
        file.parent().and_then(Path::file_name).map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let name = name.strip_prefix("server-").unwrap_or(&name);
    // `-2026-11-24T10-20-30-123Z`; a name may hold a year of its own (`json-schema-2020-12`).
    const TIME: usize = 25;
    name.get(..name.len().saturating_sub(TIME)).unwrap_or(name).to_owned()
}
