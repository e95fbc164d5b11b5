//! The HTTP front with clients that speak just enough HTTP.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

/// A guard that listens.
pub(crate) struct Front {
    process: Child,
    pub(crate) address: SocketAddr,
}

pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) session: Option<String>,
    pub(crate) body: String,
}

impl Front {
    pub(crate) fn start(directory: &Path, policy: &str) -> Self {
        Self::start_under(directory, policy, &[])
    }

    /// Starts the guard by a launcher, with its words in the file `stderr`.
    fn start_under(directory: &Path, policy: &str, launcher: &[&str]) -> Self {
        fs::create_dir_all(directory.join("root")).unwrap();
        fs::write(directory.join("manta.toml"), policy).unwrap();
        // A port that was free a moment ago.
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let mut words = launcher.iter().copied().chain([super::GUARD]);
        let mut command = Command::new(words.next().unwrap());
        command.args(words).args(["--policy", "manta.toml", "--http", &address.to_string()]);
        if !policy.contains("[server.") {
            command.arg("--").arg(std::env::current_exe().unwrap()).arg("server");
        }
        let process = command
            .current_dir(directory)
            .stdin(Stdio::null())
            .stderr(fs::File::create(directory.join("stderr")).unwrap())
            .spawn()
            .unwrap();
        let deadline = Instant::now() + Duration::from_secs(10);
        while TcpStream::connect(address).is_err() {
            assert!(Instant::now() < deadline, "the guard does not listen");
            std::thread::sleep(Duration::from_millis(10));
        }
        Self { process, address }
    }

    /// What the guard has used, in ticks of a hundredth of a second.
    fn processor_time(&self) -> u64 {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.process.id())).unwrap();
        let (_, fields) = stat.rsplit_once(") ").unwrap();
        fields.split(' ').skip(11).take(2).map(|ticks| ticks.parse::<u64>().unwrap()).sum()
    }

    pub(crate) fn ask(&self, method: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        ask(self.address, method, headers, body)
    }

    /// Writes another policy and tells the guard to read it.
    pub(crate) fn reload(&self, directory: &Path, policy: &str) {
        fs::write(directory.join("manta.toml"), policy).unwrap();
        super::hang_up(&self.process);
    }

    /// A page, with its head.
    pub(crate) fn get(&self, path: &str) -> String {
        let mut stream = TcpStream::connect(self.address).unwrap();
        write!(stream, "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        text
    }

    /// Opens a session; returns its name.
    pub(crate) fn open(&self) -> String {
        let hello = json!({ "jsonrpc": "2.0", "id": 0, "method": "initialize", "params": { "protocolVersion": "2025-11-25", "capabilities": {} } });
        let answer = self.ask("POST", &[], &hello.to_string());
        assert_eq!(answer.status, 200, "{}", answer.body);
        answer.session.unwrap()
    }

    /// Sends a request and leaves its answer on the way; the head of the answer was read.
    pub(crate) fn begin(&self, method: &str, headers: &[(&str, &str)], body: &str) -> (u16, BufReader<TcpStream>) {
        let (status, mut reader) = send(self.address, &format!("{method} /mcp HTTP/1.0"), headers, body);
        let mut line = String::from("-");
        while line.trim_end() != "" {
            line.clear();
            reader.read_line(&mut line).unwrap();
        }
        (status, reader)
    }

    pub(crate) fn call(&self, session: &str, id: u32, tool: &str, arguments: &Value) -> Answer {
        let call = json!({ "jsonrpc": "2.0", "id": id, "method": "tools/call", "params": { "name": tool, "arguments": arguments } });
        self.ask("POST", &[("mcp-session-id", session)], &call.to_string())
    }
}

impl Drop for Front {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Sends a request and reads the first line of its answer.
fn send(address: SocketAddr, line: &str, headers: &[(&str, &str)], body: &str) -> (u16, BufReader<TcpStream>) {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    let mut request = format!("{line}\r\nContent-Length: {}\r\n", body.len());
    let is_given = |name: &str| headers.iter().any(|(other, _)| other.eq_ignore_ascii_case(name));
    for (name, value) in [("Host", "localhost")].iter().filter(|(name, _)| !is_given(name)).chain(headers) {
        request.push_str(&format!("{name}: {value}\r\n"));
    }
    // Who refuses the head may have answered, and closed, before the body is there.
    if let Err(error) = stream.write_all(format!("{request}\r\n{body}").as_bytes()) {
        assert_eq!(error.kind(), std::io::ErrorKind::BrokenPipe, "{error}");
    }
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line).unwrap();
    (line.split(' ').nth(1).unwrap().parse().unwrap(), reader)
}

pub(crate) fn ask(address: SocketAddr, method: &str, headers: &[(&str, &str)], body: &str) -> Answer {
    let is_given = |name: &str| headers.iter().any(|(other, _)| other.eq_ignore_ascii_case(name));
    let usual = [
        ("Connection", "close"),
        ("Content-Type", "application/json"),
        ("Accept", "application/json, text/event-stream"),
    ];
    let headers: Vec<_> =
        usual.into_iter().filter(|(name, _)| !is_given(name)).chain(headers.iter().copied()).collect();
    let (status, mut reader) = send(address, &format!("{method} /mcp HTTP/1.1"), &headers, body);
    let mut line = String::new();
    let mut session = None;
    loop {
        line.clear();
        reader.read_line(&mut line).unwrap();
        match line.trim_end().split_once(": ") {
            Some((name, value)) if name.eq_ignore_ascii_case("mcp-session-id") => session = Some(value.to_owned()),
            Some(_) => {}
            None => break,
        }
    }
    let mut body = String::new();
    reader.read_to_string(&mut body).unwrap();
    Answer { status, session, body }
}

/// The text of the answer to a call. An answer that takes its time comes as the last event of a stream.
pub(crate) fn text_of(answer: &Answer) -> String {
    let event = answer.body.lines().rev().find_map(|line| line.strip_prefix("data: {"));
    let json = event.map_or_else(|| answer.body.clone(), |rest| format!("{{{rest}"));
    let value: Value = serde_json::from_str(&json).unwrap_or_else(|error| panic!("{error}: {}", answer.body));
    value["result"]["content"][0]["text"].as_str().map_or_else(|| answer.body.clone(), str::to_owned)
}

pub(crate) fn sessions_are_apart_and_end_when_told(directory: &Path) {
    let front = Front::start(directory, super::OPEN);
    let (one, other) = (front.open(), front.open());
    assert_ne!(one, other);
    // The same id in two sessions, at the same time.
    assert_eq!(text_of(&front.call(&one, 7, "echo", &json!({ "text": "one" }))), "one");
    assert_eq!(text_of(&front.call(&other, 7, "echo", &json!({ "text": "other" }))), "other");
    assert!(front.call(&one, 8, "die", &json!({})).body.contains("no answer from the server"));
    assert_eq!(text_of(&front.call(&other, 9, "echo", &json!({ "text": "unharmed" }))), "unharmed");
    assert_eq!(front.ask("DELETE", &[("mcp-session-id", &other)], "").status, 204);
    assert_eq!(front.call(&other, 10, "echo", &json!({})).status, 404);
    assert_eq!(front.call("guessed", 1, "echo", &json!({})).status, 404);
    assert_eq!(front.ask("POST", &[], r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#).status, 400);
}

/// Who opens a session for every call, and leaves it or ends it, is counted like everybody else; so is who varies the
/// address of what he reads.
pub(crate) fn another_session_is_no_other_window_of_a_limit(directory: &Path) {
    let limited = super::OPEN.replace("calls = 60000", "calls = 3");
    assert_ne!(limited, super::OPEN);
    let front = Front::start(directory, &format!("{limited}\n[resources]\nallow = [\"memo://*\"]\n"));
    let mut ran = 0;
    for id in 0..6 {
        let session = front.open();
        ran += usize::from(text_of(&front.call(&session, id, "echo", &json!({ "text": "ran" }))) == "ran");
        if id % 2 == 0 {
            front.ask("DELETE", &[("mcp-session-id", &session)], "");
        }
    }
    assert_eq!(ran, 3);
    let session = front.open();
    let read = |uri: &str| {
        let read = json!({ "jsonrpc": "2.0", "id": 9, "method": "resources/read", "params": { "uri": uri } });
        front.ask("POST", &[("mcp-session-id", &session)], &read.to_string()).body
    };
    let refused =
        ["memo://a", "memo://%61", "memo://a?1", "memo://a?2", "memo://b"].map(|uri| read(uri).contains("rate limit"));
    assert_eq!(refused, [false, false, false, true, true]);
}

/// One event: its name and its data.
fn event(stream: &mut BufReader<TcpStream>) -> (Option<String>, String) {
    let (mut id, mut data) = (None, None);
    loop {
        let mut line = String::new();
        assert_ne!(stream.read_line(&mut line).unwrap(), 0, "the stream ended");
        match line.trim_end().split_once(':') {
            Some(("id", value)) => id = Some(value.trim().to_owned()),
            Some(("data", value)) => data = Some(value.trim().to_owned()),
            Some(_) => {}
            None => match data {
                Some(data) => return (id, data),
                None => id = None,
            },
        }
    }
}

fn fixed<'a>(session: &'a str, accept: &'a str, version: &'a str) -> [(&'static str, &'a str); 4] {
    [
        ("mcp-session-id", session),
        ("Content-Type", "application/json"),
        ("Accept", accept),
        ("mcp-protocol-version", version),
    ]
}

pub(crate) fn streams_that_break_are_taken_up_again(directory: &Path) {
    let front = Front::start(directory, super::OPEN);
    let (session, other) = (front.open(), front.open());
    let slow = |id: u32| {
        json!({ "jsonrpc": "2.0", "id": id, "method": "tools/call", "params": { "name": "slow", "arguments": { "ms": 300, "text": format!("answer {id}") } } }).to_string()
    };
    let take_up = |session: &str, last: &str| {
        let mut headers = fixed(session, "text/event-stream", "2025-11-25").to_vec();
        headers.push(("last-event-id", last));
        front.begin("GET", &headers, "")
    };
    let either = fixed(&session, "application/json, text/event-stream", "2025-11-25");
    let (status, mut stream) = front.begin("POST", &either, &slow(1));
    let (begin, nothing) = event(&mut stream);
    assert_eq!((status, nothing.as_str()), (200, ""));
    let begin = begin.expect("the stream begins with its name");
    // The connection breaks before anything else came; the call goes on, and its stream waits.
    drop(stream);
    let (status, mut stream) = take_up(&session, &begin);
    let (first, message) = event(&mut stream);
    assert!(status == 200 && message.contains("on it"), "{message}");
    drop(stream);
    std::thread::sleep(Duration::from_millis(500));
    let (_, mut stream) = take_up(&session, &first.unwrap());
    let (last, message) = event(&mut stream);
    assert!(message.contains("answer 1"), "{message}");
    assert_eq!(stream.read_line(&mut String::new()).unwrap(), 0, "nothing comes after the answer");
    // Seen to the end there is nothing more, from the beginning everything comes again, and nobody else gets any.
    let (_, mut stream) = take_up(&session, &last.unwrap());
    assert_eq!(stream.read_line(&mut String::new()).unwrap(), 0);
    assert!(event(&mut take_up(&session, &begin).1).1.contains("on it"));
    for (session, name) in [(&other, begin.as_str()), (&session, "77-0"), (&session, "1-99"), (&session, "x")] {
        assert_eq!(take_up(session, name).0, 400, "{name}");
    }
    // So is the stream that a session begins with, by clients that ask for a revision which knows such streams.
    let hello = |version: &str| {
        let params = json!({ "protocolVersion": version, "capabilities": {} });
        let hello = json!({ "jsonrpc": "2.0", "id": 0, "method": "initialize", "params": params });
        let accept = [("Content-Type", "application/json"), ("Accept", "text/event-stream, application/json")];
        event(&mut front.begin("POST", &accept, &hello.to_string()).1)
    };
    assert!(matches!(hello("2025-11-25"), (Some(_), nothing) if nothing.is_empty()));
    assert!(hello("2025-06-18").1.contains("\"id\":0"));
    // Who names a stream first gets one for a quick answer too; older clients know no event without data.
    let ping = r#"{"jsonrpc":"2.0","id":2,"method":"ping"}"#;
    let (_, mut stream) =
        front.begin("POST", &fixed(&session, "text/event-stream, application/json", "2025-06-18"), ping);
    assert!(event(&mut stream).1.contains("\"id\":2"));
    let (_, mut body) = front.begin("POST", &either, ping);
    let mut line = String::new();
    body.read_line(&mut line).unwrap();
    assert!(line.starts_with('{'), "{line}");
}

pub(crate) fn http_requests_that_could_be_read_two_ways_are_refused(directory: &Path) {
    let front = Front::start(directory, super::OPEN);
    let session = front.open();
    let status = |headers: &[(&str, &str)], body: &str| {
        let mut all = vec![("mcp-session-id", session.as_str())];
        all.extend(headers);
        front.ask("POST", &all, body).status
    };
    let ping = r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#;
    assert_eq!(status(&[], ping), 200);
    assert_eq!(status(&[("Host", "evil.example")], ping), 403);
    assert_eq!(status(&[("Origin", "https://evil.example")], ping), 403);
    assert_eq!(status(&[("Content-Type", "text/plain")], ping), 415);
    assert_eq!(status(&[("mcp-protocol-version", "1999-01-01")], ping), 400);
    assert_eq!(status(&[("mcp-protocol-version", "2026-07-28")], ping), 400);
    assert_eq!(status(&[], &format!("[{ping}]")), 400);
    assert_eq!(status(&[], r#"{"jsonrpc":"2.0","id":1,"method":"ping","id":2}"#), 400);
    let pretty = "{\n  \"jsonrpc\": \"2.0\",\r\n  \"id\": 2,\n  \"method\": \"ping\"\n}";
    assert_eq!(status(&[], pretty), 200, "white space means nothing");
    assert_eq!(
        status(
            &[],
            &format!(
                "{{\"jsonrpc\":\"2.0\",\"id\":3,\"method\":\"x\",\"params\":{{\"s\":\"{}\"}}}}",
                "x".repeat(5 << 20)
            )
        ),
        413
    );
    let twin = r#"{"jsonrpc":"2.0","id":4,"method":"tools/call","params":{"name":"echo","name":"x","arguments":{}}}"#;
    assert_eq!(status(&[], twin), 400);
    let call = r#"{"jsonrpc":"2.0","id":5,"method":"tools/call","params":{"name":"echo","arguments":{}}}"#;
    assert_eq!(status(&[("mcp-name", "other")], call), 400);
    assert_eq!(front.ask("POST", &[("mcp-session-id", "nobody")], call).status, 404);
    // What was refused before it came to a session left a trace as well.
    let log = fs::read_to_string(directory.join("manta-audit.jsonl")).unwrap();
    let of = |kind: &str| log.matches(&format!("\"kind\":\"{kind}\"")).count();
    assert_eq!((of("frame-refused"), of("request-refused"), of("intent")), (3, 4, 0), "{log}");
    assert_eq!(log.matches("tools/call echo: ").count(), 2, "{log}");
}

/// Asked to end, the guard takes no more requests and answers those that are with the server, whose answer is a stream
/// already.
pub(crate) fn calls_in_flight_are_answered_before_the_end(directory: &Path) {
    let mut front = Front::start(directory, super::OPEN);
    let session = front.open();
    let slow = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": { "name": "slow", "arguments": { "ms": 1500, "text": "answered" } } });
    let either = fixed(&session, "application/json, text/event-stream", "2025-06-18");
    let (_, mut stream) = front.begin("POST", &either, &slow.to_string());
    assert!(event(&mut stream).1.contains("on it"));
    let pid = rustix::process::Pid::from_child(&front.process);
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    assert!(event(&mut stream).1.contains("answered"));
    assert!(front.process.wait().unwrap().success());
    let log = fs::read_to_string(directory.join("manta-audit.jsonl")).unwrap();
    assert!(log.contains("\"success\":true") && log.contains("\"kind\":\"stopped\""), "{log}");
}

/// A request whose end a proxy may see elsewhere is the last one of its connection: what follows it is not read.
pub(crate) fn what_follows_a_body_in_chunks_is_no_request(directory: &Path) {
    let front = Front::start(directory, super::OPEN);
    let ask = |framing: &str, body: &str| {
        let mut stream = TcpStream::connect(front.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        let smuggled = "GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
        let head = "POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n";
        write!(stream, "{head}{framing}\r\n{body}{smuggled}").unwrap();
        let mut heard = String::new();
        stream.read_to_string(&mut heard).unwrap();
        let statuses: Vec<String> =
            heard.split("HTTP/1.1 ").filter(|rest| rest.len() > 3).map(|rest| rest[..3].to_owned()).collect();
        statuses.join(" ")
    };
    let ping = r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#;
    let chunks = format!("{:x}\r\n{ping}\r\n0\r\n\r\n", ping.len());
    let length = format!("Content-Length: {}\r\n", ping.len());
    // There is no session, which the answer says; a connection with a plain length goes on.
    assert_eq!(ask(&length, ping), "400 200");
    assert_eq!(ask("Transfer-Encoding: chunked\r\n", &chunks), "400");
    assert_eq!(ask(&format!("Transfer-Encoding: chunked\r\n{length}"), &chunks), "400");
    assert_eq!(ask(&format!("{length}Transfer-Encoding: chunked\r\n"), &chunks), "400");
    assert_eq!(ask("Transfer-Encoding: gzip, chunked\r\n", &chunks), "501");
    assert_eq!(ask("Transfer-Encoding: chunked\r\n", "zz\r\n"), "400");
}

pub(crate) fn many_stateless_clients_share_a_server_without_mixing_answers(directory: &Path) {
    let policy = super::with_guard("");
    crowd(directory, &policy);
}

/// Nobody is refused because others came at the same time.
pub(crate) fn more_callers_than_may_be_in_flight_wait_for_their_turn(directory: &Path) {
    crowd(directory, &super::with_guard("max_in_flight = 2"));
}

/// What was taken back before its turn came never runs.
pub(crate) fn a_call_that_is_taken_back_before_its_turn_never_runs(directory: &Path) {
    let front = Front::start(directory, &super::with_guard("max_in_flight = 1"));
    let session = front.open();
    let call = |id: u32, arguments: Value| {
        json!({ "jsonrpc": "2.0", "id": id, "method": "tools/call", "params": { "name": "slow", "arguments": arguments } }).to_string()
    };
    let json_only = fixed(&session, "application/json", "2025-11-25");
    std::thread::scope(|scope| {
        let first = call(1, json!({ "ms": 4000, "text": "first" }));
        let first = scope.spawn(move || ask(front.address, "POST", &json_only, &first));
        std::thread::sleep(Duration::from_millis(400));
        let second = call(2, json!({ "ms": 0, "text": "second" }));
        let second = scope.spawn(move || ask(front.address, "POST", &json_only, &second));
        std::thread::sleep(Duration::from_millis(400));
        let cancel = r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":2}}"#;
        assert_eq!(ask(front.address, "POST", &json_only, cancel).status, 202);
        let second = second.join().unwrap();
        assert!(second.body.contains("cancelled"), "{}", second.body);
        assert!(first.join().unwrap().body.contains("first"));
    });
    let log = fs::read_to_string(directory.join("manta-audit.jsonl")).unwrap();
    assert_eq!(log.matches("\"kind\":\"intent\"").count(), 1, "{log}");
}

/// Where the machine has no descriptor left, those who are connected go on, nothing spins, and who comes later is served
/// when others have gone.
pub(crate) fn a_want_of_descriptors_is_waited_out(directory: &Path) {
    let front = Front::start_under(directory, super::OPEN, &["prlimit", "--nofile=64:64"]);
    let idle: Vec<TcpStream> = (0..100).map(|_| TcpStream::connect(front.address).unwrap()).collect();
    let before = front.processor_time();
    std::thread::sleep(Duration::from_millis(1500));
    let spent = front.processor_time() - before;
    assert!(spent < 30, "{spent} hundredths of a second of work while nobody can come in");
    let said = fs::read_to_string(directory.join("stderr")).unwrap();
    assert_eq!(said.matches("no further connection than these").count(), 1, "{said}");
    drop(idle);
    assert!(front.get("/healthz").ends_with("ok\n"));
}

fn crowd(directory: &Path, policy: &str) {
    const CLIENTS: usize = 60;
    const CALLS: usize = 20;
    let front = Front::start(directory, policy);
    let address = front.address;
    let clients: Vec<_> = (0..CLIENTS)
        .map(|client| {
            std::thread::spawn(move || {
                for call in 0..CALLS {
                    let text = format!("client {client} call {call}");
                    // Everybody uses the same id.
                    let body = json!({ "jsonrpc": "2.0", "id": "same", "method": "tools/call", "params": {
                        "name": "echo", "arguments": { "text": text },
                        "_meta": { "io.modelcontextprotocol/protocolVersion": "2026-07-28", "io.modelcontextprotocol/clientCapabilities": {} } } });
                    let headers = [("mcp-protocol-version", "2026-07-28"), ("mcp-method", "tools/call"), ("mcp-name", "echo")];
                    let answer = ask(address, "POST", &headers, &body.to_string());
                    assert_eq!((answer.status, text_of(&answer)), (200, text));
                    assert!(answer.body.contains("\"id\":\"same\""), "{}", answer.body);
                }
            })
        })
        .collect();
    for client in clients {
        client.join().unwrap();
    }
    let log = fs::read_to_string(directory.join("manta-audit.jsonl")).unwrap();
    assert_eq!(log.matches("\"kind\":\"outcome\"").count(), CLIENTS * CALLS);
    // What a session counted is published once a second.
    std::thread::sleep(Duration::from_millis(1500));
    let metrics = front.get("/metrics");
    for line in [
        "# TYPE manta_guard_calls_admitted_total counter".to_owned(),
        format!("manta_guard_calls_admitted_total {}", CLIENTS * CALLS),
        "manta_guard_calls_denied_total 0".to_owned(),
        "manta_guard_calls_unanswered_total 0".to_owned(),
        format!("manta_guard_http_requests_total {}", CLIENTS * CALLS + 1),
        "manta_guard_connections 1".to_owned(),
    ] {
        assert!(metrics.lines().any(|other| other == line), "{line}: {metrics}");
    }
}

/// Whoever asks for much and takes none of it makes the server wait, and those who ask it with them; when they have gone,
/// the others go on.
pub(crate) fn clients_that_take_no_answers_cost_bounded_memory(directory: &Path) {
    let front = Front::start(directory, super::OPEN);
    let session = front.open();
    let deaf: Vec<TcpStream> = (1..=12)
        .map(|id| {
            let call = json!({ "jsonrpc": "2.0", "id": id, "method": "tools/call", "params": { "name": "large", "arguments": { "bytes": 8 << 20 } } });
            let body = call.to_string();
            let mut stream = TcpStream::connect(front.address).unwrap();
            let head = "POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n\
                        Accept: application/json, text/event-stream";
            write!(stream, "{head}\r\nmcp-session-id: {session}\r\nContent-Length: {}\r\n\r\n{body}", body.len()).unwrap();
            stream
        })
        .collect();
    let most = (0..100).map(|_| {
        std::thread::sleep(Duration::from_millis(100));
        super::resident_kib(front.process.id())
    });
    let most = most.max().unwrap();
    assert!((48 << 10..150 << 10).contains(&most), "{most} KiB for clients that take nothing");
    drop(deaf);
    assert_eq!(text_of(&front.call(&session, 99, "echo", &json!({ "text": "still here" }))), "still here");
}

/// The guard starts a server while it is told to read its policy again, and again.
pub(crate) fn a_signal_in_the_wrong_moment_keeps_no_session_from_starting(directory: &Path) {
    let front = Front::start(directory, super::OPEN);
    let guard = front.process.id();
    let line = format!("for i in $(seq 400); do kill -HUP {guard} || exit 1; sleep 0.003; done");
    let mut signals = Command::new("/bin/sh").args(["-c", &line]).spawn().unwrap();
    for _ in 0..8 {
        let session = front.open();
        assert_eq!(text_of(&front.call(&session, 1, "echo", &json!({ "text": "x" }))), "x");
    }
    assert!(signals.wait().unwrap().success());
}

/// A caller's list has what that caller may call, and says that it is nobody else's.
pub(crate) fn who_may_not_call_a_tool_is_not_shown_it(directory: &Path) {
    let keys = "[guard.http_keys]\nalice = \"ALICE_KEY\"\nbob = \"BOB_KEY\"\n";
    let policy = format!("{}\n[tools.echo]\nprincipals = [\"alice\"]\nextra = \"pass\"\n{keys}", super::OPEN);
    let front = Front::start_under(
        directory,
        &policy,
        &["/usr/bin/env", "ALICE_KEY=aaaaaaaaaaaaaaaaaaaa", "BOB_KEY=bbbbbbbbbbbbbbbbbbbb"],
    );
    let asks = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/list" }).to_string();
    for (key, is_shown) in
        [("bbbbbbbbbbbbbbbbbbbb", false), ("aaaaaaaaaaaaaaaaaaaa", true), ("bbbbbbbbbbbbbbbbbbbb", false)]
    {
        let hello = json!({ "jsonrpc": "2.0", "id": 0, "method": "initialize", "params": { "protocolVersion": "2025-11-25", "capabilities": {} } });
        let session = front.ask("POST", &[("X-Api-Key", key)], &hello.to_string()).session.unwrap();
        let listed = front.ask("POST", &[("X-Api-Key", key), ("Mcp-Session-Id", &session)], &asks);
        assert_eq!(listed.body.contains("\"echo\""), is_shown, "{}", listed.body);
    }
}

/// What was taken back is taken back from those as well that have not come yet, and nobody needs to be there for it.
pub(crate) fn sessions_that_come_after_a_policy_was_read_again_begin_with_it(directory: &Path) {
    let front = Front::start(directory, super::OPEN);
    let says = |session: &str, id: u32| text_of(&front.call(session, id, "echo", &json!({ "text": "x" })));
    front.reload(directory, super::OPEN);
    let before = front.open();
    assert_eq!(says(&before, 1), "x");
    let denied = super::OPEN.replace("[tools.\"*\"]", "[tools.echo]\naccess = \"deny\"\n[tools.\"*\"]");
    for (id, policy) in [(2, denied.as_str()), (3, "version = 1\nnonsense = true\n")] {
        front.reload(directory, policy);
        for session in [&before, &front.open()] {
            assert!(says(session, id).starts_with("denied by manta guard"), "{policy}");
        }
    }
}
