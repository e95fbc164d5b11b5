//! An editor's session with the language server, byte for byte as an editor speaks.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::{Value, json};

/// The editor's side.
struct Editor {
    server: Child,
    to: Option<ChildStdin>,
    from: BufReader<ChildStdout>,
    last_id: u64,
}

impl Editor {
    fn open(folder: &Path) -> Self {
        Self::with(folder, &json!({}))
    }

    fn with(folder: &Path, capabilities: &Value) -> Self {
        let mut server = Command::new(env!("CARGO_BIN_EXE_manta"))
            .arg("lsp")
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (to, from) = (server.stdin.take(), BufReader::new(server.stdout.take().unwrap()));
        let mut editor = Self { server, to, from, last_id: 0 };
        let root = format!("file://{}", folder.display());
        let answer = editor.ask(
            "initialize",
            &json!({ "capabilities": capabilities, "workspaceFolders": [{ "uri": root, "name": "s" }] }),
        );
        assert_eq!(answer["capabilities"]["hoverProvider"], true);
        editor.tell("initialized", &json!({}));
        editor
    }

    fn send(&mut self, message: &Value) {
        let text = message.to_string();
        let to = self.to.as_mut().unwrap();
        write!(to, "Content-Length: {}\r\n\r\n{text}", text.len()).unwrap();
        to.flush().unwrap();
    }

    fn tell(&mut self, method: &str, params: &Value) {
        self.send(&json!({ "jsonrpc": "2.0", "method": method, "params": params }));
    }

    fn ask(&mut self, method: &str, params: &Value) -> Value {
        self.last_id += 1;
        let id = self.last_id;
        self.send(&json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params }));
        loop {
            let message = self.read();
            if message["id"] == id {
                assert!(message["error"].is_null(), "{message}");
                return message["result"].clone();
            }
        }
    }

    fn read(&mut self) -> Value {
        let mut length = 0;
        loop {
            let mut line = String::new();
            self.from.read_line(&mut line).unwrap();
            match line.trim_end().strip_prefix("Content-Length: ") {
                Some(number) => length = number.parse().unwrap(),
                None if line.trim_end().is_empty() => break,
                None => {}
            }
        }
        let mut body = vec![0; length];
        self.from.read_exact(&mut body).unwrap();
        serde_json::from_slice(&body).unwrap()
    }

    /// The diagnostics the server publishes next for a file.
    fn diagnostics(&mut self, uri: &str) -> Vec<Value> {
        loop {
            let message = self.read();
            if message["method"] == "textDocument/publishDiagnostics" && message["params"]["uri"] == uri {
                return message["params"]["diagnostics"].as_array().unwrap().clone();
            }
        }
    }
}

impl Drop for Editor {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

const SERVER: &str = "\
import subprocess
from mcp.server.fastmcp import FastMCP

mcp = FastMCP('s')

@mcp.tool()
def log(ref: str) -> str:
    '''🌊'''; return subprocess.run(['git', 'log', ref]).stdout
";

#[test]
fn findings_come_and_go_as_the_user_types() {
    let folder = tempfile::tempdir().unwrap();
    let folder_path = folder.path().canonicalize().unwrap();
    fs::write(folder_path.join("server.py"), SERVER).unwrap();
    let uri = format!("file://{}/server.py", folder_path.display());
    let mut editor = Editor::open(&folder_path);

    // From the disk, before anything is open.
    let found = editor.diagnostics(&uri);
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0]["code"], "argument-injection");
    let range = found[0]["range"].clone();
    // The wave is two UTF-16 units.
    assert_eq!(range["start"], json!({ "line": 7, "character": 4 + 8 + 2 + "; return ".len() - 2 }), "{range}");

    let hover =
        editor.ask("textDocument/hover", &json!({ "textDocument": { "uri": uri }, "position": range["start"] }));
    assert!(hover["contents"]["value"].as_str().unwrap().starts_with("**Argument injection**"), "{hover}");

    let actions = editor.ask(
        "textDocument/codeAction",
        &json!({ "textDocument": { "uri": uri }, "range": range, "context": { "diagnostics": [] } }),
    );
    let edit = &actions[0]["edit"]["changes"][&uri][0];
    assert_eq!(edit["newText"], "'--end-of-options', ", "{actions}");

    // The user takes the repair, without saving.
    let repaired = SERVER.replace("'log', ref", "'log', \"--\", ref");
    let document = json!({ "uri": uri, "languageId": "python", "version": 1, "text": SERVER });
    editor.tell("textDocument/didOpen", &json!({ "textDocument": document }));
    editor.tell(
        "textDocument/didChange",
        &json!({ "textDocument": { "uri": uri, "version": 2 }, "contentChanges": [{ "text": repaired }] }),
    );
    while !editor.diagnostics(&uri).is_empty() {}

    // Closed without saving, the file on disk counts again; what was known of the last edit may still be on its way.
    editor.tell("textDocument/didClose", &json!({ "textDocument": { "uri": uri } }));
    while editor.diagnostics(&uri).len() != 1 {}

    assert_eq!(editor.ask("shutdown", &Value::Null), Value::Null);
    editor.tell("exit", &Value::Null);
    editor.to = None;
    assert!(editor.server.wait().unwrap().success());
}

#[test]
fn a_file_that_is_deleted_has_no_findings() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("server.py");
    fs::write(&file, SERVER).unwrap();
    let watches = json!({ "workspace": { "didChangeWatchedFiles": { "dynamicRegistration": true } } });
    let mut editor = Editor::with(folder.path(), &watches);
    let asked = loop {
        let message = editor.read();
        if message["method"] == "client/registerCapability" {
            break message;
        }
    };
    assert_eq!(asked["params"]["registrations"][0]["method"], "workspace/didChangeWatchedFiles", "{asked}");
    editor.send(&json!({ "jsonrpc": "2.0", "id": asked["id"], "result": null }));
    let uri = format!("file://{}", file.display());
    assert_eq!(editor.diagnostics(&uri).len(), 1);
    // Part of a document is no document: changes were agreed to be whole.
    let start = json!({ "line": 0, "character": 0 });
    let part = json!({ "range": { "start": start, "end": start }, "text": "#" });
    let document = json!({ "uri": uri, "languageId": "python", "version": 1, "text": SERVER });
    editor.tell("textDocument/didOpen", &json!({ "textDocument": document }));
    editor.tell(
        "textDocument/didChange",
        &json!({ "textDocument": { "uri": uri, "version": 2 }, "contentChanges": [part] }),
    );
    assert_eq!(editor.diagnostics(&uri).len(), 1);
    editor.tell("textDocument/didClose", &json!({ "textDocument": { "uri": uri } }));
    fs::remove_file(&file).unwrap();
    editor.tell("workspace/didChangeWatchedFiles", &json!({ "changes": [{ "uri": uri, "type": 3 }] }));
    while !editor.diagnostics(&uri).is_empty() {}
}

#[test]
fn what_is_not_understood_is_answered() {
    let folder = tempfile::tempdir().unwrap();
    let mut editor = Editor::open(folder.path());
    editor.send(&json!({ "jsonrpc": "2.0", "id": "x", "method": "textDocument/definition", "params": {} }));
    let answer = loop {
        let message = editor.read();
        if message["id"] == "x" {
            break message;
        }
    };
    assert_eq!(answer["error"]["code"], -32601, "{answer}");
}

/// Runs the server over bytes that are no session; what it says and how it ends.
fn refused(bytes: &[u8]) -> (String, Option<i32>) {
    let mut server = Command::new(env!("CARGO_BIN_EXE_manta"))
        .arg("lsp")
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    server.stdin.take().unwrap().write_all(bytes).unwrap();
    let output = server.wait_with_output().unwrap();
    (String::from_utf8(output.stderr).unwrap(), output.status.code())
}

#[test]
fn bytes_that_are_no_message_end_it_with_a_reason() {
    for (bytes, expected) in [
        ("Content-Length: 99999999999999\r\n\r\n{}", "a message of 99999999999999 bytes is longer than 128 MiB"),
        ("GET / HTTP/1.1\r\n\r\n", "\"GET / HTTP/1.1\" is no header of a message"),
    ] {
        let (said, code) = refused(bytes.as_bytes());
        assert!(said.contains(expected), "{said}");
        assert_eq!(code, Some(2), "{said}");
    }
}
