//! Shows the guard with real clients, real servers and other parsers.
//!
//! Needs Node, npm, Python with `venv` and `git`; fetches the published servers and SDKs into the target
//! directory at first use.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::suite::{self, REVISIONS, Server};
use crate::tools::Tools;
use crate::{built, cut};

/// Published packages, pinned so that a run can be repeated.
const NPM: &[&str] = &[
    "@modelcontextprotocol/sdk",
    "@modelcontextprotocol/server-filesystem",
    "@modelcontextprotocol/server-everything",
    "@modelcontextprotocol/server-memory",
];
const PYPI: &[&str] = &["mcp", "mcp-server-fetch", "mcp-server-git", "mcp-server-time"];

/// Frames compared between parsers.
const FRAMES: &str = "300000";

/// A published server, what the policy grants it, and calls that show that it works.
struct Case {
    name: &'static str,
    command: Vec<String>,
    policy: &'static str,
    calls: Value,
}

/// Runs everything and reports; the first difference is an error.
pub(crate) fn ready_guard(root: &Path) -> Result<String, String> {
    let stage = Stage::new(root)?;
    let mut report = String::new();
    stage.compare_parsers(&mut report)?;
    for case in cases(&stage.work) {
        for client in ["client.mjs", "client.py"] {
            stage.compare_direct_and_guarded(&case, client, &mut report)?;
            stage.compare_bytes(&case, client, &mut report)?;
        }
    }
    for client in ["resume.mjs", "resume.py"] {
        stage.broken_connection(client, &mut report)?;
    }
    stage.conformance(&mut report)?;
    Ok(report)
}

/// Fetches the published servers and clients, unless they are there; where they are.
pub(crate) fn fetch(root: &Path) -> Result<PathBuf, String> {
    let work = built::target(root).join("ready-guard");
    for directory in ["data", "repo"] {
        fs::create_dir_all(work.join(directory)).map_err(|error| error.to_string())?;
    }
    if !work.join("node_modules").is_dir() {
        run("npm", &["init", "-y"], &work)?;
        run("npm", &[&["install", "--no-audit", "--no-fund", "--ignore-scripts"], NPM].concat(), &work)?;
    }
    if !work.join("venv").is_dir() {
        run("python3", &["-m", "venv", "venv"], &work)?;
        run("venv/bin/pip", &[&["install", "-q"], PYPI].concat(), &work)?;
    }
    Ok(work)
}

fn run(program: &str, arguments: &[&str], at: &Path) -> Result<String, String> {
    let output = Command::new(program).args(arguments).current_dir(at).stdin(Stdio::null()).output();
    let output = output.map_err(|error| format!("{program}: {error}"))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    Err(format!("{program} {}: {}", arguments.join(" "), String::from_utf8_lossy(&output.stderr)))
}

struct Stage {
    root: PathBuf,
    work: PathBuf,
    programs: PathBuf,
    tools: Tools,
}

impl Stage {
    fn new(root: &Path) -> Result<Self, String> {
        let programs = built::programs(root)?;
        let (work, tools) = (fetch(root)?, Tools::install(root)?);
        if !work.join("repo/.git").is_dir() {
            run("git", &["init", "-q", "repo"], &work)?;
        }
        fs::write(work.join("data/a.txt"), "hello\n").map_err(|error| error.to_string())?;
        let scripts = root.join("crates/manta-guard/tests/real");
        for script in ["client.mjs", "client.py", "fixture.mjs", "slow.mjs", "resume.mjs", "resume.py", "tee.mjs"] {
            fs::copy(scripts.join(script), work.join(script)).map_err(|error| error.to_string())?;
        }
        Ok(Self { root: root.to_owned(), work, programs, tools })
    }

    /// Every frame the guard would forward is one message to Node and to Python, and the same one.
    fn compare_parsers(&self, report: &mut String) -> Result<(), String> {
        let example = self.programs.join("examples/accepted_frames");
        let frames = run(&example.to_string_lossy(), &[FRAMES], &self.root)?;
        let scripts = self.root.join("crates/manta-mcp/tests/differential");
        let read = |program: &str, script: &str| -> Result<Vec<Value>, String> {
            let output = self.feed(program, &scripts.join(script), &frames)?;
            output
                .lines()
                .map(|line| serde_json::from_str(line).map_err(|error| format!("{script}: {error}")))
                .collect()
        };
        let (node, python) = (read("node", "read.mjs")?, read("python3", "read.py")?);
        let count = frames.lines().count();
        if node.len() != count || python.len() != count {
            return Err(format!("{count} frames were {} to Node and {} to Python", node.len(), python.len()));
        }
        if let Some((at, (ours, theirs))) =
            node.iter().zip(&python).enumerate().find(|(_, (node, python))| !same(node, python))
        {
            return Err(format!("frame {at} is {ours} to Node and {theirs} to Python"));
        }
        let _ = writeln!(report, "{count} accepted frames read alike by Node and Python, keys folded");
        Ok(())
    }

    /// The official clients see the same tools and the same results with and without the guard.
    fn compare_direct_and_guarded(&self, case: &Case, client: &str, report: &mut String) -> Result<(), String> {
        let guard = self.programs.join("manta-guard").to_string_lossy().into_owned();
        let policy = self.work.join(format!("{}.toml", case.name));
        fs::write(&policy, case.policy).map_err(|error| error.to_string())?;
        let start = [guard, "--policy".to_owned(), policy.to_string_lossy().into_owned(), "--".to_owned()];
        let guarded: Vec<String> = start.into_iter().chain(case.command.iter().cloned()).collect();
        let direct = self.talk(case, client, &case.command)?;
        let through = self.talk(case, client, &guarded)?;
        if direct != through {
            return Err(format!("{} with {client}: direct {direct}, guarded {through}", case.name));
        }
        let _ = writeln!(
            report,
            "{} with {client}: {} tools, {} calls, as without the guard",
            case.name,
            count(&direct["tools"]),
            count(&direct["calls"])
        );
        Ok(())
    }

    /// What leaves the guard on either side is what came in on the other, byte by byte. Servers in Python are left out: what
    /// the guard grants a server (such as the `.git` of its repository) it grants by what is started, which would be the copier.
    fn compare_bytes(&self, case: &Case, client: &str, report: &mut String) -> Result<(), String> {
        if case.command[0] != "node" {
            let _ = writeln!(report, "{} with {client}: bytes on both sides are not compared", case.name);
            return Ok(());
        }
        let wire = self.work.join("wire");
        fs::create_dir_all(&wire).map_err(|error| error.to_string())?;
        let policy = self.work.join(format!("{}-wire.toml", case.name));
        let open_to_tee = "[roots.wire]\nat = \"wire\"\nmode = \"rwcd\"\n";
        fs::write(&policy, format!("{}\n{open_to_tee}", case.policy)).map_err(|error| error.to_string())?;
        let guard = self.programs.join("manta-guard").to_string_lossy().into_owned();
        let policy = policy.to_string_lossy().into_owned();
        let tee = |at: &str| ["node".to_owned(), "tee.mjs".to_owned(), format!("wire/{at}")];
        let guarded = [tee("client").as_slice(), &[guard, "--policy".to_owned(), policy, "--".to_owned()]].concat();
        self.talk(case, client, &[guarded.as_slice(), &tee("server"), &case.command].concat())?;
        let mut sizes = Vec::new();
        for direction in ["in", "out"] {
            let read = |at: &str| fs::read(wire.join(format!("{at}.{direction}"))).map_err(|error| error.to_string());
            let (outside, inside) = (read("client")?, read("server")?);
            if outside != inside || outside.is_empty() {
                let at = outside.iter().zip(&inside).take_while(|(one, other)| one == other).count();
                return Err(format!("{} with {client}: what goes {direction} differs at byte {at}", case.name));
            }
            sizes.push(outside.len());
        }
        let _ = writeln!(
            report,
            "{} with {client}: the same {} bytes to the server and {} to the client on both sides of the guard",
            case.name, sizes[0], sizes[1]
        );
        Ok(())
    }

    /// A call whose connection breaks while it runs is answered all the same.
    fn broken_connection(&self, client: &str, report: &mut String) -> Result<(), String> {
        let policy = self.work.join("conformance.toml");
        fs::write(&policy, format!("{OPEN}{MANY}")).map_err(|error| error.to_string())?;
        let front = self.front(&policy, &["--", "node", "slow.mjs"])?;
        let address = front.url.trim_start_matches("http://").trim_end_matches("/mcp");
        let address = address.parse().map_err(|error| format!("{address}: {error}"))?;
        let (between, seen) = cut::relay(address).map_err(|error| error.to_string())?;
        let python = self.work.join("venv/bin/python").to_string_lossy().into_owned();
        let program = if client.ends_with(".py") { python.as_str() } else { "node" };
        let said = run(program, &[client, &format!("http://{between}/mcp")], &self.work)?;
        if said.trim() != "made it" || !seen.is_resumed() {
            return Err(format!("{client}: `{}`, resumed: {}", said.trim(), seen.is_resumed()));
        }
        let _ = writeln!(
            report,
            "{client}: a call whose connection broke was answered on a stream that was taken up again"
        );
        Ok(())
    }

    /// The official suite, of the Rust SDK's server and of the TypeScript SDK's, each bare and behind the guard: over
    /// HTTP on both sides in both eras, and over stdio.
    fn conformance(&self, report: &mut String) -> Result<(), String> {
        let policy = self.work.join("conformance.toml");
        fs::write(&policy, format!("{OPEN}{MANY}")).map_err(|error| error.to_string())?;
        let fixture = Server::start(Command::new(self.programs.join("examples/conformance")).arg("bare"))?;
        let upstream = ["--upstream", fixture.url.as_str()];
        for revision in REVISIONS {
            let bare = suite::bare(&self.tools, &self.programs.join("examples/conformance"), revision)?;
            let guard = || self.ask("guarded", &self.front(&policy, &upstream)?.url, revision);
            let mut guarded = guard()?;
            // Some checks wait for a message for a moment, which a busy machine can miss; what is lost twice is lost.
            let again = if suite::compare(&bare, &guarded).is_ok() { suite::Results::new() } else { guard()? };
            guarded.extend(again.into_iter().filter(|(_, status)| status == "SUCCESS"));
            let passed = suite::compare(&bare, &guarded).map_err(|lost| format!("conformance {revision}: {lost}"))?;
            let _ =
                writeln!(report, "conformance {revision}: the bare SDK passes {passed} checks, the guard all of them");
        }
        let front = self.front(&policy, &["--", "node", "fixture.mjs"])?;
        let results = self.ask("stdio", &front.url, REVISIONS[0])?;
        let failed: Vec<&String> =
            results.iter().filter(|(_, status)| *status == "FAILURE").map(|(name, _)| name).collect();
        let passed = results.values().filter(|status| *status == "SUCCESS").count();
        // Without a server the suite passes 29 checks: only what fails says something, once enough was asked.
        if !failed.is_empty() || passed < 75 {
            return Err(format!("conformance {}, stdio: {passed} passed, failed: {failed:?}", REVISIONS[0]));
        }
        let _ = writeln!(report, "conformance {}, a stdio server: {passed} passed, 0 failed", REVISIONS[0]);
        Ok(())
    }

    /// The guard on a port of its own choice.
    fn front(&self, policy: &Path, server: &[&str]) -> Result<Server, String> {
        let mut guard = Command::new(self.programs.join("manta-guard"));
        guard.arg("--policy").arg(policy).args(["--http", "127.0.0.1:0"]).args(server);
        Server::start(guard.current_dir(&self.work).stdin(Stdio::null()))
    }

    fn ask(&self, name: &str, url: &str, revision: &str) -> Result<suite::Results, String> {
        suite::ask(&self.tools, url, revision, &self.work.join(format!("out/{name}-{revision}")))
    }

    fn talk(&self, case: &Case, client: &str, command: &[String]) -> Result<Value, String> {
        let file = self.work.join("case.json");
        let text = json!({ "command": command, "cwd": self.work, "calls": case.calls }).to_string();
        fs::write(&file, text).map_err(|error| error.to_string())?;
        let python = self.work.join("venv/bin/python").to_string_lossy().into_owned();
        let program = if client.ends_with(".py") { python.as_str() } else { "node" };
        let said = run(program, &[client, "case.json"], &self.work)?;
        let line = said.lines().last().unwrap_or("");
        serde_json::from_str(line).map_err(|error| format!("{} with {client}: {error}: {line}", case.name))
    }

    fn feed(&self, program: &str, script: &Path, input: &str) -> Result<String, String> {
        let file = self.work.join("frames.jsonl");
        fs::write(&file, input).map_err(|error| error.to_string())?;
        let input = fs::File::open(&file).map_err(|error| error.to_string())?;
        let output =
            Command::new(program).arg(script).stdin(input).output().map_err(|error| format!("{program}: {error}"))?;
        if output.status.success() {
            return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
        }
        Err(format!("{}: {}", script.display(), String::from_utf8_lossy(&output.stderr)))
    }
}

fn cases(work: &Path) -> Vec<Case> {
    let path = |name: &str| work.join(name).to_string_lossy().into_owned();
    let node =
        |package: &str| vec!["node".to_owned(), format!("node_modules/@modelcontextprotocol/{package}/dist/index.js")];
    let python = |module: &str| vec!["venv/bin/python".to_owned(), "-m".to_owned(), module.to_owned()];
    vec![
        Case {
            name: "filesystem",
            command: [node("server-filesystem"), vec![path("data")]].concat(),
            policy: FILESYSTEM,
            calls: json!([
                { "name": "read_text_file", "arguments": { "path": path("data/a.txt") } },
                { "name": "write_file", "arguments": { "path": path("data/b.txt"), "content": "x" } },
                { "name": "list_directory", "arguments": { "path": path("data") } },
            ]),
        },
        Case {
            name: "everything",
            command: node("server-everything"),
            policy: OPEN,
            calls: json!([
                { "name": "echo", "arguments": { "message": "hi" } },
                { "name": "get-structured-content", "arguments": { "location": "New York" } },
                { "name": "get-tiny-image", "arguments": {} },
            ]),
        },
        Case {
            name: "memory",
            command: node("server-memory"),
            policy: OPEN,
            calls: json!([{ "name": "read_graph", "arguments": {} }]),
        },
        Case {
            name: "git",
            command: [python("mcp_server_git"), vec!["--repository".to_owned(), path("repo")]].concat(),
            policy: GIT,
            calls: json!([{ "name": "git_status", "arguments": { "repo_path": path("repo") } }]),
        },
        Case {
            name: "time",
            command: python("mcp_server_time"),
            policy: OPEN,
            calls: json!([{ "name": "convert_time", "arguments": { "source_timezone": "UTC", "time": "12:00", "target_timezone": "Asia/Tokyo" } }]),
        },
        // No network is granted, and none is needed to start and to list.
        Case { name: "fetch", command: python("mcp_server_fetch"), policy: OPEN, calls: json!([]) },
    ]
}

const OPEN: &str = "version = 1\ndefault = \"allow\"\n";

/// The suite calls faster than a person, and asks for what a policy refuses by default.
const MANY: &str = "[limits.default]\ncalls = 60000\nper = \"60s\"\n[guard]\nsampling = \"allow\"\n";

const FILESYSTEM: &str = r#"
version = 1
default = "allow"
[roots.data]
at = "data"
mode = "rwcd"
[tools.read_text_file.args]
path = { kind = "path", roots = ["data"], required = true }
[tools.write_file.args]
path = { kind = "path", roots = ["data"], mode = "rwc", required = true }
content = { kind = "string", charset = "any" }
"#;

const GIT: &str = r#"
version = 1
default = "allow"
[roots.repository]
at = "repo"
mode = "rwcd"
deny = []
[guard]
exec = ["/usr/bin/git"]
"#;

/// Numbers may be written as integers by one and as doubles by the other.
fn same(one: &Value, other: &Value) -> bool {
    match (one, other) {
        // Two shortest decimals of one double may be read here as neighbours.
        (Value::Number(one), Value::Number(other)) => {
            let (one, other) = (one.as_f64().unwrap_or(f64::NAN), other.as_f64().unwrap_or(f64::NAN));
            (one - other).abs() <= one.abs() * 4.0 * f64::EPSILON
        }
        (Value::Array(one), Value::Array(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| same(one, other))
        }
        (Value::Object(one), Value::Object(other)) => {
            one.len() == other.len()
                && one.iter().all(|(key, value)| other.get(key).is_some_and(|other| same(value, other)))
        }
        _ => one == other,
    }
}

fn count(list: &Value) -> usize {
    list.as_array().map_or(0, Vec::len)
}
