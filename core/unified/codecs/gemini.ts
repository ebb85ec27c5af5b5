/**
 * Google's `generateContent`, of the Gemini API and of Vertex AI.
 *
 * Thoughts of other providers' models go out to Google's clients as parts with `thought` and a
 * `thoughtSignature` that Google's SDKs send back in the next turn. What Google's own models sign goes
 * back on the part that it came on; a call that another provider's model made gets the placeholder that
 * Google has for those.
 *
 * @module
 */
import type { ChatCodec } from "../codec.ts";
import { readAnswer } from "./gemini/answer-read.ts";
import { writeAnswer } from "./gemini/answer-write.ts";
import { readFault, writeFault } from "./gemini/fault.ts";
import { spelling } from "./gemini/names.ts";
import { readRequest } from "./gemini/request-read.ts";
import { writeRequest } from "./gemini/request-write.ts";
import { GeminiReader } from "./gemini/stream-read.ts";
import { GeminiWriter } from "./gemini/stream-write.ts";

/** The format. Its streams are those of `alt=sse`. */
export const gemini: ChatCodec = {
  format: "gemini",
  readRequest,
  writeAnswer,
  writeStream: (asked) => new GeminiWriter(asked, false),
  streamType: "text/event-stream",
  writeFault,
  spelling,
  writeRequest,
  readAnswer,
  readStream: (target) => new GeminiReader(target),
  readFault,
};

/** For clients that do not ask for `alt=sse`: their streams are one JSON array, sent piece by piece. */
export const geminiArray: ChatCodec = {
  ...gemini,
  writeStream: (asked) => new GeminiWriter(asked, true),
  streamType: "application/json",
};
