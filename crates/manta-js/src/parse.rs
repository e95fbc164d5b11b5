//! Parsing one file, whatever state it is in.
//!
//! The parser does not recover: one unrecoverable error and the whole file is gone. A ladder of retries keeps what can
//! be kept (other dialects first, then blanking the broken top-level region), and every step below the first is
//! reported, because a file that is silently half read looks like a clean one.

use manta_core::FileId;
use manta_flow::frontend::Lowered;
use manta_flow::ir::Module;
use oxc_allocator::Allocator;
use oxc_parser::{ParseOptions, Parser, ParserReturn};
use oxc_semantic::SemanticBuilder;
use oxc_span::SourceType;

use crate::nesting::{self, Nesting};

/// Largest file that is read, in bytes. A bundle of this size is already past what a review can use.
const MAX_BYTES: usize = 16 << 20;

/// How many broken regions are blanked before the file is given up.
const MAX_REPAIRS: usize = 6;

/// Lowers a file, on a thread of its own when its nesting could overflow the caller's stack.
pub(crate) fn lower_file(file: FileId, path: &str, text: &str) -> Lowered {
    if text.len() > MAX_BYTES {
        let size = text.len() >> 20;
        return failed(format!("not analysed: {size} MiB is more than the limit of {} MiB", MAX_BYTES >> 20));
    }
    let nesting = nesting::measure(text);
    if nesting.is_excessive() {
        return failed(format!("not analysed: nested too deeply ({})", nesting.describe()));
    }
    let jsx = nesting.allows_jsx();
    if source_type(path).is_jsx() && !jsx {
        return failed("not analysed: too large for a JSX file".to_owned());
    }
    match nesting.stack(source_type(path).is_jsx()) {
        None => climb(file, path, text, nesting),
        Some(bytes) => with_stack(bytes, || climb(file, path, text, nesting)),
    }
}

/// Runs `work` on a thread with a stack of this size (reserved, not used memory).
fn with_stack(bytes: usize, work: impl FnOnce() -> Lowered + Send) -> Lowered {
    std::thread::scope(|scope| {
        let worker = std::thread::Builder::new().stack_size(bytes).spawn_scoped(scope, work);
        match worker.map(std::thread::ScopedJoinHandle::join) {
            Ok(Ok(lowered)) => lowered,
            Ok(Err(_)) => failed("not analysed: internal error while reading the file".to_owned()),
            Err(error) => failed(format!("not analysed: no memory for a deeply nested file ({error})")),
        }
    })
}

fn failed(problem: String) -> Lowered {
    Lowered { module: None, problems: vec![problem] }
}

/// The retry ladder.
fn climb(file: FileId, path: &str, text: &str, nesting: Nesting) -> Lowered {
    let first_error = match attempt(file, path, text, source_type(path)) {
        Ok((module, problems)) => return Lowered { module: Some(module.into()), problems },
        Err(error) => error,
    };
    for (dialect, source_type) in other_dialects(path, nesting.allows_jsx()) {
        let attempt = || match attempt(file, path, text, source_type) {
            Ok((module, mut problems)) => {
                if let Some(dialect) = dialect {
                    problems.push(format!("read as {dialect}, which its file extension does not say"));
                }
                Lowered { module: Some(module.into()), problems }
            }
            Err(_) => Lowered { module: None, problems: Vec::new() },
        };
        // In JSX the scan that bounds nesting is only good for a coarser bound.
        let stack = if source_type.is_jsx() { nesting.stack(true) } else { None };
        let lowered = stack.map_or_else(attempt, |bytes| with_stack(bytes, attempt));
        if lowered.module.is_some() {
            return lowered;
        }
    }
    repair(file, path, text, first_error)
}

/// Blanks the region of the first error, keeping all offsets, until the rest parses.
fn repair(file: FileId, path: &str, text: &str, first_error: SyntaxError) -> Lowered {
    let mut text = text.as_bytes().to_vec();
    let mut error = first_error;
    let mut problems = Vec::new();
    for _ in 0..MAX_REPAIRS {
        let Some(region) = broken_region(&text, error.at) else { break };
        let (first, last) = (line_of(&text, region.start), line_of(&text, region.end.saturating_sub(1)));
        problems.push(format!("partially analysed: lines {first}–{last} left out ({})", error.message));
        for byte in &mut text[region] {
            if !matches!(byte, b'\n' | b'\r') {
                *byte = b' ';
            }
        }
        let Ok(blanked) = std::str::from_utf8(&text) else { break };
        match attempt(file, path, blanked, tolerant(path)) {
            Ok((module, more)) => {
                problems.extend(more);
                return Lowered { module: Some(module.into()), problems };
            }
            Err(next) if next.at == error.at => break,
            Err(next) => error = next,
        }
    }
    let line = line_of(&text, error.at);
    failed(format!("not analysed: syntax error at line {line}: {}", error.message))
}

/// Where and why parsing stopped.
struct SyntaxError {
    at: usize,
    message: String,
}

fn attempt(
    file: FileId,
    path: &str,
    text: &str,
    source_type: SourceType,
) -> Result<(Module, Vec<String>), SyntaxError> {
    let allocator = Allocator::default();
    let parsed = parse(&allocator, text, source_type);
    if parsed.panicked {
        return Err(syntax_error(&parsed, text.len()));
    }
    let semantic = SemanticBuilder::new().with_build_nodes(false).with_enum_eval(true).build(&parsed.program);
    let scoping = semantic.semantic.into_scoping();
    Ok(crate::lower::lower(file, path, &parsed.program, &scoping))
}

/// Parses without lowering; also what the benchmark compares against.
fn parse<'a>(allocator: &'a Allocator, text: &'a str, source_type: SourceType) -> ParserReturn<'a> {
    let options =
        ParseOptions { allow_return_outside_function: true, preserve_parens: false, ..ParseOptions::default() };
    Parser::new(allocator, text, source_type).with_options(options).parse()
}

fn syntax_error(parsed: &ParserReturn<'_>, len: usize) -> SyntaxError {
    let first = parsed.diagnostics.iter().next();
    let at = first.and_then(|diagnostic| diagnostic.labels.first()).map_or(0, |label| label.offset() as usize);
    let message = first.map_or_else(|| "syntax error".to_owned(), |diagnostic| diagnostic.message.to_string());
    SyntaxError { at: at.min(len.saturating_sub(1)), message }
}

/// What the extension says.
fn source_type(path: &str) -> SourceType {
    SourceType::from_path(path).unwrap_or_else(|_| SourceType::unambiguous())
}

/// The dialect that accepts most of what a file of this name may contain.
fn tolerant(path: &str) -> SourceType {
    let source_type = source_type(path);
    if source_type.is_typescript() { source_type } else { source_type.with_typescript(true) }
}

/// Dialects to retry with; those with a name are worth a word in the report.
fn other_dialects(path: &str, allows_jsx: bool) -> Vec<(Option<&'static str>, SourceType)> {
    let base = source_type(path);
    let mut dialects = Vec::with_capacity(4);
    if base.is_javascript() {
        if allows_jsx {
            dialects.push((None, base.with_jsx(true)));
        }
        dialects.push((None, base.with_typescript(true)));
        if allows_jsx {
            dialects.push((Some("TypeScript with JSX"), base.with_typescript(true).with_jsx(true)));
        }
        dialects.push((None, base.with_script(true)));
    } else if allows_jsx {
        dialects.push((Some("TypeScript with JSX"), base.with_jsx(true)));
    }
    dialects
}

/// The lines from the last start of a top-level statement before `at` to the next one after it. Statements are
/// recognised by layout (a line that starts at column 0 and does not close something), since the syntax is broken.
fn broken_region(text: &[u8], at: usize) -> Option<std::ops::Range<usize>> {
    let mut start = 0;
    let mut line_start = 0;
    while line_start < text.len() {
        let next = text[line_start..].iter().position(|byte| *byte == b'\n').map_or(text.len(), |n| line_start + n + 1);
        if starts_statement(&text[line_start..next]) {
            if line_start > at {
                return Some(start..line_start);
            }
            start = line_start;
        }
        line_start = next;
    }
    let whole_file = start == 0 && !text[..at.min(text.len())].contains(&b'\n');
    (!whole_file).then_some(start..text.len())
}

fn starts_statement(line: &[u8]) -> bool {
    match line.first() {
        Some(byte) => {
            byte.is_ascii_alphabetic() || matches!(byte, b'_' | b'$' | b'@' | b'<' | b'=' | b'>' | b'(' | b'/')
        }
        None => false,
    }
}

fn line_of(text: &[u8], at: usize) -> usize {
    1 + text[..at.min(text.len())].iter().filter(|byte| **byte == b'\n').count()
}

/// What the benchmark compares lowering with.
pub(crate) fn parse_only(path: &str, text: &str) {
    let allocator = Allocator::default();
    let parsed = parse(&allocator, text, source_type(path));
    let semantic = SemanticBuilder::new().with_build_nodes(false).with_enum_eval(true).build(&parsed.program);
    std::hint::black_box(semantic.semantic.into_scoping());
}
