//! From a configuration file to the servers it starts.

use manta_core::Span;

use crate::document::{Node, Value};

/// A text of a configuration and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Word {
    /// The text.
    pub text: String,
    /// Its bytes, quotes included.
    pub at: Span,
}

impl Word {
    fn of(node: &Node) -> Option<Self> {
        match &node.value {
            Value::Text(text) | Value::Number(text) => Some(Self { text: text.clone(), at: node.span }),
            Value::Bool(value) => Some(Self { text: value.to_string(), at: node.span }),
            _ => None,
        }
    }
}

/// A server that a client starts or connects to.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Configured {
    /// The name the client gives it; in a list without names its number (`#1`).
    pub name: String,
    /// Where its entry begins.
    pub at: Span,
    /// The map or list that it is in: each project of a client has one of its own.
    pub within: Span,
    /// The program and its arguments; empty for a server that is reached by address.
    pub command: Vec<Word>,
    /// Variables it is started with.
    pub env: Vec<(String, Word)>,
    /// The address it is reached at.
    pub url: Option<Word>,
    /// Headers sent to it.
    pub headers: Vec<(String, Word)>,
    /// What the client proves itself with: secrets of OAuth, tokens.
    pub auth: Vec<(String, Word)>,
    /// Settings that let its tools run without a question: the place, and what it says.
    pub approvals: Vec<Word>,
    /// The client doesn't start it.
    pub is_off: bool,
}

/// Paths to maps (or lists) of servers; `*` is any member.
const PLACES: &[&[&str]] = &[
    &["mcpServers"],
    &["servers"],
    &["mcp", "servers"],
    &["mcp", "mcpServers"],
    &["mcp"],
    &["mcp.servers"],
    &["amp.mcpServers"],
    &["context_servers"],
    &["mcp_servers"],
    &["extensions"],
    &["experimental", "modelContextProtocolServers"],
    &["projects", "*", "mcpServers"],
    // A workspace of VS Code, and a container for one.
    &["settings", "mcp", "servers"],
    &["customizations", "vscode", "mcp", "servers"],
    &["customizations", "vscode", "settings", "mcp", "servers"],
];
/// Paths to a single server.
const SINGLE: &[&[&str]] = &[&["server", "mcp_config"]];

/// The servers of a configuration, in the order they are written.
#[must_use]
pub fn read(document: &Node) -> Vec<Configured> {
    let mut found = Vec::new();
    for place in PLACES {
        for node in select(document, place) {
            servers(node, &mut found);
        }
    }
    for place in SINGLE {
        for node in select(document, place) {
            let name = document.text_of("name").unwrap_or_default();
            found.extend(server(name, node.span, node));
        }
    }
    if found.is_empty() && is_bare_map(document) {
        servers(document, &mut found);
    }
    found.sort_by_key(|server| server.at);
    found.dedup_by_key(|server| server.at);
    found
}

/// Whether a document is nothing but servers by name, as plugins of Claude Code may write them.
fn is_bare_map(document: &Node) -> bool {
    let is_text = |node: &Node, member: &str| node.text_of(member).is_some();
    let members = document.members();
    let is_server = |node: &Node| is_text(node, "command") || is_text(node, "url") && is_text(node, "type");
    !members.is_empty() && members.iter().all(|(_, member)| is_server(member))
}

/// Places whose members are servers and nothing else.
const SERVERS_ONLY: &[&[&str]] = &[
    &["mcpServers"],
    &["mcp", "servers"],
    &["mcp", "mcpServers"],
    &["mcp.servers"],
    &["mcp_servers"],
    &["projects", "*", "mcpServers"],
    &["amp.mcpServers"],
    &["settings", "mcp", "servers"],
    &["customizations", "vscode", "mcp", "servers"],
    &["customizations", "vscode", "settings", "mcp", "servers"],
];

/// Entries that stand where servers stand and name neither a command nor an address: a misspelt one starts nothing, or
/// something that this reader doesn't know.
#[must_use]
pub fn not_understood(document: &Node) -> Vec<Word> {
    let places = SERVERS_ONLY.iter().flat_map(|place| select(document, place));
    let mut found = Vec::new();
    for node in places {
        let members = node.members().iter().map(|(key, member)| (key.text.as_str(), key.span, member));
        let items = node.items().iter().map(|item| (item.text_of("name").unwrap_or("#"), item.span, item));
        for (name, at, entry) in members.chain(items) {
            if server(name, at, entry).is_none() && entry.value != Value::Null {
                found.push(Word { text: name.to_owned(), at });
            }
        }
    }
    found
}

fn select<'n>(node: &'n Node, path: &[&str]) -> Vec<&'n Node> {
    let Some((name, rest)) = path.split_first() else { return vec![node] };
    if *name == "*" {
        return node.members().iter().flat_map(|(_, member)| select(member, rest)).collect();
    }
    node.get(name).map(|member| select(member, rest)).unwrap_or_default()
}

fn servers(node: &Node, found: &mut Vec<Configured>) {
    let within = node.span;
    // A repeated name is a server too: readers differ in which one they take.
    let members = node.members().iter().filter_map(|(key, member)| server(&key.text, key.span, member));
    let items = node.items().iter().zip(1..).filter_map(|(item, number)| {
        let name = item.text_of("name").or_else(|| item.text_of("id")).map(str::to_owned);
        server(&name.unwrap_or_else(|| format!("#{number}")), item.span, item)
    });
    found.extend(members.chain(items).map(|server| Configured { within, ..server }));
}

/// The address a server is reached at.
fn url(node: &Node) -> Option<Word> {
    let names = ["url", "serverUrl", "httpUrl", "uri", "endpoint", "baseUrl"];
    names.iter().find_map(|member| node.get(member).and_then(Word::of))
}

/// A server, if the entry says how one is started or reached.
fn server(name: &str, at: Span, node: &Node) -> Option<Configured> {
    // Zed and Continue know forms with the command or the transport one level down.
    let inner = ["command", "transport"].iter().find_map(|member| node.get(member).filter(|inner| inner.is_map()));
    let is_bare = |node: &Node| command(node).is_empty() && url(node).is_none();
    // Goose has one with everything below `config`; others have settings there.
    let settings = || node.get("config").filter(|inner| is_bare(node) && !is_bare(inner));
    let inner = inner.or_else(settings).unwrap_or(node);
    let (command, url) = (command(inner), url(inner));
    if command.is_empty() && url.is_none() {
        return None;
    }
    let pairs = |names: &[&str]| -> Vec<(String, Word)> {
        // Continue keeps the headers in the options of each request.
        let options = node.get("requestOptions");
        let maps = names
            .iter()
            .flat_map(|member| [node.get(member), inner.get(member), options.and_then(|options| options.get(member))]);
        let maps = maps.flatten();
        let mut pairs: Vec<(String, Word)> = maps
            .flat_map(Node::members)
            .filter_map(|(key, value)| Some((key.text.clone(), Word::of(value)?)))
            .collect();
        pairs.sort_by_key(|(_, word)| word.at);
        pairs.dedup_by_key(|(_, word)| word.at);
        pairs
    };
    let is = |member: &str, value: bool| node.get(member).and_then(Node::bool) == Some(value);
    Some(Configured {
        name: name.to_owned(),
        at,
        within: Span::default(),
        command,
        env: pairs(&["env", "environment", "envs"]),
        url,
        headers: pairs(&["headers", "requestHeaders", "http_headers"]),
        auth: auth(inner).chain(pairs(&["auth", "oauth"])).collect(),
        approvals: approvals(node),
        is_off: is("disabled", true) || is("enabled", false),
    })
}

/// Program and arguments: a text and a list, or one list, or a whole command line in one text.
fn command(node: &Node) -> Vec<Word> {
    let program = ["command", "cmd", "path"].iter().find_map(|member| node.get(member));
    let mut words: Vec<Word> = match program.map(|node| &node.value) {
        Some(Value::List(items)) => items.iter().filter_map(Word::of).collect(),
        Some(Value::Text(_)) => program.and_then(Word::of).into_iter().collect(),
        _ => return Vec::new(),
    };
    let arguments = node.get("args").or_else(|| node.get("arguments")).map(Node::items).unwrap_or_default();
    words.extend(arguments.iter().filter_map(Word::of));
    if let [line] = words.as_slice()
        && line.text.contains(' ')
        && !line.text.contains(['\\', '"', '\''])
        && !line.text.starts_with('/')
    {
        let at = line.at;
        return line.text.split_whitespace().map(|text| Word { text: text.to_owned(), at }).collect();
    }
    words
}

/// Tokens beside the address, where others have a header.
fn auth(node: &Node) -> impl Iterator<Item = (String, Word)> {
    ["bearer_token", "bearerToken", "apiKey", "api_key"]
        .into_iter()
        .filter_map(|name| Some((name.to_owned(), node.get(name).and_then(Word::of)?)))
}

/// Settings by which every tool, or one that is named, runs unasked.
fn approvals(node: &Node) -> Vec<Word> {
    let mut found = Vec::new();
    for member in ["autoApprove", "alwaysAllow", "alwaysAllowTools", "autoApproveTools"] {
        let Some(value) = node.get(member) else { continue };
        let is_all = value.bool() == Some(true)
            || value.text() == Some("*")
            || value.items().iter().any(|item| item.text() == Some("*"));
        if is_all {
            found.push(Word { text: member.to_owned(), at: value.span });
        }
    }
    if let Some(value) = node.get("trust").filter(|value| value.bool() == Some(true)) {
        found.push(Word { text: "trust".to_owned(), at: value.span });
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::{self, Notation};

    fn summary(text: &str, notation: Notation) -> Vec<String> {
        let documents = document::read(text, notation).unwrap();
        read(&documents[0])
            .iter()
            .map(|server| {
                let command: Vec<&str> = server.command.iter().map(|word| word.text.as_str()).collect();
                let url = server.url.as_ref().map_or("", |word| word.text.as_str());
                let env: Vec<String> = server.env.iter().map(|(name, word)| format!("{name}={}", word.text)).collect();
                format!("{}|{}|{url}|{}", server.name, command.join(" "), env.join(","))
            })
            .collect()
    }

    #[test]
    fn a_map_of_nothing_but_servers_needs_no_name() {
        let read = |text| summary(text, Notation::Json);
        assert_eq!(
            read(
                r#"{ "a": { "command": "npx", "args": ["x"] }, "b": { "type": "http", "url": "https://b.example" } }"#
            ),
            ["a|npx x||", "b||https://b.example|"]
        );
        for text in [
            "{}",
            r#"{ "a": { "command": "npx" }, "version": "1" }"#,
            r#"{ "python": { "path": "/usr/bin/python3" } }"#,
            r#"{ "homepage": { "url": "https://a.example" } }"#,
        ] {
            assert_eq!(read(text), [""; 0], "{text}");
        }
    }

    #[test]
    fn headers_are_read_where_each_client_keeps_them() {
        for text in [
            "mcpServers:\n  - name: a\n    url: u\n    headers: {X: v}",
            "mcpServers:\n  - name: a\n    url: u\n    requestOptions: {headers: {X: v}}",
            "extensions:\n  a: {type: sse, uri: u, headers: {X: v}}",
        ] {
            let documents = document::read(text, Notation::Yaml).unwrap();
            let headers: Vec<(String, String)> = read(&documents[0])
                .into_iter()
                .flat_map(|server| server.headers)
                .map(|(name, word)| (name, word.text))
                .collect();
            assert_eq!(headers, [("X".to_owned(), "v".to_owned())], "{text}");
        }
    }

    #[test]
    fn every_spelling_is_read() {
        let fs = "fs|npx -y pkg||K=v";
        for (text, notation) in [
            (r#"{"mcpServers":{"fs":{"command":"npx","args":["-y","pkg"],"env":{"K":"v"}}}}"#, Notation::Json),
            (
                r#"{"servers":{"fs":{"type":"stdio","command":"npx","args":["-y","pkg"],"env":{"K":"v"}}}, // x
                "inputs":[]}"#,
                Notation::Json,
            ),
            (r#"{"mcp":{"servers":{"fs":{"command":"npx","args":["-y","pkg"],"env":{"K":"v"}}}}}"#, Notation::Json),
            (r#"{"mcp":{"fs":{"type":"local","command":["npx","-y","pkg"],"environment":{"K":"v"}}}}"#, Notation::Json),
            (
                r#"{"mcp":{"servers":{"fs":{"type":"local","command":["npx","-y","pkg"],"environment":{"K":"v"}}}}}"#,
                Notation::Json,
            ),
            (
                r#"{"context_servers":{"fs":{"command":{"path":"npx","args":["-y","pkg"],"env":{"K":"v"}}}}}"#,
                Notation::Json,
            ),
            (
                r#"{"context_servers":{"fs":{"source":"custom","command":"npx","args":["-y","pkg"],"env":{"K":"v"}}}}"#,
                Notation::Json,
            ),
            (
                r#"{"projects":{"/home/u/p":{"mcpServers":{"fs":{"command":"npx -y pkg","env":{"K":"v"}}}}}}"#,
                Notation::Json,
            ),
            ("[mcp_servers.fs]\ncommand='npx'\nargs=['-y','pkg']\nenv={K='v'}", Notation::Toml),
            ("mcpServers:\n  - name: fs\n    command: npx\n    args: [-y, pkg]\n    env: {K: v}\n", Notation::Yaml),
            (
                "extensions:\n  fs:\n    enabled: true\n    config:\n      type: stdio\n      cmd: npx\n      args: ['-y', pkg]\n      envs:\n        K: v\n",
                Notation::Yaml,
            ),
            (
                "extensions:\n  fs:\n    type: stdio\n    cmd: npx\n    args: ['-y', pkg]\n    envs:\n      K: v\n",
                Notation::Yaml,
            ),
            (
                r#"{"name":"fs","server":{"mcp_config":{"command":"npx","args":["-y","pkg"],"env":{"K":"v"}}}}"#,
                Notation::Json,
            ),
        ] {
            assert_eq!(summary(text, notation), [fs], "{text}");
        }
        let unnamed =
            r#"{"experimental":{"modelContextProtocolServers":[{"transport":{"type":"stdio","command":"npx"}}]}}"#;
        assert_eq!(summary(unnamed, Notation::Json), ["#1|npx||"]);
        for text in [
            r#"{"mcpServers":{"r":{"url":"https://x.example/mcp"}}}"#,
            r#"{"mcpServers":{"r":{"serverUrl":"https://x.example/mcp"}}}"#,
            r#"{"mcpServers":{"r":{"httpUrl":"https://x.example/mcp","trust":true}}}"#,
            r#"{"mcp":{"r":{"type":"remote","url":"https://x.example/mcp"}}}"#,
        ] {
            assert_eq!(summary(text, Notation::Json), ["r||https://x.example/mcp|"], "{text}");
        }
    }

    #[test]
    fn entries_that_start_nothing_are_named() {
        for (text, expected) in [
            (r#"{"mcpServers":{"a":{"comand":"npx"},"b":{"command":"npx"}}}"#, vec!["a"]),
            (r#"{"mcpServers":["a"]}"#, vec!["#"]),
            (r#"{"mcp":{"servers":{"a":{"type":"stdio"}}}}"#, vec!["a"]),
            (r#"{"mcp":{"timeout":3},"extensions":{"developer":{"type":"builtin"}},"servers":["x"]}"#, vec![]),
        ] {
            let documents = document::read(text, Notation::Json).unwrap();
            let names: Vec<String> = not_understood(&documents[0]).into_iter().map(|word| word.text).collect();
            assert_eq!(names, expected, "{text}");
        }
    }

    #[test]
    fn a_repeated_name_is_there_twice() {
        let text = r#"{"mcpServers":{"a":{"command":"x"},"a":{"command":"y"}}}"#;
        assert_eq!(summary(text, Notation::Json), ["a|x||", "a|y||"]);
    }

    #[test]
    fn what_starts_no_server_is_none() {
        for text in [
            r#"{"servers":["a","b"]}"#,
            r#"{"extensions":{"recommendations":["x"]}}"#,
            r#"{"name":"pkg","scripts":{"start":"node ."}}"#,
            r#"{"mcpServers":{}}"#,
        ] {
            assert_eq!(summary(text, Notation::Json), [""; 0], "{text}");
        }
    }
}
