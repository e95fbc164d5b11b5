//! Judging what reaches a sink: can this value, in this place, do something the program did not mean?

mod hooks;
mod judgement;
mod network;
mod programs;
mod recording;
mod replay;
mod scripts;
mod spelling;
mod statements;

use hooks::Hooks;
pub(crate) use network::PUBLIC_URL;
use network::Request;
use std::rc::Rc;

use manta_core::Span;

use crate::domain::StrProps;
use crate::domain::argv::{self, ArgVerdict};
use crate::domain::code::{self, CodeVerdict};
use crate::domain::props::Part as DomainPart;
use crate::domain::shell::Verdict;
use crate::engine::api::{ApiId, ApiStep};
use crate::engine::interp::{Args, Interp};
use crate::engine::models::{SinkKind, SinkRow};
use crate::engine::report::{FlowRule, Limit, Outcome};
use crate::engine::store::ObjKind;
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
    /// The program that hands the text to a shell on another machine, device or container.
    elsewhere: Option<String>,
    /// The program asks that a request goes on to where the answer redirects it.
    is_redirected: bool,
    /// What keeps the harm small, where the spelling says it.
    limit: Option<Limit>,
}

impl Judged {
    fn guarded(rule: FlowRule) -> Self {
        Self {
            rule,
            outcome: Outcome::Guarded,
            example: None,
            reason: String::new(),
            witnesses: Vec::new(),
            elsewhere: None,
            is_redirected: false,
            limit: None,
        }
    }

    fn bad(rule: FlowRule, example: impl Into<String>, reason: impl Into<String>) -> Self {
        let example = example.into();
        Self {
            rule,
            outcome: Outcome::Vulnerable,
            witnesses: vec![example.clone()],
            example: Some(example),
            reason: reason.into(),
            elsewhere: None,
            is_redirected: false,
            limit: None,
        }
    }

    /// It happens where `program` hands it to, if that is elsewhere.
    fn through(mut self, program: &str) -> Self {
        let name = program.rsplit('/').next().unwrap_or(program);
        self.elsewhere = REMOTE_SHELLS.contains(&name).then(|| name.to_owned());
        self
    }

    /// Which characters a value has is known without any input.
    fn of_characters(mut self) -> Self {
        self.witnesses.clear();
        self
    }

    fn or_witnesses(mut self, more: &[&str]) -> Self {
        self.witnesses.extend(more.iter().map(|text| (*text).to_owned()));
        self
    }
}

/// Programs that hand a command to a shell on another machine, device or container.
const REMOTE_SHELLS: [&str; 9] = ["ssh", "adb", "docker", "podman", "kubectl", "oc", "limactl", "vagrant", "nerdctl"];

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
        let kind = self.kind_of_access(row, args, this);
        self.found.conduct.act(kind, at, api);
        match row.kind {
            SinkKind::Argv => self.check_argv(row, api, args, this, span),
            SinkKind::SourceFile => {
                let Some(text) = self.select(&row.arg, args, this) else { return };
                if let Some(opened) = data {
                    self.note_file_to(opened, &text);
                }
                self.check_source_file(api, &text, this, data, span);
            }
            // Called, it only takes options: what it runs is in the template.
            SinkKind::CommandTag => {}
            SinkKind::Stdin => {
                let Some(text) = self.select(&row.arg, args, this) else { return };
                self.check_input_of_started(api, data, &text, span);
            }
            SinkKind::Url | SinkKind::Browse => {
                let Some(value) = self.select(&row.arg, args, this) else { return };
                let base = row.base.as_ref().and_then(|base| self.select(base, args, this));
                let hooks = self.run_hooks(&value, data, span);
                if hooks == Hooks::Refuse {
                    return;
                }
                // They run again for where an answer redirects to.
                let is_redirected = hooks == Hooks::None && self.goes_on(row, args, data);
                self.check_url(Request { kind: row.kind, api, is_redirected }, &value, base, data, span);
            }
            _ => {
                let Some(value) = self.select(&row.arg, args, this) else { return };
                if let (SinkKind::FileWrite, Some(content)) = (row.kind, &row.content)
                    && let Some(content) = self.select(content, args, this)
                {
                    self.note_file(&value, &content);
                }
                if let (SinkKind::Shell, Some(input)) = (row.kind, &row.input)
                    && let Some(input) = self.select(input, args, this)
                {
                    self.check_input_of_line(api, &value, &input, span);
                }
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

    /// Bytes of a file instead of its name: `Buffer.from(data)`, `io.BytesIO(data)`, and what was made of them
    /// (`DocumentStream(stream=io.BytesIO(data))`).
    fn is_content(&self, value: &Val) -> bool {
        const BYTES: [&str; 5] =
            ["globalThis.Buffer.", "globalThis.Uint8Array", "globalThis.Blob", "io.BytesIO", "io.StringIO"];
        let are_bytes = |value: &Val| match value.kind {
            Kind::Api(api, _) => BYTES.iter().any(|made_by| self.apis.name(api).starts_with(made_by)),
            _ => false,
        };
        let made_of = |id: ObjId| {
            let made = self.store.obj(id);
            made.items.iter().chain(made.fields.values()).any(are_bytes)
        };
        // What is asked of it may be a name.
        let is_made = |api: ApiId| self.apis.last(api) == ApiStep::Call;
        are_bytes(value) || matches!(value.kind, Kind::Api(api, Some(id)) if is_made(api) && made_of(id))
    }

    /// `kw:shell` (must be true or unknown), `!kw:Loader` (must be absent), `kw:Loader=yaml.Loader,yaml.FullLoader`
    /// (must be one of these access paths), `kw:weights_only=False` (must be false), `1.resolve_entities=True` (what the
    /// first argument was made with must be true).
    fn option_holds(&mut self, when: &str, args: &Args, this: Option<&Val>) -> bool {
        if let Some((selector, wanted)) = when.split_once('=') {
            let Some(value) = self.select(selector, args, this) else { return false };
            return value.alternatives().iter().any(|value| match value.kind {
                Kind::Api(api, _) => {
                    let name = self.apis.name(api);
                    wanted.split(',').any(|wanted| *wanted == *name)
                }
                Kind::Bool(Some(is_set)) => wanted == if is_set { "True" } else { "False" },
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
                self.charge(obj.items.len());
                let seen = self.inside(|interp| {
                    for item in obj.items.iter().chain(&obj.more) {
                        interp.check_value(kind, api, item, span);
                    }
                });
                if seen.is_none() {
                    // As one text, in which all of it is.
                    let text = self.to_text(&value);
                    self.check_value(kind, api, &text, span);
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
                    self.inside(|interp| {
                        for field in ["sql", "text", "query", "statement"] {
                            if let Some(text) = obj.fields.get(&Symbol::new(field)) {
                                interp.check_value(kind, api, text, span);
                            }
                        }
                    });
                }
                return;
            }
        }
        if kind == SinkKind::Shell {
            self.check_files_in_line(api, &value, span);
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
            let (spelled, judged) =
                self.judge_either(&alternative, spelled, |interp, spelled| interp.judge(kind, api, spelled));
            let is_quiet = judged.iter().all(|judged| judged.outcome == Outcome::Guarded);
            for judged in judged {
                self.hit(kind, api, &spelled, judged, span);
            }
            if kind == SinkKind::Shell && is_quiet {
                self.check_operands_of_line(api, &alternative, span);
            }
        }
    }

    /// Judges a text as a whole and, if that shows harm, by its pieces, which say more of what is put where. That the text
    /// was checked as a whole, if only weakly, is seen in the whole alone.
    fn judge_either(
        &mut self,
        value: &Val,
        whole: Spelled,
        judge: impl Fn(&Self, &Spelled) -> Vec<Judged>,
    ) -> (Spelled, Vec<Judged>) {
        let judged = judge(self, &whole);
        let is_open = |judged: &Judged| judged.outcome == Outcome::Vulnerable;
        if !judged.iter().any(is_open) {
            return (whole, judged);
        }
        let Some(apart) = self.spell_apart(value) else { return (whole, judged) };
        let apart = Spelled { shape: whole.shape, ..apart };
        let in_pieces = judge(self, &apart);
        let is_weak = |judged: &Judged| is_open(judged) && is_of_weak_check(judged.rule);
        if judged.iter().any(is_weak) && in_pieces.iter().any(is_open) { (whole, judged) } else { (apart, in_pieces) }
    }

    /// Untrusted keys and operators in an object that a query or merge takes.
    fn check_object(&mut self, kind: SinkKind, api: &str, value: &Val, span: Span) {
        let Kind::Obj(id) = value.kind else { return };
        let obj = self.store.obj_rc(id);
        // What stands there runs as code on the database server.
        if let Some(script) = obj.fields.get(&Symbol::new("$where")).cloned()
            && kind == SinkKind::Query
            && let Some(spelled) = self.spell(&script)
            && !self.replay_reached(&spelled, span)
        {
            let judged = judge_code(&spelled, argv::Language::JavaScript);
            let judged = Judged { rule: FlowRule::NosqlInjection, ..judged };
            self.hit(SinkKind::Query, api, &spelled, judged, span);
            return;
        }
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
            self.check_value(SinkKind::Module, "import()", request, span);
        }
    }
}

/// Values that name the interpreter which runs the server.
const OWN_INTERPRETERS: [(&str, &str); 3] =
    [("sys.executable", "python"), ("process.execPath", "node"), ("process.argv0", "node")];

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
            let own = OWN_INTERPRETERS.iter().find(|(path, _)| apis.name(api).ends_with(path));
            if let Some((_, program)) = own {
                return Some((*program).to_owned());
            }
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

/// The program that all values name, wherever each of them looks for it.
pub(crate) fn common_program(apis: &crate::engine::api::ApiTable, values: &[Val]) -> Option<String> {
    let name = |value: &Val| {
        let path = program_of(apis, value)?;
        let name = path.rsplit(['/', '\\']).next()?.to_owned();
        Some(name.strip_suffix(".exe").unwrap_or(&name).to_owned())
    };
    if values.iter().all(|value| value.literals().is_some()) {
        return None;
    }
    let first = name(values.first()?)?;
    let agree = values.iter().all(|value| name(value).as_deref() == Some(&first));
    (agree && !first.is_empty()).then_some(first)
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

/// Whether a rule is about a check that was made, and is not enough.
fn is_of_weak_check(rule: FlowRule) -> bool {
    matches!(rule, FlowRule::PathPrefixBypass | FlowRule::SymlinkEscape | FlowRule::WeakHostCheck)
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
        ArgVerdict::Code { program, language: argv::Language::Cmd | argv::Language::PowerShell, example } => {
            let rule = if is_whole { FlowRule::CommandExecution } else { FlowRule::CommandInjection };
            Judged::bad(rule, example, format!("`{program}` reads its arguments as one line of commands"))
                .of_characters()
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
                .through(&program)
        }
        ArgVerdict::Shell { program, verdict, is_command } => {
            let rule = if is_whole && is_command { FlowRule::CommandExecution } else { FlowRule::CommandInjection };
            match *verdict {
                Verdict::Safe => Judged::guarded(FlowRule::CommandInjection),
                Verdict::BreaksOut { example, why } => {
                    let judged = Judged::bad(rule, example, format!("`{program}` starts a shell, and {why}"));
                    judged.of_characters().through(&program)
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
