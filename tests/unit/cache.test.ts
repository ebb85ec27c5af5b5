/** What is answered from the cache, for whom, and for how long. */
import { strict as assert } from "node:assert";
import { describe, it } from "node:test";
import { auth, authenticated, definePlugin, log } from "../../mod.ts";
import { memoryLogs } from "../../core/storage/logs-memory.ts";
import { memoryKV } from "../../core/storage/memory.ts";
import { caching, chat, json, prompt, stream } from "./caching.ts";

const off = { gateways: { default: {} } };

describe("caching", () => {
  it("answers an identical request without asking the provider", async () => {
    const { ask, sent } = caching();
    const first = await ask();
    assert.deepEqual([first.cache, first.text], ["MISS", JSON.stringify(chat)]);
    assert.equal(first.response.headers.get("age"), null);
    const second = await ask();
    assert.deepEqual([second.status, second.cache, second.text], [200, "HIT", first.text]);
    assert.equal(second.response.headers.get("age"), "0");
    assert.equal(second.response.headers.get("x-sluice-cost"), "0");
    assert.equal(second.response.headers.get("content-type"), "application/json");
    assert.equal(second.response.headers.get("cf-aig-model"), "gpt-4o-mini");
    assert.equal(sent.length, 1);
  });

  it("is off unless the gateway or the request says otherwise, and leaves no trace", async () => {
    const { ask, sent } = caching(off);
    for (let i = 0; i < 2; i++) assert.equal((await ask()).cache, null);
    assert.equal(sent.length, 2);
    assert.equal((await ask()).reason, "off");
    assert.equal((await ask(prompt, { headers: { "x-sluice-debug": "false" } })).reason, null);
  });

  const on: [string, Record<string, string>][] = [
    ["cf-aig-cache-key", { "cf-aig-cache-key": "k" }],
    ["cf-aig-cache-ttl", { "cf-aig-cache-ttl": "3600" }],
    ["cf-cache-ttl, its old name", { "cf-cache-ttl": "3600" }],
  ];
  for (const [what, headers] of on) {
    it(`is on for a request with ${what}`, async () => {
      const { ask, sent } = caching(off);
      assert.equal((await ask(prompt, { headers })).cache, "MISS");
      assert.equal((await ask(prompt, { headers })).cache, "HIT");
      assert.equal(sent.length, 1);
    });
  }

  const skip: [string, Record<string, string>][] = [
    ["cf-aig-skip-cache", { "cf-aig-skip-cache": "true" }],
    ["cf-skip-cache, its old name", { "cf-skip-cache": "true" }],
    ["a time of 0", { "cf-aig-cache-ttl": "0" }],
  ];
  for (const [what, headers] of skip) {
    it(`with ${what} neither looks nor stores`, async () => {
      const { ask, sent } = caching();
      assert.equal((await ask(prompt, { headers })).cache, null);
      assert.equal((await ask()).cache, "MISS");
      assert.equal((await ask(prompt, { headers })).cache, null);
      assert.equal(sent.length, 3);
    });
  }

  const times: [string, string | undefined, number, number][] = [
    ["the gateway's", undefined, 600, 600],
    ["the request's", "120", 600, 120],
    ["a minute at least", "5", 600, 60],
    ["a month at most", "99999999999", 600, 31 * 86400],
    ["the gateway's where the header is no number", "1e3", 600, 600],
    ["the gateway's where the header is negative", "-5", 600, 600],
    ["the gateway's, however short", undefined, 5, 5],
  ];
  for (const [what, header, setting, seconds] of times) {
    it(`is good for ${what}: ${header ?? "no header"} is ${seconds} s`, async () => {
      const { ask, clock } = caching({ gateways: { default: { cache_ttl: setting } } });
      const headers: Record<string, string> = header === undefined
        ? {}
        : { "cf-aig-cache-ttl": header };
      await ask(prompt, { headers });
      clock.now += seconds * 1000 - 1;
      const last = await ask();
      assert.equal(last.cache, "HIT");
      assert.equal(last.response.headers.get("age"), String(seconds - 1));
      clock.now += 1;
      const after = await ask();
      assert.deepEqual([after.cache, after.reason], [
        "MISS",
        "nothing is stored, or it has expired",
      ]);
    });
  }

  it("is good for 300 s where only a key says that it is on", async () => {
    const { ask, clock } = caching(off);
    const headers = { "cf-aig-cache-key": "k" };
    await ask(prompt, { headers });
    clock.now += 299_999;
    assert.equal((await ask(prompt, { headers })).cache, "HIT");
    clock.now += 1;
    assert.equal((await ask(prompt, { headers })).cache, "MISS");
  });

  it("works without memory, from the store alone", async () => {
    const { ask, gateway, sent } = caching({ cache: { memoryBytes: 0 } });
    await ask();
    await gateway.flush();
    assert.equal((await ask()).cache, "HIT");
    assert.equal(sent.length, 1);
  });

  it("gives another process what this one has stored", async () => {
    const kv = memoryKV();
    const one = caching({ kv });
    const other = caching({ kv });
    await one.ask();
    await one.gateway.flush();
    assert.equal((await other.ask()).cache, "HIT");
    assert.equal(other.sent.length, 0);
  });
});

describe("the same request", () => {
  const same: [string, unknown, Record<string, string>][] = [
    ["with keys in another order", {
      temperature: 0,
      messages: [{ content: "Hello", role: "user" }],
      model: "gpt-4o-mini",
    }, {}],
    ["with other white space", JSON.stringify(prompt, null, 2), {}],
    ["from another client", prompt, {
      "user-agent": "curl/8",
      "x-stainless-lang": "python",
      traceparent: "00-1",
      accept: "*/*",
    }],
    ["with metadata", prompt, { "cf-aig-metadata": '{"user":"a"}' }],
    ["that accepts compression", prompt, { "accept-encoding": "gzip, br" }],
    ["with a time of its own", prompt, { "cf-aig-cache-ttl": "60" }],
  ];
  for (const [what, body, headers] of same) {
    it(`${what} is answered from the cache`, async () => {
      const { ask } = caching();
      await ask();
      assert.equal((await ask(body, { headers })).cache, "HIT");
    });
  }

  const other: [string, unknown, Parameters<ReturnType<typeof caching>["ask"]>[1]][] = [
    ["another model", { ...prompt, model: "gpt-4o" }, {}],
    ["another text", { ...prompt, messages: [{ role: "user", content: "hello" }] }, {}],
    ["a member that nobody knows", { ...prompt, x_new: 1 }, {}],
    ["a member of null", { ...prompt, seed: null }, {}],
    ["a user", { ...prompt, user: "a" }, {}],
    ["another key", prompt, { headers: { authorization: "Bearer sk-test-other" } }],
    ["another path", prompt, { path: "/openai/v1/chat/completions" }],
    ["another provider", prompt, { path: "/groq/chat/completions" }],
    ["another account", prompt, {
      path: "http://gateway.test/v1/other/default/openai/chat/completions",
    }],
    ["another gateway", prompt, {
      path: "http://gateway.test/v1/acc/team/openai/chat/completions",
    }],
    ["a query", prompt, { path: "/openai/chat/completions?api-version=2" }],
    ["a header of the provider", prompt, { headers: { "openai-organization": "org-1" } }],
    ["another form asked for", prompt, { headers: { accept: "audio/mpeg" } }],
    ["a credential in a header of its own", prompt, { headers: { "x-acme-key": "one" } }],
    ["a session of its own", prompt, { headers: { "acme-session-token": "one" } }],
  ];
  for (const [what, body, asking] of other) {
    it(`is not one with ${what}`, async () => {
      const { ask, sent } = caching({
        gateways: { default: { cache_ttl: 60 }, team: { cache_ttl: 60 } },
      });
      await ask();
      assert.equal((await ask(body, asking)).cache, "MISS");
      assert.equal(sent.length, 2);
    });
  }

  it("may name a model that no header can hold as it is", async () => {
    const named: [model: string, header: string][] = [
      ["a\r\nset-cookie: a=b", "a%0D%0Aset-cookie: a=b"],
      ["\u0000é😀", "%00%C3%A9%F0%9F%98%80"],
      ["\ud800", "%EF%BF%BD"],
      ["100%", "100%"],
      ["x".repeat(50_000), "x".repeat(512)],
    ];
    for (const [model, header] of named) {
      const { ask } = caching();
      await ask({ ...prompt, model });
      const { cache, response } = await ask({ ...prompt, model });
      assert.equal(cache, "HIT");
      assert.equal(response.headers.get("cf-aig-model"), header);
      assert.equal(response.headers.get("set-cookie"), null);
    }
  });

  it("may have its query in another order, and its key there", async () => {
    const { ask } = caching(
      {},
      () =>
        json({
          candidates: [{ content: { parts: [{ text: "a" }] }, finishReason: "STOP" }],
          usageMetadata: { promptTokenCount: 1 },
        }),
    );
    const path = "/google-ai-studio/v1beta/models/gemini-2.5-flash:generateContent";
    const headers = { authorization: "" };
    await ask({ contents: [] }, { path: `${path}?a=1&key=AIzaSecretOne&b=2`, headers });
    const again = await ask({ contents: [] }, {
      path: `${path}?b=2&a=1&key=AIzaSecretOne`,
      headers,
    });
    assert.equal(again.cache, "HIT");
    const other = await ask({ contents: [] }, {
      path: `${path}?a=1&b=2&key=AIzaSecretTwo`,
      headers,
    });
    assert.equal(other.cache, "MISS");
  });

  it("is not mixed up where parts could run into each other", async () => {
    const { ask } = caching({}, () => json({ data: [] }));
    const send = (path: string, body: string) => ask(body, { path: `/openai/${path}` });
    await send("embeddings", '{"input":"a"}');
    for (
      const [path, body] of [["embeddings?x", '{"input":"a"}'], ["embedding", 's{"input":"a"}'], [
        "embeddings",
        '["input","a"]',
      ]] as const
    ) {
      assert.equal((await send(path, body)).cache, "MISS", `${path} ${body}`);
    }
  });
});

describe("a key of the request's own", () => {
  const keyed = (key: string, more: Record<string, string> = {}) => ({
    headers: { "cf-aig-cache-key": key, ...more },
  });

  it("stands for body and credentials", async () => {
    const { ask, sent } = caching();
    await ask(prompt, keyed("a"));
    const other = { ...prompt, model: "gpt-4o", messages: [] };
    assert.equal((await ask(other, keyed("a", { authorization: "Bearer sk-other" }))).cache, "HIT");
    assert.equal((await ask(prompt, keyed("b"))).cache, "MISS");
    assert.equal((await ask(prompt)).cache, "MISS");
    assert.equal(sent.length, 3);
  });

  const apart: [string, string][] = [
    ["provider", "/groq/chat/completions"],
    ["gateway", "http://gateway.test/v1/acc/team/openai/chat/completions"],
    ["account", "http://gateway.test/v1/other/default/openai/chat/completions"],
    ["endpoint", "/openai/embeddings"],
  ];
  for (const [what, path] of apart) {
    it(`does not reach into another ${what}`, async () => {
      const { ask } = caching({
        gateways: { default: { cache_ttl: 60 }, team: { cache_ttl: 60 } },
      });
      await ask(prompt, keyed("a"));
      assert.equal((await ask(prompt, { ...keyed("a"), path })).cache, "MISS");
    });
  }

  it("never gives a stream for what is none, where neither can be made of the other", async () => {
    const { ask } = caching(
      {},
      (body) => JSON.parse(body).stream ? stream(["data: 1\n\n"]) : json({ text: "a" }),
    );
    const path = "/openai/completions";
    await ask({ prompt: "a" }, { ...keyed("a"), path });
    const streamed = await ask({ prompt: "a", stream: true }, { ...keyed("a"), path });
    assert.deepEqual([streamed.cache, streamed.text], ["MISS", "data: 1\n\n"]);
    assert.equal((await ask({ prompt: "b" }, { ...keyed("a"), path })).text, '{"text":"a"}');
  });
});

describe("stored keys", () => {
  const lending = {
    keys: { openai: { default: { value: "sk-owner" }, team: { value: "sk-team" } } },
  };

  it("share answers among all callers of an open gateway, but not between aliases", async () => {
    const { ask, sent } = caching({ ...lending, open: true, around: [auth()] });
    const anonymous = { authorization: "" };
    await ask(prompt, { headers: anonymous });
    assert.equal(sent[0]!.headers.authorization, "Bearer sk-owner");
    assert.equal((await ask(prompt, { headers: { authorization: "Bearer dummy" } })).cache, "HIT");
    const team = { ...anonymous, "cf-aig-byok-alias": "team" };
    assert.equal((await ask(prompt, { headers: team })).cache, "MISS");
    assert.equal((await ask()).cache, "MISS");
  });

  it("give nothing to a caller to whom they are not lent", async () => {
    const known = definePlugin("known", (ctx, next) => {
      if (ctx.clientHeaders.get("x-known") === "yes") ctx.set(authenticated, true);
      return next();
    });
    const { ask, sent } = caching({ ...lending, around: [known] });
    await ask(prompt, { headers: { authorization: "", "x-known": "yes" } });
    assert.equal(
      (await ask(prompt, { headers: { authorization: "", "x-known": "yes" } })).cache,
      "HIT",
    );
    const stranger = await ask(prompt, { headers: { authorization: "" } });
    assert.equal(stranger.cache, "MISS");
    assert.equal(sent[1]!.headers.authorization, "");
  });
});

describe("never stored", () => {
  const answers: [string, () => Response, string?][] = [
    ["a failure", () => json({ error: { message: "no" } }, { status: 500 })],
    ["a refusal", () => json({ error: { message: "no" } }, { status: 400 })],
    ["a redirect", () => json({}, { status: 307, headers: { location: "/" } })],
    ["an answer that comes later", () => json({ id: "a" }, { status: 202 })],
    ["a part of an answer", () => json({ a: 1 }, { status: 206 })],
    [
      "an error in a good answer",
      () => json({ error: { message: "overloaded", type: "server_error" } }),
    ],
    ["half of JSON", () => json('{"id":"a","choices":[')],
    ["nothing", () => json("")],
    ["a job that has begun", () => json({ id: "a", status: "in_progress" })],
    ["a job of fal", () => json({ status: "IN_QUEUE", request_id: "a" })],
    ["sound of unknown length", () => stream(["ID3"], { "content-type": "audio/mpeg" })],
  ];
  for (const [what, respond] of answers) {
    it(what, async () => {
      const { ask, sent } = caching({}, respond);
      await ask();
      assert.equal((await ask()).cache, "MISS");
      assert.equal(sent.length, 2);
    });
  }

  const endpoints: [string, string, string?][] = [
    ["batches", "/openai/batches"],
    ["files", "/openai/files"],
    ["threads", "/openai/threads/t/runs"],
    ["assistants", "/openai/assistants"],
    ["fine-tuning", "/openai/fine_tuning/jobs"],
    ["vector stores", "/openai/vector_stores"],
    ["a stored response", "/openai/responses/resp_1/cancel"],
    ["conversations", "/openai/conversations"],
    ["videos", "/openai/videos"],
    ["predictions", "/replicate/v1/predictions"],
    ["cached contents", "/google-ai-studio/v1beta/cachedContents"],
    ["asynchronous invocations", "/aws-bedrock/bedrock-runtime/us-east-1/async-invoke"],
  ];
  for (const [what, path] of endpoints) {
    it(`what an endpoint keeps: ${what}`, async () => {
      const { ask } = caching({}, () => json({ id: "a" }));
      const answer = await ask({}, { path, headers: { "cf-aig-cache-ttl": "600" } });
      assert.deepEqual([answer.cache, answer.reason], [null, "the endpoint keeps state"]);
    });
  }

  const bodies: [string, Record<string, unknown>, string][] = [
    ["in the background", { background: true }, "the answer comes later"],
    ["to be kept", { store: true }, "the provider is to keep the answer"],
    ["of a conversation", { conversation: "conv_1" }, "a conversation goes on"],
  ];
  for (const [what, more, reason] of bodies) {
    it(`a response ${what}`, async () => {
      const { ask } = caching({}, () => json({ object: "response", status: "completed" }));
      const answer = await ask({ input: "a", ...more }, { path: "/openai/responses" });
      assert.deepEqual([answer.cache, answer.reason], [null, reason]);
    });
  }

  it("other methods; a GET only when the request itself says so", async () => {
    const { ask } = caching({}, () => json({ object: "list", data: [] }));
    const path = "/openai/models";
    for (const method of ["PUT", "PATCH", "DELETE"]) {
      assert.equal((await ask({}, { path, method })).reason, `method ${method}`);
    }
    assert.equal((await ask(undefined, { path, method: "GET" })).reason, "method GET");
    const headers = { "cf-aig-cache-ttl": "600" };
    assert.equal((await ask(undefined, { path, method: "GET", headers })).cache, "MISS");
    assert.equal((await ask(undefined, { path, method: "GET", headers })).cache, "HIT");
    const run = { path: "/replicate/v1/predictions/p", method: "GET", headers };
    assert.equal((await ask(undefined, run)).reason, "the endpoint keeps state");
  });

  it("forms and large bodies", async () => {
    const { ask, sent } = caching({}, () => json({ text: "a" }));
    const path = "/openai/audio/transcriptions";
    const form = { "content-type": "multipart/form-data; boundary=x" };
    assert.equal((await ask("--x--", { path, headers: form })).reason, "the body is a form");
    const keyed = { ...form, "cf-aig-cache-key": "a" };
    assert.equal((await ask("--x--", { path, headers: keyed })).cache, "MISS");
    assert.equal((await ask("--y--", { path, headers: keyed })).cache, "HIT");
    const large = JSON.stringify({ input: "x".repeat(26 * 1024 * 1024) });
    const answer = await ask(large, { path: "/openai/embeddings" });
    assert.equal(answer.reason, "the body is over 25 MiB");
    assert.equal(sent.at(-1)!.body.length, large.length);
  });

  it("an answer over the limit", async () => {
    const { ask } = caching({ cache: { entryBytes: 100 } });
    await ask();
    assert.equal((await ask()).cache, "MISS");
  });
});

describe("stored", () => {
  it("pictures and sound of a declared length, byte for byte", async () => {
    const bytes = Uint8Array.from({ length: 3000 }, (_, i) => i % 256);
    const { open } = caching(
      {},
      () =>
        new Response(bytes, {
          headers: { "content-type": "audio/mpeg", "content-length": "3000" },
        }),
    );
    const path = "/openai/audio/speech";
    await (await open({ input: "a" }, { path })).bytes();
    const again = await open({ input: "a" }, { path });
    assert.equal(again.headers.get("cf-aig-cache-status"), "HIT");
    assert.deepEqual(await again.bytes(), bytes);
    assert.equal(again.headers.get("content-type"), "audio/mpeg");
  });

  it("large JSON that comes in pieces", async () => {
    const whole = JSON.stringify({
      data: [{ embedding: Array.from({ length: 20_000 }, (_, i) => i / 7) }],
      model: "m",
      usage: { prompt_tokens: 2, total_tokens: 2 },
    });
    const pieces = whole.match(/.{1,5000}/g)!;
    const { ask, sent } = caching({}, () => stream(pieces, { "content-type": "application/json" }));
    const path = "/openai/embeddings";
    await ask({ input: "a" }, { path });
    const again = await ask({ input: "a" }, { path });
    assert.deepEqual([again.cache, again.text, sent.length], ["HIT", whole, 1]);
  });

  it("none of the headers that are of one answer or one client", async () => {
    const { ask } = caching({}, () =>
      json(chat, {
        headers: {
          "x-request-id": "req_1",
          "openai-version": "2020-10-01",
          "x-ratelimit-remaining-requests": "9",
          "cf-ray": "a",
          date: "Thu, 01 Jan 1970 00:00:00 GMT",
          "access-control-allow-origin": "https://a.example",
          "x-other": "a",
        },
      }));
    assert.equal((await ask()).response.headers.get("x-request-id"), "req_1");
    const { headers } = (await ask()).response;
    assert.equal(headers.get("openai-version"), "2020-10-01");
    for (
      const name of [
        "x-request-id",
        "x-ratelimit-remaining-requests",
        "cf-ray",
        "x-other",
        "access-control-allow-origin",
        "set-cookie",
      ]
    ) {
      assert.equal(headers.get(name), null, name);
    }
  });

  it("with nothing that a store could be read by: no key and no text is in a key of it", async () => {
    const { ask, gateway, kv } = caching();
    await ask(prompt, { headers: { "cf-aig-cache-key": "user-4711" } });
    await ask();
    await gateway.flush();
    const keys = [...await kv.keys("a:"), ...await kv.keys("k:")];
    assert.equal(keys.length, 2);
    assert.doesNotMatch(keys.join(), /4711|sk-|gpt|Hello/);
    for (const key of keys) {
      assert.doesNotMatch(new TextDecoder().decode(await kv.getBytes(key)), /sk-test|4711/);
    }
  });
});

describe("the log", () => {
  const logged = async (
    gateway: { flush(): Promise<void> },
    logs: ReturnType<typeof memoryLogs>,
  ) => {
    await gateway.flush();
    return await logs.list({ direction: "asc" }, { offset: 0, limit: 50 });
  };

  it("has a row for a hit: what it told, what it did not cost, and both bodies", async () => {
    const logs = memoryLogs();
    const { ask, gateway } = caching({ around: [log()], stores: { logs } });
    await ask();
    await gateway.flush();
    const { response } = await ask(prompt, { headers: { "cf-aig-metadata": '{"a":"b"}' } });
    const rows = await logged(gateway, logs);
    assert.equal(rows.length, 2);
    const [paid, free] = rows;
    assert.equal(free!.id, response.headers.get("cf-aig-log-id"));
    assert.notEqual(free!.id, paid!.id);
    assert.deepEqual(
      [free!.cached, free!.cost, free!.tokens_in, free!.tokens_out, free!.model, free!.model_type],
      [true, 0, 12, 5, "openai/gpt-4o-mini", "chat"],
    );
    assert.deepEqual([free!.success, free!.end, free!.status_code, free!.finish_reason], [
      true,
      "complete",
      200,
      "stop",
    ]);
    assert.equal(free!.cost_parts!.saved, paid!.cost);
    assert.ok(paid!.cost! > 0);
    assert.deepEqual(free!.metadata, { a: "b" });
    for (const which of ["request", "response"] as const) {
      const body = await logs.payload("default", free!.id, which);
      assert.deepEqual(body!.bytes, (await logs.payload("default", paid!.id, which))!.bytes);
    }
  });

  it("masks in a hit what it masks elsewhere", async () => {
    const logs = memoryLogs();
    const { ask, gateway } = caching({
      around: [log()],
      stores: { logs },
      gateways: { default: { cache_ttl: 60, log_redact: ["Hello \\w+"] } },
    });
    const secret = { ...prompt, user: "sk-proj-0123456789abcdefghijklmnopqrstuv" };
    await ask(secret);
    await ask(secret);
    for (const row of await logged(gateway, logs)) {
      const request = await logs.payload("default", row.id, "request");
      const response = await logs.payload("default", row.id, "response");
      assert.match(new TextDecoder().decode(request!.bytes), /"user":"\[redacted\]"/);
      assert.doesNotMatch(new TextDecoder().decode(response!.bytes), /Hello there/);
    }
  });
});

describe("a store that fails", () => {
  const broken = (how: () => Promise<never>) => ({
    ...memoryKV(),
    driver: "broken",
    get: how,
    set: how,
    getBytes: how,
    setBytes: how,
    delete: how,
    keys: how,
  });

  it("is a cache with nothing in it, and no client learns of it", async () => {
    const { ask, sent, gateway } = caching({ kv: broken(() => Promise.reject(new Error("down"))) });
    for (let i = 0; i < 3; i++) assert.deepEqual([(await ask()).status, sent.length], [200, i + 1]);
    await gateway.flush();
  });

  it("holds a request up for a moment only", async () => {
    const { ask, sent } = caching({ kv: broken(() => new Promise(() => {})) });
    const first = await ask();
    assert.deepEqual([first.status, first.cache, first.reason], [
      200,
      "MISS",
      "the store cannot be asked",
    ]);
    const second = await ask({ ...prompt, seed: 1 });
    assert.equal(second.reason, "the store is slow");
    assert.equal(sent.length, 2);
  });

  it("that gives back something else is asked again, and forgets it", async () => {
    const kv = memoryKV();
    const first = caching({ kv });
    await first.ask();
    await first.gateway.flush();
    const [place] = await kv.keys("a:");
    const stored = (await kv.getBytes(place!))!;
    const damaged: [string, Uint8Array][] = [
      ["cut short", stored.slice(0, -1)],
      ["nearly nothing", stored.slice(0, 5)],
      ["empty", new Uint8Array(0)],
      ["with a bit changed", stored.map((byte, i) => i === stored.length - 10 ? byte ^ 1 : byte)],
      ["with a head changed", stored.map((byte, i) => i === 30 ? byte ^ 1 : byte)],
      ["longer", Uint8Array.from([...stored, 1])],
      ["of another version", stored.map((byte, i) => i === 3 ? 2 : byte)],
      ["something else", new TextEncoder().encode('{"a":1}'.repeat(100))],
    ];
    for (const [what, bytes] of damaged) {
      await kv.setBytes(place!, bytes);
      const { ask, gateway, sent } = caching({ kv });
      const answer = await ask();
      assert.deepEqual(
        [answer.cache, answer.reason],
        ["MISS", "what is stored cannot be read"],
        what,
      );
      await gateway.flush();
      assert.equal(sent.length, 1);
      assert.equal((await caching({ kv }).ask()).cache, "HIT", what);
    }
  });
});

describe("other plugins", () => {
  it("further in have no part in a hit", async () => {
    let calls = 0;
    const counted = definePlugin("counted", (_ctx, next) => {
      calls++;
      return next();
    });
    const { ask } = caching({ inside: [counted] });
    await ask();
    await ask();
    assert.equal(calls, 1);
  });

  it("may change the answer: what is stored is what they made of it", async () => {
    const shout = definePlugin("shout", {
      async onResponse(response) {
        return json(
          (await response.text()).toUpperCase().replace(/"[A-Z_]+":/g, (key) => key.toLowerCase()),
        );
      },
    });
    const { ask } = caching({ inside: [shout] }, () => json({ object: "x", data: "hello" }));
    const first = await ask({}, { path: "/openai/embeddings" });
    assert.match(first.text, /HELLO/);
    assert.equal((await ask({}, { path: "/openai/embeddings" })).text, first.text);
  });
});

describe("the price of a virtual key's limit", () => {
  it("is given back for a hit", async () => {
    const tokens = [{
      name: "a",
      hash: "sha256:3c469e9d6c5875d37a43f353d4f88e61fcf812c66eee3457465a40b0da4153e0",
      limits: [{ limit: 2, window: 60, unit: "requests" as const }],
    }];
    const { ask } = caching({ around: [auth()], gateways: { default: { cache_ttl: 60, tokens } } });
    const headers = { "cf-aig-authorization": "Bearer token" };
    for (let i = 0; i < 5; i++) assert.equal((await ask(prompt, { headers })).status, 200);
    assert.equal((await ask({ ...prompt, seed: 1 }, { headers })).status, 200);
    assert.equal((await ask({ ...prompt, seed: 2 }, { headers })).status, 429);
  });
});
