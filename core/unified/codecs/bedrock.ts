/**
 * Amazon Bedrock's Converse and ConverseStream. Facts: `@aws-sdk/client-bedrock-runtime` (`ConverseRequest`,
 * `ConverseResponse`, `ConverseStreamOutput`), AWS's guide, spec 3.1 and 4.3.
 *
 * What goes to a model is chosen by its family (`bedrock/models.ts`). How signatures of other formats, names
 * of tools and ids travel is in `bedrock/marks.ts`; a model that knows no `outputConfig.textFormat` gives an
 * answer that has a schema by the call of a tool, which is read back as text.
 *
 * @module
 */
import type { ChatCodec } from "../codec.ts";
import { readAnswer, writeAnswer } from "./bedrock/answer.ts";
import { readFault, writeFault } from "./bedrock/fault.ts";
import { own } from "./bedrock/marks.ts";
import { readRequest } from "./bedrock/request-read.ts";
import { writeRequest } from "./bedrock/request-write.ts";
import { Reader } from "./bedrock/stream-read.ts";
import { Writer } from "./bedrock/stream-write.ts";

const spellings: Readonly<Record<string, string>> = {
  max_tokens: "inferenceConfig.maxTokens",
  temperature: "inferenceConfig.temperature",
  top_p: "inferenceConfig.topP",
  top_k: "additionalModelRequestFields.top_k",
  stop: "inferenceConfig.stopSequences",
  reasoning: "additionalModelRequestFields.thinking",
  output: "outputConfig.textFormat",
  tools: "toolConfig.tools",
  tool_choice: "toolConfig.toolChoice",
  metadata: "requestMetadata",
  service_tier: "serviceTier",
  cache: "cachePoint",
};

/** The format. */
export const bedrockConverse: ChatCodec = {
  format: own,
  readRequest,
  writeAnswer,
  writeStream: (asked) => new Writer(asked),
  streamType: "application/vnd.amazon.eventstream",
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
