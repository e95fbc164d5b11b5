//! A shell command built from text becomes a program and a list of arguments.
//!
//! Only commands that use nothing of the shell but quotes and blanks, and whose program is constant: what else a
//! shell would do with them must be decided by whoever knows what was meant.

use manta_core::{Edit, Fix, Safety, Span};
use manta_flow::ir::{ArgKind, BinaryOp, Expr, ExprId, ImportName};

use super::{Call, Code, end_of_options, literal};

/// A piece of a command.
#[derive(Clone, Copy)]
enum Piece<'a> {
    Text(&'a str),
    Value(ExprId),
}

/// A word of the command: constant text and values behind each other.
type Word = Vec<WordPart>;

#[derive(Clone, PartialEq, Eq, Debug)]
enum WordPart {
    Text(String),
    Value(ExprId),
}

/// Replaces the shell.
pub(super) fn repair(code: &Code<'_>) -> Option<Fix> {
    let call = code.calls().next()?;
    let edits = if code.is_python() { python(code, &call)? } else { javascript(code, &call)? };
    Some(Fix {
        title: "pass the arguments as a list, without a shell".to_owned(),
        safety: Safety::Unsafe,
        reason: "a value with blanks was several arguments before and is one now".to_owned(),
        edits,
    })
}

/// `exec(…)` → `execFile(program, […])`, and the same for `execSync`.
fn javascript(code: &Code<'_>, call: &Call<'_>) -> Option<Vec<Edit>> {
    let (imported, import) = match code.module.expr(call.callee) {
        Expr::Import(import, ImportName::Named(name)) => (*name, Some(*import)),
        Expr::Member { object, name, .. } => {
            let Expr::Import(import, ImportName::Namespace | ImportName::Default) = code.module.expr(*object) else {
                return None;
            };
            is_child_process(&code.module.imports[import.0 as usize].request).then_some((*name, None))?
        }
        _ => return None,
    };
    let replacement = match imported.as_str() {
        "exec" => "execFile",
        "execSync" => "execFileSync",
        _ => return None,
    };
    let [command, rest @ ..] = call.args else { return None };
    let with_shell =
        |id: ExprId| matches!(code.module.expr(id), Expr::Object { .. }) && code.text(id).contains("shell");
    if command.kind != ArgKind::Positional || rest.iter().any(|arg| with_shell(arg.value)) {
        return None;
    }
    let words = words(&pieces(code, command.value)?)?;
    let (program, arguments) = list(&words, |parts| javascript_word(code, parts))?;
    let callee = code.module.span(call.callee);
    let mut edits = vec![code.edit(code.module.span(command.value), format!("{program}, [{}]", arguments.join(", ")))];
    if let Some(import) = import {
        let import = &code.module.imports[import.0 as usize];
        if !is_child_process(&import.request) {
            return None;
        }
        edits.push(code.edit(callee, replacement));
        edits.extend(import_name(code, import.span, replacement)?);
    } else {
        // The name is the last thing of `child_process.exec`.
        let name = u32::try_from(imported.as_str().len()).ok()?;
        edits.push(code.edit(Span::new(callee.end.checked_sub(name)?, callee.end), replacement));
    }
    Some(edits)
}

fn is_child_process(request: &str) -> bool {
    matches!(request.trim_start_matches("node:"), "child_process")
}

/// Adds a name to the braces of `import { … } from` or `const { … } = require(…)`, if it isn't there.
fn import_name(code: &Code<'_>, span: Span, name: &str) -> Option<Option<Edit>> {
    let inside = code.file.slice(span);
    let brace = match inside.find('{') {
        Some(at) => span.start + u32::try_from(at).ok()?,
        // `from "…"` and `= require("…")`: the braces stand before it.
        None => {
            let before = code.before(span.start).trim_end();
            let before = before.strip_suffix("from").or_else(|| before.strip_suffix('='))?;
            let before = before.trim_end().strip_suffix('}')?;
            u32::try_from(before.rfind('{')?).ok()?
        }
    };
    let names = code.after(brace + 1).split('}').next()?;
    let is_there = names.split(',').any(|listed| listed.trim() == name);
    Some((!is_there).then(|| code.insert(brace + 1, format!(" {name},"))))
}

fn javascript_word(code: &Code<'_>, parts: &[WordPart]) -> Option<String> {
    if let [WordPart::Text(text)] = parts {
        return literal(text);
    }
    let mut out = String::from("`");
    for part in parts {
        match part {
            WordPart::Text(text) => out.push_str(&text.replace('\\', "\\\\").replace('`', "\\`").replace("${", "\\${")),
            WordPart::Value(id) => out.push_str(&format!("${{{}}}", code.text(*id))),
        }
    }
    out.push('`');
    Some(out)
}

/// `subprocess.run(…, shell=True)` → the same call with a list.
fn python(code: &Code<'_>, call: &Call<'_>) -> Option<Vec<Edit>> {
    let Expr::Member { name, .. } = code.module.expr(call.callee) else { return None };
    if !matches!(name.as_str(), "run" | "call" | "check_call" | "check_output" | "Popen") {
        return None;
    }
    let [command, ..] = call.args else { return None };
    let shell = call.args.iter().position(|arg| {
        matches!(arg.kind, ArgKind::Named(name) if name.as_str() == "shell")
            && matches!(code.module.expr(arg.value), Expr::Bool(true))
    })?;
    if command.kind != ArgKind::Positional {
        return None;
    }
    let words = words(&pieces(code, command.value)?)?;
    let (program, mut arguments) = list(&words, |parts| python_word(code, parts))?;
    arguments.insert(0, program);
    let from = code.module.span(call.args.get(shell.checked_sub(1)?)?.value).end;
    let until = code.module.span(call.args[shell].value).end;
    Some(vec![
        code.edit(code.module.span(command.value), format!("[{}]", arguments.join(", "))),
        code.edit(Span::new(from, until), ""),
    ])
}

fn python_word(code: &Code<'_>, parts: &[WordPart]) -> Option<String> {
    let parts: Option<Vec<String>> = parts
        .iter()
        .map(|part| match part {
            WordPart::Text(text) => literal(text),
            WordPart::Value(id) => Some(format!("str({})", code.text(*id))),
        })
        .collect();
    Some(parts?.join(" + "))
}

/// The program and its arguments as source text, with the end of the options before the first operand that is not constant where no
/// constant option follows.
fn list(words: &[Word], write: impl Fn(&[WordPart]) -> Option<String>) -> Option<(String, Vec<String>)> {
    let [program, arguments @ ..] = words else { return None };
    let [WordPart::Text(name)] = program.as_slice() else { return None };
    if name.contains('=') || name.is_empty() {
        return None;
    }
    let is_option = |word: &Word| matches!(word.first(), Some(WordPart::Text(text)) if text.starts_with('-'));
    let operand = arguments.iter().enumerate().position(|(at, word)| {
        matches!(word.first(), Some(WordPart::Value(_))) && (at == 0 || !is_option(&arguments[at - 1]))
    });
    let mut written: Vec<String> = arguments.iter().map(|word| write(word)).collect::<Option<_>>()?;
    if let Some(at) = operand.filter(|&at| !arguments[at..].iter().any(is_option)) {
        let command = arguments[..at].iter().filter(|word| !is_option(word)).find_map(|word| match word.as_slice() {
            [WordPart::Text(text)] => Some(text.as_str()),
            _ => None,
        });
        written.insert(at, format!("\"{}\"", end_of_options(name, command)));
    }
    Some((literal(name)?, written))
}

/// The command as constant text and values; `None` when it is built in another way.
fn pieces<'a>(code: &Code<'a>, id: ExprId) -> Option<Vec<Piece<'a>>> {
    match code.module.expr(id) {
        Expr::Str(text) => Some(vec![Piece::Text(text)]),
        Expr::Template(parts) => parts
            .iter()
            .map(|part| match code.module.expr(*part) {
                Expr::Str(text) => Some(Piece::Text(text)),
                _ => is_plain_hole(code, *part).then_some(Piece::Value(*part)),
            })
            .collect(),
        Expr::Binary(BinaryOp::Add, left, right) => {
            let side = |id: ExprId| pieces(code, id).or_else(|| Some(vec![Piece::Value(id)]));
            let (left, right) = (side(*left)?, side(*right)?);
            // Two values behind each other may be numbers that are added.
            let has_text = left.iter().chain(&right).any(|piece| matches!(piece, Piece::Text(_)));
            has_text.then(|| left.into_iter().chain(right).collect())
        }
        _ => None,
    }
}

/// Whether a hole is `${value}` or `{value}` and nothing more: a conversion or a format would be lost.
fn is_plain_hole(code: &Code<'_>, id: ExprId) -> bool {
    let span = code.module.span(id);
    let opens = if code.is_python() { "{" } else { "${" };
    code.before(span.start).trim_end().ends_with(opens) && code.after(span.end).trim_start().starts_with('}')
}

/// Splits a command as a POSIX shell would (2.3 Token Recognition), if it uses only quotes and blanks.
fn words(pieces: &[Piece<'_>]) -> Option<Vec<Word>> {
    let mut words: Vec<Word> = Vec::new();
    let mut word: Option<Word> = None;
    let mut quote = None;
    for piece in pieces {
        match piece {
            Piece::Value(id) => word.get_or_insert_default().push(WordPart::Value(*id)),
            Piece::Text(text) => {
                for character in text.chars() {
                    match (quote, character) {
                        (Some(open), _) if open == character => quote = None,
                        (None, '"' | '\'') => {
                            quote = Some(character);
                            word.get_or_insert_default();
                        }
                        (None, ' ' | '\t') => words.extend(word.take()),
                        (None, _) if !is_literal(character) => return None,
                        (Some('"'), '$' | '`' | '\\') => return None,
                        _ => push(word.get_or_insert_default(), character),
                    }
                }
            }
        }
    }
    words.extend(word);
    quote.is_none().then_some(words)
}

/// A character that means itself outside of quotes, wherever it stands.
fn is_literal(character: char) -> bool {
    character.is_ascii_alphanumeric()
        || "-_./:,=@%+".contains(character)
        || (!character.is_ascii() && !character.is_control())
}

fn push(word: &mut Word, character: char) {
    if let Some(WordPart::Text(text)) = word.last_mut() {
        text.push(character);
    } else {
        word.push(WordPart::Text(character.to_string()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(pieces: &[Piece<'_>]) -> Option<Vec<String>> {
        let word = |word: Word| {
            word.iter()
                .map(|part| match part {
                    WordPart::Text(text) => text.clone(),
                    WordPart::Value(id) => format!("<{}>", id.0),
                })
                .collect()
        };
        words(pieces).map(|words| words.into_iter().map(word).collect())
    }

    #[test]
    fn quotes_and_blanks_make_words() {
        use Piece::{Text, Value};
        let value = Value(ExprId(7));
        let command = [Text("git log  --author=\""), value, Text("\" -- '"), value, Text("'.txt \"\"")];
        assert_eq!(shown(&command).unwrap(), ["git", "log", "--author=<7>", "--", "<7>.txt", ""]);
    }

    #[test]
    fn what_only_a_shell_understands_is_left_alone() {
        for command in
            ["a | b", "a > b", "a $HOME", "a *", "a; b", "a && b", "\"$a\"", "a 'b", "~/a", "a {b,c}", "a\nb"]
        {
            assert_eq!(shown(&[Piece::Text(command)]), None, "{command}");
        }
    }
}
