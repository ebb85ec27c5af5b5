/** Keys of the gateway that a provider quotes. */
import { strict as assert } from "node:assert";
import { describe, it } from "node:test";
import { authenticated, definePlugin, type GatewayOptions, log } from "../../mod.ts";
import { managed } from "./manage.ts";
import { recording } from "./upstream.ts";

const key = "sk-lent-0123456789";
const stars = "*".repeat(key.length);
const known = definePlugin("known", (ctx, next) => {
  ctx.set(authenticated, true);
  return next();
});
const lending: GatewayOptions = {
  plugins: [known],
  keys: { openai: { default: { value: key } } },
};
const quoting = `{"error":{"message":"Incorrect API key provided: ${key}. Get one at x/${key}"}}`;
const said = quoting.replaceAll(key, stars);
const json = { "content-type": "application/json" };

/** In chunks of so many bytes, with a declared length or without. */
function failing(text: string, size: number, headers: Record<string, string> = {}, status = 401) {
  const bytes = new TextEncoder().encode(text);
  const body = new ReadableStream({
    start(controller) {
      for (let at = 0; at < bytes.length; at += size) {
        controller.enqueue(bytes.slice(at, at + size));
      }
      controller.close();
    },
  });
  return () => new Response(body, { status, headers: { ...json, ...headers } });
}

describe("a key of the gateway that a provider quotes", () => {
  const ask = async (answer: () => Response, options = lending, init: RequestInit = {}) => {
    const { response, sent } = await recording(options, answer).ask("/openai/models", init);
    return { response, sent, text: await response.text() };
  };

  it("is stars in an error, wherever the answer is cut into chunks", async () => {
    for (const size of [1, 2, 3, 7, key.length, 40, 1000]) {
      const { response, sent, text } = await ask(failing(quoting, size));
      assert.equal(sent?.headers["authorization"], `Bearer ${key}`);
      assert.equal(response.status, 401);
      assert.equal(text, said, `chunks of ${size}`);
    }
  });

  it("is stars in an error with a length, which stays, and in headers", async () => {
    for (const status of [400, 403, 429, 500]) {
      const { response, text } = await ask(() =>
        new Response(quoting, {
          status,
          headers: {
            ...json,
            "content-length": String(quoting.length),
            "x-debug": `key=${key}`,
          },
        })
      );
      assert.equal(text, said, String(status));
      assert.equal(response.headers.get("x-debug"), `key=${stars}`);
      assert.equal(response.headers.get("content-length"), String(quoting.length));
    }
  });

  it("leaves everything else as it was", async () => {
    const near = `${key.slice(0, -1)} ${key.slice(1)} sk-sk-sk-lent-012345678 sk-lent`;
    for (const size of [1, 5, 1000]) assert.equal((await ask(failing(near, size))).text, near);
    assert.equal((await ask(failing("", 1))).text, "");
    const bytes = Uint8Array.from({ length: 1000 }, (_, i) => i % 256);
    const binary = await recording(lending, () => new Response(bytes, { status: 500 }))
      .ask("/openai/models");
    assert.deepEqual(new Uint8Array(await binary.response.arrayBuffer()), bytes);
    // It would be a strange model that quoted the key in an answer, and nobody is to wait for a look.
    assert.equal((await ask(failing(quoting, 9, {}, 200))).text, quoting);
    // The caller's own is nobody else's business.
    const own = await ask(failing(quoting, 9), { plugins: [known] }, {
      headers: { authorization: `Bearer ${key}` },
    });
    assert.equal(own.text, quoting);
  });

  it("is stars in an error that is compressed", async () => {
    const packed = new Response(quoting).body!.pipeThrough(new CompressionStream("gzip"));
    const bytes = new Uint8Array(await new Response(packed).arrayBuffer());
    const options: GatewayOptions = {
      ...lending,
      transport: () =>
        Promise.resolve(
          new Response(bytes, { status: 401, headers: { ...json, "content-encoding": "gzip" } }),
        ),
    };
    const { response, text } = await ask(() => new Response(), options, {
      headers: { "accept-encoding": "gzip" },
    });
    assert.equal(text, said);
    assert.equal(response.headers.get("content-encoding"), null);
  });

  it("is stars in the log as well", async () => {
    const { call, logged } = managed({
      ...lending,
      plugins: [known, log()],
    }, failing(quoting, 10));
    const id = await logged();
    const { body } = await call("GET", `gateways/default/logs/${id}/response`);
    assert.match(body.error.message, /^Incorrect API key provided: /);
    assert.ok(!JSON.stringify(body).includes(key));
    const row = await call("GET", `gateways/default/logs/${id}`);
    assert.ok(!JSON.stringify(row.body).includes(key));
  });

  it("is stars in the error of another format", async () => {
    const { response } = await recording(lending, failing(quoting, 10)).ask(
      "/compat/messages",
      {
        method: "POST",
        headers: json,
        body: JSON.stringify({
          model: "openai/gpt-4o-mini",
          max_tokens: 5,
          messages: [{ role: "user", content: "Hi" }],
        }),
      },
    );
    const text = await response.text();
    assert.equal(response.status, 401);
    assert.ok(text.includes(stars) && !text.includes(key), text);
  });
});
