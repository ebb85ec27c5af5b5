// Requests to a provider, and what becomes of each. Everything follows from a seed and the number of the
// request, so that a test knows each byte and each token beforehand, and can repeat what went wrong.
import { type Figures, figuresOf, type Told, type Wire, type WireName } from "./wire.ts";
import { wires } from "./wires.ts";

export type Fault =
  | "none"
  /** Piece by piece, with pauses. */
  | "slow"
  /** Written to the connection in pieces of odd sizes. */
  | "odd"
  /** Compressed, if the request allows it. */
  | "gzip"
  /** An event in the middle that cannot be read. */
  | "malformed"
  /** An error instead of the rest of the stream. */
  | "error-event"
  /** The stream ends as HTTP has it, without what its format ends with. */
  | "unended"
  /** Nobody listens. */
  | "refused"
  /** Reset once the request is there. */
  | "no-head"
  /** Reset after the head. */
  | "head-only"
  /** Reset in the middle, once what came before is with the client. */
  | "cut-reset"
  /** Closed in the middle, once what came before is with the client. */
  | "cut-fin"
  /** Closed in the middle, at once: some platforms lose what came before. */
  | "cut-now"
  /** Silent after the request, until the client leaves. */
  | "stall-head"
  /** Silent in the middle, until the client leaves. */
  | "stall"
  /** Silent after the request, until the gateway gives up. */
  | "silent-head"
  /** Silent in the middle, until the gateway gives up. */
  | "silent"
  | "429"
  | "503"
  /** The message quotes the key. */
  | "401";

/** How often each fault comes, by what it can befall. */
const streamFaults = weighted({
  none: 14,
  slow: 1,
  odd: 3,
  malformed: 2,
  "error-event": 2,
  unended: 2,
  refused: 1,
  "no-head": 1,
  "head-only": 1,
  "cut-reset": 2,
  "cut-fin": 1,
  "cut-now": 1,
  "stall-head": 1,
  stall: 2,
  "429": 1,
  "503": 1,
  "401": 1,
});
const wholeFaults = weighted({
  none: 14,
  slow: 1,
  odd: 2,
  gzip: 3,
  refused: 1,
  "no-head": 1,
  "head-only": 1,
  "cut-reset": 1,
  "cut-fin": 1,
  "stall-head": 1,
  stall: 1,
  "429": 1,
  "503": 1,
  "401": 1,
});

function weighted(weights: Partial<Record<Fault, number>>): Fault[] {
  return Object.entries(weights).flatMap(([fault, times]) => Array(times).fill(fault) as Fault[]);
}

/** One request and what becomes of it. */
export interface Exchange {
  n: number;
  wire: Wire;
  streamed: boolean;
  fault: Fault;
  figures: Figures;
  /** On the gateway, after account and id. */
  path: string;
  headers: Record<string, string>;
  body: string;
  /** The body goes without its length. */
  chunked: boolean;
  /** Of the provider's answer; 0 when there is none. */
  status: number;
  type: string;
  /** What the provider sends before whatever happens then; decoded. */
  sends: Buffer;
  /** The pieces that `sends` is made of. */
  parts: Buffer[];
  /** What its events have told at that point; null where they have told nothing. */
  told: Told | null;
  /** A stream has said some of its text in `sends`. */
  begun: boolean;
  /** A cut waits until the client has what was sent before. */
  waits: boolean;
  /** Header of a 429, and its value. */
  retryAfter: [name: string, value: string];
}

const names = Object.keys(wires) as WireName[];
/** People paste such things. */
export const pasted = "sk-pasted0into0a0prompt0123456789";
const words = [
  ...["one", "zwei", "trois", "четыре", "五", "sechs 🙂", 'a "quoted" word', "\n"],
  ...["x".repeat(200), `my key is ${pasted}`],
];

/** What is there to know of request `n`. @param only Instead of a fault by chance. */
export function exchangeOf(seed: number, n: number, only: Partial<Chosen> = {}): Exchange {
  const chance = dice(seed, n);
  const pick = <T>(list: readonly T[]): T => list[Math.floor(chance() * list.length)]!;
  const wire = wires[only.wire ?? pick(names)];
  const streamed = only.streamed ?? chance() < 0.6;
  const fault = only.fault ?? pick(streamed ? streamFaults : wholeFaults);
  const figures = figuresOf(n);
  const large = only.large ?? chance() < 0.02;
  const prompt = `Request ${n} ${large ? "p".repeat(90_000) : pick(words)}`;
  const pieces = Array.from({ length: 3 + Math.floor(chance() * 6) }, () => `${pick(words)} `);
  pieces[0] = `Answer ${n}: `;
  const chunked = only.chunked ?? chance() < 0.05;
  const exchange: Exchange = {
    n,
    wire,
    streamed,
    fault,
    figures,
    // A provider of its own, at which nobody listens.
    path: `${fault === "refused" ? "custom-gone" : wire.slug}/${wire.path(streamed)}`,
    headers: {
      "content-type": "application/json",
      "x-number": String(n),
      ...fault === "gzip" && { "accept-encoding": "gzip, br" },
    },
    body: JSON.stringify(wire.request(prompt, streamed)),
    chunked,
    status: 200,
    type: "application/json",
    sends: Buffer.alloc(0),
    parts: [],
    told: null,
    begun: false,
    waits: streamed,
    retryAfter: ["retry-after", "7"],
  };
  if (["refused", "no-head", "stall-head", "silent-head"].includes(fault)) {
    return { ...exchange, status: 0 };
  }
  if (fault === "429" || fault === "503" || fault === "401") {
    exchange.status = Number(fault);
    if (fault === "503") {
      exchange.type = "text/html";
      return finished(exchange, [
        Buffer.from("<html><title>503 Service Unavailable</title></html>"),
      ]);
    }
    // The key is known once it is there.
    const message = fault === "401" ? "Incorrect API key provided: {key}." : `Too many (${n})`;
    return finished(exchange, [
      Buffer.from(JSON.stringify(wire.failure(exchange.status, message))),
    ]);
  }
  if (!streamed) {
    const text = pieces.join("") + (large ? "y".repeat(120_000) : "");
    const bytes = Buffer.from(JSON.stringify(wire.whole(figures, text)));
    // Before the figures, which come at the end.
    const cut = Math.floor(bytes.length * (0.2 + chance() * 0.3));
    if (fault === "head-only") return exchange;
    if (/^(?:cut|stall|silent)/.test(fault)) return finished(exchange, [bytes.subarray(0, cut)]);
    exchange.told = { ...figures };
    return finished(exchange, halves(bytes));
  }
  exchange.type = wire.streamType;
  if (fault === "head-only") return exchange;
  let said = wire.stream(figures, pieces);
  const least = only.begun ? wire.opening + 1 : 1;
  const middle = only.begun === false
    ? Math.floor(chance() * (wire.opening + 1))
    : least + Math.floor(chance() * (said.length - wire.proof - least + 1));
  if (fault === "malformed") said.splice(middle, 0, { bytes: wire.malformed() });
  if (/^(?:cut|stall|silent|unended|error)/.test(fault)) {
    exchange.begun = middle > wire.opening;
    const next = said[middle]!.bytes;
    said = said.slice(0, middle);
    if (fault === "error-event") said.push({ bytes: wire.fault(`Broken off (${n})`) });
    // In the middle of an event, and of its characters.
    else if (chance() < 0.5) said.push({ bytes: next.subarray(0, Math.ceil(next.length / 2)) });
  }
  exchange.told = said.findLast(({ told }) => told !== undefined)?.told ?? null;
  return finished(exchange, said.map(({ bytes }) => bytes));
}

interface Chosen {
  wire: WireName;
  streamed: boolean;
  fault: Fault;
  large: boolean;
  chunked: boolean;
  /** Where a stream is broken: behind its first text, or before. */
  begun: boolean;
}

function finished(exchange: Exchange, parts: Buffer[]): Exchange {
  exchange.parts = parts;
  exchange.sends = Buffer.concat(parts);
  return exchange;
}

export const halves = (bytes: Buffer) => {
  const half = bytes.length >> 1;
  return [bytes.subarray(0, half), bytes.subarray(half)];
};

/** Random numbers from 0 to 1, the same for the same two numbers (Mulberry32). */
export function dice(seed: number, n: number): () => number {
  let state = Math.imul(seed, 0x9e3779b1) ^ Math.imul(n + 1, 0x85ebca6b);
  return () => {
    state = state + 0x6d2b79f5 | 0;
    let t = Math.imul(state ^ state >>> 15, 1 | state);
    t = t + Math.imul(t ^ t >>> 7, 61 | t) ^ t;
    return ((t ^ t >>> 14) >>> 0) / 4294967296;
  };
}
