import type { ChatCodec } from "../codec.ts";
export const bedrockConverse: ChatCodec = {} as ChatCodec;
