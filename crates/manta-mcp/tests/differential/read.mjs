// Reads frames as careless Node servers do: `readline` splits, JSON.parse reads. One JSON line per message.
import { createInterface } from "node:readline";

for await (const line of createInterface({ input: process.stdin, crlfDelay: Infinity })) {
  const message = JSON.parse(line);
  // Copies, as most servers make on the way to their handlers.
  const params = Object.assign({}, message.params);
  console.log(JSON.stringify([message.method, message.id, params.name ?? params.uri ?? null, { ...params.arguments }]));
}
