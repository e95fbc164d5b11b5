//! The file tools. Each gets a root and a path below it from the policy, never a path of its own making.

use std::fmt::Write as _;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use regex::RegexBuilder;
use serde_json::{Map, Value};

use super::tools::{Answer, no_rule};
use crate::paths::{Entry, Glob, Kind, PathRule, Query, Root, WalkLimits};
use crate::policy::{Grant, Handle};

type Args = Map<String, Value>;

/// Results of a search that asks for no number.
const RESULTS: u64 = 100;
/// Longest time and most entries of one search.
const SEARCH_TIME: Duration = Duration::from_secs(10);

fn path<'g>(grant: &'g Grant, argument: &str) -> Result<(&'g Root, &'g str), String> {
    match grant.handle(argument) {
        Some(Handle::Path { root, relative }) => Ok((root, relative)),
        _ => Err(no_rule(argument, "path")),
    }
}

fn number(args: &Args, name: &str) -> Option<u64> {
    // Clients send whole numbers with and without a decimal point.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked to be whole and not negative")]
    let whole = |float: f64| (float >= 0.0 && float.fract() == 0.0).then_some(float as u64);
    let value = args.get(name)?;
    value.as_u64().or_else(|| value.as_f64().and_then(whole))
}

pub(super) fn read_file(grant: &Grant, args: &Args) -> Answer {
    let (root, relative) = path(grant, "path")?;
    if !args.contains_key("offset") && !args.contains_key("length") {
        return root.read_to_string(relative).map_err(|error| error.to_string());
    }
    let (offset, length) = (number(args, "offset").unwrap_or(0), number(args, "length").unwrap_or(1 << 20));
    let bytes = root.read_range(relative, offset, length).map_err(|error| error.to_string())?;
    // A part may begin or end inside a character.
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

pub(super) fn read_files(grant: &Grant, args: &Args) -> Answer {
    let paths = args.get("paths").and_then(Value::as_array).ok_or("`paths` must be an array")?;
    let mut out = String::new();
    for (i, name) in paths.iter().enumerate() {
        let (root, relative) = path(grant, &format!("paths.{i}"))?;
        let name = name.as_str().unwrap_or_default();
        let _ = match root.read_to_string(relative) {
            Ok(text) => writeln!(out, "=== {name}\n{text}"),
            Err(error) => writeln!(out, "=== {name}\n[{error}]"),
        };
    }
    Ok(out)
}

pub(super) fn write_file(grant: &Grant, args: &Args) -> Answer {
    let (root, relative) = path(grant, "path")?;
    let content = args.get("content").and_then(Value::as_str).ok_or("`content` must be a string")?;
    let written = match (root.write(relative, content.as_bytes()), relative.rsplit_once('/')) {
        // There is no tool for directories, so the missing ones come with the file.
        (Err(error), Some((directory, _))) if error.rule() == PathRule::NotFound && root.access().create => {
            root.create_dir_all(directory).and_then(|()| root.write(relative, content.as_bytes()))
        }
        (written, _) => written,
    };
    let written = written.map_err(|error| error.to_string())?;
    let what = if written.created { "created" } else { "replaced" };
    Ok(format!("{what} {relative}, {} bytes", content.len()))
}

pub(super) fn edit_file(grant: &Grant, args: &Args) -> Answer {
    let (root, relative) = path(grant, "path")?;
    let edits = args.get("edits").and_then(Value::as_array).ok_or("`edits` must be an array")?;
    let mut text = root.read_to_string(relative).map_err(|error| error.to_string())?;
    for (i, edit) in edits.iter().enumerate() {
        let member = |name: &str| edit.get(name).and_then(Value::as_str).ok_or(format!("edit {i} has no `{name}`"));
        let (old, new) = (member("old_text")?, member("new_text")?);
        match text.matches(old).take(2).count() {
            _ if old.is_empty() => return Err(format!("edit {i}: old_text is empty; nothing was changed")),
            0 => return Err(format!("edit {i}: old_text does not occur; nothing was changed")),
            1 => text = text.replacen(old, new, 1),
            _ => return Err(format!("edit {i}: old_text occurs more than once; nothing was changed")),
        }
        if text.len() as u64 > root.max_file() {
            return Err(format!("edit {i}: the file would become too large; nothing was changed"));
        }
    }
    root.write(relative, text.as_bytes()).map_err(|error| error.to_string())?;
    Ok(format!("changed {relative}: {} edits, now {} bytes", edits.len(), text.len()))
}

pub(super) fn list_directory(grant: &Grant, _: &Args) -> Answer {
    let (root, relative) = path(grant, "path")?;
    let listing = root.list(relative).map_err(|error| error.to_string())?;
    let mut out = String::new();
    for entry in &listing.entries {
        let _ = writeln!(out, "{}", line(entry));
    }
    if listing.truncated {
        out.push_str("[there are more entries]\n");
    }
    if listing.entries.is_empty() {
        out.push_str("[empty]\n");
    }
    Ok(out)
}

/// Names may carry what drives a terminal; a model gets them escaped like everyone else.
fn line(entry: &Entry) -> String {
    let name = manta_core::Untrusted(&entry.name).for_terminal();
    match entry.kind {
        Kind::Directory => format!("dir            {name}/"),
        Kind::File => format!("file {:>9} {name}", entry.size),
        Kind::Symlink => format!("link           {name}"),
        Kind::Other => format!("other          {name}"),
    }
}

pub(super) fn search_files(grant: &Grant, args: &Args) -> Answer {
    let (root, relative) = path(grant, "path")?;
    let given = |name: &str| args.get(name).and_then(Value::as_str);
    let name = given("name").map(Glob::new).transpose().map_err(|error| format!("name: {error}"))?;
    let expression = |text: &str| RegexBuilder::new(text).size_limit(1 << 20).build();
    let text = given("text").map(expression).transpose().map_err(|error| format!("text: {error}"))?;
    if name.is_none() && text.is_none() {
        return Err("say what to look for: `name`, `text` or both".to_owned());
    }
    let most = usize::try_from(number(args, "max_results").unwrap_or(RESULTS)).unwrap_or(usize::MAX);
    let limits = WalkLimits { time: SEARCH_TIME, ..WalkLimits::default() };
    let found = root.search(relative, &Query { name, text, most }, limits).map_err(|error| error.to_string())?;
    let mut out = String::new();
    for hit in &found.hits {
        let path = manta_core::Untrusted(&hit.path).for_terminal();
        let _ = match (hit.line, &hit.text) {
            (Some(number), Some(text)) => writeln!(out, "{path}:{number}: {text}"),
            _ => writeln!(out, "{path}"),
        };
    }
    if found.truncated {
        out.push_str("[there may be more]\n");
    }
    if found.hits.is_empty() {
        out.push_str("[nothing found]\n");
    }
    if found.skipped > 0 {
        let _ = writeln!(out, "[{} files were not searched: too large, binary or unreadable]", found.skipped);
    }
    Ok(out)
}

pub(super) fn file_info(grant: &Grant, _: &Args) -> Answer {
    let (root, relative) = path(grant, "path")?;
    let entry = root.stat(relative).map_err(|error| error.to_string())?;
    let modified = entry.modified.map_or_else(|| "unknown".to_owned(), seconds);
    Ok(format!(
        "path: {}\nkind: {:?}\nsize: {}\nmodified: {modified}\nmode: {:03o}\nlinks: {}\n",
        manta_core::Untrusted(&entry.path).for_terminal(),
        entry.kind,
        entry.size,
        entry.mode & 0o7777,
        entry.links,
    ))
}

fn seconds(time: SystemTime) -> String {
    time.duration_since(UNIX_EPOCH)
        .map_or_else(|_| "before 1970".to_owned(), |since| crate::audit::timestamp(UNIX_EPOCH + since))
}
