//! Why a URL or an address was refused.

use std::fmt;

use manta_detect::address::Class;

/// The rule that refused. [`fmt::Display`] gives its kebab-case name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum UrlRule {
    /// More than 2048 bytes.
    TooLong,
    /// A control character, space or `\` anywhere, or anything but letters, digits, `-` and `.`
    /// in the host: parsers disagree about what such a URL means (CWE-436).
    Characters,
    /// Not a URL that the WHATWG parser accepts.
    Syntax,
    /// A scheme the policy doesn't name.
    Scheme,
    /// A user name or password: `https://good.example@evil.example` (CWE-1286).
    UserInfo,
    /// A port the policy doesn't name.
    Port,
    /// A host the policy doesn't name.
    Host,
    /// An IP address that the policy doesn't name literally.
    IpLiteral,
    /// The parser reads another host than the one written: `0x7f.1`, `2130706433`, `127.1`.
    OddForm,
    /// A cloud metadata service or `localhost`, refused under every rule.
    Metadata,
    /// An address that is not public (CWE-918).
    Address(Class),
    /// The name has no address, or more than 16.
    Resolution,
    /// The connection's other end is not the address that was checked.
    Peer,
    /// No connection could be made.
    Connect,
    /// A rule in the policy itself is not valid.
    Policy,
}

impl UrlRule {
    /// Kebab-case name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::TooLong => "url-too-long",
            Self::Characters => "url-characters",
            Self::Syntax => "url-syntax",
            Self::Scheme => "url-scheme",
            Self::UserInfo => "url-user-info",
            Self::Port => "url-port",
            Self::Host => "url-host",
            Self::IpLiteral => "ip-literal",
            Self::OddForm => "odd-host-form",
            Self::Metadata => "metadata-host",
            Self::Address(_) => "address-not-public",
            Self::Resolution => "name-resolution",
            Self::Peer => "peer-mismatch",
            Self::Connect => "connect",
            Self::Policy => "policy",
        }
    }
}

impl fmt::Display for UrlRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A refused URL. The message never repeats the URL, which an untrusted caller wrote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UrlError {
    rule: UrlRule,
    detail: &'static str,
}

impl UrlError {
    pub(super) const fn new(rule: UrlRule, detail: &'static str) -> Self {
        Self { rule, detail }
    }

    /// The rule that refused.
    #[must_use]
    pub const fn rule(&self) -> UrlRule {
        self.rule
    }
}

impl fmt::Display for UrlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.rule {
            UrlRule::Address(class) => write!(f, "{}: {class} ({})", self.detail, self.rule),
            rule => write!(f, "{} ({rule})", self.detail),
        }
    }
}

impl std::error::Error for UrlError {}
