//! What asking a person before a call has in common, whoever asks: what they see, for how long their answer counts,
//! and names for questions that nobody can guess.

use std::time::Duration;

use serde_json::{Map, Value};

/// How long a person may take; an answer after that is none.
pub const PATIENCE: Duration = Duration::from_secs(120);
/// How long a tool's own question may stay open (from 2026-07-28 on).
pub const TOOL_PATIENCE: Duration = Duration::from_secs(600);
/// Questions of a tool within one call that count as part of it; what comes after them is a new call. A tool that
/// asks again at every wrong answer would else run without limit for what one call costs (CWE-770).
pub const MOST_ROUNDS: u32 = 16;
/// Approvals that are asked for within [`ASKED_PER`]. Who is asked too often agrees to anything.
pub const MOST_ASKED: u32 = 20;
/// See [`MOST_ASKED`].
pub const ASKED_PER: Duration = Duration::from_secs(60);

/// Most characters of one argument that are shown, and most arguments.
const SHOWN: usize = 200;
const MOST_SHOWN: usize = 12;

/// What a person sees of the arguments. Each is cut by itself and says so, so that a long one can't push another
/// out of sight, and nothing in them moves the cursor or changes the direction of the text.
#[must_use]
pub fn summary(arguments: &Map<String, Value>) -> String {
    let visible = |text: &str| manta_core::Untrusted(text).for_terminal();
    let shown = arguments.iter().take(MOST_SHOWN).map(|(name, value)| {
        let whole = value.to_string();
        let cut: String = whole.chars().take(SHOWN).collect();
        let more =
            if cut.len() < whole.len() { format!(" … ({} bytes, cut here)", whole.len()) } else { String::new() };
        let name: String = name.chars().take(SHOWN).collect();
        format!("{}: {}{more}", visible(&name), visible(&cut))
    });
    let shown: Vec<String> = shown.collect();
    match arguments.len() {
        0 => "no arguments".to_owned(),
        count if count > MOST_SHOWN => format!("{}, and {} more arguments", shown.join(", "), count - MOST_SHOWN),
        _ => shown.join(", "),
    }
}

/// Whether an answer to the question is a clear yes.
#[must_use]
pub fn is_yes(answer: &Value) -> bool {
    answer.get("action").and_then(Value::as_str) == Some("accept")
        && answer.pointer("/content/approve") == Some(&Value::Bool(true))
}

/// What of a request's `_meta` an approval is bound to: all but how the request is answered and traced, and what the client
/// says of itself, which may differ when it comes again.
#[must_use]
pub fn bound_meta(meta: &Map<String, Value>) -> Map<String, Value> {
    const FREE: &[&str] = &[
        "progressToken",
        "traceparent",
        "tracestate",
        "baggage",
        "io.modelcontextprotocol/protocolVersion",
        "io.modelcontextprotocol/clientInfo",
        "io.modelcontextprotocol/clientCapabilities",
        "io.modelcontextprotocol/logLevel",
    ];
    let bound = meta.iter().filter(|(name, _)| !FREE.contains(&name.as_str()));
    bound.map(|(name, value)| (name.clone(), value.clone())).collect()
}

/// Whether a client with these capabilities can put a form before its user. One that only opens pages can't, and one that
/// says nothing of either is of the time before pages.
#[must_use]
pub fn takes_forms(capabilities: &Value) -> bool {
    let elicitation = capabilities.get("elicitation").and_then(Value::as_object);
    elicitation.is_some_and(|modes| modes.contains_key("form") || !modes.contains_key("url"))
}

/// 128 bits from the system's generator, as text. A peer that could foresee it could answer for a person.
///
/// # Errors
/// When there is no randomness; then nothing may be asked.
pub fn token() -> Result<String, getrandom::Error> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes)?;
    Ok(crate::digest::hex(&bytes))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn no_argument_hides_another_and_none_drives_the_terminal() {
        let arguments = json!({ "a": "x".repeat(5000), "b\u{202e}": "\u{1b}[2Jdone", "to": "mallory@evil.example" });
        let shown = summary(arguments.as_object().unwrap());
        assert!(shown.contains("cut here") && shown.contains("to: \"mallory@evil.example\""), "{shown}");
        assert!(!shown.contains(['\u{1b}', '\u{202e}']), "{shown}");
        let many: Map<String, Value> = (0..40).map(|n| (format!("p{n:02}"), json!(n))).collect();
        assert!(summary(&many).ends_with("and 28 more arguments"));
        assert_eq!(summary(&Map::new()), "no arguments");
        assert!(summary(&Map::from_iter([("n".repeat(100_000), json!(1))])).len() < 1000);
    }

    #[test]
    fn a_form_is_for_clients_that_show_forms() {
        for can in
            [json!({}), json!({ "form": {} }), json!({ "form": {}, "url": {} }), json!({ "applyDefaults": true })]
        {
            assert!(takes_forms(&json!({ "elicitation": can })), "{can}");
        }
        for cannot in [json!({ "elicitation": { "url": {} } }), json!({ "elicitation": null }), json!({}), Value::Null]
        {
            assert!(!takes_forms(&cannot), "{cannot}");
        }
    }

    #[test]
    fn tokens_do_not_come_twice() {
        let tokens: std::collections::HashSet<String> = (0..1000).map(|_| token().unwrap()).collect();
        assert!(tokens.len() == 1000 && tokens.iter().all(|token| token.len() == 32));
    }
}
