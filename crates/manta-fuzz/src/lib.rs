//! What strangers may hand to manta, as functions of bytes: each target must return whatever it is given.
//!
//! The bodies live here and not in `fuzz/`, so that `cargo test` runs every one of them without a fuzzer: over its
//! seeds and a few thousand mutations of them, the same ones each time. `fuzz/` wraps them for libFuzzer.
//!
//! A target panics when a promise is broken, and not only when code panics by itself: a URL that was admitted must
//! name the host of the policy, a frame that was read must be JSON, one report must come out of one input.
#![forbid(unsafe_code)]

mod documents;
pub mod mutate;
mod records;
mod runtime;
mod scanner;
mod tokens;
#[cfg(unix)]
mod wire;

/// One function of bytes.
#[derive(Clone, Copy)]
pub struct Target {
    /// Its name, which is also that of its libFuzzer binary.
    pub name: &'static str,
    /// Runs it.
    pub run: fn(&[u8]),
    /// Inputs to start from.
    pub seeds: fn() -> Vec<Vec<u8>>,
    /// Mutations that a test tries; a slow target tries fewer.
    pub rounds: usize,
}

impl std::fmt::Debug for Target {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}

/// Every target.
pub static TARGETS: &[Target] = &[
    Target { name: "js_front_end", run: scanner::js_front_end, seeds: scanner::js_seeds, rounds: 1_500 },
    Target { name: "py_front_end", run: scanner::py_front_end, seeds: scanner::py_seeds, rounds: 1_500 },
    Target { name: "resolver", run: scanner::resolver, seeds: scanner::project_seeds, rounds: 1_500 },
    Target { name: "archive", run: scanner::archive, seeds: scanner::archive_seeds, rounds: 1_500 },
    Target { name: "engine", run: scanner::engine, seeds: scanner::engine_seeds, rounds: 300 },
    Target { name: "strings", run: scanner::strings, seeds: scanner::string_seeds, rounds: 2_000 },
    Target { name: "patterns", run: scanner::patterns, seeds: scanner::pattern_seeds, rounds: 500 },
    Target { name: "output", run: scanner::output, seeds: scanner::output_seeds, rounds: 150 },
    Target { name: "policy", run: runtime::policy, seeds: runtime::policy_seeds, rounds: 1_500 },
    Target { name: "frame", run: runtime::frame, seeds: runtime::frame_seeds, rounds: 5_000 },
    Target { name: "validators", run: runtime::validators, seeds: runtime::validator_seeds, rounds: 5_000 },
    Target { name: "values", run: runtime::values, seeds: runtime::value_seeds, rounds: 3_000 },
    Target { name: "token", run: tokens::token, seeds: tokens::token_seeds, rounds: 3_000 },
    Target { name: "store", run: tokens::store, seeds: tokens::store_seeds, rounds: 3_000 },
    Target { name: "redaction", run: records::redaction, seeds: records::redaction_seeds, rounds: 2_000 },
    Target { name: "audit_log", run: records::audit_log, seeds: records::audit_log_seeds, rounds: 500 },
    Target { name: "documents", run: documents::documents, seeds: documents::document_seeds, rounds: 2_000 },
    Target { name: "detectors", run: documents::detectors, seeds: documents::detector_seeds, rounds: 1_000 },
    #[cfg(unix)]
    Target { name: "wire", run: wire::wire, seeds: wire::wire_seeds, rounds: 1_500 },
    #[cfg(unix)]
    Target { name: "bridge", run: wire::bridge, seeds: wire::wire_seeds, rounds: 1_500 },
    #[cfg(unix)]
    Target { name: "mirror", run: wire::mirror, seeds: wire::mirror_seeds, rounds: 1_500 },
    #[cfg(unix)]
    Target { name: "egress", run: wire::egress, seeds: wire::egress_seeds, rounds: 3_000 },
    #[cfg(unix)]
    Target { name: "events", run: wire::events, seeds: wire::event_seeds, rounds: 2_000 },
    #[cfg(unix)]
    Target { name: "lock_file", run: wire::lock_file, seeds: wire::lock_file_seeds, rounds: 1_500 },
    Target { name: "json_schema", run: runtime::json_schema, seeds: runtime::schema_seeds, rounds: 3_000 },
];

/// Runs the target of this name; for the binaries in `fuzz/`.
///
/// # Panics
/// When there is no such target, and when the target finds a broken promise.
pub fn run(name: &str, data: &[u8]) {
    let target = TARGETS.iter().find(|target| target.name == name).expect("the target is in the list");
    (target.run)(data);
}

/// Bytes as text, as a file of unknown origin is read.
fn text(data: &[u8]) -> std::borrow::Cow<'_, str> {
    String::from_utf8_lossy(data)
}

fn seeds(texts: &[&str]) -> Vec<Vec<u8>> {
    texts.iter().map(|text| text.as_bytes().to_vec()).collect()
}
