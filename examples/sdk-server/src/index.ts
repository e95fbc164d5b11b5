import { exec, execFile } from "node:child_process";
import { promisify } from "node:util";
import { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import { StdioServerTransport } from "@modelcontextprotocol/sdk/server/stdio.js";
import { z } from "zod";

const execAsync = promisify(exec);
const execFileAsync = promisify(execFile);

const server = new McpServer({ name: "sdk-server", version: "1.0.0" });

const text = (text: string) => ({ content: [{ type: "text" as const, text }] });

// A branch named `x; rm -rf ~` is a second command.
server.registerTool(
  "git_log",
  { description: "Show the log of a branch", inputSchema: { branch: z.string() } },
  async ({ branch }) => text((await execAsync(`git log --oneline ${branch}`)).stdout),
);

// The same with a schema the SDK enforces: no character is left that a shell or git would act on.
server.registerTool(
  "git_log_checked",
  {
    description: "Show the log of a branch",
    inputSchema: { branch: z.string().regex(/^[A-Za-z0-9_][A-Za-z0-9_.\/-]*$/) },
  },
  async ({ branch }) => text((await execFileAsync("git", ["log", "--oneline", branch, "--"])).stdout),
);

// Any address the server can reach, also inside its network.
server.registerTool(
  "fetch_page",
  { description: "Fetch a page", inputSchema: { url: z.string().url() } },
  async ({ url }) => text(await (await fetch(url)).text()),
);

// The host is fixed; the parameter stays inside the path.
server.registerTool(
  "get_issue",
  { description: "Get an issue", inputSchema: { id: z.number().int() } },
  async ({ id }) => text(await (await fetch(`https://api.example.com/issues/${id}`)).text()),
);

await server.connect(new StdioServerTransport());
