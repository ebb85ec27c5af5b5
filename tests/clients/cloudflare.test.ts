// Cloudflare's own client for its API, pointed at the gateway's management API.
import assert from "node:assert/strict";
import Cloudflare from "cloudflare";
import { collect, eachRuntime, type Json, type World } from "./setup.ts";

const token = "an-admin-token-for-the-test";
const at = { account_id: "acc" };
const inGateway = { ...at, gateway_id: "default" };

const clientOf = (world: World, apiToken = token) =>
  new Cloudflare({ baseURL: `${world.gateway.url}/client/v4`, apiToken, maxRetries: 0 });

const configure = (origin: string) => ({
  gateways: { other: {} },
  allow_private_providers: true,
  providers: {
    openai: { base_url: `${origin}/v1` },
    groq: { base_url: `${origin}/openai/v1` },
  },
});

/** Makes a request through the gateway and gives the id of its log row. */
async function logged(
  world: World,
  provider: string,
  name: string,
  team?: string,
): Promise<string> {
  const { request } = world.answer(name);
  const response = await fetch(`${world.base(provider)}/chat/completions`, {
    method: "POST",
    headers: {
      authorization: "Bearer sk-test",
      "content-type": "application/json",
      ...team && { "cf-aig-metadata": JSON.stringify({ team }) },
    },
    body: JSON.stringify(request),
  });
  await response.arrayBuffer();
  const id = response.headers.get("cf-aig-log-id");
  assert.ok(id, "The answer names no log row");
  return id;
}

const env = {
  SLUICE_ADMIN_TOKEN: token,
  SLUICE_MASTER_KEY: Buffer.alloc(32, 7).toString("base64"),
};

eachRuntime("cloudflare", configure, (world, test) => {
  const ids = async (params: Json = {}): Promise<string[]> => {
    const page = await clientOf(world).aiGateway.logs.list("default", { ...at, ...params });
    return page.result.map(({ id }) => id);
  };
  const clear = () => clientOf(world).aiGateway.logs.delete("default", at);

  test("logs.get, logs.request, logs.response", async () => {
    const id = await logged(world, "groq", "groq/chat-tool-call", "blue");
    const { request, answer } = world.answer("groq/chat-tool-call");
    const { logs } = clientOf(world).aiGateway;
    const row = await logs.get(id, inGateway);
    assert.equal(row.id, id);
    assert.equal(row.provider, "groq");
    assert.equal(row.status_code, 200);
    assert.equal(row.success, true);
    assert.equal(row.cached, false);
    assert.equal(row.tokens_in, answer.usage.prompt_tokens);
    assert.equal(row.tokens_out, answer.usage.completion_tokens);
    assert.equal(row.model, `groq/${answer.model}`);
    assert.deepEqual(JSON.parse(row.metadata!), { team: "blue" });
    assert.ok(Math.abs(Date.parse(row.created_at) - Date.now()) < 60_000);
    assert.ok(row.request_head!.startsWith("{"));
    assert.deepEqual(await logs.request(id, inGateway), request);
    assert.deepEqual(await logs.response(id, inGateway), answer);
  });

  test("logs.response of a stream is its text", async () => {
    const id = await logged(world, "groq", "groq/chat-stream-plain");
    const text = await clientOf(world).aiGateway.logs.response(id, inGateway);
    assert.match(String(text), /^data: \{/);
    assert.match(String(text), /\[DONE\]\s*$/);
  });

  test("logs.list with filters, order and pages", async () => {
    await clear();
    const first = await logged(world, "groq", "groq/chat-tool-call", "blue");
    const second = await logged(world, "openai", "groq/chat-error-400", "blue red");
    const third = await logged(world, "groq", "groq/chat-tool-call");

    assert.deepEqual(await ids(), [third, second, first]);
    assert.deepEqual(await ids({ order_by_direction: "asc" }), [first, second, third]);
    const filters = [
      { key: "provider", operator: "eq", value: ["groq", "anthropic"] },
      { key: "success", operator: "eq", value: [true] },
    ];
    assert.deepEqual(await ids({ filters }), [third, first]);
    assert.deepEqual(
      await ids({
        filters: [...filters, { key: "metadata.value", operator: "eq", value: ["blue"] }],
      }),
      [first],
    );
    assert.deepEqual(
      await ids({ filters: [{ operator: "contains", value: ["blue r"], key: "metadata.value" }] }),
      [second],
    );
    assert.deepEqual(await ids({ filters: [{ key: "id", operator: "eq", value: [second] }] }), [
      second,
    ]);
    assert.deepEqual(
      await ids({ filters: [{ key: "feedback", operator: "neq", value: [null] }] }),
      [],
    );
    assert.deepEqual(
      await ids({
        filters: [{ key: "created_at", operator: "gt", value: ["2099-01-01T00:00:00Z"] }],
      }),
      [],
    );
    assert.deepEqual(await ids({ success: false }), [second]);
    assert.deepEqual(await ids({ search: "red" }), [second]);

    const { logs } = clientOf(world).aiGateway;
    const page = await logs.list("default", { ...at, per_page: 2, meta_info: true });
    const info = page.result_info as Json;
    assert.deepEqual([info.page, info.per_page, info.count, info.total_count], [1, 2, 2, 3]);
    assert.ok(info.max_tokens_in > 0);
    assert.ok(page.hasNextPage());
    const all = await collect(logs.list("default", { ...at, per_page: 2 }));
    assert.deepEqual(all.map(({ id }) => id), [third, second, first]);
    assert.deepEqual(await collect(logs.list("other", at)), []);
  });

  test("logs.list with every parameter that came before filters", async () => {
    await clear();
    const first = await logged(world, "groq", "groq/chat-tool-call");
    const second = await logged(world, "openai", "groq/chat-error-400");
    await clientOf(world).aiGateway.logs.edit(first, { ...inGateway, feedback: -1 });
    const { usage } = world.answer("groq/chat-tool-call").answer;
    const [input, output] = [usage.prompt_tokens, usage.completion_tokens];
    for (const order_by of ["created_at", "provider"]) {
      assert.deepEqual(await ids({ order_by }), [second, first], order_by);
      assert.deepEqual(await ids({ order_by, direction: "asc" }), [first, second], order_by);
    }
    for (const order_by of ["model", "model_type", "success", "cached"]) {
      assert.equal((await ids({ order_by })).length, 2, order_by);
    }
    const one: Json[] = [
      { cached: false, success: true },
      { provider: "groq" },
      { feedback: 0 },
      { model: world.answer("groq/chat-tool-call").answer.model },
      { min_tokens_in: input, max_tokens_in: input },
      { min_tokens_out: output, max_tokens_out: output },
      { min_total_tokens: input + output, max_total_tokens: input + output },
      { min_cost: 0.000000001, max_cost: 1 },
      { request_content_type: "application/json", provider: "groq" },
      { response_content_type: "application/json", success: true },
    ];
    for (const params of one) assert.deepEqual(await ids(params), [first], JSON.stringify(params));
    const [past, future] = ["2020-01-01T00:00:00Z", "2099-01-01T00:00:00Z"];
    assert.equal((await ids({ start_date: past, end_date: future })).length, 2);
    assert.deepEqual(await ids({ end_date: past }), []);
    assert.deepEqual(await ids({ model_type: "image" }), []);
    assert.equal((await ids({ min_duration: 0, max_duration: 600_000 })).length, 2);
  });

  test("logs.edit", async () => {
    const id = await logged(world, "groq", "groq/chat-tool-call");
    const { logs } = clientOf(world).aiGateway;
    const said = { feedback: -1, score: 42, metadata: { reviewed: true } };
    assert.deepEqual(await logs.edit(id, { ...inGateway, ...said }), {});
    const row: Json = await logs.get(id, inGateway);
    assert.deepEqual([row.feedback, row.score, row.metadata], [-1, 42, '{"reviewed":true}']);
  });

  test("logs.delete by filter", async () => {
    await clear();
    const kept = await logged(world, "groq", "groq/chat-tool-call");
    await logged(world, "openai", "groq/chat-tool-call");
    const answer = await clientOf(world).aiGateway.logs.delete("default", {
      ...at,
      filters: [{ key: "provider", operator: "eq", value: ["openai"] }],
      limit: 10,
    });
    assert.equal(answer.success, true);
    assert.deepEqual(await ids(), [kept]);
  });

  test("logs.delete of the first in an order", async () => {
    await clear();
    const oldest = await logged(world, "groq", "groq/chat-tool-call");
    const middle = await logged(world, "groq", "groq/chat-tool-call");
    const latest = await logged(world, "openai", "groq/chat-tool-call");
    const { logs } = clientOf(world).aiGateway;
    await logs.delete("default", { ...at, limit: 1 });
    assert.deepEqual(await ids(), [latest, middle], `not ${oldest}`);
    await logs.delete("default", {
      ...at,
      limit: 1,
      order_by: "provider",
      order_by_direction: "desc",
    });
    assert.deepEqual(await ids(), [middle]);
  });

  test("errors raise the class of their status, with Cloudflare's code", async () => {
    const { logs } = clientOf(world).aiGateway;
    const wrong = clientOf(world, "wrong").aiGateway.logs;
    const failures: [() => PromiseLike<unknown>, Json, number][] = [
      [() => logs.get("none", inGateway), Cloudflare.NotFoundError, 7002],
      [() => logs.list("nowhere", at), Cloudflare.NotFoundError, 7002],
      [() => logs.list("default", { ...at, per_page: 99 }), Cloudflare.BadRequestError, 7001],
      [() => wrong.list("default", at), Cloudflare.AuthenticationError, 10000],
    ];
    for (const [ask, type, code] of failures) {
      const error: Json = await ask().then(() => undefined, (e) => e);
      assert.ok(error instanceof type, String(error));
      assert.equal(error.errors[0].code, code);
    }
  });

  test("providerConfigs.create and list", async () => {
    const { providerConfigs } = clientOf(world).aiGateway;
    const given = { alias: "default", default_config: true, provider_slug: "groq" };
    const made = await providerConfigs.create("other", {
      ...at,
      ...given,
      secret: "gsk_of_the_team",
    });
    assert.equal(made.provider_slug, "groq");
    assert.ok(!JSON.stringify(made).includes("gsk_of_the_team"));
    const listed = await collect(providerConfigs.list("other", at));
    assert.deepEqual(listed, [made]);

    // Cloudflare has both of these, its SDK neither.
    const path = `/accounts/acc/ai-gateway/gateways/other/provider_configs/${made.id}`;
    const client = clientOf(world);
    const rotated: Json = await client.put(path, { body: { secret: "gsk_another_secret" } });
    assert.equal(rotated.result.id, made.id);
    assert.notEqual(rotated.result.secret_id, made.secret_id);
    await client.delete(path);
    assert.deepEqual(await collect(providerConfigs.list("other", at)), []);
  });

  const least = {
    cache_invalidate_on_update: true,
    cache_ttl: 0,
    collect_logs: true,
    rate_limiting_interval: 0,
    rate_limiting_limit: 0,
  };

  test("create, get, list, update and delete of gateways", async () => {
    const { aiGateway } = clientOf(world);
    const everything = {
      ...least,
      cache_ttl: 60,
      rate_limiting_technique: "sliding" as const,
      authentication: true,
      byok_only: false,
      dlp: { action: "FLAG" as const, enabled: true, profiles: ["p"] },
      guardrails: { prompt: { S1: "BLOCK" as const }, response: {} },
      log_classification: false,
      log_management: 20_000,
      log_management_strategy: "DELETE_OLDEST" as const,
      logpush: true,
      logpush_public_key: "xxxxxxxxxxxxxxxx",
      otel: [{
        url: "https://otel.example/v1/traces",
        headers: { "x-key": "v" },
        authorization: "Bearer t",
        content_type: "json" as const,
      }],
      retry_backoff: "linear" as const,
      retry_delay: 10,
      retry_max_attempts: 2,
      spend_limits: {
        enabled: true,
        rules: [{ limit: 1, limitType: "cost" as const, window: 60 }],
      },
      store_id: "store",
      stripe: { authorization: "Bearer s", usage_events: [{ payload: "{}" }] },
      workers_ai_billing_mode: "postpaid" as const,
      zdr: true,
    };
    const made = await aiGateway.create({ ...at, id: "from-sdk", ...everything });
    assert.equal(made.id, "from-sdk");
    assert.equal(made.is_default, false);
    for (const [name, value] of Object.entries(everything)) {
      assert.deepEqual((made as Json)[name], value, name);
    }
    assert.deepEqual(await aiGateway.get("from-sdk", at), made);
    const listed = await collect(aiGateway.list({ ...at, per_page: 1 }));
    assert.deepEqual(listed.map(({ id }) => id), ["default", "from-sdk", "other"]);
    const found = await collect(aiGateway.list({ ...at, search: "sdk" }));
    assert.deepEqual(found, [made]);
    const changed = await aiGateway.update("from-sdk", { ...at, ...least, collect_logs: false });
    assert.deepEqual([changed.collect_logs, changed.cache_ttl, changed.zdr], [false, 0, true]);
    assert.ok(changed.modified_at >= made.modified_at);

    const ask = () =>
      fetch(`${world.gateway.url}/v1/acc/from-sdk/groq/chat/completions`, {
        method: "POST",
        headers: { authorization: "Bearer sk-test", "content-type": "application/json" },
        body: JSON.stringify(world.answer("groq/chat-tool-call").request),
      });
    const refused = await ask();
    await refused.arrayBuffer();
    assert.equal(refused.status, 401);
    await aiGateway.update("from-sdk", { ...at, ...least, authentication: false });
    const answered = await ask();
    await answered.arrayBuffer();
    assert.equal(answered.status, 200);

    const gone = await aiGateway.delete("from-sdk", at);
    assert.equal(gone.id, "from-sdk");
    const error: Json = await aiGateway.get("from-sdk", at).then(() => undefined, (e) => e);
    assert.ok(error instanceof Cloudflare.NotFoundError, String(error));
  });

  test("a wrong gateway raises BadRequestError with the place", async () => {
    const { aiGateway } = clientOf(world);
    const error: Json = await aiGateway.create({ ...at, ...least, id: "Not Good" })
      .then(() => undefined, (e) => e);
    assert.ok(error instanceof Cloudflare.BadRequestError, String(error));
    assert.equal(error.errors[0].code, 7001);
    assert.deepEqual((error.error as Json).errors[0].path, ["body", "id"]);
  });

  test("urls.get", async () => {
    const { urls } = clientOf(world).aiGateway;
    const root = `${world.gateway.url}/v1/acc/default`;
    assert.equal(await urls.get("groq", inGateway), `${root}/groq`);
    assert.equal(await urls.get("universal", inGateway), root);
  });

  test("customProviders, and their prices", async () => {
    const client = clientOf(world);
    const { customProviders } = client.aiGateway;
    const made = await customProviders.create({
      ...at,
      name: "Acme",
      slug: "acme",
      base_url: `${world.upstream.url}/acme`,
      enable: true,
      headers: JSON.stringify({ "x-acme": "yes" }),
      description: "Of the test",
    });
    assert.equal(made.slug, "acme");
    assert.deepEqual(await customProviders.get(made.id, at), made);
    assert.deepEqual(await collect(customProviders.list({ ...at, search: "acm" })), [made]);
    const slugs = async (params: Json) =>
      (await collect(customProviders.list({ ...at, ...params }))).map(({ slug }) => slug);
    const other = await customProviders.create({
      ...at,
      name: "Beta",
      slug: "beta",
      base_url: "https://beta.example/v1",
      beta: true,
      link: "https://beta.example",
      curl_example: "curl",
      js_example: "fetch()",
      position: 1,
    });
    assert.deepEqual([other.enable, other.beta, other.headers], [false, true, null]);
    assert.deepEqual(await slugs({ per_page: 1 }), ["beta", "acme"]);
    assert.deepEqual(await slugs({ enable: true }), ["acme"]);
    assert.deepEqual(await slugs({ beta: true }), ["beta"]);
    assert.deepEqual(await slugs({ search: "none" }), []);
    await customProviders.delete(other.id, at);

    const costs = "/accounts/acc/ai-gateway/custom-providers/costs";
    const { answer } = world.answer("groq/chat-tool-call");
    const price: Json = await client.post(costs, {
      body: { account_provider_id: made.id, model: answer.model, cost_in: 1, cost_out: 2 },
    });
    assert.equal(price.result.model_rule, "equals");
    const { prompt_tokens, completion_tokens } = answer.usage;
    const id = await logged(world, "custom-acme", "groq/chat-tool-call");
    const row: Json = await client.aiGateway.logs.get(id, inGateway);
    assert.equal(row.provider, "custom-acme");
    assert.equal(row.cost, prompt_tokens + 2 * completion_tokens);
    assert.equal(world.upstream.requests.at(-1)!.target, "/acme/chat/completions");
    await client.patch(`${costs}/${price.result.id}`, { body: { cost_in: 0, cost_out: 0 } });
    const free = await logged(world, "custom-acme", "groq/chat-tool-call");
    assert.equal((await client.aiGateway.logs.get(free, inGateway) as Json).cost, 0);

    const path = `/accounts/acc/ai-gateway/custom-providers/${made.id}`;
    const changed: Json = await client.patch(path, { body: { name: "Other" } });
    assert.deepEqual([changed.result.name, changed.result.slug], ["Other", "acme"]);
    const twice: Json = await customProviders.create({
      ...at,
      name: "Twice",
      slug: "acme",
      base_url: "https://acme.example",
    }).then(() => undefined, (e) => e);
    assert.ok(twice instanceof Cloudflare.ConflictError, String(twice));
    assert.equal(twice.errors[0].code, 1003);
    assert.equal((await customProviders.delete(made.id, at)).id, made.id);
    assert.deepEqual(await collect(customProviders.list(at)), []);
    const left: Json = await client.get(costs);
    assert.deepEqual(left.result, []);
  });

  test("datasets.create, get, list, update and delete", async () => {
    const { datasets } = clientOf(world).aiGateway;
    const filters = [
      { key: "provider" as const, operator: "eq" as const, value: ["groq", "openai"] },
      { key: "created_at" as const, operator: "gt" as const, value: ["2026-01-01T00:00:00Z"] },
      { key: "success" as const, operator: "eq" as const, value: [true] },
    ];
    const made = await datasets.create("other", { ...at, name: "Good", enable: true, filters });
    assert.deepEqual(
      [made.name, made.enable, made.gateway_id, made.filters],
      ["Good", true, "other", filters],
    );
    const inOther = { ...at, gateway_id: "other" };
    assert.deepEqual(await datasets.get(made.id, inOther), made);
    const second = await datasets.create("other", {
      ...at,
      name: "All",
      enable: false,
      filters: [],
    });
    const names = async (params: Json = {}) =>
      (await collect(datasets.list("other", { ...at, ...params }))).map(({ name }) => name).sort();
    assert.deepEqual(await names(), ["All", "Good"]);
    assert.deepEqual(await names({ per_page: 1 }), ["All", "Good"]);
    assert.deepEqual(await names({ name: "Good" }), ["Good"]);
    assert.deepEqual(await names({ enable: false }), ["All"]);
    assert.deepEqual(await names({ search: "groq" }), ["Good"]);
    const put = { name: "Better", enable: true, filters: filters.slice(0, 1) };
    const changed = await datasets.update(made.id, { ...inOther, ...put });
    assert.deepEqual([changed.id, changed.name, changed.filters], [made.id, "Better", put.filters]);
    assert.equal(changed.created_at, made.created_at);
    assert.deepEqual(await datasets.delete(second.id, inOther), second);
    assert.deepEqual(await names(), ["Better"]);
    const refused: [() => PromiseLike<unknown>, Json, number][] = [
      [() => datasets.get(made.id, inGateway), Cloudflare.NotFoundError, 7002],
      [() => datasets.get(second.id, inOther), Cloudflare.NotFoundError, 7002],
      [
        () =>
          datasets.create("other", {
            ...at,
            name: "x",
            enable: true,
            filters: [{ key: "cost", operator: "gt", value: ["much"] }],
          }),
        Cloudflare.BadRequestError,
        7001,
      ],
    ];
    for (const [ask, type, code] of refused) {
      const error: Json = await ask().then(() => undefined, (e) => e);
      assert.ok(error instanceof type, String(error));
      assert.equal(error.errors[0].code, code);
    }
  });

  test("evaluationTypes.list, and evaluations of what was logged", async () => {
    await clear();
    const client = clientOf(world).aiGateway;
    const first = await logged(world, "groq", "groq/chat-tool-call");
    const second = await logged(world, "groq", "groq/chat-tool-call");
    await logged(world, "openai", "groq/chat-error-400");
    await client.logs.edit(first, { ...inGateway, feedback: 1 });
    await client.logs.edit(second, { ...inGateway, feedback: -1 });

    const types = await collect(client.evaluationTypes.list({ ...at, per_page: 5 }));
    assert.deepEqual(types.map(({ type }) => type), ["cost", "human-feedback", "speed"]);
    const backwards = { ...at, order_by: "type", order_by_direction: "desc" as const };
    const reversed = await collect(client.evaluationTypes.list(backwards));
    assert.deepEqual(reversed.map(({ type }) => type), ["speed", "human-feedback", "cost"]);
    const dataset = (name: string, filters: Json[]) =>
      client.datasets.create("default", { ...at, name, enable: true, filters });
    const good = await dataset("good", [{ key: "success", operator: "eq", value: [true] }]);
    const all = await dataset("all", []);

    const made = await client.evaluations.create("default", {
      ...at,
      name: "Baseline",
      dataset_ids: [good.id],
      evaluation_type_ids: types.map(({ id }) => id),
    });
    assert.deepEqual([made.name, made.processed, made.total_logs], ["Baseline", true, 2]);
    assert.deepEqual(made.datasets.map(({ id, account_id }) => [id, account_id]), [[
      good.id,
      "acc",
    ]]);
    const rows: Json[] = [
      await client.logs.get(first, inGateway),
      await client.logs.get(second, inGateway),
    ];
    const mean = (name: string) => rows.reduce((sum, row) => sum + row[name], 0) / rows.length;
    const said = (evaluation: typeof made, type: string) => {
      const { id } = types.find((each) => each.type === type)!;
      return evaluation.results.find((each) => each.evaluation_type_id === id)!;
    };
    assert.equal(made.results.length, 3);
    assert.ok(mean("cost") > 0);
    assert.ok(Math.abs(Number(said(made, "cost").result) - mean("cost")) < 1e-9);
    assert.ok(Math.abs(Number(said(made, "speed").result) - mean("duration")) < 1e-6);
    const feedback = said(made, "human-feedback");
    assert.deepEqual([feedback.result, feedback.status, feedback.total_logs], ["50", 1, 2]);

    // As it was then, whatever comes later; a row in two datasets counts once.
    await client.logs.edit(second, { ...inGateway, feedback: 1 });
    assert.deepEqual(await client.evaluations.get(made.id, inGateway), made);
    const later = await client.evaluations.create("default", {
      ...at,
      name: "Later",
      dataset_ids: [good.id, all.id],
      evaluation_type_ids: [feedback.evaluation_type_id],
    });
    assert.deepEqual([later.total_logs, later.results.length], [3, 1]);
    assert.deepEqual(said(later, "human-feedback").result, "100");

    const names = async (params: Json = {}) =>
      (await collect(client.evaluations.list("default", { ...at, ...params })))
        .map(({ name }) => name).sort();
    assert.deepEqual(await names({ per_page: 1 }), ["Baseline", "Later"]);
    assert.deepEqual(await names({ name: "Later" }), ["Later"]);
    assert.deepEqual(await names({ search: "base" }), ["Baseline"]);
    assert.deepEqual(await names({ processed: false }), []);
    assert.equal((await client.evaluations.delete(made.id, inGateway)).id, made.id);
    assert.deepEqual(await names(), ["Later"]);
    const error: Json = await client.evaluations.get(made.id, inGateway)
      .then(() => undefined, (e) => e);
    assert.ok(error instanceof Cloudflare.NotFoundError, String(error));
  });

  test("dynamicRouting raises an error that says what to do", async () => {
    const { dynamicRouting } = clientOf(world).aiGateway;
    const error: Json = await dynamicRouting.list("default", at).then(() => undefined, (e) => e);
    assert.ok(error instanceof Cloudflare.InternalServerError, String(error));
    assert.equal(error.status, 501);
  });
}, env);
