// What is right for a request that goes through the whole chain.
import type { Exchange } from "./exchanges.ts";
import type { Outcome } from "./faulty-client.ts";
import type { RuntimeName } from "./gateway.ts";
import { isRetried, type Journey, movesOn, type Step } from "./journeys.ts";
import type { Row } from "./logs.ts";
import { wrongAttempt, wrongOf, wrongRow } from "./verdicts.ts";

/** What a client has seen, and what the log says of it; the rows in their order. */
export interface Seen {
  journey: Journey;
  outcome: Outcome;
  rows: Row[];
}

/** Refused by the limit of its user. */
export function isRefused({ outcome: { status, body } }: Seen): boolean {
  return status === 429 && body.includes('"AiGatewayError"') && body.includes('"code":2003');
}

export function isShared({ outcome: { headers } }: Seen): boolean {
  return ["HIT", "COALESCED"].includes(String(headers["cf-aig-cache-status"]));
}

/** Of a request that went to a provider, with a lent key: what was refused, or has another's answer, did not. */
export function isOfAttempt({ cached, byok, provider }: Row): boolean {
  return !cached && (byok || provider === "custom-gone");
}

/** What is wrong with it. */
export function wrongJourney(seen: Seen, runtime: RuntimeName): string[] {
  const { journey, outcome, rows } = seen;
  const { steps, n } = journey;
  if (outcome.ended === "hung") return [`${n} hangs: ${outcome.status} ${outcome.body}`];
  const wrong = rows.flatMap((row, index) => [
    ...row.attempt === index ? [] : [`${n}: attempt ${row.attempt} in place of ${index}`],
    ...row.request_type === (journey.universal ? "universal" : "native")
      ? []
      : [`${n}: request_type is ${row.request_type}`],
  ]);
  if (rows.length === 0) return [`${n} has no row`];
  if (isRefused(seen)) return [...wrong, ...wrongRefusal(seen)];
  if (isShared(seen)) return [...wrong, ...wrongHit(seen, runtime)];
  if (journey.group !== undefined) {
    if (rows.every((row) => !isOfAttempt(row))) return [...wrong, ...wrongFailure(seen, runtime)];
    const [{ attempts }] = steps as [Step];
    // Nobody waits for anybody there: attempts of several requests come as they come.
    if (runtime === "workers") return [...wrong, ...wrongAmong(seen, attempts)];
    // Others have had their attempts before.
    const starts = attempts.map((_, start) => start);
    const found = starts.map((start) => {
      const step = { number: 0, attempts: attempts.slice(start, start + 2) };
      return wrongPath(seen, [step], runtime);
    });
    const least = found.reduce((a, b) => b.length < a.length ? b : a);
    return [...wrong, ...least];
  }
  return [...wrong, ...wrongPath(seen, steps, runtime)];
}

/** Follows the rows from attempt to attempt. */
function wrongPath(
  { journey, outcome, rows }: Seen,
  steps: Step[],
  runtime: RuntimeName,
): string[] {
  const { n } = journey;
  const wrong: string[] = [];
  let step = 0;
  let attempt = 0;
  for (const [index, row] of rows.entries()) {
    const exchange = steps[step]?.attempts[attempt];
    if (exchange === undefined) return [...wrong, `${n} has ${rows.length} rows`];
    const name = `${n}.${step}.${attempt} (${exchange.wire.name}, ${
      exchange.streamed ? "stream" : "JSON"
    }, ${exchange.fault}${exchange.begun ? " behind text" : ""})`;
    const say = (found: string[]) => wrong.push(...found.map((why) => `${name}: ${why}`));
    if (row.step !== step) say([`step is ${row.step}`]);
    const again = attempt + 1 < steps[step]!.attempts.length ? isRetried(exchange) : false;
    const on = step + 1 < steps.length && again !== true ? movesOn(exchange) : false;
    const next = rows[index + 1];
    if (next !== undefined) {
      say(wrongAttempt(exchange, row));
      if (next.step === step) {
        if (again === false) say(["was sent again"]);
        attempt++;
      } else {
        if (on === false) say(["moved on"]);
        step++;
        attempt = 0;
      }
      continue;
    }
    if (journey.leaves && outcome.ended === "left") {
      if (index > 0) say(["went on without its client"]);
      say(wrongAttempt(exchange, row));
      continue;
    }
    if (again === true || on === true) say(["was given up"]);
    const last = { ...outcome, exchange };
    say(wrongOf(last, runtime));
    say(wrongRow(last, row, runtime));
  }
  return wrong;
}

/** Each row is one of the attempts, and the last is what the client has got. */
function wrongAmong({ journey: { n }, outcome, rows }: Seen, attempts: Exchange[]): string[] {
  const last = rows.at(-1)!;
  const isOne = (exchange: Exchange, row: Row) => wrongAttempt(exchange, row).length === 0;
  const strange = rows.slice(0, -1).find((row) => !attempts.some((one) => isOne(one, row)));
  if (strange !== undefined) return [`${n} has the row of no attempt: ${JSON.stringify(strange)}`];
  const got = (exchange: Exchange) => [
    ...wrongOf({ ...outcome, exchange }, "workers"),
    ...wrongRow({ ...outcome, exchange }, last, "workers"),
  ];
  return attempts.map(got).reduce((a, b) => b.length < a.length ? b : a);
}

function wrongRefusal({ journey, outcome, rows }: Seen): string[] {
  const { n } = journey;
  const wrong: string[] = [];
  if (!journey.isLimited) wrong.push(`${n} was refused`);
  if (outcome.ended !== "whole") wrong.push(`${n} was ${outcome.ended}`);
  if (!(Number(outcome.headers["retry-after"]) > 0)) wrong.push(`${n} is not told when to retry`);
  const [row] = rows;
  if (rows.length !== 1 || row!.status_code !== 429 || row!.success || row!.cost !== null) {
    wrong.push(`${n}, which was refused, has ${JSON.stringify(rows)}`);
  }
  return wrong;
}

/** An answer that another request has got. */
function wrongHit({ journey, outcome, rows }: Seen, runtime: RuntimeName): string[] {
  const { n, steps: [step] } = journey;
  const how = String(outcome.headers["cf-aig-cache-status"]);
  const { status, body, ended, headers } = outcome;
  const [row] = rows;
  const say = (why: string) => [
    `${n} (${how}, ${step!.attempts[0]!.wire.name}, ${
      step!.attempts[0]!.streamed ? "stream" : "JSON"
    }) ${why}: ${status} ${ended} ${body.toString().slice(0, 200)} ${JSON.stringify(row)}`,
  ];
  if (rows.length !== 1) return say(`has ${rows.length} rows`);
  const mayBe = (exchange: Exchange): boolean => {
    const { "x-request-id": _, ...others } = headers;
    const own = { ...others, "x-request-id": `up-${exchange.n}` };
    return wrongOf({ ...outcome, headers: own, exchange }, runtime).length === 0;
  };
  const exchange = step!.attempts.find((one) => isGood(one) && mayBe(one)) ??
    step!.attempts.find(mayBe);
  if (exchange === undefined) return say("is no answer to its request");
  const good = isGood(exchange);
  if (how === "HIT" && !good) {
    return say(`was stored: ${exchange.fault} ${exchange.begun} ${exchange.n}`);
  }
  if (headers["x-request-id"] !== undefined) return say("has another's id");
  if (headers["x-sluice-cost"] !== "0" || row!.cost !== 0) return say("costs something");
  if (!row!.cached || row!.success !== good) {
    return say(`has a wrong row for ${exchange.fault} ${exchange.begun} ${exchange.n}`);
  }
  if (row!.id !== headers["cf-aig-log-id"]) return say("has another row");
  if (good && row!.tokens_in !== exchange.told?.input) return say("has other tokens");
  return [];
}

/** The failure of another request, which had no answer to share. */
function wrongFailure({ journey, outcome, rows }: Seen, runtime: RuntimeName): string[] {
  const { n, steps: [step] } = journey;
  const [row] = rows;
  const isKnown = step!.attempts.some((exchange) => {
    return wrongOf({ ...outcome, exchange }, runtime).length === 0;
  });
  const wrong: string[] = [];
  if (!isKnown) wrong.push(`${n} got ${outcome.ended} ${outcome.status} ${outcome.body}`);
  if (rows.length !== 1 || row!.success || row!.status_code !== outcome.status) {
    wrong.push(`${n}, which shared a failure, has ${JSON.stringify(rows)}`);
  }
  return wrong;
}

/** An answer that others may get as well. */
export function isGood({ fault, status }: Exchange): boolean {
  return status === 200 && ["none", "slow", "odd", "gzip", "malformed"].includes(fault);
}
