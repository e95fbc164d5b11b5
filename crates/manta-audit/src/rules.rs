//! Every rule: identity, severity, weakness, page.
//!
//! The page is the documentation, the text of `manta explain`, the help of SARIF, and a test: its code blocks run
//! through the whole scanner.

use manta_core::{Confidence, Persona, RuleMeta, Severity, SinkClass};
use manta_flow::engine::models::SinkKind;
use manta_flow::engine::report::FlowRule;

macro_rules! rules {
    ($($name:ident = $id:literal, $since:literal, $title:literal, $summary:literal, $severity:ident, $confidence:ident, $persona:ident, $class:expr, $cwe:expr;)*) => {
        $(
            static $name: RuleMeta = RuleMeta {
                id: $id,
                title: $title,
                aliases: &[],
                since: $since,
                summary: $summary,
                severity: Severity::$severity,
                confidence: Confidence::$confidence,
                persona: Persona::$persona,
                class: $class,
                cwe: $cwe,
                page: include_str!(concat!("../rules/", $id, ".md")),
            };
        )*
        static ALL: &[&RuleMeta] = &[$(&$name),*];
    };
}

rules! {
    COMMAND_EXECUTION = "command-execution", "0.1", "Command execution",
        "tools that run whatever command the caller sends", Critical, High, Regular, Some(SinkClass::Command), &[78, 77];
    COMMAND_INJECTION = "command-injection", "0.1", "Command injection",
        "parameters that break out of their place in a shell command", Critical, High, Regular, Some(SinkClass::Command), &[78];
    ARGUMENT_INJECTION = "argument-injection", "0.1", "Argument injection",
        "parameters that a program reads as an option", High, High, Regular, Some(SinkClass::Command), &[88];
    CODE_INJECTION = "code-injection", "0.1", "Code injection",
        "parameters that are run as code", Critical, High, Regular, Some(SinkClass::Code), &[94, 95];
    PATH_TRAVERSAL = "path-traversal", "0.1", "Path traversal",
        "parameters that choose any file", High, High, Regular, Some(SinkClass::Path), &[22];
    PATH_PREFIX_BYPASS = "path-prefix-bypass", "0.1", "Path prefix bypass",
        "containment checks that a sibling directory passes", High, High, Regular, Some(SinkClass::Path), &[22];
    SYMLINK_ESCAPE = "symlink-escape", "0.1", "Symlink escape",
        "containment by text that a symbolic link defeats", Medium, Medium, Auditor, Some(SinkClass::Path), &[59, 22];
    SSRF = "ssrf", "0.1", "Server-side request forgery",
        "parameters that choose where a request goes", High, High, Regular, Some(SinkClass::Network), &[918];
    WEAK_HOST_CHECK = "weak-host-check", "0.1", "Weak host check",
        "host checks that a crafted name passes", High, High, Regular, Some(SinkClass::Network), &[918];
    REQUEST_PATH_TRAVERSAL = "request-path-traversal", "0.1", "Request path traversal",
        "parameters that climb to another path of the service that is called", Medium, Medium, Regular, Some(SinkClass::Network), &[22];
    SQL_INJECTION = "sql-injection", "0.1", "SQL injection",
        "parameters that become part of an SQL statement", High, High, Regular, Some(SinkClass::Sql), &[89];
    NOSQL_INJECTION = "nosql-injection", "0.1", "Query injection",
        "parameters that become part of another query language", High, Medium, Regular, Some(SinkClass::Sql), &[943];
    TEMPLATE_INJECTION = "template-injection", "0.1", "Template injection",
        "parameters that are compiled as templates", High, High, Regular, Some(SinkClass::Code), &[1336, 94];
    UNSAFE_DESERIALIZATION = "unsafe-deserialization", "0.1", "Unsafe deserialization",
        "parameters deserialised into live objects", High, High, Regular, Some(SinkClass::Code), &[502];
    ARCHIVE_EXTRACTION = "archive-extraction", "0.1", "Unchecked archive extraction",
        "archives whose entries choose where they are written", High, Medium, Regular, Some(SinkClass::Path), &[22];
    UNSAFE_REGEX = "unsafe-regex", "0.1", "Pattern from the caller",
        "regular expressions that the caller writes", Medium, Medium, Regular, None, &[1333];
    PROTOTYPE_POLLUTION = "prototype-pollution", "0.1", "Prototype pollution",
        "keys from the caller that can name a prototype", Medium, Medium, Regular, None, &[1321];
    UNRESTRICTED_URL_SCHEME = "unrestricted-url-scheme", "0.1", "Unrestricted URL scheme",
        "URLs of any scheme handed to the program registered for it", Medium, Medium, Regular, None, &[939];
    DNS_REBINDING = "dns-rebinding", "0.1", "DNS rebinding",
        "HTTP transports that answer any `Host` and `Origin`", Medium, Medium, Regular, None, &[350, 346, 1385];
    UNAUTHENTICATED_HTTP = "unauthenticated-http", "0.1", "Unauthenticated HTTP server",
        "HTTP transports on all interfaces that ask nobody who they are", High, Medium, Regular, None, &[306, 1327, 287];
    PERMISSIVE_CORS = "permissive-cors", "0.1", "Permissive cross-origin access",
        "answers with credentials, or of a server that asks for none, that pages of every origin may read", Medium, High, Regular, None, &[942];
    SESSION_FIXATION = "session-fixation", "0.1", "Predictable session",
        "session identifiers that can be guessed", Medium, Medium, Regular, None, &[330, 384];
    TLS_VERIFICATION_DISABLED = "tls-verification-disabled", "0.1", "TLS verification disabled",
        "credentials sent to servers whose certificate is not checked", Medium, High, Regular, None, &[295];
    CREDENTIAL_FORWARDING = "credential-forwarding", "0.1", "Credential forwarding",
        "credentials sent to a host that the caller chooses", Medium, Medium, Regular, Some(SinkClass::Network), &[522, 201];
    SECRET_EXPOSURE = "secret-exposure", "0.1", "Secret exposure",
        "credentials of the server that reach the model or a log", High, High, Regular, None, &[200, 526, 532];
    TOKEN_PASSTHROUGH = "token-passthrough", "0.1", "Token passthrough",
        "the client's token sent on to another service", Medium, Medium, Regular, None, &[441, 522];
    STDOUT_LOGGING = "stdout-logging", "0.1", "Logging to standard output",
        "stdio servers that print to standard output", Low, High, Auditor, None, &[117];
    NO_RATE_LIMIT = "no-rate-limit", "0.1", "No rate limit",
        "tools that spawn, write or call out, reached without any limiter", Low, Medium, Auditor, None, &[770, 799];
    NO_AUDIT_LOG = "no-audit-log", "0.1", "No audit log",
        "tools that spawn, write or call out and leave no record of a call", Low, Medium, Auditor, None, &[778];
    UNBOUNDED_INPUT = "unbounded-input", "0.1", "Unbounded input",
        "tools that spawn, write or call out with texts and lists of any length", Low, Medium, Auditor, None, &[770, 1284];
    TOOL_POISONING = "tool-poisoning", "0.1", "Orders to the model",
        "text of a server that tells the model what to do", High, High, Regular, None, &[1427, 77];
    HIDDEN_CHARACTERS = "hidden-characters", "0.1", "Hidden characters",
        "text of a server that a model reads and a person doesn't see", High, High, Regular, None, &[1007, 116];
    ENCODED_INSTRUCTIONS = "encoded-instructions", "0.1", "Encoded instructions",
        "text of a server that only a model decodes, or that is pushed out of sight", High, High, Regular, None, &[1427, 116];
    TOOL_SHADOWING = "tool-shadowing", "0.1", "Tool shadowing",
        "text of one server that speaks of another server's tools", High, Medium, Regular, None, &[1427];
    NAME_COLLISION = "name-collision", "0.1", "Name collision",
        "tools of two servers that have, or seem to have, one name", Medium, High, Regular, None, &[694, 1007];
    MISLEADING_ANNOTATION = "misleading-annotation", "0.1", "Misleading annotation",
        "tools whose annotations promise what their code doesn't keep", Medium, Medium, Regular, None, &[451];
    UNREGISTERED_TOOL = "unregistered-tool", "0.1", "Unregistered tool",
        "tools that a running server lists and its code doesn't register", High, Medium, Regular, None, &[912];
    LOOSE_SCHEMA = "loose-schema", "0.1", "Loose schema",
        "parameters that become a path, an address or a command and are declared as any text", Low, High, Auditor, None, &[20];
    TOXIC_COMBINATION = "toxic-combination", "0.1", "Toxic combination",
        "tools that together read private data, bring in text from strangers and can carry data out", Medium, Medium, Auditor, None, &[1427];
    EXPOSED_SECRET = "exposed-secret", "0.1", "Exposed secret",
        "credentials in plain text", High, High, Regular, None, &[798, 312];
    PLAIN_HTTP = "plain-http", "0.1", "Plain HTTP",
        "servers that a configuration reaches without encryption", Medium, High, Regular, None, &[319];
    UNPINNED_PACKAGE = "unpinned-package", "0.1", "Unpinned package",
        "configurations that run whatever version a registry serves", Medium, High, Regular, None, &[1357];
    VULNERABLE_PACKAGE = "vulnerable-package", "0.1", "Vulnerable package",
        "versions that a public advisory names", High, High, Regular, None, &[1395];
    LOOKALIKE_PACKAGE = "lookalike-package", "0.1", "Look-alike package",
        "packages whose names are a slip away from a well-known server's", High, Medium, Regular, None, &[1357];
    BROAD_ACCESS = "broad-access", "0.1", "Broad access",
        "servers that are given a whole machine or home directory", High, High, Regular, None, &[250, 732];
    SHELL_AS_SERVER = "shell-as-server", "0.1", "Shell as a server",
        "configurations whose command is a program in a shell", Medium, High, Regular, None, &[78];
    WRITABLE_PROGRAM = "writable-program", "0.1", "Writable program",
        "configured programs that everybody on the machine may replace", High, High, Regular, None, &[732];
    BLANKET_APPROVAL = "blanket-approval", "0.1", "Blanket approval",
        "settings that let every tool run without a question", High, High, Regular, None, &[862];
    DUPLICATE_SERVER = "duplicate-server", "0.1", "Duplicate server",
        "servers that are configured twice", Low, High, Regular, None, &[694];
    INSTALL_SCRIPT = "install-script", "0.1", "Install script",
        "commands that run when a package is installed", High, High, Regular, None, &[506];
    AGENT_HOOK = "agent-hook", "0.1", "Agent hook",
        "commands that run when a project is opened", High, High, Regular, None, &[94];
    DANGEROUS_BY_DESIGN = "dangerous-by-design", "0.1", "Dangerous by design",
        "tools whose declared purpose is the dangerous act", Low, Medium, Auditor, None, &[749];
}

/// Every rule, in the order of the documentation.
#[must_use]
pub fn all() -> Vec<&'static RuleMeta> {
    ALL.to_vec()
}

/// The rule with this id.
#[must_use]
pub fn find(id: &str) -> Option<&'static RuleMeta> {
    ALL.iter().copied().find(|rule| rule.is_called(id))
}

/// A rule that this crate defines.
pub(crate) fn known(id: &str) -> &'static RuleMeta {
    find(id).expect("rules are named by constants of this crate, and a test looks each of them up")
}

/// What to do, in a line.
pub(crate) fn help(rule: FlowRule, kind: SinkKind) -> &'static str {
    match rule {
        FlowRule::CommandExecution => {
            "offer named operations instead of a command: fixed programs with `execFile`/`subprocess.run([…])` and checked arguments"
        }
        FlowRule::CommandInjection => {
            "pass arguments as a list to `execFile`/`subprocess.run([…])` without a shell, with `--` before operands"
        }
        FlowRule::ArgumentInjection => "put `--` before operands, or refuse values that start with `-`",
        FlowRule::CodeInjection => "look the value up in a table of allowed operations instead of running it",
        FlowRule::PathTraversal | FlowRule::FileWrite => {
            "resolve the path against one directory with `realpath` and require the result to start with that directory plus a separator"
        }
        FlowRule::PathPrefixBypass => {
            "compare with the directory plus a separator: `resolved === root || resolved.startsWith(root + path.sep)`"
        }
        FlowRule::SymlinkEscape => "compare real paths (`fs.realpath`, `Path.resolve`) and open what was compared",
        FlowRule::Ssrf => {
            "allow named hosts over https only, and refuse internal addresses after name resolution and on every redirect"
        }
        FlowRule::WeakHostCheck => {
            "parse the URL and compare its hostname for equality, or with a suffix that starts with a dot"
        }
        FlowRule::RequestPath => {
            "encode the value as one segment: `encodeURIComponent(id)`, `urllib.parse.quote(id, safe=\"\")`"
        }
        FlowRule::SqlInjection => "bind the value as a parameter",
        FlowRule::NosqlInjection => "bind the value as a parameter, or accept only plain strings",
        FlowRule::TemplateInjection => "keep templates constant and pass the value as data",
        FlowRule::UnsafeDeserialization => "parse a data format (JSON) instead",
        FlowRule::ArchiveExtraction => {
            "check every entry's resolved path before writing it; on Python pass `filter=\"data\"`"
        }
        FlowRule::UnsafeRegex => "escape the value, or use a linear-time engine",
        FlowRule::PrototypePollution => "use a `Map`, or refuse `__proto__`, `constructor` and `prototype`",
        FlowRule::UrlScheme => "parse the URL and accept `https:` (and `http:`) only before handing it on",
        FlowRule::DangerousByDesign => match kind {
            SinkKind::Sql | SinkKind::Query => {
                "connect with a read-only account and say so; offer named queries where possible"
            }
            _ => "make sure that only intended callers reach this tool",
        },
    }
}
