//! Response bodies: a text, or server-sent events as they come.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use hyper::body::{Frame, SizeHint};
use tokio::sync::mpsc;
use tokio::time::{Interval, interval};

use super::session::Outgoing;

/// How often a silent stream says that it is alive.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// A response body.
pub(super) enum Body {
    Text(Option<Bytes>),
    Events { first: Option<Outgoing>, receiver: mpsc::Receiver<Outgoing>, keep_alive: Interval, has_answered: bool },
}

impl Body {
    pub(super) fn text(text: String) -> Self {
        Self::Text(Some(Bytes::from(text)).filter(|bytes| !bytes.is_empty()))
    }

    /// Events until the answer, or until the other end is dropped.
    pub(super) fn events(first: Option<Outgoing>, receiver: mpsc::Receiver<Outgoing>) -> Self {
        let mut keep_alive = interval(KEEP_ALIVE);
        keep_alive.reset();
        Self::Events { first, receiver, keep_alive, has_answered: false }
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
            Self::Events { first, receiver, keep_alive, has_answered } => {
                let next = match first.take() {
                    Some(first) => Poll::Ready(Some(first)),
                    None => receiver.poll_recv(context),
                };
                match next {
                    Poll::Ready(Some(message)) => {
                        *has_answered = message.is_answer;
                        // Frames are one line, so no line of theirs can end the event early.
                        let event = format!("event: message\ndata: {}\n\n", message.text);
                        Poll::Ready(Some(Ok(Frame::data(Bytes::from(event)))))
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
