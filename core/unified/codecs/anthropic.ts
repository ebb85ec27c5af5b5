import type { ChatCodec } from "../codec.ts";
export const anthropicMessages: ChatCodec = {} as ChatCodec;
