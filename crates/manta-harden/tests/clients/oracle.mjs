// What others say about addresses: per line of standard input one digit per oracle, 1 for public.
//
// Oracles: ipaddr.js, ssrfcheck.
import { createInterface } from "node:readline";
import { createRequire } from "node:module";
import { isIPv6 } from "node:net";
import ipaddr from "ipaddr.js";

const require = createRequire(import.meta.url);
const { isSSRFSafeURL } = require("ssrfcheck");

console.log("ipaddr.js,ssrfcheck");
const out = [];
for await (const line of createInterface({ input: process.stdin })) {
  const text = line.trim();
  const unicast = ipaddr.process(text).range() === "unicast";
  const safe = isSSRFSafeURL(`https://${isIPv6(text) ? `[${text}]` : text}/`);
  out.push(`${Number(unicast)}${Number(safe)}`);
}
console.log(out.join("\n"));
