//! Statements for databases, through clients that the scanner knows and through those it does not.

mod common;

use common::found;

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
