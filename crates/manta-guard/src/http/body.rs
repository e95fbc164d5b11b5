//! Response bodies: a text, or server-sent events as they come.

use std::cell::Cell;
use std::convert::Infallible;
use std::future::Future as _;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use bytes::Bytes;
use hyper::body::{Frame, SizeHint};
use tokio::sync::Notify;
use tokio::time::{Interval, Sleep, interval, sleep_until};

use super::mailbox::{EventId, Outgoing, Reader};

/// How often a silent stream says that it is alive.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// How long a client should wait before it takes a broken stream up again, in milliseconds.
const RETRY: u32 = 1000;

/// Bytes of one session that connections have and their clients have not: a crowd that asks for much and takes it slowly,
/// or not at all, must not fill the memory (CWE-770). Its server waits for it then, as a server does that writes to its
/// client itself.
#[derive(Default)]
pub(super) struct OnTheWay {
    bytes: Cell<usize>,
    less: Notify,
}

impl OnTheWay {
    /// Most bytes on their way at which the server is still read.
    const MOST: usize = 32 << 20;

    /// Counts so many bytes until what it gives is dropped.
    pub(super) fn hold(self: &Rc<Self>, bytes: usize) -> Held {
        self.bytes.set(self.bytes.get() + bytes);
        Held { of: Rc::clone(self), bytes }
    }

    pub(super) fn is_much(&self) -> bool {
        self.bytes.get() > Self::MOST
    }

    /// Waits until some of it has arrived, or never will.
    pub(super) async fn less(&self) {
        self.less.notified().await;
    }
}

/// Bytes on their way.
pub(super) struct Held {
    of: Rc<OnTheWay>,
    bytes: usize,
}

impl Drop for Held {
    fn drop(&mut self) {
        self.of.bytes.set(self.of.bytes.get() - self.bytes);
        self.of.less.notify_one();
    }
}

/// A response body. Hyper asks for what comes next, or drops the body, when the connection has taken what there was.
pub(super) enum Body {
    Text {
        text: Option<Bytes>,
        /// Kept for as long as the text is on its way.
        _held: Option<Held>,
    },
    Events {
        reader: Reader,
        on_the_way: Rc<OnTheWay>,
        /// The event that the connection has.
        held: Option<Held>,
        /// What the stream begins with: a name without a message, so that a client can take it up from the start.
        prime: Option<EventId>,
        keep_alive: Interval,
        has_answered: bool,
        /// When its reader has no right to more.
        end: Option<Pin<Box<Sleep>>>,
    },
}

impl Body {
    pub(super) fn text(text: String) -> Self {
        Self::Text { text: Some(Bytes::from(text)).filter(|bytes| !bytes.is_empty()), _held: None }
    }

    /// A text that counts while it is on its way.
    pub(super) fn counted(text: String, on_the_way: &Rc<OnTheWay>) -> Self {
        let held = on_the_way.hold(text.len());
        Self::Text { text: Some(Bytes::from(text)), _held: Some(held) }
    }

    /// Events until the answer, or until the other end is dropped.
    pub(super) fn events(reader: Reader, prime: Option<EventId>, on_the_way: &Rc<OnTheWay>) -> Self {
        let mut keep_alive = interval(KEEP_ALIVE);
        keep_alive.reset();
        let on_the_way = Rc::clone(on_the_way);
        Self::Events { reader, on_the_way, held: None, prime, keep_alive, has_answered: false, end: None }
    }

    /// Ends events at a moment, whatever is still to come. Whoever may read on takes the stream up again.
    pub(super) fn end_at(&mut self, moment: Instant) {
        if let Self::Events { end, .. } = self {
            *end = Some(Box::pin(sleep_until(moment.into())));
        }
    }
}

impl hyper::body::Body for Body {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        match &mut *self {
            Self::Text { text, .. } => Poll::Ready(text.take().map(|text| Ok(Frame::data(text)))),
            Self::Events { has_answered: true, .. } => Poll::Ready(None),
            Self::Events { reader, on_the_way, held, prime, keep_alive, has_answered, end } => {
                *held = None;
                if end.as_mut().is_some_and(|end| end.as_mut().poll(context).is_ready()) {
                    return Poll::Ready(None);
                }
                if let Some(id) = prime.take() {
                    return data(format!("id: {id}\nretry: {RETRY}\ndata: \n\n"));
                }
                match reader.poll_next(context) {
                    Poll::Ready(Some((message, id))) => {
                        *has_answered = message.is_answer;
                        let event = event(&message, id);
                        *held = Some(on_the_way.hold(event.len()));
                        data(event)
                    }
                    Poll::Ready(None) => Poll::Ready(None),
                    Poll::Pending => {
                        keep_alive.poll_tick(context).map(|_| Some(Ok(Frame::data(Bytes::from_static(b": alive\n\n")))))
                    }
                }
            }
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Text { text, .. } => SizeHint::with_exact(text.as_ref().map_or(0, |text| text.len() as u64)),
            Self::Events { .. } => SizeHint::default(),
        }
    }
}

fn data(text: String) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
    Poll::Ready(Some(Ok(Frame::data(Bytes::from(text)))))
}

/// Messages are one line, so no line of theirs can end the event early.
fn event(message: &Outgoing, id: Option<EventId>) -> String {
    match id {
        Some(id) => format!("event: message\nid: {id}\ndata: {}\n\n", message.text),
        None => format!("event: message\ndata: {}\n\n", message.text),
    }
}

#[cfg(test)]
mod tests {
    use super::super::mailbox::mailbox;
    use super::*;

    fn next(body: &mut Body) -> Option<usize> {
        use hyper::body::Body as _;
        let mut context = Context::from_waker(std::task::Waker::noop());
        match Pin::new(body).poll_frame(&mut context) {
            Poll::Ready(Some(Ok(frame))) => frame.into_data().ok().map(|data| data.len()),
            _ => None,
        }
    }

    #[tokio::test]
    async fn what_a_connection_has_counts_until_it_asks_for_more_or_ends() {
        let on_the_way = Rc::<OnTheWay>::default();
        let large = "x".repeat(OnTheWay::MOST);
        let mut text = Body::counted(large.clone(), &on_the_way);
        assert!(!on_the_way.is_much());
        let (sender, reader) = mailbox();
        let mut events = Body::events(reader, None, &on_the_way);
        sender.send(Outgoing { text: "one".to_owned(), is_answer: false });
        assert!(!on_the_way.is_much(), "what waits has bounds of its own");
        assert!(next(&mut events).is_some() && on_the_way.is_much());
        assert!(next(&mut events).is_none() && !on_the_way.is_much(), "the event has arrived");
        sender.send(Outgoing { text: "two".to_owned(), is_answer: true });
        assert!(next(&mut events).is_some() && on_the_way.is_much());
        assert_eq!(next(&mut text), Some(large.len()));
        assert!(on_the_way.is_much(), "a text is on its way until the connection lets go of it");
        drop(text);
        on_the_way.less().await;
        drop(events);
        assert_eq!(on_the_way.bytes.get(), 0);
    }
}
