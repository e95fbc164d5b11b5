//! Shows the HTML report in a real browser, of an ordinary server and of one whose every name is an attack.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::built;

/// A server whose names would run, were they not escaped.
const HOSTILE: &str = r#"
import subprocess
from mcp.server.fastmcp import FastMCP

mcp = FastMCP("</title><script>alert(1)</script>")

@mcp.tool(name="<img src=x onerror=alert(2)>", description="</style><svg onload=alert(3)>")
def run(command: str) -> str:
    return subprocess.getoutput(command)  # </pre><iframe src="javascript:alert(4)"></iframe>

@mcp.tool(name="\"><a href=javascript:alert(5)>")
def other(path: str) -> str:
    return open(path).read()
"#;

/// Renders both and uses them.
pub(crate) fn ready_pages(root: &Path) -> Result<String, String> {
    let work = built::target(root).join("ready-pages");
    let hostile = work.join("hostile");
    fs::create_dir_all(&hostile).map_err(|error| error.to_string())?;
    fs::write(hostile.join("<img src=x onerror=alert(6)>.py"), HOSTILE).map_err(|error| error.to_string())?;
    let manta = built::programs(root)?.join("manta");
    fetch(root)?;
    // Beside node_modules, where Node looks for the package.
    fs::copy(root.join("xtask/pages/report.mjs"), work.join("report.mjs")).map_err(|error| error.to_string())?;
    let browser = run(Command::new("sh").args(["-c", "command -v chromium"]))
        .map_err(|_| "no Chromium; on Debian: apt-get install chromium".to_owned())?;
    let mut report = String::new();
    for (name, server) in [("ordinary", PathBuf::from("examples/my-mcp-server")), ("hostile", hostile)] {
        let page = work.join(format!("{name}.html"));
        let scan = Command::new(&manta)
            .args(["scan", "--fail-on", "never", "-o"])
            .arg(format!("html={}", page.display()))
            .arg(&server)
            .current_dir(root)
            .output()
            .map_err(|error| error.to_string())?;
        if !scan.status.success() {
            return Err(format!("the scan of {name} failed: {}", String::from_utf8_lossy(&scan.stderr)));
        }
        let said = run(Command::new("node")
            .arg("report.mjs")
            .arg(browser.trim())
            .arg(&page)
            .arg(work.join(format!("{name}.png")))
            .current_dir(&work))?;
        for line in said.lines() {
            report.push_str(&format!("{name}: {line}\n"));
        }
    }
    Ok(report)
}

/// Fetches what drives the browser, unless it is there.
pub(crate) fn fetch(root: &Path) -> Result<(), String> {
    let work = built::target(root).join("ready-pages");
    if work.join("node_modules/playwright-core").is_dir() {
        return Ok(());
    }
    let made = fs::create_dir_all(&work).and_then(|()| fs::write(work.join("package.json"), "{}"));
    made.map_err(|error| error.to_string())?;
    let install = ["install", "--no-audit", "--no-fund", "--ignore-scripts", "playwright-core@1"];
    run(Command::new("npm").args(install).current_dir(&work)).map(drop)
}

fn run(command: &mut Command) -> Result<String, String> {
    let output = command.output().map_err(|error| format!("{command:?}: {error}"))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    Err(format!("{command:?} ended with {}\n{out}{err}", output.status))
}
