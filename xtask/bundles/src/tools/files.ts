import type { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import fs from "node:fs/promises";
import { z } from "zod";
import { answering } from "../lib/answer.js";
import { Jail } from "../lib/check.js";

export function registerFiles(server: McpServer, root: string): void {
  const jail = new Jail(root);
  server.tool("read_any", { file: z.string() }, async ({ file }) => answering(() => fs.readFile(file, "utf8")));
  server.tool("read_near", { file: z.string() }, async ({ file }) =>
    answering(() => fs.readFile(jail.nearly(file), "utf8")),
  );
  server.tool("write_any", { file: z.string(), text: z.string() }, async ({ file, text }) =>
    answering(async () => {
      await fs.writeFile(`${root}/${file}`, text);
      return "written";
    }),
  );
  server.tool("count", { values: z.array(z.number()) }, async ({ values }) =>
    answering(() => String(values.reduce((sum, value) => sum + value, 0))),
  );
}
