//! Interned names.
//!
//! Identifiers and property names repeat thousands of times in a package; interning them once makes a name a `u32`
//! that is compared in one instruction. The table is process-wide because front ends lower files in parallel and the
//! engine must see one id for one name. It only grows: a batch over many packages shares most of its names.

use std::sync::LazyLock;

use lasso::{Spur, ThreadedRodeo};

static NAMES: LazyLock<ThreadedRodeo> = LazyLock::new(ThreadedRodeo::new);

/// An interned name. Equality and hashing use the id; ordering uses the text, so sorted output never depends on the
/// order in which threads happened to intern.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Symbol(Spur);

impl Symbol {
    /// Interns `text`.
    #[must_use]
    pub fn new(text: &str) -> Self {
        Self(NAMES.get_or_intern(text))
    }

    /// The text that was interned.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        NAMES.resolve(&self.0)
    }
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
