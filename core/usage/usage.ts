/**
 * Token usage, normalised once: providers count differently (Anthropic leaves cached tokens out of its
 * input, OpenAI counts them in), so every format's reader turns its provider's figures into these.
 *
 * @module
 */

/**
 * Tokens of one answer. `input` holds `cache_read`, `cache_write` and the modalities; `output` holds
 * `reasoning` and the modalities. A member is absent when the provider does not tell.
 */
export interface Usage {
  /** All input tokens: uncached + cache_read + cache_write. */
  input?: number;
  /** All output tokens, reasoning included. */
  output?: number;
  /** As the provider says, where it does not follow from the two. */
  total?: number;
  /** Input that the provider's cache had. */
  cache_read?: number;
  /** Input that went into the provider's cache. */
  cache_write?: number;
  /** Part of `cache_write` that is kept for an hour (Anthropic). */
  cache_write_1h?: number;
  /** Part of `output`. */
  reasoning?: number;
  /** Part of `input`. */
  input_audio?: number;
  /** Part of `input_audio` that came from the provider's cache. */
  cache_read_audio?: number;
  /** Part of `output`. */
  output_audio?: number;
  /** Part of `input`. */
  input_image?: number;
  /** Part of `output`. */
  output_image?: number;
  /** Part of `input`. */
  input_video?: number;
  /** Units other than tokens, by the provider's own name: `web_search_requests`, `seconds`, ... */
  units?: Record<string, number>;
  /** US dollars, where the provider tells what it charges. */
  cost?: number;
}
