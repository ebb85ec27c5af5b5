/**
 * What a request and its gateway say about caching (spec 2.1, 4.2).
 *
 * @module
 */
import { authenticated, type Context } from "../context.ts";

/** How a stored stream is sent. */
export type Replay = "instant" | "original" | "cap-1s";

/** What holds for one request. */
export interface Policy {
  /** Seconds that its answer is good for. */
  ttl: number;
  /** Seconds after that in which the old answer is given while a new one is fetched. */
  staleWhileRevalidate: number;
  /** Seconds after that in which the old answer is given when there is no new one. */
  staleIfError: number;
  replay: Replay;
  /** `cf-aig-cache-key`. */
  key: string | undefined;
}

/** Seconds of an answer whose time nobody has said: only with a key of its own. */
const unsaid = 300;
const leastTtl = 60;
const month = 31 * 24 * 60 * 60;

/** The policy, or why there is no caching. */
export function policyOf(ctx: Context, replay: Replay | undefined): Policy | string {
  const { clientHeaders: headers, gateway } = ctx;
  const key = headers.get("cf-aig-cache-key") || undefined;
  const asked = secondsOf(headers.get("cf-aig-cache-ttl") ?? headers.get("cf-cache-ttl"));
  if (asked === undefined && key === undefined && gateway.cache_ttl === 0) return "off";
  if (asked === 0) return "ttl is 0";
  if (isTrue(headers.get("cf-aig-skip-cache") ?? headers.get("cf-skip-cache"))) return "skipped";
  // In a chain where `auth` stands further in, an answer would go to whoever asks.
  if (gateway.authentication && ctx.get(authenticated) !== true) {
    return "nobody knows the caller yet";
  }
  const ttl = asked === undefined
    ? gateway.cache_ttl || unsaid
    : Math.min(Math.max(asked, leastTtl), month);
  const stale = (name: string, setting: number): number =>
    Math.min(secondsOf(headers.get(name)) ?? setting, month);
  return {
    ttl,
    staleWhileRevalidate: stale(
      "cf-aig-cache-stale-while-revalidate",
      gateway.cache_stale_while_revalidate,
    ),
    staleIfError: stale("cf-aig-cache-stale-if-error", gateway.cache_stale_if_error),
    replay: replayOf(headers.get("cf-aig-cache-replay")) ?? replay ?? gateway.cache_replay,
    key,
  };
}

function isTrue(value: string | null): boolean {
  return value !== null && value.trim().toLowerCase() === "true";
}

/** Whole seconds; anything else says nothing. */
function secondsOf(value: string | null): number | undefined {
  if (value === null || !/^\s*\d{1,15}\s*$/.test(value)) return undefined;
  return Number(value);
}

function replayOf(value: string | null): Replay | undefined {
  return value === "instant" || value === "original" || value === "cap-1s" ? value : undefined;
}
