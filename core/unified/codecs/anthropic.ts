/**
 * Anthropic Messages, also as Bedrock's `invoke` and Vertex AI serve it. Facts: `@anthropic-ai/sdk`
 * (`messages`, `beta.messages`), spec 3.2 and 4.1.
 *
 * A block that nothing else has (server tools and their results, compaction, uploads) is a native part. How
 * signatures of other formats travel, and how an answer tells what its request had to do for structured
 * output and tools of free text, is in `anthropic/marks.ts`.
 *
 * @module
 */
import type { ChatCodec } from "../codec.ts";
import { readAnswer, writeAnswer } from "./anthropic/answer.ts";
import { readFault, writeFault } from "./anthropic/fault.ts";
import { headers } from "./anthropic/hosts.ts";
import { own } from "./anthropic/marks.ts";
import { readRequest } from "./anthropic/request-read.ts";
import { writeRequest } from "./anthropic/request-write.ts";
import { Reader } from "./anthropic/stream-read.ts";
import { Writer } from "./anthropic/stream-write.ts";

export { forBedrock, forCount, forVertex, readCount, writeCount } from "./anthropic/hosts.ts";

const spellings: Readonly<Record<string, string>> = {
  stop: "stop_sequences",
  user: "metadata.user_id",
  reasoning: "thinking",
  output: "output_config.format",
  parallel_tool_calls: "tool_choice.disable_parallel_tool_use",
  cache: "cache_control",
  include_usage: "stream",
};

/** The format. */
export const anthropicMessages: ChatCodec = {
  format: own,
  readRequest,
  writeAnswer,
  writeStream: (asked) => new Writer(asked),
  streamType: "text/event-stream; charset=utf-8",
  writeFault,
  spelling(name) {
    const [first = "", ...more] = name.split(".");
    const spelt = Object.hasOwn(spellings, first) ? spellings[first]! : first;
    return [spelt, ...more].join(".");
  },
  writeRequest,
  headers,
  readAnswer,
  readStream: (target) => new Reader(target),
  readFault,
};
