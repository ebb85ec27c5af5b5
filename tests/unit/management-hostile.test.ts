/** Hostile input to the management API, of somebody who has the token, or of a script that has it. */
import { strict as assert } from "node:assert";
import { describe, it } from "node:test";
import { resources } from "../../core/management/mod.ts";
import { memoryKV } from "../../mod.ts";
import { type Json, managed, problem } from "./manage.ts";

const masterKey = btoa("k".repeat(32));
const routes = resources.flatMap((resource) => Object.keys(resource))
  .filter((route) => !route.endsWith("/live")) // is read for ever
  .map((route) => route.split(" ") as [method: string, path: string]);
const withBody = routes.filter(([method]) => ["POST", "PUT", "PATCH"].includes(method));

/** Deeper than any stack. */
const deep = (levels: number) => `${"[".repeat(levels)}1${"]".repeat(levels)}`;
const deepObject = (levels: number) => `${'{"a":'.repeat(levels)}1${"}".repeat(levels)}`;
const depth = 50_000;

const filter = '"key":"cost","operator":"gt","value":[1]';
const bodies: readonly string[] = [
  "null",
  "[]",
  "{}",
  deep(depth),
  deepObject(depth),
  '{"__proto__":{"polluted":true}}',
  '{"constructor":{"prototype":{"polluted":true}}}',
  '{"toString":1,"hasOwnProperty":1,"valueOf":null}',
  // Fields of all paths at once, each with something that it is not for.
  ...[
    '"x"',
    "1e308",
    "-1",
    "true",
    '{"__proto__":{"polluted":true}}',
    deep(depth / 10),
    deepObject(depth / 10),
    '["__proto__"]',
    `"${"x".repeat(100_000)}"`,
    String.raw`"\u0000\r\nset-cookie: a=b"`,
  ].map((value) =>
    `{${
      [
        ...["name", "id", "slug", "base_url", "headers", "metadata", "limits", "filters", "enable"],
        ...["dataset_ids", "evaluation_type_ids", "provider_slug", "secret", "alias", "feedback"],
        ...["score", "all", "key", "provider", "model", "token_pricing", "account_provider_id"],
        ...["otel", "dlp", "guardrails", "spend_limits", "rate_limits", "log_redact", "access"],
        ...["gateways", "providers", "models", "expires_at", "cost_in", "input", "cache_ttl"],
      ].map((name) => `"${name}":${value}`)
    }}`
  ),
  // What is kept of what was checked must be what was checked.
  `{"name":"x","enable":true,"filters":[{${filter},"more":${deep(depth)}}]}`,
  `{"name":"x","enable":true,"filters":[{"key":"cost","operator":"gt","value":[${deep(depth)}]}]}`,
  `{"metadata":{"__proto__":1,"a":1}}`,
  `{"dlp":${deepObject(depth)}}`,
  `{"dlp":{"__proto__":{"polluted":true}}}`,
];

/** Ids that are paths, keys of the store, members of every object. */
const ids: readonly string[] = [
  ...["..%2f..%2fsettings", "%2fetc%2fpasswd", "a%2fb", "%00", "a%00b"],
  ...["__proto__", "constructor", "toString", "%5c..%5c", "*", "%25", "%", "%ff", "a:b", ":"],
  ...["settings:revision", "%0d%0aset-cookie:%20a=b", "'%20OR%201=1--", "x".repeat(2000), "é"],
];

async function world() {
  const keys = memoryKV();
  const made = managed({ env: { SLUICE_MASTER_KEY: masterKey }, stores: { keys } });
  await made.call("PATCH", "gateways/default", { body: { cache_ttl: 7 } });
  return { ...made, keys };
}

function unharmed(): void {
  assert.equal(({} as Json).polluted, undefined);
  assert.equal(Object.hasOwn(Object.prototype, "polluted"), false);
}

describe("hostile bodies", () => {
  for (const [method, path] of withBody) {
    it(`${method} ${path}`, async () => {
      const { call, reports } = await world();
      const at = path.replace(":gateway", "default").replace(":id", crypto.randomUUID());
      for (const body of bodies) {
        const { status } = await call(method, at, { body });
        assert.ok(status < 500, `${status} of ${body.slice(0, 100)}`);
      }
      assert.deepEqual(reports, []);
      unharmed();
    });
  }

  it("change nothing that they do not name", async () => {
    const { call } = await world();
    const before = (await call("GET", "gateways/default")).body.result;
    for (const body of ['{"__proto__":{"cache_ttl":99}}', '{"constructor":{"cache_ttl":99}}']) {
      await call("PATCH", "gateways/default", { body });
    }
    const after = (await call("GET", "gateways/default")).body.result;
    assert.deepEqual({ ...after, modified_at: "" }, { ...before, modified_at: "" });
  });
});

describe("rules of a virtual key", () => {
  it("are bounded, since each request pays for them", async () => {
    const { call } = await world();
    const limit = { limit: 1, window: 1, unit: "requests" };
    const most = {
      name: "x",
      limits: Array(32).fill(limit),
      models: Array(1000).fill("a*"),
      metadata: Object.fromEntries(Array.from({ length: 64 }, (_, i) => [`k${i}`, "v"])),
    };
    const path = "gateways/default/virtual_keys";
    const { body } = await call("POST", path, { body: most });
    assert.equal(body.success, true);
    const wrong: [Json, string][] = [
      [{ limits: Array(33).fill(limit) }, "body.limits"],
      [{ models: Array(1001).fill("a*") }, "body.models"],
      [{ providers: Array(1001).fill("a*") }, "body.providers"],
      [{ metadata: { ...most.metadata, more: 1 } }, "body.metadata"],
      [{ metadata: { a: "v".repeat(4097) } }, "body.metadata.a"],
    ];
    for (const [more, place] of wrong) {
      for (const [method, at] of [["POST", path], ["PATCH", `${path}/${body.result.id}`]]) {
        const answer = await call(method!, at!, { body: { name: "x", ...more } });
        assert.deepEqual([problem(answer)[0], problem(answer)[3]], [400, place]);
      }
    }
  });
});

describe("hostile ids", () => {
  it("find nothing, on any path, and leave the store as it was", async () => {
    const { call, keys, reports } = await world();
    const stored = async () => {
      const found: Json = {};
      for (const root of ["settings:", "vkey:", "vkeys:", "datasets:", "evaluations:", "pkeys:"]) {
        for (const key of await keys.keys(root)) found[key] = await keys.get(key);
      }
      return found;
    };
    const before = await stored();
    const body = {
      name: "x",
      enable: true,
      filters: [],
      secret: "sk-a-secret-of-some-length",
      feedback: 1,
    };
    for (const [method, path] of routes.filter(([, path]) => path.includes(":"))) {
      for (const id of ids) {
        const where = path.includes(":id")
          ? path.replace(":gateway", "default").replace(":id", id)
          : path.replace(":gateway", id);
        const answer = await call(method, where, {
          ...["POST", "PUT", "PATCH"].includes(method) && { body },
        });
        assert.ok(
          answer.status >= 400 && answer.status < 500,
          `${answer.status} of ${method} ${where.slice(0, 100)}`,
        );
        assert.equal(answer.headers.get("set-cookie"), null);
      }
    }
    assert.deepEqual(reports, []);
    assert.deepEqual(Object.keys(await stored()).sort(), Object.keys(before).sort());
    unharmed();
  });
});

describe("headers of stored providers", () => {
  const provider = {
    name: "Acme",
    slug: "acme",
    base_url: "https://api.acme.com",
    enable: true,
  };

  it("are headers, one each, and none that HTTP or the gateway lives by", async () => {
    const { call } = await world();
    const wrong: Record<string, string>[] = [
      { "x-a\r\nx-b": "1" },
      { "x-a": "1\r\nx-b: 2" },
      { "x-a": "1\nx-b: 2" },
      { "x-a": "\0" },
      { "x a": "1" },
      { "x-a:": "1" },
      { "": "1" },
      { "x-a": "…" },
      ...[
        ...["host", "Content-Length", "transfer-encoding", "connection", "upgrade", "te"],
        ...["keep-alive", "expect", "proxy-connection", "http2-settings", "trailer"],
        ...["cf-aig-authorization"],
      ].map((name) => ({ [name]: "1" })),
    ];
    for (const headers of wrong) {
      const body = { ...provider, headers: JSON.stringify(headers) };
      const answer = await call("POST", "custom-providers", { body });
      assert.deepEqual(
        [problem(answer)[0], problem(answer)[3]],
        [400, "body.headers"],
        body.headers,
      );
    }
    for (
      const name of ["host", "content-length", "Transfer-Encoding", "x a", "a\r\nb", "cf-aig-x"]
    ) {
      const answer = await call("POST", "custom-providers", {
        body: { ...provider, key_header: name },
      });
      assert.deepEqual([problem(answer)[0], problem(answer)[3]], [400, "body.key_header"], name);
    }
    for (const word of ["Bearer\r\nx-b: 2", "\0"]) {
      const answer = await call("POST", "custom-providers", {
        body: { ...provider, key_scheme: word },
      });
      assert.deepEqual([problem(answer)[0], problem(answer)[3]], [400, "body.key_scheme"], word);
    }
    assert.deepEqual((await call("GET", "custom-providers")).body.result, []);
  });

  it("may be called as members of every object are", async () => {
    const { call, ask } = await world();
    const headers = '{"__proto__":"a","constructor":"b","x-c":"c"}';
    const body = { ...provider, headers };
    assert.equal((await call("POST", "custom-providers", { body })).status, 200);
    const { sent } = await ask("/custom-acme/models");
    assert.equal(sent?.headers["x-c"], "c");
    assert.equal(sent?.headers["constructor"], "b");
    unharmed();
  });
});

describe("addresses that the gateway is to ask", () => {
  const access = { team_domain: "https://team.cloudflareaccess.com", audience: "a" };
  const inner = ["http://169.254.169.254/latest", "https://10.0.0.1/x", "http://collector:4318/"];

  it("are none of an inner network, in settings as in providers", async () => {
    const { call } = await world();
    for (const url of inner) {
      const wrong: [Json, string][] = [
        [{ otel: [{ url: "https://o.example/v1/traces" }, { url }] }, "body.otel.1.url"],
        [{ access: { ...access, jwks_url: url } }, "body.access.jwks_url"],
        [{ access: { ...access, team_domain: url.replace(/\/$/, "") } }, "body.access.team_domain"],
      ];
      for (const [body, path] of wrong) {
        const answer = await call("PATCH", "gateways/default", { body });
        assert.deepEqual([problem(answer)[0], problem(answer)[3]], [400, path]);
        assert.match(problem(answer)[2], /allow_private_providers/);
      }
    }
    const good = { otel: [{ url: "https://o.example/v1/traces?a=b" }], access };
    assert.equal((await call("PATCH", "gateways/default", { body: good })).status, 200);
  });

  it("are any where the configuration says so, and this machine where nobody else can ask", async () => {
    const local = { otel: [{ url: "http://127.0.0.1:4318/v1/traces" }] };
    const any = managed({ allow_private_providers: true });
    const own = managed({ admin: { token: "an-admin-token-for-tests", loopback: true } });
    for (const url of inner) {
      const body = { otel: [{ url }] };
      assert.equal((await any.call("PATCH", "gateways/default", { body })).status, 200, url);
      const answer = await own.call("PATCH", "gateways/default", { body });
      assert.equal(answer.status, 400, url);
    }
    assert.equal((await own.call("PATCH", "gateways/default", { body: local })).status, 200);
  });
});
