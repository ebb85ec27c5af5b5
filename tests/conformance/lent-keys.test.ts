// Keys of an open gateway: a page whose name was made to point to this machine, a provider that quotes one.
import assert from "node:assert/strict";
import { it } from "node:test";
import { send } from "../support/client.ts";
import { onEachRuntime } from "../support/suite.ts";

onEachRuntime(
  (upstream) => ({
    config: {
      providers: {
        openai: { base_url: `${upstream.url}/v1` },
        groq: { base_url: `${upstream.url}/groq` },
      },
      open: true,
      hosts: ["own.example"],
      keys: {
        openai: { default: { value: "sk-lent-0123456789" } },
        groq: { default: [{ value: "gsk-busy" }, { value: "gsk-free" }] },
      },
    },
  }),
  (bench, runtime) => {
    const lentTo = async (headers: Record<string, string>) => {
      const answer = await send(bench.gateway.url, "/v1/acc/default/openai/models", { headers });
      assert.equal(answer.status, 200);
      return bench.upstream.requests.at(-1)!.headers["authorization"];
    };

    it("lets a key of a pool rest, and tries another one at once", async () => {
      const tried: (string | undefined)[] = [];
      bench.upstream.handle((req, res) => {
        tried.push(req.headers["authorization"]);
        const isBusy = req.headers["authorization"] === "Bearer gsk-busy";
        res.writeHead(isBusy ? 429 : 200, { ...isBusy && { "retry-after": "3000" } }).end("{}");
      });
      for (let i = 0; i < 3; i++) {
        const answer = await send(bench.gateway.url, "/v1/acc/default/groq/models", {
          headers: { "cf-aig-max-attempts": "2" },
        });
        assert.equal(answer.status, 200, runtime);
      }
      const free = "Bearer gsk-free";
      assert.deepEqual(tried, ["Bearer gsk-busy", free, free, free]);
      bench.upstream.handle((_req, res) => res.end("{}"));
    });

    it("tells nobody the key that a provider quotes in an error", async () => {
      const quoting = '{"error":{"message":"No such key: sk-lent-0123456789, sk-lent-012345678"}}';
      for (const length of [{ "content-length": quoting.length }, {}]) {
        bench.upstream.handle((_req, res) => {
          res.writeHead(401, { "content-type": "application/json", ...length });
          res.write(quoting.slice(0, 40));
          res.end(quoting.slice(40));
        });
        const answer = await send(bench.gateway.url, "/v1/acc/default/openai/models");
        assert.equal(answer.status, 401);
        assert.equal(
          answer.body.toString(),
          quoting.replace("sk-lent-0123456789", "*".repeat(18)),
        );
      }
      bench.upstream.handle((_req, res) => res.end("{}"));
    });

    it("lends to its own names alone", async () => {
      assert.equal(await lentTo({}), "Bearer sk-lent-0123456789");
      assert.equal(await lentTo({ host: "localhost:1" }), "Bearer sk-lent-0123456789");
      assert.equal(await lentTo({ host: "own.example:8787" }), "Bearer sk-lent-0123456789");
      // A worker is not told whether others can reach it, and is not on anybody's machine.
      const strange = runtime === "workers" ? "Bearer sk-lent-0123456789" : undefined;
      assert.equal(await lentTo({ host: "page.example:8787" }), strange);
    });
  },
);
