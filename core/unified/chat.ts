/**
 * The canonical form of a chat: a superset of what the formats of providers can say, so that each format
 * is read into it and written from it once. Names are those of OpenAI's Chat Completions where it has one.
 *
 * What a format says and this form has no word for stands in `extra` beside it, in that format's own
 * spelling, and goes back to where it came from when the same format is written.
 *
 * @module
 */
import type { Json } from "../formats/json.ts";
import type { Usage } from "../usage/usage.ts";

/** Formats of chats. */
export type ChatFormat =
  | "openai-chat"
  | "openai-responses"
  | "anthropic-messages"
  | "gemini"
  | "bedrock-converse"
  | "cohere-v2";

/** One request for a chat. */
export interface ChatRequest {
  /** The format it was read from, whose members `extra` holds everywhere below. */
  format: ChatFormat;
  /** As the client named it. */
  model: string;
  stream: boolean;
  /** In order; instructions are messages as well. */
  messages: Message[];
  tools?: Tool[];
  tool_choice?: ToolChoice;
  parallel_tool_calls?: boolean;
  /** The shape of the answer's text. */
  output?: OutputShape;
  /** Most tokens of the answer, reasoning included. */
  max_tokens?: number;
  temperature?: number;
  top_p?: number;
  top_k?: number;
  min_p?: number;
  seed?: number;
  frequency_penalty?: number;
  presence_penalty?: number;
  stop?: string[];
  /** Answers to give. */
  n?: number;
  /** Token id to bias. */
  logit_bias?: Json;
  logprobs?: boolean;
  top_logprobs?: number;
  reasoning?: Reasoning;
  /** `low`, `medium`, `high`. */
  verbosity?: string;
  /** What the answer may consist of; text when absent. */
  modalities?: ("text" | "image" | "audio")[];
  /** How spoken answers sound: `{ voice, format }`. */
  audio?: Json;
  /** The end user, for the provider's watch on abuse. */
  user?: string;
  /** The same by OpenAI's newer name; `user` has it too unless the client gave both. No loss elsewhere. */
  safety_identifier?: string;
  metadata?: Json;
  service_tier?: string;
  store?: boolean;
  /** Thoughts are to come encrypted, to be sent back (`include` of Responses); no loss elsewhere. */
  encrypted_reasoning?: boolean;
  /** Requests of one key go to one of the provider's caches. */
  prompt_cache_key?: string;
  /** The whole prompt so far is to be cached (a mark that is not on a part). */
  cache?: CacheMark;
  /** A stream is to tell its usage. */
  include_usage?: boolean;
  /** The client knows `functions` and `function_call` only, OpenAI's words of 2023. */
  legacy_functions?: boolean;
  extra?: Json;
}

/**
 * Who speaks. Results of tools are parts of a `user` message. `developer` is `system` where a format does
 * not tell them apart.
 */
export interface Message {
  role: "system" | "developer" | "user" | "assistant";
  parts: Part[];
  /** Of the participant. */
  name?: string;
  /** Of the message, where the format has one. */
  id?: string;
  /** Stood outside of the conversation (`instructions` of Responses), so it is not kept with that. */
  instructions?: boolean;
  extra?: Json;
}

/** Asks the provider to keep the prompt up to here. */
export interface CacheMark {
  /** `5m`, `1h`, ... */
  ttl?: string;
}

/** A piece of a message. */
export type Part =
  | TextPart
  | MediaPart
  | ToolCallPart
  | ToolResultPart
  | ReasoningPart
  | RefusalPart
  | NativePart;

interface Piece {
  cache?: CacheMark;
  extra?: Json;
}

export interface TextPart extends Piece {
  type: "text";
  text: string;
  /** It is JSON, in a format that tells that apart from text (results of tools). No loss elsewhere. */
  json?: boolean;
  citations?: Citation[];
  signature?: Signature;
}

/** Something to see, hear or read. */
export interface MediaPart extends Piece {
  type: "image" | "audio" | "video" | "document";
  source: MediaSource;
  /** File name or title. */
  name?: string;
  /** How closely to look: `low`, `high`, `auto`, ... */
  detail?: string;
  /** What was said, of audio that a model speaks. */
  transcript?: string;
  /** Of audio that a model spoke, or of a document, to refer to it later. */
  id?: string;
  signature?: Signature;
}

/** Where the bytes are. `mime` as `image/png`; `data` is plain base64, no data URL. */
export type MediaSource =
  | { kind: "base64"; mime: string; data: string }
  | { kind: "url"; url: string; mime?: string }
  /** A file kept at the provider of `format`. */
  | { kind: "file"; id: string; mime?: string; format: ChatFormat }
  /** A document that is text. */
  | { kind: "text"; text: string; mime?: string }
  /** A document made of parts. */
  | { kind: "parts"; parts: Part[] };

/** The model calls a tool. */
export interface ToolCallPart extends Piece {
  type: "tool_call";
  /** Unique in the conversation; made up by {@link callId} where a format has none. */
  id: string;
  name: string;
  /** JSON text of an object; free text when `custom`. Empty while a stream begins it. */
  arguments: string;
  custom?: boolean;
  /** Of the item around it, where that has its own (Responses). */
  item_id?: string;
  signature?: Signature;
}

/** What a tool gave back. */
export interface ToolResultPart extends Piece {
  type: "tool_result";
  call_id: string;
  /** Of the tool, where the format tells it; found by `call_id` otherwise. */
  name?: string;
  content: Part[];
  is_error?: boolean;
  custom?: boolean;
}

/** What a model thought before it answered. */
export interface ReasoningPart extends Piece {
  type: "reasoning";
  /** As far as it is shown; empty for what is hidden. */
  text: string;
  /** The text is a summary, not the thought itself. */
  summary?: boolean;
  /** What its provider wants back in the next turn. */
  signature?: Signature;
  /** The signature is the encrypted thought, and the text is none (`redacted_thinking`). */
  redacted?: boolean;
  /** Of the item, where it has one. */
  id?: string;
}

/** Opaque bytes of one format that only that format understands. */
export interface Signature {
  format: ChatFormat;
  value: string;
}

/** The model declines. */
export interface RefusalPart extends Piece {
  type: "refusal";
  text: string;
}

/** A block that only its own format knows, such as the results of a provider's own search. */
export interface NativePart extends Piece {
  type: "native";
  format: ChatFormat;
  value: Json;
}

/** Where a piece of text comes from. */
export interface Citation {
  type: "url" | "document";
  url?: string;
  title?: string;
  /** The words that are cited. */
  cited_text?: string;
  /** Characters of the answer's text that it supports, end exclusive. */
  start?: number;
  end?: number;
  /** Of the documents in the request, from 0. */
  document_index?: number;
  file_id?: string;
  extra?: Json;
}

/** Something a model may call. */
export type Tool = FunctionTool | CustomTool | WebSearchTool | NativeTool;

export interface FunctionTool extends Piece {
  type: "function";
  name: string;
  description?: string;
  /** JSON Schema; absent for one without parameters. */
  parameters?: Json;
  strict?: boolean;
}

/** Takes free text. */
export interface CustomTool extends Piece {
  type: "custom";
  name: string;
  description?: string;
  /** OpenAI's `format`: a grammar. */
  grammar?: Json;
}

/** The provider's own search. */
export interface WebSearchTool extends Piece {
  type: "web_search";
  allowed_domains?: string[];
  blocked_domains?: string[];
  max_uses?: number;
  /** `{ city, region, country, timezone }` */
  user_location?: Json;
  /** `low`, `medium`, `high`. */
  context_size?: string;
}

/** One that only its own format knows. */
export interface NativeTool {
  type: "native";
  format: ChatFormat;
  value: Json;
}

/** Whether a tool is called, and which. */
export type ToolChoice =
  | { type: "auto" | "none" | "required" }
  | { type: "tool"; name: string }
  | { type: "allowed"; mode: "auto" | "required"; names: string[] };

/** What the answer's text looks like. */
export type OutputShape =
  | { type: "text" | "json" }
  | { type: "json_schema"; name?: string; description?: string; schema: Json; strict?: boolean };

/** How much a model thinks, and what it shows of it. */
export interface Reasoning {
  /** `none`, `minimal`, `low`, `medium`, `high`, `xhigh`, `max`. */
  effort?: string;
  /** Most tokens; -1 leaves it to the model. */
  budget?: number;
  /** False turns it off. */
  enabled?: boolean;
  /** The thoughts are to be shown. */
  visible?: boolean;
  /** `auto`, `concise`, `detailed`. */
  summary?: string;
}

/** One whole answer. */
export interface ChatAnswer {
  /** The format it was read from. */
  format: ChatFormat;
  id: string;
  /** As the provider names it. */
  model: string;
  /** Seconds since 1970. */
  created?: number;
  choices: Choice[];
  usage?: Usage;
  service_tier?: string;
  fingerprint?: string;
  extra?: Json;
}

/** One of the answers. */
export interface Choice {
  index: number;
  parts: Part[];
  finish: Finish;
  /** Which of the stop sequences was met. */
  stop_sequence?: string;
  logprobs?: TokenLogprob[];
  extra?: Json;
}

/**
 * Why a model stopped. `refusal`: it declined; `content_filter`: a filter stopped it; `pause`: it goes on
 * when it is asked to; `malformed`: its call of a tool could not be read.
 */
export type Finish =
  | "stop"
  | "stop_sequence"
  | "length"
  | "context_window"
  | "tool_calls"
  | "content_filter"
  | "refusal"
  | "pause"
  | "malformed"
  | "error"
  | "other";

/** How likely a token was. */
export interface TokenLogprob {
  token: string;
  logprob: number;
  bytes?: number[] | null;
  top?: { token: string; logprob: number; bytes?: number[] | null }[];
}

/**
 * An event of a stream. The first is `start`, once. Parts of a choice come one after the other: each opens,
 * grows and is closed before the next one of that choice opens; `part` counts from 0 within its choice.
 * A `citation` may come after its part is
 * closed. `finish` follows the last part of a choice. `usage` may come more than once, the last counts. A stream
 * that reached its end has `end` as its last event; one that failed has `error`.
 */
export type ChatEvent =
  | {
    type: "start";
    id: string;
    model: string;
    created?: number;
    usage?: Usage;
    service_tier?: string;
    fingerprint?: string;
    extra?: Json;
  }
  /** `value` as far as it is known; its text or arguments may already have a beginning. */
  | { type: "part_start"; choice: number; part: number; value: Part }
  /** More of the text of a text, reasoning or refusal part, or of the transcript of an audio part. */
  | { type: "text"; choice: number; part: number; text: string; logprobs?: TokenLogprob[] }
  /** More of the arguments of a tool call. */
  | { type: "arguments"; choice: number; part: number; text: string }
  /** More base64 of a media part. */
  | { type: "data"; choice: number; part: number; data: string }
  | { type: "signature"; choice: number; part: number; signature: Signature }
  | { type: "citation"; choice: number; part: number; citation: Citation }
  | { type: "part_end"; choice: number; part: number }
  | { type: "finish"; choice: number; finish: Finish; stop_sequence?: string; extra?: Json }
  | { type: "usage"; usage: Usage }
  | { type: "error"; fault: ChatFault }
  | { type: "end" };

/** A failure, in words that every format has a shape for. */
export interface ChatFault {
  /** HTTP status, also of one in the middle of a stream. */
  status: number;
  kind: FaultKind;
  message: string;
  /** The provider's own, such as `context_length_exceeded`. */
  code?: string | null;
  /** Name of the parameter that is wrong. */
  param?: string | null;
}

/** What went wrong. */
export type FaultKind =
  | "invalid_request"
  | "authentication"
  | "billing"
  | "permission"
  | "not_found"
  | "too_large"
  | "rate_limit"
  | "overloaded"
  | "timeout"
  | "server";
