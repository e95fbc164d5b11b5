//! A file's own view of the interned names.
//!
//! The process-wide table is shared between threads and pays for that on every look-up; one file mentions the same
//! few hundred names thousands of times, so it keeps them at hand.

use manta_flow::ir::Symbol;
use rustc_hash::FxHashMap;

/// Interned names already seen in this file.
#[derive(Debug, Default)]
pub(crate) struct Names(FxHashMap<&'static str, Symbol>);

impl Names {
    /// The symbol of `text`.
    pub(crate) fn symbol(&mut self, text: &str) -> Symbol {
        if let Some(symbol) = self.0.get(text) {
            return *symbol;
        }
        let symbol = Symbol::new(text);
        self.0.insert(symbol.as_str(), symbol);
        symbol
    }
}
