import { strict as assert } from "node:assert";
import { describe, it } from "node:test";
import { createGateway, type GatewayOptions } from "../../mod.ts";
import { managed, problem, token } from "./manage.ts";
import { errorOf, recording } from "./upstream.ts";

const path = "/client/v4/accounts/acc/ai-gateway/gateways/default/logs";

/** Asks a gateway as somebody who sends nothing but these headers. */
function asking(options: GatewayOptions) {
  const gateway = createGateway({ report: () => {}, ...options });
  return (headers: Record<string, string> = {}, at = path, method = "GET") =>
    gateway.fetch(new Request(`http://localhost:8787${at}`, { method, headers }), {
      ip: "1.2.3.4",
    });
}

describe("management is off", () => {
  for (const admin of [undefined, {}, { token: "" }, { token: " " }, { loopback: false }]) {
    it(`with admin ${JSON.stringify(admin)}: 404 as for any path that is not there`, async () => {
      const ask = asking(admin === undefined ? {} : { admin });
      for (const at of [path, "/metrics"]) {
        const error = await errorOf(await ask({ authorization: "Bearer x" }, at));
        assert.deepEqual([error.status, error.code], [404, 8001]);
        assert.match(error.message, /SLUICE_ADMIN_TOKEN/);
      }
    });
  }
});

describe("management by token", () => {
  it("lets the token in, as bearer token and as Cloudflare's API key", async () => {
    const ask = asking({ admin: { token } });
    for (
      const headers of [
        { authorization: `Bearer ${token}` },
        { authorization: `bearer  ${token} ` },
        { "x-auth-key": token, "x-auth-email": "a@b.test" },
      ] as Record<string, string>[]
    ) {
      assert.equal((await ask(headers)).status, 200, Object.keys(headers).join());
      assert.equal((await ask(headers, "/metrics")).status, 200);
    }
  });

  it("answers 401 with code 10000 for every other", async () => {
    for (
      const headers of [
        {},
        { authorization: "Bearer wrong" },
        { authorization: `Bearer ${token}x` },
        { authorization: `Bearer ${token.slice(0, -1)}` },
        { authorization: `Basic ${token}` },
        { authorization: token },
        { "cf-aig-authorization": `Bearer ${token}` },
        { cookie: `authorization=Bearer ${token}` },
      ] as Record<string, string>[]
    ) {
      const response = await asking({ admin: { token, loopback: true } })(headers);
      const [status, code, message] = problem({
        status: response.status,
        headers: response.headers,
        body: await response.json(),
      });
      assert.deepEqual([status, code], [401, 10000]);
      assert.match(message, /^Authentication error/);
      assert.equal(response.headers.get("www-authenticate"), "Bearer");
    }
  });

  it("slows down whoever guesses, and never the one with the token", async () => {
    let now = 1_000_000;
    const ask = asking({ admin: { token }, now: () => now });
    const guess = (headers = { authorization: "Bearer guess" }) => ask(headers);
    for (let i = 0; i < 10; i++) assert.equal((await guess()).status, 401);
    const late = await guess();
    assert.equal(late.status, 429);
    assert.equal(late.headers.get("retry-after"), "60");
    assert.equal((await guess({ authorization: `Bearer ${token}` })).status, 200);
    assert.equal((await guess()).status, 429);
    const page = await (await ask({ authorization: `Bearer ${token}` }, "/metrics")).text();
    assert.match(page, /^sluice_admin_refused_total 12$/m);
    now += 60_000;
    assert.equal((await guess()).status, 401);
  });

  it("takes all addresses of an IPv6 network for one client", async () => {
    const gateway = createGateway({ admin: { token }, report: () => {} });
    const guess = async (ip: string) =>
      (await gateway.fetch(
        new Request(`http://localhost:8787${path}`, { headers: { authorization: "Bearer guess" } }),
        { ip },
      )).status;
    for (let i = 0; i < 10; i++) assert.equal(await guess(`2001:db8:1:2::${i}`), 401);
    assert.equal(await guess("2001:db8:1:2:3:4:5:6"), 429);
    assert.equal(await guess("2001:db8:1:3::1"), 401);
  });

  it("bounds the requests of whoever has the token, for some seconds", async () => {
    let now = 1_000_000;
    for (const admin of [{ token }, { loopback: true }]) {
      const ask = asking({ admin, now: () => now });
      const own = { authorization: `Bearer ${token}`, host: "localhost" };
      for (let i = 0; i < 2000; i++) assert.equal((await ask(own, "/metrics")).status, 200);
      const late = await ask(own);
      const [status, code] = problem({ ...late, status: late.status, body: await late.json() });
      assert.deepEqual([status, code], [429, 971]);
      assert.equal(late.headers.get("retry-after"), "10");
      // Whoever is not let in takes nothing from whoever is.
      assert.notEqual((await ask({ host: "evil.example" })).status, 429);
      now += 10_000;
      assert.equal((await ask(own)).status, 200);
    }
  });

  it("warns of a token that can be guessed", () => {
    const reports: string[] = [];
    createGateway({ admin: { token: "short" }, report: (message) => reports.push(message) });
    createGateway({ admin: { token }, report: (message) => reports.push(message) });
    assert.equal(reports.length, 1);
    assert.match(reports[0]!, /shorter than 16 characters/);
    assert.ok(!reports[0]!.includes("'short'"));
  });
});

describe("management by the machine itself", () => {
  const ask = asking({ admin: { loopback: true }, cors: { origins: ["https://listed.test"] } });
  const own: Record<string, string>[] = [
    { host: "localhost:8787" },
    { host: "LocalHost" },
    { host: "127.0.0.1:8787" },
    { host: "127.1.2.3" },
    { host: "[::1]:8787" },
    { host: "localhost:8787", origin: "http://localhost:8787", "sec-fetch-site": "same-origin" },
    { host: "localhost:8787", "sec-fetch-site": "none" },
  ];
  for (const headers of own) {
    it(`lets in ${JSON.stringify(headers)}`, async () => {
      const response = await ask(headers);
      assert.equal(response.status, 200, await response.text());
      assert.equal((await ask(headers, "/metrics")).status, 200);
    });
  }

  const strange: Record<string, string>[] = [
    { host: "gateway.test" },
    { host: "localhost.evil.test" },
    { host: "127.0.0.1.evil.test:8787" },
    { host: "10.0.0.1:8787" },
    { host: "localhost:8787", origin: "https://evil.test" },
    { host: "localhost:8787", origin: "https://listed.test" },
    { host: "localhost:8787", origin: "http://localhost:3000" },
    { host: "localhost:8787", origin: "null" },
    { host: "localhost:8787", "sec-fetch-site": "cross-site" },
    { host: "localhost:8787", "sec-fetch-site": "same-site" },
    { host: "localhost:8787", "x-forwarded-for": "1.2.3.4" },
    { host: "localhost:8787", "x-forwarded-host": "gateway.example.com" },
    { host: "localhost:8787", "cf-connecting-ip": "1.2.3.4" },
    { host: "localhost:8787", "via": "1.1 proxy" },
    { host: "localhost:8787", "forwarded": "for=1.2.3.4" },
    { host: "localhost:8787", "x-real-ip": "1.2.3.4" },
  ];
  for (const headers of strange) {
    it(`refuses ${JSON.stringify(headers)}`, async () => {
      for (const at of [path, "/metrics"]) {
        const response = await ask(headers, at);
        assert.equal(response.status, 403);
        const { errors } = await response.json() as { errors: { code: number; message: string }[] };
        assert.equal(errors[0]!.code, 8008);
        assert.match(errors[0]!.message, /SLUICE_ADMIN_TOKEN/);
      }
    });
  }

  it("lets no page in when the configuration opens the gateway to all pages", async () => {
    const open = asking({ admin: { loopback: true }, cors: { origins: "*" } });
    assert.equal((await open({ host: "localhost", origin: "https://evil.test" })).status, 403);
  });
});

describe("pages and the management API", () => {
  const headers = { authorization: `Bearer ${token}`, origin: "https://page.test" };
  const asked = { ...headers, "access-control-request-method": "DELETE" };

  it("have nothing of each other unless the page's origin is listed", async () => {
    for (const cors of [undefined, { origins: "*" as const }]) {
      const ask = asking({ admin: { token }, ...cors && { cors } });
      for (const at of [path, "/metrics"]) {
        const { status, headers: got } = await ask(headers, at);
        assert.equal(status, 200);
        assert.equal(got.get("access-control-allow-origin"), null);
        const preflight = await ask(asked, at, "OPTIONS");
        assert.equal(preflight.headers.get("access-control-allow-origin"), null);
      }
      // What every page may do stays as it was.
      const other = await ask(asked, "/v1/acc/default/openai/models", "OPTIONS");
      assert.equal(other.headers.get("access-control-allow-origin"), "https://page.test");
    }
    const listed = asking({ admin: { token }, cors: { origins: ["https://page.test"] } });
    for (const answer of [await listed(headers), await listed(asked, path, "OPTIONS")]) {
      assert.equal(answer.headers.get("access-control-allow-origin"), "https://page.test");
    }
  });
});

describe("management requests", () => {
  const { call, gateway } = managed({ gateways: { team: {} } });

  it("are answered with the envelope, never kept by a browser", async () => {
    const { status, headers, body } = await call("GET", "gateways/default/logs");
    assert.equal(status, 200);
    assert.match(headers.get("content-type")!, /^application\/json\b/);
    assert.equal(headers.get("cache-control"), "no-store");
    assert.equal(headers.get("x-content-type-options"), "nosniff");
    assert.deepEqual(body, {
      success: true,
      result: [],
      errors: [],
      messages: [],
      result_info: { page: 1, per_page: 20, count: 0, total_count: 0 },
    });
  });

  const failures: [method: string, path: string, status: number, code: number, message: RegExp][] =
    [
      ["GET", "nothing", 404, 7002, /^Not Found: no path 'nothing'/],
      ["GET", "", 404, 7002, /^Not Found/],
      ["GET", "gateways/default/logs/x/y", 404, 7002, /^Not Found/],
      ["GET", "gateways/default//logs", 404, 7002, /^Not Found/],
      ["GET", "gateways/taem/logs", 404, 7002, /no gateway 'taem'; did you mean 'team'/],
      ["GET", "gateways/__proto__/logs", 404, 7002, /no gateway/],
      ["GET", "gateways/%ff/logs", 404, 7002, /^Not Found/],
      ["PUT", "gateways/default/logs", 405, 10405, /allowed: GET, DELETE/],
      ["DELETE", "gateways", 405, 10405, /allowed: GET, POST/],
      ["GET", "gateways/none", 404, 7002, /no gateway 'none'/],
      ["GET", "gateways/default/url/opnai", 400, 7001, /did you mean 'openai'/],
      ["POST", "gateways/default/routes", 501, 8010, /not served/],
      ["GET", "custom-providers/none", 404, 1004, /^Not Found: no such custom provider/],
      ["GET", "custom-providers/costs/none", 404, 7002, /no such cost/],
      ["GET", "prices/none", 404, 7002, /no such price/],
      ["GET", "billing/credit-balance", 501, 8010, /nothing to bill/],
      ["GET", "gateways/default/policies", 501, 8010, /rate_limits/],
      ["POST", "gateways/default/policies/simulate", 501, 8010, /rate_limits/],
      ["GET", "gateways/default/custom-domains/x.example", 501, 8010, /any name/],
      ["GET", "gateways/default/logs/none", 404, 7002, /no such log/],
      ["GET", "gateways/default/logs/none/request", 404, 7002, /no request body/],
      ["GET", "gateways/default/virtual_keys/none", 404, 7002, /no such virtual key/],
    ];
  for (const [method, path, status, code, message] of failures) {
    it(`${method} ${path || "(nothing)"} is ${status}`, async () => {
      const answer = await call(method, path);
      const [gotStatus, gotCode, text] = problem(answer);
      assert.deepEqual([gotStatus, gotCode], [status, code]);
      assert.match(text, message);
      if (path.endsWith("/logs") && status === 405) {
        assert.equal(answer.headers.get("allow"), "GET, DELETE");
      }
    });
  }

  it("may end in a slash, have encoded segments, and be HEAD", async () => {
    assert.equal((await call("GET", "gateways/default/logs/")).status, 200);
    assert.equal((await call("GET", "gateways/%64efault/logs")).status, 200);
    const head = await call("HEAD", "gateways/default/logs");
    assert.deepEqual([head.status, head.body], [200, ""]);
  });

  it("find no other account than the configured one", async () => {
    const { call } = managed({ account: "mine" });
    assert.deepEqual(problem(await call("GET", "gateways/default/logs")).slice(0, 2), [404, 7002]);
    const at = "http://localhost/client/v4/accounts/mine/ai-gateway/gateways/default/logs";
    const headers = { authorization: `Bearer ${token}` };
    const { gateway } = managed({ account: "mine" });
    assert.equal((await gateway.fetch(new Request(at, { headers }))).status, 200);
  });

  it("must say that their body is JSON", async () => {
    const types = ["text/plain", "application/x-www-form-urlencoded", "application/jsonx", ""];
    for (const type of types) {
      const answer = await call("POST", "gateways/default/virtual_keys", {
        body: '{"name":"x"}',
        headers: { "content-type": type },
      });
      assert.deepEqual(problem(answer).slice(0, 2), [415, 7001], type);
    }
    for (const type of ["application/json", "application/json; charset=utf-8"]) {
      const answer = await call("POST", "gateways/default/virtual_keys", {
        body: { name: "x" },
        headers: { "content-type": type },
      });
      assert.equal(answer.status, 200, type);
    }
  });

  it("have bodies of bounded size that are JSON objects", async () => {
    const post = (body: string) => call("POST", "gateways/default/virtual_keys", { body });
    assert.deepEqual(problem(await post("{nope")).slice(0, 2), [400, 7001]);
    assert.deepEqual(problem(await post("")).slice(0, 2), [400, 7001]);
    for (const body of ["[]", "null", "1", '"x"']) {
      assert.match(problem(await post(body))[2], /must be a JSON object/, body);
    }
    assert.equal(problem(await post("[".repeat(500_000)))[0], 400);
    const long = `{"name":"${"x".repeat(1024 * 1024)}"}`;
    assert.deepEqual(problem(await post(long)).slice(0, 2), [413, 7001]);
    const streamed = await gateway.fetch(
      new Request(
        "http://localhost/client/v4/accounts/a/ai-gateway/gateways/default/virtual_keys",
        {
          method: "POST",
          headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
          body: new Blob([long]).stream(),
          duplex: "half",
        } as RequestInit,
      ),
    );
    assert.equal(streamed.status, 413);
  });

  it("say so when the store is away, and when the gateway is at fault, without the cause", async () => {
    const broken = () => Promise.reject(new Error("password=hunter2"));
    const away = { driver: "away", close: () => Promise.resolve() };
    const members = ["append", "list", "count", "extremes", "get", "payload", "patch", "delete"];
    const logs = Object.assign(away, Object.fromEntries(members.map((name) => [name, broken])));
    const { call } = managed({ stores: { logs: logs as never } });
    const answer = await call("GET", "gateways/default/logs");
    const [status, code, message] = problem(answer);
    assert.deepEqual([status, code], [503, 8017]);
    assert.match(message, /store of logs \(away\)/);
    assert.ok(!message.includes("hunter2"));
    assert.equal(answer.headers.get("retry-after"), "1");

    const defect = managed({ stores: { logs: { ...logs, driver: "memory" } as never } });
    const [fault, , text] = problem(await defect.call("GET", "gateways/default/logs"));
    assert.equal(fault, 500);
    assert.ok(!text.includes("hunter2"));
    assert.deepEqual(defect.reports, ["A management request failed inside the gateway"]);
  });
});

describe("/metrics", () => {
  it("has figures of requests and the health of stores", async () => {
    const { logged, gateway } = managed();
    await logged();
    const response = await gateway.fetch(
      new Request("http://localhost/metrics", { headers: { authorization: `Bearer ${token}` } }),
    );
    assert.equal(response.headers.get("content-type"), "text/plain; version=0.0.4; charset=utf-8");
    const page = await response.text();
    for (const store of ["keys", "cache", "counters", "logs"]) {
      assert.ok(page.includes(`\nsluice_store_up{store="${store}",driver="memory"} 1\n`), page);
    }
    assert.match(page, /^# TYPE sluice_store_failures_total counter$/m);
    assert.match(page, /^sluice_store_last_ms\{store="logs",driver="memory"\} [\d.]+$/m);
    for (const line of page.trimEnd().split("\n")) {
      assert.match(
        line,
        /^(?:# (?:HELP|TYPE) sluice_\w+ .+|sluice_\w+(?:\{[^}]*\})? -?[\d.e+-]+)$/,
      );
    }
    const names = [...page.matchAll(/^# TYPE (\S+)/gm)].map(([, name]) => name);
    assert.equal(new Set(names).size, names.length);
  });

  it("is for reading", async () => {
    const { gateway } = managed();
    const ask = (method: string) =>
      gateway.fetch(
        new Request("http://localhost/metrics", {
          method,
          headers: { authorization: `Bearer ${token}` },
        }),
      );
    assert.equal((await ask("POST")).status, 405);
    assert.equal((await ask("HEAD")).status, 200);
  });
});

describe("other paths", () => {
  it("are what they were", async () => {
    const { ask } = recording({ admin: { token } });
    assert.equal((await ask("http://g.test/client/v4/zones")).response.status, 501);
    assert.equal((await ask("http://g.test/health")).response.status, 200);
  });
});
