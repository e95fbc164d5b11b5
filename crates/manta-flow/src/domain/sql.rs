//! Query strings: can a value leave the literal or name it was put into?
//!
//! One small automaton serves SQL, Cypher and GraphQL, because all that matters is the same: quotes, comments and what
//! counts as an escape.

use super::charset::CharSet;
use super::props::{Part, Quoting, StrProps};

/// How a query language writes quotes, escapes and comments.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Flavor {
    /// Standard SQL (PostgreSQL, SQLite, SQL Server): quotes are escaped by doubling, a backslash is a character.
    Standard,
    /// MySQL, MariaDB, ClickHouse, BigQuery: a backslash escapes, `"` may quote strings, `#` starts a comment.
    MySql,
    /// Cypher: backslash escapes, `//` comments, backticks for names.
    Cypher,
    /// GraphQL: strings in `"`, `#` comments.
    GraphQl,
    /// Some SQL: only what breaks out of both [`Flavor::Standard`] and [`Flavor::MySql`] is reported.
    AnySql,
}

/// Where in the query a value falls.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SqlContext {
    /// The value is the whole query, or its beginning.
    Statement,
    /// In a string literal with this quote.
    Text {
        /// `'` or `"`.
        quote: char,
    },
    /// In a quoted name with this quote.
    Name {
        /// `"`, a backtick, or `]`.
        quote: char,
    },
    /// Outside quotes: a number, name or keyword.
    Bare,
    /// In a comment to the end of the line.
    LineComment,
    /// In a comment between `/*` and `*/`.
    BlockComment,
}

/// What a value can do in a query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SqlVerdict {
    /// It stays a literal or name.
    Safe,
    /// It is the query.
    Statement {
        /// A query it can be.
        example: String,
    },
    /// It becomes part of the query's syntax.
    BreaksOut {
        /// A value that does.
        example: String,
        /// Why, as a clause.
        why: &'static str,
    },
}

/// One hole of a query string.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SqlHole {
    /// Index of the part.
    pub part: usize,
    /// Where it falls.
    pub context: SqlContext,
    /// What it can do.
    pub verdict: SqlVerdict,
}

/// Judges every hole of the query that `parts` spell together.
#[must_use]
pub fn analyze(parts: &[Part<'_>], flavor: Flavor) -> Vec<SqlHole> {
    if flavor == Flavor::AnySql {
        let milder = |(a, b): (SqlHole, SqlHole)| if a.verdict == SqlVerdict::Safe { a } else { b };
        let standard = analyze(parts, Flavor::Standard).into_iter();
        return standard.zip(analyze(parts, Flavor::MySql)).map(milder).collect();
    }
    let mut scanner = Scanner { flavor, context: SqlContext::Statement, previous: ' ' };
    let mut holes = Vec::new();
    for (part, piece) in parts.iter().enumerate() {
        match piece {
            Part::Lit(text) => scanner.text(text),
            Part::Trusted(_) => scanner.value(),
            Part::Hole(props) => {
                holes.push(SqlHole { part, context: scanner.context, verdict: judge(props, &scanner) });
                scanner.value();
            }
        }
    }
    holes
}

struct Scanner {
    flavor: Flavor,
    context: SqlContext,
    previous: char,
}

impl Scanner {
    fn text(&mut self, text: &str) {
        let mut rest = text.chars().peekable();
        while let Some(c) = rest.next() {
            let next = rest.peek().copied();
            let skips_next = self.step(c, next);
            self.previous = if skips_next { ' ' } else { c };
            if skips_next {
                rest.next();
            }
        }
    }

    fn value(&mut self) {
        if self.context == SqlContext::Statement {
            self.context = SqlContext::Bare;
        }
        self.previous = 'x';
    }

    /// Consumes a character; true if the next one belongs to it.
    fn step(&mut self, c: char, next: Option<char>) -> bool {
        match self.context {
            SqlContext::Statement | SqlContext::Bare => return self.outside(c, next),
            SqlContext::Text { .. } if c == '\\' && self.backslash_escapes() => {
                return next.is_some();
            }
            SqlContext::Text { quote } | SqlContext::Name { quote } if c == quote => {
                // A doubled quote stays inside; one that the constant text doubles is handled as leave and re-enter.
                self.context = SqlContext::Bare;
            }
            SqlContext::LineComment if c == '\n' => self.context = SqlContext::Bare,
            SqlContext::BlockComment if c == '/' && self.previous == '*' => self.context = SqlContext::Bare,
            _ => {}
        }
        false
    }

    fn outside(&mut self, c: char, next: Option<char>) -> bool {
        let line_comment = match self.flavor {
            Flavor::Standard | Flavor::AnySql => (c, next) == ('-', Some('-')),
            Flavor::MySql => (c, next) == ('-', Some('-')) || c == '#',
            Flavor::Cypher => (c, next) == ('/', Some('/')),
            Flavor::GraphQl => c == '#',
        };
        self.context = match c {
            _ if line_comment => SqlContext::LineComment,
            '/' if next == Some('*') && self.flavor != Flavor::GraphQl => SqlContext::BlockComment,
            '\'' if self.flavor != Flavor::GraphQl => SqlContext::Text { quote: '\'' },
            '"' if self.flavor == Flavor::Standard => SqlContext::Name { quote: '"' },
            '"' => SqlContext::Text { quote: '"' },
            '`' if self.flavor != Flavor::GraphQl => SqlContext::Name { quote: '`' },
            // `[name]` of SQL Server; elsewhere a subscript or list, where the value is bare.
            '[' if self.flavor == Flavor::Standard
                && next.is_none_or(char::is_alphabetic)
                && !self.previous.is_alphanumeric() =>
            {
                SqlContext::Name { quote: ']' }
            }
            c if c.is_whitespace() => self.context,
            _ => SqlContext::Bare,
        };
        line_comment && c != '#'
    }

    fn backslash_escapes(&self) -> bool {
        self.flavor != Flavor::Standard
    }
}

fn judge(props: &StrProps, scanner: &Scanner) -> SqlVerdict {
    if props.is_finite() || props.charset.is_empty() || props.quoted == Quoting::Sql {
        return SqlVerdict::Safe;
    }
    match scanner.context {
        SqlContext::Statement => statement(props, scanner.flavor),
        SqlContext::Text { quote } => quoted(props, quote, scanner, "the quote ends the string"),
        SqlContext::Name { quote } => quoted(props, quote, scanner, "the quote ends the name"),
        SqlContext::Bare => bare(props, scanner),
        SqlContext::LineComment => ends(props, "\n", &["\nDROP TABLE users; --", "\n"], "a newline ends the comment"),
        SqlContext::BlockComment => {
            let attack = ["*/ DROP TABLE users; --", "*/"];
            if props.charset.admits("*/") {
                ends(props, "/", &attack, "`*/` ends the comment")
            } else {
                SqlVerdict::Safe
            }
        }
    }
}

fn statement(props: &StrProps, flavor: Flavor) -> SqlVerdict {
    let queries: &[&str] = match flavor {
        Flavor::Standard | Flavor::MySql | Flavor::AnySql => &["DROP TABLE users", "SELECT 1", "x"],
        Flavor::Cypher => &["MATCH (n) DETACH DELETE n", "x"],
        Flavor::GraphQl => &["mutation { deleteAll }", "{ __schema { types { name } } }", "x"],
    };
    match queries.iter().find_map(|query| props.witness(query)) {
        Some(example) if props.charset.contains(' ') || props.charset.contains('(') => {
            SqlVerdict::Statement { example }
        }
        _ => SqlVerdict::Safe,
    }
}

/// In quotes: the quote itself, unless it is doubled or escaped, and a backslash where it escapes the closing quote.
fn quoted(props: &StrProps, quote: char, scanner: &Scanner, why: &'static str) -> SqlVerdict {
    // In a quoted name a backslash is a character in every dialect.
    let backslash_escapes = scanner.backslash_escapes() && matches!(scanner.context, SqlContext::Text { .. });
    let escaped = match props.quoted {
        Quoting::Doubled(set) => set,
        Quoting::Backslash(_) if backslash_escapes => props.quoted.backslashed(),
        _ => CharSet::NONE,
    };
    let (or_true, stacked) = (format!("{quote} OR {quote}1{quote}={quote}1"), format!("{quote}; DROP TABLE users; --"));
    if !escaped.contains(quote) {
        let (bare, cypher) = (quote.to_string(), format!("{quote} OR 1=1 //"));
        let verdict = ends(props, &bare, &[&or_true, &stacked, &cypher, &bare], why);
        if verdict != SqlVerdict::Safe {
            return verdict;
        }
    }
    let doubles = matches!(props.quoted, Quoting::Doubled(set) if set.contains(quote));
    if backslash_escapes && !escaped.contains('\\') {
        // Doubling turns `\'` into `\''`: the backslash takes one of the two.
        let attack = if doubles { format!("\\{quote} OR 1=1 -- ") } else { "\\".to_owned() };
        let reaches_end = doubles || props.last.contains('\\');
        if reaches_end {
            return ends(props, "\\", &[&attack, "\\"], "a backslash escapes the closing quote");
        }
    }
    SqlVerdict::Safe
}

/// Outside quotes only a plain name or number is safe.
fn bare(props: &StrProps, scanner: &Scanner) -> SqlVerdict {
    let name = CharSet::WORD.union(CharSet::of(".")).union(CharSet::NON_ASCII);
    let number = CharSet::JS_NUMBER;
    // A newline at the very end, which `$` lets through in Python, is white space before what the program wrote.
    let charset = if props.newline_last { props.charset.minus(CharSet::of("\n")) } else { props.charset };
    // `-` right behind a minus would start a comment.
    let is_number = charset.is_subset(number) && !props.last.meets(CharSet::of("-+")) && scanner.previous != '-';
    if charset.is_subset(name) || is_number {
        return SqlVerdict::Safe;
    }
    const ATTACKS: [&str; 8] =
        ["1 OR 1=1", "1; DROP TABLE users", "x UNION SELECT 1", "(SELECT 1)", "x--", "x y", "'x'", "1,1"];
    let example = ATTACKS.iter().find_map(|attack| props.witness(attack));
    let left = charset.minus(name).example().map(String::from).unwrap_or_default();
    let example = example.or_else(|| props.witness(&left)).unwrap_or(left);
    SqlVerdict::BreaksOut { example, why: "the value is not in quotes, so it is read as part of the query" }
}

/// A break-out if the charset admits `needed`.
fn ends(props: &StrProps, needed: &str, attacks: &[&str], why: &'static str) -> SqlVerdict {
    if !props.charset.admits(needed) {
        return SqlVerdict::Safe;
    }
    let example = attacks.iter().find_map(|attack| props.witness(attack)).unwrap_or_else(|| needed.to_owned());
    SqlVerdict::BreaksOut { example, why }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(before: &str, props: &StrProps, after: &str, flavor: Flavor) -> SqlHole {
        analyze(&[Part::Lit(before), Part::Hole(props), Part::Lit(after)], flavor).remove(0)
    }

    fn safe(before: &str, props: &StrProps, after: &str, flavor: Flavor) -> bool {
        one(before, props, after, flavor).verdict == SqlVerdict::Safe
    }

    #[test]
    fn a_free_value_breaks_out_of_every_context() {
        let any = StrProps::top();
        for (before, after) in [
            ("SELECT * FROM t WHERE a = '", "'"),
            ("SELECT * FROM t WHERE a = ", ""),
            ("SELECT * FROM \"", "\""),
            ("SELECT * FROM `", "`"),
            ("SELECT * FROM [", "]"),
            ("SELECT 1 -- ", "\n"),
            ("SELECT /* ", " */ 1"),
            ("SELECT 'it''s' || '", "'"),
        ] {
            let hole = one(before, &any, after, Flavor::Standard);
            assert!(matches!(hole.verdict, SqlVerdict::BreaksOut { .. }), "{before}: {hole:?}");
        }
        assert!(matches!(analyze(&[Part::Hole(&any)], Flavor::MySql)[0].verdict, SqlVerdict::Statement { .. }));
    }

    #[test]
    fn names_numbers_and_escaped_text_are_safe() {
        let word = StrProps::of_charset(CharSet::WORD);
        assert!(safe("SELECT * FROM ", &word, "", Flavor::Standard));
        assert!(safe("SELECT * FROM t LIMIT ", &StrProps::integer(), "", Flavor::Standard));
        assert!(!safe("SELECT 1 -", &StrProps::integer(), "", Flavor::Standard));
        let line = CharSet::WORD.union(CharSet::of("\n"));
        let ended = StrProps { newline_last: true, ..StrProps::of_charset(line) };
        assert!(safe("SELECT * FROM ", &ended, " LIMIT 1", Flavor::Standard));
        assert!(!safe("SELECT * FROM ", &StrProps::of_charset(line), "", Flavor::Standard), "words on several lines");
        let slug = StrProps::of_charset(CharSet::WORD.union(CharSet::of("-")));
        assert!(!safe("SELECT * FROM ", &slug, "", Flavor::Standard), "`--` starts a comment");
        assert!(safe("SELECT '", &slug, "'", Flavor::Standard));
        let doubled = StrProps { quoted: Quoting::Doubled(CharSet::of("'")), ..StrProps::top() };
        assert!(safe("SELECT '", &doubled, "'", Flavor::Standard));
        assert!(!safe("SELECT '", &doubled, "'", Flavor::MySql), "a backslash takes one of the two quotes");
        assert!(safe("SELECT '", &doubled, "'", Flavor::AnySql));
        assert!(!safe("SELECT '", &StrProps::top(), "'", Flavor::AnySql));
        assert!(!safe("SELECT ", &doubled, "", Flavor::Standard));
        assert!(!safe("SELECT \"", &doubled, "\"", Flavor::Standard));
    }

    #[test]
    fn backslashes_escape_only_where_the_language_says_so() {
        let escaped = StrProps { quoted: Quoting::Backslash(CharSet::of("'\\")), ..StrProps::top() };
        assert!(safe("MATCH (n {name: '", &escaped, "'}) RETURN n", Flavor::Cypher));
        assert!(!safe("SELECT '", &escaped, "'", Flavor::Standard));
        let no_quote = StrProps::of_charset(CharSet::ALL.minus(CharSet::of("'")));
        assert!(safe("SELECT '", &no_quote, "'", Flavor::Standard));
        assert!(!safe("SELECT '", &no_quote, "' , '", Flavor::MySql));
    }
}
