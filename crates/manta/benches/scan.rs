//! What a scan costs beside the bare parse of the same files: `cargo bench -p manta --bench scan`.
//!
//! The inputs are generated: servers as people write them, with a schema, a helper and a check per tool. With
//! `MANTA_BENCH_DIR=DIR` the server in that directory is measured as well.
#![expect(clippy::unwrap_used, reason = "a bench stops at the first surprise")]

use std::collections::BTreeSet;
use std::fmt::Write as _;

use divan::{Bencher, black_box};
use manta_cli::analyse::Analysis;
use manta_cli::collect::{Limits, collect};
use manta_core::ProjectInput;

fn main() {
    divan::main();
}

/// A TypeScript server of so many files, one tool in each.
fn typescript(files: usize) -> ProjectInput {
    let mut index = String::from(
        "import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';\n\
         const server = new McpServer({ name: 'bench', version: '1.0.0' });\n",
    );
    let mut texts = Vec::new();
    for number in 0..files {
        writeln!(index, "import {{ register as r{number} }} from './tools/t{number}.js'; r{number}(server);").unwrap();
        let text = format!(
            r#"import {{ z }} from "zod";
import fs from "node:fs/promises";
import path from "node:path";
import type {{ McpServer }} from "@modelcontextprotocol/sdk/server/mcp.js";

const ROOT = path.resolve(process.env.ROOT ?? "/srv/data");
interface Options {{ limit: number; pattern?: string; tags: string[] }}

class Store{number} {{
  private readonly seen = new Map<string, number>();
  constructor(private readonly root: string, private options: Options) {{}}
  async read(name: string): Promise<string> {{
    const file = this.locate(name);
    this.seen.set(file, (this.seen.get(file) ?? 0) + 1);
    const text = await fs.readFile(file, "utf8");
    return this.options.pattern ? text.split("\n").filter((line) => line.includes(this.options.pattern!)).join("\n") : text;
  }}
  private locate(name: string): string {{
    const file = path.resolve(this.root, name);
    if (file !== this.root && !file.startsWith(this.root + path.sep)) {{
      throw new Error(`outside of the root: ${{name}}`);
    }}
    return file;
  }}
}}

function summary(text: string, limit: number): string {{
  const lines = text.split("\n");
  let length = 0;
  const kept: string[] = [];
  for (const line of lines) {{
    length += line.length;
    if (length > limit) break;
    kept.push(line.trimEnd());
  }}
  return kept.length < lines.length ? `${{kept.join("\n")}}\n… ${{lines.length - kept.length}} more` : kept.join("\n");
}}

export function register(server: McpServer) {{
  const store = new Store{number}(ROOT, {{ limit: 4096, tags: ["a", "b"] }});
  server.tool(
    "read_{number}",
    "Reads a file below the root and shortens it.",
    {{ name: z.string().min(1).describe("which"), limit: z.number().int().max(65536).optional(), mode: z.enum(["head", "all"]) }},
    async ({{ name, limit = 4096, mode }}) => {{
      try {{
        const text = await store.read(name);
        return {{ content: [{{ type: "text", text: mode === "all" ? text : summary(text, limit) }}] }};
      }} catch (error) {{
        return {{ isError: true, content: [{{ type: "text", text: error instanceof Error ? error.message : String(error) }}] }};
      }}
    }},
  );
}}
"#
        );
        texts.push((format!("src/tools/t{number}.ts"), text));
    }
    texts.push(("src/index.ts".to_owned(), index));
    texts.push(("package.json".to_owned(), r#"{"name":"bench","bin":"src/index.ts"}"#.to_owned()));
    input(texts)
}

/// A Python server of so many modules, one tool in each.
fn python(files: usize) -> ProjectInput {
    let mut main = String::from("from mcp.server.fastmcp import FastMCP\nmcp = FastMCP('bench')\n");
    let mut texts = Vec::new();
    for number in 0..files {
        writeln!(main, "from bench.tools import t{number}\nt{number}.register(mcp)").unwrap();
        let text = format!(
            r#""""Tools about files, part {number}."""
from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import Field

ROOT = Path(os.environ.get("ROOT", "/srv/data")).resolve()
NAME = re.compile(r"^[A-Za-z0-9_.-]+$")


@dataclass
class Store{number}:
    root: Path
    limit: int = 4096
    seen: dict[str, int] = field(default_factory=dict)

    def locate(self, name: str) -> Path:
        path = (self.root / name).resolve()
        if not path.is_relative_to(self.root):
            raise ValueError(f"outside of the root: {{name}}")
        return path

    def read(self, name: str, encoding: str = "utf-8") -> str:
        path = self.locate(name)
        self.seen[name] = self.seen.get(name, 0) + 1
        with open(path, encoding=encoding) as file:
            return "\n".join(line.rstrip() for line in file if line.strip())


def shortened(text: str, limit: int) -> str:
    kept: list[str] = []
    length = 0
    for line in text.splitlines():
        length += len(line)
        if length > limit:
            kept.append("…")
            break
        kept.append(line)
    return "\n".join(kept)


def register(mcp) -> None:
    store = Store{number}(ROOT)

    @mcp.tool()
    async def read_{number}(name: str, limit: int = Field(4096, ge=1), label: str | None = None) -> str:
        """Reads a file below the root and shortens it."""
        if label is not None and not NAME.match(label):
            raise ValueError("bad label")
        try:
            text = store.read(name)
        except (OSError, ValueError) as error:
            return f"error: {{error}}"
        return shortened(text, limit) if label is None else f"[{{label}}] {{shortened(text, limit)}}"
"#
        );
        texts.push((format!("src/bench/tools/t{number}.py"), text));
    }
    main.push_str("def run():\n    mcp.run()\n");
    texts.push(("src/bench/__init__.py".to_owned(), String::new()));
    texts.push(("src/bench/tools/__init__.py".to_owned(), String::new()));
    texts.push(("src/bench/main.py".to_owned(), main));
    let manifest =
        "[project]\nname = 'bench'\ndependencies = ['mcp>=1.12']\n[project.scripts]\nbench = 'bench.main:run'\n";
    texts.push(("pyproject.toml".to_owned(), manifest.to_owned()));
    input(texts)
}

fn input(mut texts: Vec<(String, String)>) -> ProjectInput {
    texts.sort();
    ProjectInput::from_texts("bench", texts.iter().map(|(path, text)| (path.as_str(), text.as_str())))
}

/// The files that a scan analyses, parsed and nothing else.
fn parse(input: &ProjectInput, left_out: &BTreeSet<String>) {
    for (_, file) in input.sources.iter().filter(|(_, file)| !left_out.contains(&file.path)) {
        if file.path.ends_with(".py") {
            manta_py::bench::parse_only(&file.text);
        } else if manta_core::FileKind::of(&file.path).is_source() {
            manta_js::bench::parse_only(&file.path, &file.text);
        }
    }
}

fn left_out(input: &ProjectInput, analysis: &Analysis) -> BTreeSet<String> {
    let report = analysis.run(input);
    report.completeness.files_skipped.into_iter().map(|file| file.path).collect()
}

fn bench_parse(bencher: Bencher, input: &ProjectInput) {
    let left_out = left_out(input, &Analysis::new(&[]).unwrap());
    bencher.bench_local(|| parse(black_box(input), &left_out));
}

fn bench_scan(bencher: Bencher, input: &ProjectInput, threads: usize) {
    let analysis = Analysis::new(&[]).unwrap();
    bencher.bench_local(|| analysis.run_on(black_box(input), threads));
}

#[divan::bench]
fn start_up(bencher: Bencher) {
    bencher.bench_local(|| Analysis::new(black_box(&[])).unwrap());
}

#[divan::bench(args = [10, 100])]
fn typescript_parse(bencher: Bencher, files: usize) {
    bench_parse(bencher, &typescript(files));
}

#[divan::bench(args = [10, 100])]
fn typescript_scan(bencher: Bencher, files: usize) {
    bench_scan(bencher, &typescript(files), 1);
}

#[divan::bench(args = [10, 100, 500])]
fn python_parse(bencher: Bencher, files: usize) {
    bench_parse(bencher, &python(files));
}

#[divan::bench(args = [10, 100, 500])]
fn python_scan(bencher: Bencher, files: usize) {
    bench_scan(bencher, &python(files), 1);
}

#[divan::bench(args = [500])]
fn python_scan_on_two_threads(bencher: Bencher, files: usize) {
    bench_scan(bencher, &python(files), 2);
}

fn given() -> Option<ProjectInput> {
    let directory = std::env::var("MANTA_BENCH_DIR").ok()?;
    Some(collect(&directory, &Limits::default()).unwrap())
}

#[divan::bench]
fn given_parse(bencher: Bencher) {
    if let Some(input) = given() {
        bench_parse(bencher, &input);
    }
}

#[divan::bench]
fn given_scan(bencher: Bencher) {
    if let Some(input) = given() {
        bench_scan(bencher, &input, 1);
    }
}
