//! Repairs for findings, as edits of the source.
//!
//! A repair is only written down where the code is plain enough to be sure what it says: a call with a literal
//! command, a literal list of arguments, a prefix check. Whoever applies one scans again; a repair that doesn't
//! clear its finding, or brings another, is no repair.

mod argv;
mod prefix;
mod schema;
mod shell;

use manta_core::{Edit, Finding, Location, SourceFile, SourceMap, Span};
use manta_flow::engine::program::Program;
use manta_flow::ir::{Arg, Expr, ExprId, Lang, Module};

/// Gives a repair to every finding that has one.
pub(crate) fn attach(findings: &mut [Finding], program: &Program, sources: &SourceMap) {
    for finding in findings {
        finding.fix = match finding.rule.id {
            "command-injection" => Code::at(finding.location, program, sources).and_then(|code| shell::repair(&code)),
            "argument-injection" => Code::at(finding.location, program, sources).and_then(|code| argv::repair(&code)),
            "loose-schema" => {
                let param = finding.source.as_ref().map_or("", |source| &source.param);
                Code::at(finding.location, program, sources).and_then(|code| schema::repair(&code, param))
            }
            // The place of the check, not of the sink.
            "path-prefix-bypass" => finding
                .trace
                .iter()
                .rev()
                .filter_map(|step| Code::at(step.location, program, sources))
                .find_map(|code| prefix::repair(&code)),
            _ => None,
        };
    }
}

/// The code at one place, as tree and as text.
struct Code<'a> {
    module: &'a Module,
    file: &'a SourceFile,
    span: Span,
}

impl<'a> Code<'a> {
    fn at(location: Location, program: &'a Program, sources: &'a SourceMap) -> Option<Self> {
        Some(Self { module: program.module_of(location.file)?, file: sources.get(location.file)?, span: location.span })
    }

    /// The expressions inside the place.
    fn exprs(&self) -> impl Iterator<Item = ExprId> {
        let ids = (0..self.module.exprs.len()).filter_map(|index| Some(ExprId(u32::try_from(index).ok()?)));
        ids.filter(|id| self.span.contains(self.module.span(*id)))
    }

    /// The calls inside the place, widest first.
    fn calls(&self) -> impl Iterator<Item = Call<'a>> {
        let mut found: Vec<(Span, Call<'a>)> = self
            .exprs()
            .filter_map(|id| {
                let Expr::Call { callee, args, is_new: false, .. } = self.module.expr(id) else { return None };
                Some((self.module.span(id), Call { callee: *callee, args }))
            })
            .collect();
        found.sort_by_key(|(span, _)| std::cmp::Reverse(span.end - span.start));
        found.into_iter().map(|(_, call)| call)
    }

    fn text(&self, id: ExprId) -> &'a str {
        self.file.slice(self.module.span(id))
    }

    fn before(&self, offset: u32) -> &'a str {
        self.file.slice(Span::new(0, offset))
    }

    fn after(&self, offset: u32) -> &'a str {
        self.file.slice(Span::new(offset, u32::MAX))
    }

    fn edit(&self, span: Span, text: impl Into<String>) -> Edit {
        Edit { at: Location::new(self.module.file, span), text: text.into() }
    }

    fn insert(&self, offset: u32, text: impl Into<String>) -> Edit {
        self.edit(Span::new(offset, offset), text)
    }

    fn is_python(&self) -> bool {
        self.module.lang == Lang::Python
    }
}

/// A call.
struct Call<'a> {
    callee: ExprId,
    args: &'a [Arg],
}

/// What ends the options of a program. git takes revisions before `--` and paths behind it, so that most of its commands
/// have another word for it (git 2.24).
fn end_of_options(program: &str, command: Option<&str>) -> &'static str {
    const OF_PATHS: [&str; 8] = ["add", "rm", "mv", "clean", "restore", "ls-files", "blame", "annotate"];
    match command {
        Some(command) if program == "git" && !OF_PATHS.contains(&command) => "--end-of-options",
        _ => "--",
    }
}

/// A text as a literal that both languages read alike; `None` when it has control characters.
fn literal(text: &str) -> Option<String> {
    if text.chars().any(char::is_control) {
        return None;
    }
    Some(format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"")))
}
