/**
 * Which of OpenAI's other endpoints a provider has.
 *
 * @module
 */
import type { Dialect, Operation } from "../core/unified/dialect.ts";

const operations: readonly Operation[] = [
  "completions",
  "embeddings",
  "images/generations",
  "images/edits",
  "images/variations",
  "audio/speech",
  "audio/transcriptions",
  "audio/translations",
  "rerank",
  "moderations",
  "models",
  "responses/input_tokens",
  "messages/count_tokens",
];
/** What is seen. */
export const images: readonly ["images/generations", "images/edits"] = [
  "images/generations",
  "images/edits",
];
/** What is heard. */
export const speech: readonly [
  "audio/speech",
  "audio/transcriptions",
  "audio/translations",
] = ["audio/speech", "audio/transcriptions", "audio/translations"];

/** These and no others, each behind the prefix. */
export function only(prefix: string, ...names: Operation[]): NonNullable<Dialect["endpoints"]> {
  const has = (name: Operation): string | false => names.includes(name) && prefix + name;
  return Object.fromEntries(operations.map((name) => [name, has(name)]));
}
