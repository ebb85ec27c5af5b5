/** Identical requests at the same time: one is sent, and all get its answer. */
import { strict as assert } from "node:assert";
import { describe, it } from "node:test";
import { definePlugin, GatewayError, log } from "../../mod.ts";
import { type Feed, feeding } from "../../core/streams/feed.ts";
import { memoryLogs } from "../../core/storage/logs-memory.ts";
import { type Answer, caching, chat, chunks, json, prompt, stream, written } from "./caching.ts";

const streamed = { ...prompt, stream: true, stream_options: { include_usage: true } };
const all = chunks.join("");
const times = <T>(count: number, make: (i: number) => T): T[] =>
  Array.from({ length: count }, (_, i) => make(i));
const statuses = (answers: readonly Answer[]) => answers.map(({ cache }) => cache).sort();

/** Until requests that were sent have come to wait, which nothing outside shows. */
const joined = () => new Promise((done) => setTimeout(done, 30));

/** A provider that answers when it is told to. */
function gate(): {
  answer(response: Response | Error): void;
  asked: Promise<void>;
  respond(): Promise<Response>;
} {
  const asked = Promise.withResolvers<void>();
  const answer = Promise.withResolvers<Response>();
  return {
    asked: asked.promise,
    answer: (response) =>
      response instanceof Error ? answer.reject(response) : answer.resolve(response),
    respond() {
      asked.resolve();
      return answer.promise;
    },
  };
}

describe("identical requests at the same time", () => {
  it("are sent once: a thousand of them", async () => {
    const { answer, asked, respond } = gate();
    const { ask, sent } = caching({}, respond);
    const answers = times(1000, () => ask());
    await asked;
    answer(json(chat));
    const got = await Promise.all(answers);
    assert.equal(sent.length, 1);
    assert.ok(got.every(({ status, text }) => status === 200 && text === JSON.stringify(chat)));
    assert.deepEqual(new Set(statuses(got)), new Set(["MISS", "COALESCED"]));
    assert.equal(statuses(got).filter((status) => status === "MISS").length, 1);
  });

  it("are sent once: a thousand streams, each whole and live", async () => {
    const upstream = written();
    const { open, sent } = caching({}, () => upstream.response);
    const opened = times(1000, () => open(streamed));
    upstream.write(chunks[0]!);
    const readers = (await Promise.all(opened)).map((answer) => answer.body!.getReader());
    const first = await Promise.all(readers.map((reader) => reader.read()));
    assert.ok(first.every(({ value }) => new TextDecoder().decode(value) === chunks[0]));
    for (const chunk of chunks.slice(1)) upstream.write(chunk);
    upstream.close();
    const rests = await Promise.all(readers.map(async (reader) => {
      let text = "";
      for (
        let { done, value } = await reader.read();
        !done;
        { done, value } = await reader.read()
      ) {
        text += new TextDecoder().decode(value);
      }
      return text;
    }));
    assert.ok(rests.every((text) => text === chunks.slice(1).join("")));
    assert.equal(sent.length, 1);
  });

  it("may join a stream at any time, from its first event on", async () => {
    const upstream = written();
    const { open, ask, sent } = caching({}, () => upstream.response);
    const first = ask(streamed);
    upstream.write(chunks[0]!);
    upstream.write(chunks[1]!);
    const late = await open(streamed);
    assert.equal(late.headers.get("cf-aig-cache-status"), "COALESCED");
    const reader = late.body!.getReader();
    let seen = "";
    while (seen.length < chunks[0]!.length + chunks[1]!.length) {
      seen += new TextDecoder().decode((await reader.read()).value);
    }
    assert.equal(seen, chunks[0]! + chunks[1]!);
    for (const chunk of chunks.slice(2)) upstream.write(chunk);
    upstream.close();
    assert.equal((await first).text, all);
    assert.equal((await ask(streamed)).cache, "HIT");
    await reader.cancel();
    assert.equal(sent.length, 1);
  });

  it("get the whole of a stream that is there at once", async () => {
    const feed = (): Feed => ({
      attach(sink) {
        sink.data(new TextEncoder().encode(all));
        sink.end();
      },
      resume() {},
      abort() {},
    });
    const atOnce = definePlugin("atOnce", async (_ctx, next) => {
      return Object.assign(await next(), { [feeding]: feed });
    });
    const { ask, sent } = caching({ inside: [atOnce] });
    const answers = await Promise.all(times(5, () => ask(streamed)));
    assert.ok(answers.every(({ text }) => text === all), answers.map(({ text }) => text).join());
    assert.equal(sent.length, 1);
  });

  it("get an answer without what is the first one's own", async () => {
    const { answer, asked, respond } = gate();
    const { ask } = caching({}, respond);
    const answers = times(3, () => ask());
    await asked;
    answer(
      json(chat, {
        headers: {
          "x-request-id": "req_1",
          "x-ratelimit-remaining-requests": "1",
          "openai-version": "2020",
        },
      }),
    );
    for (const { cache, response: { headers } } of await Promise.all(answers)) {
      assert.equal(headers.get("x-request-id"), cache === "MISS" ? "req_1" : null);
      assert.equal(headers.get("openai-version"), "2020");
      assert.equal(headers.get("x-sluice-cost"), cache === "MISS" ? null : "0");
    }
  });

  const others: [string, unknown, Record<string, string>][] = [
    ["another key", prompt, { authorization: "Bearer sk-other" }],
    ["another body", { ...prompt, seed: 1 }, {}],
    ["another form", streamed, {}],
    ["another time limit", prompt, { "cf-aig-request-timeout": "1000" }],
    ["another limit of silence", prompt, { "x-sluice-timeout-idle": "1000" }],
    ["another limit of all", prompt, { "x-sluice-timeout-total": "1000" }],
    ["no part in the cache", prompt, { "cf-aig-skip-cache": "true" }],
  ];
  for (const [what, body, headers] of others) {
    it(`are not those with ${what}`, async () => {
      const { answer, asked, respond } = gate();
      const { ask, sent } = caching(
        {},
        async () => sent.length === 1 ? await respond() : json(chat),
      );
      const first = ask();
      await asked;
      await ask(body, { headers });
      assert.equal(sent.length, 2);
      answer(json(chat));
      await first;
    });
  }

  it("are all sent where that is asked for, or where nothing is cached", async () => {
    for (const options of [{ cache: { coalesce: false } }, { gateways: { default: {} } }]) {
      const { ask, sent } = caching(options, async () => {
        await Promise.resolve();
        return json(chat);
      });
      await Promise.all(times(5, () => ask()));
      assert.equal(sent.length, 5);
    }
  });

  it("are told apart in the log: one has the cost, the others have none", async () => {
    const logs = memoryLogs();
    const upstream = written();
    const { ask, gateway } = caching(
      { around: [log()], stores: { logs } },
      () => upstream.response,
    );
    const answers = times(4, () => ask(streamed));
    for (const chunk of chunks) upstream.write(chunk);
    upstream.close();
    await Promise.all(answers);
    await gateway.flush();
    const rows = await logs.list({}, { offset: 0, limit: 9 });
    assert.deepEqual(rows.map(({ cached }) => cached).sort(), [false, true, true, true]);
    for (const row of rows) {
      assert.deepEqual([row.tokens_in, row.tokens_out, row.end, row.success], [
        12,
        5,
        "complete",
        true,
      ]);
      assert.equal(row.cost === 0, row.cached);
      assert.equal(row.response_size, all.length);
    }
    assert.equal(new Set(rows.map(({ id }) => id)).size, 4);
  });
});

describe("a client that leaves", () => {
  it("first, while others wait: they get the answer", async () => {
    const { answer, asked, respond } = gate();
    const { ask, sent } = caching({}, (_body, _url, init) => {
      init.signal?.addEventListener("abort", () => answer(new Error("aborted")));
      return respond();
    });
    const abort = new AbortController();
    const first = ask(prompt, { signal: abort.signal });
    await asked;
    const others = times(3, () => ask());
    await joined();
    abort.abort();
    answer(json(chat));
    assert.deepEqual(statuses(await Promise.all(others)), ["COALESCED", "COALESCED", "COALESCED"]);
    await first;
    assert.equal(sent.length, 1);
    assert.equal((await ask()).cache, "HIT");
  });

  it("first, in the middle of a stream: the others read on", async () => {
    const upstream = written();
    const { open, ask, sent } = caching({}, () => upstream.response);
    const first = (await Promise.all([open(streamed), upstream.write(chunks[0]!)]))[0];
    const other = ask(streamed);
    await joined();
    const reader = first.body!.getReader();
    await reader.read();
    await reader.cancel();
    for (const chunk of chunks.slice(1)) upstream.write(chunk);
    upstream.close();
    assert.equal((await other).text, all);
    assert.equal((await ask(streamed)).cache, "HIT");
    assert.equal(sent.length, 1);
  });

  it("last closes the upstream: before its answer", async () => {
    const aborted = Promise.withResolvers<void>();
    const { asked, respond } = gate();
    const { ask, sent } = caching({}, (_body, _url, init) => {
      init.signal?.addEventListener("abort", () => aborted.resolve());
      return sent.length === 1 ? respond() : json(chat);
    });
    const aborts = times(3, () => new AbortController());
    const answers = aborts.map(({ signal }) => ask(prompt, { signal }));
    await asked;
    await joined();
    for (const abort of aborts) abort.abort();
    await aborted.promise;
    assert.equal((await ask()).cache, "MISS");
    assert.equal(sent.length, 2);
    void answers;
  });

  it("last closes the upstream: in the middle of a stream", async () => {
    const upstream = written();
    const { open, ask, sent } = caching(
      {},
      () => sent.length === 1 ? upstream.response : stream(chunks),
    );
    const opened = times(3, () => open(streamed));
    upstream.write(chunks[0]!);
    const answers = await Promise.all(opened);
    for (const answer of answers) {
      const reader = answer.body!.getReader();
      await reader.read();
      await reader.cancel();
    }
    await upstream.cancelled;
    assert.equal((await ask(streamed)).cache, "MISS");
  });

  it("by its signal sees its own body fail, first or not", async () => {
    const upstream = written();
    const { open, sent } = caching({}, () => upstream.response);
    const aborts = times(3, () => new AbortController());
    const opened = aborts.map(({ signal }) => open(streamed, { signal }));
    upstream.write(chunks[0]!);
    const bodies = (await Promise.all(opened)).map((answer) => answer.text());
    aborts[0]!.abort();
    await assert.rejects(bodies[0]!);
    aborts[1]!.abort();
    await assert.rejects(bodies[1]!);
    for (const chunk of chunks.slice(1)) upstream.write(chunk);
    upstream.close();
    assert.equal(await bodies[2], all);
    assert.equal(sent.length, 1);
  });

  it("is one in the log that says so", async () => {
    const logs = memoryLogs();
    const upstream = written();
    const { open, ask, gateway } = caching(
      { around: [log()], stores: { logs } },
      () => upstream.response,
    );
    const first = ask(streamed);
    upstream.write(chunks[0]!);
    const reader = (await open(streamed)).body!.getReader();
    await reader.read();
    await reader.cancel();
    for (const chunk of chunks.slice(1)) upstream.write(chunk);
    upstream.close();
    await first;
    await gateway.flush();
    const rows = await logs.list({}, { offset: 0, limit: 9 });
    const ends = Object.fromEntries(rows.map(({ cached, end }) => [String(cached), end]));
    assert.deepEqual(ends, { true: "client_abort", false: "complete" });
  });
});

describe("a failure", () => {
  it("of the provider is told to all, and asked for once", async () => {
    const { answer, asked, respond } = gate();
    const { ask, sent } = caching({}, respond);
    const answers = times(50, () => ask());
    await asked;
    answer(
      json({ error: { message: "slow down" } }, { status: 429, headers: { "retry-after": "7" } }),
    );
    for (const { status, text, response } of await Promise.all(answers)) {
      assert.deepEqual([status, text], [429, '{"error":{"message":"slow down"}}']);
      assert.equal(response.headers.get("retry-after"), "7");
    }
    assert.equal(sent.length, 1);
  });

  it("that is streamed is told to all", async () => {
    const { ask, sent } = caching({}, async () => {
      await Promise.resolve();
      return new Response(stream(["half ", "a page"]).body, {
        status: 503,
        headers: { "content-type": "text/plain" },
      });
    });
    const answers = await Promise.all(times(5, () => ask(streamed)));
    assert.ok(answers.every(({ status, text }) => status === 503 && text === "half a page"));
    assert.equal(sent.length, 1);
  });

  it("to reach the provider is told to all, and asked for once", async () => {
    const { answer, asked, respond } = gate();
    const { ask, sent } = caching({}, respond);
    const answers = times(50, () => ask());
    await asked;
    answer(new TypeError("fetch failed"));
    for (const { status, text } of await Promise.all(answers)) {
      assert.equal(status, 502);
      assert.match(text, /Failed to get response from provider 'openai'/);
    }
    assert.equal(sent.length, 1);
  });

  it("of a stream before its first byte is tried again by the next one", async () => {
    const first = written();
    const { ask, sent } = caching({}, () => sent.length === 1 ? first.response : stream(chunks));
    const answers = times(5, () => ask(streamed).catch((error: Error) => error));
    await Promise.resolve();
    first.fail();
    const got = await Promise.all(answers);
    assert.equal(sent.length, 2);
    const good = got.filter((one): one is Answer => !(one instanceof Error) && one.text === all);
    assert.equal(good.length, 4);
  });

  it("of a stream after its first byte is the same for all", async () => {
    const upstream = written();
    const { open, sent } = caching({}, () => upstream.response);
    const opened = times(5, () => open(streamed));
    upstream.write(chunks[0]!);
    const answers = await Promise.all(opened);
    const texts = answers.map((answer) => answer.text().then(() => "whole", () => "cut"));
    upstream.fail();
    assert.deepEqual(await Promise.all(texts), times(5, () => "cut"));
    assert.equal(sent.length, 1);
  });

  it("of a stream after its first byte is one in the log of all", async () => {
    const logs = memoryLogs();
    const upstream = written();
    const { ask, gateway } = caching(
      { around: [log()], stores: { logs } },
      () => upstream.response,
    );
    const answers = times(3, () => ask(streamed));
    for (const chunk of chunks.slice(0, 2)) upstream.write(chunk);
    upstream.close();
    assert.ok((await Promise.all(answers)).every(({ text }) => text.includes("upstream_cut")));
    await gateway.flush();
    const rows = await logs.list({}, { offset: 0, limit: 10 });
    assert.deepEqual(rows.map(({ success }) => success), [false, false, false]);
    const ends = rows.map(({ cached, end }) => `${cached} ${end}`).sort();
    assert.deepEqual(ends, ["false upstream_cut", "true error", "true error"]);
    await gateway.close();
  });

  it("of the first one's own ends with it: one by one the others ask for themselves", async () => {
    let most = 0;
    let running = 0;
    const onlyB = definePlugin("onlyB", async (ctx, next) => {
      most = Math.max(most, ++running);
      await new Promise((done) => setTimeout(done, 1));
      running--;
      if (ctx.clientHeaders.get("x-caller") !== "b") {
        throw new GatewayError(429, 9000, "Not for you");
      }
      return await next();
    });
    const { ask, sent } = caching({ inside: [onlyB] });
    const callers = ["a", "a", "a", "b", "a", "a", "b"];
    const answers = await Promise.all(
      callers.map((caller) => ask(prompt, { headers: { "x-caller": caller } })),
    );
    assert.equal(most, 1);
    assert.equal(sent.length, 1);
    assert.deepEqual(answers.map(({ status }) => status), [429, 429, 429, 200, 200, 200, 200]);
  });

  it("of a plugin's own doing is one request's alone", async () => {
    let calls = 0;
    const broken = definePlugin("broken", async (_ctx, next) => {
      await Promise.resolve();
      if (++calls === 1) throw new Error("A defect");
      return await next();
    });
    const { ask, sent, reports } = caching({ inside: [broken] });
    const answers = await Promise.all(times(3, () => ask()));
    assert.deepEqual(answers.map(({ status }) => status).sort(), [200, 200, 500]);
    assert.deepEqual([sent.length, reports.length], [1, 1]);
  });
});

it("a body over the limit is not waited for by those who come later", async () => {
  const upstream = written();
  const { open, ask, sent } = caching(
    { cache: { entryBytes: 100 } },
    () => sent.length === 1 ? upstream.response : stream(chunks),
  );
  const first = open(streamed);
  upstream.write(chunks[0]!);
  const reader = (await first).body!.getReader();
  await reader.read();
  upstream.write(chunks[1]!);
  await reader.read();
  const other = await ask(streamed);
  assert.deepEqual([other.cache, other.text, sent.length], ["MISS", all, 2]);
  await reader.cancel();
});

it("a body over the limit is asked for by each of those who wait, all at once", async () => {
  const { ask, sent } = caching({ cache: { entryBytes: 10 } }, async () => {
    await Promise.resolve();
    return stream(chunks);
  });
  const answers = await Promise.all(times(20, () => ask(streamed)));
  assert.ok(answers.every(({ text, cache }) => text === all && cache === "MISS"));
  assert.equal(sent.length, 20);
});
