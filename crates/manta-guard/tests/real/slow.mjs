// A server with one tool that takes two seconds, over stdio and without an SDK.
import { createInterface } from "node:readline";

const results = {
  initialize: ({ protocolVersion }) => ({
    protocolVersion,
    capabilities: { tools: {} },
    serverInfo: { name: "slow", version: "1" },
  }),
  "tools/list": () => ({ tools: [{ name: "slow", inputSchema: { type: "object" } }] }),
  "tools/call": () => ({ content: [{ type: "text", text: "made it" }] }),
};
for await (const line of createInterface({ input: process.stdin })) {
  const { id, method, params } = JSON.parse(line);
  if (id === undefined || method === undefined) continue;
  if (method === "tools/call") await new Promise((resolve) => setTimeout(resolve, 2000));
  console.log(JSON.stringify({ jsonrpc: "2.0", id, result: results[method]?.(params) ?? {} }));
}
