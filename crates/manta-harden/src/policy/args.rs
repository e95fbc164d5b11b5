//! Rules for arguments, compiled: what [`super::spec::ArgSpec`] says, ready to decide.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt::Display;
use std::sync::Arc;

use manta_detect::hidden;
use regex::Regex;
use serde_json::{Map, Value};

use super::decision::{Denial, Handle, HostSet, Rule};
use super::spec::{Charset, Number};
use crate::command::{CommandRule, CommandSet};
use crate::paths::{Access, PathRule, Reader, Roots, fold_name};
use crate::redact::{Redactor, Sensitive};

/// One argument.
#[derive(Debug)]
pub(super) struct Arg {
    pub(super) rule: Rule,
    pub(super) is_required: bool,
    pub(super) is_nullable: bool,
    pub(super) is_sensitive: bool,
    /// Its value stays out of messages, which are logged and shown: it is marked, or its name is a secret's.
    pub(super) is_withheld: bool,
    pub(super) check: Check,
}

/// What its value must be.
#[derive(Debug)]
pub(super) enum Check {
    Path { roots: Roots, names: Vec<String>, wanted: Access },
    Url { sets: Vec<Arc<HostSet>> },
    Command { commands: Arc<CommandSet>, names: Vec<String>, args_in: Option<String> },
    String { min: usize, max: usize, pattern: Option<Regex>, charset: Charset },
    Int { min: Option<i64>, max: Option<i64> },
    Number { min: Option<Number>, max: Option<Number> },
    Bool,
    Enum(Vec<String>),
    List { item: Option<Box<Arg>>, min: usize, max: usize },
    Object(BTreeMap<String, Arg>),
    Any,
}

/// Whether a URL that another program gets as it is written has nothing in it that a shell would run (CWE-78), no mark that
/// ends it in a text around it, and nothing that nobody can see. RFC 3986 has no place for any of them; our own client writes
/// them as codes.
fn is_plain_url(text: &str) -> bool {
    let runs = text.contains(['`', '"', '<', '>']) || text.contains("$(") || text.contains("${");
    !runs && !text.chars().any(manta_core::untrusted::is_invisible)
}

/// What a check collects on its way.
#[derive(Default)]
pub(super) struct Found<'a> {
    pub(super) handles: Vec<(String, Handle)>,
    /// Who will read the paths, when it isn't this program.
    pub(super) reader: Option<&'a Reader>,
}

impl Arg {
    /// Checks one value; `siblings` are the members next to it, for commands whose arguments stand apart.
    pub(super) fn check(
        &self,
        name: &str,
        value: &Value,
        siblings: &Map<String, Value>,
        found: &mut Found<'_>,
    ) -> Result<(), Denial> {
        if value.is_null() && self.is_nullable {
            return Ok(());
        }
        match &self.check {
            Check::Path { roots, names, wanted } => self.path(name, value, roots, names, *wanted, found),
            Check::Url { sets } => self.url(name, value, sets, found),
            Check::Command { commands, names, args_in } => {
                let apart = args_in.as_ref().map(|member| siblings.get(member));
                self.command(name, value, apart, (commands, names), found)
            }
            Check::String { min, max, pattern, charset } => {
                self.string(name, value, *min..=*max, pattern.as_ref(), *charset)
            }
            Check::Int { min, max } => self.int(name, value, *min, *max),
            Check::Number { min, max } => self.number(name, value, *min, *max),
            Check::Bool if value.is_boolean() => Ok(()),
            Check::Bool => Err(self.wrong_type(name, value, "true or false")),
            Check::Enum(values) => match value.as_str() {
                Some(text) if values.iter().any(|allowed| allowed == text) => Ok(()),
                _ => Err(self.deny(format!("`{name}` must be one of {}", values.join(", ")))),
            },
            Check::List { item, min, max } => self.list(name, value, item.as_deref(), *min..=*max, found),
            Check::Object(fields) => self.object(name, value, fields, found),
            Check::Any => Ok(()),
        }
    }

    /// Checks what is typed of a value so far. Only what leads somewhere can be told from it: a word that is still too
    /// short may become the right one.
    pub(super) fn check_unfinished(&self, name: &str, typed: &str, found: &mut Found<'_>) -> Result<(), Denial> {
        let value = Value::from(typed);
        match &self.check {
            _ if typed.is_empty() => Ok(()),
            Check::Path { roots, names, .. } => self.path(name, &value, roots, names, Access::READ, found),
            Check::Url { .. } | Check::Command { .. } => self.check(name, &value, &Map::new(), found),
            _ => Ok(()),
        }
    }

    fn deny(&self, message: impl Into<String>) -> Denial {
        Denial { rule: self.rule.clone(), message: message.into(), fix: None }
    }

    /// The value inside a message.
    fn shown(&self, text: &str) -> String {
        if self.is_withheld { "a value that is not shown".to_owned() } else { shown(text) }
    }

    fn wrong_type(&self, name: &str, value: &Value, wanted: &str) -> Denial {
        let got = match value {
            Value::Null => "null",
            Value::Bool(_) => "a boolean",
            Value::Number(_) => "a number",
            Value::String(_) => "a string",
            Value::Array(_) => "an array",
            Value::Object(_) => "an object",
        };
        self.deny(format!("`{name}` must be {wanted}, not {got}"))
    }

    fn path(
        &self,
        name: &str,
        value: &Value,
        roots: &Roots,
        names: &[String],
        wanted: Access,
        found: &mut Found<'_>,
    ) -> Result<(), Denial> {
        let text = value.as_str().ok_or_else(|| self.wrong_type(name, value, "a path"))?;
        let refuse = |error: &crate::paths::PathError| {
            let fix = match error.rule() {
                PathRule::OutsideRoot | PathRule::Parent => {
                    Some(format!("add a root for that directory and name it here besides {}", names.join(", ")))
                }
                PathRule::NotGranted => Some("give the root and this argument a wider `mode`".to_owned()),
                PathRule::Ambiguous => Some("cwd = \"…\" under [guard], with the root as the directory".to_owned()),
                PathRule::DeniedName => Some(format!("take the name off `deny` of root {}", names.join(", "))),
                _ => None,
            };
            let message = format!("`{name}` = {} is refused: {error}", self.shown(text));
            Denial { rule: self.rule.clone(), message, fix }
        };
        if let Some(reader) = found.reader {
            reader.check_text(text, roots).map_err(|error| refuse(&error))?;
        }
        // What is wrong with the path below the root says more than that it could be another one elsewhere.
        let (root, relative) = roots.find(text).map_err(|error| refuse(&error))?;
        let root = root.restrict(wanted);
        let checked = root.check(&relative, wanted);
        if let Err(error) = &checked
            && error.is_denial()
        {
            return Err(refuse(error));
        }
        if let Some(reader) = found.reader {
            reader.check_place(text, roots, wanted).map_err(|error| refuse(&error))?;
        }
        match checked {
            // What merely is not there is for the tool to say, unless the tool would then make it.
            Err(error) if error.rule() == PathRule::Io => return Err(refuse(&error)),
            Err(error) if error.rule() == PathRule::NotFound && wanted.write && !wanted.create => {
                let mut denial = refuse(&error);
                denial.fix = Some("write mode = \"rw\" here and at the root to let files be created".to_owned());
                return Err(denial);
            }
            _ => {}
        }
        found.handles.push((name.to_owned(), Handle::Path { root, relative }));
        Ok(())
    }

    fn url(&self, name: &str, value: &Value, sets: &[Arc<HostSet>], found: &mut Found<'_>) -> Result<(), Denial> {
        let text = value.as_str().ok_or_else(|| self.wrong_type(name, value, "a URL"))?;
        if found.reader.is_some() && !is_plain_url(text) {
            let message = format!(
                "`{name}` = {} is refused: a program may take parts of it for a command; write them as percent codes",
                self.shown(text)
            );
            return Err(self.deny(message));
        }
        let mut last = None;
        for set in sets {
            match set.policy.check(text) {
                Ok(url) => {
                    found.handles.push((name.to_owned(), Handle::Url { url, policy: Arc::clone(set) }));
                    return Ok(());
                }
                Err(error) => last = Some(error),
            }
        }
        let names: Vec<&str> = sets.iter().map(|set| set.name.as_str()).collect();
        let message = match &last {
            Some(error) => format!("`{name}` = {} is refused: {error}", self.shown(text)),
            None => format!("`{name}` may reach no host"),
        };
        let is_host = last.is_some_and(|error| error.rule() == crate::net::UrlRule::Host);
        let fix = is_host.then(|| format!("add the host to `allow` of [hosts.{}]", names.join("] or [hosts.")));
        Err(Denial { rule: self.rule.clone(), message, fix })
    }

    fn command(
        &self,
        name: &str,
        value: &Value,
        apart: Option<Option<&Value>>,
        (commands, names): (&CommandSet, &[String]),
        found: &mut Found<'_>,
    ) -> Result<(), Denial> {
        let argv = self.argv(name, value, apart)?;
        let (program, arguments) = argv.split_first().ok_or_else(|| self.deny(format!("`{name}` names no command")))?;
        if !names.contains(program) {
            let fix = Some(format!("add a [commands.{program}] with its grammar and name it here"));
            let message = format!("command {} is not among {}", shown(program), names.join(", "));
            return Err(Denial { rule: self.rule.clone(), message, fix: fix.filter(|_| is_plain(program)) });
        }
        let invocation = commands.check(program, arguments).map_err(|error| {
            let at = error.position().map(|position| format!(" {}", self.shown(&without_secrets(arguments, position))));
            let message = format!("{program}{}: {error}", at.unwrap_or_default());
            let is_listed = matches!(error.rule(), CommandRule::UnknownFlag | CommandRule::Subcommand);
            let fix = is_listed.then(|| format!("list it in [commands.{program}] if every use of it is safe"));
            Denial { rule: self.rule.clone(), message, fix }
        })?;
        found.handles.push((name.to_owned(), Handle::Command(invocation)));
        Ok(())
    }

    /// The three ways in which servers take commands: a vector, a program with its arguments, a line.
    fn argv(&self, name: &str, value: &Value, apart: Option<Option<&Value>>) -> Result<Vec<String>, Denial> {
        let strings = |value: &Value| -> Option<Vec<String>> {
            value.as_array()?.iter().map(|item| item.as_str().map(str::to_owned)).collect()
        };
        let not_strings = || self.deny(format!("the arguments of `{name}` must be an array of strings"));
        match (value, apart) {
            (Value::String(program), Some(rest)) => {
                let rest = match rest {
                    None | Some(Value::Null) => Vec::new(),
                    Some(rest) => strings(rest).ok_or_else(not_strings)?,
                };
                Ok([program.clone()].into_iter().chain(rest).collect())
            }
            (Value::Array(_), None) => strings(value).ok_or_else(not_strings),
            (Value::Object(members), None) => {
                let program = members.get("command").and_then(Value::as_str).ok_or_else(not_strings)?;
                if members.keys().any(|key| key != "command" && key != "args") {
                    return Err(self.deny(format!("`{name}` has members besides `command` and `args`")));
                }
                let rest = members.get("args").map_or(Some(Vec::new()), strings).ok_or_else(not_strings)?;
                Ok([program.to_owned()].into_iter().chain(rest).collect())
            }
            (Value::String(line), None) => self.words(name, line),
            _ => Err(self.wrong_type(name, value, "a command")),
        }
    }

    /// A command line that means the same to every shell and to none: words of plain characters. Quotes,
    /// variables, globs and operators are refused rather than interpreted (CWE-78).
    fn words(&self, name: &str, line: &str) -> Result<Vec<String>, Denial> {
        let is_word_byte = |b: u8| b.is_ascii_alphanumeric() || b"_-./:=@,+%^".contains(&b);
        match line.bytes().find(|byte| *byte != b' ' && !is_word_byte(*byte)) {
            Some(byte) => {
                let shown = shown(&char::from(byte).to_string());
                let message = format!("`{name}` is a command line, in which {shown} may mean something to a shell");
                let fix = Some("pass the arguments as an array".to_owned());
                Err(Denial { rule: self.rule.clone(), message, fix })
            }
            None => Ok(line.split(' ').filter(|word| !word.is_empty()).map(str::to_owned).collect()),
        }
    }

    fn string(
        &self,
        name: &str,
        value: &Value,
        length: std::ops::RangeInclusive<usize>,
        pattern: Option<&Regex>,
        charset: Charset,
    ) -> Result<(), Denial> {
        let text = value.as_str().ok_or_else(|| self.wrong_type(name, value, "a string"))?;
        let characters = text.chars().take(length.end().saturating_add(1)).count();
        if !length.contains(&characters) {
            return Err(self.deny(out_of_range(name, "characters", &length)));
        }
        if let Some(bad) = outside(text, charset) {
            return Err(self.deny(format!("`{name}` contains {bad}")));
        }
        match pattern {
            Some(pattern) if !pattern.is_match(text) => {
                Err(self.deny(format!("`{name}` = {} does not match the pattern", self.shown(text))))
            }
            _ => Ok(()),
        }
    }

    /// JSON does not tell 1 from 1.0, and some servers send every number with a point.
    fn int(&self, name: &str, value: &Value, min: Option<i64>, max: Option<i64>) -> Result<(), Denial> {
        #[expect(clippy::cast_possible_truncation, reason = "checked to be whole and within 2^53")]
        let whole = |float: f64| (float.fract() == 0.0 && float.abs() < 9e15).then_some(float as i64);
        let number = value.as_i64().or_else(|| value.as_f64().filter(|_| !value.is_u64()).and_then(whole));
        let number = number.ok_or_else(|| self.wrong_type(name, value, "a whole number of at most 63 bits"))?;
        self.range(name, min.is_none_or(|min| number >= min), max.is_none_or(|max| number <= max), (min, max))
    }

    fn number(&self, name: &str, value: &Value, min: Option<Number>, max: Option<Number>) -> Result<(), Denial> {
        let number = value.as_f64().ok_or_else(|| self.wrong_type(name, value, "a number"))?;
        let (min, max) = (min.map(float), max.map(float));
        self.range(name, min.is_none_or(|min| number >= min), max.is_none_or(|max| number <= max), (min, max))
    }

    fn range<T: Display>(
        &self,
        name: &str,
        over: bool,
        under: bool,
        bounds: (Option<T>, Option<T>),
    ) -> Result<(), Denial> {
        match (over, under, bounds) {
            (true, true, _) => Ok(()),
            (false, _, (Some(min), _)) => Err(self.deny(format!("`{name}` must be at least {min}"))),
            (_, _, (_, Some(max))) => Err(self.deny(format!("`{name}` must be at most {max}"))),
            _ => Err(self.deny(format!("`{name}` is out of range"))),
        }
    }

    fn list(
        &self,
        name: &str,
        value: &Value,
        item: Option<&Arg>,
        length: std::ops::RangeInclusive<usize>,
        found: &mut Found<'_>,
    ) -> Result<(), Denial> {
        let items = value.as_array().ok_or_else(|| self.wrong_type(name, value, "an array"))?;
        if !length.contains(&items.len()) {
            return Err(self.deny(out_of_range(name, "elements", &length)));
        }
        let Some(rule) = item else { return Ok(()) };
        items.iter().enumerate().try_for_each(|(i, item)| rule.check(&format!("{name}.{i}"), item, &Map::new(), found))
    }

    fn object(
        &self,
        name: &str,
        value: &Value,
        fields: &BTreeMap<String, Arg>,
        found: &mut Found<'_>,
    ) -> Result<(), Denial> {
        let members = value.as_object().ok_or_else(|| self.wrong_type(name, value, "an object"))?;
        check_members(fields, members, Some(name), found, |member, is_missing| {
            let what = if is_missing { "is missing" } else { "is not named by the policy" };
            self.deny(format!("`{name}.{member}` {what}"))
        })
    }
}

/// Checks every member against its rule; `complain` makes the denial for one that is missing or unknown.
pub(super) fn check_members(
    rules: &BTreeMap<String, Arg>,
    members: &Map<String, Value>,
    prefix: Option<&str>,
    found: &mut Found<'_>,
    complain: impl Fn(&str, bool) -> Denial,
) -> Result<(), Denial> {
    if let Some((missing, _)) = rules.iter().find(|(name, rule)| rule.is_required && !members.contains_key(*name)) {
        return Err(complain(missing, true));
    }
    for (name, value) in members {
        let full = prefix.map_or(Cow::Borrowed(name), |prefix| Cow::Owned(format!("{prefix}.{name}")));
        match rules.get(name) {
            Some(rule) => rule.check(&full, value, members, found)?,
            None if is_argument_vector(rules, name) => {}
            None => return Err(complain(name, false)),
        }
    }
    Ok(())
}

/// The members that are marked with `sensitive = true`.
pub(super) fn sensitive(args: &BTreeMap<String, Arg>) -> Sensitive {
    fn collect<'a>(args: &'a BTreeMap<String, Arg>, path: &mut Vec<&'a str>, into: &mut Sensitive) {
        for (name, arg) in args {
            path.push(name);
            mark(arg, path, into);
            path.pop();
        }
    }
    fn mark<'a>(arg: &'a Arg, path: &mut Vec<&'a str>, into: &mut Sensitive) {
        if arg.is_sensitive {
            into.mark(path.iter().copied());
        }
        match &arg.check {
            Check::Object(fields) => collect(fields, path, into),
            Check::List { item: Some(item), .. } => {
                path.push("*");
                mark(item, path, into);
                path.pop();
            }
            _ => {}
        }
    }
    let mut sensitive = Sensitive::default();
    collect(args, &mut Vec::new(), &mut sensitive);
    sensitive
}

/// Whether a command rule reads this member together with its own.
pub(super) fn is_argument_vector(rules: &BTreeMap<String, Arg>, name: &str) -> bool {
    rules.values().any(|rule| matches!(&rule.check, Check::Command { args_in: Some(member), .. } if member == name))
}

fn float(number: Number) -> f64 {
    match number {
        #[expect(clippy::cast_precision_loss, reason = "a bound beyond 2^53 is compared as JSON numbers are")]
        Number::Int(int) => int as f64,
        Number::Float(float) => float,
    }
}

fn out_of_range(name: &str, what: &str, range: &std::ops::RangeInclusive<usize>) -> String {
    match (*range.start(), *range.end()) {
        (0, max) => format!("`{name}` may have at most {max} {what}"),
        (min, usize::MAX) => format!("`{name}` must have at least {min} {what}"),
        (min, max) => format!("`{name}` must have {min} to {max} {what}"),
    }
}

/// What a text contains that its character set does not.
fn outside(text: &str, charset: Charset) -> Option<&'static str> {
    let is_identifier =
        |(i, b): (usize, u8)| b.is_ascii_alphanumeric() || b == b'_' || i > 0 && (b == b'-' || b == b'.');
    match charset {
        Charset::Any => None,
        Charset::Text => hidden_in(text),
        Charset::Line if text.contains(['\n', '\r', '\t', '\u{2028}', '\u{2029}']) => Some("a line end or a tab"),
        Charset::Line => hidden_in(text),
        Charset::Ascii => {
            (!text.bytes().all(|b| (b' '..=b'~').contains(&b))).then_some("characters beyond printable ASCII")
        }
        Charset::Identifier => (!text.bytes().enumerate().all(is_identifier))
            .then_some("characters other than letters, digits, `_`, `-` and `.`"),
    }
}

/// The first kind of hidden character. Plain ASCII, which most text is, is seen to have none at memory speed.
fn hidden_in(text: &str) -> Option<&'static str> {
    let is_plain = |b: u8| (b' '..=b'~').contains(&b) || matches!(b, b'\t' | b'\n' | b'\r');
    if text.bytes().fold(true, |all, b| all & is_plain(b)) {
        return None;
    }
    hidden::find(text).first().map(|found| found.rule)
}

/// An argument of a command as a record would have it: not the secret behind `--password`.
fn without_secrets(arguments: &[String], position: usize) -> String {
    let redacted = Redactor::new([0; 32]).redact(&Value::from(arguments));
    redacted.value.get(position).and_then(Value::as_str).unwrap_or_default().to_owned()
}

/// The named member that `name` becomes for a decoder that ignores case (Go, many others).
pub(super) fn twin<'a>(rules: &'a BTreeMap<String, Arg>, name: &str) -> Option<&'a str> {
    let vectors = rules.values().filter_map(|rule| match &rule.check {
        Check::Command { args_in, .. } => args_in.as_ref(),
        _ => None,
    });
    let folded = fold_name(name);
    rules.keys().chain(vectors).map(String::as_str).find(|known| *known != name && fold_name(known) == folded)
}

/// Text from the caller inside a message: quoted, without control characters, at most 80 characters.
pub(crate) fn shown(text: &str) -> String {
    manta_core::Untrusted(text).for_agent(80)
}

fn is_plain(name: &str) -> bool {
    !name.is_empty() && name.len() <= 64 && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-".contains(&b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_for_other_programs_have_nothing_that_a_shell_runs() {
        for text in [
            "https://h/`id`",
            "https://h/$(id)",
            "https://h/?q=${IFS}",
            "https://h/\u{202e}x",
            "https://h/\u{2028}",
            "https://h/\"; id",
            "https://h/><x",
        ] {
            assert!(!is_plain_url(text), "{text:?}");
        }
        for text in ["https://h/a_(b)?$filter=x&y=1;2|3#z", "https://h/caf\u{e9}", "https://h/%60id%60"] {
            assert!(is_plain_url(text), "{text:?}");
        }
    }
}
