//! Whether a value can break out of where it stands.

use super::statements::is_piped;
use super::{Judged, Piece, Spelled, judge_argument, judge_code};
use crate::domain::path::{PathVerdict, Reach};
use crate::domain::props::Part as DomainPart;
use crate::domain::shell::{self, Verdict};
use crate::domain::sql;
use crate::domain::url::{Host, Scheme};
use crate::domain::{Quoting, StrProps, path};
use crate::domain::{argv, code};
use crate::engine::interp::Interp;
use crate::engine::models::SinkKind;
use crate::engine::report::{FlowRule, Outcome};
use crate::ir::Lang;

/// What ends a command and starts another, with blanks and without.
const COMMAND_WITNESSES: [&str; 7] = ["x; id", "x;id", "$(id)", "`id`", "x && id", "x|id", "x\nid"];

/// Paths that lead out of any directory. Some name a place that no list of forbidden directories does: such a list
/// contains nothing; and some have an extension, which may be asked for. They climb further than programs nest their
/// directories, so that the root is where they end: above it there is nothing to climb to.
const PATH_WITNESSES: [&str; 7] = [
    "/etc/passwd",
    "../../../../../../../../../../etc/passwd",
    // What is left once a first separator is taken off, or once it is normalised apart.
    "//etc/passwd",
    "/../../../../../../../../../../etc/passwd",
    "x/../../../../../../../../../../etc/passwd",
    "/nowhere-listed/x.conf",
    "../../../../../../../../../../nowhere-listed/x.conf",
];

impl Interp<'_> {
    pub(super) fn judge(&self, kind: SinkKind, api: &str, spelled: &Spelled) -> Vec<Judged> {
        match kind {
            SinkKind::Shell => vec![self.judge_shell(spelled)],
            SinkKind::RemoteShell => vec![self.judge_remote(api, spelled)],
            SinkKind::FileRead => vec![self.judge_path(spelled, FlowRule::PathTraversal)],
            SinkKind::FileWrite | SinkKind::FileCreate => vec![self.judge_path(spelled, FlowRule::FileWrite)],
            SinkKind::Extract => vec![Judged::bad(
                FlowRule::ArchiveExtraction,
                "../../.bashrc",
                "entries are written where their names say",
            )],
            SinkKind::Host => vec![self.judge_host(spelled)],
            SinkKind::Sql => vec![self.judge_sql(spelled, sql_flavor(api))],
            SinkKind::Query => vec![self.judge_query(spelled)],
            SinkKind::Code => {
                let language = match self.lang() {
                    Lang::JavaScript => argv::Language::JavaScript,
                    Lang::Python => argv::Language::Python,
                };
                vec![if spelled.is_whole {
                    let example = code::harmful(language);
                    self.judge_finite(spelled, FlowRule::CodeInjection, example, "the text is run as code")
                } else {
                    judge_code(spelled, language)
                }]
            }
            SinkKind::Module => vec![self.judge_module(api, spelled)],
            SinkKind::Kernel if spelled.is_whole => vec![self.judge_finite(
                spelled,
                FlowRule::DangerousByDesign,
                "print(1)",
                "the text is run as a program in an interpreter apart",
            )],
            SinkKind::Kernel => vec![judge_code(spelled, argv::Language::Python)],
            // A script of the server's own that has a value in it is not the caller's to write.
            SinkKind::BrowserScript if !spelled.is_whole && !has_slot(spelled) => {
                vec![judge_code(spelled, argv::Language::JavaScript)]
            }
            SinkKind::BrowserScript | SinkKind::PageScript => vec![self.judge_finite(
                spelled,
                FlowRule::DangerousByDesign,
                "document.cookie",
                "the text is run as a script in the page",
            )],
            SinkKind::Template => vec![self.judge_finite(
                spelled,
                FlowRule::TemplateInjection,
                "{{ 7 * 7 }}",
                "the text is compiled as a template",
            )],
            SinkKind::Deserialize => vec![self.judge_finite(
                spelled,
                FlowRule::UnsafeDeserialization,
                "a serialised object with a constructor",
                "deserialising builds objects of any class",
            )],
            SinkKind::Regex => vec![self.judge_regex(spelled)],
            SinkKind::Attribute => vec![self.judge_attribute(spelled)],
            SinkKind::Merge => vec![self.judge_finite(
                spelled,
                FlowRule::PrototypePollution,
                "{\"__proto__\": {}}",
                "keys from the caller are merged into an object",
            )],
            SinkKind::Open => vec![self.judge_scheme(spelled)],
            SinkKind::Argv | SinkKind::Url | SinkKind::Browse | SinkKind::SourceFile => Vec::new(),
            SinkKind::Stdin | SinkKind::CommandTag => Vec::new(),
        }
    }

    fn judge_finite(&self, spelled: &Spelled, rule: FlowRule, example: &str, reason: &str) -> Judged {
        let open = spelled.pieces.iter().any(|piece| match piece {
            Piece::Hole(props) => {
                let calculates = rule == FlowRule::CodeInjection && code::is_calculation(props);
                !props.is_finite() && !is_inert(props) && !calculates
            }
            _ => false,
        });
        if open { Judged::bad(rule, example, reason) } else { Judged::guarded(rule) }
    }

    /// A module that is loaded: by a path, which is what the caller makes of it, or by a name. One in a directory or package
    /// that the server chose is one it means to load.
    fn judge_module(&self, api: &str, spelled: &Spelled) -> Judged {
        match spelled.pieces.as_slice() {
            // A name, or a path as the caller wrote it.
            [Piece::Hole(props)] if props.path.norm == path::Norm::Raw && props.path.within == path::Within::None => {
                let example = match self.lang() {
                    Lang::Python if api.ends_with("module") => "ctypes",
                    Lang::Python => "/tmp/x.py",
                    Lang::JavaScript => "/tmp/x.js",
                };
                self.judge_finite(
                    spelled,
                    FlowRule::CodeInjection,
                    example,
                    "the caller chooses which module is loaded",
                )
            }
            [Piece::Lit(start), ..] if start.starts_with("data:") => judge_code(spelled, argv::Language::JavaScript),
            // `f"plugins.{name}"`: dots only lead further in.
            [Piece::Lit(start), ..] if self.lang() == Lang::Python && start.ends_with('.') && !start.contains('/') => {
                Judged::guarded(FlowRule::CodeInjection)
            }
            _ => match self.judge_path(spelled, FlowRule::CodeInjection) {
                judged if judged.rule == FlowRule::SymlinkEscape => Judged::guarded(FlowRule::CodeInjection),
                judged => judged,
            },
        }
    }

    fn judge_regex(&self, spelled: &Spelled) -> Judged {
        let open = spelled.pieces.iter().any(|piece| match piece {
            // Quantifiers are what makes a pattern expensive.
            Piece::Hole(props) => {
                let is_escaped =
                    matches!(props.quoted, Quoting::Backslash(set) if set.contains('*') && set.contains('\\'));
                !props.is_finite() && !props.charset.excludes("*+{") && !is_escaped
            }
            _ => false,
        });
        if open {
            Judged::bad(FlowRule::UnsafeRegex, "(a+)+$", "the caller chooses the pattern")
        } else {
            Judged::guarded(FlowRule::UnsafeRegex)
        }
    }

    fn judge_attribute(&self, spelled: &Spelled) -> Judged {
        // A constant prefix restricts the lookup to the handlers it names.
        if matches!(spelled.pieces.first(), Some(Piece::Lit(_))) {
            return Judged::guarded(FlowRule::CodeInjection);
        }
        self.judge_finite(spelled, FlowRule::CodeInjection, "__class__", "the caller chooses which member is used")
    }

    fn judge_shell(&self, spelled: &Spelled) -> Judged {
        let parts = spelled.parts();
        let reports = shell::analyze(&parts);
        let worst = reports.into_iter().max_by_key(|report| report.verdict.severity());
        let Some(worst) = worst else { return Judged::guarded(FlowRule::CommandInjection) };
        let whole = if spelled.is_whole { FlowRule::CommandExecution } else { FlowRule::CommandInjection };
        match worst.verdict {
            Verdict::Safe => Judged::guarded(FlowRule::CommandInjection),
            // Inputs are followed where a test of the program's would hold, and what it found was told in a way that is not
            // understood.
            Verdict::BreaksOut { example, why } if whole == FlowRule::CommandInjection && self.is_tested(spelled) => {
                Judged::bad(whole, example, why).or_witnesses(&COMMAND_WITNESSES)
            }
            Verdict::BreaksOut { example, why } => Judged::bad(whole, example, why).of_characters(),
            Verdict::Splits { example, .. } => {
                Judged::bad(FlowRule::ArgumentInjection, example, "a blank starts another argument")
            }
            Verdict::Argument(verdict) => judge_argument(verdict, spelled.is_whole),
        }
    }

    /// Whether the program tests one of the values somewhere in a way that keeps a command what it is.
    fn is_tested(&self, spelled: &Spelled) -> bool {
        let holes = spelled.pieces.iter().filter_map(|piece| match piece {
            Piece::Hole(props) => Some(props),
            _ => None,
        });
        holes.zip(&spelled.holes).enumerate().any(|(at, (props, value))| {
            self.found.tests_of(value.vn).iter().any(|fact| {
                let tested = props.refine(&fact.props);
                !tested.is_bottom() && stays_a_command(spelled, at, &tested)
            })
        })
    }

    /// A command on another machine or in a container. A tool that runs the caller's there is what it says, also in a
    /// directory: `cd /srv && ${command}`.
    fn judge_remote(&self, api: &str, spelled: &Spelled) -> Judged {
        // One of a list is no command of the caller's, and what stands before it is judged then.
        let begins_word = match spelled.pieces.as_slice() {
            [.., Piece::Lit(before), Piece::Hole(command)] => {
                before.ends_with(char::is_whitespace) && !command.is_finite() && !is_inert(command)
            }
            _ => false,
        };
        let is_command = spelled.is_whole
            || begins_word
                && shell::analyze(&spelled.parts()).last().is_some_and(|report| {
                    report.context == shell::Context::Unquoted && report.position == shell::Position::Command
                });
        let judged = if is_command {
            let reason = "the caller writes the command that runs elsewhere";
            self.judge_finite(spelled, FlowRule::DangerousByDesign, "id", reason)
        } else {
            self.judge_shell(spelled)
        };
        let package = api.split(['.', '(']).next().unwrap_or(api);
        Judged { elsewhere: Some(package.to_owned()), ..judged }
    }

    pub(super) fn judge_path(&self, spelled: &Spelled, rule: FlowRule) -> Judged {
        match path::judge(&spelled.parts()) {
            PathVerdict::Safe | PathVerdict::Escapes { reach: Reach::ParentOnly, .. } => Judged::guarded(rule),
            PathVerdict::SymlinkOnly { .. } => Judged {
                example: Some("a symbolic link inside the directory".to_owned()),
                reason: "the path is contained by text only".to_owned(),
                outcome: Outcome::Vulnerable,
                ..Judged::guarded(FlowRule::SymlinkEscape)
            },
            PathVerdict::Weak { example, reason, .. } => match reason {
                path::WeakContainment::RelativeMayBeAbsolute => Judged::guarded(rule),
                // No replay: the bypass depends on the directory, which is not known.
                _ => Judged {
                    witnesses: Vec::new(),
                    ..Judged::bad(FlowRule::PathPrefixBypass, example, "the containment check compares text")
                },
            },
            PathVerdict::Escapes { example, .. } => {
                Judged::bad(rule, example, "the value chooses the file").or_witnesses(&PATH_WITNESSES)
            }
        }
    }

    /// A URL that is handed to whatever program its scheme belongs to.
    pub(super) fn judge_scheme(&self, spelled: &Spelled) -> Judged {
        let start = spelled.pieces.iter().find(|piece| match piece {
            Piece::Lit(text) => !text.chars().all(|c| matches!(c, '"' | '\'')),
            _ => true,
        });
        let is_open = match start {
            Some(Piece::Hole(props)) => {
                !props.is_finite()
                    && props.url.scheme == Scheme::Unknown
                    && props.charset.contains(':')
                    && props.first.contains('f')
                    && props.path.abs != path::Abs::Abs
                    && props.path.within == path::Within::None
            }
            _ => false,
        };
        if is_open {
            Judged::bad(FlowRule::UrlScheme, "file:///etc/passwd", "the caller chooses the scheme, and so the program")
        } else {
            Judged::guarded(FlowRule::UrlScheme)
        }
    }

    fn judge_host(&self, spelled: &Spelled) -> Judged {
        let open = spelled.pieces.iter().any(|piece| match piece {
            Piece::Hole(props) => {
                !props.is_finite() && !matches!(props.url.host, Host::AllowListed | Host::Fixed(_)) && !is_inert(props)
            }
            _ => false,
        });
        if open {
            Judged::bad(FlowRule::Ssrf, "169.254.169.254", "the caller chooses the host")
                .or_witnesses(&["127.0.0.1", "10.0.0.1"])
        } else {
            Judged::guarded(FlowRule::Ssrf)
        }
    }

    fn judge_sql(&self, spelled: &Spelled, flavor: sql::Flavor) -> Judged {
        if spelled.is_whole {
            let finite = matches!(spelled.pieces.as_slice(), [Piece::Hole(props)] if props.is_finite());
            return if finite {
                Judged::guarded(FlowRule::SqlInjection)
            } else {
                Judged::bad(FlowRule::DangerousByDesign, "DROP TABLE users", "the caller writes the whole statement")
            };
        }
        if is_statement(&spelled.pieces) {
            return Judged::bad(
                FlowRule::DangerousByDesign,
                "DROP TABLE users",
                "the caller writes the whole statement",
            );
        }
        let literals =
            spelled.pieces.iter().filter_map(|piece| if let Piece::Lit(text) = piece { Some(&**text) } else { None });
        // Quotes, escapes and comments of the piped languages are those of Cypher.
        let flavor = if is_piped(literals) { sql::Flavor::Cypher } else { flavor };
        judge_syntax(&spelled.parts(), flavor, FlowRule::SqlInjection)
    }

    fn judge_query(&self, spelled: &Spelled) -> Judged {
        if spelled.is_whole {
            return self.judge_finite(
                spelled,
                FlowRule::DangerousByDesign,
                "MATCH (n) DETACH DELETE n",
                "the caller writes the whole query",
            );
        }
        if is_statement(&spelled.pieces) {
            let example = "MATCH (n) DETACH DELETE n";
            return Judged::bad(FlowRule::DangerousByDesign, example, "the caller writes the whole query");
        }
        judge_syntax(&spelled.parts(), sql::Flavor::Cypher, FlowRule::NosqlInjection)
    }
}

/// Whether the only value in a statement is itself a statement: `EXPLAIN ${query}`, `SELECT * FROM (${query}) LIMIT 10`.
fn is_statement(pieces: &[Piece]) -> bool {
    let (Some(at), 1) = (
        pieces.iter().position(|piece| matches!(piece, Piece::Hole(_))),
        pieces.iter().filter(|piece| matches!(piece, Piece::Hole(_))).count(),
    ) else {
        return false;
    };
    let before: String =
        pieces[..at].iter().map(|piece| if let Piece::Lit(text) = piece { text } else { "x" }).collect();
    // Behind a blank: a name in quotes is no statement.
    let is_apart = before.ends_with([' ', '\n', '\t', ')']);
    let before = before.trim().to_ascii_uppercase();
    let explains = is_apart
        && ["EXPLAIN", "PROFILE", "DESCRIBE"].iter().any(|word| before.starts_with(word))
        && !before.contains("FROM");
    let encloses = before.strip_suffix('(').is_some_and(|before| {
        let before = before.trim_end();
        before.ends_with(" FROM") || before.ends_with(" AS")
    });
    explains || encloses
}

/// What the holes of a statement can do to its syntax.
fn judge_syntax(parts: &[DomainPart<'_>], flavor: sql::Flavor, rule: FlowRule) -> Judged {
    for hole in sql::analyze(parts, flavor) {
        match hole.verdict {
            sql::SqlVerdict::Safe => {}
            sql::SqlVerdict::Statement { example } => {
                return Judged::bad(rule, example, "the value starts the statement");
            }
            sql::SqlVerdict::BreaksOut { example, why } => return Judged::bad(rule, example, why),
        }
    }
    Judged::guarded(rule)
}

/// The dialect a driver speaks, by its access path; [`sql::Flavor::AnySql`] when that is open.
fn sql_flavor(api: &str) -> sql::Flavor {
    const MYSQL: [&str; 8] = ["mysql", "mariadb", "clickhouse", "bigquery", "starrocks", "doris", "tidb", "databricks"];
    const STANDARD: [&str; 9] =
        ["sqlite", "psycopg", "asyncpg", "postgres", "duckdb", "oracledb", "pyodbc", "mssql", "snowflake"];
    let api = api.to_ascii_lowercase();
    if MYSQL.iter().any(|name| api.contains(name)) {
        sql::Flavor::MySql
    } else if STANDARD.iter().any(|name| api.contains(name)) || api.starts_with("pg.") {
        sql::Flavor::Standard
    } else {
        sql::Flavor::AnySql
    }
}

/// Whether a program has room for one of the caller's, which is what the tool is for then.
fn has_slot(spelled: &Spelled) -> bool {
    let literal = |piece: Option<&Piece>| match piece {
        Some(Piece::Lit(text)) => Some(text.to_string()),
        Some(_) => None,
        None => Some(String::new()),
    };
    let holes = code::analyze(&spelled.parts(), argv::Language::JavaScript);
    holes.iter().filter(|hole| hole.quote.is_none()).any(|hole| {
        let before = hole.part.checked_sub(1).map_or(Some(String::new()), |at| literal(spelled.pieces.get(at)));
        before
            .zip(literal(spelled.pieces.get(hole.part + 1)))
            .is_some_and(|(before, after)| code::is_slot(&before, &after))
    })
}

/// Digits, letters and little else: too poor to be code or a host of the caller's choice.
fn is_inert(props: &StrProps) -> bool {
    props.quoted == Quoting::None
        && props.charset.is_subset(crate::domain::CharSet::DIGITS.union(crate::domain::CharSet::of("-+.eE")))
}

/// Whether a command is what it is, whatever stands in one of its holes, of which this much is known.
fn stays_a_command(spelled: &Spelled, hole: usize, props: &StrProps) -> bool {
    let mut holes = 0..;
    let parts: Vec<DomainPart<'_>> = spelled
        .pieces
        .iter()
        .map(|piece| match piece {
            Piece::Lit(text) => DomainPart::Lit(text),
            Piece::Hole(_) if holes.next() == Some(hole) => DomainPart::Hole(props),
            Piece::Hole(props) | Piece::Trusted(props) => DomainPart::Trusted(props),
        })
        .collect();
    !shell::analyze(&parts).iter().any(|report| matches!(report.verdict, Verdict::BreaksOut { .. }))
}
