/**
 * How Google spells what others call otherwise.
 *
 * @module
 */
import { camelName } from "./wire.ts";

const names: Readonly<Record<string, string>> = {
  messages: "contents",
  max_tokens: "maxOutputTokens",
  stop: "stopSequences",
  n: "candidateCount",
  logprobs: "responseLogprobs",
  top_logprobs: "logprobs",
  reasoning: "thinkingConfig",
  "reasoning.effort": "thinkingConfig.thinkingLevel",
  "reasoning.budget": "thinkingConfig.thinkingBudget",
  output: "responseMimeType",
  "output.schema": "responseJsonSchema",
  tool_choice: "toolConfig",
  "tools.web_search": "tools.googleSearch",
  "tools.parameters": "tools.functionDeclarations.parametersJsonSchema",
  modalities: "responseModalities",
  audio: "speechConfig",
};

/** See `ChatCodec.spelling`; the longest part that has a name of its own counts. */
export function spelling(name: string): string {
  for (let end = name.length; end > 0; end = name.lastIndexOf(".", end - 1)) {
    const known = name.slice(0, end);
    if (!Object.hasOwn(names, known)) continue;
    return names[known]! + camelName(name.slice(end));
  }
  return camelName(name);
}
