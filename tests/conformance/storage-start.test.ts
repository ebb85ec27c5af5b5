// A gateway whose stores are wrong, away, or there.
import { strict as assert } from "node:assert";
import { describe, it } from "node:test";
import { send } from "../support/client.ts";
import {
  type GatewayOptions,
  type RunningGateway,
  type RuntimeName,
  runtimes,
  StartError,
  startGateway,
} from "../support/gateway.ts";
import { freePort, noRedis, startRedis } from "../support/redis.ts";

async function refusal(runtime: RuntimeName, options: GatewayOptions): Promise<StartError> {
  const error: unknown = await startGateway(runtime, options).then(
    (gateway) => gateway.stop("SIGKILL"),
    (reason) => reason,
  );
  assert.ok(error instanceof StartError, `It started, or broke: ${error}`);
  return error;
}

async function stores(gateway: RunningGateway): Promise<Record<string, any>> {
  const { body } = await send(gateway.url, "/health?full=1");
  return JSON.parse(body.toString()).stores;
}

for (const runtime of runtimes) {
  describe(`${runtime}: stores`, () => {
    it("that are not known end the start", async () => {
      const config = { storage: { cache: { driver: "memori" } } };
      const error = await refusal(runtime, { config, bare: true });
      if (runtime !== "workers") assert.equal(error.exitCode, 78, error.message);
      assert.match(error.message, /storage\.cache.*'memori'/);
    });

    if (runtime === "workers") return;

    it("that cannot be opened end the start", async () => {
      const error = await refusal(runtime, { env: { SLUICE_DATA: "/dev/null/data" } });
      assert.equal(error.exitCode, 78, error.message);
      assert.match(error.message, /SLUICE_DATA: found '\/dev\/null\/data/);
      assert.doesNotMatch(error.output, /http:\/\/127/);
    });

    it("that have a wrong URL end the start, and the password is not shown", async () => {
      const env = { REDIS_URL: "http://:secret@127.0.0.1", DATABASE_URL: "secret" };
      const error = await refusal(runtime, { env });
      assert.equal(error.exitCode, 78, error.message);
      assert.match(error.message, /REDIS_URL[^]*DATABASE_URL/);
      assert.doesNotMatch(error.message, /secret/);
    });

    it("that are away do not", async () => {
      const env = { REDIS_URL: `redis://:secret@127.0.0.1:${await freePort()}` };
      const gateway = await startGateway(runtime, { env });
      try {
        assert.equal((await send(gateway.url, "/health")).status, 200);
        assert.equal((await stores(gateway)).counters.driver, "redis");
        assert.equal(gateway.output().match(/is away/g)?.length, 1, gateway.output());
        assert.doesNotMatch(gateway.output(), /secret/);
      } finally {
        assert.equal(await gateway.stop(), 0, gateway.output());
      }
    });

    it("that are there are said to be", { skip: noRedis }, async () => {
      const redis = await startRedis();
      const gateway = await startGateway(runtime, { env: { REDIS_URL: redis.url } });
      try {
        const { keys, cache, counters, logs } = await stores(gateway);
        assert.deepEqual(
          [keys, cache, counters, logs].map(({ driver, up }) => [driver, up]),
          [["redis", true], ["redis", true], ["redis", true], ["memory", true]],
        );
      } finally {
        assert.equal(await gateway.stop(), 0, gateway.output());
        await redis.close();
      }
    });
  });
}
