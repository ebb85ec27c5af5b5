// A failure of the gateway itself always has the documented body, and says what to do.
import assert from "node:assert/strict";
import { it } from "node:test";
import { send } from "../support/client.ts";
import { assertGatewayError, onEachRuntime } from "../support/suite.ts";
import { closedPort } from "../support/upstream.ts";

onEachRuntime(
  async (upstream) => ({
    config: {
      providers: {
        openai: { base_url: upstream.url },
        "custom-down": { base_url: `http://127.0.0.1:${await closedPort()}` },
        "custom-nowhere": { base_url: "http://does-not-exist.invalid" },
      },
    },
  }),
  (bench) => {
    const get = (path: string, method = "GET") =>
      send(bench.gateway.url, path, {
        method,
        ...(method === "POST" && {
          headers: { "content-type": "application/json", "content-length": 2 },
          body: "{}",
        }),
      });

    it("answers 400 with code 2008 for an unknown provider, and names it", async () => {
      const answer = await get("/v1/acc/default/nope/chat/completions", "POST");
      assert.match(assertGatewayError(answer, 400, 2008), /nope/);
      assert.equal(bench.upstream.requests.length, 0);
    });

    it("answers 400 with code 2008 for an unknown custom provider", async () => {
      assertGatewayError(await get("/v1/acc/default/custom-nope/x", "POST"), 400, 2008);
    });

    it("answers 400 with code 2001 for an unknown gateway", async () => {
      assertGatewayError(await get("/v1/acc/nope/openai/models"), 400, 2001);
    });

    for (const path of ["/", "/nope", "/nope/nope", "/favicon.ico", "/health/nope"]) {
      it(`answers 404 with a body of its own for ${path}`, async () => {
        assertGatewayError(await get(path), 404);
      });
    }

    it("answers 404 for a POST to nowhere", async () => {
      assertGatewayError(await get("/nope", "POST"), 404);
    });

    for (const method of ["GET", "POST"]) {
      it(`answers 502 with code 2005 for a ${method} when the provider refuses`, async () => {
        const answer = await get("/v1/acc/default/custom-down/models", method);
        const message = assertGatewayError(answer, 502, 2005);
        assert.match(message, /custom-down/);
      });
    }

    it("answers 502 with code 2005 when the provider's host does not exist", async () => {
      assertGatewayError(await get("/v1/acc/default/custom-nowhere/models"), 502, 2005);
    });

    it("answers 502 with code 2005 when the provider hangs up before an answer", async () => {
      bench.upstream.handle((req) => req.socket.destroy());
      assertGatewayError(await get("/v1/acc/default/openai/models"), 502, 2005);
    });

    it("gives each failure a request id", async () => {
      const answer = await get("/v1/acc/default/nope/x");
      assert.match(String(answer.headers["cf-aig-request-id"]), /^[0-9a-f-]{36}$/);
    });

    it("serves on after all that", async () => {
      bench.upstream.reset();
      assert.equal((await get("/v1/acc/default/openai/models")).status, 200);
    });
  },
);
