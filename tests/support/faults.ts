// A provider as they are in real life: it speaks six wire formats, and breaks in all the ways that a
// connection, a server or a model can.
import net, { type AddressInfo } from "node:net";
import { gzipSync } from "node:zlib";
import { dice, type Exchange, halves } from "./exchanges.ts";

export interface FaultyUpstream {
  url: string;
  /** What came that should not have: a wrong key, a changed body, a request twice. */
  problems: string[];
  /** How often a request came. */
  came(n: number): number;
  /** Answers under way: those that stall, too. */
  readonly active: number;
  /** Connections that are open. */
  readonly connections: number;
  /** Resolves when the request is there, and all of the answer that comes is written. */
  arrived(n: number): Promise<void>;
  /** Resets the connection of a request that stalls. */
  release(n: number): void;
  /** The client has all that was sent before the reset. */
  proceed(n: number): void;
  close(): Promise<void>;
}

/**
 * What becomes of a request that has come `times` before; nothing for one too many.
 *
 * @param n Of its prompt.
 */
export type ExchangeOf = (n: number, times: number) => Exchange | undefined;

/** For requests that have to come once. */
export const once = (of: (n: number) => Exchange): ExchangeOf => (n, times) =>
  times === 0 ? of(n) : undefined;

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
  const came = new Map<number, number>();
  const of = (map: typeof goes, n: number) => {
    let found = map.get(n);
    if (found === undefined) map.set(n, found = Promise.withResolvers());
    return found;
  };

  const handle = async (socket: net.Socket, head: string, body: string) => {
    const n = Number(/Request (\d+)/.exec(body)?.[1]);
    const times = came.get(n) ?? 0;
    came.set(n, times + 1);
    const planned = exchange(n, times);
    if (planned === undefined) {
      problems.push(`Request ${n} came ${times + 1} times`);
      return void socket.resetAndDestroy();
    }
    const { wire, fault } = planned;
    const key = new RegExp(`\r\n${wire.key[0]}: *${wire.key[1]}([^\r\n]*)`, "i").exec(head)?.[1];
    if (key !== keys[wire.slug]) problems.push(`Request ${n} came with ${key ?? "no key"}`);
    if (body !== planned.body) problems.push(`Request ${n} has another body`);
    const path = head.split(" ", 2)[1]!;
    if (!path.endsWith(planned.path.replace(/^[^/]*\/(?:bedrock-runtime\/us-east-1\/)?/, ""))) {
      problems.push(`Request ${n} came to ${path}`);
    }
    active.set(socket, planned.n);
    try {
      await answer(socket, planned, key ?? "", /\r\naccept-encoding:[^\r\n]*gzip/i.test(head));
    } finally {
      if (!/^(?:stall|silent)/.test(fault)) active.delete(socket);
      of(arrivals, planned.n).resolve();
    }
  };

  const answer = async (socket: net.Socket, planned: Exchange, key: string, gzip: boolean) => {
    const { n, fault, streamed, status, type, sends } = planned;
    if (fault === "stall-head" || fault === "silent-head") return;
    if (fault === "no-head") return void socket.resetAndDestroy();
    const chunked = streamed && status === 200;
    let parts = fault === "401"
      ? [Buffer.from(sends.toString().replace("{key}", key))]
      : planned.parts;
    const packed = fault === "gzip" && gzip;
    if (packed) parts = halves(gzipSync(sends));
    const size = parts.reduce((sum, part) => sum + part.length, 0);
    const cut = /^(?:cut|stall|silent|head)/.test(fault);
    const head = [
      `HTTP/1.1 ${status} ${status === 200 ? "OK" : "Error"}`,
      `content-type: ${type}`,
      // More than what comes, where it is cut.
      chunked ? "transfer-encoding: chunked" : `content-length: ${cut ? size * 3 + 9 : size}`,
      ...status === 429 ? [planned.retryAfter.join(": ")] : [],
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
      case "silent":
        return;
      case "cut-now":
        return void socket.end();
      case "head-only":
        await pause(5);
        return void socket.resetAndDestroy();
      case "cut-fin":
      case "cut-reset":
        // The gateway may hold a short answer until it is whole.
        if (!planned.waits) await pause(5);
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
    came: (n) => came.get(n) ?? 0,
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
