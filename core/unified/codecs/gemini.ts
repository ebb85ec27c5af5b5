import type { ChatCodec } from "../codec.ts";
export const gemini: ChatCodec = {} as ChatCodec;
