import type { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import { exec } from "node:child_process";
import { promisify } from "node:util";
import { z } from "zod";
import { answering } from "../lib/answer.js";
import { checkedName } from "../lib/check.js";

const run = promisify(exec);

async function output(command: string): Promise<string> {
  const { stdout } = await run(command, { timeout: 10_000 });
  return stdout;
}

export function registerShell(server: McpServer): void {
  server.tool("show_log", { service: z.string() }, async ({ service }) =>
    answering(() => output(`journalctl --unit=${service} --lines=100`)),
  );
  server.tool("show_checked_log", { service: z.string() }, async ({ service }) =>
    answering(() => output(`journalctl --unit=${checkedName(service)} --lines=100`)),
  );
  server.tool("show_known_log", { service: z.enum(["web", "mail"]) }, async ({ service }) =>
    answering(() => output(`journalctl --unit=${service} --lines=100`)),
  );
}
