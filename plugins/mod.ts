/**
 * All plugins, and the chain that the runtimes start with.
 *
 * @module
 */
import type { Plugin } from "../core/plugin.ts";
import { auth } from "./auth.ts";
import { cache } from "./cache.ts";
import { fallback } from "./fallback.ts";
import { log } from "./log.ts";
import { otel } from "./otel.ts";
import { rateLimit } from "./rate-limit.ts";
import { retry } from "./retry.ts";
import { timeout } from "./timeout.ts";

export { auth } from "./auth.ts";
export { cache, type CacheOptions } from "./cache.ts";
export type { Replay } from "../core/cache/policy.ts";
export { chaos, type ChaosOptions, type ChaosRule, type Fault } from "./chaos.ts";
export { fallback, type FallbackOptions, type FallbackTarget } from "./fallback.ts";
export { log, type LogOptions } from "./log.ts";
export { otel, type OtelOptions } from "./otel.ts";
export { rateLimit, type RateLimitOptions } from "./rate-limit.ts";
export { type Backoff, retry, type RetryOptions } from "./retry.ts";
export { timeout, type TimeoutOptions } from "./timeout.ts";

/**
 * The chain of the runtimes, in its order: what is per client request outside, what is per attempt inside.
 * What the configuration does not turn on costs next to nothing.
 */
export function standardPlugins(): Plugin[] {
  return [otel(), log(), auth(), fallback(), cache(), rateLimit(), retry(), timeout()];
}
