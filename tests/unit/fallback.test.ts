/** Fallback: what moves on to the next step, what does not, and what the client gets. */
import { strict as assert } from "node:assert";
import { createHash } from "node:crypto";
import { describe, it } from "node:test";
import {
  auth,
  cache,
  definePlugin,
  fallback,
  type FallbackOptions,
  GatewayError,
  log,
  type Plugin,
  retry,
  timeout,
} from "../../mod.ts";
import {
  type Answer,
  chat,
  cut,
  failing,
  json,
  native,
  scripted,
  silent,
  stall,
  stream,
  unreachable,
  whole,
} from "./scripted.ts";
import { errorOf } from "./upstream.ts";

const step = (name: string, extra: Record<string, unknown> = {}) => ({
  provider: "openai",
  endpoint: "chat/completions",
  headers: { Authorization: `Bearer ${name}` },
  query: { model: name, messages: [], stream: true },
  ...extra,
});
const chain = (...inner: Plugin[]) => ({
  plugins: [log(), auth(), fallback(), ...inner, retry(), timeout()],
});
const two = [step("first"), step("second")];

describe("the next step is tried", () => {
  const failures: [what: string, answer: Answer, end: string, config?: Record<string, number>][] = [
    ["after a 400", failing(400), "complete"],
    ["after a 401", failing(401), "complete"],
    ["after a 404", failing(404), "complete"],
    ["after a 429", failing(429), "complete"],
    ["after a 500", failing(500), "complete"],
    ["after a 529", failing(529), "complete"],
    [
      "after a redirect",
      () => new Response(null, { status: 302, headers: { location: "/" } }),
      "complete",
    ],
    ["when a provider cannot be reached", unreachable, "error"],
    ["when there is no answer in time", silent, "stalled", { requestTimeout: 20 }],
    ["when a stream is empty", stream([]), "upstream_cut"],
    ["when a stream breaks off before its first content", stream([chat.role, cut]), "upstream_cut"],
    [
      "when a stream ends before its first content",
      stream([": hello\n\n", chat.role]),
      "upstream_cut",
    ],
    [
      "when a stream breaks off in its first content",
      stream([chat.text("Hello").slice(0, 40), cut]),
      "upstream_cut",
    ],
    [
      "when a stream begins with an error",
      stream([chat.role, chat.error({ message: "Overloaded", code: 503 })]),
      "error",
    ],
    [
      "when a stream begins with an error of the client's",
      stream(['event: error\ndata: {"error":{"message":"No tool","status_code":400}}\n\n']),
      "error",
    ],
    [
      "when a stream begins with an error that never ends",
      stream([chat.error("Overloaded"), stall]),
      "error",
    ],
    ["when a stream stops before its first byte", stream([": wait\n\n", stall]), "stalled", {
      requestTimeout: 20,
    }],
  ];
  for (const [what, answer, end, config] of failures) {
    it(what, async () => {
      const { universal, seen, rows } = scripted(chain(), [answer, stream(whole)]);
      const response = await universal([step("first", { config }), step("second")]);
      assert.equal(response.status, 200);
      assert.equal(response.headers.get("cf-aig-step"), "1");
      assert.equal(response.headers.get("cf-aig-model"), "second");
      assert.equal(await response.text(), whole.join(""));
      assert.deepEqual(seen.map(({ headers }) => headers["authorization"]), [
        "Bearer first",
        "Bearer second",
      ]);
      let all = await rows();
      // One that is given up while it still runs is over later.
      while (all.length < 2) {
        await new Promise((done) => setTimeout(done, 10));
        all = await rows();
      }
      const found = all.map((row) => [row.step, row.attempt, row.success, row.end]).sort();
      assert.deepEqual(found, [[0, 0, false, end], [1, 1, true, "complete"]]);
    });
  }

  it("when a stream stops between its first byte and its first content", async () => {
    const { universal, rows } = scripted(chain(), [stream([chat.role, stall]), stream(whole)]);
    const response = await universal(two, { "x-sluice-timeout-idle": "40" });
    assert.equal(await response.text(), whole.join(""));
    assert.deepEqual((await rows()).map(({ step, end }) => [step, end]).sort(), [
      [0, "stalled"],
      [1, "complete"],
    ]);
  });

  it("and says nothing of the model of the one before", async () => {
    const { universal } = scripted(chain(), [failing(500), json({})]);
    const response = await universal([step("first"), step("second", { query: { input: "a" } })]);
    assert.equal(response.headers.get("cf-aig-model"), null);
  });

  it("only until one has answered", async () => {
    const { universal, seen } = scripted(chain(), [failing(500), json({ ok: 1 }), json({ ok: 2 })]);
    const response = await universal([...two, step("third")]);
    assert.deepEqual(await response.json(), { ok: 1 });
    assert.equal(seen.length, 2);
  });

  it("in another format, at another provider", async () => {
    const events = 'event: message_start\ndata: {"type":"message_start","message":{}}\n\n' +
      'event: content_block_delta\ndata: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"Hi"}}\n\n' +
      'event: message_stop\ndata: {"type":"message_stop"}\n\n';
    const { universal } = scripted(chain(), [stream([chat.role, cut]), stream([events])]);
    const response = await universal([
      step("first"),
      step("claude", { provider: "anthropic", endpoint: "v1/messages" }),
    ]);
    assert.equal(response.headers.get("cf-aig-provider"), "anthropic");
    assert.equal(await response.text(), events);
  });

  it("after all attempts of the one before", async () => {
    const script = [failing(500), unreachable, failing(500), json({})];
    const { universal, rows } = scripted(chain(), script);
    await universal(two, { "cf-aig-max-attempts": "3", "cf-aig-retry-delay": "0" });
    assert.deepEqual((await rows()).map((row) => `${row.step}.${row.attempt}`), [
      "0.0",
      "0.1",
      "0.2",
      "1.3",
    ]);
  });

  it("when the last attempt of the one before breaks off before its first content", async () => {
    const script = [failing(500), stream([chat.role, cut]), stream(whole)];
    const { universal } = scripted(chain(), script);
    const response = await universal(two, {
      "cf-aig-max-attempts": "2",
      "cf-aig-retry-delay": "0",
    });
    assert.equal(await response.text(), whole.join(""));
  });
});

describe("a stream that has answered", () => {
  it("goes out from its first byte, and from then on as it comes", async () => {
    const go = Promise.withResolvers<void>();
    const parts = [
      ": wait\n\n",
      chat.role,
      chat.text("a"),
      go.promise,
      chat.text("b"),
      chat.stop,
      chat.done,
    ];
    const { universal, seen } = scripted(chain(), [stream(parts)]);
    const response = await universal(two);
    const reader = response.body!.getReader();
    let text = "";
    const read = async (until: string) => {
      while (!text.includes(until)) text += new TextDecoder().decode((await reader.read()).value);
    };
    await read(chat.text("a"));
    assert.equal(text, parts.slice(0, 3).join(""));
    go.resolve();
    await read(chat.done);
    assert.equal(text, parts.filter((part) => typeof part === "string").join(""));
    assert.equal(seen.length, 1);
  });

  it("has answered also with an end that is proven, whatever was said", async () => {
    const parts = [chat.role, chat.stop, chat.done];
    const { universal, seen } = scripted(chain(), [stream(parts)]);
    assert.equal(await (await universal(two)).text(), parts.join(""));
    assert.equal(seen.length, 1);
  });

  it("has answered once there is more than can be kept", async () => {
    const parts = [`: ${"x".repeat(70_000)}\n\n`, chat.text("late"), chat.done];
    const { universal, seen } = scripted(chain(), [stream(parts)]);
    assert.equal(await (await universal(two)).text(), parts.join(""));
    assert.equal(seen.length, 1);
  });

  it("goes out when it has been held for long enough", async () => {
    const go = Promise.withResolvers<void>();
    const parts = [chat.role, go.promise, chat.text("late"), chat.stop, chat.done];
    const { universal } = scripted(
      { plugins: [fallback({ hold: 10 })] },
      [stream(parts)],
    );
    const response = await universal(two);
    go.resolve();
    assert.equal(
      await response.text(),
      [chat.role, chat.text("late"), chat.stop, chat.done].join(""),
    );
  });

  it("is not tried elsewhere when it breaks off", async () => {
    const { universal, seen, rows } = scripted(chain(), [stream([chat.text("a"), cut])]);
    const text = await (await universal(two)).text();
    assert.ok(text.startsWith(chat.text("a")));
    assert.match(text, /data: \{"error":\{"message":"The provider broke off/);
    assert.equal(seen.length, 1);
    assert.deepEqual((await rows()).map(({ success, end }) => [success, end]), [[
      false,
      "upstream_cut",
    ]]);
  });

  it("of a format that nobody knows is one from its first event", async () => {
    const parts = ["data: hello\n\n", "data: world\n\n"];
    const { universal, seen } = scripted(chain(), [stream(parts)]);
    assert.equal(
      await (await universal([step("a", { endpoint: "own" }), step("b")])).text(),
      parts.join(""),
    );
    assert.equal(seen.length, 1);
  });
});

describe("when all steps fail", () => {
  it("the last one's answer is the answer, as it is", async () => {
    const { universal } = scripted(chain(), [failing(500), failing(418, { "x-request-id": "up" })]);
    const response = await universal(two);
    assert.equal(response.status, 418);
    assert.equal(response.headers.get("x-request-id"), "up");
    assert.equal(response.headers.get("cf-aig-step"), "1");
    assert.deepEqual(await response.json(), { error: { message: "Status 418" } });
  });

  it("it is the gateway's error when there was none", async () => {
    const { universal } = scripted(chain(), [failing(500), unreachable]);
    const error = await errorOf(await universal(two));
    assert.deepEqual([error.status, error.code], [502, 2005]);
  });

  it("a last stream goes out at once, whatever it begins with", async () => {
    const text = chat.error({ message: "Overloaded" });
    const { universal } = scripted(chain(), [failing(500), stream([text])]);
    const response = await universal(two);
    assert.equal(response.status, 200);
    assert.equal(await response.text(), text);
  });
});

describe("the request ends", () => {
  const refusing = (answer: () => Response): Plugin => definePlugin("refusing", answer);

  it("with a refusal that a plugin throws", async () => {
    const refused = refusing(() => {
      throw new GatewayError(429, 2003, "Rate limited: try later");
    });
    const { universal, seen } = scripted(chain(refused), []);
    const error = await errorOf(await universal(two));
    assert.deepEqual([error.status, error.code, seen.length], [429, 2003, 0]);
  });

  it("with a refusal that a plugin answers", async () => {
    const refused = refusing(() => new Response("no", { status: 403 }));
    const { universal, seen } = scripted(chain(refused), []);
    assert.equal((await universal(two)).status, 403);
    assert.equal(seen.length, 0);
  });

  it("with a refusal of an answer", async () => {
    const guard = definePlugin("guard", {
      onResponse() {
        throw new GatewayError(424, 2017, "Response blocked");
      },
    });
    const { universal, seen } = scripted(chain(guard), [json({})]);
    assert.equal((await universal(two)).status, 424);
    assert.equal(seen.length, 1);
  });

  it("with a defect of a plugin", async () => {
    const broken = refusing(() => {
      throw new TypeError("undefined is not a function");
    });
    const { universal, seen, reports } = scripted(chain(broken), []);
    assert.equal((await universal(two)).status, 500);
    assert.equal(seen.length, 0);
    assert.deepEqual(reports, ["A request failed inside the gateway"]);
  });

  it("when its client leaves", async () => {
    const client = new AbortController();
    const { gateway, seen } = scripted(chain(), [(request) => {
      client.abort();
      return silent(request);
    }]);
    const response = await gateway.fetch(
      new Request("http://gateway.test/v1/acc/default", {
        method: "POST",
        body: JSON.stringify(two),
        signal: client.signal,
      }),
    );
    assert.equal(response.status, 499);
    assert.equal(seen.length, 1);
  });

  it("when its client has left with the answer", async () => {
    const client = new AbortController();
    const { gateway, seen } = scripted(chain(), [() => {
      client.abort();
      return new Response(null, { status: 500 });
    }]);
    const request = new Request("http://gateway.test/v1/acc/default", {
      method: "POST",
      body: JSON.stringify(two),
      signal: client.signal,
    });
    assert.equal((await gateway.fetch(request)).status, 499);
    assert.equal(seen.length, 1);
  });

  it("when its client leaves while a stream is held", async () => {
    const client = new AbortController();
    const { gateway, seen, rows } = scripted(chain(), [stream([chat.role, stall])]);
    const answer = gateway.fetch(
      new Request("http://gateway.test/v1/acc/default", {
        method: "POST",
        body: JSON.stringify(two),
        signal: client.signal,
      }),
    );
    while (seen.length === 0) await new Promise((done) => setTimeout(done, 1));
    client.abort();
    assert.equal((await answer).status, 499);
    assert.equal(seen.length, 1);
    assert.deepEqual((await rows()).map(({ end }) => end), ["client_abort"]);
  });

  it("with an answer from a cache, which is the step's", async () => {
    const hit = definePlugin("cache", async (ctx, next) => {
      if (ctx.step === 0) return await next();
      ctx.shared.cached = true;
      return Response.json({ cached: true });
    });
    const { universal, rows } = scripted(chain(hit), [failing(500)]);
    const response = await universal(two);
    assert.deepEqual(await response.json(), { cached: true });
    assert.equal(response.headers.get("cf-aig-step"), "1");
    const found = (await rows()).map(({ step, cached, cost }) => [step, cached, cost]);
    assert.deepEqual(found.sort(), [[0, false, null], [1, true, 0]]);
  });
});

describe("each attempt", () => {
  it("is told of once, also where its stream was given up", async () => {
    const told: string[] = [];
    const listening = definePlugin("listening", (ctx, next) => {
      ctx.onAttempt(({ attempt, end }) => void told.push(`${attempt.number} ${end}`));
      return next();
    });
    const { universal, gateway } = scripted(
      { plugins: [listening, fallback()] },
      [stream([chat.role, cut]), unreachable, stream([chat.error("m")]), json({})],
    );
    await universal([...two, ...two]);
    await gateway.flush();
    assert.deepEqual(told.sort(), ["0 upstream_cut", "1 error", "2 error", "3 complete"]);
  });
});

describe("identical requests at the same time", () => {
  const failures: [what: string, answer: Answer][] = [
    ["a status", failing(503)],
    ["no connection", unreachable],
    ["an error at the beginning of a stream", stream([chat.role, chat.error("Overloaded")])],
  ];
  for (const [what, answer] of failures) {
    it(`all go on to the next step after ${what}`, async () => {
      const go = Promise.withResolvers<void>();
      const first: Answer = async (request) => {
        await go.promise;
        return await answer(request);
      };
      const { universal, seen, rows } = scripted(
        { plugins: [log(), auth(), fallback(), cache()] },
        [first, ...Array.from({ length: 5 }, () => json({ ok: true }))],
      );
      const headers = { "cf-aig-cache-ttl": "60" };
      const answers = Array.from({ length: 3 }, () => universal(two, headers));
      while (seen.length === 0) await new Promise((done) => setTimeout(done, 1));
      await new Promise((done) => setTimeout(done, 20));
      go.resolve();
      let shared = 0;
      for (const response of await Promise.all(answers)) {
        if (response.headers.get("cf-aig-cache-status") !== "MISS") shared++;
        assert.equal(response.status, 200);
        assert.equal(response.headers.get("cf-aig-step"), "1");
        assert.deepEqual(await response.json(), { ok: true });
      }
      const good = (await rows()).filter(({ status_code, step }) =>
        status_code === 200 && step === 1
      );
      assert.equal(good.filter(({ cached }) => cached).length, shared);
      assert.equal(good.length, 3);
    });
  }
});

describe("an answer that is not used", () => {
  it("is read if it is short, so that its connection can serve again", async () => {
    let left = 3;
    const read = Promise.withResolvers<void>();
    const slow: Answer = () =>
      new Response(
        new ReadableStream<Uint8Array>({
          pull(controller) {
            if (left-- > 0) {
              return controller.enqueue(new Uint8Array(10) as Uint8Array<ArrayBuffer>);
            }
            controller.close();
            read.resolve();
          },
        }, { highWaterMark: 0 }) as BodyInit,
        { status: 500 },
      );
    const { universal } = scripted(chain(), [slow, json({})]);
    await universal(two);
    await read.promise;
  });

  it("is cancelled if it is long", async () => {
    const cancelled = Promise.withResolvers<void>();
    const endless: Answer = () =>
      new Response(
        new ReadableStream<Uint8Array>({
          pull: (controller) => controller.enqueue(new Uint8Array(9000) as Uint8Array<ArrayBuffer>),
          cancel: () => cancelled.resolve(),
        }, { highWaterMark: 0 }) as BodyInit,
        { status: 500 },
      );
    const { universal, rows } = scripted(chain(), [endless, json({})]);
    await universal(two);
    await cancelled.promise;
    const found = (await rows()).map(({ step, end }) => [step, end]);
    assert.deepEqual(found.sort(), [[0, "guard_stop"], [1, "complete"]]);
  });

  it("is cancelled when it stops", async () => {
    const cancelled = Promise.withResolvers<void>();
    const stuck: Answer = (request) => {
      const { body, headers } = stream([stall], { onCancel: cancelled.resolve })(
        request,
      ) as Response;
      return new Response(body, { status: 500, headers });
    };
    const { universal } = scripted(chain(), [stuck, json({})]);
    await universal(two);
    await cancelled.promise;
  });
});

describe("a native request with targets", () => {
  const toAnthropic = (options: Partial<FallbackOptions> = {}) => ({
    plugins: [
      log(),
      auth(),
      fallback({
        to: [{
          provider: "anthropic",
          path: "v1/messages?beta=true",
          headers: { "Anthropic-Version": "2023-06-01" },
          body: (json) => ({ ...json as Record<string, unknown>, model: "claude", max_tokens: 9 }),
        }],
        ...options,
      }),
    ],
    open: true,
    keys: { anthropic: { default: { value: "stored-anthropic" } } },
  });
  const body = { model: "gpt-4o-mini", messages: [] };
  const headers = {
    authorization: "Bearer openai-key",
    "openai-organization": "org",
    "x-own": "1",
  };

  it("goes there after a failure, with a body made for it and without its own credentials", async () => {
    const { post, seen, rows } = scripted(toAnthropic(), [failing(503), json({ ok: true })]);
    const response = await post(`${native}?a=b`, body, headers);
    assert.deepEqual(await response.json(), { ok: true });
    assert.equal(response.headers.get("cf-aig-step"), "1");
    assert.equal(response.headers.get("cf-aig-provider"), "anthropic");
    const [first, second] = seen;
    assert.deepEqual(JSON.parse(first!.body), body);
    assert.equal(second!.url, "https://api.anthropic.com/v1/messages?beta=true");
    assert.deepEqual(JSON.parse(second!.body), { ...body, model: "claude", max_tokens: 9 });
    assert.equal(second!.headers["x-api-key"], "stored-anthropic");
    assert.equal(second!.headers["anthropic-version"], "2023-06-01");
    assert.equal(second!.headers["content-length"], String(second!.body.length));
    assert.doesNotMatch(JSON.stringify(second!.headers), /openai-key|org|x-own/);
    const found = (await rows()).map((row) => [row.step, row.model, row.request_type]);
    assert.deepEqual(found, [
      [0, "openai/gpt-4o-mini", "native"],
      [1, "anthropic/claude", "native"],
    ]);
  });

  it("keeps its headers, path and body at the same provider", async () => {
    const options = {
      plugins: [fallback({ to: [{ provider: "openai", headers: { "X-Own": "2" } }] })],
    };
    const { post, seen } = scripted(options, [unreachable, json({})]);
    await post(`${native}?a=b`, body, headers);
    assert.equal(seen[1]!.url, seen[0]!.url);
    assert.equal(seen[1]!.body, seen[0]!.body);
    assert.deepEqual(seen[1]!.headers, { ...seen[0]!.headers, "x-own": "2" });
  });

  it("goes nowhere after a good answer, or a stream with content", async () => {
    const { post, seen } = scripted(toAnthropic(), [json({}), stream(whole)]);
    await post(native, body);
    assert.equal(await (await post(native, body)).text(), whole.join(""));
    assert.equal(seen.length, 2);
  });

  it("goes there when its stream breaks off before its first content", async () => {
    const { post } = scripted(toAnthropic(), [stream([chat.role, cut]), json({ ok: true })]);
    assert.deepEqual(await (await post(native, body)).json(), { ok: true });
  });

  it("goes only after what the operator says, who sees the answer or the error", async () => {
    const failures: unknown[] = [];
    const when: FallbackOptions["when"] = (failure) => {
      const isAnswer = "response" in failure;
      failures.push(
        isAnswer ? failure.response.status : (failure.error as Error).message.slice(0, 9),
      );
      return isAnswer && failure.response.status >= 500;
    };
    const script = [failing(400), unreachable, failing(500), json({ ok: true })];
    const { post } = scripted(toAnthropic({ when }), script);
    assert.equal((await post(native, body)).status, 400);
    assert.equal((await post(native, body)).status, 502);
    assert.equal((await post(native, body)).status, 200);
    assert.deepEqual(failures, [400, "Failed to", 500]);
  });

  it("that is not JSON goes as it is", async () => {
    const { post, seen } = scripted(toAnthropic(), [failing(500), json({})]);
    await post("/v1/acc/default/openai/files", "a,b", { "content-type": "text/csv" });
    assert.equal(seen[1]!.body, "a,b");
    assert.equal(seen[1]!.headers["content-type"], "text/csv");
  });

  it("leaves a target out that the caller's key is not for", async () => {
    const key = "sl-0123456789abcdefghijklmnopqrstuvwxyzABCDEFG";
    const hash = `sha256:${createHash("sha256").update(key).digest("hex")}`;
    const options = toAnthropic();
    const { post, seen } = scripted({
      ...options,
      gateways: { default: { tokens: [{ name: "t", hash, providers: ["openai"] }] } },
    }, [failing(503, { "x-request-id": "first" })]);
    const response = await post(native, body, { "cf-aig-authorization": `Bearer ${key}` });
    assert.equal(response.status, 503);
    assert.equal(response.headers.get("x-request-id"), "first");
    assert.equal(seen.length, 1);
  });

  it("tells the operator once of a target that is not there", async () => {
    const options = { plugins: [fallback({ to: [{ provider: "antropic" }] })] };
    const { post, reports } = scripted(options, [failing(500), failing(500)]);
    assert.equal((await post(native, body)).status, 500);
    assert.equal((await post(native, body)).status, 500);
    assert.equal(reports.length, 1);
    assert.match(reports[0]!, /'antropic'; did you mean 'anthropic'/);
  });

  it("is sent once when its body is too long to be kept", async () => {
    const { post, seen } = scripted(toAnthropic(), [failing(500)]);
    const response = await post(native, "x".repeat(33 * 1024 * 1024));
    assert.equal(response.status, 500);
    assert.equal(seen.length, 1);
  });
});
