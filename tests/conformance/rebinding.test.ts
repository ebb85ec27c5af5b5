// A page whose name was made to point to this machine, and the keys of an open gateway.
import assert from "node:assert/strict";
import { it } from "node:test";
import { send } from "../support/client.ts";
import { onEachRuntime } from "../support/suite.ts";

onEachRuntime(
  (upstream) => ({
    config: {
      providers: { openai: { base_url: `${upstream.url}/v1` } },
      open: true,
      hosts: ["own.example"],
      keys: { openai: { default: { value: "sk-lent" } } },
    },
  }),
  (bench, runtime) => {
    const lentTo = async (headers: Record<string, string>) => {
      const answer = await send(bench.gateway.url, "/v1/acc/default/openai/models", { headers });
      assert.equal(answer.status, 200);
      return bench.upstream.requests.at(-1)!.headers["authorization"];
    };

    it("lends to its own names alone", async () => {
      assert.equal(await lentTo({}), "Bearer sk-lent");
      assert.equal(await lentTo({ host: "localhost:1" }), "Bearer sk-lent");
      assert.equal(await lentTo({ host: "own.example:8787" }), "Bearer sk-lent");
      // A worker is not told whether others can reach it, and is not on anybody's machine.
      const strange = runtime === "workers" ? "Bearer sk-lent" : undefined;
      assert.equal(await lentTo({ host: "page.example:8787" }), strange);
    });
  },
);
