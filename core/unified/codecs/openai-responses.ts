import type { ChatCodec } from "../codec.ts";
export const openAIResponses: ChatCodec = {} as ChatCodec;
