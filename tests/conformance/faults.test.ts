// Ten thousand requests to a provider that fails in every way there is: each ends as it should, each has
// its one row with the right figures, no key is kept, and nothing is left behind.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import http from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { gunzipSync } from "node:zlib";
import {
  type Exchange,
  exchangeOf,
  type FaultyUpstream,
  pasted,
  startFaults,
} from "../support/faults.ts";
import {
  type RunningGateway,
  type RuntimeName,
  runtimes,
  startGateway,
} from "../support/gateway.ts";
import {
  adminToken,
  ask,
  healthOf,
  manage,
  metricOf,
  readRows,
  type Row,
  until,
} from "../support/logs.ts";
import { closedPort } from "../support/upstream.ts";

/** Another one makes other requests. */
const seed = Number(process.env.SLUICE_TEST_SEED ?? 1);
/** Requests of each runtime; the first thousand warm it up. */
const counts: Record<RuntimeName, number> = {
  bun: 10_000,
  node: 10_000,
  deno: 10_000,
  workers: 10_000,
};
const warm = 1000;
const connections = 50;
/** Milliseconds after which a request hangs. */
const hang = 20_000;

const virtualKey = "sl-virtual0key0of0the0faults0test012345678";
/** By slug. One has the form that the redactor does not know. */
const keys: Record<string, string> = {
  openai: "sk-proj-0123456789abcdefghijklmnop",
  anthropic: "sk-ant-api03-0123456789abcdefghij",
  "google-ai-studio": "AIzaSyA0123456789abcdefghijklmnopqrstuv",
  "aws-bedrock": "bedrock-api-key-0123456789abcdefghij",
  cohere: "w8Zq3kTn5Rv0Xy7Lb2Mc9Fd4Gh6Js1Pa8Ue5Io3N",
};
const secrets = [virtualKey, pasted, ...Object.values(keys)];

/** US dollars for a million tokens. Cohere has none, and its model is in no table. */
const prices: Record<string, { input: number; output: number; cache_read: number }> = {
  "openai/gpt-house": { input: 2, output: 8, cache_read: 0.5 },
  "anthropic/claude-house": { input: 3, output: 15, cache_read: 0.3 },
  "google-ai-studio/gemini-house": { input: 1.25, output: 10, cache_read: 0.31 },
  "aws-bedrock/house.model-v1:0": { input: 4, output: 16, cache_read: 1 },
};

for (const runtime of runtimes) {
  describe(`${runtime}: ${counts[runtime]} requests, ${connections} at a time`, () => {
    const outcomes = new Map<number, Outcome>();
    let upstream: FaultyUpstream;
    let gateway: RunningGateway;
    let folder: string;
    const rows: Row[] = [];
    const bodies: Body[] = [];
    let settled: { descriptors: number; resident: number };

    before(async () => {
      folder = mkdtempSync(join(tmpdir(), "sluice-faults-"));
      upstream = await startFaults((n) => exchangeOf(seed, n), keys);
      const gone = await closedPort();
      gateway = await startGateway(runtime, {
        bare: true,
        config: {
          gateways: {
            default: {
              authentication: true,
              tokens: [{ name: "test", hash: `sha256:${sha256(virtualKey)}` }],
            },
          },
          providers: {
            openai: { base_url: `${upstream.url}/v1` },
            "custom-gone": { base_url: `http://127.0.0.1:${gone}` },
            ...Object.fromEntries(
              ["anthropic", "google-ai-studio", "aws-bedrock", "cohere"]
                .map((slug) => [slug, { base_url: upstream.url }]),
            ),
          },
          keys: Object.fromEntries(
            Object.entries(keys).map(([slug, value]) => [slug, { default: { value } }]),
          ),
          prices,
        },
        env: {
          SLUICE_ADMIN_TOKEN: adminToken,
          ...runtime !== "workers" && { SLUICE_DATA: folder },
          // V8 takes what it is given: with less, what is left is what is used.
          NODE_OPTIONS: "--max-old-space-size=256",
        },
      });
    });
    after(async () => {
      await gateway?.stop("SIGKILL");
      await upstream?.close();
      if (folder) rmSync(folder, { recursive: true, force: true });
    });

    it("every request ends, and none ends as if it were whole when it is not", {
      timeout: 300_000,
    }, async (t) => {
      const began = performance.now();
      await load(0, warm);
      settled = await idle();
      await load(warm, counts[runtime]);
      await idle();
      t.diagnostic(`${Math.round((performance.now() - began) / 1000)} s`);
      const wrong = [...outcomes.values()].flatMap((outcome) => wrongOf(outcome, runtime));
      assert.deepEqual(wrong.slice(0, 10), [], `${wrong.length} requests went wrong`);
      assert.deepEqual(upstream.problems.slice(0, 10), [], `${upstream.problems.length} problems`);
    });

    it("every attempt has exactly one row, which tells how it ended", {
      timeout: 120_000,
    }, async () => {
      await collect();
      const byEvent = Map.groupBy(rows, ({ event_id }) => event_id);
      const wrong: string[] = [];
      for (const outcome of outcomes.values()) {
        const found = byEvent.get(eventOf(outcome.exchange.n)) ?? [];
        byEvent.delete(eventOf(outcome.exchange.n));
        if (found.length !== 1) wrong.push(`${nameOf(outcome)} has ${found.length} rows`);
        else {wrong.push(
            ...wrongRow(outcome, found[0]!, runtime).map((why) => `${nameOf(outcome)}: ${why}`),
          );}
      }
      assert.deepEqual(wrong.slice(0, 10), [], `${wrong.length} are wrong`);
      assert.deepEqual([...byEvent.keys()], [], "Rows without a request");
      assert.equal(await metricOf(gateway, "sluice_log_rows_shed_total"), 0);
      assert.equal(await metricOf(gateway, "sluice_log_payloads_shed_total"), 0);
    });

    it("tokens and costs add up to what the provider said", () => {
      const reported = rows.filter(({ usage_quality }) => usage_quality === "reported");
      const heard = new Set(reported.map(({ event_id }) => event_id));
      const exchanges = [...outcomes.values()].map(({ exchange }) => exchange)
        .filter(({ n, fault }) => fault !== "cut-now" || heard.has(eventOf(n)));
      const told = exchanges.flatMap(({ told }) => told ?? []);
      assert.equal(sum(reported, (row) => row.tokens_in), sum(told, ({ input }) => input));
      assert.equal(sum(reported, (row) => row.tokens_out), sum(told, ({ output }) => output));
      const cost = sum(reported, (row) => row.cost);
      const expected = sum(exchanges, costOf);
      assert.ok(expected > 10);
      assert.ok(Math.abs(cost - expected) < 1e-6, `$${cost} instead of $${expected}`);
    });

    it("no key is in a row, in a body or on the console", () => {
      const shown = rows.find((row) => secrets.some((key) => JSON.stringify(row).includes(key)));
      assert.equal(shown, undefined, "A key is in a row");
      for (const { row, which, text } of bodies) {
        const outcome = outcomes.get(numberOf(row))!;
        const key = secrets.find((key) => text.includes(key));
        assert.equal(key, undefined, `The ${which} of ${nameOf(outcome)} holds a key`);
        const { exchange } = outcome;
        const masked = exchange.body.replaceAll(pasted, "[redacted]");
        if (which === "request" && exchange.body.length < 60_000) assert.equal(text, masked);
      }
      assert.ok(bodies.length > counts[runtime] / 40, `Only ${bodies.length} bodies are kept`);
      const printed = secrets.find((key) => gateway.output().includes(key));
      assert.equal(printed, undefined, gateway.output().slice(0, 2000));
    });

    it("nothing is left behind", { timeout: 60_000 }, async (t) => {
      const now = await idle();
      assert.equal(upstream.active, 0, "Answers to clients that left go on");
      t.diagnostic(
        `${settled.descriptors} descriptors became ${now.descriptors}, ` +
          `${settled.resident} MB became ${now.resident} MB`,
      );
      assert.ok(now.descriptors <= settled.descriptors + connections / 2);
      assert.ok(now.resident <= settled.resident + 200);
    });

    if (runtime !== "workers") {
      it("no key is in the files that are left", { timeout: 60_000 }, async () => {
        assert.equal(await gateway.stop("SIGTERM"), 0, gateway.output().slice(-2000));
        const names = readdirSync(folder, { recursive: true, withFileTypes: true })
          .filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
        let bytes = 0;
        for (const name of names) {
          const file = readFileSync(name);
          bytes += file.length;
          for (const key of secrets) assert.ok(!file.includes(key), `${name} holds a key`);
        }
        assert.ok(bytes > 1_000_000, `${bytes} bytes are not what was written`);
      });
    }

    async function load(from: number, to: number): Promise<void> {
      // Workers without a database keep the last 1000 rows.
      const part = runtime === "workers" ? 1000 : to - from;
      for (let start = from; start < to; start += part) {
        const end = Math.min(to, start + part);
        let next = start;
        const one = async () => {
          const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
          while (next < end) {
            const n = next++;
            outcomes.set(n, await perform(gateway, upstream, exchangeOf(seed, n), agent));
          }
          agent.destroy();
        };
        await Promise.all(Array.from({ length: connections }, one));
        if (runtime === "workers") await collect();
      }
    }

    /** Moves rows, and some bodies, from the gateway to here. */
    async function collect(): Promise<void> {
      await until("An end of all answers", () => upstream.active === 0);
      await until("An empty queue", async () => (await healthOf(gateway)).log.rows_waiting === 0);
      const part = await readRows(gateway);
      rows.push(...part);
      for (const row of part) {
        // Those whose error quotes a key, and some of the others.
        if (row.status_code !== 401 && numberOf(row) % 40 !== 0) continue;
        for (const which of ["request", "response"] as const) {
          const answer = await ask(gateway, "GET", `/logs/${row.id}/${which}`);
          const text = await answer.text();
          if (answer.ok) bodies.push({ row, which, text });
        }
      }
      await manage(gateway, "DELETE", "/logs");
    }

    /** Once all rows are written and nothing goes on. */
    async function idle(): Promise<{ descriptors: number; resident: number }> {
      await until("An end of all answers", () => upstream.active === 0);
      await until("An empty queue", async () => (await healthOf(gateway)).log.rows_waiting === 0);
      let last = -1;
      // Connections of clients that are gone are closed a moment later.
      await until("A stable number of descriptors", async () => {
        const before = last;
        last = readdirSync(`/proc/${gateway.pid}/fd`).length;
        await new Promise((resolve) => setTimeout(resolve, 200));
        return last === before;
      });
      const status = readFileSync(`/proc/${gateway.pid}/status`, "utf8");
      const resident = Math.round(Number(status.match(/VmRSS:\s+(\d+) kB/)![1]) / 1024);
      return { descriptors: last, resident };
    }
  });
}

/** What a client has seen. */
interface Outcome {
  exchange: Exchange;
  /** 0 when no head came. */
  status: number;
  headers: http.IncomingHttpHeaders;
  body: Buffer;
  ended: "whole" | "broken" | "left" | "hung";
}

/** A body as the gateway keeps it. */
interface Body {
  row: Row;
  which: "request" | "response";
  text: string;
}

const numberOf = (row: Row) => Number(row.event_id.slice("fault-".length));
const eventOf = (n: number) => `fault-${n}`;
const nameOf = ({ exchange: { n, wire, streamed, fault } }: Outcome) =>
  `${n} (${wire.name}, ${streamed ? "stream" : "JSON"}, ${fault})`;

/**
 * Whether the platform may miss that a client leaves: Deno does before an answer began, unless the request
 * was so short that it came in one read; workerd does in the very millisecond in which an answer begins.
 */
function mayMiss(runtime: RuntimeName, { fault, streamed }: Exchange): boolean {
  if (runtime === "workers") return fault === "stall" && !streamed;
  return runtime === "deno" && (fault === "stall-head" || fault === "stall" && !streamed);
}

function perform(
  gateway: RunningGateway,
  upstream: FaultyUpstream,
  exchange: Exchange,
  agent: http.Agent,
): Promise<Outcome> {
  const { n, wire, streamed, fault, sends, chunked } = exchange;
  const { hostname, port } = new URL(gateway.url);
  const outcome: Outcome = {
    exchange,
    status: 0,
    headers: {},
    body: Buffer.alloc(0),
    ended: "hung",
  };
  return new Promise((resolve) => {
    const req = http.request({
      host: hostname,
      port,
      path: `/v1/acc/default/${exchange.path}`,
      method: "POST",
      agent,
      headers: {
        ...exchange.headers,
        "cf-aig-event-id": eventOf(n),
        // In a header of its own, or in place of the provider's key.
        ...n % 2 === 0
          ? { "cf-aig-authorization": `Bearer ${virtualKey}` }
          : { [wire.key[0]]: wire.key[1] + virtualKey },
        ...!chunked && { "content-length": Buffer.byteLength(exchange.body) },
      },
    });
    const parts: Buffer[] = [];
    let length = 0;
    const end = (ended: Outcome["ended"]) => {
      if (outcome.ended !== "hung") return;
      clearTimeout(timer);
      outcome.ended = ended;
      outcome.body = Buffer.concat(parts);
      resolve(outcome);
    };
    const timer = setTimeout(() => {
      outcome.body = Buffer.concat(parts);
      resolve(outcome);
      req.destroy();
    }, hang);
    const leave = () => {
      end("left");
      // workerd alone takes a mere FIN for a client that still listens.
      if (gateway.runtime === "workers") req.socket!.resetAndDestroy();
      else req.destroy();
      // In the cases of `mayMiss` the provider has to end it.
      if (mayMiss(gateway.runtime, exchange)) setTimeout(() => upstream.release(n), 500);
    };
    if (fault === "stall-head") void upstream.arrived(n).then(leave);
    if (fault === "stall" && !streamed) {
      // A short answer may be held until it is whole.
      void upstream.arrived(n).then(() => setTimeout(leave, n % 100));
    }
    req.on("response", (res) => {
      outcome.status = res.statusCode!;
      outcome.headers = res.headers;
      res.on("data", (part: Buffer) => {
        parts.push(part);
        length += part.length;
        if (!streamed || length < sends.length) return;
        if (fault === "cut-reset" || fault === "cut-fin") upstream.proceed(n);
        if (fault === "stall") leave();
      });
      res.on("end", () => end(res.complete ? "whole" : "broken"));
      res.on("error", () => end("broken"));
      res.on("close", () => end("broken"));
    });
    req.on("error", () => {
      // The gateway closed a connection that it had kept for this client, before it saw the request.
      const stale = req.reusedSocket && outcome.status === 0 && outcome.ended === "hung" &&
        !upstream.came(n);
      if (!stale) return end("broken");
      clearTimeout(timer);
      resolve(perform(gateway, upstream, exchange, new http.Agent()));
    });
    req.end(exchange.body);
  });
}

/** What is wrong with what the client has seen. */
function wrongOf(outcome: Outcome, runtime: RuntimeName): string[] {
  const { exchange, status, headers, ended } = outcome;
  const { fault, sends, streamed } = exchange;
  const body = headers["content-encoding"] === "gzip" ? gunzipSync(outcome.body) : outcome.body;
  const wrong = (why: string) => [
    `${nameOf(outcome)} ${why}: ${ended}, ${status} ${body.toString().slice(0, 300)}`,
  ];
  if (ended === "hung") return wrong("hangs");
  if (status > 0 && headers["cf-aig-event-id"] !== eventOf(exchange.n)) return wrong("has no id");
  const isFailure = ended === "whole" && status === 502 &&
    JSON.parse(body.toString()).name === "AiGatewayError";
  switch (fault) {
    case "stall":
    case "stall-head":
      return ended === "left" ? [] : wrong("has ended");
    case "refused":
    case "no-head":
      return isFailure ? [] : wrong("is no 502");
    case "head-only":
    case "cut-reset":
    case "cut-fin":
    case "cut-now": {
      const early = fault === "head-only" || fault === "cut-now";
      if (isFailure && (!streamed || early)) return [];
      // Bun holds a head back until there is a first byte.
      if (status === 0 && (early || !streamed) && runtime === "bun") return [];
      if (status !== 200) return wrong("has another status");
      const same = commonStart(body, sends);
      if (ended === "broken") return same === body.length ? [] : wrong("has other bytes");
      if (same < sends.length && !early) return wrong("has other bytes");
      // An error event stands in for the break.
      return saysError(body.subarray(same)) ? [] : wrong("looks whole");
    }
    case "unended": {
      if (ended !== "whole" || status !== 200) return wrong("was cut");
      if (!body.subarray(0, sends.length).equals(sends)) return wrong("has other bytes");
      return saysError(body.subarray(sends.length)) ? [] : wrong("looks whole");
    }
  }
  if (ended !== "whole") return wrong("was cut");
  if (status !== exchange.status) return wrong("has another status");
  if (status === 429 && headers["retry-after"] !== "7") return wrong("lost its retry-after");
  if (headers["x-request-id"] !== `up-${exchange.n}`) return wrong("lost the provider's id");
  const expected = fault === "401"
    ? Buffer.from(sends.toString().replace("{key}", keys[exchange.wire.slug]!))
    : sends;
  return body.equals(expected) ? [] : wrong("has other bytes");
}

/** How many bytes two texts have in common at their beginning. */
function commonStart(a: Buffer, b: Buffer): number {
  let same = 0;
  while (same < a.length && same < b.length && a[same] === b[same]) same++;
  return same;
}

/** Whether the last event that a client gets is an error. */
function saysError(rest: Buffer): boolean {
  return /error|exception/.test(rest.toString("latin1"));
}

/** Ends that a row may tell of, by fault. */
const endsOf: Partial<Record<Exchange["fault"], string[]>> = {
  refused: ["error"],
  "no-head": ["error"],
  // The reset may have overtaken the head.
  "head-only": ["upstream_cut", "error"],
  "cut-reset": ["upstream_cut"],
  "cut-fin": ["upstream_cut"],
  "cut-now": ["upstream_cut"],
  unended: ["upstream_cut"],
  "error-event": ["error"],
  stall: ["client_abort"],
  "stall-head": ["client_abort"],
};

/** What is wrong with its row. */
function wrongRow(outcome: Outcome, row: Row, runtime: RuntimeName): string[] {
  const { exchange, status, headers } = outcome;
  const { wire, fault, streamed, told } = exchange;
  const wrong: string[] = [];
  const same = (what: string, actual: unknown, expected: unknown) => {
    if (actual !== expected) wrong.push(`${what} is ${actual} instead of ${expected}`);
  };
  const ends = [...endsOf[fault] ?? ["complete"]];
  // The reset may have overtaken an answer that was held.
  if (fault === "cut-reset" && !streamed) ends.push("error");
  const unseen = outcome.ended === "left" && mayMiss(runtime, exchange);
  if (unseen) ends.push("error", "upstream_cut");
  if (!ends.includes(row.end)) same("end", row.end, ends.join(" or "));
  if (status !== 0) {
    same("status_code", row.status_code, status);
    same("id", row.id, headers["cf-aig-log-id"]);
  } else if (![499, 200, ...unseen ? [502] : []].includes(row.status_code)) {
    // Left before the head, or before an answer that was held.
    same("status_code", row.status_code, 499);
  }
  const good = (endsOf[fault] === undefined) && exchange.status === 200;
  same("success", row.success, good);
  same("provider", row.provider, fault === "refused" ? "custom-gone" : wire.slug);
  // A body that nobody took, or a path that means nothing to a custom provider, names no model.
  const nameless = fault === "refused" && row.model === "";
  if (!nameless) same("model", row.model, `${row.provider}/${wire.model}`);
  same("authentication", row.authentication, true);
  same("key_id", row.key_id, "config.default.test");
  if (status === 200 && fault !== "head-only") same("streamed", row.streamed, streamed);
  if (good) same("finish_reason", row.finish_reason, wire.finish[streamed ? "streamed" : "whole"]);
  // Bytes may be lost with their connection.
  const unheard = fault === "cut-now" && row.usage_quality !== "reported";
  if (told === null || unheard) {
    if (row.usage_quality === "reported") same("usage_quality", "reported", "something else");
  } else {
    same("usage_quality", row.usage_quality, "reported");
    same("tokens_in", row.tokens_in, told.input);
    same("tokens_out", row.tokens_out, told.output);
    same("cost", row.cost?.toFixed(9), costOf(exchange)?.toFixed(9));
  }
  if (fault === "error-event" && !row.error?.message.includes(`Broken off (${exchange.n})`)) {
    same("error", JSON.stringify(row.error), "what the provider said");
  }
  if (exchange.status >= 400) {
    const said = {
      429: `Too many (${exchange.n})`,
      503: "503 Service Unavailable",
      401: "Incorrect",
    };
    const part = said[exchange.status as keyof typeof said];
    if (!row.error?.message.includes(part)) same("error", JSON.stringify(row.error), part);
  }
  const { timings } = row;
  const times = [0, timings.latency, timings.first_byte, timings.first_token, timings.total];
  const known = times.filter((time) => time !== null);
  if (known.some((time, index) => time < (known[index - 1] ?? 0))) {
    same("timings", JSON.stringify(timings), "in order");
  }
  if (good && streamed && timings.first_token === null) same("first_token", null, "a time");
  return wrong;
}

/** In US dollars; null where price or tokens are not known. */
function costOf({ wire, told }: Exchange): number | null {
  const price = prices[`${wire.slug}/${wire.model}`];
  if (price === undefined || told === null || told.input === null || told.output === null) {
    return null;
  }
  const fresh = told.input - told.cacheRead;
  return (fresh * price.input + told.cacheRead * price.cache_read + told.output * price.output) /
    1e6;
}

function sum<T>(items: readonly T[], value: (item: T) => number | null): number {
  return items.reduce((total, item) => total + (value(item) ?? 0), 0);
}

function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
