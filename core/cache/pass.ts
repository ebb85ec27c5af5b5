/**
 * Requests that the cache has no part in.
 *
 * @module
 */
import type { Context } from "../context.ts";
import { mutable } from "../headers.ts";
import type { Next } from "../plugin.ts";

/** A request that the cache has no part in. */
export async function pass(ctx: Context, next: Next, why: string): Promise<Response> {
  if (!asksWhy(ctx)) return next();
  const response = mutable(await next());
  response.headers.set("x-sluice-cache-reason", why);
  return response;
}

/** The client wants to know why. */
export function asksWhy({ clientHeaders }: Context): boolean {
  return clientHeaders.get("x-sluice-debug") === "true";
}
