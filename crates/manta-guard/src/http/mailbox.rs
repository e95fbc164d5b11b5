//! Messages on their way to a client, one mailbox per stream.
//!
//! The session puts messages in; whoever speaks HTTP takes them out. Up to revision 2025-11-25 a stream that breaks
//! can be taken up again (`Last-Event-ID`): such a mailbox is kept by [`Streams`] under a number, what was read stays
//! for a while, and nothing of it is ever given to another stream. Everything here is bounded.

use std::cell::RefCell;
use std::collections::{BTreeMap, VecDeque};
use std::future::poll_fn;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

/// Most messages before an answer that wait for a reader, and most bytes of them.
const MOST_WAITING: usize = 256;
const MOST_WAITING_BYTES: usize = 8 << 20;
/// Messages that were read and stay for a reader that comes back, and most bytes of them.
const MOST_READ: usize = 64;
const MOST_READ_BYTES: usize = 1 << 20;
/// Ended streams that are kept per session, for how long, and most bytes of all but the youngest.
const MOST_ENDED: usize = 16;
const MOST_ENDED_BYTES: usize = 2 << 20;
const KEPT_FOR: Duration = Duration::from_secs(300);

/// A message for the client.
#[derive(Debug)]
pub(super) struct Outgoing {
    pub(super) text: String,
    /// It is the final answer to its request.
    pub(super) is_answer: bool,
}

/// The name of a message in its session: the number of its stream, and its place there from 1 on. Place 0 is the
/// beginning of the stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct EventId {
    pub(super) stream: u64,
    pub(super) place: u64,
}

impl EventId {
    /// Reads what a client sent back; exactly what was written, or nothing.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (stream, place) = text.split_once('-')?;
        let id = Self { stream: stream.parse().ok()?, place: place.parse().ok()? };
        (id.to_string() == text).then_some(id)
    }
}

impl std::fmt::Display for EventId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}-{}", self.stream, self.place)
    }
}

#[derive(Default)]
struct Mailbox {
    /// Its number, when it can be taken up again.
    stream: Option<u64>,
    messages: VecDeque<Outgoing>,
    bytes: usize,
    /// Place of the first message that is still here.
    first: u64,
    /// How many of the messages here were read.
    read: usize,
    read_bytes: usize,
    /// Nothing more will be put in.
    is_ended: bool,
    /// Which reader is the present one; readers before it get nothing more.
    reader: u64,
    has_reader: bool,
    waker: Option<Waker>,
}

impl Mailbox {
    fn wake(&mut self) {
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }

    /// Drops what was read and need not stay.
    fn trim(&mut self) {
        let most = if self.stream.is_some() { MOST_READ } else { 0 };
        // The last one is the answer, as a rule: losing that one costs the most.
        while self.read > most || (self.read > 1 && self.read_bytes > MOST_READ_BYTES) {
            let Some(message) = self.messages.pop_front() else { return };
            self.first += 1;
            self.read -= 1;
            self.read_bytes -= message.text.len();
            self.bytes -= message.text.len();
        }
    }
}

/// The end where messages are put in. Dropping it ends the stream.
pub(super) struct Sender(Rc<RefCell<Mailbox>>);

impl Sender {
    /// Puts a message in; `false` when nobody will ever read it, or too many wait already. An answer always has room.
    pub(super) fn send(&self, message: Outgoing) -> bool {
        let mut mailbox = self.0.borrow_mut();
        let (waiting, bytes) = (mailbox.messages.len() - mailbox.read, mailbox.bytes - mailbox.read_bytes);
        let is_full = waiting >= MOST_WAITING || (waiting > 0 && bytes + message.text.len() > MOST_WAITING_BYTES);
        if (is_full && !message.is_answer) || (!mailbox.has_reader && mailbox.stream.is_none()) {
            return false;
        }
        mailbox.bytes += message.text.len();
        mailbox.messages.push_back(message);
        mailbox.wake();
        true
    }

    /// Nobody reads, and nobody can come back to.
    pub(super) fn is_closed(&self) -> bool {
        let mailbox = self.0.borrow();
        !mailbox.has_reader && mailbox.stream.is_none()
    }

    /// What nobody has read: it may go to the stream that takes this one's place.
    pub(super) fn take_unread(&self) -> Vec<Outgoing> {
        let mut mailbox = self.0.borrow_mut();
        let read = mailbox.read;
        let unread: Vec<Outgoing> = mailbox.messages.drain(read..).collect();
        mailbox.bytes = mailbox.read_bytes;
        unread
    }
}

impl Drop for Sender {
    fn drop(&mut self) {
        let mut mailbox = self.0.borrow_mut();
        mailbox.is_ended = true;
        mailbox.wake();
    }
}

/// Messages for a client that has no stream open yet, within the bounds of a mailbox: what comes beyond them is dropped,
/// or a server that talks to nobody would fill the guard's memory.
#[derive(Default)]
pub(super) struct Waiting {
    texts: Vec<String>,
    bytes: usize,
}

impl Waiting {
    /// Keeps a message, when there is room.
    pub(super) fn put(&mut self, text: &str) {
        let is_full = !self.texts.is_empty() && self.bytes + text.len() > MOST_WAITING_BYTES;
        if self.texts.len() < MOST_WAITING && !is_full {
            self.bytes += text.len();
            self.texts.push(text.to_owned());
        }
    }

    /// Everything that was kept, oldest first.
    pub(super) fn take(&mut self) -> Vec<String> {
        std::mem::take(self).texts
    }
}

/// The end where messages are taken out.
pub(super) struct Reader {
    mailbox: Rc<RefCell<Mailbox>>,
    number: u64,
}

/// A stream nobody can take up again until [`Streams::keep`] has given it a number.
pub(super) fn mailbox() -> (Sender, Reader) {
    let mailbox = Rc::new(RefCell::new(Mailbox { first: 1, has_reader: true, ..Mailbox::default() }));
    (Sender(Rc::clone(&mailbox)), Reader { mailbox, number: 0 })
}

impl Reader {
    /// The next message, with its name when the stream has one; `None` at the end.
    pub(super) fn poll_next(&mut self, context: &mut Context<'_>) -> Poll<Option<(Outgoing, Option<EventId>)>> {
        let mut mailbox = self.mailbox.borrow_mut();
        if mailbox.reader != self.number {
            return Poll::Ready(None);
        }
        let at = mailbox.read;
        let Some(message) = mailbox.messages.get(at) else {
            if mailbox.is_ended {
                return Poll::Ready(None);
            }
            mailbox.waker = Some(context.waker().clone());
            return Poll::Pending;
        };
        let length = message.text.len();
        let next = match mailbox.stream {
            Some(stream) => {
                let message = Outgoing { text: message.text.clone(), is_answer: message.is_answer };
                let place = mailbox.first + at as u64;
                mailbox.read += 1;
                mailbox.read_bytes += length;
                mailbox.trim();
                (message, Some(EventId { stream, place }))
            }
            None => {
                let message = mailbox.messages.pop_front().expect("it was looked at just above");
                mailbox.first += 1;
                mailbox.bytes -= length;
                (message, None)
            }
        };
        Poll::Ready(Some(next))
    }

    /// Waits for the next message.
    pub(super) async fn next(&mut self) -> Option<(Outgoing, Option<EventId>)> {
        poll_fn(|context| self.poll_next(context)).await
    }

    /// Waits until there is a message or the end, and takes nothing.
    pub(super) async fn wait(&mut self) {
        poll_fn(|context| {
            let mut mailbox = self.mailbox.borrow_mut();
            if mailbox.reader != self.number || mailbox.messages.len() > mailbox.read || mailbox.is_ended {
                return Poll::Ready(());
            }
            mailbox.waker = Some(context.waker().clone());
            Poll::Pending
        })
        .await;
    }

    /// The next message, when there is one already.
    pub(super) fn next_now(&mut self) -> Option<(Outgoing, Option<EventId>)> {
        match self.poll_next(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(next) => next,
            Poll::Pending => None,
        }
    }

    /// Looks at the message that comes next, when there is one.
    pub(super) fn look<T>(&self, see: impl FnOnce(&Outgoing) -> T) -> Option<T> {
        let mailbox = self.mailbox.borrow();
        mailbox.messages.get(mailbox.read).map(see)
    }

    /// Whether nothing is left and nothing will come.
    pub(super) fn is_over(&self) -> bool {
        let mailbox = self.mailbox.borrow();
        mailbox.is_ended && mailbox.messages.len() == mailbox.read
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        let mut mailbox = self.mailbox.borrow_mut();
        if mailbox.reader == self.number {
            mailbox.has_reader = false;
            mailbox.waker = None;
        }
    }
}

/// The streams of one session that can be taken up again.
#[derive(Default)]
pub(super) struct Streams {
    last: u64,
    open: BTreeMap<u64, Rc<RefCell<Mailbox>>>,
    /// Streams to which nothing more comes, oldest first.
    ended: VecDeque<(u64, Instant, Rc<RefCell<Mailbox>>)>,
}

impl Streams {
    /// Gives a stream its number; from here on it can be taken up again.
    pub(super) fn keep(&mut self, reader: &Reader) -> EventId {
        self.tidy(Instant::now());
        self.last += 1;
        reader.mailbox.borrow_mut().stream = Some(self.last);
        self.open.insert(self.last, Rc::clone(&reader.mailbox));
        EventId { stream: self.last, place: 0 }
    }

    /// Takes a stream up again after the message `last`; its reader so far gets nothing more. `None` when what came
    /// after that message is not here any more.
    pub(super) fn take_up(&mut self, last: EventId) -> Option<Reader> {
        let ended = || self.ended.iter().find(|(stream, ..)| *stream == last.stream).map(|(_, _, mailbox)| mailbox);
        let mailbox = self.open.get(&last.stream).or_else(ended)?;
        let mut kept = mailbox.borrow_mut();
        let sent = kept.first + kept.read as u64;
        if last.place + 1 < kept.first || last.place >= sent {
            return None;
        }
        kept.read = usize::try_from(last.place + 1 - kept.first).ok()?;
        kept.read_bytes = kept.messages.iter().take(kept.read).map(|message| message.text.len()).sum();
        kept.reader += 1;
        kept.has_reader = true;
        kept.wake();
        let number = kept.reader;
        drop(kept);
        Some(Reader { mailbox: Rc::clone(mailbox), number })
    }

    /// Lets go of what nobody can be expected to come back for. Call it now and then.
    pub(super) fn tidy(&mut self, now: Instant) {
        let ended = self.open.extract_if(.., |_, mailbox| mailbox.borrow().is_ended);
        self.ended.extend(ended.map(|(stream, mailbox)| (stream, now, mailbox)));
        let mut bytes: usize = self.ended.iter().map(|(.., mailbox)| mailbox.borrow().bytes).sum();
        while let Some((_, since, mailbox)) = self.ended.front() {
            let is_too_much = self.ended.len() > MOST_ENDED || (self.ended.len() > 1 && bytes > MOST_ENDED_BYTES);
            if !is_too_much && now.saturating_duration_since(*since) < KEPT_FOR {
                return;
            }
            bytes -= mailbox.borrow().bytes;
            self.ended.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(text: &str) -> Outgoing {
        Outgoing { text: text.to_owned(), is_answer: false }
    }

    fn texts(reader: &mut Reader) -> Vec<String> {
        std::iter::from_fn(|| reader.next_now()).map(|(message, _)| message.text).collect()
    }

    #[test]
    fn what_waits_for_a_listener_has_a_bound_in_number_and_in_bytes() {
        let mut waiting = Waiting::default();
        for number in 0..=MOST_WAITING {
            waiting.put(&number.to_string());
        }
        let kept = waiting.take();
        assert_eq!((kept.len(), &*kept[0]), (MOST_WAITING, "0"));
        let large = "x".repeat(MOST_WAITING_BYTES / 2);
        for _ in 0..4 {
            waiting.put(&large);
        }
        waiting.put("");
        assert_eq!(waiting.take().len(), 3, "two large ones and an empty one");
        waiting.put(&"x".repeat(MOST_WAITING_BYTES + 1));
        assert_eq!(waiting.take().len(), 1, "one has room, however large");
        assert!(waiting.take().is_empty());
    }

    #[test]
    fn a_stream_is_taken_up_after_what_its_client_saw_and_by_nobody_else() {
        let mut streams = Streams::default();
        let ((sender, mut reader), (other, mut beside)) = (mailbox(), mailbox());
        let begin = streams.keep(&reader);
        streams.keep(&beside);
        for text in ["a", "b", "c"] {
            assert!(sender.send(message(text)));
        }
        other.send(message("of another"));
        assert_eq!(reader.next_now().unwrap().1, Some(EventId { stream: 1, place: 1 }));
        assert_eq!(reader.next_now().unwrap().0.text, "b");
        drop(reader);
        sender.send(message("d"));
        assert_eq!(texts(&mut streams.take_up(EventId { stream: 1, place: 1 }).unwrap()), ["b", "c", "d"]);
        let mut first = streams.take_up(begin).unwrap();
        let mut second = streams.take_up(begin).unwrap();
        assert_eq!(texts(&mut first), [""; 0], "one reader at a time, the youngest");
        assert_eq!(texts(&mut second), ["a", "b", "c", "d"]);
        assert_eq!(texts(&mut beside), ["of another"]);
        // What was never sent can't have been seen, and other numbers are no streams.
        for (stream, place) in [(1, 5), (3, 0), (0, 0), (1, u64::MAX - 1)] {
            assert!(streams.take_up(EventId { stream, place }).is_none(), "{stream}-{place}");
        }
        drop(sender);
        assert_eq!(texts(&mut streams.take_up(EventId { stream: 1, place: 3 }).unwrap()), ["d"]);
        streams.tidy(Instant::now());
        assert_eq!(texts(&mut streams.take_up(begin).unwrap()), ["a", "b", "c", "d"]);
        streams.tidy(Instant::now() + KEPT_FOR);
        assert!(streams.take_up(begin).is_none());
    }

    #[test]
    fn what_is_kept_is_bounded_however_it_is_used() {
        let mut streams = Streams::default();
        let (sender, mut reader) = mailbox();
        let begin = streams.keep(&reader);
        let taken = (0..10_000).filter(|_| sender.send(message("x"))).count();
        assert_eq!(taken, MOST_WAITING);
        assert!(sender.send(Outgoing { text: "answer".into(), is_answer: true }), "an answer always has room");
        assert_eq!(texts(&mut reader).len(), MOST_WAITING + 1);
        assert!(sender.0.borrow().messages.len() <= MOST_READ);
        assert!(streams.take_up(begin).is_none(), "its beginning is gone, and nothing is left out silently");
        let big = "y".repeat(MOST_WAITING_BYTES);
        assert!(sender.send(message(&big)));
        assert!(!sender.send(message("z")));
        drop((sender, reader));
        for _ in 0..100 {
            let (sender, reader) = mailbox();
            streams.keep(&reader);
            sender.send(message(&"w".repeat(1 << 20)));
        }
        streams.tidy(Instant::now());
        let kept: usize = streams.ended.iter().map(|(.., mailbox)| mailbox.borrow().bytes).sum();
        assert!(streams.open.is_empty() && kept <= MOST_ENDED_BYTES, "{kept}");
    }

    #[test]
    fn without_a_reader_nothing_is_kept_unless_one_can_come_back() {
        let (sender, reader) = mailbox();
        drop(reader);
        assert!(sender.is_closed() && !sender.send(message("x")));
        let (sender, reader) = mailbox();
        Streams::default().keep(&reader);
        drop(reader);
        assert!(!sender.is_closed() && sender.send(message("x")));
    }

    #[test]
    fn names_of_messages_are_read_as_they_are_written_and_in_no_other_form() {
        let id = EventId { stream: 12, place: 3 };
        assert_eq!(EventId::parse(&id.to_string()), Some(id));
        for text in
            ["", "-", "1", "1-", "-1", "1-2-3", "+1-2", "01-2", "1-02", " 1-2", "1-2 ", "99999999999999999999-1"]
        {
            assert_eq!(EventId::parse(text), None, "{text}");
        }
    }
}
