/** Faults on purpose: that each is what it says, and that everything further out takes it for the provider's. */
import { strict as assert } from "node:assert";
import { describe, it } from "node:test";
import { AwsFrames } from "../../core/formats/aws-frames.ts";
import { memoryLogs } from "../../core/storage/logs-memory.ts";
import { awsException } from "../../core/streams/aws-exception.ts";
import {
  chaos,
  type ChaosOptions,
  type ChaosRule,
  fallback,
  type Fault,
  type GatewayOptions,
  log,
  retry,
  timeout,
} from "../../mod.ts";
import { errorOf, type Recording, recording } from "./upstream.ts";

const encoder = new TextEncoder();
const chat = "/openai/chat/completions";
const post: RequestInit = {
  method: "POST",
  body: '{"model":"gpt-4o","stream":true,"messages":[]}',
};
const event = (n: number) =>
  `data: {"object":"chat.completion.chunk","choices":[{"index":0,"delta":{"content":"${n}"}}]}\n\n`;
const events = [event(1), event(2), event(3), event(4), "data: [DONE]\n\n"];

/** A body that the test can watch, in these chunks. */
function source(chunks: readonly (string | Uint8Array)[], endless = false): {
  body: ReadableStream<Uint8Array>;
  read(): number;
  cancelled: Promise<void>;
} {
  const cancelled = Promise.withResolvers<void>();
  let at = 0;
  const body = new ReadableStream<Uint8Array>({
    pull(controller) {
      const chunk = chunks[at++];
      if (chunk === undefined) return endless ? undefined : controller.close();
      controller.enqueue(typeof chunk === "string" ? encoder.encode(chunk) : chunk);
    },
    cancel: () => cancelled.resolve(),
  }, { highWaterMark: 0 });
  return { body, read: () => at, cancelled: cancelled.promise };
}

const streamOf = (body: BodyInit, type = "text/event-stream") =>
  new Response(body, { headers: { "content-type": type } });

function world(
  options: ChaosOptions,
  respond: () => Response | Promise<Response> = () => streamOf(source(events).body),
  more: GatewayOptions = {},
): Recording {
  return recording({ plugins: [chaos(options)], ...more }, respond);
}

const always = (fault: Fault | Fault[], rule: Partial<ChaosRule> = {}): ChaosOptions => ({
  rules: [{ fault, ...rule }],
});

/** What comes of a body, and how it ends. */
async function drain(response: Response): Promise<{ text: string; broken: boolean }> {
  let text = "";
  const decoder = new TextDecoder();
  try {
    for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) {
      text += decoder.decode(chunk, { stream: true });
    }
    return { text, broken: false };
  } catch {
    return { text, broken: true };
  }
}

describe("chaos: faults", () => {
  it("refuse: as if nobody listened", async () => {
    const { ask, sent } = world(always({ type: "refuse" }));
    const { status, code, message } = await errorOf((await ask(chat, post)).response);
    assert.deepEqual([status, code], [502, 2005]);
    assert.match(message, /'openai' \(ECONNREFUSED\)/);
    assert.equal(sent.length, 0);
  });

  const shapes: [path: string, status: number, want: Record<string, unknown>][] = [
    ["/openai/chat/completions", 429, { error: { type: "rate_limit_error", param: null } }],
    ["/anthropic/v1/messages", 503, { type: "error", error: { type: "overloaded_error" } }],
    ["/google-ai-studio/v1beta/models/m:generateContent", 429, {
      error: { code: 429, status: "RESOURCE_EXHAUSTED" },
    }],
    ["/cohere/v2/chat", 500, {}],
  ];
  for (const [path, status, want] of shapes) {
    it(`status: ${status} as ${path.split("/")[1]} puts it`, async () => {
      const { ask, sent } = world(always({ type: "status", status }));
      const { response } = await ask(path, post);
      assert.equal(response.status, status);
      assert.equal(response.headers.get("retry-after"), status === 429 ? "1" : null);
      const body = await response.json();
      assert.match(JSON.stringify(body), /on purpose/);
      assert.partialDeepStrictEqual(body, want);
      assert.equal(sent.length, 0);
    });
  }

  it("status: with the wait that it is given", async () => {
    const { ask } = world(always({ type: "status", retry_after: 7 }));
    const { response } = await ask(chat, post);
    assert.deepEqual([response.status, response.headers.get("retry-after")], [503, "7"]);
  });

  it("delay: the head comes late, and not at all where somebody gives up", async () => {
    const late = world(always({ type: "delay", ms: 5 }));
    assert.equal((await late.ask(chat, post)).response.status, 200);
    const never = world(always({ type: "delay", ms: 1e9 }), undefined, {
      plugins: [timeout({ firstByte: 5 }), chaos(always({ type: "delay", ms: 1e9 }))],
    });
    assert.equal((await never.ask(chat, post)).response.status, 504);
    assert.equal(never.sent.length, 0);
    const left = new AbortController();
    const answer = never.gateway.fetch(
      new Request("http://g.test/v1/a/default/openai/models", { signal: left.signal }),
    );
    left.abort();
    assert.equal((await answer).status, 499);
  });

  it("cut: the connection breaks, and the upstream is let go", async () => {
    const { body, cancelled } = source(events, true);
    const { ask } = world(always({ type: "cut", events: 2 }), () => streamOf(body));
    const { response } = await ask(chat, post);
    assert.equal(response.headers.get("x-sluice-chaos"), "cut events=2");
    assert.deepEqual(await drain(response), { text: event(1) + event(2), broken: true });
    await cancelled;
  });

  it("cut: after bytes, in the middle of an event", async () => {
    for (const bytes of [0, 1, 10, event(1).length, event(1).length + 1]) {
      const { ask } = world(always({ type: "cut", bytes }));
      const { text, broken } = await drain((await ask(chat, post)).response);
      assert.deepEqual([text, broken], [events.join("").slice(0, bytes), true]);
    }
  });

  it("cut: an answer that is no stream, in its middle", async () => {
    const { ask } = world(always({ type: "cut" }), () => Response.json({ text: "whole" }));
    assert.deepEqual(await drain((await ask(chat, post)).response), {
      text: '{"text":',
      broken: true,
    });
  });

  it("end: a clean end without the last event", async () => {
    const { ask } = world(always({ type: "end", events: 3 }));
    const { text, broken } = await drain((await ask(chat, post)).response);
    assert.deepEqual([text, broken], [events.slice(0, 3).join(""), false]);
  });

  it("stall: nothing more comes until the client leaves", async () => {
    const { body, read, cancelled } = source(events);
    const { ask } = world(always({ type: "stall" }), () => streamOf(body));
    const reader = (await ask(chat, post)).response.body!.getReader();
    assert.equal(new TextDecoder().decode((await reader.read()).value), event(1));
    const next = reader.read();
    await reader.cancel();
    await next;
    await cancelled;
    assert.equal(read(), 1);
  });

  it("stall: or until a timeout ends it", async () => {
    const { ask } = world({}, undefined, {
      plugins: [timeout({ idle: 20 }), chaos(always({ type: "stall", events: 2 }))],
    });
    const { text } = await drain((await ask(chat, post)).response);
    assert.ok(text.startsWith(event(1) + event(2)), text);
    assert.ok(!text.includes("[DONE]"), text);
  });

  it("malformed: one event that cannot be parsed, then the rest", async () => {
    const { ask } = world(always({ type: "malformed", events: 2 }));
    const { text, broken } = await drain((await ask(chat, post)).response);
    const [one, two, bad, ...rest] = text.split("\n\n").map((part) => `${part}\n\n`);
    assert.deepEqual([one, two, ...rest.slice(0, -1)], events);
    assert.throws(() => JSON.parse(bad!.slice("data: ".length)));
    assert.equal(broken, false);
  });

  it("error: an event of the provider's format, and the end", async () => {
    const { ask } = world(always({ type: "error", events: 1 }));
    const { text } = await drain((await ask(chat, post)).response);
    const [first, second, ...rest] = text.trimEnd().split("\n\n");
    assert.equal(`${first}\n\n`, event(1));
    assert.equal(JSON.parse(second!.slice("data: ".length)).error.code, "overloaded");
    assert.deepEqual(rest, []);
    const anthropic = await drain((await ask("/anthropic/v1/messages", post)).response);
    assert.match(anthropic.text, /\n\nevent: error\ndata: \{"type":"error","error":\{/);
    const plain = world(always({ type: "error" }), () => Response.json({ text: "whole" }));
    const body = JSON.parse((await drain((await plain.ask(chat, post)).response)).text);
    assert.equal(body.error.code, "overloaded");
  });

  it("slow: a few bytes at a time, no faster than they are read", async () => {
    const { ask } = world(always({ type: "slow", bytes: 7, ms: 0 }));
    const { response } = await ask(chat, post);
    let text = "";
    for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) {
      assert.ok(chunk.length <= 7);
      text += new TextDecoder().decode(chunk);
    }
    assert.equal(text, events.join(""));
  });

  it("truncate: the last bytes are missing, and nothing else tells", async () => {
    for (const bytes of [0, 1, 10, 17, 1000]) {
      const { ask } = world(
        always({ type: "truncate", bytes }),
        () => new Response('{"text":"whole"}', { headers: { "content-length": "16" } }),
      );
      const { response } = await ask(chat, post);
      assert.equal(response.headers.get("content-length"), null);
      assert.equal(await response.text(), '{"text":"whole"}'.slice(0, Math.max(0, 16 - bytes)));
    }
  });

  it("several at once", async () => {
    const { ask } = world(always([
      { type: "delay", ms: 1 },
      { type: "slow", bytes: 3, ms: 0 },
      { type: "cut", events: 1 },
    ]));
    const { text, broken } = await drain((await ask(chat, post)).response);
    assert.deepEqual([text, broken], [event(1), true]);
  });

  it("ask for no more than what is read", async () => {
    const faults: Fault[] = [
      { type: "cut", events: 9 },
      { type: "malformed", events: 9 },
      { type: "truncate", bytes: 1 },
    ];
    for (const fault of faults) {
      const { body, read } = source(events);
      const { ask } = world(always(fault), () => streamOf(body));
      const reader = (await ask(chat, post)).response.body!.getReader();
      await reader.read();
      assert.ok(read() <= 2, `${fault.type}: ${read()}`);
      await reader.cancel();
    }
  });
});

describe("chaos: events of every framing", () => {
  const message = (n: number) => awsException("contentBlockDelta", { n });
  const joined = (parts: Uint8Array[]) => Uint8Array.from(parts.flatMap((part) => [...part]));
  const framings: {
    name: string;
    type: string;
    path?: string;
    events: (string | Uint8Array)[];
  }[] = [
    { name: "SSE", type: "text/event-stream", events },
    {
      name: "SSE with CRLF",
      type: "text/event-stream; charset=utf-8",
      events: events.map((text) => text.replaceAll("\n", "\r\n")),
    },
    {
      name: "SSE with names and comments",
      type: "text/event-stream",
      events: [": ping\n\nevent: a\ndata: {}\n\n", "\n: x\n\ndata: 1\ndata: 2\n\n", "data: 3\n\n"],
    },
    {
      name: "JSON lines",
      type: "application/x-ndjson",
      events: ['{"a":1}\n', '{"b":2}\n', "{}\n"],
    },
    {
      name: "a JSON array",
      type: "application/json",
      path: "/google-ai-studio/v1beta/models/m:streamGenerateContent",
      events: ['[{"a":"}]\\"["}', ',\r\n{"b":[{}]}', ',{"c":1}'],
    },
    {
      name: "AWS",
      type: "application/vnd.amazon.eventstream",
      events: [message(1), message(2), message(3)],
    },
  ];
  for (const { name, type, path = chat, events } of framings) {
    const parts = events.map((part) => typeof part === "string" ? encoder.encode(part) : part);
    const bytes = joined(parts);
    for (const size of [1, 2, 7, 100_000]) {
      it(`${name}, in pieces of ${size}`, async () => {
        const pieces: Uint8Array[] = [];
        for (let at = 0; at < bytes.length; at += size) pieces.push(bytes.slice(at, at + size));
        for (const count of [0, 1, 2, 3]) {
          const { ask } = world(
            always({ type: "end", events: count }),
            () => streamOf(source(pieces).body, type),
          );
          const got = await (await ask(path, post)).response.bytes();
          const want = joined(parts.slice(0, count));
          // The second half of the last line end may be missing, where it comes in a piece of its own.
          const short = name.includes("CRLF") ? 1 : 0;
          assert.ok(want.length - got.length <= short, `${got.length} of ${want.length}`);
          assert.deepEqual([...got], [...want.slice(0, got.length)]);
        }
      });
    }
  }

  it("a broken message of AWS's has a length, and a checksum that is wrong", async () => {
    const { ask } = world(
      always({ type: "malformed", events: 1 }),
      () => streamOf(source([message(1), message(2)]).body, "application/vnd.amazon.eventstream"),
    );
    const bytes = await (await ask(chat, post)).response.bytes();
    const frames = new AwsFrames(bytes);
    assert.deepEqual([frames.length, frames.broken], [3, false]);
  });
});

describe("chaos: rules", () => {
  const fault: Fault = { type: "status", status: 503 };
  async function pattern(options: ChaosOptions, requests = 40): Promise<string> {
    const { ask } = world(options);
    let found = "";
    for (let i = 0; i < requests; i++) {
      const { response } = await ask(chat, post);
      found += response.status === 503 ? "x" : ".";
      await response.body?.cancel();
    }
    return found;
  }

  it("strike as often as they say, the same for the same seed", async () => {
    const some = (seed: number, probability: number) =>
      pattern({ seed, rules: [{ fault, probability }] }, 200);
    const first = await some(1, 0.3);
    assert.equal(first, await some(1, 0.3));
    assert.notEqual(first, await some(2, 0.3));
    const strikes = first.split("x").length - 1;
    assert.ok(strikes > 30 && strikes < 90, first);
    assert.equal(await some(1, 0), ".".repeat(200));
    assert.equal(await some(1, 1), "x".repeat(200));
  });

  it("strike in bursts, and so many times", async () => {
    const found = await pattern({ seed: 3, rules: [{ fault, probability: 0.1, burst: 4 }] }, 100);
    assert.match(found, /x{4}/);
    for (const run of found.replace(/x+$/, "").match(/x+/g)!) {
      assert.equal(run.length % 4, 0, found);
    }
    assert.equal(await pattern({ rules: [{ fault, times: 3 }] }, 6), "xxx...");
    assert.equal(await pattern({ rules: [{ fault, burst: 9, times: 2 }] }, 6), "xx....");
  });

  it("are about providers, models and paths", async () => {
    const { ask } = world({
      rules: [
        { fault: { type: "status", status: 500 }, providers: ["xai", "groq"] },
        { fault: { type: "status", status: 501 }, models: ["gpt-4*"], providers: ["openai"] },
        { fault: { type: "status", status: 502 }, paths: ["v1/audio/**"] },
      ],
    });
    const status = async (path: string, init = post) => (await ask(path, init)).response.status;
    assert.equal(await status("/grok/v1/chat/completions"), 500);
    assert.equal(await status("/groq/chat/completions"), 500);
    assert.equal(await status(chat), 501);
    assert.equal(await status(chat, { method: "POST", body: '{"model":"o1"}' }), 200);
    assert.equal(await status("/mistral/v1/audio/a/b"), 502);
    assert.equal(await status("/mistral/v1/chat/completions"), 200);
  });

  it("leave what they are not about as it is", async () => {
    const { ask } = world(always(fault, { providers: ["groq"] }));
    const { response } = await ask(chat, post);
    assert.equal(response.headers.get("x-sluice-chaos"), null);
    assert.equal(await response.text(), events.join(""));
  });

  const wrong: [rule: unknown, message: RegExp][] = [
    [{ fault: { type: "cuts" } }, /'cuts' is no fault; did you mean 'cut'/],
    [{ fault: "cut" }, /is no fault/],
    [{ fault: { type: "__proto__" } }, /is no fault/],
    [{ fault: { type: "cut", ms: 5 } }, /'cut' has no 'ms', only events, bytes, attempts/],
    [{ fault: { type: "cut", events: -1 } }, /'events' of fault 'cut' must be a whole number/],
    [{ fault: { type: "cut", events: "1" } }, /must be a whole number/],
    [{ fault: { type: "status", status: 200 } }, /400 to 599/],
    [{ fault, probability: 2 }, /'probability' is 2/],
    [{ fault, burst: 0 }, /'burst' is 0/],
    [{ fault, times: NaN }, /'times' is NaN/],
  ];
  for (const [rule, message] of wrong) {
    it(`that are none are a TypeError: ${JSON.stringify(rule)}`, () => {
      assert.throws(
        () => chaos({ rules: [rule as ChaosRule] }),
        (error) => error instanceof TypeError && message.test(error.message),
      );
    });
  }
});

describe("chaos: x-sluice-chaos", () => {
  const asking = (fault: string): RequestInit => ({
    ...post,
    headers: { "x-sluice-chaos": fault },
  });

  it("asks for faults where the option allows it, and never goes upstream", async () => {
    const { ask } = world({ header: true });
    assert.equal((await ask(chat, asking("refuse"))).response.status, 502);
    const { response, sent } = await ask(chat, asking("slow bytes=9 ms=0, cut events=2"));
    assert.equal((await drain(response)).text, event(1) + event(2));
    assert.equal(sent!.headers["x-sluice-chaos"], undefined);
    assert.equal((await ask(chat, post)).response.status, 200);
  });

  it("comes before rules", async () => {
    const { ask } = world({ header: true, ...always({ type: "refuse" }) });
    const { response } = await ask(chat, asking("status status=418"));
    assert.equal(response.status, 418);
  });

  it("means nothing otherwise", async () => {
    for (const header of [undefined, false, "true" as never]) {
      const { ask } = world({ header });
      assert.equal((await ask(chat, asking("refuse"))).response.status, 200);
    }
  });

  const wrong = [
    "",
    "boom",
    "cut events",
    "cut events=",
    "cut events=x",
    "cut=1",
    "cut ms=1",
    ",,",
  ];
  for (
    const text of [...wrong, "cut events=99999999999", "cut events=1 events=-1", "__proto__ a=1"]
  ) {
    it(`'${text}' is a 400`, async () => {
      const { ask, sent } = world({ header: true });
      const { status, code, message } = await errorOf((await ask(chat, asking(text))).response);
      assert.deepEqual([status, code], [400, 8007]);
      assert.match(message, /'x-sluice-chaos'/);
      assert.equal(sent.length, 0);
    });
  }
});

describe("chaos: what others make of it", () => {
  it("retry: the first attempts fail, the next is good", async () => {
    const { ask, sent } = world({}, undefined, {
      plugins: [retry({ attempts: 3, delay: 0 }), chaos(always({ type: "refuse", attempts: 2 }))],
    });
    const { response } = await ask(chat, post);
    assert.equal(response.status, 200);
    assert.equal(await response.text(), events.join(""));
    assert.equal(sent.length, 1);
  });

  it("fallback: the next provider answers", async () => {
    for (const type of ["refuse", "status", "error"] as const) {
      const faults: Fault = type === "error" ? { type, events: 0 } : { type };
      const { ask, sent } = world({}, undefined, {
        plugins: [
          fallback({ to: [{ provider: "groq" }] }),
          chaos(always(faults, { providers: ["openai"] })),
        ],
      });
      const { response } = await ask(chat, post);
      assert.equal(response.headers.get("cf-aig-step"), "1", type);
      assert.equal(await response.text(), events.join(""));
      assert.match(sent.at(-1)!.url, /groq/);
    }
  });

  const ends: [fault: Fault, end: string, status: number][] = [
    [{ type: "cut", events: 2 }, "upstream_cut", 200],
    [{ type: "end", events: 2 }, "upstream_cut", 200],
    [{ type: "error", events: 2 }, "error", 200],
    [{ type: "refuse" }, "error", 502],
    [{ type: "status", status: 429 }, "complete", 429],
  ];
  for (const [fault, end, status] of ends) {
    it(`log: ${fault.type} is ${end}, of the provider`, async () => {
      const logs = memoryLogs();
      const { ask, gateway } = world({}, undefined, {
        plugins: [log(), chaos(always(fault))],
        stores: { logs },
      });
      await drain((await ask(chat, post)).response);
      await gateway.flush();
      const [row] = await logs.list({}, { offset: 0, limit: 9 });
      assert.deepEqual([row?.end, row?.status_code, row?.success], [end, status, false]);
      assert.equal(row?.model, "openai/gpt-4o");
    });
  }
});
