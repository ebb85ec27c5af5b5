/** Limits of tokens: what is set aside before a request is sent, and what is counted once it is over. */
import { strict as assert } from "node:assert";
import { describe, it } from "node:test";
import { forecastTokens, tokensOf } from "../../core/usage/forecast.ts";
import {
  definePlugin,
  fallback,
  type GatewayOptions,
  log,
  rateLimit,
  type RateLimitOptions,
  type RateLimitRule,
} from "../../mod.ts";
import { errorOf, type Recording, recording } from "./upstream.ts";

const noon = Date.parse("2026-01-02T12:00:00Z");
const path = "/openai/chat/completions";
const json = { "content-type": "application/json" };

const answer = (tokens: number) =>
  new Response(
    JSON.stringify({
      object: "chat.completion",
      model: "gpt-4o",
      choices: [{ index: 0, message: { role: "assistant", content: "Hi" }, finish_reason: "stop" }],
      usage: { prompt_tokens: tokens - 1, completion_tokens: 1, total_tokens: tokens },
    }),
    { headers: json },
  );

interface World extends Recording {
  clock: { now: number };
  /** What the rule says is left after a request; the status of one that is refused. */
  left(more?: Record<string, unknown>): Promise<number | string>;
}

function world(
  rule: Partial<RateLimitRule>,
  respond: (url: string, init: RequestInit) => Response | Promise<Response>,
  { limits = {}, ...options }: GatewayOptions & { limits?: RateLimitOptions } = {},
): World {
  const clock = { now: noon };
  const made = recording({
    plugins: [rateLimit(limits)],
    gateways: {
      default: { rate_limits: [{ unit: "tokens", limit: 1000, window: 60, ...rule }] },
    },
    now: () => clock.now,
    ...options,
  }, respond);
  return {
    ...made,
    clock,
    async left(more = {}) {
      const body = JSON.stringify({ model: "gpt-4o", messages: [], max_tokens: 100, ...more });
      const { response } = await made.ask(path, { method: "POST", headers: json, body });
      await response.bytes().catch(() => {});
      await made.gateway.flush();
      if (response.status === 429) return (await response.headers.get("retry-after"))!;
      return Number(response.headers.get("x-ratelimit-remaining-tokens"));
    },
  };
}

/** Tokens of the body that `left` sends without more: its bytes by four, and `max_tokens`. */
const reserved = Math.ceil('{"model":"gpt-4o","messages":[],"max_tokens":100}'.length / 4) + 100;

describe("rateLimit: tokens", () => {
  it("are set aside before a request is sent, and counted as they were used", async () => {
    const { left } = world({}, () => answer(50));
    assert.equal(await left(), 1000 - reserved);
    assert.equal(await left(), 950 - reserved);
    assert.equal(await left({ max_completion_tokens: 700 }) as number < 200, true);
    assert.equal(await left(), 850 - reserved);
  });

  it("are counted over what was set aside, and over the limit", async () => {
    const { left, clock, sent } = world({ technique: "fixed" }, () => answer(5000));
    assert.equal(await left(), 1000 - reserved);
    clock.now += 20_000;
    assert.equal(await left(), "40");
    assert.equal(sent.length, 1);
    clock.now += 40_000;
    assert.equal(await left(), 1000 - reserved);
  });

  it("say which limit is used up", async () => {
    const { ask, left } = world({ name: "tpm", technique: "fixed" }, () => answer(1000));
    await left();
    const { response } = await ask(path, { method: "POST", headers: json, body: "{}" });
    assert.equal(response.headers.get("x-ratelimit-limit-tokens"), "1000");
    assert.equal(response.headers.get("x-ratelimit-remaining-tokens"), "0");
    const { message } = await errorOf(response);
    assert.equal(message, "Rate limited: rule 'tpm' allows 1000 tokens in 60 s; try again in 60 s");
  });

  it("let a crowd in only as far as its requests may cost", async () => {
    // Nobody is answered before all others are refused.
    const refused = Promise.withResolvers<void>();
    let left = 17;
    const { ask, gateway } = world({}, () => refused.promise.then(() => answer(10)));
    const body = JSON.stringify({ max_tokens: 290, messages: [] });
    const all = Array.from({ length: 20 }, async () => {
      const { response } = await ask(path, { method: "POST", headers: json, body });
      if (response.status === 429 && --left === 0) refused.resolve();
      return response.status;
    });
    const statuses = await Promise.all(all);
    assert.equal(statuses.filter((status) => status === 200).length, 3);
    await gateway.flush();
  });

  it("of a request that may cost more than the limit are all of it, and no more", async () => {
    const { left } = world({ limit: 50 }, () => answer(20));
    assert.equal(await left({ max_tokens: 1e9 }), 0);
    assert.match(await left() as string, /^\d+$/, "30 are left, and it may cost more");
    assert.equal(typeof await world({ limit: 50 }, () => answer(0)).left(), "number");
  });

  it("of a failure are given back at once", async () => {
    const failures: (() => Response)[] = [
      () => new Response("busy", { status: 503 }),
      () => Response.json({ error: { message: "no" } }, { status: 400 }),
      () => {
        throw new TypeError("fetch failed");
      },
    ];
    for (const failure of failures) {
      const { ask } = world({ limit: 200 }, failure);
      for (let i = 0; i < 5; i++) {
        const body = '{"max_tokens":150}';
        const { response } = await ask(path, { method: "POST", headers: json, body });
        assert.notEqual(response.status, 429);
      }
    }
  });

  it("of a stream that begins with an error are given back before the next step", async () => {
    const error = 'data: {"error":{"message":"busy","code":"server_error"}}\n\n';
    const { ask, sent } = world(
      { limit: 200 },
      (url) =>
        url.includes("groq")
          ? answer(20)
          : new Response(error, { headers: { "content-type": "text/event-stream" } }),
      { plugins: [fallback({ to: [{ provider: "groq" }] }), rateLimit()] },
    );
    const body = '{"max_tokens":150,"stream":true}';
    const { response } = await ask(path, { method: "POST", headers: json, body });
    assert.equal(response.status, 200);
    assert.equal(sent.length, 2);
  });

  it("of an answer that no provider gave are given back at once", async () => {
    const own = definePlugin("own", () => new Response("mine"));
    const { left } = world({}, () => answer(1), { plugins: [rateLimit(), own] });
    for (let i = 0; i < 20; i++) assert.equal(await left(), 1000 - reserved);
  });

  it("are counted for each attempt that used some, where it was made", async () => {
    const steps = definePlugin("steps", async (ctx, next) => {
      await ctx.bytes();
      for (const [step, slug] of ["openai", "openai", "groq"].entries()) {
        const response = await next(ctx.with({ step, provider: { ...ctx.provider, slug } }));
        if (step === 2) return response;
        await response.bytes();
      }
      return assert.fail();
    });
    const { left, gateway } = world({ by: ["provider"], limit: 500 }, () => answer(50), {
      plugins: [steps, rateLimit()],
    });
    assert.equal(await left(), 500 - 2 * reserved, "the first step's usage is not known yet");
    await gateway.flush();
    assert.equal(await left(), 500 - 100 - 2 * reserved, "of groq only 50 are used");
  });

  it("are counted once for a retry further in", async () => {
    let calls = 0;
    const retry = definePlugin("retry", async (ctx, next) => {
      await ctx.bytes();
      const first = await next();
      if (first.ok) return first;
      await first.body?.cancel();
      return next();
    });
    const { left } = world(
      {},
      () => ++calls % 2 === 1 ? new Response("busy", { status: 503 }) : answer(50),
      { plugins: [log(), rateLimit(), retry] },
    );
    assert.equal(await left(), 1000 - reserved);
    assert.equal(await left(), 950 - reserved);
  });

  it("of a stream are what its events say, also when the client leaves", async () => {
    const events = (more: string) =>
      `data: {"object":"chat.completion.chunk","choices":[{"index":0,"delta":{"content":"Hi"}}]}\n\n${more}`;
    const usage =
      'data: {"object":"chat.completion.chunk","choices":[],"usage":{"prompt_tokens":30,"completion_tokens":40,"total_tokens":70}}\n\ndata: [DONE]\n\n';
    const stream = (body: BodyInit) =>
      new Response(body, { headers: { "content-type": "text/event-stream" } });
    const whole = world({}, () => stream(events(usage)));
    assert.equal(await whole.left(), 1000 - reserved);
    assert.equal(await whole.left(), 930 - reserved);

    let calls = 0;
    const endless = world({}, () =>
      calls++ > 0 ? answer(1) : stream(
        new ReadableStream({
          start: (controller) => controller.enqueue(new TextEncoder().encode(events(""))),
        }),
      ));
    const body = JSON.stringify({ messages: [{ role: "user", content: "word ".repeat(100) }] });
    const { response } = await endless.ask(path, { method: "POST", headers: json, body });
    const reader = response.body!.getReader();
    await reader.read();
    await reader.cancel();
    await endless.gateway.flush();
    const left = await endless.left() as number;
    // About a hundred tokens went in and one came out: an estimate, but not nothing.
    assert.ok(left < 1000 - reserved - 80 && left > 1000 - reserved - 150, String(left));
  });

  it("are no matter of requests that cost none", async () => {
    const { left, ask } = world({ limit: 10 }, () => answer(10));
    await left();
    assert.match(await left() as string, /^\d+$/);
    assert.equal((await ask("/openai/models")).response.status, 200);
  });

  it("of a file are none, and it is sent on unread", async () => {
    const { ask } = world({ limit: 10 }, () => new Response("{}", { headers: json }), {
      plugins: [
        rateLimit(),
        definePlugin("unread", (ctx, next) => {
          assert.equal(ctx.shared.bytes, undefined);
          return next();
        }),
      ],
    });
    for (
      const type of ["multipart/form-data; boundary=x", "audio/wav", "application/octet-stream"]
    ) {
      const init = { method: "POST", headers: { "content-type": type }, body: "x".repeat(70_000) };
      assert.equal((await ask("/openai/files", init)).response.status, 200, type);
    }
  });

  it("are set aside as the option says", async () => {
    const rest = async (limits: RateLimitOptions, more = {}) =>
      await world({}, () => answer(1), { limits }).left(more);
    assert.equal(await rest({ estimate: () => 600 }), 400);
    assert.equal(await rest({ estimate: false }), 1000);
    for (const junk of [NaN, -5, Infinity, "7" as never, undefined as never]) {
      assert.equal(await rest({ estimate: () => junk }), 1000, String(junk));
    }
    const none = { max_tokens: undefined };
    const bytes = '{"model":"gpt-4o","messages":[]}'.length / 4;
    assert.equal(await rest({ outputTokens: 50 }, none), 1000 - 50 - bytes);
    assert.equal(await rest({}, none), 0);
    let seen = "";
    const estimate: RateLimitOptions["estimate"] = (ctx, body) => {
      seen = `${ctx.provider.slug} ${body.byteLength}`;
      return 1;
    };
    await rest({ estimate });
    assert.equal(seen, "openai 49");
  });

  it("that are not set aside let requests in while anything is left", async () => {
    const { left } = world({ limit: 100 }, () => answer(60), { limits: { estimate: false } });
    assert.equal(await left(), 100);
    assert.equal(await left(), 40);
    assert.match(await left() as string, /^\d+$/);
  });

  it("that are never told of are free again one window later", async () => {
    let arrived = Promise.withResolvers<void>();
    const silent = () => {
      arrived.resolve();
      return new Promise<Response>(() => {});
    };
    const { ask, clock } = world({ technique: "fixed" }, silent);
    const init = { method: "POST", headers: json, body: '{"max_tokens":900}' };
    void ask(path, init);
    await arrived.promise;
    assert.equal((await ask(path, init)).response.status, 429);
    clock.now += 60_000;
    arrived = Promise.withResolvers();
    void ask(path, init);
    await arrived.promise;
  });
});

describe("forecastTokens", () => {
  const of = (text: string) => forecastTokens(new TextEncoder().encode(text));

  it("takes four bytes for a token", () => {
    assert.deepEqual(of(""), { input: 0, output: undefined });
    assert.deepEqual(of("12345678"), { input: 2, output: undefined });
    assert.equal(of("word ".repeat(100_000)).input, 125_000);
  });

  const names = [
    "max_tokens",
    "max_completion_tokens",
    "max_output_tokens",
    "maxOutputTokens",
    "maxTokens",
    "max_new_tokens",
    "max_tokens_to_sample",
    "maxTokenCount",
    "num_predict",
  ];
  for (const name of names) {
    it(`finds ${name}, at the beginning and at the end`, () => {
      assert.equal(of(`{"a":1,"${name}" : 512,"b":2}`).output, 512);
      assert.equal(of(`{"${name}":7,"a":"${"x y ".repeat(200_000)}"}`).output, 7);
      assert.equal(of(`{"a":"${"x y ".repeat(200_000)}","options":{"${name}":7}}`).output, 7);
    });
  }

  it("takes the largest, for the one that counts may be any", () => {
    assert.equal(of('{"metadata":{"max_tokens":1},"max_tokens":900}').output, 900);
  });

  it("does not take what stands in a text for a parameter", () => {
    assert.equal(of(JSON.stringify({ content: '{"max_tokens": 5}' })).output, undefined);
    assert.equal(
      of('{"max_tokens":"5","properties":{"max_tokens":{"type":"x"}}}').output,
      undefined,
    );
  });

  it("takes a picture for a thousand tokens, however many bytes it has", () => {
    const picture = (size: number) =>
      `{"image":"data:image/png;base64,${"iVBORw0KGgo+/".repeat(size)}"}`;
    const { input } = of(picture(4000));
    assert.ok(input >= 1000 && input < 1050, String(input));
    const two = of(`[${picture(4000)},${picture(4000)},"${"word ".repeat(400)}"]`).input;
    assert.ok(two > 2500 && two < 2600, String(two));
    const large = of(picture(400_000)).input;
    assert.ok(large >= 1000 && large < 2000, String(large));
  });

  it("survives hostile bytes in little time", () => {
    const hostile = [
      '"max_tokens":'.repeat(50_000),
      `"max_tokens":${"9".repeat(100_000)}`,
      '{"max_tokens":1e999}',
      '{"max_tokens":...}',
      '{"max_tokens":-5}',
      "\0\xff".repeat(300_000),
      `${"a".repeat(1023)} `.repeat(1000),
      '"'.repeat(100_000),
    ];
    for (const text of hostile) {
      const { input, output = 0 } = of(text);
      assert.ok(Number.isFinite(input) && input >= 0 && Number.isFinite(output) && output >= 0);
    }
  });
});

describe("tokensOf", () => {
  it("is input and output, or the total where that is more", () => {
    assert.equal(tokensOf({ input: 3, output: 4 }), 7);
    assert.equal(tokensOf({ input: 3, output: 4, total: 9 }), 9);
    assert.equal(tokensOf({ input: 3, output: 4, total: 1 }), 7);
    assert.equal(tokensOf(null), 0);
    for (const junk of [NaN, -5, Infinity]) assert.ok(tokensOf({ input: junk }) >= 0);
  });
});
