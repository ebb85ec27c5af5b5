// One gateway per runtime, with a provider of the test's own behind it that answers with recordings.
import assert from "node:assert/strict";
import { after, afterEach, before, beforeEach, describe, it } from "node:test";
import { type Fixture, loadFixture, replay } from "../support/fixtures.ts";
import {
  type RunningGateway,
  type RuntimeName,
  runtimes,
  startGateway,
} from "../support/gateway.ts";
import { startUpstream, type Upstream, type UpstreamRequest } from "../support/upstream.ts";

/** What a client sends for the gateway alone; the words `of-the-test` may not get any further. */
export const gatewayHeaders: Record<string, string> = {
  "cf-aig-authorization": "Bearer token-of-the-test",
  "cf-aig-metadata": '{"team":"metadata-of-the-test"}',
};

// What a recording holds is compared, not typed.
// deno-lint-ignore no-explicit-any
export type Json = any;

interface Recording extends Fixture {
  /** The recorded request body, read as JSON. */
  request: Json;
  /** The recorded answer, read as JSON. */
  answer: Json;
  /** The JSON of each event of a recorded stream. */
  events: Json[];
}

interface Expected {
  method?: string;
  /** The request target, exactly. */
  target: string;
  /** Headers that must be there with this one value, or, as `undefined`, must not be there. */
  headers?: Record<string, string | undefined>;
  /** The body, compared as JSON; bytes are compared as bytes. */
  body?: unknown;
}

export interface World {
  runtime: RuntimeName;
  gateway: RunningGateway;
  upstream: Upstream;
  /** The base URL of a provider's native API. */
  base(slug: string): string;
  /** Lets the provider answer with this recording, streams in small pieces. */
  answer(name: string): Recording;
  /** Lets it answer with one recording after the other. */
  answers<Names extends string[]>(...names: Names): { [Name in keyof Names]: Recording };
  /** Lets it answer with the beginning of a stream that never ends. */
  begin(text: string): void;
  /** Checks the one request that the provider got since the test began. */
  saw(expected: Expected): UpstreamRequest;
}

type Test = (name: string, run: () => Promise<void>) => void;

interface Started {
  upstream: Upstream;
  gateway: RunningGateway;
}

/**
 * Runs the tests that `define` names on every runtime; `configure` gets the provider's origin, `env` is
 * the gateway's environment.
 */
export function eachRuntime(
  client: string,
  configure: (origin: string) => unknown,
  define: (world: World, test: Test) => void,
  env: Record<string, string> = {},
): void {
  const starting = new Map<RuntimeName, Promise<Started>>();
  const start = async (runtime: RuntimeName): Promise<Started> => {
    const upstream = await startUpstream();
    try {
      const gateway = await startGateway(runtime, { config: configure(upstream.url), env });
      return { upstream, gateway };
    } catch (error) {
      await upstream.close();
      throw error;
    }
  };

  for (const runtime of runtimes) {
    describe(`${client} on ${runtime}`, () => {
      let started: Started;
      before(async () => {
        // All at once: the slow one starts while the others are tested.
        for (const each of runtimes) {
          if (starting.has(each)) continue;
          starting.set(each, start(each));
          starting.get(each)!.catch(() => {});
        }
        started = await starting.get(runtime)!;
      });
      after(async () => {
        // How it stops is tested elsewhere.
        await started?.gateway.stop("SIGKILL");
        await started?.upstream.close();
      });
      beforeEach(() => started.upstream.reset());
      afterEach(() =>
        started?.upstream.requests.forEach((seen) => checkClean(started.upstream, seen))
      );
      const world = worldOf(runtime, () => started);
      define(world, (name, run) => void it(name, { timeout: 30_000 }, run));
    });
  }
}

function worldOf(runtime: RuntimeName, started: () => Started): World {
  return {
    runtime,
    get gateway() {
      return started().gateway;
    },
    get upstream() {
      return started().upstream;
    },
    base: (slug) => `${started().gateway.url}/v1/acc/default/${slug}`,
    answer(name) {
      return this.answers(name)[0];
    },
    answers<Names extends string[]>(...names: Names) {
      const recordings = names.map(recordingOf);
      let turn = 0;
      started().upstream.handle((_req, res) => {
        const recording = recordings[Math.min(turn++, recordings.length - 1)]!;
        replay(res, recording, { cuts: cutsOf(recording) });
      });
      return recordings as { [Name in keyof Names]: Recording };
    },
    begin(text) {
      started().upstream.handle((_req, res) => {
        res.setHeader("content-type", "text/event-stream");
        res.write(text);
        // workerd learns that a client left only when it writes to it.
        if (runtime !== "workers") return;
        const ping = setInterval(() => res.write(": ping\n\n"), 50);
        res.on("close", () => clearInterval(ping));
      });
    },
    saw: (expected) => check(started().upstream, expected),
  };
}

export function recordingOf(name: string): Recording {
  const fixture = loadFixture(name);
  return {
    ...fixture,
    get request() {
      return JSON.parse(fixture.requestBody!.toString());
    },
    get answer() {
      return JSON.parse(fixture.responseBody.toString());
    },
    get events() {
      return fixture.responseBody.toString().split(/\r?\n/)
        .filter((line) => line.startsWith("data:") && line.slice(5).trim() !== "[DONE]")
        .map((line) => JSON.parse(line.slice(5)));
    },
  };
}

/** Odd sizes, so that events and characters are split anywhere. */
function cutsOf({ responseHeaders, responseBody }: Fixture): number[] {
  if (!/event-?stream/.test(responseHeaders["content-type"] ?? "")) return [];
  const size = Math.max(173, Math.ceil(responseBody.length / 60));
  return Array.from({ length: Math.floor(responseBody.length / size) }, (_, i) => (i + 1) * size);
}

function check(upstream: Upstream, expected: Expected): UpstreamRequest {
  assert.deepEqual(
    upstream.requests.map(({ method, target }) => `${method} ${target}`),
    [`${expected.method ?? "POST"} ${expected.target}`],
  );
  const seen = upstream.requests[0]!;
  for (const [name, value] of Object.entries(expected.headers ?? {})) {
    const values = seen.rawHeaders.filter((_, i, all) =>
      i % 2 && all[i - 1]?.toLowerCase() === name
    );
    assert.deepEqual(values, value === undefined ? [] : [value], `Header ${name}`);
  }
  if (expected.body instanceof Uint8Array) {
    assert.ok(seen.body.equals(expected.body), "The provider got other bytes");
  } else if (expected.body !== undefined) {
    assert.deepEqual(JSON.parse(seen.body.toString()), expected.body);
  }
  return seen;
}

/** Nothing that is the gateway's own business may reach a provider. */
function checkClean(upstream: Upstream, seen: UpstreamRequest): void {
  // `cf-worker` is put there by the Workers platform, after the gateway.
  const names = Object.keys(seen.headers)
    .filter((name) => /^(cf-(?!worker$)|x-forwarded-|forwarded$)/.test(name));
  assert.deepEqual(names, [], "Headers that the provider should not see");
  assert.equal(seen.headers.host, `127.0.0.1:${upstream.port}`);
  const all = `${seen.target}\n${seen.rawHeaders.join("\n")}\n${seen.body.toString("latin1")}`;
  assert.ok(!all.includes("-of-the-test"), "The provider got what was meant for the gateway");
}

/** Everything that an async iterable yields. */
export async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

/** As plain data, the way it went over the wire. */
export const plain = <T>(value: T): T => JSON.parse(JSON.stringify(value));
