//! Sample runs, made by hand: what a scan could have found, without a scan.

use std::collections::BTreeMap;
use std::sync::Arc;

use manta_core::{
    Completeness, Confidence, ConfiguredServer, Disposition, Edit, Enforcement, FileId, Finding, Fix, Language,
    Location, ParamInfo, ParamSource, Persona, RuleMeta, Safety, ScanReport, Server, Severity, SinkClass, SkipReason,
    SkippedFile, SourceFile, SourceMap, Span, Step, ToolInfo, ToolKind, Verdict,
};

pub(crate) static COMMAND: RuleMeta = RuleMeta {
    id: "command-execution",
    title: "Command execution",
    aliases: &[],
    since: "0.1",
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
    since: "0.1",
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
        texts: Vec::new(),
        verdicts: map,
        powers: Default::default(),
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
            texts: Vec::new(),
        }],
        findings: vec![path, exec],
        completeness: Completeness { files_analysed: 2, ..Completeness::default() },
        ..ScanReport::default()
    })
}

/// Text that wants to break out of every format, in every place a scanned tree can put text.
pub(crate) const HOSTILE: &str = "\u{1b}[2J\u{1b}]0;x\u{7}\u{9b}31m\u{202e}\u{200b}\u{e0041}\r\n::error::x%0A::stop-commands::t,<script>`*_|]($\"'\\";

/// What a stranger may write to break out of a terminal, a build log, Markdown, HTML, XML or JSON: the shared corpus.
pub(crate) const STRANGERS: &[&str] = &[
    HOSTILE,
    // Build logs.
    "\n::set-output name=x::y",
    "%0A::error::injected%0D%0A",
    "##[error]injected",
    "##vso[task.setvariable variable=x]y",
    "\u{2028}::warning::x\u{2029}::add-mask::x\u{85}::stop-commands::y",
    // Terminals.
    "\u{1b}]8;;https://evil.example\u{7}link\u{1b}]8;;\u{7}",
    "\u{1b}[1A\u{1b}[2K0 vulnerabilities found",
    "\u{8}\u{8}\u{8}\u{7f}\rclean",
    "\u{90}q\u{9c}\u{9d}0;t\u{9c}",
    // HTML and XML.
    "</td></tr></table><script>alert(1)</script>",
    "\"><svg/onload=alert(1)>",
    "' onmouseover='alert(1)",
    "]]><failure/><![CDATA[",
    "--><testsuite/><!--",
    "&lt;script&gt;&#60;script&#62;&amp;amp;",
    "</summary></details><h1>",
    "</style><style>*{display:none}",
    "<!DOCTYPE x [<!ENTITY e SYSTEM \"file:///etc/passwd\">]>&e;",
    "\u{fffe}\u{ffff}\u{0}",
    // Markdown.
    "[click](https://evil.example) ![x](https://evil.example/p?d=1)",
    "```\n# heading\n```",
    "~~~\n- item\n~~~",
    "````\n</details>\n````",
    "| a | b |\n|---|---|",
    "@everyone @org/team #1 GH-1 <https://evil.example> https://evil.example",
    "<img src=x onerror=alert(1)>",
    "[^1]: note\n\n[x]: javascript:alert(1)\n\n---",
    "\\[x\\]\\(y\\) \\` \\",
    "    indented\n\ttab",
    // JSON and templates.
    "\",\"severity\":\"info\"}],\"x\":[{\"",
    "{{constructor.constructor('alert(1)')()}} ${7*7} <%= 7*7 %>",
    // Direction and invisible letters.
    "\u{202e}gnp.exe\u{2066}x\u{2069} \u{e0069}\u{e0067} \u{200b}\u{feff}",
];

/// Every string of the report is [`HOSTILE`].
pub(crate) fn hostile() -> ScanReport {
    written_by(HOSTILE)
}

/// Every string of the report is `stranger`.
pub(crate) fn written_by(stranger: &str) -> ScanReport {
    let text = format!("exec('{stranger}')");
    let path = format!("src/{stranger}.ts");
    let map = sources(&[(path.as_str(), text.as_str())]);
    let sink = place(&map, 0, "exec(");
    let mut finding = Finding::at(&COMMAND, sink, stranger);
    finding.tools = vec![stranger.to_owned(), format!("{stranger}2")];
    finding.help = stranger.to_owned();
    finding.source = Some(ParamSource { tool: stranger.to_owned(), param: stranger.to_owned(), location: sink });
    finding.fix = Some(Fix {
        title: stranger.to_owned(),
        safety: Safety::Unsafe,
        reason: stranger.to_owned(),
        edits: vec![Edit { at: sink, text: stranger.to_owned() }],
    });
    finding.trace = vec![Step { location: sink, message: stranger.to_owned() }];
    let mut entry = tool(stranger, sink, stranger, &[(SinkClass::Command, Verdict::Vulnerable)]);
    entry.description = stranger.to_owned();
    if let Some(param) = entry.params.first_mut() {
        param.ty = stranger.to_owned();
        param.constraints = vec![stranger.to_owned()];
        param.description = stranger.to_owned();
    }
    settled(ScanReport {
        target: stranger.to_owned(),
        base: Some(format!("{stranger}/")),
        sources: Arc::new(map),
        servers: vec![Server {
            name: stranger.to_owned(),
            sdk: stranger.to_owned(),
            language: Language::JavaScript,
            tools: vec![entry],
            texts: Vec::new(),
        }],
        findings: vec![finding],
        configured: vec![ConfiguredServer { client: stranger.to_owned(), name: stranger.to_owned(), location: sink }],
        completeness: Completeness {
            files_analysed: 1,
            agent_files: 0,
            files_skipped: vec![SkippedFile {
                path: stranger.to_owned(),
                reason: SkipReason::Unparsed(stranger.to_owned()),
            }],
            unresolved_handlers: vec![stranger.to_owned()],
            exhausted_budgets: vec![stranger.to_owned()],
            notes: vec![stranger.to_owned()],
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
            texts: Vec::new(),
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
