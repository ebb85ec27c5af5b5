/** The log: what a row says of each attempt, and what it never holds. */
import { strict as assert } from "node:assert";
import { describe, it } from "node:test";
import { definePlugin, GatewayError, type GatewayOptions, log } from "../../mod.ts";
import type { LogRow } from "../../core/log/row.ts";
import { memoryLogs } from "../../core/storage/logs-memory.ts";
import { recording } from "./upstream.ts";

type Answer = (url: string, init: RequestInit) => Response | Promise<Response>;

const chat = JSON.stringify({
  model: "gpt-4o-mini",
  messages: [{ role: "user", content: "Hello" }],
});
const completion = {
  id: "chatcmpl-1",
  object: "chat.completion",
  model: "gpt-4o-mini-2024-07-18",
  choices: [{ index: 0, message: { role: "assistant", content: "Hi" }, finish_reason: "stop" }],
  usage: {
    prompt_tokens: 2422,
    completion_tokens: 10,
    total_tokens: 2432,
    prompt_tokens_details: { cached_tokens: 2304 },
  },
};

/** With a length, as the runtimes' servers and clients know it. */
function json(body: unknown, init: ResponseInit = {}): Response {
  const text = JSON.stringify(body);
  const headers = { "content-type": "application/json", "content-length": `${text.length}` };
  return new Response(text, { ...init, headers });
}

const sse = (event: unknown) =>
  new TextEncoder().encode(
    `data: ${typeof event === "string" ? event : JSON.stringify(event)}\n\n`,
  );
const delta = (content: string, finish: string | null = null) => ({
  object: "chat.completion.chunk",
  model: "gpt-4o-mini",
  choices: [{ index: 0, delta: { content }, finish_reason: finish }],
});

function stream(parts: (Uint8Array | Error)[], onCancel?: () => void): Response {
  let at = 0;
  const body = new ReadableStream<Uint8Array>({
    pull(controller) {
      const part = parts[at++];
      if (part === undefined) return onCancel ? new Promise(() => {}) : controller.close();
      if (part instanceof Error) controller.error(part);
      else controller.enqueue(part);
    },
    cancel: onCancel,
  }, { highWaterMark: 0 });
  return new Response(body as BodyInit, { headers: { "content-type": "text/event-stream" } });
}

function logged(answer: Answer = () => json(completion), options: GatewayOptions = {}) {
  const logs = memoryLogs();
  const made = recording({ plugins: [log()], stores: { logs }, ...options }, answer);
  const post = (
    headers: Record<string, string> = {},
    body = chat,
    path = "/openai/chat/completions",
  ) =>
    made.ask(path, {
      method: "POST",
      headers: { "content-type": "application/json", ...headers },
      body,
    });
  return {
    ...made,
    logs,
    post,
    async rows(): Promise<LogRow[]> {
      await made.gateway.flush();
      return logs.list({ direction: "asc" }, { offset: 0, limit: 100 });
    },
    async body(id: string, which: "request" | "response"): Promise<[string, boolean]> {
      const found = await logs.payload("default", id, which);
      assert.ok(found, `No ${which} of ${id}`);
      return [new TextDecoder().decode(found.bytes), found.complete];
    },
  };
}

describe("a row of the log", () => {
  it("says what an attempt used, cost and took", async () => {
    const { post, rows, body } = logged();
    const { response } = await post({ "user-agent": "tester", "cf-aig-metadata": '{"team":"a"}' });
    assert.deepEqual(await response.json(), completion);
    const [row, ...more] = await rows();
    assert.deepEqual(more, []);
    assert.equal(row!.id, response.headers.get("cf-aig-log-id"));
    assert.equal(row!.event_id, response.headers.get("cf-aig-event-id"));
    const { provider, model, path, status_code, success, end, streamed, step, attempt } = row!;
    assert.deepEqual(
      { provider, model, path, status_code, success, end, streamed, step, attempt },
      {
        provider: "openai",
        model: "openai/gpt-4o-mini",
        path: "/v1/chat/completions",
        status_code: 200,
        success: true,
        end: "complete",
        streamed: false,
        step: 0,
        attempt: 0,
      },
    );
    assert.deepEqual([row!.tokens_in, row!.tokens_out, row!.usage_quality], [2422, 10, "reported"]);
    assert.equal(row!.usage?.cache_read, 2304);
    assert.equal(row!.finish_reason, "stop");
    assert.equal(row!.user_agent, "tester");
    assert.deepEqual(row!.metadata, { team: "a" });
    assert.deepEqual(await body(row!.id, "request"), [chat, true]);
    assert.deepEqual(await body(row!.id, "response"), [JSON.stringify(completion), true]);
    const { total, latency, first_byte } = row!.timings;
    assert.ok(latency <= first_byte! && first_byte! <= total && total === row!.duration);
  });

  it("takes cached tokens out of the full price, and tells the cost in a header", async () => {
    const { post, rows } = logged();
    const { response } = await post();
    // 118 tokens at $0.15, 2304 cached ones at $0.075 and 10 at $0.60 a million.
    const expected = (118 * 0.15 + 2304 * 0.075 + 10 * 0.6) / 1e6;
    const [row] = await rows();
    assert.ok(Math.abs(row!.cost! - expected) < 1e-12, `${row!.cost}`);
    assert.ok(Math.abs(Number(response.headers.get("x-sluice-cost")) - expected) < 1e-11);
    assert.equal(response.headers.get("x-sluice-tokens-in"), "2422");
    assert.equal(response.headers.get("x-sluice-tokens-out"), "10");
  });

  it("prices as the request says", async () => {
    const { post, rows } = logged();
    await post({ "cf-aig-custom-cost": '{"per_token_in":0.001,"per_token_out":0.002}' });
    const [row] = await rows();
    assert.ok(Math.abs(row!.cost! - (2422 * 0.001 + 10 * 0.002)) < 1e-9);
    assert.equal(row!.custom_cost, true);
  });

  it("has no cost where the price is not known", async () => {
    const { post, rows } = logged(() => json({ ...completion, model: "house-model" }));
    await post({}, chat.replace("gpt-4o-mini", "house-model"));
    const [row] = await rows();
    assert.deepEqual([row!.tokens_in, row!.cost, row!.cost_parts], [2422, null, null]);
  });

  it("estimates where the provider says nothing, and says so", async () => {
    const { usage: _, ...silent } = completion;
    const { post, rows } = logged(() => json(silent));
    await post();
    const [row] = await rows();
    assert.equal(row!.usage_quality, "estimated");
    assert.ok(row!.tokens_in! > 0 && row!.tokens_out! > 0);
  });

  it("is written for a stream, which passes as it came", async () => {
    const parts = [
      sse(delta("Hel")),
      sse(delta("lo", "stop")),
      sse({ choices: [], usage: { prompt_tokens: 5, completion_tokens: 2, total_tokens: 7 } }),
      sse("[DONE]"),
    ];
    const { post, rows, body } = logged(() => stream(parts));
    const { response } = await post();
    const text = await response.text();
    assert.equal(text, parts.map((part) => new TextDecoder().decode(part)).join(""));
    const [row] = await rows();
    assert.deepEqual([row!.streamed, row!.end, row!.success], [true, "complete", true]);
    assert.deepEqual([row!.tokens_in, row!.tokens_out], [5, 2]);
    assert.ok(row!.timings.first_token! >= row!.timings.first_byte!);
    assert.deepEqual(await body(row!.id, "response"), [text, true]);
  });

  for (
    const [how, parts] of [
      ["breaks off", [sse(delta("Hel")), new Error("reset")]],
      ["ends without its last event", [sse(delta("Hel"))]],
    ] as const
  ) {
    it(`says so when a stream ${how}`, async () => {
      const { post, rows } = logged(() => stream([...parts]));
      const { response } = await post();
      await response.text().catch(() => {});
      const [row] = await rows();
      assert.deepEqual([row!.end, row!.success, row!.status_code], ["upstream_cut", false, 200]);
      assert.equal(row!.usage_quality, "estimated");
    });
  }

  it("says so when an error comes inside of a stream", async () => {
    const error = { error: { message: "Overloaded", type: "server_error", code: "overloaded" } };
    const { post, rows } = logged(() => stream([sse(delta("Hel")), sse(error), sse("[DONE]")]));
    const { response } = await post();
    await response.text();
    const [row] = await rows();
    assert.deepEqual([row!.end, row!.success, row!.error?.message], ["error", false, "Overloaded"]);
  });

  it("says so when the client leaves", async () => {
    const cancelled = Promise.withResolvers<void>();
    const { post, rows } = logged(() => stream([sse(delta("Hel"))], cancelled.resolve));
    const { response } = await post();
    const reader = response.body!.getReader();
    await reader.read();
    await reader.cancel();
    await cancelled.promise;
    const [row] = await rows();
    assert.equal(row!.end, "client_abort");
    assert.equal(row!.success, false);
  });

  it("is written where no provider answers", async () => {
    const { post, rows } = logged(() => {
      throw new TypeError("connection refused");
    });
    const { response } = await post();
    assert.equal(response.status, 502);
    const [row] = await rows();
    assert.equal(row!.id, response.headers.get("cf-aig-log-id"));
    assert.deepEqual([row!.status_code, row!.end, row!.success], [502, "error", false]);
    assert.equal(row!.error?.code, 2005);
  });

  it("is written for each attempt, however deep it is made", async () => {
    let tries = 0;
    const again = definePlugin("again", async (ctx, next) => {
      await ctx.bytes();
      const first = await next();
      return first.ok ? first : next();
    });
    const { post, rows } = logged(
      () =>
        ++tries === 1 ? json({ error: { message: "busy" } }, { status: 503 }) : json(completion),
      { plugins: [log(), again] },
    );
    const { response } = await post();
    // Both may have begun in one millisecond, and the second is known at once.
    const [first, second] = (await rows()).sort((a, b) => a.attempt - b.attempt);
    assert.deepEqual([first!.attempt, first!.status_code, first!.error?.message], [0, 503, "busy"]);
    assert.deepEqual([second!.attempt, second!.status_code, second!.error], [1, 200, null]);
    assert.equal(first!.event_id, second!.event_id);
    assert.equal(response.headers.get("cf-aig-log-id"), second!.id);
  });

  it("is written for a refusal and for an answer of a plugin's own", async () => {
    const short = definePlugin("short", (ctx) => {
      if (ctx.path === "no") throw new GatewayError(429, 2003, "Rate limited");
      return new Response("mine");
    });
    const { ask, rows } = logged(undefined, { plugins: [log(), short] });
    const { response: refused } = await ask("/openai/no");
    await ask("/openai/yes");
    const [first, second] = await rows();
    assert.equal(first!.id, refused.headers.get("cf-aig-log-id"));
    assert.deepEqual([first!.status_code, first!.success, first!.error?.code], [429, false, 2003]);
    assert.deepEqual([second!.status_code, second!.success, second!.tokens_in], [200, true, null]);
  });

  it("reads what came compressed", async () => {
    const zipped = new Response(JSON.stringify(completion)).body!
      .pipeThrough(new CompressionStream("gzip"));
    const bytes = await new Response(zipped).bytes();
    const web = !/^(?:Bun|Cloudflare)/.test(navigator.userAgent);
    const { post, rows, body, sent } = logged(() =>
      new Response(bytes, {
        headers: { "content-type": "application/json", "content-encoding": "gzip" },
      })
    );
    const { response } = await post({ "accept-encoding": "br, gzip, zstd" });
    await response.bytes();
    const accepted = sent[0]!.headers["accept-encoding"];
    assert.equal(accepted, web ? "identity" : "gzip");
    if (web) return; // such a platform's `fetch` has decoded already
    const [row] = await rows();
    assert.equal(row!.tokens_in, 2422);
    assert.deepEqual(await body(row!.id, "response"), [JSON.stringify(completion), true]);
  });
});

describe("what is not logged", () => {
  it("is the rest of texts that are much too long", async () => {
    const { ask, rows } = logged(() =>
      json({}, { headers: { "content-type": "a/b".repeat(900) } })
    );
    const long = "x".repeat(5000);
    const { response } = await ask(`/openai/${long}`, {
      method: "POST",
      body: "{}",
      headers: {
        "content-type": `text/${long}`,
        "user-agent": long,
        "cf-aig-event-id": long,
        "cf-aig-metadata": JSON.stringify({ [long]: long, short: 1 }),
      },
    });
    await response.text();
    assert.equal(response.headers.get("cf-aig-event-id")!.length, 256);
    const [row] = await rows();
    assert.equal(row!.event_id.length, 256);
    assert.ok(JSON.stringify(row).length < 7000);
    assert.deepEqual(row!.metadata, { ["x".repeat(256)]: "x".repeat(1024), short: 1 });
  });

  it("is what the caller or the gateway says", async () => {
    const off: GatewayOptions = { gateways: { default: { collect_logs: false } } };
    for (
      const [options, header, expected] of [
        [{}, undefined, 1],
        [{}, "false", 0],
        [{}, "nonsense", 1],
        [off, undefined, 0],
        [off, "true", 1],
      ] as const
    ) {
      const { post, rows } = logged(undefined, options);
      const { response } = await post(header === undefined ? {} : { "cf-aig-collect-log": header });
      assert.equal((await rows()).length, expected);
      assert.equal(response.headers.has("cf-aig-log-id"), expected === 1);
    }
  });

  it("is bodies, where only what is known about them is wanted", async () => {
    const only: GatewayOptions = { gateways: { default: { collect_log_payload: false } } };
    for (
      const [options, headers] of [
        [{}, { "cf-aig-collect-log-payload": "false" }],
        [only, {}],
        [only, { "cf-aig-collect-log-payload": "true" }], // the gateway's switch cannot be loosened
      ] as const
    ) {
      const { post, rows, logs } = logged(undefined, options);
      await post(headers);
      const [row] = await rows();
      assert.equal(row!.tokens_in, 2422);
      assert.equal(await logs.payload("default", row!.id, "request"), undefined);
      assert.equal(await logs.payload("default", row!.id, "response"), undefined);
    }
  });

  it("is what is over the size cap, and the row says that it was cut", async () => {
    const options: GatewayOptions = { gateways: { default: { log_payload_bytes: 10 } } };
    const { post, rows, body } = logged(undefined, options);
    await post();
    const [row] = await rows();
    assert.deepEqual(await body(row!.id, "request"), [chat.slice(0, 10), false]);
    assert.deepEqual(await body(row!.id, "response"), [
      JSON.stringify(completion).slice(0, 10),
      false,
    ]);
    assert.deepEqual([row!.request_size, row!.response_size], [
      chat.length,
      JSON.stringify(completion).length,
    ]);
    assert.equal(row!.tokens_in, 2422);
  });

  it("is credentials and what the operator calls secret", async () => {
    const own = "an-odd-key-1234";
    const secrets = {
      "sk-proj-abcdefghijklmnopqrstuvwxyz": "a form that is known",
      [own]: "the caller's own, quoted back by the provider",
      "4711-0815": "a pattern of the operator's",
    };
    const text = Object.keys(secrets).join(" and ");
    const { post, rows, body } = logged(
      () => json({ error: { message: `Bad: ${text}` } }, { status: 401 }),
      { gateways: { default: { log_redact: ["\\d{4}-\\d{4}"] } } },
    );
    const { response } = await post(
      { "authorization": `Bearer ${own}` },
      JSON.stringify({ model: "m", prompt: text }),
    );
    assert.match(await response.text(), /an-odd-key-1234/); // the client gets what the provider said
    const [row] = await rows();
    const stored = [
      JSON.stringify(row),
      ...await body(row!.id, "request"),
      ...await body(row!.id, "response"),
    ].join("\n");
    for (const [secret, what] of Object.entries(secrets)) {
      assert.ok(!stored.includes(secret), what);
    }
    assert.match(row!.error!.message, /Bad: \[redacted\] and \[redacted\] and \[redacted\]/);
  });

  it("is a key in a header of the provider's own, and in the code of an error", async () => {
    const own = "an-odd-key-1234";
    const { ask, rows, body } = logged(
      () => json({ error: { message: `Bad: ${own}`, code: own } }, { status: 401 }),
      {
        providers: {
          "custom-x": { base_url: "https://x.test", key_header: "x-own", key_scheme: "Own" },
        },
      },
    );
    const { response, sent } = await ask("/custom-x/chat/completions", {
      method: "POST",
      headers: { "x-own": `Own ${own}` },
      body: "{}",
    });
    assert.equal(sent!.headers["x-own"], `Own ${own}`);
    await response.text();
    const [row] = await rows();
    assert.deepEqual(row!.error, { code: "[redacted]", message: "Bad: [redacted]" });
    assert.doesNotMatch((await body(row!.id, "response")).join(), /odd-key/);
  });
});

describe("metadata", () => {
  for (
    const [header, expected] of [
      ['{"a":1,"b":"x","c":true,"d":null,"e":5,"f":6}', { a: 1, b: "x", c: true, d: null, e: 5 }],
      ['{"cf.user_id":"forged","a":1}', { a: 1 }],
      ['{"nested":{"a":1},"list":[1],"a":1}', { a: 1 }],
      ["not json", null],
      ["[1,2]", null],
      ['{"__proto__":"x"}', { ["__proto__"]: "x" }],
    ] as const
  ) {
    it(`of ${header}`, async () => {
      const { post, rows } = logged();
      await post({ "cf-aig-metadata": header });
      const [row] = await rows();
      assert.deepEqual(row!.metadata, expected === null ? null : { ...expected });
    });
  }
});
