//! The tools: what each is called, what it takes, what it says about itself, and who does the work.

use std::sync::Arc;

use manta_detect::hidden;
use rmcp::model::{CallToolResult, ContentBlock, Tool, ToolAnnotations};
use serde_json::{Map, Value, json};

use super::files;
use crate::net::{ClientLimits, SafeClient, UrlArg};
use crate::policy::{Grant, Handle, Policy};

/// One tool.
#[derive(Debug, Clone)]
pub(super) struct Definition {
    pub(super) name: &'static str,
    description: String,
    schema: Map<String, Value>,
    /// Changes nothing; removes what was there; has the same effect when repeated; reaches other machines.
    hints: [bool; 4],
    work: Work,
}

#[derive(Debug, Clone, Copy)]
enum Work {
    Files(fn(&Grant, &Map<String, Value>) -> Answer),
    Fetch,
    Run,
}

/// Text for the model: the result, or what went wrong.
pub(super) type Answer = Result<String, String>;

impl Definition {
    pub(super) fn to_tool(&self) -> Tool {
        let [read_only, destructive, idempotent, open_world] = self.hints;
        let annotations = ToolAnnotations::new()
            .read_only(read_only)
            .destructive(destructive)
            .idempotent(idempotent)
            .open_world(open_world);
        Tool::new(self.name, self.description.clone(), Arc::new(self.schema.clone())).with_annotations(annotations)
    }

    pub(super) async fn run(&self, grant: Arc<Grant>, args: Map<String, Value>) -> CallToolResult {
        let answer = match self.work {
            Work::Fetch => fetch(&grant).await,
            // Files and processes block; a slow disk must not stop the protocol.
            Work::Files(work) => blocking(move || work(&grant, &args)).await,
            Work::Run => blocking(move || run(&grant)).await,
        };
        match answer {
            Ok(text) => CallToolResult::success(vec![ContentBlock::text(text)]),
            Err(text) => CallToolResult::error(vec![ContentBlock::text(text)]),
        }
    }
}

async fn blocking(work: impl FnOnce() -> Answer + Send + 'static) -> Answer {
    tokio::task::spawn_blocking(work)
        .await
        .unwrap_or_else(|_| Err("the tool failed; this is a defect of manta".to_owned()))
}

/// The tools that have a section in the policy under which they can do something.
pub(super) fn granted(policy: &Policy) -> Vec<Definition> {
    let sections = policy.tool_names();
    let roots: Vec<&str> = policy.roots().keys().map(String::as_str).collect();
    let hosts: Vec<&str> = policy.hosts().keys().map(String::as_str).collect();
    let commands: Vec<&str> = policy.commands().names().collect();
    let all = all(&roots.join(", "), &hosts.join(", "), &commands);
    all.into_iter().filter(|tool| sections.contains(&tool.name) && policy.shows_tool(None, tool.name)).collect()
}

fn all(roots: &str, hosts: &str, commands: &[&str]) -> Vec<Definition> {
    let path = |what: &str| json!({ "type": "string", "minLength": 1, "maxLength": 4096, "description": what });
    let file = path(&format!("Path of a file, relative to the root. Roots: {roots}"));
    let directory = path("Path of a directory, relative to the root; `.` is the root itself");
    let text = |what: &str| json!({ "type": "string", "description": what });
    let count = |min: u64, max: u64, what: &str| json!({ "type": "integer", "minimum": min, "maximum": max, "description": what });
    let files = |name, description: &str, properties: Value, required: &[&str], hints, work| Definition {
        name,
        description: description.to_owned(),
        schema: schema(&properties, required),
        hints,
        work: Work::Files(work),
    };
    let read = [true, false, true, false];
    vec![
        files(
            "read_file",
            "Reads a text file, or a part of it.",
            json!({
                "path": file,
                "offset": count(0, 1 << 40, "First byte"),
                "length": count(1, 10 << 20, "Most bytes"),
            }),
            &["path"],
            read,
            files::read_file,
        ),
        files(
            "read_files",
            "Reads several text files. A file that cannot be read does not hide the others.",
            json!({ "paths": { "type": "array", "items": file, "minItems": 1, "maxItems": 20 } }),
            &["paths"],
            read,
            files::read_files,
        ),
        files(
            "write_file",
            "Writes a text file, replacing what was in it. The old content stays if the write fails.",
            json!({ "path": file, "content": text("The whole new content") }),
            &["path", "content"],
            [false, true, true, false],
            files::write_file,
        ),
        files(
            "edit_file",
            "Replaces pieces of a text file. Each old_text must occur exactly once; with one that does not, nothing changes.",
            json!({
                "path": file,
                "edits": {
                    "type": "array", "minItems": 1, "maxItems": 100,
                    "items": {
                        "type": "object",
                        "properties": { "old_text": { "type": "string", "minLength": 1 }, "new_text": { "type": "string" } },
                        "required": ["old_text", "new_text"],
                        "additionalProperties": false,
                    },
                },
            }),
            &["path", "edits"],
            [false, true, false, false],
            files::edit_file,
        ),
        files(
            "list_directory",
            "Lists a directory: kind, size and name of each entry.",
            json!({ "path": directory }),
            &["path"],
            read,
            files::list_directory,
        ),
        files(
            "search_files",
            "Searches below a directory by name (glob), by text (regular expression, linear time), or both.",
            json!({
                "path": directory,
                "name": text("Glob such as *.rs or src/**/*.ts"),
                "text": text("Regular expression that a line must match"),
                "max_results": count(1, 1000, "Most results; 100 when left out"),
            }),
            &["path"],
            read,
            files::search_files,
        ),
        files(
            "file_info",
            "Tells kind, size, time of the last change and permissions of a file or directory.",
            json!({ "path": file }),
            &["path"],
            read,
            files::file_info,
        ),
        Definition {
            name: "fetch_url",
            description: format!("Fetches a URL with GET. Allowed hosts: {hosts}"),
            schema: schema(
                &json!({ "url": { "type": "string", "maxLength": 2048, "description": "https URL" } }),
                &["url"],
            ),
            hints: [true, false, true, true],
            work: Work::Fetch,
        },
        Definition {
            name: "run_command",
            description: format!("Runs a program without a shell. Allowed: {}", commands.join(", ")),
            schema: schema(
                &json!({
                    "command": { "type": "string", "enum": commands },
                    "args": { "type": "array", "items": { "type": "string" }, "maxItems": 64, "description": "One argument per element" },
                }),
                &["command"],
            ),
            hints: [false, true, false, true],
            work: Work::Run,
        },
    ]
}

fn schema(properties: &Value, required: &[&str]) -> Map<String, Value> {
    let schema =
        json!({ "type": "object", "properties": properties, "required": required, "additionalProperties": false });
    match schema {
        Value::Object(members) => members,
        _ => Map::new(),
    }
}

/// What the author of a policy must add when a rule says something else about an argument than a tool needs.
pub(super) fn no_rule(argument: &str, kind: &str) -> String {
    format!("the policy has no rule that says `{argument}` is a {kind}")
}

async fn fetch(grant: &Grant) -> Answer {
    let Some(Handle::Url { url, policy }) = grant.handle("url") else { return Err(no_rule("url", "url")) };
    let limits = ClientLimits {
        total: policy.timeout,
        redirects: policy.redirects,
        body: usize::try_from(policy.max_body).unwrap_or(usize::MAX),
        ..ClientLimits::default()
    };
    let client = SafeClient::new(policy.policy.clone()).limits(limits);
    let response = client.get(&UrlArg::new(url.to_string())).await.map_err(|error| error.to_string())?;
    let kind = response.header("content-type").unwrap_or("unknown").to_owned();
    let head = format!("status {}, content-type {kind}, {} bytes", response.status, response.body.len());
    let is_success = (200..300).contains(&response.status);
    let text = match String::from_utf8(response.body) {
        Ok(text) => format!("{head}\n\n{}", readable(text)),
        Err(_) => format!("{head}\n\nnot text"),
    };
    if is_success { Ok(text) } else { Err(text) }
}

/// What strangers wrote, as a person would see it: a page or a program can hide orders for a model in characters that
/// nobody sees, and drive a terminal by others (CWE-1007, CWE-150). Files are given as they are, because they are written
/// back.
fn readable(text: String) -> String {
    let count: usize = hidden::find(&text).iter().map(|found| text[found.range.clone()].chars().count()).sum();
    match count {
        0 => text,
        _ => format!("{}\n[left out: {count} characters that nobody can see]", hidden::strip(&text)),
    }
}

fn run(grant: &Grant) -> Answer {
    let Some(Handle::Command(invocation)) = grant.handle("command") else { return Err(no_rule("command", "command")) };
    let output = invocation.run().map_err(|error| error.to_string())?;
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    let mut text = out.into_owned();
    if !err.is_empty() {
        text.push_str("\n[standard error]\n");
        text.push_str(&err);
    }
    let text = readable(text);
    if output.is_success() { Ok(text) } else { Err(format!("{text}\n[ended: {:?}]", output.status)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nobody_can_see_is_left_out_and_counted() {
        let page = "a\u{1b}[31m\u{202e}b\u{200b}\u{0} \u{e0069}\u{e0064}\n";
        assert_eq!(readable(page.to_owned()), "a[31mb \n\n[left out: 6 characters that nobody can see]");
        for honest in ["plain\ttext\r\n", "caf\u{e9} \u{1f469}\u{200d}\u{1f4bb} \u{65e5}\u{672c}"] {
            assert_eq!(readable(honest.to_owned()), honest);
        }
    }
}
