//! Every client's configuration, as its documentation writes it, in its place on three systems and in a project.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use manta_mcp::clients::{self, Client};
use serde_json::Value;

use crate::cli::{manta, stdout};

/// A server without a version, in the form that a client expects in a file of this path, and the rule that reports it.
fn fixture(client: &Client, path: &str) -> (String, &'static str) {
    let package = format!("notes-{}", client.name.to_lowercase().replace([' ', ','], "-"));
    let entry = format!(r#""command": "npx", "args": ["-y", "{package}"], "env": {{ "NOTES_DIR": "/srv/notes" }}"#);
    let unpinned = |text: String| (text, "unpinned-package");
    match (client.name.as_str(), path.rsplit('/').next().unwrap_or_default()) {
        // This file starts no servers; it says which may start unasked.
        ("Claude Code", name) if name.starts_with("settings") => {
            (r#"{ "enableAllProjectMcpServers": true }"#.to_owned(), "blanket-approval")
        }
        ("Claude Code", ".claude.json") => unpinned(format!(
            r#"{{ "projects": {{ "/home/u/app": {{ "mcpServers": {{ "notes": {{ "type": "stdio", {entry} }} }} }} }} }}"#
        )),
        ("Claude Desktop", "manifest.json") => unpinned(format!(
            r#"{{ "manifest_version": "0.3", "name": "notes", "server": {{ "type": "node", "entry_point": "index.js", "mcp_config": {{ {entry} }} }} }}"#
        )),
        // A plugin may leave out what is around its servers.
        ("Claude Code", ".mcp.json") if path.contains("plugins") => {
            unpinned(format!(r#"{{ "notes": {{ {entry} }} }}"#))
        }
        ("VS Code", "settings.json") => unpinned(format!(
            "{{\n  // editors allow remarks\n  \"mcp\": {{ \"servers\": {{ \"notes\": {{ {entry} }} }} }},\n}}"
        )),
        ("VS Code", name) if name.ends_with(".code-workspace") => unpinned(format!(
            r#"{{ "folders": [{{ "path": "." }}], "settings": {{ "mcp": {{ "servers": {{ "notes": {{ {entry} }} }} }} }} }}"#
        )),
        ("Dev containers", _) => unpinned(format!(
            "// A container\n{{ \"image\": \"debian:12\", \"customizations\": {{ \"vscode\": {{ \"mcp\": {{ \"servers\": {{ \"notes\": {{ {entry} }} }} }} }} }} }}"
        )),
        ("Amp", _) => {
            unpinned(format!(r#"{{ "amp.showCosts": true, "amp.mcpServers": {{ "notes": {{ {entry} }} }} }}"#))
        }
        ("Kilo Code", "kilo.json" | "kilo.jsonc") => unpinned(format!(
            r#"{{ "mcp": {{ "notes": {{ "type": "local", "command": ["npx", "-y", "{package}"], "environment": {{}} }} }} }}"#
        )),
        ("Antigravity", _) => {
            unpinned(format!(r#"{{ "mcpServers": {{ "notes": {{ {entry}, "disabledTools": [] }} }} }}"#))
        }
        ("Kiro", "a1.json") => unpinned(format!(
            r#"{{ "name": "notes", "tools": ["@notes"], "mcpServers": {{ "notes": {{ {entry} }} }}, "hooks": {{}} }}"#
        )),
        ("Gemini CLI", "gemini-extension.json") => unpinned(format!(
            r#"{{ "name": "notes", "version": "1.0.0", "mcpServers": {{ "notes": {{ {entry}, "cwd": "${{extensionPath}}" }} }} }}"#
        )),
        ("VS Code" | "Visual Studio" | "Copilot in JetBrains, Xcode and Eclipse", _) => {
            unpinned(format!(r#"{{ "inputs": [], "servers": {{ "notes": {{ "type": "stdio", {entry} }} }} }}"#))
        }
        ("Zed", _) => unpinned(format!(
            "// Zed settings\n{{ \"theme\": \"One\", \"context_servers\": {{ \"notes\": {{ \"source\": \"custom\", {entry} }} }} }}"
        )),
        ("Codex", _) => unpinned(format!(
            "model = \"m\"\n\n[mcp_servers.notes]\ncommand = \"npx\"\nargs = [\"-y\", \"{package}\"]\n\n[mcp_servers.notes.env]\nNOTES_DIR = \"/srv/notes\"\n"
        )),
        ("opencode", _) => unpinned(format!(
            r#"{{ "$schema": "https://opencode.ai/config.json", "mcp": {{ "notes": {{ "type": "local", "command": ["npx", "-y", "{package}"], "enabled": true }} }} }}"#
        )),
        ("Crush", _) => unpinned(format!(r#"{{ "mcp": {{ "notes": {{ "type": "stdio", {entry} }} }} }}"#)),
        ("Continue", "config.json") => unpinned(format!(
            r#"{{ "experimental": {{ "modelContextProtocolServers": [ {{ "transport": {{ "type": "stdio", {entry} }} }} ] }} }}"#
        )),
        ("Continue", name) if !name.ends_with(".json") => unpinned(format!(
            "name: notes\nversion: 0.0.1\nschema: v1\nmcpServers:\n  - name: notes\n    command: npx\n    args:\n      - \"-y\"\n      - {package}\n"
        )),
        ("Goose", _) => unpinned(format!(
            "extensions:\n  notes:\n    name: notes\n    type: stdio\n    enabled: true\n    cmd: npx\n    args: [\"-y\", \"{package}\"]\n    timeout: 300\n"
        )),
        ("Amazon Q", "default.json") => unpinned(format!(
            r#"{{ "name": "default", "tools": ["*"], "mcpServers": {{ "notes": {{ {entry}, "timeout": 120000 }} }} }}"#
        )),
        ("Cline" | "Roo Code" | "Kilo Code", _) => unpinned(format!(
            r#"{{ "mcpServers": {{ "notes": {{ {entry}, "disabled": false, "alwaysAllow": [] }} }} }}"#
        )),
        ("Copilot CLI", _) => unpinned(format!(
            r#"{{ "mcpServers": {{ "notes": {{ "type": "local", {entry}, "tools": ["search"] }} }} }}"#
        )),
        // The form of Claude Desktop, which most others took over.
        _ => unpinned(format!(r#"{{ "mcpServers": {{ "notes": {{ {entry} }} }} }}"#)),
    }
}

/// `rule: file` of a scan.
fn reported(output: &std::process::Output) -> BTreeSet<String> {
    let text = stdout(output);
    let report: Value = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
    let word =
        |finding: &Value, pointer: &str| finding.pointer(pointer).and_then(Value::as_str).unwrap_or("").to_owned();
    report["findings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|finding| format!("{}: {}", word(finding, "/rule"), word(finding, "/location/file")))
        .collect()
}

fn write(root: &Path, path: &str, text: &str) {
    let path = root.join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

#[test]
fn every_client_is_understood_in_its_place_on_three_systems() {
    let systems: [(&str, fn(&Client) -> &Vec<String>); 3] =
        [("linux", |client| &client.linux), ("macos", |client| &client.macos), ("windows", |client| &client.windows)];
    for (system, places) in systems {
        let home = tempfile::tempdir().unwrap();
        let mut expected = BTreeSet::new();
        for client in clients::all() {
            for place in places(client).iter().filter(|place| !place.starts_with('$')) {
                let place = place.trim_start_matches("~/").replace("%APPDATA%", "AppData/Roaming").replace('*', "a1");
                let (text, rule) = fixture(client, &place);
                write(home.path(), &place, &text);
                expected.insert(format!("{rule}: {place}"));
            }
        }
        let output = manta(home.path(), &["scan", "--clients", home.path().to_str().unwrap(), "-o", "json"]);
        let found = reported(&output);
        let missing: Vec<&String> = expected.difference(&found).collect();
        assert!(missing.is_empty(), "{system}: {missing:#?}");
    }
}

#[test]
fn every_client_is_understood_in_a_project() {
    let project = tempfile::tempdir().unwrap();
    let mut expected = BTreeSet::new();
    for client in clients::all() {
        for place in &client.project {
            let place = place.replace('*', "a1");
            let (text, rule) = fixture(client, &place);
            write(project.path(), &place, &text);
            expected.insert(format!("{rule}: {place}"));
        }
    }
    let found = reported(&manta(project.path(), &["scan", "-o", "json"]));
    let missing: Vec<&String> = expected.difference(&found).collect();
    assert!(missing.is_empty(), "{missing:#?}");
}

#[test]
fn directories_that_variables_name_are_read_too() {
    let (home, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let mut expected = BTreeSet::new();
    let mut variables = BTreeSet::new();
    for client in clients::all() {
        for (variable, rest) in client.moved() {
            let rest = rest.replace('*', "a1");
            let (text, rule) = fixture(client, &rest);
            write(&elsewhere.path().join(variable), &rest, &text);
            variables.insert(variable);
            expected.insert(format!("{rule}: ${variable}/{rest}"));
        }
    }
    assert!(variables.contains("XDG_CONFIG_HOME") && variables.contains("CODEX_HOME"), "{variables:?}");
    let scan = |args: &[&str]| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_manta"));
        command.args(args).args(["-o", "json"]).env_clear().env("HOME", home.path());
        command.envs(variables.iter().map(|variable| (variable, elsewhere.path().join(variable))));
        command.output().unwrap()
    };
    let found = reported(&scan(&["scan", "--clients"]));
    let missing: Vec<&String> = expected.difference(&found).collect();
    assert!(missing.is_empty(), "{missing:#?}");
    // Somebody else's home has nothing to do with this environment.
    let others = reported(&scan(&["scan", "--clients", home.path().to_str().unwrap()]));
    assert_eq!(others, BTreeSet::new());
}

#[test]
fn a_variable_that_names_the_usual_place_finds_nothing_twice() {
    let home = tempfile::tempdir().unwrap();
    write(home.path(), ".codex/config.toml", "[mcp_servers.a]\ncommand = \"npx\"\nargs = [\"-y\", \"a\"]\n");
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_manta"));
    command.args(["scan", "--clients", "-o", "json"]).env_clear().env("HOME", home.path());
    let output = command.env("CODEX_HOME", home.path().join(".codex")).output().unwrap();
    assert_eq!(reported(&output), ["unpinned-package: .codex/config.toml".to_owned()].into());
}
