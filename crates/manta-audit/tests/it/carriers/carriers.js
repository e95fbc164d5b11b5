// How a value travels from a parameter to a place where it is used: `v` goes in, `w` comes out. What stands behind a colon is what is
// known to go wrong: `missed` where nothing checks the value, `loud` where a check before has settled what it may be.
// head
import { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import { StdioServerTransport } from "@modelcontextprotocol/sdk/server/stdio.js";
import fs from "node:fs"; import { execSync } from "node:child_process"; import { z } from "zod";
const server = new McpServer({ name: "m", version: "1.0.0" });
server.tool("t", { v: z.string() }, async ({ v }) => {
  CHECK
  CARRIER
  return { content: [{ type: "text", text: execSync(`ls ${w}`).toString() }] };
});
await server.connect(new StdioServerTransport());

// check
if (!/^[a-z0-9]+$/.test(v)) throw new Error("no");

// carrier map
const m = new Map(); m.set("k", v); const w = m.get("k");

// carrier map_ctor
const m = new Map([["k", v]]); const w = m.get("k");

// carrier map_iter
const m = new Map([["k", v]]); let w = ""; for (const [k, x] of m) w += x;

// carrier map_values
const m = new Map([["k", v]]); const w = [...m.values()].join(" ");

// carrier map_foreach
const m = new Map([["k", v]]); const out = []; m.forEach((x, k) => out.push(x)); const w = out.join(" ");

// carrier map_keys: loud
const m = new Map([[v, 1]]); const w = [...m.keys()][0];

// carrier map_nested
const m = new Map();
if (!m.has("a")) m.set("a", new Map());
m.get("a").set("b", v);
const w = m.get("a").get("b");

// carrier map_default
const m = new Map();
const list = m.get("a") ?? [];
list.push(v);
m.set("a", list);
const w = m.get("a").join(" ");

// carrier set
const s = new Set(); s.add(v); const w = [...s].join(" ");

// carrier set_from
const s = new Set([v]); const w = Array.from(s)[0];

// carrier weakmap
const k = {}; const m = new WeakMap(); m.set(k, v); const w = m.get(k);

// carrier class_field
class A { constructor(x) { this.x = x; } get() { return this.x; } } const w = new A(v).get();

// carrier class_private
class A { #x; constructor(x) { this.#x = x; } get value() { return this.#x; } } const w = new A(v).value;

// carrier class_setter
class A { set name(x) { this._x = x; } get name() { return this._x; } } const a = new A();
a.name = v;
const w = a.name;

// carrier class_static
class A { static x = ""; static put(x) { A.x = x; } static get() { return A.x; } } A.put(v);
const w = A.get();

// carrier class_inherit
class A { constructor(x) { this.x = x; } } class B extends A { run() { return this.x; } } const w = new B(v).run();

// carrier class_super
class A { wrap(x) { return x + " "; } } class B extends A { wrap(x) { return super.wrap(x).trim(); } } const w = new B().wrap(v);

// carrier class_map
class Reg extends Map { put(k, x) { this.set(k, x); return this; } } const w = new Reg().put("a", v).get("a");

// carrier class_array
class Stack extends Array { top() { return this[this.length - 1]; } } const s = new Stack();
s.push(v);
const w = s.top();

// carrier class_set
class Tags extends Set { text() { return [...this].join(" "); } } const s = new Tags();
s.add(v);
const w = s.text();

// carrier class_error
class Bad extends Error { constructor(m) { super("no " + m);
this.name = "Bad"; } } let w;
try { throw new Bad(v); } catch (e) { w = e.message; }

// carrier class_toString
class A { constructor(x) { this.x = x; } toString() { return this.x; } } const w = `${new A(v)}`;

// carrier class_toPrimitive: loud
class A { constructor(x) { this.x = x; } [Symbol.toPrimitive]() { return this.x; } } const w = "" + new A(v);

// carrier class_iterator
class A { constructor(x) { this.x = x; } *[Symbol.iterator]() { yield this.x; } } const w = [...new A(v)].join(" ");

// carrier class_builder
class Cmd { constructor() { this.parts = []; }
  add(x) { this.parts.push(x); return this; }
  build() { return this.parts.join(" "); } }
const w = new Cmd().add("-l").add(v).build();

// carrier class_arrow_field
class A { run = (x) => x; } const w = new A().run(v);

// carrier class_mixin
const Named = (Base) => class extends Base { name() { return this.x; } };
class P { constructor(x) { this.x = x; } } class Q extends Named(P) {} const w = new Q(v).name();

// carrier class_abstract
class A { go(x) { return this.step(x); } } class B extends A { step(x) { return x; } } const w = new B().go(v);

// carrier class_proto
function A(x) { this.x = x; } A.prototype.get = function () { return this.x; }; const w = new A(v).get();

// carrier object_create
const base = { get() { return this.x; } }; const o = Object.create(base); o.x = v; const w = o.get();

// carrier object_assign
const o = Object.assign({}, { a: 1 }, { v }); const w = o.v;

// carrier object_spread
const o = { ...{ a: 1 }, v }; const { v: w } = o;

// carrier object_rest
const { a, ...rest } = { a: 1, v }; const w = rest.v;

// carrier object_entries
const w = Object.entries({ v }).map(([k, x]) => `${k}=${x}`).join(" ");

// carrier object_fromEntries
const o = Object.fromEntries([["k", v]]); const w = o.k;

// carrier object_values
const w = Object.values({ a: v }).join(" ");

// carrier object_keys: loud
const w = Object.keys({ [v]: 1 })[0];

// carrier object_getter
const o = { get x() { return v; } }; const w = o.x;

// carrier object_define
const o = {}; Object.defineProperty(o, "x", { value: v }); const w = o.x;

// carrier object_define_get
const o = {}; Object.defineProperty(o, "x", { get: () => v }); const w = o.x;

// carrier object_forin
const o = { a: v }; let w = ""; for (const k in o) w += o[k];

// carrier object_reduce
const o = { a: v, b: "x" }; const w = Object.keys(o).reduce((acc, k) => acc + " " + o[k], "");

// carrier object_freeze
const o = Object.freeze({ v }); const w = o.v;

// carrier object_group: loud
const g = Object.groupBy([{ k: "a", v }], (x) => x.k); const w = g.a[0].v;

// carrier structured
const w = structuredClone({ a: { v } }).a.v;

// carrier json
const w = JSON.parse(JSON.stringify({ v })).v;

// carrier json_reviver
const w = JSON.parse(JSON.stringify({ v }), (k, x) => x).v;

// carrier array_index
const a = ["x", v]; const w = a[1];

// carrier array_destruct
const [, w] = ["x", v];

// carrier array_at
const w = [1, v].at(-1);

// carrier array_find
const w = [{ v }].find((x) => x.v).v;

// carrier array_filter
const w = [v, ""].filter(Boolean).join(" ");

// carrier array_map
const w = [v].map((x) => `-${x}`).join(" ");

// carrier array_flat
const w = [[v], ["b"]].flat().join(" ");

// carrier array_flatMap
const w = [v].flatMap((x) => ["-n", x]).join(" ");

// carrier array_reduce
const w = ["a", v].reduce((acc, x) => acc + " " + x);

// carrier array_reduce_obj
const o = [["k", v]].reduce((acc, [k, x]) => { acc[k] = x; return acc; }, {}); const w = o.k;

// carrier array_concat
const w = ["a"].concat(v, ["b"]).join(" ");

// carrier array_splice
const a = ["a", "b"]; a.splice(1, 0, v); const w = a.join(" ");

// carrier array_unshift
const a = ["a"]; a.unshift(v); const w = a.join(" ");

// carrier array_fill
const w = new Array(2).fill(v).join(" ");

// carrier array_from
const w = Array.from({ length: 1 }, () => v)[0];

// carrier array_sort
const w = ["b", v].sort().join(" ");

// carrier array_reverse
const w = ["b", v].reverse().join(" ");

// carrier array_slice
const w = ["b", v, "c"].slice(1, 2)[0];

// carrier array_with: loud
const w = ["b", v].toSorted().with(0, "x").join(" ");

// carrier array_entries
let w = ""; for (const [i, x] of ["a", v].entries()) w += i + x;

// carrier array_spread_call
const f = (...xs) => xs.join(" "); const w = f(...["a", v]);

// carrier array_push_spread
const a = []; a.push(...["-l", v]); const w = a.join(" ");

// carrier array_pop
const a = ["x", v]; const w = a.pop();

// carrier array_some
let w = ""; [v].some((x) => { w = x; return true; });

// carrier array_every_side
let w = ""; ["a", v].every((x) => { w += x; return true; });

// carrier array_indexset
const a = []; a[0] = "x"; a[a.length] = v; const w = a.join(" ");

// carrier typed_buffer
const w = Buffer.from(v).toString("utf8");

// carrier buffer_base64
const w = Buffer.from(Buffer.from(v).toString("base64"), "base64").toString();

// carrier buffer_concat: loud
const w = Buffer.concat([Buffer.from("a"), Buffer.from(v)]).toString();

// carrier textencoder: loud
const w = new TextDecoder().decode(new TextEncoder().encode(v));

// carrier atob: loud
const w = atob(btoa(v));

// carrier uri: loud
const w = decodeURIComponent(encodeURIComponent(v));

// carrier tagged
const tag = (s, ...xs) => s.reduce((acc, t, i) => acc + t + (xs[i] ?? ""), ""); const w = tag`-l ${v}`;

// carrier raw
const w = String.raw`-l ${v}`;

// carrier template_nested
const w = `${`${v}`}-x`;

// carrier concat_method
const w = "a".concat(" ", v);

// carrier padStart
const w = v.padStart(2, "0");

// carrier split_join
const w = v.split(",").join(" ");

// carrier split_destruct
const [w] = v.split(":");

// carrier replace_fn
const w = "X".replace("X", () => v);

// carrier replace_arg
const w = "ls NAME".replace("NAME", v);

// carrier replace_placeholders
const w = "{name} -l".replace(/\{(\w+)\}/g, (_, k) => ({ name: v })[k]);

// carrier match
const w = v.match(/(.*)/)[1];

// carrier match_named
const { groups } = /(?<n>.*)/.exec(v); const w = groups.n;

// carrier matchAll
const w = [...v.matchAll(/\S+/g)].map((m) => m[0]).join(" ");

// carrier repeat
const w = v.repeat(1);

// carrier normalize
const w = v.normalize("NFC").trim();

// carrier chars
let w = ""; for (const c of v) w += c;

// carrier chars_index
let w = ""; for (let i = 0; i < v.length; i++) w += v[i];

// carrier codes: missed
const w = String.fromCharCode(...[...v].map((c) => c.charCodeAt(0)));

// carrier slice_all
const w = v.slice(0, 100);

// carrier string_obj
const w = new String(v).toString();

// carrier util_format
const util = await import("node:util"); const w = util.format("%s -l", v);

// carrier querystring: loud
const w = new URLSearchParams({ v }).get("v");

// carrier url_param
const u = new URL("https://x.example/"); u.searchParams.set("q", v); const w = u.searchParams.get("q");

// carrier ternary
const w = v ? v : "x";

// carrier or_default
const w = v || "x";

// carrier nullish_assign
let w; w ??= v;

// carrier and
const w = v && `-n ${v}`;

// carrier comma
const w = (0, v);

// carrier switch
let w; switch (typeof v) { case "string": w = v; break; default: w = "x"; }

// carrier labelled
let w = ""; outer: for (const a of ["1"]) { for (const x of [v]) { w = x; break outer; } }

// carrier while
const q = [v]; let w = ""; while (q.length) { w += q.shift(); }

// carrier do_while
let i = 0, w = ""; do { w += v; } while (++i < 1);

// carrier recursion
const rev = (a) => (a.length === 0 ? "" : a[0] + rev(a.slice(1))); const w = rev([v]);

// carrier tree
const flat = (n) => n.kids ? n.kids.map(flat).join(" ") : n.text; const w = flat({ kids: [{ text: v }] });

// carrier closure
const make = (x) => () => x; const w = make(v)();

// carrier counter_closure
const store = (() => { let x = ""; return { set: (y) => { x = y; }, get: () => x }; })();
store.set(v);
const w = store.get();

// carrier currying
const join = (a) => (b) => (c) => a + b + c; const w = join("a")(" ")(v);

// carrier compose
const compose = (...fs) => (x) => fs.reduceRight((acc, f) => f(acc), x);
const w = compose((x) => x + "!", (x) => x.trim())(v);

// carrier pipe
const pipe = (...fs) => (x) => fs.reduce((acc, f) => f(acc), x);
const w = pipe((x) => x.trim(), (x) => `-n ${x}`)(v);

// carrier bind
const f = function (a, b) { return this.p + a + b; }.bind({ p: "x" }, v); const w = f("y");

// carrier call
const f = function (a) { return this.p + a; }; const w = f.call({ p: v }, "");

// carrier apply
const f = function (a) { return a; }; const w = f.apply(null, [v]);

// carrier reflect_apply
const f = (a) => a; const w = Reflect.apply(f, null, [v]);

// carrier reflect_get
const w = Reflect.get({ v }, "v");

// carrier proxy: loud
const p = new Proxy({ v }, { get: (t, k) => t[k] }); const w = p.v;

// carrier arguments
const f = function () { return arguments[0]; }; const w = f(v);

// carrier default_param
const f = (a = v) => a; const w = f();

// carrier default_from
const f = ({ a = v } = {}) => a; const w = f();

// carrier iife
const w = (function (x) { return x; })(v);

// carrier generator
function* g() { yield "a"; yield v; } const w = [...g()].join(" ");

// carrier generator_next: loud
function* g() { const x = yield 1; yield x; } const it = g(); it.next(); const w = it.next(v).value;

// carrier generator_delegate
function* a() { yield v; } function* b() { yield* a(); } const w = [...b()][0];

// carrier async_gen
async function* g() { yield v; } let w = ""; for await (const x of g()) w += x;

// carrier iterator_manual: missed
const it = { i: 0, next() { return this.i++ ? { done: true } : { done: false, value: v }; }, [Symbol.iterator]() { return this; } };
let w = "";
for (const x of it) w += x;

// carrier await
const w = await Promise.resolve(v);

// carrier then
const w = await Promise.resolve(v).then((x) => x.trim());

// carrier new_promise
const w = await new Promise((res) => res(v));

// carrier promise_all
const [, w] = await Promise.all([1, Promise.resolve(v)]);

// carrier promise_allSettled
const [r] = await Promise.allSettled([Promise.resolve(v)]); const w = r.value;

// carrier promise_race
const w = await Promise.race([Promise.resolve(v)]);

// carrier promise_catch
const w = await Promise.reject(v).catch((e) => e);

// carrier promise_timeout
const w = await new Promise((res) => setTimeout(() => res(v), 1));

// carrier promise_with
const { promise, resolve } = Promise.withResolvers(); resolve(v); const w = await promise;

// carrier callback
const f = (x, cb) => cb(null, x); let w; f(v, (e, x) => { w = x; });

// carrier promisify: loud
const util = await import("node:util");
const f = (x, cb) => cb(null, x);
const w = await util.promisify(f)(v);

// carrier emitter
const { EventEmitter } = await import("node:events");
const e = new EventEmitter();
let w;
e.on("x", (y) => { w = y; });
e.emit("x", v);

// carrier emitter_once: missed
const { EventEmitter, once } = await import("node:events");
const e = new EventEmitter();
const p = once(e, "x");
e.emit("x", v);
const [w] = await p;

// carrier als
const { AsyncLocalStorage } = await import("node:async_hooks");
const als = new AsyncLocalStorage();
const w = als.run(v, () => als.getStore());

// carrier global
globalThis.last = v; const w = globalThis.last;

// carrier env
process.env.LAST = v; const w = process.env.LAST;

// carrier throw
let w; try { throw v; } catch (e) { w = e; }

// carrier throw_error: loud
let w; try { throw new Error(v); } catch (e) { w = e.message; }

// carrier throw_cause: loud
let w; try { throw new Error("x", { cause: v }); } catch (e) { w = e.cause; }

// carrier finally
let w; try { w = v; } finally { w = w + ""; }

// carrier optional_call
const o = { f: (x) => x }; const w = o?.f?.(v);

// carrier computed_method
const k = "run"; const o = { [k](x) { return x; } }; const w = o[k](v);

// carrier table
const ops = { a: (x) => x, b: (x) => x + "!" }; const w = ops["a"](v);

// carrier table_map
const ops = new Map([["a", (x) => x]]); const w = ops.get("a")(v);

// carrier middleware: loud
const chain = [(x, next) => next(x.trim()), (x, next) => next(x + "!")];
const run = (i, x) => i < chain.length ? chain[i](x, (y) => run(i + 1, y)) : x;
const w = run(0, v);

// carrier destruct_default
const { a = v } = {}; const w = a;

// carrier destruct_nested
const { a: { b: [w] } } = { a: { b: [v] } };

// carrier swap
let a = v, b = "x"; [a, b] = [b, a]; const w = b;

// carrier chained_assign
let a, b; a = b = v; const w = a;

// carrier symbol_key
const k = Symbol("k"); const o = { [k]: v }; const w = o[k];

// carrier date
const w = new Date(v).toString() + v;

// carrier intl
const w = [v].toString();

// carrier plus_array
const w = "" + [v];

// carrier linked_list
class Node2 { constructor(x, next) { this.x = x;
this.next = next; } } let n = new Node2(v, new Node2("b", null));
let w = "";
while (n) { w += n.x; n = n.next; }

// carrier queue_class
class Q { constructor() { this.items = []; } enqueue(x) { this.items.push(x); } dequeue() { return this.items.shift(); } } const q = new Q();
q.enqueue(v);
const w = q.dequeue();

// carrier lru
class Lru { constructor() { this.m = new Map(); } get(k) { const x = this.m.get(k);
this.m.delete(k);
this.m.set(k, x); return x; } set(k, x) { this.m.set(k, x); } } const c = new Lru();
c.set("a", v);
const w = c.get("a");

// carrier memo_fn
const memo = (f) => { const c = new Map(); return (x) => { if (!c.has(x)) c.set(x, f(x)); return c.get(x); }; };
const w = memo((x) => x + "")(v);

// carrier debounce
const once2 = (f) => { let done = false, r; return (...a) => { if (!done) { r = f(...a); done = true; } return r; }; };
const w = once2((x) => x)(v);

// carrier visitor
const visit = (n, f) => { f(n);
for (const k of n.kids ?? []) visit(k, f); };
const got = [];
visit({ x: "a", kids: [{ x: v }] }, (n) => got.push(n.x));
const w = got.join(" ");

// carrier deep_set
const set = (o, p, x) => { const ks = p.split(".");
const last = ks.pop();
let c = o;
for (const k of ks) c = c[k] ??= {}; c[last] = x; };
const o = {};
set(o, "a.b", v);
const w = o.a.b;

// carrier deep_get
const get = (o, p) => p.split(".").reduce((c, k) => c?.[k], o); const w = get({ a: { b: v } }, "a.b");

// carrier deep_merge
const merge = (a, b) => { for (const k of Object.keys(b)) {
  if (typeof b[k] === "object") a[k] = merge(a[k] ?? {}, b[k]); else a[k] = b[k]; } return a; };
const w = merge({ a: { c: 1 } }, { a: { b: v } }).a.b;

// carrier pick
const pick = (o, ks) => Object.fromEntries(ks.filter((k) => k in o).map((k) => [k, o[k]]));
const w = pick({ v, x: 1 }, ["v"]).v;

// carrier omit
const omit = (o, ks) => Object.fromEntries(Object.entries(o).filter(([k]) => !ks.includes(k)));
const w = omit({ v, x: 1 }, ["x"]).v;

// carrier mapValues
const mv = (o, f) => Object.fromEntries(Object.entries(o).map(([k, x]) => [k, f(x)]));
const w = mv({ v }, (x) => x + "").v;

// carrier zip
const zip = (a, b) => a.map((x, i) => [x, b[i]]);
const w = zip(["-n"], [v]).map((p) => p.join("=")).join(" ");

// carrier chunk
const chunk = (a, n) => a.length ? [a.slice(0, n), ...chunk(a.slice(n), n)] : [];
const w = chunk([v, "b"], 1)[0][0];

// carrier uniq
const w = ["a", v].filter((x, i, a) => a.indexOf(x) === i).join(" ");

// carrier range_loop
const parts = [v, "b"];
let w = "";
for (let i = 0; i < parts.length; i += 1) { if (i > 0) w += " "; w += parts[i]; }

// carrier flags_obj
const flags = [];
const opts = { name: v, size: "1" };
for (const [k, x] of Object.entries(opts)) { flags.push(`--${k}`, String(x)); } const w = flags.join(" ");

// carrier if_push
const args = ["-l"]; if (v) args.push(v); const w = args.join(" ");

// carrier str_builder
let w = "ls"; w += " "; w += v; w += " -l";

// carrier stream: loud
const { Readable } = await import("node:stream");
let w = "";
for await (const c of Readable.from([v])) w += c;

// carrier stream_transform: missed
const { Readable, PassThrough } = await import("node:stream");
let w = "";
for await (const c of Readable.from([v]).pipe(new PassThrough())) w += c;

// carrier blob
const w = await new Blob([v]).text();

// carrier response
const w = await new Response(v).text();

// carrier file_roundtrip: missed
const f = "/tmp/x.txt"; fs.writeFileSync(f, v); const w = fs.readFileSync(f, "utf8");

// carrier json_file: missed
fs.writeFileSync("/tmp/x.json", JSON.stringify({ v }));
const w = JSON.parse(fs.readFileSync("/tmp/x.json", "utf8")).v;

// carrier class_map_super
class Reg extends Map { set(k, x) { return super.set(k.toLowerCase(), x); } } const r = new Reg(); r.set("A", v); const w = r.get("a");

// carrier class_map_entries
class Reg extends Map { constructor(entries) { super(entries); } all() { return Array.from(this.values()).join(" "); } }
const w = new Reg([["a", v]]).all();

// carrier class_array_index
class Words extends Array { last() { return this.at(-1); } } const a = new Words(); a.push("a", v); const w = a[1] + a.last();

// carrier class_set_iter
class Tags extends Set {} let w = ""; for (const tag of new Tags([v])) w += tag;

// carrier replace_table
const table = { name: v }; const w = "{name} -l".replace(/\{(\w+)\}/g, (all, key) => table[key] ?? all);

// carrier replace_setting
const table = { name: v }; const w = process.env.TEMPLATE.replace(/\{(\w+)\}/g, (all, key) => table[key]);

// carrier replace_twice
const table = new Map([["name", v], ["dir", "/srv"]]);
const w = "{{dir}}/{{name}}".replace(/\{\{(\w+)\}\}/g, (all, key) => table.get(key));

// carrier prototype_inherit
function A(x) { this.x = x; }
A.prototype.text = function () { return this.x; };
function B(x) { A.call(this, x); }
B.prototype = Object.create(A.prototype);
const w = new B(v).text();
