// A wire format from the provider's side.
export type WireName =
  | "openai-chat"
  | "openai-responses"
  | "anthropic"
  | "gemini"
  | "bedrock"
  | "cohere";

/** Tokens as a provider has told them so far; null where it has not. */
export interface Told {
  /** Cached tokens included, as the log counts. */
  input: number | null;
  output: number | null;
  cacheRead: number;
}

/** One event of a stream. */
export interface Said {
  bytes: Buffer;
  /** What is known from here on; as before unless given. */
  told?: Told;
}

export interface Wire {
  name: WireName;
  /** Slug on the gateway. */
  slug: string;
  model: string;
  /** Header that the provider takes its key from, and the word before it. */
  key: [header: string, scheme: string];
  /** Path after the slug. */
  path(streamed: boolean): string;
  /** The request, as this provider's clients write it. */
  request(prompt: string, streamed: boolean): Record<string, unknown>;
  /** The whole answer. */
  whole(figures: Figures, text: string): unknown;
  streamType: string;
  /** The whole stream; one event for each piece of text, and those around them. */
  stream(figures: Figures, pieces: string[]): Said[];
  /** Events at the beginning of a stream that say nothing yet. */
  opening: number;
  /** Events at the end of a stream that prove it: without the first of them it is not proven. */
  proof: number;
  /** Body of an answer with an error status. */
  failure(status: number, message: string): unknown;
  /** An error in the middle of a stream. */
  fault(message: string): Buffer;
  /** An event whose payload is no JSON. */
  malformed(): Buffer;
  /** As the log has it. */
  finish: { whole: string; streamed: string };
}

/** What a request costs in tokens; no two numbers have the same. */
export interface Figures {
  n: number;
  input: number;
  output: number;
  cacheRead: number;
}

export function figuresOf(n: number): Figures {
  return { n, input: 1000 + n, output: 7 + (n * 2) % 30_011, cacheRead: n % 3 === 0 ? n % 500 : 0 };
}
