/** Streams: stored with proof of their end, given again in either form, and as they came. */
import { strict as assert } from "node:assert";
import { describe, it } from "node:test";
import { decodeEntry } from "../../core/cache/entry.ts";
import { paceOf, replayed } from "../../core/cache/replay.ts";
import { Relay } from "../../core/cache/relay.ts";
import type { Feed, Sink } from "../../core/streams/feed.ts";
import { Allowance } from "../../core/streams/tape.ts";
import { loadFixture } from "../support/fixtures.ts";
import { caching, chat, chunks, json, prompt, stream, written } from "./caching.ts";

const streamed = { ...prompt, stream: true };
const withUsage = { ...streamed, stream_options: { include_usage: true } };
const noUsage = chunks.filter((chunk) => !chunk.includes('"choices":[]'));

describe("a stream", () => {
  it("is stored and sent again, byte for byte", async () => {
    const { ask, sent } = caching();
    const first = await ask(withUsage);
    assert.equal(first.text, chunks.join(""));
    const second = await ask(withUsage);
    assert.deepEqual([second.cache, second.text, sent.length], ["HIT", first.text, 1]);
    assert.equal(second.response.headers.get("content-type"), "text/event-stream");
  });

  const broken: [string, () => Response][] = [
    ["without its end", () => stream(noUsage.slice(0, 2))],
    ["without its terminator", () => stream(noUsage.slice(0, 3))],
    [
      "with an error in it",
      () =>
        stream([noUsage[0]!, 'data: {"error":{"message":"overloaded"}}\n\n', "data: [DONE]\n\n"]),
    ],
    ["of no format", () => stream(["data: hello\n\n"])],
    ["that breaks off", () => {
      const { response, write, fail } = written();
      write(noUsage[0]!);
      queueMicrotask(fail);
      return response;
    }],
  ];
  for (const [what, respond] of broken) {
    it(`${what} is not stored`, async () => {
      const { ask, sent } = caching({}, respond);
      await ask(streamed).catch(() => {});
      await ask(streamed).catch(() => {});
      assert.equal(sent.length, 2);
    });
  }

  it("whose client left is not stored", async () => {
    const upstream = written();
    const { open, ask, sent } = caching(
      {},
      () => sent.length === 1 ? upstream.response : stream(chunks),
    );
    const answer = await open(withUsage);
    const reader = answer.body!.getReader();
    upstream.write(chunks[0]!);
    await reader.read();
    await reader.cancel();
    await upstream.cancelled;
    assert.equal((await ask(withUsage)).cache, "MISS");
  });

  it("over the limit passes through, whole", async () => {
    const { ask, sent } = caching({ cache: { entryBytes: 500 } });
    for (let i = 0; i < 2; i++) assert.equal((await ask(withUsage)).text, chunks.join(""));
    assert.equal(sent.length, 2);
  });
});

describe("one entry", () => {
  it("of a plain answer serves streams, with usage where that is asked for", async () => {
    const { ask, sent } = caching();
    await ask(prompt);
    const plain = await ask(streamed);
    assert.equal(plain.cache, "HIT");
    assert.equal(plain.response.headers.get("content-type"), "text/event-stream");
    assert.match(plain.text, /"content":"Hello there"/);
    assert.match(plain.text, /data: \[DONE\]\n\n$/);
    assert.doesNotMatch(plain.text, /"choices":\[\]/);
    assert.match((await ask(withUsage)).text, /"choices":\[\],"usage":\{"prompt_tokens":12/);
    assert.equal(sent.length, 1);
  });

  it("of a stream serves plain requests", async () => {
    const { ask, sent } = caching();
    await ask(withUsage);
    const plain = await ask(prompt);
    assert.equal(plain.cache, "HIT");
    assert.equal(plain.response.headers.get("content-type"), "application/json");
    const { choices, ...told } = JSON.parse(plain.text);
    const { choices: _, service_tier: __, ...wanted } = chat;
    assert.deepEqual(told, wanted);
    assert.equal(choices[0].message.content, "Hello there");
    assert.equal(sent.length, 1);
  });

  it("that cannot be given in another form makes room for one that can", async () => {
    const { ask, sent } = caching();
    await ask(streamed); // has told no usage, which a plain answer has
    assert.equal((await ask(prompt)).cache, "MISS");
    for (const body of [prompt, streamed, withUsage]) assert.equal((await ask(body)).cache, "HIT");
    assert.equal(sent.length, 2);
  });

  for (const memoryBytes of [undefined, 0]) {
    const where = memoryBytes === 0 ? "in the store" : "in memory";
    it(`stands beside another where neither can be given for the other, ${where}`, async () => {
      const cited = { ...chat, citations: ["https://a.example"] };
      const { ask, sent, gateway } = caching(
        { cache: memoryBytes === undefined ? {} : { memoryBytes } },
        (body) => JSON.parse(body).stream ? stream(noUsage) : json(cited),
      );
      for (const body of [streamed, prompt]) {
        assert.equal((await ask(body)).cache, "MISS");
        await gateway.flush();
      }
      assert.equal((await ask(prompt)).text, JSON.stringify(cited));
      assert.equal((await ask(streamed)).text, noUsage.join(""));
      assert.equal(sent.length, 2);
    });
  }

  const recorded: [string, string, string, string][] = [
    ["Anthropic", "anthropic/messages-stream-plain", "/anthropic/v1/messages", "text"],
    ["OpenAI Responses", "openai/responses-stream-plain", "/openai/responses", "output"],
  ];
  for (const [what, name, path, member] of recorded) {
    it(`serves both forms of ${what}`, async () => {
      const fixture = loadFixture(name);
      const body = JSON.parse(fixture.requestBody!.toString());
      const { ask, sent } = caching({}, () => stream([fixture.responseBody.toString()]));
      await ask({ ...body, stream: true }, { path });
      const { stream: _, ...plain } = body;
      const answer = await ask(plain, { path });
      assert.equal(answer.cache, "HIT");
      assert.match(answer.text, new RegExp(`^\\{.*"${member}"`));
      assert.equal(sent.length, 1);
    });
  }

  it("serves both methods of Gemini, and its array", async () => {
    const answer = {
      candidates: [{
        content: { parts: [{ text: "Hi" }], role: "model" },
        finishReason: "STOP",
        index: 0,
      }],
      usageMetadata: { promptTokenCount: 1, candidatesTokenCount: 1, totalTokenCount: 2 },
      modelVersion: "gemini-2.5-flash",
    };
    const { ask, sent } = caching({}, () => json(answer));
    const base = "/google-ai-studio/v1beta/models/gemini-2.5-flash";
    const body = { contents: [{ parts: [{ text: "Hi" }] }] };
    await ask(body, { path: `${base}:generateContent` });
    const events = await ask(body, { path: `${base}:streamGenerateContent?alt=sse` });
    assert.deepEqual([events.cache, events.text], ["HIT", `data: ${JSON.stringify(answer)}\n\n`]);
    const list = await ask(body, { path: `${base}:streamGenerateContent` });
    assert.deepEqual([list.cache, list.text], ["HIT", JSON.stringify([answer])]);
    assert.equal(sent.length, 1);
  });
});

/** What a feed sends, and when; a sink that is full after each piece has room again when told. */
function collect(
  feed: Feed,
  full = false,
): { pieces: string[]; times: number[]; ended: Promise<void>; resume(): void } {
  const decoder = new TextDecoder();
  const pieces: string[] = [];
  const times: number[] = [];
  const done = Promise.withResolvers<void>();
  feed.attach({
    data(chunk) {
      pieces.push(decoder.decode(chunk));
      times.push(performance.now());
      return !full;
    },
    end: done.resolve,
    fail: done.reject,
  });
  return { pieces, times, ended: done.promise, resume: () => feed.resume() };
}

describe("replay", () => {
  const body = new TextEncoder().encode("abcdef");
  const pace = { sizes: [1, 2, 3], gaps: [0, 60, 60] };

  it("is at once unless said otherwise, or where there is nothing to wait for", () => {
    assert.equal(replayed(body, pace, "instant"), body);
    assert.equal(replayed(body, undefined, "original"), body);
    assert.equal(replayed(body, { sizes: [6], gaps: [1] }, "original"), body);
    assert.equal(replayed(body, { sizes: [9], gaps: [500] }, "original"), body);
  });

  it("keeps pieces and pauses", async () => {
    const { pieces, times, ended } = collect(replayed(body, pace, "original") as Feed);
    await ended;
    assert.deepEqual(pieces, ["a", "bc", "def"]);
    assert.ok(times[1]! - times[0]! >= 55 && times[2]! - times[0]! >= 115, String(times));
  });

  it("shortens pauses over a second where that is asked for", async () => {
    const long = { sizes: [3, 3], gaps: [0, 3_600_000] };
    const { pieces, ended } = collect(replayed(body, long, "cap-1s") as Feed);
    await ended;
    assert.deepEqual(pieces, ["abc", "def"]);
  });

  it("waits for a slow reader, and ends when it leaves", async () => {
    const feed = replayed(body, { sizes: [1, 2, 3], gaps: [0, 2, 2] }, "original") as Feed;
    const { pieces, resume, ended } = collect(feed, true);
    for (let i = 1; i <= 3; i++) {
      while (pieces.length < i) await new Promise((done) => setTimeout(done, 1));
      assert.equal(pieces.length, i);
      resume();
    }
    await ended;
    const left = replayed(body, { sizes: [3, 3], gaps: [0, 5] }, "original") as Feed;
    const other = collect(left);
    left.abort("gone");
    await new Promise((done) => setTimeout(done, 20));
    assert.deepEqual(other.pieces, ["abc"]);
  });

  it("keeps a bounded number of pieces", () => {
    const sizes = Array.from({ length: 100_000 }, () => 2);
    const { sizes: kept, gaps } = paceOf(sizes, sizes.map((_, i) => i), 0);
    assert.ok(kept.length <= 4096 && gaps.length === kept.length);
    assert.equal(kept.reduce((sum, size) => sum + size), 200_000);
    assert.ok(Math.abs(gaps.reduce((sum, gap) => sum + gap) - 100_000) < 100);
  });

  it("is chosen by option, gateway and request, in that order of growing weight", async () => {
    const upstream = async (body: string) => {
      if (JSON.parse(body).stream !== true) return json(chat);
      const { response, write, close } = written();
      write(chunks[0]!);
      void (async () => {
        for (const chunk of chunks.slice(1)) {
          await new Promise((done) => setTimeout(done, 10));
          write(chunk);
        }
        close();
      })();
      return response;
    };
    const took = async (
      options: Parameters<typeof caching>[0],
      headers: Record<string, string> = {},
    ) => {
      const { ask } = caching(options, upstream);
      const first = await ask(withUsage);
      const began = performance.now();
      const second = await ask(withUsage, { headers });
      assert.deepEqual([second.cache, second.text], ["HIT", first.text]);
      return performance.now() - began;
    };
    const original = {
      gateways: { default: { cache_ttl: 60, cache_replay: "original" as const } },
    };
    assert.ok(await took(original) >= 40);
    assert.ok(await took({}, { "cf-aig-cache-replay": "original" }) >= 40);
    assert.ok(await took({ cache: { replay: "cap-1s" } }) >= 40);
    // At once is one piece, whatever the time.
    const { ask, open } = caching({ cache: { replay: "original" } }, upstream);
    await ask(withUsage);
    const instant = await open(withUsage, { headers: { "cf-aig-cache-replay": "instant" } });
    assert.equal(instant.headers.get("content-length"), String(chunks.join("").length));
    await instant.body?.cancel();
  });

  it("is kept in the store", async () => {
    const { ask, gateway, kv } = caching();
    await ask(withUsage);
    await gateway.flush();
    const [place] = await kv.keys("a:");
    const entry = decodeEntry((await kv.getBytes(place!))!)!;
    assert.deepEqual(entry.pace!.sizes, chunks.map((chunk) => chunk.length));
    assert.equal(entry.about.usage!.input, 12);
  });
});

/** A source that the test writes to. */
class Tap implements Feed {
  sink!: Sink;
  wanted = 0;
  aborted = false;
  attach(sink: Sink): void {
    this.sink = sink;
  }
  resume(): void {
    this.wanted++;
  }
  abort(): void {
    this.aborted = true;
  }
  write(text: string): boolean {
    return this.sink.data(new TextEncoder().encode(text));
  }
}

describe("a body that is shared", () => {
  const share = (limit = 1000, allowance = new Allowance(1e6)) => {
    const tap = new Tap();
    const told = { ended: 0, overflowed: 0 };
    const relay = new Relay(tap, {
      limit,
      allowance,
      onEnd: () => void told.ended++,
      onOverflow: () => void told.overflowed++,
    });
    return { tap, relay, told };
  };

  it("goes to each reader from the first piece on, however late", async () => {
    const { tap, relay } = share();
    const first = collect(relay.open());
    relay.start();
    tap.write("a");
    tap.write("b");
    const second = collect(relay.open());
    assert.deepEqual(second.pieces, ["a", "b"]);
    tap.write("c");
    tap.sink.end();
    const third = collect(relay.open());
    for (const { pieces, ended } of [first, second, third]) {
      await ended;
      assert.deepEqual(pieces, ["a", "b", "c"]);
    }
  });

  it("goes as fast as the fastest reader", () => {
    const { tap, relay } = share();
    const slow = collect(relay.open(), true);
    const fast = collect(relay.open());
    relay.start();
    assert.equal(tap.write("a"), true);
    assert.equal(tap.write("b"), true);
    assert.deepEqual([slow.pieces, fast.pieces], [["a"], ["a", "b"]]);
    slow.resume();
    assert.deepEqual(slow.pieces, ["a", "b"]);
  });

  it("waits where no reader has room", () => {
    const { tap, relay } = share();
    const only = collect(relay.open(), true);
    relay.start();
    assert.equal(tap.write("a"), false);
    only.resume();
    assert.ok(tap.wanted > 0);
  });

  it("ends for all alike when it breaks off", async () => {
    const { tap, relay } = share();
    const readers = [collect(relay.open()), collect(relay.open())];
    relay.start();
    tap.write("a");
    tap.sink.fail(new Error("cut"));
    for (const { ended } of readers) await assert.rejects(ended, /cut/);
    await assert.rejects(collect(relay.open()).ended, /cut/);
  });

  it("is closed when the last reader leaves, and not before", () => {
    const { tap, relay, told } = share();
    const [one, two] = [relay.open(), relay.open()];
    collect(one);
    collect(two);
    relay.start();
    tap.write("a");
    one.abort("gone");
    assert.equal(tap.aborted, false);
    tap.write("b");
    two.abort("gone");
    assert.deepEqual([tap.aborted, relay.ending, told.ended], [true, "cancelled", 1]);
  });

  it("stays open for readers that are still to come", () => {
    const { tap, relay } = share();
    const one = relay.open();
    collect(one);
    relay.expected = 1;
    relay.start();
    tap.write("a");
    one.abort("gone");
    assert.equal(tap.aborted, false);
    const late = collect(relay.open());
    relay.unexpect();
    assert.deepEqual([tap.aborted, late.pieces], [false, ["a"]]);
  });

  it("over its limit is kept no more: a reader that is far behind is given up, the others are not", async () => {
    const allowance = new Allowance(100);
    const { tap, relay, told } = share(10, allowance);
    const slow = collect(relay.open(), true);
    const fast = collect(relay.open());
    relay.start();
    for (let i = 0; i < 30; i++) tap.write(`${i % 10}`);
    tap.sink.end();
    await fast.ended;
    assert.equal(fast.pieces.join(""), "012345678901234567890123456789");
    await assert.rejects(slow.ended, /too slow/);
    assert.deepEqual([relay.whole, told.overflowed, told.ended], [false, 1, 1]);
    assert.equal(allowance.take(100), true);
  });

  it("is not kept where all bodies together are too many, and gives back what it took", async () => {
    const allowance = new Allowance(5);
    const { tap, relay } = share(1000, allowance);
    const only = collect(relay.open());
    relay.start();
    for (const text of ["abc", "def", "ghi"]) tap.write(text);
    tap.sink.end();
    await only.ended;
    assert.deepEqual([only.pieces.join(""), relay.whole], ["abcdefghi", false]);
    relay.settle();
    assert.equal(allowance.take(5), true);
  });
});
