/**
 * The path of a request at its provider.
 *
 * @module
 */
import { assertSafePath } from "../path.ts";
import type { Provider, ProviderSettings } from "../provider.ts";
import type { ChatFormat } from "./chat.ts";
import type { Operation } from "./dialect.ts";

/** Where providers of a format have their chats, unless their row says otherwise. */
const usual: Readonly<Record<ChatFormat, string>> = {
  "openai-chat": "chat/completions",
  "openai-responses": "responses",
  "anthropic-messages": "v1/messages",
  gemini: "v1beta/models/{model}:generateContent",
  "bedrock-converse": "model/{model}/converse",
  "cohere-v2": "v2/chat",
};

/** Where a request goes. */
export interface Spot {
  path: string;
  /** Empty, or begins with a question mark. */
  query: string;
  /** As the body names it. */
  model: string;
}

/** The place of an operation, of which the provider's row has the path. */
export function spotOf(
  provider: Provider,
  path: string,
  model: string,
  operation: ChatFormat | Operation,
  settings: ProviderSettings,
): Spot {
  const place = provider.dialect?.place?.({ path, model }, operation, settings) ?? { path, model };
  const [raw = "", query] = place.path.split("?");
  const filled = raw.replaceAll("{model}", () => escaped(place.model))
    .replaceAll("{+model}", () => place.model.split("/").map(escaped).join("/"));
  assertSafePath(filled);
  return {
    path: filled,
    query: query === undefined ? "" : `?${query}`,
    model: place.model,
  };
}

/** Where a provider serves chats of a format. */
export function placeOf(
  provider: Provider,
  format: ChatFormat,
  model: string,
  stream: boolean,
  settings: ProviderSettings,
): Spot {
  const { dialect } = provider;
  const given = stream ? dialect?.streams?.[format] : undefined;
  let path = given ?? dialect?.chat?.[format] ?? usual[format];
  if (stream && given === undefined) path = streaming(path, format);
  return spotOf(provider, path, model, format, settings);
}

/** The path for a stream, for formats that have another one. */
function streaming(path: string, format: ChatFormat): string {
  if (format === "gemini") {
    return path.replace(/:generateContent$/, ":streamGenerateContent?alt=sse");
  }
  return format === "bedrock-converse" ? path.replace(/\/converse$/, "/converse-stream") : path;
}

/** Bedrock's ids hold colons, and slashes where they are ARNs. */
function escaped(model: string): string {
  return encodeURIComponent(model).replaceAll("%40", "@");
}
