// Stands between a client and a server, and keeps what each says to the other, byte by byte.
// Usage: node tee.mjs PREFIX COMMAND ARGS…; writes PREFIX.in and PREFIX.out.
import { spawn } from "node:child_process";
import { appendFileSync, writeFileSync } from "node:fs";

const [prefix, command, ...args] = process.argv.slice(2);
const server = spawn(command, args, { stdio: ["pipe", "pipe", "inherit"] });
for (const [from, to, file] of [
  [process.stdin, server.stdin, `${prefix}.in`],
  [server.stdout, process.stdout, `${prefix}.out`],
]) {
  writeFileSync(file, "");
  from.on("data", (chunk) => {
    appendFileSync(file, chunk);
    to.write(chunk);
  });
  from.on("end", () => to.end?.());
}
process.stdout.on("error", () => {});
server.stdin.on("error", () => {});
server.on("exit", (code) => process.exit(code ?? 1));
