//! Program text put together from strings: can a value leave the literal it was put into?
//!
//! For `eval`, `python -c`, `osascript -e`, `powershell -Command` and scripts sent to a page. Only string literals and
//! comments are told apart; a value outside a literal is safe if it is a name, a number, or a literal of its own
//! (`JSON.stringify`).

pub use super::argv::Language;
use super::charset::CharSet;
use super::props::{Part, Quoting, StrProps};

/// One hole of a program text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CodeHole {
    /// Index of the part.
    pub part: usize,
    /// The quote of the string literal it falls into; `None` outside literals.
    pub quote: Option<char>,
    /// What it can do.
    pub verdict: CodeVerdict,
}

/// What a value can do in program text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CodeVerdict {
    /// It stays a literal or a name.
    Safe,
    /// It is the program.
    Program {
        /// A program it can be.
        example: String,
    },
    /// It becomes code.
    BreaksOut {
        /// A value that does.
        example: String,
        /// Why, as a clause.
        why: &'static str,
    },
}

/// Judges every hole of the program that `parts` spell together.
#[must_use]
pub fn analyze(parts: &[Part<'_>], language: Language) -> Vec<CodeHole> {
    let mut scanner = Scanner { syntax: Syntax::of(language), quote: None, comment: None, previous: ' ' };
    let alone = parts.iter().filter(|part| !matches!(part, Part::Lit(text) if text.trim().is_empty())).count() == 1;
    let mut holes = Vec::new();
    for (part, piece) in parts.iter().enumerate() {
        match piece {
            Part::Lit(text) => scanner.text(text),
            Part::Trusted(_) => scanner.previous = 'x',
            Part::Hole(props) => {
                let verdict = judge(props, &scanner, language, alone);
                holes.push(CodeHole { part, quote: scanner.quote, verdict });
                scanner.previous = 'x';
            }
        }
    }
    holes
}

/// How a language writes literals and comments.
struct Syntax {
    /// Quotes of string literals.
    quotes: &'static str,
    /// The character that escapes in a literal.
    escape: Option<char>,
    /// Quotes that are escaped by doubling instead.
    doubling: &'static str,
    /// Literals with these quotes evaluate what follows `interpolates`.
    interpolating: &'static str,
    interpolates: &'static str,
    /// What starts a comment to the end of the line.
    line_comment: &'static [&'static str],
}

impl Syntax {
    fn of(language: Language) -> Self {
        let base = Self {
            quotes: "'\"",
            escape: Some('\\'),
            doubling: "",
            interpolating: "",
            interpolates: "",
            line_comment: &["#"],
        };
        match language {
            Language::JavaScript | Language::JavaScriptForAutomation => {
                Self { quotes: "'\"`", interpolating: "`", interpolates: "$", line_comment: &["//"], ..base }
            }
            Language::Python | Language::Other => base,
            Language::Perl => Self { interpolating: "\"", interpolates: "$@", ..base },
            Language::Ruby => Self { quotes: "'\"`", interpolating: "\"`", interpolates: "#", ..base },
            Language::Php => Self { interpolating: "\"", interpolates: "${", line_comment: &["//", "#"], ..base },
            Language::PowerShell => {
                Self { escape: Some('`'), doubling: "'", interpolating: "\"", interpolates: "$", ..base }
            }
            Language::Cmd => {
                Self { quotes: "\"", escape: None, interpolating: "\"", interpolates: "%", line_comment: &[], ..base }
            }
            Language::AppleScript => Self { quotes: "\"", line_comment: &["--"], ..base },
            Language::Sql => Self { escape: None, doubling: "'\"", line_comment: &["--"], ..base },
            Language::Shell => Self { escape: Some('\\'), interpolating: "\"", interpolates: "$`", ..base },
        }
    }
}

struct Scanner {
    syntax: Syntax,
    quote: Option<char>,
    /// The text that ends the comment being read.
    comment: Option<&'static str>,
    previous: char,
}

impl Scanner {
    fn text(&mut self, text: &str) {
        let mut rest = text;
        while let Some(c) = rest.chars().next() {
            let length = self.step(c, rest);
            self.previous = c;
            rest = &rest[length.min(rest.len())..];
        }
    }

    /// Consumes at least one character of `rest`, which starts with `c`; returns the bytes consumed.
    fn step(&mut self, c: char, rest: &str) -> usize {
        if let Some(end) = self.comment {
            if rest.starts_with(end) {
                self.comment = None;
                return end.len();
            }
            return c.len_utf8();
        }
        match self.quote {
            Some(_) if Some(c) == self.syntax.escape => {
                let next = rest.chars().nth(1).map_or(0, char::len_utf8);
                return c.len_utf8() + next;
            }
            Some(quote) if c == quote => self.quote = None,
            Some(_) => {}
            None if self.syntax.quotes.contains(c) => self.quote = Some(c),
            None if rest.starts_with("/*") && self.syntax.line_comment.contains(&"//") => self.comment = Some("*/"),
            None if self.syntax.line_comment.iter().any(|start| rest.starts_with(start)) => self.comment = Some("\n"),
            None => {}
        }
        c.len_utf8()
    }
}

fn judge(props: &StrProps, scanner: &Scanner, language: Language, alone: bool) -> CodeVerdict {
    if props.is_finite() || props.charset.is_empty() {
        return CodeVerdict::Safe;
    }
    if let Some(end) = scanner.comment {
        return ends(props, end, &["\nx()\n", "*/x()/*"], "it can end the comment");
    }
    let Some(quote) = scanner.quote else { return outside(props, language, alone) };
    let syntax = &scanner.syntax;
    let escaped = match props.quoted {
        Quoting::Backslash(_) if syntax.escape == Some('\\') => props.quoted.backslashed(),
        Quoting::Doubled(set) if syntax.doubling.contains(quote) => set,
        _ => CharSet::NONE,
    };
    if !escaped.contains(quote) {
        let bare = quote.to_string();
        let attacks: Vec<String> =
            language.payloads().iter().map(|code| format!("{quote};{code};{quote}")).chain([bare.clone()]).collect();
        let attacks: Vec<&str> = attacks.iter().map(String::as_str).collect();
        let verdict = ends(props, &bare, &attacks, "the quote ends the string");
        if verdict != CodeVerdict::Safe {
            return verdict;
        }
    }
    for sign in syntax.interpolates.chars().filter(|_| syntax.interpolating.contains(quote)) {
        if !escaped.contains(sign) {
            let verdict = ends(
                props,
                &sign.to_string(),
                &["${x()}", "$(whoami)", "#{x}", "$x", "%PATH%"],
                "the string evaluates it",
            );
            if verdict != CodeVerdict::Safe {
                return verdict;
            }
        }
    }
    match syntax.escape {
        Some(escape)
            if !escaped.contains(escape) && props.last.contains(escape) && !syntax.doubling.contains(quote) =>
        {
            ends(props, &escape.to_string(), &[&escape.to_string()], "the escape character takes the closing quote")
        }
        _ => CodeVerdict::Safe,
    }
}

/// Whether a text can only be a calculation: without letters there is no name in it and so no call, and without quotes,
/// brackets and backslashes no text that names something could be put together either. (`e` is part of a number.)
#[must_use]
pub fn is_calculation(props: &StrProps) -> bool {
    const SIGNS: CharSet = CharSet::NUMBER.union(CharSet::of("*/%(),<>=!&|^~?: \t"));
    props.quoted == Quoting::None && props.charset.is_subset(SIGNS)
}

/// A program that does harm where the caller writes all of it.
#[must_use]
pub fn harmful(language: Language) -> &'static str {
    language.payloads()[0]
}

/// Whether a program makes room for another one between these texts: for statements (`{ … }`, `; …`), for a result
/// (`return …`, `=> …`), or for a function that is called (`(…)(`).
#[must_use]
pub fn is_slot(before: &str, after: &str) -> bool {
    let (before, after) = (before.trim_end(), after.trim_start());
    let is_word = |word: &str| {
        before.strip_suffix(word).is_some_and(|rest| !rest.ends_with(|c: char| c.is_alphanumeric() || c == '_'))
    };
    before.is_empty()
        || before.ends_with(['{', ';', '}'])
        || before.ends_with("=>")
        || ["return", "await"].into_iter().any(is_word)
        || before.ends_with('(') && after.starts_with(")(")
}

/// Outside literals: a name, a number, a literal of its own; anything else is code.
fn outside(props: &StrProps, language: Language, alone: bool) -> CodeVerdict {
    use Language::{AppleScript, JavaScript, JavaScriptForAutomation, Python};
    // The escapes of a JSON text are those of these languages, and nothing else in it is evaluated.
    let is_literal = props.quoted == Quoting::Json
        && matches!(language, JavaScript | JavaScriptForAutomation | Python | AppleScript);
    let beyond_names = props.charset.minus(CharSet::WORD.union(CharSet::of(".-+")));
    let is_calculation = matches!(language, JavaScript | JavaScriptForAutomation | Python) && is_calculation(props);
    if is_literal || beyond_names.is_empty() || is_calculation {
        return CodeVerdict::Safe;
    }
    let telling = language.payloads().iter().find_map(|code| props.witness(code));
    let bare = beyond_names.example().map(String::from).unwrap_or_default();
    let example = telling.or_else(|| props.witness(&bare)).unwrap_or(bare);
    if alone {
        CodeVerdict::Program { example }
    } else {
        CodeVerdict::BreaksOut { example, why: "it stands outside any string literal" }
    }
}

/// A break-out if the charset admits `needed`.
fn ends(props: &StrProps, needed: &str, attacks: &[&str], why: &'static str) -> CodeVerdict {
    if !props.charset.admits(needed) {
        return CodeVerdict::Safe;
    }
    let example = attacks.iter().filter(|attack| attack.contains(needed)).find_map(|attack| props.witness(attack));
    CodeVerdict::BreaksOut { example: example.unwrap_or_else(|| needed.to_owned()), why }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(before: &str, props: &StrProps, after: &str, language: Language) -> CodeVerdict {
        analyze(&[Part::Lit(before), Part::Hole(props), Part::Lit(after)], language).remove(0).verdict
    }

    #[test]
    fn a_free_value_leaves_every_literal() {
        let any = StrProps::top();
        for (before, after, language) in [
            ("f('", "')", Language::JavaScript),
            ("f(`", "`)", Language::JavaScript),
            ("print(\"", "\")", Language::Python),
            ("tell application \"", "\" to quit", Language::AppleScript),
            ("Get-Item '", "'", Language::PowerShell),
            ("f(", ")", Language::JavaScript),
            ("# ", "\nx", Language::Python),
        ] {
            assert!(matches!(one(before, &any, after, language), CodeVerdict::BreaksOut { .. }), "{before}");
        }
        assert!(matches!(analyze(&[Part::Hole(&any)], Language::Python)[0].verdict, CodeVerdict::Program { .. }));
    }

    #[test]
    fn a_program_makes_room_for_another_where_statements_and_results_stand() {
        for (before, after) in [
            ("(() => { ", " })()"),
            ("setup();\n", ""),
            ("async () => ", ""),
            ("(async () => { return ", " })()"),
            ("(", ")(document.body)"),
        ] {
            assert!(is_slot(before, after), "{before}");
        }
        for (before, after) in [("show(", ")"), ("show('", "')"), ("const a = ", ";"), ("doreturn ", "")] {
            assert!(!is_slot(before, after), "{before}");
        }
    }

    #[test]
    fn without_letters_a_value_only_calculates() {
        let of = |set: &str| StrProps::of_charset(CharSet::DIGITS.union(CharSet::of(set)));
        for language in [Language::JavaScript, Language::Python] {
            assert_eq!(one("f(", &of("+-*/(). "), ")", language), CodeVerdict::Safe);
            // A regular expression in brackets, a name, a text.
            for more in ["+-*/()[]!", "()xyz;", "()'", "()`", "()\\"] {
                assert_ne!(one("f(", &of(more), ")", language), CodeVerdict::Safe, "{more}");
            }
        }
        assert_ne!(one("", &of("+-*/(). &"), "", Language::PowerShell), CodeVerdict::Safe);
    }

    #[test]
    fn escaping_must_fit_the_language() {
        let any = StrProps::top();
        let backslashed = StrProps { quoted: Quoting::Backslash(CharSet::of("\"\\")), ..any.clone() };
        assert_eq!(one("say \"", &backslashed, "\"", Language::AppleScript), CodeVerdict::Safe);
        assert_ne!(one("Write \"", &backslashed, "\"", Language::PowerShell), CodeVerdict::Safe);
        let quotes_only = StrProps { quoted: Quoting::Backslash(CharSet::of("\"")), ..any.clone() };
        assert_ne!(one("say \"", &quotes_only, "\"", Language::AppleScript), CodeVerdict::Safe);
        let doubled = StrProps { quoted: Quoting::Doubled(CharSet::of("'")), ..any.clone() };
        assert_eq!(one("Get-Item '", &doubled, "'", Language::PowerShell), CodeVerdict::Safe);
        assert_ne!(one("print('", &doubled, "')", Language::Python), CodeVerdict::Safe);
        assert_eq!(one("f(", &any.json_stringify(), ")", Language::JavaScript), CodeVerdict::Safe);
        assert_ne!(one("f('", &any.json_stringify(), "')", Language::JavaScript), CodeVerdict::Safe);
        assert_eq!(one("f(", &StrProps::number(), ")", Language::JavaScript), CodeVerdict::Safe);
        let no_quote = StrProps::of_charset(CharSet::ALL.minus(CharSet::of("'\\")));
        assert_eq!(one("f('", &no_quote, "')", Language::JavaScript), CodeVerdict::Safe);
        assert_ne!(one("f(`", &no_quote, "`)", Language::JavaScript), CodeVerdict::Safe);
    }
}
