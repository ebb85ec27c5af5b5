/** Limits of answers at a time: how long a place is held, and by whom. */
import { strict as assert } from "node:assert";
import { after, before, describe, it } from "node:test";
import { Lease, Limiter } from "../../core/limits/limiter.ts";
import { Metrics } from "../../core/metrics.ts";
import { memoryCounters } from "../../core/storage/memory.ts";
import type { Counters } from "../../core/storage/ports.ts";
import { definePlugin, type GatewayOptions, rateLimit, type RateLimitRule } from "../../mod.ts";
import { errorOf, type Recording, recording } from "./upstream.ts";

const noon = Date.parse("2026-01-02T12:00:00Z");

/** An answer whose body the test ends. */
interface Pending {
  response: Response;
  push(text: string): void;
  end(): void;
  fail(): void;
  cancelled: Promise<void>;
}

function pending(status = 200): Pending {
  const cancelled = Promise.withResolvers<void>();
  let controller!: ReadableStreamDefaultController<Uint8Array<ArrayBuffer>>;
  const body = new ReadableStream<Uint8Array<ArrayBuffer>>({
    start: (given) => void (controller = given),
    cancel: () => cancelled.resolve(),
  });
  return {
    response: new Response(body, { status, headers: { "content-type": "text/event-stream" } }),
    push: (text) => controller.enqueue(new TextEncoder().encode(text)),
    end: () => controller.close(),
    fail: () => controller.error(new Error("cut")),
    cancelled: cancelled.promise,
  };
}

interface World extends Recording {
  clock: { now: number };
  answers: Pending[];
  open(path?: string): Promise<Response>;
  /** Requests until one gets in: places are given back after the answer. */
  free(): Promise<Response>;
}

function world(
  rule: Partial<RateLimitRule> = {},
  { status, ...options }: GatewayOptions & { status?: number } = {},
): World {
  const clock = { now: noon };
  const answers: Pending[] = [];
  const made = recording({
    plugins: [rateLimit()],
    gateways: { default: { rate_limits: [{ unit: "concurrent", limit: 1, ...rule }] } },
    now: () => clock.now,
    ...options,
  }, () => {
    const answer = pending(status);
    answers.push(answer);
    return answer.response;
  });
  const open = async (path = "/openai/chat/completions") =>
    (await made.ask(path, { method: "POST", body: "{}" })).response;
  return {
    ...made,
    clock,
    answers,
    open,
    async free() {
      for (let i = 0; i < 100; i++) {
        const response = await open();
        if (response.status !== 429) return response;
        await new Promise((resolve) => setTimeout(resolve, 0));
      }
      return assert.fail("The place was not given back");
    },
  };
}

describe("rateLimit: answers at a time", () => {
  it("are counted until their bodies are over", async () => {
    const { open, answers, free } = world({ limit: 2, name: "two" });
    const first = await open();
    assert.equal(first.headers.get("x-ratelimit-limit-concurrent"), "2");
    assert.equal(first.headers.get("x-ratelimit-remaining-concurrent"), "1");
    await open();
    const refused = await open();
    assert.equal(refused.headers.get("retry-after"), "1");
    assert.equal(refused.headers.get("x-ratelimit-reset-concurrent"), null);
    assert.deepEqual(await errorOf(refused), {
      status: 429,
      code: 2003,
      message: "Rate limited: rule 'two' allows 2 requests at a time; try again in 1 s",
    });
    assert.equal(answers.length, 2);
    answers[0]!.push("data: 1\n\n");
    answers[0]!.end();
    assert.equal(await first.text(), "data: 1\n\n");
    assert.equal((await free()).status, 200);
    assert.equal((await open()).status, 429);
  });

  it("give back their place when the client leaves, when they break, when there is none", async () => {
    const { open, answers, free } = world();
    const left = await open();
    await left.body!.cancel();
    await answers[0]!.cancelled;
    const broken = await free();
    answers[1]!.fail();
    await assert.rejects(broken.text());
    await free();

    const never = world({}, { plugins: [rateLimit(), definePlugin("none", () => assert.fail())] });
    for (let i = 0; i < 3; i++) assert.equal((await never.free()).status, 500);
    const empty = world({}, {
      plugins: [rateLimit(), definePlugin("empty", () => new Response(null, { status: 204 }))],
    });
    for (let i = 0; i < 3; i++) assert.equal((await empty.free()).status, 204);
  });

  it("count for each on its own", async () => {
    const { open } = world({ by: ["provider"] });
    assert.equal((await open()).status, 200);
    assert.equal((await open("/groq/chat/completions")).status, 200);
    assert.equal((await open()).status, 429);
  });

  it("have one place for all steps of a request", async () => {
    const kept: Response[] = [];
    const steps = definePlugin("steps", async (ctx, next) => {
      await ctx.bytes();
      kept.push(await next()); // not read, not cancelled
      return next(ctx.with({ step: 1 }));
    });
    const { open, answers, free } = world({}, { plugins: [steps, rateLimit()], status: 503 });
    const response = await open();
    assert.equal(answers.length, 2);
    answers[1]!.end();
    await response.text();
    assert.equal((await open()).status, 429, "the first step's answer is not over");
    await kept[0]!.body!.cancel();
    assert.equal((await free()).status, 503);
  });

  it("are not held by what other limits refuse", async () => {
    const { open, answers } = world({}, {
      gateways: {
        default: {
          rate_limits: [
            { unit: "concurrent", limit: 1 },
            { unit: "requests", limit: 1, window: 60, by: ["provider"] },
          ],
        },
      },
    });
    const first = await open();
    answers[0]!.end();
    await first.text();
    const second = await open();
    assert.match((await errorOf(second)).message, /in 60 s/);
    assert.equal((await open("/groq/x")).status, 200);
    assert.match((await errorOf(await open("/mistral/x"))).message, /at a time/);
  });

  it("of a process that died are free one lease later", async () => {
    const counters = memoryCounters();
    const dead = world({}, { stores: { counters } });
    await dead.open();
    const { open, clock } = world({}, { stores: { counters } });
    clock.now += 59_000;
    assert.equal((await open()).status, 429);
    clock.now += 3_000;
    assert.equal((await open()).status, 200);
  });
});

describe("Lease", () => {
  // Its timers keep no process alive.
  let alive: ReturnType<typeof setInterval>;
  before(() => void (alive = setInterval(() => {}, 1000)));
  after(() => clearInterval(alive));
  const rule = { limit: 1, window: 0.06 };

  /** Counters that tell of each call. */
  function watched(): {
    limiter: Limiter;
    calls: [amount: number, at: number][];
    keys: string[];
    away: boolean;
    reached(calls: number): Promise<void>;
  } {
    const inner = memoryCounters();
    const calls: [number, number][] = [];
    let waiting: { calls: number; resolve(): void } | undefined;
    const state = {
      away: false,
      calls,
      keys: [] as string[],
      reached: (calls: number) => new Promise<void>((resolve) => waiting = { calls, resolve }),
    };
    const counters: Counters = {
      ...inner,
      async add(key, amount, span, limit, now) {
        calls.push([amount, now]);
        state.keys.push(key);
        if (calls.length === waiting?.calls) waiting.resolve();
        if (state.away) throw new Error("away");
        return await inner.add(key, amount, span, limit, now);
      },
    };
    return Object.assign(state, { limiter: new Limiter(counters, new Metrics()) });
  }

  it("moves on while it is held, and is given back where it is", async () => {
    const { limiter, calls, reached } = watched();
    let now = noon;
    const claim = { key: "a", amount: 1, rule };
    await limiter.takeAll([claim], now);
    now += 40;
    const lease = new Lease(limiter, claim, noon, () => now);
    await reached(3);
    now += 40;
    await reached(5);
    await lease.release();
    await lease.release();
    assert.deepEqual(calls, [
      [1, noon],
      [1, noon + 40],
      [-1, noon],
      [1, noon + 80],
      [-1, noon + 40],
      [-1, noon + 80],
    ]);
    assert.equal((await limiter.take("a", 1, rule, now)).ok, true);
  });

  it("stays where it is while its store is away", async () => {
    const watch = watched();
    const claim = { key: "a", amount: 1, rule };
    await watch.limiter.takeAll([claim], noon);
    watch.away = true;
    const lease = new Lease(watch.limiter, claim, noon, () => noon + 20);
    await watch.reached(2);
    watch.away = false;
    await lease.release();
    assert.deepEqual(watch.calls, [[1, noon], [1, noon + 20], [-1, noon]]);
  });

  it("is not moved on for ever", async () => {
    const { limiter, keys, reached } = watched();
    const claim = (key: string) => ({ key, amount: 1, rule });
    const now = () => noon;
    new Lease(limiter, claim("forgotten"), noon, now, 0.03);
    await reached(4);
    const other = new Lease(limiter, claim("other"), noon, now);
    await reached(10);
    await other.release();
    assert.deepEqual(keys.slice(0, 4), Array(4).fill("forgotten"));
    assert.ok(!keys.slice(4).includes("forgotten"), keys.join());
  });
});
