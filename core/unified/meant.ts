/**
 * Which model was most likely meant, where a provider has none of the name it was asked for. Names that the
 * price table does not know are sent on, for new ones come out every week; so the provider's no comes first.
 *
 * @module
 */
import { nearest } from "../nearest.ts";
import { loadCatalogue } from "../usage/prices.ts";
import type { ChatFault } from "./chat.ts";

/** How providers say it; OpenAI and those like it have a code, the others words alone. */
const words =
  /model_?(?:not_?found|decommissioned)|invalid_model|\bmodel\b.{0,80}(?:not (?:found|exist|supported|available)|invalid|unknown|decommissioned|deprecated)|(?:invalid|unknown|unsupported|not a valid|no such) model|no endpoints found/i;
/** Azure's models are called what its customers call them. */
const unnamed = "azure-openai";
/** What stands before the name of a model in the table: a region of Bedrock, Fireworks' own path. */
const place = /^(?:(?:us|us-gov|eu|apac|jp|au|ca|global)\.(?=.+\.)|accounts\/fireworks\/models\/)/;

/** `provider/model` of the table that is nearest, or nothing: not that failure, or nothing is near. */
export async function meantModel(
  { status, message, code }: Pick<ChatFault, "status" | "message" | "code">,
  provider: string,
  model: string,
): Promise<string | undefined> {
  if (provider === unnamed || !saysSo(status, `${code} ${message}`)) return undefined;
  const catalogue = await loadCatalogue();
  const listed = (slug: string) => catalogue.models(slug).map(({ id }) => id);
  const own = listed(provider);
  if (own.includes(model)) return undefined; // it is there, and not for this key
  const maker = catalogue.maker(model);
  if (maker !== undefined && maker !== provider && listed(maker).includes(model)) {
    return `${maker}/${model}`;
  }
  const [before = ""] = place.exec(model) ?? [];
  const bare = model.slice(before.length);
  const near = nearest(bare, own.map((id) => id.replace(place, "")));
  return near === undefined || near === bare ? undefined : `${provider}/${before}${near}`;
}

/** Anthropic names the model and no more. */
function saysSo(status: number, text: string): boolean {
  return status === 404 && /\bmodels?\b/i.test(text) || words.test(text);
}
