import { strict as assert } from "node:assert";
import { describe, it } from "node:test";
import { GET, POST } from "../../examples/next/app/ai/[...path]/route.ts";
import hono from "../../examples/hono.ts";
import { build as withPlugin } from "../../examples/custom-plugin.ts";
import { build as withProvider } from "../../examples/custom-provider.ts";
import type { GatewayOptions } from "../../mod.ts";

function over(build: (options: GatewayOptions) => { fetch(request: Request): Promise<Response> }) {
  const urls: string[] = [];
  const keys: (string | undefined)[] = [];
  const gateway = build({
    open: true,
    ...build === withProvider && { keys: { acme: { default: { value: "k" } } } },
    fetch: (url, init) => {
      urls.push(String(url));
      keys.push((init?.headers as Record<string, string>)["x-acme-key"]);
      return Promise.resolve(new Response("ok"));
    },
  });
  const ask = (path: string) => gateway.fetch(new Request(`http://g.test/v1/a/default/${path}`));
  return { ask, urls, keys };
}

describe("examples", () => {
  it("custom plugin: times what it lets through and refuses the rest", async () => {
    const { ask, urls } = over(withPlugin);
    assert.match((await ask("openai/models/small")).headers.get("x-took-ms")!, /^\d+$/);
    assert.equal((await ask("openai/models/expensive-1")).status, 403);
    assert.equal(urls.length, 1);
  });

  it("custom provider: host from the path, key in its own header", async () => {
    const { ask, urls, keys } = over(withProvider);
    await ask("acme/eu/chat?x=1");
    assert.deepEqual([urls[0], keys[0]], ["https://eu.acme.test/v2/chat?x=1", "k"]);
    assert.equal((await ask("acme/evil.com%2f/chat")).status, 400);
  });

  it("Hono: the app answers, and below /ai the gateway does", async () => {
    const ask = (path: string) => hono.fetch(new Request(`http://app.test${path}`));
    assert.equal(await (await ask("/")).text(), "The app");
    assert.equal((await (await ask("/ai/health")).json()).status, "ok");
    const response = await ask("/ai/opnai/v1/models");
    assert.equal((await response.json()).error[0].code, 2008);
    assert.equal((await ask("/aix/health")).status, 404);
  });

  it("Next.js: who has not signed in is told so", async () => {
    const url = "http://app.test/ai/openai/chat/completions";
    const response = await POST(new Request(url, { method: "POST", body: "{}" }));
    assert.equal(response.status, 401);
    assert.match((await response.json()).message, /Sign in/);
    assert.equal((await GET(new Request("http://app.test/ai/health"))).status, 200);
  });
});
