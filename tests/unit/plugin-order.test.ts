/** The built-in plugins in any order, and each alone: who gets in, what is asked, what is told. */
import { strict as assert } from "node:assert";
import { createHash } from "node:crypto";
import { describe, it } from "node:test";
import {
  auth,
  cache,
  createGateway,
  fallback,
  type GatewayOptions,
  log,
  memoryLogs,
  type Plugin,
  rateLimit,
  retry,
  timeout,
} from "../../mod.ts";

const makers: Record<string, () => Plugin> = {
  log,
  auth,
  fallback,
  cache,
  rateLimit,
  retry,
  timeout,
};
const names = Object.keys(makers);

/** Orders in which each pair stands side by side in both ways, at the front and at the end. */
const orders = names.flatMap((a) =>
  names.filter((b) => b !== a).flatMap((b) => {
    const rest = names.filter((name) => name !== a && name !== b);
    return [[a, b, ...rest], [...rest.toReversed(), a, b]];
  })
);

const key = "sl-0123456789012345678901234567890123456789012";
const hash = `sha256:${createHash("sha256").update(key).digest("hex")}`;
const token = { "cf-aig-authorization": `Bearer ${key}` };
const native = "/v1/acc/default/openai/chat/completions";
const chat = (text: string, model = "gpt-4o-mini") => ({
  model,
  messages: [{ role: "user", content: text }],
});

const answer = JSON.stringify({
  id: "c",
  object: "chat.completion",
  created: 1,
  model: "gpt-4o-mini",
  choices: [{ index: 0, message: { role: "assistant", content: "Hi" }, finish_reason: "stop" }],
  usage: { prompt_tokens: 10, completion_tokens: 5, total_tokens: 15 },
});

/** A gateway whose OpenAI fails whoever asks it to. */
function played(plugins: Plugin[], settings: Record<string, unknown>, more: GatewayOptions = {}) {
  const sent: string[] = [];
  let all = 0;
  const gateway = createGateway({
    plugins,
    gateways: { default: settings },
    ...more,
    report() {},
    async fetch(input, init) {
      const request = new Request(input, init);
      const { host } = new URL(request.url);
      sent.push(host);
      all++;
      const fails = host === "api.openai.com" && (await request.text()).includes("fail");
      // Without a length, so that it is on its way for a while.
      const body = new Response(fails ? '{"error":{"message":"busy"}}' : answer).body;
      return new Response(body, {
        status: fails ? 503 : 200,
        headers: { "content-type": "application/json" },
      });
    },
  });
  const ask = async (path: string, body: unknown, headers: Record<string, string> = token) => {
    const response = await gateway.fetch(
      new Request(`http://gateway.test${path}`, {
        method: "POST",
        headers: { "content-type": "application/json", ...headers },
        body: JSON.stringify(body),
      }),
    );
    return { status: response.status, headers: response.headers, text: await response.text() };
  };
  return { gateway, sent, ask, total: () => all };
}

describe("plugins in any order", () => {
  for (const order of orders) {
    it(order.join(", "), async () => {
      const logs = memoryLogs();
      const { gateway, sent, ask, total } = played(
        order.map((name) => makers[name]!()),
        {
          authentication: true,
          cache_ttl: 600,
          rate_limiting_limit: 100,
          retry_max_attempts: 2,
          retry_delay: 0,
          timeout_first_byte: 60_000,
          tokens: [{ name: "ci", hash, models: ["gpt-4o-mini"] }],
        },
        {
          stores: { logs },
          keys: { openai: { default: { value: "sk-lent" } }, groq: { default: { value: "gsk" } } },
        },
      );
      const isBefore = (a: string, b: string) => order.indexOf(a) < order.indexOf(b);

      // Nobody gets in who may not, and nobody is given what another one was.
      assert.equal((await ask(native, chat("a"))).status, 200);
      assert.equal((await ask(native, chat("a"), {})).status, 401);
      const keyed = { "cf-aig-cache-key": "same" };
      assert.equal((await ask(native, chat("b"), { ...token, ...keyed })).status, 200);
      assert.equal((await ask(native, chat("b"), keyed)).status, 401);
      assert.equal((await ask(native, chat("a", "gpt-4o"))).status, 403);
      assert.equal(
        (await ask("/v1/acc/default", [{
          provider: "openai",
          endpoint: "chat/completions",
          query: chat("a"),
        }], {})).status,
        401,
      );

      const again = await ask(native, chat("a"));
      const isHit = again.headers.get("cf-aig-cache-status") === "HIT";
      assert.equal(isHit, isBefore("auth", "cache"));

      sent.length = 0;
      assert.equal((await ask(native, chat("fail"))).status, 503);
      assert.deepEqual(sent, ["api.openai.com", "api.openai.com"]);

      sent.length = 0;
      const step = (provider: string, text: string) => ({
        provider,
        endpoint: "chat/completions",
        query: chat(text),
      });
      const other = await ask("/v1/acc/default", [step("openai", "fail now"), step("groq", "c")]);
      assert.equal(other.status, 200);
      assert.equal(other.headers.get("cf-aig-step"), "1");
      // Further out, `retry` sees no failure.
      const failures = isBefore("fallback", "retry") ? 2 : 1;
      assert.equal(sent.filter((host) => host === "api.openai.com").length, failures);
      assert.equal(
        (await ask("/v1/chat/completions", chat("d", "openai/gpt-4o-mini"))).status,
        200,
      );

      await gateway.flush();
      // Each attempt has its row, wherever it was made.
      const rows = await logs.list({}, { offset: 0, limit: 50 });
      const asked = rows.filter(({ cached, status_code }) =>
        !cached && (status_code === 200 || status_code === 503)
      );
      assert.equal(asked.length, total());
      await gateway.close();
    });
  }
});

describe("a plugin alone", () => {
  for (const [name, make] of Object.entries(makers)) {
    it(`passes on what it has nothing to do with: ${name}`, async () => {
      const { sent, ask } = played([make()], {});
      const { status, text } = await ask(native, chat("a"), { authorization: "Bearer sk-mine" });
      assert.equal(status, 200);
      assert.equal(text, answer);
      assert.deepEqual(sent, ["api.openai.com"]);
    });
  }
});

describe("a cache in front of whoever tells callers apart", () => {
  it("gives nobody what a lent key has paid for another", async () => {
    const { sent, ask } = played(
      [cache(), auth()],
      { cache_ttl: 600, tokens: [{ name: "ci", hash }] },
      { keys: { openai: { default: { value: "sk-lent" } } } },
    );
    await ask(native, chat("a"));
    assert.equal((await ask(native, chat("a"))).headers.get("cf-aig-cache-status"), "HIT");
    assert.equal((await ask(native, chat("a"), {})).headers.get("cf-aig-cache-status"), "MISS");
    assert.equal(sent.length, 2);
  });

  it("is told to the operator", () => {
    const told: string[] = [];
    createGateway({
      plugins: [cache(), auth()],
      gateways: { default: { authentication: true, cache_ttl: 60 } },
      report: (message) => told.push(message),
    });
    assert.match(told.join("\n"), /nothing is cached, since 'cache' stands outside of 'auth'/);
  });
});

describe("two steps that are the same", () => {
  it(
    "are two requests, also while the first failure is on its way",
    { timeout: 10_000 },
    async () => {
      let asked = 0;
      const second = Promise.withResolvers<void>();
      const gateway = createGateway({
        plugins: [fallback(), cache()],
        gateways: { default: { cache_ttl: 600 } },
        fetch() {
          if (++asked === 2) second.resolve();
          const body = new ReadableStream<Uint8Array>({
            async start(controller) {
              controller.enqueue(new TextEncoder().encode('{"error":'));
              await second.promise;
              controller.enqueue(new TextEncoder().encode('{"message":"busy"}}'));
              controller.close();
            },
          });
          const headers = { "content-type": "application/json" };
          return Promise.resolve(new Response(body, { status: 503, headers }));
        },
      });
      const step = { provider: "openai", endpoint: "chat/completions", query: chat("a") };
      const response = await gateway.fetch(
        new Request("http://gateway.test/v1/acc/default", {
          method: "POST",
          body: JSON.stringify([step, step]),
        }),
      );
      assert.equal(response.status, 503);
      assert.equal(response.headers.get("cf-aig-step"), "1");
      assert.match(await response.text(), /busy/);
      assert.equal(asked, 2);
    },
  );
});
