// The official TypeScript client against `manta serve`: exits 0 when every answer is the expected one.
//
// usage: client.mjs stdio PROGRAM ARG…   |   client.mjs http URL TOKEN
import assert from "node:assert";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";

const [kind, target, ...rest] = process.argv.slice(2);
const transport =
  kind === "stdio"
    ? new StdioClientTransport({ command: target, args: rest })
    : new StreamableHTTPClientTransport(new URL(target), {
        requestInit: { headers: { Authorization: `Bearer ${rest[0]}` } },
      });
const client = new Client({ name: "manta-ready", version: "1.0.0" });
await client.connect(transport);

const call = async (name, args) => {
  try {
    const result = await client.callTool({ name, arguments: args });
    return [!result.isError, result.content[0].text];
  } catch (error) {
    // What is not listed is an error of the protocol.
    return [false, String(error.message)];
  }
};

const tools = (await client.listTools()).tools.map((tool) => tool.name);
assert.deepEqual(tools, ["read_file", "write_file", "list_directory"]);
assert.deepEqual((await call("write_file", { path: "node.txt", content: "from Node\n" }))[0], true);
assert.deepEqual(await call("read_file", { path: "node.txt" }), [true, "from Node\n"]);
const [listed, listing] = await call("list_directory", { path: "." });
assert.ok(listed && listing.includes("node.txt"), listing);
for (const path of ["../audit.jsonl", "/etc/passwd", "up/audit.jsonl"]) {
  const [ok, text] = await call("read_file", { path });
  assert.ok(!ok && text.includes("tools.read_file.args.path"), text);
}
const [ran, denial] = await call("run_command", { command: "id" });
assert.ok(!ran && denial.includes("denied by default"), denial);
const answers = [];
for (let i = 0; i < 6; i++) answers.push(await call("read_file", { path: "node.txt" }));
const refused = answers.filter(([ok]) => !ok).map(([, text]) => text);
assert.ok(refused.length > 0 && refused[0].includes("5 calls in 3600 s"), String(refused));

await client.close();
console.log("ok");
