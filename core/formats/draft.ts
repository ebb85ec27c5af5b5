/**
 * What is known of an answer so far, and the interface of a wire format that adds to it.
 *
 * @module
 */
import { type Counts, merge } from "./counts.ts";
import { type Json, object, string, written } from "./json.ts";

/** The provider's own words for what went wrong. */
export interface Fault {
  code: number | string | null;
  message: string;
}

/** See `Reading.end`. */
export type End = "proven" | "missing" | "unprovable";

/** What one reading of the bytes comes to. */
export interface Pass {
  draft: Draft;
  streamed: boolean;
  end: End;
  firstContent?: number | undefined;
}

/** Where an answer came from. */
export interface Source {
  /** Slug of the provider. */
  readonly provider: string;
  /** After the slug, no query. */
  readonly path: string;
}

/** A wire format's reader. State is in the draft. */
export interface Format {
  /** True when the object, an answer or an event of one, has this format's shape. */
  owns(body: Json, draft: Draft): boolean;
  /** Adds what the object tells. Events come in order; an event may come alone. */
  read(body: Json, draft: Draft): void;
  /**
   * Finds the events of a stream that tell more than content; the others may be skipped. What it finds must
   * not reach over the beginning of a key, for what events have in common is looked at once.
   */
  readonly matters: RegExp;
  /** Finds events whose usage a later event repeats, for formats that have it in each. */
  readonly repeats?: RegExp;
  /** True when the events so far are a whole answer although the terminal event did not come. */
  isWhole?(draft: Draft): boolean;
  /** The format has no proof of a stream's end. */
  readonly unprovable?: boolean;
}

/** Members are set by {@link Format}s. */
export class Draft {
  readonly source: Source;
  /** What was written, in order; collected only when it is there. */
  readonly said: string[] | undefined;
  readonly counts: Counts = {};
  /** Times that usage was told. */
  told = 0;
  model: string | undefined;
  finish: string | undefined;
  error: Fault | undefined;
  /** Some content was seen. */
  content = false;
  /** The terminal event was seen. */
  done = false;
  /** `chat`, `embeddings`, ..., where the shape tells. */
  kind: string | undefined;
  /** Of the last object. */
  format: Format | undefined;
  /** Choices by index: true once finished. */
  readonly choices: Map<number, boolean> = new Map();

  constructor(source: Source, collect: boolean) {
    this.source = source;
    this.said = collect ? [] : undefined;
  }

  /** Usage in figures of one event; what an earlier event told and this one does not, stays. */
  use(counts: Counts): void {
    this.told++;
    merge(this.counts, counts);
  }

  /** Text, reasoning or arguments that the model wrote. */
  say(text: unknown): void {
    if (typeof text !== "string" || text === "") return;
    this.content = true;
    this.said?.push(text);
  }

  /** Arguments that come as an object; an empty one is the start of a stream of them. */
  sayObject(value: unknown): void {
    const one = object(value);
    if (one === undefined || Object.keys(one).length === 0) return;
    this.content = true;
    this.said?.push(written(one));
  }

  /** The model's name as the answer has it. */
  name(model: unknown): void {
    const value = string(model);
    if (value !== undefined && value.length <= 256) this.model = value;
  }

  /** The provider's word for why the model stopped. */
  end(finish: unknown): void {
    const value = string(finish);
    if (value !== undefined && value.length <= 256) this.finish = value;
  }
}
