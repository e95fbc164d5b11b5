//! `manta learn`: from an audit log to the smallest policy that would have passed it.
//!
//! Every line carries how often it was needed and an example, so that a person can judge it. What was
//! only seen redacted stays a plain string; what was never seen, or was refused, is not granted.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::{Component, Path, PathBuf};

use manta_harden::paths::DEFAULT_DENIED;
use serde_json::Value;

/// A directory with fewer components than this is too wide to propose (`/home`, `/`).
const MIN_ROOT_DEPTH: usize = 2;
/// Most different values of an enumeration.
const MAX_VALUES: usize = 6;
/// Most members of an object that get rules of their own.
const MAX_FIELDS: usize = 32;
/// Fewest calls that make an enumeration believable.
const MIN_SAMPLES: usize = 8;

/// What is known of one tool.
#[derive(Default)]
struct Tool {
    calls: usize,
    args: BTreeMap<String, Arg>,
}

/// What is known of one argument.
#[derive(Default)]
struct Arg {
    count: usize,
    values: Vec<Value>,
}

/// What is known of a directory that arguments lead to.
struct Root {
    name: String,
    changes: Changes,
    /// It is a repository to the tools that are about it.
    is_repository: bool,
}

impl Root {
    fn named(name: String) -> Self {
        Self { name, changes: Changes::Nothing, is_repository: false }
    }
}

/// Roots and hosts that the rules share.
#[derive(Default)]
struct Shared {
    roots: BTreeMap<PathBuf, Root>,
    hosts: BTreeMap<&'static str, Hosts>,
    given: Given,
}

/// What whoever started the guard let the server have, whatever its tools were called with. Without it the server would not
/// do again what it did.
#[derive(Default)]
struct Given {
    read: BTreeSet<String>,
    write: BTreeSet<String>,
    exec: BTreeSet<String>,
    hosts: BTreeSet<String>,
    env: BTreeSet<String>,
}

impl Given {
    fn note(&mut self, record: &Value) {
        let Some(given) = record.pointer("/detail/given") else { return };
        let lists = [
            ("read", &mut self.read),
            ("write", &mut self.write),
            ("exec", &mut self.exec),
            ("hosts", &mut self.hosts),
            ("env", &mut self.env),
        ];
        for (name, list) in lists {
            list.extend(given[name].as_object().into_iter().flat_map(|names| names.keys().cloned()));
        }
    }

    /// The lines of `[guard]`. Places in which tools were seen to work are roots already; of one around such a root, the root
    /// is what was used.
    fn lines(&self, roots: &BTreeMap<PathBuf, Root>) -> String {
        let mut out = String::new();
        let holds = |path: &Path, wanted: Changes| {
            roots.iter().any(|(at, root)| path.starts_with(at) && root.changes >= wanted)
        };
        let is_around = |path: &Path| roots.keys().any(|at| at.starts_with(path) && at != path);
        let mut line = |key: &str, values: Vec<&String>, begin: &str| {
            let values: Vec<String> = values.into_iter().map(|value| quoted(value)).collect();
            if !values.is_empty() {
                let _ = writeln!(out, "{begin}{key} = [{}] # as it was given when this was learnt", values.join(", "));
            }
        };
        for (key, paths, wanted) in [("read", &self.read, Changes::Nothing), ("write", &self.write, Changes::Writes)] {
            let left = paths.iter().filter(|path| !holds(Path::new(path), wanted));
            let (around, apart): (Vec<&String>, Vec<&String>) = left.partition(|path| is_around(Path::new(path)));
            line(key, apart, "");
            line(key, around, "# ");
        }
        line("exec", self.exec.iter().collect(), "");
        line("pass_env", self.env.iter().collect(), "");
        out
    }
}

/// Where the URLs of one scheme led.
#[derive(Default)]
struct Hosts {
    allow: BTreeSet<String>,
    ports: BTreeSet<u16>,
    /// Addresses that are not public.
    private: BTreeSet<String>,
}

/// What a tool does to files, by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Changes {
    Nothing,
    Writes,
    Deletes,
}

impl Changes {
    const fn mode(self) -> &'static str {
        match self {
            Self::Nothing => "r",
            Self::Writes => "rwc",
            Self::Deletes => "rwcd",
        }
    }
}

/// Proposes a policy for the calls in a log, one JSON object per line.
///
/// # Errors
/// A message with the line number when a line is not a record.
pub fn propose(log: &str) -> Result<String, String> {
    let mut tools: BTreeMap<String, Tool> = BTreeMap::new();
    let mut prompts: BTreeMap<String, Tool> = BTreeMap::new();
    let mut resources = BTreeMap::new();
    let mut egress = BTreeMap::new();
    let mut given = Given::default();
    let (mut refused, mut patterns) = (0_usize, BTreeSet::new());
    for (number, line) in log.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let record: Value = serde_json::from_str(line).map_err(|error| format!("line {}: {error}", number + 1))?;
        let text = |key: &str| record.get(key).and_then(Value::as_str).unwrap_or("");
        match (text("kind"), text("method")) {
            // What somebody tried and was not allowed is no use that a policy should let pass.
            ("intent", _) if matches!(text("decision"), "deny" | "refused") => refused += 1,
            // A server chooses what its tools and resources are called, and a policy reads such a name as many others.
            ("intent", "tools/call" | "prompts/get" | "resources/read") if text("tool").contains('*') => {
                patterns.insert(text("tool").to_owned());
            }
            ("intent", "tools/call") => note(&mut tools, text("tool"), &record),
            ("intent", "prompts/get") => note(&mut prompts, text("tool"), &record),
            ("intent", "resources/read") => *resources.entry(text("tool").to_owned()).or_insert(0) += 1,
            ("egress-refused", _) => note_egress(&mut egress, &record),
            ("server", _) => given.note(&record),
            _ => {}
        }
    }
    let mut out = write(&tools, &prompts, &resources, &egress, given, refused);
    if !patterns.is_empty() {
        out.push_str("\n# Left out, because a policy would read these names as patterns:\n");
        patterns.iter().for_each(|name| _ = writeln!(out, "# {}", example(&name.as_str().into())));
    }
    Ok(out)
}

fn note(into: &mut BTreeMap<String, Tool>, name: &str, record: &Value) {
    let tool = into.entry(name.to_owned()).or_default();
    tool.calls += 1;
    let Some(Value::Object(params)) = record.get("params") else { return };
    for (name, value) in params {
        let arg = tool.args.entry(name.clone()).or_default();
        arg.count += 1;
        arg.values.push(value.clone());
    }
}

/// `HOST:PORT: why…` of a refused connection.
fn note_egress(into: &mut BTreeMap<String, usize>, record: &Value) {
    let detail = record.pointer("/detail/detail").and_then(Value::as_str).unwrap_or("");
    if let Some((authority, _)) = detail.split_once(": ")
        && authority.rsplit_once(':').is_some_and(|(host, port)| !host.contains(' ') && port.parse::<u16>().is_ok())
    {
        *into.entry(authority.to_owned()).or_insert(0) += 1;
    }
}

fn write(
    tools: &BTreeMap<String, Tool>,
    prompts: &BTreeMap<String, Tool>,
    resources: &BTreeMap<String, usize>,
    egress: &BTreeMap<String, usize>,
    given: Given,
    refused: usize,
) -> String {
    let mut shared = Shared { given, ..Shared::default() };
    find_roots(tools, resources, &mut shared);
    let mut rules = String::new();
    write_rules(&mut rules, "tools", tools, &mut shared);
    write_rules(&mut rules, "prompts", prompts, &mut shared);
    let mut out = String::from(
        "# Proposed from an audit log. Read every line: what was done is not always what should be.\nversion = 1\n",
    );
    if refused > 0 {
        let _ = writeln!(out, "# {refused} calls that were refused are left out.");
    }
    for (path, root) in &shared.roots {
        out.push('\n');
        out.push_str(&root_section(&root.name, &path.to_string_lossy(), root.changes.mode(), root.is_repository));
    }
    for (scheme, hosts) in &shared.hosts {
        let list = |texts: &BTreeSet<String>| texts.iter().map(|text| quoted(text)).collect::<Vec<_>>().join(", ");
        let _ = write!(out, "\n[hosts.{}]\nallow = [{}]\n", set_of(scheme), list(&hosts.allow));
        if *scheme == "http" {
            let _ = writeln!(out, "schemes = [\"https\", \"http\"] # anyone on the way can read and change it");
        }
        if !hosts.ports.is_empty() {
            let _ = writeln!(out, "ports = {:?}", hosts.ports.iter().collect::<Vec<_>>());
        }
        if !hosts.private.is_empty() {
            let _ = writeln!(out, "private = [{}] # not public: is this meant?", list(&hosts.private));
        }
    }
    out.push_str(&guard_section(&shared, egress));
    if !resources.is_empty() {
        out.push_str("\n[resources]\nallow = [\n");
        for (uri, count) in resources {
            let _ = writeln!(out, "  {}, # {count} times", quoted(uri));
        }
        out.push_str("]\n");
    }
    out.push_str(&rules);
    out
}

/// What the server has beside what its tools are called with, and what it wanted to have.
fn guard_section(shared: &Shared, egress: &BTreeMap<String, usize>) -> String {
    let mut out = shared.given.lines(&shared.roots);
    let hosts = &shared.given.hosts;
    if !hosts.is_empty() || !egress.is_empty() {
        out.push_str("hosts = [\n");
        hosts.iter().for_each(|host| _ = writeln!(out, "  {}, # as it was given", quoted(host)));
        if !egress.is_empty() {
            out.push_str("  # The server itself wanted to connect to these, and was refused; take away the # of those it needs.\n");
        }
        egress.iter().for_each(|(host, count)| _ = writeln!(out, "  # {}, # {count} times", quoted(host)));
        out.push_str("]\n");
    }
    if out.is_empty() { out } else { format!("\n[guard]\n{out}") }
}

fn write_rules(out: &mut String, table: &str, tools: &BTreeMap<String, Tool>, shared: &mut Shared) {
    for (name, tool) in tools {
        let key = if is_bare(name) { name.clone() } else { quoted(name) };
        let _ = write!(out, "\n# {} calls\n[{table}.{key}]\n", tool.calls);
        if !tool.args.is_empty() {
            let _ = writeln!(out, "[{table}.{key}.args]");
        }
        for (arg, seen) in &tool.args {
            let key = if is_bare(arg) { arg.clone() } else { quoted(arg) };
            let required = if seen.count == tool.calls { ", required = true" } else { "" };
            let kind = kind_of(arg, &seen.values, shared, changes(name));
            let example = seen.values.first().map(example).unwrap_or_default();
            let _ = writeln!(out, "{key} = {{ {kind}{required} }} # {} times, such as {example}", seen.count);
        }
    }
}

/// Directories that hold every path seen: for each path its directory, joined while the common part is deep enough.
fn find_roots(tools: &BTreeMap<String, Tool>, resources: &BTreeMap<String, usize>, shared: &mut Shared) {
    let mut seen: Vec<(&Path, Changes)> = Vec::new();
    // What is named by an address is opened all the same.
    seen.extend(resources.keys().filter_map(|uri| in_address(uri)).map(|path| (Path::new(path), Changes::Nothing)));
    let mut repositories: Vec<&Path> = Vec::new();
    for (name, tool) in tools {
        for (arg, text) in
            tool.args.iter().flat_map(|(name, arg)| arg.values.iter().flat_map(|value| texts(name, value)))
        {
            if is_relative_path(arg, text) {
                let here = shared.roots.entry(PathBuf::from(HERE)).or_insert_with(|| Root::named("here".to_owned()));
                here.changes = here.changes.max(changes(name));
                here.is_repository |= is_about_a_repository(name, arg);
            }
            if let Some(path) = Some(text).filter(|text| is_path(text)).or_else(|| in_address(text)) {
                seen.push((Path::new(path), changes(name)));
                repositories.extend(is_about_a_repository(name, arg).then(|| Path::new(path)));
            }
        }
    }
    let mut roots: Vec<(PathBuf, Changes)> = Vec::new();
    for (path, changes) in &seen {
        // What others lie below is a directory, also where the log is read on another machine.
        let is_directory = path.is_dir() || seen.iter().any(|(other, _)| *other != *path && other.starts_with(path));
        let parent = if is_directory { *path } else { path.parent().unwrap_or(path) };
        match roots.iter_mut().find(|(root, _)| is_narrow(&common(root, parent)) || parent.starts_with(root)) {
            Some((root, most)) => {
                *root = common(root, parent);
                *most = (*most).max(*changes);
            }
            None => roots.push((parent.to_owned(), *changes)),
        }
    }
    // A root inside another would have rules of its own, and not more than the other may do.
    let outer: Vec<PathBuf> = roots.iter().map(|(root, _)| root.clone()).collect();
    for (index, (root, changes)) in roots.into_iter().enumerate() {
        let root = outer
            .iter()
            .filter(|other| root.starts_with(other))
            .min_by_key(|other| depth(other))
            .cloned()
            .unwrap_or(root);
        let name = root.file_name().and_then(|name| name.to_str()).filter(|name| is_bare(name));
        let name = name.map_or_else(|| format!("root{}", index + 1), str::to_owned);
        let taken = shared.roots.iter().any(|(at, other)| other.name == name && *at != root);
        let name = if taken { format!("{name}{}", index + 1) } else { name };
        let is_repository = repositories.iter().any(|path| path.starts_with(&root));
        let entry = shared.roots.entry(root).or_insert_with(|| Root::named(name));
        entry.changes = entry.changes.max(changes);
        entry.is_repository |= is_repository;
    }
}

/// Whether a directory is no wider than somebody would grant: neither near the top nor a person's home.
fn is_narrow(directory: &Path) -> bool {
    let is_home = directory.parent().is_some_and(|parent| [Path::new("/home"), Path::new("/Users")].contains(&parent));
    depth(directory) >= MIN_ROOT_DEPTH && !is_home
}

fn kind_of(arg: &str, values: &[Value], shared: &mut Shared, changes: Changes) -> String {
    // Clients that know every argument send `null` for those that nobody gave.
    let given: Vec<Value> = values.iter().filter(|value| !value.is_null()).cloned().collect();
    if given.len() < values.len() && !given.is_empty() {
        return format!("{}, nullable = true", kind_of(arg, &given, shared, changes));
    }
    let all = |test: fn(&Value) -> bool| values.iter().all(test);
    if values.iter().all(|value| value.as_str().is_some_and(|text| is_path(text) || is_relative_path(arg, text))) {
        return path_kind(values, shared, changes);
    }
    if all(|value| value.as_str().is_some_and(|text| host_of(text).is_some())) {
        return url_kind(values, shared);
    }
    if let Some(kind) = file_kind(values, shared) {
        return kind;
    }
    if all(|value| value.is_i64() || value.is_u64()) {
        let numbers = || values.iter().filter_map(Value::as_i64);
        let (min, max) = (numbers().min().unwrap_or(0), numbers().max().unwrap_or(0));
        return format!("kind = \"int\", min = {min}, max = {max}");
    }
    if all(Value::is_number) {
        return "kind = \"number\"".to_owned();
    }
    if all(Value::is_boolean) {
        return "kind = \"bool\"".to_owned();
    }
    if all(Value::is_string) {
        return string_kind(values);
    }
    if all(Value::is_array) {
        return list_kind(arg, values, shared, changes);
    }
    object_kind(values, shared, changes).unwrap_or_else(|| "kind = \"any\"".to_owned())
}

fn path_kind(values: &[Value], shared: &Shared, changes: Changes) -> String {
    let root_of = |text: &str| match is_path(text) {
        true => shared.roots.iter().find(|(root, _)| Path::new(text).starts_with(root)),
        false => shared.roots.get_key_value(Path::new(HERE)),
    };
    let found: BTreeMap<&PathBuf, &str> =
        values.iter().filter_map(Value::as_str).filter_map(root_of).map(|(at, root)| (at, &*root.name)).collect();
    let mut found: Vec<(&PathBuf, &str)> = found.into_iter().collect();
    // Relative paths belong to the first root.
    found.sort_by_key(|(at, _)| at.as_path() != Path::new(HERE));
    let names: Vec<String> = found.into_iter().map(|(_, name)| quoted(name)).collect();
    format!("kind = \"path\", roots = [{}], mode = \"{}\"", names.join(", "), changes.mode())
}

/// Addresses of files, and of nothing else: a text that stays below the directories that were seen, however often it names
/// the one above.
fn file_kind(values: &[Value], shared: &Shared) -> Option<String> {
    let mut places = BTreeSet::new();
    let mut longest = 0;
    for text in values.iter().map(|value| value.as_str()) {
        let path = Path::new(in_address(text?)?);
        let (root, _) = shared.roots.iter().find(|(root, _)| path.starts_with(root))?;
        longest = longest.max(text?.chars().count());
        places.insert(root.to_str()?.chars().map(literal).collect::<String>());
    }
    // A name that begins with no dot, or with one and something else.
    let name = r"/(?:[^./%\\]|\.[^./%\\])[^/%\\]*";
    let places: Vec<String> = places.into_iter().collect();
    let pattern = format!("^file://(?:{})(?:{name})*/?$", places.join("|"));
    let longest = longest.next_power_of_two().max(256);
    (!values.is_empty()).then(|| format!("kind = \"string\", max_len = {longest}, pattern = {}", quoted(&pattern)))
}

/// A character that means itself in a pattern.
fn literal(c: char) -> String {
    if c.is_ascii_punctuation() && c != '/' { format!("\\{c}") } else { c.to_string() }
}

fn url_kind(values: &[Value], shared: &mut Shared) -> String {
    let mut sets = BTreeSet::new();
    for (scheme, host, port) in values.iter().filter_map(|value| host_of(value.as_str()?)) {
        let hosts = shared.hosts.entry(scheme).or_default();
        hosts.ports.extend(port.filter(|port| *port != if scheme == "http" { 80 } else { 443 }));
        if let Ok(address) = host.trim_matches(['[', ']']).parse::<std::net::IpAddr>()
            && !manta_detect::address::classify(address).is_global()
        {
            hosts.private.insert(format!("{address}/{}", if address.is_ipv4() { 32 } else { 128 }));
        }
        // `*.com` is a host to no resolver, and to a policy any one of them.
        if !host.contains('*') {
            hosts.allow.insert(host);
        }
        sets.insert(quoted(set_of(scheme)));
    }
    format!("kind = \"url\", hosts = [{}]", sets.into_iter().collect::<Vec<_>>().join(", "))
}

fn list_kind(arg: &str, values: &[Value], shared: &mut Shared, changes: Changes) -> String {
    let items: Vec<Value> = values.iter().filter_map(Value::as_array).flatten().cloned().collect();
    let longest = values.iter().filter_map(Value::as_array).map(Vec::len).max().unwrap_or(0);
    let item = if items.is_empty() { "kind = \"any\"".to_owned() } else { kind_of(arg, &items, shared, changes) };
    format!("kind = \"list\", max_len = {longest}, items = {{ {item} }}")
}

/// A rule for each member; `None` where values are something else, or have too many.
fn object_kind(values: &[Value], shared: &mut Shared, changes: Changes) -> Option<String> {
    let objects: Vec<&serde_json::Map<String, Value>> = values.iter().filter_map(Value::as_object).collect();
    let names: BTreeSet<&String> = objects.iter().flat_map(|object| object.keys()).collect();
    if objects.len() != values.len() || !(1..=MAX_FIELDS).contains(&names.len()) {
        return None;
    }
    let fields = names.into_iter().map(|name| {
        let members: Vec<Value> = objects.iter().filter_map(|object| object.get(name)).cloned().collect();
        let required = if members.len() == objects.len() { ", required = true" } else { "" };
        let key = if is_bare(name) { name.clone() } else { quoted(name) };
        format!("{key} = {{ {}{required} }}", kind_of(name, &members, shared, changes))
    });
    Some(format!("kind = \"object\", fields = {{ {} }}", fields.collect::<Vec<_>>().join(", ")))
}

/// The section that lists the hosts of a scheme.
const fn set_of(scheme: &str) -> &'static str {
    if scheme.len() == "https".len() { "seen" } else { "seen-http" }
}

fn string_kind(values: &[Value]) -> String {
    let texts: Vec<&str> = values.iter().filter_map(Value::as_str).collect();
    if texts.iter().any(|text| text.starts_with("[redacted:")) {
        return "kind = \"string\", sensitive = true".to_owned();
    }
    let distinct: BTreeSet<&str> = texts.iter().copied().collect();
    let is_wordlike = distinct.iter().all(|text| !text.is_empty() && text.len() <= 32 && is_bare(text));
    if texts.len() >= MIN_SAMPLES && distinct.len() <= MAX_VALUES && is_wordlike {
        let values: Vec<String> = distinct.into_iter().map(quoted).collect();
        return format!("kind = \"enum\", values = [{}]", values.join(", "));
    }
    let longest = texts.iter().map(|text| text.chars().count()).max().unwrap_or(0);
    format!("kind = \"string\", max_len = {}", longest.next_power_of_two().max(16))
}

/// Strings in a value that may be paths, each with the name it goes by: itself, elements of a list, members of an object.
fn texts<'a>(name: &'a str, value: &'a Value) -> Vec<(&'a str, &'a str)> {
    match value {
        Value::String(text) => vec![(name, text)],
        Value::Array(items) => items.iter().flat_map(|item| texts(name, item)).collect(),
        Value::Object(members) => members.iter().flat_map(|(name, member)| texts(name, member)).collect(),
        _ => Vec::new(),
    }
}

fn is_path(text: &str) -> bool {
    text.starts_with('/')
        && !text.starts_with("//")
        && !text.contains('\n')
        && !Path::new(text).components().any(|part| part == Component::ParentDir)
}

/// The path in the address of a file of this machine, where it is written as it is.
fn in_address(text: &str) -> Option<&str> {
    let path = text.strip_prefix("file://")?;
    let is_literal = !path.contains(['%', '?', '#', '\\']) && !path.chars().any(char::is_control);
    Some(path).filter(|path| is_literal && is_path(path))
}

/// Where relative paths are proposed to lead: the directory of the policy.
const HERE: &str = ".";

/// Whether an argument that is called like a path holds one that begins nowhere in particular. Without a rule for paths it
/// would be free text, and lead anywhere.
fn is_relative_path(arg: &str, text: &str) -> bool {
    let is_plain = !text.is_empty() && !text.starts_with(['/', '~', '[']) && !text.contains("://");
    is_called_like_a_path(arg)
        && is_plain
        && !text.contains('\n')
        && !Path::new(text).components().any(|part| part == Component::ParentDir)
}

/// Whether a name is one that arguments with a path have: `filePath`, `output_dir`, `Files`.
#[must_use]
pub fn is_called_like_a_path(arg: &str) -> bool {
    const NAMES: &[&str] = &[
        "path",
        "paths",
        "pathname",
        "file",
        "files",
        "filename",
        "filenames",
        "filepath",
        "filepaths",
        "dir",
        "dirs",
        "directory",
        "directories",
        "folder",
        "folders",
    ];
    // What a name ends in says what it is: `fileType` is no file.
    let words = manta_detect::secrets::words(arg);
    let ends = |count: usize| words.len() >= count && NAMES.contains(&&*words[words.len() - count..].concat());
    ends(1) || ends(2)
}

/// The section of a root where tools do what `mode` says, as far as their arguments go. The server itself may need more: many
/// replace a file by another that is renamed, and what works on a repository reads what is hidden from others.
#[must_use]
pub fn root_section(name: &str, at: &str, mode: &str, is_repository: bool) -> String {
    let (mode, why) = match mode {
        "r" => ("r", ""),
        _ => ("rwd", " # d: a file is replaced by renaming another to it"),
    };
    let mut text = format!("[roots.{name}]\nat   = {}\nmode = \"{mode}\"{why}\n", quoted(at));
    if is_repository {
        let others = DEFAULT_DENIED.iter().filter(|name| **name != ".git");
        let others: Vec<String> = others.map(|name| quoted(name)).collect();
        let hooks = if mode == "r" { "" } else { ", and whoever changes it has your git run what they like (hooks)" };
        let _ =
            write!(text, "# `.git` is seen, for what works on repositories{hooks}.\ndeny = [{}]\n", others.join(", "));
    }
    text
}

/// Whether an argument names a repository, by its name and its tool's.
#[must_use]
pub fn is_about_a_repository(tool: &str, arg: &str) -> bool {
    let words = [tool, arg].map(manta_detect::secrets::words).concat();
    words.iter().any(|word| matches!(word.as_str(), "git" | "repo" | "repos" | "repository" | "repositories"))
}

/// The `mode` that a tool needs where its paths lead, by the words of its name.
#[must_use]
pub fn mode_of(tool: &str) -> &'static str {
    changes(tool).mode()
}

/// Scheme, host and port of a URL that a rule for URLs can admit.
fn host_of(text: &str) -> Option<(&'static str, String, Option<u16>)> {
    let (scheme, rest) = match text.strip_prefix("https://") {
        Some(rest) => ("https", rest),
        None => ("http", text.strip_prefix("http://")?),
    };
    let authority = rest.split(['/', '?', '#']).next()?.rsplit('@').next()?;
    let end = authority.find(']').map_or_else(|| authority.find(':').unwrap_or(authority.len()), |end| end + 1);
    let (host, port) = authority.split_at(end);
    let port = port.strip_prefix(':').and_then(|port| port.parse().ok());
    (!host.is_empty()).then(|| (scheme, host.to_ascii_lowercase(), port))
}

/// What a tool does to files, by the words of its name; the proposal says so in its `mode`, for a person to check.
fn changes(tool: &str) -> Changes {
    const DELETES: &[&str] =
        &["delete", "remove", "unlink", "trash", "rm", "rmdir", "move", "rename", "mv", "clean", "purge"];
    const WRITES: &[&str] = &[
        "write", "create", "edit", "save", "append", "update", "put", "mkdir", "insert", "replace", "patch", "add",
        "copy", "cp", "set", "apply", "commit", "init", "clone", "checkout", "reset", "download", "export", "generate",
        "make",
    ];
    let words = manta_detect::secrets::words(tool);
    let has = |list: &[&str]| words.iter().any(|word| list.contains(&word.as_str()));
    match (has(DELETES), has(WRITES)) {
        (true, _) => Changes::Deletes,
        (false, true) => Changes::Writes,
        (false, false) => Changes::Nothing,
    }
}

fn common(a: &Path, b: &Path) -> PathBuf {
    a.components().zip(b.components()).take_while(|(a, b)| a == b).map(|(part, _)| part).collect()
}

fn depth(path: &Path) -> usize {
    path.components().filter(|part| matches!(part, Component::Normal(_))).count()
}

fn is_bare(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-')
}

/// A TOML basic string; JSON strings are a subset of those.
fn quoted(text: &str) -> String {
    Value::from(text).to_string().replace('\u{7f}', "\\u007f")
}

/// An example on one line, without characters that would end the comment.
fn example(value: &Value) -> String {
    let text: String = value.to_string().chars().take(60).collect();
    manta_core::Untrusted(&text).for_terminal()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn intent(tool: &str, params: &Value) -> String {
        serde_json::json!({ "kind": "intent", "method": "tools/call", "tool": tool, "params": params }).to_string()
    }

    #[test]
    fn the_proposal_parses_and_grants_what_was_seen_and_no_more() {
        let log = [
            intent("read_file", &serde_json::json!({ "path": "/srv/data/a/x.txt", "limit": 3 })),
            intent("read_file", &serde_json::json!({ "path": "/srv/data/b/y.txt", "limit": 10 })),
            intent("fetch", &serde_json::json!({ "url": "https://api.example.com/v1", "token": "[redacted:key]" })),
            r#"{"kind":"egress-refused","detail":{"peer":"server","detail":"files.example.com:443: not on the list"}}"#
                .to_owned(),
        ];
        let text = propose(&log.join("\n")).unwrap();
        let file = manta_harden::policy::PolicyFile::parse("manta.toml", text.clone())
            .unwrap_or_else(|error| panic!("{error}\n{text}"));
        let spec = file.spec();
        assert_eq!(spec.roots["data"].get_ref().at, "/srv/data");
        assert_eq!(spec.hosts["seen"].get_ref().allow, ["api.example.com"]);
        let read = spec.tools["read_file"].get_ref();
        assert_eq!(read.args["limit"].get_ref().max, Some(manta_harden::policy::spec::Number::Int(10)));
        assert!(read.args["path"].get_ref().required);
        assert!(spec.tools["fetch"].get_ref().args["token"].get_ref().sensitive);
        assert!(text.contains("# \"files.example.com:443\", # 1 times"));
        assert!(!spec.tools.contains_key("write_file"));
    }

    /// A server says what its tools and resources are called, and where a model should go.
    #[test]
    fn no_name_that_a_server_chooses_becomes_a_pattern() {
        let asked = |method: &str, name: &str| {
            serde_json::json!({ "kind": "intent", "method": method, "tool": name, "params": {} }).to_string()
        };
        let log = [
            asked("tools/call", "*"),
            asked("tools/call", "x\"]\n[tools.\"*\"]\n#"),
            asked("tools/call", "plain"),
            asked("prompts/get", "*"),
            asked("resources/read", "file:///notes/*"),
            asked("resources/read", "file:///notes/a"),
            intent("fetch", &serde_json::json!({ "url": "https://*.com/x" })),
            intent("fetch", &serde_json::json!({ "url": "https://api.example.com/x" })),
        ];
        let text = propose(&log.join("\n")).unwrap();
        let file = manta_harden::policy::PolicyFile::parse("manta.toml", text.clone())
            .unwrap_or_else(|error| panic!("{error}\n{text}"));
        let spec = file.spec();
        assert_eq!(spec.tools.keys().collect::<Vec<_>>(), ["fetch", "plain"], "{text}");
        assert!(spec.prompts.is_empty() && text.contains("read these names as patterns"), "{text}");
        assert_eq!(spec.hosts["seen"].get_ref().allow, ["api.example.com"]);
        let rules = text.lines().map(|line| line.split('#').next().unwrap());
        assert!(!rules.collect::<String>().contains('*'), "{text}");
    }

    #[test]
    fn a_relative_path_is_proposed_as_a_path_and_not_as_free_text() {
        let log = [
            intent("read_file", &serde_json::json!({ "path": "a.txt", "files": ["b/c.md"], "profile": "x.y" })),
            intent("read_file", &serde_json::json!({ "path": "/srv/data/x.txt", "files": [], "profile": "a" })),
            intent("write_file", &serde_json::json!({ "filePath": "new.txt", "title": "a/b" })),
        ];
        let text = propose(&log.join("\n")).unwrap();
        let file = manta_harden::policy::PolicyFile::parse("manta.toml", text.clone())
            .unwrap_or_else(|error| panic!("{error}\n{text}"));
        let spec = file.spec();
        assert_eq!(spec.roots["here"].get_ref().at, ".");
        for line in [
            "path = { kind = \"path\", roots = [\"here\", \"data\"], mode = \"r\"",
            "items = { kind = \"path\", roots = [\"here\"], mode = \"r\" }",
            "filePath = { kind = \"path\", roots = [\"here\"], mode = \"rwc\"",
            "profile = { kind = \"string\"",
            "title = { kind = \"string\"",
        ] {
            assert!(text.contains(line), "{line} in {text}");
        }
    }

    /// The policy that comes out of these calls, compiled.
    fn learned(log: &[String]) -> manta_harden::policy::Policy {
        let text = propose(&log.join("\n")).unwrap();
        let file = manta_harden::policy::PolicyFile::parse("manta.toml", text.clone());
        let policy = file.and_then(manta_harden::policy::Policy::compile);
        policy.unwrap_or_else(|error| panic!("{error}\n{text}"))
    }

    fn is_allowed(policy: &manta_harden::policy::Policy, tool: &str, args: &Value) -> bool {
        policy.decide(tool, args.as_object().unwrap()).is_allowed()
    }

    #[test]
    fn what_was_done_passes_the_proposal_and_what_is_near_it_does_not() {
        let directory = tempfile::tempdir().unwrap();
        let at = |path: &str| directory.path().join(path).to_string_lossy().into_owned();
        std::fs::create_dir_all(at("data/sub/deep")).unwrap();
        std::fs::create_dir_all(at("other")).unwrap();
        std::fs::write(at("data/sub/a.txt"), "a").unwrap();
        let calls = [
            ("list_directory", serde_json::json!({ "path": at("data/sub") })),
            ("read_file", serde_json::json!({ "path": at("data/sub/a.txt"), "encoding": null })),
            ("read_file", serde_json::json!({ "path": null, "encoding": "utf8" })),
            (
                "read_many",
                serde_json::json!({ "files": [{ "path": at("data/sub/a.txt"), "ranges": [{ "start": 1 }] }] }),
            ),
            ("fetch", serde_json::json!({ "url": "http://docs.example.com:8080/a" })),
            ("fetch", serde_json::json!({ "url": "https://docs.example.org/a" })),
            ("fetch", serde_json::json!({ "url": "http://127.0.0.1:9000/" })),
            ("delete_file", serde_json::json!({ "path": at("data/sub/deep/b.txt") })),
            ("get_output", serde_json::json!({ "file": at("data/sub/a.txt") })),
        ];
        let log: Vec<String> = calls.iter().map(|(tool, args)| intent(tool, args)).collect();
        let policy = learned(&log);
        for (tool, args) in &calls {
            assert!(is_allowed(&policy, tool, args), "{tool} {args}: {}", propose(&log.join("\n")).unwrap());
        }
        for (tool, args) in [
            ("list_directory", serde_json::json!({ "path": at("data") })),
            ("read_file", serde_json::json!({ "path": at("other/x") })),
            ("read_file", serde_json::json!({ "path": "/etc/passwd" })),
            ("read_many", serde_json::json!({ "files": [{ "path": "/etc/passwd", "ranges": [{ "start": 1 }] }] })),
            (
                "read_many",
                serde_json::json!({ "files": [{ "path": at("data/sub/a.txt"), "ranges": [], "mode": "x" }] }),
            ),
            ("fetch", serde_json::json!({ "url": "http://docs.example.org/a" })),
            ("fetch", serde_json::json!({ "url": "https://docs.example.org:8080/a" })),
            ("fetch", serde_json::json!({ "url": "http://127.0.0.2:9000/" })),
        ] {
            assert!(!is_allowed(&policy, tool, &args), "{tool} {args}");
        }
        let root = policy.roots().values().next().unwrap();
        assert_eq!(policy.roots().len(), 1, "{:?}", policy.roots());
        assert_eq!(root.path(), std::fs::canonicalize(at("data/sub")).unwrap());
        assert_eq!((changes("get_output"), changes("putFile")), (Changes::Nothing, Changes::Writes));
    }

    #[test]
    fn what_was_refused_is_not_learned() {
        let refused = |tool: &str, params: &Value| {
            let mut record: Value = serde_json::from_str(&intent(tool, params)).unwrap();
            record["decision"] = "deny".into();
            record.to_string()
        };
        let log = [
            intent("read_file", &serde_json::json!({ "path": "/srv/data/a.txt" })),
            refused("read_file", &serde_json::json!({ "path": "/etc/passwd" })),
            refused("run", &serde_json::json!({ "command": "id" })),
        ];
        let text = propose(&log.join("\n")).unwrap();
        assert!(
            !text.contains("etc") && !text.contains("run") && text.contains("# 2 calls that were refused"),
            "{text}"
        );
    }

    #[test]
    fn two_places_in_a_home_are_no_reason_to_grant_the_home() {
        let log = [
            intent("read_file", &serde_json::json!({ "path": "/home/me/projects/a.txt" })),
            intent("read_file", &serde_json::json!({ "path": "/home/me/notes/b.txt" })),
        ];
        let text = propose(&log.join("\n")).unwrap();
        assert!(text.contains("\"/home/me/projects\"") && text.contains("\"/home/me/notes\""), "{text}");
        assert!(!text.contains("\"/home/me\""), "{text}");
    }

    #[test]
    fn an_address_of_a_file_leads_where_a_path_would() {
        let (directory, apart) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let (at, apart) = (fs_root(directory.path()), fs_root(apart.path()));
        std::fs::create_dir_all(format!("{at}/notes.d")).unwrap();
        std::fs::write(format!("{at}/notes.d/a.txt"), "a").unwrap();
        let uri = |rest: &str| serde_json::json!({ "uri": format!("file://{at}/notes.d/{rest}") });
        let read = serde_json::json!({ "kind": "intent", "method": "resources/read", "tool": format!("file://{apart}/other/x") });
        std::fs::create_dir_all(format!("{apart}/other")).unwrap();
        let policy =
            learned(&[intent("convert", &uri("a.txt")), intent("convert", &uri("b c/d.txt")), read.to_string()]);
        let roots: BTreeSet<_> = policy.roots().values().map(|root| root.path().to_owned()).collect();
        assert_eq!(roots, BTreeSet::from([format!("{at}/notes.d"), format!("{apart}/other")].map(PathBuf::from)));
        for rest in ["a.txt", "b c/d.txt", ".hidden", "x..y", "new/"] {
            assert!(is_allowed(&policy, "convert", &uri(rest)), "{rest}");
        }
        for rest in ["../../etc/passwd", "a/../../x", "..", "%2e%2e/x", "a\\..\\x", "a#/../x", "."] {
            assert!(!is_allowed(&policy, "convert", &uri(rest)), "{rest}");
        }
        for other in [
            format!("file://{at}/notesxd/a"),
            "file:///etc/passwd".to_owned(),
            format!("{at}/notes.d/a.txt"),
            "http://h/".to_owned(),
        ] {
            assert!(!is_allowed(&policy, "convert", &serde_json::json!({ "uri": other })), "{other}");
        }
    }

    fn fs_root(directory: &Path) -> String {
        std::fs::canonicalize(directory).unwrap().to_str().unwrap().to_owned()
    }

    #[test]
    fn what_the_server_was_given_it_is_given_again() {
        let directory = tempfile::tempdir().unwrap();
        let at = fs_root(directory.path());
        for name in ["data", "state", "code"] {
            std::fs::create_dir(format!("{at}/{name}")).unwrap();
        }
        let named = |names: &[&str]| -> Value {
            names
                .iter()
                .map(|name| (format!("{at}/{name}").trim_end_matches('/').to_owned(), Value::Null))
                .collect::<serde_json::Map<_, _>>()
                .into()
        };
        let server = serde_json::json!({ "kind": "server", "detail": { "server": "x", "given": {
            "read": named(&["code", "data/sub", ""]), "write": named(&["state", "data"]),
            "exec": { "/usr/bin/git": null }, "hosts": { "api.example.com": null }, "env": { "API_KEY": null, "OTHER": null },
        }}});
        let refused =
            r#"{"kind":"egress-refused","detail":{"peer":"server","detail":"x.example.com:443: not on the list"}}"#;
        let write = intent("write_file", &serde_json::json!({ "path": format!("{at}/data/x.txt") }));
        let text = propose(&[server.to_string(), write, refused.to_owned()].join("\n")).unwrap();
        let file = manta_harden::policy::PolicyFile::parse("manta.toml", text.clone()).unwrap();
        let spec = crate::config::GuardSpec::for_server(&file, None).unwrap();
        let paths = |names: &[&str]| names.iter().map(|name| PathBuf::from(format!("{at}/{name}"))).collect::<Vec<_>>();
        assert_eq!((spec.read, spec.write), (paths(&["code"]), paths(&["state"])), "{text}");
        assert!(text.contains(&format!("# read = [\"{at}\"]")), "the root is what was used of it: {text}");
        assert_eq!(spec.exec, [PathBuf::from("/usr/bin/git")]);
        assert_eq!(
            (spec.hosts, spec.pass_env),
            (vec!["api.example.com".to_owned()], vec!["API_KEY".to_owned(), "OTHER".to_owned()])
        );
        assert!(text.contains("# \"x.example.com:443\", # 1 times"), "{text}");
    }

    #[test]
    fn hostile_names_and_values_stay_inside_their_strings() {
        let log = intent("x\"]\n[tools.evil", &serde_json::json!({ "a\nb": "v\"\n[tools.evil2]\n# " }));
        let text = propose(&log).unwrap();
        let file = manta_harden::policy::PolicyFile::parse("manta.toml", text.clone())
            .unwrap_or_else(|error| panic!("{error}\n{text}"));
        assert_eq!(file.spec().tools.len(), 1);
    }

    #[test]
    fn a_root_has_what_a_server_needs_to_do_what_was_asked() {
        let line = |tool: &str, args: Value| {
            serde_json::json!({ "kind": "intent", "method": "tools/call", "tool": tool, "decision": "allow", "params": args }).to_string()
        };
        let log = [
            line("write_file", serde_json::json!({ "path": "/srv/notes/a/x.txt", "content": "x" })),
            line("git_log", serde_json::json!({ "repo_path": "/srv/code/project", "max_count": 2 })),
            line("read_file", serde_json::json!({ "path": "/opt/data/a/x.txt" })),
        ];
        let policy = propose(&log.join("\n")).unwrap();
        let section = |at: &str| {
            let from = policy.find(at).unwrap();
            policy[from..].split("\n\n").next().unwrap().to_owned()
        };
        assert!(section("\"/srv/notes/a\"").contains("mode = \"rwd\""), "{policy}");
        assert!(policy.contains("path = { kind = \"path\", roots = [\"a3\"], mode = \"rwc\""), "{policy}");
        let repository = section("\"/srv/code\"");
        assert!(
            repository.contains("mode = \"r\"") && repository.contains("deny = [") && repository.contains("\".ssh\""),
            "{policy}"
        );
        assert!(!repository.contains("\".git\""), "{policy}");
        assert!(!section("\"/opt/data/a\"").contains("deny"), "{policy}");
        assert!(manta_harden::policy::PolicyFile::parse("manta.toml", &policy).is_ok(), "{policy}");
    }
}
