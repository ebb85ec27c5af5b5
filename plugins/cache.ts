/**
 * The cache of answers.
 *
 * @module
 */
import type { Answers } from "../core/cache/answering.ts";
import type { CacheOptions } from "../core/cache/options.ts";
import { pass } from "../core/cache/pass.ts";
import { policyOf } from "../core/cache/policy.ts";
import type { Context } from "../core/context.ts";
import { definePlugin, type Plugin } from "../core/plugin.ts";

export type { CacheOptions };

/**
 * Answers from the cache what was answered before (spec 4), and lets identical requests at the same time
 * wait for one answer. Stands inside `fallback`, and outside `rateLimit` and whatever else a provider's
 * answer costs. On where a gateway has a `cache_ttl`, or a request a `cf-aig-cache-key` or
 * `cf-aig-cache-ttl`. A store that is away is a cache with nothing in it.
 */
export function cache(options: CacheOptions = {}): Plugin {
  let answers: Answers | undefined;
  let loading: Promise<Answers> | undefined;
  const load = async (ctx: Context): Promise<Answers> => {
    const [{ Answers }] = await Promise.all([
      import("../core/cache/answering.ts"),
      ctx.host.openCache(),
    ]);
    return answers = new Answers(options);
  };
  return definePlugin("cache", (ctx, next) => {
    const policy = policyOf(ctx, options.replay);
    if (typeof policy === "string") return pass(ctx, next, policy);
    if (answers !== undefined) return answers.answer(ctx, next, policy);
    return (loading ??= load(ctx)).then((loaded) => loaded.answer(ctx, next, policy));
  });
}
