// The OpenAPI document of each runtime: valid by the OpenAPI Initiative's own schema, and true of what is
// sent and answered on every path that it has, and on no other.
import assert from "node:assert/strict";
import SwaggerParser from "@apidevtools/swagger-parser";
import { Ajv2020 } from "ajv/dist/2020.js";
import formats from "ajv-formats";
import { eachRuntime, type Json, type World } from "./setup.ts";

const token = "an-admin-token-for-the-test";
const root = "/client/v4/accounts/{account_id}/ai-gateway/";
const ofLogs = "gateways/{gateway_id}/logs";

/** Makes one call of each operation, and checks both ways against the document. */
class Checker {
  readonly seen = new Set<string>();
  /** Calls that have changed something. */
  readonly changes: string[] = [];
  readonly #world: World;
  readonly #document: Json;
  readonly #ajv = new Ajv2020({ strict: false, allErrors: true });

  constructor(world: World, document: Json) {
    this.#world = world;
    this.#document = document;
    formats.default(this.#ajv);
    this.#ajv.addSchema(closed(document), "document");
  }

  /** @param place Path below `ai-gateway/` as the document has it. */
  async call(
    method: string,
    place: string,
    variables: Record<string, string> = {},
    { body, query = "", status = 200 }: { body?: Json; query?: string; status?: number } = {},
  ): Promise<Json> {
    const what = `${method} ${place}`;
    const operation = this.#document.paths[root + place]?.[method.toLowerCase()];
    assert.ok(operation, `The document has no ${what}`);
    this.seen.add(what);
    const path = (root + place).replace(
      /\{(\w+)\}/g,
      (_, name) =>
        name === "account_id" ? "acc" : variables[name] ?? assert.fail(`${what}: ${name}`),
    );
    const pointer = ["paths", root + place, method.toLowerCase()];
    if (body !== undefined && status === 200) {
      this.#check([...pointer, "requestBody", "content", "application/json", "schema"], body, what);
    }
    const response = await fetch(`${this.#world.gateway.url}${path}${query}`, {
      method,
      headers: {
        authorization: `Bearer ${token}`,
        ...body !== undefined && { "content-type": "application/json" },
      },
      ...body !== undefined && { body: JSON.stringify(body) },
    });
    const type = response.headers.get("content-type")!.split(";", 1)[0]!;
    if (type === "text/event-stream") {
      await response.body!.cancel();
      assert.ok(operation.responses[200].content[type], what);
      return undefined;
    }
    const answer: Json = await response.json();
    assert.equal(response.status, status, `${what}: ${JSON.stringify(answer)}`);
    const name = status === 200 ? "200" : `${Math.floor(status / 100)}XX`;
    const { content } = operation.responses[name];
    if (method !== "GET" && status === 200) this.changes.push(what);
    if (content["*/*"] !== undefined) return answer;
    assert.ok(content[type], `${what} answers with ${type}`);
    this.#check([...pointer, "responses", name, "content", type, "schema"], answer, what);
    return answer.result;
  }

  #check(pointer: readonly string[], value: unknown, what: string): void {
    const ref = pointer.map((part) => part.replaceAll("~", "~0").replaceAll("/", "~1"))
      .map(encodeURIComponent).join("/");
    const validate = this.#ajv.getSchema(`document#/${ref}`);
    assert.ok(validate, `${what} has no schema at ${ref}`);
    assert.ok(validate(value), `${what}: ${this.#ajv.errorsText(validate.errors)}`);
  }
}

/** The same document, in which no answer may have what it does not name. */
function closed(document: Json): Json {
  const all = structuredClone(document);
  const close = (schema: Json): void => {
    if (typeof schema !== "object" || schema === null) return;
    if (schema.properties !== undefined) schema.additionalProperties ??= false;
    Object.values(schema).forEach(close);
  };
  close(all.components.schemas);
  close(all.paths);
  return all;
}

const configure = (origin: string) => ({
  allow_private_providers: true,
  providers: { groq: { base_url: `${origin}/openai/v1` } },
});

const env = {
  SLUICE_ADMIN_TOKEN: token,
  SLUICE_MASTER_KEY: Buffer.alloc(32, 7).toString("base64"),
};

eachRuntime("OpenAPI", configure, (world, test) => {
  const get = async () => {
    const response = await fetch(`${world.gateway.url}/openapi.json`);
    assert.match(response.headers.get("content-type")!, /^application\/json\b/);
    return await response.json();
  };

  test("the document is valid", async () => {
    const document = await get();
    assert.equal(document.openapi, "3.1.0");
    assert.equal(document.servers[0].url, world.gateway.url);
    await SwaggerParser.validate(document);
  });

  test("the document is true of every path", async () => {
    const document = await get();
    const checker = new Checker(world, document);
    const call = checker.call.bind(checker);
    const at = { gateway_id: "default" };

    const { request } = world.answer("groq/chat-tool-call");
    const asked = await fetch(`${world.base("groq")}/chat/completions`, {
      method: "POST",
      headers: { authorization: "Bearer sk-test", "content-type": "application/json" },
      body: JSON.stringify(request),
    });
    await asked.arrayBuffer();
    const log = { ...at, id: asked.headers.get("cf-aig-log-id")! };
    await call("GET", ofLogs, at, { query: "?meta_info=true" });
    await call("GET", ofLogs, at, { query: "?after=" });
    await call("GET", ofLogs, at, { query: "?per_page=0", status: 400 });
    await call("GET", `${ofLogs}/live`, at);
    await call("PATCH", `${ofLogs}/{id}`, log, {
      body: { feedback: 1, score: 50, metadata: { a: "b" } },
    });
    await call("GET", `${ofLogs}/{id}`, log);
    await call("GET", `${ofLogs}/{id}/request`, log);
    await call("GET", `${ofLogs}/{id}/response`, log);
    for (const [place, variables] of [["analytics", {}], ["gateways/{gateway_id}/analytics", at]]) {
      const query = "?interval=minute&group_by=provider,model&compare=true";
      await call("GET", place as string, variables as Record<string, string>, { query });
    }

    const least = {
      cache_invalidate_on_update: false,
      cache_ttl: 0,
      collect_logs: true,
      rate_limiting_interval: 0,
      rate_limiting_limit: 0,
    };
    const other = { gateway_id: "other" };
    await call("POST", "gateways", {}, { body: { id: "other", ...least } });
    await call("POST", "gateways", {}, { body: { id: "Not Good", ...least }, status: 400 });
    await call("GET", "gateways");
    await call("GET", "gateways/{gateway_id}", other);
    await call("GET", "gateways/{gateway_id}", { gateway_id: "none" }, { status: 404 });
    await call("PUT", "gateways/{gateway_id}", other, { body: least });
    await call("PATCH", "gateways/{gateway_id}", other, { body: { authentication: true } });
    const url = { ...other, provider: "groq" };
    await call("GET", "gateways/{gateway_id}/url/{provider}", url);

    const keys = "gateways/{gateway_id}/virtual_keys";
    const limit = { limit: 1, window: 60, unit: "requests" };
    const key = await call("POST", keys, other, { body: { name: "ci", limits: [limit] } });
    await call("GET", keys, other);
    await call("GET", `${keys}/{id}`, { ...other, id: key.id });
    await call("PATCH", `${keys}/{id}`, { ...other, id: key.id }, { body: { enabled: false } });
    await call("DELETE", `${keys}/{id}`, { ...other, id: key.id });

    const configs = "gateways/{gateway_id}/provider_configs";
    const body = { provider_slug: "groq", alias: "default", secret: "gsk_of_the_team" };
    const config = await call("POST", configs, other, { body });
    await call("GET", configs, other);
    await call("PUT", `${configs}/{id}`, { ...other, id: config.id }, {
      body: { secret: "gsk_another_secret" },
    });
    await call("DELETE", `${configs}/{id}`, { ...other, id: config.id });
    await call("POST", "gateways/{gateway_id}/cache/purge", other, { body: { all: true } });

    const acme = { name: "Acme", slug: "acme", base_url: "https://acme.example", enable: true };
    const provider = await call("POST", "custom-providers", {}, { body: acme });
    await call("GET", "custom-providers");
    await call("GET", "custom-providers/{id}", { id: provider.id });
    await call("PATCH", "custom-providers/{id}", { id: provider.id }, { body: { beta: true } });
    await call("GET", "providers");
    const costs = "custom-providers/costs";
    const cost = await call("POST", costs, {}, {
      body: { account_provider_id: provider.id, model: "m", cost_in: 0.1 },
    });
    await call("GET", costs);
    await call("GET", `${costs}/{id}`, { id: cost.id });
    await call("PATCH", `${costs}/{id}`, { id: cost.id }, { body: { cost_out: 0.2 } });
    await call("DELETE", `${costs}/{id}`, { id: cost.id });
    await call("DELETE", "custom-providers/{id}", { id: provider.id });
    const price = await call("POST", "prices", {}, {
      body: { provider: "openai", model: "m*", input: 1, output: 2 },
    });
    await call("GET", "prices");
    await call("GET", "prices/{id}", { id: price.id });
    await call("PATCH", "prices/{id}", { id: price.id }, { body: { output: 3 } });
    await call("DELETE", "prices/{id}", { id: price.id });

    const datasets = "gateways/{gateway_id}/datasets";
    const dataset = { name: "all", enable: true, filters: [] };
    const { id } = await call("POST", datasets, at, { body: dataset });
    await call("GET", datasets, at);
    await call("GET", `${datasets}/{id}`, { ...at, id });
    await call("PUT", `${datasets}/{id}`, { ...at, id }, { body: dataset });
    const [type] = await call("GET", "evaluation-types");
    const evaluations = "gateways/{gateway_id}/evaluations";
    const evaluation = await call("POST", evaluations, at, {
      body: { name: "e", dataset_ids: [id], evaluation_type_ids: [type.id] },
    });
    await call("GET", evaluations, at);
    await call("GET", `${evaluations}/{id}`, { ...at, id: evaluation.id });
    await call("DELETE", `${evaluations}/{id}`, { ...at, id: evaluation.id });
    await call("DELETE", `${datasets}/{id}`, { ...at, id });

    await call("DELETE", ofLogs, at, { query: "?limit=1" });
    await call("DELETE", "gateways/{gateway_id}", other);
    await call("GET", "gateways/{gateway_id}/audit_logs", at);
    const rows = await call("GET", "audit_logs", {}, { query: "?per_page=100" });
    // What is said of a row of the log is no change of the gateway.
    const changes = checker.changes.filter((change) => change !== `PATCH ${ofLogs}/{id}`);
    const actions: Record<string, string> = { POST: "create", PATCH: "update", DELETE: "delete" };
    assert.deepEqual(
      rows.map(({ action }: Json) => action).reverse(),
      changes.map((change) => {
        if (change.endsWith("cache/purge")) return "purge";
        const [method = ""] = change.split(" ");
        return actions[method] ?? (change.includes("provider_configs") ? "rotate" : "update");
      }),
    );
    for (const { old, new: after, action } of rows) {
      assert.ok(old !== null || after !== null || action === "purge");
    }

    const all = Object.entries<Json>(document.paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method.toUpperCase()} ${path.slice(root.length)}`)
    );
    assert.deepEqual([...checker.seen].sort(), all.sort());
  });
}, env);
