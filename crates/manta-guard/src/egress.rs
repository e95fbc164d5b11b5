//! The server's only way to the network: a proxy on a socket inside its own network namespace.
//!
//! A `CONNECT` names a host and a port. Both must be on the policy's list; the guard resolves the
//! name once, requires every answer to be public (or in a range the policy admits), connects to one
//! of those addresses and verifies the other end. The first bytes must be a TLS greeting for that
//! very name, so that a listed host of a large provider isn't a door to its other customers; so must
//! the second greeting be, where the other end asks for one. Plain
//! HTTP passes only where the policy lists it, one request per connection, to the host it names.

pub(crate) mod tls;

use std::cell::Cell;
use std::io;
use std::net::TcpStream as StdStream;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::Duration;

use manta_harden::net::{CheckedUrl, SystemResolver, UrlPolicy, connect};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, mpsc};
use tokio::time::timeout;

use crate::decide::Event;
use crate::setup::AllowedHost;

/// Longest request head.
const MAX_HEAD: usize = 16 << 10;
/// How long a request head, a TLS greeting or a connection may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// Most connections at once.
const MAX_CONNECTIONS: usize = 256;
/// Longest name of a host, with the dot at its end and the brackets of an address.
const MAX_HOST: usize = 255;
/// Things told that wait for whoever keeps records.
pub const MAX_TOLD: usize = 64;

/// The hosts a server may reach.
#[derive(Clone)]
pub struct Hosts {
    rules: Arc<Vec<Rule>>,
    events: mpsc::Sender<Event>,
}

struct Rule {
    policy: UrlPolicy,
    /// A URL policy also admits the usual ports of its schemes; this list has one entry for each port.
    port: u16,
}

impl Rule {
    /// Whether it speaks about this port and this way of using it. No TLS where HTTP is at home.
    fn is_about(&self, to: &Destination) -> bool {
        self.port == to.port && !(to.is_tunnel && self.port == 80)
    }
}

/// Where a request wants to go.
pub(crate) struct Destination {
    pub(crate) host: String,
    pub(crate) port: u16,
    /// `CONNECT`: a tunnel in which TLS is spoken.
    pub(crate) is_tunnel: bool,
}

/// Why a request goes nowhere: HTTP status and the explanation in the body.
pub(crate) struct Refused {
    status: &'static str,
    why: String,
}

impl Hosts {
    /// Compiles the list. Refusals and failures are told to `events`.
    ///
    /// # Errors
    /// A message that names the wrong entry.
    pub fn new(allowed: &[AllowedHost], events: mpsc::Sender<Event>) -> Result<Self, String> {
        let rules = allowed.iter().map(rule).collect::<Result<_, _>>()?;
        Ok(Self { rules: Arc::new(rules), events })
    }

    /// The first rule that admits a destination, and the destination as it reads it; or why none does, with the line that
    /// would, where there is one.
    fn admit(&self, to: &Destination, url: &str) -> Result<(UrlPolicy, CheckedUrl), String> {
        let mut why = match self.rules.is_empty() {
            true => "the policy lists no hosts".to_owned(),
            false => "the policy does not list this host with this port".to_owned(),
        };
        for rule in self.rules.iter().filter(|rule| rule.is_about(to)) {
            match rule.policy.check(url) {
                Ok(checked) => return Ok((rule.policy.clone(), checked)),
                Err(error) => why = error.to_string(),
            }
        }
        let listed = match to.port {
            443 => to.host.clone(),
            port => format!("{}:{port}", to.host),
        };
        // A form that no list can hold, and what is refused whatever the list says, is not for listing.
        let alone = UrlPolicy::new().host(&to.host).map(|policy| policy.http(true).port(to.port));
        let could_be = |policy: UrlPolicy| {
            let checked = policy.check(url)?;
            checked.ip_literal().map_or(Ok(Vec::new()), |address| policy.check_addresses(&checked, &[address]))
        };
        match alone.and_then(could_be) {
            Ok(_) => Err(format!("{why}; to allow it: hosts = [\"{listed}\"] under [guard]")),
            Err(error) => Err(error.to_string()),
        }
    }

    /// Waits until it is taken: a server that asks faster than records are kept waits with it.
    async fn event(&self, kind: &'static str, detail: String) {
        // The relay may have ended already; then nobody keeps records any more.
        let _ = self.events.send(Event { kind, peer: "server", detail }).await;
    }
}

fn rule(allowed: &AllowedHost) -> Result<Rule, String> {
    let wrong = |error: manta_harden::net::UrlError| format!("{}: `{}`: {error}", allowed.source, allowed.host);
    let mut policy = UrlPolicy::new().host(&allowed.host).map_err(wrong)?.http(allowed.is_plain);
    if allowed.port != 443 && allowed.port != 80 {
        policy = policy.port(allowed.port);
    }
    for range in &allowed.private {
        policy = policy.dangerous_allow_range(range).map_err(wrong)?;
    }
    Ok(Rule { policy, port: allowed.port })
}

/// Accepts connections until the runtime ends.
pub async fn serve(listener: OwnedFd, hosts: Hosts) {
    let listener = std::net::TcpListener::from(listener);
    let listener = listener.set_nonblocking(true).and_then(|()| TcpListener::from_std(listener));
    let Ok(listener) = listener else {
        return hosts.event("egress-failed", "the listener can't be used".to_owned()).await;
    };
    let permits = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    loop {
        let Ok(permit) = Arc::clone(&permits).acquire_owned().await else { return };
        let Ok((stream, _)) = listener.accept().await else {
            // Out of descriptors: trying again at once would only take the processor as well.
            tokio::time::sleep(Duration::from_millis(100)).await;
            continue;
        };
        let hosts = hosts.clone();
        tokio::task::spawn_local(async move {
            serve_one(stream, &hosts).await;
            drop(permit);
        });
    }
}

async fn serve_one(mut client: TcpStream, hosts: &Hosts) {
    let answered = match timeout(PATIENCE, read_head(&mut client)).await {
        Ok(Ok(Some((head, rest)))) => answer(&mut client, &head, rest, hosts).await,
        // Gone before it said anything whole.
        Ok(Ok(None)) => return,
        Ok(Err(refused)) => Err(refused),
        Err(_) => Err(Refused { status: "408 Request Timeout", why: "no whole request head in time".to_owned() }),
    };
    if let Err(refused) = answered {
        hosts.event("egress-refused", refused.why.clone()).await;
        let body = format!("refused by manta guard: {}\n", refused.why);
        let answer = format!(
            "HTTP/1.1 {}\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
            refused.status,
            body.len()
        );
        // The refused program may have gone already.
        let _ = client.write_all(answer.as_bytes()).await;
        let _ = client.shutdown().await;
    }
}

async fn answer(client: &mut TcpStream, head: &str, rest: Vec<u8>, hosts: &Hosts) -> Result<(), Refused> {
    match destination(head)? {
        to if to.is_tunnel => tunnel(client, rest, &to, hosts).await,
        to => forward(client, &request(head, &to)?, rest, &to, hosts).await,
    }
}

async fn tunnel(client: &mut TcpStream, mut early: Vec<u8>, to: &Destination, hosts: &Hosts) -> Result<(), Refused> {
    let mut upstream = open(to, hosts).await?;
    if client.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").await.is_err() {
        return Ok(());
    }
    let length = match timeout(PATIENCE, read_greeting(client, &mut early)).await {
        Ok(Ok(greeting)) if greeting.is_for(&to.host) => greeting.length,
        Ok(Ok(greeting)) => {
            let shown = greeting.described();
            hosts.event("egress-refused", format!("TLS greeting for {shown} in a tunnel to {}", to.host)).await;
            return Ok(());
        }
        Ok(Err(why)) => {
            hosts.event("egress-refused", format!("tunnel to {}: {why}", to.host)).await;
            return Ok(());
        }
        Err(_) => return Ok(()),
    };
    let counts = Counts::default();
    match relay(client, &mut upstream, early, length, &to.host, &counts).await {
        Err(Ended::Refused(why)) => hosts.event("egress-refused", format!("tunnel to {}: {why}", to.host)).await,
        Err(Ended::Lost) | Ok(()) => {
            let (up, down) = (counts.up.get(), counts.down.get());
            hosts.event("egress", format!("{}:{} {up} bytes sent, {down} received", to.host, to.port)).await;
        }
    }
    Ok(())
}

/// Bytes that went through a tunnel.
#[derive(Default)]
struct Counts {
    up: Cell<u64>,
    down: Cell<u64>,
}

/// Why a tunnel ended before both ends were done.
#[derive(Debug)]
enum Ended {
    Lost,
    Refused(String),
}

impl From<io::Error> for Ended {
    fn from(_: io::Error) -> Self {
        Self::Lost
    }
}

/// Carries both directions, beginning with a greeting of `length` bytes that was checked. A server may ask for another
/// one, and a client need not wait for that: until the server has answered with something else, every greeting must name
/// the same host (RFC 8446 §4.1.2 lets the second change nothing about it, but not every server compares).
async fn relay(
    client: &mut (impl AsyncRead + AsyncWrite + Unpin),
    upstream: &mut (impl AsyncRead + AsyncWrite + Unpin),
    mut held: Vec<u8>,
    length: usize,
    host: &str,
    counts: &Counts,
) -> Result<(), Ended> {
    let (mut from_client, mut to_client) = tokio::io::split(client);
    let (mut from_server, mut to_server) = tokio::io::split(upstream);
    let is_settled = Cell::new(false);
    let count = |sum: &Cell<u64>, bytes: usize| sum.set(sum.get() + bytes as u64);
    let up = async {
        let mut ready = length;
        loop {
            to_server.write_all(&held[..ready]).await?;
            count(&counts.up, ready);
            held.drain(..ready);
            ready = match tls::next(&held) {
                _ if is_settled.get() && held.is_empty() => break,
                _ if is_settled.get() => held.len(),
                tls::Next::Pass(record) => record,
                tls::Next::Greeting(second) if second.is_for(host) => {
                    // There is no third.
                    is_settled.set(true);
                    second.length
                }
                tls::Next::Greeting(second) => {
                    return Err(Ended::Refused(format!("second TLS greeting for {}", second.described())));
                }
                tls::Next::Invalid(why) => return Err(Ended::Refused(why.to_owned())),
                tls::Next::Incomplete => {
                    let mut chunk = [0; 4096];
                    match from_client.read(&mut chunk).await? {
                        // What has begun will never be whole.
                        0 => break,
                        read => held.extend_from_slice(&chunk[..read]),
                    }
                    0
                }
            };
        }
        let sent = tokio::io::copy(&mut from_client, &mut to_server).await?;
        counts.up.set(counts.up.get() + sent);
        to_server.shutdown().await?;
        Ok(())
    };
    let down = async {
        let mut head = Vec::new();
        while !is_settled.get() {
            let mut chunk = [0; 4096];
            let read = from_server.read(&mut chunk).await?;
            if read == 0 {
                break; // it says nothing more, and may still listen
            }
            head.extend_from_slice(&chunk[..read]);
            is_settled.set(is_settled.get() || tls::asks_again(&head) == Some(false));
            to_client.write_all(&chunk[..read]).await?;
            count(&counts.down, read);
            head.truncate(64);
        }
        let received = tokio::io::copy(&mut from_server, &mut to_client).await?;
        counts.down.set(counts.down.get() + received);
        to_client.shutdown().await?;
        Ok(())
    };
    tokio::try_join!(up, down).map(drop)
}

/// A plain request as it is sent on.
pub(crate) struct Request {
    pub(crate) head: String,
    /// Bytes of its body.
    pub(crate) length: u64,
}

/// The head written anew: the path of the request line, the host that was checked, one length, and of the headers those
/// that are for the other end.
pub(crate) fn request(head: &str, to: &Destination) -> Result<Request, Refused> {
    let bad = |why: &str| Refused { status: "400 Bad Request", why: why.to_owned() };
    let authority = match to.port {
        80 => to.host.clone(),
        port => format!("{}:{port}", to.host),
    };
    let mut length = 0;
    let mut lines = head.split("\r\n");
    let mut words = lines.next().unwrap_or("").split(' ');
    let (method, target) = (words.next().unwrap_or(""), words.next().unwrap_or(""));
    let rest = target.split_once("://").map_or("", |(_, rest)| rest);
    let path = rest.find(['/', '?']).map_or("", |at| &rest[at..]);
    let slash = if path.starts_with('/') { "" } else { "/" };
    let mut sent = format!("{method} {slash}{path} HTTP/1.1\r\nHost: {authority}\r\n");
    for line in lines.filter(|line| !line.is_empty()) {
        let (name, value) = line.split_once(':').ok_or_else(|| bad("header without a colon"))?;
        let value = value.trim();
        match name.to_ascii_lowercase().as_str() {
            // The usual port may be written or left out (RFC 9110, section 4.2.3).
            "host" => {
                let named = if to.port == 80 { value.strip_suffix(":80").unwrap_or(value) } else { value };
                if !named.eq_ignore_ascii_case(&authority) {
                    return Err(bad("the Host header names another host or port than the request line"));
                }
                continue;
            }
            "content-length" => length = value.parse().map_err(|_| bad("content length is not a number"))?,
            "transfer-encoding" => {
                return Err(Refused { status: "411 Length Required", why: "send a content length".to_owned() });
            }
            "connection"
            | "proxy-connection"
            | "keep-alive"
            | "upgrade"
            | "http2-settings"
            | "proxy-authorization"
            | "te"
            | "trailer"
            | "expect" => continue,
            _ => {}
        }
        sent.push_str(line);
        sent.push_str("\r\n");
    }
    sent.push_str("Connection: close\r\n\r\n");
    Ok(Request { head: sent, length })
}

/// One plain request. Its length is known in advance, so that no second request to another host can follow.
async fn forward(
    client: &mut TcpStream,
    request: &Request,
    early: Vec<u8>,
    to: &Destination,
    hosts: &Hosts,
) -> Result<(), Refused> {
    let length = request.length;
    let mut upstream = open(to, hosts).await?;
    let early_len = u64::try_from(early.len()).unwrap_or(u64::MAX).min(length);
    let body_start = usize::try_from(early_len).unwrap_or(0);
    let passed = async {
        upstream.write_all(request.head.as_bytes()).await?;
        upstream.write_all(&early[..body_start]).await?;
        let (mut from_client, mut to_client) = client.split();
        let mut body = (&mut from_client).take(length - early_len);
        tokio::io::copy(&mut body, &mut upstream).await?;
        let received = tokio::io::copy(&mut upstream, &mut to_client).await?;
        to_client.shutdown().await?;
        io::Result::Ok(received)
    };
    let received = passed.await.unwrap_or(0);
    hosts.event("egress", format!("{}:{} {length} bytes sent, {received} received", to.host, to.port)).await;
    Ok(())
}

/// Checks the destination and connects to one verified address.
async fn open(to: &Destination, hosts: &Hosts) -> Result<TcpStream, Refused> {
    let scheme = if to.is_tunnel { "https" } else { "http" };
    let url = format!("{scheme}://{}:{}/", to.host, to.port);
    let shown = manta_core::Untrusted(&to.host).for_terminal();
    let refuse = |why: String| Refused { status: "403 Forbidden", why: format!("{shown}:{}: {why}", to.port) };
    let (policy, checked) = hosts.admit(to, &url).map_err(refuse)?;
    let dial = move || connect(&policy, &checked, &SystemResolver, PATIENCE);
    match tokio::task::spawn_blocking(dial).await {
        Ok(Ok(stream)) => asynchronous(stream),
        Ok(Err(error)) => Err(Refused { status: "502 Bad Gateway", why: format!("{shown}:{}: {error}", to.port) }),
        Err(_) => Err(Refused { status: "502 Bad Gateway", why: format!("{shown}: the look-up failed") }),
    }
}

fn asynchronous(stream: StdStream) -> Result<TcpStream, Refused> {
    stream
        .set_nonblocking(true)
        .and_then(|()| TcpStream::from_std(stream))
        .map_err(|error| Refused { status: "502 Bad Gateway", why: error.to_string() })
}

/// The head of a request and what came after it; `None` when the other end went away before.
async fn read_head(client: &mut TcpStream) -> Result<Option<(String, Vec<u8>)>, Refused> {
    let refuse = |status, why: &str| Err(Refused { status, why: why.to_owned() });
    let mut bytes = Vec::new();
    let mut chunk = [0; 4096];
    loop {
        let Ok(count @ 1..) = client.read(&mut chunk).await else { return Ok(None) };
        bytes.extend_from_slice(&chunk[..count]);
        if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            let rest = bytes.split_off(end + 4);
            bytes.truncate(end);
            return match String::from_utf8(bytes) {
                Ok(head) => Ok(Some((head, rest))),
                Err(_) => refuse("400 Bad Request", "the request head is not text"),
            };
        }
        if bytes.len() > MAX_HEAD {
            return refuse("431 Request Header Fields Too Large", "the request head is too long");
        }
    }
}

/// A head that every HTTP implementation reads the same way (RFC 9112, sections 2.2 and 5.1): no line feed or other
/// control character inside a line, no white space before a colon, no folded line, one `Host`, one length. A server
/// that is more lenient than this proxy would otherwise see other headers, or a second request.
fn check_head(head: &str) -> Result<(), Refused> {
    let bad = |why: &str| Err(Refused { status: "400 Bad Request", why: why.to_owned() });
    let is_token = |text: &str| {
        !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b))
    };
    let mut lines = head.split("\r\n");
    let request = lines.next().unwrap_or("");
    if !is_token(request.split(' ').next().unwrap_or("")) || request.bytes().any(|b| !(b' '..0x7f).contains(&b)) {
        return bad("the request line has characters that do not belong there");
    }
    let mut once = Vec::new();
    for line in lines.filter(|line| !line.is_empty()) {
        let Some((name, value)) = line.split_once(':') else { return bad("a header without a colon") };
        if !is_token(name) {
            return bad("a header name that is none");
        }
        if value.bytes().any(|b| (b < b' ' && b != b'\t') || b == 0x7f) {
            return bad("a control character in a header");
        }
        let name = name.to_ascii_lowercase();
        if matches!(name.as_str(), "host" | "content-length" | "transfer-encoding") {
            if once.contains(&name) {
                return bad("a header that must not be repeated");
            }
            if name == "content-length" && !value.trim().bytes().all(|b| b.is_ascii_digit()) {
                return bad("the content length is not a number");
            }
            once.push(name);
        }
    }
    Ok(())
}

pub(crate) fn destination(head: &str) -> Result<Destination, Refused> {
    let bad = || Refused { status: "400 Bad Request", why: "not a proxy request".to_owned() };
    check_head(head)?;
    let request = head.split("\r\n").next().unwrap_or("");
    let words: Vec<&str> = request.split(' ').collect();
    let [method, target, "HTTP/1.1" | "HTTP/1.0"] = words.as_slice() else { return Err(bad()) };
    let is_tunnel = *method == "CONNECT";
    let authority = if is_tunnel {
        *target
    } else {
        let rest = target.strip_prefix("http://").ok_or_else(bad)?;
        rest.split(['/', '?']).next().unwrap_or("")
    };
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => {
            let is_number = !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit());
            (host, Some(port).filter(|_| is_number).and_then(|port| port.parse().ok()).ok_or_else(bad)?)
        }
        _ if is_tunnel => return Err(bad()),
        _ => (authority, 80),
    };
    // What ends the authority for one reader and not for another is in no name.
    if host.is_empty()
        || host.len() > MAX_HOST
        || !host.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._[]:".contains(&b))
    {
        return Err(bad());
    }
    Ok(Destination { host: host.to_owned(), port, is_tunnel })
}

async fn read_greeting(client: &mut TcpStream, bytes: &mut Vec<u8>) -> Result<tls::Greeting, &'static str> {
    let mut chunk = [0; 4096];
    loop {
        match tls::greeting(bytes) {
            tls::Read::Done(greeting) => return Ok(greeting),
            tls::Read::Invalid(why) => return Err(why),
            tls::Read::Incomplete => {}
        }
        let count = client.read(&mut chunk).await.map_err(|_| "the connection was lost")?;
        if count == 0 {
            return Err("closed before a TLS greeting");
        }
        bytes.extend_from_slice(&chunk[..count]);
    }
}

#[cfg(test)]
mod tests {
    use super::tls::tests::{answer, hello, name_extension};
    use super::*;

    /// What a server gets to see of a client that says all this at once, and answers the first greeting so.
    async fn seen_by_server(client_says: &[Vec<u8>], server_says: &[u8]) -> (Vec<u8>, Result<(), Ended>) {
        let early = client_says[0].clone();
        let (mut client, mut inside) = tokio::io::duplex(1 << 16);
        let (mut outside, mut server) = tokio::io::duplex(1 << 16);
        let length = early.len();
        let relayed = async move {
            let result = relay(&mut inside, &mut outside, early, length, "api.example", &Counts::default()).await;
            drop((inside, outside)); // as the connections are when a tunnel has ended
            result
        };
        let ends = async {
            let mut first = vec![0; length];
            server.read_exact(&mut first).await.unwrap();
            server.write_all(server_says).await.unwrap();
            let mut heard = vec![0; server_says.len()];
            client.read_exact(&mut heard).await.unwrap();
            client.write_all(&client_says[1..].concat()).await.unwrap();
            client.shutdown().await.unwrap();
            server.shutdown().await.unwrap();
            let mut rest = Vec::new();
            let _ = server.read_to_end(&mut rest).await;
            rest
        };
        let (result, rest) = tokio::join!(relayed, ends);
        (rest, result)
    }

    #[test]
    fn a_line_that_would_allow_it_is_offered_where_there_is_one() {
        let allowed = AllowedHost {
            host: "api.example".into(),
            port: 443,
            is_plain: false,
            private: Vec::new(),
            source: "hosts.x".into(),
        };
        let (sender, _receiver) = mpsc::channel(1);
        let hosts = Hosts::new(&[allowed], sender).unwrap();
        let why = |host: &str, port: u16| {
            let to = Destination { host: host.to_owned(), port, is_tunnel: true };
            hosts.admit(&to, &format!("https://{host}:{port}/")).map(drop)
        };
        assert_eq!(why("api.example", 443), Ok(()));
        for (host, port, line) in [
            ("other.example", 443, "hosts = [\"other.example\"]"),
            ("api.example", 8443, "hosts = [\"api.example:8443\"]"),
            ("8.8.8.8", 443, "hosts = [\"8.8.8.8\"]"),
        ] {
            assert!(why(host, port).unwrap_err().contains(line), "{host}:{port}: {:?}", why(host, port));
        }
        for host in [
            "127.0.0.1",
            "[::1]",
            "2130706433",
            "0x7f.1",
            "localhost",
            "metadata.google.internal",
            "a..b",
            "[::1%25lo]",
        ] {
            assert!(!why(host, 443).unwrap_err().contains("to allow it"), "{host}: {:?}", why(host, 443));
        }
    }

    #[tokio::test]
    async fn a_second_greeting_names_the_same_host() {
        let greet = |name: &str| hello(&[name_extension(name)]);
        let (first, again, evil) = (greet("api.example"), greet("API.example."), greet("evil.example"));
        let (data, change) = (vec![23, 3, 3, 0, 2, 9, 9], vec![20, 3, 3, 0, 1, 1]);
        let (asks, ordinary) = (answer(&tls::ASKS_AGAIN), answer(&[7; 32]));
        let (seen, result) = seen_by_server(&[first.clone(), change.clone(), again.clone(), data.clone()], &asks).await;
        assert_eq!(seen, [&change[..], &again, &data].concat(), "the usual way");
        assert!(result.is_ok());
        let says = [first.clone(), data.clone(), change.clone(), evil.clone(), data.clone()];
        let (seen, result) = seen_by_server(&says, &asks).await;
        assert_eq!(seen, [&data[..], &change].concat(), "nothing of the other greeting");
        assert!(matches!(result, Err(Ended::Refused(why)) if why.contains("evil.example")));
        // Once the server has answered there are no more greetings, and what looks like one is encrypted.
        let (seen, result) = seen_by_server(&[first, evil.clone(), vec![0; 9]], &ordinary).await;
        assert_eq!(seen, [&evil[..], &[0; 9]].concat());
        assert!(result.is_ok());
    }

    #[tokio::test]
    async fn whoever_asks_faster_than_records_are_kept_waits() {
        let (sender, mut told) = mpsc::channel(1);
        let hosts = Hosts::new(&[], sender).unwrap();
        hosts.event("egress", "first".to_owned()).await;
        let second = timeout(Duration::from_millis(20), hosts.event("egress", "second".to_owned()));
        assert!(second.await.is_err(), "there is room for one");
        assert_eq!(told.recv().await.unwrap().detail, "first");
        hosts.event("egress", "third".to_owned()).await;
        drop(told);
        hosts.event("egress", "nobody keeps it".to_owned()).await;
    }

    #[test]
    fn a_listed_port_opens_no_other_port_of_its_host() {
        let listed = |host: &str, port: u16, is_plain: bool| {
            let (host, source) = (host.to_owned(), "hosts.x".to_owned());
            AllowedHost { host, port, is_plain, private: Vec::new(), source }
        };
        let rules = [
            listed("a.example", 8443, false),
            listed("b.example", 8080, true),
            listed("c.example", 80, true),
            listed("d.example", 443, false),
        ];
        let hosts = Hosts::new(&rules, mpsc::channel(1).0).unwrap();
        let goes = |host: &str, port: u16, is_tunnel: bool| {
            let scheme = if is_tunnel { "https" } else { "http" };
            let to = Destination { host: host.to_owned(), port, is_tunnel };
            hosts.admit(&to, &format!("{scheme}://{host}:{port}/")).is_ok()
        };
        let ways: Vec<(&str, u16, bool)> = ["a.example", "b.example", "c.example", "d.example", "e.example"]
            .into_iter()
            .flat_map(|host| [80, 443, 8080, 8443].map(|port| [(host, port, true), (host, port, false)]))
            .flatten()
            .filter(|(host, port, is_tunnel)| goes(host, *port, *is_tunnel))
            .collect();
        assert_eq!(
            ways,
            [
                ("a.example", 8443, true),
                ("b.example", 8080, true),
                ("b.example", 8080, false),
                ("c.example", 80, false),
                ("d.example", 443, true),
            ]
        );
    }

    #[test]
    fn what_is_sent_on_names_the_host_that_was_checked() {
        let sent = |head: &str| {
            let to = destination(head).ok().expect("a destination");
            request(head, &to).ok().map(|request| (request.head, request.length))
        };
        for (target, host, line) in [
            ("http://api.example/a?b=http://x/y", "api.example", "/a?b=http://x/y"),
            ("http://api.example", "API.example:80", "/"),
            ("http://api.example?q=/admin", "api.example", "/?q=/admin"),
            ("http://api.example:8080/x", "api.example:8080", "/x"),
        ] {
            let (head, _) = sent(&format!("GET {target} HTTP/1.1\r\nHost: {host}\r\nUpgrade: h2c")).expect(target);
            let authority = target[7..].split(['/', '?']).next().unwrap();
            let expected = format!("GET {line} HTTP/1.1\r\nHost: {authority}\r\nConnection: close\r\n\r\n");
            assert_eq!(head, expected);
        }
        // Also where the client said none: the other end must not choose one.
        assert!(sent("GET http://api.example/ HTTP/1.0").unwrap().0.contains("Host: api.example\r\n"));
        for (target, host) in [
            ("http://api.example/", "evil.example"),
            ("http://api.example/", "api.example:8080"),
            ("http://api.example:8080/", "api.example"),
            ("http://api.example/", "api.example."),
            ("http://api.example/", "api.example, evil.example"),
            ("http://api.example/", ""),
        ] {
            assert!(sent(&format!("GET {target} HTTP/1.1\r\nHost: {host}")).is_none(), "{target} {host:?}");
        }
        let post = |headers: &str| sent(&format!("POST http://api.example/ HTTP/1.1\r\n{headers}"));
        assert_eq!(post("Content-Length: 7").unwrap().1, 7);
        assert!(post("Transfer-Encoding: chunked").is_none() && post("Content-Length: ").is_none());
    }

    #[test]
    fn heads_that_two_implementations_read_differently_are_refused() {
        let get = |lines: &str| destination(&format!("GET http://api.example/x HTTP/1.1\r\n{lines}")).is_ok();
        assert!(get("Host: api.example\r\nX-Note: caf\u{e9}\tok"));
        for lines in [
            "Host: api.example\nHost: evil.example",
            "X: a\n\nGET / HTTP/1.1\nHost: evil.example",
            "X: a\rHost: evil.example",
            "Host : api.example",
            "Host: api.example\r\nHost: api.example",
            "Host: api.example\r\n evil.example",
            "X: 1\r\n\tHost: evil.example",
            "Content-Length: 1\r\nContent-Length: 1",
            "Content-Length: +1",
            "Content-Length: 1, 1",
            "Content-Length: 0x1",
            "no colon",
            ": no name",
            "X: nul\0",
        ] {
            assert!(!get(lines), "{lines:?}");
        }
        for request in [
            "GET http://api.example/x HTTP/1.1 x",
            "GET  http://api.example/x HTTP/1.1",
            "G\u{e9}T http://api.example/x HTTP/1.1",
            "GET http://api.example/\u{1} HTTP/1.1",
            "GET ftp://api.example/ HTTP/1.1",
            "GET /x HTTP/1.1",
            "CONNECT api.example HTTP/1.1",
            "CONNECT :443 HTTP/1.1",
            "CONNECT api.example:99999 HTTP/1.1",
            "CONNECT api.example:+443 HTTP/1.1",
            "CONNECT api.example#:443 HTTP/1.1",
            "CONNECT api.example/x:443 HTTP/1.1",
            "CONNECT user@api.example:443 HTTP/1.1",
            "GET http://api.example#x/y HTTP/1.1",
            "GET http://a@api.example/y HTTP/1.1",
            "GET http://api.example%00/y HTTP/1.1",
        ] {
            assert!(destination(request).is_err(), "{request:?}");
        }
        assert!(destination("CONNECT api.example:443 HTTP/1.1\r\nHost: api.example:443").is_ok());
        let long = "a.".repeat(MAX_HOST / 2);
        assert!(destination(&format!("CONNECT {long}:443 HTTP/1.1")).is_ok());
        assert!(
            destination(&format!("CONNECT {long}aa:443 HTTP/1.1")).is_err(),
            "no name is as long, and it would be told"
        );
    }
}
