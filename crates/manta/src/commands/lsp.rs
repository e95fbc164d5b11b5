//! `manta lsp`: findings in an editor, over the Language Server Protocol 3.17 on standard input and output.
//!
//! One tree, scanned as a whole after every change ([`worker`]): a finding may need three files. Open buffers stand in the
//! place of the files on disk. While the user types, only the last state is scanned.

mod wire;
mod worker;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender};
use lsp_server::{Connection, ErrorCode, Message, Notification, Request, Response};
use lsp_types::notification::{
    DidChangeTextDocument, DidChangeWatchedFiles, DidCloseTextDocument, DidOpenTextDocument, DidSaveTextDocument,
    Notification as _, PublishDiagnostics,
};
use lsp_types::request::{CodeActionRequest, HoverRequest, RegisterCapability, Request as _};
use lsp_types::{
    CodeAction, CodeActionKind, CodeActionOrCommand, CodeActionParams, CodeActionProviderCapability, Diagnostic,
    DiagnosticRelatedInformation, DiagnosticSeverity, DidChangeTextDocumentParams, DidChangeWatchedFilesParams,
    DidCloseTextDocumentParams, DidOpenTextDocumentParams, DidSaveTextDocumentParams, Hover, HoverContents,
    HoverParams, HoverProviderCapability, InitializeParams, Location, MarkupContent, MarkupKind, NumberOrString,
    Position, PublishDiagnosticsParams, Range, ServerCapabilities, TextDocumentItem, TextDocumentSyncCapability,
    TextDocumentSyncKind, TextDocumentSyncOptions, TextDocumentSyncSaveOptions, TextEdit, Uri, WorkspaceEdit,
};
use manta_core::{Finding, ProjectInput, Safety, ScanReport, Severity, SourceFile, SourceMap, Span};
use serde_json::{Value, json};

use crate::analyse::{self, Analysis};
use crate::collect::{self, Limits};
use crate::config::Config;
use crate::exit::{Exit, Failure};
use crate::suppress;
use worker::{Answer, State};

/// Show findings in an editor, as a language server on standard input and output
///
/// Diagnostics for the whole folder, the rule's page on hover, and repairs as code actions.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  manta lsp        configure it as the command of a language server for TypeScript, JavaScript and Python"
)]
pub(crate) struct Args {
    /// Also read models of sinks, checks and registrations (*.toml) from this directory; may be repeated
    #[arg(long, value_name = "DIR")]
    models: Vec<PathBuf>,
}

/// How long nothing may come before a scan: longer than the messages of one edit are apart.
const PAUSE: Duration = Duration::from_millis(5);

/// Runs the command.
pub(crate) fn run(args: &Args) -> Result<Exit, Failure> {
    let analysis = Analysis::new(&args.models)?.remembering();
    let (connection, wire) = wire::open();
    let stopped = beside(&analysis, |states, answers| converse(&connection, states, answers));
    drop(connection);
    // What was wrong with the bytes explains why the conversation stopped.
    wire.close()?;
    stopped.map(|()| Exit::Clean)
}

/// Talks while another thread works. What that is at when the talk is over is given up.
fn beside(
    analysis: &Analysis,
    talk: impl FnOnce(Sender<State>, Receiver<Answer>) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let (states, to_work) = crossbeam_channel::unbounded();
    let (done, answers) = crossbeam_channel::unbounded();
    thread::scope(|scope| {
        let worker = thread::Builder::new()
            .stack_size(super::STACK_BYTES)
            .spawn_scoped(scope, move || worker::work(analysis, &to_work, &done))
            .map_err(|error| Failure::new(format!("failed to start a thread: {error}")))?;
        let talked = talk(states, answers);
        worker.join().map_err(|_| Failure::new("manta failed, which is a defect of manta"))?;
        talked
    })
}

/// From the editor's first words to its last.
fn converse(connection: &Connection, states: Sender<State>, answers: Receiver<Answer>) -> Result<(), Failure> {
    let capabilities = serde_json::to_value(capabilities()).map_err(|error| Failure::new(error.to_string()))?;
    let first = connection
        .initialize(capabilities)
        .map_err(|error| Failure::new(format!("failed to talk to the editor: {error}")))?;
    let parameters: InitializeParams = serde_json::from_value(first)
        .map_err(|error| Failure::new(format!("failed to read what the editor said first: {error}")))?;
    let mut server = Server::new(root(&parameters)?, connection, states, answers);
    if can_watch(&parameters) {
        server.watch()?;
    }
    let served = server.serve();
    // Nobody waits for what is still going on.
    server.stop.store(true, Ordering::Relaxed);
    served
}

fn capabilities() -> ServerCapabilities {
    ServerCapabilities {
        text_document_sync: Some(TextDocumentSyncCapability::Options(TextDocumentSyncOptions {
            open_close: Some(true),
            change: Some(TextDocumentSyncKind::FULL),
            save: Some(TextDocumentSyncSaveOptions::Supported(true)),
            ..TextDocumentSyncOptions::default()
        })),
        hover_provider: Some(HoverProviderCapability::Simple(true)),
        code_action_provider: Some(CodeActionProviderCapability::Simple(true)),
        ..ServerCapabilities::default()
    }
}

/// Whether the editor says which files change on disk, if it is asked to.
fn can_watch(parameters: &InitializeParams) -> bool {
    let workspace = parameters.capabilities.workspace.as_ref();
    let watches = workspace.and_then(|workspace| workspace.did_change_watched_files.as_ref());
    watches.and_then(|watches| watches.dynamic_registration) == Some(true)
}

/// The folder the editor opened, or the working directory.
fn root(parameters: &InitializeParams) -> Result<PathBuf, Failure> {
    #[expect(deprecated, reason = "editors that know no workspace folders still send it")]
    let old = parameters.root_uri.as_ref();
    let folder = parameters.workspace_folders.as_ref().and_then(|folders| folders.first()).map(|folder| &folder.uri);
    match folder.or(old) {
        Some(uri) => path_of(uri).ok_or_else(|| Failure::new(format!("{} is no folder of this machine", uri.as_str()))),
        None => std::env::current_dir().map_err(|error| Failure::new(error.to_string())),
    }
}

struct Server<'a> {
    connection: &'a Connection,
    root: PathBuf,
    states: Sender<State>,
    answers: Receiver<Answer>,
    /// What is on disk; read when it is needed.
    disk: Option<ProjectInput>,
    /// Texts of open buffers, by path below the root.
    open: BTreeMap<String, Arc<str>>,
    /// Their versions, as the editor counts.
    versions: BTreeMap<String, i32>,
    report: ScanReport,
    /// What the editor shows in each file.
    shown: BTreeMap<String, Vec<Diagnostic>>,
    /// Something changed that nobody was asked to look at.
    is_changed: bool,
    /// The number of the last state that somebody was, and how to stop the work on it.
    asked: u64,
    stop: Arc<AtomicBool>,
    /// The number of the state that the report is about.
    answered: u64,
    /// Requests about a state that nobody has looked at yet: an answer about an old one would point at the wrong place.
    waiting: Vec<Request>,
}

impl<'a> Server<'a> {
    fn new(root: PathBuf, connection: &'a Connection, states: Sender<State>, answers: Receiver<Answer>) -> Self {
        Self {
            connection,
            root,
            states,
            answers,
            disk: None,
            open: BTreeMap::new(),
            versions: BTreeMap::new(),
            report: ScanReport::default(),
            shown: BTreeMap::new(),
            is_changed: true,
            asked: 0,
            stop: Arc::default(),
            answered: 0,
            waiting: Vec::new(),
        }
    }

    fn serve(&mut self) -> Result<(), Failure> {
        let editor = self.connection.receiver.clone();
        let answers = self.answers.clone();
        loop {
            let wait = if self.is_changed { PAUSE } else { Duration::from_secs(3600) };
            crossbeam_channel::select! {
                recv(editor) -> message => match message {
                    Ok(Message::Request(request)) => {
                        if self
                            .connection
                            .handle_shutdown(&request)
                            .map_err(|error| Failure::new(format!("failed to talk to the editor: {error}")))?
                        {
                            return Ok(());
                        }
                        self.waiting.push(request);
                        // Who asks does not type.
                        self.ask()?;
                        self.answer_requests()?;
                    }
                    Ok(Message::Notification(notification)) => self.notification(notification),
                    Ok(Message::Response(_)) => {}
                    // An editor that goes without a word is gone all the same.
                    Err(_) => return Ok(()),
                },
                recv(answers) -> answer => match answer {
                    Ok(answer) => self.know(answer)?,
                    Err(_) => return Err(Failure::new("manta failed, which is a defect of manta")),
                },
                default(wait) => self.ask()?,
            }
        }
    }

    /// Has the present state looked at, if anything changed.
    fn ask(&mut self) -> Result<(), Failure> {
        if !std::mem::take(&mut self.is_changed) {
            return Ok(());
        }
        let disk = match self.disk.take() {
            Some(disk) => disk,
            None => collect::collect(&self.root.to_string_lossy(), &Limits::default())?,
        };
        let input = with_buffers(&disk, &self.open);
        self.disk = Some(disk);
        self.stop.store(true, Ordering::Relaxed);
        self.stop = Arc::default();
        self.asked += 1;
        let state = State { number: self.asked, input, stop: Arc::clone(&self.stop) };
        self.states.send(state).map_err(|_| Failure::new("manta failed, which is a defect of manta"))
    }

    /// Takes what is known of a state to the editor, if it is the present one.
    fn know(&mut self, answer: Answer) -> Result<(), Failure> {
        if answer.number != self.asked || self.is_changed {
            return Ok(());
        }
        self.answered = answer.number;
        self.report = answer.report;
        suppress::obey(&mut self.report, &analyse::rules());
        // A file that is being written may be broken; until it isn't, every finding is shown.
        if let Ok(Some(config)) = Config::in_directory(&self.root) {
            suppress::listed::obey(&mut self.report, &config);
        }
        self.publish()?;
        self.answer_requests()
    }

    /// Answers the requests about the state that is known.
    fn answer_requests(&mut self) -> Result<(), Failure> {
        if self.answered == self.asked && !self.is_changed {
            for request in std::mem::take(&mut self.waiting) {
                self.request(request)?;
            }
        }
        Ok(())
    }

    /// Asks the editor to say what others change: a checkout, a generator, a file that is deleted.
    fn watch(&self) -> Result<(), Failure> {
        let everything = json!([{
            "id": "files",
            "method": DidChangeWatchedFiles::METHOD,
            "registerOptions": { "watchers": [{ "globPattern": "**/*" }] },
        }]);
        let id = "watch".to_owned().into();
        let params = json!({ "registrations": everything });
        self.send(Request { id, method: RegisterCapability::METHOD.to_owned(), params }.into())
    }

    fn request(&mut self, Request { id, method, params }: Request) -> Result<(), Failure> {
        let answer = match method.as_str() {
            HoverRequest::METHOD => serde_json::from_value(params).map(|params| to_value(self.hover(&params))),
            CodeActionRequest::METHOD => serde_json::from_value(params).map(|params| to_value(self.actions(&params))),
            _ => {
                let text = format!("{method} is not supported");
                return self.send(Response::new_err(id, ErrorCode::MethodNotFound as i32, text).into());
            }
        };
        let response = match answer {
            Ok(result) => Response::new_ok(id, result),
            Err(error) => Response::new_err(id, ErrorCode::InvalidParams as i32, error.to_string()),
        };
        self.send(response.into())
    }

    fn notification(&mut self, Notification { method, params }: Notification) {
        match method.as_str() {
            DidOpenTextDocument::METHOD => {
                if let Ok(params) = serde_json::from_value::<DidOpenTextDocumentParams>(params) {
                    let TextDocumentItem { uri, version, text, .. } = params.text_document;
                    self.buffer(&uri, version, Some(text));
                }
            }
            DidChangeTextDocument::METHOD => {
                if let Ok(params) = serde_json::from_value::<DidChangeTextDocumentParams>(params) {
                    // Synchronisation is by whole documents, so the last change is the text; a part of one isn't.
                    let mut whole = params.content_changes.into_iter().filter(|change| change.range.is_none());
                    let text = whole.next_back().map(|change| change.text);
                    self.buffer(&params.text_document.uri, params.text_document.version, text);
                }
            }
            DidCloseTextDocument::METHOD => {
                if let Ok(params) = serde_json::from_value::<DidCloseTextDocumentParams>(params)
                    && let Some(path) = self.relative(&params.text_document.uri)
                {
                    self.open.remove(&path);
                    self.versions.remove(&path);
                    self.disk_changed();
                }
            }
            DidSaveTextDocument::METHOD => {
                if let Ok(params) = serde_json::from_value::<DidSaveTextDocumentParams>(params) {
                    self.file_changed(&params.text_document.uri);
                }
            }
            DidChangeWatchedFiles::METHOD => {
                if let Ok(params) = serde_json::from_value::<DidChangeWatchedFilesParams>(params) {
                    for change in &params.changes {
                        self.file_changed(&change.uri);
                    }
                }
            }
            _ => {}
        }
    }

    fn buffer(&mut self, uri: &Uri, version: i32, text: Option<String>) {
        if let (Some(path), Some(text)) = (self.relative(uri), text) {
            self.versions.insert(path.clone(), version);
            self.open.insert(path, text.into());
            self.is_changed = true;
        }
    }

    /// A file that is open counts as its buffer says, whatever is on disk, so nothing has to be read again.
    fn file_changed(&mut self, uri: &Uri) {
        if self.relative(uri).is_none_or(|path| !self.open.contains_key(&path)) {
            self.disk = None;
        }
        // Settings are read from disk, open or not.
        self.is_changed = true;
    }

    fn disk_changed(&mut self) {
        self.disk = None;
        self.is_changed = true;
    }

    /// Tells the editor what is new to it; of open files also that it is about this version.
    fn publish(&mut self) -> Result<(), Failure> {
        let mut by_file: BTreeMap<String, Vec<Diagnostic>> = BTreeMap::new();
        for finding in self.findings() {
            if let Some(file) = self.report.sources.get(finding.location.file) {
                by_file.entry(file.path.clone()).or_default().push(self.diagnostic(finding));
            }
        }
        let before = std::mem::replace(&mut self.shown, by_file);
        let all: BTreeSet<&String> = before.keys().chain(self.shown.keys()).chain(self.versions.keys()).collect();
        for file in all {
            let version = self.versions.get(file).copied();
            if version.is_none() && before.get(file) == self.shown.get(file) {
                continue;
            }
            let Some(uri) = self.uri(file) else { continue };
            let diagnostics = self.shown.get(file).cloned().unwrap_or_default();
            let params = PublishDiagnosticsParams { uri, diagnostics, version };
            self.send(Notification::new(PublishDiagnostics::METHOD.to_owned(), params).into())?;
        }
        Ok(())
    }

    /// What the regular persona sees.
    fn findings(&self) -> impl Iterator<Item = &Finding> {
        self.report
            .findings
            .iter()
            .filter(|finding| finding.is_reported() && finding.persona == manta_core::Persona::Regular)
    }

    fn diagnostic(&self, finding: &Finding) -> Diagnostic {
        let place = |location: manta_core::Location| {
            let file = self.report.sources.get(location.file)?;
            Some(Location { uri: self.uri(&file.path)?, range: range(file, location.span) })
        };
        let steps = finding.trace.iter().filter_map(|step| {
            Some(DiagnosticRelatedInformation { location: place(step.location)?, message: step.message.clone() })
        });
        let tools = finding.tools.join(", ");
        let headline =
            if tools.is_empty() { finding.rule.title.to_owned() } else { format!("{} in {tools}", finding.rule.title) };
        Diagnostic {
            range: place(finding.location).map(|place| place.range).unwrap_or_default(),
            severity: Some(severity(finding.severity)),
            code: Some(NumberOrString::String(finding.rule.id.to_owned())),
            source: Some("manta".to_owned()),
            message: format!("{headline}: {}\n{}", finding.message, finding.help),
            related_information: Some(steps.collect()),
            ..Diagnostic::default()
        }
    }

    fn hover(&self, params: &HoverParams) -> Option<Hover> {
        let at = &params.text_document_position_params;
        let path = self.relative(&at.text_document.uri)?;
        let finding = self.findings().find(|finding| self.covers(finding, &path, at.position, at.position))?;
        let file = self.report.sources.get(finding.location.file)?;
        let value = format!("**{}** (`{}`)\n\n{}", finding.rule.title, finding.rule.id, finding.rule.page);
        Some(Hover {
            contents: HoverContents::Markup(MarkupContent { kind: MarkupKind::Markdown, value }),
            range: Some(range(file, finding.location.span)),
        })
    }

    fn actions(&self, params: &CodeActionParams) -> Vec<CodeActionOrCommand> {
        let Some(path) = self.relative(&params.text_document.uri) else { return Vec::new() };
        let (from, to) = (params.range.start, params.range.end);
        let here = self.findings().filter(|finding| self.covers(finding, &path, from, to));
        here.filter_map(|finding| self.action(finding)).map(CodeActionOrCommand::CodeAction).collect()
    }

    #[expect(clippy::mutable_key_type, reason = "the protocol's own map; its keys aren't changed")]
    fn action(&self, finding: &Finding) -> Option<CodeAction> {
        let fix = finding.fix.as_ref()?;
        let file = self.report.sources.get(fix.edits.first()?.at.file)?;
        let edits =
            fix.edits.iter().map(|edit| TextEdit { range: range(file, edit.at.span), new_text: edit.text.clone() });
        let changes = [(self.uri(&file.path)?, edits.collect())].into();
        let title = match fix.safety {
            Safety::Safe => fix.title.clone(),
            Safety::Unsafe => format!("{} ({})", fix.title, fix.reason),
        };
        Some(CodeAction {
            title,
            kind: Some(CodeActionKind::QUICKFIX),
            diagnostics: Some(vec![self.diagnostic(finding)]),
            is_preferred: Some(fix.safety == Safety::Safe),
            edit: Some(WorkspaceEdit { changes: Some(changes), ..WorkspaceEdit::default() }),
            ..CodeAction::default()
        })
    }

    /// Whether a finding stands in the file and touches the positions between the two.
    fn covers(&self, finding: &Finding, path: &str, from: Position, to: Position) -> bool {
        self.report.sources.get(finding.location.file).is_some_and(|file| {
            let range = range(file, finding.location.span);
            file.path == path && range.start <= to && from <= range.end
        })
    }

    fn relative(&self, uri: &Uri) -> Option<String> {
        let path = path_of(uri)?;
        let below = path.strip_prefix(&self.root).ok()?;
        let parts: Option<Vec<&str>> = below.components().map(|part| part.as_os_str().to_str()).collect();
        Some(parts?.join("/"))
    }

    fn uri(&self, path: &str) -> Option<Uri> {
        uri_of(&self.root.join(path))
    }

    fn send(&self, message: Message) -> Result<(), Failure> {
        self.connection.sender.send(message).map_err(|_| Failure::new("the editor is gone"))
    }
}

fn to_value(value: impl serde::Serialize) -> Value {
    serde_json::to_value(value).unwrap_or(Value::Null)
}

fn severity(severity: Severity) -> DiagnosticSeverity {
    match severity {
        Severity::Critical | Severity::High => DiagnosticSeverity::ERROR,
        Severity::Medium => DiagnosticSeverity::WARNING,
        Severity::Low => DiagnosticSeverity::INFORMATION,
        Severity::Info => DiagnosticSeverity::HINT,
    }
}

/// The files on disk with the open buffers in the place of theirs; a buffer of a new file is a new file.
fn with_buffers(disk: &ProjectInput, open: &BTreeMap<String, Arc<str>>) -> ProjectInput {
    let mut sources = SourceMap::default();
    for (_, file) in disk.sources.iter() {
        let text = open.get(&file.path).unwrap_or(&file.text);
        sources.add(SourceFile::new(file.path.clone(), Arc::clone(text)));
    }
    for (path, text) in open {
        if disk.sources.find(path).is_none() {
            sources.add(SourceFile::new(path.clone(), Arc::clone(text)));
        }
    }
    ProjectInput { sources: Arc::new(sources), ..disk.clone() }
}

fn range(file: &SourceFile, span: Span) -> Range {
    Range { start: position(file, span.start), end: position(file, span.end) }
}

/// Lines from 0, and characters in UTF-16 units, which every client understands.
fn position(file: &SourceFile, offset: u32) -> Position {
    let line = file.line_column(offset).line;
    let start = file.line_span(line).start;
    let units = file.slice(Span::new(start, offset)).encode_utf16().count();
    Position { line: line - 1, character: u32::try_from(units).unwrap_or(u32::MAX) }
}

fn path_of(uri: &Uri) -> Option<PathBuf> {
    url::Url::parse(uri.as_str()).ok()?.to_file_path().ok()
}

fn uri_of(path: &Path) -> Option<Uri> {
    url::Url::from_file_path(path).ok()?.as_str().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_count_utf16_units() {
        let file = SourceFile::new("a.ts", "x\n🌊é(y)");
        let at = u32::try_from(file.text.find('(').unwrap()).unwrap();
        assert_eq!(position(&file, at), Position { line: 1, character: 3 });
    }

    #[test]
    fn paths_survive_the_way_through_an_address() {
        let path = Path::new("/a b/ü%20#?.ts");
        assert_eq!(path_of(&uri_of(path).unwrap()).unwrap(), path);
    }

    #[test]
    fn buffers_replace_files_and_add_new_ones() {
        let disk = ProjectInput::from_texts("t", [("a.ts", "old"), ("b.ts", "b")]);
        let open = [("a.ts".to_owned(), "new".into()), ("c.ts".to_owned(), "c".into())].into();
        let texts: Vec<String> =
            with_buffers(&disk, &open).sources.iter().map(|(_, file)| file.text.to_string()).collect();
        assert_eq!(texts, ["new", "b", "c"]);
    }
}
