//! `manta learn`: from an audit log to the smallest policy that would have passed it.
//!
//! Every line carries how often it was needed and an example, so that a person can judge it. What was
//! only seen redacted stays a plain string; what was never seen is not granted.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::{Component, Path, PathBuf};

use serde_json::Value;

/// A directory with fewer components than this is too wide to propose (`/home`, `/`).
const MIN_ROOT_DEPTH: usize = 2;
/// Most different values of an enumeration.
const MAX_VALUES: usize = 6;
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

/// Roots and hosts that the rules share.
#[derive(Default)]
struct Shared {
    roots: BTreeMap<PathBuf, (String, bool)>,
    hosts: BTreeSet<String>,
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
    for (number, line) in log.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let record: Value = serde_json::from_str(line).map_err(|error| format!("line {}: {error}", number + 1))?;
        let text = |key: &str| record.get(key).and_then(Value::as_str).unwrap_or("");
        match (text("kind"), text("method")) {
            ("intent", "tools/call") => note(&mut tools, text("tool"), &record),
            ("intent", "prompts/get") => note(&mut prompts, text("tool"), &record),
            ("intent", "resources/read") => *resources.entry(text("tool").to_owned()).or_insert(0) += 1,
            ("egress-refused", _) => note_egress(&mut egress, &record),
            _ => {}
        }
    }
    Ok(write(&tools, &prompts, &resources, &egress))
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
) -> String {
    let mut shared = Shared::default();
    find_roots(tools, &mut shared);
    let mut rules = String::new();
    write_rules(&mut rules, "tools", tools, &mut shared);
    write_rules(&mut rules, "prompts", prompts, &mut shared);
    let mut out = String::from(
        "# Proposed from an audit log. Read every line: what was done is not always what should be.\nversion = 1\n",
    );
    for (path, (name, writes)) in &shared.roots {
        let mode = if *writes { "rwc" } else { "r" };
        let _ = write!(out, "\n[roots.{name}]\nat   = {}\nmode = \"{mode}\"\n", quoted(&path.to_string_lossy()));
    }
    if !shared.hosts.is_empty() {
        let hosts: Vec<String> = shared.hosts.iter().map(|host| quoted(host)).collect();
        let _ = write!(out, "\n[hosts.seen]\nallow = [{}]\n", hosts.join(", "));
    }
    if !egress.is_empty() {
        out.push_str(
            "\n[guard]\n# Refused connections of the server itself; delete those it does not need.\nhosts = [\n",
        );
        for (host, count) in egress {
            let _ = writeln!(out, "  {}, # {count} times", quoted(host));
        }
        out.push_str("]\n");
    }
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
            let kind = kind_of(arg, &seen.values, shared, writes(name));
            let example = seen.values.first().map(example).unwrap_or_default();
            let _ = writeln!(out, "{key} = {{ {kind}{required} }} # {} times, such as {example}", seen.count);
        }
    }
}

/// Directories that hold every path seen: for each path its parent, joined while the common part is deep enough.
fn find_roots(tools: &BTreeMap<String, Tool>, shared: &mut Shared) {
    let mut roots: Vec<(PathBuf, bool)> = Vec::new();
    for (name, tool) in tools {
        for (arg, path) in
            tool.args.iter().flat_map(|(name, arg)| arg.values.iter().flat_map(texts).map(move |text| (name, text)))
        {
            if is_relative_path(arg, path) {
                let here = shared.roots.entry(PathBuf::from(HERE)).or_insert_with(|| ("here".to_owned(), false));
                here.1 |= writes(name);
            }
            if !is_path(path) {
                continue;
            }
            let path = Path::new(path);
            let parent = path.parent().unwrap_or(path).to_owned();
            match roots.iter_mut().find(|(root, _)| depth(&common(root, &parent)) >= MIN_ROOT_DEPTH) {
                Some((root, seen_writes)) => {
                    *root = common(root, &parent);
                    *seen_writes |= writes(name);
                }
                None => roots.push((parent, writes(name))),
            }
        }
    }
    for (index, (root, seen_writes)) in roots.into_iter().enumerate() {
        let name = root.file_name().and_then(|name| name.to_str()).filter(|name| is_bare(name));
        let name = name.map_or_else(|| format!("root{}", index + 1), str::to_owned);
        let taken = shared.roots.values().any(|(other, _)| *other == name);
        let name = if taken { format!("{name}{}", index + 1) } else { name };
        let entry = shared.roots.entry(root).or_insert((name, false));
        entry.1 |= seen_writes;
    }
}

fn kind_of(arg: &str, values: &[Value], shared: &mut Shared, writes: bool) -> String {
    let all = |test: fn(&Value) -> bool| values.iter().all(test);
    if values.iter().all(|value| value.as_str().is_some_and(|text| is_path(text) || is_relative_path(arg, text))) {
        let root_of = |text: &str| match is_path(text) {
            true => shared.roots.iter().find(|(root, _)| Path::new(text).starts_with(root)),
            false => shared.roots.get_key_value(Path::new(HERE)),
        };
        let found: BTreeSet<(&PathBuf, &str)> =
            values.iter().filter_map(Value::as_str).filter_map(root_of).map(|(at, (name, _))| (at, &**name)).collect();
        let mut found: Vec<(&PathBuf, &str)> = found.into_iter().collect();
        // Relative paths belong to the first root.
        found.sort_by_key(|(at, _)| at.as_path() != Path::new(HERE));
        let names: Vec<String> = found.into_iter().map(|(_, name)| quoted(name)).collect();
        let mode = if writes { "rwc" } else { "r" };
        return format!("kind = \"path\", roots = [{}], mode = \"{mode}\"", names.join(", "));
    }
    if all(|value| value.as_str().is_some_and(|text| host_of(text).is_some())) {
        shared.hosts.extend(values.iter().filter_map(|value| host_of(value.as_str()?)));
        return "kind = \"url\", hosts = [\"seen\"]".to_owned();
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
        let items: Vec<Value> = values.iter().filter_map(Value::as_array).flatten().cloned().collect();
        let longest = values.iter().filter_map(Value::as_array).map(Vec::len).max().unwrap_or(0);
        let item = if items.is_empty() { "kind = \"any\"".to_owned() } else { kind_of(arg, &items, shared, writes) };
        return format!("kind = \"list\", max_len = {longest}, items = {{ {item} }}");
    }
    "kind = \"any\"".to_owned()
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

/// Strings in a value that may be paths: itself, or the elements of a list.
fn texts(value: &Value) -> Vec<&str> {
    match value {
        Value::String(text) => vec![text],
        Value::Array(items) => items.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    }
}

fn is_path(text: &str) -> bool {
    text.starts_with('/')
        && !text.starts_with("//")
        && !text.contains('\n')
        && !Path::new(text).components().any(|part| part == Component::ParentDir)
}

/// Where relative paths are proposed to lead: the directory of the policy.
const HERE: &str = ".";

/// Whether an argument that is called like a path holds one that begins nowhere in particular. Without a rule for paths it
/// would be free text, and lead anywhere.
fn is_relative_path(arg: &str, text: &str) -> bool {
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
    // `filePath`, `file_path`, `Files`: words begin with a capital or after what is no letter.
    let spaced: String = arg.chars().flat_map(|c| c.is_uppercase().then_some(' ').into_iter().chain([c])).collect();
    let mut words = spaced.split(|c: char| !c.is_alphabetic()).map(str::to_ascii_lowercase);
    let is_called_so = words.any(|word| NAMES.contains(&&*word));
    let is_plain = !text.is_empty() && !text.starts_with(['/', '~', '[']) && !text.contains("://");
    is_called_so
        && is_plain
        && !text.contains('\n')
        && !Path::new(text).components().any(|part| part == Component::ParentDir)
}

fn host_of(text: &str) -> Option<String> {
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"))?;
    let authority = rest.split(['/', '?', '#']).next()?;
    let host = authority.rsplit('@').next()?.split(':').next()?;
    (!host.is_empty()).then(|| host.to_ascii_lowercase())
}

/// Whether a tool changes things, by its name; the proposal says so in its `mode`, for a person to check.
fn writes(tool: &str) -> bool {
    let lower = tool.to_ascii_lowercase();
    ["write", "create", "edit", "move", "save", "append", "rename", "update", "put", "mkdir"]
        .iter()
        .any(|word| lower.contains(word))
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
        assert!(text.contains("files.example.com:443"));
        assert!(!spec.tools.contains_key("write_file"));
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

    #[test]
    fn hostile_names_and_values_stay_inside_their_strings() {
        let log = intent("x\"]\n[tools.evil", &serde_json::json!({ "a\nb": "v\"\n[tools.evil2]\n# " }));
        let text = propose(&log).unwrap();
        let file = manta_harden::policy::PolicyFile::parse("manta.toml", text.clone())
            .unwrap_or_else(|error| panic!("{error}\n{text}"));
        assert_eq!(file.spec().tools.len(), 1);
    }
}
