/**
 * `usageMetadata`. Of what Google counts apart, results of its own tools are input here, and thoughts are
 * output.
 *
 * @module
 */
import { settle } from "../../../formats/counts.ts";
import { geminiUsage } from "../../../formats/gemini.ts";
import { type Json, object } from "../../../formats/json.ts";
import type { Usage } from "../../../usage/usage.ts";

/** Nothing where it tells nothing. */
export function readUsage(metadata: unknown): Usage | undefined {
  const counts = geminiUsage(object(metadata) ?? {});
  return counts === undefined ? undefined : settle(counts);
}

/** Figures that are zero are left out, as Google does. */
export function writeUsage(usage: Usage): Json {
  const { input = 0, output = 0, reasoning = 0, cache_read = 0 } = usage;
  const out: Json = { promptTokenCount: input };
  if (output > reasoning) out.candidatesTokenCount = output - reasoning;
  out.totalTokenCount = usage.total ?? input + output;
  if (cache_read > 0) out.cachedContentTokenCount = cache_read;
  if (reasoning > 0) out.thoughtsTokenCount = reasoning;
  const { input_audio = 0, input_image = 0, input_video = 0, output_audio = 0, output_image = 0 } =
    usage;
  const asked = input_audio + input_image + input_video;
  if (asked > 0) {
    out.promptTokensDetails = details(
      ["TEXT", input - asked],
      ["IMAGE", input_image],
      ["AUDIO", input_audio],
      ["VIDEO", input_video],
    );
  }
  if (output_audio + output_image > 0) {
    out.candidatesTokensDetails = details(
      ["TEXT", output - reasoning - output_audio - output_image],
      ["IMAGE", output_image],
      ["AUDIO", output_audio],
    );
  }
  if (usage.cache_read_audio !== undefined && usage.cache_read_audio > 0) {
    const audio = usage.cache_read_audio;
    out.cacheTokensDetails = details(["TEXT", cache_read - audio], ["AUDIO", audio]);
  }
  return out;
}

function details(...all: [modality: string, tokenCount: number][]): Json[] {
  return all.filter(([, count]) => count > 0)
    .map(([modality, tokenCount]) => ({ modality, tokenCount }));
}
