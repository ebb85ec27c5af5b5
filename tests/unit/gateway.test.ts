import { strict as assert } from "node:assert";
import { describe, it } from "node:test";
import { createGateway, type GatewayOptions, version } from "../../mod.ts";
import { errorOf, recording } from "./upstream.ts";

describe("routes", () => {
  const { ask } = recording({ account: "acc", gateways: { team: {} } });

  it("answers /health", async () => {
    const { response } = await ask("http://g.test/health");
    const body = await response.json() as Record<string, string>;
    assert.equal(response.status, 200);
    assert.equal(body["status"], "ok");
    assert.equal(body["version"], version);
    assert.match(body["runtime"]!, /^(node|bun|deno|workers)$/);
  });

  const failures: [what: string, url: string, status: number, code: number, message: RegExp][] = [
    ["provider", "/v1/acc/default/opnai/x", 400, 2008, /'opnai'; did you mean 'openai'/],
    ["provider without gateway", "/opnai/x", 400, 2008, /did you mean 'openai'/],
    ["gateway", "/v1/acc/taem/openai/x", 400, 2001, /'taem' is configured; did you mean 'team'/],
    ["account", "/v1/other/team/openai/x", 400, 2001, /'other'/],
    ["route", "/nothing/here", 404, 8001, /\/v1\/\{account\}\/\{gateway\}\/\{provider\}/],
    ["route at the root", "/", 404, 8001, /No route '\/'/],
    ["half a native path", "/v1/acc", 404, 8001, /No route/],
    ["dashboard without an admin", "/dashboard/", 404, 8001, /No route/],
    ["method of the universal endpoint", "/v1/acc/team", 405, 8011, /takes a POST/],
    [
      "management API without an admin",
      "/client/v4/accounts/acc/ai-gateway/gateways",
      404,
      8001,
      /SLUICE_ADMIN_TOKEN/,
    ],
  ];
  for (const [what, url, status, code, message] of failures) {
    it(`tells of an unknown or unserved ${what}: ${url}`, async () => {
      const { response, sent } = await ask(`http://g.test${url}`);
      const error = await errorOf(response);
      assert.equal(sent, undefined);
      assert.equal(error.status, status);
      assert.equal(error.code, code);
      assert.match(error.message, message);
    });
  }
});

describe("answers", () => {
  it("have the gateway's headers beside the provider's", async () => {
    const { ask } = recording(
      {},
      () =>
        new Response("x", {
          status: 418,
          headers: { "x-request-id": "r", "server-timing": "up;dur=1" },
        }),
    );
    const { response } = await ask("/openai/chat/completions", {
      method: "POST",
      body: '{"messages":[{"model":"no"}],"model":"gpt-4o-mini"}',
      headers: { "cf-aig-event-id": "mine" },
    });
    const { headers } = response;
    assert.equal(response.status, 418);
    assert.equal(headers.get("x-request-id"), "r");
    assert.match(
      headers.get("cf-aig-request-id")!,
      /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/,
    );
    assert.equal(headers.get("cf-aig-event-id"), "mine");
    assert.equal(headers.get("cf-aig-step"), "0");
    assert.equal(headers.get("cf-aig-provider"), "openai");
    assert.equal(headers.get("cf-aig-model"), "gpt-4o-mini");
    assert.match(
      headers.get("server-timing")!,
      /^up;dur=1, gateway;dur=[\d.]+, upstream;dur=[\d.]+$/,
    );
  });

  it("are no pages of the gateway's own, whatever the provider says", async () => {
    const of = async (type: string | undefined) => {
      const { ask } = recording({}, () =>
        new Response(new TextEncoder().encode("<script>"), {
          headers: { ...type !== undefined && { "content-type": type } },
        }));
      const { headers } = (await ask("/openai/page")).response;
      const policy = headers.get("content-security-policy");
      assert.equal(headers.get("x-content-type-options"), policy === null ? null : "nosniff");
      return policy;
    };
    const pages = ["text/html", "image/svg+xml", "application/xml", "*/*", undefined];
    for (const type of [...pages, "application/json, text/html"]) {
      assert.equal(await of(type), "sandbox", type);
    }
    for (const type of ["application/json; charset=utf-8", "text/event-stream", "audio/mpeg"]) {
      assert.equal(await of(type), null, type);
    }
  });

  it("name the model of providers that take it from the path", async () => {
    const { ask } = recording();
    const model = async (path: string) => (await ask(path)).response.headers.get("cf-aig-model");
    assert.equal(
      await model("/google/v1beta/models/gemini-2.5-pro:generateContent"),
      "gemini-2.5-pro",
    );
    assert.equal(
      await model("/bedrock/bedrock-runtime/us-east-1/model/us.amazon.nova-lite-v1%3A0/converse"),
      "us.amazon.nova-lite-v1:0",
    );
    assert.equal(await model("/workers-ai/@cf/meta/llama-3"), "@cf/meta/llama-3");
  });

  it("lose what would act on the gateway's own origin", async () => {
    const { ask } = recording({}, () =>
      new Response("x", {
        headers: {
          "set-cookie": "a=b",
          "strict-transport-security": "x",
          "x-accel-redirect": "/etc",
        },
      }));
    const { headers } = (await ask("/openai/x")).response;
    for (const name of ["set-cookie", "strict-transport-security", "x-accel-redirect"]) {
      assert.equal(headers.get(name), null, name);
    }
  });

  it("lose what only the gateway says", async () => {
    const own = ["cf-aig-cache-status", "cf-aig-log-id", "cf-aig-model", "x-sluice-dropped"];
    const { ask } = recording(
      {},
      () =>
        new Response("x", { headers: Object.fromEntries(own.map((name) => [name, "made-up"])) }),
    );
    const { headers } = (await ask("/openai/x")).response;
    for (const name of own) assert.equal(headers.get(name), null, name);
    assert.equal(headers.get("cf-aig-provider"), "openai");
  });

  it("are 502 with code 2005 when the provider cannot be reached, without the URL", async () => {
    const broken = () => {
      throw Object.assign(new TypeError("connect to https://x/?key=secret"), {
        code: "ECONNREFUSED",
      });
    };
    const error = await errorOf((await recording({}, broken).ask("/openai/x?key=secret")).response);
    assert.deepEqual([error.status, error.code], [502, 2005]);
    assert.match(error.message, /'openai' \(ECONNREFUSED\)/);
    assert.doesNotMatch(error.message, /secret/);
    const strict = recording({ gateways: { default: { errors: "strict" } } }, broken);
    assert.equal((await strict.ask("/openai/x")).response.status, 400);
  });

  it("are 500 without the cause when a plugin breaks, and the operator gets the cause", async () => {
    const { ask, reports } = recording({
      plugins: [() => {
        throw new Error("secret");
      }],
    });
    const { response } = await ask("/openai/x");
    const text = await response.text();
    assert.equal(response.status, 500);
    assert.doesNotMatch(text, /secret/);
    assert.equal(reports.length, 1);
  });
});

describe("requests", () => {
  it("lose the gateway's, the proxy's and the browser's headers and keep the provider's", async () => {
    const dropped = [
      "cf-aig-metadata",
      "cf-connecting-ip",
      "cf-cache-ttl",
      "cookie",
      "forwarded",
      "via",
      "origin",
      "x-forwarded-for",
      "x-real-ip",
      "x-sluice-anything",
      "sec-fetch-mode",
      "proxy-authorization",
      "te",
      "upgrade",
      "x-hop",
    ];
    const kept = [
      "authorization",
      "anthropic-beta",
      "openai-organization",
      "x-stainless-lang",
      "idempotency-key",
    ];
    const incoming = new Map([...dropped, ...kept].map((name) => [name, "v"]));
    // The platform's `Request` forbids some of these; a server's does not.
    const request = new Request("http://g.test/v1/a/default/openai/x");
    const headers = new Headers();
    Object.defineProperty(headers, "forEach", {
      value: (f: (value: string, name: string) => void) => incoming.forEach((v, n) => f(v, n)),
    });
    Object.defineProperty(headers, "get", {
      value: (name: string) => name === "connection" ? "close, x-hop" : incoming.get(name) ?? null,
    });
    Object.defineProperty(request, "headers", { value: headers });
    const { gateway, sent } = recording();
    await gateway.fetch(request);
    assert.deepEqual(Object.keys(sent[0]!.headers).sort(), ["accept-encoding", ...kept].sort());
  });

  it("over a limit are refused", async () => {
    const { ask } = recording({ limits: { body_bytes: 10, header_bytes: 300, url_bytes: 100 } });
    const codes = [
      await ask("/openai/x", { method: "POST", body: "x".repeat(11) }),
      await ask("/openai/x", { headers: { big: "x".repeat(300) } }),
      await ask(`/openai/${"x".repeat(100)}`),
    ].map(({ response, sent }) => [response.status, sent]);
    assert.deepEqual(codes, [[413, undefined], [431, undefined], [414, undefined]]);
  });

  for (const declared of [true, false]) {
    it(`over the limit are refused where a signature reads them, ${declared ? "" : "not "}declared`, async () => {
      const { ask } = recording({
        open: true,
        limits: { body_bytes: 1000 },
        keys: { bedrock: { default: { value: { accessKeyId: "a", secretAccessKey: "b" } } } },
      });
      const body = declared ? "x".repeat(2000) : new Blob(["x".repeat(2000)]).stream();
      const path = "/bedrock/bedrock-runtime/us-east-1/model/m/converse";
      const init = { method: "POST", body, duplex: "half" } as RequestInit;
      const { response, sent } = await ask(path, init);
      assert.equal(sent, undefined);
      assert.equal((await errorOf(response)).status, 413);
    });
  }

  it("with a name of 16 KB are answered without measuring it against every provider", async () => {
    const { response } = await recording().ask(`/${"a".repeat(15_000)}/x`);
    const { status, message } = await errorOf(response);
    assert.equal(status, 400);
    assert.ok(message.length < 600);
  });

  it("with a stored key that cannot travel are 500, without the key", async () => {
    const credential = { accessKeyId: "a", secretAccessKey: "b", sessionToken: "secret\u4f60" };
    const { ask, reports } = recording({
      open: true,
      keys: { bedrock: { default: { value: credential } } },
    });
    const { response } = await ask("/bedrock/bedrock-runtime/us-east-1/model/m/converse");
    const { status, message } = await errorOf(response);
    assert.equal(status, 500);
    assert.doesNotMatch(message + reports.join(), /secret/);
  });

  it("get headers that the provider's configuration adds, unless they bring them", async () => {
    const { ask } = recording({ providers: { openai: { headers: { "X-Team": "a" } } } });
    assert.equal((await ask("/openai/x")).sent?.headers["x-team"], "a");
    const own = await ask("/openai/x", { headers: { "x-team": "b" } });
    assert.equal(own.sent?.headers["x-team"], "b");
  });
});

describe("pages of other origins", () => {
  const page = "https://chat.example";
  const preflight = {
    method: "OPTIONS",
    headers: {
      origin: page,
      "access-control-request-method": "POST",
      "access-control-request-headers": "authorization,x-stainless-os",
    },
  };

  it("get their preflight answered, with the headers that they asked for", async () => {
    const { response, sent } = await recording().ask("/openai/chat/completions", preflight);
    assert.equal(response.status, 204);
    assert.equal(sent, undefined);
    assert.equal(response.headers.get("access-control-allow-origin"), page);
    assert.equal(
      response.headers.get("access-control-allow-headers"),
      "authorization,x-stainless-os",
    );
  });

  it("can read answers, errors and the gateway's headers", async () => {
    const { ask } = recording(
      {},
      () =>
        new Response("x", { headers: { "access-control-allow-origin": "https://other.example" } }),
    );
    for (const path of ["/openai/x", "/nope/x"]) {
      const { headers } = (await ask(path, { headers: { origin: page } })).response;
      assert.equal(headers.get("access-control-allow-origin"), page);
      assert.match(headers.get("access-control-expose-headers")!, /cf-aig-request-id/);
    }
  });

  it("are shut out when they are not listed", async () => {
    const { ask } = recording({ cors: { origins: ["https://mine.example"] } });
    assert.equal(
      (await ask("/openai/x", preflight)).response.headers.get("access-control-allow-origin"),
      null,
    );
  });

  const from = (origin: string) => ({ headers: { origin } });

  it("are lent no stored key, unless listed", async () => {
    const keys = { openai: { default: { value: "sk" } } };
    const lent = async (options: GatewayOptions, headers: Record<string, string>) =>
      (await recording({ open: true, keys, ...options }).ask("/openai/x", { headers }))
        .sent?.headers["authorization"];
    const listed = { cors: { origins: [page] } };
    assert.equal(await lent({}, {}), "Bearer sk");
    assert.equal(await lent({}, { origin: "http://localhost:3000" }), "Bearer sk");
    assert.equal(await lent(listed, { origin: page }), "Bearer sk");
    assert.equal(await lent({}, { origin: page }), undefined);
    assert.equal(await lent({}, { origin: "null" }), undefined);
    assert.equal(await lent(listed, { origin: "https://evil.example" }), undefined);
    assert.equal(await lent({}, { "sec-fetch-site": "cross-site" }), undefined);
  });

  describe("whose own name was made to point to this machine", () => {
    const admin = { loopback: true };
    const rebound = { host: "evil.example:8787", "sec-fetch-site": "same-origin" };
    const keys = { openai: { default: { value: "sk" } } };
    const lent = async (options: GatewayOptions, headers: Record<string, string>) => {
      const { ask, reports } = recording({ open: true, keys, admin, ...options });
      const { sent } = await ask("/openai/models", { headers });
      return { key: sent?.headers["authorization"], reports };
    };

    it("are lent no stored key, and the operator is told what to do if the name is theirs", async () => {
      const { key, reports } = await lent({}, rebound);
      assert.equal(key, undefined);
      assert.equal(reports.length, 1);
      assert.match(reports[0]!, /'evil\.example:8787'.*'hosts'/s);
      for (const host of ["127.0.0.1.evil.example", "10.0.0.7:8787", "localhost.evil.example"]) {
        assert.equal((await lent({}, { host })).key, undefined, host);
      }
      for (const host of ["localhost:8787", "LOCALHOST", "127.0.0.1:8787", "[::1]:8787"]) {
        assert.equal((await lent({}, { host })).key, "Bearer sk", host);
      }
    });

    it("are others where the name is listed, or others can connect anyway", async () => {
      assert.equal((await lent({ hosts: ["Evil.example"] }, rebound)).key, "Bearer sk");
      assert.equal((await lent({ hosts: ["evil.example:8787"] }, rebound)).key, "Bearer sk");
      assert.equal((await lent({ hosts: ["evil.example:1"] }, rebound)).key, undefined);
      assert.equal((await lent({ hosts: ["example"] }, rebound)).key, undefined);
      assert.equal((await lent({ admin: {} }, rebound)).key, "Bearer sk");
      assert.throws(() => createGateway({ hosts: ["https://x.example"] }), /hosts\.0.*host name/s);
    });

    it("do not reach model servers on the machine", async () => {
      const { response, sent } = await recording({ admin }).ask("/ollama/api/tags", {
        headers: rebound,
      });
      assert.equal(sent, undefined);
      const error = await errorOf(response);
      assert.deepEqual([error.status, error.code], [403, 8008]);
      assert.match(error.message, /'hosts'/);
    });
  });

  it("do not reach model servers on the operator's machine, unless listed", async () => {
    const closed = await recording().ask("/ollama/api/tags", from(page));
    assert.equal(closed.response.status, 403);
    assert.equal(closed.sent, undefined);
    const own = await recording().ask("/ollama/api/tags", from("http://localhost:3000"));
    assert.equal(own.response.status, 200);
    const listed = await recording({ cors: { origins: [page] } }).ask(
      "/ollama/api/tags",
      from(page),
    );
    assert.equal(listed.response.status, 200);
    const other = recording({ cors: { origins: ["https://other.example"] } });
    assert.equal((await other.ask("/ollama/api/tags", from(page))).response.status, 403);
  });
});

describe("createGateway", () => {
  it("works as the default export of a Worker, whose second argument is the environment", async () => {
    const { fetch } = createGateway({ fetch: () => Promise.resolve(new Response("ok")) });
    const waited: unknown[] = [];
    const execution = { waitUntil: (work: Promise<unknown>) => waited.push(work) };
    const response = await fetch(
      new Request("http://g.test/v1/a/default/openai/x"),
      { VAR: "1" },
      execution,
    );
    assert.equal(await response.text(), "ok");
  });
});
