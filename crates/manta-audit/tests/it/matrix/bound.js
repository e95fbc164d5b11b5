// Values that are bound to a statement, or quoted as a name: nothing has to be checked.
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

// check none: holds
  

// check trim: holds
  v = v.trim();

// check deny: holds
  if (v.includes(";")) throw new Error("x");

// check drop: holds
  if (/drop/i.test(v)) throw new Error("x");

// check open: holds
  if (!/\w+/.test(v)) throw new Error("x");

// check noret: holds
  if (!COLS.includes(v)) console.error("x");

// check repl: holds
  v = v.replace(";", "");

// use pg
  return text((await pool.query("SELECT * FROM t WHERE a = $1", [v])).rows);

// use bs3
  return text(db.prepare("SELECT * FROM t WHERE a = ?").all(v));

// use my
  const [r] = await my.execute("SELECT * FROM t WHERE a = ?", [v]); return text(r);

// use tag
  return text(await sql`SELECT * FROM t WHERE a = ${v}`);

// use prisma
  return text(await prisma.$queryRaw`SELECT * FROM t WHERE a = ${v}`);

// use knex
  return text(await k("t").where({ a: v }));

// use like
  return text((await pool.query("SELECT * FROM t WHERE a LIKE $1", [`%${v}%`])).rows);

// use many
  const vs = v.split(","); const marks = vs.map(() => "?").join(","); return text(db.prepare(`SELECT * FROM t WHERE a IN (${marks})`).all(...vs));

// use many2
  const vs = v.split(","); const marks = vs.map((_, i) => `$${i + 1}`).join(", "); return text((await pool.query(`SELECT * FROM t WHERE a IN (${marks})`, vs)).rows);

// use ident
  return text((await pool.query(`SELECT * FROM ${ident(v)}`)).rows);

// use conds
  const c = [], a = []; if (v) { a.push(v); c.push(`a = $${a.length}`); } const w = c.length ? `WHERE ${c.join(" AND ")}` : ""; return text((await pool.query(`SELECT * FROM t ${w}`, a)).rows);

// use order
  const d = v === "desc" ? "DESC" : "ASC"; return text((await pool.query(`SELECT * FROM t ORDER BY a ${d}`)).rows);

// use upd
  const o = { a: v, b: 1 }; const s = Object.keys(o).map((x, i) => `${x} = $${i + 1}`).join(", "); return text((await pool.query(`UPDATE t SET ${s}`, Object.values(o))).rows);
