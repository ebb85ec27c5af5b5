// Gateway tokens and lent keys on a real gateway: who gets in, and what the provider sees.
import assert from "node:assert/strict";
import { createHash, generateKeyPairSync, type JsonWebKey, sign } from "node:crypto";
import { it } from "node:test";
import { request, send, type SendOptions } from "../support/client.ts";
import { assertGatewayError, onEachRuntime } from "../support/suite.ts";
import type { Upstream, UpstreamRequest } from "../support/upstream.ts";

const hashOf = (key: string) => `sha256:${createHash("sha256").update(key).digest("hex")}`;
const key = "sl-of-the-test-0123456789012345678901234567890123";
const narrow = "sl-narrow-of-the-test-23456789012345678901234567890";
const spent = "sl-spent-of-the-test-123456789012345678901234567890";
const lent = "sk-lent-by-the-gateway";
const admin = "admin-token-of-the-test";

const { privateKey, publicKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
const jwks = {
  keys: [{ ...publicKey.export({ format: "jwk" }) as JsonWebKey, kid: "k", alg: "RS256" }],
};

function jwt(issuer: string, claims = {}): string {
  const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const text = `${part({ alg: "RS256", kid: "k" })}.${
    part({
      iss: issuer,
      aud: "app",
      sub: "user-1",
      exp: Math.floor(Date.now() / 1000) + 300,
      ...claims,
    })
  }`;
  return `${text}.${sign("RSA-SHA256", Buffer.from(text), privateKey).toString("base64url")}`;
}

const setUp = (upstream: Upstream) => ({
  config: {
    gateways: {
      default: {
        authentication: true,
        access: {
          team_domain: upstream.url,
          audience: "app",
          jwks_url: `${upstream.url}/certs`,
        },
        tokens: [
          { name: "all", hash: hashOf(key), gateways: ["default", "open"] },
          { name: "narrow", hash: hashOf(narrow), providers: ["openai"], models: ["gpt-4o*"] },
          {
            name: "spent",
            hash: hashOf(spent),
            limits: [{ limit: 1, window: 3600, unit: "requests" }],
          },
        ],
      },
      open: {},
    },
    keys: {
      openai: { default: { value: lent }, other: { value: "sk-other-lent" } },
      elevenlabs: { default: { value: lent } },
    },
    providers: {
      openai: { base_url: `${upstream.url}/v1` },
      anthropic: { base_url: upstream.url },
      elevenlabs: { base_url: upstream.url },
      "google-ai-studio": { base_url: upstream.url },
    },
  },
  env: {
    SLUICE_ADMIN_TOKEN: admin,
    SLUICE_MASTER_KEY: Buffer.alloc(32, 1).toString("base64"),
  },
});

onEachRuntime(setUp, (bench) => {
  const call = (path: string, options: SendOptions = {}, gateway = "default") =>
    send(bench.gateway.url, `/v1/acc/${gateway}/${path}`, options);

  /** What the provider got for one request, which is nothing of ours. */
  async function seen(
    path: string,
    options: SendOptions = {},
    gateway = "default",
  ): Promise<UpstreamRequest> {
    bench.upstream.reset();
    const answer = await call(path, options, gateway);
    assert.equal(answer.status, 200, answer.body.toString());
    const [got] = bench.upstream.requests;
    const all = `${got!.target}\n${got!.rawHeaders.join("\n")}`;
    assert.ok(!all.includes("of-the-test"), "The provider got what was for the gateway");
    return got!;
  }

  /** An answer for which the provider got nothing. */
  async function refused(
    status: number,
    code: number,
    path: string,
    options: SendOptions = {},
    gateway = "default",
  ): Promise<string> {
    bench.upstream.reset();
    const message = assertGatewayError(await call(path, options, gateway), status, code);
    assert.deepEqual(bench.upstream.requests, []);
    assert.ok(!message.includes("of-the-test"), message);
    return message;
  }

  const places: Record<string, Record<string, string>> = {
    "cf-aig-authorization": { "cf-aig-authorization": `Bearer ${key}` },
    "cf-aig-authorization, bare": { "cf-aig-authorization": key },
    "authorization": { authorization: `Bearer ${key}` },
    "authorization: Token": { authorization: `Token ${key}` },
    "x-api-key": { "x-api-key": key },
    "api-key": { "api-key": key },
    "x-goog-api-key": { "x-goog-api-key": key },
    "two of them": { "cf-aig-authorization": key, "x-api-key": key },
  };
  for (const [place, headers] of Object.entries(places)) {
    it(`a token in ${place} lends the provider's key`, async () => {
      const got = await seen("openai/models", { headers });
      assert.equal(got.headers.authorization, `Bearer ${lent}`);
    });
  }

  it("a token in the query leaves the rest of it as it is", async () => {
    const got = await seen(`openai/models?a=%20+&key=${key}&b=c`);
    assert.equal(got.target, "/v1/models?a=%20+&b=c");
    assert.equal(got.headers.authorization, `Bearer ${lent}`);
  });

  it("a token in the header of a provider's own", async () => {
    const got = await seen("elevenlabs/v1/voices", { headers: { "xi-api-key": key } });
    assert.equal(got.headers["xi-api-key"], lent);
  });

  it("the client's own provider key goes on; a placeholder does not", async () => {
    const own = await seen("openai/models", {
      headers: { "cf-aig-authorization": key, authorization: "Bearer sk-own" },
    });
    assert.equal(own.headers.authorization, "Bearer sk-own");
    const dummy = await seen("openai/models", {
      headers: { "cf-aig-authorization": key, authorization: "Bearer undefined" },
    });
    assert.equal(dummy.headers.authorization, `Bearer ${lent}`);
  });

  it("an alias chooses the key", async () => {
    const headers = { authorization: key, "cf-aig-byok-alias": "other" };
    assert.equal(
      (await seen("openai/models", { headers })).headers.authorization,
      "Bearer sk-other-lent",
    );
    headers["cf-aig-byok-alias"] = "nobody";
    assert.match(await refused(400, 2040, "openai/models", { headers }), /'default', 'other'/);
  });

  it("without a token, or with another one, nobody gets in", async () => {
    assert.match(await refused(401, 2009, "openai/models"), /cf-aig-authorization: Bearer <token>/);
    for (const headers of [{ authorization: "Bearer sk-own" }, { "x-api-key": "sl-nobody" }]) {
      await refused(401, 2009, "openai/models", { headers });
    }
  });

  it("a refusal does not wait for the body, and the next request is served", async () => {
    const req = request(bench.gateway.url, "/v1/acc/default/openai/files", {
      method: "POST",
      headers: { "content-length": String(64 * 1024 * 1024) },
    });
    req.on("error", () => {}); // the rest of the body has nowhere to go
    const status = await new Promise((resolve) => {
      req.on("response", (answer) => resolve(answer.statusCode));
      req.write(Buffer.alloc(1000));
    });
    req.destroy();
    assert.equal(status, 401);
    await seen("openai/models", { headers: { "x-api-key": key } });
  });

  it("a body streams through as before", async () => {
    const body = Buffer.alloc(3 * 1024 * 1024, "a");
    const headers = { "x-api-key": key, "transfer-encoding": "chunked" };
    const got = await seen("openai/files", { method: "POST", headers, body });
    assert.ok(got.body.equals(body));
    assert.equal(got.headers["x-api-key"], undefined);
  });

  it("an open gateway lends nothing to strangers, and no token of ours to a provider", async () => {
    assert.equal((await seen("openai/models", {}, "open")).headers.authorization, undefined);
    const own = { authorization: "Bearer sk-own" };
    assert.equal(
      (await seen("openai/models", { headers: own }, "open")).headers.authorization,
      "Bearer sk-own",
    );
    const known = { authorization: `Bearer ${key}` };
    assert.equal(
      (await seen("openai/models", { headers: known }, "open")).headers.authorization,
      `Bearer ${lent}`,
    );
    const unknown = { authorization: "Bearer sl-nobody" };
    await refused(401, 2009, "openai/models", { headers: unknown }, "open");
  });

  it("a key is good for its gateways, providers and models only", async () => {
    const headers = { authorization: `Bearer ${narrow}`, "content-type": "application/json" };
    const chat = (model: string, pad = 0) => ({
      method: "POST",
      headers,
      body: JSON.stringify({ messages: ["x".repeat(pad)], model }),
    });
    const path = "openai/chat/completions";
    const good = chat("gpt-4o-mini", 300_000);
    assert.equal((await seen(path, good)).body.toString(), good.body);
    await refused(403, 8012, path, chat("o1"));
    await refused(403, 8012, path, {
      method: "POST",
      headers,
      body: '{"model":"gpt-4o","model":"o1"}',
    });
    await refused(403, 8012, path, { method: "POST", headers, body: "{}" });
    await refused(403, 8012, "anthropic/v1/messages", chat("gpt-4o"));
    await refused(403, 8012, "openai/models", { headers }, "open");
    await seen("openai/models", { headers });
  });

  it("a key that is used up is a 429 that says when to come again", async () => {
    const headers = { authorization: `Bearer ${spent}` };
    await seen("openai/models", { headers });
    bench.upstream.reset();
    const answer = await call("openai/models", { headers });
    assertGatewayError(answer, 429, 2003);
    assert.deepEqual(bench.upstream.requests, []);
    assert.ok(Number(answer.headers["retry-after"]) > 3500);
    assert.equal(answer.headers["x-ratelimit-limit-requests"], "1");
    assert.equal(answer.headers["x-ratelimit-remaining-requests"], "0");
    assert.match(String(answer.headers["x-ratelimit-reset-requests"]), /^3[56]\d\ds$/);
  });

  it("a JWT of Cloudflare Access stands in for a token", async () => {
    const { url } = bench.upstream;
    const ask = async (token: string) => {
      bench.upstream.reset();
      bench.upstream.handle((req, res) => {
        res.setHeader("content-type", "application/json");
        res.end(JSON.stringify(req.url === "/certs" ? jwks : {}));
      });
      const { status } = await call("openai/models", {
        headers: { "cf-access-jwt-assertion": token },
      });
      return { status, got: bench.upstream.requests.find(({ target }) => target !== "/certs") };
    };
    const good = await ask(jwt(url));
    assert.equal(good.status, 200);
    assert.equal(good.got!.headers.authorization, `Bearer ${lent}`);
    assert.equal(good.got!.headers["cf-access-jwt-assertion"], undefined);
    for (
      const bad of [jwt("https://evil.example"), jwt(url, { aud: "other" }), jwt(url, { exp: 1 })]
    ) {
      assert.deepEqual(await ask(bad), { status: 401, got: undefined });
    }
  });

  it("keys made by the management API are good at once, and no longer than they are there", async () => {
    const manage = async (method: string, path: string, body?: unknown) => {
      const at = `/client/v4/accounts/acc/ai-gateway/gateways/default/${path}`;
      const answer = await send(bench.gateway.url, at, {
        method,
        headers: { authorization: `Bearer ${admin}`, "content-type": "application/json" },
        ...body !== undefined && { body: JSON.stringify(body) },
      });
      assert.equal(answer.status, 200, answer.body.toString());
      return JSON.parse(answer.body.toString()).result;
    };
    await manage("POST", "provider_configs", {
      provider_slug: "google-ai-studio",
      alias: "default",
      default_config: true,
      secret: "AIza-stored",
    });
    const made = await manage("POST", "virtual_keys", { name: "app", providers: ["google"] });
    assert.match(made.key, /^sl-[A-Za-z0-9]{40,}$/);
    const headers = { "x-goog-api-key": made.key };
    const path = "google-ai-studio/v1beta/models";
    const got = await seen(path, { headers });
    assert.equal(got.headers["x-goog-api-key"], "AIza-stored");
    await refused(403, 8012, "openai/models", { headers });
    await manage("PATCH", `virtual_keys/${made.id}`, { enabled: false });
    assert.match(await refused(401, 2009, path, { headers }), /is disabled/);
    await manage("PATCH", `virtual_keys/${made.id}`, { enabled: true });
    await seen(path, { headers });
    await manage("DELETE", `virtual_keys/${made.id}`);
    await refused(401, 2009, path, { headers });
  });
});
