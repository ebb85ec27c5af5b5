// Requests that go through the whole chain: each has steps, each step has attempts, each attempt an
// exchange of its own. All of it follows from a seed and the number of the request.
import { dice, type Exchange, exchangeOf, type Fault } from "./exchanges.ts";
import type { RuntimeName } from "./gateway.ts";
import type { WireName } from "./wire.ts";

/** Requests of a step that have one exchange each. */
const mostAttempts = 3;
/** Requests at the same time, and one later, that are the same. */
const block = 10;
/** Milliseconds of silence after which the gateway gives an attempt up, where it is silent. */
export const patience = 1500;
/** Users that send more than they may, and how much that is. */
export const limited = { users: 4, limit: 40 };

export interface Step {
  /** What its requests carry as `x-number`. */
  number: number;
  /** The first is tried first; as many as the gateway may send. */
  attempts: Exchange[];
}

export interface Journey {
  n: number;
  kind: "native" | "universal" | "shared";
  /** On the universal endpoint, which may be asked for a single step, too. */
  universal: boolean;
  steps: Step[];
  /** On the gateway, after account and id. */
  path: string;
  headers: Record<string, string>;
  body: string;
  /** In `cf-aig-metadata`; with a limit of its own where `isLimited`. */
  user: string;
  isLimited: boolean;
  /** The client leaves while the gateway waits before another attempt. */
  leaves: boolean;
  /** Of a request that others send, too: which one. */
  group: number | undefined;
}

/** Faults that another attempt or step may make up for, and how often they come. */
const failures: readonly [fault: Fault, begun: boolean | undefined, times: number][] = [
  ["no-head", undefined, 3],
  ["head-only", undefined, 2],
  ["cut-reset", false, 2],
  ["cut-fin", false, 2],
  ["cut-now", false, 1],
  ["unended", false, 2],
  ["error-event", false, 3],
  ["429", undefined, 4],
  ["503", undefined, 3],
  ["401", undefined, 1],
  ["silent-head", undefined, 0.4],
  ["silent", false, 0.4],
];
/** What a client sees as it is. */
const endings: readonly [fault: Fault, begun: boolean | undefined, times: number][] = [
  ["none", undefined, 20],
  ["slow", undefined, 1],
  ["odd", undefined, 3],
  ["gzip", undefined, 2],
  ["malformed", undefined, 2],
  ["error-event", true, 2],
  ["unended", true, 2],
  ["cut-reset", true, 2],
  ["cut-fin", true, 2],
  ["cut-now", true, 1],
  ["silent", true, 0.3],
  ["stall", true, 2],
];
const draw = (list: typeof failures, chance: () => number) => {
  let left = chance() * list.reduce((sum, [, , times]) => sum + times, 0);
  return list.find(([, , times]) => (left -= times) < 0) ?? list[0]!;
};

const names: readonly WireName[] = [
  "openai-chat",
  "openai-responses",
  "anthropic",
  "gemini",
  "bedrock",
  "cohere",
];

/** What there is to know of request `n`. */
export function journeyOf(seed: number, n: number, runtime: RuntimeName): Journey {
  const place = n % block;
  const isShared = place >= 6;
  // The last of a block comes with the others of ten blocks before.
  const group = !isShared
    ? undefined
    : Math.floor(n / block) - (place === block - 1 && n >= 10 * block ? 10 : 0);
  const first = group === undefined ? n : group * block + 6;
  const chance = dice(seed, first + 1_000_000);
  const pick = <T>(list: readonly T[]): T => list[Math.floor(chance() * list.length)]!;
  const streamed = chance() < 0.6;
  const isLimited = !isShared && chance() < 0.12;
  const universal = chance() < (isShared ? 0.3 : 0.5);
  const isRare = chance() < 0.01;
  // Deno tells of those who leave only once an answer has begun.
  const leaves = isRare && !isShared && (runtime === "node" || runtime === "bun");
  const most = isShared || leaves ? 2 : 1 + Math.floor(chance() * mostAttempts);
  // All that come in a short time meet a provider that is down.
  const burst = first % 500 < 25;
  // Workers take their plugins as they are, without targets for native requests.
  const isConfigured = !universal && !isShared && runtime !== "workers" && chance() < 0.7;
  const targets = isConfigured ? 2 : isShared || !universal ? 1 : 1 + Math.floor(chance() * 3);

  const steps = Array.from({ length: targets }, (_, index): Step => {
    const isTarget = isConfigured && index === 1;
    const number = first * 10 + index;
    // Only those of one provider have users who are limited.
    const wire: WireName = isTarget
      ? "anthropic"
      : isLimited && index === 0
      ? "cohere"
      : pick(names);
    const refused = !isShared && !isTarget && !isLimited && chance() < 0.03;
    const attempts = Array.from({ length: most }, (_, attempt) => {
      const isLast = attempt === most - 1 && index === targets - 1;
      const fails = chance() < (burst ? 0.9 : isLast ? 0.15 : 0.4);
      let [fault, begun] = draw(fails ? failures : endings, chance);
      if (burst && fails) fault = "503";
      if (leaves && index === 0) fault = "503";
      if (refused) fault = "refused";
      // There is a target, which this request is not for.
      const isHeld = !isLast || isShared || !universal && !isConfigured && runtime !== "workers";
      return attemptOf({ number, attempt, wire, streamed, fault, begun, isShared, isHeld });
    });
    return { number, attempts };
  });
  if (isShared) {
    const [{ number, attempts }] = steps as [Step];
    const { name } = attempts[0]!.wire;
    const fault = "none";
    for (let attempt = most; attempt < 8; attempt++) {
      attempts.push(
        attemptOf({ number, attempt, wire: name, streamed, fault, isShared, isHeld: false }),
      );
    }
  }
  const isSilent = steps.some(({ attempts }) =>
    attempts.some(({ fault }) => fault === "silent" || fault === "silent-head")
  );
  const settings: Record<string, string> = {
    ...most > 1 && { "cf-aig-max-attempts": String(most) },
    "cf-aig-retry-delay": leaves ? "5000" : "5",
    ...isSilent && {
      "cf-aig-request-timeout": String(patience),
      "x-sluice-timeout-idle": String(patience),
    },
    ...isShared && { "cf-aig-cache-ttl": "600" },
  };
  const [head] = steps as [Step];
  const [{ headers, path, body }] = head.attempts as [Exchange];
  const own = (step: Step) => ({ ...step.attempts[0]!.headers, "x-number": String(step.number) });
  return {
    n,
    kind: isShared ? "shared" : universal ? "universal" : "native",
    universal,
    steps,
    path: universal ? "" : path,
    headers: {
      ...universal ? { "content-type": "application/json" } : { ...headers, ...own(head) },
      // Each of the steps may say it for itself as well.
      ...(!universal || n % 2 === 0 || isShared) && settings,
      ...!universal && !isConfigured && { "x-plain": "1" },
    },
    body: universal
      ? `[${
        steps.map((step) => {
          const { path, body } = step.attempts[0]!;
          const mark = path.indexOf("/");
          const says = { ...own(step), ...n % 2 === 1 && !isShared && settings };
          return `{"provider":${JSON.stringify(path.slice(0, mark))},` +
            `"endpoint":${JSON.stringify(path.slice(mark + 1))},` +
            `"headers":${JSON.stringify(says)},"query":${body}}`;
        }).join(",")
      }]`
      : body,
    user: isLimited ? `limited-${n % limited.users}` : `user-${n}`,
    isLimited,
    leaves,
    group,
  };
}

interface Planned {
  number: number;
  attempt: number;
  wire: WireName;
  streamed: boolean;
  fault: Fault;
  begun?: boolean | undefined;
  isShared: boolean;
  /** Until its first content: something may come behind it. */
  isHeld: boolean;
}

/** The request of each attempt of a step is the same, its answer is not. */
function attemptOf(
  { number, attempt, wire, streamed, fault: wanted, begun, isShared, isHeld }: Planned,
): Exchange {
  let fault = wanted;
  // What befalls streams alone.
  if (!streamed && /^(?:malformed|error-event|unended)$/.test(fault)) fault = "503";
  if (!streamed && fault === "stall") fault = "none";
  if (streamed && fault === "gzip") fault = "odd";
  // Nobody tells the provider what those who share an answer have got, and one may leave without the others.
  if (isShared && /^(?:stall|cut-reset|cut-fin)$/.test(fault)) fault = begun ? "none" : "no-head";
  const chosen = { wire, streamed, fault, large: number % 400 === 0, chunked: false };
  const { body, headers, path } = exchangeOf(1, number, { ...chosen, fault: "none" });
  const exchange = exchangeOf(1, number * 8 + attempt, {
    ...chosen,
    ...begun !== undefined && { begun },
  });
  const wait = number % 7;
  return {
    ...exchange,
    body,
    path: fault === "refused" ? exchange.path : path,
    headers: fault === "gzip" ? { ...headers, "accept-encoding": "gzip" } : headers,
    // What is held does not reach the client before the cut.
    waits: streamed && exchange.sends.length > 0 && (exchange.begun || !isHeld),
    // One is longer than the gateway waits.
    retryAfter: wait === 0
      ? ["retry-after", "90"]
      : wait === 1
      ? ["retry-after", "1"]
      : ["retry-after-ms", "20"],
  };
}

/** Whether another attempt of the same step comes after this one; nothing where either is right. */
export function isRetried({ fault, streamed, begun, retryAfter }: Exchange): boolean | undefined {
  switch (fault) {
    case "refused":
    case "no-head":
    case "503":
    case "silent-head":
      return true;
    case "429":
      return retryAfter[1] !== "90";
    case "401":
      return false;
    case "head-only":
      return streamed ? true : undefined;
    case "cut-reset":
    case "cut-fin":
    case "cut-now":
    case "silent":
      // A short answer may be held until it is whole.
      if (!streamed) return undefined;
      // What was said may be lost with its connection.
      return begun ? fault === "cut-now" ? undefined : false : true;
    case "unended":
    case "error-event":
      return !begun;
  }
  return false;
}

/** Whether the next step comes after this one. */
export function movesOn(exchange: Exchange): boolean | undefined {
  return exchange.status >= 400 ? true : isRetried(exchange);
}

/** Numbers of requests that only look. */
export const probes = 1_000_000;

export function probeOf(number: number): Exchange {
  const wire: WireName = number % 2 === 0 ? "openai-chat" : "anthropic";
  const chosen = { wire, fault: "none", streamed: false, large: false, chunked: false } as const;
  return exchangeOf(1, number, chosen);
}

/** What becomes of request `number` at the provider. */
export function exchangeIn(
  seed: number,
  number: number,
  times: number,
  runtime: RuntimeName,
): Exchange | undefined {
  if (number >= probes) return times === 0 ? probeOf(number) : undefined;
  const journey = journeyOf(seed, Math.floor(number / 10), runtime);
  return journey.steps.find((step) => step.number === number)?.attempts[times];
}
