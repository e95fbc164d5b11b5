//! Interned names.
//!
//! Identifiers and property names repeat thousands of times in a package; interning them once makes a name a `u32`
//! that is compared in one instruction. The table is process-wide because front ends lower files in parallel and the
//! engine must see one id for one name. It only grows: a batch over many packages shares most of its names.
//!
//! Reading a name back takes no lock, since `match name.as_str()` is how the interpreter decides most things; and a
//! small table per thread answers for the names that are interned again and again.

use std::cell::Cell;
use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::{LazyLock, Mutex, OnceLock, PoisonError};

/// An interned name. Equality and hashing use the id; ordering uses the text, so sorted output never depends on the
/// order in which threads happened to intern.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Symbol(NonZeroU32);

/// Texts of the first chunk; each further chunk is twice as long as the one before.
const FIRST_CHUNK: usize = 1 << 12;
/// Enough chunks for every id.
const CHUNKS: usize = 21;

/// Texts by id. A chunk never moves, so a text can be read while others are added.
static TEXTS: [OnceLock<Box<[OnceLock<&'static str>]>>; CHUNKS] = [const { OnceLock::new() }; CHUNKS];
/// Ids by text. The keys come from scanned code, hence the keyed hash of the standard library.
static IDS: LazyLock<Mutex<HashMap<&'static str, NonZeroU32>>> = LazyLock::new(Mutex::default);

/// Names of a thread's recent past, by [`slot`]. In entries.
const RECENT: usize = 1 << 12;

thread_local! {
    static RECENTLY: [Cell<Option<(&'static str, Symbol)>>; RECENT] = const { [const { Cell::new(None) }; RECENT] };
}

impl Symbol {
    /// Interns `text`.
    #[must_use]
    pub fn new(text: &str) -> Self {
        RECENTLY.with(|recently| {
            let recent = &recently[slot(text)];
            if let Some((known, symbol)) = recent.get()
                && known == text
            {
                return symbol;
            }
            let symbol = Self(intern(text));
            recent.set(Some((symbol.as_str(), symbol)));
            symbol
        })
    }

    /// The text that was interned.
    ///
    /// # Panics
    /// Never: a text is stored before its id is handed out.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        let (chunk, at) = place(self.0);
        let text = TEXTS[chunk].get().and_then(|chunk| chunk[at].get());
        text.expect("a text is stored before its id is handed out")
    }
}

/// Where a text may be found again: a few of its bytes, mixed. Any collision only costs time.
fn slot(text: &str) -> usize {
    let bytes = text.as_bytes();
    let word = |part: &[u8]| part.iter().fold(0u64, |word, byte| word << 8 | u64::from(*byte));
    let head = word(&bytes[..bytes.len().min(8)]);
    let tail = word(&bytes[bytes.len().saturating_sub(8)..]);
    let mixed = (head ^ tail.rotate_left(29) ^ (bytes.len() as u64) << 52).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (mixed >> (64 - RECENT.ilog2())) as usize
}

/// Chunk and index of an id.
fn place(id: NonZeroU32) -> (usize, usize) {
    let at = id.get() as usize - 1 + FIRST_CHUNK;
    let chunk = at.ilog2() - FIRST_CHUNK.ilog2();
    (chunk as usize, at - (FIRST_CHUNK << chunk))
}

fn intern(text: &str) -> NonZeroU32 {
    let mut ids = IDS.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(known) = ids.get(text) {
        return *known;
    }
    let next = u32::try_from(ids.len()).ok().and_then(|count| NonZeroU32::MIN.checked_add(count));
    let id = next.expect("fewer than 2^32 names fit into memory");
    // Names live as long as the process.
    let kept: &'static str = Box::leak(Box::from(text));
    let (chunk, at) = place(id);
    let chunk = TEXTS[chunk].get_or_init(|| (0..FIRST_CHUNK << chunk).map(|_| OnceLock::new()).collect());
    // Ids are given out under the lock, so the place is empty.
    let _ = chunk[at].set(kept);
    ids.insert(kept, id);
    id
}

impl PartialOrd for Symbol {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Symbol {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.as_str().cmp(other.as_str())
    }
}

impl std::fmt::Debug for Symbol {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

impl std::fmt::Display for Symbol {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

impl From<&str> for Symbol {
    fn from(text: &str) -> Self {
        Self::new(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_keep_their_identity_across_threads_and_chunks() {
        let texts: Vec<String> = (0..20_000).map(|number| format!("name{number}")).collect();
        let intern_all = || texts.iter().map(|text| Symbol::new(text)).collect::<Vec<_>>();
        let (here, there) = std::thread::scope(|scope| {
            let other = scope.spawn(intern_all);
            (intern_all(), other.join().unwrap())
        });
        assert_eq!(here, there);
        assert!(texts.iter().zip(&here).all(|(text, symbol)| symbol.as_str() == text));
        assert_ne!(Symbol::new(""), Symbol::new("\0"));
    }

    #[test]
    fn order_is_that_of_the_texts() {
        assert!(Symbol::new("zebra") > Symbol::new("ant"));
    }
}
