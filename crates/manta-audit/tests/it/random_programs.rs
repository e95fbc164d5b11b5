//! Programs of random steps and checks, run with the real Python and Node and with inputs that try to get out, and scanned:
//! what an input gets out of is not quiet.
//!
//! The files of `random` say what the programs are made of. A few forms are left out of them, because what can be reached is
//! no way to anywhere (`https://` and a whole address) or depends on how directories are called (`ROOT + path`).

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Command;

use manta_core::{Persona, Severity};

use crate::common::{Part, comment_of, parts, report_of};

/// How many programs are made.
const PROGRAMS: usize = 1200;
/// What a check is about, where it may be the parameter or what it is put into.
const VALUE: &str = "VALUE";
/// Most tools of one server.
const TOOLS: usize = 40;

/// SplitMix64: the same programs on every run.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        usize::try_from((z ^ (z >> 31)) >> 33).expect("31 bits fit") % limit
    }

    fn one_of<'t>(&mut self, texts: &'t [String]) -> &'t str {
        &texts[self.below(texts.len())]
    }
}

/// What programs are made of.
struct Pieces {
    steps: Vec<String>,
    places: Vec<String>,
    checks: Vec<String>,
}

impl Pieces {
    /// A check that says `VALUE` is one of the whole, and a step on the way to it.
    fn of(parts: &[Part<'_>], form: &Form) -> Self {
        let texts =
            |kind: &'static str| parts.iter().filter(move |part| part.kind == kind).map(|part| part.text.trim_end());
        let on_the_way = texts("check").filter(|text| text.contains(VALUE));
        Self {
            steps: texts("step")
                .map(str::to_owned)
                .chain(on_the_way.map(|text| text.replace(VALUE, form.param)))
                .collect(),
            places: texts("place").map(str::to_owned).collect(),
            checks: texts("check").map(|text| text.replace(VALUE, form.whole)).collect(),
        }
    }
}

/// Up to three steps, the place that the value is put into, and mostly a check of the whole.
fn program(random: &mut Random, pieces: &Pieces) -> String {
    let Pieces { steps, places, checks } = pieces;
    let mut lines: Vec<&str> = Vec::new();
    for _ in 0..[0, 1, 1, 2, 2, 3][random.below(6)] {
        lines.push(random.one_of(steps));
    }
    lines.push(random.one_of(places));
    for often in [9, 1] {
        if random.below(10) < often {
            lines.push(random.one_of(checks));
        }
    }
    lines.join("\n")
}

/// What differs between the languages and between what is reached.
struct Form {
    file: &'static str,
    interpreter: &'static str,
    param: &'static str,
    /// What it is put into.
    whole: &'static str,
    /// What a server begins with, and what its tools do in the end.
    server: &'static str,
    sink: &'static str,
    /// What the interpreter does to see whether an input gets out.
    seen: &'static str,
    rules: &'static [&'static str],
    /// How many are quiet as far as is known. What is mended lowers it; nothing raises it.
    known: usize,
}

const PATH_RULES: &[&str] = &["path-traversal", "path-prefix-bypass"];

const FORMS: [Form; 3] = [
    Form {
        file: "paths.py",
        interpreter: "python3",
        param: "p",
        whole: "full",
        server: "from mcp.server.fastmcp import FastMCP\nmcp = FastMCP('x')\n",
        sink: "    return open(full).read()\n",
        seen: "    return 'SECRET' in open(full).read()\n",
        rules: PATH_RULES,
        known: 2,
    },
    Form {
        file: "paths.js",
        interpreter: "node",
        param: "p",
        whole: "full",
        server: SERVER,
        sink: "  return { content: [{ type: 'text', text: fs.readFileSync(full, 'utf8') }] };\n",
        seen: "  return fs.readFileSync(full, 'utf8').includes('SECRET');\n",
        rules: PATH_RULES,
        known: 6,
    },
    Form {
        file: "addresses.js",
        interpreter: "node",
        param: "u",
        whole: "url",
        server: SERVER,
        sink: "  const answer = await fetch(url);\n  return { content: [{ type: 'text', text: await answer.text() }] };\n",
        seen: "  const host = new URL(url).hostname;\n  return /evil|^169\\.254\\.169\\.254$/.test(host) && !/(^|\\.)example\\.com$/.test(host);\n",
        rules: &["ssrf", "weak-host-check"],
        known: 4,
    },
];

const SERVER: &str = r#"import { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import { z } from "zod";
import fs from "node:fs";
import path from "node:path";
const server = new McpServer({ name: "x", version: "1" });
"#;

impl Form {
    fn is_python(&self) -> bool {
        self.file.ends_with(".py")
    }

    /// The input that gets out of each program, if one does.
    fn leaving(&self, head: &str, programs: &[String], inputs: &[String], base: &Path) -> Vec<Option<String>> {
        let (param, inputs) = (self.param, serde_json::to_string(inputs).expect("texts"));
        let mut script = String::new();
        let written = if self.is_python() {
            write!(
                script,
                "import json, warnings\nwarnings.simplefilter('ignore')\n{head}\nINPUTS = json.loads(r'''{inputs}''')\nout = []\n"
            )
        } else {
            write!(
                script,
                "const fs = require('fs'), path = require('path');\n{head}\nconst INPUTS = {inputs};\nconst out = [];\n"
            )
        };
        written.expect("a text");
        for program in programs {
            let seen = self.seen;
            let written = if self.is_python() {
                write!(
                    script,
                    "def f({param}):\n{program}\n{seen}def one():\n    for each in INPUTS:\n        try:\n            if f(each):\n                return each\n        except Exception:\n            pass\nout.append(one())\n"
                )
            } else {
                write!(
                    script,
                    "out.push((() => {{ const f = ({param}) => {{\n{program}\n{seen}}};\nfor (const each of INPUTS) {{ try {{ if (f(each)) return each; }} catch {{}} }}\nreturn null; }})());\n"
                )
            };
            written.expect("a text");
        }
        script.push_str(if self.is_python() {
            "print(json.dumps(out))\n"
        } else {
            "console.log(JSON.stringify(out));\n"
        });
        let file = base.join(if self.is_python() { "programs.py" } else { "programs.cjs" });
        fs::write(&file, script).expect("a file");
        let output = Command::new(self.interpreter).arg(&file).current_dir(base.join("elsewhere")).output();
        let output = output.unwrap_or_else(|error| panic!("{}: {error}", self.interpreter));
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice(&output.stdout).expect("a list")
    }

    /// The programs that a scan has something to say of, by number.
    fn loud(&self, head: &str, programs: &[String]) -> BTreeSet<usize> {
        let mut loud = BTreeSet::new();
        for first in (0..programs.len()).step_by(TOOLS) {
            let mut text = format!("{}{head}\n", self.server);
            for (at, program) in programs.iter().enumerate().skip(first).take(TOOLS) {
                let (param, sink) = (self.param, self.sink);
                let written = if self.is_python() {
                    write!(text, "\n@mcp.tool()\ndef t{at}({param}: str) -> str:\n{program}\n{sink}")
                } else {
                    write!(
                        text,
                        "server.tool(\"t{at}\", {{ {param}: z.string() }}, async ({{ {param} }}) => {{\n{program}\n{sink}}});\n"
                    )
                };
                written.expect("a text");
            }
            let report = if self.is_python() {
                report_of([("server.py", text.as_str())])
            } else {
                report_of([
                    ("index.js", text.as_str()),
                    ("package.json", r#"{"name": "x", "type": "module", "main": "index.js"}"#),
                ])
            };
            assert!(report.completeness.exhausted_budgets.is_empty(), "{:?}", report.completeness.exhausted_budgets);
            let told = report.findings.iter().filter(|finding| {
                finding.persona == Persona::Regular
                    && finding.severity >= Severity::Medium
                    && self.rules.contains(&finding.rule.id)
            });
            loud.extend(
                told.flat_map(|finding| &finding.tools)
                    .filter_map(|tool| tool.strip_prefix('t')?.parse::<usize>().ok()),
            );
        }
        loud
    }
}

/// A directory with files inside and outside of what a server may read. Its name is as long on every run, and of letters that
/// no step changes, so that the same inputs get out.
fn tree() -> tempfile::TempDir {
    let name = format!("m{:07}", std::process::id() % 10_000_000);
    let tree = tempfile::Builder::new().prefix(&name).rand_bytes(0).tempdir_in("/tmp").expect("a directory");
    for directory in ["data/sub", "data-evil", "elsewhere"] {
        fs::create_dir_all(tree.path().join(directory)).expect("a directory");
    }
    for (file, text) in [
        ("data/a.txt", "ok"),
        ("data/sub/b.txt", "ok"),
        ("secret", "SECRET"),
        ("secret.txt", "SECRET"),
        ("data-evil/secret", "SECRET"),
        ("data-evil/secret.txt", "SECRET"),
    ] {
        fs::write(tree.path().join(file), text).expect("a file");
    }
    tree
}

#[test]
#[ignore = "needs node and python3"]
fn what_an_input_gets_out_of_is_not_quiet() {
    let tree = tree();
    let base = fs::canonicalize(tree.path()).expect("a directory");
    let mut missed = Vec::new();
    for form in &FORMS {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/random").join(form.file);
        let text = fs::read_to_string(file).expect("a file of this test");
        let text = text.replace("@BASE@", &base.to_string_lossy());
        let parts = parts(&text, comment_of(form.file), &["step", "place", "check", "input"]);
        let inputs = parts.iter().filter(|part| part.kind == "input");
        let inputs: Vec<String> = inputs.map(|part| serde_json::from_str(part.says).expect("a text")).collect();
        let mut random = Random(1);
        let pieces = Pieces::of(&parts, form);
        let mut programs: Vec<String> = (0..PROGRAMS).map(|_| program(&mut random, &pieces)).collect();
        programs.sort();
        programs.dedup();
        let leaving = form.leaving(&parts[0].text, &programs, &inputs, &base);
        let loud = form.loud(&parts[0].text, &programs);
        let left = leaving.iter().flatten().count();
        let quiet: Vec<usize> = (0..programs.len()).filter(|at| leaving[*at].is_some() && !loud.contains(at)).collect();
        println!(
            "{}: {} programs, {left} are left by an input, {} of them quiet; {} are loud and not left",
            form.file,
            programs.len(),
            quiet.len(),
            loud.iter().filter(|at| leaving[**at].is_none()).count()
        );
        assert!(left > 100, "{} tells little", form.file);
        if quiet.len() > form.known {
            missed.extend(quiet.iter().map(|at| format!("{} {:?}\n{}", form.file, leaving[*at], programs[*at])));
        }
    }
    assert!(missed.is_empty(), "more are quiet than is known, of these:\n{}", missed.join("\n\n"));
}
