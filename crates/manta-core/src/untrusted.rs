//! Text written by strangers, made safe for the medium it is shown in.
//!
//! Tool names, descriptions, paths and code of a scanned server may have been written to break out of a
//! report: to recolour a terminal, to end an annotation early, to hide letters from the eye. There is no
//! `Display` here: each medium has its own way out. (JSON needs none: a value must stay what it is, and the
//! serialiser of manta-report writes what nobody can see as `\u` escapes.)

use std::fmt::Write as _;

/// A string from outside. Wrap it at the moment it is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Untrusted<'a>(pub &'a str);

impl<'a> Untrusted<'a> {
    /// The text itself, for detectors and comparisons; never for output.
    #[must_use]
    pub const fn raw(self) -> &'a str {
        self.0
    }

    /// For a terminal or a plain text file, on one line: control, bidirectional, zero-width and tag characters
    /// become visible as `⟨U+200B⟩`.
    ///
    /// ```
    /// use manta_core::Untrusted;
    /// assert_eq!(Untrusted("\u{1b}[31mred\n").for_terminal(), "⟨U+001B⟩[31mred⟨U+000A⟩");
    /// ```
    #[must_use]
    pub fn for_terminal(self) -> String {
        visible(self.0, |_, _| false)
    }

    /// As [`Self::for_terminal`], for a line of source code: tabs become four spaces.
    #[must_use]
    pub fn for_source_line(self) -> String {
        visible(self.0, |character, out| {
            let is_tab = character == '\t';
            if is_tab {
                out.push_str("    ");
            }
            is_tab
        })
    }

    /// As [`Self::for_terminal`], for text of several lines: line feeds are kept.
    #[must_use]
    pub fn for_terminal_lines(self) -> String {
        visible(self.0, |character, out| {
            let is_newline = character == '\n';
            if is_newline {
                out.push('\n');
            }
            is_newline
        })
    }

    /// For the message of a GitHub workflow command (`::error …::message`): `%` and line ends are
    /// percent-encoded as the runner decodes them, everything invisible is made visible.
    #[must_use]
    pub fn for_annotation(self) -> String {
        visible(self.0, escape_annotation)
    }

    /// For a property of a GitHub workflow command (`::error file=property::…`), where `:` and `,` are
    /// syntax too.
    #[must_use]
    pub fn for_annotation_property(self) -> String {
        visible(self.0, |character, out| {
            match character {
                ':' => out.push_str("%3A"),
                ',' => out.push_str("%2C"),
                _ => return escape_annotation(character, out),
            }
            true
        })
    }

    /// For running text in Markdown: everything that could start a construct, a link, a mention or HTML is
    /// escaped, and line ends become spaces.
    #[must_use]
    pub fn for_markdown(self) -> String {
        visible(self.0, |character, out| {
            match character {
                '\n' | '\r' => out.push(' '),
                '<' => out.push_str("&lt;"),
                '>' => out.push_str("&gt;"),
                '&' => out.push_str("&amp;"),
                '@' => out.push_str("&#64;"),
                '\\' | '`' | '*' | '_' | '{' | '}' | '[' | ']' | '(' | ')' | '#' | '+' | '-' | '.' | '!' | '|'
                | '~' | ':' | '=' => {
                    out.push('\\');
                    out.push(character);
                }
                _ => return false,
            }
            true
        })
    }

    /// For element content or a quoted attribute in HTML or XML. Line feeds stay.
    #[must_use]
    pub fn for_html(self) -> String {
        visible(self.0, |character, out| {
            match character {
                '<' => out.push_str("&lt;"),
                '>' => out.push_str("&gt;"),
                '&' => out.push_str("&amp;"),
                '"' => out.push_str("&quot;"),
                '\'' => out.push_str("&#39;"),
                '\n' | '\t' => out.push(character),
                _ => return false,
            }
            true
        })
    }

    /// For a model that reads the report: quoted, on one line and cut after `limit` characters, because a
    /// finding about prompt injection must not be one.
    #[must_use]
    pub fn for_agent(self, limit: usize) -> String {
        let text = self.for_terminal();
        let cut: String = text.chars().take(limit).collect();
        let mark = if cut.len() < text.len() { "…" } else { "" };
        format!("\"{}{mark}\"", cut.replace('\\', "\\\\").replace('"', "\\\""))
    }
}

/// The escapes of `@actions/core`, the reference implementation of workflow commands.
fn escape_annotation(character: char, out: &mut String) -> bool {
    match character {
        '%' => out.push_str("%25"),
        '\r' => out.push_str("%0D"),
        '\n' => out.push_str("%0A"),
        _ => return false,
    }
    true
}

/// Copies `text`, letting `medium` write what it wants to write itself, and naming what nobody can see.
///
/// Build logs are read by the runner of the build service whatever is printed to them: GitHub takes `::` at the
/// start of a line and `##[` anywhere in it for a command, so both are broken up. A wrapped text can put any
/// word at the start of a line, hence every word counts.
fn visible(text: &str, mut medium: impl FnMut(char, &mut String) -> bool) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text.chars();
    while let Some(character) = rest.next() {
        let starts_command = match character {
            ':' => rest.as_str().starts_with(':') && out.chars().next_back().is_none_or(char::is_whitespace),
            '[' => out.ends_with("##"),
            _ => false,
        };
        if !starts_command && medium(character, &mut out) {
            continue;
        }
        if starts_command || is_invisible(character) {
            let _ = write!(out, "⟨U+{:04X}⟩", u32::from(character));
        } else {
            out.push(character);
        }
    }
    out
}

/// Whether a character can't be seen, changes the direction of others, or drives a terminal.
#[must_use]
pub const fn is_invisible(character: char) -> bool {
    matches!(character,
        '\0'..='\u{1f}' | '\u{7f}'..='\u{9f}' // C0, DEL and C1: terminal control
        | '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
        | '\u{180b}'..='\u{180f}' // Mongolian selectors and separator
        | '\u{200b}'..='\u{200f}' // zero width, direction marks
        | '\u{2028}'..='\u{202e}' // line separators, direction embeddings and overrides
        | '\u{2060}'..='\u{206f}' // invisible operators, direction isolates
        | '\u{2800}' | '\u{3164}' | '\u{feff}' | '\u{ffa0}'
        | '\u{fe00}'..='\u{fe0e}' // variation selectors; U+FE0F only asks for a colourful emoji
        | '\u{fff0}'..='\u{fffb}'
        | '\u{fdd0}'..='\u{fdef}' | '\u{fffe}' | '\u{ffff}' // no characters; XML has no way to write the last two
        | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}'
        | '\u{e0000}'..='\u{e0fff}' // tags and supplementary variation selectors
        | '\u{e000}'..='\u{f8ff}' | '\u{f0000}'..='\u{10ffff}') // private use: no agreed shape
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One of everything that tries to break out.
    const HOSTILE: &str = "\u{1b}[2J\u{9b}31m\u{202e}\u{200b}\u{e0041}\r\n::error::x%0A,<script>`*_|]($";

    #[test]
    fn nothing_invisible_survives_any_medium() {
        let text = Untrusted(HOSTILE);
        for out in [text.for_terminal(), text.for_source_line(), text.for_annotation(), text.for_agent(999)] {
            assert!(!out.chars().any(is_invisible), "{out:?}");
        }
        for out in [text.for_terminal_lines(), text.for_html(), text.for_markdown()] {
            assert!(!out.chars().any(|character| character != '\n' && is_invisible(character)), "{out:?}");
        }
    }

    #[test]
    fn each_medium_escapes_its_own_syntax() {
        assert_eq!(Untrusted("a%b:c,d\r\n").for_annotation(), "a%25b:c,d%0D%0A");
        assert_eq!(Untrusted("a%b:c,d\r\n").for_annotation_property(), "a%25b%3Ac%2Cd%0D%0A");
        assert_eq!(Untrusted("<a href='x'>&\"").for_html(), "&lt;a href=&#39;x&#39;&gt;&amp;&quot;");
        assert_eq!(Untrusted("[a](b)\n# @me").for_markdown(), r"\[a\]\(b\) \# &#64;me");
        assert_eq!(Untrusted("say \"hi\"").for_agent(5), "\"say \\\"…\"");
    }

    /// Detectors and reports must agree on what can't be seen, or a report would hide what a rule found.
    #[test]
    fn what_detectors_call_hidden_is_made_visible() {
        for character in ('\0'..=char::MAX).filter(|character| *character != '\u{fe0f}') {
            let hidden = manta_detect::hidden::find(&format!("a{character}b"));
            assert!(hidden.is_empty() || is_invisible(character), "{character:?}");
        }
    }

    #[test]
    fn a_build_runner_sees_no_command() {
        assert_eq!(Untrusted("::error::x a::b ::c").for_terminal(), "⟨U+003A⟩:error::x a::b ⟨U+003A⟩:c");
        assert_eq!(Untrusted("x\n ::stop").for_terminal_lines(), "x\n ⟨U+003A⟩:stop");
        assert_eq!(Untrusted("a ##[set-env name=x]").for_source_line(), "a ##⟨U+005B⟩set-env name=x]");
    }

    #[test]
    fn ordinary_text_of_any_script_is_left_alone() {
        let text = "naïve Straße 日本語 العربية 🌊️";
        assert_eq!(Untrusted(text).for_terminal(), text);
    }
}
