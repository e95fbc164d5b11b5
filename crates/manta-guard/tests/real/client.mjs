// The official TypeScript client talks to a published server, directly or through the guard.
// Usage: node client.mjs CASE.json; prints one JSON object of what it saw.
import { readFileSync } from "node:fs";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";

const spec = JSON.parse(readFileSync(process.argv[2], "utf8"));
const [command, ...args] = spec.command;
const transport = new StdioClientTransport({ command, args, cwd: spec.cwd, stderr: "pipe", env: process.env });
let log = "";
transport.stderr?.on("data", (chunk) => (log += chunk));
const client = new Client({ name: "ready", version: "1" }, { capabilities: {} });
try {
  await client.connect(transport);
  const tools = (await client.listTools()).tools.map((tool) => tool.name).sort();
  const calls = [];
  for (const { name, arguments: given } of spec.calls) {
    const result = await client.callTool({ name, arguments: given });
    calls.push({ name, isError: result.isError ?? false, text: result.content.map((part) => part.text ?? part.type).join("\n") });
  }
  await client.close();
  console.log(JSON.stringify({ tools, calls }));
} catch (error) {
  console.error(`${error}\n${log}`);
  process.exit(1);
}
