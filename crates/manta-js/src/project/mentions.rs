//! What a file mentions, found in its text without parsing: imported modules and file names.
//!
//! Entry discovery needs an approximate import graph before anything is parsed. A specifier found in a comment costs
//! one extra edge, nothing more.

/// Module specifiers after `from`, `import`, `require(` and `import(`.
pub(crate) fn specifiers(text: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let bytes = text.as_bytes();
    let mut at = 0;
    while let Some(quote) = memchr::memchr2(b'"', b'\'', &bytes[at..]) {
        let start = at + quote + 1;
        if !follows_import(&bytes[..start - 1]) {
            // The closing quote may open the next literal when this one was an apostrophe in a comment.
            at = start;
            continue;
        }
        let end = memchr::memchr2(bytes[start - 1], b'\n', &bytes[start..]);
        let Some(end) = end.map(|end| start + end).filter(|end| bytes[*end] != b'\n') else {
            at = start;
            continue;
        };
        found.push(&text[start..end]);
        at = end + 1;
    }
    found
}

fn follows_import(before: &[u8]) -> bool {
    let before = before.trim_ascii_end();
    if let Some(callee) = before.strip_suffix(b"(") {
        let callee = callee.trim_ascii_end();
        return callee.ends_with(b"require") || callee.ends_with(b"import") || callee.ends_with(b")");
    }
    before.ends_with(b"from") || before.ends_with(b"import")
}

/// Words of `text` that look like paths of source files.
pub(crate) fn source_files(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '/' | '.' | '_' | '-' | '@' | '[' | ']')))
        .filter(|word| super::is_source(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn specifiers_of_every_import_form() {
        let text = "import a from './a'; import \"./b\"; export * from \"./c\"; // don't\nconst d = require('./d');\n\
                    await import( './e' ); import{f}from'./f';const s = 'not';";
        assert_eq!(specifiers(text), ["./a", "./b", "./c", "./d", "./e", "./f"]);
    }

    #[test]
    fn source_files_in_commands() {
        let found: Vec<_> = source_files("tsc && node ./dist/index.js --x=src/a.ts; [\"lib/b.mjs\"]").collect();
        assert_eq!(found, ["./dist/index.js", "src/a.ts", "lib/b.mjs"]);
    }
}
