// Which headers travel, in both directions, and what a page of another origin may see.
import assert from "node:assert/strict";
import { it } from "node:test";
import { send } from "../support/client.ts";
import { mockPath, onEachRuntime, toUpstream } from "../support/suite.ts";

const uuid7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

const stays: Record<string, string> = {
  "cf-aig-authorization": "Bearer gateway-token",
  "cf-aig-metadata": `{"team":"a"}`,
  "cf-aig-custom-cost": `{"per_token_in":1}`,
  "cf-connecting-ip": "203.0.113.1",
  "cf-ray": "abc",
  "cf-ipcountry": "DE",
  "cf-access-jwt-assertion": "jwt",
  connection: "x-named, keep-alive",
  "x-named": "1",
  "keep-alive": "timeout=5",
  "proxy-authorization": "Basic c2VjcmV0",
  "proxy-connection": "keep-alive",
  te: "trailers",
  cookie: "session=secret",
  origin: "http://localhost:3000",
  forwarded: "for=203.0.113.1",
  via: "1.1 proxy",
  "x-forwarded-for": "203.0.113.1",
  "x-forwarded-host": "gateway.example",
  "x-forwarded-proto": "https",
  "x-real-ip": "203.0.113.1",
};

const travels: Record<string, string> = {
  authorization: "Bearer sk-secret",
  "x-api-key": "sk-ant",
  "api-key": "azure",
  "x-goog-api-key": "AIza",
  "xi-api-key": "eleven",
  "anthropic-version": "2023-06-01",
  "anthropic-beta": "a-2025-01-01,b-2025-02-02",
  "anthropic-unknown": "kept",
  "openai-organization": "org-1",
  "openai-beta": "assistants=v2",
  "openai-unknown": "kept",
  "x-stainless-lang": "js",
  "x-stainless-retry-count": "0",
  "idempotency-key": "abc",
  "user-agent": "Test/1.0 (a; b)",
  accept: "text/event-stream",
  "content-type": "application/json; charset=utf-8",
  "x-amz-date": "20260101T000000Z",
  "x-amz-security-token": "token",
  traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
  "x-unknown": `"quoted", and=more; \t of it`,
};

onEachRuntime(toUpstream, (bench) => {
  const ask = (headers: Record<string, string>, method = "POST", path = "/echo") => {
    bench.upstream.reset();
    return send(bench.gateway.url, mockPath + path, { method, headers });
  };

  it("what belongs to the gateway, a hop or a browser stays here", async () => {
    await ask(stays);
    const { headers } = await bench.upstream.next();
    for (const [name, value] of Object.entries(stays)) {
      if (name !== "connection" && name !== "keep-alive") {
        assert.equal(headers[name], undefined, name);
      }
      assert.ok(
        value === "keep-alive" || !Object.values(headers).flat().includes(value),
        `${name}: ${value} travelled under another name`,
      );
    }
    assert.doesNotMatch(String(headers.connection), /x-named/);
  });

  it("what is the provider's travels unchanged", async () => {
    await ask(travels);
    const { headers } = await bench.upstream.next();
    for (const [name, value] of Object.entries(travels)) assert.equal(headers[name], value, name);
  });

  it("a header that came twice arrives with both values", async () => {
    bench.upstream.reset();
    await send(bench.gateway.url, `${mockPath}/echo`, {
      headers: { "anthropic-beta": ["a", "b"] },
    });
    assert.equal((await bench.upstream.next()).headers["anthropic-beta"], "a, b");
  });

  it("the provider sees its own host, and nothing that the gateway made up", async () => {
    await ask({ "x-api-key": "k", "user-agent": "Test/1.0" }, "GET");
    const { headers } = await bench.upstream.next();
    assert.equal(headers.host, `127.0.0.1:${bench.upstream.port}`);
    const expected = [
      ...["host", "connection", "x-api-key", "user-agent", "accept", "accept-encoding"],
      ...["accept-language", "sec-fetch-mode", "content-length", "transfer-encoding"],
    ];
    const extra = Object.keys(headers).filter((name) => !expected.includes(name));
    assert.deepEqual(extra, []);
  });

  it("an answer says which request it was, and who answered", async () => {
    const first = await ask({});
    const second = await ask({});
    for (const answer of [first, second]) {
      assert.match(String(answer.headers["cf-aig-request-id"]), uuid7);
      assert.ok(String(answer.headers["cf-aig-event-id"]).length > 8);
      assert.equal(answer.headers["cf-aig-step"], "0");
      assert.equal(answer.headers["cf-aig-provider"], "custom-mock");
      assert.match(String(answer.headers["server-timing"]), /\bgateway;dur=\d+(\.\d+)?/);
      assert.match(String(answer.headers["server-timing"]), /\bupstream;dur=\d+(\.\d+)?/);
    }
    assert.notEqual(first.headers["cf-aig-request-id"], second.headers["cf-aig-request-id"]);
  });

  it("the event id that the client sent comes back", async () => {
    const answer = await ask({ "cf-aig-event-id": "my-event-42" });
    assert.equal(answer.headers["cf-aig-event-id"], "my-event-42");
    assert.equal((await bench.upstream.next()).headers["cf-aig-event-id"], undefined);
  });

  it("a provider cannot speak for the gateway", async () => {
    bench.upstream.reset();
    bench.upstream.handle((_req, res) => {
      res.writeHead(200, {
        "cf-aig-request-id": "forged",
        "cf-aig-step": "9",
        "cf-aig-provider": "forged",
      }).end();
    });
    const { headers } = await send(bench.gateway.url, `${mockPath}/x`);
    assert.match(String(headers["cf-aig-request-id"]), uuid7);
    assert.equal(headers["cf-aig-step"], "0");
    assert.equal(headers["cf-aig-provider"], "custom-mock");
  });

  it("the provider's own headers reach the client", async () => {
    bench.upstream.reset();
    const own = {
      "content-type": "application/json; charset=utf-8",
      "x-request-id": "req_1",
      "request-id": "req_2",
      "openai-processing-ms": "12",
      "anthropic-ratelimit-requests-remaining": "3",
      "x-ratelimit-reset-requests": "1s",
      "x-amzn-requestid": "aws",
      "cache-control": "no-store",
    };
    bench.upstream.handle((_req, res) => res.writeHead(200, own).end("{}"));
    const { headers } = await send(bench.gateway.url, `${mockPath}/x`);
    for (const [name, value] of Object.entries(own)) assert.equal(headers[name], value, name);
  });

  it("hop-by-hop headers of the provider stay there", async () => {
    bench.upstream.reset();
    bench.upstream.handle((_req, res) => {
      res.writeHead(200, {
        connection: "keep-alive, x-hop",
        "x-hop": "1",
        "proxy-authenticate": "Basic",
        "x-end": "1",
      }).end("{}");
    });
    const { headers } = await send(bench.gateway.url, `${mockPath}/x`);
    assert.equal(headers["x-hop"], undefined);
    assert.equal(headers["proxy-authenticate"], undefined);
    assert.equal(headers["x-end"], "1");
  });

  it("a page of another origin may ask first", async () => {
    bench.upstream.reset();
    const answer = await send(bench.gateway.url, `${mockPath}/chat/completions`, {
      method: "OPTIONS",
      headers: {
        origin: "https://app.example",
        "access-control-request-method": "POST",
        "access-control-request-headers":
          "authorization,content-type,cf-aig-metadata,x-stainless-os",
      },
    });
    assert.equal(answer.status, 204);
    assert.match(
      String(answer.headers["access-control-allow-origin"]),
      /^(\*|https:\/\/app\.example)$/,
    );
    assert.match(String(answer.headers["access-control-allow-methods"]), /POST/);
    const allowed = String(answer.headers["access-control-allow-headers"]).toLowerCase();
    for (const name of ["authorization", "content-type", "cf-aig-metadata", "x-stainless-os"]) {
      assert.ok(allowed.includes(name), `${name} is not in "${allowed}"`);
    }
    assert.equal(bench.upstream.requests.length, 0);
  });

  for (const path of [`${mockPath}/chat`, "/v1/acc/default/nope/x"]) {
    it(`a page of another origin may read the answer of ${path}`, async () => {
      bench.upstream.reset();
      bench.upstream.handle((_req, res) => {
        // The provider's own opinion must not lock the page out.
        res.writeHead(200, { "access-control-allow-origin": "https://provider.example" }).end("{}");
      });
      const { headers } = await send(bench.gateway.url, path, {
        method: "POST",
        headers: { origin: "https://app.example" },
      });
      assert.match(String(headers["access-control-allow-origin"]), /^(\*|https:\/\/app\.example)$/);
      const exposed = String(headers["access-control-expose-headers"]).toLowerCase();
      if (exposed !== "*") {
        for (
          const name of ["request-id", "event-id", "step", "provider", "cache-status", "log-id"]
        ) {
          assert.ok(exposed.includes(`cf-aig-${name}`), `cf-aig-${name} is not in "${exposed}"`);
        }
      }
    });
  }
});
