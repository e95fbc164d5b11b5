// Ways of a value through a program.
// parameter v
import { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import { execSync } from "node:child_process"; import { promisify } from "node:util"; import { EventEmitter } from "node:events"; import { AsyncLocalStorage } from "node:async_hooks"; import { z } from "zod"; import _ from "lodash";
const server = new McpServer({ name: "m", version: "1.0.0" });
const text = (t) => ({ content: [{ type: "text", text: String(t) }] });
const sh = (c) => execSync(c).toString();
class D { constructor(c) { this.c = c; } run() { return sh(this.c); } get cmd() { return this.c; } static of(c) { return new D(c); } with(c) { this.c = c; return this; } }
class P { #c; constructor(c) { this.#c = c; } run() { return sh(this.#c); } }
class Base { go(c) { return this.do(c); } } class Impl extends Base { do(c) { return sh(c); } }
class Sup { constructor(c) { this.x = c; } } class Sub extends Sup { constructor(c) { super(c); } run() { return sh(this.x); } }
const handlers = { x: (c) => sh(c) }; const hmap = new Map([["x", (c) => sh(c)]]);
async function acall(c) { return sh(c); }
function* gen(c) { yield c; } async function* agen(c) { yield c; }
const compose = (...fs) => (x) => fs.reduce((a, f) => f(a), x);
const curry = (a) => (b) => sh(a + b);
function opts({ cmd, n = 1 } = {}) { return sh(cmd); }
function rest(first, ...others) { return sh(others[0]); }
function old() { return sh(arguments[0]); }
const state = { c: "" }; let glob = "";
const mw = (f) => async (...a) => { try { return await f(...a); } catch (e) { throw e; } };
const tag = (s, ...vs) => s.reduce((a, x, i) => a + x + (vs[i] ?? ""), "");

// check none: fails


// use direct
  return text(sh(v));

// use cls
  return text(new D(v).run());

// use getter
  return text(sh(new D(v).cmd));

// use stat
  return text(D.of(v).run());

// use fluent
  return text(new D("x").with(v).run());

// use priv
  return text(new P(v).run());

// use virt
  return text(new Impl().go(v));

// use sup
  return text(new Sub(v).run());

// use tbl
  return text(handlers.x(v));

// use tblb
  return text(handlers["x"](v));

// use hmap
  return text(hmap.get("x")(v));

// use aw
  return text(await acall(v));

// use then
  return acall(v).then((r) => text(r));

// use thenv
  return Promise.resolve(v).then((c) => text(sh(c)));

// use all
  const [r] = await Promise.all([acall(v)]); return text(r);

// use allm
  return text(await Promise.all([v].map((c) => acall(c))));

// use settled
  const r = await Promise.allSettled([acall(v)]); return text(r[0].value);

// use race
  return text(await Promise.race([acall(v)]));

// use np
  return text(sh(await new Promise((ok) => ok(v))));

// use npt
  return text(sh(await new Promise((ok) => setTimeout(() => ok(v), 1))));

// use gen
  for (const c of gen(v)) return text(sh(c)); return text("");

// use gennext
  return text(sh(gen(v).next().value));

// use agen
  for await (const c of agen(v)) return text(sh(c)); return text("");

// use compose
  return text(compose((x) => x.trim(), sh)(v));

// use curry
  return text(curry("x ")(v));

// use opts
  return text(opts({ cmd: v }));

// use rest
  return text(rest("a", v));

// use old
  return text(old(v));

// use call
  return text(sh.call(null, v));

// use apply
  return text(sh.apply(null, [v]));

// use bind
  return text(sh.bind(null, v)());

// use spread
  return text(sh(...[v]));

// use ospread
  const o = { ...{ c: v } }; return text(sh(o.c));

// use assign
  const o = Object.assign({}, { c: v }); return text(sh(o.c));

// use destr
  const { c } = { c: v }; return text(sh(c));

// use destrd
  const { c = "x" } = { c: v }; return text(sh(c));

// use destrn
  const { a: { b } } = { a: { b: v } }; return text(sh(b));

// use destra
  const [, c] = [1, v]; return text(sh(c));

// use restd
  const { a, ...r } = { a: 1, c: v }; return text(sh(r.c));

// use computed
  const k = "c"; const o = { [k]: v }; return text(sh(o[k]));

// use entries
  for (const [k, c] of Object.entries({ a: v })) return text(sh(c)); return text("");

// use values
  return text(sh(Object.values({ a: v })[0]));

// use fromE
  return text(sh(Object.fromEntries([["a", v]]).a));

// use keys
  const o = { a: v }; return text(Object.keys(o).map((k) => sh(o[k])).join(""));

// use forin
  const o = { a: v }; for (const k in o) return text(sh(o[k])); return text("");

// use map
  return text([v].map(sh).join(""));

// use forEach
  [v].forEach((c) => sh(c)); return text("");

// use filter
  return text(sh([v].filter(Boolean)[0]));

// use reduce
  return text(sh(["x ", v].reduce((a, b) => a + b)));

// use find
  return text(sh([v].find((c) => c)));

// use flat
  return text(sh([[v]].flat()[0]));

// use flatMap
  return text(sh([v].flatMap((c) => [c])[0]));

// use concat
  return text(sh(["x"].concat([v])[1]));

// use slice
  return text(sh([1, v].slice(1)[0]));

// use push
  const a = []; a.push(v); return text(sh(a[0]));

// use unshift
  const a = []; a.unshift(v); return text(sh(a.shift()));

// use splice
  const a = [v]; return text(sh(a.splice(0, 1)[0]));

// use at
  return text(sh([v].at(-1)));

// use sort
  return text(sh([v].sort()[0]));

// use join
  return text(sh(["x", v].join(" ")));

// use Map
  const m = new Map(); m.set("a", v); return text(sh(m.get("a")));

// use Set
  const s = new Set([v]); for (const c of s) return text(sh(c)); return text("");

// use from
  return text(sh(Array.from([v])[0]));

// use weak
  const k = {}; const m = new WeakMap(); m.set(k, v); return text(sh(m.get(k)));

// use json
  return text(sh(JSON.parse(JSON.stringify({ a: v })).a));

// use clone
  return text(sh(structuredClone({ a: v }).a));

// use tpl
  return text(sh(`x ${v}`));

// use tag
  return text(sh(tag`x ${v}`));

// use concats
  return text(sh("x ".concat(v)));

// use repl
  return text(sh("x CMD".replace("CMD", v)));

// use replf
  return text(sh("x CMD".replace(/CMD/g, () => v)));

// use split
  return text(sh(v.split("|")[0]));

// use matchr
  const m = v.match(/(.*)/); return text(sh(m[1]));

// use exec
  const m = /(?<c>.*)/.exec(v); return text(sh(m.groups.c));

// use matchAll
  for (const m of v.matchAll(/(.+)/g)) return text(sh(m[1])); return text("");

// use sub
  return text(sh(v.substring(0, 100)));

// use trim
  return text(sh(v.trim().toLowerCase()));

// use pad
  return text(sh(v.padEnd(5)));

// use chars
  let c = ""; for (const ch of v) c += ch; return text(sh(c));

// use buf
  return text(sh(Buffer.from(v).toString()));

// use b64
  return text(sh(Buffer.from(v, "base64").toString("utf8")));

// use atob
  return text(sh(atob(v)));

// use deco
  return text(sh(decodeURIComponent(v)));

// use tern
  return text(sh(v ? v : "x"));

// use nul
  return text(sh(v ?? "x"));

// use or
  return text(sh(v || "x"));

// use opt
  const o = { c: v }; return text(sh(o?.c));

// use glob
  glob = v; return text(sh(glob));

// use state
  state.c = v; return text(sh(state.c));

// use closure
  const f = () => sh(v); return text(f());

// use iife
  return text((() => sh(v))());

// use nested
  function inner() { return sh(v); } return text(inner());

// use mw
  return text(await mw(async (c) => sh(c))(v));

// use switch
  switch (v) { case "a": return text("a"); default: return text(sh(v)); }

// use try
  let c; try { c = v; } catch { c = ""; } return text(sh(c));

// use fin
  let c = ""; try { } finally { c = v; } return text(sh(c));

// use exc
  try { throw new Error(v); } catch (e) { return text(sh(e.message)); }

// use label
  let c = ""; out: for (;;) { c = v; break out; } return text(sh(c));

// use while
  let c = v; while (c.startsWith(" ")) c = c.slice(1); return text(sh(c));

// use comma
  let c; c = (1, v); return text(sh(c));

// use chain
  let a, b; a = b = v; return text(sh(a));

// use plus
  let c = "x "; c += v; return text(sh(c));

// use emit
  const e = new EventEmitter(); e.on("x", (c) => sh(c)); e.emit("x", v); return text("");

// use als
  const s = new AsyncLocalStorage(); return s.run(v, () => text(sh(s.getStore())));

// use timeout
  setTimeout(() => sh(v), 1); return text("");

// use timeouta
  setTimeout(sh, 1, v); return text("");

// use micro
  queueMicrotask(() => sh(v)); return text("");

// use proxy
  const p = new Proxy({ c: v }, {}); return text(sh(p.c));

// use reflect
  return text(sh(Reflect.get({ c: v }, "c")));

// use def
  const o = {}; Object.defineProperty(o, "c", { value: v }); return text(sh(o.c));

// use create
  const o = Object.create({ c: v }); return text(sh(o.c));

// use freeze
  return text(sh(Object.freeze({ c: v }).c));

// use sym
  const s = Symbol(); const o = { [s]: v }; return text(sh(o[s]));

// use cb
  return new Promise((ok) => { const f = (c, done) => done(null, sh(c)); f(v, (e, r) => ok(text(r))); });

// use lodash
  return text(sh(_.get({ a: { b: v } }, "a.b")));

// use logical
  let c = ""; c ||= v; return text(sh(c));

// use nullish
  let c = null; c ??= v; return text(sh(c));

// use args
  return text(sh(String(v)));

// use num
  const o = { 0: v }; return text(sh(o[0]));

// use url
  return text(sh(new URLSearchParams({ a: v }).get("a")));

// use search
  const u = new URL("http://x"); u.searchParams.set("a", v); return text(sh(u.searchParams.get("a")));

// use td
  return text(sh(new TextDecoder().decode(new TextEncoder().encode(v))));

// use yieldstar
  function* g() { yield* [v]; } return text(sh([...g()][0]));

// use setg
  const o = { set c(x) { this.y = x; }, get c() { return this.y; } }; o.c = v; return text(sh(o.c));

// use thisf
  const o = { c: v, run() { return sh(this.c); } }; return text(o.run());

// use await2
  const c = await v; return text(sh(c));

// use fnprop
  const f = () => {}; f.c = v; return text(sh(f.c));
