import { serve } from "./rpc.js";
import { tools } from "./tools.js";

serve(async ({ method, params }) => {
  switch (method) {
    case "initialize":
      return {
        protocolVersion: "2025-06-18",
        capabilities: { tools: {} },
        serverInfo: { name: "my-mcp-server", version: "1.0.0" },
      };
    case "tools/list":
      return { tools: tools.map(({ name, description }) => ({ name, description, inputSchema: { type: "object" } })) };
    case "tools/call": {
      const tool = tools.find((candidate) => candidate.name === params.name);
      if (!tool) throw new Error(`unknown tool ${params.name}`);
      return { content: [{ type: "text", text: await tool.execute(params.arguments) }] };
    }
    default:
      throw new Error(`unknown method ${method}`);
  }
});
