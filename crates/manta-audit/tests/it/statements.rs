//! Statements for databases, through clients that the scanner knows and through those it does not.

use crate::common::found;

const QUIET: Vec<String> = Vec::new();

/// A server whose tool `t` takes `p` and runs `body`.
fn server(before: &str, body: &str) -> Vec<String> {
    found([(
        "index.ts",
        &*format!(
            r#"
import {{ McpServer }} from "@modelcontextprotocol/sdk/server/mcp.js";
import {{ z }} from "zod";
{before}
const server = new McpServer({{ name: "x", version: "1" }});
server.tool("t", {{ p: z.string() }}, async ({{ p }}) => {{
  {body}
  return {{ content: [] }};
}});
"#
        ),
    )])
}

#[test]
fn a_statement_may_be_a_member_of_what_is_given_or_posted() {
    let warehouse = r#"import { open } from "some-warehouse"; const db = open();"#;
    let injected = ["sql-injection in t"];
    assert_eq!(server(warehouse, "await db.executeSql(7, { query: `SELECT a FROM b WHERE c = '${p}'` });"), injected);
    assert_eq!(
        server(warehouse, "await db.POST('/query', { body: { sql: `DELETE FROM b WHERE c = '${p}'` } });"),
        injected
    );
    assert_eq!(server(warehouse, "await db.runQuery(`SELECT a FROM b WHERE c = '${p}'`);"), injected);
    // Bound, no statement, or nobody who runs it.
    assert_eq!(
        server(warehouse, "await db.executeSql(7, { query: 'SELECT a FROM b WHERE c = ?', values: [p] });"),
        QUIET
    );
    assert_eq!(server(warehouse, "await db.runQuery({ query: `hits for ${p}` });"), QUIET);
    assert_eq!(server(warehouse, "await db.post({ text: `Create a page about ${p}` });"), QUIET);
    assert_eq!(server(warehouse, "db.note({ query: `SELECT a FROM b WHERE c = '${p}'` });"), QUIET);
}

#[test]
fn queries_of_piped_steps_are_statements() {
    let logs = r#"import { Client } from "some-log-store"; const logs = new Client();"#;
    let injected = ["sql-injection in t"];
    assert_eq!(
        server(logs, r#"await logs.queryExecute({ body: { query: `fetch logs | filter host == "${p}"` } });"#),
        injected
    );
    assert_eq!(server(logs, "await logs.execute('db', `${p} | getschema`);"), injected);
    let quoted = r#"const q = p.replace(/\\/g, "\\\\").replace(/"/g, '\\"');
        await logs.queryExecute({ body: { query: `fetch logs | filter host == "${q}"` } });"#;
    assert_eq!(server(logs, quoted), QUIET);
    let named = r#"if (!/^\w+$/.test(p)) throw new Error("no"); await logs.execute("db", `${p} | getschema`);"#;
    assert_eq!(server(logs, named), QUIET);
    // Lines for a shell are no queries.
    assert_eq!(server(logs, "await logs.execute(`list ${p} | sort`);"), QUIET);
}

#[test]
fn tags_that_only_lay_text_out_keep_what_is_in_it() {
    let before = r#"import { stripIndent } from "common-tags"; import { Pool } from "pg"; const pool = new Pool();"#;
    let body = |hole: &str| {
        format!(
            "let q = stripIndent`\n    select a\n    from b\n  `;\n  q += ` where c in ({hole})`;\n  await pool.query(q);"
        )
    };
    assert_eq!(server(before, &body("${[p].map((one) => `'${one}'`).join(\",\")}")), ["sql-injection in t"]);
    assert_eq!(server(before, &body("${[p].length}")), QUIET);
}

/// A tool for statements, whose program looks at them first.
fn query_tool(library: &str, setup: &str, check: &str) -> Vec<String> {
    let server = format!(
        r#"
import re
import {library}
from mcp.server.fastmcp import FastMCP
mcp = FastMCP("x")
{setup}

@mcp.tool()
def query(sql: str) -> str:
    {check}
    cursor = connection.cursor()
    cursor.execute(sql)
    return str(cursor.fetchall())
"#
    );
    found([("server.py", server.as_str())])
}

const PSYCOPG: (&str, &str) = ("psycopg2", "connection = psycopg2.connect(\"\")");
const SQLITE: (&str, &str) = ("sqlite3", "connection = sqlite3.connect(\"a.db\")");
const GIVES_WAY: [&str; 1] = ["sql-injection in query"];

/// Deny-lists and prefixes are evaluated: another statement that does the same must be stopped too.
#[test]
fn checks_of_whole_statements_are_tried() {
    let tool = |(library, setup): (&str, &str), check: &str| query_tool(library, setup, check);
    let selects = "if not sql.strip().upper().startswith(\"SELECT\"): raise ValueError()";
    // This library runs what stands behind a semicolon, and that one refuses it.
    assert_eq!(tool(PSYCOPG, selects), GIVES_WAY);
    assert_eq!(tool(SQLITE, selects), [""; 0]);
    let no_semicolon = format!("{selects}\n    if \";\" in sql: raise ValueError()");
    assert_eq!(tool(PSYCOPG, &no_semicolon), [""; 0]);
    // What begins so may go on as anything.
    let reads = "if not sql.strip().upper().startswith((\"SELECT\", \"WITH\")): raise ValueError()";
    assert_eq!(tool(SQLITE, reads), GIVES_WAY);
    let words = r#"if re.search(r"\b(DROP|DELETE|INSERT|UPDATE|ALTER|CREATE|TRUNCATE|REPLACE)\b", sql, re.IGNORECASE): raise ValueError()"#;
    assert_eq!(tool(PSYCOPG, words), [""; 0]);
    let capitals = "if any(word in sql for word in (\"DROP\", \"DELETE\", \"INSERT\")): raise ValueError()";
    assert_eq!(tool(SQLITE, capitals), GIVES_WAY);
    // Another library that has the letters of one in its name prepares what it is given.
    let fetched = format!(
        "import asyncpg\nfrom mcp.server.fastmcp import FastMCP\nmcp = FastMCP(\"x\")\n\n@mcp.tool()\nasync def query(sql: str) -> str:\n    {selects}\n    connection = await asyncpg.connect(\"\")\n    return str(await connection.fetch(sql))\n"
    );
    assert_eq!(found([("server.py", fetched.as_str())]), [""; 0]);
    let with = fetched.replace("(\"SELECT\")", "((\"SELECT\", \"WITH\"))");
    assert_eq!(found([("server.py", with.as_str())]), GIVES_WAY);
    // That a tool is for reading is said to the model, and not to the database.
    assert_eq!(query_tool("sqlite3", &format!("{}\nABOUT = \"runs a read only query\"", SQLITE.1), reads), GIVES_WAY);
    // Without a check, statements are what the tool is for.
    assert_eq!(tool(PSYCOPG, "pass"), [""; 0]);
}

#[test]
fn a_database_that_only_reads_needs_no_check() {
    let reads = "if not sql.strip().upper().startswith((\"SELECT\", \"WITH\")): raise ValueError()";
    let read_only = "connection = sqlite3.connect(\"file:a.db?mode=ro\", uri=True)";
    assert_eq!(query_tool("sqlite3", read_only, reads), [""; 0]);
    let session = "connection = psycopg2.connect(\"\")\nconnection.cursor().execute(\"SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY\")";
    assert_eq!(query_tool("psycopg2", session, reads), [""; 0]);
    assert_eq!(query_tool("duckdb", "connection = duckdb.connect(\"a.db\", read_only=True)", reads), [""; 0]);
    assert_eq!(query_tool("duckdb", "connection = duckdb.connect(\"a.db\")", reads), GIVES_WAY);
}

/// A transaction that is opened for reading ends where the caller's statement says so.
#[test]
fn a_transaction_ends_where_a_statement_ends_it() {
    let run = |query: &str| {
        let body = format!(
            "const client = await pool.connect(); await client.query('BEGIN TRANSACTION READ ONLY'); const r = await {query}; await client.query('ROLLBACK');"
        );
        server("import { Pool } from \"pg\"; const pool = new Pool();", &body)
    };
    assert_eq!(run("client.query(p)"), ["sql-injection in t"]);
    assert_eq!(run("client.query({ text: p, values: [1] })"), QUIET);
    assert_eq!(run("client.query(p, [1])"), QUIET);
    assert_eq!(run("((values = []) => client.query(p, values))()"), ["sql-injection in t"]);
    assert_eq!(run("client.query(p.replace(/;/g, ''))"), QUIET);
}

#[test]
fn a_transaction_runs_what_its_connection_runs() {
    let sql = [
        (r#"import knex from "knex"; const db = knex({});"#, "await db.transaction(async (tx) => tx.raw(STATEMENT));"),
        (
            r#"import { PrismaClient } from "@prisma/client"; const db = new PrismaClient();"#,
            "await db.$transaction(async (tx) => { await tx.$queryRawUnsafe(STATEMENT); }, { timeout: 5 });",
        ),
        (
            r#"import postgres from "postgres"; const db = postgres("x");"#,
            "await db.begin((tx) => tx.unsafe(STATEMENT));",
        ),
        (
            r#"import { DataSource } from "typeorm"; const db = new DataSource({});"#,
            r#"await db.transaction("SERIALIZABLE", async (tx) => tx.query(STATEMENT));"#,
        ),
    ];
    for (before, body) in sql {
        let run = |statement: &str| server(before, &body.replace("STATEMENT", statement));
        assert_eq!(run("`SELECT a FROM b WHERE c = '${p}'`"), ["sql-injection in t"], "{body}");
        assert_eq!(run(r#""SELECT a FROM b WHERE c = 1""#), QUIET, "{body}");
    }
    let graphs = r#"import neo4j from "neo4j-driver"; const session = neo4j.driver("bolt://localhost").session();"#;
    let run = |work: &str| server(graphs, &format!("await session.executeRead(async (tx) => {work});"));
    assert_eq!(run("tx.run(`MATCH (n:${p}) RETURN n`)"), ["nosql-injection in t"]);
    assert_eq!(run(r#"tx.run("MATCH (n {name: $name}) RETURN n", { name: p })"#), QUIET);
}
