/**
 * Which provider's model a name means.
 *
 * @module
 */
import type { Context } from "../context.ts";
import { Code, GatewayError } from "../error.ts";
import { shown, suggestion } from "../nearest.ts";
import type { Provider } from "../provider.ts";

/** A model, and who has it. */
export interface Model {
  provider: Provider;
  /** As the provider names it. */
  model: string;
}

/**
 * The model of a name: `provider/model`, an alias of the configuration (`models`), or a bare name that only
 * one provider has. An error says what was expected: 400 with code 2019 for a name without a provider, 2008
 * for an unknown provider.
 */
export async function modelNamed(ctx: Context, name: string): Promise<Model> {
  const { host } = ctx;
  const aliases = host.models;
  let full = name;
  // An alias may stand for another one.
  for (let i = 0; i < 8 && Object.hasOwn(aliases, full); i++) full = aliases[full]!;
  if (full.startsWith("dynamic/") || full === "cloudflare/auto") {
    const what = full.startsWith("dynamic/") ? "Dynamic routes are" : "The auto router is";
    throw new GatewayError(501, Code.notServed, `${what} not served by this version`);
  }
  if (full.startsWith("@")) {
    return { provider: host.provider("workers-ai", ctx.request.headers), model: full };
  }
  const slash = full.indexOf("/");
  if (slash < 0) throw unprefixed(name, Object.keys(aliases));
  const provider = host.provider(full.slice(0, slash), ctx.request.headers);
  const model = full.slice(slash + 1);
  if (model === "") throw unprefixed(name, Object.keys(aliases));
  return { provider, model };
}

function unprefixed(name: string, aliases: readonly string[]): GatewayError {
  const hint = aliases.length === 0 ? "" : `; ${suggestion(name, aliases, "aliases")}`;
  return new GatewayError(
    400,
    Code.badModel,
    `Model '${shown(name)}' names no provider: 'provider/model' is expected, such as ` +
      `'openai/gpt-4o-mini'${hint}`,
  );
}
