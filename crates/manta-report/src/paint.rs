//! The few terminal styles manta uses, and nothing when colour is off.

use manta_core::Severity;

/// Wraps text in styles; the text must already be safe for a terminal.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Paint {
    pub(crate) color: bool,
}

impl Paint {
    fn with(self, codes: &str, text: &str) -> String {
        if self.color && !text.is_empty() { format!("\u{1b}[{codes}m{text}\u{1b}[0m") } else { text.to_owned() }
    }

    pub(crate) fn bold(self, text: &str) -> String {
        self.with("1", text)
    }

    pub(crate) fn dim(self, text: &str) -> String {
        self.with("2", text)
    }

    pub(crate) fn good(self, text: &str) -> String {
        self.with("32", text)
    }

    pub(crate) fn warning(self, text: &str) -> String {
        self.with("33", text)
    }

    pub(crate) fn bad(self, text: &str) -> String {
        self.with("31", text)
    }

    pub(crate) fn accent(self, text: &str) -> String {
        self.with("36", text)
    }

    /// The colour of a severity, bold.
    pub(crate) fn severity(self, severity: Severity, text: &str) -> String {
        let codes = match severity {
            Severity::Critical => "1;35",
            Severity::High => "1;31",
            Severity::Medium => "1;33",
            Severity::Low => "1;36",
            Severity::Info => "1;34",
        };
        self.with(codes, text)
    }
}
