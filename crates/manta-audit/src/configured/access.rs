//! `broad-access`: servers that are given the whole machine or the whole home directory.

use manta_core::{Finding, Severity};
use manta_mcp::clients::{Configured, Word};

use super::Config;
use super::packages::{program, unwrapped};
use crate::rules;

pub(super) fn findings(config: &Config, server: &Configured, findings: &mut Vec<Finding>) {
    let words = unwrapped(&server.command);
    let Some(first) = words.first() else { return };
    let is_container = matches!(program(&first.text).as_str(), "docker" | "podman" | "nerdctl");
    let mut report = |word: &Word, severity: Severity, message: &str, help: &str| {
        let message = format!("server `{}` {message}", server.name);
        let mut finding = config.finding(rules::known("broad-access"), server, word.at, message);
        finding.severity = severity;
        finding.help = help.to_owned();
        findings.push(finding);
    };
    if !is_container {
        for word in words.iter().skip(1).filter(|word| is_everything(&word.text)) {
            report(
                word,
                Severity::High,
                &format!("is given all of `{}`", word.text),
                "name the directories it needs, for example \"/home/you/projects/notes\"",
            );
        }
        return;
    }
    let mut before = "";
    for word in &words {
        let (option, value) = match word.text.split_once('=') {
            Some((option, value)) if option.starts_with('-') => (option, value),
            _ if before.starts_with('-') && !word.text.starts_with('-') => (before, word.text.as_str()),
            _ => (word.text.as_str(), ""),
        };
        match option {
            "--privileged" if word.text.starts_with("--privileged") && value != "false" => report(
                word,
                Severity::High,
                "runs in a container without walls",
                "leave out --privileged; add the one capability it needs with --cap-add",
            ),
            "--cap-add" if matches!(value.to_ascii_uppercase().as_str(), "ALL" | "SYS_ADMIN" | "CAP_SYS_ADMIN") => {
                report(word, Severity::High, "may do to the host what root may", "add only the capability it needs");
            }
            "--pid" | "--ipc" | "--userns" | "--network" | "--net" if value == "host" => report(
                word,
                Severity::Medium,
                &format!("shares {} with the host", option.trim_start_matches('-')),
                "leave the option out, or publish the one port it needs on 127.0.0.1",
            ),
            "-v" | "--volume" | "--mount" if !value.is_empty() => {
                let source = mounted(option, value);
                if source.ends_with("docker.sock") || source.ends_with("podman.sock") {
                    report(
                        word,
                        Severity::High,
                        "controls the container engine, and with it the host",
                        "leave the socket out, or put a proxy that allows reading in between",
                    );
                } else if is_everything(source) {
                    report(
                        word,
                        Severity::High,
                        &format!("is given all of `{source}`"),
                        "mount the directory it needs, read-only where possible: \"-v\", \"/home/you/notes:/notes:ro\"",
                    );
                }
            }
            _ => {}
        }
        before = &word.text;
    }
}

/// The host's side of a mount.
fn mounted<'t>(option: &str, value: &'t str) -> &'t str {
    if option == "--mount" {
        let source =
            value.split(',').find_map(|part| part.strip_prefix("source=").or_else(|| part.strip_prefix("src=")));
        return source.unwrap_or("");
    }
    let has_drive = value.as_bytes().get(1) == Some(&b':') && value.starts_with(|c: char| c.is_ascii_alphabetic());
    // The colon of `C:` and of `${env:HOME}` divides nothing.
    let variable = if value.starts_with("${") { value.find('}').unwrap_or(0) } else { 0 };
    let from = if has_drive { 2 } else { variable };
    value[from..].split_once(':').map_or(value, |(source, _)| &value[..from + source.len()])
}

/// The root of a file system, or a whole home directory.
fn is_everything(path: &str) -> bool {
    let path = path.strip_suffix('/').or_else(|| path.strip_suffix('\\')).unwrap_or(path);
    let unified = path.replace('\\', "/");
    let parts: Vec<&str> = unified.split('/').filter(|part| !part.is_empty()).collect();
    let is_rooted = unified.starts_with('/') || unified.is_empty();
    match parts.as_slice() {
        [] => is_rooted,
        ["~" | "$HOME" | "${HOME}" | "%USERPROFILE%" | "${env:HOME}" | "${userHome}"] => true,
        [drive] if !is_rooted => drive.len() == 2 && drive.ends_with(':'),
        ["root" | "home" | "Users" | "etc" | "var"] => is_rooted,
        ["home" | "Users", _] => is_rooted,
        [drive, "Users"] | [drive, "Users", _] => !is_rooted && drive.ends_with(':'),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_machines_and_homes_are_told_from_directories() {
        for path in ["/", "~", "$HOME", "/home/ada", "/Users/ada/", "/root", "C:\\", "C:\\Users\\ada", "/etc"] {
            assert!(is_everything(path), "{path}");
        }
        for path in
            ["/home/ada/notes", "~/notes", "./", ".", "data", "C:\\Users\\ada\\notes", "/srv", "--x", "home/ada"]
        {
            assert!(!is_everything(path), "{path}");
        }
    }

    #[test]
    fn the_hosts_side_of_a_mount() {
        assert_eq!(mounted("-v", "${env:HOME}:/data"), "${env:HOME}");
        assert_eq!(mounted("-v", "${HOME}/notes:/data"), "${HOME}/notes");
        assert_eq!(mounted("-v", "/home/ada:/data:ro"), "/home/ada");
        assert_eq!(mounted("-v", "C:\\Users\\ada:/data"), "C:\\Users\\ada");
        assert_eq!(mounted("-v", "volume:/data"), "volume");
        assert_eq!(mounted("--mount", "type=bind,src=/,dst=/host"), "/");
    }
}
