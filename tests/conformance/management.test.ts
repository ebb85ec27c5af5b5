// The management API over real connections: who gets in, and a row that can be read at once.
import assert from "node:assert/strict";
import { it } from "node:test";
import { type Answer, send, type SendOptions } from "../support/client.ts";
import { assertGatewayError, mockPath, onEachRuntime, toUpstream } from "../support/suite.ts";

const token = "an-admin-token-for-the-test";
const api = "/client/v4/accounts/acc/ai-gateway/gateways/default";
const admin = { authorization: `Bearer ${token}` };

// deno-lint-ignore no-explicit-any
const json = (answer: Answer): any => JSON.parse(answer.body.toString());

onEachRuntime(
  (upstream) => ({ ...toUpstream(upstream), env: { SLUICE_ADMIN_TOKEN: token } }),
  (bench) => {
    const ask = (path: string, options?: SendOptions) => send(bench.gateway.url, path, options);
    const post = (path: string, body: unknown, headers: Record<string, string> = {}) => {
      const text = JSON.stringify(body);
      return ask(path, {
        method: "POST",
        headers: { "content-type": "application/json", "content-length": text.length, ...headers },
        body: text,
      });
    };

    it("wants the token, on every path of it", async () => {
      for (const path of [`${api}/logs`, `${api}/virtual_keys`, "/metrics"]) {
        for (const headers of [{}, { authorization: "Bearer wrong" }]) {
          const answer = await ask(path, { headers });
          assert.equal(answer.status, 401, path);
          assert.equal(json(answer).errors[0].code, 10000);
        }
        assert.equal((await ask(path, { headers: admin })).status, 200, path);
      }
    });

    it("shows the row of an answer as soon as the answer is there", async () => {
      const answer = await post(`${mockPath}/chat/completions`, { model: "m" });
      const id = answer.headers["cf-aig-log-id"];
      const row = json(await ask(`${api}/logs/${id}`, { headers: admin })).result;
      assert.deepEqual(
        [row.id, row.provider, row.status_code, row.success],
        [id, "custom-mock", 200, true],
      );
      const body = await ask(`${api}/logs/${id}/request`, { headers: admin });
      assert.equal(body.body.toString(), '{"model":"m"}');
    });

    it("makes, uses and ends a virtual key", async () => {
      const made = json(await post(`${api}/virtual_keys`, { name: "ci" }, admin)).result;
      assert.match(made.key, /^sl-[A-Za-z0-9]{40,}$/);
      const path = `${api}/virtual_keys/${made.id}`;
      assert.equal(json(await ask(path, { headers: admin })).result.name, "ci");
      assert.equal((await ask(path, { method: "DELETE", headers: admin })).status, 200);
      assert.equal((await ask(path, { headers: admin })).status, 404);
    });

    it("refuses a body that is too long, declared or not", async () => {
      const long = `{"name":"${"x".repeat(1024 * 1024)}"}`;
      for (
        const length of [{ "content-length": long.length }, { "transfer-encoding": "chunked" }]
      ) {
        const answer = await ask(`${api}/virtual_keys`, {
          method: "POST",
          headers: { ...admin, "content-type": "application/json", ...length },
          body: long,
        });
        assert.equal(answer.status, 413);
      }
      assert.equal((await ask(`${api}/logs`, { headers: admin })).status, 200);
    });

    it("has figures for Prometheus", async () => {
      const answer = await ask("/metrics", { headers: admin });
      assert.match(answer.headers["content-type"]!, /^text\/plain; version=0\.0\.4/);
      assert.match(answer.body.toString(), /^sluice_store_up\{store="logs",driver="[\w-]+"\} 1$/m);
    });

    it("is closed to pages", async () => {
      const headers = { ...admin, origin: "https://page.test" };
      const answer = await ask(`${api}/logs`, { headers });
      assert.equal(answer.status, 200);
      assert.equal(answer.headers["access-control-allow-origin"], undefined);
    });
  },
);

onEachRuntime(toUpstream, (bench, runtime) => {
  const ask = (headers: Record<string, string>, path = `${api}/logs`) =>
    send(bench.gateway.url, path, { headers });

  // A worker is not told whether others can reach it.
  if (runtime === "workers") {
    it("is not there without a token", async () => {
      for (const path of [`${api}/logs`, "/metrics"]) {
        assertGatewayError(await ask({}, path), 404, 8001);
      }
    });
    return;
  }

  it("is for its own machine without a token", async () => {
    for (const path of [`${api}/logs`, "/metrics"]) {
      assert.equal((await ask({}, path)).status, 200);
      const strange: Record<string, string>[] = [
        { host: "gateway.test" },
        { origin: "https://page.test" },
        { "sec-fetch-site": "cross-site" },
        { "x-forwarded-for": "1.2.3.4" },
      ];
      for (const headers of strange) {
        const answer = await ask(headers, path);
        assert.equal(answer.status, 403, JSON.stringify(headers));
        assert.equal(json(answer).errors[0].code, 8008);
      }
    }
  });
});

onEachRuntime(
  (upstream) => ({ ...toUpstream(upstream), env: { HOST: "0.0.0.0" } }),
  (bench, runtime) => {
    if (runtime === "workers") return;
    it("is not there without a token where others can connect, which is said once", async () => {
      for (const path of [`${api}/logs`, "/metrics"]) {
        assertGatewayError(await send(bench.gateway.url, path), 404, 8001);
      }
      assert.equal(bench.gateway.output().match(/SLUICE_ADMIN_TOKEN/g)?.length, 1);
    });
  },
);
