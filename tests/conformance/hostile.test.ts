// Hostile requests, written to a socket so that no client tidies them up on the way.
import assert from "node:assert/strict";
import { after, before, beforeEach, it } from "node:test";
import { type RawAnswer, send, sendRaw, within } from "../support/client.ts";
import { assertGatewayError, onEachRuntime } from "../support/suite.ts";
import { startUpstream, type Upstream } from "../support/upstream.ts";

const MB = 1024 * 1024;

// Whatever a hostile request tries to reach instead of the provider.
let evil: Upstream;
before(async () => {
  evil = await startUpstream();
});
after(() => evil.close());

const slug = "/v1/acc/default/custom-base";

onEachRuntime(
  (upstream) => {
    const at = (path: string) => ({ base_url: upstream.url + path });
    return {
      config: {
        providers: {
          "custom-base": at("/base/v1"),
          openai: at("/base/v1"),
          fal: at("/base/v1"),
          ...Object.fromEntries(
            ["azure-openai", "aws-bedrock", "google-vertex-ai", "workers-ai", "huggingface"]
              .map((name) => [name, at("")]),
          ),
        },
        limits: { body_bytes: MB },
      },
    };
  },
  (bench, runtime) => {
    beforeEach(() => {
      bench.upstream.reset();
      evil.reset();
    });

    const raw = (target: string, headers = "", method = "GET"): Promise<RawAnswer> => {
      const host = new URL(bench.gateway.url).host;
      const head = `${method} ${target} HTTP/1.1\r\nhost: ${host}\r\n${headers}\r\n`;
      return within(10_000, target, sendRaw(bench.gateway.url, head));
    };

    /** A refusal with a body of the gateway's, or one by the runtime's own parser. */
    const isRefusal = (answer: RawAnswer) => {
      const ours = answer.text.includes(`"AiGatewayError"`);
      // 405 and 501 are paths that, once a runtime resolved their dots, name something else.
      return ours
        ? [400, 404, 405, 501].includes(answer.status)
        : [0, 400, 505].includes(answer.status);
    };

    const assertContained = (answer: RawAnswer) => {
      assert.deepEqual(evil.requests.map((seen) => seen.target), []);
      for (const { target } of bench.upstream.requests) {
        assert.match(target, /^\/base\/v1(?:[/?]|$)/);
        const path = target.replace(/\?.*/s, "");
        const steps = path.replaceAll(/%2e/gi, ".").split(/\/|\\|%2f|%5c/i);
        assert.ok(!steps.includes("..") && !steps.includes("."), `The provider saw ${target}`);
        assert.doesNotMatch(target, /%0d|%0a|[\r\n]/i);
      }
      if (!bench.upstream.requests.length) assert.ok(isRefusal(answer), answer.text.slice(0, 500));
    };

    const tails = [
      ...["..", "../", "../secret", "../../secret", "a/../../secret", "a/..", "./x", "a/./b"],
      ...["%2e%2e/secret", "%2E%2E/secret", ".%2e/secret", "%2e./secret", "a/%2e%2e/%2e%2e/secret"],
      ...[
        "..%2fsecret",
        "..%2Fsecret",
        "%2e%2e%2fsecret",
        "%2e%2e%2f%2e%2e%2fsecret",
        "a%2f..%2fb",
      ],
      ...["%252e%252e/secret", "..;/secret", "a/..;x=y/secret", "%2e%2e;/secret"],
      ...["/secret", "//secret", "\\secret", "..\\secret", "%5csecret", "..%5csecret", "a\\..\\b"],
      ...["@evil/", "%40evil/", ":80@evil/", "#frag", "a#frag", "%23", "?#x", "a?b#c"],
      ...["%0d%0aX-Evil:%201", "%0aX", "a%0d%0a%0d%0aGET%20/secret", "a%00b", "%00", "a%09b"],
      ...["\u00e9", "a\tb", "a\x7fb", "\u0000"],
    ];
    for (const tail of tails) {
      it(`${JSON.stringify(tail)} stays under the provider's base`, async () => {
        assertContained(await raw(`${slug}/${tail}`));
        assertContained(await raw(slug + tail));
      });
    }

    it("a host in the path stays a path", async () => {
      const host = `127.0.0.1:${evil.port}`;
      for (
        const tail of [
          ...[`@${host}/`, `/@${host}/`, `//${host}/`, `///${host}/`, `/\\${host}/`, `:x@${host}/`],
          ...[`/http://${host}/`, `/%2f%2f${host}/`, `/..//${host}/`, `.${host}/`, `#@${host}/`],
        ]
      ) {
        assertContained(await raw(slug + tail));
      }
    });

    it("an absolute request target does not choose the upstream", async () => {
      const host = `127.0.0.1:${evil.port}`;
      for (const target of [`http://${host}/`, `http://${host}${slug}/x`, `http://u:p@${host}/x`]) {
        const answer = await raw(target);
        assert.deepEqual(evil.requests.length, 0);
        for (const seen of bench.upstream.requests) assert.match(seen.target, /^\/base\/v1\//);
        if (!bench.upstream.requests.length) assert.ok(answer.status >= 400 || answer.status === 0);
      }
    });

    it("a host header does not choose the upstream", async () => {
      const head = `GET ${slug}/x HTTP/1.1\r\nhost: 127.0.0.1:${evil.port}\r\n\r\n`;
      await within(10_000, "The answer", sendRaw(bench.gateway.url, head));
      assert.equal(evil.requests.length, 0);
    });

    const refused: Record<string, string[]> = {
      "azure-openai": [
        ...["evil.example%2f/d/chat", "evil.example%23/d/chat", "a.b/d/chat", "a@evil/d/chat"],
        ...[
          "-a/d/chat",
          "a%00/d/chat",
          "a:80/d/chat",
          "%2e%2e/d/chat",

          "a/d%2f..%2fx/c",
        ],
      ],
      "aws-bedrock": [
        ...[
          "bedrock-runtime/evil.example%2f/model/m/invoke",
          "bedrock-runtime/us-east-1.evil/model/m/x",
        ],
        ...["bedrock-runtime/@evil/model/m/x", "bedrock-runtime/us-east-1%23/model/m/x"],
        ...["bedrock-runtime/us-east-1:80/model/m/x", "evil-service/us-east-1/model/m/x"],
      ],
      "google-vertex-ai": [
        ...["v1/projects/p/locations/evil.example%2f/x:y", "v1/projects/p/locations/a.b/x:y"],
        ...["v1/projects/p/locations/@evil/x:y", "v1/projects/p/locations/us%23/x:y"],
      ],
      "workers-ai": ["../../x", "%2e%2e/x", "@cf/../../../x"],
      huggingface: ["../x", "org/%2e%2e/%2e%2e/x"],
    };
    for (const [name, paths] of Object.entries(refused)) {
      for (const path of paths) {
        it(`${name}/${path} reaches nobody`, async () => {
          const answer = await raw(
            `/v1/acc/default/${name}/${path}`,
            "authorization: Bearer k\r\n",
          );
          // Runtimes that resolve dots themselves leave another, harmless path.
          assert.ok(isRefusal(answer), answer.text.slice(0, 500));
          assert.deepEqual(bench.upstream.requests.map((seen) => seen.target), []);
        });
      }
    }

    it("a hostile account id does not leave its segment of a Workers AI path", async () => {
      for (const account of ["..", "%2e%2e", "a%2f..%2fb", "a%3fb", "a%23b", "a@b"]) {
        await raw(`/v1/${account}/default/workers-ai/@cf/m`);
        for (const { target } of bench.upstream.requests) {
          assert.match(target, /^\/client\/v4\/accounts\/(?!\.\.?\/)[^/?#]+\/ai\/run\/@cf\/m$/);
          assert.doesNotMatch(target, /%2f|%2e%2e/i);
        }
        bench.upstream.reset();
      }
    });

    it("x-fal-target-url reaches fal's own hosts", async () => {
      const target = "x-fal-target-url: https://queue.fal.run/fal-ai/wizper?x=1\r\n";
      const answer = await raw("/v1/acc/default/fal/", target);
      assert.equal(answer.status, 200, answer.text);
      assert.equal((await bench.upstream.next()).target, "/base/v1/fal-ai/wizper?x=1");
    });

    for (
      const target of [
        ...[
          "http://127.0.0.1:EVIL/x",
          "https://evil.example/x",
          "https://queue.fal.run.evil.example/x",
        ],
        ...["https://queue.fal.run@127.0.0.1:EVIL/x", "https://evil.example\\@queue.fal.run/x"],
        ...["https://queue.fal.run:EVIL/x", "http://queue.fal.run/x", "//127.0.0.1:EVIL/x"],
        ...["https://evilfal.run/x", "file:///etc/passwd", "queue.fal.run", "https://[::1]:EVIL/x"],
        ...["https://evil.example/?https://queue.fal.run", "https://evil.example#.fal.run/x"],
      ]
    ) {
      it(`x-fal-target-url: ${target} is refused`, async () => {
        const value = target.replace("EVIL", String(evil.port));
        const answer = await raw("/v1/acc/default/fal/x", `x-fal-target-url: ${value}\r\n`);
        assert.equal(answer.status, 400, answer.text);
        assert.match(answer.text, /"AiGatewayError"/);
        assert.equal(evil.requests.length, 0);
        assert.equal(bench.upstream.requests.length, 0);
      });
    }

    it("a URL of 20 KB is 414", async () => {
      const answer = await send(bench.gateway.url, `${slug}/${"a".repeat(20_000)}`);
      assertGatewayError(answer, 414);
      assert.equal(bench.upstream.requests.length, 0);
    });

    it("headers of 100 KB are 431", async () => {
      const line = `x-large: ${"a".repeat(5000)}\r\n`;
      const answer = await raw(`${slug}/x`, line.repeat(20));
      // Deno's own server has a limit below that, and a status of its own.
      assert.equal(answer.status, runtime === "deno" ? 400 : 431, answer.text.slice(0, 500));
      assert.equal(bench.upstream.requests.length, 0);
    });

    it("a body that says it is over the limit is 413, and none of it is read", async () => {
      const answer = await raw(`${slug}/x`, `content-length: ${MB + 1}\r\n`, "POST");
      assert.equal(answer.status, 413, answer.text);
      assert.match(answer.text, /"AiGatewayError"/);
      assert.match(answer.text, /1048576|1 MB|1 MiB/);
      assert.equal(bench.upstream.requests.length, 0);
    });

    it("a chunked body that grows over the limit is 413, and never whole upstream", async () => {
      const chunk = `10000\r\n${"a".repeat(0x10000)}\r\n`;
      const head = `POST ${slug}/x HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n`;
      const answer = await within(
        10_000,
        "The answer",
        sendRaw(bench.gateway.url, `${head}${chunk.repeat(17)}0\r\n\r\n`),
      );
      assert.equal(answer.status, 413, answer.text.slice(0, 500));
      for (const seen of bench.upstream.requests) assert.ok(seen.body.length <= MB);
    });

    it("a body right at the limit goes through", async () => {
      const answer = await send(bench.gateway.url, `${slug}/x`, {
        method: "POST",
        headers: { "content-length": MB },
        body: Buffer.alloc(MB, "a"),
      });
      assert.equal(answer.status, 200);
      assert.equal((await bench.upstream.next()).body.length, MB);
    });

    it("two lengths, or a length and chunks, are never both believed", async () => {
      const smuggled = "GET /secret HTTP/1.1\r\nhost: x\r\n\r\n";
      for (
        const headers of [
          "content-length: 5\r\ncontent-length: 6\r\n",
          `content-length: ${smuggled.length + 5}\r\ntransfer-encoding: chunked\r\n`,
          "transfer-encoding: chunked, identity\r\n",
        ]
      ) {
        const head = `POST ${slug}/x HTTP/1.1\r\nhost: x\r\n${headers}\r\n0\r\n\r\n${smuggled}`;
        await within(10_000, "The answer", sendRaw(bench.gateway.url, head));
        for (const seen of bench.upstream.requests) {
          assert.match(seen.target, /^\/base\/v1\//);
          assert.doesNotMatch(seen.body.toString(), /secret/);
        }
      }
    });

    it("a model that is no text of a header is only a model, also where its answer is known", async () => {
      bench.upstream.handle((_req, res) => {
        const answer = { choices: [{ message: { content: "Hi" }, finish_reason: "stop" }] };
        res.setHeader("content-type", "application/json");
        res.end(JSON.stringify(answer));
      });
      for (const model of ["a\r\nset-cookie: a=b", "\u0000", "😀", "\ud800", "x".repeat(50_000)]) {
        const body = Buffer.from(JSON.stringify({ model, messages: [] }));
        for (const cached of ["MISS", "HIT"]) {
          const answer = await send(bench.gateway.url, `${slug}/chat/completions`, {
            method: "POST",
            headers: {
              "content-type": "application/json",
              "content-length": body.length,
              "cf-aig-cache-ttl": "60",
            },
            body,
          });
          assert.equal(answer.status, 200, JSON.stringify(model).slice(0, 40));
          assert.equal(answer.headers["cf-aig-cache-status"], cached);
          assert.equal(answer.headers["set-cookie"], undefined);
        }
      }
    });

    it("serves on after all that", async () => {
      assert.equal((await send(bench.gateway.url, `${slug}/models`)).status, 200);
      assert.equal((await bench.upstream.next()).target, "/base/v1/models");
    });
  },
);
