// Alerts: when they are raised and when they are over, who is told and how.
import { strict as assert } from "node:assert";
import http from "node:http";
import type { AddressInfo } from "node:net";
import { after, before, beforeEach, describe, it } from "node:test";
import { Webhook } from "standardwebhooks";
import type { AlertsConfig } from "../../core/alerts/config.ts";
import { createAlerts } from "../../core/alerts/mod.ts";
import { Tally } from "../../core/alerts/tally.ts";
import type { Measured } from "../../core/measured.ts";
import { Metrics } from "../../core/metrics.ts";
import { configured } from "../../core/settings/snapshot.ts";
import { setUp } from "../../core/config/setup.ts";
import type { Stores } from "../../core/storage/ports.ts";
import { VirtualKeys } from "../../core/auth/virtual-keys.ts";
import { freshStores } from "./exporting.ts";
import { native, scripted } from "./scripted.ts";

const secret = `whsec_${btoa("a secret of thirty-two characters")}`;

interface Got {
  id: string;
  type: string;
  // deno-lint-ignore no-explicit-any
  data: any;
}

let url: string;
let status = 200;
let got: Got[] = [];
let tried: string[] = [];
const server = http.createServer((req, res) => {
  const parts: Uint8Array[] = [];
  req.on("data", (part: Uint8Array) => parts.push(part));
  req.on("end", () => {
    const headers = Object.fromEntries(
      Object.entries(req.headers).map(([name, value]) => [name, String(value)]),
    );
    tried.push(headers["webhook-id"]!);
    res.statusCode = status;
    res.end();
    if (status !== 200) return;
    const text = Buffer.concat(parts).toString();
    const id = headers["webhook-id"]!;
    try {
      const webhook = new Webhook(secret);
      const at = Number(headers["webhook-timestamp"]) * 1000;
      // What the clock of a test is far ahead with is too new for `verify`.
      if (at < Date.now() + 200_000) webhook.verify(text, headers);
      else assert.equal(headers["webhook-signature"], webhook.sign(id, new Date(at), text));
      got.push({ ...JSON.parse(text), id });
    } catch (error) {
      got.push({ type: `refused: ${error}`, id, data: undefined });
    }
  });
});
before(async () => {
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/alerts`;
});
after(() => {
  server.closeAllConnections?.();
  server.close();
});
beforeEach(() => {
  status = 200;
  got = [];
  tried = [];
});

const attempt = (members: Partial<Measured> = {}, gateway = "default", provider = "openai") =>
  ({
    attempt: { ctx: { gateway: { id: gateway }, provider: { slug: provider } } },
    status: 200,
    end: "complete",
    cost: 0.25,
    ...members,
  }) as unknown as Measured;
const failed = { status: 502, end: "error", cost: null } as const;

function alerting(config: AlertsConfig, stores: Stores = freshStores(), hook = true) {
  // Receivers check the time: it is about now.
  const clock = { now: Date.now() };
  const tally = new Tally();
  const reports: string[] = [];
  const metrics = new Metrics();
  const setup = setUp({ input: {}, rows: [], plugins: [], env: {}, report() {} });
  const now = () => clock.now;
  const virtualKeys = new VirtualKeys({ kv: stores.keys, now });
  const alerts = createAlerts({
    config: { ...hook && { webhooks: [{ url, secret: { env: "HOOK" } }] }, ...config },
    tally,
    env: { HOOK: secret },
    stores,
    metrics,
    virtualKeys,
    configuredKeys: [],
    settings: () => configured(setup),
    fetch: (input, init) => fetch(input, init),
    now,
    immediate: false,
    report: (message) => reports.push(message),
  });
  return {
    alerts,
    stores,
    clock,
    virtualKeys,
    metrics,
    reports,
    add(count: number, members: Partial<Measured> = {}, ...of: string[]) {
      for (let i = 0; i < count; i++) tally.add(attempt(members, ...of));
    },
    async after(seconds: number) {
      clock.now += seconds * 1000;
      await alerts.run();
    },
  };
}
const types = () => got.map(({ type }) => type);

describe("error_rate", () => {
  const config = { error_rate: { threshold: 0.5, window: 60, min_requests: 10 } };

  it("is raised once, signed as Standard Webhooks has it, and resolved once", async () => {
    const { add, after, alerts, metrics } = alerting(config);
    add(6);
    add(6, failed);
    add(9, failed, "small");
    await after(0);
    assert.deepEqual(types(), ["error_rate.raised"]);
    const [{ data, id }] = got as [Got];
    assert.match(id, /^msg_[0-9a-f]{32}$/);
    const { since, ...figures } = data;
    assert.ok(Math.abs(Date.parse(since) - Date.now()) < 60_000);
    assert.deepEqual(figures, {
      gateway: "default",
      requests: 12,
      errors: 6,
      error_rate: 0.5,
      threshold: 0.5,
      window: 60,
    });
    assert.deepEqual(alerts.health(), { raised: { error_rate: 1 }, messages_waiting: 0 });
    assert.match(metrics.text(), /sluice_alerts_raised\{alert="error_rate"\} 1/);
    add(2);
    await after(5); // 6 of 14: under the threshold, not well under
    add(20, failed);
    await after(5);
    assert.deepEqual(types(), ["error_rate.raised"]);
    await after(70);
    assert.deepEqual(types(), ["error_rate.raised", "error_rate.resolved"]);
    assert.equal(got[1]!.data.since, since);
    assert.deepEqual(alerts.health().raised, {});
    await after(70);
    assert.equal(got.length, 2);
  });

  it("is of all processes together, and told by one of them", async () => {
    const stores = freshStores();
    const all = Array.from({ length: 4 }, () => alerting(config, stores));
    for (const { add } of all) add(3, failed);
    await Promise.all(all.map(({ after }) => after(0)));
    await Promise.all(all.map(({ after }) => after(5)));
    await Promise.all(all.map(({ after }) => after(5)));
    assert.deepEqual(types(), ["error_rate.raised"]);
    await all[3]!.after(100);
    assert.deepEqual(types(), ["error_rate.raised", "error_rate.resolved"]);
  });

  it("counts no client that left", async () => {
    const { add, after } = alerting(config);
    add(30, { end: "client_abort" });
    await after(0);
    assert.deepEqual(types(), []);
  });
});

describe("provider_down", () => {
  const config = { provider_down: { failures: 3, window: 60 } };

  it("is raised when nothing but failures came, until one answer comes", async () => {
    const { add, after } = alerting(config);
    add(2, failed);
    add(5, failed, "default", "anthropic");
    add(1, {}, "default", "anthropic");
    await after(0);
    assert.deepEqual(types(), []);
    add(1, { end: "upstream_cut" });
    await after(5);
    assert.deepEqual(types(), ["provider_down.raised"]);
    assert.deepEqual([got[0]!.data.provider, got[0]!.data.failures], ["openai", 3]);
    await after(300); // nothing came: nothing is known
    assert.equal(got.length, 1);
    add(1, { status: 401, cost: null });
    await after(5);
    assert.deepEqual(types(), ["provider_down.raised", "provider_down.resolved"]);
  });
});

describe("spend", () => {
  it("is raised at so many dollars in the window", async () => {
    const { add, after } = alerting({ spend: { usd: 2, window: 600 } });
    add(7);
    await after(0);
    assert.equal(got.length, 0);
    add(1, { end: "client_abort" });
    await after(5);
    assert.deepEqual(types(), ["spend.raised"]);
    assert.equal(got[0]!.data.spent_usd, 2);
    await after(700);
    assert.deepEqual(types(), ["spend.raised", "spend.resolved"]);
  });
});

describe("key_expiry", () => {
  it("is raised days before a key ends, and resolved when it ends later", async () => {
    const { after, virtualKeys, clock } = alerting({ key_expiry: { days: 7 } });
    const at = (days: number) => new Date(clock.now + days * 86_400_000).toISOString();
    const { record } = await virtualKeys.create("default", { name: "ci", expires_at: at(8) });
    await virtualKeys.create("default", { name: "gone", expires_at: at(-1) });
    await virtualKeys.create("default", { name: "off", expires_at: at(1), enabled: false });
    await virtualKeys.create("default", { name: "for ever" });
    await after(0);
    assert.equal(got.length, 0);
    await after(2 * 86_400);
    assert.deepEqual(types(), ["key_expiry.raised"]);
    assert.equal(got[0]!.data.key_id, record.id);
    await after(20 * 86_400); // has ended
    assert.equal(got.length, 1);
  });

  it("names the key, not what it is", async () => {
    const { after, virtualKeys, clock } = alerting({ key_expiry: { days: 7 } });
    const at = (days: number) => new Date(clock.now + days * 86_400_000).toISOString();
    const { record, key } = await virtualKeys.create("default", { name: "ci", expires_at: at(1) });
    const other = await virtualKeys.create("default", { name: "b", expires_at: at(1) });
    await after(0);
    assert.deepEqual(types(), ["key_expiry.raised", "key_expiry.raised"]);
    const { data } = got.find(({ data }) => data.key_id === record.id)!;
    assert.deepEqual([data.key_name, data.gateway, data.expires_at], ["ci", "default", at(1)]);
    assert.equal(JSON.stringify(got).includes(key), false);
    await virtualKeys.update("default", record.id, { expires_at: at(100) });
    await virtualKeys.delete("default", other.record.id);
    await after(3600);
    assert.deepEqual(types().slice(2), ["key_expiry.resolved", "key_expiry.resolved"]);
  });
});

describe("webhooks", () => {
  const config = { provider_down: { failures: 1 } };

  it("are tried again with growing pauses, under the same id, across a restart", async () => {
    const stores = freshStores();
    status = 500;
    const first = alerting(config, stores);
    first.add(1, failed);
    await first.after(0);
    await first.after(5);
    assert.equal(tried.length, 2);
    await first.after(30);
    assert.equal(tried.length, 2);
    status = 200;
    const next = alerting(config, stores); // another process
    await next.after(40);
    assert.equal(next.alerts.health().messages_waiting, 1);
    await next.after(30);
    assert.deepEqual(types(), ["provider_down.raised"]);
    assert.equal(new Set(tried).size, 1);
    assert.equal(next.alerts.health().messages_waiting, 0);
  });

  it("are given up after a day, or at once where they are gone", async () => {
    const { add, after, metrics, alerts, reports } = alerting(config);
    status = 500;
    add(1, failed);
    for (let i = 0; i < 20; i++) await after(40_000);
    assert.equal(tried.length, 8);
    assert.equal(alerts.health().messages_waiting, 0);
    assert.match(metrics.text(), /sluice_webhook_messages_total\{result="dead"\} 1/);
    assert.deepEqual(reports, ["alerts.webhooks.0 did not take a message"]);
    status = 410;
    add(1);
    await after(5);
    assert.equal(tried.length, 9);
    assert.match(metrics.text(), /sluice_webhook_messages_total\{result="dead"\} 2/);
  });

  it("are told what they want to hear", async () => {
    const hooks = ["spend", "provider_down.resolved"].map((event) => ({
      url: `${url}?${event}`,
      secret,
      events: [event],
    }));
    const { add, after } = alerting({ ...config, webhooks: hooks });
    add(1, failed);
    await after(0);
    add(1);
    await after(5);
    assert.deepEqual(types(), ["provider_down.resolved"]);
  });

  it("need a secret that is one", () => {
    const { reports } = alerting({
      webhooks: [
        { url, secret: "whsec_c2hvcnQ=" },
        { url, secret: { env: "NOT_SET" } },
        { url, secret },
      ],
    });
    assert.deepEqual(reports, [
      "alerts.webhooks.0 has no effect: its secret is not 'whsec_' and 24 to 64 bytes as base64",
      "alerts.webhooks.1 has no effect: environment variable 'NOT_SET' is not set",
    ]);
  });
});

describe("a gateway with alerts", () => {
  it("hears of attempts, tells, and says so in its health", async () => {
    const { gateway, post } = scripted(
      { alerts: { webhooks: [{ url, secret }], provider_down: { failures: 2 } } },
      [() => new Response("no", { status: 500 }), () => new Response("no", { status: 500 })],
    );
    // The provider is scripted, and so is what else it fetches.
    for (let i = 0; i < 2; i++) await (await post(native, { model: "gpt-4o" })).text();
    await gateway.flush();
    await gateway.run();
    const health = await gateway.fetch(new Request("http://gateway.test/health?full=1"));
    assert.deepEqual((await health.json()).alerts, {
      raised: { provider_down: 1 },
      messages_waiting: 1,
    });
    await gateway.close();
  });
});
