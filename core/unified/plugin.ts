/**
 * The unified API's place in the chain: a request for a model becomes one for a provider, and its answer
 * one of the client's own format.
 *
 * @module
 */
import type { Context } from "../context.ts";
import { definePlugin, type Next, type Plugin } from "../plugin.ts";
import { compat } from "./compat.ts";

/**
 * Serves the unified API. Every gateway has it, right behind `fallback` (else behind `auth`, else first):
 * whatever stands further in sees requests as their provider gets them. List it only to have it elsewhere.
 */
export function unified(): Plugin {
  // Loaded when it is asked for: requests to a provider's own API never need it.
  let loading: Promise<Serve> | undefined;
  return definePlugin("unified", (ctx, next) => {
    if (ctx.provider !== compat) return next();
    loading ??= load(ctx);
    return loading.then((serve) => serve(ctx, next));
  });
}

type Serve = (ctx: Context, next: Next) => Promise<Response>;

/** The code, and with it what it has to know of the providers. */
async function load({ host }: Context): Promise<Serve> {
  await Promise.all(host.providers.map(({ dialect }) => dialect?.load?.()));
  const { serve } = await import("./pipeline.ts");
  return serve;
}

/** The chain with the unified API in its place. */
export function withUnified(plugins: readonly Plugin[]): readonly Plugin[] {
  const names = plugins.map(({ name }) => name);
  if (names.includes("unified")) return plugins;
  const before = Math.max(names.indexOf("auth"), names.indexOf("fallback")) + 1;
  return plugins.toSpliced(before, 0, unified());
}
