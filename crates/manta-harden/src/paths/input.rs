//! The text of a path, checked before any system call.
//!
//! Pure and linear. The rules are the same on every platform, so that a policy means the same on
//! the author's laptop and on the server. There is no percent-decoding, no `~`, no variable:
//! a path is read once, literally (CWE-22, CWE-172).

use std::borrow::Cow;

use unicode_normalization::UnicodeNormalization as _;

use super::error::{PathError, PathRule};

/// Names where credentials live or where a written file gets run. [`super::Root::open`] denies
/// them anywhere below the root.
pub const DEFAULT_DENIED: &[&str] = &[
    ".git",
    ".hg",
    ".svn",
    ".ssh",
    ".gnupg",
    ".aws",
    ".azure",
    ".kube",
    ".docker",
    ".env",
    ".env.local",
    ".env.development",
    ".env.staging",
    ".env.production",
    ".env.test",
    ".env.dev",
    ".env.stage",
    ".env.prod",
    ".env.development.local",
    ".env.production.local",
    ".env.test.local",
    ".env.bak",
    ".env.backup",
    ".env.old",
    ".my.cnf",
    ".htpasswd",
    ".password-store",
    ".dockercfg",
    ".s3cfg",
    ".boto",
    ".rclone.conf",
    ".mysql_history",
    ".psql_history",
    ".node_repl_history",
    ".netrc",
    ".npmrc",
    ".pypirc",
    ".pgpass",
    ".git-credentials",
    ".vault-token",
    ".bash_history",
    ".zsh_history",
    ".python_history",
    "id_rsa",
    "id_dsa",
    "id_ecdsa",
    "id_ed25519",
];

/// Names that an editor, agent, shell or this project obeys when it finds them: a tool that could
/// write one would give itself more rights, or run code on the user's machine (CVE-2025-53773,
/// CVE-2025-54135). [`super::Root::open`] lets them be read, not changed.
pub const DEFAULT_FROZEN: &[&str] = &[
    "manta.toml",
    ".mcp.json",
    "mcp.json",
    ".cursor",
    ".vscode",
    ".idea",
    ".zed",
    ".windsurf",
    ".claude",
    ".gemini",
    ".codex",
    ".continue",
    ".roo",
    ".kiro",
    ".amazonq",
    ".devcontainer",
    ".husky",
    ".envrc",
    ".bashrc",
    ".bash_profile",
    ".profile",
    ".zshrc",
    ".zshenv",
    ".gitconfig",
    ".gitmodules",
    ".bash_login",
    ".bash_logout",
    ".bash_aliases",
    ".zprofile",
    ".zlogin",
    ".cshrc",
    ".tcshrc",
    ".inputrc",
    ".vimrc",
    ".exrc",
    ".gdbinit",
    ".lldbinit",
    ".pythonrc",
    ".xprofile",
    ".pam_environment",
    ".cursorrules",
    ".windsurfrules",
    ".clinerules",
    ".pre-commit-config.yaml",
    ".yarnrc",
    ".yarnrc.yml",
    ".pnpmfile.cjs",
    ".mise.toml",
    ".cargo",
    ".mvn",
];

const MAX_PATH: usize = 4096;
const MAX_COMPONENT: usize = 255;

/// A path below a root: components joined by `/`, none empty, `.` or `..`; `.` for the root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RelPath {
    text: String,
    /// The caller wrote a trailing slash, so only a directory will do.
    pub(crate) wants_dir: bool,
}

impl RelPath {
    /// Reads `text`, which is relative. A leading slash is refused as outside.
    pub(crate) fn parse(text: &str, portable: bool) -> Result<Self, PathError> {
        check_characters(text, portable)?;
        if text.starts_with('/') {
            return Err(PathRule::OutsideRoot.into());
        }
        let mut clean = String::with_capacity(text.len());
        for component in text.split('/').filter(|component| !matches!(*component, "" | ".")) {
            check_component(component, portable)?;
            if !clean.is_empty() {
                clean.push('/');
            }
            clean.push_str(component);
        }
        let wants_dir = text.ends_with('/') || text.ends_with("/.") || text == ".";
        if clean.is_empty() {
            clean.push('.');
        }
        Ok(Self { text: clean, wants_dir })
    }

    /// A path that the kernel reported; it needs no check and may hold names `parse` refuses.
    pub(crate) fn parse_listed(text: &str) -> Self {
        Self { text: if text.is_empty() { ".".to_owned() } else { text.to_owned() }, wants_dir: false }
    }

    /// Whether this is `prefix` or lies below it, on a file system that may ignore case.
    pub(crate) fn starts_with(&self, prefix: &Self) -> bool {
        let mut mine = self.components();
        prefix
            .components()
            .all(|theirs| mine.next().is_some_and(|name| name == theirs || fold_name(name) == fold_name(theirs)))
    }

    /// Whether this stands beside `file` under its name and more after a dot.
    pub(crate) fn goes_on(&self, file: &Self) -> bool {
        let (Some((mine, name)), Some((theirs, base))) = (self.split_leaf(), file.split_leaf()) else { return false };
        let begins = fold_name(name).strip_prefix(&fold_name(base)).is_some_and(|rest| rest.starts_with('.'));
        begins && mine.starts_with(&theirs) && theirs.starts_with(&mine)
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.text
    }

    /// The path as text, with a slash at the end when only a directory will do.
    pub(crate) fn into_text(mut self) -> String {
        if self.wants_dir && !self.is_root() {
            self.text.push('/');
        }
        self.text
    }

    /// The path without that slash.
    pub(crate) fn into_relative(self) -> String {
        self.text
    }

    pub(crate) fn is_root(&self) -> bool {
        self.text == "."
    }

    pub(crate) fn components(&self) -> impl Iterator<Item = &str> {
        self.text.split('/').filter(|component| *component != ".")
    }

    /// Directory and last name; `None` for the root itself.
    pub(crate) fn split_leaf(&self) -> Option<(Self, &str)> {
        if self.is_root() {
            return None;
        }
        let (parent, leaf) = self.text.rsplit_once('/').unwrap_or((".", &self.text));
        Some((Self { text: parent.to_owned(), wants_dir: true }, leaf))
    }

    /// This path with one more component, which must come from a directory listing or `parse`.
    pub(crate) fn join(&self, name: &str) -> Self {
        let text = if self.is_root() { name.to_owned() } else { format!("{}/{name}", self.text) };
        Self { text, wants_dir: false }
    }
}

/// Rules about single characters, for relative and absolute text alike.
pub(super) fn check_characters(text: &str, portable: bool) -> Result<(), PathError> {
    if text.is_empty() {
        return Err(PathRule::Empty.into());
    }
    if text.len() > MAX_PATH {
        return Err(PathRule::TooLong.into());
    }
    let is_plain = |b: u8| (b' '..=b'~').contains(&b) & (b != b'\\') & (b != b':');
    if text.bytes().fold(true, |plain, b| plain & is_plain(b)) {
        return Ok(());
    }
    let refused = text.chars().find_map(|c| match c {
        '\0' => Some(PathRule::Nul),
        '\u{1}'..='\u{1f}' | '\u{7f}'..='\u{9f}' => Some(PathRule::Control),
        // Direction changes, and characters that no one can see in a log.
        '\u{61c}'
        | '\u{200b}'
        | '\u{200e}'
        | '\u{200f}'
        | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}'
        | '\u{feff}'
        | '\u{e0000}'..='\u{e007f}' => Some(PathRule::Hidden),
        '\\' | ':' if portable => Some(PathRule::NotPortable),
        _ => None,
    });
    refused.map_or(Ok(()), |rule| Err(rule.into()))
}

fn check_component(component: &str, portable: bool) -> Result<(), PathError> {
    if component == ".." {
        return Err(PathRule::Parent.into());
    }
    if component.len() > MAX_COMPONENT {
        return Err(PathRule::TooLong.into());
    }
    if portable {
        if component.ends_with(['.', ' ']) || is_short_name(component) {
            return Err(PathRule::NotPortable.into());
        }
        if is_device_name(component) {
            return Err(PathRule::DeviceName.into());
        }
    }
    Ok(())
}

/// `CON`, `con.txt`, `COM1 .log`: Windows looks at what stands before the first dot.
fn is_device_name(component: &str) -> bool {
    if !matches!(
        component.as_bytes().first(),
        Some(b'C' | b'c' | b'P' | b'p' | b'A' | b'a' | b'N' | b'n' | b'L' | b'l')
    ) {
        return false;
    }
    let stem = component.split('.').next().unwrap_or_default().trim_end();
    if stem.len() > 8 {
        return false;
    }
    let is = |name: &&str| stem.eq_ignore_ascii_case(name);
    let is_port = || {
        let port = stem.get(..3).filter(|port| ["COM", "LPT"].iter().any(|name| port.eq_ignore_ascii_case(name)));
        let mut number = port.map_or("", |port| &stem[port.len()..]).chars();
        matches!(number.next(), Some('0'..='9' | '¹' | '²' | '³')) && number.next().is_none()
    };
    ["CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$", "CLOCK$"].iter().any(is) || is_port()
}

/// `PROGRA~1`, `GIT~1`: the 8.3 alias that lets `GIT~1/config` past a rule about `.git`
/// (CVE-2014-9390).
fn is_short_name(component: &str) -> bool {
    if !component.bytes().fold(false, |found, b| found | (b == b'~')) {
        return false;
    }
    let (stem, extension) = component.split_once('.').unwrap_or((component, ""));
    let Some((name, number)) = stem.rsplit_once('~') else { return false };
    stem.len() <= 8
        && !name.is_empty()
        && !number.is_empty()
        && number.bytes().all(|b| b.is_ascii_digit())
        && extension.len() <= 3
}

/// Names that are refused anywhere in a path, compared as a case-insensitive, normalising file
/// system compares them: `.GIT`, `.ｇｉｔ` and `.g\u{200c}it` (which HFS+ ignores) are all `.git`.
#[derive(Debug, Clone, Default)]
pub struct DeniedNames {
    names: Vec<String>,
    /// A bit for what a few of their bytes come to. Most names of a path have none, and need no search.
    seen: [u64; Self::WORDS],
}

impl DeniedNames {
    /// These names, each in every spelling.
    #[must_use]
    pub fn new<'a>(names: impl IntoIterator<Item = &'a str>) -> Self {
        let mut names: Vec<String> = names.into_iter().map(fold_name).collect();
        names.sort_unstable();
        let mut seen = [0; Self::WORDS];
        for bit in names.iter().map(|name| Self::bit_of(name)) {
            seen[bit / 64] |= 1 << (bit % 64);
        }
        Self { names, seen }
    }

    const WORDS: usize = 32;

    /// Length, first and last byte as a number below 2,048.
    fn bit_of(folded: &str) -> usize {
        let [first, last] =
            [folded.as_bytes().first(), folded.as_bytes().last()].map(|byte| byte.map_or(0, |byte| usize::from(*byte)));
        (folded.len() * 251 + first * 31 + last * 7) % (Self::WORDS * 64)
    }

    /// Whether this name of one file or directory counts as one of them.
    #[must_use]
    pub fn contains(&self, name: &str) -> bool {
        if self.names.is_empty() {
            return false;
        }
        let is_plain = name.bytes().fold(true, |plain, b| plain & b.is_ascii() & !b.is_ascii_uppercase());
        let found = |folded: &str| {
            let bit = Self::bit_of(folded);
            let may_be = self.seen[bit / 64] & 1 << (bit % 64) != 0;
            may_be && self.names.binary_search_by(|denied| denied.as_str().cmp(folded)).is_ok()
        };
        // Trailing dots and spaces fall away on Windows, a stream name follows a colon.
        let stream = name.bytes().position(|b| b == b':').unwrap_or(name.len());
        let bare = name[..stream].trim_end_matches(['.', ' ']);
        if is_plain { found(bare) } else { found(&fold_name(bare)) }
    }

    /// Refuses a path with a denied component.
    pub(crate) fn check<'a>(&self, components: impl IntoIterator<Item = &'a str>) -> Result<(), PathError> {
        match components.into_iter().any(|name| self.contains(name)) {
            true => Err(PathRule::DeniedName.into()),
            false => Ok(()),
        }
    }
}

/// The form under which two names count as one: without what Unicode calls ignorable, which HFS+ and case-folding ext4
/// leave out of a comparison, and folded as far as any file system does (`ß` is `ss` to ext4 and APFS).
pub(crate) fn fold_name(name: &str) -> String {
    let upper = name.chars().filter(|c| !is_ignorable(*c)).nfkc().flat_map(char::to_uppercase);
    upper.flat_map(char::to_lowercase).nfkc().filter(|c| !is_ignorable(*c)).collect()
}

/// The form under which a server may take two spellings for one name: some look for `read_file` in `Read_File` and
/// ` read_file` as well.
pub(crate) fn fold_spelling(name: &str) -> Cow<'_, str> {
    // Without a way out in the middle, which lets the compiler look at many bytes at once.
    match name.bytes().fold(true, |plain, b| plain & b.is_ascii_graphic() & !b.is_ascii_uppercase()) {
        true => Cow::Borrowed(name),
        false => {
            // A program in C reads no further than the first NUL, and nobody sees a control character.
            let read = name.split('\0').next().unwrap_or_default();
            let folded: String = fold_name(read).chars().filter(|c| !c.is_control()).collect();
            Cow::Owned(folded.trim().to_owned())
        }
    }
}

/// Characters that are shown as nothing (Unicode, `Default_Ignorable_Code_Point`).
pub(crate) const fn is_ignorable(c: char) -> bool {
    matches!(
        c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}'
            | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fff8}'
            | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(text: &str) -> Option<PathRule> {
        RelPath::parse(text, true).err().map(|error| error.rule())
    }

    #[test]
    fn ordinary_paths_are_normalised() {
        for (text, clean) in [
            ("a/b.txt", "a/b.txt"),
            ("./a//b/./c", "a/b/c"),
            (".", "."),
            ("a/", "a"),
            ("...a/.hidden", "...a/.hidden"),
            ("naïve café/日本語.md", "naïve café/日本語.md"),
            ("%2e%2e/x", "%2e%2e/x"),
            ("~/x", "~/x"),
            ("file.txt~1~", "file.txt~1~"),
            ("console/auxiliary/nullable.rs", "console/auxiliary/nullable.rs"),
        ] {
            assert_eq!(RelPath::parse(text, true).unwrap().as_str(), clean, "{text}");
        }
    }

    #[test]
    fn every_row_of_the_table_is_refused() {
        for (text, expected) in [
            ("", PathRule::Empty),
            ("..", PathRule::Parent),
            ("a/../b", PathRule::Parent),
            ("/etc/passwd", PathRule::OutsideRoot),
            ("//etc/passwd", PathRule::OutsideRoot),
            ("f\0../../x", PathRule::Nul),
            ("a\nb", PathRule::Control),
            ("a\u{1b}[2J", PathRule::Control),
            ("a\u{7f}", PathRule::Control),
            ("a\u{85}b", PathRule::Control),
            ("x\u{202e}txt.exe", PathRule::Hidden),
            ("x\u{2066}y", PathRule::Hidden),
            ("C:\\Windows", PathRule::NotPortable),
            ("C:x", PathRule::NotPortable),
            ("\\\\?\\C:\\x", PathRule::NotPortable),
            ("\\\\server\\share", PathRule::NotPortable),
            ("..\\..\\x", PathRule::NotPortable),
            ("file.txt::$DATA", PathRule::NotPortable),
            ("dir./x", PathRule::NotPortable),
            ("... /x", PathRule::NotPortable),
            ("PROGRA~1/x", PathRule::NotPortable),
            ("GIT~1/config", PathRule::NotPortable),
            ("con", PathRule::DeviceName),
            ("a/NUL.txt", PathRule::DeviceName),
            ("com1", PathRule::DeviceName),
            ("COM¹.log", PathRule::DeviceName),
            ("lpt9", PathRule::DeviceName),
            ("aux .c", PathRule::DeviceName),
        ] {
            assert_eq!(rule(text), Some(expected), "{text:?}");
        }
        assert_eq!(rule(&"a".repeat(256)), Some(PathRule::TooLong));
        assert_eq!(rule(&"a/".repeat(2049)), Some(PathRule::TooLong));
    }

    #[test]
    fn unportable_names_can_be_admitted_and_dangerous_ones_cannot() {
        for text in ["a:b", "a\\b", "dir./x", "PROGRA~1", "con"] {
            assert!(RelPath::parse(text, false).is_ok(), "{text}");
        }
        for text in ["..", "a\0", "a\n", "x\u{202e}y", "/abs"] {
            assert!(RelPath::parse(text, false).is_err(), "{text:?}");
        }
    }

    #[test]
    fn denied_names_match_as_file_systems_do() {
        let denied = DeniedNames::new([".git", "Café"]);
        for name in [
            ".git",
            ".GIT",
            ".ｇｉｔ",
            ".g\u{200c}it",
            ".git.",
            ".git ",
            ".git::$INDEX_ALLOCATION",
            "cafe\u{301}",
            "CAFÉ",
            ".g\u{ad}it",
            ".gi\u{fe0f}t",
            ".\u{3164}git",
            ".git\u{e0100}",
            ".g\u{131}t",
        ] {
            assert!(denied.contains(name), "{name}");
        }
        for name in [".gitignore", "git", ".github", "x.git"] {
            assert!(!denied.contains(name), "{name}");
        }
        assert!(DeniedNames::new([".ssh", "ok"]).contains(".\u{17f}\u{17f}h"), "long s folds to s");
        assert!(DeniedNames::new(["ok"]).contains("o\u{212a}"), "Kelvin sign folds to k");
        assert!(DeniedNames::new([".ssh"]).contains(".\u{df}h"), "sharp s folds to ss");
        assert!(DeniedNames::new([".\u{df}h"]).contains(".SSH"), "also in the policy");
    }

    /// The search that most names are spared says no to nobody who is on the list.
    #[test]
    fn every_name_on_a_list_is_found_and_no_other() {
        let names: Vec<String> = (0..3000_u32).map(|n| format!(".{}{n:o}", "abc".repeat(n as usize % 7))).collect();
        for size in [1, 2, 50, names.len()] {
            let denied = DeniedNames::new(names[..size].iter().map(String::as_str));
            for (at, name) in names.iter().enumerate() {
                assert_eq!(denied.contains(name), at < size, "{name} of {size}");
                assert_eq!(denied.contains(&name.to_uppercase()), at < size, "{name} of {size}");
                assert!(!denied.contains(&format!("{name}x")), "{name}");
            }
        }
        assert!(!DeniedNames::new([]).contains(""));
    }
}
