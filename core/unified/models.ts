/**
 * Which provider's model a name means.
 *
 * @module
 */
import type { Context } from "../context.ts";
import { Code, GatewayError, isGatewayError } from "../error.ts";
import { nearest, shown } from "../nearest.ts";
import type { Provider } from "../provider.ts";
import type { Catalogue } from "../usage/prices.ts";

/** A model, and who has it. */
export interface Model {
  provider: Provider;
  /** As the provider names it. */
  model: string;
}

/**
 * The model of a name: `provider/model`, an alias of the configuration (`models`), or a bare name whose
 * provider is known. An error says what was expected: 400 with code 2019 for a name without a provider,
 * 2008 for an unknown provider.
 */
export async function modelNamed(ctx: Context, name: string): Promise<Model> {
  const { host, request: { headers } } = ctx;
  let full = name;
  // An alias may stand for another one.
  for (let i = 0; i < 8 && Object.hasOwn(host.models, full); i++) full = host.models[full]!;
  if (full.startsWith("dynamic/") || full === "cloudflare/auto") {
    const what = full.startsWith("dynamic/") ? "Dynamic routes are" : "The auto router is";
    throw new GatewayError(501, Code.notServed, `${what} not served by this version`);
  }
  // Google's clients put it before every name.
  full = full.replace(/^models\//, "");
  if (full.startsWith("@")) return { provider: host.provider("workers-ai", headers), model: full };
  const slash = full.indexOf("/");
  if (slash > 0 && slash < full.length - 1) {
    const provider = await providerOf(ctx, full, full.slice(0, slash));
    return { provider, model: spelled(provider, full.slice(slash + 1)) };
  }
  const catalogue = await known();
  const owner = ownerOf(catalogue, full);
  if (owner === undefined && Object.hasOwn(host.models, full)) {
    const message = `Alias '${shown(name)}' of 'models' leads to no model: it comes back to itself`;
    throw new GatewayError(400, Code.badModel, message);
  }
  if (owner === undefined) throw ownerless(name, catalogue, Object.keys(host.models));
  const provider = host.provider(owner, headers);
  return { provider, model: spelled(provider, full) };
}

/** Only names without a provider need it. */
async function known(): Promise<Catalogue> {
  const { loadCatalogue } = await import("../usage/prices.ts");
  return await loadCatalogue();
}

/** The provider before the slash; the error for another names who has a model of the whole name. */
async function providerOf({ host, request }: Context, full: string, slug: string) {
  try {
    return host.provider(slug, request.headers);
  } catch (error) {
    if (!isGatewayError(error) || error.code !== Code.unknownProvider || full.length > 256) {
      throw error;
    }
    const sellers = (await known()).sellers(full);
    if (sellers.length === 0) throw error;
    throw new GatewayError(
      error.status,
      error.code,
      `Invalid provider '${shown(slug)}'; ${soldBy(sellers, full)}`,
    );
  }
}

function soldBy(sellers: readonly string[], model: string): string {
  return `it is sold by ${sellers.map((slug) => `'${slug}/${model}'`).join(", ")}`;
}

/** Catalogues write `claude-haiku-4.5` where Anthropic writes `claude-haiku-4-5`, and leave paths out. */
function spelled({ slug }: Provider, model: string): string {
  if (slug === "fireworks" && !model.includes("/")) return `accounts/fireworks/models/${model}`;
  return slug === "anthropic" ? model.replace(/^(claude-[a-z\d-]*\d)\.(?=\d)/, "$1-") : model;
}

/** Names that tell where they are from, as the table does not know them. */
const origins: readonly (readonly [RegExp, string])[] = [
  [
    /^(?:(?:us|us-gov|eu|apac|au|jp|ca|global)\.)?(?:ai21|amazon|anthropic|cohere|deepseek|google|luma|meta|minimax|mistral|moonshot(?:ai)?|nvidia|openai|qwen|stability|twelvelabs|writer|zai)\../,
    "aws-bedrock",
  ],
  [/^claude-[\w.-]+@/, "google-vertex-ai"],
  [/^(?:tts-1|whisper-|dall-e-|(?:babbage|davinci)-002$)/, "openai"],
  [/^(?:imagen|veo)-/, "google-ai-studio"],
  [/^rerank-(?:v\d|english|multilingual)/, "cohere"],
  [/^rerank-\d/, "voyage"],
];

/** Open weights, which their maker does not serve. */
const openWeights = /^gpt-oss/;

/** They sell what others make, and need more than a key. */
const clouds = ["azure-openai", "aws-bedrock", "google-vertex-ai"];

/** Who makes the model, if the maker sells it; else the only one who does. */
function ownerOf(catalogue: Catalogue, model: string): string | undefined {
  if (model === "" || model.length > 256) return undefined;
  const maker = origins.find(([name]) => name.test(model))?.[1] ?? catalogue.maker(model);
  if (maker !== undefined && !openWeights.test(model)) return maker;
  const sellers = sellersOf(catalogue, model);
  const direct = sellers.filter((slug) => !clouds.includes(slug));
  return sellers.length === 1 ? sellers[0] : direct.length === 1 ? direct[0] : undefined;
}

function sellersOf(catalogue: Catalogue, model: string): string[] {
  const sellers = catalogue.sellers(model);
  return openWeights.test(model) ? sellers.filter((slug) => slug !== "openai") : sellers;
}

function ownerless(name: string, catalogue: Catalogue, aliases: readonly string[]): GatewayError {
  const model = name.replace(/^models\//, "");
  const sellers = model.length > 256 ? [] : sellersOf(catalogue, model);
  const near = sellers.length > 0 ? undefined : nearest(model, aliases) ?? nearest(
    model,
    catalogue.providers.flatMap((slug) =>
      slug === "openrouter" ? [] : catalogue.models(slug).map(({ id }) => id)
    ),
  );
  const owner = near === undefined ? undefined : ownerOf(catalogue, near);
  const hint = sellers.length > 0
    ? `; ${soldBy(sellers, model)}`
    : near === undefined
    ? ", such as 'openai/gpt-4o-mini'"
    : `; did you mean '${owner === undefined ? near : `${owner}/${near}`}'?`;
  return new GatewayError(
    400,
    Code.badModel,
    `Model '${shown(name)}' names no provider: 'provider/model' is expected${hint}`,
  );
}
