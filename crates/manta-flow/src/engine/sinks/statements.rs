//! Statements given to databases whose library is not known: recognised by what they look like.

use manta_core::Span;

use crate::engine::interp::{Args, Interp};
use crate::engine::models::SinkKind;
use crate::engine::value::{Kind, Part, Val};
use crate::ir::Symbol;

/// Methods of database connections and cursors, and of what stands before them.
const METHODS: [&str; 17] = [
    "executemany",
    "executescript",
    "exec",
    "raw",
    "fetch",
    "fetchall",
    "fetchone",
    "fetchrow",
    "fetchval",
    "run",
    "all",
    "get",
    "prepare",
    "unsafe",
    "post",
    "request",
    "send",
];

/// Words of other methods that take statements: `executeSql`, `run_query`.
const METHOD_WORDS: [&str; 7] = ["query", "sql", "execute", "statement", "cypher", "dql", "kql"];

/// Members of an options object, or of what is posted, that hold a statement.
const FIELDS: [&str; 8] = ["sql", "query", "statement", "text", "body", "sqlText", "dql", "kql"];

/// Parameters that are statements.
const PARAMS: [&str; 6] = ["sql", "statement", "sql_query", "sqlQuery", "sql_statement", "sqlStatement"];

/// How statements begin, and one of the words that must follow in small letters: `Create a page` is no statement.
const BEGINNINGS: [(&str, &[&str]); 20] = [
    ("SELECT", &["from"]),
    ("INSERT", &["into"]),
    ("UPDATE", &["set"]),
    ("DELETE", &["from"]),
    ("MERGE", &["into"]),
    ("REPLACE", &["into"]),
    ("WITH", &["as"]),
    ("EXPLAIN", &["select", "analyze"]),
    ("CREATE", OBJECTS),
    ("DROP", OBJECTS),
    ("ALTER", OBJECTS),
    ("TRUNCATE", OBJECTS),
    ("PRAGMA", &["pragma"]),
    ("SHOW", LISTINGS),
    ("DESCRIBE", &["table", "extended", "formatted"]),
    ("DESC", &["table", "extended", "formatted"]),
    ("ANALYZE", &["table"]),
    ("USE", &[]),
    ("CALL", &[]),
    ("GRANT", &["on"]),
];

/// What `show` lists. Words that sentences use too, such as `status`, are left out.
const LISTINGS: &[&str] = &[
    "tables",
    "columns",
    "databases",
    "catalogs",
    "index",
    "indexes",
    "schemas",
    "grants",
    "proc",
    "processlist",
    "partitions",
    "tablets",
    "triggers",
    "variables",
    "warnings",
];

/// What a database has names for.
const OBJECTS: &[&str] = &[
    "table",
    "index",
    "view",
    "database",
    "schema",
    "user",
    "role",
    "function",
    "procedure",
    "trigger",
    "type",
    "sequence",
    "column",
    "keyspace",
    "extension",
    "materialized",
    "temporary",
    "temp",
    "unique",
    "virtual",
    "or",
];

/// Commands of query languages whose steps are joined by `|` (Kusto, Dynatrace, Splunk) and that no shell has.
const PIPED: [&str; 17] = [
    "filter",
    "where",
    "project",
    "extend",
    "summarize",
    "summarise",
    "getschema",
    "fields",
    "fieldsAdd",
    "fieldsKeep",
    "take",
    "sample",
    "render",
    "limit",
    "stats",
    "makeTimeseries",
    "distinct",
];

/// How commands of Kusto's management begin.
const DOTTED: [&str; 8] = [".show ", ".drop ", ".create ", ".alter ", ".set ", ".append ", ".ingest ", ".delete "];

impl Interp<'_> {
    /// A method of a database connection, or of a client for one, whose library is not known: recognised by its name
    /// *and* by a text that begins like a statement, as an argument or in a member that is called so.
    pub(crate) fn check_statement(&mut self, method: &str, api: &str, args: &Args, span: Span) {
        if !self.found.is_running_handler || !is_statement_method(method) {
            return;
        }
        if let Some(first) = args.get(0).filter(|first| first.is_tainted()).cloned() {
            let statement = self.current(&first);
            // A whole statement from the caller has no beginning to know it by, but its parameter says what it is.
            let is_named = matches!(method, "query" | "execute" | "executescript" | "exec_driver_sql") && {
                let index = statement.taint.0.trailing_zeros() as usize;
                let source = self.found.sources.get(index).map(|source| source.param.as_str());
                source.is_some_and(|param| PARAMS.contains(&param.rsplit('.').next().unwrap_or(param)))
            };
            if is_named {
                self.check_value(SinkKind::Sql, api, &statement, span);
                return;
            }
        }
        for (index, argument) in args.pos.clone().into_iter().enumerate() {
            // Behind the statement stand the values that are bound.
            let is_bound = index > 0 && !matches!(argument.kind, Kind::Obj(_));
            for text in self.texts_in(&argument, 2) {
                if text.alternatives().iter().any(is_begun_statement) {
                    self.check_value(SinkKind::Sql, api, &text, span);
                } else if !is_bound && text.alternatives().iter().any(is_whole) {
                    // A whole statement, if this turns out to be where statements go.
                    let at = self.here(span);
                    self.found.given_whole.insert(at);
                }
            }
        }
    }

    /// Texts of the caller's: the value itself, or members of it that are called like statements.
    fn texts_in(&mut self, value: &Val, depth: u32) -> Vec<Val> {
        let value = self.current(value);
        if let (Kind::Obj(id), true) = (&value.kind, depth > 0) {
            let obj = self.store.obj_rc(*id);
            let fields = FIELDS.iter().filter_map(|field| obj.fields.get(&Symbol::new(field)).cloned());
            return fields.collect::<Vec<_>>().iter().flat_map(|field| self.texts_in(field, depth - 1)).collect();
        }
        if value.is_tainted() { vec![value] } else { Vec::new() }
    }
}

/// Whether a method may take a statement: by its name, or by a word in it.
fn is_statement_method(method: &str) -> bool {
    METHODS.contains(&method)
        || method == "POST"
        || words(method).any(|word| METHOD_WORDS.contains(&word.to_ascii_lowercase().as_str()))
}

/// The words of a name in camel or snake case.
fn words(name: &str) -> impl Iterator<Item = &str> {
    let starts = name.char_indices().skip(1).filter(|(_, c)| c.is_ascii_uppercase()).map(|(at, _)| at);
    let mut cuts: Vec<usize> = starts.collect();
    cuts.push(name.len());
    let mut from = 0;
    cuts.into_iter().flat_map(move |at| name[std::mem::replace(&mut from, at)..at].split('_'))
}

/// Whether a text is the caller's from its beginning to its end.
fn is_whole(value: &Val) -> bool {
    matches!(value.kind, Kind::Str) && value.is_tainted() && !crate::engine::builtins::is_composed(value)
}

/// Whether a composed text begins like a statement of SQL, or is a query whose steps are joined by `|`.
fn is_begun_statement(value: &Val) -> bool {
    let Some(text) = value.text.as_deref() else { return false };
    let literals =
        || text.parts.iter().filter_map(|part| if let Part::Lit(text) = part { Some(&**text) } else { None });
    let begins = matches!(text.parts.first(), Some(Part::Lit(_))) && begins_statement(literals());
    begins || is_piped(literals())
}

/// Whether constant pieces, the first of which is the beginning, are those of a statement of SQL.
fn begins_statement<'a>(literals: impl Iterator<Item = &'a str>) -> bool {
    let mut words =
        literals.flat_map(|text| text.split(|c: char| !c.is_ascii_alphabetic())).filter(|word| !word.is_empty());
    let Some(first) = words.next() else { return false };
    let beginning = BEGINNINGS.iter().find(|(word, _)| word.eq_ignore_ascii_case(first));
    beginning.is_some_and(|(word, follow)| {
        first == *word
            || std::iter::once(first).chain(words).any(|word| follow.contains(&word.to_ascii_lowercase().as_str()))
    })
}

/// Whether constant pieces belong to a query of steps joined by `|`, or to a management command of Kusto.
pub(super) fn is_piped<'a>(literals: impl IntoIterator<Item = &'a str>) -> bool {
    let mut is_first = true;
    literals.into_iter().any(|text| {
        let dotted = std::mem::take(&mut is_first) && DOTTED.iter().any(|start| text.trim_start().starts_with(start));
        dotted
            || text.split('|').skip(1).any(|step| {
                let word = step.trim_start().split(|c: char| !c.is_ascii_alphanumeric()).next().unwrap_or_default();
                PIPED.contains(&word)
            })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn methods_are_known_by_their_words() {
        for method in ["executeSql", "execute_sql", "runQuery", "queryExecute", "query", "POST", "executeWriteQuery"] {
            assert!(is_statement_method(method), "{method}");
        }
        for method in ["log", "debug", "setAttribute", "querySelectorAll2x", "sequel", "executor", "inquery"] {
            assert_eq!(is_statement_method(method), method == "querySelectorAll2x", "{method}");
        }
    }

    #[test]
    fn sentences_are_no_statements() {
        for statement in [
            &["SELECT ", ""][..],
            &["select a from ", ""],
            &["\n  with\n t as (", ") select 1"],
            &["update ", " set a = 1"],
            &["create table ", " (id int)"],
            &["PRAGMA table_info(", ")"],
            &["pragma table_info(", ")"],
            &["USE ", ""],
            &["show proc '", "'"],
        ] {
            assert!(begins_statement(statement.iter().copied()), "{statement:?}");
        }
        for sentence in [
            &["Create a page about ", ""][..],
            &["Update: ", " is done"],
            &["Use ", " with care"],
            &["Select the ", ""],
            &["selected from ", ""],
        ] {
            assert!(!begins_statement(sentence.iter().copied()), "{sentence:?}");
        }
    }

    #[test]
    fn piped_queries_are_known_by_commands_that_no_shell_has() {
        for query in [["fetch logs | filter id == ", " | limit 5"], ["", " | getschema"], [".show table ", " details"]]
        {
            assert!(is_piped(query), "{query:?}");
        }
        for other in [["ps aux | grep ", " | sort"], ["a || where", ""], ["x|y", ""]] {
            assert_eq!(is_piped(other), other[0] == "a || where", "{other:?}");
        }
    }
}
