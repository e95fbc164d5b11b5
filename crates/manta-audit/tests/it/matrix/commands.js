// Values that are checked or quoted, and the shells that read them.
// parameter v
import { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import { exec, execSync, spawn, spawnSync, execFile, execFileSync } from "node:child_process"; import * as cp from "node:child_process";
import { promisify } from "node:util"; import { z } from "zod"; import { execa, execaCommand } from "execa"; import shell from "shelljs";
const execAsync = promisify(exec); const execFileAsync = promisify(execFile);
const server = new McpServer({ name: "m", version: "1.0.0" });
const NAMES = ["status", "log"]; const SET = new Set(NAMES);
const text = (t) => ({ content: [{ type: "text", text: String(t) }] });
function run(cmd) { return new Promise((ok, no) => exec(cmd, (e, out) => (e ? no(e) : ok(out)))); }
function checked(x) { if (!/^[A-Za-z0-9_]+$/.test(x)) throw new Error("bad"); return x; }
const isName = (x) => /^[a-z0-9]+$/.test(x);
class Runner { async go(c) { const { stdout } = await execAsync(c); return stdout; } }
const quote = (s) => `'${s.replace(/'/g, "'\\''")}'`;

// check inc: holds
  if (!NAMES.includes(v)) throw new Error("x");

// check set: holds
  if (!SET.has(v)) return text("no");

// check re: holds
  if (!/^[a-zA-Z0-9]+$/.test(v)) throw new Error("x");

// check match: holds
  if (!v.match(/^[a-z0-9_.]+$/i)) return text("no");

// check helper: holds
  v = checked(v);

// check helper2: holds
  checked(v);

// check bool: holds
  if (!isName(v)) return text("no");

// check repl: holds
  v = v.replace(/[^a-zA-Z0-9]/g, "");

// check num: holds
  v = String(Number(v));

// check int: holds
  v = parseInt(v, 10).toString();

// check table: holds
  v = { a: "one", b: "two" }[v];

// check switch: holds
  switch (v) { case "a": case "b": break; default: return text("no"); }

// check neg: holds
  if (/[^a-z0-9]/.test(v)) throw new Error("x");

// check some: holds
  if (!NAMES.some((n) => n === v)) throw new Error("x");

// check find: holds
  const found = NAMES.find((n) => n === v); if (!found) return text("no"); v = found;

// check uuid: holds
  if (!/^[0-9a-f]{8}-[0-9a-f]{4}$/.test(v)) throw new Error("x");

// check quote: holds
  v = quote(v);

// check none: fails
  

// check trim: fails
  v = v.trim();

// check repl1: fails
  v = v.replace(";", "");

// check deny: fails
  if (v.includes(";") || v.includes("&&")) throw new Error("x");

// check open: fails
  if (!/[a-z]+/.test(v)) throw new Error("x");

// check noret: fails
  if (!/^[a-z]+$/.test(v)) console.error("bad");

// check esc: fails
  v = v.replace(/"/g, '\\"');

// check dq: fails
  v = `"${v}"`;

// check len: fails
  if (v.length > 100) throw new Error("x");

// check typ: fails
  if (typeof v !== "string") throw new Error("x");

// check start: fails
  if (!v.startsWith("a")) throw new Error("x");

// use exec
  exec(`tool ${v}`); return text("x");

// use sync
  return text(execSync("tool " + v));

// use async
  const { stdout } = await execAsync(`tool ${v}`); return text(stdout);

// use run
  return text(await run(`tool ${v}`));

// use cp
  return text(cp.execSync(`tool ${v}`).toString());

// use spawnsh
  spawn(`tool ${v}`, { shell: true }); return text("x");

// use shc
  spawn("sh", ["-c", `tool ${v}`]); return text("x");

// use bash
  return text(execFileSync("/bin/bash", ["-c", "tool " + v]));

// use join
  return text(execSync(["tool", v].join(" ")));

// use cls
  return text(await new Runner().go(`tool ${v}`));

// use var
  let c = "tool"; if (v) c += ` ${v}`; return text(execSync(c));

// use execa
  const { stdout } = await execaCommand(`tool ${v}`, { shell: true }); return text(stdout);

// use shelljs
  return text(shell.exec(`tool ${v}`).stdout);

// use cb
  return new Promise((ok) => exec(`tool ${v}`, (e, out) => ok(text(out))));

// use concat
  return text(execSync("tool ".concat(v)));

// use arr
  const a = ["tool"]; a.push(v); return text(execSync(a.join(" ")));
