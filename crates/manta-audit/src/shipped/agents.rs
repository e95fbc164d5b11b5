//! Files that agents obey: `agent-hook` for commands that run without being asked for, and hidden text in
//! instructions.

use manta_core::{Confidence, FileId, Finding, Location, Persona, ScanReport, Severity, SourceFile, Span, ToolKind};
use manta_mcp::clients;
use manta_mcp::document::{self, Node, Notation};
use manta_mcp::listing::{Role, Text};

use super::is_hostile;
use crate::memory::Memory;
use crate::rules;
use crate::said::{self, Said};

/// Names of files that hold instructions for agents.
const INSTRUCTIONS: &[&str] = &[
    "agents.md",
    "claude.md",
    "claude.local.md",
    "gemini.md",
    "skill.md",
    ".cursorrules",
    ".windsurfrules",
    ".clinerules",
    "copilot-instructions.md",
    ".goosehints",
    "qwen.md",
    "warp.md",
];
/// Directories whose Markdown files are instructions.
const DIRECTORIES: &[&str] = &[
    ".claude",
    ".cursor",
    ".kiro",
    ".windsurf",
    ".continue",
    ".clinerules",
    ".roo",
    ".amazonq",
    ".junie",
    ".agents",
    ".agent",
    ".trae",
    ".kilocode",
    ".augment",
    ".opencode",
    ".factory",
    ".gemini",
    ".qwen",
    ".codex",
    "skills",
];

/// Whether an agent reads the file as instructions or runs what it says.
pub(crate) fn is_one(path: &str) -> bool {
    is_instruction(path) || is_settings(path)
}

fn is_instruction(path: &str) -> bool {
    let (directories, name) = path.rsplit_once('/').unwrap_or(("", path));
    let name = name.to_ascii_lowercase();
    let is_prose = name.ends_with(".md") || name.ends_with(".mdc");
    INSTRUCTIONS.contains(&name.as_str())
        || is_prose && directories.split('/').any(|directory| DIRECTORIES.contains(&directory))
        || [".instructions.md", ".prompt.md", ".agent.md", ".chatmode.md"].iter().any(|end| name.ends_with(end))
}

/// Files with hooks, and tasks that an editor starts when a folder is opened.
fn is_settings(path: &str) -> bool {
    [
        ".claude/settings.json",
        ".claude/settings.local.json",
        ".claude-plugin/plugin.json",
        "hooks/hooks.json",
        ".cursor/hooks.json",
        ".windsurf/hooks.json",
        ".codex/hooks.json",
        ".factory/settings.json",
        ".codex/config.toml",
        ".github/hooks/*.json",
        ".gemini/settings.json",
        ".qwen/settings.json",
        ".kiro/hooks/*.kiro.hook",
        ".kiro/hooks/*.json",
        ".kiro/agents/*.json",
        ".amazonq/cli-agents/*.json",
        ".vscode/tasks.json",
        ".devcontainer/devcontainer.json",
        ".devcontainer/*/devcontainer.json",
        ".devcontainer.json",
    ]
    .iter()
    .any(|place| clients::is_at(path, place))
}

pub(super) fn findings(
    id: FileId,
    file: &SourceFile,
    report: &ScanReport,
    memory: &Memory,
    findings: &mut Vec<Finding>,
) {
    if is_settings(&file.path) {
        // A file that can't be read is reported where configurations are.
        let notation = Notation::of(&file.path).unwrap_or(Notation::Json);
        let Ok(documents) = document::read(&file.text, notation) else { return };
        for document in &documents {
            hooks(id, document, 0, findings);
            editor_hook(id, document, findings);
            containers(id, document, findings);
            helpers(id, document, findings);
            addresses(id, document, findings);
            tasks(id, document, findings);
        }
    } else if is_instruction(&file.path) {
        inline(id, file, findings);
        front(id, file, findings);
        findings.extend(said::of_instructions(&instructions(id, file), report, memory));
    }
}

/// Hooks that a skill, a command or an agent brings along in the head of its text.
fn front(id: FileId, file: &SourceFile, findings: &mut Vec<Finding>) {
    let text = file.text.trim_start_matches('\u{feff}');
    let Some(rest) = text.strip_prefix("---\n").or_else(|| text.strip_prefix("---\r\n")) else { return };
    let Some(head) = rest.find("\n---").map(|end| &rest[..=end]).filter(|head| head.contains("hooks")) else { return };
    let Ok(documents) = document::read(head, Notation::Yaml) else { return };
    let start = u32::try_from(file.text.len() - rest.len()).unwrap_or(u32::MAX);
    for document in &documents {
        hooks(id, document, start, findings);
    }
}

/// Every `command` below `hooks`, with the event it waits for: a member of a map, or said by each element of a list. The
/// document begins at `start` of its file.
fn hooks(id: FileId, document: &Node, start: u32, findings: &mut Vec<Finding>) {
    let Some(hooks) = document.get("hooks") else { return };
    let members = hooks.members().iter().map(|(event, node)| (event.text.as_str(), node));
    let items = hooks.items().iter().map(|node| (node.text_of("trigger").unwrap_or("an event"), node));
    for (event, node) in members.chain(items).filter(|(_, node)| !is_off(node)) {
        for command in commands(node, 0) {
            let Some(text) = command.text() else { continue };
            let at = Span::new(command.span.start + start, command.span.end + start);
            findings.push(hook(id, at, &format!("on {event}"), text));
        }
    }
}

/// A file that is one hook: `when` something happens, `then` a command runs.
fn editor_hook(id: FileId, document: &Node, findings: &mut Vec<Finding>) {
    let Some(command) = document.at(&["then", "command"]).filter(|_| !is_off(document)) else { return };
    let Some(text) = command.text() else { return };
    let event = document.at(&["when", "type"]).and_then(Node::text).unwrap_or("an event");
    findings.push(hook(id, command.span, &format!("on {event}"), text));
}

fn is_off(node: &Node) -> bool {
    node.get("enabled").and_then(Node::bool) == Some(false)
}

/// Commands of a development container; the first of them runs on the machine of whoever opens the folder.
fn containers(id: FileId, document: &Node, findings: &mut Vec<Finding>) {
    const STAGES: &[(&str, &str)] = &[
        ("initializeCommand", "outside the container before it is made"),
        ("onCreateCommand", "when the container is made"),
        ("updateContentCommand", "when the container is made"),
        ("postCreateCommand", "when the container is made"),
        ("postStartCommand", "when the container starts"),
        ("postAttachCommand", "when the editor connects to the container"),
    ];
    for (stage, when) in STAGES {
        let Some(node) = document.get(stage) else { continue };
        // One command, its words, or several that run side by side.
        let members = node.members().iter().map(|(_, member)| member);
        for command in [node].into_iter().chain(members) {
            let words: Vec<&str> = [command].into_iter().chain(command.items()).filter_map(Node::text).collect();
            if !words.is_empty() {
                findings.push(hook(id, command.span, when, &words.join(" ")));
            }
        }
    }
}

/// Commands that an agent runs for itself: to draw a line, to fetch a key.
fn helpers(id: FileId, document: &Node, findings: &mut Vec<Finding>) {
    const HELPERS: &[&str] = &[
        "notify",
        "statusLine",
        "subagentStatusLine",
        "fileSuggestion",
        "apiKeyHelper",
        "awsAuthRefresh",
        "awsCredentialExport",
        "gcpAuthRefresh",
        "otelHeadersHelper",
        "proxyAuthHelper",
    ];
    for name in HELPERS {
        let Some(node) = document.get(name) else { continue };
        let command = node.get("command").unwrap_or(node);
        let words: Vec<&str> = [command].into_iter().chain(command.items()).filter_map(Node::text).collect();
        if !words.is_empty() {
            findings.push(hook(id, command.span, &format!("as `{name}`"), &words.join(" ")));
        }
    }
}

/// Variables that decide where everything goes that the agent says, with the key.
fn addresses(id: FileId, document: &Node, findings: &mut Vec<Finding>) {
    for (name, node) in document.get("env").map(Node::members).unwrap_or_default() {
        let Some(address) = node.text().filter(|_| name.text.ends_with("_BASE_URL")) else { continue };
        if is_of_vendor(address) {
            continue;
        }
        let message = format!("`{}` sends what the agent says, and its key, to another address", name.text);
        let mut finding = Finding::at(rules::known("agent-hook"), Location::new(id, node.span), message);
        finding.severity = Severity::Medium;
        finding.confidence = Confidence::Medium;
        finding.help =
            "set addresses of models in your own settings; a project that brings one along reads with you".to_owned();
        findings.push(finding);
    }
}

/// Whether an address is the vendor's, this machine's, or left to the user's own settings.
fn is_of_vendor(address: &str) -> bool {
    const VENDORS: &[&str] = &["anthropic.com", "openai.com", "googleapis.com", "localhost", "127.0.0.1", "[::1]"];
    let rest = address.split_once("://").map_or(address, |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#', '\\']).next().unwrap_or_default();
    let host = authority.rsplit('@').next().unwrap_or_default().to_ascii_lowercase();
    let host = if host.starts_with('[') { host.split_inclusive(']').next() } else { host.split(':').next() };
    let host = host.unwrap_or_default();
    address.starts_with('$')
        || VENDORS
            .iter()
            .any(|vendor| host == *vendor || host.strip_suffix(vendor).is_some_and(|sub| sub.ends_with('.')))
}

fn commands(node: &Node, depth: usize) -> Vec<&Node> {
    if depth > 6 {
        return Vec::new();
    }
    // One line for each shell, where an agent knows several.
    let own = ["command", "bash", "powershell"].iter().filter_map(|name| node.get(name));
    let own = own.filter(|command| command.text().is_some());
    let members = node.members().iter().map(|(_, member)| member);
    own.chain(node.items().iter().chain(members).flat_map(|inner| commands(inner, depth + 1))).collect()
}

/// Tasks of an editor that start when a folder is opened.
fn tasks(id: FileId, document: &Node, findings: &mut Vec<Finding>) {
    for task in document.get("tasks").map(Node::items).unwrap_or_default() {
        if task.at(&["runOptions", "runOn"]).and_then(Node::text) != Some("folderOpen") {
            continue;
        }
        let words: Vec<&str> = task
            .get("command")
            .into_iter()
            .chain(task.get("args").map(Node::items).unwrap_or_default())
            .filter_map(Node::text)
            .collect();
        let at = task.get("command").unwrap_or(task).span;
        let mut finding = hook(id, at, "when the folder is opened", &words.join(" "));
        // Opening a folder is what people do to look at it.
        finding.persona = Persona::Regular;
        findings.push(finding);
    }
}

/// Lines of instructions that are run before the text is read: !`command`.
fn inline(id: FileId, file: &SourceFile, findings: &mut Vec<Finding>) {
    for (at, _) in file.text.match_indices("!`") {
        let starts = file.text[..at].ends_with(|c: char| c.is_whitespace() || c == ':') || at == 0;
        let Some(end) = file.text[at + 2..].find('`').filter(|_| starts) else { continue };
        let command = &file.text[at + 2..at + 2 + end];
        if command.is_empty() || command.contains('\n') {
            continue;
        }
        let offset = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
        let span = Span::new(offset(at), offset(at + 3 + end));
        findings.push(hook(id, span, "when the instructions are loaded", command));
    }
}

fn hook(id: FileId, span: Span, when: &str, command: &str) -> Finding {
    let is_hostile = is_hostile(command);
    let what = if is_hostile { "fetches and runs, or sends away," } else { "runs" };
    let message = format!("a command {what} {when}, without being asked for");
    let mut finding = Finding::at(rules::known("agent-hook"), Location::new(id, span), message);
    if !is_hostile {
        // Formatters and linters are what most hooks are for.
        finding.severity = Severity::Low;
        finding.persona = Persona::Auditor;
    }
    finding.help =
        "read what the command does before you open the project with an agent; keep hooks in your own settings"
            .to_owned();
    finding
}

fn instructions(id: FileId, file: &SourceFile) -> Said {
    let end = u32::try_from(file.text.len()).unwrap_or(u32::MAX);
    let at = Span::new(0, end);
    let text = Text { field: "text".to_owned(), role: Role::Prose, text: file.text.to_string(), at };
    Said {
        kind: ToolKind::Prompt,
        name: String::new(),
        at: Location::new(id, at),
        texts: vec![text],
        file: id,
        is_code: false,
    }
}

#[cfg(test)]
mod tests {
    use super::is_of_vendor;

    #[test]
    fn a_vendor_is_known_by_its_host() {
        for address in ["https://api.anthropic.com", "http://localhost:8080/v1", "http://[::1]:4000", "${GATEWAY}"] {
            assert!(is_of_vendor(address), "{address}");
        }
        for address in
            ["https://anthropic.com.c.example", "https://api.anthropic.com@c.example/", "https://c.example#openai.com"]
        {
            assert!(!is_of_vendor(address), "{address}");
        }
    }
}
