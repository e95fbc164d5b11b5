//! What a server says about itself: tools, prompts, resources and instructions, in whatever shape they were captured.
//!
//! People keep such lists as a bare array, as the JSON-RPC answer, as several pages, or as a map of many servers;
//! other programs write them in the form of a model provider's API. All of them are read. Every text in an entry is
//! kept with its place, because an attack can stand in a default value or in an unknown member as well as in the
//! description: a model reads them all.

use manta_core::{Enforcement, ParamInfo, Span, ToolKind};

use crate::document::{Node, Value};

/// One server and what it lists.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Listed {
    /// Its name in the capture or in `serverInfo`; may be empty.
    pub name: String,
    /// Tools, prompts and resources, in order.
    pub entries: Vec<Entry>,
    /// Texts of the server itself: instructions, title, description.
    pub texts: Vec<Text>,
    /// The last page names a next one, so the list is not complete.
    pub has_more: bool,
}

/// A tool, prompt, resource or resource template.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// Which of them.
    pub kind: ToolKind,
    /// Its name; of a resource without one, its address.
    pub name: String,
    /// Where the name stands.
    pub at: Span,
    /// What it says of itself; empty when nothing.
    pub description: String,
    /// Its parameters.
    pub params: Vec<ParamInfo>,
    /// Every text in it, keys of parameters included.
    pub texts: Vec<Text>,
    /// What its annotations promise.
    pub hints: Hints,
    /// The entry as it was written.
    pub node: Node,
}

/// A text that reaches a model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Text {
    /// Where in the entry: `description`, `inputSchema.properties.path.default`.
    pub field: String,
    /// What it is to the entry.
    pub role: Role,
    /// The text, escapes resolved.
    pub text: String,
    /// The bytes it stands in, quotes included.
    pub at: Span,
}

/// What a text is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// The name of an entry.
    Name,
    /// The name of a parameter, or of a member of one.
    Parameter,
    /// A value a caller may send: default, enum, example, pattern, address.
    Value,
    /// Prose.
    Prose,
}

/// `annotations` of a tool: promises of the server, which nobody checks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Hints {
    /// It changes nothing.
    pub read_only: Option<bool>,
    /// It may destroy something.
    pub destructive: Option<bool>,
    /// Calling it twice is as calling it once.
    pub idempotent: Option<bool>,
    /// It reaches beyond a closed world.
    pub open_world: Option<bool>,
}

/// Lists of a result and what they hold.
const LISTS: &[(&str, ToolKind)] = &[
    ("tools", ToolKind::Tool),
    ("prompts", ToolKind::Prompt),
    ("resources", ToolKind::Resource),
    ("resourceTemplates", ToolKind::Resource),
];
/// Names that captures and SDKs use for a tool's input schema.
const SCHEMAS: &[&str] = &["inputSchema", "input_schema", "parameters", "schema", "args"];
/// Members that hold many servers.
const SERVERS: &[&str] = &["servers", "mcpServers", "results"];
/// Deepest nesting of wrappers around a list.
const MAX_WRAPPERS: usize = 4;

/// The servers that a document lists; none when it is no such document.
///
/// ```
/// use manta_mcp::document::{self, Notation};
/// let text = r#"{"jsonrpc":"2.0","id":1,"result":{"tools":[{"name":"add","inputSchema":{}}]}}"#;
/// let listed = manta_mcp::listing::read(&document::read(text, Notation::Json).unwrap());
/// assert_eq!(listed[0].entries[0].name, "add");
/// ```
#[must_use]
pub fn read(documents: &[Node]) -> Vec<Listed> {
    let mut own = Listed::default();
    let mut servers = Vec::new();
    for document in documents {
        if !page(document, &mut own) {
            several(document, 0, &mut servers);
        }
    }
    if !own.entries.is_empty() || !own.texts.is_empty() {
        servers.insert(0, own);
    }
    servers
}

/// Takes one answer, or several of one server, into `server`; `false` when it is none.
fn page(node: &Node, server: &mut Listed) -> bool {
    match &node.value {
        Value::Map(_) => result(node.get("result").unwrap_or(node), server),
        Value::List(items) if items.iter().any(is_entry) => {
            server.entries.extend(items.iter().filter_map(|item| entry(item, ToolKind::Tool)));
            true
        }
        // Pages or answers, one after another: all of them, or it is something else.
        Value::List(items) if !items.is_empty() => {
            let mut pages = Listed::default();
            let is_paged = items.iter().all(|item| item.is_map() && (page(item, &mut pages) || is_request(item)));
            let is_of_one = items.iter().all(|item| item.text_of("name").is_none());
            if !is_paged || !is_of_one {
                return false;
            }
            server.entries.append(&mut pages.entries);
            server.texts.append(&mut pages.texts);
            server.has_more = pages.has_more;
            true
        }
        _ => false,
    }
}

fn is_request(node: &Node) -> bool {
    node.get("jsonrpc").is_some() && (node.get("method").is_some() || node.get("error").is_some())
}

/// The result of a listing, of `initialize` or of `server/discover`.
fn result(node: &Node, server: &mut Listed) -> bool {
    let mut is_one = false;
    for (list, kind) in LISTS {
        let Some(Value::List(items)) = node.get(list).map(|node| &node.value) else { continue };
        if !items.iter().all(Node::is_map) {
            continue;
        }
        is_one = true;
        server.entries.extend(items.iter().filter_map(|item| entry(item, *kind)));
    }
    let info = node.get("serverInfo").filter(|info| info.is_map());
    if let Some(info) = info {
        is_one = true;
        info.text_of("name").unwrap_or_default().clone_into(&mut server.name);
        texts(info, "serverInfo", Role::Prose, &mut server.texts);
    }
    if (is_one || node.get("protocolVersion").is_some() || node.get("supportedVersions").is_some())
        && let Some(instructions) = node.get("instructions")
    {
        is_one = true;
        texts(instructions, "instructions", Role::Prose, &mut server.texts);
    }
    if is_one {
        server.has_more = matches!(node.get("nextCursor").map(|node| &node.value), Some(Value::Text(_)));
        if let Some(name) = node.text_of("name").filter(|_| server.name.is_empty()) {
            name.clone_into(&mut server.name);
            // A capture of one server, or a bundle's manifest, which describes itself.
            for field in ["description", "long_description", "display_name"] {
                if let Some(text) = node.get(field) {
                    texts(text, field, Role::Prose, &mut server.texts);
                }
            }
        }
    }
    is_one
}

/// A map of servers, or a list of named ones.
fn several(node: &Node, depth: usize, servers: &mut Vec<Listed>) {
    if depth > MAX_WRAPPERS {
        return;
    }
    let mut one = |name: &str, node: &Node| {
        let mut server = Listed { name: name.to_owned(), ..Listed::default() };
        let is_one = page(node, &mut server);
        if is_one {
            if !name.is_empty() {
                name.clone_into(&mut server.name);
            }
            servers.push(server);
        }
        is_one
    };
    let mut left: Vec<&Node> = Vec::new();
    for (key, value) in node.members() {
        if !one(if SERVERS.contains(&key.text.as_str()) { "" } else { &key.text }, value) {
            left.push(value);
        }
    }
    for item in node.items() {
        let name = item.text_of("name").or_else(|| item.text_of("server")).unwrap_or_default();
        if !one(name, item) {
            left.push(item);
        }
    }
    for value in left {
        several(value, depth + 1, servers);
    }
}

/// Whether a value is an entry of a list that stands alone.
fn is_entry(node: &Node) -> bool {
    let node = node.get("function").unwrap_or(node);
    let is_described = ["description", "annotations"].iter().chain(SCHEMAS).any(|member| node.get(member).is_some());
    node.text_of("name").is_some() && is_described && !LISTS.iter().any(|(list, _)| node.get(list).is_some())
}

fn entry(node: &Node, kind: ToolKind) -> Option<Entry> {
    if !node.is_map() {
        return None;
    }
    let kind = match node.text_of("kind") {
        Some("resource") => ToolKind::Resource,
        Some("prompt") => ToolKind::Prompt,
        _ => kind,
    };
    let inner = node.get("function").filter(|inner| inner.is_map()).unwrap_or(node);
    let named = ["name", "uri", "uriTemplate"].into_iter().find_map(|member| inner.get(member));
    let mut all = Vec::new();
    texts(inner, "", Role::Prose, &mut all);
    Some(Entry {
        kind,
        name: named.and_then(Node::text).unwrap_or_default().to_owned(),
        at: named.unwrap_or(inner).span,
        description: inner.text_of("description").unwrap_or_default().to_owned(),
        params: params(inner),
        texts: all,
        hints: inner.get("annotations").map(hints).unwrap_or_default(),
        node: inner.clone(),
    })
}

fn hints(node: &Node) -> Hints {
    let of = |name| node.get(name).and_then(Node::bool);
    Hints {
        read_only: of("readOnlyHint"),
        destructive: of("destructiveHint"),
        idempotent: of("idempotentHint"),
        open_world: of("openWorldHint"),
    }
}

/// Every text below a value, with its role and place.
fn texts(node: &Node, field: &str, role: Role, out: &mut Vec<Text>) {
    let below = |name: &str| if field.is_empty() { name.to_owned() } else { format!("{field}.{name}") };
    match &node.value {
        Value::Text(text) => {
            out.push(Text { field: field.to_owned(), role, text: text.clone(), at: node.span });
        }
        Value::List(items) => {
            for (index, item) in items.iter().enumerate() {
                texts(item, &format!("{field}[{index}]"), role, out);
            }
        }
        Value::Map(members) => {
            let holds_names = ["properties", "$defs", "definitions", "patternProperties", "dependentSchemas"]
                .iter()
                .any(|name| field.rsplit('.').next() == Some(*name));
            for (key, value) in members {
                let field = below(&key.text);
                if holds_names {
                    out.push(Text {
                        field: field.clone(),
                        role: Role::Parameter,
                        text: key.text.clone(),
                        at: key.span,
                    });
                    texts(value, &field, Role::Prose, out);
                } else {
                    texts(value, &field, role_of(&key.text, &field, value), out);
                }
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn role_of(key: &str, field: &str, value: &Node) -> Role {
    let is_text = matches!(value.value, Value::Text(_));
    match key {
        "name" if field == "name" => Role::Name,
        "name" if is_text => Role::Parameter,
        "default" | "enum" | "const" | "examples" | "example" | "pattern" | "format" | "uri" | "uriTemplate"
        | "type" | "required" | "mimeType" | "$ref" | "$schema" | "$id" | "src" => Role::Value,
        _ => Role::Prose,
    }
}

/// Parameters of a tool from its schema, of a prompt from its arguments.
fn params(node: &Node) -> Vec<ParamInfo> {
    let schema = SCHEMAS.iter().find_map(|name| node.get(name)).filter(|schema| schema.is_map());
    if let Some(schema) = schema {
        let required: Vec<&str> =
            schema.get("required").map(Node::items).unwrap_or_default().iter().filter_map(Node::text).collect();
        let properties = schema.get("properties").map(Node::members).unwrap_or_default();
        return properties
            .iter()
            .map(|(key, value)| ParamInfo {
                name: key.text.clone(),
                ty: ty(value),
                constraints: constraints(value),
                enforced: Enforcement::Unknown,
                required: required.contains(&key.text.as_str()),
                description: value.text_of("description").unwrap_or_default().to_owned(),
            })
            .collect();
    }
    let arguments = node.get("arguments").or_else(|| node.get("params")).map(Node::items).unwrap_or_default();
    arguments
        .iter()
        .filter_map(|argument| {
            Some(ParamInfo {
                name: argument.text_of("name")?.to_owned(),
                ty: argument.text_of("type").unwrap_or("string").to_owned(),
                constraints: Vec::new(),
                enforced: Enforcement::Unknown,
                required: argument.get("required").and_then(Node::bool).unwrap_or(false),
                description: argument.text_of("description").unwrap_or_default().to_owned(),
            })
        })
        .collect()
}

/// The type in the words of the inventory: `string`, `string[]`, `enum`.
fn ty(node: &Node) -> String {
    if node.get("enum").is_some() {
        return "enum".to_owned();
    }
    let names: Vec<&str> = match node.get("type").map(|node| &node.value) {
        Some(Value::Text(name)) => vec![name],
        Some(Value::List(items)) => items.iter().filter_map(Node::text).filter(|name| *name != "null").collect(),
        _ => Vec::new(),
    };
    if names == ["array"] {
        return format!("{}[]", node.get("items").map(ty).unwrap_or_default());
    }
    names.join(" | ")
}

fn constraints(node: &Node) -> Vec<String> {
    let mut out = Vec::new();
    if let Some(values) = node.get("enum") {
        let values: Vec<&str> = values.items().iter().filter_map(Node::text).collect();
        out.push(format!("enum {}", values.join(" | ")));
    }
    for (name, word) in [
        ("pattern", "pattern"),
        ("format", "format"),
        ("maxLength", "max"),
        ("minLength", "min"),
        ("maximum", "max"),
        ("minimum", "min"),
        ("maxItems", "max items"),
    ] {
        if let Some(Value::Text(text) | Value::Number(text)) = node.get(name).map(|node| &node.value) {
            out.push(format!("{word} {text}"));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::{self, Notation};

    fn names(text: &str) -> Vec<String> {
        let listed = read(&document::read(text, Notation::Json).unwrap());
        listed
            .iter()
            .map(|server| {
                let entries: Vec<&str> = server.entries.iter().map(|entry| entry.name.as_str()).collect();
                format!("{}:{}", server.name, entries.join(","))
            })
            .collect()
    }

    #[test]
    fn every_shape_is_read() {
        let tool = r#"{"name":"add","description":"adds","inputSchema":{"type":"object"}}"#;
        let sub = r#"{"name":"sub","inputSchema":{}}"#;
        for (text, expected) in [
            (format!("[{tool},{sub}]"), vec![":add,sub"]),
            (format!(r#"{{"tools":[{tool}]}}"#), vec![":add"]),
            (format!(r#"{{"jsonrpc":"2.0","id":1,"result":{{"tools":[{tool}]}}}}"#), vec![":add"]),
            (
                format!(r#"[{{"result":{{"tools":[{tool}],"nextCursor":"x"}}}},{{"result":{{"tools":[{sub}]}}}}]"#),
                vec![":add,sub"],
            ),
            (format!("{{\"tools\":[{tool}]}}\n{{\"tools\":[{sub}]}}"), vec![":add,sub"]),
            (format!(r#"{{"calc":{{"tools":[{tool}]}},"other":[{sub}]}}"#), vec!["calc:add", "other:sub"]),
            (format!(r#"{{"servers":{{"calc":{{"tools":[{tool}]}}}}}}"#), vec!["calc:add"]),
            (format!(r#"{{"servers":[{{"name":"calc","tools":[{tool}]}}]}}"#), vec!["calc:add"]),
            (
                format!(r#"[{{"name":"calc","tools":[{tool}]}},{{"name":"b","tools":[{sub}]}}]"#),
                vec!["calc:add", "b:sub"],
            ),
            (format!(r#"[{{"type":"function","function":{tool}}}]"#), vec![":add"]),
            (
                format!(
                    r#"{{"serverInfo":{{"name":"calc"}},"instructions":"be kind","tools":[{tool}],"prompts":[{{"name":"p"}}]}}"#
                ),
                vec!["calc:add,p"],
            ),
            (r#"{"resources":[{"uri":"file:///x"}]}"#.to_owned(), vec![":file:///x"]),
        ] {
            assert_eq!(names(&text), expected, "{text}");
        }
    }

    #[test]
    fn other_documents_list_nothing() {
        for text in [
            r#"{"mcpServers":{"fs":{"command":"npx","args":["-y","x"]}}}"#,
            r#"{"name":"pkg","version":"1.0.0","scripts":{"build":"tsc"},"contributors":[{"name":"a"}]}"#,
            r#"{"compilerOptions":{"strict":true}}"#,
            "[1,2,3]",
            "null",
            "{}",
        ] {
            assert_eq!(names(text), Vec::<String>::new(), "{text}");
        }
    }

    #[test]
    fn every_text_of_an_entry_is_kept_with_its_role_and_place() {
        let text = r#"[{"name":"a","description":"d","annotations":{"title":"t","readOnlyHint":true},
            "inputSchema":{"properties":{"p_name":{"type":"string","default":"v","description":"pd","x-note":"odd"}}}}]"#;
        let listed = read(&document::read(text, Notation::Json).unwrap());
        let entry = &listed[0].entries[0];
        let found: Vec<(Role, &str, &str)> =
            entry.texts.iter().map(|t| (t.role, t.field.as_str(), t.text.as_str())).collect();
        let below = "inputSchema.properties.p_name";
        assert_eq!(
            found,
            [
                (Role::Name, "name", "a"),
                (Role::Prose, "description", "d"),
                (Role::Prose, "annotations.title", "t"),
                (Role::Parameter, below, "p_name"),
                (Role::Value, &format!("{below}.type"), "string"),
                (Role::Value, &format!("{below}.default"), "v"),
                (Role::Prose, &format!("{below}.description"), "pd"),
                (Role::Prose, &format!("{below}.x-note"), "odd"),
            ]
        );
        let note = entry.texts.last().unwrap();
        assert_eq!(&text[note.at.start as usize..note.at.end as usize], "\"odd\"");
        assert_eq!(entry.hints.read_only, Some(true));
        assert_eq!(entry.params[0].description, "pd");
    }
}
