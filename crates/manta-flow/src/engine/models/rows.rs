//! The rows of model files: what may be written in `models/<lang>/<package>.toml`.
//!
//! The build script includes this file, so that the built-in models are checked and packed when manta is built and
//! only what a program calls is unpacked; hence no reference to the rest of the crate. Fields are packed by position:
//! all are written, none is skipped.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// What a sink does with its argument.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
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
    /// Hands a URL to whatever program is registered for its scheme.
    Open,
    /// Runs an SQL statement.
    Sql,
    /// Runs a query of another language (Cypher, Mongo operators, GraphQL).
    Query,
    /// Runs code.
    Code,
    /// Loads a module by its name or path, which runs it.
    Module,
    /// Runs code inside a page or an isolated sandbox.
    PageScript,
    /// Runs JavaScript inside a page of a browser: what the whole text says is the tool's purpose, what breaks out of a
    /// larger script is an injection.
    BrowserScript,
    /// Runs Python in an interpreter apart (a kernel, a sandbox): what the whole text says is the tool's purpose, what
    /// breaks out of a larger program is an injection.
    Kernel,
    /// Writes text into a file that is a program, as its name says (`out/x.py`); the file is what the method is called on.
    SourceFile,
    /// A template tag that runs the command it spells, each value as one word: ``$`git log ${ref}` ``.
    CommandTag,
    /// Writes to the standard input of a program that was started; the program is what the method is called on.
    Stdin,
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HandlerArgs {
    /// First parameter is the object of tool arguments.
    Object,
    /// First parameter is the object of tool arguments if the registration has a schema; otherwise nothing is.
    ObjectIfSchema,
    /// First parameter is the object of tool arguments, or has it as its field `context`.
    ObjectInContext,
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
    /// Every parameter is text of a command line.
    CommandLine,
    /// First parameter is an HTTP request (`req.body`, `req.query`, `req.params`, `req.headers`).
    HttpRequest,
    /// The receiver is an HTTP request (`self.path`, `self.headers`, `self.rfile`). The row is of a class; what is derived
    /// from it is registered, with the methods that `handler` names.
    HttpReceiver,
    /// Each parameter is part of an HTTP request (FastAPI).
    HttpNamed,
    /// A JSON-RPC message, or its parts under their usual names (servers without an SDK).
    Message,
}

/// What is registered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
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
    /// A command of a command-line program.
    Command,
}

/// A row that says which argument of a call is dangerous.
#[derive(Clone, Debug, Serialize, Deserialize)]
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
    /// `argv`: a fixed program that the library runs (`git` for simple-git). Further words are its first arguments;
    /// `{method}` is the name of the method called, with dashes (`repo.git.ls_remote` runs `git ls-remote`).
    pub program: Option<String>,
    /// `argv`: a string is split into words, as `shlex.split` does (pexpect, docker).
    #[serde(default)]
    pub splits: bool,
    /// `argv`: selector of what the program reads from its standard input; code, for an interpreter.
    pub input: Option<String>,
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
    /// `url`: it goes on to where an answer redirects, unless it is told not to.
    #[serde(default)]
    pub redirects: bool,
    /// `file-read`: selector of the mode of opening; with `w`, `a`, `x` or `+` in it the row means `file-write`.
    pub mode: Option<String>,
}

fn first() -> String {
    "0".to_owned()
}

/// A row that says what a call returns.
#[derive(Clone, Debug, Serialize, Deserialize)]
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Effect {
    /// Returns the argument (deep copies, `Object.freeze`, `asyncio.to_thread` results, `cast`).
    Identity,
    /// Returns something the caller does not control (constants, results of a fixed service, booleans).
    Clean,
    /// Returns text that depends on the arguments in an unknown way (the default).
    Unknown,
    /// Looks at a function and does not call it: `functools.wraps(f)`, `inspect.signature(f)`.
    Inspect,
    /// Arguments as they are passed, kept in an object: `args`, `kwargs`, and `arguments`, by name as far as they have one.
    Bind,
    /// Keeps the argument: `queue.put(x)`, `heapq.heappush(list, x)`.
    Put,
    /// Returns something of what was kept: `queue.get()`.
    Take,
    /// Keeps the argument while the function runs: `storage.run(store, f, …)`.
    RunsWith,
    /// Starts something and returns its three streams, of which the first is written to: `client.exec_command(line)`.
    Streams,
    /// Starts something and hands it to a callback, after an error that did not happen: `client.exec(line, (error, stream) => …)`.
    HandsOver,
    /// `emitter.on(event, listener)`.
    Listen,
    /// `emitter.emit(event, …)`.
    Emit,
    /// `Promise.allSettled`: a list of outcomes.
    Settle,
    /// Returns the module of that name (`importlib.import_module`).
    Import,
    /// Lists the modules of a package: `pkgutil.iter_modules(package.__path__)`.
    Modules,
    /// Returns a boolean that implies nothing.
    Boolean,
    /// Whether a file or directory is there.
    Exists,
    /// `Array.isArray`.
    IsArray,
    /// `inspect.getmembers`: pairs of a name and what an object, class or module has by it.
    Members,
    /// `dir`: the names alone.
    MemberNames,
    /// `uuid.UUID`: reads hex digits and marks, raises on anything else, and gives what is clean.
    Uuid,
    /// Returns a number.
    Number,
    /// Never returns.
    Never,
    /// Returns only where something holds: that an argument is true (no `arg`), that two are `equal` or `unequal`, that a text
    /// has a pattern (`match`) or has not (`no-match`).
    Asserts,
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
    /// Node `path.parse`: the parts of a path as an object.
    PathParse,
    /// Whole paths of what is found below a directory: `Path.iterdir()`, `Path.glob(…)`.
    PathsBelow,
    /// Whole paths that fit a pattern: `glob.glob(pattern)`.
    PathsLike,
    /// `os.walk(top)`: directories below one, each with the names in it.
    PathWalk,
    /// `os.scandir(path)`: entries that know their name and their path.
    PathEntries,
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
    /// Puts the parts of a URL together again (`urlunparse`).
    UrlUnparse,
    /// `encodeURIComponent`, `quote(safe="")`.
    EncodeComponent,
    /// `encodeURI`.
    EncodeUri,
    /// Python `urllib.parse.quote`: keeps the characters of `safe`, which is `/` unless given.
    PythonQuote,
    /// `URLSearchParams`, `urlencode`, `qs.stringify`.
    EncodeQuery,
    /// `decodeURIComponent`, base64 decoding.
    Decode,
    /// Hex or base64url or hash digest: letters and digits only.
    Digest,
    /// Bytes as base64.
    Base64,
    /// `shlex.quote`, `shell-quote`'s `quote` on one word.
    ShellQuote,
    /// `shlex.join`, `shell-quote`'s `quote([…])`.
    ShellJoin,
    /// `shlex.split`: a list of words.
    ShellSplit,
    /// `parseInt`, `Number`, `int`.
    ToNumber,
    /// `len`.
    Length,
    /// `String`, `str`.
    ToText,
    /// `Boolean`, `bool`.
    ToBool,
    /// `JSON.stringify`, `json.dumps`.
    JsonText,
    /// Python `repr`, `ascii`: a literal of the language.
    Repr,
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
    /// Calls the first function argument with what it was called on, and with the arguments behind it, and returns its
    /// result: `knex.transaction(async (trx) => …)`, `session.execute_read(work, name)`. A transaction runs what its
    /// connection runs.
    Lends,
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
    /// `dict.fromkeys(keys, value)`.
    FromKeys,
    /// `collections.defaultdict(factory)`.
    DefaultDict,
    /// `types.SimpleNamespace(**fields)`, `dataclasses.replace(object, **fields)`: an object with these fields.
    Record,
    /// `itertools.chain(*lists)`: their elements.
    Chain,
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
    /// A text of the machine's that is never empty, such as the working directory: trusted, not known.
    Present,
    /// `group.start_soon(f, *arguments)`: calls a function with what is given behind it, some time or other.
    Starts,
    /// `setTimeout(f)`, event registration: calls the function with unknown arguments.
    Schedules,
    /// `threading.Thread(target=f, args=(…), kwargs={…})`, `threading.Timer(seconds, f, […])`: calls the function.
    Thread,
    /// `start()` of a thread: of one that is a class of the target, calls its `run`.
    ThreadStart,
    /// `getattr(o, name, default)`.
    GetAttr,
    /// `setattr`.
    SetAttr,
    /// `isinstance`.
    IsInstance,
    /// `callable`, `inspect.isroutine`.
    IsCallable,
    /// `enumerate`.
    Enumerate,
    /// `zip`.
    Zip,
    /// `map(f, xs)`.
    PyMap,
    /// `filter(f, xs)`.
    PyFilter,
    /// `next(xs, default)`, `min(xs)`: one of the elements, or the default.
    OneOf,
    /// `any`, `all`.
    AnyAll,
    /// `ExitStack.enter_context(manager)`: what `with manager as x` binds.
    Enter,
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
#[derive(Clone, Debug, Serialize, Deserialize)]
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
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct SourceRow {
    /// Access paths whose result is untrusted.
    #[serde(default)]
    pub call: Vec<String>,
    /// Access paths that are untrusted themselves, without a call: `request.json`.
    #[serde(default)]
    pub read: Vec<String>,
    /// What it is, for messages: "elicitation result".
    pub what: String,
}

/// Another name for the same thing.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct AliasRow {
    /// Access paths as met.
    pub from: Vec<String>,
    /// Access path that models are written for.
    pub to: String,
}

/// One model file.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
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
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Entry {
    /// Its dangerous arguments.
    pub(crate) sinks: Vec<Arc<SinkRow>>,
    /// What it returns.
    pub(crate) effect: Option<Arc<EffectRow>>,
    /// What it registers.
    pub(crate) registers: Vec<Arc<RegisterRow>>,
    /// The source that its result is.
    pub(crate) source: Option<Arc<SourceRow>>,
    /// The source that it is itself, without a call.
    pub(crate) read: Option<Arc<SourceRow>>,
}

/// What a file says of one access path.
#[derive(Debug)]
pub(crate) enum Row {
    /// A dangerous argument.
    Sink(Arc<SinkRow>),
    /// What it returns.
    Effect(Arc<EffectRow>),
    /// What it registers.
    Register(Arc<RegisterRow>),
    /// Its result is a source.
    Source(Arc<SourceRow>),
    /// It is a source.
    Read(Arc<SourceRow>),
    /// It is another name for this access path.
    Alias(String),
}

impl Entry {
    /// Adds what a file says; of effects and sources, the last one counts. An alias is not part of an entry.
    pub(crate) fn add(&mut self, row: Row) {
        match row {
            Row::Sink(row) => self.sinks.push(row),
            Row::Effect(row) => self.effect = Some(row),
            Row::Register(row) => self.registers.push(row),
            Row::Source(row) => self.source = Some(row),
            Row::Read(row) => self.read = Some(row),
            Row::Alias(_) => {}
        }
    }
}

impl ModelFile {
    /// The rows of the file, each with the whole access path it is written for. Of the paths in a row only the first
    /// is kept, by which some effects tell functions apart.
    pub(crate) fn rows(self) -> Vec<(String, Row)> {
        let package = self.package;
        let full = |path: &str| full_path(&package, path);
        let mut rows = Vec::new();
        for mut row in self.sink {
            let paths = take_paths(&mut row.call);
            let row = Arc::new(row);
            rows.extend(paths.iter().map(|path| (full(path), Row::Sink(row.clone()))));
        }
        for mut row in self.effect {
            let paths = take_paths(&mut row.call);
            let row = Arc::new(row);
            rows.extend(paths.iter().map(|path| (full(path), Row::Effect(row.clone()))));
        }
        for mut row in self.register {
            let paths = take_paths(&mut row.call);
            let row = Arc::new(row);
            rows.extend(paths.iter().map(|path| (full(path), Row::Register(row.clone()))));
        }
        for mut row in self.source {
            let (called, read) = (take_paths(&mut row.call), take_paths(&mut row.read));
            let row = Arc::new(row);
            rows.extend(called.iter().map(|path| (full(path), Row::Source(row.clone()))));
            rows.extend(read.iter().map(|path| (full(path), Row::Read(row.clone()))));
        }
        for row in self.alias {
            rows.extend(row.from.iter().map(|path| (full(path), Row::Alias(row.to.clone()))));
        }
        rows
    }
}

fn full_path(package: &str, path: &str) -> String {
    if package.is_empty() {
        path.to_owned()
    } else if path.is_empty() {
        package.to_owned()
    } else if path.starts_with("()") || path.starts_with("**") || path.starts_with('[') {
        format!("{package}{path}")
    } else {
        format!("{package}.{path}")
    }
}

fn take_paths(paths: &mut Vec<String>) -> Vec<String> {
    let first = paths.first().cloned().into_iter().collect();
    std::mem::replace(paths, first)
}
