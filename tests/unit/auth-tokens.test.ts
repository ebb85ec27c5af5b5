/** Limits of tokens of a virtual key: what is set aside, and what is counted once an answer is over. */
import { strict as assert } from "node:assert";
import { describe, it } from "node:test";
import { memoryKV } from "../../core/storage/memory.ts";
import { VirtualKeys } from "../../core/auth/virtual-keys.ts";
import { auth, definePlugin, fallback, memoryCounters, type Plugin } from "../../mod.ts";
import { recording } from "./upstream.ts";

const now = () => Date.parse("2026-01-02T12:00:00Z");
const limit = { limit: 1000, window: 3600, unit: "tokens" as const };
const asked = { model: "gpt-4o", messages: [], max_tokens: 290 };

/** An answer that says that it cost so many tokens. */
const said = (tokens: number) => {
  const usage = { prompt_tokens: tokens - 1, completion_tokens: 1, total_tokens: tokens };
  return Response.json({ object: "chat.completion", choices: [], usage });
};

interface Having {
  plugins?: Plugin[];
  /** Limit of requests beside the one of tokens. */
  requests?: number;
  answer(): Response | Promise<Response>;
  counters?: ReturnType<typeof memoryCounters>;
}

async function having({ plugins = [auth()], requests, answer, counters }: Having) {
  const kv = memoryKV({ now });
  const { key } = await new VirtualKeys({ kv, now }).create("default", {
    name: "ci",
    limits: [
      limit,
      ...requests === undefined
        ? []
        : [{ limit: requests, window: 3600, unit: "requests" as const }],
    ],
  });
  const stores = { keys: kv, ...counters && { counters } };
  const made = recording({ plugins, stores, now }, answer);
  const ask = async (body: unknown = asked, path = "/openai/chat/completions") => {
    const { response } = await made.ask(path, {
      method: "POST",
      body: JSON.stringify(body),
      headers: { "cf-aig-authorization": `Bearer ${key}`, "content-type": "application/json" },
    });
    await response.bytes();
    return response;
  };
  /** The same; what it used is counted when it resolves. */
  const call = async (...args: Parameters<typeof ask>) => {
    const response = await ask(...args);
    await made.gateway.flush();
    return response;
  };
  const status = async (...args: Parameters<typeof call>) => (await call(...args)).status;
  return { ...made, ask, call, status };
}

describe("limits of tokens of a key", () => {
  it("let a crowd in only as far as its requests may cost", async () => {
    // Nobody is answered before all others are refused.
    const refused = Promise.withResolvers<void>();
    let left = 16;
    const { ask } = await having({ answer: () => refused.promise.then(() => said(10)) });
    const status = async () => (await ask()).status;
    const all = Array.from({ length: 20 }, async () => {
      const found = await status();
      if (found === 429 && --left === 0) refused.resolve();
      return found;
    });
    // Three as a whole, and one with the rest.
    assert.equal((await Promise.all(all)).filter((found) => found === 200).length, 4);
    // 40 were used, and all else is there again, though nobody waits until it is counted.
    for (let i = 0; i < 96; i++) assert.equal(await status(), 200, String(i));
    assert.equal(await status(), 429);
  });

  it("hold whatever a request says that it may cost", async () => {
    const { status } = await having({ answer: () => said(400) });
    for (const max_tokens of [1e9, 0, -5]) {
      assert.equal(await status({ ...asked, max_tokens }), 200, String(max_tokens));
    }
    assert.equal(await status(), 429);
  });

  it("give back what failures, hits, and what no provider was asked for had set aside", async () => {
    let answer = () => new Response("no", { status: 500 });
    let between: "fail" | "hit" | "pass" = "pass";
    const inBetween = definePlugin("between", (ctx, next) => {
      if (between === "fail") throw new Error("a defect");
      if (between === "pass") return next();
      ctx.shared.cached = true;
      return new Response("from the cache");
    });
    const { status, sent } = await having({
      plugins: [auth(), inBetween],
      answer: () => answer(),
    });
    for (const failure of [500, 400, 429]) {
      answer = () => new Response("no", { status: failure });
      for (let i = 0; i < 5; i++) assert.equal(await status(), failure);
    }
    between = "fail";
    for (let i = 0; i < 5; i++) assert.equal(await status(), 500);
    between = "hit";
    for (let i = 0; i < 5; i++) assert.equal(await status(), 200);
    between = "pass";
    answer = () => said(500);
    assert.deepEqual([await status(), await status(), await status()], [200, 200, 429]);
    assert.equal(sent.length, 17);
  });

  it("count what is used beyond what was set aside, and beyond the limit", async () => {
    const { call, status } = await having({ answer: () => said(999) });
    assert.equal(await status(), 200);
    // One is left, and whoever finds one gets in.
    assert.equal(await status(), 200);
    const refused = await call();
    assert.equal(refused.status, 429);
    assert.equal(refused.headers.get("x-ratelimit-limit-tokens"), "1000");
    assert.equal(refused.headers.get("x-ratelimit-remaining-tokens"), "0");
  });

  it("take no request where they refuse, and no token where a limit of requests does", async () => {
    const few = await having({ answer: () => said(100), requests: 4 });
    for (let i = 0; i < 4; i++) assert.equal(await few.status(), 200);
    for (let i = 0; i < 20; i++) {
      assert.equal((await few.call()).headers.get("x-ratelimit-limit-requests"), "4");
    }
    const used = await having({ answer: () => said(1000), requests: 2 });
    assert.equal(await used.status(), 200);
    for (let i = 0; i < 5; i++) {
      assert.equal((await used.call()).headers.get("x-ratelimit-limit-tokens"), "1000");
    }
  });

  it("count all steps of a request, and the request once", async () => {
    let asks = 0;
    const { status, sent } = await having({
      plugins: [auth(), fallback()],
      answer: () => asks++ % 2 === 0 ? new Response("no", { status: 500 }) : said(100),
      requests: 3,
    });
    const step = { provider: "openai", endpoint: "chat/completions", headers: {}, query: asked };
    for (let i = 0; i < 3; i++) assert.equal(await status([step, step], ""), 200);
    assert.equal(sent.length, 6);
    assert.equal(await status([step, step], ""), 429);
  });

  it("give nothing back that was not counted, since the store was away", async () => {
    const counters = memoryCounters();
    let away = true;
    const { status } = await having({
      counters: {
        ...counters,
        add: (...args) => away ? Promise.reject(new Error("away")) : counters.add(...args),
      },
      answer: () => {
        away = false;
        return said(600);
      },
    });
    assert.deepEqual([await status(), await status(), await status()], [200, 200, 429]);
  });
});
