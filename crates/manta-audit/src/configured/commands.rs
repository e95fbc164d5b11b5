//! `shell-as-server`: command lines that are programs of their own.

use manta_core::{Finding, Severity};
use manta_mcp::clients::Configured;

use super::Config;
use super::packages::program;
use crate::rules;

/// Shells and interpreters that take a program as an argument, and the option that does it.
const INTERPRETERS: &[(&[&str], &[&str])] = &[
    (&["sh", "bash", "zsh", "dash", "ksh", "ash", "fish"], &["-c", "-lc", "-ic", "-ec", "-xc", "-lic"]),
    (&["powershell", "pwsh"], &["-command", "-c", "-encodedcommand", "-enc", "-e", "-ec"]),
    (&["node", "bun"], &["-e", "--eval", "-p", "--print"]),
    (&["python", "python3", "py"], &["-c"]),
    (&["perl", "ruby"], &["-e"]),
    (&["deno"], &["eval"]),
];
/// Programs that fetch something.
const FETCHERS: &[&str] =
    &["curl ", "wget ", "iwr ", "invoke-webrequest", "irm ", "invoke-restmethod", "downloadstring"];

pub(super) fn findings(config: &Config, server: &Configured, findings: &mut Vec<Finding>) {
    let Some((first, rest)) = server.command.split_first() else { return };
    let name = program(&first.text);
    let options = INTERPRETERS.iter().find(|(names, _)| names.contains(&name.as_str())).map(|(_, options)| *options);
    let script = match options {
        Some(options) => rest
            .iter()
            .position(|word| options.contains(&word.text.to_ascii_lowercase().as_str()))
            .and_then(|at| rest.get(at + 1)),
        // `cmd /c npx …` is how Windows starts a script; only what goes beyond one command is a program.
        None if name == "cmd" => rest.iter().find(|word| word.text.contains(['&', '|', '>'])),
        None => None,
    };
    let Some(script) = script else { return };
    let text = script.text.to_ascii_lowercase();
    let fetches = FETCHERS.iter().any(|fetcher| text.contains(fetcher));
    let is_encoded = rest.iter().any(|word| word.text.to_ascii_lowercase().starts_with("-enc"));
    let (severity, what) = if fetches && text.contains(['|', '&', ';', '`', '(']) {
        (Severity::High, "is a shell that runs what it fetches")
    } else if is_encoded {
        (Severity::High, "is a shell that runs an encoded program")
    } else {
        (Severity::Medium, "is a program inside the configuration")
    };
    let message = format!("server `{}` {what}", server.name);
    let mut finding = config.finding(rules::known("shell-as-server"), server, script.at, message);
    finding.severity = severity;
    finding.help = "start the server's own program with a list of arguments; put what must happen before into a script that is reviewed".to_owned();
    findings.push(finding);
}
