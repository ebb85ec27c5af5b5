/**
 * Another provider, after a failure of the first: the steps of a universal request, or those that the
 * gateway's operator has named.
 *
 * @module
 */
import { assertClient, isOfAttempt, keepBody } from "../core/again.ts";
import { admission, type Context } from "../core/context.ts";
import { Code, isGatewayError } from "../core/error.ts";
import { definePlugin, type Next, type Plugin } from "../core/plugin.ts";
import type { Provider } from "../core/provider.ts";
import { drop } from "../core/streams/drop.ts";
import { compat } from "../core/unified/compat.ts";
import type { StandIn } from "../core/unified/retarget.ts";
import { stepsOf, universal } from "../core/universal.ts";

/** Where a request goes next: one to a provider's own API to a `provider`, one for a model to a `model`. */
export interface FallbackTarget {
  /** For requests of the unified API: `provider/model`, whatever format it speaks. */
  model?: string;
  /** For native requests: slug or alias. */
  provider?: string;
  /** Path at the provider, with its query if there is to be one; the request's own unless given. */
  path?: string;
  /** Over the request's own, which goes without its credentials to another provider. */
  headers?: Readonly<Record<string, string>>;
  /** Makes the body of the request's own, as JSON; what is not JSON goes as it is. */
  body?: (json: unknown) => unknown;
}

/** Options of {@link fallback}. */
export interface FallbackOptions {
  /**
   * Where requests go next, one after the other; where it names no models, chats of the unified API go to
   * those of the gateway's setting `fallback`.
   */
  to?: readonly FallbackTarget[];
  /** Whether a failure of a native request moves on; any answer from 400 on, and any error, unless given. */
  when?: (failure: { response: Response } | { error: unknown }, ctx: Context) => boolean;
  /**
   * Most milliseconds for which a streamed answer waits for its first content as long as another step is
   * left; 30,000 unless given.
   */
  hold?: number;
}

/**
 * Tries the steps of a universal request, and of native requests the targets given, until one answers. A
 * stream has answered with its first content. Refusals of the gateway end the request, as does a client
 * that leaves; when all steps have failed, the last one's answer is the answer. What is per client request
 * stands outside, what is per step inside.
 */
export function fallback(options: FallbackOptions = {}): Plugin {
  const { to = [], when, hold = 30_000 } = options;
  const models = to.flatMap(({ model }, i) => model === undefined ? [] : { model, step: i + 1 });
  const natives = to.filter(({ provider }) => provider !== undefined);
  const told = new Set<string>();

  return definePlugin("fallback", (ctx, next) => {
    if (ctx.provider === universal) return universally(ctx, next);
    if (ctx.provider !== compat) return natives.length === 0 ? next() : natively(ctx, next);
    const { fallback: setting } = ctx.gateway;
    if (models.length > 0) return forModel(ctx, next, models, false);
    if (setting.length === 0) return next();
    return forModel(ctx, next, setting.map((model, i) => ({ model, step: i + 1 })), true);
  });

  async function universally(ctx: Context, next: Next): Promise<Response> {
    const steps = await stepsOf(ctx);
    // Before the first is tried: whether a request is allowed must not depend on who fails.
    const admit = ctx.get(admission);
    if (admit !== undefined) {
      for (const [i, step] of steps.entries()) {
        steps[i] = await admit(step);
      }
    }
    return inTurn(
      steps.map((step) => () => step),
      next,
      ({ response }) => !response?.ok || ctx.shared.fault !== undefined,
    );
  }

  async function natively(ctx: Context, next: Next): Promise<Response> {
    return await keepBody(ctx) ? singly(ctx, next, await targetsOf(ctx)) : next();
  }

  /** @param chats Of nothing but chats. */
  async function forModel(
    ctx: Context,
    next: Next,
    models: readonly StandIn[],
    chats: boolean,
  ): Promise<Response> {
    const { isChat, standIns } = await import("../core/unified/retarget.ts");
    if (chats && !isChat(ctx) || !await keepBody(ctx)) return next();
    return singly(ctx, next, await standIns(ctx, models, (name, error) => tell(ctx, name, error)));
  }

  function singly(
    ctx: Context,
    next: Next,
    targets: readonly (() => Promise<Context>)[],
  ): Promise<Response> {
    return inTurn([() => ctx, ...targets], next, ({ response, error }) => {
      if (response !== undefined && response.status < 400 && !ctx.shared.fault) return false;
      return when?.(response === undefined ? { error } : { response }, ctx) ?? true;
    });
  }

  /** Once of each. */
  function tell({ host }: Context, name: string, { message }: Error): void {
    if (told.has(name)) return;
    told.add(name);
    host.report(`fallback: ${message}`);
  }

  /** Targets that are there, and that the caller may use. */
  async function targetsOf(ctx: Context): Promise<(() => Promise<Context>)[]> {
    const found: (() => Promise<Context>)[] = [];
    const admit = ctx.get(admission);
    for (const [i, target] of to.entries()) {
      const { provider: name } = target;
      if (name === undefined) continue;
      try {
        const provider = ctx.host.provider(name, ctx.request.headers);
        let step: Context | undefined;
        // It looks at the body, which is made only where it is needed otherwise.
        if (admit !== undefined) step = await admit(await stepTo(ctx, target, provider, i + 1));
        found.push(async () => step ?? await stepTo(ctx, target, provider, i + 1));
      } catch (error) {
        if (!isGatewayError(error)) throw error;
        if (error.code === Code.unknownProvider) tell(ctx, name, error);
      }
    }
    return found;
  }

  async function inTurn(
    steps: readonly (() => Context | Promise<Context>)[],
    next: Next,
    moves: (failure: { response?: Response; error?: unknown }) => boolean,
  ): Promise<Response> {
    for (const [i, step] of steps.entries()) {
      const made = step();
      const ctx = made instanceof Promise ? await made : made;
      const { shared } = ctx;
      const before = shared.attempts;
      shared.attempt = ctx;
      shared.cached = false;
      shared.fault = undefined;
      delete shared.model;
      if (i === steps.length - 1) return next(ctx);
      try {
        const response = await next(ctx.with({ hold: ctx.hold ?? hold }));
        // Of an attempt of its own, or of one that an identical request has made; else it is a refusal.
        const isProviders = shared.attempts > before || (shared.cached as boolean);
        if (!isProviders || !moves({ response })) return response;
        assertClient(ctx);
        drop(response);
      } catch (error) {
        if (!isOfAttempt(ctx, error) || !moves({ error })) throw error;
      }
    }
    throw new Error("A request has at least one step");
  }
}

/** What any provider may know of a client. */
const general = ["accept", "accept-encoding", "accept-language", "content-type", "user-agent"];

async function stepTo(
  ctx: Context,
  { path: to, headers: own = {}, body: change }: FallbackTarget,
  provider: Provider,
  step: number,
): Promise<Context> {
  const isSame = provider === ctx.provider;
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(ctx.headers)) {
    if (isSame || general.includes(name)) headers[name] = value;
  }
  for (const [name, value] of Object.entries(own)) headers[name.toLowerCase()] = value;
  delete headers["content-length"];
  const [path, query] = to === undefined ? [ctx.path, isSame ? ctx.query : ""] : cut(to);
  const bytes = change === undefined ? undefined : changed(await ctx.bytes(), change);
  return ctx.with({
    provider,
    path,
    query,
    headers,
    step,
    ...bytes !== undefined && { body: bytes },
  });
}

function cut(path: string): [path: string, query: string] {
  const mark = path.indexOf("?");
  const end = mark < 0 ? path.length : mark;
  return [path.slice(0, end).replace(/^\/+/, ""), path.slice(end)];
}

/** Nothing for a body that is not JSON: it goes as it is. */
function changed(bytes: Uint8Array, change: (json: unknown) => unknown): Uint8Array | undefined {
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    return undefined;
  }
  return new TextEncoder().encode(JSON.stringify(change(json)));
}
