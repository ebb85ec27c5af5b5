/**
 * The onion, and only the onion: a plugin gets the context and the rest of the chain, and returns
 * the answer. Not calling `next` short-circuits; calling it again retries.
 *
 * @module
 */
import type { Context } from "./context.ts";

/** The rest of the chain. May be called again, and with a changed context. */
export type Next = (ctx?: Context) => Promise<Response>;

/** A step of the chain; its function name is its name in logs and traces. */
export type Plugin = (ctx: Context, next: Next) => Response | Promise<Response>;

/** Hooks for what does not need the whole onion. */
export interface PluginHooks {
  /** Changes the request (returns a copy of the context) or answers it (returns a response). */
  onRequest?(ctx: Context): Context | Response | void | Promise<Context | Response | void>;
  /** Sees or replaces the answer. Headers may be changed in place. */
  onResponse?(response: Response, ctx: Context): Response | void | Promise<Response | void>;
  /** Answers a failure of the chain, or lets it pass by returning nothing. */
  onError?(error: unknown, ctx: Context): Response | void | Promise<Response | void>;
}

/** A named plugin, from an onion function or from hooks. */
export function definePlugin(name: string, plugin: Plugin | PluginHooks): Plugin {
  const run = typeof plugin === "function" ? plugin : fromHooks(plugin);
  return Object.defineProperty(
    (ctx: Context, next: Next) => run(ctx, next),
    "name",
    { value: name },
  );
}

function fromHooks(hooks: PluginHooks): Plugin {
  return async (ctx, next) => {
    try {
      const early = await hooks.onRequest?.(ctx);
      if (early instanceof Response) return early;
      const response = await next(early ?? ctx);
      return await hooks.onResponse?.(response, early ?? ctx) ?? response;
    } catch (error) {
      const answer = await hooks.onError?.(error, ctx);
      if (answer) return answer;
      throw error;
    }
  };
}

/** Folds the plugins around the innermost step; the first plugin is the outermost. */
export function compose(
  plugins: readonly Plugin[],
  innermost: (ctx: Context) => Promise<Response>,
): (ctx: Context) => Promise<Response> {
  return plugins.reduceRight<(ctx: Context) => Promise<Response>>(
    (rest, plugin) => async (ctx) => await plugin(ctx, (changed) => rest(changed ?? ctx)),
    innermost,
  );
}
