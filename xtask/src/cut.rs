//! A connection that breaks: a relay of TCP that cuts the first call in the middle.

use std::io::{self, Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

/// How long after its beginning the call loses its connection.
const AFTER: Duration = Duration::from_secs(1);

/// What has happened on the way.
#[derive(Default)]
pub(crate) struct Seen {
    was_cut: AtomicBool,
    was_resumed: AtomicBool,
}

impl Seen {
    /// A call lost its connection, and somebody came back for the rest.
    pub(crate) fn is_resumed(&self) -> bool {
        self.was_cut.load(Ordering::Relaxed) && self.was_resumed.load(Ordering::Relaxed)
    }
}

/// Relays to `target` for as long as this program runs.
pub(crate) fn relay(target: SocketAddr) -> io::Result<(SocketAddr, Arc<Seen>)> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let (address, seen) = (listener.local_addr()?, Arc::<Seen>::default());
    let kept = Arc::clone(&seen);
    thread::spawn(move || {
        for client in listener.incoming().flatten() {
            let Ok(server) = TcpStream::connect(target) else { continue };
            let (Ok(from_server), Ok(to_client)) = (server.try_clone(), client.try_clone()) else { continue };
            let seen = Arc::clone(&kept);
            thread::spawn(move || pump(&client, &server, Some(&seen)));
            thread::spawn(move || pump(&from_server, &to_client, None));
        }
    });
    Ok((address, seen))
}

/// Moves bytes until either side ends; `seen` looks at what a client sends.
fn pump(mut from: &TcpStream, mut to: &TcpStream, seen: Option<&Seen>) {
    let mut buffer = vec![0; 64 << 10];
    while let Ok(count @ 1..) = from.read(&mut buffer) {
        let text = String::from_utf8_lossy(&buffer[..count]).to_ascii_lowercase();
        if let Some(seen) = seen {
            seen.was_resumed.fetch_or(text.contains("last-event-id:"), Ordering::Relaxed);
        }
        let is_first_call =
            text.contains("\"tools/call\"") && seen.is_some_and(|seen| !seen.was_cut.swap(true, Ordering::Relaxed));
        if let (true, Ok(one), Ok(other)) = (is_first_call, from.try_clone(), to.try_clone()) {
            thread::spawn(move || {
                thread::sleep(AFTER);
                let _ = (one.shutdown(Shutdown::Both), other.shutdown(Shutdown::Both));
            });
        }
        if to.write_all(&buffer[..count]).is_err() {
            break;
        }
    }
    let _ = (from.shutdown(Shutdown::Both), to.shutdown(Shutdown::Both));
}
