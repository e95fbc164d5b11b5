//! Reads the policy file and remembers its lines.

use std::fmt;
use std::fs;
use std::io::Read as _;
use std::ops::Range;
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use sha2::{Digest as _, Sha256};

use super::spec::PolicySpec;

/// Policies are written by hand; a larger file is a mistake or an attack on the parser.
const MAX_BYTES: u64 = 1 << 20;

/// A parsed policy file, with its text for citing lines. Nothing has been opened yet.
#[derive(Debug, Clone)]
pub struct PolicyFile {
    path: PathBuf,
    text: String,
    hash: String,
    spec: PolicySpec,
    protected: Vec<PathBuf>,
    hidden: Vec<PathBuf>,
    built_in: Option<BuiltIn>,
}

/// What a policy that is part of a program says in place of a file and a change to it.
#[derive(Debug, Clone, Copy)]
struct BuiltIn {
    name: &'static str,
    instead: Option<&'static str>,
}

impl PolicyFile {
    /// Reads and parses a file of at most 1 MiB.
    ///
    /// # Errors
    /// [`PolicyError`] with line and column when the file cannot be read, is no TOML, or has an
    /// unknown key or a value of the wrong type.
    pub fn load(path: impl AsRef<Path>) -> Result<Self, PolicyError> {
        let path = path.as_ref();
        let unreadable = |error: &dyn fmt::Display| PolicyError::file(path, format!("cannot be read: {error}"));
        let mut bytes = Vec::new();
        let file = fs::File::open(path).map_err(|error| unreadable(&error))?;
        file.take(MAX_BYTES + 1).read_to_end(&mut bytes).map_err(|error| unreadable(&error))?;
        if bytes.len() as u64 > MAX_BYTES {
            return Err(unreadable(&"larger than 1 MiB"));
        }
        let text = String::from_utf8(bytes).map_err(|_| unreadable(&"not UTF-8"))?;
        Self::parse(path, text)
    }

    /// Parses text as if it stood in `path`; relative directories in it start at `path`'s parent.
    ///
    /// # Errors
    /// As [`PolicyFile::load`].
    pub fn parse(path: impl Into<PathBuf>, text: impl Into<String>) -> Result<Self, PolicyError> {
        let (path, text) = (path.into(), text.into());
        let spec: PolicySpec = toml::from_str(&text).map_err(|error| PolicyError::from_toml(&path, &text, &error))?;
        let hash = format!("sha256:{}", crate::digest::hex(&Sha256::digest(text.as_bytes())));
        let mut file = Self { path, text, hash, spec, protected: Vec::new(), hidden: Vec::new(), built_in: None };
        if file.spec.version != 1 {
            let message = format!("version {} is unknown; this program reads version 1", file.spec.version);
            return Err(PolicyError::file(&file.path, message));
        }
        // A tool that could change its own rules would have none.
        file.protected.push(file.path.clone());
        let (directory, audit) = (file.directory(), file.spec.audit.clone());
        file.hidden.extend(audit.signing_key.map(|key| directory.join(key)));
        file.protected.extend(audit.checkpoints.map(|checkpoints| directory.join(checkpoints)));
        Ok(match audit.path {
            Some(log) => file.log_at(directory.join(log)),
            None => file,
        })
    }

    /// Parses a policy that is part of a program: denials cite it by `name` and, as nobody can change a line of it, say
    /// what to do `instead`. Relative directories in it start at `directory`.
    ///
    /// # Errors
    /// As [`PolicyFile::load`].
    pub fn built_in(
        directory: &Path,
        name: &'static str,
        text: impl Into<String>,
        instead: Option<&'static str>,
    ) -> Result<Self, PolicyError> {
        let file = Self::parse(directory.join(name), text)?;
        Ok(Self { built_in: Some(BuiltIn { name, instead }), ..file })
    }

    /// How denials cite it.
    pub(super) fn cited(&self) -> &Path {
        self.built_in.map_or(&self.path, |built_in| Path::new(built_in.name))
    }

    /// What would let a refused call pass, given the change to a line that would.
    pub(super) fn remedy(&self, change: Option<String>) -> Option<String> {
        match self.built_in {
            Some(built_in) => change.and(built_in.instead).map(str::to_owned),
            None => change,
        }
    }

    /// Says where the log is, when this is not for the file to say: no tool may change it, or read the key of its
    /// digests.
    #[must_use]
    pub fn log_at(mut self, log: impl Into<PathBuf>) -> Self {
        let log = log.into();
        let mut key = log.clone().into_os_string();
        key.push(".key");
        self.hidden.push(key.into());
        self.protected.push(log);
        self
    }

    /// Names a file that no tool may read or change: a key of the program that loads the policy.
    #[must_use]
    pub fn hide(mut self, path: impl Into<PathBuf>) -> Self {
        self.hidden.push(path.into());
        self
    }

    /// Names a file that no tool may change.
    #[must_use]
    pub fn protect(mut self, path: impl Into<PathBuf>) -> Self {
        self.protected.push(path.into());
        self
    }

    /// The same files for a newer version of the policy.
    #[must_use]
    pub fn guarding_as(mut self, other: &Self) -> Self {
        self.protected.extend(other.protected.iter().cloned());
        self.hidden.extend(other.hidden.iter().cloned());
        self
    }

    /// Files that no tool may change, and those that none may read either.
    pub(super) fn own_files(&self) -> (&[PathBuf], &[PathBuf]) {
        (&self.protected, &self.hidden)
    }

    /// The parsed tables.
    #[must_use]
    pub fn spec(&self) -> &PolicySpec {
        &self.spec
    }

    /// Where the file is, as it was given.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The directory that relative paths in the file start at.
    #[must_use]
    pub fn directory(&self) -> PathBuf {
        match self.path.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
            _ => PathBuf::from("."),
        }
    }

    /// `sha256:…` of the file's bytes, as written into every audit record.
    #[must_use]
    pub fn hash(&self) -> &str {
        &self.hash
    }

    /// Line of a span, counted from 1.
    #[must_use]
    pub fn line(&self, span: &Range<usize>) -> usize {
        line_and_column(&self.text, span.start).0
    }

    /// Reads a section that belongs to somebody else, such as `[guard]`, into that owner's type.
    ///
    /// Spans and unknown keys work as in the rest of the file, because the text is parsed anew.
    /// `path` is the name of the table, with dots: `"guard"`, `"server.git.guard"`.
    ///
    /// # Errors
    /// As [`PolicyFile::load`].
    pub fn section<T: DeserializeOwned + Default>(&self, path: &str) -> Result<T, PolicyError> {
        let whole = toml::de::DeTable::parse(&self.text)
            .map_err(|error| PolicyError::from_toml(&self.path, &self.text, &error))?;
        let mut keys = path.split('.');
        let first = keys.next().unwrap_or_default();
        let Some(mut value) = whole.into_inner().remove(first) else { return Ok(T::default()) };
        for key in keys {
            let toml::de::DeValue::Table(table) = value.get_mut() else { return Ok(T::default()) };
            match table.remove(key) {
                Some(inner) => value = inner,
                None => return Ok(T::default()),
            }
        }
        T::deserialize(toml::de::ValueDeserializer::from(value))
            .map_err(|error| PolicyError::from_toml(&self.path, &self.text, &error))
    }

    /// An error that stands at a span of this file.
    #[must_use]
    pub fn error_at(&self, span: &Range<usize>, message: impl Into<String>) -> PolicyError {
        let (line, column) = line_and_column(&self.text, span.start);
        PolicyError { file: self.path.clone(), line, column, message: message.into(), help: None }
    }
}

/// Why a policy was not accepted: `file:line:column: message`, and what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct PolicyError {
    /// The policy file.
    pub file: PathBuf,
    /// Line, from 1; 0 when the error is about the file as a whole.
    pub line: usize,
    /// Column in characters, from 1; 0 when the error is about the file as a whole.
    pub column: usize,
    /// What is wrong, lowercase and without a full stop.
    pub message: String,
    /// What to write instead, when that is known.
    pub help: Option<String>,
}

impl PolicyError {
    /// An error about the file as a whole.
    #[must_use]
    pub fn file(path: &Path, message: impl Into<String>) -> Self {
        Self { file: path.to_owned(), line: 0, column: 0, message: message.into(), help: None }
    }

    /// The same error with advice.
    #[must_use]
    pub fn with_help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    fn from_toml(path: &Path, text: &str, error: &toml::de::Error) -> Self {
        let (line, column) = error.span().map_or((0, 0), |span| line_and_column(text, span.start));
        let message = error.message().trim().replace('\n', ": ");
        let help = unknown_name(&message).and_then(|(name, known)| match closest(name, known.iter().copied()) {
            Some(best) => Some(format!("did you mean `{best}`?")),
            None if known.is_empty() => None,
            None => Some(format!("known here: {}", known.join(", "))),
        });
        // serde lists every known key in the message itself; the help line says it shorter.
        let message = match (&help, message.split_once(", expected")) {
            (Some(_), Some((short, _))) => short.replace("field", "key").replace("variant", "value"),
            _ => message,
        };
        Self { file: path.to_owned(), line, column, message, help }
    }
}

impl fmt::Display for PolicyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.file.display())?;
        if self.line > 0 {
            write!(f, ":{}:{}", self.line, self.column)?;
        }
        write!(f, ": {}", self.message)?;
        match &self.help {
            Some(help) => write!(f, " ({help})"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for PolicyError {}

/// The offending name and the known ones, from serde's two messages about unknown names.
fn unknown_name(message: &str) -> Option<(&str, Vec<&str>)> {
    let rest = message.strip_prefix("unknown field `").or_else(|| message.strip_prefix("unknown variant `"))?;
    let mut quoted = rest.split('`');
    let name = quoted.next()?;
    Some((name, quoted.skip(1).step_by(2).collect()))
}

/// The candidate that a person most likely meant: at most a third of the letters differ.
pub(super) fn closest<'a>(name: &str, candidates: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    candidates
        .map(|candidate| (edit_distance(name, candidate), candidate))
        .filter(|(distance, candidate)| *distance <= candidate.chars().count().max(3) / 3)
        .min()
        .map(|(_, candidate)| candidate)
}

/// Levenshtein distance in characters, where swapping two neighbours counts once.
fn edit_distance(a: &str, b: &str) -> usize {
    let a: Vec<char> = a.chars().take(64).collect();
    let b: Vec<char> = b.chars().take(64).collect();
    let mut rows = vec![vec![0; b.len() + 1]; a.len() + 1];
    rows[0] = (0..=b.len()).collect();
    for i in 1..=a.len() {
        rows[i][0] = i;
        for j in 1..=b.len() {
            let replaced = rows[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
            rows[i][j] = replaced.min(rows[i - 1][j] + 1).min(rows[i][j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                rows[i][j] = rows[i][j].min(rows[i - 2][j - 2] + 1);
            }
        }
    }
    rows[a.len()][b.len()]
}

fn line_and_column(text: &str, offset: usize) -> (usize, usize) {
    let before = text.get(..offset).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    (before.matches('\n').count() + 1, before[line_start..].chars().count() + 1)
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    const EXAMPLE: &str = r#"
version = 1
[roots.project]
at = "."
mode = "rw"
[tools.read_file]
class = "read"
[tools.read_file.args]
path = { kind = "path", roots = ["project"] }
[guard]
sandbox = "require"
"#;

    fn error(text: &str) -> String {
        PolicyFile::parse("manta.toml", text).expect_err("refused").to_string()
    }

    #[test]
    fn example_parses_and_rules_know_their_line() {
        let file = PolicyFile::parse("manta.toml", EXAMPLE).unwrap();
        let tool = &file.spec().tools["read_file"];
        assert_eq!(file.line(&tool.get_ref().args["path"].span()), 9);
        assert!(file.hash().starts_with("sha256:"));
    }

    #[test]
    fn unknown_key_is_an_error_with_line_and_suggestion() {
        let message = error("version = 1\n[roots.a]\nat = '.'\nmod = 'r'\n");
        assert_eq!(message, "manta.toml:4:1: unknown key `mod` (did you mean `mode`?)");
    }

    #[test]
    fn unknown_value_is_an_error_with_suggestion() {
        let message = error("version = 1\n[tools.t.args]\na = { kind = 'paht' }\n");
        assert!(message.contains("manta.toml:3:") && message.contains("did you mean `path`?"), "{message}");
    }

    #[test]
    fn unit_errors_name_the_line() {
        let message = error("version = 1\n[limits.default]\nper = '60'\n");
        assert!(message.starts_with("manta.toml:3:7: `60` has no unit"), "{message}");
    }

    #[test]
    fn broken_toml_and_other_versions_are_refused() {
        assert!(error("version = ").starts_with("manta.toml:1:"));
        assert!(error("version = 2").contains("version 2 is unknown"));
        assert!(error("").contains("version"));
        assert!(error("version = 1\nversion = 1").contains("duplicate"));
    }

    #[derive(Debug, Default, PartialEq, Deserialize)]
    #[serde(deny_unknown_fields, default)]
    struct Guard {
        sandbox: String,
    }

    #[test]
    fn foreign_sections_are_read_with_the_same_errors() {
        let file = PolicyFile::parse("manta.toml", EXAMPLE).unwrap();
        assert_eq!(file.section::<Guard>("guard").unwrap(), Guard { sandbox: "require".into() });
        assert_eq!(file.section::<Guard>("server.x.guard").unwrap(), Guard::default());
        let file = PolicyFile::parse("manta.toml", "version = 1\n[guard]\nsandbix = 'a'\n").unwrap();
        let error = file.section::<Guard>("guard").unwrap_err().to_string();
        assert_eq!(error, "manta.toml:3:1: unknown key `sandbix` (did you mean `sandbox`?)");
    }
}
