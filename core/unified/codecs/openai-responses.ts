/**
 * OpenAI Responses, as OpenAI, Azure, xAI, DeepSeek, OpenRouter, Bedrock and others serve it.
 *
 * @module
 */
import type { Asked, ChatCodec } from "../codec.ts";
import { readAnswer } from "./openai-responses/answer-read.ts";
import { writeAnswer } from "./openai-responses/answer-write.ts";
import { readFault, writeFault } from "./openai-chat/fault.ts";
import { withoutForeign } from "./openai-responses/foreign.ts";
import { readRequest } from "./openai-responses/request-read.ts";
import { writeRequest } from "./openai-responses/request-write.ts";
import { format } from "./openai-responses/shape.ts";
import { ResponsesReader } from "./openai-responses/stream-read.ts";
import { ResponsesWriter } from "./openai-responses/stream-write.ts";

export type { ResponsesWriter };

/** The codec, whose streams also tell the response that they came to. */
export interface ResponsesCodec extends ChatCodec {
  writeStream(asked: Asked): ResponsesWriter;
}

const spelled: Readonly<Record<string, string>> = {
  max_tokens: "max_output_tokens",
  output: "text.format",
  verbosity: "text.verbosity",
  encrypted_reasoning: "include",
  logprobs: "include",
};

/** The format. */
export const openAIResponses: ResponsesCodec = {
  format,
  readRequest,
  writeAnswer,
  writeStream: (asked) => new ResponsesWriter(asked),
  streamType: "text/event-stream",
  writeFault,
  withoutForeign,
  spelling(name) {
    if (Object.hasOwn(spelled, name)) return spelled[name]!;
    return name.replace(/^messages\b/, "input").replace(/^output\.schema\b/, "text.format.schema");
  },
  writeRequest,
  readAnswer,
  readStream: (target) => new ResponsesReader(target),
  readFault,
};
