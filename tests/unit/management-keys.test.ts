import { strict as assert } from "node:assert";
import { describe, it } from "node:test";
import { log } from "../../mod.ts";
import { type Json, managed, problem } from "./manage.ts";

const all = {
  name: "ci",
  expires_at: "2099-01-01T00:00:00Z",
  providers: ["openai", "custom-*"],
  models: ["gpt-4o*"],
  metadata: { team: "a", cost_center: 7, test: true },
  limits: [{ limit: 10, window: 60, unit: "requests" }, {
    limit: 1000,
    window: 3600,
    unit: "tokens",
    technique: "fixed",
  }],
};

describe("virtual keys over the API", () => {
  it("are made, listed, read, changed and deleted; the key is shown once", async () => {
    const { ok, call } = managed();
    const { key, ...made } = await ok("POST", "virtual_keys", all);
    assert.match(key, /^sl-[A-Za-z0-9]{40,}$/);
    const { id, preview, created_at } = made;
    assert.equal(made.enabled, true);
    for (const [member, value] of Object.entries(all)) {
      assert.deepEqual(made[member], value, member);
    }
    assert.ok(key.startsWith(preview.slice(0, 4)) && preview.length < 15);
    assert.ok(!Number.isNaN(Date.parse(created_at)));

    const read = await ok("GET", `virtual_keys/${id}`);
    assert.deepEqual({ ...read, last_used_at: undefined }, { ...made, last_used_at: undefined });
    assert.deepEqual(await ok("GET", "virtual_keys"), [read]);
    assert.ok(!JSON.stringify([read, made]).includes(key));

    const changed = await ok("PATCH", `virtual_keys/${id}`, { enabled: false, models: null });
    assert.equal(changed.enabled, false);
    assert.equal(changed.models, undefined);
    assert.deepEqual(changed.providers, all.providers);
    assert.ok(!JSON.stringify(changed).includes(key));

    assert.deepEqual(await ok("DELETE", `virtual_keys/${id}`), { id });
    const path = `gateways/default/virtual_keys/${id}`;
    for (const method of ["GET", "DELETE"]) {
      assert.deepEqual(problem(await call(method, path)).slice(0, 2), [404, 7002]);
    }
    const gone = await call("PATCH", path, { body: { enabled: true } });
    assert.deepEqual(problem(gone).slice(0, 2), [404, 7002]);
  });

  it("belong to their gateway", async () => {
    const { ok, call } = managed({ gateways: { team: {} } });
    const { id } = await ok("POST", "virtual_keys", { name: "x" });
    assert.equal((await call("GET", `gateways/team/virtual_keys/${id}`)).status, 404);
    assert.equal((await call("DELETE", `gateways/team/virtual_keys/${id}`)).status, 404);
    assert.deepEqual((await call("GET", "gateways/team/virtual_keys")).body.result, []);
  });

  it("come in pages", async () => {
    const { ok, call } = managed();
    for (const name of ["a", "b", "c"]) await ok("POST", "virtual_keys", { name });
    const page = async (n: number) =>
      (await call("GET", `gateways/default/virtual_keys?page=${n}&per_page=2`)).body;
    assert.deepEqual((await page(1)).result_info, {
      page: 1,
      per_page: 2,
      count: 2,
      total_count: 3,
    });
    const pages = [await page(1), await page(2), await page(3)];
    assert.deepEqual(pages.map(({ result }) => result.length), [2, 1, 0]);
    const names = pages.flatMap(({ result }) => result.map(({ name }: Json) => name));
    assert.deepEqual(names.sort(), ["a", "b", "c"]);
  });

  const wrong: [body: unknown, path: string, message: RegExp][] = [
    [{}, "body.name", /'name' is missing/],
    [{ name: "" }, "body.name", /text of 1 to 256 characters/],
    [{ name: " " }, "body.name", /text of 1 to 256 characters/],
    [{ name: 7 }, "body.name", /text of 1 to 256 characters/],
    [{ name: "x", expire_at: "2099-01-01" }, "body.expire_at", /did you mean 'expires_at'/],
    [{ name: "x", expires_at: "never" }, "body.expires_at", /date and time/],
    [{ name: "x", expires_at: "2001-01-01" }, "body.expires_at", /in the future/],
    [{ name: "x", enabled: "yes" }, "body.enabled", /boolean/],
    [{ name: "x", providers: "openai" }, "body.providers", /Array/],
    [{ name: "x", providers: [7] }, "body.providers.0", /string/],
    [{ name: "x", metadata: { a: {} } }, "body.metadata.a", /string|boolean/],
    [
      { name: "x", limits: [{ limit: 1, window: 1 }] },
      "body.limits.0.unit",
      /'limits.0.unit' is missing/,
    ],
    [
      { name: "x", limits: [{ limit: 1, window: 1, unit: "yen" }] },
      "body.limits.0.unit",
      /requests/,
    ],
    [{ name: "x", limits: [{ limit: -1, window: 1, unit: "tokens" }] }, "body.limits.0.limit", />/],
    [
      { name: "x", limits: [{ limit: 1, window: 1, unit: "tokens", windw: 1 }] },
      "body.limits.0.windw",
      /did you mean 'window'/,
    ],
    ['{"name":"x","__proto__":{"a":1}}', "body.__proto__", /Unknown field '__proto__'/],
    [
      '{"name":"x","limits":[{"limit":1e999,"window":1,"unit":"tokens"}]}',
      "body.limits.0.limit",
      /./,
    ],
  ];
  for (const [body, path, message] of wrong) {
    it(`are not made from ${typeof body === "string" ? body : JSON.stringify(body)}`, async () => {
      const { call, ok } = managed();
      const answer = await call("POST", "gateways/default/virtual_keys", { body });
      const [status, code, text, where] = problem(answer);
      assert.deepEqual([status, code, where], [400, 7001, path]);
      assert.match(text, message);
      assert.deepEqual(await ok("GET", "virtual_keys"), []);
    });
  }

  it("tell all that is wrong at once", async () => {
    const answer = await managed().call("POST", "gateways/default/virtual_keys", {
      body: { enabled: 1, modles: [] },
    });
    assert.deepEqual(
      answer.body.errors.map(({ path }: Json) => path.join(".")).sort(),
      ["body.enabled", "body.modles", "body.name"],
    );
  });
});

describe("stored provider keys over the API", () => {
  const env = { SLUICE_MASTER_KEY: btoa("0123456789abcdef0123456789abcdef") };
  const secret = "sk-test-0123456789abcdefghijklmnop";
  const given = { provider_slug: "openai", alias: "default", default_config: true, secret };
  const withoutRows = { plugins: [log()], env };

  it("go in, are rotated and deleted, and never come out", async () => {
    const { ok, call, reports } = managed(withoutRows);
    const made = await ok("POST", "provider_configs", { ...given, rate_limit: 5 });
    assert.deepEqual(
      { ...made, id: "", secret_id: "", secret_preview: "", modified_at: "" },
      {
        id: "",
        alias: "default",
        default_config: true,
        gateway_id: "default",
        provider_slug: "openai",
        secret_id: "",
        secret_preview: "",
        rate_limit: 5,
        modified_at: "",
      },
    );
    const rotated = await ok("PUT", `provider_configs/${made.id}`, {
      secret: "sk-next-9876543210zyxwvutsrqponm",
    });
    assert.equal(rotated.id, made.id);
    assert.notEqual(rotated.secret_id, made.secret_id);
    const listed = await call("GET", "gateways/default/provider_configs");
    assert.deepEqual(listed.body.result, [rotated]);
    assert.deepEqual(listed.body.result_info, { page: 1, per_page: 20, count: 1, total_count: 1 });
    assert.deepEqual(await ok("DELETE", `provider_configs/${made.id}`), rotated);
    assert.deepEqual(await ok("GET", "provider_configs"), []);
    const path = `gateways/default/provider_configs/${made.id}`;
    assert.equal((await call("DELETE", path)).status, 404);
    assert.equal((await call("PUT", path, { body: { secret } })).status, 404);
    assert.equal((await call("GET", path)).status, 405);
    const said = JSON.stringify([made, rotated, listed.body, reports]);
    for (const part of ["0123456789abcdef", "9876543210zyxw"]) assert.ok(!said.includes(part));
  });

  it("name their provider by slug or alias", async () => {
    const { ok } = managed(withoutRows);
    const made = await ok("POST", "provider_configs", { ...given, provider_slug: "google" });
    assert.equal(made.provider_slug, "google-ai-studio");
  });

  it("may be credentials of several parts", async () => {
    const { ok } = managed(withoutRows);
    const parts = JSON.stringify({ accessKeyId: "a", secretAccessKey: "b\nc" }, null, 2);
    await ok("POST", "provider_configs", { ...given, provider_slug: "bedrock", secret: parts });
  });

  it("are refused without a master key, which the answer asks for", async () => {
    const { call, ok } = managed();
    const answer = await call("POST", "gateways/default/provider_configs", { body: given });
    const [status, , message] = problem(answer);
    assert.equal(status, 400);
    assert.match(message, /SLUICE_MASTER_KEY/);
    assert.ok(!message.includes(secret));
    assert.deepEqual(await ok("GET", "provider_configs"), []);
  });

  const wrong: [change: Json, path: string, message: RegExp][] = [
    [{ provider_slug: "opnai" }, "body.provider_slug", /did you mean 'openai'/],
    [{ provider_slug: undefined }, "body.provider_slug", /'provider_slug' is missing/],
    [{ alias: "a b" }, "body.alias", /1 to 64 letters/],
    [{ secret: undefined }, "body.secret", /'secret' is missing/],
    [{ secret: "" }, "body.secret", /provider's key/],
    [{ secret: "two\nlines" }, "body.secret", /without line breaks/],
    [{ secret: "{half" }, "body.secret", /JSON object/],
    [{ secret: undefined, secret_id: "x" }, "body.secret_id", /send the key as 'secret'/],
    [{ rate_limit: 0 }, "body.rate_limit", /above 0/],
    [{ rate_limit_period: 1.5 }, "body.rate_limit_period", /above 0/],
  ];
  for (const [change, path, message] of wrong) {
    it(`are refused with ${JSON.stringify(change)} at ${path}`, async () => {
      const answer = await managed(withoutRows).call("POST", "gateways/default/provider_configs", {
        body: { ...given, ...change },
      });
      const [status, code, text, where] = problem(answer);
      assert.deepEqual([status, code, where], [400, 7001, path]);
      assert.match(text, message);
      if (change.secret) assert.ok(!text.includes(change.secret));
    });
  }
});
