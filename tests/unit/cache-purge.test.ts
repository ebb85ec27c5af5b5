/** What is purged is gone, for all processes. */
import { strict as assert } from "node:assert";
import { describe, it } from "node:test";
import { memoryKV } from "../../core/storage/memory.ts";
import type { KV } from "../../core/storage/ports.ts";
import { caching, chat, json, prompt } from "./caching.ts";
import { managed, problem } from "./manage.ts";
import { cache, log } from "../../mod.ts";

/** A store that others use as well. */
const shared = (now: () => number): KV => ({ ...memoryKV({ now }), driver: "shared" });

const admin = { token: "t" };
const gateways = { default: { cache_ttl: 600 }, team: { cache_ttl: 600 } };

/** Entries of several providers, models, keys and gateways. */
async function filled(kv?: KV, clock?: { now: number }) {
  const given = caching({ gateways, admin, ...kv && { kv }, ...clock && { clock } });
  const asks: Record<string, Parameters<typeof given.ask>> = {
    openai: [prompt],
    model: [{ ...prompt, model: "gpt-4o" }],
    groq: [prompt, { path: "/groq/chat/completions" }],
    slash: [{ ...prompt, model: "meta-llama/llama-4" }, { path: "/groq/chat/completions" }],
    key: [prompt, { headers: { "cf-aig-cache-key": "faq" } }],
    keyModel: [{ ...prompt, model: "gpt-4o" }, { headers: { "cf-aig-cache-key": "news" } }],
    team: [prompt, { path: "http://gateway.test/v1/acc/team/openai/chat/completions" }],
  };
  for (const asked of Object.values(asks)) await given.ask(...asked);
  return {
    ...given,
    asks,
    /** Names of the entries that are there, without changing that. */
    async there(by = given): Promise<string[]> {
      const found: string[] = [];
      for (const [name, [body, asking]] of Object.entries(asks)) {
        const before = by.sent.length;
        const { cache } = await by.ask(body, {
          ...asking,
          headers: { ...asking?.headers, "cf-aig-cache-ttl": "60" },
        });
        if (cache === "HIT") found.push(name);
        else assert.equal(by.sent.length, before + 1);
      }
      return found;
    },
  };
}

const all = ["openai", "model", "groq", "slash", "key", "keyModel", "team"];
const without = (...names: string[]) => all.filter((name) => !names.includes(name));

describe("purge", () => {
  const cases: [Record<string, unknown>, string[]][] = [
    [{ all: true }, without("team")],
    [{ provider: "openai" }, ["openai", "model", "key", "keyModel"]],
    [{ provider: "groq" }, ["groq", "slash"]],
    [{ model: "gpt-4o" }, ["model", "keyModel"]],
    [{ model: "gpt-4o-mini" }, ["openai", "groq", "key"]],
    [{ model: "groq/gpt-4o-mini" }, ["groq"]],
    [{ model: "meta-llama/llama-4" }, ["slash"]],
    [{ model: "groq/meta-llama/llama-4" }, ["slash"]],
    [{ provider: "groq", model: "gpt-4o-mini" }, ["groq"]],
    [{ key: "faq" }, ["key"]],
    [{ key: "news", provider: "openai" }, ["keyModel"]],
    [{ key: "news", model: "gpt-4o-mini" }, []],
    [{ key: "other" }, []],
    [{ provider: "anthropic" }, []],
  ];
  for (const [body, gone] of cases) {
    for (const written of [true, false]) {
      const where = written ? "stored" : "on its way into the store";
      it(`of ${JSON.stringify(body)} forgets ${gone.join(", ") || "nothing"}, ${where}`, async () => {
        const { gateway, there, purge } = await purging(written);
        assert.equal(await purge(body), gone.length);
        assert.deepEqual(await there(), without(...gone));
        await gateway.flush();
      });
    }
  }

  /** With the management API in front. */
  async function purging(written: boolean) {
    const given = await filled();
    const { gateway } = given;
    if (written) await gateway.flush();
    const purge = async (body: unknown) => {
      const response = await gateway.fetch(
        new Request(
          "http://localhost/client/v4/accounts/acc/ai-gateway/gateways/default/cache/purge",
          {
            method: "POST",
            headers: { "content-type": "application/json", authorization: "Bearer t" },
            body: JSON.stringify(body),
          },
        ),
      );
      return (await response.json() as { result: { purged: number } }).result?.purged;
    };
    return { ...given, purge };
  }

  it("counts what is there once", async () => {
    const { purge } = await purging(true);
    assert.equal(await purge({ all: true }), 6);
    assert.equal(await purge({ all: true }), 0);
  });

  it("counts once what is in the store and not yet told to be", async () => {
    const kv = memoryKV();
    const [stored, go] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const { setBytes } = kv;
    const slow: KV = {
      ...kv,
      setBytes: async (...given) => {
        await setBytes.apply(kv, given);
        stored.resolve();
        await go.promise;
      },
    };
    delete slow.setBytesOfAll;
    const { gateway, ask } = caching({ gateways, admin, kv: slow });
    await ask(prompt);
    const flushed = gateway.flush();
    await stored.promise;
    const cache = "http://localhost/client/v4/accounts/a/ai-gateway/gateways/default/cache/purge";
    const response = await gateway.fetch(
      new Request(cache, {
        method: "POST",
        headers: { "content-type": "application/json", authorization: "Bearer t" },
        body: '{"all":true}',
      }),
    );
    assert.equal((await response.json() as { result: { purged: number } }).result.purged, 1);
    go.resolve();
    await flushed;
  });

  it("takes an alias for its provider", async () => {
    const { purge, ask } = await purging(true);
    await ask({ contents: [] }, {
      path: "/google-ai-studio/v1beta/models/gemini-2.5-flash:generateContent",
    });
    assert.equal(await purge({ provider: "grok" }), 0);
  });

  it("is of answers that were asked for before it, also if they come later", async () => {
    const held = Promise.withResolvers<void>();
    const { ask, gateway, sent } = caching({ gateways, admin }, async () => {
      if (sent.length === 1) await held.promise;
      return json(chat);
    });
    const first = ask();
    while (sent.length === 0) await new Promise((done) => setTimeout(done, 1));
    await gateway.fetch(
      new Request("http://localhost/client/v4/accounts/a/ai-gateway/gateways/default/cache/purge", {
        method: "POST",
        headers: { "content-type": "application/json", authorization: "Bearer t" },
        body: '{"all":true}',
      }),
    );
    held.resolve();
    await first;
    await gateway.flush();
    assert.equal((await ask()).cache, "MISS");
    assert.equal((await ask()).cache, "HIT");
  });

  it("is heard of by other processes within two seconds, what they have in memory included", async () => {
    const clock = { now: 1_750_000_000_000 };
    const kv = shared(() => clock.now);
    const one = await filled(kv, clock);
    await one.gateway.flush();
    const other = caching({ kv, clock, gateways });
    assert.deepEqual(await one.there(other), all);
    // Nothing is left in the store: what it says then is from memory.
    for (const prefix of ["a:", "k:"]) {
      for (const key of await kv.keys(prefix)) await kv.delete(key);
    }
    assert.deepEqual(await one.there(other), all);
    await purgeWith(one, { provider: "groq" });
    clock.now += 2_001;
    assert.deepEqual(await one.there(other), without("groq", "slash"));
  });

  it("is heard of by a process that had nothing to do for an hour", async () => {
    const clock = { now: 1_750_000_000_000 };
    const kv = shared(() => clock.now);
    const long = { default: { cache_ttl: 86_400 } };
    const one = caching({ kv, clock, admin, gateways: long });
    const other = caching({ kv, clock, admin, gateways: long });
    await one.ask();
    await one.gateway.flush();
    assert.equal((await other.ask()).cache, "HIT");
    await purgeWith(one, { all: true });
    clock.now += 3 * 3_600_000;
    assert.equal((await other.ask()).cache, "MISS");
  });

  it("is heard of when there are many", async () => {
    const clock = { now: 1_750_000_000_000 };
    const kv = shared(() => clock.now);
    const one = caching({ kv, clock, admin, gateways });
    const other = caching({ kv, clock, gateways });
    const keyed = { headers: { "cf-aig-cache-key": "first" } };
    await one.ask(prompt, keyed);
    await one.gateway.flush();
    assert.equal((await other.ask(prompt, keyed)).cache, "HIT");
    await purgeWith(one, { key: "first" });
    for (let i = 0; i < 250; i++) {
      clock.now += 1;
      await purgeWith(one, { key: `k${i}` });
    }
    clock.now += 2_001;
    assert.equal((await other.ask(prompt, keyed)).cache, "MISS");
  });

  async function purgeWith(
    { gateway }: Pick<ReturnType<typeof caching>, "gateway">,
    body: unknown,
  ) {
    const response = await gateway.fetch(
      new Request("http://localhost/client/v4/accounts/a/ai-gateway/gateways/default/cache/purge", {
        method: "POST",
        headers: { "content-type": "application/json", authorization: "Bearer t" },
        body: JSON.stringify(body),
      }),
    );
    assert.equal(response.status, 200, await response.text());
  }
});

describe("the purge API", () => {
  const caching = () =>
    managed({ plugins: [log(), cache()], gateways: { default: { cache_ttl: 60 } } });

  it("answers in Cloudflare's envelope", async () => {
    const { ok, logged } = caching();
    await logged();
    assert.deepEqual(await ok("POST", "cache/purge", { all: true }), { purged: 1 });
  });

  const bad: [string, unknown, string | undefined][] = [
    ["nothing", {}, "body"],
    ["all and less than all", { all: true, provider: "openai" }, "body"],
    ["not all", { all: false }, "body"],
    ["a member that nobody knows", { modle: "x" }, "body.modle"],
    ["a number", { key: 5 }, "body.key"],
    ["an empty text", { model: "" }, "body.model"],
    ["a list", [], "body"],
  ];
  for (const [what, body, path] of bad) {
    it(`refuses ${what}`, async () => {
      const { call } = caching();
      const answer = await call("POST", "gateways/default/cache/purge", { body });
      const [status, code, , where] = problem(answer);
      assert.deepEqual([status, code, where], [400, 7001, path]);
    });
  }

  it("is for those who may manage the gateway", async () => {
    const { call } = caching();
    const headers = { authorization: "Bearer wrong" };
    assert.equal(
      (await call("POST", "gateways/default/cache/purge", { body: { all: true }, headers })).status,
      401,
    );
    assert.equal((await call("GET", "gateways/default/cache/purge")).status, 405);
    assert.equal(
      (await call("POST", "gateways/none/cache/purge", { body: { all: true } })).status,
      404,
    );
  });
});
