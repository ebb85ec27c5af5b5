/** Timeouts: what takes too long, and what its client and the log are told. */
import { strict as assert } from "node:assert";
import { describe, it } from "node:test";
import { definePlugin, log, timeout, type TimeoutOptions } from "../../mod.ts";
import { isHeartbeat } from "../../core/streams/heartbeat.ts";
import {
  type Answer,
  chat,
  json,
  native,
  scripted,
  silent,
  stall,
  stream,
  whole,
} from "./scripted.ts";
import { errorOf } from "./upstream.ts";

const body = { model: "gpt-4o-mini", stream: true };

function timed(script: Answer[], options: TimeoutOptions = {}, settings = {}) {
  return scripted({
    plugins: [log(), timeout(options)],
    gateways: { default: settings },
  }, script);
}

describe("an attempt that takes too long", () => {
  const limits: [
    what: string,
    headers: Record<string, string>,
    options: TimeoutOptions,
    settings: object,
  ][] = [
    ["by a header", { "cf-aig-request-timeout": "20" }, {}, {}],
    ["by an option", {}, { firstByte: 20 }, { timeout_first_byte: 60_000 }],
    ["by a setting", {}, {}, { timeout_first_byte: 20 }],
    ["by the setting of the whole", {}, {}, { timeout_total: 20 }],
  ];
  for (const [what, headers, options, settings] of limits) {
    it(`${what} is a 504 before there is an answer, and ends upstream`, async () => {
      const { post, seen, rows } = timed([silent], options, settings);
      const error = await errorOf(await post(native, body, headers));
      assert.deepEqual([error.status, error.code], [504, 2005]);
      assert.match(error.message, /Provider 'openai' did not .* within 20 ms/);
      assert.equal(seen[0]!.signal.aborted, true);
      const [row] = await rows();
      assert.deepEqual([row!.end, row!.status_code, row!.success], ["stalled", 504, false]);
    });
  }

  it("is a 400 with code 2005 where a gateway answers as strictly as Cloudflare", async () => {
    const { post } = timed([silent], { firstByte: 20 }, { errors: "strict" });
    const error = await errorOf(await post(native, body));
    assert.deepEqual([error.status, error.code], [400, 2005]);
  });

  const ends: [what: string, parts: Parameters<typeof stream>[0], options: TimeoutOptions][] = [
    ["between two events", [chat.role, chat.text("a"), stall], { idle: 40 }],
    ["behind nothing but heartbeats", [chat.text("a"), ": wait\n\n", "event: ping\n\n", stall], {
      idle: 40,
    }],
    ["as a whole", [chat.text("a"), stall], { total: 40 }],
    ["before its first byte", [": wait\n\n", stall], { firstByte: 40 }],
  ];
  for (const [what, parts, options] of ends) {
    it(`${what} is told to the client in the stream's own format`, async () => {
      const { post, seen, rows } = timed([stream(parts)], options);
      const response = await post(native, body);
      assert.equal(response.status, 200);
      const text = await response.text();
      const sent = parts.filter((part) => typeof part === "string").join("");
      assert.ok(text.startsWith(sent));
      const { error } = JSON.parse(text.slice(sent.length).replace("data: ", ""));
      assert.equal(error.code, "upstream_stalled");
      assert.equal(seen[0]!.signal.aborted, true);
      const [row] = await rows();
      assert.deepEqual([row!.end, row!.status_code, row!.success], ["stalled", 200, false]);
    });
  }

  it("breaks the connection where nobody looks at its stream", async () => {
    const { post } = scripted({ plugins: [timeout({ idle: 20 })] }, [
      stream([chat.text("a"), stall]),
    ]);
    await assert.rejects((await post(native, body)).text());
  });
});

describe("an attempt that takes its time", () => {
  it("has as long as it likes unless something is said", async () => {
    const { post } = timed([stream(whole)]);
    assert.equal(await (await post(native, body)).text(), whole.join(""));
  });

  it("has no limit to its end once there is a first byte", async () => {
    const pause = () => new Promise((done) => setTimeout(done, 300));
    const parts = [chat.role, pause(), chat.text("a"), chat.stop, chat.done];
    const { post } = timed([stream(parts)], { firstByte: 200 });
    const response = await post(native, body);
    assert.match(await response.text(), /\[DONE\]/);
  });

  it("is on time as long as something comes, however long the whole takes", async () => {
    const go = Array.from(
      { length: 12 },
      (_, i) => new Promise((done) => setTimeout(done, 15 * i)),
    );
    const parts = [...go.flatMap((wait, i) => [wait, chat.text(String(i))]), chat.stop, chat.done];
    const { post } = timed([stream(parts)], { idle: 100 });
    assert.match(await (await post(native, body)).text(), /\[DONE\]/);
  });

  it("is not blamed for a client that reads slowly", async () => {
    const { post } = timed([stream(whole)], { idle: 20 });
    const reader = (await post(native, body)).body!.getReader();
    let text = "";
    for (;;) {
      await new Promise((done) => setTimeout(done, 40));
      const { done, value } = await reader.read();
      if (done) break;
      text += new TextDecoder().decode(value);
    }
    assert.equal(text, whole.join(""));
  });

  it("has its limits taken away with a 0", async () => {
    const settings = { timeout_first_byte: 1, timeout_idle: 1, timeout_total: 1 };
    const later: Answer = async (request) => {
      await new Promise((done) => setTimeout(done, 30));
      return await json({ ok: true })(request);
    };
    const { post } = timed([later], { firstByte: 0 }, settings);
    const headers = { "x-sluice-timeout-idle": "0", "x-sluice-timeout-total": "0" };
    assert.equal((await post(native, body, headers)).status, 200);
  });

  it("has none when it was not needed", async () => {
    const signals: (AbortSignal | undefined)[] = [];
    const cached = definePlugin("cached", ({ signal }) => {
      signals.push(signal);
      return new Response("stored");
    });
    const { post } = scripted({ plugins: [timeout({ firstByte: 10, total: 10 }), cached] }, []);
    assert.equal(await (await post(native, body)).text(), "stored");
    await new Promise((done) => setTimeout(done, 40));
    assert.deepEqual(signals.map((signal) => signal?.aborted), [false]);
  });

  it("leaves no timer behind", async () => {
    const { post, seen } = timed([
      json({}),
      stream(whole),
      () => new Response(null, { status: 204 }),
    ], {
      firstByte: 300,
      idle: 300,
      total: 300,
    });
    for (let i = 0; i < 3; i++) await (await post(native, body)).arrayBuffer();
    await new Promise((done) => setTimeout(done, 400));
    assert.deepEqual(seen.map(({ signal }) => signal.aborted), [false, false, false]);
  });

  it("may be asked for longer than any timer can do", async () => {
    const { post } = timed([json({ ok: true })]);
    const response = await post(native, body, { "cf-aig-request-timeout": "99999999999" });
    assert.deepEqual(await response.json(), { ok: true });
  });
});

describe("heartbeats", () => {
  const bytes = (text: string) => new TextEncoder().encode(text);
  it("are comments, blank lines and pings", () => {
    for (
      const text of [
        ": OPENROUTER PROCESSING\n\n",
        ": ping - 2026-11-25 01:00:00.000000\r\n\r\n",
        ":\n\n: keep-alive\n\n",
        "\n",
        " \r\n",
        "",
        'event: ping\ndata: {"type": "ping"}\n\n',
        'data: {"type":"ping"}\n\n',
        'event: ping\ndata: {"type":"ping"}\n\n: x\n\n',
        "event: keepalive\n\n",
      ]
    ) assert.equal(isHeartbeat(bytes(text)), true, JSON.stringify(text));
  });
  it("are nothing else", () => {
    for (
      const text of [
        "data: x\n\n",
        ": comment\n\ndata: {}\n\n",
        'event: message\ndata: {"type":"ping"}x\n\n',
        '{"done":false}\n',
        "[",
        `:${"x".repeat(200)}`,
        "\u0000\u0000",
      ]
    ) assert.equal(isHeartbeat(bytes(text)), false, JSON.stringify(text));
  });
});
