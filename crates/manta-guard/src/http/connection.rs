//! Who connects, encrypted or not.

use std::cell::Cell;
use std::io::{self, Write as _};
use std::rc::Rc;
use std::time::{Duration, Instant};

use manta_harden::front::{Crowd, send_away, speak};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::task::spawn_local;

use super::Server;
use super::tls;

/// Most connections at once.
const MOST: usize = 12_000;
/// Longest time for a TLS handshake.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// How often a want of descriptors or memory is reported.
const REPORT: Duration = Duration::from_secs(10);

/// Who is connected.
pub(super) struct Connections {
    crowd: Crowd,
    reported: Cell<Option<Instant>>,
}

impl Default for Connections {
    fn default() -> Self {
        Self { crowd: Crowd::new(MOST), reported: Cell::default() }
    }
}

impl Connections {
    pub(super) fn open(&self) -> usize {
        self.crowd.open()
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
    match server.connections.crowd.enter() {
        Ok(place) => {
            let server = Rc::clone(server);
            spawn_local(async move {
                connection(&server, stream).await;
                drop(place);
            });
        }
        // Whoever expects a handshake could not read the words.
        Err(Some(place)) if server.tls.is_none() => {
            spawn_local(async move {
                send_away(stream).await;
                drop(place);
            });
        }
        Err(_) => {}
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
    speak(stream, answer).await;
}
