// Rate limits on a real gateway: what refusals look like on the wire, and that what an answer holds is
// given back however it ends.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import type http from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, it } from "node:test";
import { open, readAll, readBytes, send } from "../support/client.ts";
import { assertGatewayError, onEachRuntime } from "../support/suite.ts";
import type { Upstream } from "../support/upstream.ts";

const folder = mkdtempSync(join(tmpdir(), "sluice-limits-"));
after(() => rmSync(folder, { recursive: true, force: true }));
let gateways = 0;

/** Each test has buckets of its own. */
const by = ["metadata.test"];
const setUp = (upstream: Upstream) => ({
  config: {
    gateways: {
      default: {
        rate_limits: [
          { name: "rpm", by, unit: "requests", limit: 3, window: 3600, models: ["rpm"] },
          { name: "tpm", by, unit: "tokens", limit: 1000, window: 3600, models: ["tpm"] },
          { name: "at a time", by, unit: "concurrent", limit: 2, models: ["open"] },
        ],
      },
      whole: { rate_limiting_limit: 2, rate_limiting_interval: 3600 },
    },
    providers: { openai: { base_url: `${upstream.url}/v1` }, groq: { base_url: upstream.url } },
  },
  // Files, and on Workers a Durable Object.
  env: { SLUICE_DATA: join(folder, String(gateways++)) },
});

const event = (text: string) =>
  `data: {"object":"chat.completion.chunk","choices":[{"index":0,"delta":{"content":"${text}"}}]}\n\n`;
const ending =
  'data: {"object":"chat.completion.chunk","choices":[],"usage":{"prompt_tokens":100,"completion_tokens":500,"total_tokens":600}}\n\ndata: [DONE]\n\n';

onEachRuntime(setUp, (bench, runtime) => {
  const init = (test: string, model: string, more = {}) => ({
    method: "POST",
    headers: {
      "content-type": "application/json",
      "cf-aig-metadata": JSON.stringify({ test: `${runtime} ${test}` }),
    },
    body: JSON.stringify({ messages: [], ...more, model }),
  });
  const path = "/v1/acc/default/openai/chat/completions";
  const ask = (test: string, model: string, more = {}) =>
    send(bench.gateway.url, path, init(test, model, more));

  /** A stream that the upstream holds open until the test says how it ends. */
  async function hold(
    test: string,
  ): Promise<{ answer: http.IncomingMessage; res: http.ServerResponse }> {
    const given = Promise.withResolvers<http.ServerResponse>();
    bench.upstream.handle((_req, res) => {
      res.setHeader("content-type", "text/event-stream");
      res.write(event("first"));
      given.resolve(res);
    });
    const answer = await open(bench.gateway.url, path, init(test, "open"));
    if (answer.statusCode !== 200) return { answer, res: undefined as never };
    await readBytes(answer, event("first").length);
    return { answer, res: await given.promise };
  }

  /** workerd alone takes a mere FIN for a client that still listens. */
  function leave(answer: http.IncomingMessage): void {
    answer.on("error", () => {});
    answer.socket.resetAndDestroy();
  }

  /** Asks until there is a place: it is given back right behind the end of an answer. */
  async function freed(test: string): Promise<void> {
    for (let i = 0; i < 500; i++) {
      const { answer } = await hold(test);
      leave(answer);
      if (answer.statusCode === 200) return;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    assert.fail("No place became free");
  }

  it("a limit of requests: what is left, then 429", async () => {
    bench.upstream.reset();
    for (const left of ["2", "1", "0"]) {
      const { status, headers } = await ask("rpm", "rpm");
      assert.equal(status, 200);
      assert.equal(headers["x-ratelimit-limit-requests"], "3");
      assert.equal(headers["x-ratelimit-remaining-requests"], left);
    }
    const refused = await ask("rpm", "rpm");
    const message = assertGatewayError(refused, 429, 2003);
    assert.match(message, /^Rate limited: rule 'rpm' allows 3 requests in 3600 s for each/);
    assert.ok(Number(refused.headers["retry-after"]) > 3500);
    assert.match(String(refused.headers["x-ratelimit-reset-requests"]), /^3[56]\d\ds$/);
    assert.equal(bench.upstream.requests.length, 3);
    assert.equal((await ask("rpm, somebody else", "rpm")).status, 200);
    assert.equal((await ask("rpm", "other")).status, 200);
  });

  it("the gateway's own limit", async () => {
    bench.upstream.reset();
    const whole = (slug: string) => send(bench.gateway.url, `/v1/acc/whole/${slug}/models`);
    const { headers } = await whole("openai");
    assert.equal(headers["x-ratelimit-remaining-requests"], "1");
    assert.equal((await whole("groq")).status, 200);
    assertGatewayError(await whole("openai"), 429, 2003);
  });

  it("tokens are set aside before a stream, and counted behind it", async () => {
    bench.upstream.reset();
    bench.upstream.handle((_req, res) => {
      res.setHeader("content-type", "text/event-stream");
      res.write(event("a"));
      res.end(ending);
    });
    const left = async (most: number) => {
      const { status, headers } = await ask("tpm", "tpm", { max_tokens: most, stream: true });
      return [status, Number(headers["x-ratelimit-remaining-tokens"])];
    };
    const [status, first] = await left(700);
    assert.equal(status, 200);
    assert.ok(first! > 250 && first! < 300, String(first));
    // 600 were used, which is told soon after the end.
    let rest = 0;
    for (let i = 0; rest === 0 && i < 500; i++) {
      const [status, found] = await left(350);
      if (status === 200) rest = found!;
      else await new Promise((resolve) => setTimeout(resolve, 20));
    }
    assert.ok(rest > 20 && rest < 50, String(rest));
    assertGatewayError(await ask("tpm", "tpm", { max_tokens: 500 }), 429, 2003);
  });

  it("answers at a time: a place is free once its stream has ended", async () => {
    const first = await hold("ended");
    const second = await hold("ended");
    const refused = await ask("ended", "open");
    assertGatewayError(refused, 429, 2003);
    assert.equal(refused.headers["retry-after"], "1");
    first.res.end(ending);
    await readAll(first.answer);
    await freed("ended");
    leave(second.answer);
  });

  it("answers at a time: a place is free once its client has left", async () => {
    const first = await hold("left");
    const second = await hold("left");
    leave(first.answer);
    await freed("left");
    leave(second.answer);
  });

  it("answers at a time: a place is free once its upstream broke", async () => {
    const first = await hold("broke");
    const second = await hold("broke");
    first.res.destroy();
    await readAll(first.answer).catch(() => {});
    await freed("broke");
    leave(second.answer);
  });

  it("answers at a time: a place is free once its stream was over while it was held", async () => {
    bench.upstream.handle((_req, res) => {
      res.writeHead(200, { "content-type": "text/event-stream" }).end(event("no end"));
    });
    const { headers, ...rest } = init("held", "open");
    for (let i = 0; i < 2; i++) {
      const held = { ...rest, headers: { ...headers, "cf-aig-max-attempts": "2" } };
      const { status, body } = await send(bench.gateway.url, path, held);
      assert.equal(status, 200);
      assert.match(body.toString(), /upstream_cut/);
    }
    const first = await hold("held");
    await freed("held");
    leave(first.answer);
  });

  it("answers at a time: a failure holds none", async () => {
    bench.upstream.handle((_req, res) => res.destroy());
    for (let i = 0; i < 4; i++) {
      const { status } = await ask("failed", "open");
      if (status === 429) await new Promise((resolve) => setTimeout(resolve, 20));
      else assert.equal(status, 502);
    }
    await freed("failed");
  });
});
