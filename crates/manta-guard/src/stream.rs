//! Byte streams of the relay: pipes and sockets without blocking, everything else through a thread.

use std::fs::File;
use std::future::poll_fn;
use std::io::{self, Read as _, Write as _};
use std::os::fd::{AsFd, OwnedFd};

use rustix::fs::{FileType, OFlags};
use tokio::io::unix::AsyncFd;

/// A stream that is read.
pub(crate) struct Source {
    fd: AsyncFd<File>,
    ended: bool,
}

impl Source {
    /// Takes a pipe, a socket, a terminal or a file.
    pub(crate) fn new(fd: OwnedFd) -> io::Result<Self> {
        let fd = if is_pollable(&fd)? { fd } else { pumped(fd)? };
        Ok(Self { fd: watched(File::from(nonblocking(fd)?))?, ended: false })
    }

    /// Reads once into `buffer`; 0 at the end of the stream.
    pub(crate) async fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            // One task reads each source, so one waker is enough: a queue of them costs more than the look at what is there.
            let fd = &self.fd;
            let mut ready = poll_fn(|context| fd.poll_read_ready(context)).await?;
            match ready.get_inner().read(buffer) {
                Ok(0) => {
                    self.ended = true;
                    return Ok(0);
                }
                Ok(count) => {
                    // A short read emptied the stream, so the next readiness comes as a new event.
                    if count < buffer.len() {
                        ready.clear_ready();
                    }
                    return Ok(count);
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => ready.clear_ready(),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    self.ended = true;
                    return Err(error);
                }
            }
        }
    }

    pub(crate) fn has_ended(&self) -> bool {
        self.ended
    }
}

/// A stream that is written, with what it hasn't taken yet.
pub(crate) struct Outlet {
    target: Target,
    pending: Vec<u8>,
    /// What of `pending` is already written.
    written: usize,
}

enum Target {
    Poll(AsyncFd<File>),
    /// Files never block for long.
    File(File),
    Closed,
}

impl Outlet {
    /// Takes a pipe, a socket, a terminal or a file.
    pub(crate) fn new(fd: OwnedFd) -> io::Result<Self> {
        let target = if is_pollable(&fd)? {
            Target::Poll(watched(File::from(nonblocking(fd)?))?)
        } else {
            Target::File(File::from(fd))
        };
        Ok(Self { target, pending: Vec::new(), written: 0 })
    }

    /// Adds a line to what is to be written. Lines to a closed stream vanish: nobody reads them.
    pub(crate) fn push_line(&mut self, line: &str) {
        if !matches!(self.target, Target::Closed) {
            self.pending.extend_from_slice(line.as_bytes());
            self.pending.push(b'\n');
        }
    }

    /// Adds bytes as they are.
    pub(crate) fn push_bytes(&mut self, bytes: &[u8]) {
        if !matches!(self.target, Target::Closed) {
            self.pending.extend_from_slice(bytes);
        }
    }

    /// Bytes not yet written.
    pub(crate) fn backlog(&self) -> usize {
        self.pending.len() - self.written
    }

    /// Closes the stream; what is pending is lost.
    pub(crate) fn close(&mut self) {
        self.target = Target::Closed;
        self.pending = Vec::new();
        self.written = 0;
    }

    pub(crate) fn is_closed(&self) -> bool {
        matches!(self.target, Target::Closed)
    }

    /// Writes as much as the stream takes now.
    pub(crate) fn flush_now(&mut self) {
        while self.written < self.pending.len() {
            let piece = &self.pending[self.written..];
            let result = match &mut self.target {
                Target::Poll(fd) => fd.get_mut().write(piece),
                Target::File(file) => file.write(piece),
                Target::Closed => return,
            };
            match result {
                Ok(count) if count > 0 => self.written += count,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return self.compact(),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                // The reader is gone, or a file is full: nothing more can be said there.
                Ok(_) | Err(_) => return self.close(),
            }
        }
        self.pending.clear();
        self.written = 0;
    }

    /// Waits until the stream takes more, then writes.
    pub(crate) async fn flush(&mut self) {
        if let Target::Poll(fd) = &mut self.target {
            match fd.writable().await {
                Ok(mut ready) => ready.clear_ready(),
                Err(_) => return self.close(),
            }
        }
        self.flush_now();
    }

    fn compact(&mut self) {
        if self.written > 1 << 20 {
            self.pending.drain(..self.written);
            self.written = 0;
        }
    }
}

fn is_pollable(fd: &OwnedFd) -> io::Result<bool> {
    let kind = FileType::from_raw_mode(rustix::fs::fstat(fd)?.st_mode);
    Ok(matches!(kind, FileType::Fifo | FileType::Socket))
}

/// The same stream, which never waits. Whoever started the guard may have handed it a stream of its own (standard error, as
/// a rule), and the flag belongs to the open file that they share: a pipe is therefore opened anew where that is possible.
fn nonblocking(fd: OwnedFd) -> io::Result<OwnedFd> {
    let flags = rustix::fs::fcntl_getfl(&fd)?;
    #[cfg(target_os = "linux")]
    if FileType::from_raw_mode(rustix::fs::fstat(&fd)?.st_mode) == FileType::Fifo {
        use std::os::fd::AsRawFd as _;
        let name = format!("/proc/self/fd/{}", fd.as_raw_fd());
        let access = (flags & OFlags::RWMODE) | OFlags::NONBLOCK | OFlags::CLOEXEC;
        if let Ok(own) = rustix::fs::open(name, access, rustix::fs::Mode::empty()) {
            return Ok(own);
        }
    }
    rustix::fs::fcntl_setfl(&fd, flags | OFlags::NONBLOCK)?;
    Ok(fd)
}

/// A pipe fed by a thread from a terminal or a file, which can't be waited for.
fn pumped(fd: OwnedFd) -> io::Result<OwnedFd> {
    let (reader, mut to) = io::pipe()?;
    let mut from = File::from(fd);
    std::thread::Builder::new().name("stdin".into()).spawn(move || {
        // An error on either side ends the stream, which is what the reader then sees.
        let _ = io::copy(&mut from, &mut to);
    })?;
    Ok(reader.into())
}

/// A copy of one of this process's standard streams that is closed on exec.
pub(crate) fn duplicate(fd: impl AsFd) -> io::Result<OwnedFd> {
    Ok(rustix::io::fcntl_dupfd_cloexec(fd.as_fd(), 3)?)
}

/// Registers a descriptor with the runtime.
#[expect(
    deprecated,
    reason = "its replacement is unsafe; files and owned descriptors keep their number while they live"
)]
pub(crate) fn watched<T: std::os::fd::AsRawFd>(fd: T) -> io::Result<AsyncFd<T>> {
    AsyncFd::new(fd)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn streams_that_others_share_wait_for_them_as_before() {
        let (reader, writer) = io::pipe().unwrap();
        let (reader, writer) = (OwnedFd::from(reader), OwnedFd::from(writer));
        let mut source = Source::new(reader.try_clone().unwrap()).unwrap();
        let mut outlet = Outlet::new(writer.try_clone().unwrap()).unwrap();
        for fd in [&reader, &writer] {
            assert!(!rustix::fs::fcntl_getfl(fd).unwrap().contains(OFlags::NONBLOCK));
        }
        outlet.push_line("x");
        outlet.flush_now();
        let mut buffer = [0; 8];
        assert_eq!(source.read(&mut buffer).await.unwrap(), 2);
        // The ends are the pipe's own: both sides see each other go.
        outlet.close();
        drop(writer);
        assert_eq!(source.read(&mut buffer).await.unwrap(), 0);
    }
}
