//! The official conformance suite, against the SDK alone and against what this repository puts around it.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::suite::{self, NOT_TESTABLE, REVISIONS, Results, Server, compare};
use crate::tools::Tools;

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

pub(super) fn run(root: &Path, tools: &Tools, manta: &Path, fixture: &Path) -> Result<String, String> {
    let place = tools.place.join("conformance");
    fs::create_dir_all(place.join("project")).map_err(|error| error.to_string())?;
    fs::write(place.join("wrapper.toml"), POLICY).map_err(|error| error.to_string())?;
    fs::copy(root.join("crates/manta-harden/tests/clients/policy.toml"), place.join("manta.toml"))
        .map_err(|error| error.to_string())?;
    let mut report = String::new();
    for revision in REVISIONS {
        let ask = |name: &str, command: &mut Command| -> Result<Results, String> {
            let server = Server::start(command)?;
            suite::ask(tools, &server.url, revision, &place.join(format!("{name}-{revision}")))
        };
        let bare = suite::bare(tools, fixture, revision)?;
        let guard = || ask("guarded", Command::new(fixture).arg("guarded").arg(place.join("wrapper.toml")));
        let mut guarded = guard()?;
        let served = ask(
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
