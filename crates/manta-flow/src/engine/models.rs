//! What code outside the target does: sinks, effects, registrations and sources, as data.
//!
//! A row names an *access path* (`child_process.exec`, `axios.create().get`, `requests.Session().get`) and says what
//! calling it means. Rows live in `models/<lang>/<package>.toml`; users add files of the same form with `--models`.
//!
//! Access paths: the root is the import specifier without `node:` and without a trailing `.js` (Python: the dotted
//! module); `.name` is a field, `()` the result of a call or of `new`, `[]` an element. `default` imports are the root
//! itself. Globals are below `globalThis` (JavaScript) and `builtins` (Python). `**` stands for any steps in between
//! (`knex**.raw`).
//!
//! Argument selectors (`arg = "0"`, `"1.url"`, `"*"`, `"kw:shell"`, `"0|kw:args"`, `"this"`): position, fields below
//! it, keyword, alternatives. An array argument is looked into by the sink kinds that take lists.

use std::collections::HashMap;

use serde::Deserialize;

use crate::engine::api::{ApiId, ApiStep, ApiTable};
use crate::ir::{Lang, Symbol};

/// What a sink does with its argument.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SinkKind {
    /// Runs a shell command line.
    Shell,
    /// Runs a program with arguments.
    Argv,
    /// Runs a command line on another machine through its shell.
    RemoteShell,
    /// Reads a file.
    FileRead,
    /// Changes, deletes or moves a file, or fills one with what the caller sends.
    FileWrite,
    /// Creates a directory, or a file whose content is not the caller's text: the program's own, or of a library's format.
    FileCreate,
    /// Unpacks an archive.
    Extract,
    /// Sends a request to a URL.
    Url,
    /// Opens a connection to a host.
    Host,
    /// Opens a URL in a browser the tool drives, or on a device.
    Browse,
    /// Runs an SQL statement.
    Sql,
    /// Runs a query of another language (Cypher, Mongo operators, GraphQL).
    Query,
    /// Runs code.
    Code,
    /// Runs code inside a page or an isolated sandbox.
    PageScript,
    /// Compiles a template.
    Template,
    /// Deserialises into arbitrary objects.
    Deserialize,
    /// Compiles a regular expression.
    Regex,
    /// Looks up a member by name on a live object (`getattr`).
    Attribute,
    /// Merges caller-controlled keys into an object.
    Merge,
}

/// Which arguments of a handler are untrusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HandlerArgs {
    /// First parameter is the object of tool arguments.
    Object,
    /// First parameter is the object of tool arguments if the registration has a schema; otherwise nothing is.
    ObjectIfSchema,
    /// First parameter is the request: `request.params.name`, `request.params.arguments`, `request.params.uri`.
    Request,
    /// First parameter is the URI, second the template variables.
    UriVariables,
    /// Each parameter is an argument, except injected ones (Python decorators).
    Named,
    /// Parameters `(name, arguments)` (Python low level).
    NameArguments,
    /// Parameter `(uri)`.
    Uri,
    /// Parameters `(context, params)` with `params.name` and `params.arguments` (Python mcp 2).
    ContextParams,
    /// First parameter is an HTTP request (`req.body`, `req.query`, `req.params`, `req.headers`).
    HttpRequest,
    /// Each parameter is part of an HTTP request (FastAPI).
    HttpNamed,
}

/// What is registered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Exposes {
    /// A tool.
    Tool,
    /// A resource or resource template.
    Resource,
    /// A prompt.
    Prompt,
    /// A low-level handler: what it exposes is decided by the request schema or method.
    Handler,
    /// An argument completion.
    Completion,
    /// An HTTP route of the server's own.
    Route,
}

/// A row that says which argument of a call is dangerous.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct SinkRow {
    /// Access paths, below the file's `package` (a leading `.` is implied).
    pub call: Vec<String>,
    /// What it does.
    pub kind: SinkKind,
    /// The dangerous argument. For `argv`: the program.
    #[serde(default = "first")]
    pub arg: String,
    /// `argv`: the list of arguments (a list, or everything from this position on with `"1.."`). When absent and `arg`
    /// is a list, its first element is the program.
    pub argv: Option<String>,
    /// `argv`: a fixed program that the library runs (`git` for simple-git).
    pub program: Option<String>,
    /// `argv`: selector of the option that turns it into a shell command line.
    pub shell_if: Option<String>,
    /// SQL: selector of bound parameters (presence does not matter; never a sink).
    pub params: Option<String>,
    /// Base URL selector (`axios({ baseURL, url })`).
    pub base: Option<String>,
    /// Selector of an option that must hold for the row to apply, e.g. `kw:allow_pickle`; or must not, with a
    /// leading `!` (`!kw:Loader`); or must be one of some access paths (`kw:Loader=yaml.Loader,yaml.FullLoader`).
    pub when: Option<String>,
    /// `file-write`: selector of what is written. When nothing of it comes from the caller, the row means `file-create`.
    pub content: Option<String>,
    /// `file-read`: selector of the mode of opening; with `w`, `a`, `x` or `+` in it the row means `file-write`.
    pub mode: Option<String>,
}

fn first() -> String {
    "0".to_owned()
}

/// A row that says what a call returns.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct EffectRow {
    /// Access paths.
    pub call: Vec<String>,
    /// What it does; see [`Effect`].
    pub effect: Effect,
    /// The argument it works on.
    #[serde(default = "first")]
    pub arg: String,
}

/// The closed set of effects that models choose from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Effect {
    /// Returns the argument (deep copies, `Object.freeze`, `asyncio.to_thread` results, `cast`).
    Identity,
    /// Returns something the caller does not control (constants, results of a fixed service, booleans).
    Clean,
    /// Returns text that depends on the arguments in an unknown way (the default).
    Unknown,
    /// Returns a boolean that implies nothing.
    Boolean,
    /// Returns a number.
    Number,
    /// Never returns.
    Never,
    /// Node `path.join`.
    PathJoin,
    /// Node `path.resolve`.
    PathResolve,
    /// Python `os.path.join`, `Path(a, b)`, `joinpath`.
    PythonPathJoin,
    /// `path.normalize`, `os.path.normpath`.
    PathNormalize,
    /// `os.path.abspath`, `Path.absolute`.
    PathAbsolute,
    /// Resolves symbolic links.
    RealPath,
    /// Last component.
    PathBasename,
    /// Parent directory.
    PathDirname,
    /// `path.extname`, `os.path.splitext`.
    PathExtension,
    /// `path.relative`, `os.path.relpath`.
    PathRelative,
    /// `path.isAbsolute`.
    PathIsAbsolute,
    /// `os.path.commonpath`.
    PathCommon,
    /// `os.path.commonprefix`.
    PathCommonPrefix,
    /// `os.path.expanduser`, `expandvars`.
    PathExpand,
    /// `is-path-inside(child, parent)`: true means inside.
    PathInside,
    /// `sanitize-filename`, `secure_filename`: one harmless file name.
    SafeFilename,
    /// `new URL(text, base?)`, `urlparse`.
    UrlParse,
    /// `urljoin(base, url)`.
    UrlJoin,
    /// `encodeURIComponent`, `quote(safe="")`.
    EncodeComponent,
    /// `encodeURI`, `quote`.
    EncodeUri,
    /// `URLSearchParams`, `urlencode`, `qs.stringify`.
    EncodeQuery,
    /// `decodeURIComponent`, base64 decoding.
    Decode,
    /// Hex or base64url or hash digest: letters and digits only.
    Digest,
    /// `shlex.quote`, `shell-quote`'s `quote` on one word.
    ShellQuote,
    /// `shlex.join`, `shell-quote`'s `quote([…])`.
    ShellJoin,
    /// `shlex.split`: a list of words.
    ShellSplit,
    /// `parseInt`, `Number`, `int`.
    ToNumber,
    /// `String`, `str`.
    ToText,
    /// `Boolean`, `bool`.
    ToBool,
    /// `JSON.stringify`, `json.dumps`.
    JsonText,
    /// `JSON.parse`, `yaml.safe_load`: a structure with the argument's taint.
    Parse,
    /// HTML escaping.
    HtmlEscape,
    /// SQL identifier or literal quoting.
    SqlQuote,
    /// `util.promisify(f)`, decorators and wrappers that return their function.
    Function,
    /// Calls the first function argument without arguments and returns its result (`retry(fn)`).
    CallsBack,
    /// `functools.partial`, `asyncio.to_thread(f, *args)`, `run_in_executor(None, f, *args)`: see the Rust match.
    Partial,
    /// Calls the function at `arg` with the following arguments and returns its result.
    Calls,
    /// `Promise.all`, `asyncio.gather(*xs)`: a list.
    Gather,
    /// `Object.keys`.
    Keys,
    /// `Object.values`.
    Values,
    /// `Object.entries`.
    Entries,
    /// `Object.fromEntries`.
    FromEntries,
    /// `Object.assign`.
    Assign,
    /// `Array.from`, `list`, `tuple`, `sorted`, `reversed`.
    List,
    /// `Array.of`.
    ArrayOf,
    /// `new Map`, `new WeakMap`.
    Map,
    /// `new Set`, `set`.
    Set,
    /// `dict`.
    Dict,
    /// `new Promise(executor)`.
    Promise,
    /// `re.escape`, `RegExp.escape`: every special character is preceded by a backslash.
    RegexEscape,
    /// `new RegExp`, `re.compile`.
    RegexNew,
    /// Python `re.match/fullmatch/search/sub/split/findall` by function name.
    PyRegex,
    /// Environment lookup: trusted, not known.
    Environment,
    /// `setTimeout(f)`, event registration: calls the function with unknown arguments.
    Schedules,
    /// `getattr(o, name, default)`.
    GetAttr,
    /// `setattr`.
    SetAttr,
    /// `isinstance`.
    IsInstance,
    /// `enumerate`.
    Enumerate,
    /// `zip`.
    Zip,
    /// `map(f, xs)`.
    PyMap,
    /// `filter(f, xs)`.
    PyFilter,
    /// `any`, `all`.
    AnyAll,
    /// `ipaddress.ip_address(text)`.
    IpAddress,
    /// `dns.lookup(host)`, `socket.getaddrinfo(host)`: an address of the host.
    Resolve,
    /// `net.isIP(text)`.
    IsIp,
    /// Python `open(path)` and the like give a handle whose content is not the caller's.
    Handle,
    /// An object made of the argument, whose methods work on it: an archive opened from a path or from bytes.
    Carries,
    /// A schema builder (`z`, `zod`): handled by the schema module.
    Schema,
}

/// A row that registers something the model can call.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct RegisterRow {
    /// SDK name for the inventory.
    pub sdk: String,
    /// Access paths.
    pub call: Vec<String>,
    /// What is registered.
    pub exposes: Exposes,
    /// Selector of the name, or `=text` for a constant. Absent: the handler's own name.
    pub name: Option<String>,
    /// Selector of the description.
    pub description: Option<String>,
    /// Selector of the input schema.
    pub schema: Option<String>,
    /// Selector of the handler: `"last"` for the last function, `"decorated"` for decorators.
    pub handler: String,
    /// Which of its parameters are untrusted.
    pub args: HandlerArgs,
    /// Whether the SDK validates arguments against the schema before calling the handler.
    #[serde(default)]
    pub validates: bool,
    /// The package and version from which on the SDK validates, e.g. `mcp>=1.10.0`.
    pub validates_since: Option<String>,
}

/// A row that returns or passes untrusted data.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct SourceRow {
    /// Access paths whose result is untrusted.
    pub call: Vec<String>,
    /// What it is, for messages: "elicitation result".
    pub what: String,
}

/// Another name for the same thing.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct AliasRow {
    /// Access paths as met.
    pub from: Vec<String>,
    /// Access path that models are written for.
    pub to: String,
}

/// One model file.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct ModelFile {
    /// Root of the access paths in this file; empty when they spell it out.
    #[serde(default)]
    pub package: String,
    /// Link to the documentation the rows come from.
    #[serde(default)]
    pub docs: Option<String>,
    /// Sinks.
    #[serde(default)]
    pub sink: Vec<SinkRow>,
    /// Effects.
    #[serde(default)]
    pub effect: Vec<EffectRow>,
    /// Registrations.
    #[serde(default)]
    pub register: Vec<RegisterRow>,
    /// Sources.
    #[serde(default)]
    pub source: Vec<SourceRow>,
    /// Aliases.
    #[serde(default)]
    pub alias: Vec<AliasRow>,
}

/// Everything known of one access path.
#[derive(Clone, Debug, Default)]
pub(crate) struct Entry {
    pub(crate) sinks: Vec<SinkRow>,
    pub(crate) effect: Option<EffectRow>,
    pub(crate) registers: Vec<RegisterRow>,
    pub(crate) source: Option<SourceRow>,
}

/// All models.
#[derive(Debug, Default)]
pub struct Models {
    entries: Vec<Entry>,
    exact: HashMap<String, usize>,
    /// Paths with `**`: what comes before, what comes after, entry.
    gaps: Vec<(String, String, usize)>,
    aliases: HashMap<String, String>,
}

/// A model file that could not be read.
#[derive(Debug)]
pub struct ModelError {
    /// Which file.
    pub file: String,
    /// What is wrong, from the TOML reader.
    pub message: String,
}

impl std::fmt::Display for ModelError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "read model file {}: {}", self.file, self.message)
    }
}

impl std::error::Error for ModelError {}

include!(concat!(env!("OUT_DIR"), "/builtin_models.rs"));

impl Models {
    /// The models that ship with manta.
    ///
    /// # Panics
    /// Never: the build script parses every file before it is embedded.
    #[must_use]
    pub fn builtin() -> Self {
        let mut models = Self::default();
        for (name, text) in BUILTIN_MODELS {
            models.add(name, text).expect("model files are checked when manta is built");
        }
        models
    }

    /// Adds a file.
    ///
    /// # Errors
    /// When the text is not a model file.
    pub fn add(&mut self, name: &str, text: &str) -> Result<(), ModelError> {
        let file: ModelFile =
            toml::from_str(text).map_err(|error| ModelError { file: name.to_owned(), message: error.to_string() })?;
        self.add_file(file);
        Ok(())
    }

    fn add_file(&mut self, file: ModelFile) {
        let full = |path: &str| -> String {
            if file.package.is_empty() {
                path.to_owned()
            } else if path.is_empty() {
                file.package.clone()
            } else if path.starts_with("()") || path.starts_with("**") || path.starts_with('[') {
                format!("{}{path}", file.package)
            } else {
                format!("{}.{path}", file.package)
            }
        };
        for row in &file.sink {
            for call in &row.call {
                self.entry(&full(call)).sinks.push(row.clone());
            }
        }
        for row in &file.effect {
            for call in &row.call {
                self.entry(&full(call)).effect = Some(row.clone());
            }
        }
        for row in &file.register {
            for call in &row.call {
                self.entry(&full(call)).registers.push(row.clone());
            }
        }
        for row in &file.source {
            for call in &row.call {
                self.entry(&full(call)).source = Some(row.clone());
            }
        }
        for row in &file.alias {
            for from in &row.from {
                self.aliases.insert(full(from), row.to.clone());
            }
        }
    }

    fn entry(&mut self, path: &str) -> &mut Entry {
        if let Some((before, after)) = path.split_once("**") {
            let known = self.gaps.iter().find(|(b, a, _)| b == before && a == after).map(|(_, _, at)| *at);
            let at = known.unwrap_or_else(|| {
                self.entries.push(Entry::default());
                self.gaps.push((before.to_owned(), after.to_owned(), self.entries.len() - 1));
                self.entries.len() - 1
            });
            return &mut self.entries[at];
        }
        let next = self.entries.len();
        let at = *self.exact.entry(path.to_owned()).or_insert(next);
        if at == next {
            self.entries.push(Entry::default());
        }
        &mut self.entries[at]
    }

    /// The entry for an access path.
    pub(crate) fn find(&self, path: &str) -> Option<usize> {
        if let Some(at) = self.exact.get(path) {
            return Some(*at);
        }
        self.gaps
            .iter()
            .filter(|(before, after, _)| {
                path.len() >= before.len() + after.len() && path.starts_with(before) && path.ends_with(after)
            })
            .max_by_key(|(before, after, _)| before.len() + after.len())
            .map(|(_, _, at)| *at)
    }

    pub(crate) fn get(&self, index: usize) -> &Entry {
        &self.entries[index]
    }

    pub(crate) fn is_never(&self, call_result: &str) -> bool {
        call_result
            .strip_suffix("()")
            .and_then(|path| self.find(path))
            .is_some_and(|at| self.entries[at].effect.as_ref().is_some_and(|row| row.effect == Effect::Never))
    }

    /// Whether a name is a built-in of the language (so a star import from outside does not hide it).
    pub(crate) fn is_builtin(&self, lang: Lang, name: Symbol) -> bool {
        let root = if lang == Lang::Python { "builtins" } else { "globalThis" };
        self.exact.contains_key(&format!("{root}.{name}"))
    }

    /// Follows aliases: `fs.promises` is `fs/promises`.
    pub(crate) fn canonical(&self, apis: &mut ApiTable, api: ApiId) -> ApiId {
        if self.aliases.is_empty() {
            return api;
        }
        match self.aliases.get(&apis.name(api)) {
            Some(target) => parse_path(apis, target),
            None => api,
        }
    }
}

/// Builds an access path from its text. Package roots may contain dots and slashes; the root ends at the first `.`
/// after the last `/` for JavaScript packages without a file extension, which is how models are written.
fn parse_path(apis: &mut ApiTable, text: &str) -> ApiId {
    let root_from = text.rfind('/').map_or(0, |at| at + 1);
    let root_end = text[root_from..].find(['.', '(', '[']).map_or(text.len(), |at| root_from + at);
    let mut api = apis.root(Symbol::new(&text[..root_end]));
    let mut rest = &text[root_end..];
    while !rest.is_empty() {
        if let Some(after) = rest.strip_prefix("()") {
            api = apis.step(api, ApiStep::Call);
            rest = after;
        } else if let Some(after) = rest.strip_prefix("[]") {
            api = apis.step(api, ApiStep::Element);
            rest = after;
        } else {
            let field = rest.trim_start_matches('.');
            let end = field.find(['.', '(', '[']).unwrap_or(field.len());
            api = apis.step(api, ApiStep::Field(Symbol::new(&field[..end])));
            rest = &field[end..];
        }
    }
    api
}
