// What the conformance suite expects of a server (up to revision 2025-11-25), over stdio and without an SDK, so that
// whatever the suite finds behind the guard is the guard's.
import { createInterface } from "node:readline";

const PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==";
const SILENCE = "UklGRiQAAABXQVZFZm10IBAAAAABAAEAQB8AAIA+AAACABAAZGF0YQAAAAA=";
const asked = new Map();
let next = 0;

const send = (message) => process.stdout.write(`${JSON.stringify({ jsonrpc: "2.0", ...message })}\n`);
const notify = (method, params) => send({ method, params });
const ask = (method, params) =>
  new Promise((resolve) => {
    const id = `fixture-${++next}`;
    asked.set(id, resolve);
    send({ id, method, params });
  });
const pause = () => new Promise((resolve) => setTimeout(resolve, 30));
const text = (words) => ({ type: "text", text: words });
const image = { type: "image", data: PIXEL, mimeType: "image/png" };
const resource = (uri) => ({ type: "resource", resource: { uri, mimeType: "text/plain", text: "inside" } });
const form = (properties, required = []) => ({ type: "object", properties, required });
const elicited = async (message, requestedSchema) => {
  const answer = await ask("elicitation/create", { message, requestedSchema });
  return [text(`the user chose ${answer.result?.action}: ${JSON.stringify(answer.result?.content ?? {})}`)];
};

const none = { type: "object", properties: {} };
const words = (name) => form({ [name]: { type: "string", description: name } }, [name]);
const draft2020 = {
  $schema: "https://json-schema.org/draft/2020-12/schema",
  type: "object",
  $defs: { address: { $anchor: "addressDef", type: "object", properties: { street: { type: "string" }, city: { type: "string" } } } },
  properties: {
    name: { type: "string" },
    address: { $ref: "#/$defs/address" },
    contactMethod: { type: "string", enum: ["phone", "email"] },
    phone: { type: "string" },
    email: { type: "string" },
  },
  allOf: [{ anyOf: [{ required: ["phone"] }, { required: ["email"] }] }],
  if: { properties: { contactMethod: { const: "phone" } }, required: ["contactMethod"] },
  then: { required: ["phone"] },
  else: { required: ["email"] },
  additionalProperties: false,
};

const tools = {
  test_simple_text: [none, () => [text("This is a simple text response for testing.")]],
  test_image_content: [none, () => [image]],
  test_audio_content: [none, () => [{ type: "audio", data: SILENCE, mimeType: "audio/wav" }]],
  test_embedded_resource: [none, () => [resource("test://embedded-resource")]],
  test_multiple_content_types: [none, () => [text("several kinds"), image, resource("test://mixed-content-resource")]],
  test_tool_with_logging: [
    none,
    async () => {
      for (const data of ["Tool execution started", "Tool processing data", "Tool execution completed"]) {
        notify("notifications/message", { level: "info", data });
        await pause();
      }
      return [text("logged")];
    },
  ],
  test_tool_with_progress: [
    none,
    async (_, meta) => {
      for (const progress of [0, 50, 100]) {
        if (meta?.progressToken !== undefined) {
          notify("notifications/progress", { progressToken: meta.progressToken, progress, total: 100 });
        }
        await pause();
      }
      return [text(String(meta?.progressToken ?? "none"))];
    },
  ],
  test_error_handling: [
    none,
    () => {
      throw new Error("This tool intentionally returns an error for testing");
    },
  ],
  test_sampling: [
    words("prompt"),
    async ({ prompt }) => {
      const messages = [{ role: "user", content: text(prompt) }];
      const answer = await ask("sampling/createMessage", { messages, maxTokens: 100 });
      return [text(`LLM response: ${answer.result?.content?.text ?? JSON.stringify(answer.error)}`)];
    },
  ],
  test_elicitation: [
    words("message"),
    ({ message }) =>
      elicited(message, form({ username: { type: "string" }, email: { type: "string", format: "email" } }, ["username", "email"])),
  ],
  test_elicitation_sep1034_defaults: [
    none,
    () =>
      elicited("fields with defaults", form({
        name: { type: "string", default: "John Doe" },
        age: { type: "integer", default: 30 },
        score: { type: "number", default: 95.5 },
        status: { type: "string", enum: ["active", "inactive", "pending"], default: "active" },
        verified: { type: "boolean", default: true },
      })),
  ],
  test_elicitation_sep1330_enums: [
    none,
    () => {
      const titled = (word) => ["1", "2", "3"].map((n) => ({ const: `value${n}`, title: `${word} ${n}` }));
      return elicited("choices", form({
        untitledSingle: { type: "string", enum: ["option1", "option2", "option3"] },
        titledSingle: { type: "string", oneOf: titled("Option") },
        legacyEnum: { type: "string", enum: ["opt1", "opt2", "opt3"], enumNames: ["One", "Two", "Three"] },
        untitledMulti: { type: "array", items: { type: "string", enum: ["option1", "option2", "option3"] } },
        titledMulti: { type: "array", items: { anyOf: titled("Choice") } },
      }));
    },
  ],
  json_schema_2020_12_tool: [draft2020, (given) => [text(JSON.stringify(given))]],
};

const resources = {
  "test://static-text": { mimeType: "text/plain", text: "This is the content of the static text resource." },
  "test://static-binary": { mimeType: "image/png", blob: PIXEL },
  "test://watched-resource": { mimeType: "text/plain", text: "watched" },
};

const message = (role, content) => ({ role, content });
const prompts = {
  test_simple_prompt: [[], () => [message("user", text("This is a simple prompt for testing."))]],
  test_prompt_with_arguments: [
    ["arg1", "arg2"],
    ({ arg1, arg2 }) => [message("user", text(`Prompt with arguments: arg1='${arg1}', arg2='${arg2}'`))],
  ],
  test_prompt_with_embedded_resource: [
    ["resourceUri"],
    ({ resourceUri }) => [message("user", resource(resourceUri)), message("user", text("Look at it."))],
  ],
  test_prompt_with_image: [[], () => [message("user", image), message("user", text("Look at it."))]],
};

const refuse = (code, words) => {
  throw Object.assign(new Error(words), { code });
};

const methods = {
  initialize: ({ protocolVersion }) => ({
    protocolVersion,
    capabilities: {
      tools: { listChanged: true },
      resources: { subscribe: true, listChanged: true },
      prompts: { listChanged: true },
      logging: {},
      completions: {},
    },
    serverInfo: { name: "manta-conformance-fixture", version: "1.0.0" },
  }),
  ping: () => ({}),
  "logging/setLevel": () => ({}),
  "tools/list": () => ({
    tools: Object.entries(tools).map(([name, [inputSchema]]) => ({ name, description: `the tool ${name}`, inputSchema })),
  }),
  "tools/call": async ({ name, arguments: given = {}, _meta }) => {
    const [, run] = tools[name] ?? refuse(-32602, `unknown tool ${name}`);
    try {
      return { content: await run(given, _meta) };
    } catch (error) {
      return { content: [text(error.message)], isError: true };
    }
  },
  "resources/list": () => ({
    resources: Object.entries(resources).map(([uri, { mimeType }]) => ({ uri, name: uri.slice(7), mimeType })),
  }),
  "resources/templates/list": () => ({
    resourceTemplates: [{ uriTemplate: "test://template/{id}/data", name: "template", mimeType: "application/json" }],
  }),
  "resources/read": ({ uri }) => {
    const id = /^test:\/\/template\/([^/]+)\/data$/.exec(uri)?.[1];
    const found = id ? { mimeType: "application/json", text: JSON.stringify({ id, templateTest: true, data: `Data for ID: ${id}` }) } : resources[uri];
    return { contents: [{ uri, ...(found ?? refuse(-32002, "resource not found")) }] };
  },
  "resources/subscribe": () => ({}),
  "resources/unsubscribe": () => ({}),
  "prompts/list": () => ({
    prompts: Object.entries(prompts).map(([name, [names]]) => ({
      name,
      description: `the prompt ${name}`,
      arguments: names.map((argument) => ({ name: argument, description: argument, required: true })),
    })),
  }),
  "prompts/get": ({ name, arguments: given = {} }) => {
    const [, build] = prompts[name] ?? refuse(-32602, `unknown prompt ${name}`);
    return { messages: build(given) };
  },
  "completion/complete": () => ({ completion: { values: [], total: 0, hasMore: false } }),
};

for await (const line of createInterface({ input: process.stdin })) {
  const { id, method, params = {}, result, error } = JSON.parse(line);
  if (method === undefined) {
    asked.get(id)?.({ result, error });
    asked.delete(id);
  } else if (id !== undefined) {
    const run = methods[method] ?? (() => refuse(-32601, `unknown method ${method}`));
    Promise.resolve()
      .then(() => run(params))
      .then((done) => send({ id, result: done }))
      .catch((problem) => send({ id, error: { code: problem.code ?? -32603, message: problem.message } }));
  }
}
