// What is right: what a client may see of each fault, and what the row of the log has to say.
import { gunzipSync } from "node:zlib";
import { type Exchange, pasted } from "./exchanges.ts";
import { eventOf, mayMiss, nameOf, type Outcome, virtualKey } from "./faulty-client.ts";
import type { RuntimeName } from "./gateway.ts";
import type { Row } from "./logs.ts";

/** By slug. One has the form that the redactor does not know. */
export const keys: Record<string, string> = {
  openai: "sk-proj-0123456789abcdefghijklmnop",
  anthropic: "sk-ant-api03-0123456789abcdefghij",
  "google-ai-studio": "AIzaSyA0123456789abcdefghijklmnopqrstuv",
  "aws-bedrock": "bedrock-api-key-0123456789abcdefghij",
  cohere: "w8Zq3kTn5Rv0Xy7Lb2Mc9Fd4Gh6Js1Pa8Ue5Io3N",
};
export const secrets = [virtualKey, pasted, ...Object.values(keys)];

/** US dollars for a million tokens. Cohere has none, and its model is in no table. */
export const prices: Record<string, { input: number; output: number; cache_read: number }> = {
  "openai/gpt-house": { input: 2, output: 8, cache_read: 0.5 },
  "anthropic/claude-house": { input: 3, output: 15, cache_read: 0.3 },
  "google-ai-studio/gemini-house": { input: 1.25, output: 10, cache_read: 0.31 },
  "aws-bedrock/house.model-v1:0": { input: 4, output: 16, cache_read: 1 },
};

/** What is wrong with what the client has seen. */
export function wrongOf(outcome: Outcome, runtime: RuntimeName): string[] {
  const { exchange, status, headers, ended } = outcome;
  const { fault, sends, streamed } = exchange;
  const body = headers["content-encoding"] === "gzip" ? gunzipSync(outcome.body) : outcome.body;
  const wrong = (why: string) => [
    `${nameOf(outcome)} ${why}: ${ended}, ${status} ${body.toString().slice(0, 300)}`,
  ];
  if (ended === "hung") return wrong("hangs");
  if (status > 0 && headers["cf-aig-event-id"] !== eventOf(outcome.n ?? exchange.n)) {
    return wrong("has no id");
  }
  const isFailure = ended === "whole" && status === (fault.startsWith("silent") ? 504 : 502) &&
    JSON.parse(body.toString()).name === "AiGatewayError";
  // What is held was never begun.
  const isHeld = streamed && !exchange.begun && !exchange.waits;
  switch (fault) {
    case "stall":
    case "stall-head":
      return ended === "left" ? [] : wrong("has ended");
    case "refused":
    case "no-head":
    case "silent-head":
      return isFailure ? [] : wrong("is no failure");
    case "head-only":
    case "cut-reset":
    case "cut-fin":
    case "cut-now":
    case "silent": {
      const early = fault === "head-only" || fault === "cut-now";
      if (isFailure && (!streamed || early || isHeld)) return [];
      // Bun holds a head back until there is a first byte.
      if (status === 0 && (early || !streamed) && runtime === "bun") return [];
      if (status !== 200) return wrong("has another status");
      const same = commonStart(body, sends);
      if (ended === "broken") return same === body.length ? [] : wrong("has other bytes");
      if (same < sends.length && !early) return wrong("has other bytes");
      // An error event stands in for the break.
      return saysError(body.subarray(same)) ? [] : wrong("looks whole");
    }
    case "unended": {
      if (isFailure && isHeld) return [];
      if (ended !== "whole" || status !== 200) return wrong("was cut");
      if (!body.subarray(0, sends.length).equals(sends)) return wrong("has other bytes");
      return saysError(body.subarray(sends.length)) ? [] : wrong("looks whole");
    }
  }
  if (ended !== "whole") return wrong("was cut");
  if (status !== exchange.status) return wrong("has another status");
  const [name, value] = exchange.retryAfter;
  if (status === 429 && headers[name] !== value) return wrong("lost its retry-after");
  if (headers["x-request-id"] !== `up-${exchange.n}`) return wrong("lost the provider's id");
  // A provider that quotes the gateway's own key is not heard out.
  const expected = fault === "401"
    ? Buffer.from(sends.toString().replace("{key}", "*".repeat(keys[exchange.wire.slug]!.length)))
    : sends;
  return body.equals(expected) ? [] : wrong("has other bytes");
}

/** How many bytes two texts have in common at their beginning. */
function commonStart(a: Buffer, b: Buffer): number {
  let same = 0;
  while (same < a.length && same < b.length && a[same] === b[same]) same++;
  return same;
}

/** Whether the last event that a client gets is an error. */
function saysError(rest: Buffer): boolean {
  return /error|exception/.test(rest.toString("latin1"));
}

/** Ends that a row may tell of, by fault. */
const endsOf: Partial<Record<Exchange["fault"], string[]>> = {
  refused: ["error"],
  "no-head": ["error"],
  // The reset may have overtaken the head.
  "head-only": ["upstream_cut", "error"],
  "cut-reset": ["upstream_cut"],
  "cut-fin": ["upstream_cut"],
  "cut-now": ["upstream_cut"],
  unended: ["upstream_cut"],
  "error-event": ["error"],
  stall: ["client_abort"],
  "stall-head": ["client_abort"],
  silent: ["stalled"],
  "silent-head": ["error", "stalled"],
};

/** What is wrong with its row. */
export function wrongRow(outcome: Outcome, row: Row, runtime: RuntimeName): string[] {
  const { exchange, status, headers } = outcome;
  const unseen = outcome.ended === "left" && mayMiss(runtime, exchange);
  const wrong = wrongAttempt(exchange, row, unseen ? ["error", "upstream_cut"] : []);
  // An answer of the provider's that was given up before anything of it went out, or had come.
  const { streamed, begun, waits, fault } = exchange;
  const isHeld = row.status_code === 200 &&
    (!streamed || !begun && !waits || fault === "cut-now");
  if (status !== 0) {
    if (row.status_code !== status && !(isHeld && status >= 502)) {
      wrong.push(`status_code is ${row.status_code} instead of ${status}`);
    }
    if (row.id !== headers["cf-aig-log-id"]) wrong.push(`id is ${row.id}`);
  } else if (![499, 200, ...unseen ? [502] : []].includes(row.status_code)) {
    // Left before the head, or before an answer that was held.
    wrong.push(`status_code is ${row.status_code} instead of 499`);
  }
  return wrong;
}

/**
 * What is wrong with the row of an attempt, whatever the client has seen of it.
 *
 * @param more Ends that are right as well.
 */
export function wrongAttempt(
  exchange: Exchange,
  row: Row,
  more: readonly string[] = [],
): string[] {
  const { wire, fault, streamed, told, status } = exchange;
  const wrong: string[] = [];
  const same = (what: string, actual: unknown, expected: unknown) => {
    if (actual !== expected) wrong.push(`${what} is ${actual} instead of ${expected}`);
  };
  const ends = [...endsOf[fault] ?? ["complete"], ...more];
  // The reset may have overtaken an answer that was held.
  if (/^(?:cut-|silent)/.test(fault) && !streamed) ends.push("error");
  if (!ends.includes(row.end)) same("end", row.end, ends.join(" or "));
  const good = (endsOf[fault] === undefined) && exchange.status === 200;
  same("success", row.success, good);
  same("provider", row.provider, fault === "refused" ? "custom-gone" : wire.slug);
  // A body that nobody took, or a path that means nothing to a custom provider, names no model.
  const nameless = fault === "refused" && row.model === "";
  if (!nameless) same("model", row.model, `${row.provider}/${wire.model}`);
  same("authentication", row.authentication, true);
  same("key_id", row.key_id, "config.default.test");
  if (row.status_code === 200 && fault !== "head-only") same("streamed", row.streamed, streamed);
  if (good) same("finish_reason", row.finish_reason, wire.finish[streamed ? "streamed" : "whole"]);
  // Bytes may be lost with their connection.
  const isLost = fault === "cut-now" || fault.startsWith("cut-") && !exchange.waits;
  const unheard = isLost && row.usage_quality !== "reported";
  if (told === null || unheard) {
    if (row.usage_quality === "reported") same("usage_quality", "reported", "something else");
  } else {
    same("usage_quality", row.usage_quality, "reported");
    same("tokens_in", row.tokens_in, told.input);
    same("tokens_out", row.tokens_out, told.output);
    same("cost", row.cost?.toFixed(9), costOf(exchange)?.toFixed(9));
  }
  if (fault === "error-event" && !row.error?.message.includes(`Broken off (${exchange.n})`)) {
    same("error", JSON.stringify(row.error), "what the provider said");
  }
  if (status >= 400) {
    same("status_code", row.status_code, status);
    const said = {
      429: `Too many (${exchange.n})`,
      503: "503 Service Unavailable",
      401: "Incorrect",
    };
    const part = said[exchange.status as keyof typeof said];
    if (!row.error?.message.includes(part)) same("error", JSON.stringify(row.error), part);
  }
  const { timings } = row;
  const times = [0, timings.latency, timings.first_byte, timings.first_token, timings.total];
  const known = times.filter((time) => time !== null);
  if (known.some((time, index) => time < (known[index - 1] ?? 0))) {
    same("timings", JSON.stringify(timings), "in order");
  }
  if (good && streamed && timings.first_token === null) same("first_token", null, "a time");
  return wrong;
}

/** In US dollars; null where price or tokens are not known. */
export function costOf({ wire, told }: Exchange): number | null {
  const price = prices[`${wire.slug}/${wire.model}`];
  if (price === undefined || told === null || told.input === null || told.output === null) {
    return null;
  }
  const fresh = told.input - told.cacheRead;
  return (fresh * price.input + told.cacheRead * price.cache_read + told.output * price.output) /
    1e6;
}
