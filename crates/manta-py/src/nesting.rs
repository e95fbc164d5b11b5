//! Protection against nesting meant to exhaust the stack.
//!
//! Parsers, tree walks and even freeing a tree recurse as deep as the source nests. A scan over the bytes bounds that
//! depth for almost every file; the few it can't clear are counted by tokens, and then parsed on a stack made for
//! their depth or refused.

use manta_flow::frontend::Lowered;
use ruff_python_ast::token::TokenKind;
use ruff_python_parser::{Mode, lexer};

/// Deepest nesting that is analysed. CPython itself refuses 200 brackets and 100 indentations.
const MAX_NESTING: usize = 2_000;
/// Nesting that fits the smallest stack we run on (2 MiB, unoptimised build).
const ORDINARY: usize = 100;
/// For nesting between the two; reserved, only touched as far as used. In bytes.
const LARGE_STACK: usize = 64 * 1024 * 1024;

/// Runs `work` on `text` with enough stack, or says why not.
pub(crate) fn guarded(text: &str, work: impl FnOnce(&str, Vec<String>) -> Lowered) -> Lowered {
    if estimate(text.as_bytes()) <= ORDINARY {
        return work(text, Vec::new());
    }
    match measure(text) {
        depth if depth <= ORDINARY => work(text, Vec::new()),
        depth if depth <= MAX_NESTING => stacker::grow(LARGE_STACK, || work(text, Vec::new())),
        _ => Lowered { module: None, problems: vec!["not analysed: nested too deeply".to_owned()] },
    }
}

/// An upper bound of the nesting that knows nothing of strings and comments, and so may be far too high.
fn estimate(text: &[u8]) -> usize {
    let (mut brackets, mut operators, mut indentation) = (0usize, 0usize, 0usize);
    let mut highest = 0;
    let mut line_start = true;
    for (at, &byte) in text.iter().enumerate() {
        if line_start && (byte == b' ' || byte == b'\t') {
            indentation += 1;
            continue;
        }
        if line_start {
            line_start = false;
            if indentation == 0 && starts_statement(&text[at..]) {
                (brackets, operators) = (0, 0);
            }
        }
        match byte {
            b'\n' | b'\r' => {
                highest = highest.max(indentation / 2 + brackets + operators / 4);
                (line_start, indentation) = (true, 0);
                operators = if brackets == 0 { 0 } else { operators };
            }
            b'(' | b'[' | b'{' => {
                highest = highest.max(indentation / 2 + brackets + operators / 4);
                brackets += 1;
            }
            b')' | b']' | b'}' => {
                brackets = brackets.saturating_sub(1);
                operators += 4;
            }
            b',' => {
                highest = highest.max(indentation / 2 + brackets + operators / 4);
                operators = 0;
            }
            b'+' | b'-' | b'*' | b'/' | b'%' | b'@' | b'&' | b'|' | b'^' | b'~' | b'<' | b'>' | b'.' => operators += 4,
            b' ' | b'\t' => operators += 1,
            _ => {}
        }
    }
    highest.max(indentation / 2 + brackets + operators / 4)
}

/// Words that can't continue an expression, so that no bracket is open before them.
fn starts_statement(rest: &[u8]) -> bool {
    [b"def ".as_slice(), b"class ", b"import "].iter().any(|word| rest.starts_with(word))
}

/// An upper bound of the nesting by tokens: brackets, indentation, and operators since the last comma, because
/// `a.b.c` and `a + b + c` nest to the left.
fn measure(text: &str) -> usize {
    let mut lexer = lexer::lex(text, Mode::Module);
    let mut open: Vec<usize> = vec![0];
    let (mut depth, mut indentation, mut highest) = (0usize, 0usize, 0usize);
    loop {
        let kind = lexer.next_token();
        let operators = open.last_mut().expect("the outermost level is never closed");
        match kind {
            TokenKind::EndOfFile => return highest,
            TokenKind::Indent => indentation += 1,
            TokenKind::Dedent => indentation = indentation.saturating_sub(1),
            TokenKind::Newline => {
                open = vec![0];
                depth = 0;
            }
            TokenKind::Lpar | TokenKind::Lsqb | TokenKind::Lbrace => {
                open.push(0);
                depth += 1;
            }
            TokenKind::Rpar | TokenKind::Rsqb | TokenKind::Rbrace => {
                if open.len() > 1 {
                    depth -= 1 + open.pop().unwrap_or_default();
                }
                if let Some(operators) = open.last_mut() {
                    *operators += 1;
                    depth += 1;
                }
            }
            TokenKind::Comma => depth -= std::mem::take(operators),
            kind if kind.is_operator() || kind.is_keyword() => {
                *operators += 1;
                depth += 1;
            }
            _ => {}
        }
        highest = highest.max(depth + indentation);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ordinary_code_needs_no_lexing() {
        let text =
            "def f(a, b):\n    '''A doc string (with words, and dots...) of some length.'''\n    return g(a)[1]\n";
        assert!(estimate(text.as_bytes()) <= ORDINARY);
    }

    #[test]
    fn an_estimate_is_never_below_the_measure() {
        for text in [
            "(".repeat(300) + &")".repeat(300),
            "x = ".to_owned() + &"not ".repeat(3000) + "y",
            "x = ".to_owned() + &"lambda:".repeat(3000) + "y",
            "x = a".to_owned() + &".b".repeat(3000),
            "x = (a\n".to_owned() + &"+ b\n".repeat(3000) + ")",
            "x = f".to_owned() + &"()".repeat(3000),
            "if a:\n".to_owned() + &(1..300).map(|n| format!("{}if a:\n", " ".repeat(n))).collect::<String>(),
        ] {
            assert!(measure(&text) > ORDINARY, "{}", &text[..20]);
            assert!(estimate(text.as_bytes()) > ORDINARY, "{}", &text[..20]);
        }
    }
}
