//! The scanning half: sources, archives, projects, patterns and reports.

use std::hint::black_box;
use std::io::Write as _;
use std::sync::LazyLock;

use manta_audit::{Settings, audit};
use manta_cli::collect::{Limits as CollectLimits, collect_archive};
use manta_core::{FileId, ProjectInput, ScanReport};
use manta_flow::domain::regex::{Dialect, PythonMode, Regex};
use manta_flow::domain::{Part, StrProps, argv, path, shell, sql, url};
use manta_flow::engine::Limits;
use manta_flow::engine::models::Models;
use manta_flow::frontend::{FrontEnd, Lowered, ProjectFiles, Resolution};
use manta_report::{Format, Options};

use crate::{seeds, text};

const JS: &str = r#"import { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import { z } from "zod";
import { exec } from "node:child_process";
const server = new McpServer({ name: "x", version: "1" });
class Box { #v; constructor(v) { this.#v = v; } get v() { return this.#v; } static of(v) { return new Box(v); } }
function valid(p) { if (!/^[a-z0-9._-]+$/i.test(p) || p.includes("..")) throw new Error(`bad ${p}`); return p; }
server.tool("t", { p: z.string().regex(/^x+$/).optional() }, async ({ p = "a", ...rest }) => {
  for (const [k, v] of Object.entries(rest)) { switch (k) { case "a": continue; default: break; } }
  try { exec("ls " + valid(Box.of(p).v)); } catch (e) { return { isError: true }; } finally { p ??= 1; }
  return { content: [{ type: "text", text: `${await import("./b.js")}` }] };
});
module.exports = { tools: [{ name: "u", execute: ({ q }) => eval(q) }] };
"#;
const TS: &str = "abstract class A<T extends keyof B> implements C { constructor(private readonly x: T) { super(); } }
enum E { A = 1, B = A << 1 } namespace N { export const y = 1 satisfies number; }
@dec() export default class D { @m() f(@p() a?: string): asserts a is string { return <any>a!; } }
export type { X } from './x'; import type Y = require('y'); declare module 'z' { }
const j = <T,>(a: T) => a;";
const PY: &str = r#"import os, subprocess
from mcp.server.fastmcp import FastMCP
from .a import *
mcp = FastMCP("x")
@mcp.tool(name="t")
async def t(p: str, *args: int, k: dict[str, int] | None = None, **kw) -> str:
    """Runs."""
    with open(os.path.join("/safe", p)) as f, other() as (a, b):
        x = [y for y in f if (n := len(y)) > 3 for z in y]
    match p:
        case {"a": [1, *rest], **more} if rest: return f"{p!r:>{k}}"
        case str() | None: pass
    try:
        subprocess.run(f"ls {p}", shell=True)
    except* (ValueError, OSError) as e:
        raise RuntimeError from e
    else:
        return lambda q=p: q
    finally:
        del x
class C(B, metaclass=M):
    a: int = 1
    @property
    def v(self): return super().v
"#;

pub(crate) fn js_seeds() -> Vec<Vec<u8>> {
    seeds(&[
        JS,
        TS,
        "<a b={c}>{...d}</a>",
        "if(a){}else if(b){}",
        "((((",
        "`${`${a}`}`",
        "a?.[b]?.(c)",
        "#!/x\n'use strict'",
    ])
}

pub(crate) fn py_seeds() -> Vec<Vec<u8>> {
    seeds(&[PY, "print 'x'", "((((", "f'{x!r:{y}}'", "\tif x:\n        y", "class A:\n  def f(self): ...", "\\\n"])
}

fn check_lowered(lowered: &Lowered, text: &str) {
    let Some(module) = &lowered.module else {
        assert!(!lowered.problems.is_empty(), "a file that was not read says why");
        return;
    };
    assert_eq!(module.exprs.len(), module.spans.len());
    let inside = module.spans.iter().all(|span| span.start <= span.end && span.end as usize <= text.len());
    assert!(inside, "every span lies in its file");
    // Prints everything there is.
    let printed = manta_flow::print::print(module);
    assert!(printed.len() < (text.len() + 64) * 1_024, "lowering does not blow a file up");
}

pub(crate) fn js_front_end(data: &[u8]) {
    let text = text(data);
    for path in ["a.js", "a.ts", "a.tsx", "a.cjs"] {
        check_lowered(&manta_js::JavaScript.lower(FileId(0), path, &text), &text);
    }
}

pub(crate) fn py_front_end(data: &[u8]) {
    let text = text(data);
    check_lowered(&manta_py::Python.lower(FileId(0), "a.py", &text), &text);
}

/// Files between form feeds, each after its name and a line break.
fn files(data: &[u8]) -> Vec<(String, String)> {
    let text = text(data);
    let mut files: Vec<(String, String)> = text
        .split('\u{c}')
        .take(16)
        .map(|file| file.split_once('\n').unwrap_or((file, "")))
        .map(|(name, content)| (name.to_owned(), content.to_owned()))
        .collect();
    files.sort();
    files.dedup_by(|a, b| a.0 == b.0);
    files
}

pub(crate) fn project_seeds() -> Vec<Vec<u8>> {
    seeds(&[
        "package.json\n{\"name\":\"a\",\"main\":\"dist/i.js\",\"exports\":{\".\":{\"import\":\"./dist/i.js\"},\"./x/*\":\"./src/*.ts\"},\"imports\":{\"#y\":\"./y.js\"},\"workspaces\":[\"p/*\"]}\u{c}src/i.ts\nimport a from './b.js'; import '#y'; import 'a/x/b'; export * from './c'\u{c}src/b.ts\nexport default 1\u{c}src/c/index.ts\nimport '../i'\u{c}tsconfig.json\n{\"extends\":\"./tsconfig.json\",\"compilerOptions\":{\"outDir\":\"dist\",\"rootDir\":\"src\",\"baseUrl\":\".\",\"paths\":{\"@/*\":[\"src/*\"]},}, // x\n}",
        "pyproject.toml\n[project]\nname='a'\ndependencies=['mcp>=1.2']\n[project.scripts]\na='a.b:main'\n[tool.setuptools.packages.find]\nwhere=['src']\u{c}src/a/__init__.py\nfrom .b import main\nfrom . import c\u{c}src/a/b.py\nimport a.c, os.path\nfrom ...x import y\ndef main(): pass\u{c}src/a/c.py\nfrom a import *",
        "setup.cfg\n[options]\npackage_dir=\n =src\u{c}setup.py\nfrom setuptools import setup\nsetup()\u{c}requirements.txt\nmcp==1.0\u{c}uv.lock\nversion=1\u{c}package-lock.json\n{\"packages\":{\"node_modules/zod\":{\"version\":\"3\"}}}",
    ])
}

struct Files {
    paths: Vec<String>,
    texts: Vec<String>,
}

impl ProjectFiles for Files {
    fn paths(&self) -> &[String] {
        &self.paths
    }

    fn text(&self, path: &str) -> Option<&str> {
        self.paths.iter().position(|known| known == path).map(|at| self.texts[at].as_str())
    }
}

pub(crate) fn resolver(data: &[u8]) {
    let (paths, texts): (Vec<String>, Vec<String>) = files(data).into_iter().unzip();
    let requests: Vec<String> = texts
        .iter()
        .flat_map(|text| text.split(['\'', '"', ' ', '\n']))
        .filter(|request| !request.is_empty() && request.len() < 200)
        .take(64)
        .map(str::to_owned)
        .collect();
    let files = Files { paths, texts };
    let front_ends: [&dyn FrontEnd; 2] = [&manta_js::JavaScript, &manta_py::Python];
    for front_end in front_ends {
        let project = front_end.project(&files);
        for entry in project.entries() {
            assert!(files.paths.contains(&entry.path), "an entry is a file of the target");
        }
        for from in &files.paths {
            for request in &requests {
                if let Resolution::File(path) = project.resolve(from, request) {
                    assert!(files.paths.contains(&path), "an import leads to a file of the target");
                }
            }
            black_box(project.package(from));
            black_box(project.dependency(from, "zod"));
            black_box(project.siblings(from));
        }
    }
}

pub(crate) fn archive_seeds() -> Vec<Vec<u8>> {
    let mut builder = tar::Builder::new(Vec::new());
    for (name, content) in [("package/package.json", "{\"main\":\"i.js\"}"), ("package/i.js", "exports.a = 1")] {
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        let written = builder.append_data(&mut header, name, content.as_bytes());
        written.expect("memory takes everything");
    }
    let tar = builder.into_inner().expect("memory takes everything");
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(&tar).expect("memory takes everything");
    let gzip = encoder.finish().expect("memory takes everything");
    // One stored entry, by hand: local header, content, directory, end.
    let mut zip = b"PK\x03\x04\x0a\0\0\0\0\0\0\0\0\0\x8b\x9e\xd9\xd3\x01\0\0\0\x01\0\0\0\x04\0\0\0i.jsA".to_vec();
    let directory = zip.len();
    zip.extend_from_slice(b"PK\x01\x02\x0a\0\x0a\0\0\0\0\0\0\0\0\0\x8b\x9e\xd9\xd3\x01\0\0\0\x01\0\0\0\x04\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0i.js");
    let length = zip.len() - directory;
    zip.extend_from_slice(b"PK\x05\x06\0\0\0\0\x01\0\x01\0");
    zip.extend_from_slice(&u32::try_from(length).unwrap_or(0).to_le_bytes());
    zip.extend_from_slice(&u32::try_from(directory).unwrap_or(0).to_le_bytes());
    zip.extend_from_slice(b"\0\0");
    vec![tar, gzip, zip]
}

pub(crate) fn archive(data: &[u8]) {
    let limits =
        CollectLimits { total_bytes: 1 << 20, expanded_bytes: 4 << 20, entries: 500, ..CollectLimits::default() };
    let Ok(input) = collect_archive("a.tgz", data, &limits) else { return };
    for (_, file) in input.sources.iter() {
        let leaves = file.path.starts_with('/') || file.path.split('/').any(|part| part == "..");
        assert!(!leaves, "no entry is outside of its archive: {:?}", file.path);
    }
}

static MODELS: LazyLock<Models> = LazyLock::new(Models::builtin);

fn scan(files: &[(String, String)], threads: usize) -> ScanReport {
    let input = ProjectInput::from_texts("fuzz", files.iter().map(|(path, text)| (path.as_str(), text.as_str())));
    let front_ends: Vec<Box<dyn FrontEnd>> = vec![Box::new(manta_js::JavaScript), Box::new(manta_py::Python)];
    let limits = Limits { fuel_per_tool: 4_000, fuel_total: 20_000, ..Limits::default() };
    audit(&input, &front_ends, &MODELS, &Settings { limits, threads, ..Settings::default() })
}

const OPTIONS: Options = Options { version: "0", color: false, quiet: false, several: false };

pub(crate) fn engine_seeds() -> Vec<Vec<u8>> {
    let mut all: Vec<Vec<u8>> = Vec::new();
    for (name, text) in [("index.js", JS), ("index.ts", TS), ("server.py", PY)] {
        all.push(format!("{name}\n{text}\u{c}b.js\nexport const b = a => a.map(x => x + x)").into_bytes());
    }
    all.extend(project_seeds());
    all
}

pub(crate) fn engine(data: &[u8]) {
    let files = files(data);
    let once = manta_report::part(Format::Json, &scan(&files, 1), &OPTIONS);
    let again = manta_report::part(Format::Json, &scan(&files, 2), &OPTIONS);
    assert!(once == again, "one input, one report, however many threads");
}

pub(crate) fn output_seeds() -> Vec<Vec<u8>> {
    seeds(&[
        "index.js\nimport {exec} from 'child_process';\nexport const tools=[{name:'t\\u001b[31m\\u202e',execute:({p})=>exec('ls \u{1b}]8;; '+p)}]",
        "a\u{1b}[2J\u{202e}.js\n\u{1b}[31mrequire('child_process').exec(process.argv[2])",
        "::error::x%0A.py\nimport os\nfrom mcp.server.fastmcp import FastMCP\nm=FastMCP('x')\n@m.tool()\ndef t(p): os.system(p)\n",
        "<script>.ts\nexport const tools = [{ name: 'read_file', execute: async ({ path }) => require('fs').readFileSync(path) }]",
    ])
}

pub(crate) fn output(data: &[u8]) {
    let report = scan(&files(data), 1);
    for format in Format::ALL {
        let text = manta_report::render(*format, std::slice::from_ref(&report), &OPTIONS);
        let speaks_to_terminals = |c: char| c.is_control() && !matches!(c, '\n' | '\t');
        assert!(!text.contains(speaks_to_terminals), "{format:?} lets a control character through");
        if matches!(format, Format::Json | Format::Sarif | Format::Gitlab) {
            let read: Result<serde_json::Value, _> = serde_json::from_str(&text);
            assert!(read.is_ok(), "{format:?} is JSON");
        }
    }
}

pub(crate) fn string_seeds() -> Vec<Vec<u8>> {
    seeds(&[
        "git log --grep='\0x\0' | head -n \"$(echo \0y\0)\"",
        "https://\0x\0@host.example:80\0y\0/a?b=\0z\0#c",
        "/safe/\0x\0/../\0y\0.txt",
        "SELECT * FROM \"t\" WHERE a = '\0x\0' -- \0y\0\n LIMIT \0z\0",
        "sh\0x\0-c\0y\0--\0z\0",
        "cat <<EOF\n\0x\0\nEOF\n",
    ])
}

/// Pieces between NULs are constants and holes in turn.
pub(crate) fn strings(data: &[u8]) {
    let text = text(data);
    let pieces: Vec<&str> = text.split('\0').take(24).collect();
    let holes: Vec<StrProps> = pieces.iter().map(|piece| hole(piece)).collect();
    let parts: Vec<Part<'_>> = pieces
        .iter()
        .zip(&holes)
        .enumerate()
        .map(|(at, (piece, props))| if at % 2 == 0 { Part::Lit(piece) } else { Part::Hole(props) })
        .collect();
    black_box(shell::analyze(&parts));
    black_box(url::analyze(&parts));
    black_box(path::judge(&parts));
    for flavor in
        [sql::Flavor::Standard, sql::Flavor::MySql, sql::Flavor::Cypher, sql::Flavor::GraphQl, sql::Flavor::AnySql]
    {
        black_box(sql::analyze(&parts, flavor));
    }
    // What a concatenation spells is one of the strings it admits.
    let spelled: String = pieces.concat();
    if holes.iter().enumerate().all(|(at, props)| at % 2 == 0 || props.admits(pieces[at])) {
        assert!(StrProps::concat(&parts).admits(&spelled), "{spelled:?} is not admitted");
    }
    let operands: Vec<path::Operand<'_>> = parts.iter().map(|part| path::Operand::new(*part)).collect();
    for joined in [path::join(&operands), path::resolve(&operands), path::python_join(&operands)] {
        black_box(path::absolute(&path::normalize(&joined), path::Norm::Lexical));
    }
    black_box(path::normalize_text(&text));
    argv_of(&parts);
}

/// A hole that admits at least the piece: everything, or the characters of the piece.
fn hole(piece: &str) -> StrProps {
    match piece.len() % 3 {
        0 => StrProps::top(),
        1 => StrProps::of_charset(manta_flow::domain::CharSet::of(piece)),
        _ => StrProps::exact(piece),
    }
}

fn argv_of(parts: &[Part<'_>]) {
    let words: Vec<argv::Word<'_>> = parts.iter().map(|part| vec![*part]).collect();
    black_box(argv::judge_all(&words));
}

pub(crate) fn pattern_seeds() -> Vec<Vec<u8>> {
    seeds(&[
        "^[a-z0-9._-]+$\0abc",
        "(a+)+$\0aaaaaaaaaaaaaaaaaaaaaaaa!",
        "^(?!.*\\.\\.)(?:[\\w-]+/)*[\\w-]+$\0a/b",
        "[^\\x00-\\x7f]\\p{L}{2,}\0é",
        "(?<y>\\d{4})-\\k<y>\0",
        "(?i)^https?://([a-z]+\\.)*x\\.com(/|$)\0https://x.com/",
        "((a{0,9}){0,9}){0,9}\0a",
        "\\bfoo\\B|^$\0foo",
    ])
}

/// A pattern, a NUL, a subject.
pub(crate) fn patterns(data: &[u8]) {
    let text = text(data);
    let (pattern, subject) = text.split_once('\0').unwrap_or((&text, ""));
    let dialects = [
        Dialect::JavaScript { flags: "" },
        Dialect::JavaScript { flags: "giu" },
        Dialect::Python { mode: PythonMode::Match, flags: "" },
        Dialect::Python { mode: PythonMode::FullMatch, flags: "m" },
        Dialect::Rust,
    ];
    for dialect in &dialects {
        let Ok(regex) = Regex::new(pattern, dialect) else { continue };
        let (may, surely) = (regex.may_match(subject), regex.surely_matches(subject));
        assert!(may || !surely, "what surely matches may match");
        assert!(!surely || regex.if_match().admits(subject), "a match is among the matches");
        assert!(may || regex.if_no_match().admits(subject), "a failure is among the failures");
        black_box(regex.facts());
        black_box(regex.removed_characters());
        black_box(regex.replace(&StrProps::exact(subject), "x", true));
    }
}
