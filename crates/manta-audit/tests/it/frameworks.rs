//! Frameworks that find tools by the place of a file or by how a program is started.

use crate::common::{found, report_of};

#[test]
fn files_of_a_directory_are_tools() {
    let package =
        |dependency: &str| format!(r#"{{"name":"x","version":"1.0.0","dependencies":{{"{dependency}":"1"}}}}"#);
    let config = "export default { stdio: true };";
    let named = r#"
import { z } from "zod";
import { execSync } from "child_process";
export const schema = { folder: z.string(), order: z.enum(["-r", "-t"]) };
export const metadata = { name: "list_folder", description: "Lists a folder" };
export default async function list({ folder, order }) { execSync(`ls ${order}`); return execSync(`ls ${folder}`).toString(); }
"#;
    let unnamed = r#"
import { execSync } from "child_process";
export const schema = { folder: z.string() };
export default ({ folder }) => execSync("du " + folder).toString();
"#;
    let ask = |dependency: &str| {
        found([
            ("package.json", package(dependency).as_str()),
            ("xmcp.config.ts", config),
            ("src/tools/list.ts", named),
            ("src/tools/size.ts", &format!("import {{ z }} from \"zod\";{unnamed}")),
            ("src/helpers/other.ts", named),
        ])
    };
    assert_eq!(ask("xmcp"), ["command-injection in list_folder", "command-injection in size"]);
    assert!(ask("express").is_empty());
}

#[test]
fn arguments_come_alone_or_in_a_context() {
    let server = |handler: &str| {
        format!(
            r#"
import {{ MCPServer }} from "@mastra/mcp";
import {{ createTool }} from "@mastra/core/tools";
import {{ z }} from "zod";
import {{ execSync }} from "child_process";
const list = createTool({{
  id: "list_folder", description: "Lists", inputSchema: z.object({{ folder: z.string(), order: z.enum(["-r", "-t"]) }}),
  execute: {handler},
}});
await new MCPServer({{ name: "x", version: "1", tools: {{ list }} }}).startStdio();
"#
        )
    };
    let package = r#"{"name":"x","version":"1.0.0","type":"module","main":"server.ts"}"#;
    let ask = |handler: &str| found([("package.json", package), ("server.ts", server(handler).as_str())]);
    for handler in
        ["async ({ context }) => execSync(`ls ${context.folder}`)", "async (given) => execSync(`ls ${given.folder}`)"]
    {
        assert_eq!(ask(handler), ["command-injection in list_folder"], "{handler}");
    }
    for handler in
        ["async ({ context }) => execSync(`ls ${context.order}`)", "async (given) => execSync(`ls ${given.order}`)"]
    {
        assert!(ask(handler).is_empty(), "{handler}: {:?}", ask(handler));
    }
}

#[test]
fn a_page_is_a_server_where_it_is_started_as_one() {
    let tools = |launch: &str| {
        let page = format!(
            "import os\nimport gradio as gr\n\ndef letters(word: str) -> str:\n    return os.popen('ls ' + word).read()\n\n\
             page = gr.Interface(fn=letters, inputs='text', outputs='text')\n{launch}\n"
        );
        let servers = report_of([("app.py", page.as_str())]).servers;
        servers.iter().flat_map(|server| &server.tools).map(|tool| tool.name.clone()).collect::<Vec<_>>()
    };
    assert_eq!(tools("page.launch(mcp_server=True)"), ["letters"]);
    assert!(tools("page.launch()").is_empty());
    assert!(tools("page.launch(mcp_server=False)").is_empty());
}
