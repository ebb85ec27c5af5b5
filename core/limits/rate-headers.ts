/**
 * What a limit says of itself: the refusal, and headers in the words of OpenAI's
 * (`x-ratelimit-remaining-requests`; spec 5.1 leaves them open).
 *
 * @module
 */
import { Code, GatewayError } from "../error.ts";
import type { Taken } from "./limiter.ts";
import type { RateRule } from "./rate-rules.ts";

/** A rule, and what it found. */
export interface Finding {
  rule: RateRule;
  taken: Taken;
  /** When, in milliseconds since 1970. */
  at: number;
}

/** Names of headers of one unit. */
interface Names {
  limit: string;
  remaining: string;
  reset: string;
}

type Unit = RateRule["unit"];

function namesOf(prefix: string): Record<Unit, Names> {
  const of = (unit: Unit): Names => ({
    limit: `${prefix}-limit-${unit}`,
    remaining: `${prefix}-remaining-${unit}`,
    reset: `${prefix}-reset-${unit}`,
  });
  return { requests: of("requests"), tokens: of("tokens"), concurrent: of("concurrent") };
}

const usual = namesOf("x-ratelimit");
const besideTheirs = namesOf("x-sluice-ratelimit");

/** The refusal of what is over a limit. */
export function overLimit(finding: Finding): GatewayError {
  const { rule, taken } = finding;
  // Nobody knows when an answer will be over.
  const seconds = rule.unit === "concurrent" ? 1 : taken.retryAfter;
  const headers: Record<string, string> = { "retry-after": String(seconds) };
  tell(finding, usual, (name, value) => headers[name] = value);
  const message = `Rate limited: ${rule.text}; try again in ${seconds} s`;
  return new GatewayError(429, Code.rateLimited, message, { headers });
}

/**
 * Tells of the limit of each unit with the least left. Never in place of a provider's own figures: beside
 * those, ours are `x-sluice-ratelimit-*`.
 */
export function withLimits(response: Response, findings: Iterable<Finding>): Response {
  let requests: Finding | undefined, tokens: Finding | undefined, concurrent: Finding | undefined;
  for (const finding of findings) {
    const { rule: { unit }, taken: { known } } = finding;
    if (!known) continue;
    if (unit === "requests") requests = tighter(requests, finding);
    else if (unit === "tokens") tokens = tighter(tokens, finding);
    else concurrent = tighter(concurrent, finding);
  }
  if ((requests ?? tokens ?? concurrent) === undefined) return response;
  const put = (answer: Response) => {
    const { headers } = answer;
    for (const finding of [requests, tokens, concurrent]) {
      if (finding === undefined) continue;
      const names = usual[finding.rule.unit];
      const theirs = headers.has(names.limit) || headers.has(names.remaining);
      tell(finding, theirs ? besideTheirs : usual, (name, value) => headers.set(name, value));
    }
    return answer;
  };
  try {
    return put(response);
  } catch {
    return put(new Response(response.body, response)); // a plugin's own `fetch` has fixed headers
  }
}

function tighter(a: Finding | undefined, b: Finding): Finding {
  return a === undefined || b.taken.remaining < a.taken.remaining ? b : a;
}

function tell(
  { rule, taken, at }: Finding,
  names: Record<Unit, Names>,
  set: (name: string, value: string) => void,
): void {
  const { limit, remaining, reset } = names[rule.unit];
  set(limit, String(rule.limit.limit));
  set(remaining, String(Math.floor(taken.remaining)));
  if (rule.unit === "concurrent") return;
  set(reset, `${Math.max(0, Math.ceil((taken.resetAt - at) / 1000))}s`);
}
