//! Parsers that only the guard itself calls, as functions of bytes: what fuzz targets run. Not part of the interface.

use std::collections::BTreeMap;

use manta_mcp::{Frame, Limits};
use serde_json::Value;

use crate::bridge::{self, Bridge, Bridged};
use crate::egress;
use crate::engine::{Engine, Sink};
use crate::mirror::{Mirrors, decoded};
use crate::upstream::events::Events;

/// The data of every event in a stream that arrives in pieces of `size`; `Err` for one longer than `max`.
#[must_use]
pub fn events(stream: &[u8], size: usize, max: usize) -> Vec<Result<String, ()>> {
    let mut events = Events::new(max);
    let mut seen = Vec::new();
    for piece in stream.chunks(size.max(1)) {
        events.feed(piece, &mut |event| seen.push(event.map(|event| event.data)));
    }
    seen
}

/// Host, port and whether it is a tunnel, when the head of a request to the egress proxy names them one way.
#[must_use]
pub fn destination(head: &str) -> Option<(String, u16, bool)> {
    egress::destination(head).ok().map(|to| (to.host, to.port, to.is_tunnel))
}

/// Whether bytes are a whole TLS greeting for this host and no other.
#[must_use]
pub fn is_greeting_for(bytes: &[u8], host: &str) -> bool {
    matches!(egress::tls::greeting(bytes), egress::tls::Read::Done(greeting) if greeting.is_for(host))
}

/// The headers that repeat a request, after the marks of this list of tools.
#[must_use]
pub fn mirrored(tools: &Value, frame: &Frame<'_>) -> Vec<(String, String)> {
    let mut mirrors = Mirrors::default();
    mirrors.learn(tools);
    mirrors.of(frame)
}

/// Whether a request is believed that carries these headers (names in lower case).
#[must_use]
pub fn is_mirrored(tools: &Value, frame: &Frame<'_>, headers: &[(String, String)]) -> bool {
    let mut mirrors = Mirrors::default();
    mirrors.learn(tools);
    let given: Vec<_> = headers.iter().map(|(name, value)| (name.clone(), decoded(value))).collect();
    mirrors.check(frame, &given).is_ok()
}

/// An engine with the bridge between the eras on its server's side.
pub struct Connection<S> {
    engine: Engine,
    stage: Stage<S>,
}

struct Stage<S> {
    sink: S,
    bridge: Bridge,
}

impl<S> std::fmt::Debug for Connection<S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Connection").finish_non_exhaustive()
    }
}

impl<S: Sink> Sink for Stage<S> {
    fn to_server(&mut self, frame: &str) {
        bridge::to_server(self, frame);
    }

    fn to_client(&mut self, frame: &str, answers: Option<&manta_mcp::Id>) {
        self.sink.to_client(frame, answers);
    }
}

impl<S: Sink> Bridged for Stage<S> {
    fn bridge(&mut self) -> &mut Bridge {
        &mut self.bridge
    }

    fn write(&mut self, text: &str) {
        self.sink.to_server(text);
    }
}

impl<S: Sink> Connection<S> {
    /// Whatever comes out of `engine` goes to `sink`.
    pub fn new(engine: Engine, sink: S) -> Self {
        Self { engine, stage: Stage { sink, bridge: Bridge::new(true, Limits::default()) } }
    }

    /// A line of the client.
    pub fn from_client(&mut self, line: &[u8]) {
        self.engine.from_client(line, &mut self.stage);
        bridge::settle(&mut self.engine, &mut self.stage);
    }

    /// A line of the server.
    pub fn from_server(&mut self, line: &[u8]) {
        bridge::from_server(&mut self.engine, line, &mut self.stage);
    }

    /// Where everything went.
    pub fn sink(&mut self) -> &mut S {
        &mut self.stage.sink
    }

    /// Requests of the client that wait for an answer.
    #[must_use]
    pub fn in_flight(&self) -> usize {
        self.engine.in_flight()
    }
}

/// The pins of a lock file's text, by server and item; `None` when it is no lock file.
#[must_use]
pub fn pins(text: &str) -> Option<BTreeMap<String, Vec<String>>> {
    let lock = crate::pin::LockFile::parse(text).ok()?;
    Some(lock.server.into_iter().map(|(server, pins)| (server, pins.into_keys().collect())).collect())
}
