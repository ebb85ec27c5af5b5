/**
 * Cohere's `/v2/chat`. Facts: `cohere-ai` (`V2ChatRequest`, `V2ChatResponse`, `V2ChatStreamResponse`), spec
 * 3.4 and 4.4.
 *
 * A tool plan is a text, that comes before calls; a text beside calls of another format is one. Thoughts have
 * no signature: they get one of ours, by which they are known when they come back. Signatures of other
 * formats stand in a member `signature` of a content or a call, which Cohere's SDKs keep. Documents of a
 * request are parts of the user's last question; all documents that are text go back beside the conversation.
 *
 * @module
 */
import type { ChatCodec } from "../codec.ts";
import { readAnswer, writeAnswer } from "./cohere/answer.ts";
import { readFault, writeFault } from "./cohere/fault.ts";
import { own } from "./cohere/message-read.ts";
import { readRequest } from "./cohere/request-read.ts";
import { writeRequest } from "./cohere/request-write.ts";
import { Reader } from "./cohere/stream-read.ts";
import { Writer } from "./cohere/stream-write.ts";

const spellings: Readonly<Record<string, string>> = {
  top_p: "p",
  top_k: "k",
  stop: "stop_sequences",
  reasoning: "thinking",
  output: "response_format",
};

/** The format. */
export const cohereV2: ChatCodec = {
  format: own,
  readRequest,
  writeAnswer,
  writeStream: (asked) => new Writer(asked),
  streamType: "text/event-stream",
  writeFault,
  spelling(name) {
    const [first = "", ...more] = name.split(".");
    const spelt = Object.hasOwn(spellings, first) ? spellings[first]! : first;
    return [spelt, ...more].join(".");
  },
  writeRequest,
  readAnswer,
  readStream: (target) => new Reader(target),
  readFault,
};
