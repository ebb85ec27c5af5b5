/** Cloudflare Access in front: whose JWTs are believed. */
import { strict as assert } from "node:assert";
import { before, beforeEach, describe, it } from "node:test";
import { type Caller, caller } from "../../core/context.ts";
import { metadataOf } from "../../core/metadata.ts";
import { digestKey } from "../../core/storage/ports.ts";
import { auth, definePlugin, fallback } from "../../mod.ts";
import { errorOf, recording } from "./upstream.ts";

const team = "https://team.cloudflareaccess.com";
const audience = "4714c1358e65fe4b408ad6d432a5f878f08194bdb4752441fd56faefa9b2b6f2";
const lent = "sk-lent";
let at = Date.parse("2026-01-02T12:00:00Z");

interface Signer {
  kid: string;
  key: CryptoKey;
  jwk: JsonWebKey;
}

async function signer(kid: string): Promise<Signer> {
  const { privateKey, publicKey } = await crypto.subtle.generateKey(
    {
      name: "RSASSA-PKCS1-v1_5",
      modulusLength: 2048,
      publicExponent: new Uint8Array([1, 0, 1]),
      hash: "SHA-256",
    },
    true,
    ["sign", "verify"],
  );
  const jwk = { ...await crypto.subtle.exportKey("jwk", publicKey), kid, alg: "RS256", use: "sig" };
  return { kid, key: privateKey, jwk };
}

const base64url = (bytes: Uint8Array | string) =>
  btoa(typeof bytes === "string" ? bytes : String.fromCharCode(...bytes))
    .replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");

async function jwt({ kid, key }: Signer, claims = {}, header = {}): Promise<string> {
  const seconds = Math.floor(at / 1000);
  const head = base64url(JSON.stringify({ alg: "RS256", kid, ...header }));
  const body = base64url(JSON.stringify({
    iss: team,
    aud: [audience],
    sub: "user-1",
    email: "a@example.com",
    iat: seconds,
    exp: seconds + 600,
    ...claims,
  }));
  const text = new TextEncoder().encode(`${head}.${body}`);
  const signature = await crypto.subtle.sign("RSASSA-PKCS1-v1_5", key, text);
  return `${head}.${body}.${base64url(new Uint8Array(signature))}`;
}

describe("access", () => {
  let good: Signer, other: Signer;
  before(async () => {
    [good, other] = await Promise.all([signer("k1"), signer("k2")]);
  });
  beforeEach(() => {
    at = Date.parse("2026-01-02T12:00:00Z");
  });

  function world(gateway: Record<string, unknown> = { authentication: true }) {
    const state = { away: false, fetched: [] as string[], keys: [good], known: {} as Caller };
    let metadata: unknown;
    const look = definePlugin("look", (ctx, next) => {
      state.known = ctx.get(caller) ?? {};
      metadata = metadataOf(ctx);
      return next();
    });
    const made = recording({
      plugins: [auth(), look],
      keys: { openai: { default: { value: lent } } },
      gateways: { default: { access: { team_domain: `${team}/`, audience }, ...gateway } },
      now: () => at,
    }, (url) => {
      if (!url.startsWith(team)) return Response.json({ ok: true });
      state.fetched.push(url);
      if (state.away) throw new TypeError("away");
      return Response.json({ keys: state.keys.map(({ jwk }) => jwk) });
    });
    const call = async (headers: Record<string, string>) => {
      const before = made.sent.length;
      const { response } = await made.ask("/openai/models", { headers });
      const sent = made.sent.slice(before).find(({ url }) => !url.startsWith(team));
      return { response, sent, metadata };
    };
    return { ...made, state, call };
  }

  const places: [what: string, headers: (token: string) => Record<string, string>][] = [
    ["cf-access-jwt-assertion", (token) => ({ "cf-access-jwt-assertion": token })],
    ["cf-access-token", (token) => ({ "cf-access-token": token })],
    ["authorization", (token) => ({ authorization: `Bearer ${token}` })],
  ];
  for (const [what, headers] of places) {
    it(`believes a JWT in ${what}, and sends it no further`, async () => {
      const { call, state } = world();
      const token = await jwt(good);
      const { response, sent, metadata } = await call(headers(token));
      assert.equal(response.status, 200);
      assert.ok(!JSON.stringify(sent).includes(token));
      assert.equal(sent!.headers["authorization"], `Bearer ${lent}`);
      assert.deepEqual(metadata, { "cf.user_id": "user-1" });
      assert.deepEqual(state.fetched, [`${team}/cdn-cgi/access/certs`]);
      assert.equal(state.known.keyId, undefined);
    });
  }

  it("keeps a place for cf.user_id, which callers cannot set", async () => {
    const { call } = world();
    const { metadata } = await call({
      "cf-access-jwt-assertion": await jwt(good),
      "cf-aig-metadata": '{"cf.user_id":"boss","a":1,"b":2,"c":3,"d":4,"e":5}',
    });
    assert.equal((metadata as Record<string, unknown>)["cf.user_id"], "user-1");
  });

  it("knows service tokens, which are no users", async () => {
    const { call } = world();
    for (const sub of ["", undefined]) {
      const token = await jwt(good, {
        sub,
        common_name: "e367826f93b8d71185e03fe518aff3b4.access",
      });
      const { response, metadata } = await call({ "cf-access-jwt-assertion": token });
      assert.equal(response.status, 200);
      assert.equal(metadata, null);
    }
  });

  it("fetches the keys once for many callers", async () => {
    const { call, state } = world();
    for (let i = 0; i < 5; i++) {
      const token = await jwt(good, { sub: `user-${i}` });
      for (let n = 0; n < 3; n++) {
        const { metadata } = await call({ "cf-access-jwt-assertion": token });
        assert.deepEqual(metadata, { "cf.user_id": `user-${i}` });
      }
    }
    assert.equal(state.fetched.length, 1);
  });

  const lies: [what: string, token: () => Promise<string>][] = [
    ["of another team", () => jwt(good, { iss: "https://evil.cloudflareaccess.com" })],
    ["for another application", () => jwt(good, { aud: ["another"] })],
    ["without an audience", () => jwt(good, { aud: undefined })],
    ["that has expired", () => jwt(good, { exp: Math.floor(at / 1000) - 31 })],
    ["that never expires", () => jwt(good, { exp: undefined })],
    ["that is not valid yet", () => jwt(good, { nbf: Math.floor(at / 1000) + 31 })],
    ["signed by somebody else", () => jwt({ ...other, kid: "k1" })],
    ["with an unknown key", () => jwt(other)],
    ["without a signature", async () => {
      const [, body] = (await jwt(good)).split(".");
      return `${base64url('{"alg":"none"}')}.${body}.`;
    }],
    ["signed with a public key as a secret", () => hmac(good)],
    ["that was changed", async () => {
      const [head, body = "", signature] = (await jwt(good)).split(".");
      const claims = JSON.parse(atob(body.replaceAll("-", "+").replaceAll("_", "/")));
      return `${head}.${base64url(JSON.stringify({ ...claims, sub: "boss" }))}.${signature}`;
    }],
    ["that is none", async () => await "not.a.jwt"],
    ["that is endless", async () => await `ey${"x".repeat(20_000)}.x.x`],
  ];
  for (const [what, token] of lies) {
    it(`refuses a JWT ${what}`, async () => {
      const { call, state } = world();
      const { response, sent } = await call({ "cf-access-jwt-assertion": await token() });
      const error = await errorOf(response);
      assert.deepEqual([error.status, error.code], [401, 2009]);
      assert.equal(sent, undefined);
      assert.ok(state.fetched.length <= 1);
    });
  }

  it("lets clocks differ by 30 s, and believes nothing longer than it is valid", async () => {
    const { call } = world();
    const token = await jwt(good);
    const status = async () => (await call({ "cf-access-jwt-assertion": token })).response.status;
    assert.equal(await status(), 200);
    at += 629_000;
    assert.equal(await status(), 200);
    at += 1_000;
    assert.equal(await status(), 401);
  });

  it("answers 503, not 401, while the keys cannot be fetched", async () => {
    const { call, state } = world();
    state.away = true;
    const token = await jwt(good);
    for (let i = 0; i < 3; i++) {
      const { response, sent } = await call({ "cf-access-jwt-assertion": token });
      assert.equal(response.headers.get("retry-after"), "5");
      const error = await errorOf(response);
      assert.deepEqual([error.status, error.code], [503, 8013]);
      assert.equal(sent, undefined);
    }
    assert.equal(state.fetched.length, 1, "It is not asked again at once");
    state.away = false;
    at += 2_000;
    assert.equal((await call({ "cf-access-jwt-assertion": token })).response.status, 200);
  });

  it("is no use to a gateway without it, which passes on what looks like its JWTs", async () => {
    const { call, state } = world({ access: null });
    const token = await jwt(good);
    const { response, sent } = await call({ authorization: `Bearer ${token}` });
    assert.equal(response.status, 200);
    assert.equal(sent!.headers["authorization"], `Bearer ${token}`);
    assert.deepEqual(state.fetched, []);
  });

  it("leaves JWTs of others to the provider", async () => {
    const { call, state } = world({ authentication: false });
    const token = await jwt(good, { iss: "https://accounts.example.com" });
    const { sent } = await call({ authorization: `Bearer ${token}` });
    assert.equal(sent!.headers["authorization"], `Bearer ${token}`);
    assert.deepEqual(state.fetched, []);
  });

  it("asks for nothing where nothing has to be shown, but sends no JWT of its own on", async () => {
    const { call } = world({ authentication: false });
    const bad = await jwt(good, { exp: 1 });
    const { response, sent } = await call({ authorization: `Bearer ${bad}` });
    assert.equal(response.status, 200);
    assert.equal(sent!.headers["authorization"], undefined);
    const { sent: known } = await call({ authorization: `Bearer ${await jwt(good)}` });
    assert.equal(known!.headers["authorization"], `Bearer ${lent}`);
  });

  it("keeps what one user's responses hold from another", async () => {
    const message = {
      id: "msg_1",
      type: "message",
      role: "assistant",
      model: "claude-haiku-4-5",
      content: [{ type: "text", text: "Mine" }],
      stop_reason: "end_turn",
      usage: { input_tokens: 1, output_tokens: 1 },
    };
    const { gateway } = recording({
      plugins: [auth()],
      keys: { anthropic: { default: { value: lent } } },
      gateways: {
        default: {
          access: { team_domain: team, audience },
          authentication: true,
          tokens: [{ name: "app", hash: `sha256:${await digestKey("sl-app")}` }],
        },
      },
      now: () => at,
    }, (url) => Response.json(url.startsWith(team) ? { keys: [good.jwk] } : message));
    const as = async (sub: string, key?: string) => ({
      "cf-access-jwt-assertion": await jwt(good, { sub }),
      ...key !== undefined && { "cf-aig-authorization": `Bearer ${key}` },
    });
    for (const key of [undefined, "sl-app"]) {
      const made = await gateway.fetch(
        new Request("http://gateway.test/v1/responses", {
          method: "POST",
          headers: { "content-type": "application/json", ...await as("user-1", key) },
          body: '{"model":"anthropic/claude-haiku-4-5","input":"Hi"}',
        }),
      );
      assert.equal(made.status, 200);
      const { id } = await made.json() as { id: string };
      const status = async (headers: Record<string, string>) =>
        (await gateway.fetch(new Request(`http://gateway.test/v1/responses/${id}`, { headers })))
          .status;
      assert.equal(await status(await as("user-1", key)), 200);
      assert.equal(await status(await as("user-2", key)), 404, `user-2 with ${key}`);
    }
  });

  it("says who uses a virtual key, too", async () => {
    const { call, state } = world({
      authentication: true,
      tokens: [{ name: "app", hash: `sha256:${await digestKey("sl-app")}`, metadata: { a: 1 } }],
    });
    const { metadata } = await call({
      authorization: "Bearer sl-app",
      "cf-access-jwt-assertion": await jwt(good),
    });
    assert.equal(state.known.keyName, "app");
    assert.deepEqual(metadata, { a: 1, "cf.user_id": "user-1" });
    state.away = true;
    at += 700_000;
    const { response } = await call({
      authorization: "Bearer sl-app",
      "cf-access-jwt-assertion": "x.y.z",
    });
    assert.equal(response.status, 200, "A good key needs nobody to vouch for it");
  });

  it("takes tokens out of the steps of a universal request, and nothing else", async () => {
    const { gateway, sent } = recording({
      plugins: [auth(), fallback()],
      gateways: {
        default: {
          authentication: true,
          access: { team_domain: team, audience },
          tokens: [{ name: "app", hash: `sha256:${await digestKey("app-token")}` }],
        },
      },
      keys: { openai: { default: { value: lent } } },
      now: () => at,
    }, (url) => url.startsWith(team) ? Response.json({ keys: [good.jwk] }) : Response.json({}));
    const token = await jwt(good);
    const through = async (authorization: string) => {
      const step = {
        provider: "openai",
        endpoint: "chat/completions",
        authorization,
        query: { model: "m" },
      };
      const response = await gateway.fetch(
        new Request("http://gateway.test/v1/acc/default", {
          method: "POST",
          body: JSON.stringify([step]),
          headers: { "cf-access-jwt-assertion": token },
        }),
      );
      assert.equal(response.status, 200, await response.text());
      return sent.at(-1)!.headers["authorization"];
    };
    assert.equal(await through("Bearer sk-own"), "Bearer sk-own");
    for (const ours of [token, "app-token"]) {
      assert.equal(await through(`Bearer ${ours}`), `Bearer ${lent}`);
    }
  });

  async function hmac({ kid, jwk }: Signer): Promise<string> {
    const secret = new TextEncoder().encode(JSON.stringify(jwk));
    const key = await crypto.subtle.importKey(
      "raw",
      secret,
      { name: "HMAC", hash: "SHA-256" },
      false,
      [
        "sign",
      ],
    );
    const [, body] = (await jwt(good)).split(".");
    const text = `${base64url(JSON.stringify({ alg: "HS256", kid }))}.${body}`;
    const signature = await crypto.subtle.sign("HMAC", key, new TextEncoder().encode(text));
    return `${text}.${base64url(new Uint8Array(signature))}`;
  }
});
