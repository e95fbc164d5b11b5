// Paths that are checked, and what is done with them afterwards.
// parameter p
import { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import { StdioServerTransport } from "@modelcontextprotocol/sdk/server/stdio.js";
import fs from "node:fs";
import fsp from "node:fs/promises";
import path from "node:path";
import os from "node:os";
import { randomUUID } from "node:crypto";
import { spawn, execFile } from "node:child_process";
import { z } from "zod";
import { glob } from "glob";
const server = new McpServer({ name: "m", version: "1.0.0" });
const ROOT = path.resolve("/srv/data");
const ROOTS = [ROOT, "/var/lib/x"];
class Guard {
  constructor(root) { this.root = path.resolve(root); }
  check(p) {
    const t = path.resolve(this.root, p);
    const rel = path.relative(this.root, t);
    if (rel.startsWith("..") || path.isAbsolute(rel)) throw new Error("no");
    return t;
  }
}
const guard = new Guard("/srv/data");
function safeJoin(p) {
  const t = path.resolve(ROOT, p);
  if (t !== ROOT && !t.startsWith(ROOT + path.sep)) throw new Error("outside");
  return t;
}
async function validatePath(p) {
  const abs = path.isAbsolute(p) ? path.resolve(p) : path.resolve(ROOT, p);
  if (!ROOTS.some((r) => abs === r || abs.startsWith(r + path.sep))) throw new Error("denied");
  const real = await fsp.realpath(abs);
  if (!ROOTS.some((r) => real === r || real.startsWith(r + path.sep))) throw new Error("denied");
  return real;
}
function isInside(t) {
  const rel = path.relative(ROOT, t);
  return !rel.startsWith("..") && !path.isAbsolute(rel);
}
function readAll(d) {
  const out = [];
  for (const e of fs.readdirSync(d, { withFileTypes: true })) {
    const x = path.join(d, e.name);
    if (e.isDirectory()) out.push(...readAll(x));
    else out.push(fs.readFileSync(x, "utf8"));
  }
  return out;
}
async function* walk(d) {
  for (const e of await fsp.readdir(d, { withFileTypes: true })) {
    const x = path.join(d, e.name);
    if (e.isDirectory()) yield* walk(x);
    else yield x;
  }
}
const text = (t) => ({ content: [{ type: "text", text: String(t) }] });
class Job { constructor(p) { this.p = p; } load() { return fs.readFileSync(this.p, "utf8"); } }

// check sep: holds
  const full = path.resolve(ROOT, p);
  if (!full.startsWith(ROOT + path.sep)) throw new Error("no");

// check sepor: holds
  const full = path.resolve(ROOT, p);
  if (full !== ROOT && !full.startsWith(ROOT + path.sep)) return text("no");

// check sept: holds
  const full = path.resolve(ROOT, p);
  if (!full.startsWith(`${ROOT}/`)) throw new Error("no");

// check rel: holds
  const full = path.resolve(ROOT, p);
  const rel = path.relative(ROOT, full);
  if (rel.startsWith("..") || path.isAbsolute(rel)) throw new Error("no");

// check relsep: holds
  const full = path.resolve(ROOT, p);
  const rel = path.relative(ROOT, full);
  if (rel === ".." || rel.startsWith(".." + path.sep) || path.isAbsolute(rel)) throw new Error("no");

// check join: holds
  const full = path.join(ROOT, p);
  if (!full.startsWith(ROOT + path.sep)) throw new Error("no");

// check real: holds
  const full = fs.realpathSync(path.resolve(ROOT, p));
  if (!full.startsWith(ROOT + path.sep)) throw new Error("no");

// check helper: holds
  const full = safeJoin(p);

// check validate: holds
  const full = await validatePath(p);

// check method: holds
  const full = guard.check(p);

// check bool: holds
  const full = path.resolve(ROOT, p);
  if (!isInside(full)) return text("no");

// check regex: holds
  if (!/^[a-z0-9_-]+$/i.test(p)) throw new Error("no");
  const full = path.join(ROOT, p);

// check replace: holds
  const full = path.join(ROOT, p.replace(/[^a-z0-9]/gi, "_"));

// check none: fails
  const full = path.join(ROOT, p);

// check resolve: fails
  const full = path.resolve(ROOT, p);

// check deny: fails
  if (p.startsWith("/etc")) throw new Error("x");
  const full = path.resolve(ROOT, p);

// check noreturn: fails
  const full = path.resolve(ROOT, p);
  if (!full.startsWith(ROOT + path.sep)) console.error("outside");

// check prefix: fails
  const full = path.resolve(ROOT, p);
  if (!full.startsWith(ROOT)) throw new Error("x");

// check parent: holds
  const full = path.resolve(p);
  if (path.dirname(full) !== ROOT) throw new Error("no");

// check patternprefix: holds
  if (!/^[a-z0-9_-]+$/.test(p)) throw new Error("no");
  const full = path.join(ROOT, p);
  if (!full.startsWith(ROOT)) throw new Error("no");

// check normalized: holds
  if (path.isAbsolute(p) || path.normalize(p).startsWith("..")) throw new Error("no");
  const full = path.join(ROOT, p);

// check toolate: fails
  const full = path.resolve(ROOT, p);
  if (full.includes("..")) throw new Error("no");

// check rejoined: fails
  const full = `${ROOT}/${p.split("/").filter(Boolean).join("/")}`;

// check nothingfirst: fails
  const full = p.split("/").filter((part) => part !== "..").join("/");

// check oneslash: fails
  const full = path.resolve(ROOT, p.replace(/^\//, ""));

// use read
  return text(fs.readFileSync(full, "utf8"));

// use prom
  return text(await fsp.readFile(full, "utf8"));

// use promises
  return text(await fs.promises.readFile(full, { encoding: "utf8" }));

// use readdir
  return text(fs.readdirSync(full).map((n) => fs.readFileSync(path.join(full, n), "utf8")).join(""));

// use for
  let out = "";
  for (const n of await fsp.readdir(full)) out += await fsp.readFile(path.join(full, n), "utf8");
  return text(out);

// use dirent
  const es = await fsp.readdir(full, { withFileTypes: true });
  const r = await Promise.all(es.filter((e) => e.isFile()).map(async (e) => fsp.readFile(path.join(full, e.name), "utf8")));
  return text(r.join(""));

// use rec
  return text(readAll(full).join(""));

// use gen
  let out = "";
  for await (const f of walk(full)) out += await fsp.readFile(f, "utf8");
  return text(out);

// use inner
  const out = [];
  const visit = (d) => { for (const n of fs.readdirSync(d)) { const x = path.join(d, n); if (fs.statSync(x).isDirectory()) visit(x); else out.push(fs.readFileSync(x, "utf8")); } };
  visit(full);
  return text(out.join(""));

// use tmpl
  return text(fs.readFileSync(`${full}/readme.md`, "utf8"));

// use plus
  return text(fs.readFileSync(full + "/readme.md", "utf8"));

// use join2
  return text(fs.readFileSync(path.join(full, "a", "b.txt"), "utf8"));

// use res2
  return text(fs.readFileSync(path.resolve(full, "b.txt"), "utf8"));

// use uuid
  const t = path.join(full, `${randomUUID()}.txt`);
  fs.writeFileSync(t, "x");
  return text(t);

// use tmp
  const tmp = `${full}.${process.pid}.tmp`;
  fs.writeFileSync(tmp, "x");
  fs.renameSync(tmp, full);
  return text("x");

// use mkpar
  fs.mkdirSync(path.dirname(full), { recursive: true });
  fs.writeFileSync(full, "x");
  return text("x");

// use copy
  fs.copyFileSync(full, path.join(ROOT, "backup"));
  return text("x");

// use rm
  if (fs.statSync(full).isDirectory()) fs.rmSync(full, { recursive: true }); else fs.unlinkSync(full);
  return text("x");

// use job
  return text(new Job(full).load());

// use obj
  const d = { path: full, n: 1 };
  return text(fs.readFileSync(d.path, "utf8"));

// use destr
  const { path: q } = { path: full };
  return text(fs.readFileSync(q, "utf8"));

// use arr
  const ps = [full];
  return text(ps.map((x) => fs.readFileSync(x, "utf8")).join(""));

// use iife
  return text(await (async () => fsp.readFile(full, "utf8"))());

// use stream
  const s = fs.createReadStream(full);
  let out = "";
  for await (const c of s) out += c;
  return text(out);

// use glob
  let out = "";
  for (const f of await glob("**/*.md", { cwd: full, absolute: true })) out += fs.readFileSync(f, "utf8");
  return text(out);

// use globj
  let out = "";
  for (const f of await glob("**/*.md", { cwd: full })) out += fs.readFileSync(path.join(full, f), "utf8");
  return text(out);

// use try
  try { await fsp.access(full); return text(await fsp.readFile(full, "utf8")); } catch (e) { return text(`error ${e.message}`); };

// use exists
  if (!fs.existsSync(full)) return text("none");
  return text(fs.readFileSync(full).toString());

// use ternary
  const t = fs.statSync(full).isFile() ? full : path.join(full, "index.md");
  return text(fs.readFileSync(t, "utf8"));

// use relcat
  const names = fs.readdirSync(full).map((n) => path.relative(ROOT, path.join(full, n)));
  return text(names.map((n) => fs.readFileSync(path.join(ROOT, n), "utf8")).join(""));

// use norm
  return text(fs.readFileSync(path.normalize(full), "utf8"));

// use res
  return text(fs.readFileSync(path.resolve(full), "utf8"));

// use handle
  const h = await fsp.open(full, "r");
  return text(await h.readFile("utf8"));

// use while
  let d = full;
  while (!fs.existsSync(path.join(d, "x"))) d = path.join(d, "sub");
  return text(fs.readFileSync(path.join(d, "x"), "utf8"));

// use import
  const m = await import(full);
  return text(m.x);

// use map
  const m = new Map([["a", full]]);
  return text(fs.readFileSync(m.get("a"), "utf8"));

// use cb
  return new Promise((ok) => fs.readFile(full, "utf8", (e, d) => ok(text(d))));

// use ext
  const t = full.endsWith(".md") ? full : `${full}.md`;
  return text(fs.readFileSync(t, "utf8"));
