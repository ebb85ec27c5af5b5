/**
 * Counts in Redis: each addition is one script, which Redis runs alone, so that limits hold exactly
 * across all processes and machines that share it.
 *
 * @module
 */
import type { Counters } from "./ports.ts";
import { additionOf, countOf } from "./span.ts";

/** What runs scripts. */
export interface RedisScripts {
  /** A function that runs the Lua script with one key and arguments. */
  script(lua: string): (key: string, ...args: (string | number)[]) => Promise<unknown>;
}

/**
 * A count is a hash of slots. Sums go as text both ways: Redis cuts the fraction off a number of Lua's.
 * ARGV: slot, after, until, amount, most, the slot up to which nothing counts for anybody, milliseconds
 * to live.
 */
const script = `
local slot, after, last = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local amount, most, past = tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6])
local fields = redis.call('HGETALL', KEYS[1])
local total, here, oldest = 0, 0, nil
for i = 1, #fields, 2 do
  local at, sum = tonumber(fields[i]), tonumber(fields[i + 1])
  if at == slot then here = sum end
  if at > after and at <= last then
    total = total + sum
    if oldest == nil or at < oldest then oldest = at end
  elseif at <= past then
    redis.call('HDEL', KEYS[1], fields[i])
  end
end
local added = total + amount <= most
if added and amount ~= 0 then
  redis.call('HSET', KEYS[1], ARGV[1], string.format('%.17g', here + amount))
  redis.call('PEXPIRE', KEYS[1], ARGV[7])
  total = total + amount
  if oldest == nil or slot < oldest then oldest = slot end
end
return { added and 1 or 0, string.format('%.17g', total), oldest and string.format('%.0f', oldest) }
`;

/** Counts in Redis, in keys that begin with `prefix`. */
export function redisCounters(redis: RedisScripts, prefix: string): Counters {
  const run = redis.script(script);
  return {
    driver: "redis",
    shared: true,
    async add(key, amount, span, limit, now) {
      const { id, slot, after, until, most } = additionOf(key, amount, span, limit, now);
      const [added, total, oldest] = await run(
        prefix + id,
        ...[slot, after, until, amount],
        most === Infinity ? "inf" : most === -Infinity ? "-inf" : most,
        after - span.slots,
        Math.ceil(2 * span.slots * span.slotMs),
      ) as [number, string, string?];
      return countOf(
        Number(total),
        oldest === undefined ? null : Number(oldest),
        added === 1,
        span,
      );
    },
    async close() {},
  };
}
