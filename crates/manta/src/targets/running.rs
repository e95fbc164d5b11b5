//! What a running server says of itself: listed, never called, in the guard's sandbox and with consent.

use std::io::{self, BufRead as _, IsTerminal as _, Write as _};

use manta_core::ProjectInput;
use manta_guard::command::{self, Options};

use super::Target;
use crate::exit::Failure;

/// Whether a server may be started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Consent {
    /// The user said so on the command line.
    Given,
    /// The user is asked.
    Asked,
}

/// Starts the server of a command line and takes down what it lists.
pub(crate) fn listing(line: &str, consent: Consent) -> Result<Target, Failure> {
    let command = words(line).ok_or_else(|| Failure::new(format!("a quotation in `{line}` does not end")))?;
    if command.is_empty() {
        return Err(Failure::new("--stdio names no command"));
    }
    if consent == Consent::Asked {
        ask(line)?;
    }
    let said = command::list(&Options { command, ..Options::default() })
        .map_err(|problem| Failure::new(format!("failed to list what `{line}` offers: {problem}")))?;
    let text = manta_report::pretty_json(&said);
    Ok(Target::Ready(ProjectInput::from_texts(line, [("listed.json", text.as_str())])))
}

/// Asks at the terminal; without one the answer is no.
fn ask(line: &str) -> Result<(), Failure> {
    let refused = |why: &str| Failure::new(format!("`{line}` was not started: {why}")).hint("--yes starts it unasked");
    if !io::stdin().is_terminal() {
        return Err(refused("there is no terminal to ask at"));
    }
    let mut terminal = io::stderr();
    let shown = manta_core::Untrusted(line).for_terminal();
    let _ = write!(terminal, "Start `{shown}` in a sandbox, to list what it offers? [y/N] ");
    let _ = terminal.flush();
    let mut answer = String::new();
    io::stdin().lock().read_line(&mut answer).map_err(|error| refused(&error.to_string()))?;
    match answer.trim() {
        "y" | "Y" | "yes" => Ok(()),
        _ => Err(refused("you said no")),
    }
}

/// Words of a command line: blanks divide, quotes hold together, a backslash takes the next character as it is. No
/// shell is involved.
fn words(line: &str) -> Option<Vec<String>> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        match (quote, c) {
            (Some(open), c) if c == open => quote = None,
            (Some('\''), c) => word.get_or_insert_default().push(c),
            (_, '\\') => word.get_or_insert_default().extend(chars.next()),
            (None, '\'' | '"') => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (None, c) if c.is_whitespace() => words.extend(word.take()),
            (_, c) => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    quote.is_none().then_some(words)
}

#[cfg(test)]
mod tests {
    use super::words;

    #[test]
    fn a_command_line_is_divided_as_a_person_means_it() {
        for (line, expected) in [
            ("npx -y pkg", vec!["npx", "-y", "pkg"]),
            ("  node  'a b.js' \"c\\\"d\" e\\ f", vec!["node", "a b.js", "c\"d", "e f"]),
            ("x ''", vec!["x", ""]),
            ("", vec![]),
        ] {
            assert_eq!(words(line).unwrap(), expected, "{line}");
        }
        assert_eq!(words("x 'y"), None);
    }
}
