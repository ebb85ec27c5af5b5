// Rows of the log as they arrive elsewhere: at an S3-compatible store, an HTTP endpoint, in files.
import { strict as assert } from "node:assert";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import http from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, beforeEach, describe, it } from "node:test";
import { ConfigError, parseConfig } from "../../core/config/config.ts";
import { writeFile } from "../../runtimes/write-file.ts";
import { row } from "../support/log-row.ts";
import { linesOf, type S3Double, startS3 } from "../support/s3.ts";
import { exporting, freshStores, many, start, toS3 } from "./exporting.ts";

const bytes = (text: string) => new TextEncoder().encode(text);
const ids = (lines: { ID: string }[]) => lines.map(({ ID }) => ID);

describe("export to S3", () => {
  let s3: S3Double;
  before(async () => s3 = await startS3());
  after(() => s3.close());
  beforeEach(() => {
    s3.objects.clear();
    s3.puts.length = s3.refused.length = 0;
    s3.answer = undefined;
  });

  it("writes signed objects of gzipped NDJSON with Cloudflare's columns and more", async () => {
    const { exports, write } = exporting(toS3(s3));
    await write(
      row("0190-a", { created_at: start, metadata: { team: "a" } }),
      row("0190-b", {
        status_code: 429,
        success: false,
        model: "llama/of/meta",
        error: { code: 2003, message: "Rate limited" },
      }),
      row("0190-c", { cached: true, cost: 0 }),
    );
    await exports.run();
    assert.deepEqual(s3.refused, []);
    assert.deepEqual([...s3.objects.keys()], [
      "/logs/a%20b/20260203/20260203T040506Z_0190-a.ndjson.gz",
    ]);
    const [first, second, third] = s3.lines();
    assert.deepEqual(
      { ...first, Usage: 0, CostParts: 0 },
      {
        ...{ ID: "0190-a", EventID: "0190-a", RequestID: "0190-a" },
        ...{ Datetime: "2026-02-03T04:05:06.789Z", Gateway: "default", Provider: "openai" },
        ...{ Model: "gpt-4o-mini", ModelType: "chat", Endpoint: "/v1/chat/completions" },
        ...{ Method: "POST", RequestType: "native", StatusCode: 200, Success: true },
        ...{ Cached: false, RateLimited: false, End: "complete", FinishReason: "stop" },
        ...{ ErrorCode: null, ErrorMessage: null, Step: 0, Attempt: 0, Streamed: false },
        ...{ DurationMs: 812.5, LatencyMs: 400.25, FirstByteMs: 401, FirstTokenMs: null },
        ...{ TokensIn: 12, TokensOut: 34, Usage: 0, UsageQuality: "reported" },
        ...{ Cost: 0.000123, CostParts: 0, CustomCost: false, Feedback: null, Score: null },
        ...{ Authentication: false, KeyID: null, ByokAlias: null, UserAgent: "OpenAI/JS 6.49.0" },
        ...{ RequestContentType: "application/json", ResponseContentType: "application/json" },
        ...{ RequestSize: 100, ResponseSize: 200, Metadata: { team: "a" } },
        ...{ RequestBody: {}, ResponseBody: {} },
      },
    );
    assert.deepEqual(
      [second.RateLimited, second.Model, second.ErrorMessage, second.StatusCode],
      [true, "llama/of/meta", "Rate limited", 429],
    );
    assert.deepEqual([third.Cached, third.Cost, third.Metadata], [true, 0, {}]);
  });

  it("takes the gateways with `logpush`, or those that the export names", async () => {
    const gateways = { default: { logpush: true }, "team-a": {}, "team-b": { logpush: true } };
    const rows = [
      row("1"),
      row("2", { gateway: "team-a" }),
      row("3", { gateway: "team-b" }),
      row("4", { gateway: "gone" }),
    ];
    const pushed = exporting(toS3(s3), { gateways });
    await pushed.write(...rows);
    await pushed.exports.run();
    assert.deepEqual(ids(s3.lines()), ["1", "3"]);
    s3.objects.clear();
    const named = exporting(toS3(s3, { gateways: ["team-*"] }), { gateways });
    await named.write(...rows);
    await named.exports.run();
    assert.deepEqual(ids(s3.lines()), ["2", "3"]);
    s3.objects.clear();
    const none = exporting(toS3(s3), { gateways: { default: {} } });
    await none.write(...rows);
    await none.exports.run();
    assert.deepEqual(s3.lines(), []);
  });

  it("takes bodies along where that is asked for: JSON, text, bytes, and what was cut", async () => {
    const { exports, write } = exporting(toS3(s3, { bodies: true, body_bytes: 30 }));
    await write({
      row: row("1", { response_content_type: "text/event-stream" }),
      request: { bytes: bytes('{"model":\n"gpt","n":[1]}'), complete: true },
      response: { bytes: bytes("data: {}\n\ndata: [DONE]\n\n"), complete: true },
    }, {
      row: row("2", { request_content_type: "audio/wav" }),
      request: { bytes: new Uint8Array([255, 0, 1]), complete: false },
      response: { bytes: bytes(`{"a":"${"ä".repeat(40)}"}`), complete: true },
    }, row("3"));
    await exports.run();
    const [first, second, third] = s3.lines();
    assert.deepEqual(first.RequestBody, { model: "gpt", n: [1] });
    assert.equal(first.ResponseBody, "data: {}\n\ndata: [DONE]\n\n");
    assert.deepEqual([first.RequestBodyComplete, first.ResponseBodyComplete], [true, true]);
    assert.deepEqual(second.RequestBody, { base64: "/wAB" });
    assert.equal(second.ResponseBody, `{"a":"${"ä".repeat(12)}`);
    assert.deepEqual([second.RequestBodyComplete, second.ResponseBodyComplete], [false, false]);
    assert.deepEqual([third.RequestBody, third.ResponseBodyComplete], [{}, undefined]);
  });

  it("gets past bodies that are made to stop it", async () => {
    const { exports, write, reports } = exporting(toS3(s3, { bodies: true }));
    const deep = "[".repeat(150_000) + "]".repeat(150_000);
    const bodies = [deep, '{"__proto__":{"a":1}}', '{"toJSON":1}', "\ud800", "\u2028\n", ""];
    await write(...bodies.map((text, i) => ({
      row: row(`${i}`, { metadata: { __proto__: null, "\n": "\ud800" } as never }),
      request: { bytes: bytes(text), complete: true },
    })));
    await exports.run();
    assert.deepEqual(reports, []);
    assert.deepEqual(ids(s3.lines()), bodies.map((_, i) => `${i}`));
    assert.deepEqual(JSON.stringify(s3.lines()[1].RequestBody), '{"__proto__":{"a":1}}');
  });

  it("makes batches of so many rows and bytes, and none twice", async () => {
    const { exports, write, later, metrics } = exporting(toS3(s3, { batch_rows: 300 }));
    await write(...many(0, 1000));
    await exports.run();
    assert.deepEqual([...s3.objects.values()].map((body) => linesOf(body).length), [
      ...[300, 300, 300, 100],
    ]);
    await later();
    await write(row("new"));
    await later();
    assert.deepEqual(ids(s3.lines()), [...many(0, 1000).map(({ id }) => id), "new"]);
    assert.match(metrics.text(), /sluice_export_rows_total\{export="archive"\} 1001/);

    s3.objects.clear();
    const small = exporting(toS3(s3, { batch_bytes: 5_000 }));
    await small.write(...many(0, 20));
    await small.exports.run();
    assert.equal(s3.lines().length, 20);
    assert.ok(s3.objects.size > 2, `${s3.objects.size} objects`);
  });

  it("waits for the interval", async () => {
    const { exports, write, clock } = exporting(toS3(s3, { interval: 60 }));
    await exports.run();
    await write(row("1"));
    clock.now += 59_000;
    await exports.run();
    assert.equal(s3.lines().length, 0);
    clock.now += 1_000;
    await exports.run();
    assert.equal(s3.lines().length, 1);
    await write(row("2"));
    await exports.run(true); // the process ends
    assert.equal(s3.lines().length, 2);
  });

  it("goes on where it was, and writes over what it did not know to be there", async () => {
    const stores = freshStores();
    const { keys } = stores;
    const lost = exporting(toS3(s3), {
      // Killed behind the upload: the place is never noted.
      stores: { ...stores, keys: { ...keys, set: () => Promise.reject(new Error("killed")) } },
    });
    await lost.write(...many(0, 3));
    await lost.exports.run();
    assert.deepEqual([s3.puts.length, lost.reports.length], [1, 1]);

    const next = exporting(toS3(s3), { stores });
    await next.write(...many(3, 5));
    await next.exports.run();
    await next.write(...many(5, 6));
    await next.later();
    assert.equal(s3.puts.length, 3);
    assert.equal(s3.objects.size, 2);
    assert.deepEqual(ids(s3.lines()), ["r0", "r1", "r2", "r3", "r4", "r5"]);
  });

  it("is done by one of several processes", async () => {
    const stores = freshStores();
    const processes = Array.from(
      { length: 3 },
      () => exporting(toS3(s3, { batch_rows: 50, interval: 1 }), { stores }),
    );
    const write = processes[0]!.write;
    for (let round = 0; round < 4; round++) {
      await write(...many(round * 100, round * 100 + 100));
      await Promise.all(processes.map((each) => each.later()));
    }
    await processes[1]!.later();
    assert.deepEqual(ids(s3.lines()).sort(), many(0, 400).map(({ id }) => id).sort());
    assert.equal(s3.puts.length, s3.objects.size);
  });

  it("leaves the export to another process once one has died in its turn", async () => {
    const stores = freshStores();
    const dead = exporting(toS3(s3, { timeout: 2 }), {
      stores,
      fetch: () => new Promise(() => {}), // and never comes back
    });
    await dead.write(row("1"));
    void dead.exports.run();
    const other = exporting(toS3(s3, { timeout: 2, interval: 1 }), { stores });
    other.clock.now += 10_000;
    await other.exports.run();
    assert.equal(s3.puts.length, 0);
    other.clock.now += 15_000;
    await other.exports.run();
    assert.deepEqual(ids(s3.lines()), ["1"]);
  });

  it("says what is wrong, without secrets", async () => {
    const wrong = exporting(toS3(s3, { secret_access_key: "not-the-right-one" } as never));
    await wrong.write(row("1"));
    await wrong.exports.run();
    await wrong.later();
    assert.deepEqual(wrong.reports, [
      "Export 'archive' fails with status 403 (SignatureDoesNotMatch); it is tried again",
    ]);
    assert.equal(wrong.exports.health()[0]!.up, false);

    const unset = exporting(toS3(s3, { secret_access_key: { env: "NOT_SET" } } as never));
    await unset.write(row("1"));
    await unset.exports.run();
    assert.deepEqual(unset.reports, [
      "Export 'archive' has no effect: environment variable 'NOT_SET' is not set",
    ]);
  });
});

describe("export over HTTP", () => {
  let server: http.Server;
  let url: string;
  let status: number;
  let most: number;
  let seen: { headers: http.IncomingHttpHeaders; lines: { ID: string }[] }[] = [];
  let tries = 0;
  before(async () => {
    server = http.createServer((req, res) => {
      const parts: Uint8Array[] = [];
      req.on("data", (part: Uint8Array) => parts.push(part));
      req.on("end", () => {
        tries++;
        const lines = linesOf(Buffer.concat(parts));
        res.statusCode = lines.length > most ? 413 : status;
        if (res.statusCode === 200) seen.push({ headers: req.headers, lines });
        res.end();
      });
    });
    await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/in?token=s3cret`;
  });
  after(() => {
    server.closeAllConnections?.();
    server.close();
  });
  beforeEach(() => {
    status = 200;
    most = Infinity;
    seen = [];
    tries = 0;
  });
  const config = () => ({
    name: "hook",
    to: "http" as const,
    url,
    headers: { authorization: { env: "TOKEN" }, "x-a": "b" },
  });
  const env = { TOKEN: " Bearer abc\n" };

  it("posts gzipped NDJSON with a name of its own", async () => {
    const { exports, write } = exporting(config(), { env });
    await write(row("1", { created_at: start }), row("2"));
    await exports.run();
    const [{ headers, lines }] = seen as [typeof seen[0]];
    assert.deepEqual(ids(lines), ["1", "2"]);
    assert.equal(headers["content-type"], "application/x-ndjson");
    assert.equal(headers["content-encoding"], "gzip");
    assert.equal(headers["idempotency-key"], "hook/20260203/20260203T040506Z_1");
    assert.equal(headers["sluice-rows"], "2");
    assert.equal(headers.authorization, "Bearer abc");
    assert.equal(headers["x-a"], "b");
  });

  it("tries again with pauses while the endpoint fails, and loses nothing", async () => {
    const { exports, write, clock, metrics, reports } = exporting(config(), { env });
    status = 503;
    await write(row("1", { created_at: start - 2_000 }));
    const at: number[] = [];
    for (let second = 0; second < 40; second++) {
      const before = tries;
      await exports.run();
      if (tries > before) at.push(second);
      clock.now += 1000;
      if (second === 20) await write(row("2"));
    }
    const pauses = at.slice(1).map((second, i) => second - at[i]!);
    assert.ok(at.length >= 4 && at.length <= 8, `Tries at ${at}`);
    assert.ok(pauses.at(-1)! > pauses[0]!, `Tries at ${at}`);
    assert.deepEqual(exports.health(), [{ name: "hook", up: false, lag_seconds: 42 }]);
    assert.match(metrics.text(), /sluice_export_lag_seconds\{export="hook"\} 42/);
    assert.match(metrics.text(), new RegExp(`sluice_export_failures_total\\S* ${at.length}\n`));
    status = 200;
    clock.now += 100_000;
    await exports.run();
    assert.deepEqual(seen.flatMap(({ lines }) => ids(lines)), ["1", "2"]);
    assert.deepEqual(exports.health(), [{ name: "hook", up: true, lag_seconds: 0 }]);
    assert.deepEqual(reports, [
      "Export 'hook' fails with status 503; it is tried again",
      "Export 'hook' goes on",
    ]);
  });

  it("sends less at a time where a batch is too large", async () => {
    const { later, write } = exporting(config(), { env });
    most = 30;
    await write(...many(0, 100));
    for (let i = 0; i < 5; i++) await later();
    assert.deepEqual(seen.flatMap(({ lines }) => ids(lines)), many(0, 100).map(({ id }) => id));
    assert.ok(Math.max(...seen.map(({ lines }) => lines.length)) <= 30);
  });

  it("shows no address, which may hold a token", async () => {
    const gone = exporting({ ...config(), url: "http://127.0.0.1:1/in?token=s3cret" }, { env });
    await gone.write(row("1"));
    await gone.exports.run();
    assert.equal(gone.reports.length, 1);
    assert.doesNotMatch(gone.reports[0]!, /s3cret|127/);
  });
});

describe("export to files", () => {
  const folder = mkdtempSync(join(tmpdir(), "sluice-export-"));
  after(() => rmSync(folder, { recursive: true, force: true }));

  it("writes one file a batch", async () => {
    const { exports, write } = exporting({
      name: "disk",
      to: "file",
      path: `${folder}/a/`,
      batch_rows: 2,
    }, { writeFile });
    await write(...many(0, 3, { created_at: start }));
    await exports.run();
    const files = readdirSync(join(folder, "a/20260203")).sort();
    assert.deepEqual(files, [
      "20260203T040506Z_r0.ndjson.gz",
      "20260203T040506Z_r2.ndjson.gz",
    ]);
    const lines = files.flatMap((name) => linesOf(readFileSync(join(folder, "a/20260203", name))));
    assert.deepEqual(ids(lines), ["r0", "r1", "r2"]);
  });

  it("is not there without a disk", async () => {
    const { exports, write, reports } = exporting({ name: "disk", to: "file", path: folder });
    await write(row("1"));
    await exports.run();
    assert.deepEqual(reports, ["Export 'disk' has no effect: there is no disk here"]);
  });
});

describe("configuration of exports and alerts", () => {
  const problems = (input: unknown) => {
    try {
      parseConfig(input);
      return [];
    } catch (error) {
      assert.ok(error instanceof ConfigError);
      assert.doesNotMatch(error.message, /s3cret/);
      return error.problems.map(({ path }) => path);
    }
  };

  it("is checked at the start, and shows no secret", () => {
    const s3 = { name: "a", to: "s3", url: "https://s3.test", access_key_id: "id" };
    const secret_access_key = { env: "SECRET" };
    assert.deepEqual(problems({ exports: [{ ...s3, secret_access_key, bucket: "b" }] }), []);
    assert.deepEqual(problems({ exports: [s3] }), ["exports.0.secret_access_key"]);
    assert.deepEqual(
      problems({
        exports: [
          { name: "Upper", to: "http", url: "https://x.test" },
          { name: "b", to: "http", url: "https://me:s3cret@x.test" },
          { name: "c", to: "ftp", url: "ftp://s3cret" },
          { name: "d", to: "file", path: "/a", bucket: "s3cret" },
        ],
      }),
      ["exports.0.name", "exports.1.url", "exports.2.to", "exports.3.bucket"],
    );
    const file = { name: "same", to: "file", path: "/a" };
    assert.deepEqual(problems({ exports: [file, file] }), ["exports"]);
    assert.deepEqual(
      problems({
        alerts: {
          webhooks: [{ url: "s3cret", secret: "whsec_", events: ["everything"] }],
          error_rate: { threshold: 2 },
          spend: {},
        },
      }),
      [
        "alerts.webhooks.0.url",
        "alerts.webhooks.0.events.0",
        "alerts.error_rate.threshold",
        "alerts.spend.usd",
      ],
    );
  });
});
