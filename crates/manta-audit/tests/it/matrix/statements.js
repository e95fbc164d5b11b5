// Values that are checked, and the statements they are put into.
// parameter v
import { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import pg from "pg"; import mysql from "mysql2/promise"; import Database from "better-sqlite3"; import sqlite3 from "sqlite3"; import knex from "knex"; import { PrismaClient } from "@prisma/client"; import postgres from "postgres";
import { z } from "zod";
const server = new McpServer({ name: "m", version: "1.0.0" });
const COLS = ["name", "age"]; const SET = new Set(COLS);
const pool = new pg.Pool(); const db = new Database("x.db"); const my = mysql.createPool({}); const prisma = new PrismaClient(); const k = knex({}); const sql = postgres("x");
const text = (t) => ({ content: [{ type: "text", text: String(t) }] });
const ident = (x) => `"${x.replace(/"/g, '""')}"`;
function checked(x) { if (!/^[A-Za-z_]\w*$/.test(x)) throw new Error("bad"); return x; }

// check inc: holds
  if (!COLS.includes(v)) throw new Error("x");

// check set: holds
  if (!SET.has(v)) return text("no");

// check re: holds
  if (!/^\w+$/.test(v)) throw new Error("x");

// check helper: holds
  v = checked(v);

// check num: holds
  v = Number(v);

// check int: holds
  v = parseInt(v, 10);

// check mm: holds
  v = Math.max(1, Math.min(Number(v), 10));

// check tern: holds
  v = v === "asc" ? "ASC" : "DESC";

// check table: holds
  v = { a: "one" }[v] ?? "two";

// check repl: holds
  v = v.replace(/[^A-Za-z0-9_]/g, "");

// check none: fails
  

// check trim: fails
  v = v.trim();

// check deny: fails
  if (v.includes(";")) throw new Error("x");

// check drop: fails
  if (/drop/i.test(v)) throw new Error("x");

// check open: fails
  if (!/\w+/.test(v)) throw new Error("x");

// check noret: fails
  if (!COLS.includes(v)) console.error("x");

// check repl: fails
  v = v.replace(";", "");

// use pg
  return text((await pool.query(`SELECT * FROM t ORDER BY ${v}`)).rows);

// use pgo
  return text((await pool.query({ text: `SELECT * FROM t ORDER BY ${v}`, values: [] })).rows);

// use client
  const c = await pool.connect(); try { return text((await c.query(`SELECT * FROM t ORDER BY ${v}`)).rows); } finally { c.release(); }

// use bs3
  return text(db.prepare(`SELECT * FROM t ORDER BY ${v}`).all());

// use bsexec
  db.exec(`SELECT * FROM t ORDER BY ${v}`); return text("x");

// use my
  const [rows] = await my.query(`SELECT * FROM t ORDER BY ${v}`); return text(rows);

// use myx
  const [rows] = await my.execute(`SELECT * FROM t ORDER BY ${v}`); return text(rows);

// use prisma
  return text(await prisma.$queryRawUnsafe(`SELECT * FROM t ORDER BY ${v}`));

// use knex
  return text(await k.raw(`SELECT * FROM t ORDER BY ${v}`));

// use unsafe
  return text(await sql.unsafe(`SELECT * FROM t ORDER BY ${v}`));

// use concat
  return text(db.prepare("SELECT * FROM t LIMIT " + v).all());

// use built
  let q = "SELECT * FROM t"; if (v) q += ` WHERE a = ${v}`; return text((await pool.query(q)).rows);

// use join
  const p = ["SELECT * FROM t"]; p.push(`ORDER BY ${v}`); return text((await pool.query(p.join(" "))).rows);

// use sqlite3
  const d = new sqlite3.Database("x"); return new Promise((ok) => d.all(`SELECT * FROM t ORDER BY ${v}`, (e, r) => ok(text(r))));
