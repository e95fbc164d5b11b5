//! What a running server says of itself: listed, never called, in the guard's sandbox and with consent.

use std::io::{self, BufRead as _, IsTerminal as _, Write as _};

use manta_core::{ProjectInput, SkipReason, SkippedFile};
use manta_guard::command::{self, Options};

use crate::exit::Failure;

/// Whether a server may be started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Consent {
    /// The user said so on the command line.
    Given,
    /// The user is asked.
    Asked,
}

/// A server that can be asked what it offers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Running<'a> {
    /// Started by this command line.
    Command(&'a str),
    /// Reached at this address, over Streamable HTTP.
    Url(&'a str),
}

impl Running<'_> {
    fn named(&self) -> &str {
        match self {
            Self::Command(named) | Self::Url(named) => named,
        }
    }

    fn options(&self, grants: &Options) -> Result<Options, Failure> {
        match self {
            Self::Url(url) => Ok(Options { upstream: Some((*url).to_owned()), ..Options::default() }),
            Self::Command(line) => {
                let command =
                    words(line).ok_or_else(|| Failure::new(format!("a quotation in `{line}` does not end")))?;
                if command.is_empty() {
                    return Err(Failure::new("--stdio names no command"));
                }
                Ok(Options { command, ..grants.clone() })
            }
        }
    }
}

/// Asks a running server for its lists and takes down what it says, as a target of its own. `grants` are for one that is
/// started.
pub(crate) fn listing(server: Running<'_>, grants: &Options, consent: Consent) -> Result<ProjectInput, Failure> {
    let options = server.options(grants)?;
    if consent == Consent::Asked {
        ask(server)?;
    }
    let named = server.named();
    let mut said = command::list(&options).map_err(|problem| {
        let failure = Failure::new(format!("failed to list what `{named}` offers: {problem}"));
        match server {
            Running::Command(_) => {
                failure.hint("what it lacks in its sandbox is granted by --read, --exec, --host or --env")
            }
            Running::Url(_) => failure,
        }
    })?;
    let not_listed = said.as_object_mut().and_then(|said| said.remove(command::NOT_LISTED)).unwrap_or_default();
    let reasons = not_listed.as_array().into_iter().flatten().filter_map(|reason| reason.as_str());
    let skipped =
        reasons.map(|reason| SkippedFile { path: named.to_owned(), reason: SkipReason::Unreadable(reason.to_owned()) });
    let text = manta_report::pretty_json(&said);
    let mut input = ProjectInput::from_texts(named, [("listed.json", text.as_str())]);
    input.skipped.extend(skipped);
    Ok(input)
}

/// Asks at the terminal; without one the answer is no.
fn ask(server: Running<'_>) -> Result<(), Failure> {
    let (named, done) = (server.named(), if matches!(server, Running::Url(_)) { "asked" } else { "started" });
    let refused =
        |why: &str| Failure::new(format!("`{named}` was not {done}: {why}")).hint("--yes does it without a question");
    if !io::stdin().is_terminal() {
        return Err(refused("there is no terminal to ask at"));
    }
    let mut terminal = io::stderr();
    let shown = manta_core::Untrusted(named).for_terminal();
    let question = match server {
        Running::Command(_) => format!("Start `{shown}` in a sandbox, to list what it offers?"),
        Running::Url(_) => format!("Connect to {shown}, to list what it offers?"),
    };
    let _ = write!(terminal, "{question} [y/N] ");
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
