import { strict as assert } from "node:assert";
import { describe, it } from "node:test";
import { ConfigError, createGateway, definePlugin, type GatewayOptions } from "../../mod.ts";
import { recording } from "./upstream.ts";

function problems(config: unknown) {
  try {
    createGateway(config as GatewayOptions);
  } catch (error) {
    assert.ok(error instanceof ConfigError, String(error));
    return error.problems;
  }
  assert.fail("the configuration was accepted");
}

describe("configuration", () => {
  it("accepts nothing at all", () => void createGateway());

  it("accepts every key of the documented example", () => {
    createGateway({
      gateways: {
        default: {
          authentication: false,
          cache_ttl: 0,
          collect_logs: true,
          rate_limiting_limit: 0,
          rate_limiting_interval: 60,
          rate_limiting_technique: "sliding",
          retry_max_attempts: 1,
          retry_delay: 500,
          retry_backoff: "exponential",
          tokens: [{ name: "ci", hash: `sha256:${"0".repeat(64)}` }],
          routes: { support: {} },
        },
      },
      providers: {
        openai: { base_url: "http://127.0.0.1:9001/v1" },
        "custom-acme": {
          base_url: "http://127.0.0.1:9002",
          format: "openai-chat",
          headers: { "x-team": "a" },
        },
      },
      keys: { openai: { default: { env: "OPENAI_API_KEY" } } },
      storage: { cache: { driver: "redis", url: "redis://127.0.0.1" } },
    });
  });

  it("names path, find and expectation of an unknown key, the nearest known one first", () => {
    const [problem] = problems({ gateways: { default: { cach_ttl: 60 } } });
    assert.equal(problem?.path, "gateways.default.cach_ttl");
    assert.equal(problem?.found, "an unknown key");
    assert.match(problem!.expected, /^'cache_ttl', the nearest of authentication, /);
  });

  it("lists every problem at once", () => {
    const paths = problems({
      gateways: { default: { cache_ttl: "60", retry_max_attempts: 9 } },
      limits: { body_bytes: -1 },
      extra: 1,
    }).map((problem) => problem.path);
    assert.deepEqual(paths.sort(), [
      "extra",
      "gateways.default.cache_ttl",
      "gateways.default.retry_max_attempts",
      "limits.body_bytes",
    ]);
  });

  it("tells what was expected of a value", () => {
    const found = problems({
      gateways: { default: { cache_ttl: "60", errors: "loose", retry_max_attempts: 9 } },
    });
    assert.deepEqual(found.map(({ found, expected }) => [found, expected]), [
      ['"loose"', '("true" | "strict")'],
      ['"60"', "number"],
      ["9", "<=5"],
    ]);
  });

  for (
    const base_url of [
      "127.0.0.1:9001",
      "ftp://a.test",
      "http://user:secret@a.test",
      "http://a.test/?x=1",
      "http://a.test/#x",
      "",
    ]
  ) {
    it(`refuses the base URL '${base_url}'`, () => {
      const [problem] = problems({ providers: { openai: { base_url } } });
      assert.equal(problem?.path, "providers.openai.base_url");
    });
  }

  it("refuses a provider that is neither built in nor custom", () => {
    const [problem] = problems({ providers: { opnai: { base_url: "http://a.test" } } });
    assert.equal(problem?.path, "providers.opnai");
    assert.match(problem!.expected, /custom-opnai.*did you mean 'openai'/);
  });

  it("refuses a custom provider without base URL", () => {
    assert.equal(
      problems({ providers: { "custom-a": {} } })[0]?.path,
      "providers.custom-a.base_url",
    );
  });

  it("refuses a pattern that could not be used on each request", () => {
    for (const pattern of ["(", "\\d{4}\\-\\d{4}"]) {
      const [problem] = problems({ gateways: { default: { log_redact: ["ok", pattern] } } });
      assert.equal(problem?.path, "gateways.default.log_redact.1");
    }
  });

  it("never shows what may be a key", () => {
    try {
      createGateway({
        keys: { openai: { default: "sk-secret" } },
        providers: { openai: { base_url: "https://user:secret@host/" } },
        gateways: {
          default: {
            tokens: ["sl-secret", { name: "x", hash: "sl-secret" }],
            access: { team_domain: "https://user:secret@team", audience: "a" },
          },
        },
        storage: { cache: "redis://:secret@host" },
      } as unknown as GatewayOptions);
    } catch (error) {
      assert.ok(error instanceof ConfigError);
      for (
        const path of ["keys.openai.default", "base_url", "team_domain", "hash", "storage.cache"]
      ) {
        assert.ok(error.message.includes(path), path);
      }
      assert.doesNotMatch(error.message, /secret/);
      return;
    }
    assert.fail("the configuration was accepted");
  });

  it("refuses authentication that nobody would carry out", () => {
    const config = { gateways: { default: { authentication: true } } };
    assert.equal(problems(config)[0]?.path, "gateways.default.authentication");
    createGateway({ ...config, plugins: [definePlugin("auth", (_ctx, next) => next())] });
  });

  it("takes the line end off a key", async () => {
    const { ask } = recording({
      open: true,
      keys: { openai: { default: { env: "KEY" } } },
      env: { KEY: "sk-a\n" },
    });
    assert.equal((await ask("/openai/x")).sent?.headers["authorization"], "Bearer sk-a");
  });

  it("reports a setting without effect and a key that is not there", () => {
    const { reports } = recording({
      gateways: { default: { cache_ttl: 60 } },
      keys: { openai: { default: { env: "NOT_SET" } } },
    });
    assert.equal(reports.length, 2);
    assert.match(reports.join("\n"), /keys\.openai\.default[^]*cache_ttl/);
  });

  it("is not polluted by names of Object's own", async () => {
    const { ask } = recording(JSON.parse('{"gateways": {"constructor": {}}}'));
    const { response } = await ask("http://g.test/v1/acc/toString/openai/x");
    assert.equal(response.status, 400);
    assert.equal((await ask("/__proto__/x")).response.status, 400);
  });
});
