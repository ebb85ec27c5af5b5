import { strict as assert } from "node:assert";
import { describe, it } from "node:test";
import { createKey, definePlugin, GatewayError } from "../../mod.ts";
import { errorOf, recording } from "./upstream.ts";

describe("plugins", () => {
  it("run in array order, the first outermost", async () => {
    const seen: string[] = [];
    const layer = (name: string) =>
      definePlugin(name, async (_ctx, next) => {
        seen.push(`${name} in`);
        const response = await next();
        seen.push(`${name} out`);
        return response;
      });
    await recording({ plugins: [layer("a"), layer("b")] }).ask("/openai/x");
    assert.deepEqual(seen, ["a in", "b in", "b out", "a out"]);
  });

  it("have the name that they were given", () => {
    assert.equal(definePlugin("stamp", {}).name, "stamp");
  });

  it("answer without calling next", async () => {
    const { ask } = recording({ plugins: [() => new Response("short")] });
    const { response, sent } = await ask("/openai/x");
    assert.equal(await response.text(), "short");
    assert.equal(sent, undefined);
    assert.equal(response.headers.get("cf-aig-provider"), "openai");
  });

  it("call next again, with the body that they read before", async () => {
    let tries = 0;
    const { ask, sent } = recording({
      plugins: [async (ctx, next) => {
        await ctx.bytes();
        const first = await next();
        return first.ok ? first : next();
      }],
    }, () => new Response(null, { status: ++tries === 1 ? 503 : 200 }));
    const { response } = await ask("/openai/x", { method: "POST", body: "hello" });
    assert.equal(response.status, 200);
    assert.deepEqual(sent.map((one) => one.body), ["hello", "hello"]);
  });

  it("hand on a changed copy of the context", async () => {
    const { ask } = recording({
      plugins: [
        (ctx, next) =>
          next(
            ctx.with({
              path: "other",
              headers: { ...ctx.headers, "x-a": "1" },
              body: new Uint8Array([104, 105]),
            }),
          ),
      ],
    });
    const { sent } = await ask("/openai/x", { method: "POST", body: "hello" });
    assert.equal(sent?.url, "https://api.openai.com/v1/other");
    assert.equal(sent?.headers["x-a"], "1");
    assert.equal(sent?.body, "hi");
    assert.equal(sent?.headers["content-length"], "2");
  });

  it("share values under typed keys", async () => {
    const user = createKey<string>("user");
    let seen: string | undefined;
    const { ask } = recording({
      plugins: [
        (ctx, next) => {
          ctx.set(user, "ada");
          return next(ctx.with({ step: 1 }));
        },
        (ctx, next) => {
          seen = ctx.get(user);
          return next();
        },
      ],
    });
    const { response } = await ask("/openai/x");
    assert.equal(seen, "ada");
    assert.equal(response.headers.get("cf-aig-step"), "1");
  });

  it("refuse with an error of their own", async () => {
    const { ask } = recording({
      plugins: [() => {
        throw new GatewayError(429, 2003, "Rate limited", { headers: { "retry-after": "7" } });
      }],
    });
    const { response } = await ask("/openai/x");
    assert.equal(response.headers.get("retry-after"), "7");
    assert.deepEqual(await errorOf(response), { status: 429, code: 2003, message: "Rate limited" });
  });

  it("may be written as hooks", async () => {
    const hooks = definePlugin("hooks", {
      onRequest: (ctx) =>
        ctx.path === "early" ? new Response("early") : ctx.with({ path: "changed" }),
      onResponse: (response) => response.headers.set("x-seen", "1"),
      onError: () => new Response("saved"),
    });
    const { ask } = recording({ plugins: [hooks] }, (url) => {
      if (url.endsWith("changed")) return new Response("ok");
      throw new Error("unexpected");
    });
    assert.equal(await (await ask("/openai/early")).response.text(), "early");
    assert.equal((await ask("/openai/x")).response.headers.get("x-seen"), "1");
    const broken = recording({ plugins: [hooks] }, () => {
      throw new Error("down");
    });
    assert.equal(await (await broken.ask("/openai/x")).response.text(), "saved");
  });

  it("may set a time limit, which is a 504", async () => {
    const { ask } = recording({
      plugins: [(ctx, next) => next(ctx.with({ signal: AbortSignal.timeout(1) }))],
    }, (_url, init) =>
      new Promise((_resolve, reject) => {
        init.signal!.addEventListener("abort", () => reject(init.signal!.reason));
      }));
    const { status, code } = await errorOf((await ask("/openai/x")).response);
    assert.deepEqual([status, code], [504, 2005]);
  });

  it("may abort an attempt", async () => {
    const { ask } = recording({
      plugins: [
        (ctx, next) =>
          next(
            ctx.with({ signal: AbortSignal.abort(new GatewayError(504, 2005, "Took too long")) }),
          ),
      ],
    }, (_url, init) => {
      init.signal!.throwIfAborted();
      return new Response("no");
    });
    assert.equal((await errorOf((await ask("/openai/x")).response)).status, 504);
  });
});
