//! Connections: how many, how long they may be silent, and a word to those that are sent away.
//!
//! Clients keep connections for as long as servers commonly do, so one may rest between requests for a minute. Whoever has
//! begun a request has less time for its head: a crowd of slow ones would take every place (slow-loris, CWE-400). So would
//! one that asks and takes no answers: what is said has to move as well.

use std::future::{Future, poll_fn};
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use hyper::body::{Body, Incoming};
use hyper::rt::{Sleep, Timer};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, ReadBuf};

/// Most that are told at once that there are too many; the others find out by themselves.
const MOST_TOLD: usize = 256;
/// Largest head, and what is read at once.
const BUFFER: usize = 64 << 10;

/// How long a connection may take.
#[derive(Debug, Clone, Copy)]
struct Patience {
    /// Between an answer and the first byte of the next request.
    rest: Duration,
    /// From there to the end of its head.
    head: Duration,
    /// While nothing of what is said to it is taken.
    deaf: Duration,
}

const PATIENCE: Patience =
    Patience { rest: Duration::from_secs(60), head: Duration::from_secs(10), deaf: Duration::from_secs(60) };

/// Who is connected.
#[derive(Debug)]
pub struct Crowd {
    most: usize,
    open: Arc<AtomicUsize>,
    told: Arc<AtomicUsize>,
}

impl Crowd {
    /// A crowd of at most so many.
    #[must_use]
    pub fn new(most: usize) -> Self {
        Self { most, open: Arc::default(), told: Arc::default() }
    }

    /// How many are connected.
    #[must_use]
    pub fn open(&self) -> usize {
        self.open.load(Ordering::Relaxed)
    }

    /// A place for one more.
    ///
    /// # Errors
    /// When there is none: the place of one that is told so with [`send_away`], or nothing where many are being told.
    pub fn enter(&self) -> Result<Place, Option<Place>> {
        Place::among(&self.open, self.most).ok_or_else(|| Place::among(&self.told, MOST_TOLD))
    }
}

/// A place that is given up however its holder ends.
#[derive(Debug)]
pub struct Place(Arc<AtomicUsize>);

impl Place {
    fn among(taken: &Arc<AtomicUsize>, most: usize) -> Option<Self> {
        let place = Self(Arc::clone(taken));
        // Counted before it is compared, and given back by `drop` where that is one too many.
        (taken.fetch_add(1, Ordering::Relaxed) < most).then_some(place)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Speaks HTTP until one side ends it, or the other is silent for too long and is told so: a client that begins to send
/// in that moment must not take the end for an accident.
pub async fn speak<S, A, F, B>(stream: S, answer: A)
where
    S: AsyncRead + AsyncWrite + Unpin,
    A: Fn(Request<Incoming>) -> F,
    F: Future<Output = Response<B>>,
    B: Body + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    speak_with(stream, PATIENCE, answer).await;
}

async fn speak_with<S, A, F, B>(stream: S, patience: Patience, answer: A)
where
    S: AsyncRead + AsyncWrite + Unpin,
    A: Fn(Request<Incoming>) -> F,
    F: Future<Output = Response<B>>,
    B: Body + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let service = service_fn(|request| {
        let answering = answer(request);
        Box::pin(async move { Ok::<_, std::convert::Infallible>(answering.await) })
    });
    let moved = Arc::<Moved>::default();
    let watched = Watched { stream, moved: Arc::clone(&moved), deaf: None, patience: patience.deaf };
    let mut connection = http1::Builder::new()
        .timer(Pace { moved, patience })
        .header_read_timeout(patience.rest)
        .max_buf_size(BUFFER)
        .serve_connection(TokioIo::new(watched), service);
    // A connection that breaks concerns its client only.
    let ended = poll_fn(|context| connection.poll_without_shutdown(context)).await;
    let mut stream = connection.into_parts().io.into_inner().stream;
    match ended {
        Err(error) if error.is_timeout() => farewell(stream, TOO_SLOW).await,
        _ => drop(stream.shutdown().await),
    }
}

const TOO_SLOW: &str = "HTTP/1.1 408 Request Timeout\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";
const TOO_MANY: &str =
    "HTTP/1.1 503 Service Unavailable\r\nretry-after: 1\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";

/// Tells a client that there is no place for it.
pub async fn send_away<S: AsyncRead + AsyncWrite + Unpin>(stream: S) {
    farewell(stream, TOO_MANY).await;
}

/// Says so, and reads on for a moment: what is closed with something unread loses what was said.
async fn farewell<S: AsyncRead + AsyncWrite + Unpin>(mut stream: S, words: &str) {
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

/// What has happened on a connection since hyper began to wait for a head.
#[derive(Default)]
struct Moved {
    heard: AtomicBool,
    said: AtomicBool,
}

/// A stream that notes what moves, and breaks when the other end takes nothing for too long.
struct Watched<S> {
    stream: S,
    moved: Arc<Moved>,
    /// Runs while something waits to be taken.
    deaf: Option<Pin<Box<tokio::time::Sleep>>>,
    patience: Duration,
}

impl<S> Watched<S> {
    /// What came of a write: taken, or to be tried again before the time is over.
    fn taken(&mut self, context: &mut Context<'_>, written: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        if written.is_ready() {
            self.deaf = None;
            self.moved.said.store(true, Ordering::Relaxed);
            return written;
        }
        let patience = self.patience;
        let deaf = self.deaf.get_or_insert_with(|| Box::pin(tokio::time::sleep(patience)));
        ready!(deaf.as_mut().poll(context));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Watched<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(context, buffer))?;
        if buffer.filled().len() > before {
            self.moved.heard.store(true, Ordering::Relaxed);
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Watched<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.taken(context, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        pieces: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, pieces);
        self.taken(context, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

/// The clock that hyper waits for a head by: it makes a [`Wait`] when it begins to, and looks at it after each read that
/// did not bring the end of one.
struct Pace {
    moved: Arc<Moved>,
    patience: Patience,
}

impl Timer for Pace {
    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Sleep>> {
        self.sleep_until(Instant::now() + duration)
    }

    fn sleep_until(&self, deadline: Instant) -> Pin<Box<dyn Sleep>> {
        self.moved.heard.store(false, Ordering::Relaxed);
        self.moved.said.store(false, Ordering::Relaxed);
        let sleep = Box::pin(tokio::time::sleep_until(deadline.into()));
        Box::pin(Wait { sleep, has_begun: false, moved: Arc::clone(&self.moved), patience: self.patience })
    }
}

/// The wait for one head.
struct Wait {
    sleep: Pin<Box<tokio::time::Sleep>>,
    has_begun: bool,
    moved: Arc<Moved>,
    patience: Patience,
}

impl Sleep for Wait {}

impl Future for Wait {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        if !self.has_begun && self.moved.heard.load(Ordering::Relaxed) {
            self.has_begun = true;
            let deadline = tokio::time::Instant::now() + self.patience.head;
            self.sleep.as_mut().reset(deadline);
        }
        loop {
            ready!(self.sleep.as_mut().poll(context));
            // A client that still takes the last answer is not idle.
            if self.has_begun || !self.moved.said.swap(false, Ordering::Relaxed) {
                return Poll::Ready(());
            }
            let deadline = tokio::time::Instant::now() + self.patience.rest;
            self.sleep.as_mut().reset(deadline);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http_body_util::Full;
    use hyper::body::Bytes;

    const SHORT: Duration = Duration::from_millis(50);
    const LONG: Duration = Duration::from_secs(600);
    const ENDLESS: Patience = Patience { rest: LONG, head: LONG, deaf: LONG };
    const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";

    async fn hello(_: Request<Incoming>) -> Response<Full<Bytes>> {
        Response::new(Full::new(Bytes::from_static(b"hello")))
    }

    async fn talk(patience: Patience, said: &'static [u8]) -> String {
        let (mut client, server) = tokio::io::duplex(1 << 16);
        let served = speak_with(server, patience, hello);
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
        let patience = Patience { rest: SHORT, ..ENDLESS };
        assert_eq!(talk(patience, b"").await, TOO_SLOW);
        let heard = talk(patience, REQUEST).await;
        let (first, rest) = heard.split_once("hello").unwrap();
        assert!(first.starts_with("HTTP/1.1 200 OK\r\n") && rest == TOO_SLOW, "{heard}");
        let heard = talk(patience, b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").await;
        assert!(heard.ends_with("hello"), "{heard}");
    }

    #[tokio::test]
    async fn a_head_that_has_begun_has_less_time_than_a_rest() {
        let patience = Patience { head: SHORT, ..ENDLESS };
        for slow in [&b"G"[..], b"GET / HT", b"GET / HTTP/1.1\r\nHost: localhost\r\n"] {
            assert_eq!(talk(patience, slow).await, TOO_SLOW);
        }
        // Nor does it get more for a byte now and then.
        let (mut client, server) = tokio::io::duplex(1 << 16);
        let (mut hearing, mut saying) = tokio::io::split(&mut client);
        let drops = async {
            while saying.write_all(b"x").await.is_ok() {
                tokio::time::sleep(SHORT / 5).await;
            }
        };
        let heard = async {
            let mut heard = vec![0; TOO_SLOW.len()];
            hearing.read_exact(&mut heard).await.unwrap();
            heard
        };
        tokio::select! {
            () = drops => {}
            ((), heard) = async { tokio::join!(speak_with(server, patience, hello), heard) } => assert_eq!(heard, TOO_SLOW.as_bytes()),
        }
    }

    #[tokio::test]
    async fn between_requests_a_connection_may_rest_for_longer_than_a_head_may_take() {
        let (mut client, server) = tokio::io::duplex(1 << 16);
        let served = speak_with(server, Patience { head: SHORT, ..ENDLESS }, hello);
        let asked = async {
            let mut heard = vec![0; 4096];
            for _ in 0..3 {
                tokio::time::sleep(3 * SHORT).await;
                client.write_all(REQUEST).await.unwrap();
                let count = client.read(&mut heard).await.unwrap();
                assert!(heard[..count].ends_with(b"hello"), "{:?}", String::from_utf8_lossy(&heard[..count]));
            }
            drop(client);
        };
        tokio::join!(served, asked);
    }

    /// What is cut while it is on its way would be taken for the whole by whoever does not count.
    #[tokio::test]
    async fn a_slow_reader_gets_the_whole_answer() {
        const SIZE: usize = 40 << 10;
        let (mut client, server) = tokio::io::duplex(1 << 10);
        let answer = |_| async { Response::new(Full::new(Bytes::from(vec![b'x'; SIZE]))) };
        let served = speak_with(server, Patience { rest: SHORT, ..ENDLESS }, answer);
        let asked = async {
            client.write_all(REQUEST).await.unwrap();
            let mut heard = Vec::new();
            while heard.iter().filter(|byte| **byte == b'x').count() < SIZE {
                tokio::time::sleep(SHORT / 5).await;
                let mut some = [0; 1 << 10];
                let count = client.read(&mut some).await.unwrap();
                assert!(count > 0, "cut after {} bytes", heard.len());
                heard.extend_from_slice(&some[..count]);
            }
            drop(client);
        };
        tokio::join!(served, asked);
    }

    #[tokio::test]
    async fn whoever_asks_and_takes_no_answer_does_not_keep_the_place() {
        let (mut client, server) = tokio::io::duplex(1 << 10);
        let asked = async {
            // Until nothing more is read on the other side either.
            while client.write_all(REQUEST).await.is_ok() {}
        };
        let served = speak_with(server, Patience { deaf: SHORT, ..ENDLESS }, hello);
        tokio::time::timeout(LONG / 10, async { tokio::join!(served, asked) }).await.expect("it ends");
    }

    #[tokio::test]
    async fn one_too_many_is_told_so_and_a_place_that_is_left_is_free() {
        let crowd = Crowd::new(2);
        let first = crowd.enter().unwrap();
        let _second = crowd.enter().unwrap();
        let told: Vec<_> = (0..MOST_TOLD).map(|_| crowd.enter().unwrap_err().unwrap()).collect();
        assert!(crowd.enter().unwrap_err().is_none(), "nobody is told while many are");
        assert_eq!(crowd.open(), 2);
        drop((first, told));
        assert!(crowd.enter().is_ok());

        let (mut client, server) = tokio::io::duplex(1 << 16);
        let asked = async {
            client.write_all(REQUEST).await.unwrap();
            client.shutdown().await.unwrap();
            let mut heard = String::new();
            client.read_to_string(&mut heard).await.unwrap();
            heard
        };
        assert_eq!(tokio::join!(send_away(server), asked).1, TOO_MANY);
    }
}
