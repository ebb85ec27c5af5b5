/**
 * Tokens of a text, for answers whose provider reports none: exact for OpenAI's models, an estimate
 * for others, whose encodings are not public. Loads `gpt-tokenizer` (2.4 MB of ranks) when the first
 * estimate is asked for.
 *
 * @module
 */

type Encoding = "o200k_base" | "cl100k_base";
type Count = (text: string) => number;

/** Encodings in use; 30 to 40 MB each, so there is one of each kind in a process at most. */
const counters = new Map<Encoding, Count>();

/**
 * Characters that are encoded at a time: time grows with the square of the longest word, and any
 * text can be one word.
 */
const pieceLength = 512;
/** Characters until others get their turn: under 1 ms of prose, 10 ms of the worst that was found. */
const sliceLength = 4096;
/** Slices that are counted at most (256 Ki characters); the rest of a longer text is extrapolated. */
const slices = 64;
/** What older models of OpenAI's use. */
const older = /(?:^|[/:])(?:gpt-4(?:-|$)|gpt-3\.?5|text-embedding-(?:3|ada))/i;
/** Words that the encoding was trained to merge fill it; hostile ones should not fill memory. */
const mergeCache = 2000;

/**
 * Counts the tokens of a text. Never holds the thread for long: it works in slices and lets others
 * run in between.
 *
 * @param model Name of the model, which tells the encoding.
 * @returns A whole number. Rejects where the tokenizer cannot be loaded.
 */
export async function estimateTokens(text: string, model = ""): Promise<number> {
  if (text === "") return 0;
  const count = await counterOf(older.test(model) ? "cl100k_base" : "o200k_base");
  const sampled = text.length > slices * sliceLength;
  const stride = sampled ? text.length / slices : sliceLength;
  let tokens = 0;
  let counted = 0;
  // The last slice of a sample ends within the text, for the stride is longer than a slice.
  for (let at = 0, next = stride; at < text.length; next += stride) {
    if (at > 0) await turn();
    const end = sampled ? at + sliceLength : text.length;
    const from = at;
    while (at < end && at - from < sliceLength) {
      const cut = boundary(text, at);
      tokens += count(text.slice(at, cut));
      at = cut;
    }
    counted += at - from;
    if (sampled) at = Math.floor(next);
  }
  return Math.round(tokens * text.length / counted);
}

/** Where a piece ends: where the encoding would begin a new token anyway, if there is such a place. */
function boundary(text: string, from: number): number {
  const end = from + pieceLength;
  if (end >= text.length) return text.length;
  for (let i = end; i > from + 1; i--) {
    if (text.charCodeAt(i) === 32 && text.charCodeAt(i - 1) > 32) return i;
  }
  const pair = (text.charCodeAt(end - 1) & 0xfc00) === 0xd800;
  return pair ? end - 1 : end;
}

async function counterOf(encoding: Encoding): Promise<Count> {
  const known = counters.get(encoding);
  if (known !== undefined) return known;
  const [{ GptEncoding }, ranks] = await Promise.all([
    import("gpt-tokenizer/GptEncoding"),
    encoding === "o200k_base"
      ? import("gpt-tokenizer/bpeRanks/o200k_base")
      : import("gpt-tokenizer/bpeRanks/cl100k_base"),
  ]);
  await turn();
  const already = counters.get(encoding);
  if (already !== undefined) return already;
  const api = GptEncoding.getEncodingApi(encoding, () => ranks.default);
  api.setMergeCacheSize(mergeCache);
  // What looks like one of OpenAI's control tokens is text here, and no reason to throw.
  const options = { disallowedSpecial: new Set<string>() };
  const count = (text: string) => api.countTokens(text, options);
  counters.set(encoding, count);
  return count;
}

/** Lets timers, sockets and requests have their turn. */
function turn(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}
