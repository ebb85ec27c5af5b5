/**
 * A stream for a client of Google's: events of `alt=sse`, or without that one JSON array. Each holds what
 * is new; the last one says why the candidates stopped, and the usage. An event without a part would make
 * Google's SDK forget the turn.
 *
 * @module
 */
import type { Json } from "../../../formats/json.ts";
import type { ChatEvent, Citation, Part, TokenLogprob } from "../../chat.ts";
import { placed } from "../../cited.ts";
import type { Asked, StreamWriter } from "../../codec.ts";
import type { Usage } from "../../../usage/usage.ts";
import { reasonFor } from "./answer-read.ts";
import { tierOf, writeLogprobs, writePart } from "./answer-write.ts";
import { writeFault } from "./fault.ts";
import { writeGrounding } from "./grounding.ts";
import { writeUsage } from "./usage.ts";
import { wireSignature } from "./wire.ts";

type Finish = Extract<ChatEvent, { type: "finish" }>;

/** One candidate so far. */
interface Candidate {
  choice: number;
  /** The part that is open. */
  part?: Part | undefined;
  /** What has to be whole before it can be sent: arguments, data. */
  pieces: string[];
  transcript: string;
  signature?: string | undefined;
  text: string[];
  length: number;
  /** Length of the text before the open part. */
  before: number;
  citations: Citation[];
  /** Citations of the open part. */
  fresh: Citation[];
  finish?: Finish;
  /** Ends an event of this candidate. */
  tail: string;
}

/** Members of `extra` that are Google's own. */
const ofGoogle = [
  "safetyRatings",
  "groundingMetadata",
  "citationMetadata",
  "urlContextMetadata",
  "avgLogprobs",
  "tokenCount",
  "finishMessage",
  "finishReason",
  "continuationToken",
];

/** See `ChatCodec.writeStream`. */
export class GeminiWriter implements StreamWriter {
  readonly #asked: Asked;
  readonly #array: boolean;
  #first = true;
  #about = "";
  #tier: string | undefined;
  #usage: Usage | undefined;
  readonly #candidates: Candidate[] = [];

  /** @param array One JSON array instead of events. */
  constructor(asked: Asked, array: boolean) {
    this.#asked = asked;
    this.#array = array;
    this.#name(asked.model, asked.requestId);
  }

  write(event: ChatEvent): string {
    switch (event.type) {
      case "start":
        this.#name(event.model || this.#asked.model, event.id || this.#asked.requestId);
        this.#usage = event.usage;
        this.#tier = event.service_tier;
        return "";
      case "usage":
        this.#usage = event.usage;
        return "";
      case "error":
        return this.#framed(JSON.stringify(writeFault(event.fault))) + (this.#array ? "]" : "");
      case "end":
        return this.#end();
    }
    const candidate = this.#at(event.choice);
    switch (event.type) {
      case "part_start":
        return this.#open(event.value, candidate);
      case "text":
        return this.#text(event.text, event.logprobs, candidate);
      case "arguments":
        candidate.pieces.push(event.text);
        return "";
      case "data":
        return this.#data(event.data, candidate);
      case "signature":
        candidate.signature = wireSignature(event.signature);
        return "";
      case "citation":
        candidate.fresh.push(event.citation);
        return "";
      case "part_end":
        return this.#close(candidate);
      case "finish":
        candidate.finish = event;
        return "";
    }
  }

  #name(modelVersion: string, responseId: string): void {
    this.#about = JSON.stringify({ modelVersion, responseId }).slice(1);
  }

  #at(choice: number): Candidate {
    const known = this.#candidates.find((candidate) => candidate.choice === choice);
    if (known !== undefined) return known;
    const candidate: Candidate = {
      choice,
      pieces: [],
      transcript: "",
      text: [],
      length: 0,
      before: 0,
      citations: [],
      fresh: [],
      tail: `],"role":"model"},"index":${choice}}],${this.#about}`,
    };
    this.#candidates.push(candidate);
    return candidate;
  }

  #framed(json: string): string {
    if (!this.#array) return `data: ${json}\r\n\r\n`;
    const lead = this.#first ? "[" : ",\r\n";
    this.#first = false;
    return lead + json;
  }

  #sent(part: string, candidate: Candidate): string {
    return this.#framed(`{"candidates":[{"content":{"parts":[${part}${candidate.tail}`);
  }

  #open(part: Part, candidate: Candidate): string {
    candidate.part = part;
    candidate.pieces = [];
    candidate.transcript = "";
    candidate.signature = "signature" in part && part.signature !== undefined
      ? wireSignature(part.signature)
      : undefined;
    candidate.before = candidate.length;
    candidate.fresh = part.type === "text" ? [...part.citations ?? []] : [];
    return "text" in part && part.text !== "" ? this.#text(part.text, undefined, candidate) : "";
  }

  #text(text: string, logprobs: TokenLogprob[] | undefined, candidate: Candidate): string {
    const type = candidate.part?.type;
    if (type === "text") {
      candidate.text.push(text);
      candidate.length += text.length;
    } else if (type === "reasoning") {
      return this.#sent(`{"text":${JSON.stringify(text)},"thought":true}`, candidate);
    } else if (type !== "refusal") {
      candidate.transcript += text;
      return "";
    }
    if (logprobs === undefined) return this.#sent(`{"text":${JSON.stringify(text)}}`, candidate);
    const more = JSON.stringify(writeLogprobs(logprobs)).slice(1, -1);
    const tail = candidate.tail.replace(`"index":`, () => `${more},"index":`);
    return this.#framed(
      `{"candidates":[{"content":{"parts":[{"text":${JSON.stringify(text)}}${tail}`,
    );
  }

  /** Sound is heard while it comes, anything else has to be whole. */
  #data(data: string, candidate: Candidate): string {
    const { part } = candidate;
    if (part?.type === "audio" && part.source.kind === "base64") {
      const whole: Part = { ...part, source: { ...part.source, data } };
      return this.#sent(JSON.stringify(writePart(whole)[0]), candidate);
    }
    candidate.pieces.push(data);
    return "";
  }

  #close(candidate: Candidate): string {
    const { part, pieces, fresh, signature, transcript } = candidate;
    candidate.part = undefined;
    if (part === undefined) return "";
    for (const citation of fresh) {
      candidate.citations.push(placed(citation, candidate.before, candidate.length));
    }
    if (part.type === "text" || part.type === "reasoning") {
      if (signature === undefined) return "";
      const thought = part.type === "reasoning" && { thought: true };
      const last: Json = { text: "", ...thought, thoughtSignature: signature };
      return this.#sent(JSON.stringify(last), candidate);
    }
    if (part.type === "refusal") return "";
    let whole = part;
    if (part.type === "tool_call") whole = { ...part, arguments: part.arguments + pieces.join("") };
    else if ("source" in part && part.source.kind === "base64") {
      const data = part.source.data + pieces.join("");
      whole = { ...part, source: { ...part.source, data } };
      if (transcript !== "") whole.transcript = (part.transcript ?? "") + transcript;
      // Its sound was sent as it came.
      if (data === "") return transcript === "" ? "" : this.#sent(spoken(transcript), candidate);
    }
    const written = writePart(whole);
    if (written.length === 0) return "";
    if (signature !== undefined) written[0]!.thoughtSignature = signature;
    return this.#sent(JSON.stringify(written).slice(1, -1), candidate);
  }

  #end(): string {
    const usage = this.#usage;
    const candidates = this.#candidates.map((candidate) => {
      const { choice, finish, citations } = candidate;
      const last: Json = {
        content: { parts: [{ text: "" }], role: "model" },
        finishReason: reasonFor(finish?.finish ?? "error"),
        index: choice,
      };
      if (citations.length > 0 && finish?.extra?.citationMetadata === undefined) {
        last.groundingMetadata = writeGrounding(citations, candidate.text.join(""));
      }
      for (const key of ofGoogle) {
        const value = finish?.extra?.[key];
        if (value !== undefined) last[key] = value;
      }
      return last;
    });
    const usageMetadata = usage === undefined
      ? undefined
      : { ...writeUsage(usage), ...tierOf(this.#tier) };
    const json = JSON.stringify({ candidates, usageMetadata });
    return this.#framed(`${json.slice(0, -1)},${this.#about}`) + (this.#array ? "]" : "");
  }
}

function spoken(text: string): string {
  return JSON.stringify({ audioTranscription: { text } });
}
