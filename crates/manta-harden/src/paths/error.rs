//! Why a path was refused, in words a person and a model can act on.

use std::fmt;
use std::io;

/// The rule that refused a path. [`fmt::Display`] gives its kebab-case name, as audit logs and
/// policies cite it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum PathRule {
    /// No text at all.
    Empty,
    /// More than 4096 bytes, or a component of more than 255.
    TooLong,
    /// A NUL byte: C code behind a check sees a shorter path (CWE-158).
    Nul,
    /// A control character: splits log lines, drives terminals (CWE-117, CWE-150).
    Control,
    /// A direction-changing or invisible character: a reviewer sees another path (CWE-1007).
    Hidden,
    /// A `..` component (CWE-22).
    Parent,
    /// An absolute path below none of the roots (CWE-36).
    OutsideRoot,
    /// A drive, UNC or device prefix, `\`, `:`, a trailing dot or space, `~1`: another file on
    /// Windows (CWE-39, CWE-40, CWE-46, CWE-69).
    NotPortable,
    /// `CON`, `NUL`, `COM1`, …: a device on Windows (CWE-67).
    DeviceName,
    /// A program that reads the text by itself may take it for another path: `~`, a variable, a percent
    /// code, another working directory; see [`super::Reader`] (CWE-172).
    Ambiguous,
    /// A name the root denies, such as `.git`.
    DeniedName,
    /// A change to a name the root keeps as it is, such as `.vscode`, or to a protected file.
    Frozen,
    /// A symbolic link that leaves the root, or any link where links are refused (CWE-59).
    Symlink,
    /// The path crosses into another file system.
    OtherDevice,
    /// A second name of the same file: its other name may lie outside the root (CWE-62).
    HardLink,
    /// A FIFO, socket or device: opening one can hang or act (CWE-66).
    NotRegular,
    /// A directory was asked for and something else is there, or the reverse.
    WrongKind,
    /// More bytes than the root admits.
    TooLarge,
    /// More entries or levels than asked for.
    TooMany,
    /// The root does not grant this operation.
    NotGranted,
    /// Another root, opened on its own, governs this part of the tree.
    OtherRoot,
    /// The operation would move or delete the root itself.
    RootItself,
    /// Nothing is there.
    NotFound,
    /// Something is there already.
    Exists,
    /// A directory that still has entries.
    NotEmpty,
    /// The content is not UTF-8 where text was asked for.
    NotText,
    /// The operating system refused; see [`std::error::Error::source`].
    Io,
}

impl PathRule {
    /// Kebab-case name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Empty => "empty-path",
            Self::TooLong => "path-too-long",
            Self::Nul => "nul-byte",
            Self::Control => "control-character",
            Self::Hidden => "hidden-character",
            Self::Parent => "parent-component",
            Self::OutsideRoot => "outside-root",
            Self::NotPortable => "not-portable",
            Self::DeviceName => "device-name",
            Self::Ambiguous => "ambiguous-path",
            Self::DeniedName => "denied-name",
            Self::Frozen => "frozen-name",
            Self::Symlink => "symlink",
            Self::OtherDevice => "other-device",
            Self::HardLink => "hard-link",
            Self::NotRegular => "not-regular",
            Self::WrongKind => "wrong-kind",
            Self::TooLarge => "too-large",
            Self::TooMany => "too-many",
            Self::NotGranted => "not-granted",
            Self::OtherRoot => "other-root",
            Self::RootItself => "root-itself",
            Self::NotFound => "not-found",
            Self::Exists => "already-exists",
            Self::NotEmpty => "not-empty",
            Self::NotText => "not-text",
            Self::Io => "io",
        }
    }

    const fn sentence(self) -> &'static str {
        match self {
            Self::Empty => "the path is empty; use `.` for the root itself",
            Self::TooLong => "the path is longer than 4096 bytes, or one name in it than 255",
            Self::Nul => "the path contains a NUL byte",
            Self::Control => "the path contains a control character",
            Self::Hidden => "the path contains an invisible or direction-changing character",
            Self::Parent => "`..` is not allowed; name the file from the root downwards",
            Self::OutsideRoot => "the path is outside the allowed directories",
            Self::NotPortable => {
                "the path has a form that means another file on Windows (`\\`, `:`, `~1`, trailing dot)"
            }
            Self::DeviceName => "the path names a Windows device such as CON or NUL",
            Self::Ambiguous => {
                "programs may read this path in more than one way (`~`, `$NAME`, `%41`, `*`, `;`, a dash in front, white space or \
                 quotes around it, their own working directory); write it out from the root directory on"
            }
            Self::DeniedName => "the path contains a name that the policy denies",
            Self::Frozen => "programs obey a file of this name, so it can be read and not changed",
            Self::Symlink => "the path goes through a symbolic link that is not allowed",
            Self::OtherDevice => "the path crosses into another file system",
            Self::HardLink => "the file has a second hard link, which may lie outside the root",
            Self::NotRegular => "not a regular file (FIFO, socket or device)",
            Self::WrongKind => "a file where a directory was expected, or the reverse",
            Self::TooLarge => "larger than the limit of this root",
            Self::TooMany => "more entries or levels than the limit",
            Self::NotGranted => "this root does not grant that operation",
            Self::OtherRoot => "this directory belongs to another root with its own rights",
            Self::RootItself => "the root directory itself cannot be replaced, renamed or removed",
            Self::NotFound => "no such file or directory",
            Self::Exists => "it exists already",
            Self::NotEmpty => "the directory is not empty",
            Self::NotText => "the file is not UTF-8 text",
            Self::Io => "the operating system refused",
        }
    }
}

impl fmt::Display for PathRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A refused path operation.
///
/// The message never repeats the path: it came from an untrusted caller, and a message that
/// quotes it can carry an injection into the log or the model's context.
#[derive(Debug)]
pub struct PathError {
    rule: PathRule,
    source: Option<io::Error>,
}

impl PathError {
    /// The rule that refused.
    #[must_use]
    pub const fn rule(&self) -> PathRule {
        self.rule
    }

    /// Whether the caller asked for something the rules forbid, as opposed to something that is
    /// merely not there.
    #[must_use]
    pub const fn is_denial(&self) -> bool {
        !matches!(
            self.rule,
            PathRule::NotFound
                | PathRule::Exists
                | PathRule::NotEmpty
                | PathRule::NotText
                | PathRule::WrongKind
                | PathRule::Io
        )
    }
}

impl fmt::Display for PathError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.rule.sentence(), self.rule)?;
        match &self.source {
            Some(error) if self.rule == PathRule::Io => write!(f, ": {}", error.kind()),
            _ => Ok(()),
        }
    }
}

impl std::error::Error for PathError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_ref().map(|error| error as _)
    }
}

impl From<PathRule> for PathError {
    fn from(rule: PathRule) -> Self {
        Self { rule, source: None }
    }
}

impl From<io::Error> for PathError {
    fn from(error: io::Error) -> Self {
        use io::ErrorKind as K;
        let rule = match error.kind() {
            K::NotFound => PathRule::NotFound,
            K::AlreadyExists => PathRule::Exists,
            K::DirectoryNotEmpty => PathRule::NotEmpty,
            K::NotADirectory | K::IsADirectory => PathRule::WrongKind,
            K::CrossesDevices => PathRule::OtherDevice,
            K::InvalidFilename => PathRule::TooLong,
            K::InvalidInput => PathRule::NotPortable,
            _ => PathRule::Io,
        };
        Self { rule, source: Some(error) }
    }
}
