// All formats of chats, loaded.
import type { ChatFormat } from "../../core/unified/chat.ts";
import type { ChatCodec } from "../../core/unified/codec.ts";
import { codecOf } from "../../core/unified/codecs/mod.ts";

export const codecs: Readonly<Record<ChatFormat, ChatCodec>> = {
  "openai-chat": await codecOf("openai-chat"),
  "openai-responses": await codecOf("openai-responses"),
  "anthropic-messages": await codecOf("anthropic-messages"),
  gemini: await codecOf("gemini"),
  "bedrock-converse": await codecOf("bedrock-converse"),
  "cohere-v2": await codecOf("cohere-v2"),
};
