// Addresses that are checked or put together, and how they are asked.
// parameter u
import { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import axios from "axios"; import got from "got"; import nodeFetch from "node-fetch"; import https from "node:https"; import { request } from "undici";
import { z } from "zod";
const server = new McpServer({ name: "m", version: "1.0.0" });
const ALLOWED = new Set(["api.example.com", "example.org"]);
const HOSTS = ["api.example.com", "example.org"];
const BASE = "https://api.example.com";
const API = process.env.API_URL ?? "https://api.example.com";
const text = (t) => ({ content: [{ type: "text", text: String(t) }] });
function check(u) { const p = new URL(u); if (p.protocol !== "https:" || !ALLOWED.has(p.hostname)) throw new Error("host"); return p; }
function ok(u) { try { return HOSTS.includes(new URL(u).hostname); } catch { return false; } }
class Client { constructor(base) { this.base = base; this.http = axios.create({ baseURL: base }); } async get(p) { return (await this.http.get(p)).data; } async f(p) { const r = await fetch(`${this.base}${p}`); return r.json(); } }
const client = new Client(API);

// check has: holds
  if (!ALLOWED.has(new URL(u).hostname)) throw new Error("x"); const url = u;

// check inc: holds
  if (!HOSTS.includes(new URL(u).hostname)) return text("no"); const url = u;

// check helper: holds
  const url = check(u).toString();

// check helper2: holds
  const url = check(u).href;

// check helper3: holds
  check(u); const url = u;

// check bool: holds
  if (!ok(u)) return text("no"); const url = u;

// check base: holds
  const url = `${BASE}/items/${encodeURIComponent(u)}`;

// check based: holds
  const url = `${BASE}/items/${u}`;

// check env: holds
  const url = `${API}/items/${u}`;

// check plus: holds
  const url = API + "/search?q=" + u;

// check query: holds
  const url = `${BASE}/search?${new URLSearchParams({ q: u })}`;

// check URLb: holds
  const x = new URL("/search", BASE); x.searchParams.set("q", u); const url = x.toString();

// check URLp: holds
  const x = new URL(BASE); x.pathname = `/items/${u}`; const url = x.href;

// check table: holds
  const T = { a: "https://a.example/x", b: "https://b.example/y" }; const url = T[u]; if (!url) return text("no");

// check eq: holds
  if (new URL(u).host !== "api.example.com") throw new Error("x"); const url = u;

// check origin: holds
  if (new URL(u).origin !== "https://api.example.com") throw new Error("x"); const url = u;

// check ends: holds
  const h = new URL(u).hostname; if (h !== "example.com" && !h.endsWith(".example.com")) throw new Error("x"); const url = u;

// check some: holds
  const h = new URL(u).hostname; if (!HOSTS.some((d) => h === d || h.endsWith("." + d))) throw new Error("x"); const url = u;

// check prefix: holds
  if (!u.startsWith("https://api.example.com/")) throw new Error("x"); const url = u;

// check sub: holds
  if (!/^[a-z0-9-]+$/.test(u)) throw new Error("x"); const url = `https://${u}.example.com/api`;

// check num: holds
  const url = `${BASE}/items/${Number(u)}`;

// check int: holds
  const url = `${BASE}/items/${parseInt(u, 10)}`;

// check slash: holds
  const url = `${API.replace(/\/$/, "")}/${u.replace(/^\//, "")}`;

// check URLenc: holds
  const url = new URL(`items/${encodeURIComponent(u)}`, BASE).toString();

// check none: fails
  const url = u;

// check https: fails
  if (!u.startsWith("https://")) throw new Error("x"); const url = u;

// check proto: fails
  if (!["http:", "https:"].includes(new URL(u).protocol)) throw new Error("x"); const url = u;

// check deny: fails
  if (["localhost", "127.0.0.1"].includes(new URL(u).hostname)) throw new Error("x"); const url = u;

// check ends: fails
  if (!new URL(u).hostname.endsWith("example.com")) throw new Error("x"); const url = u;

// check inc: fails
  if (!u.includes("example.com")) throw new Error("x"); const url = u;

// check nosep: fails
  const url = API + u;

// check host: fails
  const url = `https://${u}/api`;

// check URL2: fails
  const url = new URL(u, BASE).toString();

// check startsw: fails
  if (!u.startsWith("https://api.example.com")) throw new Error("x"); const url = u;

// check noret: fails
  if (!ALLOWED.has(new URL(u).hostname)) console.error("bad"); const url = u;

// check either: holds
  u = u.includes("://") ? u : "https://" + u;
  if (!HOSTS.includes(new URL(u).hostname)) throw new Error("x");
  const url = u;

// check escaped: holds
  if (!u.startsWith("https://api.example.com/")) throw new Error("x");
  const url = encodeURI(u);

// check eitherends: fails
  u = u.includes("://") ? u : "https://" + u;
  if (!new URL(u).hostname.endsWith("example.com")) throw new Error("x");
  const url = u;

// check eitherfound: fails
  u = u.startsWith("http") ? u : `https://${u}`;
  if (!/(www|api)\.example\.com/.test(new URL(u).hostname)) throw new Error("x");
  const url = u;

// check withoutsign: fails
  const url = "https://" + u;
  if (url.includes("@")) throw new Error("x");

// check escapedlater: fails
  if (!new URL(u).hostname.endsWith("example.com")) throw new Error("x");
  const url = encodeURI(u);

// use fetch
  return text(await (await fetch(url)).text());

// use opts
  const r = await fetch(url, { method: "POST", redirect: "error" }); return text(await r.json());

// use axios
  return text((await axios.get(url)).data);

// use axiosc
  return text((await axios({ url, method: "get" })).data);

// use axiosr
  return text((await axios.request({ method: "GET", url: url })).data);

// use got
  return text(await got(url).text());

// use nf
  return text(await (await nodeFetch(url)).text());

// use undici
  const { body } = await request(url); return text(await body.text());

// use https
  return new Promise((res) => https.get(url, (r) => { let d = ""; r.on("data", (c) => (d += c)); r.on("end", () => res(text(d))); }));

// use obj
  const o = { url }; const r = await fetch(o.url); return text(await r.text());

// use URL
  const r = await fetch(new URL(url)); return text(await r.text());

// use Req
  const r = await fetch(new Request(url)); return text(await r.text());

// use fn
  const go = async (x) => (await fetch(x)).text(); return text(await go(url));

// use ctl
  const ac = new AbortController(); setTimeout(() => ac.abort(), 5); try { const r = await fetch(url, { signal: ac.signal }); if (!r.ok) throw new Error(`HTTP ${r.status}`); return text(await r.text()); } catch (e) { return text(e.message); }

// use retry
  for (let i = 0; i < 3; i++) { try { const r = await fetch(url); return text(await r.text()); } catch (e) { if (i === 2) throw e; } }
