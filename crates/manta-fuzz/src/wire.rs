//! The guard's half: traffic in both directions, the egress proxy, streams of a remote server, pins.

use manta_guard::decide::{Admission, Call, Decider, Denial, Event, Outcome, Target, Ticket};
use manta_guard::engine::{Engine, Hidden, ResponseSettings, Settings, Sink};
use manta_guard::fuzzing::{self, Connection};
use manta_guard::lines::{Line, Lines};
use manta_guard::pin::{Integrity, PinMode, Pins};
use manta_mcp::{Direction, Frame, Id, Limits};
use serde_json::Value;

use crate::{seeds, text};

/// Refuses `forbidden`, asks about `dangerous`, and counts what is open.
#[derive(Default)]
struct Rules {
    next: Ticket,
    open: std::collections::BTreeSet<Ticket>,
}

impl Decider for Rules {
    fn check(&mut self, call: &Call<'_>) -> Result<(), Denial> {
        let is_refused = call.name.starts_with("forbidden");
        if is_refused { Err(Denial::new("tools.forbidden", "this tool is not granted")) } else { Ok(()) }
    }

    fn needs_approval(&mut self, call: &Call<'_>) -> bool {
        call.name == "dangerous"
    }

    fn admit(&mut self, call: &Call<'_>) -> Result<Admission, Denial> {
        assert!(!call.name.starts_with("forbidden"), "what is refused is not admitted");
        let ticket = call.retry_of.unwrap_or(self.next + 1);
        self.next = self.next.max(ticket);
        self.open.insert(ticket);
        Ok(Admission { ticket, max_result: (call.name == "small").then_some(100), timeout: None, traceparent: None })
    }

    fn refused(&mut self, _: &Call<'_>, _: &Denial, _: bool) -> Result<(), Denial> {
        Ok(())
    }

    fn finished(&mut self, ticket: Ticket, _: &Outcome, _: usize, _: usize) -> Result<(), Denial> {
        assert!(self.open.remove(&ticket), "a call ends once, and only if it began");
        Ok(())
    }

    fn is_visible(&self, _: Option<&str>, _: Target, name: &str) -> bool {
        !name.starts_with("forbidden")
    }

    fn event(&mut self, event: &Event) {
        assert!(!event.detail.contains(['\n', '\u{1b}', '\u{202e}']), "what is told is visible: {:?}", event.detail);
    }
}

/// Looks at everything that comes out.
struct Witness;

impl Witness {
    fn look(frame: &str, direction: Direction) {
        assert!(!frame.contains(['\n', '\r']), "one line: {frame:?}");
        let strict = Frame::parse(frame.as_bytes(), direction, &Limits::default());
        let Ok(strict) = strict else { panic!("not strict: {frame:?}: {:?}", strict.err()) };
        let name = strict.string(manta_mcp::Part::Name).unwrap_or_default();
        let is_call = direction == Direction::ToServer && strict.method() == "tools/call";
        assert!(!(is_call && name.starts_with("forbidden")), "no refused call passes");
    }
}

impl Sink for Witness {
    fn to_server(&mut self, frame: &str) {
        Self::look(frame, Direction::ToServer);
    }

    fn to_client(&mut self, frame: &str, _answers: Option<&Id>) {
        Self::look(frame, Direction::ToClient);
    }
}

pub(crate) fn wire_seeds() -> Vec<Vec<u8>> {
    seeds(&[
        r#">{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{"elicitation":{}},"clientInfo":{"name":"c","version":"1"}}}
<{"jsonrpc":"2.0","id":0,"result":{"protocolVersion":"2025-11-25","capabilities":{"tools":{}},"serverInfo":{"name":"s","version":"1"},"instructions":"do \u200b this"}}
>{"jsonrpc":"2.0","method":"notifications/initialized"}
>{"jsonrpc":"2.0","id":2,"method":"tools/list"}
<{"jsonrpc":"2.0","id":2,"result":{"tools":[{"name":"t","description":"x","inputSchema":{"type":"object","properties":{"path":{"type":"string"}}},"outputSchema":{"type":"object"}},{"name":"forbidden"}]}}
>{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"t","arguments":{"path":"/a"},"_meta":{"progressToken":1}}}
<{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":1,"progress":1}}
<{"jsonrpc":"2.0","id":"s","method":"sampling/createMessage","params":{"messages":[],"maxTokens":1}}
>{"jsonrpc":"2.0","id":"s","result":{"role":"assistant","content":{"type":"text","text":"x"},"model":"m"}}
<{"jsonrpc":"2.0","id":1,"result":{"content":[{"type":"text","text":"\ud83d\ude00 \u200b AKIAIOSFODNN7EXAMPLF"}],"structuredContent":{"a":1}}}"#,
        r#">{"jsonrpc":"2.0","id":1,"method":"server/discover","params":{"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{"elicitation":{}}}}}
<{"jsonrpc":"2.0","id":1,"error":{"code":-32601,"message":"no"}}
<{"jsonrpc":"2.0","id":"manta-bridge-initialize1","result":{"protocolVersion":"2025-11-25","capabilities":{},"serverInfo":{"name":"s","version":"1"}}}
>{"jsonrpc":"2.0","id":4,"method":"tools/call","params":{"name":"dangerous","arguments":{},"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{"elicitation":{}}}}}
>{"jsonrpc":"2.0","id":5,"method":"tools/call","params":{"name":"dangerous","requestState":"manta-approve-1","inputResponses":{"manta":{"action":"accept","content":{"approve":true}}},"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28"}}}
<{"jsonrpc":"2.0","id":"manta-bridge-discover1","result":{"supportedVersions":["2026-07-28"],"capabilities":{}}}
<{"jsonrpc":"2.0","id":4,"result":{"resultType":"input_required","requestState":"x","inputRequests":{"a":{"method":"elicitation/create","params":{"message":"password?","requestedSchema":{"type":"object","properties":{}}}}}}}"#,
        r#">{"jsonrpc":"2.0","id":"small","method":"tools/call","params":{"name":"small"}}
>{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":"small"}}
<{"jsonrpc":"2.0","id":"small","error":{"code":-1,"message":"x"}}
<{"jsonrpc":"2.0","id":"e","method":"elicitation/create","params":{"mode":"url","url":"https://x.example/","elicitationId":"1","message":"go"}}
>{"jsonrpc":"2.0","id":"r","method":"resources/read","params":{"uri":"file:///a"}}
<{"jsonrpc":"2.0","id":"r","result":{"contents":[{"uri":"file:///a","text":"t"}]}}
>[{"jsonrpc":"2.0","id":1,"method":"ping"}]
<{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}
<{"jsonrpc":"2.0","id":"small","result":{"task":{"taskId":"t","status":"working"}}}
>{"jsonrpc":"2.0","id":9,"method":"tasks/result","params":{"taskId":"t"}}"#,
    ])
}

fn engine(bridge: bool) -> Engine {
    let responses = ResponseSettings { redact_secrets: true, hidden: Hidden::Strip, mark: true };
    let settings = Settings { responses, bridge, max_in_flight: 8, ..Settings::default() };
    Engine::new(settings, Box::<Rules>::default(), Integrity::new(PinMode::Record, Pins::new()), "local")
}

/// Lines of a client after `>`, of a server after anything else.
fn exchange(data: &[u8]) -> impl Iterator<Item = (bool, &[u8])> {
    data.split(|byte| *byte == b'\n').filter_map(|line| line.split_first()).map(|(from, line)| (*from == b'>', line))
}

/// A connection, line by line, through the splitter of the pipes.
pub(crate) fn wire(data: &[u8]) {
    let mut engine = engine(false);
    for (is_client, line) in exchange(data) {
        let mut lines = Lines::new(2_000);
        for piece in line.chunks(700) {
            lines.feed(piece);
        }
        lines.feed(b"\n");
        while let Some(line) = lines.next_line() {
            match (line, is_client) {
                (Line::Frame(frame), true) => engine.from_client(frame, &mut Witness),
                (Line::Frame(frame), false) => engine.from_server(frame, &mut Witness),
                (Line::TooLong(seen), is_client) => {
                    // An error to answer with; a batch is never a frame.
                    let Err(error) = Frame::parse(b"[]", Direction::ToServer, &Limits::default()) else { continue };
                    match is_client {
                        true => engine.refuse_from_client(error, &seen, &mut Witness),
                        false => engine.refuse_from_server(error, &seen, &mut Witness),
                    }
                }
            }
        }
        assert!(engine.in_flight() <= 8, "what is in flight is bounded");
    }
    engine.server_closed("the end", &mut Witness);
    assert_eq!(engine.in_flight(), 0, "every call is answered in the end");
    engine.closed("the end");
}

/// The same between two eras.
pub(crate) fn bridge(data: &[u8]) {
    let mut connection = Connection::new(engine(true), Witness);
    for (is_client, line) in exchange(data) {
        match is_client {
            true => connection.from_client(line),
            false => connection.from_server(line),
        }
        assert!(connection.in_flight() <= 8, "what is in flight is bounded");
    }
}

pub(crate) fn mirror_seeds() -> Vec<Vec<u8>> {
    seeds(&[
        r#"[{"name":"t","inputSchema":{"properties":{"r":{"x-mcp-header":"Region"},"n":{"x-mcp-header":"N"},"o":{"properties":{"b":{"x-mcp-header":"Deep"}}}}}}]
{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"t","arguments":{"r":"süd","n":1.50e2,"o":{"b":true}}}}"#,
        r#"[{"name":"=?base64?eA==?=","inputSchema":{"properties":{"r":{"x-mcp-header":"a"},"R":{"x-mcp-header":"A"}}}}]
{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"=?base64?eA==?=","arguments":{"r":" x ","R":"=?base64?eA==?="}}}"#,
        // Two arguments share a header, and one of them is not there.
        r#"[{"name":"t","inputSchema":{"properties":{"r":{"x-mcp-header":"a"},"R":{"x-mcp-header":"A"}}}}]
{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"t","arguments":{"r":"x"}}}"#,
    ])
}

/// The headers that a schema asks for, in lower case.
fn declared(value: &Value, names: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            names.extend(members.get("x-mcp-header").and_then(Value::as_str).map(str::to_ascii_lowercase));
            members.values().for_each(|inner| declared(inner, names));
        }
        Value::Array(items) => items.iter().for_each(|inner| declared(inner, names)),
        _ => {}
    }
}

/// A list of tools and, on the next line, a request.
pub(crate) fn mirror(data: &[u8]) {
    let text = text(data);
    let Some((tools, frame)) = text.split_once('\n') else { return };
    let Ok(tools) = serde_json::from_str::<Value>(tools) else { return };
    let Ok(frame) = Frame::parse(frame.as_bytes(), Direction::ToServer, &Limits::default()) else { return };
    let headers = fuzzing::mirrored(&tools, &frame);
    for (name, value) in &headers {
        assert!(name.bytes().all(|b| b.is_ascii_graphic() && b != b':' && !b.is_ascii_uppercase()), "{name:?}");
        assert!(value.bytes().all(|b| (b' '..0x7f).contains(&b)), "no header of its own inside another: {value:?}");
    }
    let mut names: Vec<&String> = headers.iter().map(|(name, _)| name).collect();
    names.sort();
    let is_one_each = names.windows(2).all(|pair| pair[0] != pair[1]);
    let mut asked = Vec::new();
    declared(&tools, &mut asked);
    asked.sort();
    if is_one_each && asked.windows(2).any(|pair| pair[0] == pair[1]) {
        return; // nobody can say of which of two arguments such a header speaks, and no answer is wrong
    }
    assert_eq!(fuzzing::is_mirrored(&tools, &frame, &headers), is_one_each, "what we write we believe: {headers:?}");
    for at in (0..headers.len()).filter(|at| headers[*at].0.starts_with("mcp-param-")) {
        let mut changed = headers.clone();
        changed[at].1.push('x');
        assert!(!fuzzing::is_mirrored(&tools, &frame, &changed), "another value is not believed: {changed:?}");
    }
}

pub(crate) fn egress_seeds() -> Vec<Vec<u8>> {
    let name = b"api.example.com";
    let extension = [&[0, 0, 0, 20, 0, 18, 0, 0, 15][..], name].concat();
    let hello = [
        &[3, 3][..],
        &[7; 32],
        &[0, 0, 2, 0x13, 1, 1, 0, 0, u8::try_from(extension.len()).expect("short")],
        &extension,
    ]
    .concat();
    let length = u8::try_from(hello.len()).expect("short");
    let record = [&[22, 3, 1, 0, length + 4, 1, 0, 0, length][..], &hello].concat();
    let mut all = seeds(&[
        "CONNECT api.example.com:443 HTTP/1.1\r\nHost: api.example.com:443",
        "GET http://api.example.com:80/x?y HTTP/1.1\r\nHost: api.example.com\r\nContent-Length: 3",
        "POST http://[2001:db8::1]/ HTTP/1.0\r\nTransfer-Encoding: chunked",
    ]);
    all.push(record);
    all
}

/// What a server says to its proxy: the head of a request, or a TLS greeting.
pub(crate) fn egress(data: &[u8]) {
    if let Some((host, _, _)) = std::str::from_utf8(data).ok().and_then(fuzzing::destination) {
        assert!(
            !host.is_empty() && host.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._[]:".contains(&b)),
            "{host:?}"
        );
    }
    let is_ours = fuzzing::is_greeting_for(data, "api.example.com");
    assert!(!(is_ours && fuzzing::is_greeting_for(data, "other.example.com")), "one greeting, one host");
}

pub(crate) fn event_seeds() -> Vec<Vec<u8>> {
    seeds(&[
        ": c\r\n\r\nevent: message\ndata: {\"a\":\ndata: 1}\nid: 7\n\ndata:x\r\rdata: y\n\ndata: unfinished",
        "retry: 10\nid: \0\ndata\n\ndata:\n\n\u{feff}data: z\n\n",
    ])
}

/// A stream says the same in whatever pieces it arrives.
pub(crate) fn events(data: &[u8]) {
    let whole = fuzzing::events(data, usize::MAX, 200);
    for size in [1, 2, 7] {
        assert_eq!(fuzzing::events(data, size, 200), whole, "in pieces of {size}");
    }
    assert!(whole.iter().flatten().all(|data| data.len() <= 400 && !data.contains(['\n', '\r'])), "bounded, one line");
}

pub(crate) fn lock_file_seeds() -> Vec<Vec<u8>> {
    seeds(&[
        "# c\n\nversion = 2\n\n[server.s.\"tools/a\"]\ndigest = \"sha256:0\"\nbody = \"sha256:1\"\ntext = \"{\\\"name\\\":\\\"a\\\"}\"\n\n[server.s.\"tools/b\"]\ndigest = \"sha256:0\"\nbody = \"sha256:1\"\ntext = '''x'''\n\n[end]\n",
        "version = 1\n[server.\"npx x\".\"prompts/p\"]\ndigest='a'\nbody='b'\ntext='c'\n",
    ])
}

/// A lock file, and every beginning of it: none is read as one with fewer pins.
pub(crate) fn lock_file(data: &[u8]) {
    let text = text(data);
    let Some(pins) = fuzzing::pins(&text) else { return };
    if !text.contains("version = 2") || text.len() > 2_000 {
        return;
    }
    let beginnings = (0..text.len()).filter(|end| text.is_char_boundary(*end)).map(|end| &text[..end]);
    for beginning in beginnings {
        assert!(fuzzing::pins(beginning).is_none_or(|fewer| fewer == pins), "{beginning:?}");
    }
}
