/**
 * What sets a provider apart from the format that it speaks: where it serves what, and what it spells in
 * its own way. Types only: the rows of providers hold them, the unified API reads them.
 *
 * @module
 */
import type { Json } from "../formats/json.ts";
import type { ProviderSettings } from "../provider.ts";
import type { ChatFormat } from "./chat.ts";
import type { Target } from "./codec.ts";
import type { Lost } from "./lost.ts";

/** What besides a chat the unified API is asked for, by OpenAI's path; Anthropic's where OpenAI has none. */
export type Operation =
  | "completions"
  | "embeddings"
  | "images/generations"
  | "images/edits"
  | "images/variations"
  | "audio/speech"
  | "audio/transcriptions"
  | "audio/translations"
  | "rerank"
  | "moderations"
  | "models"
  | "responses/input_tokens"
  | "messages/count_tokens";

/**
 * What some providers take beyond OpenAI's chat: `cache_control` on parts and tools, files and videos by
 * URL, thoughts of the running tool loop as `reasoning_content` or `reasoning` of the assistant's
 * messages, and OpenRouter's signed ones.
 */
export type Takes =
  | "cache_control"
  | "file_url"
  | "video_url"
  | "reasoning_content"
  | "reasoning"
  | "reasoning_details";

/**
 * In whose words something is asked that is no chat. Unless given, OpenAI's, and of rankings Jina's, which
 * most took over. Of `bedrock`, `gemini`, `vertex` the model tells more.
 */
export type Shape =
  | "bedrock"
  | "cartesia"
  | "cohere"
  | "deepgram"
  | "deepinfra"
  | "elevenlabs"
  | "fal"
  | "fireworks"
  | "gemini"
  | "grok"
  | "huggingface"
  | "ideogram"
  | "jina"
  | "mistral"
  | "openrouter"
  | "together"
  | "vertex"
  | "voyage"
  | "workers-ai";

/** A path after the provider's slug, and the model as it stands in the body. */
export interface Place {
  /**
   * `{model}` stands for the model, percent-encoded by whoever fills it in; `{+model}` keeps its slashes. May
   * end in a query.
   */
  path: string;
  model: string;
}

/**
 * Of one provider. Paths are relative to its slug, no leading slash, as a native request to the gateway has
 * them.
 */
export interface Dialect {
  /** Fills in the rest, where that is loaded only once it is needed; before that nothing else is there. */
  load?(): Promise<void>;
  /**
   * Where it serves each format of chats. The first is what other formats are translated to, requests of
   * one of the others pass as they are. Absent: none.
   */
  chat?: Partial<Record<ChatFormat, string>>;
  /** Instead of the path in {@link chat}, for formats that have another one for streams. */
  streams?: Partial<Record<ChatFormat, string>>;
  /** Of {@link chat}, in which one model can be asked, the preferred one first; all of them unless given. */
  serves?(model: string): readonly ChatFormat[];
  /** Its formats are its own: what a client of one of them sends needs no {@link request}. */
  genuine?: boolean;
  /** Official clients of its format cannot read its answers, so they are written anew. */
  answersOtherwise?: boolean;
  /** For codecs to know while they write. */
  takes?: readonly Takes[];
  /** Where it serves something else; false where it does not. Absent: not known, so OpenAI's path is tried. */
  endpoints?: Partial<Record<Operation, string | false>>;
  /** In whose words, of {@link endpoints}. */
  shapes?: Partial<Record<Operation, Shape>>;
  /**
   * What has to change in a body that the codec of `format` has written. The body is the function's own to
   * change; what it takes out is told to `lost`.
   */
  request?(body: Json, format: ChatFormat, lost: Lost, target: Target): Json;
  /**
   * Where a model decides on more than `{model}`: Azure's resource, Bedrock's region. Gets the path of
   * the tables above.
   */
  place?(place: Place, operation: ChatFormat | Operation, settings: ProviderSettings): Place;
}
