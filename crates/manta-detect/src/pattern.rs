//! Patterns that are compiled once a text needs them, and no further than it is worth.
//!
//! A scan meets a few short texts, and compiling a pattern for fast search takes longer than searching them: a second
//! automaton, literals to look for, tables. So each can be had as the plain automaton as well. Both find the same.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use regex_automata::meta;
use regex_automata::util::syntax;

/// A pattern, compiled on use. Whoever asks gives its source, always the same.
pub(crate) struct Pattern {
    plain: OnceLock<meta::Regex>,
    fast: OnceLock<meta::Regex>,
    searched: AtomicUsize,
}

impl Pattern {
    /// How many bytes are searched with the plain automaton before the fast one is worth its compilation.
    const WORTH_IT: usize = 2_048;

    pub(crate) const fn new() -> Self {
        Self { plain: OnceLock::new(), fast: OnceLock::new(), searched: AtomicUsize::new(0) }
    }

    /// For a few places of short texts.
    pub(crate) fn plain(&self, source: impl Fn() -> String) -> &meta::Regex {
        let config = meta::Config::new().hybrid(false).dfa(false).onepass(false).auto_prefilter(false);
        self.plain.get_or_init(|| build(config, &source()))
    }

    /// For texts of any length.
    pub(crate) fn fast(&self, source: impl Fn() -> String) -> &meta::Regex {
        self.fast.get_or_init(|| fast(&source()))
    }

    /// For the next text, which has this length.
    pub(crate) fn for_text(&self, len: usize, source: impl Fn() -> String) -> &meta::Regex {
        let searched = self.searched.fetch_add(len, Ordering::Relaxed).saturating_add(len);
        if searched > Self::WORTH_IT { self.fast(source) } else { self.plain(source) }
    }
}

/// A pattern compiled for fast search.
///
/// # Panics
/// If it is no pattern: those of this crate are all compiled by tests.
pub(crate) fn fast(pattern: &str) -> meta::Regex {
    build(meta::Config::new(), pattern)
}

/// ASCII classes: texts are folded, tokens are made of it, and the tables of Unicode would make patterns ten times as
/// large.
fn build(config: meta::Config, pattern: &str) -> meta::Regex {
    let syntax = syntax::Config::new().unicode(false).utf8(false);
    let built = meta::Regex::builder().configure(config).syntax(syntax).build(pattern);
    built.expect("every pattern is compiled by a test")
}
