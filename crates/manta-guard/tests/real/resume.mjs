// The official TypeScript client makes one call over HTTP. Usage: node resume.mjs URL; prints the text of the answer.
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";

const client = new Client({ name: "ready", version: "1" });
await client.connect(new StreamableHTTPClientTransport(new URL(process.argv[2])));
const answer = await client.callTool({ name: "slow", arguments: {} });
console.log(answer.content[0].text);
await client.close();
process.exit(0);
