//! Where an analysis has to end early, every handler has been looked at.
#![expect(clippy::unwrap_used, reason = "a test that can't go on may panic")]

use std::fmt::Write as _;

use manta_audit::{Settings, audit};
use manta_core::{ProjectInput, ScanReport};
use manta_flow::engine::Limits;
use manta_flow::engine::models::Models;
use manta_flow::frontend::FrontEnd;

use crate::common::report_of;

const TOOLS: usize = 20;

fn scan(server: &str, limits: Limits) -> ScanReport {
    scan_all(&[("server.py", server)], limits)
}

fn scan_all(files: &[(&str, &str)], limits: Limits) -> ScanReport {
    let input = ProjectInput::from_texts("server", files.iter().copied());
    let front_ends: Vec<Box<dyn FrontEnd>> = vec![Box::new(manta_py::Python)];
    audit(&input, &front_ends, &Models::builtin(), &Settings { limits, ..Settings::default() })
}

/// The tools with a finding, and how many were not analysed to their end.
fn found(report: &ScanReport) -> (usize, usize) {
    let is_cut = |text: &&String| text.contains("was not analysed to the end");
    let named = (0..TOOLS).filter(|tool| {
        let name = format!("t{tool}");
        report.findings.iter().any(|finding| finding.tools.contains(&name))
    });
    (named.count(), report.completeness.exhausted_budgets.iter().filter(is_cut).count())
}

/// A server whose tools open a file first and have much to do then: all of them, or the first one only.
fn server(is_long: impl Fn(usize) -> bool) -> String {
    let mut text = "from mcp.server.fastmcp import FastMCP\nmcp = FastMCP('x')\n".to_owned();
    for tool in 0..TOOLS {
        write!(text, "@mcp.tool()\ndef t{tool}(p: str) -> str:\n    text = open(p).read()\n").unwrap();
        for line in 0..if is_long(tool) { 600 } else { 1 } {
            writeln!(text, "    text = text + p + 'a{line}'").unwrap();
        }
        text.push_str("    return text\n");
    }
    text
}

#[test]
fn handlers_that_all_take_long_have_their_part_each() {
    let limits = Limits { fuel_per_tool: 4_000, fuel_total: 40_000, ..Limits::default() };
    let (named, cut) = found(&scan(&server(|_| true), limits));
    assert_eq!(named, TOOLS, "the last ones as well as the first");
    assert!(cut > TOOLS / 2, "{cut} are said to be cut short");
}

#[test]
fn one_that_takes_long_among_others_is_analysed_to_its_end() {
    let limits = Limits { fuel_per_tool: 4_000, fuel_total: 10_000, ..Limits::default() };
    assert_eq!(found(&scan(&server(|tool| tool == 0), limits)), (TOOLS, 0));
}

/// Every tool says the same twenty things to a helper that takes long: what it gave for each of them is known after the
/// first tool, and not only what it gave last.
#[test]
fn what_a_helper_gives_for_each_of_many_texts_is_kept() {
    let mut text = "from mcp.server.fastmcp import FastMCP\nmcp = FastMCP('x')\nwritten = {}\n".to_owned();
    text.push_str("def note(what):\n    text = what\n");
    for line in 0..40 {
        writeln!(text, "    text = text.replace('a{line}', 'b') + what").unwrap();
    }
    text.push_str("    return text\n");
    for tool in 0..TOOLS {
        write!(text, "@mcp.tool()\ndef t{tool}(p: str) -> str:\n").unwrap();
        for what in 0..20 {
            writeln!(text, "    note('what-{what}')").unwrap();
        }
        text.push_str("    return open(p).read()\n");
    }
    let with = |memo: bool| {
        let limits = Limits { memo, fuel_per_tool: 20_000, fuel_total: 30_000, ..Limits::default() };
        found(&scan(&text, limits))
    };
    // The first one has to find out.
    assert!(with(true).1 <= 1, "{:?}", with(true));
    assert!(with(false).1 > TOOLS / 2, "without memory it takes more than there is");
}

/// What a dispatcher does for one tool says nothing of the names of others: those after a long one are found as well.
#[test]
fn names_are_told_apart_without_running_what_each_is_for() {
    let mut text = "from mcp.server import Server\nserver = Server('x')\n\n@server.call_tool()\n".to_owned();
    text.push_str("async def call(name: str, arguments: dict):\n    text = ''\n");
    for tool in 0..TOOLS {
        writeln!(text, "    {} name == 't{tool}':", if tool == 0 { "if" } else { "elif" }).unwrap();
        for line in 0..200 {
            writeln!(text, "        text = text + arguments['p'] + 'a{line}'").unwrap();
        }
        text.push_str("        return open(arguments['p']).read()\n");
    }
    let limits = Limits { fuel_per_tool: 4_000, ..Limits::default() };
    assert_eq!(found(&scan(&text, limits)), (TOOLS, 0));
}

/// A server whose tools bring an index up to date first, which takes longer than there is, for whatever `index` is given.
fn indexed(index: &str) -> String {
    let mut text = "from mcp.server.fastmcp import FastMCP\nmcp = FastMCP('x')\n".to_owned();
    text.push_str("def words(found):\n    text = found\n");
    for line in 0..9_000 {
        writeln!(text, "    text = found[{line}] + 'a{line}'").unwrap();
    }
    text.push_str("    return text\n\ndef index(found):\n    return words(found)\n\n");
    for tool in 0..TOOLS {
        writeln!(text, "@mcp.tool()\ndef t{tool}(p: str) -> str:\n    index({index})\n    return open(p).read()\n")
            .unwrap();
    }
    text
}

/// What has nothing of the caller's and takes too long is given up once, and what the tools do behind it is seen.
#[test]
fn tools_are_seen_behind_what_takes_too_long_and_does_not_concern_the_caller() {
    let limits = Limits { fuel_per_tool: 40_000, fuel_total: 400_000, ..Limits::default() };
    let report = scan(&indexed("load()"), limits);
    assert_eq!(found(&report), (TOOLS, 0));
    let told = &report.completeness.exhausted_budgets;
    assert!(told.iter().any(|text| text.contains("`words` in server.py")), "{told:?}");
    // What concerns the caller is followed, as far as there are steps.
    let (named, cut) = found(&scan(&indexed("p"), limits));
    assert_eq!((named, cut > 0), (0, true));
}

/// A server whose command line does `long` before it registers its tool.
fn command_line(long: &str) -> String {
    let rows = "    rows.append(str(limit) + 'row')\n".repeat(400);
    let mut text = "from mcp.server.fastmcp import FastMCP\nmcp = FastMCP('x')\n".to_owned();
    for part in 0..30 {
        write!(text, "def part{part}(limit):\n    rows = []\n{rows}    return rows\n").unwrap();
    }
    text.push_str("def every(limit):\n    rows = []\n");
    for part in 0..30 {
        writeln!(text, "    rows.append(part{part}(limit))").unwrap();
    }
    let tool = "    @mcp.tool()\n    def t0(p: str) -> str:\n        return open(p).read()\n";
    write!(text, "    return rows\ndef main():\n    {long}\n{tool}    mcp.run()\nmain()\n").unwrap();
    text
}

#[test]
fn a_command_line_is_followed_behind_what_takes_too_long() {
    let limits = Limits { fuel_total: 500_000, ..Limits::default() };
    let report = scan(&command_line("every(7)"), limits);
    assert_eq!(found(&report).0, 1);
    let told = &report.completeness.exhausted_budgets;
    assert!(told.iter().any(|text| text.contains("`every` in server.py")), "{told:?}");
}

#[test]
fn what_is_not_run_when_modules_load_is_told() {
    // Each of the calls is small, so that none is given up.
    let calls = (0..30).map(|part| format!("part{part}(7)")).collect::<Vec<_>>().join("; ");
    let limits = Limits { fuel_total: 100_000, ..Limits::default() };
    let report = scan(&command_line(&calls), limits);
    assert_eq!(found(&report).0, 0);
    let told = &report.completeness.exhausted_budgets;
    assert!(told.iter().any(|text| text.contains("may register more tools")), "{told:?}");
    assert!(!report.completeness.is_complete());
}

#[test]
fn what_registers_is_run_where_a_command_line_has_used_up_all_steps() {
    let calls = (0..30).map(|part| format!("part{part}(7)")).collect::<Vec<_>>().join("; ");
    let server = command_line(&calls).replace("def main():", "def main():\n    import tools");
    let tools = "from mcp.server.fastmcp import FastMCP\ndef register(mcp: FastMCP):\n    @mcp.tool()\n    def t1(p: str) -> str:\n        return open(p).read()\n";
    let limits = Limits { fuel_total: 100_000, ..Limits::default() };
    let report = scan_all(
        &[
            ("server.py", &server.replace("main()\n", "main()\nimport late\n")),
            ("tools.py", tools),
            ("late.py", &tools.replace("t1", "t2")),
        ],
        limits,
    );
    assert_eq!(found(&report).0, 2, "of a module that is loaded before, and of one after");
    assert!(!report.completeness.is_complete());
}

/// A server whose one route looks up what it is asked to do among so many functions, of which the last runs a command.
fn route_of(handlers: usize) -> ScanReport {
    let mut index = String::from("import { exec } from 'node:child_process';\nimport express from 'express';\n");
    for number in 1..handlers {
        writeln!(index, "async function handle{number}(args) {{ return {{ text: args.text + '{number}' }}; }}")
            .unwrap();
    }
    index.push_str("async function handleLast(args) { exec(args.cmd); return {}; }\nconst table = [\n");
    (1..handlers).for_each(|number| writeln!(index, "  handle{number},").unwrap());
    index.push_str(
        r"  handleLast,
];
const app = express();
app.use(express.json());
app.post('/mcp', async (req, res) => {
  const { operation, args } = req.body;
  const handler = table[Number(operation)];
  if (!handler) return res.status(404).end();
  res.json(await handler(args));
});
app.listen(3000, '127.0.0.1');
",
    );
    let package =
        r#"{"name": "s", "type": "module", "main": "index.js", "dependencies": {"@modelcontextprotocol/sdk": "1"}}"#;
    report_of([("index.js", index.as_str()), ("package.json", package)])
}

#[test]
fn functions_of_a_table_are_one_apiece_and_those_left_out_are_told() {
    let is_told = |report: &ScanReport| {
        report.completeness.exhausted_budgets.iter().any(|told| told.starts_with("of the functions"))
    };
    let (some, many) = (route_of(41), route_of(91));
    assert!(some.findings.iter().any(|finding| finding.rule.id.starts_with("command-")), "{:#?}", some.completeness);
    assert!(!is_told(&some) && is_told(&many), "{:?}", many.completeness.exhausted_budgets);
}
