//! Patterns over paths: `*` and `?` within a name, `**` over any number of directories.

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};
use serde::Deserialize;

/// A pattern; it names a file, or a directory and everything below.
#[derive(Debug, Clone, Deserialize)]
#[serde(try_from = "String")]
pub struct Pattern(GlobSet);

impl TryFrom<String> for Pattern {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let own = text.strip_prefix("./").unwrap_or(&text).trim_end_matches('/');
        if own.is_empty() {
            return Err("an empty pattern names nothing; leave the key out".to_owned());
        }
        let mut set = GlobSetBuilder::new();
        for form in [own.to_owned(), format!("{own}/**")] {
            let glob = GlobBuilder::new(&form).literal_separator(true).build();
            set.add(glob.map_err(|error| error.kind().to_string())?);
        }
        set.build().map(Self).map_err(|error| error.kind().to_string())
    }
}

impl Pattern {
    /// Whether the pattern names the path, or a directory above it.
    pub(super) fn matches(&self, path: &str) -> bool {
        self.0.is_match(path.strip_prefix("./").unwrap_or(path))
    }
}

#[cfg(test)]
mod tests {
    use super::Pattern;

    fn pattern_of(text: &str) -> Pattern {
        Pattern::try_from(text.to_owned()).unwrap()
    }

    #[test]
    fn what_is_no_pattern_is_refused() {
        for text in ["", "./", "a[", "{a"] {
            assert!(Pattern::try_from(text.to_owned()).is_err(), "{text}");
        }
    }

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
        ] {
            assert_eq!(pattern_of(pattern).matches(path), expected, "{pattern} {path}");
        }
    }

    #[test]
    fn many_stars_stay_cheap() {
        let (pattern, name) = ("a*".repeat(60) + "c", "a".repeat(5_000));
        assert!(!pattern_of(&pattern).matches(&name));
        assert!(!pattern_of(&("**/a/".repeat(60) + "c")).matches(&"a/".repeat(2_000)));
    }
}
