//! What `manta-harden` and `manta serve` must show with programs that `cargo test` may not need: Node,
//! Python and `redis-server`.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

const TOKEN: &str = "ready-ready-ready-ready";

/// Runs the killed writers and the real Redis, then drives `manta serve` with the official SDK clients over
/// stdio and HTTP, in both eras of the protocol where the client knows both.
pub(crate) fn ready_harden(root: &Path) -> Result<String, String> {
    let features = ["--features", "redis,signing"];
    run(Command::new("cargo")
        .args(["test", "-p", "manta-harden", "--test", "ready"])
        .args(features)
        .args(["--", "--ignored"]))?;
    let manta = build(root)?;
    let clients = install(root)?;
    let mut report = String::from("killed writers, Redis: ok\n");
    for (name, client) in clients {
        for kind in ["stdio", "http"] {
            let scene = Scene::new(root, &name, kind)?;
            scene.drive(&manta, kind, &client).map_err(|error| format!("{name} over {kind}: {error}"))?;
            report.push_str(&format!("{name} over {kind}: ok\n"));
        }
    }
    Ok(report)
}

/// A client: program and the arguments before `stdio` or `http`, and those after.
type Client = (PathBuf, Vec<String>, Vec<String>);

fn build(root: &Path) -> Result<PathBuf, String> {
    run(Command::new("cargo").args(["build", "-p", "manta"]).current_dir(root))?;
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from);
    Ok(target.join("debug/manta"))
}

fn install(root: &Path) -> Result<Vec<(String, Client)>, String> {
    let place = root.join("target/ready");
    let sources = root.join("crates/manta-harden/tests/clients");
    fs::create_dir_all(&place).map_err(|error| error.to_string())?;
    let script = |name: &str| {
        // Beside node_modules, where Node looks for the SDK.
        fs::copy(sources.join(name), place.join(name)).map_err(|error| format!("{name}: {error}"))?;
        Ok::<String, String>(place.join(name).to_string_lossy().into_owned())
    };
    let python = place.join("venv/bin/python");
    if !python.exists() {
        run(Command::new("python3").args(["-m", "venv"]).arg(place.join("venv")))?;
        run(Command::new(&python).args(["-m", "pip", "-q", "install", "mcp>=2"]))?;
    }
    if !place.join("node_modules/@modelcontextprotocol").exists() {
        fs::write(place.join("package.json"), "{}").map_err(|error| error.to_string())?;
        run(Command::new("npm")
            .args(["install", "--no-fund", "--no-audit", "@modelcontextprotocol/sdk"])
            .current_dir(&place))?;
    }
    let (py, mjs) = (script("client.py")?, script("client.mjs")?);
    let in_mode = |mode: &str| (python.clone(), vec![py.clone()], vec![mode.to_owned()]);
    Ok(vec![
        ("Python SDK, handshake era".to_owned(), in_mode("legacy")),
        ("Python SDK, stateless era".to_owned(), in_mode("auto")),
        ("TypeScript SDK".to_owned(), (PathBuf::from("node"), vec![mjs], Vec::new())),
    ])
}

/// A directory with the policy, a project, and a link that leads out of it.
struct Scene(PathBuf);

impl Scene {
    fn new(root: &Path, client: &str, kind: &str) -> Result<Self, String> {
        let name: String = client.chars().filter(char::is_ascii_alphanumeric).collect();
        let place = root.join("target/ready").join(format!("{name}-{kind}"));
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
            let server = Server::start(manta, &policy)?;
            run(client.args([&server.url, TOKEN]))?;
        }
        run(Command::new(manta).args(["audit", "verify"]).arg(self.0.join("audit.jsonl")))
    }
}

/// `manta serve --http`, stopped when dropped.
struct Server {
    process: Child,
    url: String,
}

impl Server {
    fn start(manta: &Path, policy: &Path) -> Result<Self, String> {
        let mut process = Command::new(manta)
            .args(["serve", "--http", "127.0.0.1:0", "--policy"])
            .arg(policy)
            .env("MANTA_TOKEN", TOKEN)
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| error.to_string())?;
        let mut line = String::new();
        let stderr = process.stderr.take().ok_or("no standard error")?;
        BufReader::new(stderr).read_line(&mut line).map_err(|error| error.to_string())?;
        let url = line.split("listening on ").nth(1).map(|url| format!("{}/mcp", url.trim()));
        let url = url.ok_or_else(|| format!("the server said {line:?}"));
        if url.is_err() {
            let _ = process.kill();
        }
        Ok(Self { process, url: url? })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn run(command: &mut Command) -> Result<(), String> {
    let output = command.output().map_err(|error| format!("{command:?}: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    Err(format!("{command:?} ended with {}\n{out}{err}", output.status))
}
