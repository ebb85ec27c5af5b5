/** The dashboard's cookie: what a browser is told of it, and what it opens to whom. */
import { strict as assert } from "node:assert";
import { describe, it } from "node:test";
import { managed, token } from "./manage.ts";

const at = "http://gateway.test";
const logs = `${at}/client/v4/accounts/acc/ai-gateway/gateways/default/logs`;

function world(options: Parameters<typeof managed>[0] = {}) {
  const clock = { now: Date.parse("2026-01-02T12:00:00Z") };
  const made = managed({ now: () => clock.now, ...options });
  const send = (url: string, headers: Record<string, string> = {}, method = "GET") =>
    made.gateway.fetch(new Request(url, { method, headers: { host: "gateway.test", ...headers } }));
  const signIn = async (headers: Record<string, string> = {}, url = at) => {
    const asking = { authorization: `Bearer ${token}`, ...headers };
    const response = await send(`${url}/dashboard/session`, asking, "POST");
    assert.equal(response.status, 200);
    const cookie = response.headers.get("set-cookie")!;
    return { cookie, value: cookie.split(";", 1)[0]! };
  };
  return { ...made, clock, send, signIn };
}

describe("the dashboard's session", () => {
  it("is a cookie that no script reads and no other site sends, and not the token", async () => {
    const { cookie } = await world().signIn();
    assert.match(cookie, /^sluice_session=\d+\.[0-9a-f]{64}; Path=\/; HttpOnly; SameSite=Strict; /);
    assert.ok(!cookie.includes(token));
    assert.ok(!cookie.includes("Secure"));
  });

  it("never travels in the clear where the page came over TLS, a proxy's included", async () => {
    const { signIn } = world();
    assert.match((await signIn({}, "https://gateway.test")).cookie, /; Secure$/);
    assert.match((await signIn({ origin: "https://gateway.test" })).cookie, /; Secure$/);
    assert.doesNotMatch((await signIn({ origin: "http://gateway.test" })).cookie, /Secure/);
  });

  it("opens the management API to the dashboard, and to no other page", async () => {
    const { send, signIn } = world();
    const { value: cookie } = await signIn();
    const own = { "sec-fetch-site": "same-origin" };
    assert.equal((await send(logs, { cookie })).status, 200);
    assert.equal((await send(logs, { cookie: `a=b; ${cookie}; c=d`, ...own })).status, 200);
    assert.equal((await send(logs, { cookie, ...own, origin: at })).status, 200);
    const strange: Record<string, string>[] = [
      { "sec-fetch-site": "cross-site" },
      { "sec-fetch-site": "same-site" },
      { "sec-fetch-site": "none" },
      { origin: "https://evil.test" },
      { origin: "null" },
      { origin: "http://gateway.test:8080" },
      { origin: "http://gateway.test.evil.test" },
    ];
    for (const headers of strange) {
      const refused = await send(logs, { cookie, ...headers });
      assert.equal(refused.status, 401, JSON.stringify(headers));
      assert.equal(refused.headers.get("access-control-allow-origin"), null);
    }
  });

  it("ends in time and with the token, and cannot be made up", async () => {
    const { send, signIn, clock } = world();
    const { value: cookie } = await signIn();
    const [until, signature] = cookie.split("=")[1]!.split(".") as [string, string];
    for (
      const made of [
        `${Number(until) + 1}.${signature}`,
        `${until}.${"0".repeat(64)}`,
        `${until}.`,
        `.${signature}`,
      ]
    ) assert.equal((await send(logs, { cookie: `sluice_session=${made}` })).status, 401, made);
    const other = world({ admin: { token: `${token}-another` } });
    assert.equal((await other.send(logs, { cookie })).status, 401);
    clock.now += 12 * 3600_000 - 1000;
    assert.equal((await send(logs, { cookie })).status, 200);
    clock.now += 1000;
    assert.equal((await send(logs, { cookie })).status, 401);
  });

  it("goes to no provider", async () => {
    const { ask, signIn } = world();
    const { value: cookie } = await signIn();
    const { sent } = await ask("/openai/models", { headers: { cookie } });
    assert.ok(!JSON.stringify(sent).includes("sluice_session"));
  });
});

describe("the dashboard's document", () => {
  const stateIn = (text: string): string =>
    /data-state="([^"]*)"/.exec(text)![1]!.replace(
      /&#(\d+);/g,
      (_, code) => String.fromCharCode(Number(code)),
    );

  it("tells the page who is signed in, however the browser came to it", async () => {
    const { send, signIn } = world({ account: "team_1" });
    const { value: cookie } = await signIn();
    for (const site of ["none", "same-origin", "cross-site"]) {
      const response = await send(`${at}/dashboard/logs`, { cookie, "sec-fetch-site": site });
      assert.equal(response.headers.get("cache-control"), "private, no-cache");
      const state = JSON.parse(stateIn(await response.text()));
      assert.equal(state.signed_in, true);
      assert.equal(state.account, "team_1");
    }
  });

  it("tells nothing to anybody else", async () => {
    const { send, signIn, clock } = world();
    const { value: old } = await signIn();
    clock.now += 12 * 3600_000;
    for (const cookie of ["", old, "sluice_session=1.2"]) {
      const response = await send(`${at}/dashboard/logs`, { cookie });
      assert.equal(response.status, 200);
      assert.equal(stateIn(await response.text()), "");
    }
  });

  it("is the one of the page that is asked for, with files that are there", async () => {
    const { send } = world();
    const filesOf = async (path: string) =>
      [...(await (await send(at + path)).text()).matchAll(/(?:href|src)="(\/[^"]+)"/g)]
        .map(([, url]) => url!);
    const overview = await filesOf("/dashboard");
    assert.deepEqual(await filesOf("/dashboard/nothing/of/the/kind"), overview);
    assert.deepEqual(await filesOf("/dashboard/constructor"), overview);
    const logs = await filesOf("/dashboard/logs/01?x=y");
    assert.notDeepEqual(logs, overview);
    for (const url of [...overview, ...logs]) {
      const response = await send(at + url, { "accept-encoding": "gzip" });
      assert.equal(response.status, 200, url);
      assert.match(response.headers.get("cache-control")!, /immutable/);
      const tag = response.headers.get("etag")!;
      assert.equal((await send(at + url, { "if-none-match": tag })).status, 304);
      const stream = response.body!.pipeThrough(new DecompressionStream("gzip"));
      const plain = await (await send(at + url)).text();
      assert.equal(await new Response(stream).text(), plain, url);
    }
  });
});
