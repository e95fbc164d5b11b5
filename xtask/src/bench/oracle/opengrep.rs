//! Opengrep's cross-function taint tests: a program and a rule of the same name. Comments `ruleid:` and `ok:` speak of
//! the next line. Where the rule's source and sink are plain calls, the program becomes the body of a tool: calls of
//! the sink start a shell, calls of the source give the tool's parameter.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::super::scan::scratch;
use super::{Case, Outcome, findings, read, write};

const FOLDER: &str = "tests/rules/cross_function_tainting";

/// Where a program is in a generated file, and what it is called.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Language {
    Python,
    JavaScript,
    TypeScript,
}

impl Language {
    fn of(path: &Path) -> Option<Self> {
        match path.extension()?.to_str()? {
            "py" => Some(Self::Python),
            "js" => Some(Self::JavaScript),
            "ts" => Some(Self::TypeScript),
            _ => None,
        }
    }

    fn file(self) -> &'static str {
        match self {
            Self::Python => "server.py",
            Self::JavaScript => "index.js",
            Self::TypeScript => "index.ts",
        }
    }
}

pub(super) fn run(manta: &Path, dir: &Path) -> Result<Outcome, String> {
    let folder = dir.join(FOLDER);
    let entries = std::fs::read_dir(&folder).map_err(|error| format!("read {}: {error}", folder.display()))?;
    let mut programs: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    programs.sort();
    let mut outcome = Outcome::default();
    for program in programs {
        let Some(language) = Language::of(&program) else { continue };
        let name = program.file_name().unwrap_or_default().to_string_lossy().into_owned();
        match adapt(&program, language)? {
            Err(reason) => outcome.left_out.push((name, reason)),
            Ok(adapted) => outcome.cases.extend(cases(manta, &name, &adapted, language)?),
        }
    }
    Ok(outcome)
}

/// A program behind a tool.
struct Adapted {
    text: String,
    /// Lines of `text` that are, or are not, sinks of a flow.
    expected: Vec<(u32, bool)>,
}

/// Puts a program behind a tool, or says why it cannot be.
fn adapt(program: &Path, language: Language) -> Result<Result<Adapted, String>, String> {
    let rule = program.with_extension("yaml");
    if !rule.is_file() {
        return Ok(Err("has no rule of its own".to_owned()));
    }
    let Some((source, sink)) = plain_calls(&read(&rule)?) else {
        return Ok(Err("source or sink is no plain call".to_owned()));
    };
    let text = read(program)?;
    let is_module = |line: &str| ["import ", "export "].iter().any(|word| line.starts_with(word));
    if language != Language::Python && text.lines().any(is_module) {
        return Ok(Err("a module cannot be the body of a function".to_owned()));
    }
    let (head, body, tail) = match language {
        Language::Python => python(&text, &source, &sink),
        Language::JavaScript | Language::TypeScript => javascript(&text, &source, &sink),
    };
    let before = u32::try_from(head.lines().count()).unwrap_or(u32::MAX);
    let expected = marks(&text).into_iter().map(|(line, is_flow)| (line + before, is_flow)).collect();
    Ok(Ok(Adapted { text: head + &body + &tail, expected }))
}

fn cases(manta: &Path, name: &str, adapted: &Adapted, language: Language) -> Result<Vec<Case>, String> {
    let project = scratch()?;
    write(&project.path().join(language.file()), &adapted.text)?;
    let lines: BTreeSet<u32> = findings(manta, project.path())?
        .iter()
        .flat_map(|finding| std::iter::once(&finding.location).chain(&finding.trace).map(|place| place.line))
        .collect();
    let case = |(line, is_flow): &(u32, bool)| Case {
        class: format!("{language:?}"),
        name: format!(
            "{name}, generated line {line}: {}",
            adapted.text.lines().nth(*line as usize - 1).unwrap_or_default().trim()
        ),
        is_flow: *is_flow,
        is_found: lines.contains(line),
    };
    Ok(adapted.expected.iter().map(case).collect())
}

/// The functions that a rule names as source and sink, when it names calls and nothing else.
fn plain_calls(rule: &str) -> Option<(String, String)> {
    if ["focus-metavariable", "pattern-inside", "pattern-sanitizers", "pattern-not"]
        .iter()
        .any(|key| rule.contains(key))
    {
        return None;
    }
    let (_, rest) = rule.split_once("pattern-sources:")?;
    let (sources, sinks) = rest.split_once("pattern-sinks:")?;
    let called = |patterns: &str| -> Option<String> {
        let (before, _) = patterns.split_once('(')?;
        let name = before.rsplit(|sign: char| !sign.is_alphanumeric() && sign != '_').next()?;
        (!name.is_empty()).then(|| name.to_owned())
    };
    Some((called(sources)?, called(sinks)?))
}

/// Lines, counted from 1, that a comment before them speaks of.
fn marks(text: &str) -> Vec<(u32, bool)> {
    let mut marks = Vec::new();
    let mut pending = None;
    for (line, number) in text.lines().map(str::trim).zip(1..) {
        let comment = line.strip_prefix('#').or_else(|| line.strip_prefix("//")).map(str::trim_start);
        match comment {
            Some(comment) if comment.starts_with("ruleid:") => pending = Some(true),
            Some(comment) if comment.starts_with("ok:") => pending = Some(false),
            // Known to be wrong in the suite itself.
            Some(comment) if comment.starts_with("todo") => pending = None,
            Some(_) => {}
            None => marks.extend(pending.take().map(|is_flow| (number, is_flow))),
        }
    }
    marks
}

/// Replaces calls of `name` by calls of `other`; its own definition gets out of the way.
fn renamed(text: &str, definition: &str, name: &str, other: &str) -> String {
    let own = format!("{definition} {name}");
    text.lines()
        .map(|line| {
            let line = line.replace(&own, &format!("{definition} theirs_{name}"));
            replace_word(&line, name, other) + "\n"
        })
        .collect()
}

/// Replaces `name(` where `name` is a whole word.
fn replace_word(line: &str, name: &str, other: &str) -> String {
    let call = format!("{name}(");
    let mut text = String::new();
    let mut rest = line;
    while let Some(at) = rest.find(&call) {
        let is_word = !rest[..at].ends_with(|sign: char| sign.is_alphanumeric() || sign == '_' || sign == '.');
        text.push_str(&rest[..at]);
        text.push_str(if is_word { other } else { name });
        text.push('(');
        rest = &rest[at + call.len()..];
    }
    text + rest
}

/// Names and parameters of the functions at the top level.
fn functions(text: &str, keyword: &str) -> Vec<(String, usize)> {
    let header = |line: &str| {
        let line = line.strip_prefix("async ").unwrap_or(line);
        let (name, rest) = line.strip_prefix(keyword)?.split_once('(')?;
        let name = name.split('<').next()?.trim().to_owned();
        let params =
            rest.split(')').next()?.split(',').filter(|param| !param.trim().is_empty() && !param.contains(['=', '*']));
        (!name.is_empty() && !name.starts_with("theirs_")).then(|| (name, params.count()))
    };
    text.lines().filter_map(header).collect()
}

fn python(text: &str, source: &str, sink: &str) -> (String, String, String) {
    let body = renamed(&renamed(text, "def", source, source), "def", sink, "os.system");
    let head = format!(
        "import os\nfrom mcp.server.fastmcp import FastMCP\nmcp = FastMCP('oracle')\n\n\n@mcp.tool()\n\
         def oracle(value: str):\n    def {source}(*args, **options):\n        return value\n\n"
    );
    let mut tail = String::new();
    for (name, params) in functions(&body, "def ") {
        let nothing = vec!["None"; params].join(", ");
        tail.push_str(&format!("    try:\n        {name}({nothing})\n    except Exception:\n        pass\n"));
    }
    let indented = body.lines().map(|line| format!("    {line}\n")).collect();
    (head, indented, tail)
}

fn javascript(text: &str, source: &str, sink: &str) -> (String, String, String) {
    let body = renamed(&renamed(text, "function", source, source), "function", sink, "execSync");
    let head = format!(
        "import {{ execSync }} from 'child_process';\n\
         import {{ McpServer }} from '@modelcontextprotocol/sdk/server/mcp.js';\nimport {{ z }} from 'zod';\n\
         const server = new McpServer({{ name: 'oracle', version: '1' }});\n\
         server.tool('oracle', {{ value: z.string() }}, async ({{ value }}) => {{\n\
         function {source}() {{ return value; }}\n"
    );
    let calls = functions(&body, "function ").into_iter().map(|(name, _)| format!("try {{ {name}(); }} catch {{}}\n"));
    (head, body, calls.collect::<String>() + "});\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_of_plain_calls_names_them() {
        let rule =
            "mode: taint\npattern-sources:\n  - pattern: source(...)\npattern-sinks:\n  - pattern: |\n      sink($X)\n";
        assert_eq!(plain_calls(rule), Some(("source".to_owned(), "sink".to_owned())));
        assert_eq!(plain_calls(&format!("{rule}pattern-sanitizers:\n  - pattern: clean(...)\n")), None);
        assert_eq!(plain_calls("pattern-sources:\n  - pattern: taint\npattern-sinks:\n  - pattern: sink(...)\n"), None);
    }

    #[test]
    fn a_comment_speaks_of_the_next_line_of_code() {
        let text = "# ruleid: taint\n# and more\nsink(x)\n  // ok: taint\nsink(y)\n# todoruleid: taint\nsink(z)\n";
        assert_eq!(marks(text), [(3, true), (5, false)]);
    }

    #[test]
    fn calls_are_replaced_and_definitions_get_out_of_the_way() {
        let text = renamed("def sink(x):\n    pass\nsink(resink(x.sink(1)))\n", "def", "sink", "os.system");
        assert_eq!(text, "def theirs_sink(x):\n    pass\nos.system(resink(x.sink(1)))\n");
        assert_eq!(functions("async function f<T>(a, b = 1): void {\n", "function "), [("f".to_owned(), 1)]);
    }
}
