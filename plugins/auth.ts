/**
 * Who may use the gateway: virtual keys, and Cloudflare Access in front.
 *
 * @module
 */
import { Access, type AccessIdentity } from "../core/auth/access.ts";
import type { AccessConfig } from "../core/config/config.ts";
import {
  type Admission,
  admission,
  authenticated,
  type Caller,
  caller,
  type Context,
} from "../core/context.ts";
import { type Candidate, candidatesOf, ownHeader, without } from "../core/auth/credentials.ts";
import { Code, GatewayError } from "../core/error.ts";
import { globs } from "../core/glob.ts";
import type { Claim, Taken } from "../core/limits/limiter.ts";
import { namedModels } from "../core/auth/named-models.ts";
import { definePlugin, type Plugin } from "../core/plugin.ts";
import { credentialOf } from "../core/provider.ts";
import { setAside, TokenHold } from "../core/limits/token-hold.ts";
import { compat } from "../core/unified/compat.ts";
import { universal } from "../core/universal.ts";
import { costOf, tokensOf } from "../core/usage/forecast.ts";
import { type KeyRecord, looksLikeKey } from "../core/auth/virtual-keys.ts";

/**
 * Asks callers for a gateway token where a gateway's `authentication` says so, and knows those who show
 * one anyway. Stands in front of whatever costs anything; only `log` stands further out. A token of ours
 * never goes to a provider.
 */
export function auth(): Plugin {
  const rules = new WeakMap<KeyRecord, Rules>();
  const teams = new WeakMap<AccessConfig, Access>();

  function rulesOf(record: KeyRecord): Rules {
    let known = rules.get(record);
    if (known === undefined) rules.set(record, known = compile(record));
    return known;
  }

  function teamOf(ctx: Context, config: AccessConfig): Access {
    let team = teams.get(config);
    if (team === undefined) teams.set(config, team = new Access(config, ctx.host));
    return team;
  }

  return definePlugin("auth", (ctx, next) => {
    const { gateway, host } = ctx;
    const candidates = candidatesOf(ctx, host.virtualKeys.anyText);
    if (candidates === undefined && gateway.access === null) {
      if (gateway.authentication) throw unauthorized(missing);
      if (ctx.provider === universal) ctx.set(admission, withoutTokens);
      return next();
    }
    return run(ctx, next, candidates ?? []);
  });

  async function run(
    ctx: Context,
    next: (ctx?: Context) => Promise<Response>,
    candidates: readonly Candidate[],
  ): Promise<Response> {
    const { gateway, host: { virtualKeys, now } } = ctx;
    let good: KeyRecord | undefined;
    let bad: { place: string; why: string } | undefined;
    /** A token of ours stands where a provider's key belongs. */
    let misplaced = false;
    const strip: string[] = [];
    for (const { text, place } of candidates) {
      const found = virtualKeys.find(text, gateway.id, (work) => ctx.waitUntil(work));
      const record = found instanceof Promise ? await found : found;
      if (record === undefined && place !== ownHeader && !looksLikeKey(text)) continue;
      const why = record === undefined ? unknown : faultOf(record, rulesOf(record), now());
      if (why === undefined) good ??= record;
      else bad ??= { place, why };
      if (place !== ownHeader) {
        misplaced = true;
        strip.push(place);
      }
    }
    const who = gateway.access === null
      ? undefined
      : await identify(ctx, teamOf(ctx, gateway.access), strip, good === undefined);
    const changes = strip.length === 0 ? undefined : without(ctx, strip);
    const onward = changes === undefined ? ctx : ctx.with(changes);
    if (ctx.provider === universal) ctx.set(admission, withoutTokens);
    if (good !== undefined) return await withKey(onward, next, good, rulesOf(good), who);
    if (who !== undefined) {
      know(onward, { ...who.userId !== undefined && { metadata: { "cf.user_id": who.userId } } });
    } else if (gateway.authentication || misplaced) {
      throw unauthorized(bad === undefined ? missing : bad.why.replace("{place}", () => bad.place));
    }
    return next(onward);
  }

  /** A step of a universal request has headers of its own, and a token of ours may stand in them. */
  async function withoutTokens(step: Context): Promise<Context> {
    const { gateway, host: { virtualKeys } } = step;
    const places: string[] = [];
    const team = gateway.access === null ? undefined : teamOf(step, gateway.access);
    for (
      const { text, place } of candidatesOf(step, virtualKeys.anyText || team !== undefined) ?? []
    ) {
      if (place === ownHeader) continue; // the request's
      const found = virtualKeys.find(text, gateway.id, (work) => step.waitUntil(work));
      const record = found instanceof Promise ? await found : found;
      const isJwt = await team?.mayBe(text) === true;
      if (record !== undefined || looksLikeKey(text) || isJwt) places.push(place);
    }
    if (places.length === 0) return step;
    if (step.get(authenticated) !== true) throw unauthorized(inStep);
    return step.with(without(step, places) ?? {});
  }
}

/** A key's rules, made ready. */
interface Rules {
  caller: Caller;
  expiresAt: number;
  gateways(id: string): boolean;
  providers: ((slug: string) => boolean) | undefined;
  models: ((name: string) => boolean) | undefined;
  requests: Claim[];
  tokens: Claim[];
}

function compile(record: KeyRecord): Rules {
  const { id, name, metadata, gateways, providers, models, limits = [] } = record;
  const claims = limits.map((rule, i): Claim & { unit: string } => ({
    key: `vkey:${id}:${i}.${rule.unit}`,
    amount: rule.unit === "requests" ? 1 : 0,
    rule,
    unit: rule.unit,
  }));
  return {
    caller: { keyId: id, keyName: name, ...metadata && { metadata } },
    expiresAt: record.expires_at === null ? Infinity : Date.parse(record.expires_at),
    gateways: gateways === undefined ? (id) => id === record.gateway : globs(gateways),
    providers: providers && globs(providers),
    models: models && globs(models),
    requests: claims.filter(({ unit }) => unit === "requests"),
    tokens: claims.filter(({ unit }) => unit !== "requests"),
  };
}

const missing =
  `send a gateway token as '${ownHeader}: Bearer <token>', or in place of the API key ` +
  "in your client; a provider's own key or a token of Cloudflare is none";
const inStep = `a step holds a gateway token; send it as '${ownHeader}' of the request itself`;
const unknown = "the token in '{place}' is not one of this gateway's; a token is made with the " +
  "management API (virtual_keys) or listed in the configuration (tokens)";

/** Why a key that is known does not open anything, or nothing. */
function faultOf(record: KeyRecord, rules: Rules, now: number): string | undefined {
  if (record.enabled === false) return "the key in '{place}' is disabled";
  // What is no date has expired.
  if (!(now < rules.expiresAt)) return "the key in '{place}' has expired";
  return undefined;
}

function unauthorized(why: string): GatewayError {
  return new GatewayError(401, Code.unauthorized, `Unauthorized: ${why}`);
}

function know(ctx: Context, who: Caller): void {
  ctx.set(authenticated, true);
  ctx.set(caller, who);
}

/** Who Access says is calling. Its JWT never goes upstream, good or bad. */
async function identify(
  ctx: Context,
  team: Access,
  strip: string[],
  needed: boolean,
): Promise<AccessIdentity | undefined> {
  const { headers } = ctx.request;
  const bearer = ctx.headers.authorization;
  const tokens = [headers.get("cf-access-jwt-assertion"), headers.get("cf-access-token")];
  if (bearer !== undefined && await team.mayBe(credentialOf(bearer))) {
    tokens.push(credentialOf(bearer));
    strip.push("authorization");
  }
  for (const token of tokens) {
    if (token === null) continue;
    try {
      const found = team.verify(token);
      const who = found instanceof Promise ? await found : found;
      if (who !== undefined) return who;
    } catch (error) {
      if (needed && ctx.gateway.authentication) throw error; // fails closed
    }
  }
  return undefined;
}

/** The rest of the chain for a caller with a good key, within what the key may do. */
async function withKey(
  ctx: Context,
  next: (ctx?: Context) => Promise<Response>,
  record: KeyRecord,
  rules: Rules,
  who: AccessIdentity | undefined,
): Promise<Response> {
  const { host, gateway } = ctx;
  const { limiter, virtualKeys } = host;
  // First of all: a refusal has a row in the log as well.
  know(
    ctx,
    who?.userId === undefined
      ? rules.caller
      : { ...rules.caller, metadata: { ...rules.caller.metadata, "cf.user_id": who.userId } },
  );
  // Before the key's own rules: a refusal has a caller, too.
  if (!rules.gateways(gateway.id)) throw refused(`gateway '${gateway.id}'`);
  if (rules.providers !== undefined || rules.models !== undefined) {
    const others = ctx.get(admission);
    const admit: Admission = async (asked) => {
      const onward = await others?.(asked) ?? asked;
      await checkRules(onward, record, rules);
      return onward;
    };
    // Of a universal request each step is checked, once it is known.
    if (ctx.provider !== universal) await checkRules(ctx, record, rules);
    ctx.set(admission, admit);
  }
  const { requests, tokens } = rules;
  const cost = tokens.length === 0 ? 0 : await costOf(ctx) ?? 0;
  const admittedAt = host.now();
  if (requests.length > 0) {
    const over = await limiter.admit(requests, admittedAt);
    if (over !== undefined) throw limited("requests", over.claim, over.taken, host.now());
  }
  let hold: TokenHold | undefined;
  if (tokens.length > 0) {
    const held = await setAside(limiter, tokens, cost, admittedAt, () => host.settler.drain());
    if (!(held instanceof TokenHold)) {
      await limiter.giveBack(requests, admittedAt);
      throw limited("tokens", held.claim, held.taken, host.now());
    }
    hold = held;
    ctx.onAttempt(async ({ status, usage }) => {
      await held.use(tokensOf(usage), host.now());
      if (status < 400) await held.refund();
    });
  }
  const used = virtualKeys.touch(record);
  if (used !== undefined) ctx.waitUntil(used);
  if (requests.length === 0 && hold === undefined) return next(ctx);
  let response: Response;
  try {
    response = await next(ctx);
  } catch (error) {
    await hold?.refund();
    throw error;
  }
  const { attempts, cached, fault } = ctx.shared;
  // An answer from the cache costs nothing.
  if (cached === true) ctx.waitUntil(limiter.giveBack(requests, admittedAt));
  if (response.status >= 400 || fault !== undefined || attempts === 0) await hold?.refund();
  return response;
}

/** Refuses a provider or a model that the key is not for. */
async function checkRules(ctx: Context, record: KeyRecord, rules: Rules): Promise<void> {
  if (ctx.provider === compat) return; // asked again once its model is known
  const { slug, aliases = [] } = ctx.provider;
  if (rules.providers !== undefined && ![slug, ...aliases].some(rules.providers)) {
    throw refused(`provider '${slug}'`, record.providers);
  }
  if (rules.models !== undefined) await checkModels(ctx, record, rules.models);
}

async function checkModels(
  ctx: Context,
  record: KeyRecord,
  allows: (name: string) => boolean,
): Promise<void> {
  const models = await namedModels(ctx);
  if (models === undefined) {
    if (ctx.method === "GET" || ctx.method === "HEAD") return;
    throw refused("a request that names no model", record.models);
  }
  for (const model of models) {
    if (allows(model) || allows(`${ctx.provider.slug}/${model}`)) continue;
    throw refused(
      `model '${model.length > 100 ? `${model.slice(0, 100)}...` : model}'`,
      record.models,
    );
  }
}

function refused(what: string, allowed?: readonly string[]): GatewayError {
  const list = allowed === undefined
    ? ""
    : `; it may be used for ${allowed.slice(0, 20).join(", ")}`;
  return new GatewayError(403, Code.keyRefused, `This key is not for ${what}${list}`);
}

function limited(
  unit: "requests" | "tokens",
  { rule }: Claim,
  { remaining, resetAt, retryAfter }: Taken,
  now: number,
): GatewayError {
  const left = Math.floor(remaining);
  return new GatewayError(
    429,
    Code.rateLimited,
    `Rate limited: this key may use ${rule.limit} ${unit} in ${rule.window} s; try again in ` +
      `${retryAfter} s`,
    {
      headers: {
        "retry-after": String(retryAfter),
        [`x-ratelimit-limit-${unit}`]: String(rule.limit),
        [`x-ratelimit-remaining-${unit}`]: String(left),
        [`x-ratelimit-reset-${unit}`]: `${Math.max(0, Math.ceil((resetAt - now) / 1000))}s`,
      },
    },
  );
}
