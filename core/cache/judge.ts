/**
 * Whether an answer may be given again: only one that is good, whole with proof, and means the same to
 * everybody.
 *
 * @module
 */
import type { Context } from "../context.ts";
import { readAnswer, type Reading } from "../formats/read.ts";
import { topLevelString } from "../scan.ts";
import type { End } from "../log/row.ts";
import type { About } from "./entry.ts";
import type { Asked } from "./identity.ts";

/** Statuses of an answer that is one; 202, 204 and 206 are not, or not all of it. */
const good: ReadonlySet<number> = new Set([200, 201, 203]);

/** True for a status that may be stored. */
export function mayStore({ status, headers }: Response): boolean {
  return good.has(status) && !headers.has("content-encoding");
}

/** True where an old answer is better than this. */
export function isFailure(status: number): boolean {
  return status === 429 || status >= 500;
}

/** Headers that mean the same whoever gets the answer, and whenever. */
const lasting = [
  "content-type",
  "content-language",
  "content-disposition",
  "openai-model",
  "openai-version",
  "x-amzn-bedrock-content-type",
  "x-amzn-bedrock-input-token-count",
  "x-amzn-bedrock-output-token-count",
];
/** The same for those who get a failure at the same time. */
const ofFailures = ["retry-after", "retry-after-ms", "x-should-retry"];

/** The headers of an answer that others may get as well. */
export function lastingHeaders({ status, headers }: Response): Record<string, string> {
  const kept: Record<string, string> = {};
  for (const name of status < 300 ? lasting : [...lasting, ...ofFailures]) {
    const value = headers.get(name);
    if (value !== null) kept[name] = value;
  }
  return kept;
}

/** Of something that is not done yet. */
const pending =
  /^(?:queued|in_queue|in_progress|pending|starting|processing|running|created|submitted|validating)$/i;

/** Byte by byte, which costs a fraction of a look at the JSON. */
const latin1 = new TextDecoder("latin1");

/** What was received of an answer. */
export interface Received {
  status: number;
  contentType: string;
  /** All of it. */
  body: Uint8Array;
  /** `content-length`, where there was one. */
  length: number | undefined;
  /** What it tells, where somebody has read it. */
  reading: Reading | undefined;
}

/** What the answer tells, how it ended, and whether it may be stored; if not, why. */
export function judge(
  ctx: Context,
  asked: Asked,
  { status, contentType, body, length, reading }: Received,
): { about: About; end: End; refused: string | undefined } {
  const { provider, path } = ctx;
  const { usage = null, model, finish = null, error, end, streamed, modelType } = reading ??
    readAnswer({
      provider: provider.slug,
      format: provider.format,
      path,
      status,
      contentType,
      head: body,
    });
  const about: About = {
    provider: provider.slug,
    model: asked.model || model || "",
    modelType,
    finish,
    usage,
    quality: usage === null ? null : "reported",
    cost: null,
    streamed,
  };
  const refused = (): string | undefined => {
    if (!good.has(status)) return `status ${status}`;
    if (body.byteLength === 0) return "empty";
    if (error !== undefined) return "an error in it";
    // Of what is neither JSON nor a stream, only its length tells.
    if (end === "unprovable" && !streamed) {
      return length === body.byteLength ? undefined : "not proven to be whole";
    }
    if (end !== "proven") return "not proven to be whole";
    const state = streamed || !latin1.decode(body).includes('"status"')
      ? undefined
      : topLevelString(body, "status");
    return state !== undefined && pending.test(state) ? "not done yet" : undefined;
  };
  let ended: End = "complete";
  // An error answer may well be whole; a stream that breaks off ends with an error event.
  if (status < 400) {
    if (error !== undefined) ended = "error";
    else if (end === "missing") ended = "upstream_cut";
  }
  return { about, end: ended, refused: refused() };
}
