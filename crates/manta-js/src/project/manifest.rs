//! `package.json`: names, dependencies, entry files and the maps that redirect imports.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{jsonc, paths};

/// One package of the target.
#[derive(Debug)]
pub(crate) struct Package {
    /// Directory, `""` for the target itself.
    pub(crate) dir: String,
    pub(crate) name: Option<String>,
    /// Dependencies of every kind, with the version range as written.
    pub(crate) dependencies: BTreeMap<String, String>,
    json: Value,
}

impl Package {
    /// Reads a manifest. A file with neither a name nor dependencies only sets the module type of a directory, so it
    /// is no package.
    pub(crate) fn read(path: &str, text: &str) -> Option<Self> {
        let json = jsonc::parse(text)?;
        let object = json.as_object()?;
        let mut dependencies = BTreeMap::new();
        for kind in ["optionalDependencies", "peerDependencies", "devDependencies", "dependencies"] {
            for (name, version) in object.get(kind).and_then(Value::as_object).into_iter().flatten() {
                if let Some(version) = version.as_str() {
                    dependencies.insert(name.clone(), version.to_owned());
                }
            }
        }
        let name = object.get("name").and_then(Value::as_str).map(str::to_owned);
        let has_entries =
            ["main", "bin", "exports", "workspaces", "scripts"].iter().any(|key| object.contains_key(*key));
        if name.is_none() && dependencies.is_empty() && !has_entries {
            return None;
        }
        Some(Self { dir: paths::parent(path).to_owned(), name, dependencies, json })
    }

    /// Whether the package uses an MCP library. Every one of them has the protocol in its name.
    pub(crate) fn uses_mcp(&self) -> bool {
        self.dependencies.keys().any(|name| is_mcp_package(name))
    }

    pub(crate) fn depends_on(&self, name: &str) -> bool {
        self.dependencies.contains_key(name)
    }

    /// Entry files as written, with the reason, most specific first.
    pub(crate) fn declared_entries(&self) -> Vec<(String, &'static str)> {
        let mut entries = Vec::new();
        match &self.json["bin"] {
            Value::String(path) => entries.push((path.clone(), "bin")),
            Value::Object(map) => {
                entries.extend(map.values().filter_map(Value::as_str).map(|path| (path.to_owned(), "bin")));
            }
            _ => {}
        }
        for field in ["main", "module", "source"] {
            if let Some(path) = self.json[field].as_str() {
                entries.push((path.to_owned(), "main"));
            }
        }
        let mut exported = Vec::new();
        leaves(&self.json["exports"], &mut exported);
        entries.extend(exported.into_iter().map(|path| (path, "exports")));
        entries
    }

    /// Text of the scripts that run or build the program, and of tool settings kept in the manifest.
    pub(crate) fn command_text(&self) -> String {
        let mut text = String::new();
        for (name, command) in self.json["scripts"].as_object().into_iter().flatten() {
            let runs =
                ["start", "dev", "build", "serve", "watch", "inspect", "mcp", "bundle", "compile", "run", "prod"];
            if let Some(command) = command.as_str()
                && runs.iter().any(|word| name.contains(word))
                && !["test", "lint", "bench", "example", "docs"].iter().any(|word| name.contains(word))
            {
                text.push_str(command);
                text.push('\n');
            }
        }
        for tool in ["tsup", "esbuild", "pkg", "bun", "tsdown"] {
            if !self.json[tool].is_null() {
                text.push_str(&self.json[tool].to_string());
                text.push('\n');
            }
        }
        text
    }

    /// Files that `request` may mean in the `imports` map (`#x`), as written there.
    pub(crate) fn imports(&self, request: &str) -> Vec<String> {
        self.json["imports"].as_object().map_or_else(Vec::new, |map| lookup(map, request))
    }

    /// Files that `subpath` (`.` or `./x`) may mean in the `exports` map.
    pub(crate) fn exports(&self, subpath: &str) -> Vec<String> {
        match &self.json["exports"] {
            Value::Object(map) if map.keys().any(|key| key.starts_with('.')) => lookup(map, subpath),
            Value::Null => Vec::new(),
            other if subpath == "." => {
                let mut found = Vec::new();
                leaves(other, &mut found);
                found
            }
            _ => Vec::new(),
        }
    }

    /// `source`, `module` and `main`.
    pub(crate) fn mains(&self) -> impl Iterator<Item = &str> {
        ["source", "module", "main"].into_iter().filter_map(|field| self.json[field].as_str())
    }
}

/// Whether a package name or import specifier belongs to an MCP library.
pub(crate) fn is_mcp_package(name: &str) -> bool {
    name.starts_with("@modelcontextprotocol/")
        || name.split(|c: char| !c.is_ascii_alphanumeric()).any(|word| word.contains("mcp"))
}

/// The targets of the key that matches `request`: exact, else the longest pattern with one `*`.
fn lookup(map: &serde_json::Map<String, Value>, request: &str) -> Vec<String> {
    let mut found = Vec::new();
    if let Some(value) = map.get(request) {
        leaves(value, &mut found);
        return found;
    }
    let mut best: Option<(&str, &str, &Value)> = None;
    for (key, value) in map {
        if let Some(star) = match_star(key, request)
            && best.is_none_or(|(known, _, _)| key.len() > known.len())
        {
            best = Some((key, star, value));
        }
    }
    if let Some((_, star, value)) = best {
        leaves(value, &mut found);
        for target in &mut found {
            *target = target.replace('*', star);
        }
    }
    found
}

/// What `*` stands for when `pattern` matches `text`.
pub(crate) fn match_star<'t>(pattern: &str, text: &'t str) -> Option<&'t str> {
    let (before, after) = pattern.split_once('*')?;
    text.strip_prefix(before)?.strip_suffix(after)
}

/// All file names in a conditions tree, type declarations excepted.
fn leaves(value: &Value, found: &mut Vec<String>) {
    let is_declaration = |path: &str| [".d.ts", ".d.mts", ".d.cts"].iter().any(|end| path.ends_with(end));
    match value {
        Value::String(path) if !is_declaration(path) && !found.contains(path) => found.push(path.clone()),
        Value::Object(map) => map.iter().filter(|(key, _)| *key != "types").for_each(|(_, inner)| leaves(inner, found)),
        Value::Array(list) => list.iter().for_each(|inner| leaves(inner, found)),
        _ => {}
    }
}
