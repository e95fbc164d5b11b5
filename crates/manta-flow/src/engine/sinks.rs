//! Judging what reaches a sink: can this value, in this place, do something the program did not mean?

use std::rc::Rc;

use manta_core::{Location, Span};

use crate::domain::argv::{self, ArgVerdict};
use crate::domain::code::{self, CodeVerdict};
use crate::domain::path::{PathVerdict, Reach};
use crate::domain::props::Part as DomainPart;
use crate::domain::shell::{self, Verdict};
use crate::domain::sql;
use crate::domain::url::{self, Host, Internal, Scheme};
use crate::domain::{Quoting, StrProps, path};
use crate::engine::facts::NoteKind;
use crate::engine::interp::{Args, Interp, arc};
use crate::engine::models::{SinkKind, SinkRow};
use crate::engine::report::{FlowRule, Hit, Limit, Outcome};
use crate::engine::store::{Obj, ObjKind};
use crate::engine::value::{Kind, ObjId, Part, PathShape, Taint, Val};
use crate::ir::{Lang, Symbol};

/// A sink argument spelled out: constant text and holes with what is known of them now.
struct Spelled {
    pieces: Vec<Piece>,
    taint: Taint,
    step: u32,
    /// Whether one untrusted value is the whole argument.
    is_whole: bool,
    /// The value, for facts and notes.
    holes: Vec<Val>,
    /// How it was put together, for paths.
    shape: PathShape,
}

enum Piece {
    Lit(Rc<str>),
    Hole(StrProps),
    Trusted(StrProps),
}

impl Spelled {
    fn parts(&self) -> Vec<DomainPart<'_>> {
        self.pieces
            .iter()
            .map(|piece| match piece {
                Piece::Lit(text) => DomainPart::Lit(text),
                Piece::Hole(props) => DomainPart::Hole(props),
                Piece::Trusted(props) => DomainPart::Trusted(props),
            })
            .collect()
    }
}

/// What a sink check concludes for one spelling.
struct Judged {
    rule: FlowRule,
    outcome: Outcome,
    example: Option<String>,
    reason: String,
    witnesses: Vec<String>,
}

impl Judged {
    fn guarded(rule: FlowRule) -> Self {
        Self { rule, outcome: Outcome::Guarded, example: None, reason: String::new(), witnesses: Vec::new() }
    }

    fn bad(rule: FlowRule, example: impl Into<String>, reason: impl Into<String>) -> Self {
        let example = example.into();
        Self {
            rule,
            outcome: Outcome::Vulnerable,
            witnesses: vec![example.clone()],
            example: Some(example),
            reason: reason.into(),
        }
    }

    fn or_witnesses(mut self, more: &[&str]) -> Self {
        self.witnesses.extend(more.iter().map(|text| (*text).to_owned()));
        self
    }
}

/// Programs that hand a command to a shell on another machine, device or container.
const REMOTE_SHELLS: [&str; 9] = ["ssh", "adb", "docker", "podman", "kubectl", "oc", "limactl", "vagrant", "nerdctl"];
/// Methods of database connections and cursors.
const STATEMENT_METHODS: [&str; 18] = [
    "execute",
    "executemany",
    "executescript",
    "query",
    "exec",
    "raw",
    "fetch",
    "fetchall",
    "fetchone",
    "fetchrow",
    "fetchval",
    "run",
    "all",
    "get",
    "prepare",
    "sql",
    "exec_driver_sql",
    "unsafe",
];
/// Parameters that are statements.
const STATEMENT_PARAMS: [&str; 6] = ["sql", "statement", "sql_query", "sqlQuery", "sql_statement", "sqlStatement"];
/// How statements begin.
const STATEMENT_WORDS: [&str; 20] = [
    "SELECT", "INSERT", "UPDATE", "DELETE", "SHOW", "DESCRIBE", "DESC", "EXPLAIN", "CREATE", "DROP", "ALTER",
    "TRUNCATE", "ANALYZE", "WITH", "USE", "MERGE", "CALL", "PRAGMA", "GRANT", "REPLACE",
];
/// Options whose value is a file the program writes.
const OUTPUT_OPTIONS: [&str; 9] =
    ["-o", "-O", "--output", "--out", "--output-file", "--outfile", "--output-document", "--output-dir", "--save-to"];

/// Paths that lead out of any directory. Some name a place that no list of forbidden directories does: such a list
/// contains nothing.
const PATH_WITNESSES: [&str; 5] = [
    "/etc/passwd",
    "../../../../../../etc/passwd",
    "x/../../../../../etc/passwd",
    "/nowhere-listed/x",
    "../../../../../../nowhere-listed/x",
];
const INTERNAL_URLS: [&str; 4] =
    ["http://169.254.169.254/latest/meta-data/", "http://127.0.0.1:8080/", "http://10.0.0.1/", "http://192.168.1.1/"];

impl Interp<'_> {
    /// A call to a modelled sink.
    pub(crate) fn check_sink(
        &mut self,
        row: &SinkRow,
        api: &str,
        args: &Args,
        this: Option<&Val>,
        data: Option<ObjId>,
        span: Span,
    ) {
        if !self.found.is_running_handler {
            return;
        }
        if let Some(when) = &row.when
            && !self.option_holds(when, args, this)
        {
            return;
        }
        let at = self.here(span);
        self.found.conduct.act(row.kind, at, api);
        match row.kind {
            SinkKind::Argv => self.check_argv(row, api, args, this, span),
            SinkKind::SourceFile => {
                let Some(text) = self.select(&row.arg, args, this) else { return };
                self.check_source_file(api, &text, this, data, span);
            }
            SinkKind::Url | SinkKind::Browse => {
                let Some(value) = self.select(&row.arg, args, this) else { return };
                let base = row.base.as_ref().and_then(|base| self.select(base, args, this));
                if self.is_refused(&value, data, span) {
                    return;
                }
                self.check_url(row.kind, api, &value, base, data, span);
            }
            _ => {
                let Some(value) = self.select(&row.arg, args, this) else { return };
                let kind = self.kind_of_access(row, args, this);
                self.check_value(kind, api, &value, span);
            }
        }
    }

    /// What a row for files means for these arguments.
    fn kind_of_access(&mut self, row: &SinkRow, args: &Args, this: Option<&Val>) -> SinkKind {
        match row.kind {
            SinkKind::FileRead => {
                let mode = row.mode.as_ref().and_then(|selector| self.select(selector, args, this));
                let is_written =
                    mode.as_ref().and_then(Val::literal).is_some_and(|mode| mode.contains(['w', 'a', 'x', '+']));
                // What the file gets is seen when it is filled.
                if is_written { SinkKind::FileCreate } else { SinkKind::FileRead }
            }
            SinkKind::FileWrite => {
                let content = row.content.as_ref().and_then(|selector| self.select(selector, args, this));
                let is_own = content.is_some_and(|content| self.deep_taint(&content, 4).0.is_none());
                if is_own { SinkKind::FileCreate } else { SinkKind::FileWrite }
            }
            kind => kind,
        }
    }

    /// Text written into a file that is a program: `(out / "x.py").write_text(f"NAME = '{name}'")`. A tool that writes
    /// whatever file it is given is judged by the path; here the program wrote the code, and the value leaves its place.
    fn check_source_file(&mut self, api: &str, text: &Val, this: Option<&Val>, data: Option<ObjId>, span: Span) {
        let opened = data.and_then(|data| self.store.obj(data).items.first().cloned());
        let path = this.filter(|this| matches!(this.kind, Kind::Str)).cloned().or(opened);
        let Some(language) = path.and_then(|path| self.file_extension(&path)).and_then(|ext| language_of(&ext)) else {
            return;
        };
        for alternative in self.current(text).alternatives().to_vec() {
            let Some(spelled) = self.spell(&alternative) else { continue };
            if !spelled.is_whole && !self.replay_reached(&spelled, span) {
                let judged = judge_code(&spelled, language);
                self.hit(SinkKind::SourceFile, api, &spelled, judged, span);
            }
        }
    }

    /// Bytes of a file instead of its name: `Buffer.from(data)`, `io.BytesIO(data)`.
    fn is_content(&self, value: &Val) -> bool {
        match value.kind {
            Kind::Api(api, _) => {
                let name = self.apis.name(api);
                ["globalThis.Buffer.", "globalThis.Uint8Array", "globalThis.Blob", "io.BytesIO", "io.StringIO"]
                    .iter()
                    .any(|made_by| name.starts_with(made_by))
            }
            _ => false,
        }
    }

    /// A method of a database connection whose library is not known: recognised by its name *and* by a text that begins
    /// like a statement.
    pub(crate) fn check_statement(&mut self, method: &str, api: &str, args: &Args, span: Span) {
        if !self.found.is_running_handler || !STATEMENT_METHODS.contains(&method) {
            return;
        }
        let Some(statement) = args.get(0).cloned() else { return };
        let begins = |value: &Val| match value.text.as_deref().and_then(|text| text.parts.first()) {
            Some(Part::Lit(start)) => {
                let start = start.trim_start();
                let word = start.split(|c: char| !c.is_ascii_alphabetic()).next().unwrap_or_default();
                STATEMENT_WORDS.contains(&word.to_ascii_uppercase().as_str()) && start.len() > word.len()
            }
            _ => false,
        };
        if !statement.is_tainted() {
            return;
        }
        let statement = self.current(&statement);
        let is_begun = statement.alternatives().iter().any(begins);
        // A whole statement from the caller has no beginning to know it by, but its parameter says what it is.
        let is_named = matches!(method, "query" | "execute" | "executescript" | "exec_driver_sql") && {
            let index = statement.taint.0.trailing_zeros() as usize;
            let source = self.found.sources.get(index).map(|source| source.param.as_str());
            source.is_some_and(|param| STATEMENT_PARAMS.contains(&param.rsplit('.').next().unwrap_or(param)))
        };
        if is_begun || is_named {
            self.check_value(SinkKind::Sql, api, &statement, span);
        }
    }

    /// `kw:shell` (must be true or unknown), `!kw:Loader` (must be absent), `kw:Loader=yaml.Loader,yaml.FullLoader`
    /// (must be one of these access paths).
    fn option_holds(&mut self, when: &str, args: &Args, this: Option<&Val>) -> bool {
        if let Some((selector, wanted)) = when.split_once('=') {
            let Some(value) = self.select(selector, args, this) else { return false };
            return value.alternatives().iter().any(|value| match value.kind {
                Kind::Api(api, _) => {
                    let name = self.apis.name(api);
                    wanted.split(',').any(|wanted| *wanted == *name)
                }
                _ => false,
            });
        }
        match when.strip_prefix('!') {
            Some(selector) => self.select(selector, args, this).is_none_or(|value| value.is_nullish()),
            None => self.select(when, args, this).is_some_and(|value| value.truth() != Some(false)),
        }
    }

    fn check_value(&mut self, kind: SinkKind, api: &str, value: &Val, span: Span) {
        let value = self.current(value);
        // Lists stand for their elements (several paths, a command as a list).
        if let Kind::Obj(id) = value.kind {
            let obj = self.store.obj_rc(id);
            if obj.is_sequence() {
                if matches!(kind, SinkKind::Shell | SinkKind::RemoteShell) {
                    let joined = self.join_array(&value, " ");
                    self.check_value(kind, api, &joined, span);
                    return;
                }
                for item in obj.items.iter().chain(&obj.more) {
                    self.check_value(kind, api, item, span);
                }
                return;
            }
            if matches!(kind, SinkKind::Query | SinkKind::Merge | SinkKind::Deserialize) {
                self.check_object(kind, api, &value, span);
                return;
            }
            if !matches!(obj.kind, ObjKind::Instance(_)) && !obj.fields.contains_key(&Symbol::new("href")) {
                // Options objects: the text is in a field that rows name; nothing to say here.
                if matches!(kind, SinkKind::Sql) {
                    for field in ["sql", "text", "query", "statement"] {
                        if let Some(text) = obj.fields.get(&Symbol::new(field)).cloned() {
                            self.check_value(kind, api, &text, span);
                        }
                    }
                }
                return;
            }
        }
        let shape = self.path_shape(&value);
        for alternative in value.alternatives().to_vec() {
            if alternative.is_nullish() || matches!(alternative.kind, Kind::Fn(_) | Kind::Bool(_)) {
                continue;
            }
            if matches!(kind, SinkKind::FileRead | SinkKind::FileWrite | SinkKind::FileCreate)
                && self.is_content(&alternative)
            {
                continue;
            }
            let Some(spelled) = self.spell(&alternative) else { continue };
            if self.replay_reached(&spelled, span) {
                continue;
            }
            let spelled = Spelled { shape, ..spelled };
            for judged in self.judge(kind, api, &spelled) {
                self.hit(kind, api, &spelled, judged, span);
            }
        }
    }

    /// Untrusted keys and operators in an object that a query or merge takes.
    fn check_object(&mut self, kind: SinkKind, api: &str, value: &Val, span: Span) {
        let Kind::Obj(id) = value.kind else { return };
        let obj = self.store.obj_rc(id);
        let open = obj.any.clone().filter(|any| self.taint_now(any).is_some());
        // A field whose value is an untrusted *object* can hold operators (`{ $ne: null }`).
        let operator = obj.fields.values().find(|field| {
            matches!(field.kind, Kind::Unknown) && field.text.is_none() && self.taint_now(field).is_some()
        });
        if let Some(bad) = open.or_else(|| operator.cloned())
            && kind == SinkKind::Query
            && let Some(spelled) = self.spell(&bad)
        {
            // A filter that is the caller's as a whole is what the tool is for; one of the program's is not.
            let judged = if value.is_tainted() {
                Judged::bad(FlowRule::DangerousByDesign, "{\"$where\": \"…\"}", "the caller writes the whole filter")
            } else {
                Judged::bad(FlowRule::NosqlInjection, "{\"$ne\": null}", "the caller can send query operators")
            };
            self.hit(kind, api, &spelled, judged, span);
        }
    }

    // ------------------------------------------------------------------ spelling

    /// The pieces of a string value; none when nothing of it is untrusted.
    fn spell(&mut self, value: &Val) -> Option<Spelled> {
        if matches!(value.kind, Kind::Num(_) | Kind::Bool(_)) {
            return None;
        }
        let value = &self.to_text(value);
        let value = &self.current(value);
        let taint = self.taint_now(value);
        if taint.is_none() {
            return None;
        }
        let parts: Vec<Part> = match value.text.as_deref() {
            Some(text) if !text.parts.is_empty() && self.store.fact(value.vn).is_none() => text.parts.clone(),
            _ => Vec::new(),
        };
        let is_literal = parts.iter().all(|part| matches!(part, Part::Lit(_)));
        if parts.is_empty() || is_literal {
            let props = self.props(value);
            return Some(Spelled {
                pieces: vec![Piece::Hole(props)],
                taint,
                step: value.step,
                is_whole: true,
                holes: vec![value.clone()],
                shape: PathShape::default(),
            });
        }
        let mut holes = Vec::new();
        let whole_taint = taint;
        let mut taint = Taint::NONE;
        let mut pieces = Vec::new();
        for part in &parts {
            match part {
                Part::Lit(text) => pieces.push(Piece::Lit(Rc::from(&**text))),
                Part::Hole(hole) => {
                    let own = self.taint_now(hole);
                    let props = self.props(hole);
                    // A number is a number: it opens nothing.
                    if own.is_some() && !matches!(hole.kind, Kind::Num(_) | Kind::Bool(_)) {
                        taint = taint.union(own);
                        holes.push(hole.clone());
                        pieces.push(Piece::Hole(props));
                    } else {
                        pieces.push(Piece::Trusted(props));
                    }
                }
            }
        }
        // Under replay the caller's text is a literal among the others, so only the whole still knows where it is from.
        if taint.is_none() && self.found.replay.is_some() {
            taint = whole_taint;
        }
        if taint.is_none() {
            return None;
        }
        let is_whole = matches!(pieces.as_slice(), [Piece::Hole(_)]);
        Some(Spelled { pieces, taint, step: value.step, is_whole, holes, shape: PathShape::default() })
    }

    // ------------------------------------------------------------------ judgement

    fn judge(&self, kind: SinkKind, api: &str, spelled: &Spelled) -> Vec<Judged> {
        match kind {
            SinkKind::Shell => vec![self.judge_shell(spelled)],
            SinkKind::RemoteShell if spelled.is_whole => vec![self.judge_finite(
                spelled,
                FlowRule::DangerousByDesign,
                "id",
                "the caller writes the command that runs elsewhere",
            )],
            SinkKind::RemoteShell => vec![self.judge_shell(spelled)],
            SinkKind::FileRead => vec![self.judge_path(spelled, FlowRule::PathTraversal)],
            SinkKind::FileWrite | SinkKind::FileCreate => vec![self.judge_path(spelled, FlowRule::FileWrite)],
            SinkKind::Extract => vec![Judged::bad(
                FlowRule::ArchiveExtraction,
                "../../.bashrc",
                "entries are written where their names say",
            )],
            SinkKind::Host => vec![self.judge_host(spelled)],
            SinkKind::Sql => vec![self.judge_sql(spelled, sql_flavor(api))],
            SinkKind::Query => vec![self.judge_query(spelled)],
            SinkKind::Code if spelled.is_whole => {
                vec![self.judge_finite(spelled, FlowRule::CodeInjection, "process.exit()", "the text is run as code")]
            }
            SinkKind::Code => {
                let language = match self.lang() {
                    Lang::JavaScript => argv::Language::JavaScript,
                    Lang::Python => argv::Language::Python,
                };
                vec![judge_code(spelled, language)]
            }
            SinkKind::Kernel if spelled.is_whole => vec![self.judge_finite(
                spelled,
                FlowRule::DangerousByDesign,
                "print(1)",
                "the text is run as a program in an interpreter apart",
            )],
            SinkKind::Kernel => vec![judge_code(spelled, argv::Language::Python)],
            SinkKind::PageScript => vec![self.judge_finite(
                spelled,
                FlowRule::DangerousByDesign,
                "document.cookie",
                "the text is run as a script in the page",
            )],
            SinkKind::Template => vec![self.judge_finite(
                spelled,
                FlowRule::TemplateInjection,
                "{{ 7 * 7 }}",
                "the text is compiled as a template",
            )],
            SinkKind::Deserialize => vec![self.judge_finite(
                spelled,
                FlowRule::UnsafeDeserialization,
                "a serialised object with a constructor",
                "deserialising builds objects of any class",
            )],
            SinkKind::Regex => vec![self.judge_regex(spelled)],
            SinkKind::Attribute => vec![self.judge_attribute(spelled)],
            SinkKind::Merge => vec![self.judge_finite(
                spelled,
                FlowRule::PrototypePollution,
                "{\"__proto__\": {}}",
                "keys from the caller are merged into an object",
            )],
            SinkKind::Open => vec![self.judge_scheme(spelled)],
            SinkKind::Argv | SinkKind::Url | SinkKind::Browse | SinkKind::SourceFile => Vec::new(),
        }
    }

    fn judge_finite(&self, spelled: &Spelled, rule: FlowRule, example: &str, reason: &str) -> Judged {
        let open = spelled.pieces.iter().any(|piece| match piece {
            Piece::Hole(props) => !props.is_finite() && !is_inert(props),
            _ => false,
        });
        if open { Judged::bad(rule, example, reason) } else { Judged::guarded(rule) }
    }

    fn judge_regex(&self, spelled: &Spelled) -> Judged {
        let open = spelled.pieces.iter().any(|piece| match piece {
            // Quantifiers are what makes a pattern expensive.
            Piece::Hole(props) => {
                let is_escaped =
                    matches!(props.quoted, Quoting::Backslash(set) if set.contains('*') && set.contains('\\'));
                !props.is_finite() && !props.charset.excludes("*+{") && !is_escaped
            }
            _ => false,
        });
        if open {
            Judged::bad(FlowRule::UnsafeRegex, "(a+)+$", "the caller chooses the pattern")
        } else {
            Judged::guarded(FlowRule::UnsafeRegex)
        }
    }

    fn judge_attribute(&self, spelled: &Spelled) -> Judged {
        // A constant prefix restricts the lookup to the handlers it names.
        if matches!(spelled.pieces.first(), Some(Piece::Lit(_))) {
            return Judged::guarded(FlowRule::CodeInjection);
        }
        self.judge_finite(spelled, FlowRule::CodeInjection, "__class__", "the caller chooses which member is used")
    }

    fn judge_shell(&self, spelled: &Spelled) -> Judged {
        let parts = spelled.parts();
        let reports = shell::analyze(&parts);
        let worst = reports.into_iter().max_by_key(|report| report.verdict.severity());
        let Some(worst) = worst else { return Judged::guarded(FlowRule::CommandInjection) };
        let whole = if spelled.is_whole { FlowRule::CommandExecution } else { FlowRule::CommandInjection };
        match worst.verdict {
            Verdict::Safe => Judged::guarded(FlowRule::CommandInjection),
            Verdict::BreaksOut { example, why } => {
                Judged::bad(whole, example, why).or_witnesses(&["x; id", "$(id)", "`id`", "x && id"])
            }
            Verdict::Splits { example, .. } => {
                Judged::bad(FlowRule::ArgumentInjection, example, "a blank starts another argument")
            }
            Verdict::Argument(verdict) => judge_argument(verdict, spelled.is_whole),
        }
    }

    fn judge_path(&self, spelled: &Spelled, rule: FlowRule) -> Judged {
        match path::judge(&spelled.parts()) {
            PathVerdict::Safe | PathVerdict::Escapes { reach: Reach::ParentOnly, .. } => Judged::guarded(rule),
            PathVerdict::SymlinkOnly { .. } => Judged {
                example: Some("a symbolic link inside the directory".to_owned()),
                reason: "the path is contained by text only".to_owned(),
                outcome: Outcome::Vulnerable,
                ..Judged::guarded(FlowRule::SymlinkEscape)
            },
            PathVerdict::Weak { example, reason, .. } => match reason {
                path::WeakContainment::RelativeMayBeAbsolute => Judged::guarded(rule),
                // No replay: the bypass depends on the directory, which is not known.
                _ => Judged {
                    witnesses: Vec::new(),
                    ..Judged::bad(FlowRule::PathPrefixBypass, example, "the containment check compares text")
                },
            },
            PathVerdict::Escapes { example, .. } => {
                Judged::bad(rule, example, "the value chooses the file").or_witnesses(&PATH_WITNESSES)
            }
        }
    }

    /// A URL that is handed to whatever program its scheme belongs to.
    fn judge_scheme(&self, spelled: &Spelled) -> Judged {
        let start = spelled.pieces.iter().find(|piece| match piece {
            Piece::Lit(text) => !text.chars().all(|c| matches!(c, '"' | '\'')),
            _ => true,
        });
        let is_open = match start {
            Some(Piece::Hole(props)) => {
                !props.is_finite()
                    && props.url.scheme == Scheme::Unknown
                    && props.charset.contains(':')
                    && props.first.contains('f')
                    && props.path.abs != path::Abs::Abs
                    && props.path.within == path::Within::None
            }
            _ => false,
        };
        if is_open {
            Judged::bad(FlowRule::UrlScheme, "file:///etc/passwd", "the caller chooses the scheme, and so the program")
        } else {
            Judged::guarded(FlowRule::UrlScheme)
        }
    }

    fn judge_host(&self, spelled: &Spelled) -> Judged {
        let open = spelled.pieces.iter().any(|piece| match piece {
            Piece::Hole(props) => {
                !props.is_finite() && !matches!(props.url.host, Host::AllowListed | Host::Fixed(_)) && !is_inert(props)
            }
            _ => false,
        });
        if open {
            Judged::bad(FlowRule::Ssrf, "169.254.169.254", "the caller chooses the host")
                .or_witnesses(&["127.0.0.1", "10.0.0.1"])
        } else {
            Judged::guarded(FlowRule::Ssrf)
        }
    }

    fn judge_sql(&self, spelled: &Spelled, flavor: sql::Flavor) -> Judged {
        if spelled.is_whole {
            let finite = matches!(spelled.pieces.as_slice(), [Piece::Hole(props)] if props.is_finite());
            return if finite {
                Judged::guarded(FlowRule::SqlInjection)
            } else {
                Judged::bad(FlowRule::DangerousByDesign, "DROP TABLE users", "the caller writes the whole statement")
            };
        }
        if is_statement(&spelled.pieces) {
            return Judged::bad(
                FlowRule::DangerousByDesign,
                "DROP TABLE users",
                "the caller writes the whole statement",
            );
        }
        judge_syntax(&spelled.parts(), flavor, FlowRule::SqlInjection)
    }

    fn judge_query(&self, spelled: &Spelled) -> Judged {
        if spelled.is_whole {
            return self.judge_finite(
                spelled,
                FlowRule::DangerousByDesign,
                "MATCH (n) DETACH DELETE n",
                "the caller writes the whole query",
            );
        }
        if is_statement(&spelled.pieces) {
            let example = "MATCH (n) DETACH DELETE n";
            return Judged::bad(FlowRule::DangerousByDesign, example, "the caller writes the whole query");
        }
        judge_syntax(&spelled.parts(), sql::Flavor::Cypher, FlowRule::NosqlInjection)
    }

    // ------------------------------------------------------------------ programs

    fn check_argv(&mut self, row: &SinkRow, api: &str, args: &Args, this: Option<&Val>, span: Span) {
        let options_shell = row.shell_if.as_ref().and_then(|selector| self.select(selector, args, this));
        let is_shell = options_shell.is_some_and(|value| match value.truth() {
            Some(truth) => truth,
            // An unknown option object says nothing; a value that was chosen at run time may be a shell.
            None => !matches!(value.kind, Kind::Unknown | Kind::Api(..)),
        });
        let mut words: Vec<Val> = Vec::new();
        let mut more: Option<Val> = None;
        if let Some(program) = &row.program {
            let method = api.rsplit('.').next().unwrap_or_default().replace('_', "-");
            words.extend(program.split(' ').map(|word| Val::str(&word.replace("{method}", &method))));
        } else {
            let Some(program) = self.select(&row.arg, args, this) else { return };
            let program = self.current(&program);
            let is_line = row.splits && program.alternatives().iter().any(|value| matches!(value.kind, Kind::Str));
            let program = if is_line { self.split_words(&program, span) } else { program };
            self.add_words(&program, &mut words, &mut more, span);
        }
        match row.argv.as_deref() {
            Some(from) if from.ends_with("..") => {
                let from = from.trim_end_matches('.').parse::<usize>().unwrap_or(1);
                for value in args.pos.iter().skip(from).cloned().collect::<Vec<_>>() {
                    self.add_words(&value, &mut words, &mut more, span);
                }
                if let Some(rest) = args.rest.clone() {
                    more = Some(more.map_or(rest.clone(), |more| self.join(&more, &rest)));
                }
            }
            Some(selector) => {
                if let Some(list) = self.select(selector, args, this)
                    && !list.is_nullish()
                {
                    self.add_words(&list, &mut words, &mut more, span);
                }
            }
            None => {}
        }
        if is_shell {
            let list = self.new_array(words, more);
            let line = self.join_array(&list, " ");
            self.check_value(SinkKind::Shell, api, &line, span);
            return;
        }
        if let Some(input) = row.input.as_ref().and_then(|input| self.select(input, args, this)) {
            self.check_input(api, &words, &input, span);
        }
        self.check_words(api, words, more, span);
    }

    /// What a program reads from its standard input is data, unless it is an interpreter that is given no script.
    fn check_input(&mut self, api: &str, words: &[Val], input: &Val, span: Span) {
        let known: Vec<String> = words
            .iter()
            .map(|word| word.literal().map(str::to_owned).or_else(|| program_of(&self.apis, word)).unwrap_or_default())
            .collect();
        let Some(option) = argv::code_option_of_reader(&known) else { return };
        // The same as giving the text as an argument.
        let words = vec![Val::str(&known[0]), Val::str(option), input.clone()];
        self.check_words(api, words, None, span);
    }

    /// Elements of an argument list, or a single word.
    fn add_words(&mut self, value: &Val, words: &mut Vec<Val>, more: &mut Option<Val>, span: Span) {
        let value = self.current(value);
        let is_list = match &value.kind {
            Kind::Obj(id) => self.store.obj(*id).is_sequence(),
            Kind::Union(values) => {
                values.iter().any(|value| matches!(value.kind, Kind::Obj(id) if self.store.obj(id).is_sequence()))
            }
            _ => false,
        };
        if is_list {
            let (items, rest) = self.elements_of(&value, span);
            if more.is_none() {
                words.extend(items);
                *more = rest;
            } else {
                for item in items.into_iter().chain(rest) {
                    let joined = match more.take() {
                        Some(before) => self.join(&before, &item),
                        None => item,
                    };
                    *more = Some(joined);
                }
            }
        } else if let (Kind::Obj(_), false) = (&value.kind, words.is_empty()) {
            // Options, not arguments.
        } else if matches!(value.kind, Kind::Unknown) && !words.is_empty() && value.text.is_none() {
            // A list of unknown length.
            let (items, rest) = self.elements_of(&value, span);
            words.extend(items);
            *more = rest;
        } else {
            words.push(value);
        }
    }

    fn check_words(&mut self, api: &str, words: Vec<Val>, more: Option<Val>, span: Span) {
        let known = words.len();
        let all: Vec<Val> = words.into_iter().chain(more).collect();
        let spelled: Vec<Vec<Option<Spelled>>> = all
            .iter()
            .map(|word| {
                let word = self.current(word);
                let shape = self.path_shape(&word);
                let spelled = word.alternatives().to_vec();
                spelled.iter().map(|word| self.spell(word).map(|spelled| Spelled { shape, ..spelled })).collect()
            })
            .collect();
        let fixed: Vec<String> = all
            .iter()
            .enumerate()
            .map(|(index, word)| {
                let literal = word.literal().filter(|_| word.taint.is_none()).map(str::to_owned);
                let named = || if index == 0 { program_of(&self.apis, word) } else { None };
                literal.or_else(named).unwrap_or_else(|| "\u{0}".to_owned())
            })
            .collect();
        let unknown = StrProps::default();
        let word_parts: Vec<argv::Word<'_>> = spelled
            .iter()
            .zip(&fixed)
            .map(|(alternatives, fixed)| match alternatives.iter().flatten().next() {
                Some(spelled) => spelled.parts(),
                None if fixed != "\u{0}" => vec![DomainPart::Lit(fixed)],
                None => vec![DomainPart::Trusted(&unknown)],
            })
            .collect();
        for (index, alternatives) in spelled.iter().enumerate() {
            for spelled in alternatives.iter().flatten() {
                if self.replay_reached(spelled, span) {
                    continue;
                }
                let mut words = word_parts.clone();
                words[index] = spelled.parts();
                let verdict = match argv::judge(&words, index) {
                    // A comment that hides nothing of the program's: the last word is missing, that is all.
                    ArgVerdict::Shell { verdict, .. } if index + 1 == all.len() && is_comment(&verdict) => {
                        ArgVerdict::Safe
                    }
                    verdict => verdict,
                };
                let judged = match verdict {
                    ArgVerdict::Safe => Judged::guarded(FlowRule::ArgumentInjection),
                    // Everything after the program is the caller's: a pass-through of that program, which is what the
                    // tool is for. It still may not choose the program or reach a shell.
                    ArgVerdict::Option { program, example, .. } if index == 1 && index >= known => Judged::bad(
                        FlowRule::DangerousByDesign,
                        example,
                        format!("the caller writes all arguments of `{program}`"),
                    ),
                    // `kubectl exec … -- program`: it runs there and not here.
                    ArgVerdict::Program { example } if index > 0 && is_remote(&fixed[0]) => Judged::bad(
                        FlowRule::DangerousByDesign,
                        example,
                        format!("`{}` runs the program elsewhere", fixed[0]),
                    ),
                    verdict => judge_argument(verdict, spelled.is_whole),
                };
                let is_quiet = judged.outcome == Outcome::Guarded;
                self.hit(SinkKind::Argv, api, spelled, judged, span);
                if opens_url(&fixed, index) {
                    let judged = self.judge_scheme(spelled);
                    self.hit(SinkKind::Open, api, spelled, judged, span);
                }
                if is_quiet && is_output_file(&fixed, index) {
                    let judged = self.judge_path(spelled, FlowRule::FileWrite);
                    self.hit(SinkKind::FileCreate, api, spelled, judged, span);
                }
            }
        }
    }

    // ------------------------------------------------------------------ network

    fn check_url(
        &mut self,
        kind: SinkKind,
        api: &str,
        value: &Val,
        base: Option<Val>,
        data: Option<ObjId>,
        span: Span,
    ) {
        let value = self.current(value);
        if let Kind::Obj(id) = value.kind {
            let obj = self.store.obj_rc(id);
            let get = |name: &str| obj.fields.get(&Symbol::new(name)).cloned().filter(|value| !value.is_nullish());
            if let Some(href) = get("href") {
                self.check_url(kind, api, &href, base, data, span);
                return;
            }
            if let Some(url) = get("url").or_else(|| get("uri")) {
                let base = get("baseURL").or_else(|| get("baseUrl")).or_else(|| get("prefixUrl")).or(base);
                self.check_url(kind, api, &url, base, data, span);
                return;
            }
            for field in ["hostname", "host"] {
                if let Some(host) = get(field) {
                    self.check_value(SinkKind::Host, api, &host, span);
                }
            }
            return;
        }
        let base = base.or_else(|| self.client_base(data));
        for alternative in value.alternatives().to_vec() {
            if alternative.is_nullish() || self.is_content(&alternative) {
                continue;
            }
            let joined = match &base {
                // A client with a base URL treats the path as relative to it, unless it is a URL itself.
                Some(base) => self.url_join(&Args::of(vec![base.clone(), alternative.clone()]), span),
                None => alternative.clone(),
            };
            for joined in self.current(&joined).alternatives().to_vec() {
                let Some(spelled) = self.spell(&joined) else { continue };
                if self.replay_reached(&spelled, span) {
                    continue;
                }
                for judged in self.judge_url(kind, &spelled) {
                    self.hit(kind, api, &spelled, judged, span);
                }
            }
        }
    }

    /// Runs what a client runs before each request (httpx: `event_hooks={"request": […]}`), for what it learns of the
    /// URL; true when it surely throws.
    fn is_refused(&mut self, url: &Val, data: Option<ObjId>, span: Span) -> bool {
        if !url.is_tainted() {
            return false;
        }
        let mut next = data;
        for _ in 0..4 {
            let Some(id) = next else { return false };
            let state = self.store.obj_rc(id);
            for key in ["event_hooks", "$event_hooks"] {
                let Some(hooks) = state.fields.get(&Symbol::new(key)).cloned() else { continue };
                let list = self.get_index(&hooks, &Val::str("request"), span);
                let (items, more) = self.elements_of(&list, span);
                for hook in items.into_iter().chain(more) {
                    if !self.is_callable(&hook) {
                        continue;
                    }
                    let mut request = Obj::new(ObjKind::Plain);
                    let parsed = self.url_parse(&Args::of(vec![url.clone()]), span);
                    request.fields.insert(Symbol::new("url"), parsed);
                    let request = Val::of(Kind::Obj(self.store.new_obj(request)));
                    self.call_value(&hook, None, Args::of(vec![request]), span);
                    if self.last_call_failed {
                        return true;
                    }
                }
            }
            next = match state.fields.get(&Symbol::new("$of")).map(|value| &value.kind) {
                Some(Kind::Obj(id)) => Some(*id),
                _ => None,
            };
        }
        false
    }

    /// `axios.create({ baseURL })`, `httpx.Client(base_url=…)`: kept with the client.
    fn client_base(&mut self, data: Option<ObjId>) -> Option<Val> {
        let mut next = data;
        for _ in 0..4 {
            let state = self.store.obj_rc(next?);
            for key in ["$base_url", "baseURL", "base_url"] {
                if let Some(base) = state.fields.get(&Symbol::new(key)).filter(|value| !value.is_nullish()) {
                    return Some(base.clone());
                }
            }
            if let Some(Val { kind: Kind::Obj(options), .. }) = state.items.first() {
                for key in ["baseURL", "prefixUrl", "baseUrl"] {
                    if let Some(base) =
                        self.store.obj(*options).fields.get(&Symbol::new(key)).filter(|value| !value.is_nullish())
                    {
                        return Some(base.clone());
                    }
                }
            }
            next = match state.fields.get(&Symbol::new("$of")).map(|value| &value.kind) {
                Some(Kind::Obj(id)) => Some(*id),
                _ => None,
            };
        }
        None
    }

    fn judge_url(&self, kind: SinkKind, spelled: &Spelled) -> Vec<Judged> {
        if let ([Piece::Hole(props)], SinkKind::Browse) = (spelled.pieces.as_slice(), kind)
            && matches!(props.url.scheme, Scheme::Web | Scheme::Https)
        {
            // A browser that opens web pages is the tool's purpose; local files are not.
            return vec![Judged::guarded(FlowRule::Ssrf)];
        }
        if let Some(Piece::Lit(start)) = spelled.pieces.first()
            && start.starts_with('/')
            && !start.starts_with("//")
        {
            // A path without a base: there is no host in it, and clients refuse it.
            return vec![Judged::guarded(FlowRule::Ssrf)];
        }
        let parts = spelled.parts();
        let mut judged = Vec::new();
        for hole in url::analyze(&parts) {
            let internal = match &spelled.pieces[hole.part] {
                Piece::Hole(props) => props.url.internal,
                _ => Internal::Unchecked,
            };
            judged.push(match (hole.host, internal) {
                (_, Internal::Denied) | (Host::AllowListed | Host::Fixed(_), _) => Judged::guarded(FlowRule::Ssrf),
                (Host::WeaklyChecked { why, bypass }, _) => {
                    Judged { witnesses: Vec::new(), ..Judged::bad(FlowRule::WeakHostCheck, &*bypass, why.explain()) }
                }
                (Host::Tainted, _) => {
                    let example = hole.example.unwrap_or_else(|| INTERNAL_URLS[0].to_owned());
                    let witnesses: &[&str] =
                        if kind == SinkKind::Browse { &["file:///etc/passwd"] } else { &INTERNAL_URLS };
                    let mut bad = Judged::bad(FlowRule::Ssrf, example, "the caller chooses the host");
                    if spelled.is_whole {
                        bad.witnesses.clear();
                    }
                    bad.or_witnesses(witnesses)
                }
            });
        }
        // One verdict per sink: the worst.
        judged.sort_by_key(|judged| (judged.outcome == Outcome::Guarded, judged.rule));
        judged.truncate(1);
        judged
    }

    // ------------------------------------------------------------------ other shapes

    /// `object[key] = value` with an untrusted key on an object that is not a plain dictionary of the caller.
    pub(crate) fn check_prototype(&mut self, target: &Val, key: &Val, value: &Val, span: Span) {
        if !self.found.is_running_handler || self.lang() != Lang::JavaScript || self.taint_now(key).is_none() {
            return;
        }
        // Only nested writes pollute: `o[a][b] = v` where both keys come from the caller.
        let is_nested = target.is_tainted() || self.found.picked.contains(&target.vn);
        if !is_nested || self.taint_now(value).is_none() {
            return;
        }
        let Some(spelled) = self.spell(key) else { return };
        if self.replay_reached(&spelled, span) {
            return;
        }
        let props = self.props(key);
        if !props.is_finite() && !props.charset.excludes("_") {
            let judged =
                Judged::bad(FlowRule::PrototypePollution, "__proto__", "a key from the caller can name the prototype");
            self.hit(SinkKind::Merge, "computed assignment", &spelled, judged, span);
        }
    }

    pub(crate) fn check_dynamic_import(&mut self, request: &Val, span: Span) {
        if self.found.is_running_handler && self.taint_now(request).is_some() {
            self.check_value(SinkKind::Code, "import()", request, span);
        }
    }

    // ------------------------------------------------------------------ recording

    fn hit(&mut self, kind: SinkKind, api: &str, spelled: &Spelled, judged: Judged, span: Span) {
        if self.is_not_taken() {
            return;
        }
        let mut notes: Vec<(Location, String, NoteKind)> = Vec::new();
        let mut guard = None;
        for hole in &spelled.holes {
            if let Some(fact) = self.store.fact(hole.vn) {
                guard = guard.or(fact.at);
                for note in &fact.notes {
                    notes.push((note.at, note.text.clone(), note.kind));
                }
            }
        }
        if notes.is_empty() && judged.rule == FlowRule::PathPrefixBypass {
            let within = |hole: &Val| self.props(hole).path.within;
            let dirs: Vec<Option<Rc<str>>> = spelled
                .holes
                .iter()
                .filter_map(|hole| match within(hole) {
                    path::Within::Weak { dir, .. } => Some(dir),
                    _ => None,
                })
                .collect();
            let is_of = |dir: &str| dirs.iter().any(|own| own.as_deref().is_none_or(|own| own == dir));
            let met = self.found.weak_checks.iter().filter(|(dir, _)| is_of(dir));
            notes.extend(met.map(|(_, note)| (note.at, note.text.clone(), note.kind)));
            notes.dedup();
        }
        let step = if spelled.step != 0 { spelled.step } else { spelled.holes.first().map_or(0, |hole| hole.step) };
        let at = self.here(span);
        let hit = Hit {
            rule: judged.rule,
            kind,
            outcome: judged.outcome,
            at,
            api: api.to_owned(),
            taint: spelled.taint,
            step,
            calls: self.frames.iter().filter_map(|frame| frame.called_at).collect(),
            example: judged.example,
            reason: judged.reason,
            notes,
            guard,
            witnesses: judged.witnesses,
            limit: limit(judged.rule, kind, spelled.shape),
        };
        let is_known = self.found.hits.iter().any(|known| {
            known.at == hit.at && known.rule == hit.rule && known.outcome == hit.outcome && known.taint == hit.taint
        });
        if !is_known && self.found.hits.len() < 4_000 {
            self.found.hits.push(hit);
        }
    }

    // ------------------------------------------------------------------ replay

    /// During a replay nothing is judged; it is only seen whether the witness, or a value computed from it in ways that
    /// are not followed exactly, arrives at the sink in question.
    fn replay_reached(&mut self, spelled: &Spelled, span: Span) -> bool {
        if self.found.replay.is_none() {
            return false;
        }
        let at = self.here(span);
        let text: Option<String> = spelled
            .pieces
            .iter()
            .map(|piece| match piece {
                Piece::Lit(text) => Some(text.to_string()),
                Piece::Hole(props) | Piece::Trusted(props) => props.as_literal().map(str::to_owned),
            })
            .collect();
        let param = self.found.replay.as_ref().map(|replay| replay.param.clone()).unwrap_or_default();
        let source = self.found.sources.iter().position(|source| source.param == param);
        if source.is_some_and(|source| spelled.taint.0 & Taint::source(source).0 == 0) {
            // Another parameter at the same sink.
            return true;
        }
        let not_taken = self.is_not_taken();
        if let Some(replay) = &mut self.found.replay
            && replay.at == at
        {
            // A concrete value that lost what made it harmful was sanitised.
            let harmless = text.as_deref().is_some_and(|text| !replay.is_harmful(text));
            if !harmless && !not_taken {
                replay.reached = true;
                self.is_decided = true;
            }
        }
        true
    }

    /// Whether a witness takes the place of this parameter.
    pub(crate) fn is_replayed(&self, param: &str) -> bool {
        self.found.replay.as_ref().is_some_and(|replay| replay.param == param)
    }

    /// The witness in place of the parameter under replay.
    pub(crate) fn replayed(&self, value: Val, param: &str) -> Val {
        match &self.found.replay {
            Some(replay) if replay.param == param => {
                let text = Val::arc_str(arc(&replay.witness));
                Val { taint: value.taint, step: value.step, vn: value.vn, ..text }
            }
            _ => value,
        }
    }
}

/// The program a value names when only its directory is configurable: `${sdk}/platform-tools/adb`, `env.ADB || "adb"`,
/// `config.adb_path`.
fn program_of(apis: &crate::engine::api::ApiTable, value: &Val) -> Option<String> {
    if value.is_tainted() {
        return None;
    }
    value.alternatives().iter().find_map(|value| {
        if let Some(names) = value.literals() {
            return names.first().map(|name| name.to_string());
        }
        if let Kind::Api(api, _) = value.kind {
            return argv::program_kept_as(apis.name(api).rsplit('.').next()?).map(str::to_owned);
        }
        match value.text.as_deref()?.parts.as_slice() {
            [.., Part::Lit(end)] if end.contains('/') && !end.ends_with('/') => {
                Some(end.rsplit('/').next()?.to_owned())
            }
            [.., Part::Lit(before), Part::Lit(name)] if before.ends_with('/') => Some(name.to_string()),
            // `adb` or `adb.exe`: the same program.
            [.., Part::Lit(before), Part::Hole(name)] if before.ends_with('/') => {
                name.literals()?.first().map(|name| name.to_string())
            }
            _ => None,
        }
    })
}

/// Whether a program hands commands to another machine, device or container.
fn is_remote(program: &str) -> bool {
    REMOTE_SHELLS.contains(&program.rsplit('/').next().unwrap_or(program))
}

/// The program that all values name, wherever each of them looks for it.
pub(crate) fn common_program(apis: &crate::engine::api::ApiTable, values: &[Val]) -> Option<String> {
    let name = |value: &Val| {
        let path = program_of(apis, value)?;
        let name = path.rsplit(['/', '\\']).next()?.to_owned();
        Some(name.strip_suffix(".exe").unwrap_or(&name).to_owned())
    };
    let first = name(values.first()?)?;
    let is_placed = values.iter().any(|value| value.literals().is_none());
    let agree = values.iter().all(|value| name(value).as_deref() == Some(&first));
    (is_placed && agree && !first.is_empty()).then_some(first)
}

/// Whether the word at `index` names a file that the program writes: the value of an output option, or the operand of a
/// known capture command.
fn is_output_file(fixed: &[String], index: usize) -> bool {
    let after_option = index > 0 && OUTPUT_OPTIONS.contains(&fixed[index - 1].as_str());
    let is_capture = fixed.first().is_some_and(|program| program.ends_with("xcrun"))
        && fixed[..index].iter().any(|word| matches!(word.as_str(), "screenshot" | "recordVideo"))
        && (fixed[index - 1] == "--" || index + 1 == fixed.len());
    after_option || is_capture
}

/// Whether the only value in a statement is itself a statement: `EXPLAIN ${query}`, `SELECT * FROM (${query}) LIMIT 10`.
fn is_statement(pieces: &[Piece]) -> bool {
    let (Some(at), 1) = (
        pieces.iter().position(|piece| matches!(piece, Piece::Hole(_))),
        pieces.iter().filter(|piece| matches!(piece, Piece::Hole(_))).count(),
    ) else {
        return false;
    };
    let before: String =
        pieces[..at].iter().map(|piece| if let Piece::Lit(text) = piece { text } else { "x" }).collect();
    // Behind a blank: a name in quotes is no statement.
    let is_apart = before.ends_with([' ', '\n', '\t', ')']);
    let before = before.trim().to_ascii_uppercase();
    let explains = is_apart
        && ["EXPLAIN", "PROFILE", "DESCRIBE"].iter().any(|word| before.starts_with(word))
        && !before.contains("FROM");
    let encloses = before.strip_suffix('(').is_some_and(|before| {
        let before = before.trim_end();
        before.ends_with(" FROM") || before.ends_with(" AS")
    });
    explains || encloses
}

/// What keeps the harm of a flow small. A path that leaves the directory the program names for it is never limited: it
/// was meant to stay inside.
fn limit(rule: FlowRule, kind: SinkKind, shape: PathShape) -> Option<Limit> {
    match (rule, kind) {
        (FlowRule::PathTraversal | FlowRule::FileWrite, _) if shape.is_rooted => None,
        (FlowRule::PathTraversal | FlowRule::FileWrite, _) if shape.is_end_fixed => Some(Limit::FixedEnd),
        // Decided when the content is followed.
        (FlowRule::PathTraversal, _) => Some(Limit::NotHandedOut),
        (FlowRule::FileWrite, SinkKind::FileCreate) => Some(Limit::OwnContent),
        (FlowRule::Ssrf, SinkKind::Browse) => Some(Limit::Browser),
        _ => None,
    }
}

/// Whether the word at `index` is a URL that another program is chosen for by its scheme: on this desktop, on a device, in
/// a simulator.
fn opens_url(fixed: &[String], index: usize) -> bool {
    let program = fixed.first().map(|path| path.rsplit(['/', '\\']).next().unwrap_or_default()).unwrap_or_default();
    let before = &fixed[..index];
    let says = |word: &str| before.iter().any(|before| before == word);
    match program.strip_suffix(".exe").unwrap_or(program) {
        "open" | "xdg-open" | "wslview" | "gnome-open" | "kde-open" | "sensible-browser" => {
            before.last().is_some_and(|last| !matches!(last.as_str(), "-a" | "-b"))
        }
        "gio" => says("open"),
        "explorer" => index == 1,
        "rundll32" => index == 2,
        "cmd" => says("start"),
        "adb" => says("start") && before.last().is_some_and(|last| last == "-d"),
        "xcrun" | "simctl" => says("openurl") && index >= 2,
        _ => false,
    }
}

/// Whether a value can do no more in a command than to begin a comment.
fn is_comment(verdict: &Verdict) -> bool {
    matches!(verdict, Verdict::BreaksOut { example, .. } if example.starts_with('#'))
}

/// The language of a program in a file with this extension.
fn language_of(extension: &str) -> Option<argv::Language> {
    Some(match extension {
        "py" | "pyi" | "ipynb" => argv::Language::Python,
        "js" | "mjs" | "cjs" | "ts" | "tsx" => argv::Language::JavaScript,
        "sh" | "bash" | "zsh" => argv::Language::Shell,
        "ps1" => argv::Language::PowerShell,
        "rb" => argv::Language::Ruby,
        "php" => argv::Language::Php,
        _ => return None,
    })
}

/// What the holes of a program text can do.
fn judge_code(spelled: &Spelled, language: argv::Language) -> Judged {
    let parts = spelled.parts();
    let worst = code::analyze(&parts, language).into_iter().find(|hole| hole.verdict != CodeVerdict::Safe);
    match worst.map(|hole| hole.verdict) {
        None | Some(CodeVerdict::Safe) => Judged::guarded(FlowRule::CodeInjection),
        Some(CodeVerdict::Program { example }) => {
            Judged::bad(FlowRule::CodeInjection, example, "the text is run as code")
        }
        Some(CodeVerdict::BreaksOut { example, why }) => Judged::bad(FlowRule::CodeInjection, example, why),
    }
}

/// What an argument verdict means as a finding.
fn judge_argument(verdict: ArgVerdict, is_whole: bool) -> Judged {
    match verdict {
        ArgVerdict::Safe => Judged::guarded(FlowRule::ArgumentInjection),
        ArgVerdict::Program { example } => {
            Judged::bad(FlowRule::CommandExecution, example, "the value chooses the program")
        }
        ArgVerdict::Code { program, example, .. } => {
            Judged::bad(FlowRule::CodeInjection, example, format!("`{program}` runs the value as code"))
        }
        // A tool that runs the caller's command on another machine or in a container is what it says; this host is not
        // touched. Breaking out of a larger remote command is an injection like any other.
        ArgVerdict::Shell { program, is_command: true, .. }
            if is_whole && REMOTE_SHELLS.contains(&program.as_str()) =>
        {
            Judged::bad(FlowRule::DangerousByDesign, "id", format!("`{program}` runs the command elsewhere"))
        }
        ArgVerdict::Shell { program, verdict, is_command } => {
            let rule = if is_whole && is_command { FlowRule::CommandExecution } else { FlowRule::CommandInjection };
            match *verdict {
                Verdict::Safe => Judged::guarded(FlowRule::CommandInjection),
                Verdict::BreaksOut { example, why } => {
                    Judged::bad(rule, example, format!("`{program}` starts a shell, and {why}"))
                }
                Verdict::Splits { example, .. } => Judged::bad(
                    FlowRule::ArgumentInjection,
                    example,
                    format!("`{program}` starts a shell, and a blank starts another argument"),
                ),
                Verdict::Argument(inner) => judge_argument(inner, is_whole),
            }
        }
        ArgVerdict::Option { program, example, effect: Some(_) } => Judged::bad(
            FlowRule::ArgumentInjection,
            example.as_str(),
            if example.starts_with('-') {
                format!("`{program}` reads a value that starts with `-` as an option")
            } else {
                format!("`{program}` reads `host:path` as a file on another machine")
            },
        ),
        ArgVerdict::Option { .. } => Judged::guarded(FlowRule::ArgumentInjection),
    }
}

/// What the holes of a statement can do to its syntax.
fn judge_syntax(parts: &[DomainPart<'_>], flavor: sql::Flavor, rule: FlowRule) -> Judged {
    for hole in sql::analyze(parts, flavor) {
        match hole.verdict {
            sql::SqlVerdict::Safe => {}
            sql::SqlVerdict::Statement { example } => {
                return Judged::bad(rule, example, "the value starts the statement");
            }
            sql::SqlVerdict::BreaksOut { example, why } => return Judged::bad(rule, example, why),
        }
    }
    Judged::guarded(rule)
}

/// The dialect a driver speaks, by its access path; [`sql::Flavor::AnySql`] when that is open.
fn sql_flavor(api: &str) -> sql::Flavor {
    const MYSQL: [&str; 8] = ["mysql", "mariadb", "clickhouse", "bigquery", "starrocks", "doris", "tidb", "databricks"];
    const STANDARD: [&str; 9] =
        ["sqlite", "psycopg", "asyncpg", "postgres", "duckdb", "oracledb", "pyodbc", "mssql", "snowflake"];
    let api = api.to_ascii_lowercase();
    if MYSQL.iter().any(|name| api.contains(name)) {
        sql::Flavor::MySql
    } else if STANDARD.iter().any(|name| api.contains(name)) || api.starts_with("pg.") {
        sql::Flavor::Standard
    } else {
        sql::Flavor::AnySql
    }
}

/// Digits, letters and little else: too poor to be code or a host of the caller's choice.
fn is_inert(props: &StrProps) -> bool {
    props.quoted == Quoting::None
        && props.charset.is_subset(crate::domain::CharSet::DIGITS.union(crate::domain::CharSet::of("-+.eE")))
}
