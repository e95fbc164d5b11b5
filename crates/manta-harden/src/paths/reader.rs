//! How a program that is not ours may read the text of a path.
//!
//! A [`super::Root`] takes a path literally. A server behind a guard opens the text by itself, and before
//! that it may do what programs do: resolve against its own working directory, expand `~` and variables,
//! decode percent signs, JSON or `file:` URLs, trim, take off quotes, normalise Unicode, hand it to another
//! program as an argument. Text that means one file here and another there is refused (CWE-22, CWE-88,
//! CWE-172, CWE-180): what was checked must be what is opened.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use unicode_normalization::UnicodeNormalization as _;

use super::error::{PathError, PathRule};
use super::input::is_ignorable;
use super::{Access, Roots, pattern};

/// A program that reads paths on its own.
#[derive(Debug, Clone, Default)]
pub struct Reader {
    /// The directory against which it resolves relative paths.
    pub cwd: PathBuf,
    /// Names of the variables it could expand.
    pub variables: BTreeSet<String>,
    /// Directories it can reach whatever it is asked, each with whether it can change them. `None` when
    /// nothing confines it.
    pub reachable: Option<Vec<(PathBuf, bool)>>,
}

impl Reader {
    /// Refuses text that this program may read as another path than `roots` do.
    ///
    /// # Errors
    /// [`PathRule::Ambiguous`].
    pub fn check(&self, text: &str, roots: &Roots, wanted: Access) -> Result<(), PathError> {
        self.check_text(text, roots)?;
        self.check_place(text, roots, wanted)
    }

    /// Refuses text that programs rewrite before they open it.
    pub(crate) fn check_text(&self, text: &str, roots: &Roots) -> Result<(), PathError> {
        let is_literal = is_bare(text) && is_plain(text) && !self.names_variable(text) && !self.is_pattern(text, roots);
        if is_literal { Ok(()) } else { Err(PathRule::Ambiguous.into()) }
    }

    /// Refuses text that leads elsewhere from where this program stands.
    pub(crate) fn check_place(&self, text: &str, roots: &Roots, wanted: Access) -> Result<(), PathError> {
        if self.reads_alike(text, roots, wanted) { Ok(()) } else { Err(PathRule::Ambiguous.into()) }
    }

    /// `$NAME` and `${NAME}`, where there is such a variable.
    fn names_variable(&self, text: &str) -> bool {
        let after_dollar = text.split('$').skip(1);
        after_dollar.into_iter().any(|rest| {
            let is_braced = rest.starts_with('{');
            let name: String =
                rest.trim_start_matches('{').chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect();
            // `${NAME:-default}` has a value even where the variable has none.
            self.variables.contains(&name) || (is_braced && rest.contains(":-"))
        })
    }

    /// `l*`, where the program stands or below the root.
    fn is_pattern(&self, text: &str, roots: &Roots) -> bool {
        if !text.contains(['*', '?', '[', '{']) {
            return false;
        }
        let below = roots.find(text).map(|(root, relative)| root.path().join(relative));
        pattern::finds_others(&self.cwd.join(text)) || below.is_ok_and(|path| pattern::finds_others(&path))
    }

    /// A relative path, resolved where the program stands, must be allowed as well, if it leads anywhere that
    /// the program can reach.
    fn reads_alike(&self, text: &str, roots: &Roots, wanted: Access) -> bool {
        if Path::new(text).is_absolute() {
            return true;
        }
        let own = self.cwd.join(text);
        if !self.leads_somewhere(&own, wanted) {
            return true;
        }
        let Some(own) = own.to_str() else { return false };
        roots.find(own).is_ok_and(|(root, relative)| match root.restrict(wanted).check(&relative, wanted) {
            Ok(_) => true,
            Err(error) => !error.is_denial(),
        })
    }

    fn leads_somewhere(&self, own: &Path, wanted: Access) -> bool {
        let exists = own.symlink_metadata().is_ok();
        let real = own.canonicalize().ok().or_else(|| Some(own.parent()?.canonicalize().ok()?.join(own.file_name()?)));
        let Some(real) = real else {
            // Nothing there, and no directory to make it in.
            return false;
        };
        let places = self.reachable.as_deref();
        let reaches = |change: bool| {
            places.is_none_or(|places| {
                places.iter().any(|(place, may_change)| {
                    (!change || *may_change) && (real.starts_with(place) || own.starts_with(place))
                })
            })
        };
        (exists && reaches(false)) || (wanted.changes() && reaches(true))
    }
}

/// Nothing around it that is taken off before the path is read: white space, quotes, the brackets of a JSON
/// list (SDKs decode a string when a parameter may also be a list), or a dash, which makes it an option.
fn is_bare(text: &str) -> bool {
    let is_quoted =
        ['"', '\'', '`'].iter().any(|quote| text.len() > 1 && text.starts_with(*quote) && text.ends_with(*quote));
    let is_json = text.starts_with(['[', '{']) && serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok();
    text.trim() == text && !is_quoted && !is_json && !text.starts_with('-')
}

/// Nothing in it that common libraries rewrite before they open.
fn is_plain(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    let has_scheme = text.contains("://") || lower.starts_with("file:");
    !has_scheme
        && !names_home(text)
        && !has_code(text.as_bytes())
        && !lower.contains("%u00")
        && !is_command(text)
        && keeps_its_shape(text)
}

/// Where a program puts the path into a command line, a shell would run what stands in it (CWE-78). Single `&`, quotes
/// and brackets are in names that people give.
fn is_command(text: &str) -> bool {
    text.contains(['`', '|', ';', '<', '>'])
        || ["$(", "&&"].iter().any(|part| text.contains(part))
        || text.ends_with('&')
}

/// `~` is the home directory, `~name` somebody's, whether a slash follows or not: Python's `expanduser` knows
/// `~backup` on every Debian. `~$draft.docx` is a name.
fn names_home(text: &str) -> bool {
    let Some(rest) = text.strip_prefix('~') else { return false };
    let user = rest.split('/').next().unwrap_or_default();
    user.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'+'))
}

/// A percent code, of whatever character: `.e%6ev` is `.env` for whoever decodes it.
fn has_code(text: &[u8]) -> bool {
    text.windows(3).any(|code| code[0] == b'%' && code[1].is_ascii_hexdigit() && code[2].is_ascii_hexdigit())
}

/// Compatibility normalisation (NFKC) turns `‥`, `／` and others into dots and separators. Programs that drop what nobody
/// sees, or take a division slash for a separator, must not find a way up either; such characters are in honest names too.
fn keeps_its_shape(text: &str) -> bool {
    if text.is_ascii() {
        return true;
    }
    let folded: String = text.nfkc().collect();
    let count = |text: &str| text.chars().filter(|c| matches!(c, '/' | '\\' | '~' | '$' | '%')).count();
    let climbs = |text: &str| text.split(['/', '\\']).any(|part| part.trim() == "..");
    let seen: String = text.chars().filter(|c| !is_ignorable(*c)).map(separator).nfkc().collect();
    count(&folded) == count(text)
        && climbs(&folded) == climbs(text)
        && climbs(&seen) == climbs(text)
        && seen.starts_with(['/', '~']) == text.starts_with(['/', '~'])
}

/// The slash that looks so.
pub(crate) const fn separator(c: char) -> char {
    match c {
        '\u{2044}' | '\u{2215}' | '\u{2571}' | '\u{29f8}' | '\u{29f6}' | '\u{1735}' | '\u{2216}' | '\u{29f5}'
        | '\u{29f9}' => '/',
        c => c,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::paths::Root;

    fn stage() -> (tempfile::TempDir, Roots) {
        let directory = tempfile::tempdir().unwrap();
        for name in ["root", "other", "code"] {
            std::fs::create_dir(directory.path().join(name)).unwrap();
            std::fs::write(directory.path().join(name).join("a.txt"), name).unwrap();
        }
        let root = Root::open(directory.path().join("root"), Access::ALL).unwrap();
        (directory, Roots::new([root]).unwrap())
    }

    #[test]
    fn text_that_programs_rewrite_is_refused() {
        let (directory, roots) = stage();
        let reader = Reader {
            cwd: directory.path().join("root"),
            variables: ["HOME".to_owned(), "X_1".to_owned()].into(),
            reachable: None,
        };
        for text in [
            "~",
            "~/x",
            "~root/x",
            "~root",
            "~backup",
            " a.txt",
            "a.txt\u{a0}",
            "$HOME/x",
            "${HOME}/x",
            "a/${NONE:-../..}/x",
            "a/$X_1",
            "%2e%2e/x",
            "a%2Fb",
            "%252e",
            ".e%6ev",
            "\"/etc/passwd\"",
            "'/etc/passwd'",
            "[\"/etc/passwd\"]",
            "{\"path\": \"/etc/passwd\"}",
            "--output=/tmp/x",
            "-rf",
            "file:///etc/passwd",
            "FILE:/etc/passwd",
            "http://x/y",
            "\u{2025}/x",
            "\u{ff0e}\u{ff0e}/x",
            "a\u{ff0f}b",
            "\u{2100}/x",
            "\u{ff04}HOME",
            "..\u{2215}x",
            "a\u{2044}..\u{29f8}x",
            "\u{2215}etc\u{2215}passwd",
            "..\u{200d}/x",
            ".\u{ad}./x",
            "*",
            "a*",
            "?.txt",
            "[a-b].txt",
            "{a,b}.txt",
            "a;id",
            "a.txt | sh",
            "$(id)",
            "x`id`",
            "a && id",
            "a > b",
            "a &",
        ] {
            let refused = reader.check(text, &roots, Access::READ).unwrap_err();
            assert_eq!(refused.rule(), PathRule::Ambiguous, "{text:?}");
        }
        for text in [
            "a.txt",
            "~$draft.docx",
            "~tmp.txt",
            "$id.tsx",
            "100%.txt",
            "na\u{ef}ve.md",
            "日本語.md",
            "a b.txt",
            "x~",
            ".",
            "[slug].tsx",
            "it's",
            "a-b",
            "R&D (old), 50 % = $5 #1 + {x}!.txt",
            "Tom & Jerry.txt",
            "AC\u{29f8}DC live",
            "1\u{2044}2 cup.md",
            "\u{1f469}\u{200d}\u{1f4bb}.md",
            "why?",
        ] {
            assert!(reader.check(text, &roots, Access::READ).is_ok(), "{text:?}");
        }
    }

    #[test]
    fn a_relative_path_must_be_allowed_where_the_program_stands_too() {
        let (directory, roots) = stage();
        let at = |name: &str| directory.path().join(name);
        let reader = |cwd: &str, reachable: Option<Vec<(PathBuf, bool)>>| Reader {
            cwd: at(cwd),
            reachable,
            ..Reader::default()
        };
        let is_ok = |reader: &Reader, text: &str, wanted| reader.check(text, &roots, wanted).is_ok();
        let outside = reader("other", None);
        assert!(!is_ok(&outside, "a.txt", Access::READ), "another file of that name is there");
        assert!(!is_ok(&outside, ".", Access::READ));
        assert!(is_ok(&outside, "nothing.txt", Access::READ));
        assert!(!is_ok(&outside, "new.txt", Access::READ_WRITE_CREATE), "it would be made there");
        let inside = reader("root", None);
        assert!(is_ok(&inside, "a.txt", Access::READ) && is_ok(&inside, "new.txt", Access::READ_WRITE_CREATE));
        // Confined to the root, the program can't take it otherwise.
        let confined = reader("other", Some(vec![(at("root"), true)]));
        assert!(is_ok(&confined, "a.txt", Access::READ) && is_ok(&confined, "new.txt", Access::ALL));
        // Another root that this argument may not use.
        let tempting = reader("other", Some(vec![(at("root"), true), (at("other"), false)]));
        assert!(!is_ok(&tempting, "a.txt", Access::READ));
        assert!(is_ok(&tempting, "new.txt", Access::READ_WRITE_CREATE), "it can't change anything there");
        let above = reader("", Some(vec![(at("root"), true), (at("other"), true)]));
        assert!(is_ok(&above, "root/a.txt", Access::READ));
        assert!(!is_ok(&above, "other/a.txt", Access::READ));
        assert!(!is_ok(&above, "other/new.txt", Access::READ_WRITE_CREATE));
    }
}
