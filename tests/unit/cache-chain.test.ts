/** The cache in the chain: what steps further out and limits further in make of it. */
import { strict as assert } from "node:assert";
import { describe, it } from "node:test";
import { fallback, log, rateLimit, retry, timeout } from "../../mod.ts";
import { memoryLogs } from "../../core/storage/logs-memory.ts";
import { caching, chat, chunks, json, prompt, stream, written } from "./caching.ts";

const failure = () => json({ error: { message: "no" } }, { status: 500 });
const gateways = { default: { cache_ttl: 600 } };

describe("steps", () => {
  const steps = (...headers: Record<string, string>[]) =>
    ["groq", "openai"].map((provider, i) => ({
      provider,
      endpoint: "chat/completions",
      headers: { authorization: `Bearer sk-${provider}`, ...headers[i] },
      query: prompt,
    }));
  const universal = { path: "http://gateway.test/v1/acc/default", headers: { authorization: "" } };

  it("are each answered from the cache: one that failed is asked again", async () => {
    const logs = memoryLogs();
    const { ask, sent, gateway } = caching({
      around: [log(), fallback()],
      inside: [retry(), timeout()],
      stores: { logs },
    }, (_body, url) => url.includes("groq") ? failure() : json(chat));
    const first = await ask(steps(), universal);
    assert.deepEqual([first.status, first.cache], [200, "MISS"]);
    const second = await ask(steps(), universal);
    assert.deepEqual([second.status, second.cache, second.text], [200, "HIT", first.text]);
    assert.equal(second.response.headers.get("cf-aig-step"), "1");
    assert.equal(second.response.headers.get("cf-aig-provider"), "openai");
    assert.deepEqual(sent.map(({ url }) => url.includes("groq")), [true, false, true]);
    await gateway.flush();
    const rows = await logs.list({ direction: "asc" }, { offset: 0, limit: 9 });
    const told = rows.map((row) => [row.provider, row.status_code, row.cached, row.step].join(" "));
    assert.deepEqual(told.sort(), [
      "groq 500 false 0",
      "groq 500 false 0",
      "openai 200 false 1",
      "openai 200 true 1",
    ]);
  });

  it("may each say what becomes of them", async () => {
    const { ask } = caching({ gateways: { default: {} }, around: [fallback()] });
    const step = { "cf-aig-cache-ttl": "60" };
    assert.equal((await ask(steps(step), universal)).cache, "MISS");
    assert.equal((await ask(steps(step), universal)).cache, "HIT");
    assert.equal((await ask(steps(), universal)).cache, null);
  });

  it("move on for all who wait when a stream begins with an error", async () => {
    const broken = ['data: {"error":{"message":"overloaded","code":503}}\n\n', "data: [DONE]\n\n"];
    const { ask, sent } = caching({
      around: [fallback({ to: [{ provider: "groq" }] })],
    }, async (_body, url) => {
      await Promise.resolve();
      return url.includes("groq") ? stream(chunks) : stream(broken);
    });
    const body = { ...prompt, stream: true, stream_options: { include_usage: true } };
    const answers = await Promise.all(Array.from({ length: 5 }, () => ask(body)));
    assert.ok(answers.every(({ text }) => text === chunks.join("")));
    assert.equal(sent.length, 2);
  });

  it("move on for all who wait when the provider cannot be reached", async () => {
    const { ask, sent } = caching({
      around: [fallback({ to: [{ provider: "groq" }] })],
    }, async (_body, url) => {
      await Promise.resolve();
      if (url.includes("groq")) return json(chat);
      throw new TypeError("fetch failed");
    });
    const answers = await Promise.all(Array.from({ length: 5 }, () => ask()));
    assert.ok(answers.every(({ status, text }) => status === 200 && text === JSON.stringify(chat)));
    assert.equal(sent.length, 2);
  });
});

describe("limits further in", () => {
  it("are not touched by hits and by those who get another's answer", async () => {
    const { ask, sent } = caching({
      gateways: {
        default: { ...gateways.default, rate_limiting_limit: 2, rate_limiting_interval: 60 },
      },
      inside: [rateLimit()],
    });
    const answers = await Promise.all(Array.from({ length: 10 }, () => ask()));
    assert.ok(answers.every(({ status }) => status === 200));
    for (let i = 0; i < 5; i++) assert.equal((await ask()).cache, "HIT");
    assert.equal((await ask({ ...prompt, seed: 1 })).status, 200);
    assert.equal((await ask({ ...prompt, seed: 2 })).status, 429);
    assert.equal(sent.length, 2);
  });

  it("that refuse are no failure that an old answer stands in for", async () => {
    const { ask, clock } = caching({
      gateways: {
        default: {
          cache_ttl: 60,
          cache_stale_if_error: 600,
          rate_limiting_limit: 1,
          rate_limiting_interval: 3600,
        },
      },
      inside: [rateLimit()],
    });
    await ask();
    clock.now += 61_000;
    assert.equal((await ask()).status, 429);
  });
});

describe("attempts further in", () => {
  it("that are retried are stored once they are good", async () => {
    const { ask, sent } = caching({
      gateways: { default: { ...gateways.default, retry_max_attempts: 3, retry_delay: 0 } },
      inside: [retry()],
    }, () => sent.length < 3 ? failure() : json(chat));
    assert.equal((await ask()).status, 200);
    assert.equal((await ask()).cache, "HIT");
    assert.equal(sent.length, 3);
  });

  it("that time out are told to all who wait", async () => {
    const { ask, sent } = caching(
      { inside: [timeout()] },
      (_body, _url, { signal }) =>
        new Promise((_, reject) => signal!.addEventListener("abort", () => reject(signal!.reason))),
    );
    const headers = { "cf-aig-request-timeout": "50" };
    const answers = await Promise.all(Array.from({ length: 5 }, () => ask(prompt, { headers })));
    assert.ok(answers.every(({ status }) => status === 504));
    assert.equal(sent.length, 1);
  });

  it("that stall in the middle of a stream leave nothing behind", async () => {
    const upstream = written();
    const { ask, sent } = caching({
      around: [log()],
      inside: [timeout({ idle: 50 } as never)],
    }, () => sent.length === 1 ? upstream.response : stream(chunks));
    const body = { ...prompt, stream: true, stream_options: { include_usage: true } };
    upstream.write(chunks[0]!);
    upstream.fail();
    const cut = await ask(body).catch(() => undefined);
    if (cut !== undefined) assert.match(cut.text, /error/);
    assert.equal((await ask(body)).text, chunks.join(""));
  });
});

it("an answer without a body passes", async () => {
  for (const status of [204, 304]) {
    const { ask, sent } = caching({}, () => new Response(null, { status }));
    const answers = await Promise.all([ask(), ask(), ask()]);
    assert.ok(answers.every((answer) => answer.status === status && answer.text === ""));
    assert.equal(sent.length, 3);
  }
});
