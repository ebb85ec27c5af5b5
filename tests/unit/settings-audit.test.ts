/** The audit log, and the document of the API. */
import { strict as assert } from "node:assert";
import { describe, it } from "node:test";
import { memoryKV } from "../../mod.ts";
import { AuditLog, mask } from "../../core/settings/audit.ts";
import { resources } from "../../core/management/mod.ts";
import { type Json, least, managed } from "./manage.ts";

const masterKey = btoa("k".repeat(32));

describe("the audit log", () => {
  it("has each change, the newest first, and no secret", async () => {
    const at = 1_800_000_000_000;
    const { call } = managed({ env: { SLUICE_MASTER_KEY: masterKey }, now: () => at });
    const say = async (method: string, path: string, body?: unknown): Promise<Json> => {
      const answer = await call(method, path, { body });
      assert.equal(answer.status, 200, JSON.stringify(answer.body));
      return answer.body.result;
    };
    await say("POST", "gateways", { ...least, id: "a" });
    await say("PATCH", "gateways/a", {
      cache_ttl: 9,
      otel: [{
        url: "https://o.example/v1/traces?api_key=secret-7",
        headers: { "x-key": "secret-1" },
        authorization: "secret-2",
      }],
      stripe: { authorization: "secret-3", usage_events: [] },
    });
    const key = await say("POST", "gateways/a/virtual_keys", { name: "k" });
    await say("PATCH", `gateways/a/virtual_keys/${key.id}`, { enabled: false });
    await say("DELETE", `gateways/a/virtual_keys/${key.id}`);
    const config = await say("POST", "gateways/a/provider_configs", {
      provider_slug: "openai",
      secret: "secret-4-is-long-enough-for-a-preview",
    });
    await say("PUT", `gateways/a/provider_configs/${config.id}`, { secret: "secret-5" });
    await say("POST", "gateways/a/cache/purge", { all: true });
    const provider = await say("POST", "custom-providers", {
      name: "Acme",
      slug: "acme",
      base_url: "https://acme.com",
      headers: '{"authorization":"secret-6"}',
    });
    await say("DELETE", `custom-providers/${provider.id}`);
    await say("DELETE", "gateways/a");
    assert.equal(
      (await call("PATCH", "gateways/default", { body: { cache_ttl: -1 } })).status,
      400,
    );

    const { body } = await call("GET", "audit_logs?per_page=100");
    const rows: Json[] = body.result;
    assert.deepEqual(
      rows.map(({ action, resource_type }) => `${action} ${resource_type}`).reverse(),
      [
        "create ai_gateway.gateway",
        "update ai_gateway.gateway",
        "create ai_gateway.virtual_key",
        "update ai_gateway.virtual_key",
        "delete ai_gateway.virtual_key",
        "create ai_gateway.provider_config",
        "rotate ai_gateway.provider_config",
        "purge ai_gateway.cache",
        "create ai_gateway.custom_provider",
        "delete ai_gateway.custom_provider",
        "delete ai_gateway.gateway",
      ],
    );
    const text = JSON.stringify(rows);
    assert.doesNotMatch(text, /secret-[123567]|is-long-enough/);
    assert.ok(!text.includes(key.key));
    const changed = rows.find(({ action, resource_id }) =>
      action === "update" && resource_id === "a"
    );
    assert.deepEqual([changed.old.cache_ttl, changed.new.cache_ttl], [0, 9]);
    assert.deepEqual(Object.keys(changed.new.otel[0].headers), ["x-key"]);
    assert.equal(changed.new.otel[0].url, "https://o.example/v1/traces?••••");
    assert.match(changed.actor, /^token:[0-9a-f]{12}$/);
    assert.ok(!Number.isNaN(Date.parse(changed.at)));
    assert.deepEqual(body.result_info, { page: 1, per_page: 100, count: 11, total_count: 11 });

    const page = await call("GET", "audit_logs?per_page=2&page=2");
    assert.deepEqual(page.body.result, rows.slice(2, 4));
    const only = await call("GET", "audit_logs?action=delete&resource_type=ai_gateway.gateway");
    assert.deepEqual(only.body.result, rows.slice(0, 1));
    await say("POST", "gateways", { ...least, id: "a" });
    const own = await call("GET", "gateways/a/audit_logs");
    assert.equal(own.body.result.length, 10);
    assert.deepEqual((await call("GET", "gateways/default/audit_logs")).body.result, []);
  });

  it("keeps a bounded number of rows", async () => {
    const kv = memoryKV({ maxBytes: Infinity, maxEntries: Infinity });
    const log = new AuditLog(kv, () => 1_800_000_000_000);
    const row = (n: number) => ({
      actor: "loopback",
      ip: null,
      action: "update" as const,
      resource_type: "ai_gateway.gateway",
      resource_id: String(n),
      gateway_id: "a",
      old: null,
      new: null,
    });
    for (let n = 0; n < 10_150; n++) await log.add(row(n));
    const { rows, total } = await log.list({}, { offset: 0, limit: 1 });
    assert.ok(total <= 10_100, String(total));
    assert.equal(rows[0]!.resource_id, "10149");
  });

  it("masks whatever it is given", () => {
    assert.deepEqual(
      mask({ headers: "no json", a: [{ secret: "x", key: 1 }], b: { headers: { h: "v" } } }),
      { headers: "••••", a: [{ secret: "••••", key: 1 }], b: { headers: { h: "••••" } } },
    );
  });
});

describe("/openapi.json", () => {
  const get = async (options: Parameters<typeof managed>[0] = {}) =>
    await managed(options).gateway.fetch(new Request("http://localhost:8787/openapi.json"));

  it("has every path of the API, and schemas for its bodies", async () => {
    const response = await get();
    assert.equal(response.status, 200);
    const document: Json = await response.json();
    assert.equal(document.openapi, "3.1.0");
    assert.equal(document.servers[0].url, "http://localhost:8787");
    const root = "/client/v4/accounts/{account_id}/ai-gateway/";
    const there = Object.entries<Json>(document.paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) =>
        `${method.toUpperCase()} ${path.slice(root.length).replace(/\{\w+\}/g, ":")}`
      )
    );
    const routes = resources.flatMap((resource) => Object.keys(resource))
      .map((route) => route.replace(/:\w+/g, ":"));
    assert.deepEqual(there.sort(), routes.sort());

    const { GatewayCreate, CustomProviderCreate } = document.components.schemas;
    assert.deepEqual(GatewayCreate.required.sort(), [
      ...["cache_invalidate_on_update", "cache_ttl", "collect_logs", "id"],
      ...["rate_limiting_interval", "rate_limiting_limit"],
    ]);
    assert.equal(GatewayCreate.properties.id.maxLength, 64);
    assert.deepEqual(CustomProviderCreate.required, ["name", "slug", "base_url"]);
    const ids = Object.values<Json>(document.paths).flatMap((methods) =>
      Object.values<Json>(methods).map(({ operationId }) => operationId)
    );
    assert.equal(new Set(ids).size, ids.length);
    for (
      const [, ref] of JSON.stringify(document).matchAll(/"\$ref":"#\/components\/schemas\/(\w+)"/g)
    ) {
      assert.ok(document.components.schemas[ref!], ref);
    }
  });

  it("is there whatever the host is called", async () => {
    const document = async (url: string) => {
      const request = Object.defineProperty(new Request("http://localhost"), "url", { value: url });
      const response = await managed().gateway.fetch(request);
      assert.equal(response.status, 200, url);
      return await response.json() as Json;
    };
    // Not each runtime looks at what a host header holds.
    for (const host of ["99999999999999999999", "a b", "a,b:c"]) {
      assert.deepEqual((await document(`http://${host}/openapi.json`)).servers, [{ url: "/" }]);
    }
    const { servers } = await document("https://api.example:8443/openapi.json");
    assert.deepEqual(servers, [{ url: "https://api.example:8443" }]);
  });

  it("is not there where management is off", async () => {
    assert.equal((await get({ admin: {} })).status, 404);
  });
});
