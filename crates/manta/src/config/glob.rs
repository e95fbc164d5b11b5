//! Patterns over paths: `*` and `?` within a name, `**` over any number of directories.

/// Whether the pattern names the path, or a directory above it.
pub(super) fn matches(pattern: &str, path: &str) -> bool {
    let parts = |text| str::split(text, '/').filter(|part| !part.is_empty() && *part != ".");
    let mut pattern: Vec<&str> = parts(pattern).collect();
    let path: Vec<&str> = parts(path).collect();
    if pattern.is_empty() {
        return false;
    }
    pattern.push("**");
    follows(&pattern, &path, |part| *part == "**", |part, name| is_name(part, name))
}

/// Whether a pattern without `/` describes a name.
fn is_name(pattern: &str, name: &str) -> bool {
    let (pattern, name): (Vec<char>, Vec<char>) = (pattern.chars().collect(), name.chars().collect());
    follows(&pattern, &name, |c| *c == '*', |c, given| *c == '?' || c == given)
}

/// Whether items follow a pattern in which `is_any` stands for any number of items. Quadratic at worst: only the last
/// such place has to be tried again, because earlier ones have taken as little as they can.
fn follows<T>(pattern: &[T], items: &[T], is_any: impl Fn(&T) -> bool, is_one: impl Fn(&T, &T) -> bool) -> bool {
    let (mut p, mut i) = (0, 0);
    let mut retry: Option<(usize, usize)> = None;
    while i < items.len() {
        match pattern.get(p) {
            Some(part) if is_any(part) => {
                retry = Some((p, i));
                p += 1;
            }
            Some(part) if is_one(part, &items[i]) => {
                p += 1;
                i += 1;
            }
            _ => {
                let Some((any, taken)) = retry else { return false };
                retry = Some((any, taken + 1));
                (p, i) = (any + 1, taken + 1);
            }
        }
    }
    pattern[p..].iter().all(is_any)
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn names_directories_and_depths() {
        for (pattern, path, expected) in [
            ("src/a.ts", "src/a.ts", true),
            ("./src/a.ts", "src/a.ts", true),
            ("src", "src/deep/a.ts", true),
            ("src/", "src/a.ts", true),
            ("src", "srcs/a.ts", false),
            ("src", "lib/src/a.ts", false),
            ("**/src", "lib/src/a.ts", true),
            ("**/src", "src/a.ts", true),
            ("*.ts", "a.ts", true),
            ("*.ts", "src/a.ts", false),
            ("**/*.ts", "src/deep/a.ts", true),
            ("src/*/a.ts", "src/x/a.ts", true),
            ("src/*/a.ts", "src/x/y/a.ts", false),
            ("src/**/a.ts", "src/x/y/a.ts", true),
            ("src/**", "src/a.ts", true),
            ("a?c.py", "abc.py", true),
            ("a*b*c", "axxbyyc", true),
            ("a*b*c", "axxbyy", false),
            ("", "a", false),
        ] {
            assert_eq!(matches(pattern, path), expected, "{pattern} {path}");
        }
    }

    #[test]
    fn many_stars_stay_cheap() {
        let (pattern, name) = ("a*".repeat(60) + "c", "a".repeat(5_000));
        assert!(!matches(&pattern, &name));
        assert!(!matches(&("**/a/".repeat(60) + "c"), &"a/".repeat(2_000)));
    }
}
