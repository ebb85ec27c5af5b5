/**
 * Alerts: judged every few seconds, told when they are raised and when they are over, each once however
 * many processes there are. Loaded where alerts are configured.
 *
 * @module
 */
import { secretOf } from "../export/config.ts";
import { timeText } from "../export/record.ts";
import { takeLease } from "../limits/lease.ts";
import type { Metrics } from "../metrics.ts";
import { oneAtATime } from "../one-at-a-time.ts";
import type { Snapshot } from "../settings/snapshot.ts";
import type { Stores } from "../storage/ports.ts";
import type { KeyRecord, VirtualKeys } from "../auth/virtual-keys.ts";
import type { AlertName, AlertsConfig } from "./config.ts";
import { expiryVerdicts } from "./expiry.ts";
import { Judge, type Verdict } from "./judge.ts";
import { type AlertState, type Raised, readState, writeState } from "./state.ts";
import type { Tally } from "./tally.ts";
import { deliver, type Message, secretBytes } from "./webhooks.ts";

/** What {@link createAlerts} needs. */
export interface AlertsOptions {
  config: AlertsConfig;
  tally: Tally;
  env: Readonly<Record<string, unknown>>;
  stores: Stores;
  metrics: Metrics;
  virtualKeys: VirtualKeys;
  /** Of the configuration. */
  configuredKeys: readonly KeyRecord[];
  /** Settings in force. */
  settings(): Snapshot | Promise<Snapshot>;
  fetch: typeof fetch;
  /** Milliseconds since 1970. */
  now(): number;
  /** Work must end with its request (Workers). */
  immediate: boolean;
  report(message: string, cause?: unknown): void;
}

/** The alerts of a gateway. */
export interface Alerts {
  /** Judges, tells, tries again, if it is time to. Never rejects. @param last The process ends. */
  run(last?: boolean): Promise<void>;
  health(): { raised: Record<string, number>; messages_waiting: number };
}

/** Milliseconds between two judgements. */
const every = 5_000;
/** Milliseconds between two looks at all virtual keys. */
const keysEvery = 3_600_000;
/** Seconds that a turn may take: one round of messages. */
const turn = 15;
/** Messages that wait; more are given up, the oldest first. */
const mostWaiting = 200;
/** Messages of one round. */
const atOnce = 16;

/** Begins with nothing; what was raised before is in the store. */
export function createAlerts(options: AlertsOptions): Alerts {
  const { config, tally, stores, metrics, now, report } = options;
  const judge = new Judge(config, stores.counters);
  const secrets = (config.webhooks ?? []).map(({ url, secret }, i) => {
    const found = secretOf(secret, options.env);
    const bytes = found === undefined ? undefined : secretBytes(found);
    if (bytes === undefined) {
      const what = found === undefined && typeof secret !== "string"
        ? `environment variable '${secret.env}' is not set`
        : "its secret is not 'whsec_' and 24 to 64 bytes as base64";
      report(`alerts.webhooks.${i} has no effect: ${what}`);
    }
    return { url, bytes };
  });
  let last: AlertState = { raised: [], waiting: [] };
  let nextAt = -Infinity;
  let keysAt = -Infinity;
  let failing = false;

  for (const alert of ["error_rate", "key_expiry", "provider_down", "spend"] as const) {
    if (config[alert] === undefined) continue;
    metrics.gauge(
      "sluice_alerts_raised",
      "Alerts that hold",
      { alert },
      () => last.raised.filter((raised) => raised.alert === alert).length,
    );
  }
  for (const result of ["delivered", "later", "dead"]) count(result, 0);

  function count(result: string, by = 1): void {
    metrics.count(
      "sluice_webhook_messages_total",
      "Tries to deliver an alert, by what became of them; dead: given up",
      { result },
      by,
    );
  }

  async function expiring(raised: readonly string[], at: number): Promise<Verdict[]> {
    if (config.key_expiry === undefined || (at >= keysAt && at - keysAt < keysEvery)) return [];
    const { gateways } = await options.settings();
    const stored = [];
    for (const gateway of gateways.keys()) stored.push(...await options.virtualKeys.list(gateway));
    const keys = [...options.configuredKeys, ...stored];
    keysAt = at;
    return expiryVerdicts(keys, config.key_expiry.days, raised, at);
  }

  /** Changes the state by verdicts that are news to it. */
  function decide(state: AlertState, verdicts: readonly Verdict[], at: number): Verdict[] {
    const news = verdicts.filter((verdict) => isNews(state.raised, verdict));
    for (const { alert, subject, state: to, data } of news) {
      const known = state.raised.find(sameAs({ alert, subject }));
      if (to === "raise") state.raised.push({ alert, subject, since: at });
      else state.raised = state.raised.filter((raised) => raised !== known);
      const type = `${alert}.${to}d`;
      const text = JSON.stringify({
        type,
        timestamp: timeText(at),
        data: { ...data, since: timeText(known?.since ?? at) },
      });
      for (const [hook, { url, events }] of (config.webhooks ?? []).entries()) {
        if (events !== undefined && !events.includes(alert) && !events.includes(type)) continue;
        if (secrets[hook]!.bytes === undefined) continue;
        const id = `msg_${crypto.randomUUID().replaceAll("-", "")}`;
        state.waiting.push({ id, body: text, hook, url, tries: 0, nextAt: at });
      }
    }
    const surplus = state.waiting.splice(0, Math.max(0, state.waiting.length - mostWaiting));
    if (surplus.length > 0) count("dead", surplus.length);
    return news;
  }

  async function send(state: AlertState, at: number): Promise<void> {
    const due = state.waiting.filter(({ nextAt }) => nextAt <= at).slice(0, atOnce);
    const over = new Set<Message>();
    await Promise.all(due.map(async (message) => {
      const hook = secrets[message.hook];
      const outcome = hook?.bytes === undefined || hook.url !== message.url
        ? "dead" // the configuration has changed
        : await deliver(message, hook.bytes, options);
      count(outcome);
      if (outcome !== "later") over.add(message);
      if (outcome === "dead") report(`alerts.webhooks.${message.hook} did not take a message`);
    }));
    state.waiting = state.waiting.filter((message) => !over.has(message));
  }

  async function once(at: number): Promise<void> {
    last = await readState(stores.keys);
    const raised = (alert: AlertName) =>
      last.raised.filter((each) => each.alert === alert).map(({ subject }) => subject);
    const verdicts = [
      ...await judge.verdicts(tally.take(), raised, at),
      ...await expiring(raised("key_expiry"), at),
    ];
    const news = verdicts.some((verdict) => isNews(last.raised, verdict));
    if (!news && !last.waiting.some(({ nextAt }) => nextAt <= at)) return;
    const release = await takeLease(stores.counters, "alerts:lease", turn, at);
    if (release === undefined) {
      keysAt = -Infinity; // another process has its turn; what it does not say is said in the next one
      return;
    }
    try {
      const state = await readState(stores.keys); // as the last one left it
      const told = decide(state, verdicts, at);
      // Before it is sent: who is killed in between sends it later.
      if (told.length > 0) await writeState(stores.keys, state);
      last = state;
      await send(state, at);
      await writeState(stores.keys, state);
    } finally {
      await release().catch(() => {});
    }
  }

  return {
    run: oneAtATime(options.immediate, async (end) => {
      const at = now();
      if (!end && at < nextAt && nextAt - at <= every) return;
      nextAt = at + every;
      try {
        await once(at);
        failing = false;
      } catch (error) {
        if (!failing) report("Alerts cannot be judged; it is tried again", error);
        failing = true;
      }
    }),
    health: () => ({
      raised: Object.fromEntries(
        [...Map.groupBy(last.raised, ({ alert }) => alert)].map((
          [alert, of],
        ) => [alert, of.length]),
      ),
      messages_waiting: last.waiting.length,
    }),
  };
}

function isNews(raised: readonly Raised[], { alert, subject, state }: Verdict): boolean {
  const known = raised.some(sameAs({ alert, subject }));
  return state === "raise" ? !known : state === "resolve" ? known : false;
}

function sameAs(of: Pick<Raised, "alert" | "subject">): (raised: Raised) => boolean {
  return ({ alert, subject }) => alert === of.alert && subject === of.subject;
}
