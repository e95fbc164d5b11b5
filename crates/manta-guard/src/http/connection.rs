//! Connections: how many, how long they may be silent, and a word to those that are sent away.

use std::cell::Cell;
use std::convert::Infallible;
use std::future::{Future, poll_fn};
use std::io::{self, Write as _};
use std::pin::Pin;
use std::rc::Rc;
use std::time::{Duration, Instant};

use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::spawn_local;

use super::Server;
use super::body::Body;
use super::tls;

/// Most connections at once.
const MOST: usize = 12_000;
/// Most that are told at once that there are too many; the others find out by themselves.
const MOST_TOLD: usize = 256;
/// Longest time for a TLS handshake.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// Longest time for the head of a request, and between an answer and the next request. Clients keep connections for
/// as long as servers commonly do, and a crowd takes its time to gather.
const PATIENCE: Duration = Duration::from_secs(60);
/// How often a want of descriptors or memory is reported.
const REPORT: Duration = Duration::from_secs(10);

/// Who is connected.
#[derive(Default)]
pub(super) struct Connections {
    open: Cell<usize>,
    told: Cell<usize>,
    reported: Cell<Option<Instant>>,
}

impl Connections {
    pub(super) fn open(&self) -> usize {
        self.open.get()
    }

    /// A connection could not be taken.
    pub(super) fn report(&self, error: &io::Error) {
        if self.reported.get().is_none_or(|last| last.elapsed() > REPORT) {
            self.reported.set(Some(Instant::now()));
            let open = self.open();
            let _ = writeln!(io::stderr(), "manta guard: no further connection than these {open}: {error}");
        }
    }
}

/// Serves one connection, or says why not.
pub(super) fn take(server: &Rc<Server>, stream: TcpStream) {
    let server = Rc::clone(server);
    if server.connections.open() >= MOST {
        if server.connections.told.get() < MOST_TOLD && server.tls.is_none() {
            spawn_local(async move {
                let _counted = Counted::new(&server.connections.told);
                send_away(stream, TOO_MANY).await;
            });
        }
        return;
    }
    spawn_local(async move {
        let _counted = Counted::new(&server.connections.open);
        connection(&server, stream).await;
    });
}

/// A place that is given up however its holder ends.
struct Counted<'a>(&'a Cell<usize>);

impl<'a> Counted<'a> {
    fn new(count: &'a Cell<usize>) -> Self {
        count.set(count.get() + 1);
        Self(count)
    }
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.set(self.0.get() - 1);
    }
}

async fn connection(server: &Rc<Server>, stream: TcpStream) {
    let Some(tls) = &server.tls else { return converse(server, stream, None).await };
    let (acceptor, problem) = tls.acceptor();
    if let Some(why) = problem {
        // Nobody else is there to be told; the files before stay in force.
        let _ = writeln!(io::stderr(), "manta guard: {why}");
    }
    // A handshake that fails concerns its client only.
    if let Ok(Ok(stream)) = tokio::time::timeout(HANDSHAKE, acceptor.accept(stream)).await {
        let chain = stream.get_ref().1.peer_certificates();
        let caller = chain.and_then(<[_]>::first).map(tls::principal);
        converse(server, stream, caller).await;
    }
}

/// `caller` is what the certificate says.
async fn converse<S>(server: &Rc<Server>, stream: S, caller: Option<String>)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let answer = |request| {
        let (server, caller) = (Rc::clone(server), caller.clone());
        async move { server.answer(request, caller).await }
    };
    speak(stream, PATIENCE, answer).await;
}

/// Speaks HTTP until one side ends it, or the other is silent for too long and is told so: a client that begins to send
/// in that moment must not take the end for an accident.
async fn speak<S, A, F>(stream: S, patience: Duration, answer: A)
where
    S: AsyncRead + AsyncWrite + Unpin,
    A: Fn(Request<Incoming>) -> F,
    F: Future<Output = Response<Body>>,
{
    type Answered<'a> = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + 'a>>;
    let service = service_fn(|request| -> Answered<'_> {
        let answering = answer(request);
        Box::pin(async move { Ok(answering.await) })
    });
    let mut connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(patience)
        .max_buf_size(64 << 10)
        .serve_connection(TokioIo::new(stream), service);
    // A connection that breaks concerns its client only.
    let ended = poll_fn(|context| connection.poll_without_shutdown(context)).await;
    let mut stream = connection.into_parts().io.into_inner();
    match ended {
        Err(error) if error.is_timeout() => send_away(stream, TOO_SLOW).await,
        _ => drop(stream.shutdown().await),
    }
}

const TOO_SLOW: &str = "HTTP/1.1 408 Request Timeout\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";
const TOO_MANY: &str =
    "HTTP/1.1 503 Service Unavailable\r\nretry-after: 1\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";

/// Says so, and reads on for a moment: what is closed with something unread loses what was said.
async fn send_away<S: AsyncRead + AsyncWrite + Unpin>(mut stream: S, words: &str) {
    let farewell = async {
        stream.write_all(words.as_bytes()).await?;
        stream.shutdown().await?;
        let mut rest = [0; 4096];
        while stream.read(&mut rest).await? > 0 {}
        io::Result::Ok(())
    };
    // Whoever does not listen even then has been told.
    let _ = tokio::time::timeout(Duration::from_secs(1), farewell).await;
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn talk(said: &'static [u8]) -> String {
        let (mut client, server) = tokio::io::duplex(1 << 16);
        let answer = |_| async { Response::new(Body::text("hello".to_owned())) };
        let served = speak(server, Duration::from_millis(50), answer);
        let asked = async {
            client.write_all(said).await.unwrap();
            let mut heard = String::new();
            client.read_to_string(&mut heard).await.unwrap();
            heard
        };
        tokio::join!(served, asked).1
    }

    #[tokio::test]
    async fn whoever_is_silent_for_too_long_is_told_so() {
        for silent in [&b""[..], b"GET / HT", b"GET / HTTP/1.1\r\nHost: localhost\r\n"] {
            assert_eq!(talk(silent).await, TOO_SLOW);
        }
        let heard = talk(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n").await;
        let (first, rest) = heard.split_once("hello").unwrap();
        assert!(first.starts_with("HTTP/1.1 200 OK\r\n") && rest == TOO_SLOW, "{heard}");
        let heard = talk(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").await;
        assert!(heard.ends_with("hello"), "{heard}");
    }
}
