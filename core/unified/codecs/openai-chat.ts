/**
 * OpenAI's Chat Completions, and all who speak it.
 *
 * Choices made here: thoughts go to clients as `reasoning_content`, and with what has to come back as
 * `reasoning_details` (OpenRouter's shape; signatures of other formats sealed in it); a signature on text
 * or a call stands in `extra_content.google.thought_signature`. A client that sends the message back as it
 * got it loses none of them. In requests thoughts stand in front of the text, and calls behind it, however
 * they were mixed.
 *
 * @module
 */
import type { ChatCodec } from "../codec.ts";
import { writeAnswer } from "./openai-chat/answer-write.ts";
import { readFault, writeFault } from "./openai-chat/fault.ts";
import { readRequest } from "./openai-chat/request-read.ts";
import { writeRequest } from "./openai-chat/request-write.ts";
import { ChatStreamReader, readAnswer } from "./openai-chat/stream-read.ts";
import { ChatStreamWriter } from "./openai-chat/stream-write.ts";

/** The codec. */
export const openAIChat: ChatCodec = {
  format: "openai-chat",
  streamType: "text/event-stream; charset=utf-8",
  readRequest,
  writeRequest,
  readAnswer,
  writeAnswer,
  readStream: (target) => new ChatStreamReader(target),
  writeStream: (asked) => new ChatStreamWriter(asked),
  readFault,
  writeFault,
  spelling(name) {
    return name
      .replace(/^max_tokens$/, "max_completion_tokens")
      .replace(/^reasoning$/, "reasoning_effort")
      .replace(/^include_usage$/, "stream_options.include_usage")
      .replace(/^cache$/, "cache_control")
      .replace(/^output(?=$|\.)/, "response_format")
      .replace(/^response_format\.schema/, "response_format.json_schema.schema")
      .replace(/^tools\.web_search/, "web_search_options");
  },
};
