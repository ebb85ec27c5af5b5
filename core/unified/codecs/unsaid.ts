/**
 * Settings that few formats have a word for.
 *
 * @module
 */
import { list } from "../../formats/json.ts";
import type { ChatRequest } from "../chat.ts";
import type { Lost } from "../lost.ts";

/** Settings that {@link dropUnsaid} knows. */
export type Unsaid =
  | "n"
  | "seed"
  | "min_p"
  | "frequency_penalty"
  | "presence_penalty"
  | "logit_bias"
  | "logprobs"
  | "top_logprobs"
  | "verbosity"
  | "modalities"
  | "audio"
  | "user"
  | "metadata"
  | "store"
  | "parallel_tool_calls"
  | "prompt_cache_key"
  | "cache";

/**
 * Tells as lost what a request says and its target cannot: all that are not among those said. Values that
 * say what is so anyway are no loss.
 */
export function dropUnsaid(request: ChatRequest, said: readonly Unsaid[], lost: Lost): void {
  const { n, logprobs, top_logprobs, verbosity, modalities, store } = request;
  const present: Record<Unsaid, boolean> = {
    n: n !== undefined && n > 1,
    seed: request.seed !== undefined,
    min_p: !!request.min_p,
    frequency_penalty: !!request.frequency_penalty,
    presence_penalty: !!request.presence_penalty,
    logit_bias: Object.keys(request.logit_bias ?? {}).length > 0,
    logprobs: logprobs === true,
    top_logprobs: !!top_logprobs,
    verbosity: verbosity !== undefined && verbosity !== "medium",
    modalities: list(modalities).some((one) => one !== "text"),
    audio: request.audio !== undefined,
    user: request.user !== undefined,
    metadata: Object.keys(request.metadata ?? {}).length > 0,
    store: store === true,
    parallel_tool_calls: request.parallel_tool_calls === false,
    prompt_cache_key: request.prompt_cache_key !== undefined,
    cache: request.cache !== undefined,
  };
  for (const name in present) {
    if (present[name as Unsaid] && !said.includes(name as Unsaid)) lost.drop(name);
  }
}
