/**
 * The next batch of an export, read from the log.
 *
 * @module
 */
import type { LogRow } from "../log/row.ts";
import type { Logs } from "../storage/ports.ts";
import { recordOf } from "./record.ts";
import type { Seal } from "./seal.ts";

/** Rows that are read at a time: a store in the process answers nobody meanwhile. */
const page = 50;
/** Characters that are compressed at a time. */
const pieceLength = 32 * 1024;
/** Milliseconds of work after which requests get their turn. */
const stretch = 2;
/** Rows of other gateways that are passed over in one go, so that the place is noted now and then. */
const mostPassed = 10_000;
/** Bodies that are read at once. */
const readAtOnce = 8;

/** What a batch is made of. */
export interface BatchOptions {
  logs: Logs;
  /** Whether rows of this gateway go along. */
  takes(gateway: string): boolean;
  /** Encrypts rows of this gateway; nothing where it has no key. Rejects on a key that is none. */
  sealOf(gateway: string): Promise<Seal | undefined>;
  bodies: boolean;
  bodyBytes: number;
  rows: number;
  bytes: number;
}

/** Rows on their way. */
export interface Batch {
  lines: string[];
  first: LogRow | undefined;
  /** Behind the last row that was looked at. */
  place: string | undefined;
  /** There may be more. */
  more: boolean;
}

/** Reads on behind a place. */
export async function nextBatch(after: string | undefined, options: BatchOptions): Promise<Batch> {
  const { logs, takes } = options;
  const batch: Batch = { lines: [], first: undefined, place: after, more: true };
  let bytes = 0;
  let began = performance.now();
  const rest = async () => {
    if (performance.now() - began < stretch) return;
    await new Promise((done) => setTimeout(done, 0));
    began = performance.now();
  };
  for (let seen = 0; seen < mostPassed;) {
    await rest();
    const arrivals = await logs.arrivals!(batch.place, Math.min(page, options.rows));
    if (arrivals.length === 0) {
      batch.more = false;
      return batch;
    }
    for (let at = 0; at < arrivals.length; at += readAtOnce) {
      const part = arrivals.slice(at, at + readAtOnce);
      await rest();
      const lines = await Promise.all(
        part.map(({ row }) => takes(row.gateway) ? lineOf(row, options) : undefined),
      );
      for (const [i, line] of lines.entries()) {
        batch.place = part[i]!.place;
        seen++;
        if (line === undefined) continue;
        batch.first ??= part[i]!.row;
        bytes += batch.lines.push(line) && line.length;
        if (batch.lines.length >= options.rows || bytes >= options.bytes) return batch;
      }
    }
  }
  return batch;
}

async function lineOf(row: LogRow, options: BatchOptions): Promise<string> {
  const { logs, bodies, bodyBytes } = options;
  const body = (which: "request" | "response") => logs.payload(row.gateway, row.id, which);
  const [request, response] = bodies
    ? await Promise.all([body("request"), body("response")])
    : [undefined, undefined];
  const record = recordOf(row, { request, response }, bodyBytes);
  const seal = await options.sealOf(row.gateway);
  return `${JSON.stringify(seal === undefined ? record : await seal(record))}\n`;
}

/** Gzipped, piece by piece: several megabytes at once would hold requests up. */
export async function gzip(lines: readonly string[]): Promise<Uint8Array<ArrayBuffer>> {
  const { readable, writable } = new CompressionStream("gzip");
  const whole = new Response(readable).arrayBuffer();
  const writer = writable.getWriter();
  const encoder = new TextEncoder();
  let piece = "";
  for (const [i, line] of lines.entries()) {
    piece += line;
    if (piece.length < pieceLength && i < lines.length - 1) continue;
    await writer.write(encoder.encode(piece));
    piece = "";
  }
  await writer.close();
  return new Uint8Array(await whole);
}
