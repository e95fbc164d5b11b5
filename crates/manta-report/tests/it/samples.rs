//! Sample runs, made by hand: what a scan could have found, without a scan.

use std::collections::BTreeMap;
use std::sync::Arc;

use manta_core::{
    Completeness, Confidence, Disposition, Edit, Enforcement, FileId, Finding, Fix, Language, Location, ParamInfo,
    ParamSource, Persona, RuleMeta, Safety, ScanReport, Server, Severity, SinkClass, SkipReason, SkippedFile,
    SourceFile, SourceMap, Span, Step, ToolInfo, ToolKind, Verdict,
};

pub(crate) static COMMAND: RuleMeta = RuleMeta {
    id: "command-execution",
    title: "Command execution",
    aliases: &[],
    summary: "tools that run any command the caller names",
    severity: Severity::Critical,
    confidence: Confidence::High,
    persona: Persona::Regular,
    class: Some(SinkClass::Command),
    cwe: &[78],
    page: "# command-execution\n\n## Why is this bad?\n\nThe caller runs `rm`.\n\n```ts\nexec(cmd)\n```\n",
};

pub(crate) static PATH: RuleMeta = RuleMeta {
    id: "path-traversal",
    title: "Path traversal",
    aliases: &["directory-traversal"],
    summary: "tools that read or write any file the caller names",
    severity: Severity::High,
    confidence: Confidence::High,
    persona: Persona::Regular,
    class: Some(SinkClass::Path),
    cwe: &[22, 73],
    page: "# path-traversal\n",
};

const INDEX: &str = r#"import { run } from "./run.js";
export const tools = [
  { name: "shell_exec", execute: async ({ command }) => run(command) },
  { name: "read_file", execute: async ({ path }) => fs.readFileSync(path, "utf-8") },
];
"#;

const RUN: &str = r#"import { exec } from "node:child_process";
export function run(command) {
  return new Promise((resolve) => exec(command, (_, out) => resolve(out)));
}
"#;

/// Every sample with the name tests print.
pub(crate) fn all() -> Vec<(&'static str, ScanReport)> {
    vec![
        ("multi-file trace", multi_file()),
        ("hostile text", hostile()),
        ("no findings", clean()),
        ("nothing to scan", nothing()),
        ("incomplete", incomplete()),
        ("everything hidden", hidden()),
    ]
}

/// Where `needle` is in file `file` of `sources`.
fn place(sources: &SourceMap, file: u32, needle: &str) -> Location {
    let id = FileId(file);
    let text = &sources.get(id).unwrap().text;
    let start = text.find(needle).unwrap_or_else(|| panic!("{needle} is in file {file}"));
    Location::new(id, Span::new(u32::try_from(start).unwrap(), u32::try_from(start + needle.len()).unwrap()))
}

fn sources(files: &[(&str, &str)]) -> SourceMap {
    let mut map = SourceMap::default();
    for (path, text) in files {
        map.add(SourceFile::new(*path, *text));
    }
    map
}

fn tool(name: &str, location: Location, param: &str, verdicts: &[(SinkClass, Verdict)]) -> ToolInfo {
    let all = SinkClass::ALL.iter().map(|class| (*class, Verdict::NotReached));
    let mut map: BTreeMap<_, _> = all.collect();
    map.extend(verdicts.iter().copied());
    ToolInfo {
        kind: ToolKind::Tool,
        name: name.to_owned(),
        location,
        params: vec![ParamInfo {
            name: param.to_owned(),
            ty: "string".to_owned(),
            constraints: vec!["max 100".to_owned()],
            enforced: Enforcement::Advertised,
            required: true,
            description: String::new(),
        }],
        description: format!("the tool {name}"),
        verdicts: map,
    }
}

fn settled(mut report: ScanReport) -> ScanReport {
    report.rules = vec![&COMMAND, &PATH];
    report.settle();
    report
}

/// Two findings, one of them over two files; what the first example of the README prints.
pub(crate) fn multi_file() -> ScanReport {
    let map = sources(&[("src/index.ts", INDEX), ("src/run.ts", RUN)]);
    let param = place(&map, 0, "{ command }");
    let call = place(&map, 0, "run(command)");
    let sink = place(&map, 1, "exec(command, (_, out) => resolve(out))");
    let mut exec = Finding::at(&COMMAND, sink, "the whole command comes from the caller");
    exec.tools = vec!["shell_exec".to_owned()];
    exec.help = "run one fixed program with execFile and pass the parameter as an argument".to_owned();
    exec.source = Some(ParamSource { tool: "shell_exec".to_owned(), param: "command".to_owned(), location: param });
    exec.trace = vec![
        Step { location: param, message: "parameter `command` of tool shell_exec".to_owned() },
        Step { location: call, message: "passed to run".to_owned() },
        Step { location: sink, message: "run by a shell in child_process.exec".to_owned() },
    ];
    let read = place(&map, 0, "fs.readFileSync(path, \"utf-8\")");
    let mut path = Finding::at(&PATH, read, "any file can be read");
    path.tools = vec!["read_file".to_owned()];
    let tools = vec![
        tool("shell_exec", param, "command", &[(SinkClass::Command, Verdict::Vulnerable)]),
        tool(
            "read_file",
            read,
            "path",
            &[(SinkClass::Path, Verdict::Vulnerable), (SinkClass::Sql, Verdict::Guarded { at: call })],
        ),
    ];
    settled(ScanReport {
        target: "./my-mcp-server".to_owned(),
        base: Some("my-mcp-server/".to_owned()),
        sources: Arc::new(map),
        servers: vec![Server {
            name: String::new(),
            sdk: "object array".to_owned(),
            language: Language::TypeScript,
            tools,
        }],
        findings: vec![path, exec],
        completeness: Completeness { files_analysed: 2, ..Completeness::default() },
        ..ScanReport::default()
    })
}

/// Text that wants to break out of every format, in every place a scanned tree can put text.
pub(crate) const HOSTILE: &str = "\u{1b}[2J\u{1b}]0;x\u{7}\u{9b}31m\u{202e}\u{200b}\u{e0041}\r\n::error::x%0A::stop-commands::t,<script>`*_|]($\"'\\";

/// Every string of the report is [`HOSTILE`].
pub(crate) fn hostile() -> ScanReport {
    let text = format!("exec('{HOSTILE}')");
    let path = format!("src/{HOSTILE}.ts");
    let map = sources(&[(path.as_str(), text.as_str())]);
    let sink = place(&map, 0, "exec(");
    let mut finding = Finding::at(&COMMAND, sink, HOSTILE);
    finding.tools = vec![HOSTILE.to_owned(), format!("{HOSTILE}2")];
    finding.help = HOSTILE.to_owned();
    finding.source = Some(ParamSource { tool: HOSTILE.to_owned(), param: HOSTILE.to_owned(), location: sink });
    finding.fix = Some(Fix {
        title: HOSTILE.to_owned(),
        safety: Safety::Unsafe,
        reason: HOSTILE.to_owned(),
        edits: vec![Edit { at: sink, text: HOSTILE.to_owned() }],
    });
    finding.trace = vec![Step { location: sink, message: HOSTILE.to_owned() }];
    let mut entry = tool(HOSTILE, sink, HOSTILE, &[(SinkClass::Command, Verdict::Vulnerable)]);
    entry.description = HOSTILE.to_owned();
    if let Some(param) = entry.params.first_mut() {
        param.ty = HOSTILE.to_owned();
        param.constraints = vec![HOSTILE.to_owned()];
        param.description = HOSTILE.to_owned();
    }
    settled(ScanReport {
        target: HOSTILE.to_owned(),
        base: Some(format!("{HOSTILE}/")),
        sources: Arc::new(map),
        servers: vec![Server {
            name: HOSTILE.to_owned(),
            sdk: HOSTILE.to_owned(),
            language: Language::JavaScript,
            tools: vec![entry],
        }],
        findings: vec![finding],
        completeness: Completeness {
            files_analysed: 1,
            files_skipped: vec![SkippedFile {
                path: HOSTILE.to_owned(),
                reason: SkipReason::Unparsed(HOSTILE.to_owned()),
            }],
            unresolved_handlers: vec![HOSTILE.to_owned()],
            exhausted_budgets: vec![HOSTILE.to_owned()],
            notes: vec![HOSTILE.to_owned()],
        },
        ..ScanReport::default()
    })
}

/// One tool, nothing wrong.
pub(crate) fn clean() -> ScanReport {
    let map = sources(&[("index.js", "const tools = [{ name: \"add\" }]")]);
    let at = place(&map, 0, "\"add\"");
    settled(ScanReport {
        target: "server.tgz".to_owned(),
        sources: Arc::new(map),
        servers: vec![Server {
            name: "adder".to_owned(),
            sdk: "@modelcontextprotocol/sdk".to_owned(),
            language: Language::JavaScript,
            tools: vec![tool("add", at, "a", &[])],
        }],
        completeness: Completeness {
            files_analysed: 1,
            files_skipped: vec![
                SkippedFile { path: "test/a.test.js".to_owned(), reason: SkipReason::Test },
                SkippedFile { path: "test/b.test.js".to_owned(), reason: SkipReason::Test },
                SkippedFile { path: "index.d.ts".to_owned(), reason: SkipReason::Declaration },
            ],
            ..Completeness::default()
        },
        ..ScanReport::default()
    })
}

/// A directory without a server.
pub(crate) fn nothing() -> ScanReport {
    settled(ScanReport { target: ".".to_owned(), base: Some(String::new()), ..ScanReport::default() })
}

/// A server that could not be followed completely.
pub(crate) fn incomplete() -> ScanReport {
    let mut report = clean();
    report.completeness.unresolved_handlers.push("search (index.js:1)".to_owned());
    report.completeness.exhausted_budgets.push("fuel of 2000000 steps in tool add".to_owned());
    report.completeness.files_skipped.push(SkippedFile {
        path: "huge.js".to_owned(),
        reason: SkipReason::TooLarge("larger than 16 MiB".to_owned()),
    });
    settled(report)
}

/// Findings that are all disposed of.
pub(crate) fn hidden() -> ScanReport {
    let mut report = multi_file();
    let by = report.findings[0].location;
    report.findings[0].disposition = Disposition::Suppressed { by, reason: "only in tests".to_owned() };
    report.findings[1].disposition = Disposition::BelowThreshold;
    report.rules_not_run = vec!["path-traversal"];
    report
}
