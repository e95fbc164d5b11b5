//! A rule's Markdown page on a terminal, for `manta explain`.
//!
//! Pages are our own and written simply, so this knows headings, fences, lists and inline code, and leaves the rest
//! as it is: Markdown reads well without help.

use std::fmt::Write as _;

use manta_core::RuleMeta;

use crate::paint::Paint;
use crate::words;

/// The page with the rule's facts above it.
#[must_use]
pub fn render(rule: &RuleMeta, color: bool) -> String {
    let paint = Paint { color };
    let mut facts = vec![
        format!("severity {}", paint.severity(rule.severity, rule.severity.as_str())),
        format!("confidence {}", rule.confidence),
        format!("persona {}", rule.persona),
    ];
    facts.extend(rule.cwe.iter().map(|number| words::cwe(*number)));
    if !rule.aliases.is_empty() {
        facts.push(format!("once called {}", rule.aliases.join(", ")));
    }
    let mut out = format!("{} — finds {}\n{}\n\n", paint.bold(rule.id), rule.summary, facts.join(" · "));
    let mut is_code = false;
    for line in rule.page.lines() {
        if line.trim_start().starts_with("```") {
            is_code = !is_code;
            continue;
        }
        let _ = writeln!(out, "{}", if is_code { code(line, paint) } else { text(line, paint) });
    }
    out
}

fn code(line: &str, paint: Paint) -> String {
    format!("    {}", paint.accent(line))
}

fn text(line: &str, paint: Paint) -> String {
    if line.starts_with('#') {
        return paint.bold(line.trim_start_matches('#').trim_start());
    }
    // Backticks are only taken away where colour takes their place.
    if !paint.color {
        return line.to_owned();
    }
    let mut out = String::new();
    for (at, piece) in line.split('`').enumerate() {
        out.push_str(&if at % 2 == 1 { paint.accent(piece) } else { piece.to_owned() });
    }
    out
}
