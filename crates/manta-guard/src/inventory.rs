//! Asks a server what it offers, as a client would: for pinning without a client.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use serde_json::{Value, json};

use crate::lines::{Line, Lines};
use crate::pin::{Integrity, Item};
use crate::sandbox::Launched;

/// Longest wait for one answer.
const PATIENCE: Duration = Duration::from_secs(30);
/// Most pages of one list.
const MAX_PAGES: usize = 100;
/// Longest frame.
const MAX_FRAME: usize = 16 << 20;

struct Client {
    input: File,
    output: File,
    lines: Lines,
    next_id: u64,
}

/// Lists tools, prompts and resource templates, and compares each with its pin.
///
/// # Errors
/// A message when the server doesn't answer or answers nonsense.
pub fn inspect(launched: Launched, integrity: &mut Integrity) -> Result<(), String> {
    let Launched { pipes, process, .. } = launched;
    let mut client =
        Client { input: pipes.stdin.into(), output: pipes.stdout.into(), lines: Lines::new(MAX_FRAME), next_id: 1 };
    // Standard error must be drained, or a talkative server blocks.
    let mut log = File::from(pipes.stderr);
    let drain = std::thread::spawn(move || std::io::copy(&mut log, &mut std::io::sink()));
    let result = client.inspect(integrity);
    drop(client);
    drop(process);
    let _ = drain.join();
    result
}

impl Client {
    fn inspect(&mut self, integrity: &mut Integrity) -> Result<(), String> {
        let hello = self.ask(
            "initialize",
            &json!({ "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": { "name": "manta-pin", "version": env!("CARGO_PKG_VERSION") } }),
        )?;
        self.send(&json!({ "jsonrpc": "2.0", "method": "notifications/initialized" }))?;
        if let Some(instructions) = hello.get("instructions") {
            integrity.inspect(Item::Instructions, "", instructions);
        }
        let capabilities = hello.get("capabilities").cloned().unwrap_or_default();
        for (capability, method, list, key, item) in [
            ("tools", "tools/list", "tools", "name", Item::Tool),
            ("prompts", "prompts/list", "prompts", "name", Item::Prompt),
            ("resources", "resources/templates/list", "resourceTemplates", "uriTemplate", Item::Template),
        ] {
            if capabilities.get(capability).is_some() {
                self.list(method, list, key, item, integrity)?;
            }
        }
        Ok(())
    }

    fn list(
        &mut self,
        method: &str,
        list: &str,
        key: &str,
        item: Item,
        integrity: &mut Integrity,
    ) -> Result<(), String> {
        let mut cursor = Value::Null;
        for _ in 0..MAX_PAGES {
            let params = if cursor.is_null() { json!({}) } else { json!({ "cursor": cursor }) };
            let page = self.ask(method, &params)?;
            for entry in page.get(list).and_then(Value::as_array).into_iter().flatten() {
                let name = entry.get(key).and_then(Value::as_str).unwrap_or("");
                integrity.inspect(item, name, entry);
            }
            cursor = page.get("nextCursor").cloned().unwrap_or_default();
            if cursor.is_null() {
                return Ok(());
            }
        }
        Err(format!("{method}: more than {MAX_PAGES} pages"))
    }

    fn send(&mut self, message: &Value) -> Result<(), String> {
        writeln!(self.input, "{message}").map_err(|error| format!("write to the server: {error}"))
    }

    fn ask(&mut self, method: &str, params: &Value) -> Result<Value, String> {
        let id = self.next_id;
        self.next_id += 1;
        self.send(&json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params }))?;
        let deadline = Instant::now() + PATIENCE;
        loop {
            while let Some(line) = self.lines.next_line() {
                let Line::Frame(bytes) = line else { return Err(format!("{method}: the answer is too long")) };
                let Ok(answer) = serde_json::from_slice::<Value>(bytes) else { continue };
                if answer.get("id").and_then(Value::as_u64) == Some(id) && answer.get("method").is_none() {
                    return match answer.get("result") {
                        Some(result) => Ok(result.clone()),
                        None => Err(format!("{method}: the server answered with an error")),
                    };
                }
            }
            self.read(method, deadline)?;
        }
    }

    fn read(&mut self, method: &str, deadline: Instant) -> Result<(), String> {
        let left = deadline.saturating_duration_since(Instant::now());
        let wait = Timespec::try_from(left).map_err(|error| error.to_string())?;
        let ready =
            poll(&mut [PollFd::new(&self.output, PollFlags::IN)], Some(&wait)).map_err(|error| error.to_string())?;
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
