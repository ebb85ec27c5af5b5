/** Retry: what is tried again, how often, after how long, and what is not. */
import { strict as assert } from "node:assert";
import { describe, it } from "node:test";
import { definePlugin, GatewayError, log, retry, type RetryOptions, timeout } from "../../mod.ts";
import {
  type Answer,
  chat,
  cut,
  failing,
  json,
  native,
  scripted,
  silent,
  stream,
  unreachable,
  whole,
} from "./scripted.ts";
import { errorOf } from "./upstream.ts";

const body = { model: "gpt-4o-mini", messages: [] };

/** A gateway that does not wait, but notes for how long it would have. */
function retrying(script: Answer[], options: RetryOptions = {}, settings = {}) {
  const waits: number[] = [];
  const plugin = retry({ wait: (_ctx, ms) => Promise.resolve(void waits.push(ms)), ...options });
  const made = scripted({
    plugins: [log(), plugin, timeout()],
    gateways: { default: { retry_max_attempts: 3, retry_delay: 100, ...settings } },
  }, script);
  return { ...made, waits };
}

describe("a request is sent again", () => {
  const passing: [what: string, answer: Answer, headers?: Record<string, string>][] = [
    ...[408, 409, 429, 500, 502, 503, 504, 529].map((status) =>
      [`after a ${status}`, failing(status)] as [string, Answer]
    ),
    ["when its provider cannot be reached", unreachable],
    ["when there is no answer in time", silent, { "cf-aig-request-timeout": "20" }],
    ["when its stream breaks off before its first content", stream([chat.role, cut])],
    ["when its stream is empty", stream([])],
    [
      "when its stream begins with an error that may pass",
      stream([chat.error({ message: "Overloaded", type: "overloaded_error" })]),
    ],
    [
      "when its stream begins with an error whose status may pass",
      stream([chat.error({ message: "Busy", code: 429 })]),
    ],
    ["after a status that its provider says may pass", failing(400, { "x-should-retry": "true" })],
  ];
  for (const [what, answer, headers] of passing) {
    it(what, async () => {
      const { post, seen, rows } = retrying([answer, json({ ok: true })]);
      const response = await post(native, body, headers);
      assert.deepEqual(await response.json(), { ok: true });
      assert.deepEqual(seen.map((request) => request.body), Array(2).fill(JSON.stringify(body)));
      const all = (await rows()).sort((a, b) => a.attempt - b.attempt);
      assert.deepEqual(all.map(({ success, attempt, step }) => [success, attempt, step]), [
        [false, 0, 0],
        [true, 1, 0],
      ]);
    });
  }

  it("until there are no attempts left: then the answer is the answer", async () => {
    const { post, seen } = retrying([failing(500), failing(502), failing(503, { "x-last": "1" })]);
    const response = await post(native, body);
    assert.deepEqual([response.status, response.headers.get("x-last")], [503, "1"]);
    assert.equal(seen.length, 3);
  });

  it("without a body as well", async () => {
    const { gateway, seen } = retrying([failing(500), json({ data: [] })]);
    const url = "http://gateway.test/v1/acc/default/openai/models";
    assert.equal((await gateway.fetch(new Request(url))).status, 200);
    assert.deepEqual(seen.map((request) => request.body), ["", ""]);
  });

  it("with a key of its own each time, where there are several", async () => {
    const { post, seen } = scripted({
      plugins: [retry({ delay: 0 })],
      open: true,
      gateways: { default: { retry_max_attempts: 2 } },
      keys: { openai: { default: [{ value: "key-a" }, { value: "key-b" }] } },
    }, [failing(429), json({})]);
    await post(native, body);
    assert.deepEqual(seen.map(({ headers }) => headers["authorization"]), [
      "Bearer key-a",
      "Bearer key-b",
    ]);
  });

  it("and counted once in what the answer says of its model and step", async () => {
    const { post } = retrying([failing(500), json({})]);
    const { headers } = await post(native, body);
    assert.equal(headers.get("cf-aig-step"), "0");
    assert.equal(headers.get("cf-aig-model"), "gpt-4o-mini");
  });
});

describe("a request is not sent again", () => {
  const final: [what: string, answer: Answer][] = [
    ...[200, 301, 400, 401, 402, 403, 404, 413, 422].map((status) =>
      [`after a ${status}`, () => new Response("{}", { status })] as [string, Answer]
    ),
    [
      "when a quota is used up",
      json({ error: { message: "m", code: "insufficient_quota" } }, { status: 429 }),
    ],
    [
      "when its stream begins with an error of its own",
      stream([chat.error({ message: "No", type: "invalid_request_error" })]),
    ],
    [
      "when its stream begins with an error whose status stays",
      stream([chat.error({ message: "No", code: "400" })]),
    ],
    ["when its stream breaks off behind its first content", stream([chat.text("a"), cut])],
    ["after a status that its provider says stays", failing(500, { "x-should-retry": "false" })],
  ];
  for (const [what, answer] of final) {
    it(what, async () => {
      const { post, seen } = retrying([answer, json({ again: true })]);
      const response = await post(native, body);
      assert.doesNotMatch(await response.text(), /again/);
      assert.equal(seen.length, 1);
    });
  }

  it("after a refusal further in", async () => {
    let asked = 0;
    const refusing = definePlugin("refusing", () => {
      asked++;
      throw new GatewayError(429, 2003, "Rate limited");
    });
    const options = { plugins: [retry({ attempts: 3, delay: 0 }), refusing] };
    const { post } = scripted(options, []);
    assert.equal((await errorOf(await post(native, body))).code, 2003);
    assert.equal(asked, 1);
  });

  it("when nobody has a key for it", async () => {
    const { post, seen, rows } = retrying([], {}, { byok_only: true });
    assert.equal((await errorOf(await post(native, body))).code, 8015);
    assert.deepEqual([seen.length, (await rows()).length], [0, 1]);
  });

  it("when its body is too long to be kept", async () => {
    const { post, seen } = retrying([failing(500)]);
    assert.equal((await post(native, "x".repeat(33 * 1024 * 1024))).status, 500);
    assert.equal(seen.length, 1);
  });

  it("when one attempt is all there is to be", async () => {
    const { post, seen } = retrying([failing(500)]);
    assert.equal((await post(native, body, { "cf-aig-max-attempts": "1" })).status, 500);
    assert.equal(seen.length, 1);
  });

  it("once its client has left", async () => {
    const client = new AbortController();
    const { gateway, seen, waits } = retrying([() => {
      client.abort();
      return new Response(null, { status: 500 });
    }, json({})]);
    const request = new Request(`http://gateway.test${native}`, {
      method: "POST",
      body: "{}",
      signal: client.signal,
    });
    assert.equal((await gateway.fetch(request)).status, 499);
    assert.deepEqual([seen.length, waits.length], [1, 0]);
  });
});

describe("between two attempts", () => {
  const waited = async (
    headers: Record<string, string>,
    settings = {},
    options: RetryOptions = {},
  ) => {
    const script = Array.from({ length: 5 }, () => failing(500));
    const { post, waits } = retrying(script, options, { retry_max_attempts: 5, ...settings });
    await post(native, body, headers);
    return waits;
  };
  const backoff = (name: string) => ({ "cf-aig-backoff": name });

  it("the wait stays, or grows", async () => {
    assert.deepEqual(await waited(backoff("constant")), [100, 100, 100, 100]);
    assert.deepEqual(await waited(backoff("linear")), [100, 200, 300, 400]);
    assert.deepEqual(await waited(backoff("exponential")), [100, 200, 400, 800]);
    assert.deepEqual(await waited({}), [100, 200, 400, 800]);
  });

  it("header, option and setting win in this order", async () => {
    const settings = { retry_backoff: "linear", retry_delay: 7, retry_max_attempts: 2 };
    assert.deepEqual(await waited({}, settings), [7]);
    const options: RetryOptions = { attempts: 3, delay: 5, backoff: "constant" };
    assert.deepEqual(await waited({}, settings, options), [5, 5]);
    const headers = {
      "cf-aig-max-attempts": "4",
      "cf-aig-retry-delay": "0",
      "cf-aig-backoff": "exponential",
    };
    assert.deepEqual(await waited(headers, settings, options), []);
  });

  it("no wait is over a minute, and no request has over five attempts", async () => {
    const headers = { "cf-aig-max-attempts": "99", "cf-aig-retry-delay": "999999" };
    assert.deepEqual(await waited(headers), [60_000, 60_000, 60_000, 60_000]);
  });

  const after = async (headers: Record<string, string>, now?: number) => {
    const waits: number[] = [];
    const { post, seen } = scripted({
      plugins: [
        retry({
          attempts: 2,
          delay: 100,
          wait: (_ctx, ms) => Promise.resolve(void waits.push(ms)),
        }),
      ],
      ...now !== undefined && { now: () => now },
    }, [failing(429, headers), json({})]);
    const { status } = await post(native, body);
    return { status, waits, sent: seen.length };
  };

  it("a provider that asks for more gets it: in seconds, in milliseconds, or until a date", async () => {
    assert.deepEqual((await after({ "retry-after": "2" })).waits, [2000]);
    assert.deepEqual((await after({ "retry-after": "0.5" })).waits, [500]);
    assert.deepEqual((await after({ "retry-after-ms": "250", "retry-after": "9" })).waits, [250]);
    const now = Date.parse("Wed, 21 Oct 2026 07:28:00 GMT");
    assert.deepEqual((await after({ "retry-after": "Wed, 21 Oct 2026 07:28:03 GMT" }, now)).waits, [
      3000,
    ]);
  });

  it("what asks for less, or is no time, changes nothing", async () => {
    for (const value of ["0", "-5", "soon", "1e9", ""]) {
      assert.deepEqual((await after({ "retry-after": value })).waits, [100], value);
    }
  });

  it("nobody waits for over a minute: the answer goes out", async () => {
    assert.deepEqual(await after({ "retry-after": "61" }), { status: 429, waits: [], sent: 1 });
  });

  it("a client that leaves ends the wait at once", async () => {
    const client = new AbortController();
    const left = Promise.withResolvers<void>();
    const { gateway, seen } = scripted({
      plugins: [
        definePlugin("leaving", (_ctx, next) => {
          left.promise.then(() => client.abort());
          return next();
        }),
        retry({ attempts: 2, delay: 60_000 }),
      ],
    }, [() => {
      // Once the wait has begun.
      setTimeout(left.resolve, 20);
      return new Response(null, { status: 500 });
    }]);
    const request = new Request(`http://gateway.test${native}`, {
      method: "POST",
      body: "{}",
      signal: client.signal,
    });
    assert.equal((await gateway.fetch(request)).status, 499);
    assert.equal(seen.length, 1);
  });
});

describe("headers that say how often and how", () => {
  for (
    const [name, value] of [
      ["cf-aig-max-attempts", "many"],
      ["cf-aig-max-attempts", "-1"],
      ["cf-aig-retry-delay", "1s"],
      ["cf-aig-backoff", "none"],
      ["cf-aig-request-timeout", "fast"],
      ["x-sluice-timeout-idle", "1.5"],
    ] as const
  ) {
    it(`are refused where they cannot be read: ${name}: ${value}`, async () => {
      const { post, seen } = retrying([]);
      const error = await errorOf(await post(native, body, { [name]: value }));
      assert.deepEqual([error.status, error.code, seen.length], [400, 8007, 0]);
      assert.ok(error.message.includes(`'${name}'`));
      assert.ok(!error.message.includes(value));
    });
  }
});

describe("a stream with attempts left", () => {
  it("goes out unchanged from its first content on", async () => {
    const { post } = retrying([stream(whole)]);
    assert.equal(await (await post(native, body)).text(), whole.join(""));
  });
});
