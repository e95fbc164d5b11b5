use std::fs;

use rmcp::ServiceExt as _;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, DuplexStream, ReadHalf, WriteHalf};

use super::*;

/// A client that speaks plain JSON to the server over a pipe in memory.
struct Client {
    directory: tempfile::TempDir,
    log: PathBuf,
    reader: tokio::io::Lines<BufReader<ReadHalf<DuplexStream>>>,
    writer: WriteHalf<DuplexStream>,
    id: u64,
}

impl Client {
    async fn start(policy: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        fs::create_dir(directory.path().join("project")).unwrap();
        fs::write(directory.path().join("project/a.txt"), "one two\n").unwrap();
        fs::write(directory.path().join("secret.txt"), "secret").unwrap();
        let file = directory.path().join("manta.toml");
        fs::write(&file, policy).unwrap();
        let log = directory.path().join("audit.jsonl");
        let server = guarded(Policy::load(&file).unwrap(), &log).unwrap();
        let (ours, theirs) = tokio::io::duplex(1 << 20);
        let (heard, said) = tokio::io::split(theirs);
        let pipes = (bounded::Bounded::new(heard), strict::ToNobody::new(said));
        tokio::spawn(async move { server.serve(pipes).await.unwrap().waiting().await.unwrap() });
        let (reader, writer) = tokio::io::split(ours);
        let mut client = Self { directory, log, reader: BufReader::new(reader).lines(), writer, id: 0 };
        let info = json!({ "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": { "name": "t", "version": "1" } });
        client.ask("initialize", info).await;
        client.send(json!({ "jsonrpc": "2.0", "method": "notifications/initialized" })).await;
        client
    }

    async fn send(&mut self, message: Value) {
        self.writer.write_all(format!("{message}\n").as_bytes()).await.unwrap();
    }

    async fn ask(&mut self, method: &str, params: Value) -> Value {
        self.id += 1;
        self.send(json!({ "jsonrpc": "2.0", "id": self.id, "method": method, "params": params })).await;
        let line = self.reader.next_line().await.unwrap().expect("an answer");
        serde_json::from_str(&line).unwrap()
    }

    /// Whether the call succeeded, and the text of its answer.
    async fn call(&mut self, tool: &str, args: Value) -> (bool, String) {
        let answer = self.ask("tools/call", json!({ "name": tool, "arguments": args })).await;
        let result = &answer["result"];
        let text = result["content"][0]["text"].as_str().unwrap_or_else(|| panic!("no text: {answer}")).to_owned();
        (result["isError"] != true, text)
    }

    async fn tools(&mut self) -> Vec<String> {
        let answer = self.ask("tools/list", json!({})).await;
        answer["result"]["tools"].as_array().unwrap().iter().map(|t| t["name"].as_str().unwrap().to_owned()).collect()
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.directory.path().join(name)).unwrap()
    }
}

const POLICY: &str = r#"
version = 1
[roots.project]
at = "project"
mode = "rw"
[limits.default]
calls = 100
per = "1m"
[limits.two]
calls = 2
per = "1h"
[redact]
results = true
[tools.read_file.args]
path = { kind = "path", roots = ["project"], required = true }
offset = { kind = "int" }
length = { kind = "int" }
[tools.write_file.args]
path = { kind = "path", roots = ["project"], mode = "rw", required = true }
content = { kind = "string", charset = "any", required = true }
[tools.edit_file.args]
path = { kind = "path", roots = ["project"], mode = "r+", required = true }
edits = { kind = "any", required = true }
[tools.list_directory]
limits = ["two"]
[tools.list_directory.args]
path = { kind = "path", roots = ["project"], required = true }
[tools.search_files.args]
path = { kind = "path", roots = ["project"], required = true }
text = { kind = "string" }
name = { kind = "string" }
[tools.file_info]
access = "deny"
"#;

#[tokio::test]
async fn only_granted_tools_are_listed_and_callable() {
    let mut client = Client::start(POLICY).await;
    assert_eq!(client.tools().await, ["read_file", "write_file", "edit_file", "list_directory", "search_files"]);
    for tool in ["file_info", "fetch_url", "run_command", "no_such_tool"] {
        let answer = client.ask("tools/call", json!({ "name": tool, "arguments": { "path": "a.txt" } })).await;
        assert_eq!(answer["error"]["code"], -32602, "{answer}");
        let message = answer["error"]["message"].as_str().unwrap();
        assert!(message.starts_with(&format!("there is no tool \"{tool}\" here: denied by")), "{tool}: {message}");
    }
}

#[tokio::test]
async fn files_are_read_written_and_edited_inside_the_root_only() {
    let mut client = Client::start(POLICY).await;
    assert_eq!(client.call("read_file", json!({ "path": "a.txt" })).await, (true, "one two\n".to_owned()));
    assert_eq!(client.call("read_file", json!({ "path": "a.txt", "offset": 4, "length": 3 })).await.1, "two");
    assert!(client.call("write_file", json!({ "path": "b.txt", "content": "new" })).await.0);
    assert_eq!(client.read("project/b.txt"), "new");
    let edits = |old: &str| json!([{ "old_text": old, "new_text": "2" }]);
    assert!(client.call("edit_file", json!({ "path": "a.txt", "edits": edits("two") })).await.0);
    assert_eq!(client.read("project/a.txt"), "one 2\n");
    let (ok, text) = client.call("edit_file", json!({ "path": "a.txt", "edits": edits("absent") })).await;
    assert!(!ok && text.contains("nothing was changed"), "{text}");
    for path in ["../secret.txt", "/etc/passwd", "../project-evil/x"] {
        for (tool, args) in
            [("read_file", json!({ "path": path })), ("write_file", json!({ "path": path, "content": "x" }))]
        {
            assert!(!client.call(tool, args).await.0, "{tool} {path}");
        }
    }
    assert_eq!(client.read("secret.txt"), "secret");
}

#[tokio::test]
async fn searching_and_listing_stay_inside() {
    let mut client = Client::start(POLICY).await;
    std::os::unix::fs::symlink(client.directory.path(), client.directory.path().join("project/up")).unwrap();
    let (_, found) = client.call("search_files", json!({ "path": ".", "text": "o" })).await;
    assert!(found.contains("a.txt:1:") && !found.contains("secret"), "{found}");
    let (_, list) = client.call("list_directory", json!({ "path": "." })).await;
    assert!(list.contains("a.txt") && list.contains("link"), "{list}");
    assert!(!client.call("list_directory", json!({ "path": "up" })).await.0);
}

#[tokio::test]
async fn limits_answer_with_a_time_and_every_call_is_in_the_log() {
    let mut client = Client::start(POLICY).await;
    for _ in 0..2 {
        assert!(client.call("list_directory", json!({ "path": "." })).await.0);
    }
    let answer = client.ask("tools/call", json!({ "name": "list_directory", "arguments": { "path": "." } })).await;
    let result = &answer["result"];
    assert_eq!(result["isError"], true);
    assert!(result["content"][0]["text"].as_str().unwrap().contains("2 calls in 3600 s"), "{result}");
    assert!(result["_meta"]["io.github.manta-security/retry_after_ms"].as_u64().unwrap() > 3_000_000);

    let log = fs::read_to_string(&client.log).unwrap();
    let outcomes: Vec<Value> = log
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .filter(|record: &Value| record["kind"] == "outcome")
        .collect();
    assert_eq!(
        outcomes.iter().map(|record| record["success"].as_bool().unwrap()).collect::<Vec<_>>(),
        [true, true, false]
    );
    assert_eq!(outcomes[2]["rule"], "limits.two");
    assert!(outcomes[0]["bytes_out"].as_u64().unwrap() > 0);
}

#[tokio::test]
async fn what_is_no_call_for_want_of_one_reading_is_in_the_log_too() {
    let mut client = Client::start(POLICY).await;
    for (line, kind, told) in [
        (r#"{"jsonrpc":"2.0","id":7,"method":"tools/call","method":"ping"}"#, "frame-refused", "duplicate key"),
        (r#"{"jsonrpc":"2.0","id":8,"method":"tools/call","params":{"name":5}}"#, "request-refused", "tools/call"),
    ] {
        client.writer.write_all(format!("{line}\n").as_bytes()).await.unwrap();
        assert!(client.reader.next_line().await.unwrap().unwrap().contains("error"), "{line}");
        let log = fs::read_to_string(&client.log).unwrap();
        let record: Value = serde_json::from_str(log.lines().last().unwrap()).unwrap();
        assert_eq!(record["kind"], kind, "{record}");
        assert!(record["detail"]["detail"].as_str().unwrap().contains(told), "{record}");
    }
    // Of a flood it is told how many there were, so that it does not fill the disk.
    for _ in 0..1500 {
        client.writer.write_all(b"{\n").await.unwrap();
        client.reader.next_line().await.unwrap().unwrap();
    }
    let log = fs::read_to_string(&client.log).unwrap();
    assert_eq!(log.matches("frame-refused").count(), 1000, "as many as are told one by one");
}

#[tokio::test]
async fn secrets_leave_neither_results_nor_the_log() {
    let mut client = Client::start(POLICY).await;
    let token = format!("ghp_{}", "a1B2c3D4e5F6".repeat(3));
    let content = format!("token is {token}\n");
    assert!(client.call("write_file", json!({ "path": "t.txt", "content": content })).await.0);
    let (ok, text) = client.call("read_file", json!({ "path": "t.txt" })).await;
    assert!(ok && text == "token is [redacted:secret:github-token]\n", "{text}");
    assert!(!fs::read_to_string(&client.log).unwrap().contains(&token));
}

#[tokio::test]
async fn schemas_are_tight_and_annotations_honest() {
    let mut client = Client::start(POLICY).await;
    let answer = client.ask("tools/list", json!({})).await;
    for tool in answer["result"]["tools"].as_array().unwrap() {
        assert_eq!(tool["inputSchema"]["additionalProperties"], false, "{tool}");
        let writes = matches!(tool["name"].as_str().unwrap(), "write_file" | "edit_file");
        assert_eq!(tool["annotations"]["readOnlyHint"], !writes, "{tool}");
    }
}

#[tokio::test]
async fn commands_and_urls_go_through_their_policies() {
    let policy = r#"
version = 1
[roots.project]
at = "project"
[hosts.api]
allow = ["api.example.com"]
[commands.echo]
exe = "/bin/echo"
cwd = "project"
operands = [{ kind = "word", max = 3 }]
end_of_options = "none"
[tools.run_command.args]
command = { kind = "command", commands = ["echo"], args_in = "args", required = true }
[tools.fetch_url.args]
url = { kind = "url", hosts = ["api"], required = true }
"#;
    let mut client = Client::start(policy).await;
    assert_eq!(client.tools().await, ["fetch_url", "run_command"]);
    for args in [
        json!({ "command": "echo", "args": ["a;b"] }),
        json!({ "command": "sh", "args": ["-c", "id"] }),
        json!({ "command": "echo", "args": ["-n"] }),
    ] {
        let (ok, text) = client.call("run_command", args).await;
        assert!(!ok && text.starts_with("denied by tools.run_command.args.command"), "{text}");
    }
    for url in ["https://evil.example/", "http://api.example.com/", "https://127.0.0.1/", "file:///etc/passwd"] {
        let (ok, text) = client.call("fetch_url", json!({ "url": url })).await;
        assert!(!ok && text.starts_with("denied by tools.fetch_url.args.url"), "{text}");
    }
}

#[tokio::test]
async fn arguments_beyond_their_bound_are_a_clear_error() {
    let mut client = Client::start(POLICY).await;
    let (ok, text) = client.call("write_file", json!({ "path": "a.txt", "content": "x".repeat(2 << 20) })).await;
    assert!(!ok && text.contains("larger than 1 MiB"), "{text}");
}

/// A tool that forgets the policy cannot work: the extractors are errors behind a bare handler.
#[tokio::test]
async fn the_tools_are_useless_without_the_wrapper() {
    let directory = tempfile::tempdir().unwrap();
    let server = ToolServer::new(&read_only(directory.path()).unwrap());
    let (ours, theirs) = tokio::io::duplex(1 << 16);
    tokio::spawn(async move { server.serve(theirs).await.unwrap().waiting().await.unwrap() });
    let (reader, mut writer) = tokio::io::split(ours);
    let mut reader = BufReader::new(reader).lines();
    for message in [
        json!({ "jsonrpc": "2.0", "id": 1, "method": "initialize", "params": { "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": { "name": "t", "version": "1" } } }),
        json!({ "jsonrpc": "2.0", "method": "notifications/initialized" }),
        json!({ "jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": { "name": "read_file", "arguments": { "path": "a" } } }),
    ] {
        writer.write_all(format!("{message}\n").as_bytes()).await.unwrap();
    }
    reader.next_line().await.unwrap();
    let answer = reader.next_line().await.unwrap().unwrap();
    assert!(answer.contains("only works behind its policy"), "{answer}");
}

#[test]
fn a_public_address_without_a_token_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let start = |address: &str, token: Option<&str>| {
        let options = HttpOptions { address: address.parse().unwrap(), token: token.map(str::to_owned) };
        serve_http(read_only(directory.path()).unwrap(), &directory.path().join("a.jsonl"), &options, |_| {})
    };
    assert!(matches!(start("0.0.0.0:0", None), Err(ServeError::Unprotected(_))));
    assert!(matches!(start("0.0.0.0:0", Some("short")), Err(ServeError::Unprotected(_))));
}

#[test]
fn snippets_name_the_program_and_its_arguments() {
    for client in super::Client::ALL {
        let text = client.config("/usr/bin/manta", &["serve".to_owned()]).to_string();
        assert!(text.contains("/usr/bin/manta") && text.contains("serve"), "{text}");
    }
    let url = "http://127.0.0.1:8080/mcp";
    assert_eq!(super::Client::ClaudeDesktop.remote_config(url, true), None);
    for client in [super::Client::Cursor, super::Client::VsCode] {
        let text = client.remote_config(url, true).unwrap().to_string();
        assert!(text.contains(url) && text.contains("Bearer ${"), "{text}");
        assert!(!client.remote_config(url, false).unwrap().to_string().contains("Authorization"));
    }
}

/// A method that the SDK adds falls back to "method not found" behind the wrapper, which is safe and may be
/// wrong. This fails when the SDK changes, so that somebody looks at `ServerHandler` and decides.
#[test]
fn the_wrapper_was_reviewed_for_this_version_of_the_sdk() {
    const REVIEWED: &str = "3.11.0";
    let lock = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../Cargo.lock")).unwrap();
    let version = lock.split("name = \"rmcp\"\nversion = \"").nth(1).and_then(|rest| rest.split('"').next());
    assert_eq!(version, Some(REVIEWED), "look for new methods of ServerHandler, then change this line");
}

/// Starts the HTTP server in a thread that lives as long as the test process.
fn http(token: Option<&str>) -> std::net::SocketAddr {
    http_with(token, |directory| read_only(directory).unwrap())
}

/// The same, under a policy of its own.
fn http_with(token: Option<&str>, policy: impl FnOnce(&Path) -> Policy + Send + 'static) -> std::net::SocketAddr {
    let (sender, receiver) = std::sync::mpsc::channel();
    let options = HttpOptions { address: "127.0.0.1:0".parse().unwrap(), token: token.map(str::to_owned) };
    std::thread::spawn(move || {
        let directory = tempfile::tempdir().unwrap();
        let policy = policy(directory.path());
        serve_http(policy, &directory.path().join("a.jsonl"), &options, |address| sender.send(address).unwrap())
            .unwrap();
    });
    receiver.recv().unwrap()
}

/// The status of an `initialize` request with these headers, and padding in its body.
fn status(address: std::net::SocketAddr, headers: &[(&str, &str)], padding: usize) -> u16 {
    use std::io::{Read as _, Write as _};
    let named = headers.iter().find(|(name, _)| *name == "MCP-Protocol-Version");
    let body = json!({ "jsonrpc": "2.0", "id": 0, "method": "initialize", "params": {
        "protocolVersion": named.map_or("2025-11-25", |(_, revision)| revision), "capabilities": {}, "clientInfo": { "name": "x".repeat(padding), "version": "1" } } });
    let body = body.to_string();
    let mut request = format!("POST /mcp HTTP/1.1\r\nContent-Length: {}\r\nConnection: close\r\n", body.len());
    request.push_str("Content-Type: application/json\r\nAccept: application/json, text/event-stream\r\n");
    for (name, value) in headers {
        request.push_str(&format!("{name}: {value}\r\n"));
    }
    let mut stream = std::net::TcpStream::connect(address).unwrap();
    stream.write_all(request.as_bytes()).and_then(|()| stream.write_all(b"\r\n")).unwrap();
    let _ = stream.write_all(body.as_bytes()); // a refusal may come before the body is read
    let mut head = [0; 12];
    stream.read_exact(&mut head).unwrap();
    String::from_utf8_lossy(&head[9..]).parse().unwrap()
}

/// The head of an answer.
fn head(address: std::net::SocketAddr, request: &str) -> String {
    use std::io::{BufRead as _, BufReader, Write as _};
    let mut stream = std::net::TcpStream::connect(address).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    BufReader::new(stream)
        .lines()
        .map_while(Result::ok)
        .take_while(|line| !line.is_empty())
        .collect::<Vec<_>>()
        .join("\n")
}

#[test]
fn a_session_that_its_client_ends_is_gone() {
    let address = http(None);
    let body = json!({ "jsonrpc": "2.0", "id": 0, "method": "initialize", "params": {
        "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": { "name": "x", "version": "1" } } });
    let common = format!("/mcp HTTP/1.1\r\nHost: {address}\r\nAccept: application/json, text/event-stream");
    let length = body.to_string().len();
    let opened = head(
        address,
        &format!("POST {common}\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"),
    );
    let session = opened.lines().find_map(|line| line.strip_prefix("mcp-session-id: ")).expect("a session");
    let end = format!("DELETE {common}\r\nMcp-Session-Id: {session}\r\n\r\n");
    let said = [head(address, &end), head(address, &end.replace("DELETE", "GET"))];
    assert!(said[0].starts_with("HTTP/1.1 204") && said[1].starts_with("HTTP/1.1 404"), "{said:?}");
}

#[test]
fn browsers_of_other_origins_and_other_hosts_are_refused() {
    let address = http(None);
    let (host, own) = (address.to_string(), format!("http://{address}"));
    assert_eq!(status(address, &[("Host", &host)], 0), 200);
    assert_eq!(status(address, &[("Host", &host), ("Origin", &own)], 0), 200);
    assert_eq!(status(address, &[("Host", &host), ("Origin", "http://evil.example")], 0), 403);
    assert_eq!(status(address, &[("Host", &host), ("Origin", "http://localhost:1")], 0), 403);
    assert_eq!(status(address, &[("Host", &host), ("Origin", "null")], 0), 403);
    assert_eq!(status(address, &[("Host", "evil.example")], 0), 403);
    assert_eq!(status(address, &[("Host", &host)], 5 << 20), 413);
}

#[test]
fn there_is_a_last_session_whatever_revision_asks_for_it() {
    let address = http(None);
    let host = address.to_string();
    let named = [("Host", host.as_str()), ("MCP-Protocol-Version", "2026-07-28"), ("Mcp-Method", "initialize")];
    let answers: Vec<u16> = (0..1030).map(|_| status(address, &named, 0)).collect();
    assert!(answers[..1024].iter().all(|answer| *answer == 200), "{:?}", &answers[..20]);
    assert!(answers[1024..].iter().all(|answer| *answer == 503), "{:?}", &answers[1020..]);
}

#[test]
fn one_principal_does_not_take_the_sessions_of_all() {
    use crate::front::issuers::{AUDIENCE, Issuer, Signer};
    let (issuer, signer) = (Issuer::start(), Signer::ed(1));
    issuer.keys.lock().unwrap().push(signer.jwk("k"));
    let url = issuer.url.clone();
    let address = http_with(None, move |directory| {
        let port = url.rsplit(':').next().unwrap();
        let text = format!(
            "version = 1\n[serve.oauth]\nissuer = \"{url}\"\naudience = \"{AUDIENCE}\"\nhosts = \"issuer\"\n\
             [hosts.issuer]\nallow = [\"127.0.0.1\"]\nschemes = [\"https\", \"http\"]\nports = [{port}]\nprivate = [\"127.0.0.1/32\"]\n"
        );
        Policy::compile(PolicyFile::parse(directory.join("manta.toml"), &text).unwrap()).unwrap()
    });
    let host = address.to_string();
    let exp = std::time::UNIX_EPOCH.elapsed().unwrap().as_secs() + 300;
    let open = |subject: &str| {
        let claims = json!({ "iss": issuer.url, "aud": AUDIENCE, "sub": subject, "exp": exp });
        let token = format!("Bearer {}", signer.sign("k", &claims));
        status(address, &[("Host", &host), ("Authorization", &token)], 0)
    };
    // On a busy machine the issuer may not be reached at once; then nobody is judged for some seconds.
    let is_judged = |_: &u32| {
        std::thread::sleep(std::time::Duration::from_millis(200));
        open("carol") != 503
    };
    assert!((0..150).find(is_judged).is_some(), "the issuer is never reached");
    let answers: Vec<u16> = (0..130).map(|_| open("alice")).collect();
    assert!(answers[..128].iter().all(|answer| *answer == 200), "{:?}", &answers[..5]);
    assert_eq!(answers[128..], [503, 503]);
    assert_eq!(open("bob"), 200);
}

#[test]
fn a_body_with_two_readings_is_refused_over_http_too() {
    use std::io::{Read as _, Write as _};
    let (sender, receiver) = std::sync::mpsc::channel();
    let address = http_with(None, move |directory| {
        sender.send(directory.join("a.jsonl")).unwrap();
        read_only(directory).unwrap()
    });
    let log = receiver.recv().unwrap();
    let ask = |framing: &str, body: &str| {
        let mut stream = std::net::TcpStream::connect(address).unwrap();
        let head = format!(
            "POST /mcp HTTP/1.1\r\nHost: {address}\r\nContent-Type: application/json\r\n\
             Accept: application/json, text/event-stream\r\nMCP-Protocol-Version: 2026-07-28\r\n\
             Mcp-Method: tools/call\r\nMcp-Name: read_file\r\n"
        );
        write!(stream, "{head}{framing}\r\n{body}").unwrap();
        let mut heard = String::new();
        let mut byte = [0];
        // To the end of the answer, or of the connection when there is nothing after it.
        while stream.read(&mut byte).unwrap() > 0 {
            heard.push(char::from(byte[0]));
            if heard.ends_with("}}") || heard.ends_with("}\n\n") {
                break;
            }
        }
        heard
    };
    let meta = r#""_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}"#;
    let call = |id: &str, path: &str| {
        format!(
            r#"{{"jsonrpc":"2.0","id":{id},"method":"tools/call","params":{{"name":"read_file","arguments":{{{path}}},{meta}}}}}"#
        )
    };
    let whole = |body: &str| ask(&format!("Content-Length: {}\r\n", body.len()), body);
    let good = call("1", r#""path":"a.txt""#);
    assert!(whole(&good).starts_with("HTTP/1.1 200"), "{}", whole(&good));
    for (bad, id) in [
        (call("2", r#""path":"a.txt","path":"b.txt""#), "2"),
        (call("3", r#""path":"a.txt","Path":"b.txt""#), "3"),
        (call("1e2", r#""path":"a.txt""#), "null"),
        (call("5", r#""path":"\ud800""#), "5"),
        (format!("[{good}]"), "null"),
        ("{".to_owned(), "null"),
    ] {
        let heard = whole(&bad);
        assert!(heard.starts_with("HTTP/1.1 400"), "{bad}: {heard}");
        assert!(heard.contains("application/json") && heard.contains(&format!("\"id\":{id}")), "{bad}: {heard}");
    }
    let written = fs::read_to_string(&log).unwrap();
    let of = |kind: &str| written.matches(&format!("\"kind\":\"{kind}\"")).count();
    assert_eq!((of("intent"), of("frame-refused")), (1, 6), "{written}");
    // Where a proxy may see another end of the body, nothing follows it.
    let chunks = format!("{:x}\r\n{good}\r\n0\r\n\r\n", good.len());
    let heard = ask("Content-Length: 4\r\nTransfer-Encoding: chunked\r\n", &chunks);
    assert!(heard.to_lowercase().contains("connection: close"), "{heard}");
    assert!(ask("Transfer-Encoding: gzip, chunked\r\n", &chunks).starts_with("HTTP/1.1 501"));
}

#[test]
fn a_token_is_asked_for_before_anything_else() {
    let address = http(Some("0123456789abcdef"));
    let host = address.to_string();
    for header in ["", "Bearer", "Bearer 0123456789abcdeF", "Basic 0123456789abcdef", "Bearer 0123456789abcdef0"] {
        assert_eq!(status(address, &[("Host", &host), ("Authorization", header)], 0), 401, "{header}");
    }
    // Which of two a proxy has judged, nobody knows.
    let two = [("Host", host.as_str()), ("Authorization", "Bearer 0123456789abcdef"), ("Authorization", "Bearer x")];
    assert_eq!(status(address, &two, 0), 401);
    assert_eq!(status(address, &[("Host", &host), ("Authorization", "bearer 0123456789abcdef")], 0), 200);
}
