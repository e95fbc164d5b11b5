// An issuer with `jose`, and the official TypeScript client that finds it through `manta serve`: exits 0 when
// good tokens pass and bad ones don't.
//
// usage: oauth.mjs MANTA DIRECTORY   (an empty directory)
import assert from "node:assert";
import { spawn } from "node:child_process";
import { createServer } from "node:http";
import { mkdirSync, writeFileSync } from "node:fs";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { ClientCredentialsProvider } from "@modelcontextprotocol/sdk/client/auth-extensions.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import * as jose from "jose";

const [manta, directory] = process.argv.slice(2);

// The issuer: metadata, keys, and tokens for whoever asks with the right resource.
const keys = new Map();
const newKey = async (kid, alg) => {
  const { publicKey, privateKey } = await jose.generateKeyPair(alg, { extractable: true });
  keys.set(kid, { alg, privateKey, publicKey, jwk: { ...(await jose.exportJWK(publicKey)), kid, alg, use: "sig" } });
};
await newKey("rsa", "RS256");
let current = "rsa";
let resources = [];
const sign = (claims, { kid = current, key, alg, typ = "at+jwt" } = {}) =>
  new jose.SignJWT({ iss: issuer, aud: audience, sub: "robot", scope: "mcp", ...claims })
    .setProtectedHeader({ alg: alg ?? keys.get(kid).alg, kid, typ })
    .setIssuedAt()
    .setExpirationTime(claims.exp ?? "5m")
    .sign(key ?? keys.get(kid).privateKey);
const server = createServer(async (request, response) => {
  const answer = (body, status = 200) => {
    response.writeHead(status, { "content-type": "application/json" });
    response.end(JSON.stringify(body));
  };
  if (request.url.startsWith("/.well-known/oauth-authorization-server"))
    return answer({
      issuer,
      token_endpoint: `${issuer}/token`,
      authorization_endpoint: `${issuer}/authorize`,
      jwks_uri: `${issuer}/keys`,
      response_types_supported: ["code"],
      grant_types_supported: ["client_credentials"],
      token_endpoint_auth_methods_supported: ["client_secret_basic"],
      code_challenge_methods_supported: ["S256"],
    });
  if (request.url === "/keys") return answer({ keys: [...keys.values()].map((key) => key.jwk) });
  if (request.url === "/token") {
    let body = "";
    for await (const chunk of request) body += chunk;
    resources.push(new URLSearchParams(body).get("resource"));
    return answer({ access_token: await sign({}), token_type: "Bearer", expires_in: 300, scope: "mcp" });
  }
  answer({}, 404);
});
await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
const issuer = `http://127.0.0.1:${server.address().port}`;

const free = createServer();
await new Promise((resolve) => free.listen(0, "127.0.0.1", resolve));
const port = free.address().port;
await new Promise((resolve) => free.close(resolve));
const audience = `http://127.0.0.1:${port}/mcp`;

mkdirSync(`${directory}/project`);
writeFileSync(`${directory}/project/a.txt`, "hello");
writeFileSync(
  `${directory}/manta.toml`,
  `version = 1
[roots.project]
at = "project"
[hosts.issuer]
allow = ["127.0.0.1"]
schemes = ["https", "http"]
ports = [${server.address().port}]
private = ["127.0.0.1/32"]
[serve.oauth]
issuer = "${issuer}"
audience = "${audience}"
scopes = ["mcp"]
hosts = "issuer"
[limits.default]
calls = 100
per = "60s"
[audit]
path = "audit.jsonl"
[tools.read_file]
principals = ["robot"]
[tools.read_file.args]
path = { kind = "path", roots = ["project"], required = true }
`,
);
const process_ = spawn(manta, ["serve", "--policy", `${directory}/manta.toml`, "--http", `127.0.0.1:${port}`], {
  stdio: ["ignore", "inherit", "pipe"],
});
await new Promise((resolve, reject) => {
  let said = "";
  process_.stderr.on("data", (data) => {
    said += data;
    if (said.includes("listening on")) resolve();
  });
  process_.on("exit", () => reject(new Error(`manta serve ended: ${said}`)));
});

const ask = (token, extra = {}) =>
  fetch(audience, {
    method: "POST",
    headers: {
      "content-type": "application/json",
      accept: "application/json, text/event-stream",
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      ...extra,
    },
    body: JSON.stringify({
      jsonrpc: "2.0",
      id: 1,
      method: "initialize",
      params: { protocolVersion: "2025-11-25", capabilities: {}, clientInfo: { name: "t", version: "1" } },
    }),
  });
const status = async (token, extra) => (await ask(token, extra)).status;

try {
  // The official client: 401, metadata of the resource, metadata of the issuer, token, call.
  const provider = new ClientCredentialsProvider({ clientId: "c", clientSecret: "s", expectedIssuer: issuer, scope: "mcp" });
  const client = new Client({ name: "manta-ready", version: "1.0.0" });
  await client.connect(new StreamableHTTPClientTransport(new URL(audience), { authProvider: provider }));
  const result = await client.callTool({ name: "read_file", arguments: { path: "a.txt" } });
  assert.deepEqual([result.isError ?? false, result.content[0].text], [false, "hello"]);
  assert.deepEqual([...new Set(resources)], [audience], "the client asks for a token for this resource");
  await client.close();

  const challenge = (await ask()).headers.get("www-authenticate");
  assert.ok(challenge.startsWith("Bearer ") && challenge.includes("resource_metadata="), challenge);
  const metadata = await (await fetch(challenge.match(/resource_metadata="([^"]+)"/)[1])).json();
  assert.deepEqual([metadata.resource, metadata.authorization_servers], [audience, [issuer]]);

  const good = await sign({});
  assert.equal(await status(good), 200);
  const now = Math.floor(Date.now() / 1000);
  const secret = new TextEncoder().encode(await jose.exportSPKI(keys.get("rsa").publicKey));
  const unsigned = `${Buffer.from('{"alg":"none"}').toString("base64url")}.${good.split(".")[1]}.`;
  const stranger = await jose.generateKeyPair("RS256");
  for (const [what, token, expected] of [
    ["none", undefined, 401],
    ["no JWT", "abc", 401],
    ["unsigned", unsigned, 401],
    ["another audience", await sign({ aud: "https://other.example" }), 401],
    ["another issuer", await sign({ iss: "https://other.example" }), 401],
    ["expired", await sign({ exp: now - 120 }), 401],
    ["not yet valid", await sign({ nbf: now + 600 }), 401],
    ["the public key as secret", await sign({}, { key: secret, alg: "HS256" }), 401],
    ["a stranger's key", await sign({}, { key: stranger.privateKey }), 401],
    ["an identity token", await sign({}, { typ: "id+jwt" }), 401],
    ["without the scope", await sign({ scope: "other" }), 403],
    ["the local user's name", await sign({ sub: "local" }), 401],
  ])
    assert.equal(await status(token), expected, what);
  assert.equal(await status(undefined, { cookie: `access_token=${good}` }), 401);
  assert.equal((await fetch(`${audience}?access_token=${good}`, { method: "POST" })).status, 401);

  // Other signature families, and a rotation while the server runs.
  for (const [kid, alg] of [["pss", "PS256"], ["ec", "ES256"], ["ed", "EdDSA"]]) await newKey(kid, alg);
  keys.delete("rsa");
  await new Promise((resolve) => setTimeout(resolve, 5500));
  for (current of ["pss", "ec", "ed"]) assert.equal(await status(await sign({})), 200, `new key ${current}`);
  assert.equal(await status(good), 401, "the old key is gone");
  const mallory = await sign({ sub: "mallory" });
  const denied = new Client({ name: "manta-ready", version: "1.0.0" });
  await denied.connect(
    new StreamableHTTPClientTransport(new URL(audience), { requestInit: { headers: { Authorization: `Bearer ${mallory}` } } }),
  );
  const { tools: shown } = await denied.listTools();
  assert.ok(!shown.some((tool) => tool.name === "read_file"), "who may not call a tool is not shown it");
  await assert.rejects(denied.callTool({ name: "read_file", arguments: { path: "a.txt" } }), /may not call/);
  // A session belongs to who opened it.
  const session = denied.transport.sessionId;
  assert.ok(session, "the older era has sessions");
  const stolen = await fetch(audience, { headers: { accept: "text/event-stream", authorization: `Bearer ${await sign({})}`, "mcp-session-id": session } });
  assert.equal(stolen.status, 404);
  await denied.close();
} finally {
  process_.kill();
  server.close();
}
console.log("ok");
process.exit(0);
