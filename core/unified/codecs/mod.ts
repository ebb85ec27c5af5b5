/**
 * All formats of chats, each loaded with its first use: few gateways translate between all of them.
 *
 * @module
 */
import type { ChatFormat } from "../chat.ts";
import type { ChatCodec } from "../codec.ts";

/** A format, or another way in which clients of one ask. */
export type ClientFormat = ChatFormat | "completions" | "gemini-array";

const load: Readonly<Record<ClientFormat, () => Promise<ChatCodec>>> = {
  "openai-chat": async () => (await import("./openai-chat.ts")).openAIChat,
  completions: async () => (await import("./completions.ts")).completions,
  "openai-responses": async () => (await import("./openai-responses.ts")).openAIResponses,
  "anthropic-messages": async () => (await import("./anthropic.ts")).anthropicMessages,
  gemini: async () => (await import("./gemini.ts")).gemini,
  "gemini-array": async () => (await import("./gemini.ts")).geminiArray,
  "bedrock-converse": async () => (await import("./bedrock.ts")).bedrockConverse,
  "cohere-v2": async () => (await import("./cohere.ts")).cohereV2,
};
const loaded = new Map<ClientFormat, ChatCodec>();

/** The codec of a format. */
export async function codecOf(format: ClientFormat): Promise<ChatCodec> {
  const known = loaded.get(format);
  if (known !== undefined) return known;
  const codec = await load[format]();
  loaded.set(format, codec);
  return codec;
}
