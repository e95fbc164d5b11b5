//! Names and versions of dependencies: requirement strings, requirement files, lock files.

use std::collections::BTreeMap;

use toml::{Table, Value};

/// Version or range as written, by normalised name.
pub(crate) type Versions = BTreeMap<String, String>;

/// A distribution name in the form in which names are compared (PEP 503).
pub(crate) fn normalized(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    for c in name.trim().chars() {
        match c {
            '-' | '_' | '.' if out.ends_with('-') => {}
            '-' | '_' | '.' => out.push('-'),
            other => out.push(other.to_ascii_lowercase()),
        }
    }
    out
}

/// A requirement such as `mcp[cli]>=1.2,<2; python_version > "3.9"` (PEP 508): its name, and its range or `*`.
pub(crate) fn requirement(text: &str) -> Option<(String, String)> {
    let text = text.split([';', '#']).next().unwrap_or_default().trim();
    let end = text.find(|c: char| !(c.is_ascii_alphanumeric() || "-_.".contains(c))).unwrap_or(text.len());
    let (name, mut rest) = text.split_at(end);
    if name.is_empty() {
        return None;
    }
    rest = rest.trim();
    if rest.starts_with('[') {
        rest = rest.split_once(']').map_or("", |(_, rest)| rest).trim();
    }
    let range = rest.trim_matches(['(', ')', ' ']);
    let range = if range.is_empty() { "*" } else { range };
    Some((normalized(name), range.to_owned()))
}

/// Adds requirement strings; the first mention of a name counts.
pub(crate) fn add<'a>(versions: &mut Versions, requirements: impl IntoIterator<Item = &'a str>) {
    for (name, range) in requirements.into_iter().filter_map(requirement) {
        versions.entry(name).or_insert(range);
    }
}

/// The strings of a TOML array.
pub(crate) fn strings(value: Option<&Value>) -> impl Iterator<Item = &str> {
    value.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str)
}

/// Lines of `requirements.txt`; options (`-r`, `--hash`) are not followed.
pub(crate) fn requirements_file(text: &str, versions: &mut Versions) {
    let lines = text.lines().map(|line| line.trim().trim_end_matches('\\').trim_end());
    let lines = lines.filter(|line| !line.is_empty() && !line.starts_with(['#', '-']));
    add(versions, lines.map(|line| line.split(" --").next().unwrap_or(line)));
}

/// `uv.lock`, `poetry.lock`, `pdm.lock`: `name` and `version` at the head of each `[[package]]`, in one pass over the text.
/// They are written by programs, one entry a line, and a hundred times as long as what is asked of them.
pub(crate) fn lock_file(text: &str, versions: &mut Versions) {
    let mut name = None;
    let mut is_head = false;
    for line in text.lines() {
        let line = line.trim();
        if line.starts_with('[') {
            is_head = line == "[[package]]";
            name = None;
        }
        let Some((key, value)) = line.split_once('=').filter(|_| is_head) else { continue };
        match (key.trim_end(), plain_string(value)) {
            ("name", Some(value)) => name = Some(normalized(value)),
            ("version", Some(value)) => {
                if let Some(name) = name.take() {
                    versions.entry(name).or_insert_with(|| value.to_owned());
                }
            }
            _ => {}
        }
    }
}

/// A string of TOML on one line, without escapes.
fn plain_string(value: &str) -> Option<&str> {
    let value = value.trim();
    let quote = value.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    let (inner, rest) = value[1..].split_once(quote)?;
    let is_alone = rest.trim_start().is_empty() || rest.trim_start().starts_with('#');
    (is_alone && !inner.contains('\\')).then_some(inner)
}

/// `Requires-Dist` lines of a wheel's `METADATA` or an sdist's `PKG-INFO`, and its name.
pub(crate) fn metadata(text: &str, versions: &mut Versions) -> Option<String> {
    let mut name = None;
    for line in text.lines().take_while(|line| !line.is_empty()) {
        if let Some(value) = line.strip_prefix("Name: ") {
            name = Some(value.trim().to_owned());
        } else if let Some(value) = line.strip_prefix("Requires-Dist: ") {
            add(versions, [value]);
        }
    }
    name
}

/// The block of a single-file program stands near its top. In bytes.
const INLINE_WITHIN: usize = 4096;

/// Dependencies written into a script itself (PEP 723): a comment block `# /// script`.
pub(crate) fn inline_script(text: &str) -> Option<Versions> {
    let top = &text[..text.floor_char_boundary(INLINE_WITHIN)];
    let (_, block) = top.split_once("# /// script")?;
    let mut toml = String::new();
    for line in block.lines().skip(1) {
        let line = line.strip_prefix('#')?;
        let line = line.strip_prefix(' ').unwrap_or(line);
        if line.trim_end() == "///" {
            break;
        }
        toml.push_str(line);
        toml.push('\n');
    }
    let table = toml.parse::<Table>().ok()?;
    let mut versions = Versions::new();
    add(&mut versions, strings(table.get("dependencies")));
    Some(versions)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn locked_versions_are_those_at_the_head_of_a_package() {
        let lock = "version = 1\n\n[[package]]\nname = \"Mcp_Core\"\nversion = \"1.9.4\" # newest\nsource = { registry = \"r\" }\ndependencies = [\n    { name = \"anyio\", version = \"4\" },\n]\n\n[package.metadata]\nname = \"other\"\nversion = \"9\"\n\n[[package]]\nname = \"own\"\nsource = { editable = \".\" }\n\n[[package]]\nname = 'anyio'\nversion='4.9.0'\n\n[[package]]\nname = \"anyio\"\nversion = \"3\"\n";
        let mut versions = Versions::new();
        lock_file(lock, &mut versions);
        let found: Vec<_> = versions.iter().map(|(name, version)| (name.as_str(), version.as_str())).collect();
        assert_eq!(found, [("anyio", "4.9.0"), ("mcp-core", "1.9.4")]);
    }

    #[test]
    fn nothing_is_read_out_of_what_is_no_lock() {
        let mut versions = Versions::new();
        for text in [
            "package = 3",
            "[[package]]",
            "[[package]]\nname",
            "[[package]]\nname = \"\u{0}",
            "name = \"a\"\nversion = \"1\"",
        ] {
            lock_file(text, &mut versions);
        }
        assert!(versions.is_empty(), "{versions:?}");
    }
}
