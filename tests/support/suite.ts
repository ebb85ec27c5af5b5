// The frame of a conformance file: the same tests against one gateway per runtime.
import assert from "node:assert/strict";
import { after, before, describe } from "node:test";
import type { Answer } from "./client.ts";
import { type GatewayOptions, type RunningGateway, runtimes, startGateway } from "./gateway.ts";
import { startUpstream, type Upstream } from "./upstream.ts";

export interface Bench {
  gateway: RunningGateway;
  upstream: Upstream;
}

/**
 * Declares a group per runtime. `bench` is filled before its first test; `setUp` writes the
 * gateway's options from the upstream's URL. Unless it says otherwise, Workers is workerd alone.
 */
export function onEachRuntime(
  setUp: (upstream: Upstream) => GatewayOptions | Promise<GatewayOptions>,
  tests: (bench: Bench, runtime: RunningGateway["runtime"]) => void,
): void {
  for (const runtime of runtimes) {
    describe(runtime, () => {
      const bench = {} as Bench;
      before(async () => {
        bench.upstream = await startUpstream();
        bench.gateway = await startGateway(runtime, { bare: true, ...await setUp(bench.upstream) });
      });
      after(async () => {
        await bench.gateway?.stop("SIGKILL");
        await bench.upstream?.close();
      });
      tests(bench, runtime);
    });
  }
}

/** A gateway whose OpenAI and custom provider `custom-mock` are the upstream. */
export const toUpstream = (upstream: Upstream): GatewayOptions => ({
  config: {
    providers: {
      openai: { base_url: `${upstream.url}/v1` },
      "custom-mock": { base_url: upstream.url },
    },
  },
});

/** Where `custom-mock` answers on the gateway. */
export const mockPath = "/v1/acc/default/custom-mock";

/** The one shape that a failure of the gateway itself has. */
export function assertGatewayError(answer: Answer, status: number, code?: number): string {
  const text = answer.body.toString();
  assert.equal(answer.status, status, text);
  assert.match(answer.headers["content-type"] ?? "", /^application\/json\b/);
  const body = JSON.parse(text);
  const [first] = body.error;
  assert.deepEqual(body, {
    success: false,
    result: [],
    messages: [],
    error: [{ code: first.code, message: first.message }],
    name: "AiGatewayError",
    httpCode: status,
    internalCode: first.code,
    message: first.message,
  });
  assert.equal(typeof first.code, "number");
  assert.ok(first.message.length > 10, `"${first.message}" says nothing`);
  if (code !== undefined) assert.equal(first.code, code);
  return first.message;
}
