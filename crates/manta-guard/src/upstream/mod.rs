//! A remote server as a process of its own: Streamable HTTP on one side, lines on the other.
//!
//! `manta guard --upstream URL` starts this same program again, as it would start any server, in a sandbox
//! that has the network and no files. So the parsers of TLS, HTTP and event streams face the stranger in a
//! process that can lose nothing, and everything else of the guard is as it is for a local server.
//!
//! Both eras are spoken. Up to 2025-11-25: `initialize` opens a session, a stream stays open for what the
//! server sends unasked, a lost stream is resumed, a lost session is opened again. From 2026-07-28 on: every
//! request stands alone, its headers repeat what its body says, and closing its stream cancels it.
//!
//! The only credentials that are sent are the guard's own: what a client of the guard presents never gets here.

pub(crate) mod events;
mod exchange;

use std::io;
use std::process::ExitCode;
use std::rc::Rc;

use hyper::header::{HeaderName, HeaderValue};
use manta_harden::net::{ClientLimits, SafeClient, UrlArg, UrlPolicy};
use manta_mcp::{Direction, Frame, Id, Kind, Limits, Part};
use serde::{Deserialize, Serialize};
use tokio::task::{LocalSet, spawn_local};

use crate::lines::{Line, Lines};
use crate::stream::{Outlet, Source, duplicate};
use exchange::Remote;

/// The word that asks this program for being the connection.
pub const COMMAND: &str = "__upstream";
/// The variable that carries a [`Target`].
pub const VARIABLE: &str = "MANTA_UPSTREAM";

/// Where the remote server is and what it is told besides the messages.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Target {
    /// The endpoint.
    pub url: String,
    /// Address ranges that are admitted although they are not public.
    pub private: Vec<String>,
    /// Headers of every request: credentials of the guard's own.
    pub headers: Vec<(String, String)>,
    /// Longest message in either direction.
    pub max_message: usize,
}

impl Target {
    /// Reads the URL as its operator meant it: the very host, nothing else. An address of this machine or of
    /// a private network counts as allowed when it is written out, and so does `localhost`; a name that merely
    /// leads to one does not.
    ///
    /// # Errors
    /// A message for the person who wrote it.
    fn client(&self) -> Result<(SafeClient, UrlArg), String> {
        let wrong = |error: &dyn std::fmt::Display| format!("the server at {}: {error}", self.url);
        let url = self.url.replacen("://localhost", "://127.0.0.1", 1);
        let (scheme, rest) = url.split_once("://").ok_or_else(|| wrong(&"a URL starts with https:// or http://"))?;
        let authority = rest.split(['/', '?', '#']).next().unwrap_or("");
        let (host, port) = match authority.rsplit_once(':') {
            Some((host, port)) if !port.ends_with(']') => {
                (host, Some(port.parse().map_err(|_| wrong(&"the port is not a number"))?))
            }
            _ => (authority, None),
        };
        let mut policy = UrlPolicy::new().host(host).map_err(|error| wrong(&error))?.http(scheme == "http");
        if let Some(port) = port {
            policy = policy.port(port);
        }
        if let Ok(address) = host.trim_matches(['[', ']']).parse::<std::net::IpAddr>() {
            let width = if address.is_ipv4() { 32 } else { 128 };
            policy = policy.dangerous_allow_range(&format!("{address}/{width}")).map_err(|error| wrong(&error))?;
        }
        for range in &self.private {
            policy = policy.dangerous_allow_range(range).map_err(|error| wrong(&error))?;
        }
        policy.check(&url).map_err(|error| wrong(&error))?;
        Ok((SafeClient::new(policy).limits(ClientLimits::default()), UrlArg::new(url)))
    }

    /// Refuses what can't work before anything is started.
    ///
    /// # Errors
    /// A message for the person who wrote it.
    pub fn check(&self) -> Result<(), String> {
        self.client()?;
        self.headers.iter().try_for_each(|(name, value)| check_header(name, value))
    }
}

/// Refuses headers that can't be sent, or that are the connection's own.
///
/// # Errors
/// A message for the person who wrote them.
fn check_header(name: &str, value: &str) -> Result<(), String> {
    const OWN: &[&str] = &[
        "host",
        "content-length",
        "transfer-encoding",
        "connection",
        "content-type",
        "accept",
        "mcp-session-id",
        "mcp-protocol-version",
        "mcp-method",
        "mcp-name",
        "last-event-id",
    ];
    let is_valid = HeaderName::from_bytes(name.as_bytes()).is_ok() && HeaderValue::from_str(value).is_ok();
    if !is_valid || OWN.contains(&name.to_ascii_lowercase().as_str()) {
        return Err(format!("upstream_headers: `{name}` can't be sent"));
    }
    Ok(())
}

/// Runs the connection until the guard closes its side. Exit code 0 then, 1 when the server can't be used.
#[must_use]
pub fn run() -> ExitCode {
    let target = std::env::var(VARIABLE).map_err(|_| format!("{VARIABLE} is not set"));
    let target = target.and_then(|text| serde_json::from_str::<Target>(&text).map_err(|error| error.to_string()));
    let served = target.and_then(|target| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| error.to_string())?;
        runtime.block_on(LocalSet::new().run_until(serve(target)))
    });
    match served {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            // Nothing better can be done when standard error is gone.
            let _ = io::Write::write_all(&mut io::stderr(), format!("manta upstream: {why}\n").as_bytes());
            ExitCode::FAILURE
        }
    }
}

async fn serve(target: Target) -> Result<(), String> {
    let (client, url) = target.client()?;
    let text = |error: io::Error| error.to_string();
    let mut input = Source::new(duplicate(io::stdin()).map_err(text)?).map_err(text)?;
    let output = Outlet::new(duplicate(io::stdout()).map_err(text)?).map_err(text)?;
    let remote = Rc::new(Remote::new(client, url, &target, output)?);
    let writer = Rc::clone(&remote);
    spawn_local(async move { writer.write_out().await });
    let mut lines = Lines::new(target.max_message);
    let mut buffer = vec![0; 64 << 10];
    loop {
        let count = input.read(&mut buffer).await.map_err(text)?;
        if count == 0 {
            break;
        }
        lines.feed(&buffer[..count]);
        while let Some(line) = lines.next_line() {
            // The guard refuses longer ones itself.
            let Line::Frame(bytes) = line else { continue };
            forward(&remote, bytes).await;
        }
    }
    remote.close().await;
    Ok(())
}

/// Passes one message of the guard on. What others build on is waited for: the opening of the session, and
/// notifications, which must not be overtaken by the request after them.
async fn forward(remote: &Rc<Remote>, bytes: &[u8]) {
    let Ok(frame) = Frame::parse(bytes, Direction::ToServer, &Limits::default()) else { return };
    let is_modern = frame.raw(Part::MetaProtocolVersion).is_some();
    if is_modern && frame.kind() == Kind::Request {
        remote.note_modern();
    }
    if remote.is_modern() && frame.method() == "notifications/cancelled" {
        if let Some(id) = frame.raw(Part::RequestId).and_then(Id::from_json) {
            remote.cancel(&id);
        }
        return;
    }
    let message = exchange::Message::of(&frame, remote);
    if message.id.is_none() || message.is_opening {
        return Rc::clone(remote).exchange(message).await;
    }
    let (id, own) = (message.id.clone(), Rc::clone(remote));
    let task = spawn_local(async move { own.exchange(message).await });
    if let Some(id) = id {
        remote.started(id, task.abort_handle());
    }
}
