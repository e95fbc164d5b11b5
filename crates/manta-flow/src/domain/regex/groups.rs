//! Capture groups, found in the text of a pattern.

/// A capture group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Group<'a> {
    /// The name it was given.
    pub name: Option<&'a str>,
    /// The pattern between its parentheses.
    pub pattern: &'a str,
}

/// The capture groups of a pattern, in the order of their numbers. None when its parentheses do not pair, or cannot be
/// told from text (comments of the flag `x`, nested classes of the flag `v`).
///
/// ```
/// use manta_flow::domain::regex::groups;
///
/// let found = groups(r"^(?<owner>[\w-]+)/([^)]+)$", "", false).unwrap();
/// assert_eq!((found[0].name, found[0].pattern), (Some("owner"), r"[\w-]+"));
/// assert_eq!((found[1].name, found[1].pattern), (None, "[^)]+"));
/// ```
#[must_use]
pub fn groups<'a>(pattern: &'a str, flags: &str, is_python: bool) -> Option<Vec<Group<'a>>> {
    if flags.contains(['x', 'v']) {
        return None;
    }
    let mut found: Vec<(Option<&'a str>, usize, usize)> = Vec::new();
    // For each open parenthesis, the group it opened.
    let mut open: Vec<Option<usize>> = Vec::new();
    let mut at = 0;
    while let Some(c) = pattern[at..].chars().next() {
        let rest = &pattern[at + c.len_utf8()..];
        at += c.len_utf8();
        match c {
            '\\' => at += rest.chars().next()?.len_utf8(),
            '[' => at += class_length(rest, is_python)?,
            '(' => {
                let (name, inside) = opened(rest)?;
                at += inside;
                open.push(name.map(|name| {
                    found.push((name, at, at));
                    found.len() - 1
                }));
            }
            ')' => {
                if let Some(group) = open.pop()? {
                    found[group].2 = at - 1;
                }
            }
            _ => {}
        }
    }
    let groups = found.into_iter().map(|(name, from, to)| Group { name, pattern: &pattern[from..to] });
    open.is_empty().then(|| groups.collect())
}

/// What an opening parenthesis opens: a group with or without a name, or none; and how long its sign is.
fn opened(rest: &str) -> Option<(Option<Option<&str>>, usize)> {
    let Some(sign) = rest.strip_prefix('?') else { return Some((Some(None), 0)) };
    for before in ["P<", "<"] {
        if let Some(name) = sign.strip_prefix(before)
            && !name.starts_with(['=', '!'])
        {
            let (name, _) = name.split_once('>')?;
            return Some((Some(Some(name)), 1 + before.len() + name.len() + 1));
        }
    }
    // `(?:`, a look to either side, flags: the sign has no parenthesis of its own.
    Some((None, 1))
}

/// The length of a class behind its opening bracket, the closing one included.
fn class_length(rest: &str, is_python: bool) -> Option<usize> {
    let mut chars = rest.char_indices().peekable();
    if chars.peek().is_some_and(|(_, c)| *c == '^') {
        chars.next();
    }
    // In Python a bracket that comes first stands for itself.
    if is_python && chars.peek().is_some_and(|(_, c)| *c == ']') {
        chars.next();
    }
    while let Some((at, c)) = chars.next() {
        match c {
            '\\' => drop(chars.next()?),
            ']' => return Some(at + 1),
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn patterns(pattern: &str, is_python: bool) -> Option<Vec<&str>> {
        groups(pattern, "", is_python).map(|groups| groups.into_iter().map(|group| group.pattern).collect())
    }

    #[test]
    fn groups_are_numbered_by_their_opening() {
        assert_eq!(patterns("((a)(?:b))(?=c)(d)", false), Some(vec!["(a)(?:b)", "a", "d"]));
        assert_eq!(patterns(r"\((a)\)[)(](b)", false), Some(vec!["a", "b"]));
        assert_eq!(patterns("[]](a)", true), Some(vec!["a"]));
        assert_eq!(patterns("[](a)", false), Some(vec!["a"]));
        assert_eq!(patterns("(?<!x)(?<name>y)(?P<other>z)", true), Some(vec!["y", "z"]));
    }

    #[test]
    fn what_does_not_pair_is_not_guessed() {
        for pattern in ["(a", "a)", "[a", "(?<name", "a\\"] {
            assert_eq!(patterns(pattern, false), None, "{pattern}");
        }
        assert_eq!(groups("(a) # (b)", "x", true), None);
    }
}
