/** Figures over the management API, pages behind a row, rows as they come. */
import { strict as assert } from "node:assert";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { cache, createGateway, fallback, log, retry } from "../../mod.ts";
import { sqlLogs } from "../../core/storage/logs-sql.ts";
import type { Logs } from "../../core/storage/ports.ts";
import { openSqlite } from "../../runtimes/sqlite.ts";
import { row } from "../support/log-row.ts";
import { until } from "../support/logs.ts";
import { chat, type Json, managed, problem } from "./manage.ts";

const now = Date.UTC(2026, 4, 20, 12, 0, 0);
const minute = 60_000, hour = 60 * minute;
const folder = mkdtempSync(join(tmpdir(), "sluice-api-"));
after(() => rmSync(folder, { recursive: true, force: true }));

function onSqlite(path = ":memory:"): Logs {
  const { database } = openSqlite(path);
  return { ...sqlLogs(database, { now: () => now }), close: () => database.dispose() };
}

/** A gateway whose log has rows of three hours, and as many of the three before. */
async function withRows() {
  const logs = onSqlite();
  const entries = Array.from({ length: 360 }, (_, i) => ({
    row: row(`r${i}`, {
      created_at: now - 6 * hour + i * minute,
      provider: i % 3 === 0 ? "groq" : "openai",
      model: i % 3 === 0 ? "groq/llama" : i % 2 === 0 ? "openai/a" : "openai/b",
      success: i % 10 !== 9,
      status_code: i % 10 === 9 ? 429 : 200,
      cost: i < 180 ? 1 : 2,
      gateway: i % 60 === 0 ? "other" : "default",
      metadata: { team: i % 4 === 0 ? "red" : "blue" },
    }),
  }));
  await logs.append(entries);
  const gateway = managed({ stores: { logs }, gateways: { other: {} }, now: () => now } as never);
  return { logs, ...gateway };
}

const at = (ms: number) => new Date(ms).toISOString();
const span = `start=${at(now - 3 * hour)}&end=${at(now)}`;
const attempts = ({ totals }: Json): number => totals.attempts;

describe("analytics over the API", () => {
  it("has totals and one series over time", async () => {
    const { ok, logs } = await withRows();
    const result = await ok("GET", `analytics?${span}&interval=hour`);
    assert.deepEqual([result.start, result.end], [at(now - 3 * hour), at(now)]);
    assert.deepEqual([result.interval, result.group_by], ["hour", []]);
    assert.deepEqual([result.source, result.complete], ["rollups", true]);
    assert.equal(attempts(result), 177);
    assert.equal(result.totals.cost, 354);
    assert.equal(result.totals.errors.rate_limited, 18);
    assert.equal(result.series.length, 1);
    const [{ group, points, totals }] = result.series;
    assert.deepEqual(group, {});
    assert.deepEqual(totals, result.totals);
    assert.deepEqual(
      points.map(({ start }: Json) => start),
      [3, 2, 1].map((h) => at(now - h * hour)),
    );
    assert.deepEqual(points.map(({ attempts }: Json) => attempts), [59, 59, 59]);
    assert.ok(Math.abs(points[0].latency.p90 - 400.25) < 6.5);
    await logs.close();
  });

  it("is by any of the dimensions, the largest groups first, the others in one", async () => {
    const { ok, logs } = await withRows();
    const byModel = await ok("GET", `analytics?${span}&group_by=provider,model`);
    assert.deepEqual(byModel.group_by, ["provider", "model"]);
    assert.deepEqual(byModel.series.map(({ group }: Json) => group).toSorted(byText), [
      { provider: "groq", model: "groq/llama" },
      { provider: "openai", model: "openai/a" },
      { provider: "openai", model: "openai/b" },
    ]);
    const two = await ok("GET", `analytics?${span}&group_by[]=provider&group_by[]=status&limit=2`);
    assert.deepEqual(two.series.map(({ group }: Json) => group), [
      { provider: "openai", status: 200 },
      { provider: "groq", status: 200 },
      null,
    ]);
    assert.equal(two.series.reduce((sum: number, one: Json) => sum + attempts(one), 0), 177);
    const byErrors = await ok("GET", `analytics?${span}&group_by=status&order=errors&limit=1`);
    assert.deepEqual(byErrors.series[0].group, { status: 429 });
    const byTeam = await ok("GET", `analytics?${span}&group_by=metadata.team`);
    assert.equal(byTeam.source, "rows");
    assert.deepEqual(
      byTeam.series.map((one: Json) => [one.group["metadata.team"], attempts(one)]),
      [["blue", 135], ["red", 42]],
    );
    await logs.close();
  });

  it("is of some rows, with the filters of the log", async () => {
    const { ok, call, logs } = await withRows();
    const filter = "&filters.key=status_code&filters.operator=eq&filters.value=429";
    assert.equal(attempts(await ok("GET", `analytics?${span}${filter}`)), 18);
    const wrong = await call("GET", `gateways/default/analytics?filters.key=none`);
    assert.equal(problem(wrong)[0], 400);
    await logs.close();
  });

  it("is compared with the same time before", async () => {
    const { ok, logs } = await withRows();
    const result = await ok("GET", `analytics?${span}&compare=true&group_by=provider&limit=1`);
    const { previous } = result;
    assert.deepEqual([previous.start, previous.end], [at(now - 6 * hour), at(now - 3 * hour)]);
    assert.equal(attempts(previous), 177);
    assert.deepEqual([previous.totals.cost, result.totals.cost], [177, 354]);
    const groups = ({ series }: Json) => series.map(({ group }: Json) => group);
    assert.deepEqual(groups(previous), groups(result));
    await logs.close();
  });

  it("is of all gateways without one", async () => {
    const { call, logs } = await withRows();
    const { body } = await call("GET", `analytics?${span}&group_by=gateway`);
    assert.deepEqual(
      body.result.series.map((one: Json) => [one.group.gateway, attempts(one)]),
      [["default", 177], ["other", 3]],
    );
    await logs.close();
  });

  it("has a request as soon as its answer is there", async () => {
    // In the same millisecond, too.
    const { ok, logged } = managed({ now: () => 1_790_000_000_000 });
    await logged();
    const { totals, interval } = await ok("GET", "analytics");
    assert.deepEqual([totals.requests, totals.tokens_in, totals.tokens_cached], [1, 12, 4]);
    assert.equal(interval, "hour");
  });

  it("tells a client's requests from what it took to answer them", async () => {
    let failures = 0;
    const { call, logged } = managed({
      plugins: [log(), fallback(), cache(), retry()],
      gateways: { default: { cache_ttl: 60, retry_max_attempts: 3, retry_delay: 1 } },
    }, () => failures-- > 0 ? Response.json({}, { status: 500 }) : Response.json(chat));
    const counted = async () => {
      const { body } = await call("GET", "gateways/default/analytics?group_by=cached");
      const { requests, attempts, errors, cached } = body.result.totals;
      return [requests, attempts, errors.total, cached];
    };
    // The row of an answer from the cache may come a moment after it.
    const come = (expected: number[]) =>
      until(expected.join(), async () => String(await counted()) === expected.join());
    await logged(); // an answer
    await come([1, 1, 0, 0]);
    await logged(); // from the cache
    await come([2, 2, 0, 1]);
    failures = 1;
    await logged("/groq/chat/completions"); // tried again
    await come([3, 4, 1, 1]);
    failures = 4;
    const steps = ["openai", "groq"].map((provider) => ({
      provider,
      endpoint: "chat/completions",
      headers: { "cf-aig-skip-cache": "true", "content-type": "application/json" },
      query: { model: "m", messages: [] },
    }));
    await logged("", { body: JSON.stringify(steps) }); // another provider's
    await come([4, 9, 5, 1]); // three tries of one, two of the other
  });

  it("refuses what it cannot answer", async () => {
    const { call } = managed();
    for (
      const [query, name] of [
        ["start=never", "query.start"],
        ["start=2026-02-01&end=2026-01-01", "query.start"],
        ["interval=week", "query.interval"],
        ["start=2020-01-01&end=2026-01-01&interval=minute", "query.interval"],
        ["group_by=colour", "query.group_by"],
        ["group_by=provider,model,key,status", "query.group_by"],
        ["limit=0", "query.limit"],
        ["order=name", "query.order"],
      ]
    ) {
      const [status, code, message, path] = problem(
        await call("GET", `gateways/default/analytics?${query}`),
      );
      assert.deepEqual([status, code, path], [400, 7001, name], message);
    }
  });
});

const byText = (a: unknown, b: unknown) => JSON.stringify(a) < JSON.stringify(b) ? -1 : 1;

describe("pages behind a row", () => {
  it("hold all rows once, whatever comes in between", async () => {
    const { call, logs } = await withRows();
    const filter = "filters.key=provider&filters.operator=eq&filters.value=groq";
    const seen: string[] = [];
    for (let after = ""; after !== null;) {
      const path = `gateways/default/logs?per_page=25&${filter}&after=${encodeURIComponent(after)}`;
      const { body } = await call("GET", path);
      assert.deepEqual(Object.keys(body.result_info).sort(), ["count", "next", "per_page"]);
      seen.push(...body.result.map(({ id }: Json) => id));
      after = body.result_info.next;
      await logs.append([{ row: row(`new${seen.length}`, { created_at: now, provider: "groq" }) }]);
    }
    assert.equal(seen.length, 114);
    assert.equal(new Set(seen).size, 114);
    const { body } = await call("GET", "gateways/default/logs?per_page=2&after=r100");
    assert.deepEqual(body.result.map(({ id }: Json) => id), ["r99", "r98"]);
    await logs.close();
  });

  it("are in the order of time alone, and behind a row that is known", async () => {
    const { call } = managed();
    const of = async (query: string) =>
      problem(await call("GET", `gateways/default/logs?${query}`));
    assert.deepEqual((await of("after=&order_by=cost"))[3], "query.order_by");
    const [status, , message, path] = await of("after=none");
    assert.deepEqual([status, path], [400, "query.after"]);
    assert.match(message, /no row 'none'/);
  });

  it("count as far as there is time, and say so", async () => {
    const { call, logs } = await withRows();
    const filter = "filters.key=status_code&filters.operator=eq&filters.value=429";
    const { body } = await call("GET", `gateways/default/logs?${filter}`);
    assert.equal(body.result_info.total_count, 36);
    assert.ok(!("total_count_exact" in body.result_info));
    const short = managed({
      stores: { logs: { ...logs, tally: () => Promise.resolve({ count: 7, exact: false }) } },
    });
    const { body: some } = await short.call("GET", `gateways/default/logs?${filter}`);
    assert.deepEqual(
      [some.result_info.total_count, some.result_info.total_count_exact],
      [7, false],
    );
    await logs.close();
  });
});

describe("rows as they come", () => {
  it("are those of other processes on the same store as well, each once", async () => {
    const file = join(folder, "live.db");
    const open = () =>
      createGateway({
        plugins: [log()],
        admin: { loopback: true },
        stores: { logs: onSqlite(file) },
        fetch: () => Promise.resolve(Response.json(chat)),
      });
    const [own, other] = [open(), open()];
    const ask = async (gateway: typeof own, path: string) => {
      const request = new Request(`http://127.0.0.1${path}`, { method: "POST", body: "{}" });
      await (await gateway.fetch(request)).text();
      await gateway.flush();
    };
    await ask(other, "/openai/before");
    const response = await own.fetch(
      new Request("http://127.0.0.1/client/v4/accounts/a/ai-gateway/gateways/default/logs/live"),
    );
    const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
    let text = "";
    const until = async (path: string) => {
      while (!text.includes(`"path":"${path}"`)) text += (await reader.read()).value;
    };
    await opened(reader, (value) => text += value);
    await ask(own, "/openai/v1/first");
    await until("/v1/first");
    await ask(other, "/openai/v1/second");
    await until("/v1/second");
    await ask(own, "/openai/v1/third");
    await until("/v1/third");
    await ask(other, "/openai/v1/fourth");
    await until("/v1/fourth");
    const paths = [...text.matchAll(/"path":"([^"]*)"/g)].map(([, path]) => path);
    assert.deepEqual(paths, ["/v1/first", "/v1/second", "/v1/third", "/v1/fourth"]);
    await reader.cancel();
    await own.close();
    await other.close();
  });
});

/** Reads the first piece: the stream is open. */
async function opened(
  reader: ReadableStreamDefaultReader<string>,
  add: (value: string) => void,
): Promise<void> {
  const { value = "" } = await reader.read();
  assert.equal(value, ": live\n\n");
  add(value);
}
