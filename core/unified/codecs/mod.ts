/**
 * All formats of chats.
 *
 * @module
 */
import type { ChatFormat } from "../chat.ts";
import type { ChatCodec } from "../codec.ts";
import { anthropicMessages } from "./anthropic.ts";
import { bedrockConverse } from "./bedrock.ts";
import { cohereV2 } from "./cohere.ts";
import { gemini } from "./gemini.ts";
import { openAIChat } from "./openai-chat.ts";
import { openAIResponses } from "./openai-responses.ts";

/** By name. */
export const codecs: Readonly<Record<ChatFormat, ChatCodec>> = {
  "openai-chat": openAIChat,
  "openai-responses": openAIResponses,
  "anthropic-messages": anthropicMessages,
  gemini,
  "bedrock-converse": bedrockConverse,
  "cohere-v2": cohereV2,
};
