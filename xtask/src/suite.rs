//! The official conformance suite, asked of servers that are started here.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, PoisonError};

use serde_json::Value;

use crate::tools::Tools;

/// Revisions of the protocol, one per era.
pub(crate) const REVISIONS: [&str; 2] = ["2025-11-25", "2026-07-28"];
/// What the suite says of a check from which it learnt nothing.
pub(crate) const NOT_TESTABLE: [&str; 2] = ["UNTESTABLE", "SKIPPED"];

/// What a server did: status per scenario and check.
pub(crate) type Results = BTreeMap<String, String>;

/// A server over HTTP, stopped when dropped.
pub(crate) struct Server {
    process: Child,
    pub(crate) url: String,
}

impl Server {
    /// Starts a program that says where it listens, on either of its outputs.
    pub(crate) fn start(command: &mut Command) -> Result<Self, String> {
        let mut process = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| format!("{command:?}: {error}"))?;
        let (sender, lines) = std::sync::mpsc::channel();
        let outputs: [Option<Box<dyn std::io::Read + Send>>; 2] = [
            process.stdout.take().map(|output| Box::new(output) as Box<_>),
            process.stderr.take().map(|output| Box::new(output) as Box<_>),
        ];
        for output in outputs.into_iter().flatten() {
            let sender = sender.clone();
            // Reads to the end, so that the server can always write.
            std::thread::spawn(move || {
                BufReader::new(output).lines().map_while(Result::ok).for_each(|line| {
                    let _ = sender.send(line);
                })
            });
        }
        let mut server = Self { process, url: String::new() };
        while let Ok(line) = lines.recv_timeout(std::time::Duration::from_secs(30)) {
            if let Some(url) = line.split("listening on ").nth(1) {
                let url = url.trim();
                server.url = if url.ends_with("/mcp") { url.to_owned() } else { format!("{url}/mcp") };
                return Ok(server);
            }
        }
        Err(format!("{command:?} does not listen"))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// How many checks pass without us, when all of them pass with us.
pub(crate) fn compare(bare: &Results, ours: &Results) -> Result<usize, String> {
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

/// What the SDK's own server does in one revision, with nothing of ours around it. Two parts compare with it, and it is
/// asked once.
pub(crate) fn bare(tools: &Tools, fixture: &Path, revision: &str) -> Result<Results, String> {
    static KNOWN: Mutex<BTreeMap<String, Results>> = Mutex::new(BTreeMap::new());
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(results) = known.get(revision) {
        return Ok(results.clone());
    }
    let server = Server::start(Command::new(fixture).arg("bare"))?;
    let results = ask(tools, &server.url, revision, &tools.place.join(format!("conformance/bare-{revision}")))?;
    known.insert(revision.to_owned(), results.clone());
    Ok(results)
}

/// What a server does in one revision; what the suite wrote stays in `out`.
pub(crate) fn ask(tools: &Tools, url: &str, revision: &str, out: &Path) -> Result<Results, String> {
    // What an earlier run left would count as this one's.
    let _ = fs::remove_dir_all(out);
    let suite = tools.packages().join("@modelcontextprotocol/conformance/dist/index.js");
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
