/**
 * Voices by the names that only their makers have for them.
 *
 * @module
 */

/** OpenAI's. */
export const openAIVoices: RegExp =
  /^(?:alloy|ash|ballad|cedar|coral|echo|fable|marin|nova|onyx|sage|shimmer|verse)$/i;

/** One of Google's, for those of others: from its own examples. */
export const geminiVoice = "Kore";
