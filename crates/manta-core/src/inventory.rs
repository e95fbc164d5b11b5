//! What a scan knows about a target besides its findings: servers, tools, parameters, and how much of the
//! target it could look at.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use crate::finding::{Disposition, Finding};
use crate::fingerprint;
use crate::project::{Language, ProjectInput};
use crate::rule::RuleMeta;
use crate::severity::Severity;
use crate::source::{Location, SourceMap};

/// One MCP server found in the target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Server {
    /// The name it announces, or that of its package; may be empty.
    pub name: String,
    /// The SDK that registers its tools: `@modelcontextprotocol/sdk`, `fastmcp`, `object array`.
    pub sdk: String,
    /// The language it is written in.
    pub language: Language,
    /// Its tools, resources and prompts, in order of registration.
    pub tools: Vec<ToolInfo>,
    /// What it says of itself.
    pub texts: Vec<SaidText>,
}

/// A text that reaches a model beside names, descriptions and parameters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SaidText {
    /// What it is: `instructions`, `title`, `annotations.readOnlyHint`.
    pub field: String,
    /// The text, as far as it is known.
    pub text: String,
    /// Where it is said.
    pub location: Location,
}

/// A server that a client's configuration starts or connects to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfiguredServer {
    /// The client whose configuration it is; empty when the file doesn't say.
    pub client: String,
    /// The name the client gives it.
    pub name: String,
    /// Where its entry begins.
    pub location: Location,
}

/// What a client can ask a server for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ToolKind {
    /// Called by the model.
    Tool,
    /// Read by URI.
    Resource,
    /// A template filled by the user.
    Prompt,
}

impl ToolKind {
    /// The word reports use.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Tool => "tool",
            Self::Resource => "resource",
            Self::Prompt => "prompt",
        }
    }
}

/// A tool, resource or prompt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToolInfo {
    /// Which of the three.
    pub kind: ToolKind,
    /// The registered name.
    pub name: String,
    /// Where it is registered.
    pub location: Location,
    /// What it accepts.
    pub params: Vec<ParamInfo>,
    /// What it says of itself.
    pub description: String,
    /// What else it says: titles, promises, defaults.
    pub texts: Vec<SaidText>,
    /// What the flow engine knows, per class. A missing class means [`Verdict::Unknown`].
    pub verdicts: BTreeMap<SinkClass, Verdict>,
    /// What its code was seen doing, whoever decides about the arguments, with one place of each. Empty for a tool
    /// whose code is not known.
    pub powers: BTreeMap<Power, Location>,
}

/// Something that code does to the world.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Power {
    /// Reads files.
    ReadFiles,
    /// Creates, changes or deletes files.
    WriteFiles,
    /// Starts programs.
    RunPrograms,
    /// Reaches the network.
    Network,
    /// Asks a database.
    Database,
    /// Runs code that it is given or makes.
    RunCode,
}

impl Power {
    /// Every one.
    pub const ALL: &'static [Self] =
        &[Self::ReadFiles, Self::WriteFiles, Self::RunPrograms, Self::Network, Self::Database, Self::RunCode];

    /// The word reports use.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ReadFiles => "read-files",
            Self::WriteFiles => "write-files",
            Self::RunPrograms => "run-programs",
            Self::Network => "network",
            Self::Database => "database",
            Self::RunCode => "run-code",
        }
    }
}

/// A parameter of a tool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParamInfo {
    /// Its name.
    pub name: String,
    /// Its declared type, as the schema says it: `string`, `string[]`, `enum`; empty when undeclared.
    pub ty: String,
    /// Declared constraints in the words of the schema: `pattern ^[a-z]+$`, `enum a | b`, `max 100`.
    pub constraints: Vec<String>,
    /// Whether the SDK checks type and constraints before the handler runs.
    pub enforced: Enforcement,
    /// Whether a call without it is refused.
    pub required: bool,
    /// What it says of itself.
    pub description: String,
}

/// Whether an SDK checks what a schema promises.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Enforcement {
    /// A call that breaks the schema never reaches the handler.
    Enforced,
    /// The schema is only shown to the model; the handler gets whatever the caller sends.
    Advertised,
    /// Not known for this SDK or version.
    Unknown,
}

impl Enforcement {
    /// The word reports use.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Enforced => "enforced",
            Self::Advertised => "advertised",
            Self::Unknown => "unknown",
        }
    }
}

/// The columns of the tool table: where a parameter could do harm.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SinkClass {
    /// Commands and their arguments.
    Command,
    /// Files and directories.
    Path,
    /// Addresses the server connects to.
    Network,
    /// Statements of a database, SQL or not.
    Sql,
    /// Code, templates and serialised objects.
    Code,
}

impl SinkClass {
    /// Every class, in the order of the columns.
    pub const ALL: &'static [Self] = &[Self::Command, Self::Path, Self::Network, Self::Sql, Self::Code];

    /// The word reports use.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Command => "command",
            Self::Path => "path",
            Self::Network => "network",
            Self::Sql => "sql",
            Self::Code => "code",
        }
    }
}

/// What the flow engine knows about one tool and one class of sinks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// A parameter reaches a sink without a check that stops it.
    Vulnerable,
    /// Parameters reach sinks, and each time a check stops what is dangerous.
    Guarded {
        /// One such check.
        at: Location,
    },
    /// The handler was followed to its end and no parameter reaches such a sink.
    NotReached,
    /// The handler could not be followed completely.
    Unknown,
}

impl Verdict {
    /// What holds of a tool that is set up more than once, by what holds each time: the least favourable.
    #[must_use]
    pub const fn or_worse(self, other: Self) -> Self {
        match (self, other) {
            (Self::Vulnerable, _) | (_, Self::Vulnerable) => Self::Vulnerable,
            (Self::Unknown, _) | (_, Self::Unknown) => Self::Unknown,
            (Self::Guarded { at }, _) | (_, Self::Guarded { at }) => Self::Guarded { at },
            (Self::NotReached, Self::NotReached) => Self::NotReached,
        }
    }

    /// The word reports use.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Vulnerable => "vulnerable",
            Self::Guarded { .. } => "guarded",
            Self::NotReached => "not-reached",
            Self::Unknown => "unknown",
        }
    }
}

/// How much of the target was looked at. Anything missing is named: silence would read as safety.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Completeness {
    /// Files of source code that were read, parsed and interpreted.
    pub files_analysed: usize,
    /// Those of them that agents obey: instructions, skills, hooks.
    pub agent_files: usize,
    /// Files that were not, with the reason.
    pub files_skipped: Vec<SkippedFile>,
    /// Tools whose handler could not be found, as `name (file:line)`.
    pub unresolved_handlers: Vec<String>,
    /// Limits that were hit, each named with its value: `fuel of 2000000 steps in tool search`.
    pub exhausted_budgets: Vec<String>,
    /// Other remarks for the reader.
    pub notes: Vec<String>,
}

impl Completeness {
    /// Whether nothing that belongs to the server was left out. Tests, declarations and other files that are
    /// left out on purpose don't count against it.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.unresolved_handlers.is_empty()
            && self.exhausted_budgets.is_empty()
            && self.files_skipped.iter().all(|file| file.reason.is_on_purpose())
    }
}

/// A file that was found but not analysed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct SkippedFile {
    /// Path relative to the target; a directory ends in `/` and stands for everything below it.
    pub path: String,
    /// Why.
    pub reason: SkipReason,
}

/// Why a file was not analysed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum SkipReason {
    /// A test, fixture, mock, benchmark or story.
    Test,
    /// A TypeScript declaration, which runs nothing.
    Declaration,
    /// A dependency: `node_modules`, a virtual environment, `site-packages`.
    Dependency,
    /// A library or asset for browsers, shipped beside the server.
    BrowserAsset,
    /// Hidden, or a directory of a tool: `.git`, `__pycache__`, `coverage`.
    Hidden,
    /// No entry point imports it.
    NotImported,
    /// The user's configuration excludes it.
    Excluded,
    /// Built output of sources that were analysed.
    BuildOutput,
    /// A symbolic link that leaves the target or comes back to where it started.
    Symlink,
    /// A file or archive beyond a size limit; the text names the limit.
    TooLarge(String),
    /// It couldn't be read, or an archive entry is broken or tries to leave the archive.
    Unreadable(String),
    /// It couldn't be parsed, or only in part.
    Unparsed(String),
}

impl SkipReason {
    /// Whether leaving the file out is by design, so that the analysis still counts as complete.
    #[must_use]
    pub const fn is_on_purpose(&self) -> bool {
        !matches!(self, Self::TooLarge(_) | Self::Unreadable(_) | Self::Unparsed(_))
    }
}

impl fmt::Display for SkipReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Test => "test",
            Self::Declaration => "type declaration",
            Self::Dependency => "dependency",
            Self::BrowserAsset => "browser asset",
            Self::Hidden => "hidden",
            Self::NotImported => "not imported by an entry point",
            Self::Excluded => "excluded by the configuration",
            Self::BuildOutput => "build output of analysed sources",
            Self::Symlink => "symbolic link",
            Self::TooLarge(detail) | Self::Unreadable(detail) | Self::Unparsed(detail) => detail,
        })
    }
}

/// Everything one scan of one target has to say; what the reports render.
#[derive(Debug, Clone, Default)]
pub struct ScanReport {
    /// How the user named the target.
    pub target: String,
    /// As [`ProjectInput::base`].
    pub base: Option<String>,
    /// The files locations point into.
    pub sources: Arc<SourceMap>,
    /// The servers found.
    pub servers: Vec<Server>,
    /// Servers that configurations of clients start.
    pub configured: Vec<ConfiguredServer>,
    /// Every finding whatever its disposition, sorted by file, place and rule.
    pub findings: Vec<Finding>,
    /// How much was looked at.
    pub completeness: Completeness,
    /// Places of credentials, whatever became of the findings about them: what is shown of a file leaves them out.
    pub credentials: Vec<Location>,
    /// Every rule there is, fired or not.
    pub rules: Vec<&'static RuleMeta>,
    /// Ids of rules that were not run because of `--only` or `--skip`.
    pub rules_not_run: Vec<&'static str>,
}

impl ScanReport {
    /// A report about `input` that has found nothing yet; what the collector skipped and noted is taken over.
    #[must_use]
    pub fn new(input: &ProjectInput) -> Self {
        let completeness = Completeness {
            files_skipped: input.skipped.clone(),
            notes: input.notes.clone(),
            ..Completeness::default()
        };
        Self {
            target: input.target.clone(),
            base: input.base.clone(),
            sources: Arc::clone(&input.sources),
            completeness,
            ..Self::default()
        }
    }

    /// Brings everything into its final order and gives findings their fingerprints: the same input gives the
    /// same report whatever order the analysis worked in.
    pub fn settle(&mut self) {
        for finding in &mut self.findings {
            finding.tools.sort();
            finding.tools.dedup();
            // A message may quote what it is about, and reports are read by more people than the source.
            for text in [&mut finding.message, &mut finding.help] {
                if let Some(veiled) = manta_detect::secrets::veiled(text) {
                    *text = veiled;
                }
            }
        }
        self.findings.sort_by(|a, b| {
            (a.location, a.rule.id, &a.source, &a.message).cmp(&(b.location, b.rule.id, &b.source, &b.message))
        });
        fingerprint::assign(&mut self.findings, &self.sources);
        let completeness = &mut self.completeness;
        completeness.files_skipped.sort();
        completeness.files_skipped.dedup();
        for list in
            [&mut completeness.unresolved_handlers, &mut completeness.exhausted_budgets, &mut completeness.notes]
        {
            list.sort();
            list.dedup();
        }
    }

    /// Counts of findings by what became of them.
    #[must_use]
    pub fn summary(&self) -> Summary {
        let mut summary = Summary { rules_not_run: self.rules_not_run.len(), ..Summary::default() };
        for finding in &self.findings {
            let counter = match &finding.disposition {
                Disposition::Reported => summary.by_severity.entry(finding.severity).or_default(),
                Disposition::Newer { .. } => &mut summary.newer,
                Disposition::Suppressed { .. } => &mut summary.suppressed,
                Disposition::Baselined => &mut summary.baselined,
                Disposition::BelowThreshold => &mut summary.below_threshold,
                Disposition::OtherPersona => &mut summary.other_persona,
                Disposition::NotSelected => &mut summary.not_selected,
            };
            *counter += 1;
        }
        summary
    }

    /// The findings a report shows in full, worst first; among equals in source order.
    #[must_use]
    pub fn shown(&self) -> Vec<&Finding> {
        let mut shown: Vec<_> = self.findings.iter().filter(|finding| finding.disposition.is_shown()).collect();
        shown.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
        shown
    }

    /// Tools, resources and prompts of all servers.
    pub fn tools(&self) -> impl Iterator<Item = &ToolInfo> {
        self.servers.iter().flat_map(|server| &server.tools)
    }

    /// Whether there was anything of a server to judge.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        let is_program = || self.sources.iter().any(|(_, file)| file.kind.is_source());
        // Skills without a program are all there is to judge; beside one, a server was looked for and not found.
        let is_of_agents = self.completeness.agent_files > 0 && !is_program();
        self.tools().next().is_none() && self.configured.is_empty() && self.findings.is_empty() && !is_of_agents
    }
}

/// Counts for the last line of a report and the exit code.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Summary {
    /// Reported findings by severity; severities without one are missing.
    pub by_severity: BTreeMap<Severity, usize>,
    /// Findings of rules younger than the pinned ruleset.
    pub newer: usize,
    /// Silenced in source or configuration.
    pub suppressed: usize,
    /// Known from a baseline.
    pub baselined: usize,
    /// Below `--min-severity`.
    pub below_threshold: usize,
    /// Meant for another persona.
    pub other_persona: usize,
    /// Of rules left out with `--only` or `--skip`.
    pub not_selected: usize,
    /// Number of rules left out.
    pub rules_not_run: usize,
}

impl Summary {
    /// Number of reported findings.
    #[must_use]
    pub fn reported(&self) -> usize {
        self.by_severity.values().sum()
    }

    /// Number of findings that are not shown.
    #[must_use]
    pub const fn hidden(&self) -> usize {
        self.suppressed + self.baselined + self.below_threshold + self.other_persona + self.not_selected
    }
}
