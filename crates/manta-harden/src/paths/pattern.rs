//! Names that a program may take for a pattern.
//!
//! Many programs expand `*` in what they are given, and follow the links they find by it: `l*` opens what `link` leads to. A
//! name is taken literally here, so one that would match something else is refused (CWE-155).

use std::path::{Component, Path, PathBuf};

/// Most entries of a directory that are looked at; a larger one counts as matching.
const MOST: usize = 10_000;

/// Whether a program that expands patterns would find something else at this place than what is called so.
pub(super) fn finds_others(path: &Path) -> bool {
    let mut literal = PathBuf::new();
    for component in path.components() {
        if let Component::Normal(name) = component
            && let Some(name) = name.to_str()
            && is_pattern(name)
        {
            // Below a directory that is called so, only that one matters; the next pattern has its turn.
            let has_others = has_braces(name) || matches_others(&literal, name);
            let is_there = literal.join(name).symlink_metadata().is_ok();
            if has_others || !is_there {
                return has_others;
            }
        }
        literal.push(component);
    }
    false
}

fn is_pattern(name: &str) -> bool {
    name.contains(['*', '?', '[']) || has_braces(name)
}

/// `{a,b}` and `{a..z}` are several names whether there are such files or not.
fn has_braces(name: &str) -> bool {
    let inside = name.split_once('{').and_then(|(_, rest)| rest.split_once('}')).map(|(inside, _)| inside);
    inside.is_some_and(|inside| inside.contains(',') || inside.contains(".."))
}

fn matches_others(directory: &Path, pattern: &str) -> bool {
    // No listing has the way up, and some programs let `.*` and `.?` match it.
    if pattern.starts_with('.') && fits(pattern, "..") {
        return true;
    }
    let Ok(entries) = std::fs::read_dir(directory) else { return false };
    let mut seen = 0;
    entries.flatten().any(|entry| {
        seen += 1;
        let name = entry.file_name();
        seen > MOST || name.to_str().is_none_or(|name| name != pattern && fits(pattern, name))
    })
}

/// Whether the shell's `pattern` matches `name`, by any of the dialects.
fn fits(pattern: &str, name: &str) -> bool {
    let (pattern, name): (Vec<char>, Vec<char>) = (pattern.chars().collect(), name.chars().collect());
    let (mut p, mut n) = (0, 0);
    // Where to go on when the last `*` takes one more character.
    let mut retry = None;
    while n < name.len() {
        let next = match pattern.get(p) {
            Some('*') => {
                retry = Some((p + 1, n));
                p += 1;
                continue;
            }
            Some('?') => Some(p + 1),
            Some('[') => match set(&pattern[p..], name[n]) {
                Some((length, true)) => Some(p + length),
                Some((_, false)) => None,
                None => (name[n] == '[').then_some(p + 1),
            },
            Some(c) => (*c == name[n]).then_some(p + 1),
            None => None,
        };
        match (next, retry) {
            (Some(after), _) => (p, n) = (after, n + 1),
            (None, Some((after, taken))) => {
                retry = Some((after, taken + 1));
                (p, n) = (after, taken + 1);
            }
            (None, None) => return false,
        }
    }
    pattern[p..].iter().all(|c| *c == '*')
}

/// Length of the set at the start of `pattern`, and whether `c` is in it; `None` where it has no end.
fn set(pattern: &[char], c: char) -> Option<(usize, bool)> {
    let is_negated = matches!(pattern.get(1), Some('!' | '^'));
    let start = if is_negated { 2 } else { 1 };
    // A bracket right at the start belongs to the set.
    let end = start + 1 + pattern.get(start + 1..)?.iter().position(|c| *c == ']')?;
    let members = &pattern[start..end];
    let has_range = members.windows(3).any(|range| range[1] == '-' && (range[0]..=range[2]).contains(&c));
    // `[:alpha:]` and its kin: whatever they are, they may mean this one.
    let has_class = members.first() == Some(&'[') && members.get(1) == Some(&':');
    Some((end + 1, (members.contains(&c) || has_range || has_class) != is_negated))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_as_in_a_shell() {
        for (pattern, name, expected) in [
            ("*", "anything", true),
            ("l*", "link", true),
            ("*.txt", "a.txt", true),
            ("*.txt", "a.txt.md", false),
            ("a*b*c", "aXbYbZc", true),
            ("a*b*c", "aXbYbZ", false),
            ("lin?", "link", true),
            ("lin?", "lin", false),
            ("li[mn]k", "link", true),
            ("li[a-z]k", "link", true),
            ("li[!n]k", "link", false),
            ("li[^x]k", "link", true),
            ("[]l]ink", "link", true),
            ("[id].tsx", "i.tsx", true),
            ("[id].tsx", "id.tsx", false),
            ("[id].tsx", "[id].tsx", false),
            ("[open", "[open", true),
            ("", "", true),
            ("**", "x", true),
        ] {
            assert_eq!(fits(pattern, name), expected, "{pattern} {name}");
        }
    }

    #[test]
    fn a_name_that_finds_only_itself_is_a_name() {
        let directory = tempfile::tempdir().unwrap();
        let at = |name: &str| directory.path().join(name);
        std::fs::create_dir_all(at("app/[id]")).unwrap();
        std::fs::write(at("app/[id]/page.tsx"), "").unwrap();
        std::fs::write(at("link"), "").unwrap();
        std::fs::write(at("why?"), "").unwrap();
        for name in ["app/[id]/page.tsx", "app/[id]/new.tsx", "app/[slug]/page.tsx", "why?", "link", "{x}", "no/*/x"] {
            assert!(!finds_others(&at(name)), "{name}");
        }
        for name in
            ["*", "l*", ".*", ".?", "lin?", "l[i]nk", "app/*/page.tsx", "app/[id]/*", "????", "{link,x}", "{a..z}"]
        {
            assert!(finds_others(&at(name)), "{name}");
        }
    }
}
