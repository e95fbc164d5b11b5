//! Targets made to exhaust whoever reads them: the answer is a report that says what was left out and exit code 3 (or
//! findings), within the memory that is promised; never a panic, a crash or a hang.
//!
//! Every input is generated here.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

/// What no scan may exceed, in KiB.
const MEMORY: u64 = 1 << 20;
/// Where a scan counts as hanging, in seconds of processor time. A release needs a twentieth of it; tests run
/// unoptimised, several at a time, on machines that do something else as well.
const DEADLINE: u64 = 150;

/// How a scan ended.
struct Ended {
    code: Option<i32>,
    /// The most memory that was seen in use, in KiB.
    memory: u64,
    report: serde_json::Value,
    stderr: String,
}

fn scan(target: &Path) -> Ended {
    let scratch = tempfile::tempdir().unwrap();
    let json = scratch.path().join("report.json");
    let stderr = scratch.path().join("stderr");
    let mut child = Command::new(env!("CARGO_BIN_EXE_manta"))
        .args(["scan", "--jobs", "2", "-o", &format!("json={}", json.display())])
        .arg(target)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(fs::File::create(&stderr).unwrap())
        .spawn()
        .unwrap();
    let mut memory = 0;
    let status = loop {
        memory = memory.max(peak_memory(child.id()));
        match child.try_wait().unwrap() {
            Some(status) => break status,
            None if processor_time(child.id()) > DEADLINE => {
                child.kill().unwrap();
                panic!("no answer after {DEADLINE} s of processor time");
            }
            None => thread::sleep(Duration::from_millis(3)),
        }
    };
    let report = fs::read_to_string(json).ok().and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default();
    Ended { code: status.code(), memory, report, stderr: fs::read_to_string(stderr).unwrap() }
}

/// Seconds that a process has used so far, by the kernel's ticks of 10 ms.
fn processor_time(pid: u32) -> u64 {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let fields = stat.rsplit_once(')').map_or("", |(_, fields)| fields).split_whitespace();
    fields.skip(11).take(2).filter_map(|ticks| ticks.parse::<u64>().ok()).sum::<u64>() / 100
}

/// The kernel's own high-water mark; 0 when the process is gone or there is no such file.
fn peak_memory(pid: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok()).unwrap_or(0)
}

impl Ended {
    /// Neither crashed nor beyond the memory.
    fn is_well(&self) -> &Self {
        assert!(matches!(self.code, Some(0 | 1 | 3)), "ended with {:?}: {}", self.code, self.stderr);
        assert!(!self.stderr.contains("panicked"), "{}", self.stderr);
        assert!(self.memory < MEMORY, "took {} MiB", self.memory >> 10);
        self
    }

    /// Ended with exit code 3, and the report says why in these words.
    fn is_incomplete_for(&self, words: &str) {
        self.is_well();
        assert_eq!(self.code, Some(3), "{}", self.report);
        let said = self.report["completeness"].to_string();
        assert_eq!(self.report["completeness"]["complete"], false);
        assert!(said.contains(words), "{words:?} is not in {said}");
    }
}

fn one_file(name: &str, text: impl AsRef<[u8]>) -> Ended {
    let root = tempfile::tempdir().unwrap();
    fs::write(root.path().join(name), text).unwrap();
    scan(root.path())
}

fn tree(files: &[(&str, &str)]) -> Ended {
    let root = tempfile::tempdir().unwrap();
    for (path, text) in files {
        let path = root.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    scan(root.path())
}

#[test]
fn a_bundle_of_50_megabytes_in_one_line_is_named_and_left_out() {
    let bundle = "var a=function(b){return b.c(1,'x')};".repeat((50 << 20) / 37);
    one_file("index.js", bundle).is_incomplete_for("larger than 16 MiB");
}

#[test]
fn the_largest_file_that_is_read_fits_into_memory() {
    let bundle = "var a=function(b){return b.c(1,'x')};".repeat((15 << 20) / 37);
    one_file("index.js", bundle).is_well();
}

#[test]
fn many_large_files_fit_into_memory_together() {
    let module = "export const a = (b) => ({ c: [b, 1, 'x'], d: `${b}` });\n".repeat((2 << 20) / 56);
    let root = tempfile::tempdir().unwrap();
    let mut index = String::new();
    for number in 0..24 {
        fs::write(root.path().join(format!("m{number}.js")), &module).unwrap();
        writeln!(index, "import * as m{number} from './m{number}.js';").unwrap();
    }
    fs::write(root.path().join("index.js"), index).unwrap();
    scan(root.path()).is_incomplete_for("expressions in all");
}

#[test]
fn deep_nesting_is_refused_in_words() {
    for (open, close) in [("(", ")"), ("[", "]"), ("{a:", "}"), ("`${", "}`"), ("!function(){return ", "}")] {
        let text = format!("x = {}1{}", open.repeat(200_000), close.repeat(200_000));
        one_file("index.js", text).is_incomplete_for("nested too deeply");
    }
    one_file("server.py", format!("x = {}1{}", "(".repeat(200_000), ")".repeat(200_000)))
        .is_incomplete_for("nested too deeply");
    one_file("server.py", "-".repeat(1_000_000)).is_well();
    one_file("index.js", "a=>".repeat(60_000) + "1").is_well();
    one_file("index.js", "if(a){}else ".repeat(40_000) + "{}").is_well();
    one_file("index.js", format!("a{}", ".b()".repeat(40_000))).is_well();
}

#[test]
fn imports_in_circles_end() {
    tree(&[
        ("index.js", "import { a } from './a.js'; export * from './b.js'; export const x = a(a);"),
        ("a.js", "import { b } from './b.js'; export * from './index.js'; export const a = (f) => b(f);"),
        ("b.js", "import { a } from './a.js'; export * from './a.js'; export const b = (f) => a(() => b(f));"),
        ("package.json", r#"{"main": "index.js"}"#),
    ])
    .is_well();
    tree(&[
        ("main.py", "from a import *\nfrom b import f\nf(f)\n"),
        ("a.py", "from main import *\nfrom b import *\nclass A(B): pass\n"),
        ("b.py", "from a import *\nclass B(A): pass\ndef f(x): return f(lambda: x(f))\n"),
    ])
    .is_well();
}

#[test]
fn texts_that_double_do_not_fill_memory() {
    let js = format!("let s = 'xxxxxxxx'; {} export const t = s;", "s = s + s; s = `${s}${s}`; s += s;".repeat(40));
    one_file("index.js", js).is_well();
    let replace = "s = s.replace(/x/g, s); s = s.split('').join(s); s = s.repeat(1e9); s = s.padStart(1e9, s);";
    one_file("index.js", format!("let s = 'xxxxxxxx'; {}", replace.repeat(40))).is_well();
    let py = "s = s + s\ns = f'{s}{s}'\ns = s * 1000000000\ns = s.join([s, s])\ns = '%s%s' % (s, s)\n".repeat(40);
    one_file("server.py", format!("s = 'xxxxxxxx'\n{py}")).is_well();
}

#[test]
fn collections_that_double_do_not_fill_memory() {
    let js = "a = [...a, ...a]; a = a.concat(a); o = { ...o, [a.length]: o }; a.push(...a); f(...a, ...a);".repeat(60);
    one_file("index.js", format!("let a = [1, 2, 3], o = {{}}; function f(...x) {{ a = [...x, ...x] }} {js}"))
        .is_well();
    let py = "a = a + a\na = [*a, *a]\na.extend(a)\nd = {**d, str(a): d}\na = [x for x in a for y in a]\n".repeat(60);
    one_file("server.py", format!("a = [1, 2, 3]\nd = {{}}\n{py}")).is_well();
}

#[test]
fn loops_over_loops_end_and_say_so_if_early() {
    let mut js = String::from("const xs = [1,2,3,4,5,6,7,8]; let n = {};\n");
    for depth in 0..24 {
        let body = if depth == 0 {
            "n = { n, f: () => n };".to_owned()
        } else {
            format!("f{}(); f{}();", depth - 1, depth - 1)
        };
        writeln!(
            js,
            "function f{depth}() {{ for (const x of xs) {{ while (n) {{ {body} }} xs.map(() => {{ {body} }}); }} }}"
        )
        .unwrap();
    }
    js.push_str("f23(); export const tools = [{ name: 't', description: 'd', execute: ({ p }) => f23(p) }];");
    one_file("index.js", js).is_well();
}

#[test]
fn objects_without_end_stop_at_a_named_limit() {
    let mut js = String::from("let all = [];\n");
    for number in 0..200_000 {
        writeln!(js, "all = {{ all, a{number}: [{number}, all, {{}}, {{}}] }};").unwrap();
    }
    one_file("index.js", js).is_well();
}

#[test]
fn patterns_made_to_explode_are_given_up() {
    let mut js = String::from("export const tools = [{ name: 't', description: 'd', execute: ({ p }) => {\n");
    for number in 0..300 {
        writeln!(js, "if (/^(a|b{number}|ab)*(?=(c+)+$)((d{{0,50}}){{0,50}}e?)+[^{number}]{{0,60}}$/.test(p)) p = p.replace(/(x+x+)+y{number}/, 'z');").unwrap();
    }
    js.push_str("require('child_process').exec(p); } }];");
    one_file("index.js", js).is_well();
}

#[test]
fn recursion_and_proxies_of_themselves_end() {
    one_file("index.js", "class A extends A {} function f(g) { return g(g)(f(f)); } f(f); let o = {}; o.o = o; \
        Object.defineProperty(o, 'x', { get() { return this.x } }); o.x; class B { get b() { return new B().b } } new B().b; \
        const h = (...a) => h(...a, h); h(h); o.toString = () => `${o}`; `${o}`;").is_well();
    one_file("server.py", "class A:\n    def __getattr__(self, n): return getattr(self, n)\n    @property\n    def x(self): return self.x\n    \
        def __iter__(self): return iter(self)\n    def __str__(self): return str(self)\na = A()\nfor b in a: print(b.x.y, f'{a}')\n\
        def f(*a, **k): return f(f, *a, **k)\nf(f)\n").is_well();
}

/// Everything that looks into `a`, each in a tool of its own.
fn tools_that_look_inside(language: &str) -> String {
    let (uses, tool): (&[&str], fn(usize, &str) -> String) = if language == "py" {
        (
            &[
                "str(a)",
                "f'{a}'",
                "','.join(a)",
                "'%s' % a",
                "json.dumps(a)",
                "sorted(a)",
                "[*a]",
                "a + a",
                "list(a)",
                "copy.deepcopy(a)",
                "os.system(a)",
                "open(a)",
                "subprocess.run(a, shell=True)",
                "eval(a)",
                "a(a)",
                "requests.get('https://example.org', params=a)",
                "'x'.startswith(a)",
                "isinstance(a, a)",
                "a < a",
                "Tool(name=a, description=a, inputSchema=a)",
                "cursor.execute(a, a)",
                "os.path.join(*a)",
                "Path(*a)",
            ],
            |number, used| {
                format!(
                    "@mcp.tool()\ndef t{number}(q: str):\n    a.append(q)\n    a['k'] = q\n    os.system('ls ' + q)\n    return {used}\n"
                )
            },
        )
    } else {
        (
            &[
                "String(a)",
                "`${a}`",
                "a + ''",
                "a.join(',')",
                "JSON.stringify(a)",
                "a.flat(Infinity)",
                "[...a]",
                "a()",
                "structuredClone(a)",
                "exec(a)",
                "spawn('x', a)",
                "fs.readFileSync(a)",
                "fetch(a, a)",
                "eval(a)",
                "'x'.startsWith(a)",
                "'x'.replace(a, a)",
                "server.tool(a, a, a)",
                "z.object(a)",
                "z.array(a).parse(a)",
                "server.registerTool('q', { inputSchema: a, description: a }, async (x) => x)",
                "path.join(...a)",
            ],
            |number, used| {
                format!(
                    "server.tool('t{number}', {{ q: z.string() }}, async ({{ q }}) => {{ a.push(q); a.k = q; exec('ls ' + q); return {used}; }});\n"
                )
            },
        )
    };
    uses.iter().enumerate().map(|(number, used)| tool(number, used)).collect()
}

#[test]
fn values_that_hold_themselves_or_the_same_one_again_and_again_end() {
    let head = "import os, json, copy, subprocess, requests\nfrom pathlib import Path\nfrom mcp.types import Tool\n\
        from mcp.server.fastmcp import FastMCP\nmcp = FastMCP('x')\n";
    let tools = tools_that_look_inside("py");
    for made in [
        "a = []\na.append(a)\n".to_owned(),
        "b = [1]\na = [b]\nb.append(a)\n".to_owned(),
        "a = {}\na['x'] = a\n".to_owned(),
        "class C:\n    def __init__(self):\n        self.all = [self]\n    def __str__(self):\n        return str(self.all)\na = C()\n"
            .to_owned(),
        format!("a = ['x']\n{}", "a = [a, a]\n".repeat(60)),
        format!("a = {{'x': 1}}\n{}", "a = {'l': a, 'r': a}\n".repeat(60)),
    ] {
        one_file("server.py", format!("{head}{made}{tools}mcp.run()\n")).is_well();
    }
    let head = "import { exec, spawn } from 'child_process'; import fs from 'fs'; import path from 'path';\n\
        import { z } from 'zod'; import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';\n\
        const server = new McpServer({ name: 'x', version: '1' });\n";
    let tools = tools_that_look_inside("js");
    for made in [
        "let a = []; a.push(a);".to_owned(),
        "let b = [1], a = [b]; b.push(a);".to_owned(),
        "let a = []; const b = [a, a, a, a, a, a, a, a]; a.push(b, b, b, b, b, b, b, b);".to_owned(),
        "let a = {}; a.x = a; a.default = a; a.schema = a; a.toString = () => `${a}`;".to_owned(),
        "let a = { type: 'object', properties: {} }; a.properties.x = a; a.properties.y = a; a.items = a;".to_owned(),
        "class C { constructor() { this.me = this; this.all = [this]; } toString() { return String(this.all); } } let a = new C();"
            .to_owned(),
        format!("let a = ['x'];{}", "a = [a, a];".repeat(60)),
        format!("let a = {{ x: 1 }};{}", "a = { l: a, r: a };".repeat(60)),
        format!("let a = z.string();{}", "a = z.object({ l: a, r: a });".repeat(60)),
    ] {
        one_file("index.js", format!("{head}{made}\n{tools}")).is_well();
    }
}

#[test]
fn a_very_large_number_of_files_stops_at_a_named_limit() {
    let archive = tempfile::tempdir().unwrap();
    let path = archive.path().join("many.tar");
    let mut builder = tar::Builder::new(fs::File::create(&path).unwrap());
    for number in 0..250_000_u32 {
        let mut header = tar::Header::new_gnu();
        header.set_size(0);
        header.set_path(format!("p/f{number}.js")).unwrap();
        header.set_cksum();
        builder.append(&header, std::io::empty()).unwrap();
    }
    builder.into_inner().unwrap();
    scan(&path).is_incomplete_for("entries");
}

#[test]
fn bombs_and_entries_that_climb_are_refused_in_words() {
    let archive = tempfile::tempdir().unwrap();
    let path = archive.path().join("bomb.tgz");
    let mut header = tar::Header::new_gnu();
    header.set_size(64 << 20);
    header.set_path("p/index.js").unwrap();
    header.set_cksum();
    let mut climbing = tar::Header::new_gnu();
    climbing.set_size(1);
    climbing.as_gnu_mut().unwrap().name[..13].copy_from_slice(b"../../evil.js");
    climbing.set_cksum();
    let encoder = flate2::write::GzEncoder::new(fs::File::create(&path).unwrap(), flate2::Compression::best());
    let mut builder = tar::Builder::new(encoder);
    builder.append(&climbing, &b"1"[..]).unwrap();
    builder.append(&header, std::io::Read::take(std::io::repeat(b' '), 64 << 20)).unwrap();
    builder.into_inner().unwrap().finish().unwrap();
    let ended = scan(&path);
    ended.is_incomplete_for("would leave the archive");
    ended.is_incomplete_for("unpacks to more than");
}

#[cfg(unix)]
#[test]
fn links_in_circles_and_names_that_are_no_text_are_read_past() {
    use std::os::unix::ffi::OsStrExt as _;
    let root = tempfile::tempdir().unwrap();
    std::os::unix::fs::symlink(".", root.path().join("again")).unwrap();
    std::os::unix::fs::symlink("b.js", root.path().join("a.js")).unwrap();
    std::os::unix::fs::symlink("a.js", root.path().join("b.js")).unwrap();
    fs::write(root.path().join(std::ffi::OsStr::from_bytes(b"\xff\xfe.js")), b"\xff\xfe\x00\xd8").unwrap();
    fs::write(root.path().join("c.js"), b"const \xff = '\xc0\x80\xed\xa0\x80';\n\xf5").unwrap();
    scan(root.path()).is_well();
}
