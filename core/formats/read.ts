/**
 * What an answer tells about itself once it is over: usage, model, why it ended and whether that is
 * proven, what went wrong, where its first content was. It is given what was kept of the bytes, once;
 * nothing is parsed while they pass.
 *
 * @module
 */
import type { FormatName } from "../provider.ts";
import type { Usage } from "../usage/usage.ts";
import { settle } from "./counts.ts";
import { Draft, type Pass } from "./draft.ts";
import { faultOfText } from "./fault.ts";
import { decoder } from "./frames.ts";
import { framingOf, isBinary } from "./framing.ts";
import { kindOfPath } from "./kind.ts";
import { LineFrames } from "./line-frames.ts";
import { SseFrames } from "./sse.ts";
import { type Kept, readAws, readStream } from "./stream.ts";
import { readJson } from "./whole.ts";

/** What was kept of an answer. */
export interface Recorded {
  /** Slug of the provider's row. */
  provider: string;
  /** Of the provider's row; a hint, the shape decides. */
  format: FormatName | undefined;
  /** After the slug, no query. */
  path: string;
  status: number;
  /** As the header has it; may be empty. */
  contentType: string;
  /** The body, or its beginning. */
  head: Uint8Array;
  /**
   * The end of the body, when it was longer than `head`. Leave it out where the transport broke off and
   * the answer is no stream: a bracket at its end may then close anything.
   */
  tail?: Uint8Array;
  /** Bytes between the two; not known when absent. */
  skipped?: number;
}

/** What it tells. A member is absent when it tells nothing of it. */
export interface Reading {
  usage?: Usage;
  /** As the answer names it. */
  model?: string;
  /** The provider's own word for why the model stopped. */
  finish?: string;
  /** An error answer's, or one in the middle of a stream. */
  error?: { code: number | string | null; message: string };
  /** The answer was a stream of events. */
  streamed: boolean;
  /** Offset in `head` just behind the event with the first text, reasoning, tool call, sound or image. */
  firstContent?: number;
  /**
   * `proven`: the format's own end was there, or the JSON was whole. `missing`: it should have been.
   * `unprovable`: the format has none, or what would tell was not kept.
   */
  end: "proven" | "missing" | "unprovable";
  /**
   * All that the model wrote, reasoning and arguments of tool calls included, as far as it was kept.
   * Read when called.
   */
  text(): string;
  /** `chat`, `completion`, `embeddings`, `image`, `audio`, `rerank`, `moderation`, `video`, `count_tokens` or `other`. */
  modelType: string;
}

/** Reads an answer. Never throws. */
export function readAnswer(recorded: Recorded): Reading {
  const { draft, streamed, end, firstContent } = pass(recorded, false);
  const { error, model, finish, kind } = draft;
  const counted = kind !== "count_tokens" && kind !== "other" && recorded.status < 300;
  const usage = counted ? settle(draft.counts) : undefined;
  return {
    ...usage !== undefined && { usage },
    ...model !== undefined && { model },
    ...finish !== undefined && { finish },
    ...error !== undefined && { error },
    streamed,
    ...firstContent !== undefined && { firstContent },
    end,
    text: () => pass(recorded, true).draft.said!.join(""),
    modelType: kind ?? "other",
  };
}

function pass(recorded: Recorded, collect: boolean): Pass {
  const { provider, path } = recorded;
  const { head, tail } = kept(recorded);
  const draft = new Draft({ provider, path }, collect);
  draft.kind = kindOfPath(provider, path);
  switch (framingOf(recorded.contentType, head)) {
    case "sse":
      return readStream({ head, tail }, draft, (bytes, whole) => new SseFrames(bytes, whole));
    case "lines":
      return readStream({ head, tail }, draft, (bytes, whole) => new LineFrames(bytes, whole));
    case "aws":
      return readAws({ head, tail }, draft);
    case "json":
      return readJson({ head, tail }, recorded.status, draft);
    default:
      if (recorded.status >= 400 && /^text\/|^$/.test(recorded.contentType) && !isBinary(head)) {
        draft.error = faultOfText(decoder.decode(head));
      }
      // Nothing but what was drawn or said.
      if (recorded.status < 400) draft.kind ??= /^(image|audio)\//.exec(recorded.contentType)?.[1];
      return { draft, streamed: false, end: "unprovable" };
  }
}

/** The two are one where nothing is missing between them. */
function kept({ head, tail, skipped }: Recorded): Kept {
  if (tail === undefined || skipped !== 0) return { head, tail };
  const whole = new Uint8Array(head.length + tail.length);
  whole.set(head);
  whole.set(tail, head.length);
  return { head: whole };
}
