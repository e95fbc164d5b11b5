//! `manta guard wrap`: puts the guard in front of the servers of a client's configuration, and takes it away again.
//!
//! Only the text of a wrapped server changes; the rest of the file keeps its bytes. What was there before is kept in
//! a file beside it, so that `--undo` restores it exactly, or says that somebody has changed it since.

use std::collections::BTreeMap;
use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};

use manta_core::Untrusted;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use crate::exit::{Exit, Failure};
use crate::output;

/// Put the guard in front of the servers a client starts, or take it away again
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  manta guard wrap --client cursor --policy ~/manta.toml\n  manta guard wrap --client claude --server github --host api.github.com\n  manta guard wrap --client cursor --undo"
)]
pub(crate) struct Args {
    /// Whose configuration
    #[arg(long, value_enum)]
    client: Client,

    /// The configuration file, instead of where the client usually keeps it
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,

    /// Only this server (repeatable)
    #[arg(long, value_name = "NAME")]
    server: Vec<String>,

    /// The policy for them
    #[arg(short, long, value_name = "FILE")]
    policy: Option<PathBuf>,

    /// Let them reach this host (repeatable)
    #[arg(long, value_name = "NAME[:PORT]")]
    host: Vec<String>,

    /// Let them read this file or directory (repeatable)
    #[arg(long, value_name = "PATH")]
    read: Vec<PathBuf>,

    /// Let them change this directory (repeatable)
    #[arg(long, value_name = "PATH")]
    write: Vec<PathBuf>,

    /// Print the new configuration and change nothing
    #[arg(long)]
    print: bool,

    /// Put back what was there before
    #[arg(long, conflicts_with_all = ["policy", "host", "read", "write"])]
    undo: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Client {
    /// Claude Desktop, or Claude Code
    Claude,
    /// Cursor
    Cursor,
    /// Visual Studio Code
    Vscode,
    /// Windsurf
    Windsurf,
    /// Codex
    Codex,
    /// Gemini CLI
    Gemini,
}

impl Client {
    /// Where configurations usually are, the more particular first.
    fn places(self, home: &Path) -> Vec<PathBuf> {
        let at = |path: &str| home.join(path);
        match self {
            Self::Claude => vec![
                ".mcp.json".into(),
                at(".config/Claude/claude_desktop_config.json"),
                at("Library/Application Support/Claude/claude_desktop_config.json"),
                at("AppData/Roaming/Claude/claude_desktop_config.json"),
                at(".claude.json"),
            ],
            Self::Cursor => vec![".cursor/mcp.json".into(), at(".cursor/mcp.json")],
            Self::Vscode => vec![
                ".vscode/mcp.json".into(),
                at(".config/Code/User/mcp.json"),
                at("Library/Application Support/Code/User/mcp.json"),
                at("AppData/Roaming/Code/User/mcp.json"),
            ],
            Self::Windsurf => vec![at(".codeium/windsurf/mcp_config.json")],
            Self::Codex => vec![".codex/config.toml".into(), at(".codex/config.toml")],
            Self::Gemini => vec![".gemini/settings.json".into(), at(".gemini/settings.json")],
        }
    }

    /// The member that holds the servers.
    fn key(self) -> &'static str {
        match self {
            Self::Vscode => "servers",
            Self::Codex => "mcp_servers",
            _ => "mcpServers",
        }
    }
}

/// One server of a configuration.
#[derive(Debug, Default)]
struct Entry {
    command: Option<String>,
    args: Vec<String>,
    /// Names of the variables the client sets.
    env: Vec<String>,
    url: Option<String>,
    has_headers: bool,
    /// It speaks HTTP with SSE, the transport of revision 2024-11-05.
    is_sse: bool,
    /// All members, for formats whose entries are written anew.
    members: Map<String, Value>,
    /// The text that says all this.
    place: Range<usize>,
}

/// What a server's text was and what it became.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Change {
    before: String,
    after: String,
}

/// Runs the command.
pub(crate) fn run(args: &Args) -> Result<Exit, Failure> {
    let file = match &args.file {
        Some(file) => file.clone(),
        None => usual_place(args.client)?,
    };
    let shown = Untrusted(&file.to_string_lossy()).for_terminal();
    let text = fs::read_to_string(&file).map_err(|error| Failure::new(format!("{shown}: {error}")))?;
    let notes = notes_of(&file);
    let mut changes = load_notes(&notes)?;
    let done = match args.undo {
        true => unwrapped(args, &text, &mut changes),
        false => wrapped(args, &text, &mut changes),
    };
    let (text, report) = done.map_err(|failure| failure.within(&shown))?;
    if args.print {
        output::print(&text)?;
        return Ok(Exit::Clean);
    }
    // The notes first: whatever happens then, nothing is lost that they could bring back. They hold what the file holds.
    save_notes(&notes, &changes, &file)?;
    replace(&file, &text, &file)?;
    if changes.is_empty() {
        let _ = fs::remove_file(&notes);
    }
    output::print(&format!("{shown}\n{report}"))?;
    Ok(Exit::Clean)
}

fn usual_place(client: Client) -> Result<PathBuf, Failure> {
    let home = std::env::var_os("HOME").or_else(|| std::env::var_os("USERPROFILE")).map(PathBuf::from);
    let places = client.places(&home.unwrap_or_default());
    places.iter().find(|place| place.is_file()).cloned().ok_or_else(|| {
        let tried: Vec<String> = places.iter().map(|place| place.display().to_string()).collect();
        Failure::new("no configuration of this client was found").hint(format!("--file; tried {}", tried.join(", ")))
    })
}

fn wrapped(args: &Args, text: &str, changes: &mut BTreeMap<String, Change>) -> Result<(String, String), Failure> {
    let mut report = String::new();
    let mut edits = Vec::new();
    let entries = entries(args.client, text)?;
    if let Some(wanted) = args.server.iter().find(|wanted| !entries.contains_key(*wanted)) {
        return Err(Failure::new(format!("there is no server `{wanted}`")));
    }
    for (name, entry) in entries.iter().filter(|(name, _)| args.server.is_empty() || args.server.contains(name)) {
        let name_shown = Untrusted(name).for_terminal();
        if is_wrapped(entry) {
            report.push_str(&format!("  {name_shown}: guarded already\n"));
            continue;
        }
        match guarded(args, entry) {
            Ok((command, arguments)) => {
                let before = text[entry.place.clone()].to_owned();
                let after = match args.client {
                    Client::Codex => format!("{}\nargs = {}", json!(command), json!(arguments)),
                    _ => json_entry(entry, &command, &arguments),
                };
                report.push_str(&format!("  {name_shown}: {} {}\n", command, shell_words(&arguments)));
                changes.insert(name.clone(), Change { before, after: after.clone() });
                edits.push((entry.place.clone(), after));
            }
            Err(why) => report.push_str(&format!("  {name_shown}: left as it is: {why}\n")),
        }
    }
    Ok((edited(text, edits), report))
}

fn unwrapped(args: &Args, text: &str, changes: &mut BTreeMap<String, Change>) -> Result<(String, String), Failure> {
    let mut report = String::new();
    let mut edits = Vec::new();
    let entries = entries(args.client, text)?;
    let names: Vec<String> = changes.keys().cloned().collect();
    for name in names.iter().filter(|name| args.server.is_empty() || args.server.contains(name)) {
        let change = changes[name].clone();
        let shown = Untrusted(name).for_terminal();
        let place = entries.get(name).map(|entry| entry.place.clone());
        match place.filter(|place| text[place.clone()] == change.after) {
            Some(place) => {
                edits.push((place, change.before));
                changes.remove(name);
                report.push_str(&format!("  {shown}: as it was before\n"));
            }
            None => report.push_str(&format!("  {shown}: changed or removed since, left as it is\n")),
        }
    }
    if names.is_empty() {
        return Err(Failure::new("nothing here was wrapped by this command"));
    }
    Ok((edited(text, edits), report))
}

/// The command line that guards a server.
fn guarded(args: &Args, entry: &Entry) -> Result<(String, Vec<String>), String> {
    let program = std::env::current_exe().map_err(|error| error.to_string())?;
    let mut line = vec!["guard".to_owned()];
    let absolute = |path: &Path| std::path::absolute(path).unwrap_or_else(|_| path.to_owned()).display().to_string();
    let mut add = |option: &str, value: String| line.extend([option.to_owned(), value]);
    if let Some(policy) = &args.policy {
        add("--policy", absolute(policy));
    }
    args.host.iter().for_each(|host| add("--host", host.clone()));
    args.read.iter().for_each(|path| add("--read", absolute(path)));
    args.write.iter().for_each(|path| add("--write", absolute(path)));
    match (&entry.command, &entry.url) {
        (Some(command), _) if is_container(command) => {
            let why = "a daemon outside of any sandbox runs its container";
            return Err(format!("{why}; guard the server itself without a container, or its URL if it has one"));
        }
        (Some(command), _) => {
            entry.env.iter().for_each(|name| add("--env", name.clone()));
            // A directory among its arguments is what the server was given to work on.
            let given =
                entry.args.iter().filter(|argument| Path::new(argument).is_absolute() && Path::new(argument).is_dir());
            given.for_each(|directory| add("--write", directory.clone()));
            line.extend(["--".to_owned(), command.clone()]);
            line.extend(entry.args.iter().cloned());
        }
        (None, Some(_)) if entry.has_headers => {
            return Err("its headers are credentials; put them under upstream_headers of a policy first".to_owned());
        }
        (None, Some(_)) if entry.is_sse => {
            let why = "it is reached over HTTP with SSE, the transport of 2024-11-05, which the guard doesn't speak";
            return Err(format!("{why}; most such servers have an address for Streamable HTTP as well, often `/mcp`"));
        }
        (None, Some(_)) if args.client == Client::Codex => {
            return Err("put `command` and `args` in place of its `url`: manta guard --upstream URL".to_owned());
        }
        (None, Some(url)) => add("--upstream", url.clone()),
        (None, None) => return Err("it has neither a command nor a URL".to_owned()),
    }
    Ok((program.display().to_string(), line))
}

fn is_wrapped(entry: &Entry) -> bool {
    let program = entry.command.as_deref().map(Path::new);
    let stem = program.and_then(Path::file_stem).and_then(std::ffi::OsStr::to_str);
    let is_own = program.is_some() && std::env::current_exe().ok().as_deref() == program;
    let guards = entry.args.first().is_some_and(|word| word == "guard");
    stem == Some("manta-guard") || guards && (is_own || stem == Some("manta"))
}

/// Whether a command has its server run by a container engine: the sandbox would hold the messenger and not the server.
fn is_container(command: &str) -> bool {
    let stem = Path::new(command).file_stem().and_then(std::ffi::OsStr::to_str);
    stem.is_some_and(|stem| ["docker", "podman", "nerdctl"].contains(&stem.to_ascii_lowercase().as_str()))
}

/// Whether an entry means the older transport: it says so, its address ends so, or the client calls it so.
fn is_sse(client: Client, members: &Map<String, Value>) -> bool {
    let text = |key: &str| members.get(key).and_then(Value::as_str);
    let kind = text("type").or_else(|| text("transport")).map(str::to_ascii_lowercase);
    match (kind.as_deref(), text("url").or_else(|| text("serverUrl"))) {
        (Some(kind), _) => kind == "sse",
        (None, Some(url)) => {
            client == Client::Gemini || url.split(['?', '#']).next().is_some_and(|url| url.ends_with("/sse"))
        }
        (None, None) => false,
    }
}

/// The servers of a configuration, by name.
fn entries(client: Client, text: &str) -> Result<BTreeMap<String, Entry>, Failure> {
    if client == Client::Codex {
        return toml_entries(text).map_err(Failure::new);
    }
    let unreadable =
        |error: &dyn std::fmt::Display| Failure::new(format!("the configuration can't be read as JSON: {error}"));
    let plain = without_comments(text);
    let file: BTreeMap<String, &RawValue> = serde_json::from_str(&plain).map_err(|error| unreadable(&error))?;
    let Some(servers) = file.get(client.key()) else { return Ok(BTreeMap::new()) };
    let servers: BTreeMap<String, &RawValue> =
        serde_json::from_str(servers.get()).map_err(|error| unreadable(&error))?;
    let mut entries = BTreeMap::new();
    for (name, raw) in servers {
        let members: Map<String, Value> = serde_json::from_str(raw.get()).map_err(|error| unreadable(&error))?;
        let text_of = |key: &str| members.get(key).and_then(Value::as_str).map(str::to_owned);
        let list = |key: &str| members.get(key).and_then(Value::as_array).cloned().unwrap_or_default();
        let start = raw.get().as_ptr() as usize - plain.as_ptr() as usize;
        let env = members.get("env").and_then(Value::as_object);
        let entry = Entry {
            command: text_of("command"),
            args: list("args").iter().filter_map(|word| word.as_str().map(str::to_owned)).collect(),
            env: env.map(|env| env.keys().cloned().collect()).unwrap_or_default(),
            url: text_of("url").or_else(|| text_of("serverUrl")).or_else(|| text_of("httpUrl")),
            is_sse: is_sse(client, &members),
            has_headers: members.get("headers").and_then(Value::as_object).is_some_and(|headers| !headers.is_empty()),
            place: start..start + raw.get().len(),
            members,
        };
        entries.insert(name, entry);
    }
    Ok(entries)
}

/// Comments, trailing commas and a byte-order mark, which editors write and JSON has not, as blanks: everything else stays
/// where it is.
fn without_comments(text: &str) -> String {
    let mut bytes = text.as_bytes().to_vec();
    let (mut at, mut comma) = (0, None);
    while let Some(&byte) = bytes.get(at) {
        let length = match byte {
            b'"' => string_length(&bytes[at..]),
            b'/' if bytes[at..].starts_with(b"//") => until(&bytes[at..], b"\n"),
            b'/' if bytes[at..].starts_with(b"/*") => 2 + until(&bytes[at + 2..], b"*/") + 2,
            _ if bytes[at..].starts_with("\u{feff}".as_bytes()) => 3,
            _ => 1,
        };
        let end = (at + length).min(bytes.len());
        match byte {
            b'/' | 0xef if length > 1 => bytes[at..end].fill(b' '),
            b'}' | b']' => {
                if let Some(comma) = comma.take() {
                    bytes[comma] = b' ';
                }
            }
            b',' => comma = Some(at),
            _ if !byte.is_ascii_whitespace() => comma = None,
            _ => {}
        }
        at = end;
    }
    // Whole characters were replaced, or none.
    String::from_utf8(bytes).unwrap_or_else(|_| text.to_owned())
}

fn until(bytes: &[u8], end: &[u8]) -> usize {
    bytes.windows(end.len()).position(|window| window == end).unwrap_or(bytes.len())
}

fn string_length(bytes: &[u8]) -> usize {
    let mut at = 1;
    while let Some(byte) = bytes.get(at) {
        at += match byte {
            b'"' => return at + 1,
            b'\\' => 2,
            _ => 1,
        };
    }
    bytes.len()
}

#[derive(Deserialize)]
struct CodexFile {
    #[serde(default)]
    mcp_servers: BTreeMap<String, CodexServer>,
}

#[derive(Deserialize)]
struct CodexServer {
    command: Option<toml::Spanned<String>>,
    args: Option<toml::Spanned<Vec<String>>>,
    #[serde(default)]
    env: BTreeMap<String, toml::Value>,
    /// Variables of its own that Codex passes on.
    #[serde(default)]
    env_vars: Vec<String>,
    url: Option<String>,
}

/// The text from the value of `command` to the end of `args`; what stands between them is kept before and after.
fn toml_entries(text: &str) -> Result<BTreeMap<String, Entry>, String> {
    let file: CodexFile = toml::from_str(text).map_err(|error| error.to_string())?;
    let mut entries = BTreeMap::new();
    for (name, server) in file.mcp_servers {
        let (command, args) = match (server.command, server.args) {
            (Some(command), args) => (command, args),
            (None, _) => {
                entries.insert(name, Entry { url: server.url, ..Entry::default() });
                continue;
            }
        };
        let start = command.span().start;
        let end = match &args {
            Some(args) if args.span().start < start => {
                return Err(format!("server `{name}`: write `command` before `args`"));
            }
            Some(args) => args.span().end,
            None => command.span().end,
        };
        let entry = Entry {
            command: Some(command.into_inner()),
            args: args.map(toml::Spanned::into_inner).unwrap_or_default(),
            env: server.env.into_keys().chain(server.env_vars).collect(),
            place: start..end,
            ..Entry::default()
        };
        entries.insert(name, entry);
    }
    Ok(entries)
}

/// The entry with another command; whatever else it says stays.
fn json_entry(entry: &Entry, command: &str, arguments: &[String]) -> String {
    let mut members = Map::new();
    for (key, value) in &entry.members {
        match key.as_str() {
            "url" | "serverUrl" | "httpUrl" | "headers" | "command" | "args" => {}
            // A client that still took it for a remote server would not start the guard.
            "type" | "transport" => drop(members.insert(key.clone(), "stdio".into())),
            _ => drop(members.insert(key.clone(), value.clone())),
        }
    }
    members.insert("command".into(), command.into());
    members.insert("args".into(), json!(arguments));
    let pretty = serde_json::to_string_pretty(&members).unwrap_or_default();
    pretty.replace('\n', "\n    ")
}

fn edited(text: &str, mut edits: Vec<(Range<usize>, String)>) -> String {
    edits.sort_by_key(|(place, _)| std::cmp::Reverse(place.start));
    let mut text = text.to_owned();
    for (place, new) in edits {
        text.replace_range(place, &new);
    }
    text
}

fn shell_words(words: &[String]) -> String {
    let shown = words.iter().map(|word| Untrusted(word).for_terminal());
    shown.map(|word| if word.contains(' ') { format!("'{word}'") } else { word }).collect::<Vec<_>>().join(" ")
}

fn notes_of(file: &Path) -> PathBuf {
    let mut name = file.file_name().map(std::ffi::OsStr::to_owned).unwrap_or_default();
    name.push(".manta-undo");
    file.with_file_name(name)
}

fn load_notes(path: &Path) -> Result<BTreeMap<String, Change>, Failure> {
    let problem = |error: &dyn std::fmt::Display| Failure::new(format!("{}: {error}", path.display()));
    match fs::read_to_string(path) {
        Ok(text) => serde_json::from_str(&text).map_err(|error| problem(&error)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(BTreeMap::new()),
        Err(error) => Err(problem(&error)),
    }
}

fn save_notes(path: &Path, changes: &BTreeMap<String, Change>, file: &Path) -> Result<(), Failure> {
    let text = serde_json::to_string_pretty(changes).map_err(|error| Failure::new(error.to_string()))?;
    replace(path, &format!("{text}\n"), file)
}

/// Through a temporary file, so that a crash leaves the old or the new; with the permissions of `like`, which may keep
/// secrets from others, and none for others before it has them.
fn replace(path: &Path, text: &str, like: &Path) -> Result<(), Failure> {
    let problem = |error: std::io::Error| Failure::new(format!("{}: {error}", path.display()));
    // A link stays one: what it leads to is replaced.
    let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let mut name = path.file_name().map(std::ffi::OsStr::to_owned).unwrap_or_default();
    name.push(".manta-new");
    let temporary = path.with_file_name(name);
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let written = options.open(&temporary).and_then(|mut file| std::io::Write::write_all(&mut file, text.as_bytes()));
    written.map_err(problem)?;
    if let Ok(metadata) = fs::metadata(like) {
        fs::set_permissions(&temporary, metadata.permissions()).map_err(problem)?;
    }
    fs::rename(&temporary, &path).map_err(problem)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args(client: Client, file: &Path) -> Args {
        let (server, host, read, write) = (Vec::new(), vec!["api.example".to_owned()], Vec::new(), Vec::new());
        Args { client, file: Some(file.to_owned()), server, policy: None, host, read, write, print: false, undo: false }
    }

    fn there_and_back(client: Client, name: &str, text: &str, inside: &[&str]) {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join(name);
        fs::write(&file, text).unwrap();
        run(&args(client, &file)).unwrap();
        let wrapped = fs::read_to_string(&file).unwrap();
        for part in inside {
            assert!(wrapped.contains(part), "{part} in {wrapped}");
        }
        let again = entries(client, &wrapped).unwrap();
        assert!(!again.is_empty());
        run(&args(client, &file)).unwrap();
        assert_eq!(fs::read_to_string(&file).unwrap(), wrapped, "wrapped once");
        run(&Args { undo: true, host: Vec::new(), ..args(client, &file) }).unwrap();
        assert_eq!(fs::read_to_string(&file).unwrap(), text, "every byte as before");
        assert!(!notes_of(&file).exists());
    }

    #[test]
    fn what_is_wrapped_can_be_restored_to_the_byte() {
        let json = "{\n  \"other\": [1,2 ],\n\t\"KEY\": {\n \"files\": {\"command\":\"npx\",\"args\":[\"-y\",\"server\"], \"env\": {\"TOKEN\": \"secret\"}},\n \"far\": { \"type\": \"http\", \"url\": \"https://mcp.example/mcp\" } }\n}\n";
        let inside = ["\"guard\"", "\"--host\"", "\"--env\"", "\"TOKEN\"", "\"npx\"", "\"--upstream\"", "\"stdio\""];
        there_and_back(Client::Cursor, "mcp.json", &json.replace("KEY", "mcpServers"), &inside);
        there_and_back(Client::Vscode, "mcp.json", &json.replace("KEY", "servers"), &inside);
        let toml = "# mine\nmodel = \"x\"\n\n[mcp_servers.files] # here\ncommand = 'npx' # run\nargs = [\"-y\", 'server']\nenv = { TOKEN = \"secret\" }\n\n[mcp_servers.bare]\ncommand = \"server\"\n";
        there_and_back(Client::Codex, "config.toml", toml, &["# mine", "# here", "\"guard\"", "\"TOKEN\"", "\"npx\""]);
    }

    #[test]
    fn comments_and_trailing_commas_stay_where_they_are() {
        let json = "\u{feff}// mine, \"x\": {\n{ /* , } */ \"servers\": {\n  // [\n  \"a\": { \"command\": \"npx\", \"args\": [\"// no, }\", \"\\\"/*\",], }, // ü\n },\n}\n";
        there_and_back(Client::Vscode, "mcp.json", json, &["// mine", "// [", "// ü", "\"guard\"", "// no, }"]);
        for broken in ["/* no end", "\"no end", "{\"a\": 1,,}", "[1, /", "\\", "/"] {
            assert_eq!(without_comments(broken).len(), broken.len(), "{broken}");
        }
        assert_eq!(without_comments("{\"a\": \"//\", }"), "{\"a\": \"//\"  }");
    }

    #[test]
    fn what_somebody_changed_since_is_left_alone() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("mcp.json");
        fs::write(&file, r#"{"mcpServers":{"a":{"command":"x"}}}"#).unwrap();
        run(&args(Client::Cursor, &file)).unwrap();
        let edited = fs::read_to_string(&file).unwrap().replace("api.example", "other.example");
        fs::write(&file, &edited).unwrap();
        run(&Args { undo: true, host: Vec::new(), ..args(Client::Cursor, &file) }).unwrap();
        assert_eq!(fs::read_to_string(&file).unwrap(), edited);
        assert!(notes_of(&file).exists(), "what it was is still known");
    }

    #[cfg(unix)]
    #[test]
    fn what_was_kept_from_others_stays_so_in_what_is_kept_beside_it() {
        use std::os::unix::fs::PermissionsExt as _;
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("mcp.json");
        fs::write(&file, r#"{"mcpServers":{"a":{"command":"x","env":{"TOKEN":"secret"}}}}"#).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
        run(&args(Client::Cursor, &file)).unwrap();
        for path in [&file, &notes_of(&file)] {
            assert_eq!(fs::metadata(path).unwrap().permissions().mode() & 0o777, 0o600, "{}", path.display());
        }
    }

    #[test]
    fn what_would_not_work_behind_the_guard_is_left_and_named() {
        let json = r#"{"mcpServers":{
            "said": {"type":"sse","url":"https://a.example/x"}, "ends": {"url":"https://b.example/sse?k=1"},
            "boxed": {"command":"/usr/bin/docker","args":["run","-i","mcp/x"]}, "near": {"url":"https://c.example/mcp"},
            "typed": {"type":"http","url":"https://d.example/sse"}}}"#;
        let said =
            |client: Client, text: &str| wrapped(&args(client, Path::new("x")), text, &mut BTreeMap::new()).unwrap().1;
        let report = said(Client::Cursor, json);
        for (name, word) in [("said", "2024-11-05"), ("ends", "2024-11-05"), ("boxed", "container")] {
            let line = report.lines().find(|line| line.trim_start().starts_with(name)).unwrap();
            assert!(line.contains("left as it is") && line.contains(word), "{line}");
        }
        assert_eq!(report.matches("--upstream").count(), 2, "{report}");
        let gemini = said(
            Client::Gemini,
            r#"{"mcpServers":{"a":{"url":"https://a.example/x"},"b":{"httpUrl":"https://a.example/y"}}}"#,
        );
        assert!(gemini.contains("a: left as it is") && gemini.contains("--upstream https://a.example/y"), "{gemini}");
        let codex = said(
            Client::Codex,
            "[mcp_servers.far]\nurl = \"https://x.example/mcp\"\n[mcp_servers.near]\ncommand = \"x\"\nenv_vars = [\"TOKEN\"]\n",
        );
        assert!(codex.contains("far: left as it is") && codex.contains("--env TOKEN"), "{codex}");
    }

    #[test]
    fn credentials_in_headers_are_not_dropped() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("mcp.json");
        let text = r#"{"mcpServers":{"a":{"url":"https://x.example/","headers":{"Authorization":"Bearer k"}}}}"#;
        fs::write(&file, text).unwrap();
        run(&args(Client::Cursor, &file)).unwrap();
        assert_eq!(fs::read_to_string(&file).unwrap(), text);
    }
}
