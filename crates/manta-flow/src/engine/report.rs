//! What a run finds: registrations, sink hits, checks that held.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::rc::Rc;

use manta_core::{Location, Span};
use rustc_hash::{FxHashMap, FxHashSet};

use crate::domain::CharSet;
use crate::engine::api::ApiId;
use crate::engine::credentials::Credential;
use crate::engine::facts::{Fact, Note, NoteKind};
use crate::engine::formats::{Formats, Witness};
use crate::engine::models::{Exposes, HandlerArgs, SinkKind};
use crate::engine::schema::Schema;
use crate::engine::value::{CellId, ModId, ObjId, Taint, Val, Vn};
use crate::ir::{Lang, Symbol};

/// Something the model (or a client) can call.
#[derive(Clone, Debug)]
pub(crate) struct Registration {
    pub(crate) exposes: Exposes,
    pub(crate) name: Option<String>,
    pub(crate) description: Option<String>,
    pub(crate) sdk: String,
    pub(crate) at: Location,
    pub(crate) module: ModId,
    pub(crate) schema: Option<Schema>,
    pub(crate) handler: Option<Val>,
    pub(crate) args: HandlerArgs,
    pub(crate) validates: bool,
    /// Found by shape and not by an SDK call.
    pub(crate) is_structural: bool,
    /// Receiver for class-based tools.
    pub(crate) this: Option<Val>,
    /// The address of a resource that is no template.
    pub(crate) uri: Option<String>,
    /// The server it is registered with.
    pub(crate) server: Option<ObjId>,
}

impl Registration {
    /// A tool of which no more is known.
    pub(crate) fn tool(sdk: &str, name: &str, module: ModId, at: Location, handler: Val) -> Self {
        let name = Some(name.to_owned());
        Self { name, ..Self::handler(Exposes::Tool, sdk, module, at, Some(handler), HandlerArgs::Object) }
    }

    /// What answers a whole method, whatever it is asked for.
    pub(crate) fn handler(
        exposes: Exposes,
        sdk: &str,
        module: ModId,
        at: Location,
        handler: Option<Val>,
        args: HandlerArgs,
    ) -> Self {
        Self {
            exposes,
            name: None,
            description: None,
            sdk: sdk.to_owned(),
            at,
            module,
            schema: None,
            handler,
            args,
            validates: false,
            is_structural: false,
            this: None,
            uri: None,
            server: None,
        }
    }
}

/// A server mounted in another under a prefix.
#[derive(Clone, Debug)]
pub(crate) struct Mount {
    pub(crate) parent: Option<ObjId>,
    pub(crate) child: ObjId,
    pub(crate) prefix: String,
}

/// What was judged at a sink.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Untrusted data does harm.
    Vulnerable,
    /// Untrusted data arrives, and a check stops it.
    Guarded,
}

/// A class of findings; one per rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum FlowRule {
    /// The parameter is the command.
    CommandExecution,
    /// The parameter breaks out into a shell command.
    CommandInjection,
    /// The parameter becomes an option of a program.
    ArgumentInjection,
    /// The parameter becomes code.
    CodeInjection,
    /// The parameter leaves its directory.
    PathTraversal,
    /// The parameter chooses a file that is written.
    FileWrite,
    /// The containment check compares names without separator.
    PathPrefixBypass,
    /// Containment by text while a symbolic link leads out.
    SymlinkEscape,
    /// The parameter chooses the host.
    Ssrf,
    /// The host check can be bypassed.
    WeakHostCheck,
    /// The parameter climbs to another path of the host that the program names.
    RequestPath,
    /// The parameter becomes SQL.
    SqlInjection,
    /// The parameter becomes part of another query language.
    NosqlInjection,
    /// The parameter becomes a template.
    TemplateInjection,
    /// The parameter is deserialised into live objects.
    UnsafeDeserialization,
    /// Archive entries are written where they say.
    ArchiveExtraction,
    /// The parameter is a pattern.
    UnsafeRegex,
    /// Keys from the caller reach an object's prototype.
    PrototypePollution,
    /// The parameter is opened whatever its scheme.
    UrlScheme,
    /// The declared purpose of the tool is the dangerous act.
    DangerousByDesign,
}

impl FlowRule {
    /// The rule's id.
    #[must_use]
    pub fn id(self) -> &'static str {
        match self {
            Self::CommandExecution => "command-execution",
            Self::CommandInjection => "command-injection",
            Self::ArgumentInjection => "argument-injection",
            Self::CodeInjection => "code-injection",
            Self::PathTraversal | Self::FileWrite => "path-traversal",
            Self::PathPrefixBypass => "path-prefix-bypass",
            Self::SymlinkEscape => "symlink-escape",
            Self::Ssrf => "ssrf",
            Self::WeakHostCheck => "weak-host-check",
            Self::RequestPath => "request-path-traversal",
            Self::SqlInjection => "sql-injection",
            Self::NosqlInjection => "nosql-injection",
            Self::TemplateInjection => "template-injection",
            Self::UnsafeDeserialization => "unsafe-deserialization",
            Self::ArchiveExtraction => "archive-extraction",
            Self::UnsafeRegex => "unsafe-regex",
            Self::PrototypePollution => "prototype-pollution",
            Self::UrlScheme => "unrestricted-url-scheme",
            Self::DangerousByDesign => "dangerous-by-design",
        }
    }

    /// The column of the verdict table.
    #[must_use]
    pub fn class(self) -> &'static str {
        match self {
            Self::CommandExecution | Self::CommandInjection | Self::ArgumentInjection => "command",
            Self::CodeInjection | Self::TemplateInjection | Self::UnsafeDeserialization => "code",
            Self::PathTraversal
            | Self::FileWrite
            | Self::PathPrefixBypass
            | Self::SymlinkEscape
            | Self::ArchiveExtraction => "path",
            Self::Ssrf | Self::WeakHostCheck | Self::RequestPath => "network",
            Self::SqlInjection | Self::NosqlInjection => "sql",
            Self::UnsafeRegex | Self::PrototypePollution | Self::UrlScheme | Self::DangerousByDesign => "other",
        }
    }
}

/// Most tests of one value that are kept.
const MAX_TESTS: usize = 8;

/// A judged sink, before it is bound to a tool.
#[derive(Clone, Debug)]
pub(crate) struct Hit {
    pub(crate) rule: FlowRule,
    pub(crate) kind: SinkKind,
    pub(crate) outcome: Outcome,
    pub(crate) at: Location,
    /// How the program reaches the sink, for messages: `child_process.exec`.
    pub(crate) api: String,
    pub(crate) taint: Taint,
    pub(crate) step: u32,
    /// Calls from the handler to the sink, outermost first.
    pub(crate) calls: Vec<Location>,
    /// Why it is harmful: the input that shows it.
    pub(crate) example: Option<String>,
    /// One clause on the reason.
    pub(crate) reason: String,
    /// Checks met that do not hold.
    pub(crate) notes: Vec<(Location, String, NoteKind)>,
    /// The check that stops it, for `Guarded`.
    pub(crate) guard: Option<Location>,
    /// Values to try in a replay, best first; empty when the abstract verdict stands alone.
    pub(crate) witnesses: Vec<String>,
    /// What keeps the harm small.
    pub(crate) limit: Option<Limit>,
    /// The program that hands the text to a shell on another machine, device or container.
    pub(crate) elsewhere: Option<String>,
    /// The program asks that the request goes on to where the answer redirects it.
    pub(crate) is_redirected: bool,
}

/// Why a flow does less harm than its rule usually means. Decided from the program, never from what it says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Limit {
    /// The caller names the directory, and the program the file in it or the kind of file.
    FixedEnd,
    /// The tool has no directory of its own, and what it reads is not handed out as it is.
    NotHandedOut,
    /// The tool has no directory of its own, and what it writes is not the caller's.
    OwnContent,
    /// A browser that the tool drives goes there, and not the server.
    Browser,
    /// Another tool of the server runs whole statements, or whole commands on that machine, for the caller.
    AlreadyGiven,
    /// The tool takes whole statements, and only the check of them gives way.
    StatementsAreTaken,
    /// The limit of steps ended the scan before a concrete input was seen to arrive.
    NotFollowed,
    /// It stands in a file that the caller names, and not in the call.
    InFile,
    /// The address is checked, and what it redirects to is not.
    Redirected,
    /// It comes from the state of an HTTP request, which code of the server fills before the tool runs, and what that
    /// code checks is not followed.
    SetByServer,
    /// It comes from the HTTP request that carries the call, which the client's configuration sets and not the model.
    OfTransport,
}

/// The source whose flows are limited so.
pub(crate) const REQUEST_STATE: &str = "state of the HTTP request";

/// What the client and not the model decides, as sources of a tool: the request that carries a call, and its headers.
/// The directories that a client offers are none: they are the limits that its user sets.
pub(crate) const TRANSPORT: [&str; 2] = ["HTTP request of the transport", "header of the HTTP transport"];

impl Limit {
    /// One clause.
    #[must_use]
    pub fn explain(self) -> &'static str {
        match self {
            Self::FixedEnd => "the program fixes how the path ends",
            Self::NotHandedOut => "what the file holds is not seen to be handed out as it is",
            Self::OwnContent => "what is written is not the caller's",
            Self::Browser => "a browser goes there",
            Self::Redirected => "the address is checked, and where it redirects to is followed without a check",
            Self::InFile => "it has to stand in a file that the caller names",
            Self::NotFollowed => "no input was followed there before the limit of steps was reached",
            Self::SetByServer => "the server sets it for each request, and what it checks then is not followed",
            Self::OfTransport => "the client's configuration sets it, and not the model",
            Self::StatementsAreTaken => "the tool is there to run statements, of which the program checks what they do",
            Self::AlreadyGiven => "another tool of the server runs whatever the caller sends there",
        }
    }
}

/// Everything found so far.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    /// Values read with a key of the caller (`object[key]`).
    pub(crate) picked: HashSet<Vn>,
    pub(crate) registrations: Vec<Registration>,
    /// What handlers put into variables of the environment.
    pub(crate) environment: Option<ObjId>,
    /// What functions put into the global object.
    pub(crate) globals: Option<ObjId>,
    /// What the running handler has written into files, by what tells a file from others.
    pub(crate) files: Option<ObjId>,
    /// In a handler that reads messages itself: the message, for what it parses.
    pub(crate) message: Option<Val>,
    /// The context manager that the server is made with.
    pub(crate) lifespan: Option<Val>,
    /// What it gave.
    pub(crate) lifespan_made: Option<Val>,
    pub(crate) mounts: Vec<Mount>,
    /// Names that HTTP routes were given as operations, by handler.
    pub(crate) operations: std::collections::HashMap<crate::engine::value::FnId, String>,
    pub(crate) hits: Vec<Hit>,
    /// Promises of tools, and what the running handler does.
    pub(crate) conduct: crate::engine::promises::Conduct,
    /// What the server says beside descriptions.
    pub(crate) spoken: crate::engine::spoken::Spoken,
    /// What the handler that runs meets on its way.
    pub(crate) met: crate::engine::controls::Met,
    pub(crate) depth_exceeded: bool,
    /// Of the functions or modules that one value may be, some were left out.
    pub(crate) is_table_cut: bool,
    /// Files that register tools where none was found.
    pub(crate) silent_registrations: BTreeSet<String>,
    /// Label of the loop about to start.
    pub(crate) pending_label: Option<Symbol>,
    /// Whether sinks are judged (off while modules load).
    pub(crate) is_running_handler: bool,
    /// Sources of the current run: parameter name and place.
    pub(crate) sources: Vec<SourceInfo>,
    /// The tool that runs for what it leaves behind, and not for itself.
    pub(crate) setter: Option<Rc<str>>,
    /// The parameters of it that matter then.
    pub(crate) kept_params: Vec<String>,
    /// Value numbers that stand for the name of the called tool.
    name_vns: HashSet<Vn>,
    /// Whether a dispatcher runs for the names that it tells apart, and for nothing else.
    pub(crate) is_asking_names: bool,
    /// Names the called tool was compared with.
    pub(crate) names: BTreeMap<String, ()>,
    /// Tools announced by list handlers, with schema and description.
    pub(crate) listed: Vec<(String, Option<String>, Option<Schema>, Location)>,
    /// List handlers met while modules load: handler, place, module.
    pub(crate) list_handlers: Vec<(Val, Location, ModId)>,
    /// Functions that are kept for `tools/call` or `tools/list` in tables which are filled as the program goes: method,
    /// function, module, place.
    pub(crate) message_methods: Vec<(Symbol, Val, ModId, Span)>,
    /// Classes that frameworks register by their base class.
    pub(crate) tool_classes: Vec<ObjId>,
    /// One instance per class that annotations name.
    pub(crate) instances: std::collections::HashMap<ObjId, Val>,
    /// What the run asked of untrusted text.
    pub(crate) formats: Formats,
    /// Open files: the handle, and where it was opened.
    pub(crate) opened: std::collections::HashMap<crate::engine::value::ObjId, Location>,
    /// Calls that were given a text of the caller's as a whole, where others give statements.
    pub(crate) given_whole: HashSet<Location>,
    /// Where files were opened that got content of the caller's.
    pub(crate) filled: HashSet<Location>,
    /// Containment checks of this run that a sibling directory passes, by directory: a value that was returned through
    /// functions has lost the facts, but the reviewer wants to see the check.
    pub(crate) weak_checks: Vec<(String, Note)>,
    /// What tests of this run found of the characters of values, on whichever path.
    pub(crate) tests: FxHashMap<Vn, Vec<Rc<Fact>>>,
    /// Where a decorator of the program's own is being used.
    pub(crate) decorated_at: Option<Location>,
    /// Resolve functions that were put into an object or map for somebody else to call.
    pub(crate) kept_resolvers: HashSet<CellId>,
    /// The witness under replay.
    pub(crate) replay: Option<Replay>,
    /// The read whose content is followed to the answer; nothing else is untrusted then.
    pub(crate) followed: Option<Location>,
    /// Index of the tool whose handler runs for the first time.
    pub(crate) tool: Option<usize>,
    /// Value numbers of texts that were made of others or of structures in this run, with what they were made of.
    pub(crate) written: FxHashMap<Vn, Val>,
    /// The same, of texts that modules made when they loaded.
    pub(crate) written_before: FxHashMap<Vn, Val>,
    /// While it matters where a credential is returned: how deep in calls, where, which.
    pub(crate) returned: Option<Vec<(usize, Location, BTreeSet<Credential>)>>,
    /// Calls of interest to configuration rules: path, place, arguments.
    pub(crate) calls: Vec<crate::engine::analysis::CallInfo>,
    /// Whether there were more calls, or more of their arguments, than are kept.
    pub(crate) is_calls_cut: bool,
    /// Settings without which the program ends while it starts.
    pub(crate) required: FxHashSet<ApiId>,
    /// Parts of arguments kept in `calls`.
    pub(crate) call_parts: usize,
    /// How many of `calls` start the server.
    pub(crate) starts: usize,
    /// How often a call at a place was recorded.
    pub(crate) recorded: std::collections::HashMap<(Location, ApiId), u32>,
    /// What functions decide on, as far as asked.
    pub(crate) function_facts:
        std::collections::HashMap<(ModId, crate::ir::FuncId), std::sync::Arc<crate::engine::config::CodeFacts>>,
}

/// A source of untrusted data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SourceInfo {
    /// Parameter name; a path below it for nested fields.
    pub(crate) param: String,
    pub(crate) at: Location,
    /// The tool that it is a parameter of, where it is kept from an earlier call.
    pub(crate) setter: Option<Rc<str>>,
}

impl SourceInfo {
    /// Whether it is this parameter, of this tool.
    pub(crate) fn is(&self, param: &str, setter: Option<&str>) -> bool {
        self.param == param && self.setter.as_deref() == setter
    }
}

impl Findings {
    pub(crate) fn is_name(&self, vn: Vn) -> bool {
        vn != 0 && self.name_vns.contains(&vn)
    }

    pub(crate) fn forget_names(&mut self) {
        self.name_vns.clear();
        self.names.clear();
    }

    pub(crate) fn mark_name(&mut self, vn: Vn) {
        self.name_vns.insert(vn);
    }

    pub(crate) fn name_vns(&self) -> impl Iterator<Item = Vn> {
        self.name_vns.iter().copied()
    }

    pub(crate) fn add_name(&mut self, name: &str) {
        if !name.is_empty() && name.len() < 200 {
            self.names.insert(name.to_owned(), ());
        }
    }

    /// Notes what a test found of the characters of a value.
    pub(crate) fn note_test(&mut self, vn: Vn, fact: &Rc<Fact>) {
        let says_something = fact.props.charset != CharSet::ALL || fact.props.lits.is_some();
        if self.replay.is_some() || !says_something {
            return;
        }
        let tests = self.tests.entry(vn).or_default();
        if tests.len() < MAX_TESTS && !tests.iter().any(|known| Rc::ptr_eq(known, fact)) {
            tests.push(fact.clone());
        }
    }

    /// What was found of the characters of a value, on whichever path.
    pub(crate) fn tests_of(&self, vn: Vn) -> &[Rc<Fact>] {
        self.tests.get(&vn).map_or(&[], Vec::as_slice)
    }

    /// Where what is asked of untrusted text is noted; none where a concrete input is followed.
    pub(crate) fn asked(&mut self) -> Option<&mut Formats> {
        self.replay.is_none().then_some(&mut self.formats)
    }
}

/// A concrete input followed through the program, to see whether its checks let it pass.
#[derive(Clone, Debug)]
pub(crate) struct Replay {
    /// The parameter that takes the witness.
    pub(crate) param: String,
    /// The tool it is a parameter of, where it is kept from an earlier call.
    pub(crate) setter: Option<Rc<str>>,
    pub(crate) witness: Witness,
    /// The sinks in question.
    pub(crate) targets: Vec<(Location, FlowRule)>,
    /// Those of them that it reached, still harmful.
    pub(crate) reached: Vec<(Location, FlowRule)>,
    /// Whether the text of the witness made a difference anywhere: the parameter was asked for, or a sink judged by it.
    pub(crate) is_used: Cell<bool>,
}

impl Replay {
    /// Whether a concrete text at the sink still does what the witness was made for.
    pub(crate) fn is_harmful(&self, rule: FlowRule, text: &str) -> bool {
        // Whichever parser it is, the host is the same.
        let split = |text: &str| super::url_text::split(text, Lang::JavaScript);
        match rule.class() {
            _ if rule == FlowRule::RequestPath => {
                // Climbed already, where the program has made a URL of it.
                let leaf = self.witness.core.trim_start_matches(['.', '/']);
                text.contains("../") || split(text).path.trim_start_matches('/') == leaf
            }
            "path" => {
                let leaf = self.witness.core.trim_start_matches(['.', '/']);
                let leaf = leaf.rsplit("../").next().unwrap_or(leaf);
                text.contains("..") || text.starts_with(&format!("/{leaf}")) || text.starts_with("/etc/")
            }
            "network" => {
                let host = split(self.witness.core.trim_start_matches(['/', '\\', '.'])).hostname;
                let host = if host.is_empty() { self.witness.core.clone() } else { host };
                // `https://http://169.254.169.254/` goes to a host called `http`, and `https://a.example/http://10.0.0.1/` to
                // the first one.
                let reached = split(text).hostname;
                let is_address = text.contains("://") || !self.witness.core.contains("://");
                reached.ends_with(&host) || !is_address && text.contains(&host) || text.starts_with("file:")
            }
            // An option begins a word, which may be in quotes.
            _ if rule == FlowRule::ArgumentInjection && self.witness.core.starts_with('-') => {
                text.match_indices('-').any(|(at, _)| {
                    let before = text[..at].trim_end_matches(['\'', '"']);
                    before.is_empty() || before.ends_with(char::is_whitespace)
                })
            }
            // What matters of the witness are the characters with a meaning; the rest may have been trimmed or normalised.
            _ => {
                const MARKS: [&str; 10] = [";", "$(", "`", "&", "|", "\n", "'", "\"", "{", "-"];
                let mut marks = MARKS.iter().filter(|mark| self.witness.core.contains(**mark)).peekable();
                if marks.peek().is_none() {
                    return text.contains(&self.witness.core);
                }
                marks.any(|mark| text.contains(mark))
            }
        }
    }
}

/// The directory that stands for every directory the administrator chose, while a witness is followed.
pub(crate) const REPLAY_ROOT: &str = "/srv/manta-root";
/// The directory that stands for the home of the user the server runs as.
pub(crate) const REPLAY_HOME: &str = "/home/manta";
/// The name that stands for every one that the program makes up or finds in a directory.
pub(crate) const REPLAY_NAME: &str = "manta-name";

/// Whether a concrete path lies in the stand-in directory.
pub(crate) fn is_in_replay_root(path: &str) -> bool {
    path == REPLAY_ROOT || path.strip_prefix(REPLAY_ROOT).is_some_and(|rest| rest.starts_with('/'))
}
