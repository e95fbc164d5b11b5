//! What `manta-harden` and `manta serve` must show with programs that `cargo test` may not need: Node,
//! Python, `redis-server`, and file systems of several kinds.

mod conformance;
mod cost;

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use crate::built;
use crate::suite::Server;
use crate::tools::Tools;

const TOKEN: &str = "ready-ready-ready-ready";

/// Runs everything; the first thing that does not hold ends it.
pub(crate) fn ready_harden(root: &Path) -> Result<String, String> {
    let root = &root.canonicalize().map_err(|error| error.to_string())?;
    let tools = Tools::install(root)?;
    let built = Built::new(root)?;
    let mut report = String::new();
    let mut show = |what: &str, part: &dyn Fn() -> Result<String, String>| -> Result<(), String> {
        let start = Instant::now();
        let part = part().map_err(|error| format!("{what}: {error}"))?;
        say(&format!("{part}  ({what}: {:.0?})\n", start.elapsed()));
        report.push_str(&part);
        Ok(())
    };
    show("clients", &|| clients(root, &tools, &built.manta))?;
    show("OAuth", &|| oauth(&tools, &built.manta))?;
    show("telemetry", &|| telemetry(root, &tools, &built.manta))?;
    show("conformance", &|| conformance::run(root, &tools, &built.manta, &built.fixture))?;
    show("file systems", &|| file_systems(&tools, &built))?;
    show("oracles, Redis, killed writers", &|| oracles(&tools, &built))?;
    show("cost", &|| match built.is_release {
        true => cost::run(&built.manta, &tools.place),
        false => Ok("cost: NOT measured, since MANTA_PROFILE is not release\n".to_owned()),
    })?;
    Ok(report)
}

/// Programs of this repository.
struct Built {
    /// Whether costs mean anything.
    is_release: bool,
    manta: PathBuf,
    fixture: PathBuf,
    /// The test binaries `ready` and `it`.
    ready: PathBuf,
    it: PathBuf,
}

impl Built {
    fn new(root: &Path) -> Result<Self, String> {
        // Costs are measured on what users run; `MANTA_PROFILE` names another profile while working on this.
        let profile = std::env::var("MANTA_PROFILE").unwrap_or_else(|_| "release".to_owned());
        let programs = built::programs(root)?;
        let manta = if profile == "dev" {
            programs.join("manta")
        } else {
            let build = ["build", "-q", "--workspace", "--bin", "manta", "--profile", &profile];
            run(Command::new("cargo").args(build).current_dir(root))?;
            built::target(root).join(&profile).join("manta")
        };
        // As in `built`: the features that `cargo test --workspace` chose.
        let packages = ["-q", "--workspace"];
        let test = |name: &str| -> Result<PathBuf, String> {
            let output = Command::new("cargo")
                .arg("test")
                .args(packages)
                .args(["--test", name, "--no-run", "--message-format", "json"])
                .current_dir(root)
                .stderr(Stdio::inherit())
                .output()
                .map_err(|error| error.to_string())?;
            let text = String::from_utf8_lossy(&output.stdout);
            let artifacts = text.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
            let is_ours = |artifact: &serde_json::Value| {
                let source = artifact["target"]["src_path"].as_str().unwrap_or_default();
                artifact["target"]["name"] == name && source.contains("/manta-harden/tests/")
            };
            let found =
                artifacts.filter(is_ours).find_map(|artifact| artifact["executable"].as_str().map(PathBuf::from));
            found.ok_or_else(|| format!("the tests `{name}` did not build"))
        };
        Ok(Self {
            is_release: profile == "release",
            manta,
            fixture: programs.join("examples/conformance"),
            ready: test("ready")?,
            it: test("it")?,
        })
    }
}

/// The official clients over stdio and HTTP, in both eras where the client knows both, and the log they leave.
fn clients(root: &Path, tools: &Tools, manta: &Path) -> Result<String, String> {
    let (py, mjs) = (tools.script("client.py"), tools.script("client.mjs"));
    let python = |mode: &str| (tools.python.clone(), vec![py.clone()], vec![mode.to_owned()]);
    let mut report = String::new();
    for (name, client) in [
        ("Python SDK, handshake era", python("legacy")),
        ("Python SDK, stateless era", python("auto")),
        ("TypeScript SDK", (tools.node.clone(), vec![mjs], Vec::new())),
    ] {
        for kind in ["stdio", "http"] {
            let scene = Scene::new(root, tools, name, kind)?;
            scene.drive(manta, kind, &client).map_err(|error| format!("{name} over {kind}: {error}"))?;
            report.push_str(&format!("{name} over {kind}: ok, log intact, {}\n", scene.export(manta, tools)?));
        }
    }
    Ok(report)
}

/// A client: program, the arguments before `stdio` or `http`, and those after.
type Client = (PathBuf, Vec<String>, Vec<String>);

/// A directory with the policy, a project, and a link that leads out of it.
struct Scene(PathBuf);

impl Scene {
    fn new(root: &Path, tools: &Tools, client: &str, kind: &str) -> Result<Self, String> {
        let name: String = client.chars().filter(char::is_ascii_alphanumeric).collect();
        let place = tools.place.join(format!("{name}-{kind}"));
        let _ = fs::remove_dir_all(&place);
        let made = fs::create_dir_all(place.join("project"))
            .and_then(|()| {
                fs::copy(root.join("crates/manta-harden/tests/clients/policy.toml"), place.join("manta.toml"))
            })
            .and_then(|_| std::os::unix::fs::symlink(&place, place.join("project/up")));
        made.map_err(|error| error.to_string())?;
        Ok(Self(place))
    }

    fn drive(&self, manta: &Path, kind: &str, (program, before, after): &Client) -> Result<(), String> {
        let policy = self.0.join("manta.toml");
        let mut client = Command::new(program);
        client.args(before).arg(kind).args(after);
        if kind == "stdio" {
            run(client.arg(manta).args(["serve", "--policy"]).arg(&policy))?;
        } else {
            let server = serve_http(manta, &policy)?;
            run(client.args([&server.url, TOKEN]))?;
        }
        run(Command::new(manta).args(["audit", "verify"]).arg(self.0.join("audit.jsonl")))
    }

    /// The log in the formats of security monitoring, held against the published schema.
    fn export(&self, manta: &Path, tools: &Tools) -> Result<String, String> {
        let export = |format: &str| {
            output(Command::new(manta).args(["audit", "export", format]).arg(self.0.join("audit.jsonl")))
        };
        let cef = export("--cef")?;
        if cef.is_empty() || !cef.lines().all(|line| line.starts_with("CEF:0|Manta|manta|")) {
            return Err(format!("this is not CEF: {cef}"));
        }
        let said = filter(Command::new(&tools.python).arg(tools.script("ocsf.py")), &export("--ocsf")?)?;
        Ok(format!("OCSF: {}", said.trim()))
    }
}

fn oauth(tools: &Tools, manta: &Path) -> Result<String, String> {
    let place = tools.place.join("oauth");
    let _ = fs::remove_dir_all(&place);
    fs::create_dir_all(&place).map_err(|error| error.to_string())?;
    run(Command::new(&tools.node).arg(tools.script("oauth.mjs")).arg(manta).arg(&place))?;
    run(Command::new(manta).args(["audit", "verify"]).arg(place.join("audit.jsonl")))?;
    Ok("OAuth, TypeScript SDK and jose: discovery, call, rotation; forged and foreign tokens refused\n".to_owned())
}

/// A collector that reads with the official protobuf definitions, and a client that makes calls.
fn telemetry(root: &Path, tools: &Tools, manta: &Path) -> Result<String, String> {
    let free = std::net::TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
    let port = free.map_err(|error| error.to_string())?.port().to_string();
    let mut collector = Command::new(&tools.python)
        .arg(tools.script("otlp.py"))
        .args([&port, "60"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|error| error.to_string())?;
    let mut said = BufReader::new(collector.stdout.take().ok_or("no standard output")?);
    let mut line = String::new();
    said.read_line(&mut line).map_err(|error| error.to_string())?;
    let scene = Scene::new(root, tools, "telemetry", "stdio")?;
    let policy = scene.0.join("manta.toml");
    let text = fs::read_to_string(&policy).map_err(|error| error.to_string())?;
    fs::write(&policy, format!("{text}\n[otel]\nendpoint = \"http://127.0.0.1:{port}\"\narguments = true\n"))
        .map_err(|error| error.to_string())?;
    let client = (tools.python.clone(), vec![tools.script("client.py")], vec!["auto".to_owned()]);
    let driven = scene.drive(manta, "stdio", &client);
    drop(collector.stdin.take()); // tells it to stop and judge
    let mut verdict = String::new();
    std::io::Read::read_to_string(&mut said, &mut verdict).map_err(|error| error.to_string())?;
    let ended = collector.wait().map_err(|error| error.to_string())?;
    driven?;
    if !ended.success() {
        return Err("the collector is not content".to_owned());
    }
    Ok(format!("OpenTelemetry: {verdict}"))
}

/// The race and every static case on the file system of the target directory, on tmpfs and on overlayfs; and a
/// disk that fills up.
fn file_systems(tools: &Tools, built: &Built) -> Result<String, String> {
    let mut report = String::new();
    let here = tools.place.join("here");
    fs::create_dir_all(&here).map_err(|error| error.to_string())?;
    let mount = |script: &str, seconds: &str, binary: &Path, arguments: &[&str]| -> Result<String, String> {
        // A mount namespace of its own: nothing is left behind.
        let script = format!("set -e; cd {}; mkdir -p m up work; {script}; shift 0; exec \"$@\"", here.display());
        let mut command = Command::new("unshare");
        command.args(["--mount", "--map-root-user", "sh", "-c", &script, "sh"]).arg(binary).args(arguments);
        command
            .env("TMPDIR", here.join("m"))
            .env("MANTA_SMALL_DISK", here.join("m"))
            .env("MANTA_RACE_SECONDS", seconds);
        output(&mut command)
    };
    let race = ["race::", "paths::", "--nocapture", "--test-threads", "2"];
    for (name, script, seconds) in [
        ("the target directory", "true", "30"),
        ("tmpfs", "mount -t tmpfs -o size=64m tmpfs m", "5"),
        (
            "overlayfs",
            "mount -t tmpfs -o size=64m tmpfs work; mkdir work/l work/u work/w; mount -t overlay -o lowerdir=work/l,upperdir=work/u,workdir=work/w overlay m",
            "5",
        ),
    ] {
        let said = mount(script, seconds, &built.it, &race).map_err(|error| format!("{name}: {error}"))?;
        report.push_str(&format!("race and static cases on {name}, {seconds} s each:\n"));
        for line in said.lines().filter(|line| line.contains(" tries ")) {
            report.push_str(&format!("    {line}\n"));
        }
    }
    let small = "mount -t tmpfs -o size=1m tmpfs m";
    let said = mount(small, "0", &built.ready, &["--ignored", "--nocapture", "disk::"])?;
    report.push_str(&results(&said)?);
    Ok(report)
}

/// Other people's tables and lists, a real Redis, and a thousand killed writers.
fn oracles(tools: &Tools, built: &Built) -> Result<String, String> {
    let judges = format!(
        "{}\t{}\n{}\t{}",
        tools.python.display(),
        tools.script("oracle.py"),
        tools.node.display(),
        tools.script("oracle.mjs")
    );
    let vectors = tools.place.join("ssrfcheck.jsonl");
    let script =
        "for (const url of require('ssrfcheck/tests/data/should-not-pass.js')) console.log(JSON.stringify(url))";
    let list = output(Command::new(&tools.node).args(["-e", script]).current_dir(&tools.place))?;
    fs::write(&vectors, list).map_err(|error| error.to_string())?;
    let said = output(
        Command::new(&built.ready)
            .args(["--ignored", "--nocapture", "--skip", "disk::", "--skip", "crash::child"])
            .env("MANTA_ORACLES", judges)
            .env("MANTA_URL_VECTORS", vectors)
            .env("MANTA_GTFOBINS", tools.python_package("gtfo")?.join("data")),
    )?;
    results(&said)
}

/// The lines that say what a test showed.
fn results(said: &str) -> Result<String, String> {
    let lines: String =
        said.lines().filter_map(|line| line.split("ready: ").nth(1)).map(|line| format!("{line}\n")).collect();
    if lines.is_empty() { Err(format!("it showed nothing: {said}")) } else { Ok(lines) }
}

fn serve_http(manta: &Path, policy: &Path) -> Result<Server, String> {
    let mut command = Command::new(manta);
    Server::start(command.args(["serve", "--http", "127.0.0.1:0", "--policy"]).arg(policy).env("MANTA_TOKEN", TOKEN))
}

fn run(command: &mut Command) -> Result<(), String> {
    output(command).map(|_| ())
}

/// Standard output of a command that must succeed.
fn output(command: &mut Command) -> Result<String, String> {
    let output = command.stdin(Stdio::null()).output().map_err(|error| format!("{command:?}: {error}"))?;
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    match output.status.success() {
        true => Ok(out.into_owned()),
        false => Err(format!("{command:?} ended with {}\n{out}{err}", output.status)),
    }
}

/// Standard output of a command that reads `input`.
fn filter(command: &mut Command, input: &str) -> Result<String, String> {
    let fail = |error: std::io::Error| error.to_string();
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().map_err(fail)?;
    let mut stdin = child.stdin.take().ok_or("no standard input")?;
    let written = stdin.write_all(input.as_bytes());
    drop(stdin);
    let output = child.wait_with_output().map_err(fail)?;
    match (written, output.status.success()) {
        (Ok(()), true) => Ok(String::from_utf8_lossy(&output.stdout).into_owned()),
        _ => Err(format!("{command:?}: {}", String::from_utf8_lossy(&output.stderr))),
    }
}

#[expect(clippy::print_stderr, reason = "progress for the person at the terminal")]
fn say(text: &str) {
    eprint!("{text}");
}
