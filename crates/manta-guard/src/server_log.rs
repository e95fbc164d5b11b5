//! What a server says on its standard error, on its way to whoever started the guard.

use std::borrow::Cow;
use std::io::{self, IsTerminal, Read as _};
use std::os::fd::OwnedFd;

use crate::stream::{Outlet, Source};

/// Most bytes of standard error passed on per second; the rest is counted.
const STDERR_PER_SECOND: usize = 64 << 10;

/// Bytes that are looked at for such a hint.
pub(crate) const LAST_WORDS: usize = 4 << 10;

/// What the words of a server that fails say that it was refused, and which option changes that. Which file or host it was the
/// server says itself; here nothing of it is repeated, for a hint must not be dictated by the one it is about.
pub(crate) fn hint(words: &str) -> Option<&'static str> {
    const HINTS: &[(&[&str], &str)] = &[
        (
            &["Could not locate the bindings file", "No native build was found"],
            "a native part of it was never built: packages are fetched without their install scripts; install it and guard the installed program",
        ),
        (
            &["Read-only file system", "read-only file system", "EROFS"],
            "it may not write there: --write DIRECTORY (`write` under [guard]) lets it, if that is meant",
        ),
        (
            &["Permission denied", "permission denied", "EACCES"],
            "it may not have a file or run a program: --read PATH, --write DIRECTORY or --exec PROGRAM lets it, if that is meant",
        ),
        (
            &[
                "ENOTFOUND",
                "EAI_AGAIN",
                "ENETUNREACH",
                "Network is unreachable",
                "name resolution",
                "Name or service not known",
                "esolve host",
                "fetch failed",
            ],
            "it may not reach a host: --host NAME (`hosts` under [guard]) lets it, if that is meant, where it asks the proxy \
             that its environment names (as `fetch` does from Node 22.21 on)",
        ),
        // Last, because it is also said of what nobody ever made.
        (
            &["No such file or directory", "no such file or directory", "ENOENT"],
            "it does not see a file, which is there or not: --read PATH, --write DIRECTORY or --exec PROGRAM shows it, if that is meant",
        ),
    ];
    HINTS.iter().find(|(marks, _)| marks.iter().any(|mark| words.contains(mark))).map(|(_, hint)| *hint)
}

/// The server's standard error: always drained, passed on up to a rate.
pub(crate) struct ServerLog {
    source: Source,
    outlet: Outlet,
    buffer: Vec<u8>,
    budget: usize,
    dropped: usize,
    /// The end of what it said.
    last: Vec<u8>,
    /// A person reads it: what drives a terminal (titles, the clipboard, an older line) is made visible.
    is_terminal: bool,
}

impl ServerLog {
    pub(crate) fn new(source: OwnedFd, outlet: OwnedFd) -> io::Result<Self> {
        let is_terminal = outlet.is_terminal();
        let (source, outlet) = (Source::new(source)?, Outlet::new(outlet)?);
        Ok(Self {
            source,
            outlet,
            buffer: vec![0; 16 << 10],
            budget: STDERR_PER_SECOND,
            dropped: 0,
            last: Vec::new(),
            is_terminal,
        })
    }

    pub(crate) fn has_ended(&self) -> bool {
        self.source.has_ended()
    }

    pub(crate) async fn pass_on(&mut self) {
        let Ok(count) = self.source.read(&mut self.buffer).await else { return };
        let kept = if self.outlet.backlog() > STDERR_PER_SECOND { 0 } else { count.min(self.budget) };
        self.outlet.push_bytes(&harmless(&self.buffer[..kept], self.is_terminal));
        self.outlet.flush_now();
        self.last.extend_from_slice(&self.buffer[..count]);
        self.last.drain(..self.last.len().saturating_sub(LAST_WORDS));
        self.budget -= kept;
        self.dropped += count - kept;
    }

    /// Says what may help a server that ended with an error, when its last words sound like the sandbox.
    pub(crate) fn explain_the_end(&mut self) {
        if let Some(hint) = hint(&String::from_utf8_lossy(&self.last)) {
            self.outlet.push_line(&format!("manta guard: the server ended; what it says last sounds as if {hint}"));
            self.outlet.flush_now();
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn last_words_that_sound_like_the_sandbox_get_a_hint_and_others_none() {
        for (words, option) in [
            ("OSError: [Errno 30] Read-only file system: '/x/excel.log'", "--write"),
            ("Error: EROFS: read-only file system, open '/x'", "--write"),
            ("PermissionError: [Errno 13] Permission denied: 'ls'", "--exec"),
            ("Error: spawn /bin/sh EACCES", "--exec"),
            ("Error: getaddrinfo EAI_AGAIN api.example.com", "--host"),
            ("Error: Could not locate the bindings file. Tried: /x/EACCES/x.node", "install it"),
            ("OSError: [Errno 101] Network is unreachable", "--host"),
            ("TypeError: fetch failed", "--host"),
            ("curl: (6) Could not resolve host: api.example.com", "--host"),
            ("Error: ENOENT: no such file or directory, open '/x'", "--read"),
            ("FileNotFoundError: [Errno 2] No such file or directory: '/x'", "--read"),
            ("Error: EACCES: permission denied, after ENOENT: no such file or directory", "may not have"),
        ] {
            let hint = hint(words).unwrap();
            assert!(hint.contains(option) && !hint.contains("example") && !hint.contains("/x"), "{words}: {hint}");
        }
        for words in ["", "Traceback: KeyError 'a'", "bye"] {
            assert_eq!(hint(words), None);
        }
    }
}
