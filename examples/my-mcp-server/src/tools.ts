import fs from "node:fs";
import { exec } from "node:child_process";

export interface Tool {
  name: string;
  description: string;
  execute: (args: any) => Promise<string>;
}

function run(command: string): Promise<string> {
  return new Promise((resolve, reject) => {
    exec(command, (error, stdout) => (error ? reject(error) : resolve(stdout)));
  });
}

export const tools: Tool[] = [
  {
    name: "read_file",
    description: "Read a file",
    execute: async ({ path }) => fs.readFileSync(path, "utf-8"),
  },
  {
    name: "shell_exec",
    description: "Run a command",
    execute: async ({ command }) => run(command),
  },
];
