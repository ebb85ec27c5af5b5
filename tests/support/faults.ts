// A provider as they are in real life: it speaks six wire formats, and breaks in all the ways that a
// connection, a server or a model can. Everything follows from a seed and the number of the request, so
// that a test knows each byte and each token beforehand, and can repeat what went wrong.
import net, { type AddressInfo } from "node:net";
import { gzipSync } from "node:zlib";
import { type Figures, figuresOf, type Told, type Wire, type WireName, wires } from "./wires.ts";

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
  };
  if (["refused", "no-head", "stall-head"].includes(fault)) return { ...exchange, status: 0 };
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
    if (/^(?:cut|stall)/.test(fault)) return finished(exchange, [bytes.subarray(0, cut)]);
    exchange.told = { ...figures };
    return finished(exchange, halves(bytes));
  }
  exchange.type = wire.streamType;
  if (fault === "head-only") return exchange;
  let said = wire.stream(figures, pieces);
  const middle = 1 + Math.floor(chance() * (said.length - wire.proof));
  if (fault === "malformed") said.splice(middle, 0, { bytes: wire.malformed() });
  if (/^(?:cut|stall|unended|error)/.test(fault)) {
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
}

function finished(exchange: Exchange, parts: Buffer[]): Exchange {
  exchange.parts = parts;
  exchange.sends = Buffer.concat(parts);
  return exchange;
}

const halves = (bytes: Buffer) => {
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

export interface FaultyUpstream {
  url: string;
  /** What came that should not have: a wrong key, a changed body, a request twice. */
  problems: string[];
  /** Whether a request came. */
  came(n: number): boolean;
  /** Answers under way: those that stall, too. */
  readonly active: number;
  /** Connections that are open. */
  readonly connections: number;
  /** Resolves when the request is there, and the answer before a stall is written. */
  arrived(n: number): Promise<void>;
  /** Resets the connection of a request that stalls. */
  release(n: number): void;
  /** The client has all that was sent before the reset. */
  proceed(n: number): void;
  close(): Promise<void>;
}

/** What an upstream may know of a request. */
export type ExchangeOf = (n: number) => Exchange;

/** @param keys By slug: what the gateway has to show. */
export async function startFaults(
  exchange: ExchangeOf,
  keys: Record<string, string>,
): Promise<FaultyUpstream> {
  const sockets = new Set<net.Socket>();
  const problems: string[] = [];
  const arrivals = new Map<number, PromiseWithResolvers<void>>();
  const goes = new Map<number, PromiseWithResolvers<void>>();
  const active = new Map<net.Socket, number>();
  const came = new Set<number>();
  const of = (map: typeof goes, n: number) => {
    let found = map.get(n);
    if (found === undefined) map.set(n, found = Promise.withResolvers());
    return found;
  };

  const handle = async (socket: net.Socket, head: string, body: string) => {
    const n = Number(/\r\nx-number: *(\d+)/i.exec(head)?.[1]);
    const planned = exchange(n);
    const { wire, fault } = planned;
    if (came.has(n)) problems.push(`Request ${n} (${fault}) came twice`);
    came.add(n);
    const key = new RegExp(`\r\n${wire.key[0]}: *${wire.key[1]}([^\r\n]*)`, "i").exec(head)?.[1];
    if (key !== keys[wire.slug]) problems.push(`Request ${n} came with ${key ?? "no key"}`);
    if (body !== planned.body) problems.push(`Request ${n} has another body`);
    const path = head.split(" ", 2)[1]!;
    if (!path.endsWith(planned.path.replace(/^[^/]*\/(?:bedrock-runtime\/us-east-1\/)?/, ""))) {
      problems.push(`Request ${n} came to ${path}`);
    }
    active.set(socket, n);
    try {
      await answer(socket, planned, key ?? "", /\r\naccept-encoding:[^\r\n]*gzip/i.test(head));
    } finally {
      if (fault !== "stall" && fault !== "stall-head") active.delete(socket);
    }
  };

  const answer = async (socket: net.Socket, planned: Exchange, key: string, gzip: boolean) => {
    const { n, fault, streamed, status, type, sends } = planned;
    if (fault === "stall-head") return of(arrivals, n).resolve();
    if (fault === "no-head") return void socket.resetAndDestroy();
    const chunked = streamed && status === 200;
    let parts = fault === "401"
      ? [Buffer.from(sends.toString().replace("{key}", key))]
      : planned.parts;
    const packed = fault === "gzip" && gzip;
    if (packed) parts = halves(gzipSync(sends));
    const size = parts.reduce((sum, part) => sum + part.length, 0);
    const cut = /^(?:cut|stall|head)/.test(fault);
    const head = [
      `HTTP/1.1 ${status} ${status === 200 ? "OK" : "Error"}`,
      `content-type: ${type}`,
      // More than what comes, where it is cut.
      chunked ? "transfer-encoding: chunked" : `content-length: ${cut ? size * 3 + 9 : size}`,
      ...status === 429 ? ["retry-after: 7"] : [],
      ...packed ? ["content-encoding: gzip"] : [],
      `x-request-id: up-${n}`,
    ].join("\r\n");
    const body = chunked
      ? parts.map((part, index) => {
        // The last piece of what is cut belongs to a chunk that is longer.
        const open = cut && index === parts.length - 1 && n % 2 === 0;
        const length = part.length + (open ? 50 : 0);
        return Buffer.concat([
          Buffer.from(`${length.toString(16)}\r\n`),
          part,
          Buffer.from(open ? "" : "\r\n"),
        ]);
      })
      : parts;
    if (chunked && !cut) body.push(Buffer.from("0\r\n\r\n"));
    const pieces = [Buffer.from(`${head}\r\n\r\n`), ...body];
    if (fault === "slow") {
      for (const piece of pieces) {
        socket.write(piece);
        await pause(3);
      }
    } else if (fault === "odd") {
      const chance = dice(n, 1);
      const all = Buffer.concat(pieces);
      const most = Math.max(40, all.length / 50);
      for (let at = 0; at < all.length;) {
        const end = at + 1 + Math.floor(chance() * most);
        socket.write(all.subarray(at, end));
        at = end;
        await new Promise(setImmediate);
      }
    } else socket.write(Buffer.concat(pieces));

    switch (fault) {
      case "stall":
        return of(arrivals, n).resolve();
      case "cut-now":
        return void socket.end();
      case "head-only":
        await pause(5);
        return void socket.resetAndDestroy();
      case "cut-fin":
      case "cut-reset":
        if (!chunked) await pause(5); // the gateway may hold a short answer until it is whole
        else if (!await inTime(of(goes, n).promise)) {
          problems.push(`What was sent of ${n} did not reach the client`);
        }
        return void (fault === "cut-fin" ? socket.end() : socket.resetAndDestroy());
    }
  };

  const server = net.createServer((socket) => {
    sockets.add(socket);
    socket.setNoDelay(true);
    socket.on("error", () => {});
    socket.on("close", () => {
      sockets.delete(socket);
      active.delete(socket);
    });
    readRequests(socket, (head, body) => handle(socket, head, body));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    problems,
    came: (n) => came.has(n),
    get active() {
      return active.size;
    },
    get connections() {
      return sockets.size;
    },
    arrived: (n) => of(arrivals, n).promise,
    release(n) {
      for (const [socket, stalled] of active) if (stalled === n) socket.resetAndDestroy();
    },
    proceed: (n) => of(goes, n).resolve(),
    close() {
      for (const socket of sockets) socket.destroy();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

/** Calls `fn` for each request of a connection, once its body is there; one after the other. */
export function readRequests(
  socket: net.Socket,
  fn: (head: string, body: string) => void | Promise<void>,
): void {
  let bytes: Buffer = Buffer.alloc(0);
  let turn: Promise<void> = Promise.resolve();
  socket.on("data", (part: Buffer) => {
    bytes = bytes.length === 0 ? part : Buffer.concat([bytes, part]);
    for (;;) {
      const end = bytes.indexOf("\r\n\r\n");
      if (end < 0) return;
      const head = bytes.toString("latin1", 0, end);
      const length = /\r\ncontent-length: *(\d+)/i.exec(head)?.[1];
      const chunks = /\r\ntransfer-encoding: *chunked/i.test(head);
      const found = chunks
        ? readChunks(bytes, end + 4)
        : wholeBody(bytes, end + 4, Number(length ?? 0));
      if (found === undefined) return;
      bytes = bytes.subarray(found.end);
      turn = turn.then(() => fn(head, found.body));
    }
  });
}

function wholeBody(bytes: Buffer, start: number, length: number) {
  const end = start + length;
  return bytes.length < end ? undefined : { body: bytes.toString("utf8", start, end), end };
}

function readChunks(bytes: Buffer, at: number): { body: string; end: number } | undefined {
  const parts: Buffer[] = [];
  for (;;) {
    const line = bytes.indexOf("\r\n", at);
    if (line < 0) return undefined;
    const size = parseInt(bytes.toString("latin1", at, line), 16);
    const end = line + 2 + size;
    if (bytes.length < end + 2) return undefined;
    if (size === 0) return { body: Buffer.concat(parts).toString(), end: end + 2 };
    parts.push(bytes.subarray(line + 2, end));
    at = end + 2;
  }
}

function inTime(promise: Promise<void>): Promise<boolean> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, 10_000, false);
    void promise.then(() => (clearTimeout(timer), resolve(true)));
  });
}

const pause = (milliseconds: number) =>
  new Promise<void>((resolve) => setTimeout(resolve, milliseconds));
