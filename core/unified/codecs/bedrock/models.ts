/**
 * What each family of Bedrock's models takes. Facts: AWS's guide, "Supported models and features" of
 * Converse, "Get validated JSON results", "Prompt caching", Nova's guide; spec 3.1 and 4.3.
 *
 * @module
 */
import { type Claude, claudeOf } from "../anthropic/claude.ts";

/** Of one model. */
export interface Model {
  /** Where it is one of Anthropic's. */
  claude?: Claude;
  /** Amazon's Nova, by generation. */
  nova: 0 | 1 | 2;
  /** One of OpenAI's open models. */
  openai: boolean;
  mistral: boolean;
  /** Takes `system`. */
  system: boolean;
  /** Knows `outputConfig.textFormat` and strict tools. */
  schema: boolean;
  /** Takes `toolChoice`, and which: any, or one by name. */
  choice: "none" | "any" | "tool";
  /** Takes cache points: none, in messages and instructions, everywhere. */
  cache: "none" | "prompt" | "all";
  /** Keeps what is cached for an hour. */
  hour: boolean;
  /** How `top_k` is spelt among the model's own fields. */
  top_k?: "top_k" | "k" | "inferenceConfig.topK";
}

/** By its id, inference profile or ARN. One that cannot be told gets what all models take. */
export function modelOf(id: string): Model {
  const claude = id.includes("claude") ? claudeOf(id) : undefined;
  const nova = !id.includes("amazon.nova") ? 0 : id.includes("amazon.nova-2") ? 2 : 1;
  const mistral = id.includes("mistral.");
  const old =
    /meta\.llama|cohere\.|ai21\.|amazon\.titan|deepseek\.r1|writer\.|mistral\.(?:mistral-|mixtral|pixtral)/
      .test(id);
  const recent = claude !== undefined && claude.schema && !/opus-4-1(?!\d)/.test(id);
  const open =
    /openai\.|qwen\.|deepseek\.|google\.|nvidia\.|minimax\.|moonshot|zai\.|mistral\./.test(id) &&
    !old;
  const model: Model = {
    nova,
    openai: id.includes("openai."),
    mistral,
    system:
      !/amazon\.titan|mistral\.mistral-7b|mistral\.mixtral|ai21\.j2|cohere\.command-(?:text|light)/
        .test(id),
    schema: recent || open,
    choice: claude !== undefined || nova > 0 || !old ? "tool" : mistral ? "any" : "none",
    cache: claude !== undefined ? "all" : nova > 0 ? "prompt" : "none",
    hour: recent,
  };
  if (claude !== undefined) model.claude = claude;
  if (nova > 0) model.top_k = "inferenceConfig.topK";
  else if (id.includes("cohere.")) model.top_k = "k";
  else if (claude !== undefined || mistral) model.top_k = "top_k";
  return model;
}
