/**
 * What is counted of an attempt at a model: its stream and its tokens.
 *
 * @module
 */
import type { Measured } from "../measured.ts";
import type { Usage } from "../usage/usage.ts";
import type { AttemptFigures, TokenKind } from "./figures.ts";

/** Counts the chunks of a stream. */
export function countStream(figures: AttemptFigures, measured: Measured): void {
  const { firstByte, firstToken, chunkTimes: times } = measured;
  if (firstByte !== null) figures.firstChunk.observe(firstByte / 1000);
  if (firstToken !== null) figures.firstToken.observe(firstToken / 1000);
  if (times === undefined || times.length < 2) return;
  const perChunk = figures.perChunk;
  for (let i = 1; i < times.length; i++) perChunk.observe((times[i]! - times[i - 1]!) / 1000);
}

/** Counts tokens, by what they stand for. */
export function countTokens(figures: AttemptFigures, usage: Usage): void {
  const { input, output, cache_read, cache_write, reasoning } = usage;
  const add = (kind: TokenKind, modality: string, amount: number | undefined) => {
    if (amount !== undefined && amount > 0) figures.tokens(kind, modality).value += amount;
  };
  if (input !== undefined) {
    figures.inputTokens.observe(input);
    const { input_audio = 0, input_image = 0, input_video = 0 } = usage;
    add("input_tokens", "text", input - input_audio - input_image - input_video);
    add("input_tokens", "audio", input_audio);
    add("input_tokens", "image", input_image);
    add("input_tokens", "video", input_video);
  }
  if (output !== undefined) {
    figures.outputTokens.observe(output);
    const { output_audio = 0, output_image = 0 } = usage;
    add("output_tokens", "text", output - output_audio - output_image);
    add("output_tokens", "audio", output_audio);
    add("output_tokens", "image", output_image);
  }
  const { cache_read_audio = 0 } = usage;
  if (cache_read !== undefined) {
    add("cache_read.input_tokens", "text", cache_read - cache_read_audio);
    add("cache_read.input_tokens", "audio", cache_read_audio);
  }
  add("cache_write.input_tokens", "text", cache_write);
  add("reasoning.output_tokens", "text", reasoning);
}
