// How a check tells what it found, and how that is asked for. `bad(v)` is the check and `use(v)` what is done with the value; `tool`
// registers the handler. What stands behind a colon is what is known to go wrong: `loud` where the check holds, `missed` where not.
// head
import { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import { StdioServerTransport } from "@modelcontextprotocol/sdk/server/stdio.js";
import fs from "node:fs"; import path from "node:path"; import assert from "node:assert"; import { execSync } from "node:child_process"; import { EventEmitter } from "node:events"; import { z } from "zod";
const server = new McpServer({ name: "m", version: "1.0.0" });
const ROOT = path.resolve("/srv/data");
const text = (t) => ({ content: [{ type: "text", text: String(t) }] });
// What several shapes ask.
function problems(v) { const out = []; if (bad(v)) out.push("no"); return out; }
const tool = (handler, schema = { v: z.string() }) => server.tool("t", schema, handler);

// use path
const use = (x) => fs.readFileSync(path.resolve(ROOT, x), "utf8");

// good path
const bad = (x) => { const t = path.resolve(ROOT, x); return t !== ROOT && !t.startsWith(ROOT + path.sep); };

// weak path
const bad = (x) => x.includes("etc");

// use cmd
const use = (x) => execSync(`ping ${x}`).toString();

// good cmd
const bad = (x) => !/^[a-z0-9]+$/.test(x);

// weak cmd
const bad = (x) => /rm/.test(x);

// use url
const use = (x) => fetch(x);

// good url
const bad = (x) => { const u = new URL(x); return u.protocol !== "https:" || u.hostname !== "api.example.com"; };

// weak url
const bad = (x) => x.includes("localhost");

// shape throws
function validate(v) { if (bad(v)) throw new Error("no"); }
tool(async ({ v }) => { validate(v); return text(use(v)); });

// shape returns_value
function validate(v) { if (bad(v)) throw new Error("no"); return v; }
tool(async ({ v }) => text(use(validate(v))));

// shape is_ok
const isOk = (v) => !bad(v);
tool(async ({ v }) => { if (!isOk(v)) return text("no"); return text(use(v)); });

// shape object_ok
function check(v) { if (bad(v)) return { ok: false, error: "no" }; return { ok: true, value: v }; }
tool(async ({ v }) => { const r = check(v); if (!r.ok) return text(r.error); return text(use(r.value)); });

// shape object_valid
function check(v) { if (bad(v)) return { valid: false, reason: "no" }; return { valid: true }; }
tool(async ({ v }) => { const { valid, reason } = check(v); if (!valid) return text(reason); return text(use(v)); });

// shape object_error
function check(v) { if (bad(v)) return { error: "no" }; return { value: v }; }
tool(async ({ v }) => { const r = check(v); if (r.error) return text(r.error); return text(use(r.value)); });

// shape object_in
function check(v) { return bad(v) ? { error: "no" } : { value: v }; }
tool(async ({ v }) => { const r = check(v); if ("error" in r) return text(r.error); return text(use(r.value)); });

// shape null
function check(v) { return bad(v) ? null : v; }
tool(async ({ v }) => { const safe = check(v); if (safe === null) return text("no"); return text(use(safe)); });

// shape undefined
function check(v) { if (!bad(v)) return v; }
tool(async ({ v }) => { const safe = check(v); if (!safe) return text("no"); return text(use(safe)); });

// shape coalesce: loud for path
function check(v) { return bad(v) ? undefined : v; }
tool(async ({ v }) => text(use(check(v) ?? "default")));

// shape tuple
function check(v) { return bad(v) ? [new Error("no"), null] : [null, v]; }
tool(async ({ v }) => { const [err, safe] = check(v); if (err) return text(err.message); return text(use(safe)); });

// shape message
function complaint(v) { if (bad(v)) return "not allowed"; return ""; }
tool(async ({ v }) => { const m = complaint(v); if (m) return text(m); return text(use(v)); });

// shape message_undefined
const complaint = (v) => (bad(v) ? `not allowed: ${v}` : undefined);
tool(async ({ v }) => { const m = complaint(v); if (m !== undefined) return text(m); return text(use(v)); });

// shape result_class
class Result { constructor(v, e) { this.v = v; this.e = e; } isErr() { return this.e !== undefined; } unwrap() { if (this.e) throw new Error(this.e); return this.v; } static ok(v) { return new Result(v); } static err(e) { return new Result(undefined, e); } }
const check = (v) => (bad(v) ? Result.err("no") : Result.ok(v));
tool(async ({ v }) => { const r = check(v); if (r.isErr()) return text("no"); return text(use(r.unwrap())); });

// shape result_unwrap
class Result { constructor(v, e) { this.v = v; this.e = e; } unwrap() { if (this.e) throw new Error(this.e); return this.v; } static ok(v) { return new Result(v); } static err(e) { return new Result(undefined, e); } }
const check = (v) => (bad(v) ? Result.err("no") : Result.ok(v));
tool(async ({ v }) => text(use(check(v).unwrap())));

// shape kind
const check = (v) => (bad(v) ? { kind: "error", message: "no" } : { kind: "safe", value: v });
tool(async ({ v }) => { const r = check(v); switch (r.kind) { case "error": return text(r.message); case "safe": return text(use(r.value)); } });

// shape kind_if
const check = (v) => (bad(v) ? { type: "err" } : { type: "ok", value: v });
tool(async ({ v }) => { const r = check(v); if (r.type === "ok") return text(use(r.value)); return text("no"); });

// shape static
class Validator { static check(v) { if (bad(v)) throw new TypeError("no"); return v; } }
tool(async ({ v }) => text(use(Validator.check(v))));

// shape fluent
class Check { constructor(v) { this.v = v; } allowed() { if (bad(this.v)) throw new Error("no"); return this; } get() { return this.v; } }
tool(async ({ v }) => text(use(new Check(v).allowed().get())));

// shape safe_class
class Safe { #v; constructor(v) { if (bad(v)) throw new RangeError("no"); this.#v = v; } toString() { return this.#v; } get value() { return this.#v; } }
tool(async ({ v }) => text(use(new Safe(v).value)));

// shape safe_class_string
class Safe { constructor(v) { if (bad(v)) throw new RangeError("no"); this.v = v; } toString() { return this.v; } }
tool(async ({ v }) => { const s = new Safe(v); return text(use(`${s}`)); });

// shape safe_class_parse
class Safe { static tryParse(v) { return bad(v) ? undefined : new Safe(v); } constructor(v) { this.v = v; } }
tool(async ({ v }) => { const s = Safe.tryParse(v); if (!s) return text("no"); return text(use(s.v)); });

// shape reject
const check = (v) => (bad(v) ? Promise.reject(new Error("no")) : Promise.resolve(v));
tool(async ({ v }) => text(use(await check(v))));

// shape new_promise
const check = (v) => new Promise((resolve, reject) => { if (bad(v)) reject(new Error("no")); else resolve(v); });
tool(async ({ v }) => text(use(await check(v))));

// shape new_promise_return
const check = (v) => new Promise((resolve, reject) => { if (bad(v)) return reject(new Error("no")); resolve(v); });
tool(async ({ v }) => text(use(await check(v))));

// shape then
async function check(v) { if (bad(v)) throw new Error("no"); return v; }
tool(({ v }) => check(v).then((s) => text(use(s))).catch((e) => text(e.message)));

// shape callback
function check(v, done) { if (bad(v)) return done(new Error("no")); done(null, v); }
tool(({ v }) => new Promise((resolve) => check(v, (err, s) => { if (err) { resolve(text("no")); return; } resolve(text(use(s))); })));

// shape assert
tool(async ({ v }) => { assert(!bad(v), "no"); return text(use(v)); });

// shape assert_ok
tool(async ({ v }) => { assert.ok(!bad(v)); return text(use(v)); });

// shape assert_equal
tool(async ({ v }) => { assert.equal(bad(v), false); return text(use(v)); });

// shape own_assert
function invariant(c, m) { if (!c) throw new Error(m); }
tool(async ({ v }) => { invariant(!bad(v), "no"); return text(use(v)); });

// shape wrapper
const guarded = (f) => async (args) => { if (bad(args.v)) return text("no"); return f(args); };
tool(guarded(async ({ v }) => text(use(v))));

// shape wrapper_entries
const guarded = (f) => async (args) => { for (const [, x] of Object.entries(args)) if (bad(x)) throw new Error("no"); return f(args); };
tool(guarded(async ({ v }) => text(use(v))));

// shape wrapper_values
const guarded = (f) => async (args) => { if (Object.values(args).some((x) => bad(x))) throw new Error("no"); return f(args); };
tool(guarded(async ({ v }) => text(use(v))));

// shape wrapper_keys
const NAMES = ["v", "path"];
const guarded = (f) => async (args) => { for (const k of NAMES) { if (args[k] !== undefined && bad(args[k])) throw new Error("no"); } return f(args); };
tool(guarded(async ({ v }) => text(use(v))));

// shape wrapper_rebuilt
const guarded = (f) => async (args) => { const safe = {}; for (const [k, x] of Object.entries(args)) { if (bad(x)) throw new Error("no"); safe[k] = x; } return f(safe); };
tool(guarded(async ({ v }) => text(use(v))));

// shape wrapper_from_entries
const one = (x) => { if (bad(x)) throw new Error("no"); return x; };
const guarded = (f) => async (args) => f(Object.fromEntries(Object.entries(args).map(([k, x]) => [k, one(x)])));
tool(guarded(async ({ v }) => text(use(v))));

// shape middleware
const chain = [(a) => { if (!a.v) throw new Error("missing"); }, (a) => { if (bad(a.v)) throw new Error("no"); }];
tool(async (args) => { for (const m of chain) m(args); return text(use(args.v)); });

// shape middleware_next: loud for cmd, loud for path, loud for url
const chain = [async (a, next) => { if (bad(a.v)) return text("no"); return next(); }];
const run = (a, last) => { let i = 0; const next = () => (i < chain.length ? chain[i++](a, next) : last(a)); return next(); };
tool(async (args) => run(args, async ({ v }) => text(use(v))));

// shape errors_list
tool(async ({ v }) => { const errors = []; if (!v) errors.push("missing"); if (bad(v)) errors.push("no"); if (errors.length > 0) return text(errors.join()); return text(use(v)); });

// shape errors_list_helper
tool(async ({ v }) => { const ps = problems(v); if (ps.length) throw new Error(ps.join()); return text(use(v)); });

// shape errors_valid
function check(v) { const errors = []; if (bad(v)) errors.push("no"); return { valid: errors.length === 0, errors }; }
tool(async ({ v }) => { const r = check(v); if (!r.valid) throw new Error(r.errors.join()); return text(use(v)); });

// shape rules_some
const RULES = [(v) => bad(v), (v) => v.length > 300];
tool(async ({ v }) => { if (RULES.some((r) => r(v))) throw new Error("no"); return text(use(v)); });

// shape rules_every
const RULES = [(v) => !bad(v), (v) => v.length < 300];
tool(async ({ v }) => { if (!RULES.every((r) => r(v))) throw new Error("no"); return text(use(v)); });

// shape rules_find
const RULES = [{ test: (v) => v.length > 300, message: "long" }, { test: (v) => bad(v), message: "no" }];
tool(async ({ v }) => { const broken = RULES.find((r) => r.test(v)); if (broken) return text(broken.message); return text(use(v)); });

// shape rules_loop
const RULES = [{ test: (v) => v.length > 300, message: "long" }, { test: (v) => bad(v), message: "no" }];
tool(async ({ v }) => { for (const { test, message } of RULES) { if (test(v)) throw new Error(message); } return text(use(v)); });

// shape by_name
const VALIDATORS = { t: (a) => { if (bad(a.v)) throw new Error("no"); }, other: () => {} };
tool(async (args) => { VALIDATORS["t"]?.(args); return text(use(args.v)); });

// shape flag
tool(async ({ v }) => { let ok = true; if (bad(v)) ok = false; if (!ok) return text("no"); return text(use(v)); });

// shape flag_loop
tool(async ({ v }) => { let ok = false; for (const f of [bad]) { if (!f(v)) { ok = true; break; } } if (!ok) throw new Error("no"); return text(use(v)); });

// shape else
tool(async ({ v }) => { if (bad(v)) { return text("no"); } else { return text(use(v)); } });

// shape if_good
tool(async ({ v }) => { if (!bad(v)) { return text(use(v)); } return text("no"); });

// shape and
tool(async ({ v }) => text(!bad(v) && use(v)));

// shape ternary
tool(async ({ v }) => text(bad(v) ? "no" : use(v)));

// shape try_catch
function check(v) { if (bad(v)) throw new Error("no"); }
tool(async ({ v }) => { try { check(v); } catch (e) { return text(e.message); } return text(use(v)); });

// shape try_all
function check(v) { if (bad(v)) throw new Error("no"); }
tool(async ({ v }) => { try { check(v); return text(use(v)); } catch (e) { return { isError: true, ...text(String(e)) }; } });

// shape try_bool
function check(v) { try { if (bad(v)) return false; return true; } catch { return false; } }
tool(async ({ v }) => { if (!check(v)) return text("no"); return text(use(v)); });

// shape try_let
function check(v) { if (bad(v)) throw new Error("no"); return v; }
tool(async ({ v }) => { let s; try { s = check(v); } catch { return text("no"); } return text(use(s)); });

// shape fail_never
function fail(m) { throw new Error(m); }
tool(async ({ v }) => { if (bad(v)) fail("no"); return text(use(v)); });

// shape fail_or
function fail(m) { throw new Error(m); }
tool(async ({ v }) => { !bad(v) || fail("no"); return text(use(v)); });

// shape refine
tool(async ({ v }) => text(use(v)), { v: z.string().refine((x) => !bad(x), "no") });

// shape super_refine
tool(async ({ v }) => text(use(v)), { v: z.string().superRefine((x, ctx) => { if (bad(x)) ctx.addIssue({ code: "custom", message: "no" }); }) });

// shape transform_issue
tool(async ({ v }) => text(use(v)), { v: z.string().transform((x, ctx) => { if (bad(x)) { ctx.addIssue({ code: "custom", message: "no" }); return z.NEVER; } return x; }) });

// shape transform_throw
tool(async ({ v }) => text(use(v)), { v: z.string().transform((x) => { if (bad(x)) throw new Error("no"); return x; }) });

// shape check_z
tool(async ({ v }) => text(use(v)), { v: z.string().check((ctx) => { if (bad(ctx.value)) ctx.issues.push({ code: "custom", message: "no", input: ctx.value }); }) });

// shape custom
tool(async ({ v }) => text(use(v)), { v: z.custom((x) => typeof x === "string" && !bad(x)) });

// shape pipe
const Safe = z.string().refine((x) => !bad(x));
tool(async ({ v }) => text(use(v)), { v: z.string().trim().pipe(Safe) });

// shape parse
const Args = z.object({ v: z.string().refine((x) => !bad(x)) });
tool(async (args) => { const { v } = Args.parse(args); return text(use(v)); });

// shape safe_parse
const Args = z.object({ v: z.string().refine((x) => !bad(x)) });
tool(async (args) => { const r = Args.safeParse(args); if (!r.success) return text(r.error.message); return text(use(r.data.v)); });

// shape parse_object_refine
const Args = z.object({ v: z.string() }).refine((a) => !bad(a.v), { message: "no" });
tool(async (args) => { const a = await Args.parseAsync(args); return text(use(a.v)); });

// shape neverthrow: loud for cmd, loud for path
import { ok, err } from "neverthrow";
const check = (v) => (bad(v) ? err("no") : ok(v));
tool(async ({ v }) => { const r = check(v); if (r.isErr()) return text(r.error); return text(use(r.value)); });

// shape neverthrow_match: loud for cmd, loud for path
import { ok, err } from "neverthrow";
const check = (v) => (bad(v) ? err("no") : ok(v));
tool(async ({ v }) => check(v).match((s) => text(use(s)), (e) => text(e)));

// shape neverthrow_map: loud for cmd, loud for path
import { ok, err } from "neverthrow";
const check = (v) => (bad(v) ? err("no") : ok(v));
tool(async ({ v }) => text(check(v).map((s) => use(s)).unwrapOr("no")));

// shape cache
const seen = new Map();
function check(v) { if (seen.has(v)) return seen.get(v); const ok = !bad(v); seen.set(v, ok); return ok; }
tool(async ({ v }) => { if (!check(v)) throw new Error("no"); return text(use(v)); });

// shape cache_value
const seen = new Map();
function check(v) { const old = seen.get(v); if (old) return old; if (bad(v)) throw new Error("no"); seen.set(v, v); return v; }
tool(async ({ v }) => text(use(check(v))));

// shape security_manager
class Security { constructor(config = {}) { this.strict = config.strict ?? true; } validate(v) { if (this.strict && bad(v)) throw new Error("no"); return v; } }
const security = new Security();
tool(async ({ v }) => text(use(security.validate(v))));

// shape security_singleton
class Security { static #one; static get() { return (Security.#one ??= new Security()); } validate(v) { if (bad(v)) return { allowed: false }; return { allowed: true }; } }
tool(async ({ v }) => { if (!Security.get().validate(v).allowed) throw new Error("no"); return text(use(v)); });

// shape base_class
class BaseTool { validate(a) { if (bad(a.v)) throw new Error("no"); } async execute(a) { this.validate(a); return this.run(a); } }
class T extends BaseTool { async run({ v }) { return text(use(v)); } }
const t = new T();
tool((args) => t.execute(args));

// shape base_class_abstract
class BaseTool { async execute(a) { const e = this.validate(a); if (e) return text(e); return this.run(a); } validate() { return null; } }
class T extends BaseTool { validate(a) { return bad(a.v) ? "no" : null; } async run({ v }) { return text(use(v)); } }
const t = new T();
tool(t.execute.bind(t));

// shape map_filter
tool(async ({ v }) => { const safe = [v].filter((x) => !bad(x)); return text(safe.map((x) => use(x)).join()); });

// shape filter_first
tool(async ({ v }) => { const [s] = [v].filter((x) => !bad(x)); if (!s) return text("no"); return text(use(s)); });

// shape foreach_throw
tool(async ({ v }) => { [v].forEach((x) => { if (bad(x)) throw new Error("no"); }); return text(use(v)); });

// shape list_any
tool(async ({ v }) => { const list = v.split(","); if (list.some(bad)) throw new Error("no"); return text(list.map((x) => use(x)).join()); });

// shape list_find
tool(async ({ v }) => { const list = v.split(","); const wrong = list.find((x) => bad(x)); if (wrong) return text(`no: ${wrong}`); for (const x of list) use(x); return text("ok"); });

// shape list_filter_bad
tool(async ({ v }) => { const list = v.split(","); const wrong = list.filter((x) => bad(x)); if (wrong.length > 0) throw new Error("no"); for (const x of list) use(x); return text("ok"); });

// shape list_loop
tool(async ({ v }) => { const list = v.split(","); for (const x of list) { if (bad(x)) throw new Error("no"); } return text(list.map((x) => use(x)).join()); });

// shape list_continue
tool(async ({ v }) => { const out = []; for (const x of v.split(",")) { if (bad(x)) { out.push("no"); continue; } out.push(use(x)); } return text(out.join()); });

// shape list_reduce: loud for cmd
tool(async ({ v }) => { const list = v.split(","); const ok = list.reduce((a, x) => a && !bad(x), true); if (!ok) throw new Error("no"); return text(list.map((x) => use(x)).join()); });

// shape list_map_throw
const one = (x) => { if (bad(x)) throw new Error("no"); return x; };
tool(async ({ v }) => text(v.split(",").map(one).map((x) => use(x)).join()));

// shape list_flatmap
tool(async ({ v }) => text(v.split(",").flatMap((x) => (bad(x) ? [] : [x])).map((x) => use(x)).join()));

// shape list_async
tool(async ({ v }) => { const list = v.split(","); await Promise.all(list.map(async (x) => { if (bad(x)) throw new Error("no"); })); return text(list.map((x) => use(x)).join()); });

// shape generator: loud for cmd
function* good(list) { for (const x of list) if (!bad(x)) yield x; }
tool(async ({ v }) => text([...good(v.split(","))].map((x) => use(x)).join()));

// shape optional
tool(async ({ v }) => { if (v !== undefined && bad(v)) throw new Error("no"); return text(use(v)); });

// shape optional_default
tool(async ({ v = "x" }) => { if (bad(v)) throw new Error("no"); return text(use(v)); });

// shape both
const one = (v) => { if (typeof v !== "string" || v.length === 0) throw new Error("empty"); if (bad(v)) throw new Error("no"); };
tool(async ({ v }) => { one(v); return text(use(v)); });

// shape while_true
tool(async ({ v }) => { while (true) { if (bad(v)) break; return text(use(v)); } return text("no"); });

// shape do_once
tool(async ({ v }) => { do { if (bad(v)) break; return text(use(v)); } while (false); return text("no"); });

// shape label
tool(async ({ v }) => { check: { if (!bad(v)) break check; return text("no"); } return text(use(v)); });

// shape switch_true
tool(async ({ v }) => { switch (true) { case bad(v): return text("no"); default: return text(use(v)); } });

// shape finally
tool(async ({ v }) => { let s = null; try { if (!bad(v)) s = v; } finally { Date.now(); } if (s === null) return text("no"); return text(use(s)); });

// shape state
let current = null;
function select(v) { if (bad(v)) throw new Error("no"); current = v; }
tool(async ({ v }) => { select(v); return text(use(current)); });

// shape context
tool(async (args) => { const ctx = { args, error: null }; if (bad(ctx.args.v)) ctx.error = "no"; if (ctx.error) return text(ctx.error); return text(use(ctx.args.v)); });

// shape error_first
const attempt = (f) => { try { return { value: f() }; } catch (error) { return { error }; } };
tool(async ({ v }) => { const { value, error } = attempt(() => { if (bad(v)) throw new Error("no"); return v; }); if (error) return text("no"); return text(use(value)); });

// shape attempt_async
const attempt = async (p) => { try { return [await p, null]; } catch (e) { return [null, e]; } };
async function check(v) { if (bad(v)) throw new Error("no"); return v; }
tool(async ({ v }) => { const [s, e] = await attempt(check(v)); if (e) return text("no"); return text(use(s)); });

// shape freeze
const Policy = Object.freeze({ allows(v) { return !bad(v); } });
tool(async ({ v }) => { if (!Policy.allows(v)) throw new Error("no"); return text(use(v)); });

// shape proxy_call
const handlers = { async run({ v }) { return text(use(v)); } };
const checks = { run({ v }) { if (bad(v)) throw new Error("no"); } };
tool(async (args) => { const name = "run"; if (checks[name]) checks[name](args); return handlers[name](args); });

// shape count
tool(async ({ v }) => { let bads = 0; if (bad(v)) bads++; if (bads > 0) throw new Error("no"); return text(use(v)); });

// shape score: loud for cmd, loud for path, loud for url
function risk(v) { let score = 0; if (bad(v)) score += 10; if (v.length > 200) score += 1; return score; }
tool(async ({ v }) => { if (risk(v) >= 10) throw new Error("no"); return text(use(v)); });

// shape level
const level = (v) => (bad(v) ? "blocked" : "safe");
tool(async ({ v }) => { if (level(v) !== "safe") throw new Error("no"); return text(use(v)); });

// shape level_enum
const Risk = { LOW: 0, HIGH: 1 };
const level = (v) => (bad(v) ? Risk.HIGH : Risk.LOW);
tool(async ({ v }) => { if (level(v) === Risk.HIGH) throw new Error("no"); return text(use(v)); });

// shape set_of_bad
tool(async ({ v }) => { const s = new Set(); if (bad(v)) s.add("no"); if (s.size) throw new Error("no"); return text(use(v)); });

// shape event
const bus = new EventEmitter();
bus.on("check", (v) => { if (bad(v)) throw new Error("no"); });
tool(async ({ v }) => { bus.emit("check", v); return text(use(v)); });

// shape object_put
tool(async ({ v }) => { const r = { value: v }; if (bad(v)) r.error = "no"; if (r.error) return text(r.error); return text(use(r.value)); });

// shape object_put_in
tool(async ({ v }) => { const r = {}; if (bad(v)) r.error = "no"; if ("error" in r) return text(r.error); return text(use(v)); });

// shape errors_object
tool(async ({ v }) => { const errors = {}; if (bad(v)) errors.v = "no"; if (Object.keys(errors).length > 0) throw new Error("no"); return text(use(v)); });

// shape errors_spread
tool(async ({ v }) => { const errors = []; errors.push(...problems(v)); if (errors.length) throw new Error("no"); return text(use(v)); });

// shape errors_concat
tool(async ({ v }) => { const errors = [...problems(v), ...problems("x")]; if (errors.length === 0) return text(use(v)); return text("no"); });

// shape errors_join
tool(async ({ v }) => { const message = problems(v).join("; "); if (message) return text(message); return text(use(v)); });

// shape errors_first
tool(async ({ v }) => { const [first] = problems(v); if (first) return text(first); return text(use(v)); });

// shape errors_index
tool(async ({ v }) => { const ps = problems(v); if (ps[0]) return text(ps[0]); return text(use(v)); });

// shape errors_some
function problems(v) { const out = []; if (bad(v)) out.push({ level: "error" }); return out; }
tool(async ({ v }) => { if (problems(v).some((p) => p.level === "error")) throw new Error("no"); return text(use(v)); });

// shape errors_loop
tool(async ({ v }) => { for (const p of problems(v)) throw new Error(p); return text(use(v)); });

// shape list_errors
tool(async ({ v }) => { const list = v.split(","); const errors = []; for (const x of list) if (bad(x)) errors.push(x); if (errors.length) throw new Error("no"); return text(list.map((x) => use(x)).join()); });

// shape map_of_errors
tool(async ({ v }) => { const m = new Map(); if (bad(v)) m.set("v", "no"); if (m.size > 0) throw new Error("no"); return text(use(v)); });

// shape issues_field
class Report { constructor() { this.issues = []; } add(m) { this.issues.push(m); } get ok() { return this.issues.length === 0; } }
tool(async ({ v }) => { const r = new Report(); if (bad(v)) r.add("no"); if (!r.ok) return text("no"); return text(use(v)); });

// shape has_own
function check(v) { return bad(v) ? { error: "no" } : { value: v }; }
tool(async ({ v }) => { const r = check(v); if (Object.hasOwn(r, "error")) return text("no"); return text(use(r.value)); });

// shape instanceof
function check(v) { return bad(v) ? new Error("no") : v; }
tool(async ({ v }) => { const r = check(v); if (r instanceof Error) return text(r.message); return text(use(r)); });

// shape typeof
function check(v) { return bad(v) ? { content: [{ type: "text", text: "no" }], isError: true } : v; }
tool(async ({ v }) => { const r = check(v); if (typeof r !== "string") return r; return text(use(r)); });

// shape not_undefined
function check(v) { return bad(v) ? { content: [], isError: true } : undefined; }
tool(async ({ v }) => { const denied = check(v); if (denied) return denied; return text(use(v)); });

// shape errors_count
tool(async ({ v }) => { const errors = []; if (bad(v)) errors.push("no"); errors.push("end"); if (errors.length > 1) return text("no"); return text(use(v)); });

// shape list_count
tool(async ({ v }) => { const notes = ["start"]; if (bad(v)) notes.push("no"); if (notes.length === 2) throw new Error("no"); return text(use(v)); });
