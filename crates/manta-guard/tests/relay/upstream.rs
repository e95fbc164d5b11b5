//! A remote server behind the guard: what it is sent, and what its answers may do.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};

use super::Guarded;

/// A request as it arrived.
struct Seen {
    method: String,
    headers: Vec<(String, String)>,
    body: Value,
}

impl Seen {
    fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(other, _)| other == name).map(|(_, value)| value.as_str())
    }
}

type Requests = Arc<Mutex<Vec<Seen>>>;

/// A server of few words: `answer` writes the response for each request.
fn remote(answer: impl Fn(&Seen, &mut TcpStream) + Send + Sync + 'static) -> (SocketAddr, Requests) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (requests, answer) = (Requests::default(), Arc::new(answer));
    let kept = Arc::clone(&requests);
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let (answer, kept) = (Arc::clone(&answer), Arc::clone(&kept));
            std::thread::spawn(move || serve(stream, &*answer, &kept));
        }
    });
    (address, requests)
}

fn serve(stream: TcpStream, answer: &dyn Fn(&Seen, &mut TcpStream), kept: &Requests) {
    let mut writer = stream.try_clone().unwrap();
    let mut reader = BufReader::new(stream);
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).unwrap_or(0) == 0 {
            return;
        }
        let method = line.split(' ').next().unwrap_or("").to_owned();
        let mut headers = Vec::new();
        loop {
            line.clear();
            if reader.read_line(&mut line).unwrap_or(0) == 0 {
                return;
            }
            let Some((name, value)) = line.trim_end().split_once(": ") else { break };
            headers.push((name.to_ascii_lowercase(), value.to_owned()));
        }
        let mut seen = Seen { method, headers, body: Value::Null };
        let length = seen.header("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
        let mut body = vec![0; length];
        reader.read_exact(&mut body).unwrap();
        seen.body = serde_json::from_slice(&body).unwrap_or(Value::Null);
        answer(&seen, &mut writer);
        kept.lock().unwrap().push(seen);
    }
}

fn respond(out: &mut TcpStream, status: &str, headers: &str, body: &str) {
    let text = format!("HTTP/1.1 {status}\r\n{headers}Content-Length: {}\r\n\r\n{body}", body.len());
    let _ = out.write_all(text.as_bytes());
}

fn json_result(out: &mut TcpStream, id: &Value, result: &Value) {
    let body = json!({ "jsonrpc": "2.0", "id": id, "result": result }).to_string();
    respond(out, "200 OK", "Content-Type: application/json\r\n", &body);
}

fn text(text: &str) -> Value {
    json!({ "content": [{ "type": "text", "text": text }] })
}

/// Opens sessions and answers with what it was asked for; everything else is the test's.
fn obedient(seen: &Seen, out: &mut TcpStream) -> bool {
    match seen.body["method"].as_str() {
        Some("initialize") => {
            let body = json!({ "jsonrpc": "2.0", "id": seen.body["id"], "result": { "protocolVersion": "2025-11-25", "capabilities": {}, "serverInfo": { "name": "r", "version": "1" } } });
            respond(out, "200 OK", "Content-Type: application/json\r\nMcp-Session-Id: s-1\r\n", &body.to_string());
        }
        Some(method) if method.starts_with("notifications/") => respond(out, "202 Accepted", "", ""),
        Some(_) => return false,
        None if seen.method == "GET" => respond(out, "405 Method Not Allowed", "", ""),
        None => respond(out, "200 OK", "", ""),
    }
    true
}

fn start(directory: &Path, policy: &str, url: &str) -> Guarded {
    fs::create_dir_all(directory.join("root")).unwrap();
    fs::write(directory.join("manta.toml"), policy).unwrap();
    let mut command = Command::new(super::GUARD);
    command.args(["--policy", "manta.toml", "--upstream", url]).env("REMOTE_KEY", "Bearer of-the-guard");
    command.current_dir(directory).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    Guarded::around(command.spawn().unwrap())
}

fn open(guarded: &mut Guarded) {
    guarded.send(r#"{"jsonrpc":"2.0","id":"open","method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{}}}"#);
    assert_eq!(guarded.receive()["id"], "open");
    guarded.send(r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#);
}

pub(crate) fn a_remote_server_is_guarded_like_a_local_one(directory: &Path) {
    let (address, requests) = remote(|seen, out| {
        if obedient(seen, out) {
            return;
        }
        let id = &seen.body["id"];
        match seen.body["params"]["name"].as_str() {
            Some("plain") => json_result(out, id, &text("as json")),
            Some("stream") => {
                let progress = json!({ "jsonrpc": "2.0", "method": "notifications/message", "params": { "level": "info", "data": "on the way" } });
                let answer = json!({ "jsonrpc": "2.0", "id": id, "result": text("as events") });
                let body = format!(": hello\n\nevent: message\ndata: {progress}\n\nid: 1\ndata: {answer}\n\n");
                respond(out, "200 OK", "Content-Type: text/event-stream\r\n", &body);
            }
            Some("elsewhere") => respond(out, "307 Temporary Redirect", "Location: http://127.0.0.1:1/\r\n", ""),
            Some("closed") => respond(out, "401 Unauthorized", "WWW-Authenticate: Bearer\r\n", ""),
            Some("other") => json_result(out, &json!("another"), &text("for somebody else")),
            _ => respond(out, "500 Internal Server Error", "Content-Type: text/html\r\n", "<h1>sorry</h1>"),
        }
    });
    let policy = format!(
        "{}\n[tools.forbidden]\naccess = \"deny\"\n[guard]\nupstream_headers = {{ Authorization = \"REMOTE_KEY\" }}\n",
        super::OPEN
    );
    let mut guarded = start(directory, &policy, &format!("http://localhost:{}/mcp?x=1", address.port()));
    open(&mut guarded);
    assert_eq!(guarded.call("plain", &json!({})), "as json");
    guarded.post("stream", &json!({}));
    assert_eq!(guarded.receive()["params"]["data"], "on the way");
    assert_eq!(guarded.receive()["result"]["content"][0]["text"], "as events");
    for (tool, part) in
        [("elsewhere", "307"), ("closed", "credentials"), ("other", "something else"), ("broken", "500")]
    {
        let answer = guarded.call(tool, &json!({}));
        assert!(answer.contains(part), "{tool}: {answer}");
    }
    assert!(guarded.call("forbidden", &json!({})).starts_with("denied by manta guard"));
    assert_eq!(guarded.call("plain", &json!({})), "as json");
    assert_eq!(guarded.close(), 0);
    let requests = requests.lock().unwrap();
    for seen in requests.iter() {
        assert_eq!(seen.header("authorization"), Some("Bearer of-the-guard"));
        assert!(seen.header("host").unwrap().starts_with("localhost:"));
        let opens = seen.body["method"] == "initialize";
        assert_eq!(seen.header("mcp-session-id"), (!opens).then_some("s-1"));
        assert_eq!(seen.header("mcp-protocol-version"), (!opens).then_some("2025-11-25"));
        assert_ne!(seen.body["params"]["name"], "forbidden");
    }
    assert!(requests.iter().any(|seen| seen.method == "DELETE"), "the session was ended");
}

pub(crate) fn a_lost_session_or_stream_costs_no_answer(directory: &Path) {
    let lost = Arc::new(Mutex::new(false));
    let (address, requests) = remote(move |seen, out| {
        let id = &seen.body["id"];
        if seen.method == "GET" && seen.header("last-event-id") == Some("7") {
            let answer = json!({ "jsonrpc": "2.0", "id": 2, "result": text("resumed") });
            return respond(out, "200 OK", "Content-Type: text/event-stream\r\n", &format!("data: {answer}\n\n"));
        }
        if obedient(seen, out) {
            return;
        }
        match seen.body["params"]["name"].as_str() {
            Some("forget") if !std::mem::replace(&mut *lost.lock().unwrap(), true) => {
                respond(out, "404 Not Found", "Content-Type: text/plain\r\n", "who?");
            }
            Some("break") => {
                respond(out, "200 OK", "Content-Type: text/event-stream\r\n", "id: 7\nretry: 10\ndata:\n\n");
            }
            _ => json_result(out, id, &text("remembered")),
        }
    });
    let mut guarded = start(directory, super::OPEN, &format!("http://{address}/mcp"));
    open(&mut guarded);
    assert_eq!(guarded.call("forget", &json!({})), "remembered");
    assert_eq!(guarded.call("break", &json!({})), "resumed");
    assert_eq!(guarded.close(), 0);
    let openings = requests.lock().unwrap().iter().filter(|seen| seen.body["method"] == "initialize").count();
    assert_eq!(openings, 2, "the session was opened again");
}

pub(crate) fn stateless_requests_carry_headers_that_say_what_their_body_says(directory: &Path) {
    let (address, requests) = remote(|seen, out| match seen.body["method"].as_str() {
        Some("tools/list") => json_result(
            out,
            &seen.body["id"],
            &json!({ "resultType": "complete", "tools": [{ "name": "süß", "inputSchema": { "type": "object", "properties": { "region": { "type": "string", "x-mcp-header": "Region" } } } }] }),
        ),
        Some("tools/call") if seen.body["params"]["arguments"]["region"] == "slow" => {
            let _ = out
                .write_all(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n");
            // Until the other side closes the stream.
            while out.write_all(b"8\r\n: wait\n\n\r\n").is_ok() {
                std::thread::sleep(Duration::from_millis(20));
            }
        }
        _ => json_result(
            out,
            &seen.body["id"],
            &json!({ "resultType": "complete", "content": [{ "type": "text", "text": "ok" }] }),
        ),
    });
    let mut guarded = start(directory, super::OPEN, &format!("http://{address}/"));
    let meta = json!({ "io.modelcontextprotocol/protocolVersion": "2026-07-28", "io.modelcontextprotocol/clientCapabilities": {} });
    let ask = |id: u32, method: &str, mut params: Value| {
        params["_meta"] = meta.clone();
        json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params }).to_string()
    };
    guarded.send(&ask(1, "tools/list", json!({})));
    assert_eq!(guarded.receive()["result"]["tools"][0]["name"], "süß");
    let call =
        |id: u32, region: &str| ask(id, "tools/call", json!({ "name": "süß", "arguments": { "region": region } }));
    guarded.send(&call(2, "eu"));
    assert_eq!(guarded.receive()["result"]["content"][0]["text"], "ok");
    // Cancelling closes the stream and sends nothing.
    guarded.send(&call(3, "slow"));
    std::thread::sleep(Duration::from_millis(300));
    guarded.send(r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":3}}"#);
    guarded.send(&call(4, "eu"));
    assert_eq!(guarded.receive()["id"], 4);
    std::thread::sleep(Duration::from_millis(300));
    let requests = requests.lock().unwrap();
    assert!(requests.iter().any(|seen| seen.body["id"] == 3), "the stream was closed");
    assert!(requests.iter().all(|seen| seen.body["method"] != "notifications/cancelled" && seen.method == "POST"));
    let second = requests.iter().find(|seen| seen.body["id"] == 2).unwrap();
    let header = |name: &str| second.header(name).unwrap_or("");
    assert_eq!(header("mcp-protocol-version"), "2026-07-28");
    assert_eq!(header("mcp-method"), "tools/call");
    assert_eq!(header("mcp-name"), "=?base64?c8O8w58=?=");
    assert_eq!(header("mcp-param-region"), "eu");
    assert_eq!(second.header("mcp-session-id"), None);
}

pub(crate) fn an_address_that_can_not_be_meant_is_refused_before_anything_starts(directory: &Path) {
    fs::write(directory.join("manta.toml"), super::OPEN).unwrap();
    for url in [
        "ftp://example.com/",
        "http://user@127.0.0.1/",
        "https://0x7f.1/",
        "127.0.0.1:80",
        "http://metadata.google.internal/",
    ] {
        let mut command = Command::new(super::GUARD);
        command.args(["--policy", "manta.toml", "--upstream", url]).current_dir(directory).stdin(Stdio::null());
        let output = command.output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{url}");
        assert!(String::from_utf8_lossy(&output.stderr).contains("the server at"), "{url}");
    }
}
