//! Between a client and a server that speak different eras.
//!
//! Up to revision 2025-11-25 a connection begins with `initialize` and servers ask questions by requests of their
//! own; from 2026-07-28 on every request stands alone and a question is the answer to a call. The bridge stands on
//! the server's side of the engine, so that rules, limits, pins and records see what the client sees.
//!
//! Nothing is translated unless something is wrong: frames pass untouched, and only when the first thing that a
//! client asks is answered with an error does the bridge find out whether the server knows the other era. With
//! the first proper answer it steps aside for good.

mod legacy;
mod modern;

use std::collections::{HashMap, VecDeque};
use std::time::{Duration, Instant};

use manta_mcp::{Direction, Frame, Id, Kind, Limits, Part};
use serde_json::{Value, json};

use crate::engine::{Engine, Sink};
use legacy::ToLegacy;
use modern::ToModern;

/// The newest revision with a session, and the one without.
const WITH_SESSION: &str = "2025-11-25";
const STATELESS: &str = "2026-07-28";
const PREFIX: &str = "io.modelcontextprotocol/";
/// What ids and states of the bridge begin with.
const OWN: &str = "manta-bridge-";
/// First requests that are remembered until one is answered, and the longest.
const MOST_ASKED: usize = 16;
const LONGEST_ASKED: usize = 64 << 10;
/// Frames that wait while the bridge finds out.
const MOST_HELD: usize = 256;
/// How long a server may stay silent before it is asked in the other era: some old ones ignore what comes before
/// `initialize`.
const SILENCE: Duration = Duration::from_secs(5);
/// Errors that only a server of the stateless era sends: wrong headers, missing capability, unknown revision.
const STATELESS_CODES: [i64; 3] = [-32020, -32021, -32022];

/// Requests that change nothing.
const LISTS: &[&str] = &["server/discover", "tools/list", "prompts/list", "resources/list", "resources/templates/list"];

/// Translates where that is needed.
pub(crate) struct Bridge {
    phase: Phase,
    out: Out,
    limits: Limits,
}

enum Phase {
    /// Nothing to translate.
    Same,
    /// Nothing was answered yet.
    Waiting(Waiting),
    /// The client opens sessions, the server knows none.
    ToModern(Box<ToModern>),
    /// The client is stateless, the server wants a session.
    ToLegacy(Box<ToLegacy>),
}

/// Frames on their way, and numbers for ids of our own.
#[derive(Default)]
struct Out {
    server: VecDeque<String>,
    engine: VecDeque<String>,
    next: u64,
}

impl Out {
    fn id(&mut self, what: &str) -> Id {
        self.next += 1;
        Id::Text(format!("{OWN}{what}{}", self.next).into())
    }

    fn to_server(&mut self, text: impl Into<String>) {
        self.server.push_back(text.into());
    }

    fn to_engine(&mut self, text: impl Into<String>) {
        self.engine.push_back(text.into());
    }

    fn request(&mut self, id: &Id, method: &str, params: &Value) {
        self.to_server(request(id, method, params));
    }

    fn answer(&mut self, id: &Id, result: &Value) {
        self.to_engine(format!("{{\"jsonrpc\":\"2.0\",\"id\":{id},\"result\":{result}}}"));
    }
}

#[derive(Default)]
struct Waiting {
    /// Requests of the client that were passed on and not answered, as they were sent.
    asked: HashMap<Id, String>,
    /// Error answers that are kept back until it is known what they mean.
    refused: Vec<(Id, String)>,
    probe: Option<(Id, Probe)>,
    /// What the client sent while the probe was out.
    held: Vec<String>,
    /// When the first request was passed on.
    since: Option<Instant>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Probe {
    /// `server/discover`: does the server know the stateless era?
    Discover,
    /// `initialize`: does it know sessions?
    Initialize,
}

/// A sink whose frames for the server go through a bridge.
pub(crate) trait Bridged: Sink {
    fn bridge(&mut self) -> &mut Bridge;
    /// Writes to the server itself.
    fn write(&mut self, text: &str);
}

/// A frame of the engine for the server.
pub(crate) fn to_server(sink: &mut impl Bridged, frame: &str) {
    if sink.bridge().is_idle() {
        return sink.write(frame);
    }
    sink.bridge().to_server(frame);
    write_out(sink);
}

/// A frame of the server for the engine.
pub(crate) fn from_server(engine: &mut Engine, line: &[u8], sink: &mut impl Bridged) {
    if sink.bridge().is_idle() {
        return engine.from_server(line, sink);
    }
    sink.bridge().from_server(line);
    settle(engine, sink);
}

/// Hands on what the bridge has for either side. Call it after the engine was given anything.
pub(crate) fn settle(engine: &mut Engine, sink: &mut impl Bridged) {
    write_out(sink);
    while let Some(line) = sink.bridge().out.engine.pop_front() {
        engine.from_server(line.as_bytes(), sink);
        write_out(sink);
    }
}

fn write_out(sink: &mut impl Bridged) {
    while let Some(text) = sink.bridge().out.server.pop_front() {
        sink.write(&text);
    }
}

impl Bridge {
    /// A bridge, or with `false` none.
    pub(crate) fn new(is_on: bool, limits: Limits) -> Self {
        let phase = if is_on { Phase::Waiting(Waiting::default()) } else { Phase::Same };
        Self { phase, out: Out::default(), limits }
    }

    fn is_idle(&self) -> bool {
        matches!(self.phase, Phase::Same) && self.out.engine.is_empty() && self.out.server.is_empty()
    }

    fn to_server(&mut self, text: &str) {
        let Ok(frame) = Frame::parse(text.as_bytes(), Direction::ToServer, &self.limits) else {
            return self.out.to_server(text);
        };
        match &mut self.phase {
            Phase::Same => self.out.to_server(text),
            Phase::Waiting(waiting) => waiting.to_server(&frame, &mut self.out),
            Phase::ToModern(bridge) => bridge.to_server(&frame, &mut self.out),
            Phase::ToLegacy(bridge) => bridge.to_server(&frame, &mut self.out),
        }
    }

    fn from_server(&mut self, line: &[u8]) {
        let Ok(frame) = Frame::parse(line, Direction::ToClient, &self.limits) else {
            // The engine has the words for what it refuses.
            return self.out.to_engine(String::from_utf8_lossy(line));
        };
        match &mut self.phase {
            Phase::Same => self.out.to_engine(frame.text()),
            Phase::Waiting(_) => self.judge(&frame),
            Phase::ToModern(bridge) => bridge.from_server(&frame, &mut self.out),
            Phase::ToLegacy(bridge) => bridge.from_server(&frame, &mut self.out),
        }
    }

    /// Asks a server that says nothing, and ends what nobody waits for. Call it about once a second, and [`settle`] afterwards.
    pub(crate) fn tick(&mut self, now: Instant) {
        if let Phase::ToLegacy(bridge) = &mut self.phase {
            bridge.tick(now, &mut self.out);
        }
        let Phase::Waiting(waiting) = &mut self.phase else { return };
        let is_silent = waiting.since.is_some_and(|since| now.duration_since(since) > SILENCE);
        let first = waiting.asked.values().find(|text| era_of(text, &self.limits) == Some(Era::Stateless)).cloned();
        if is_silent
            && waiting.probe.is_none()
            && let Some(text) = first
        {
            waiting.ask(Probe::Initialize, &text, &self.limits, &mut self.out);
        }
    }

    /// What an answer says about the server, while nothing is known.
    fn judge(&mut self, frame: &Frame<'_>) {
        let Phase::Waiting(waiting) = &mut self.phase else { return };
        let Some(id) = frame.id().cloned().filter(|_| matches!(frame.kind(), Kind::Response | Kind::Error)) else {
            return self.out.to_engine(frame.text());
        };
        let is_error = frame.kind() == Kind::Error;
        if let Some((_, probe)) = waiting.probe.take_if(|(own, _)| *own == id) {
            return self.probed(probe, (!is_error).then(|| frame.value(Part::Result).unwrap_or(Value::Null)));
        }
        if !waiting.asked.contains_key(&id) {
            return self.out.to_engine(frame.text());
        }
        if !is_error || STATELESS_CODES.contains(&code(frame)) {
            // A proper answer, or an error of the era that was spoken.
            self.step_aside();
            return self.out.to_engine(frame.text());
        }
        waiting.refused.push((id.clone(), frame.text().to_owned()));
        if waiting.probe.is_none() {
            // Also when the client asked the very same: what it sent may have been refused for its form.
            let text = waiting.asked[&id].clone();
            waiting.ask(Probe::Discover, &text, &self.limits, &mut self.out);
        }
    }

    /// What came of the probe.
    fn probed(&mut self, probe: Probe, result: Option<Value>) {
        let Phase::Waiting(waiting) = &mut self.phase else { return };
        let era = waiting.asked.values().find_map(|text| era_of(text, &self.limits));
        match (probe, era, result) {
            (Probe::Discover, Some(Era::Sessions), Some(hello)) => self.to_modern(&hello),
            (Probe::Initialize, Some(Era::Stateless), Some(hello)) => self.to_legacy(hello),
            // It does not know the era's own opening: perhaps the other one's.
            (Probe::Discover, Some(Era::Stateless), None) => {
                let first = waiting.refused.first().and_then(|(id, _)| waiting.asked.get(id)).cloned();
                match first {
                    Some(text) => waiting.ask(Probe::Initialize, &text, &self.limits, &mut self.out),
                    None => self.step_aside(),
                }
            }
            // Both sides know what is spoken; the error was about something else.
            _ => self.step_aside(),
        }
    }

    /// Everything that was kept back goes its way, and nothing is touched any more.
    fn step_aside(&mut self) {
        let Phase::Waiting(waiting) = std::mem::replace(&mut self.phase, Phase::Same) else { return };
        waiting.refused.into_iter().for_each(|(_, text)| self.out.to_engine(text));
        waiting.held.into_iter().for_each(|text| self.out.to_server(text));
    }

    fn to_modern(&mut self, hello: &Value) {
        let Phase::Waiting(waiting) = std::mem::replace(&mut self.phase, Phase::Same) else { return };
        let opening = waiting.asked.into_iter().find(|(_, text)| method_of(text, &self.limits) == "initialize");
        let Some((id, opening)) = opening else { return };
        let Ok(frame) = Frame::parse(opening.as_bytes(), Direction::ToServer, &self.limits) else { return };
        self.phase = Phase::ToModern(Box::new(ToModern::open(&id, &frame, hello, &mut self.out)));
        waiting.held.iter().for_each(|text| self.to_server(text));
    }

    fn to_legacy(&mut self, hello: Value) {
        let Phase::Waiting(mut waiting) = std::mem::replace(&mut self.phase, Phase::Same) else { return };
        self.out.to_server(r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#);
        let mut again: Vec<String> = waiting.refused.iter().filter_map(|(id, _)| waiting.asked.remove(id)).collect();
        // A server that was silent has ignored these; a call it may have begun is not made twice.
        let limits = self.limits;
        let lists = waiting.asked.extract_if(|_, text| LISTS.contains(&&*method_of(text, &limits)));
        again.extend(lists.map(|(_, text)| text));
        self.phase = Phase::ToLegacy(Box::new(ToLegacy::new(hello, waiting.asked)));
        again.iter().chain(&waiting.held).for_each(|text| self.to_server(text));
    }
}

impl Waiting {
    fn to_server(&mut self, frame: &Frame<'_>, out: &mut Out) {
        if self.probe.is_some() && self.held.len() < MOST_HELD {
            return self.held.push(frame.text().to_owned());
        }
        if let Some(id) = frame.id().filter(|_| frame.kind() == Kind::Request)
            && era(frame).is_some()
            && self.asked.len() < MOST_ASKED
            && frame.text().len() <= LONGEST_ASKED
        {
            self.asked.insert(id.clone(), frame.text().to_owned());
            self.since.get_or_insert_with(Instant::now);
        }
        out.to_server(frame.text());
    }

    /// Asks the server in one era what the client asked in the other, or asked about something else.
    fn ask(&mut self, probe: Probe, because: &str, limits: &Limits, out: &mut Out) {
        let Ok(frame) = Frame::parse(because.as_bytes(), Direction::ToServer, limits) else { return };
        let client = ClientSays::of(&frame);
        let id = out.id("probe-");
        match probe {
            Probe::Discover => out.request(&id, "server/discover", &json!({ "_meta": client.meta() })),
            Probe::Initialize => out.request(&id, "initialize", &client.opening()),
        }
        self.probe = Some((id, probe));
    }
}

/// Which opening a request belongs to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Era {
    Sessions,
    Stateless,
}

fn era(frame: &Frame<'_>) -> Option<Era> {
    match frame.method() {
        "initialize" => Some(Era::Sessions),
        _ => frame.raw(Part::MetaProtocolVersion).map(|_| Era::Stateless),
    }
}

fn era_of(text: &str, limits: &Limits) -> Option<Era> {
    era(&Frame::parse(text.as_bytes(), Direction::ToServer, limits).ok()?)
}

fn method_of(text: &str, limits: &Limits) -> String {
    let frame = Frame::parse(text.as_bytes(), Direction::ToServer, limits);
    frame.map_or_else(|_| String::new(), |frame| frame.method().to_owned())
}

/// What a client says about itself, in either era.
struct ClientSays {
    capabilities: Value,
    info: Value,
}

impl ClientSays {
    fn of(frame: &Frame<'_>) -> Self {
        let meta =
            || frame.value(Part::Meta).and_then(|mut meta| Some(meta.get_mut(format!("{PREFIX}clientInfo"))?.take()));
        let capabilities = frame.value(Part::ClientCapabilities).or_else(|| frame.value(Part::MetaClientCapabilities));
        Self {
            capabilities: capabilities.filter(Value::is_object).unwrap_or_else(|| json!({})),
            info: frame
                .value(Part::ClientInfo)
                .or_else(meta)
                .filter(Value::is_object)
                .unwrap_or_else(|| json!({ "name": "unknown", "version": "0" })),
        }
    }

    /// `_meta` of every stateless request.
    fn meta(&self) -> Value {
        json!({
            format!("{PREFIX}protocolVersion"): STATELESS,
            format!("{PREFIX}clientCapabilities"): self.capabilities,
            format!("{PREFIX}clientInfo"): self.info,
        })
    }

    /// Parameters of `initialize`.
    fn opening(&self) -> Value {
        json!({ "protocolVersion": WITH_SESSION, "capabilities": self.capabilities, "clientInfo": self.info })
    }
}

fn request(id: &Id, method: &str, params: &Value) -> String {
    format!("{{\"jsonrpc\":\"2.0\",\"id\":{id},\"method\":{},\"params\":{params}}}", Value::from(method))
}

fn code(frame: &Frame<'_>) -> i64 {
    frame.value(Part::Error).and_then(|error| error.get("code")?.as_i64()).unwrap_or(0)
}

/// The text of a JSON object with more members at its start; `members` is their text without braces.
pub(crate) fn with_members(object: &str, members: &str) -> String {
    let inner = object.trim_start().strip_prefix('{').unwrap_or("}");
    let separator = if inner.trim_start().starts_with('}') || members.is_empty() { "" } else { "," };
    format!("{{{members}{separator}{inner}")
}

/// Members of an object as text without braces.
fn members_of(object: &Value) -> String {
    let text = object.to_string();
    text.strip_prefix('{').and_then(|text| text.strip_suffix('}')).unwrap_or_default().to_owned()
}

/// An answer of the server under the id that the client used.
fn renamed(frame: &Frame<'_>, id: &Id) -> String {
    match frame.span(Part::Id).filter(|_| frame.id() != Some(id)) {
        Some(span) => frame.splice(&[(span, id.to_string())]),
        None => frame.text().to_owned(),
    }
}

#[cfg(test)]
mod tests;
