//! Whole statements of the caller's that the program means to hold to reading: whether its check does.
//!
//! That a tool runs statements is what it is for. A program that looks at them first says that not all are meant to run,
//! and then the check is evaluated and not believed: a statement that does harm and is stopped is tried again in other
//! words. CWE-89, CWE-184 (an incomplete list of disallowed inputs).

use super::HandlerCall;
use super::state::Before;
use crate::engine::interp::Interp;
use crate::engine::models::SinkKind;
use crate::engine::report::{FlowRule, Hit};
use crate::engine::value::ModId;
use crate::ir::{ArgKind, Expr, Key, Module, Prop, Symbol};
use manta_core::Location;

/// A statement that does harm, the same in other words, and the libraries whose databases run it so; all where none is
/// named.
struct Disguise {
    plain: &'static str,
    disguised: &'static str,
    libraries: &'static [&'static str],
}

const fn disguise(plain: &'static str, disguised: &'static str, libraries: &'static [&'static str]) -> Disguise {
    Disguise { plain, disguised, libraries }
}

/// Libraries that run several statements in one call when they are given nothing else, by their documentation.
const SEVERAL: &[&str] = &["psycopg", "pg.", "pg-promise", "duckdb", "pyodbc", "pymssql", "mssql"];
/// Methods that do, whatever the library.
const SEVERAL_BY_NAME: [&str; 2] = ["executescript", "exec"];
const POSTGRES: &[&str] = &["psycopg", "asyncpg", "pg.", "pg-promise", "postgres"];
const MYSQL: &[&str] = &["mysql", "mariadb", "MySQLdb", "aiomysql", "asyncmy", "pymysql"];
/// Databases that change rows behind `WITH`; Snowflake, BigQuery, ClickHouse and others don't.
const WITH_CHANGES: &[&str] = &[
    "psycopg",
    "asyncpg",
    "pg.",
    "pg-promise",
    "postgres",
    "duckdb",
    "sqlite",
    "aiosqlite",
    "better-sqlite3",
    "libsql",
    "@libsql",
    "node:sqlite",
    "bun:sqlite",
    "mysql",
    "mariadb",
    "MySQLdb",
    "aiomysql",
    "asyncmy",
    "pymysql",
    "pyodbc",
    "pymssql",
    "mssql",
    "sqlalchemy",
];

/// How one transaction, and not the session, is held to reading.
const OF_TRANSACTIONS: [&str; 4] =
    ["begin transaction read only", "start transaction read only", "begin read only", "set transaction read only"];

/// Longest text that is looked at for words of a setting, in bytes.
const MAX_SAID: usize = 256;

/// For libraries that run several statements in one call.
const BEHIND_ANOTHER: Disguise = disguise("DROP TABLE users", "SELECT 1; DROP TABLE users", &[]);

/// In the order in which they are tried. All of them are read so by every database or by those of the libraries named.
const DISGUISES: [Disguise; 7] = [
    disguise("DROP TABLE users", "drop table users", &[]),
    disguise("DROP TABLE users", "DROP\tTABLE users", &[]),
    disguise("DROP TABLE users", "/**/DROP TABLE users", &[]),
    disguise("DELETE FROM users", "WITH one AS (SELECT 1) DELETE FROM users", WITH_CHANGES),
    disguise("DELETE FROM users", "EXPLAIN ANALYZE DELETE FROM users", POSTGRES),
    disguise("DELETE FROM users", "WITH gone AS (DELETE FROM users RETURNING *) SELECT * FROM gone", POSTGRES),
    disguise("DROP TABLE users", "SELECT 1 INTO OUTFILE '/tmp/x'", MYSQL),
];

impl Interp<'_> {
    /// A statement that passes the program's check and does what the check is there to stop; none where nothing is checked,
    /// where the check holds, or where the database itself only reads.
    pub(super) fn passes_check(
        &mut self,
        call: &HandlerCall<'_>,
        before: Option<&Before<'_>>,
        hit: &Hit,
        param: &str,
    ) -> Option<String> {
        if hit.rule != FlowRule::DangerousByDesign || hit.kind != SinkKind::Sql || param.is_empty() {
            return None;
        }
        let is_of = |libraries: &[&str]| libraries.iter().any(|library| hit.api.starts_with(library));
        let method = hit.api.rsplit('.').next().unwrap_or_default();
        let several = (is_of(SEVERAL) || SEVERAL_BY_NAME.contains(&method)) && self.is_given_text_alone(hit.at);
        if several && self.says(&OF_TRANSACTIONS) && !self.parses_statements() {
            // What follows the end of a transaction is in none, or in one of its own.
            let ended = "SELECT 1; COMMIT; DROP TABLE users";
            return (self.arrives(call, before, hit, param, ended) == Some(true)).then(|| ended.to_owned());
        }
        if self.arrives(call, before, hit, param, "DROP TABLE users") != Some(false) || self.only_reads() {
            return None;
        }
        // Who lets nothing through is no query.
        if self.arrives(call, before, hit, param, "SELECT 1") != Some(true) {
            return None;
        }
        let runs = |disguise: &&Disguise| disguise.libraries.is_empty() || is_of(disguise.libraries);
        let tried = DISGUISES.iter().filter(runs).chain(several.then_some(&BEHIND_ANOTHER));
        let found = tried.into_iter().find(|disguise| {
            self.arrives(call, before, hit, param, disguise.disguised) == Some(true)
                && self.arrives(call, before, hit, param, disguise.plain) == Some(false)
        });
        found.map(|disguise| disguise.disguised.to_owned())
    }

    /// Whether the program opens its database for reading alone, or has statements parsed: what passes its own check is
    /// stopped there.
    fn only_reads(&self) -> bool {
        // As a database reads it: that a tool is for reading stands in many descriptions.
        const SAID: [&str; 7] = [
            "transaction read only",
            "begin read only",
            "read_only=",
            "mode=ro",
            "query_only",
            "transaction_read_only",
            "immutable=1",
        ];
        const OPTIONS: [&str; 3] = ["readonly", "readOnly", "read_only"];
        let opens = |(_, module): (ModId, &Module)| {
            let is_on = |value| matches!(module.expr(value), Expr::Bool(true));
            let is_option = |name: &Symbol, value| OPTIONS.contains(&name.as_str()) && is_on(value);
            module.exprs.iter().any(|expr| match expr {
                Expr::Object { props, .. } => props
                    .iter()
                    .any(|prop| matches!(prop, Prop::Init(Key::Static(name), value) if is_option(name, *value))),
                Expr::Call { args, .. } => {
                    args.iter().any(|arg| matches!(&arg.kind, ArgKind::Named(name) if is_option(name, arg.value)))
                }
                _ => false,
            })
        };
        self.says(&SAID) || self.parses_statements() || self.program.modules().any(opens)
    }

    fn parses_statements(&self) -> bool {
        const PARSERS: [&str; 6] =
            ["sqlglot", "node-sql-parser", "pgsql-ast-parser", "libpg-query", "pglast", "sqloxide"];
        let is_parser = |request: &str| PARSERS.iter().any(|parser| request.starts_with(parser));
        self.program.modules().any(|(_, module)| module.imports.iter().any(|import| is_parser(&import.request)))
    }

    /// Whether a constant text of the program has one of these words, in small letters.
    fn says(&self, words: &[&str]) -> bool {
        let has = |text: &str| {
            let text = text.to_ascii_lowercase();
            words.iter().any(|words| text.contains(words))
        };
        self.program.modules().any(|(_, module)| {
            module.exprs.iter().any(|expr| matches!(expr, Expr::Str(text) if text.len() < MAX_SAID && has(text)))
        })
    }

    /// Whether a call is given a statement, and no values that are sure to be there: with values, drivers prepare the
    /// statement, and what is prepared is one. A list that a function was given may be empty.
    fn is_given_text_alone(&self, at: Location) -> bool {
        let module = self.program.modules().map(|(_, module)| module).find(|module| module.file == at.file);
        module.is_some_and(|module| {
            let is_text = |value| !matches!(module.expr(value), Expr::Object { .. });
            let may_be_empty = |value| match module.expr(value) {
                Expr::Seq { items, .. } => items.is_empty(),
                value => matches!(value, Expr::Var(_)),
            };
            module.exprs.iter().zip(&module.spans).filter(|(_, span)| **span == at.span).any(|(expr, _)| match expr {
                Expr::Call { args, .. } => match args.as_slice() {
                    [text] => is_text(text.value),
                    [text, values] => is_text(text.value) && may_be_empty(values.value),
                    _ => false,
                },
                _ => false,
            })
        })
    }
}
