// The cache on a real gateway: what clients get on the wire, and what the provider is asked.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import type http from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, beforeEach, it } from "node:test";
import { open, readAll, readBytes, send, within } from "../support/client.ts";
import { loadFixture } from "../support/fixtures.ts";
import { onEachRuntime } from "../support/suite.ts";
import type { Upstream } from "../support/upstream.ts";

const folder = mkdtempSync(join(tmpdir(), "sluice-cache-"));
after(() => rmSync(folder, { recursive: true, force: true }));
let gateways = 0;

const setUp = (upstream: Upstream) => ({
  config: {
    gateways: {
      default: { cache_ttl: 600 },
      short: { cache_ttl: 1, cache_stale_while_revalidate: 600, cache_stale_if_error: 600 },
    },
    providers: {
      openai: { base_url: `${upstream.url}/v1` },
      anthropic: { base_url: upstream.url },
    },
  },
  // Files, and on Workers bindings.
  env: { SLUICE_DATA: join(folder, String(gateways++)), SLUICE_ADMIN_TOKEN: "t" },
});

const chat = JSON.stringify({
  id: "chatcmpl-1",
  object: "chat.completion",
  created: 1750000000,
  model: "gpt-4o-mini",
  choices: [{
    index: 0,
    message: { role: "assistant", content: "Hello there" },
    finish_reason: "stop",
  }],
  usage: { prompt_tokens: 12, completion_tokens: 5, total_tokens: 17 },
});
const fixture = loadFixture("openai/chat-stream-tool-call-usage");
const events = loadFixture("anthropic/messages-stream-plain").responseBody.toString()
  .split(/(?<=\n\n)/);

onEachRuntime(setUp, (bench, runtime) => {
  beforeEach(() => bench.upstream.reset());

  const post = (body: unknown, headers: Record<string, string> = {}) => ({
    method: "POST",
    headers: {
      "content-type": "application/json",
      authorization: "Bearer sk-test-1234567890",
      "x-sluice-debug": "true",
      ...headers,
    },
    body: JSON.stringify(body),
  });
  const path = "/v1/acc/default/openai/chat/completions";
  const prompt = (test: string) => ({
    model: "gpt-4o-mini",
    messages: [{ role: "user", content: test }],
  });
  const ask = (body: unknown, headers?: Record<string, string>, at = path) =>
    send(bench.gateway.url, at, post(body, headers));
  const answerChat = (_req: http.IncomingMessage, res: http.ServerResponse) =>
    void res.writeHead(200, {
      "content-type": "application/json",
      "content-length": chat.length,
      "x-request-id": "req_1",
    }).end(chat);

  /** A stream that the test writes. */
  const hold = () => {
    const given = Promise.withResolvers<http.ServerResponse>();
    bench.upstream.handle((_req, res) => {
      res.writeHead(200, { "content-type": "text/event-stream" });
      given.resolve(res);
    });
    return given.promise;
  };
  const messages = "/v1/acc/default/anthropic/v1/messages";
  const streamed = (test: string) => ({ ...prompt(test), max_tokens: 9, stream: true });

  /** Until what was answered is stored, where requests do not see each other's memory. */
  async function hit(body: unknown, at = path, headers?: Record<string, string>) {
    for (let tries = 0;; tries++) {
      const answer = await ask(body, headers, at);
      if (answer.headers["cf-aig-cache-status"] === "HIT" || tries === 100) return answer;
      await new Promise((done) => setTimeout(done, 20));
    }
  }

  it("an answer is given again, from its bytes to its length", async () => {
    bench.upstream.handle(answerChat);
    const first = await ask(prompt("again"));
    assert.equal(first.headers["cf-aig-cache-status"], "MISS");
    const again = await hit(prompt("again"));
    assert.equal(again.headers["cf-aig-cache-status"], "HIT");
    assert.equal(again.body.toString(), chat);
    assert.equal(again.headers["content-type"], "application/json");
    assert.equal(again.headers["content-length"], String(chat.length));
    assert.match(again.headers.age!, /^\d+$/);
    assert.equal(again.headers["x-sluice-cost"], "0");
    assert.equal(again.headers["x-request-id"], undefined);
    assert.ok(again.headers["cf-aig-log-id"]);
    assert.equal(bench.upstream.requests.length, 1);
  });

  it("answers without a cache say nothing of one", async () => {
    bench.upstream.handle(answerChat);
    const answer = await ask(prompt("skip"), { "cf-aig-skip-cache": "true" });
    assert.equal(answer.headers["cf-aig-cache-status"], undefined);
    assert.equal(answer.headers["x-sluice-cache-reason"], "skipped");
  });

  it("a stream is given again, byte for byte, and as a plain answer", async () => {
    bench.upstream.handle((_req, res) =>
      void res.writeHead(200, { "content-type": "text/event-stream" }).end(fixture.responseBody)
    );
    const body = { ...prompt("stream"), stream: true, stream_options: { include_usage: true } };
    assert.equal((await ask(body)).body.toString(), fixture.responseBody.toString());
    const again = await hit(body);
    assert.equal(again.headers["cf-aig-cache-status"], "HIT");
    assert.equal(again.body.toString(), fixture.responseBody.toString());
    const plain = await ask(prompt("stream"));
    assert.equal(plain.headers["cf-aig-cache-status"], "HIT");
    const { choices, usage } = JSON.parse(plain.body.toString());
    assert.equal(choices[0].finish_reason, "tool_calls");
    assert.equal(choices[0].message.tool_calls[0].function.name, "get_current_weather");
    assert.equal(usage.prompt_tokens, 85);
    assert.equal(bench.upstream.requests.length, 1);
  });

  it("a stream is given again as it came", async () => {
    const upstream = hold();
    const answer = ask(streamed("paced"), {}, messages);
    const res = await upstream;
    for (const event of events) {
      res.write(event);
      await new Promise((done) => setTimeout(done, 30));
    }
    res.end();
    assert.equal((await answer).body.toString(), events.join(""));
    await hit(streamed("paced"), messages);
    const replay = { "cf-aig-cache-replay": "original" };
    const again = await open(bench.gateway.url, messages, post(streamed("paced"), replay));
    const began = performance.now();
    assert.equal(again.headers["cf-aig-cache-status"], "HIT");
    assert.equal((await readAll(again)).body.toString(), events.join(""));
    assert.ok(performance.now() - began > 25 * (events.length - 2));
    for (const headers of [replay, {}]) {
      const more = await ask(streamed("paced"), headers, messages);
      assert.equal(more.headers["cf-aig-cache-status"], "HIT");
      assert.equal(more.body.toString(), events.join(""), "The stored bytes are as they were");
    }
  });

  it("a stream that was cut is not given again", async () => {
    const upstream = hold();
    const answer = ask(streamed("cut"), {}, messages).catch(() => {});
    (await upstream).write(events.slice(0, 3).join(""));
    (await upstream).destroy();
    await answer;
    bench.upstream.handle((_req, res) =>
      void res.writeHead(200, { "content-type": "text/event-stream" }).end(events.join(""))
    );
    const whole = await ask(streamed("cut"), {}, messages);
    assert.equal(whole.headers["cf-aig-cache-status"], "MISS");
    assert.equal(whole.body.toString(), events.join(""));
  });

  it("what is purged is gone", async () => {
    bench.upstream.handle(answerChat);
    const purge = async (body: unknown) => {
      const at = "/client/v4/accounts/acc/ai-gateway/gateways/default/cache/purge";
      const answer = await send(bench.gateway.url, at, post(body, { authorization: "Bearer t" }));
      assert.equal(answer.status, 200, answer.body.toString());
      return JSON.parse(answer.body.toString()).result.purged;
    };
    const key = { "cf-aig-cache-key": "purge" };
    for (const headers of [{}, key]) {
      await ask(prompt("purge"), headers);
      await hit(prompt("purge"), path, headers);
    }
    assert.equal(await purge({ key: "purge" }), 1);
    assert.equal((await ask(prompt("purge"), key)).headers["cf-aig-cache-status"], "MISS");
    assert.equal((await ask(prompt("purge"))).headers["cf-aig-cache-status"], "HIT");
    assert.ok(await purge({ all: true }) >= 1);
    assert.equal((await ask(prompt("purge"))).headers["cf-aig-cache-status"], "MISS");
  });

  it("an old answer is given while a new one is fetched, and when there is none", async () => {
    const short = path.replace("default", "short");
    bench.upstream.handle(answerChat);
    await ask(prompt("stale"), {}, short);
    await hit(prompt("stale"), short);
    await new Promise((done) => setTimeout(done, 1100));
    bench.upstream.handle((_req, res) => void res.writeHead(500).end("{}"));
    const old = await ask(prompt("stale"), {}, short);
    assert.deepEqual([old.status, old.headers["cf-aig-cache-status"]], [200, "STALE"]);
    await within(
      5000,
      "The renewal",
      (async () => {
        while (bench.upstream.requests.length < 2) {
          await new Promise((done) => setTimeout(done, 10));
        }
      })(),
    );
    const headers = { "cf-aig-cache-stale-while-revalidate": "0" };
    const spare = await ask(prompt("stale"), headers, short);
    assert.deepEqual([spare.status, spare.headers["cf-aig-cache-status"]], [200, "STALE"]);
    assert.equal(spare.body.toString(), chat);
  });

  it("a client that leaves closes the upstream", async () => {
    const upstream = hold();
    const answer = await Promise.all([
      open(bench.gateway.url, messages, post(streamed("leave"))),
      upstream.then((res) => res.write(events[0])),
    ]).then(([answer]) => answer);
    await readBytes(answer, events[0]!.length);
    answer.on("error", () => {});
    // workerd alone takes a mere FIN for a client that still listens.
    answer.socket.resetAndDestroy();
    const seen = await bench.upstream.next();
    await within(5000, "The end of the upstream", seen.aborted);
  });

  // Requests of Workers must not wait for each other.
  if (runtime === "workers") {
    it("identical requests at the same time are all sent", async () => {
      bench.upstream.handle(answerChat);
      const answers = await Promise.all(Array.from({ length: 5 }, () => ask(prompt("five"))));
      assert.ok(answers.every(({ body }) => body.toString() === chat));
    });
    return;
  }

  it("a thousand identical requests at once are one", async () => {
    const held = Promise.withResolvers<void>();
    bench.upstream.handle((req, res) => void held.promise.then(() => answerChat(req, res)));
    const answers = Array.from({ length: 1000 }, () => ask(prompt("thousand")));
    await bench.upstream.next();
    // Late ones find the answer stored, which is as good.
    setTimeout(held.resolve, 300);
    const got = await Promise.all(answers);
    assert.ok(got.every(({ status, body }) => status === 200 && body.toString() === chat));
    const statuses = new Set(got.map(({ headers }) => headers["cf-aig-cache-status"]));
    assert.ok(statuses.has("COALESCED") && statuses.has("MISS"), [...statuses].join());
    assert.equal(bench.upstream.requests.length, 1);
  });

  it("a hundred identical streams at once are one, live, and outlive the first client", async () => {
    const upstream = hold();
    const first = open(bench.gateway.url, messages, post(streamed("live")));
    const res = await upstream;
    res.write(events[0]);
    const leader = await first;
    const others = await Promise.all(
      Array.from({ length: 100 }, () => open(bench.gateway.url, messages, post(streamed("live")))),
    );
    for (const answer of [leader, ...others]) {
      assert.equal((await readBytes(answer, events[0]!.length)).toString(), events[0]);
    }
    leader.destroy();
    for (const event of events.slice(1, 4)) {
      res.write(event);
      for (const answer of others) {
        const read = await within(5000, "An event", readBytes(answer, event.length));
        assert.equal(read.toString(), event);
      }
    }
    res.end(events.slice(4).join(""));
    for (const answer of others) {
      assert.equal((await readAll(answer)).body.toString(), events.slice(4).join(""));
    }
    assert.equal(bench.upstream.requests.length, 1);
    const again = await ask(streamed("live"), {}, messages);
    assert.equal(again.headers["cf-aig-cache-status"], "HIT");
  });

  it("the last of several clients that leaves closes the upstream", async () => {
    const upstream = hold();
    const opened = [1, 2, 3].map(() =>
      open(bench.gateway.url, messages, post(streamed("all leave")))
    );
    const res = await upstream;
    res.write(events[0]);
    const answers = await Promise.all(opened);
    const seen = await bench.upstream.next();
    for (const answer of answers) {
      await readBytes(answer, events[0]!.length);
      answer.destroy();
    }
    await within(5000, "The end of the upstream", seen.aborted);
    assert.equal(bench.upstream.requests.length, 1);
  });

  it("clients that leave before there is an answer close the upstream", async () => {
    bench.upstream.handle(() => {});
    const aborts = [1, 2, 3].map(() => new AbortController());
    const answers = aborts.map(({ signal }) =>
      send(bench.gateway.url, path, { ...post(prompt("early")), signal }).catch(() => {})
    );
    const seen = await bench.upstream.next();
    await new Promise((done) => setTimeout(done, 100)); // until all have come
    for (const abort of aborts) abort.abort();
    await Promise.all(answers);
    await within(5000, "The end of the upstream", seen.aborted);
  });

  it("a slow client does not hold up the others", async () => {
    const big = {
      type: "content_block_delta",
      index: 0,
      delta: { type: "text_delta", text: "x".repeat(60_000) },
    };
    const piece = `event: content_block_delta\ndata: ${JSON.stringify(big)}\n\n`;
    const upstream = hold();
    const first = open(bench.gateway.url, messages, post(streamed("slow")));
    const res = await upstream;
    res.write(events.slice(0, 2).join(""));
    const slow = await first; // reads nothing from here on
    const fast = await open(bench.gateway.url, messages, post(streamed("slow")));
    const whole = readAll(fast);
    for (let i = 0; i < 100; i++) {
      if (!res.write(piece)) await within(5000, "Room", new Promise((go) => res.once("drain", go)));
    }
    res.end(events.slice(-3).join(""));
    const got = await within(10_000, "The fast client", whole);
    const { body } = await readAll(slow);
    assert.ok(body.equals(got.body));
    assert.ok(body.length > 6_000_000);
  });

  it("a failure is told to all who wait, and asked for once", async () => {
    const held = Promise.withResolvers<void>();
    bench.upstream.handle((_req, res) =>
      void held.promise.then(() => res.writeHead(429, { "retry-after": "9" }).end('{"error":{}}'))
    );
    const answers = Array.from({ length: 20 }, () => ask(prompt("failure")));
    await bench.upstream.next();
    setTimeout(held.resolve, 200);
    for (const { status, headers } of await Promise.all(answers)) {
      assert.deepEqual([status, headers["retry-after"]], [429, "9"]);
    }
    assert.ok(bench.upstream.requests.length <= 2);
  });
});
