import type { ChatCodec } from "../codec.ts";
export const cohereV2: ChatCodec = {} as ChatCodec;
