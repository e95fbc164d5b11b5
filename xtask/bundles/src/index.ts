import { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import { StdioServerTransport } from "@modelcontextprotocol/sdk/server/stdio.js";
import { registerFiles } from "./tools/files.js";
import { registerShell } from "./tools/shell.js";
import { web } from "./tools/web.js";

const server = new McpServer({ name: "bundles", version: "1.0.0" });
registerShell(server);
registerFiles(server, process.env.BUNDLES_ROOT ?? "/srv/bundles");
for (const tool of web) {
  server.registerTool(tool.name, { description: tool.description, inputSchema: tool.schema }, tool.run);
}
await server.connect(new StdioServerTransport());
