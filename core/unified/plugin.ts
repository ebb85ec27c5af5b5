/**
 * The unified API's place in the chain: a request for a model becomes one for a provider, and its answer
 * one of the client's own format.
 *
 * @module
 */
import { definePlugin, type Plugin } from "../plugin.ts";
import { compat } from "./compat.ts";

/**
 * Serves the unified API. Every gateway has it, right behind `fallback` (else behind `auth`, else first):
 * whatever stands further in sees requests as their provider gets them. List it only to have it elsewhere.
 */
export function unified(): Plugin {
  // Loaded when it is asked for: requests to a provider's own API never need it.
  let pipeline: Promise<typeof import("./pipeline.ts")> | undefined;
  return definePlugin("unified", (ctx, next) => {
    if (ctx.provider !== compat) return next();
    pipeline ??= import("./pipeline.ts");
    return pipeline.then(({ serve }) => serve(ctx, next));
  });
}

/** The chain with the unified API in its place. */
export function withUnified(plugins: readonly Plugin[]): readonly Plugin[] {
  const names = plugins.map(({ name }) => name);
  if (names.includes("unified")) return plugins;
  const before = Math.max(names.indexOf("auth"), names.indexOf("fallback")) + 1;
  return plugins.toSpliced(before, 0, unified());
}
