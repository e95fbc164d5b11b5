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

/// What a byte means for the estimate: how much it may nest (in quarters of a level), or one of the marks below.
static WEIGHTS: [u8; 256] = weights();
const NEWLINE: u8 = 128;
const OPEN: u8 = 129;
const CLOSE: u8 = 130;
const COMMA: u8 = 131;

const fn weights() -> [u8; 256] {
    let mut table = [0; 256];
    let operators = b"+-*/%@&|^~<>.";
    let mut at = 0;
    while at < operators.len() {
        table[operators[at] as usize] = 4;
        at += 1;
    }
    // Words nest too (`not`, `await`, `lambda:`); between them is a blank or a colon.
    table[b' ' as usize] = 2;
    table[b'\t' as usize] = 2;
    table[b':' as usize] = 4;
    table[b'\n' as usize] = NEWLINE;
    table[b'\r' as usize] = NEWLINE;
    (table[b'(' as usize], table[b'[' as usize], table[b'{' as usize]) = (OPEN, OPEN, OPEN);
    (table[b')' as usize], table[b']' as usize], table[b'}' as usize]) = (CLOSE, CLOSE, CLOSE);
    table[b',' as usize] = COMMA;
    table
}

/// An upper bound of the nesting that knows nothing of strings and comments, and so may be far too high.
fn estimate(text: &[u8]) -> usize {
    let (mut brackets, mut operators, mut indentation) = (0usize, 0usize, 0usize);
    let (mut highest, mut at) = (0, 0);
    while let Some(&byte) = text.get(at) {
        at += 1;
        let weight = WEIGHTS[usize::from(byte)];
        if weight < NEWLINE {
            operators += usize::from(weight);
            continue;
        }
        highest = highest.max(indentation / 2 + brackets + operators / 4);
        match weight {
            OPEN => brackets += 1,
            CLOSE => {
                brackets = brackets.saturating_sub(1);
                operators += 4;
            }
            COMMA => operators = 0,
            _ => {
                indentation = text[at..].iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
                at += indentation;
                if indentation == 0 && starts_statement(&text[at..]) {
                    brackets = 0;
                }
                if brackets == 0 {
                    operators = 0;
                }
            }
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
