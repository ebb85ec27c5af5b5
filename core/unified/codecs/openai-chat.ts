import type { ChatCodec } from "../codec.ts";
export const openAIChat: ChatCodec = {} as ChatCodec;
