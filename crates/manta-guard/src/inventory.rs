//! Asks a server what it offers, as a client would: for pinning and scanning without a client.

use std::fs::File;
use std::io::{Read, Write as _};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use serde_json::{Map, Value, json};

use crate::lines::{Line, Lines};
use crate::options::NOT_LISTED;
use crate::pin::{Integrity, Item};
use crate::sandbox::Launched;

/// Longest wait for one answer.
const PATIENCE: Duration = Duration::from_secs(30);
/// Most pages of one list.
const MAX_PAGES: usize = 100;
/// Most bytes of standard error that are kept to say why a server ended.
const MAX_LAST_WORDS: usize = 2_048;
/// How many of its lines are shown.
const LAST_LINES: usize = 8;
/// Longest frame.
const MAX_FRAME: usize = 16 << 20;

/// What became of a question.
enum Trouble {
    /// The server said no.
    Refused { method: String, code: i64, message: String },
    /// There is no answer, or none that can be used.
    Unanswered(String),
}

impl std::fmt::Display for Trouble {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Refused { method, code, message } => {
                let message = manta_core::Untrusted(message).for_terminal();
                write!(f, "{method}: the server answered with error {code}: {message}")
            }
            Self::Unanswered(problem) => f.write_str(problem),
        }
    }
}

impl From<String> for Trouble {
    fn from(problem: String) -> Self {
        Self::Unanswered(problem)
    }
}

/// JSON-RPC's "method not found".
const UNKNOWN_METHOD: i64 = -32601;

struct Client {
    input: File,
    output: File,
    lines: Lines,
    next_id: u64,
    /// The server speaks a revision with a session.
    has_session: bool,
}

/// Lists and what their entries are called by.
const LISTS: [(&str, &str, &str, &str, Item); 4] = [
    ("tools", "tools/list", "tools", "name", Item::Tool),
    ("prompts", "prompts/list", "prompts", "name", Item::Prompt),
    ("resources", "resources/list", "resources", "uri", Item::Resource),
    ("resources", "resources/templates/list", "resourceTemplates", "uriTemplate", Item::Template),
];
/// The revision with a session, and the one in which every request says what it speaks.
const WITH_SESSION: &str = "2025-11-25";
const WITHOUT_SESSION: &str = "2026-07-28";

/// Lists tools, prompts and resource templates, and compares each with its pin.
///
/// # Errors
/// A message when the server doesn't answer or answers nonsense.
pub fn inspect(launched: Launched, integrity: &mut Integrity) -> Result<(), String> {
    let said = list(launched)?;
    // What can't be seen can't be compared.
    if let Some(problem) = said.get(NOT_LISTED).and_then(|problems| problems.get(0)).and_then(Value::as_str) {
        return Err(problem.to_owned());
    }
    if let Some(instructions) = said.get("instructions") {
        integrity.inspect(Item::Instructions, "", instructions);
    }
    for (_, _, list, key, item) in LISTS {
        for entry in said.get(list).and_then(Value::as_array).into_iter().flatten() {
            integrity.inspect(item, entry.get(key).and_then(Value::as_str).unwrap_or(""), entry);
        }
    }
    Ok(())
}

/// Asks for everything a server lists and calls nothing: `serverInfo`, `instructions`, `tools`, `prompts`,
/// `resources` and `resourceTemplates` in one object, and in [`NOT_LISTED`] why it gave one of the last three not.
///
/// # Errors
/// A message when the server doesn't answer or answers nonsense.
pub fn list(launched: Launched) -> Result<Value, String> {
    let Launched { pipes, process, .. } = launched;
    let mut client = Client {
        input: pipes.stdin.into(),
        output: pipes.stdout.into(),
        lines: Lines::new(MAX_FRAME),
        next_id: 1,
        has_session: true,
    };
    // Standard error must be drained, or a talkative server blocks.
    let log = File::from(pipes.stderr);
    let drain = std::thread::spawn(move || last_words(log));
    let result = client.everything();
    drop(client);
    drop(process);
    let said = drain.join().unwrap_or_default();
    // Why a server ended is what it said last: a file that the sandbox does not show, a package that is not there.
    result.map_err(|problem| if said.is_empty() { problem } else { format!("{problem}; the server said: {said}") })
}

/// The last lines with something in them that arrive, fit for a terminal: one as it is, several below each other.
fn last_words(mut log: impl Read) -> String {
    let mut tail: Vec<u8> = Vec::new();
    let mut buffer = [0; 4_096];
    // An error of the pipe is its end.
    while let Ok(read @ 1..) = log.read(&mut buffer) {
        tail.extend_from_slice(&buffer[..read]);
        let surplus = tail.len().saturating_sub(MAX_LAST_WORDS);
        tail.drain(..surplus);
    }
    let text = String::from_utf8_lossy(&tail);
    let mut last: Vec<&str> = text.lines().rev().filter(|line| !line.trim().is_empty()).take(LAST_LINES).collect();
    last.reverse();
    match last[..] {
        [] => String::new(),
        [line] => manta_core::Untrusted(line.trim()).for_terminal(),
        _ => {
            last.iter().map(|line| format!("\n    {}", manta_core::Untrusted(line.trim_end()).for_terminal())).collect()
        }
    }
}

impl Client {
    fn everything(&mut self) -> Result<Value, String> {
        let hello = self.open()?;
        let mut said = Map::new();
        for member in ["protocolVersion", "supportedVersions", "serverInfo", "instructions"] {
            if let Some(value) = hello.get(member) {
                said.insert(member.to_owned(), value.clone());
            }
        }
        let capabilities = hello.get("capabilities").cloned().unwrap_or_default();
        let mut not_listed = Vec::new();
        for (capability, method, list, _, item) in LISTS {
            if capabilities.get(capability).is_none() {
                continue;
            }
            match self.pages(method, list) {
                Ok(entries) => {
                    said.insert(list.to_owned(), Value::Array(entries));
                }
                // Many servers with resources know only one of their two lists.
                Err(Trouble::Refused { code: UNKNOWN_METHOD, .. })
                    if matches!(item, Item::Resource | Item::Template) => {}
                Err(trouble) if matches!(item, Item::Tool) => return Err(trouble.to_string()),
                // A server that promises prompts and has none still has tools.
                Err(trouble) => not_listed.push(Value::String(trouble.to_string())),
            }
        }
        if !not_listed.is_empty() {
            said.insert(NOT_LISTED.to_owned(), Value::Array(not_listed));
        }
        Ok(Value::Object(said))
    }

    /// Speaks first of a session, which old servers insist on; a server that knows none says so with an error.
    fn open(&mut self) -> Result<Value, String> {
        let client = json!({ "name": "manta", "version": env!("CARGO_PKG_VERSION") });
        let hello = json!({ "protocolVersion": WITH_SESSION, "capabilities": {}, "clientInfo": client });
        match self.ask("initialize", hello) {
            Ok(result) => {
                self.send(&json!({ "jsonrpc": "2.0", "method": "notifications/initialized" }))?;
                Ok(result)
            }
            Err(first) => {
                self.has_session = false;
                self.ask("server/discover", json!({})).map_err(|second| format!("{first}; {second}"))
            }
        }
    }

    fn pages(&mut self, method: &str, list: &str) -> Result<Vec<Value>, Trouble> {
        let mut cursor = Value::Null;
        let mut entries = Vec::new();
        for _ in 0..MAX_PAGES {
            let params = if cursor.is_null() { json!({}) } else { json!({ "cursor": cursor }) };
            let page = self.ask(method, params)?;
            entries.extend(page.get(list).and_then(Value::as_array).into_iter().flatten().cloned());
            cursor = page.get("nextCursor").cloned().unwrap_or_default();
            if cursor.is_null() {
                return Ok(entries);
            }
        }
        Err(Trouble::Unanswered(format!("{method}: more than {MAX_PAGES} pages")))
    }

    fn send(&mut self, message: &Value) -> Result<(), String> {
        writeln!(self.input, "{message}").map_err(|error| format!("write to the server: {error}"))
    }

    fn ask(&mut self, method: &str, mut params: Value) -> Result<Value, Trouble> {
        if let Some(members) = params.as_object_mut().filter(|_| !self.has_session) {
            let meta = json!({
                "io.modelcontextprotocol/protocolVersion": WITHOUT_SESSION,
                "io.modelcontextprotocol/clientCapabilities": {},
                "io.modelcontextprotocol/clientInfo": { "name": "manta", "version": env!("CARGO_PKG_VERSION") },
            });
            members.insert("_meta".to_owned(), meta);
        }
        let id = self.next_id;
        self.next_id += 1;
        self.send(&json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params }))?;
        let deadline = Instant::now() + PATIENCE;
        let mut is_garbled = false;
        loop {
            while let Some(line) = self.lines.next_line() {
                let Line::Frame(bytes) = line else {
                    return Err(Trouble::Unanswered(format!("{method}: the answer is too long")));
                };
                let Ok(answer) = serde_json::from_slice::<Value>(bytes) else {
                    is_garbled = true;
                    continue;
                };
                if answer.get("id").and_then(Value::as_u64) == Some(id) && answer.get("method").is_none() {
                    let error = answer.get("error").cloned().unwrap_or_default();
                    return answer.get("result").cloned().ok_or_else(|| Trouble::Refused {
                        method: method.to_owned(),
                        code: error.get("code").and_then(Value::as_i64).unwrap_or_default(),
                        message: error.get("message").and_then(Value::as_str).unwrap_or("no message").to_owned(),
                    });
                }
            }
            self.read(method, deadline).map_err(|problem| {
                let why = if is_garbled { " (it wrote something that can't be read as JSON)" } else { "" };
                format!("{problem}{why}")
            })?;
        }
    }

    fn read(&mut self, method: &str, deadline: Instant) -> Result<(), String> {
        let left = deadline.saturating_duration_since(Instant::now());
        let wait = Timespec::try_from(left).map_err(|error| error.to_string())?;
        let mut sources = [PollFd::new(&self.output, PollFlags::IN)];
        let ready = rustix::io::retry_on_intr(|| poll(&mut sources, Some(&wait))).map_err(|error| error.to_string())?;
        if ready == 0 {
            return Err(format!("{method}: no answer within {} s", PATIENCE.as_secs()));
        }
        let mut buffer = [0; 16 << 10];
        let count = self.output.read(&mut buffer).map_err(|error| format!("read from the server: {error}"))?;
        if count == 0 {
            return Err(format!("{method}: the server ended"));
        }
        self.lines.feed(&buffer[..count]);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{LAST_LINES, MAX_LAST_WORDS, last_words};

    #[test]
    fn the_last_words_of_a_server_are_a_few_harmless_lines() {
        assert_eq!(last_words(&b"no such file\n\n"[..]), "no such file");
        assert_eq!(last_words(&b"starting\n\n  no such file\n\n"[..]), "\n    starting\n      no such file");
        let many: String = (0..20).map(|line| format!("{line}\n")).collect();
        assert_eq!(last_words(many.as_bytes()).lines().count(), 1 + LAST_LINES);
        assert_eq!(last_words(&b""[..]), "");
        assert!(!last_words(&b"\x1b[2Jgone\xff"[..]).contains('\x1b'));
        assert!(last_words("x".repeat(1 << 20).as_bytes()).len() <= MAX_LAST_WORDS);
    }
}
