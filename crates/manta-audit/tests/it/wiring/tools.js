// How a tool is written down, how its handler gets to an argument, and how it is registered. In the texts stand for
// themselves: RUN and PING the definitions of the two tools, SCHEMA and NOTHING what they take, ARGS and BODY the parameter
// and the body of the handler of `run_it`. What they need is imported from `shared.js`.

// schema object
export const RunSchema = z.object({ cmd: z.string().describe("what to run") });
// schema extended
const Base = z.object({ timeout: z.number().optional() });
export const RunSchema = Base.extend({ cmd: z.string() });
// schema merged
const Base = z.object({ timeout: z.number().optional() });
export const RunSchema = Base.merge(z.object({ cmd: z.string() })).strict();
// schema apart
const shape = { cmd: z.string(), timeout: z.number().default(10) };
export const RunSchema = z.object(shape);
// schema open
export const RunSchema = z.object({ cmd: z.string().min(1).max(500) }).passthrough();

// argument destructured: { cmd }
// argument member: args
const cmd = args.cmd;
// argument parsed: args
const { cmd } = RunSchema.parse(args);
// argument parsed safely: args
const parsed = RunSchema.safeParse(args);
if (!parsed.success) throw new Error(parsed.error.message);
const cmd = parsed.data.cmd;
// argument renamed: args
const { cmd: given } = args;
const cmd = given;
// argument optional: args
const cmd = args?.cmd ?? "";
// argument indexed: args
const cmd = String(args["cmd"]);
// argument merged: args
const options = Object.assign({}, { shell: true }, args);
const cmd = options.cmd;
// argument spread: args
const input = { timeout: 5, ...args };
const { cmd, timeout } = input;
// argument required: args
const cmd = requireString(args, "cmd");
// argument parsed later: args
const parsed = await RunSchema.parseAsync(args);
const cmd = parsed.cmd;
// argument template: args
const cmd = `${args.cmd}`.trim();

// definition inline
const TOOLS = [RUN, PING];
// definition named
async function runIt(ARGS) { BODY }
const TOOLS = [{ name: "run_it", description: "Runs it", inputSchema: SCHEMA, handler: runIt }, PING];
// definition default exports
import run from "./tools/run.js";
import ping from "./tools/ping.js";
const TOOLS = [run, ping];
// file tools/run.js
const tool = RUN;
export default tool;
// file tools/ping.js
export default PING;
// definition namespace
import * as all from "./tools/index.js";
const TOOLS = Object.values(all).filter((tool) => tool && typeof tool === "object" && "handler" in tool);
// file tools/index.js
export * from "./run.js";
export * from "./ping.js";
// file tools/run.js
export const runTool = RUN;
// file tools/ping.js
export const pingTool = PING;
// definition factory
import { createRunTool } from "./tools/run.js";
const TOOLS = [createRunTool({ log: (text) => console.error(text) }), PING];
// file tools/run.js
export function createRunTool(context) { return RUN; }
// definition class
import { RunTool } from "./tools/run.js";
const TOOLS = [new RunTool({}), PING];
// file tools/run.js
export class RunTool {
  name = "run_it";
  description = "Runs it";
  inputSchema = SCHEMA;
  constructor(context) { this.context = context; }
  async handler(ARGS) { BODY }
}
// definition wrapped
import { withErrors } from "./wrap.js";
const TOOLS = [RUN, PING].map((tool) => ({ ...tool, handler: withErrors(tool.name, tool.handler) }));
// file wrap.js
export function withErrors(name, handler) {
  return async (args) => {
    const started = Date.now();
    try { return await handler(args); }
    catch (error) { return { isError: true, content: [{ type: "text", text: String(error) }] }; }
    finally { console.error(name, Date.now() - started); }
  };
}
// definition lists
import { runTools } from "./tools/run.js";
import { pingTools } from "./tools/ping.js";
const TOOLS = [...runTools, ...pingTools];
// file tools/run.js
export const runTools = [RUN];
// file tools/ping.js
export const pingTools = [PING];
// definition by name
const { name: runName, ...run } = RUN;
const { name: pingName, ...ping } = PING;
const TOOLS = Object.entries({ run_it: run, ping }).map(([name, tool]) => ({ name, ...tool }));
// definition defined
import { defineTool } from "./define.js";
const TOOLS = [defineTool(RUN), defineTool(PING)];
// file define.js
export function defineTool(tool) { return Object.freeze({ ...tool, handler: async (args) => tool.handler(args) }); }
// definition registry
import { registry } from "./registry.js";
import "./tools/run.js";
import "./tools/ping.js";
const TOOLS = registry.list();
// file registry.js
class Registry {
  #tools = new Map();
  register(tool) {
    if (this.#tools.has(tool.name)) throw new Error("twice");
    this.#tools.set(tool.name, tool);
  }
  list() { return Array.from(this.#tools.values()); }
}
export const registry = new Registry();
// file tools/run.js
import { registry } from "../registry.js";
registry.register(RUN);
// file tools/ping.js
import { registry } from "../registry.js";
registry.register(PING);
// definition loaded
async function load() {
  const modules = await Promise.all([import("./tools/run.js"), import("./tools/ping.js")]);
  return modules.map((module) => module.default);
}
const TOOLS = await load();
// file tools/run.js
export default RUN;
// file tools/ping.js
export default PING;
// definition subclasses
import { RunTool } from "./tools/run.js";
import { PingTool } from "./tools/ping.js";
const TOOLS = [RunTool, PingTool].map((Tool) => new Tool());
// file base.js
export class BaseTool {
  async execute() { throw new Error("not implemented"); }
  async handler(args) { console.error("call", this.name); return this.execute(args); }
}
// file tools/run.js
import { BaseTool } from "../base.js";
export class RunTool extends BaseTool {
  name = "run_it";
  description = "Runs it";
  inputSchema = SCHEMA;
  async execute(ARGS) { BODY }
}
// file tools/ping.js
import { BaseTool } from "../base.js";
export class PingTool extends BaseTool {
  name = "ping";
  description = "Answers";
  inputSchema = NOTHING;
  async execute() { return { content: [] }; }
}
// definition getters
import { RunTool } from "./tools/run.js";
const TOOLS = [new RunTool(), PING];
// file tools/run.js
export class RunTool {
  get name() { return "run_it"; }
  get description() { return "Runs it"; }
  get inputSchema() { return SCHEMA; }
  handler = async (ARGS) => { BODY };
}
// definition static
import { RunTool } from "./tools/run.js";
const TOOLS = [{ ...RunTool.definition, handler: RunTool.handle }, PING];
// file tools/run.js
export class RunTool {
  static definition = { name: "run_it", description: "Runs it", inputSchema: SCHEMA };
  static async handle(ARGS) { BODY }
}
// definition gathered
import { runTools } from "./tools/run.js";
import { pingTools } from "./tools/ping.js";
const TOOLS = [runTools, pingTools].reduce((all, make) => all.concat(make({})), []);
// file tools/run.js
export const runTools = (context) => [RUN];
// file tools/ping.js
export const pingTools = (context) => [PING];
// definition switched
const readOnly = process.env.READ_ONLY === "true";
const TOOLS = [...(readOnly ? [] : [RUN]), PING];
// definition curried
import { run } from "./tools/run.js";
const TOOLS = [run, { ...PING, make: () => async () => ({ content: [] }) }].map(({ make, ...rest }) => ({ ...rest, handler: make({}) }));
// file tools/run.js
export const run = { name: "run_it", description: "Runs it", inputSchema: SCHEMA, make: (context) => async (ARGS) => { BODY } };
// definition queued
import { Mutex } from "./lock.js";
const mutex = new Mutex();
const runIt = async (ARGS) => { BODY };
const TOOLS = [{ name: "run_it", description: "Runs it", inputSchema: SCHEMA, handler: (args) => mutex.run(() => runIt(args)) }, PING];
// file lock.js
export class Mutex {
  #last = Promise.resolve();
  run(work) {
    const next = this.#last.then(work, work);
    this.#last = next.catch(() => undefined);
    return next;
  }
}
// definition composed
import { compose, logged, timed } from "./layers.js";
const layers = compose(logged, timed);
const TOOLS = [RUN, PING].map((tool) => ({ ...tool, handler: layers(tool.handler) }));
// file layers.js
export const logged = (next) => async (args) => { console.error("in"); const out = await next(args); console.error("out"); return out; };
export const timed = (next) => async (args) => { const started = Date.now(); try { return await next(args); } finally { console.error(Date.now() - started); } };
export const compose = (...layers) => (handler) => layers.reduceRight((next, layer) => layer(next), handler);
// definition apart
import { runDefinition, runIt } from "./tools/run.js";
const handlers = { run_it: runIt, ping: async () => ({ content: [] }) };
const TOOLS = [runDefinition, { name: "ping", description: "Answers", inputSchema: NOTHING }].map((tool) => ({ ...tool, handler: handlers[tool.name] }));
// file tools/run.js
export const runDefinition = { name: "run_it", description: "Runs it", inputSchema: SCHEMA };
export async function runIt(ARGS) { BODY }
// definition promised
import { runTools } from "./tools/run.js";
const groups = await Promise.all([runTools(), Promise.resolve({ tools: [PING] })]);
const TOOLS = groups.flatMap((group) => group.tools);
// file tools/run.js
export async function runTools() { await Promise.resolve(); return { tools: [RUN] }; }

// registration tool: shape
const server = new McpServer({ name: "s", version: "1.0.0" });
for (const tool of TOOLS) server.tool(tool.name, tool.description, tool.inputSchema, (args) => tool.handler(args));
await server.connect(new StdioServerTransport());
// registration bound: shape
const server = new McpServer({ name: "s", version: "1.0.0" });
for (const tool of TOOLS) server.tool(tool.name, tool.description, tool.inputSchema, tool.handler.bind(tool));
await server.connect(new StdioServerTransport());
// registration registered: shape
const server = new McpServer({ name: "s", version: "1.0.0" });
TOOLS.forEach((tool) => server.registerTool(tool.name, { description: tool.description, inputSchema: tool.inputSchema }, async (args, extra) => tool.handler(args)));
await server.connect(new StdioServerTransport());
// registration in parts: shape
const server = new McpServer({ name: "s", version: "1.0.0" });
for (const { name, inputSchema, handler } of TOOLS) {
  server.registerTool(name, { inputSchema }, async (args) => {
    try { return await handler(args); } catch (error) { return { isError: true, content: [{ type: "text", text: error.message }] }; }
  });
}
await server.connect(new StdioServerTransport());
// registration searched: json
const server = listing();
server.setRequestHandler(CallToolRequestSchema, async (request) => {
  const tool = TOOLS.find((tool) => tool.name === request.params.name);
  if (!tool) throw new Error("unknown tool");
  return tool.handler(request.params.arguments);
});
await server.connect(new StdioServerTransport());
// registration mapped: json
const server = listing();
const byName = new Map(TOOLS.map((tool) => [tool.name, tool]));
server.setRequestHandler(CallToolRequestSchema, async (request) => {
  const { name, arguments: args } = request.params;
  const tool = byName.get(name);
  if (!tool) return { isError: true, content: [{ type: "text", text: `Unknown tool ${name}` }] };
  try { return await tool.handler(args ?? {}); } catch (error) { return { isError: true, content: [{ type: "text", text: String(error) }] }; }
});
await server.connect(new StdioServerTransport());
// registration keyed: json
const server = listing();
const handlersByName = Object.fromEntries(TOOLS.map((tool) => [tool.name, tool.handler]));
server.setRequestHandler(CallToolRequestSchema, async ({ params: { name, arguments: args = {} } }) => {
  if (!(name in handlersByName)) throw new Error(name);
  return handlersByName[name](args);
});
await server.connect(new StdioServerTransport());
// registration application: json
class App {
  #server = new Server({ name: "s", version: "1" }, { capabilities: { tools: {} } });
  #tools = new Map();
  constructor(tools) {
    for (const tool of tools) this.#tools.set(tool.name, tool);
    this.setup();
  }
  setup() {
    this.#server.setRequestHandler(ListToolsRequestSchema, this.list.bind(this));
    this.#server.setRequestHandler(CallToolRequestSchema, this.call.bind(this));
  }
  async list() { return { tools: [...this.#tools.values()].map((tool) => ({ name: tool.name, inputSchema: tool.inputSchema })) }; }
  async call(request) {
    const tool = this.#tools.get(request.params.name);
    if (!tool) throw new Error("unknown tool");
    const result = await tool.handler(request.params.arguments);
    return result;
  }
  async start() { await this.#server.connect(new StdioServerTransport()); }
}
await new App(TOOLS).start();
// registration dispatched: json
import { dispatch } from "./dispatch.js";
const server = listing();
server.setRequestHandler(CallToolRequestSchema, async (request) => dispatch(TOOLS, request.params.name, request.params.arguments ?? {}));
await server.connect(new StdioServerTransport());
// file dispatch.js
export async function dispatch(tools, name, args) {
  for (const tool of tools) {
    if (tool.name === name) return await tool.handler(args);
  }
  throw new Error(`Unknown tool: ${name}`);
}
// registration another framework: full
import { FastMCP } from "fastmcp";
const server = new FastMCP({ name: "s", version: "1.0.0" });
for (const tool of TOOLS) server.addTool({ name: tool.name, description: tool.description, parameters: tool.inputSchema, execute: async (args) => JSON.stringify(await tool.handler(args)) });
server.start({ transportType: "stdio" });
// registration for each request: shape
import express from "express";
import { StreamableHTTPServerTransport } from "@modelcontextprotocol/sdk/server/streamableHttp.js";
function createServer(tools) {
  const server = new McpServer({ name: "s", version: "1.0.0" });
  for (const tool of tools) server.registerTool(tool.name, { inputSchema: tool.inputSchema }, (args) => tool.handler(args));
  return server;
}
const app = express();
app.use(express.json());
app.post("/mcp", async (req, res) => {
  const server = createServer(TOOLS);
  const transport = new StreamableHTTPServerTransport({ sessionIdGenerator: undefined });
  await server.connect(transport);
  await transport.handleRequest(req, res, req.body);
});
app.listen(3000, "127.0.0.1");
// registration switch: json
const server = listing();
server.setRequestHandler(CallToolRequestSchema, async (request) => {
  const { name, arguments: args } = request.params;
  switch (name) {
    case "run_it": return await TOOLS[0].handler(args);
    case "ping": return await TOOLS[1].handler({});
    default: throw new Error("unknown tool");
  }
});
await server.connect(new StdioServerTransport());
// registration at once: shape
async function main() {
  const server = new McpServer({ name: "s", version: "1.0.0" });
  await Promise.all(TOOLS.map(async (tool) => {
    server.registerTool(tool.name, { description: tool.description, inputSchema: tool.inputSchema }, tool.handler.bind(tool));
  }));
  await server.connect(new StdioServerTransport());
}
main().catch((error) => { console.error(error); process.exit(1); });
