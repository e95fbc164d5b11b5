//! Response bodies: a text, or server-sent events as they come.

use std::convert::Infallible;
use std::future::Future as _;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use bytes::Bytes;
use hyper::body::{Frame, SizeHint};
use tokio::time::{Interval, Sleep, interval, sleep_until};

use super::mailbox::{EventId, Outgoing, Reader};

/// How often a silent stream says that it is alive.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// How long a client should wait before it takes a broken stream up again, in milliseconds.
const RETRY: u32 = 1000;

/// A response body.
pub(super) enum Body {
    Text(Option<Bytes>),
    Events {
        reader: Reader,
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
        Self::Text(Some(Bytes::from(text)).filter(|bytes| !bytes.is_empty()))
    }

    /// Events until the answer, or until the other end is dropped.
    pub(super) fn events(reader: Reader, prime: Option<EventId>) -> Self {
        let mut keep_alive = interval(KEEP_ALIVE);
        keep_alive.reset();
        Self::Events { reader, prime, keep_alive, has_answered: false, end: None }
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
            Self::Text(text) => Poll::Ready(text.take().map(|text| Ok(Frame::data(text)))),
            Self::Events { has_answered: true, .. } => Poll::Ready(None),
            Self::Events { reader, prime, keep_alive, has_answered, end } => {
                if end.as_mut().is_some_and(|end| end.as_mut().poll(context).is_ready()) {
                    return Poll::Ready(None);
                }
                if let Some(id) = prime.take() {
                    return data(format!("id: {id}\nretry: {RETRY}\ndata: \n\n"));
                }
                match reader.poll_next(context) {
                    Poll::Ready(Some((message, id))) => {
                        *has_answered = message.is_answer;
                        data(event(&message, id))
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
            Self::Text(text) => SizeHint::with_exact(text.as_ref().map_or(0, |text| text.len() as u64)),
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
