//! What a server says on its standard error, on its way to whoever started the guard.

use std::borrow::Cow;
use std::io::{self, IsTerminal, Read as _};
use std::os::fd::OwnedFd;

use crate::stream::{Outlet, Source};

/// Most bytes of standard error passed on per second; the rest is counted.
const STDERR_PER_SECOND: usize = 64 << 10;

/// The server's standard error: always drained, passed on up to a rate.
pub(crate) struct ServerLog {
    source: Source,
    outlet: Outlet,
    buffer: Vec<u8>,
    budget: usize,
    dropped: usize,
    /// A person reads it: what drives a terminal (titles, the clipboard, an older line) is made visible.
    is_terminal: bool,
}

impl ServerLog {
    pub(crate) fn new(source: OwnedFd, outlet: OwnedFd) -> io::Result<Self> {
        let is_terminal = outlet.is_terminal();
        let (source, outlet) = (Source::new(source)?, Outlet::new(outlet)?);
        Ok(Self { source, outlet, buffer: vec![0; 16 << 10], budget: STDERR_PER_SECOND, dropped: 0, is_terminal })
    }

    pub(crate) fn has_ended(&self) -> bool {
        self.source.has_ended()
    }

    pub(crate) async fn pass_on(&mut self) {
        let Ok(count) = self.source.read(&mut self.buffer).await else { return };
        let kept = if self.outlet.backlog() > STDERR_PER_SECOND { 0 } else { count.min(self.budget) };
        self.outlet.push_bytes(&harmless(&self.buffer[..kept], self.is_terminal));
        self.outlet.flush_now();
        self.budget -= kept;
        self.dropped += count - kept;
    }

    pub(crate) fn new_second(&mut self) {
        self.budget = STDERR_PER_SECOND;
        if self.dropped > 0 {
            let note = format!("manta guard: {} bytes of the server's standard error were dropped", self.dropped);
            self.outlet.push_line(&note);
            self.dropped = 0;
        }
        self.outlet.flush_now();
    }
}

/// Passes everything on until the other side closes, for a program that is waited for.
pub(crate) fn pass_on_to_the_end(source: OwnedFd, to: &mut (impl io::Write + IsTerminal)) {
    let (mut source, mut buffer) = (std::fs::File::from(source), vec![0; 16 << 10]);
    let is_terminal = to.is_terminal();
    while let Ok(count @ 1..) = source.read(&mut buffer) {
        // Nobody may be listening; what was said is then lost, and the pipe is drained all the same.
        let _ = to.write_all(&harmless(&buffer[..count], is_terminal));
    }
}

/// On a terminal, what would drive it (titles, the clipboard, an older line) is made visible.
fn harmless(bytes: &[u8], is_terminal: bool) -> Cow<'_, [u8]> {
    if !is_terminal {
        return Cow::Borrowed(bytes);
    }
    let text = String::from_utf8_lossy(bytes).replace('\t', "    ");
    Cow::Owned(manta_core::Untrusted(&text).for_terminal_lines().into_bytes())
}
