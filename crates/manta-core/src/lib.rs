//! The shared nouns of manta: source files and spans, severities, rules, findings, the inventory of a
//! server, text written by strangers, and what programs run that they are told.
//!
//! Every other crate speaks in these types, so they carry no behaviour of the scanner, the guard or a
//! report format. Nothing here touches a file, the network, the environment or the clock.
#![forbid(unsafe_code)]

pub mod change;
mod finding;
pub mod fingerprint;
pub mod fix;
pub mod inventory;
pub mod programs;
pub mod project;
pub mod rule;
pub mod severity;
pub mod source;
pub mod untrusted;

pub use change::TextChange;
pub use finding::{Disposition, Finding, ParamSource, Step};
pub use fingerprint::Fingerprint;
pub use fix::{Edit, Fix, Safety};
pub use inventory::{
    Completeness, ConfiguredServer, Enforcement, ParamInfo, Power, SaidText, ScanReport, Server, SinkClass, SkipReason,
    SkippedFile, Summary, ToolInfo, ToolKind, Verdict,
};
pub use project::{Language, ProjectInput};
pub use rule::RuleMeta;
pub use severity::{Confidence, Persona, Severity};
pub use source::{FileId, FileKind, LineColumn, Location, SourceFile, SourceMap, Span};
pub use untrusted::Untrusted;
