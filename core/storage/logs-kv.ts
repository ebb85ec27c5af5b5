/**
 * The log in a KV, for places that have nothing else. A KV has no queries, so all rows are read and
 * selected here: it is for some thousand rows, and `maxRows` keeps it so.
 *
 * A batch is one value, `log-rows:<batch>.<generation>.<rows>`, and its bodies are packed into some
 * more, `log-bodies:<batch>.<generation>.<n>`, which are written first: a batch is there whole or not
 * at all. A value is never written over; a change writes the next generation of its batch. So what was
 * read once need not be read again.
 *
 * @module
 */
import type { LogEntry, LogRow, Payload } from "../log/row.ts";
import {
  type Arrived,
  extremesOf,
  matcherOf,
  ofGateway,
  sortRows,
  sumsOf,
  walkRows,
} from "./logs-match.ts";
import type { Arrival, Json, KV, Logs, LogSelection } from "./ports.ts";

/** How {@link kvLogs} works. */
export interface KVLogsOptions {
  /** Most rows, 10,000 unless given; the batches that came first go first. */
  maxRows?: number;
  /** Milliseconds since 1970, for keys; `Date.now` unless given. */
  now?: () => number;
}

/** Where a body is: which value of the batch, from which byte, how many, and whether it is complete. */
type Place = [value: number, at: number, length: number, complete: 0 | 1];

/** What a batch's value is. */
interface Batch {
  /** Its name without generation: time and place of arrival. */
  name: string;
  generation: number;
  /** Keys of all generations, this one's included. */
  keys: string[];
  rows: LogRow[];
  requests: (Place | null)[];
  responses: (Place | null)[];
  /** Keys of the values that hold the bodies. */
  bodies: string[];
}

interface Found extends Arrived {
  batch: Batch;
  /** Place in the batch. */
  at: number;
}

const rowsAt = "log-rows:", bodiesAt = "log-bodies:";
/** Bytes of bodies in one value, unless one body has more: what Deno KV takes in one piece. */
const packed = 60_000;
/** Milliseconds after which nobody is about to write the rows of a body. */
const anHour = 3_600_000;
/** Values that are read at once. */
const readAtOnce = 16;
/**
 * Milliseconds after which the order of arrival is final: a batch is named before it is written, and
 * clocks of processes differ.
 */
const unsettled = 15_000;

/**
 * A log in a KV. Changes of one batch by two processes at once (`patch`, `delete`) may lose one of them;
 * rows that are appended are never lost. `close` leaves the KV open: it is closed by whoever opened it.
 */
export function kvLogs(kv: KV, options: KVLogsOptions = {}): Logs {
  const { maxRows = 10_000, now = Date.now } = options;
  let read = new Map<string, Batch>();
  let arrivals = 0;
  /** Rows as counted last and written since; nothing before the first count. */
  let rows: number | undefined;
  let changing: Promise<unknown> = Promise.resolve();

  /** Changes come one after the other. */
  function change<T>(work: () => Promise<T>): Promise<T> {
    const result = changing.then(work);
    changing = result.catch(() => {});
    return result;
  }

  /** The latest keys of all batches, in the order of arrival. */
  async function listed(): Promise<Listed[]> {
    const batches = new Map<string, Listed>();
    for (const key of (await kv.keys(rowsAt)).sort()) {
      const parts = /^(.+)\.(\d+)\.(\d+)$/.exec(key.slice(rowsAt.length));
      if (parts === null) continue;
      const [, name, generation, count] = parts;
      const keys = [...batches.get(name!)?.keys ?? [], key];
      const latest = {
        name: name!,
        key,
        generation: Number(generation),
        rows: Number(count),
        keys,
      };
      const known = batches.get(name!);
      const older = known !== undefined && known.generation > latest.generation;
      batches.set(name!, older ? { ...known, keys } : latest);
    }
    return [...batches.values()];
  }

  async function load(): Promise<Batch[]> {
    const all = await listed();
    const kept = new Map<string, Batch>();
    for (let at = 0; at < all.length; at += readAtOnce) {
      await Promise.all(
        all.slice(at, at + readAtOnce).map(async ({ key, name, generation, keys }) => {
          const known = read.get(key);
          const batch = known ?? batchOf(await kv.get(key), name, generation);
          if (batch !== undefined) kept.set(key, Object.assign(batch, { keys }));
        }),
      );
    }
    read = kept;
    rows = all.reduce((sum, batch) => sum + batch.rows, 0);
    return all.flatMap(({ key }) => kept.get(key) ?? []);
  }

  /** All rows; of several with one id the first that came counts. */
  async function everything(): Promise<Found[]> {
    const found = new Map<string, Found>();
    let arrival = 0;
    for (const batch of await load()) {
      for (const [at, row] of batch.rows.entries()) {
        if (!found.has(row.id)) found.set(row.id, { row, arrival: arrival++, batch, at });
      }
    }
    return [...found.values()];
  }

  async function select(selection: LogSelection): Promise<Found[]> {
    const matches = matcherOf(selection);
    return (await everything()).filter(({ row }) => matches(row));
  }

  async function find(gateway: string, id: string): Promise<Found | undefined> {
    return (await everything()).find(({ row }) => row.id === id && row.gateway === gateway);
  }

  /** Writes a generation of a batch, bodies first. */
  async function write(name: string, generation: number, entries: LogEntry[]): Promise<void> {
    const { blocks, requests, responses } = pack(entries);
    const bodies = blocks.map((_, n) => `${bodiesAt}${name}.${generation}.${n}`);
    await Promise.all(blocks.map((block, n) => kv.setBytes(bodies[n]!, block)));
    await writeRows(name, generation, {
      rows: entries.map(({ row }) => row),
      requests,
      responses,
      bodies,
    });
  }

  async function writeRows(
    name: string,
    generation: number,
    { rows, requests, responses, bodies }: Omit<Batch, "name" | "generation" | "keys">,
  ): Promise<void> {
    const value = { rows, requests, responses, bodies } as unknown as Json;
    await kv.set(`${rowsAt}${name}.${generation}.${rows.length}`, value);
  }

  async function body(
    { batch, at }: Found,
    which: "request" | "response",
  ): Promise<Payload | undefined> {
    const place = batch[`${which}s`][at];
    if (!place) return undefined;
    const [value, from, length, complete] = place;
    const block = await kv.getBytes(batch.bodies[value] ?? `${bodiesAt}none`);
    // Deleted meanwhile, or by a process that was killed before it was done.
    if (block === undefined || block.length < from + length) return undefined;
    return { bytes: block.slice(from, from + length), complete: complete === 1 };
  }

  /** Removes a batch, or an older generation of it: rows first, so that none is there without a body. */
  async function removeKeys(keys: string[], bodies: string[]): Promise<void> {
    for (const key of keys) await kv.delete(key);
    await Promise.all(bodies.map((key) => kv.delete(key)));
  }

  /** Leaves the rows of a batch that are not among the ids. */
  async function shrink(batch: Batch, ids: ReadonlySet<string>): Promise<void> {
    const left: LogEntry[] = [];
    for (const [at, row] of batch.rows.entries()) {
      if (ids.has(row.id)) continue;
      const found = { row, arrival: 0, batch, at };
      const [request, response] = [await body(found, "request"), await body(found, "response")];
      left.push({ row, ...request && { request }, ...response && { response } });
    }
    if (left.length > 0) await write(batch.name, batch.generation + 1, left);
    await removeKeys(batch.keys, batch.bodies);
  }

  /** Deletes bodies whose rows were never written: the process was killed in between. */
  async function sweep(batches: Batch[]): Promise<void> {
    const names = new Set(batches.map(({ name }) => name));
    for (const key of await kv.keys(bodiesAt)) {
      const name = key.slice(bodiesAt.length).replace(/\.\d+\.\d+$/, "");
      if (!names.has(name) && Number(name.slice(0, 15)) < now() - anHour) await kv.delete(key);
    }
  }

  /** Deletes the oldest batches while there are too many rows: a tenth of all at once. */
  async function trim(): Promise<void> {
    const batches = await load();
    await sweep(batches);
    let left = rows ?? 0;
    if (left <= maxRows) return;
    for (const batch of batches) {
      if (left <= maxRows * 0.9) break;
      await removeKeys(batch.keys, batch.bodies);
      left -= batch.rows.length;
    }
    rows = left;
  }

  return {
    driver: kv.driver,
    async append(entries) {
      if (entries.length === 0) return;
      const time = String(Math.trunc(now())).padStart(15, "0");
      const order = String(arrivals++).padStart(9, "0");
      await write(`${time}-${order}-${random()}`, 0, [...entries]);
      rows = rows === undefined ? undefined : rows + entries.length;
      if (rows === undefined || rows > maxRows) await change(trim);
    },
    async list(selection, { offset, limit }) {
      const found = sortRows(await select(selection), selection, true);
      return found.slice(offset, offset + limit).map(({ row }) => structuredClone(row));
    },
    async count(selection) {
      return (await select(selection)).length;
    },
    async extremes(selection) {
      return extremesOf((await select(selection)).map(({ row }) => row));
    },
    async sums(selections) {
      return sumsOf((await select({})).map(({ row }) => row), selections);
    },
    async sizes(gateway) {
      const own = await select({ gateway });
      const size = ({ batch, at }: Found) =>
        (batch.requests[at]?.[2] ?? 0) + (batch.responses[at]?.[2] ?? 0);
      return { bytes: own.map(size).reverse(), next: null };
    },
    async get(gateway, id) {
      return structuredClone((await find(gateway, id))?.row);
    },
    async payload(gateway, id, which) {
      const found = await find(gateway, id);
      const kept = found && await body(found, which);
      return kept && { ...kept, type: found.row[`${which}_content_type`] };
    },
    patch: (gateway, id, patch) =>
      change(async () => {
        const found = await find(gateway, id);
        if (found === undefined) return false;
        const { batch, at } = found;
        const { feedback, score, metadata } = patch;
        const row = {
          ...found.row,
          ...feedback !== undefined && { feedback },
          ...score !== undefined && { score },
          ...metadata !== undefined && { metadata },
        };
        await writeRows(batch.name, batch.generation + 1, {
          ...batch,
          rows: batch.rows.with(at, row),
        });
        await removeKeys(batch.keys, []);
        return true;
      }),
    async arrivals(after, limit) {
      const [, name = "", id] = /^(\d{15}-\d{9}-\w+)\/(.*)$/s.exec(after ?? "") ?? [];
      const until = String(Math.trunc(now() - unsettled)).padStart(15, "0");
      const all = await everything();
      // Where the row is gone, its batch is given once more from the beginning.
      const seen = all.findIndex(({ batch, row }) => batch.name === name && row.id === id);
      const rest = seen < 0 ? all.filter(({ batch }) => batch.name >= name) : all.slice(seen + 1);
      return rest.filter(({ batch }) => batch.name < until).slice(0, limit)
        .map(({ batch, row }): Arrival => ({
          row: structuredClone(row),
          place: `${batch.name}/${row.id}`,
        }));
    },
    async lastPlace() {
      const last = (await everything()).at(-1);
      return last && `${last.batch.name}/${last.row.id}`;
    },
    async walk(selection, page) {
      return walkRows(await select(ofGateway(selection)), selection, page);
    },
    async analyze(query) {
      const { analyzeRows, rowsOf } = await import("../analytics/query.ts");
      return analyzeRows(query, (await select(rowsOf(query))).map(({ row }) => row));
    },
    delete: (selection, limit) =>
      change(async () => {
        const doomed = sortRows(await select(selection), selection, false)
          .slice(0, Math.max(0, limit));
        const ids = new Set(doomed.map(({ row }) => row.id));
        // Those behind a first one with the same id as well, or they would come forth.
        for (const batch of read.values()) {
          if (batch.rows.some(({ id }) => ids.has(id))) await shrink(batch, ids);
        }
        return doomed.length;
      }),
    async close() {},
  };
}

/** A batch by its key. */
interface Listed {
  name: string;
  key: string;
  generation: number;
  rows: number;
  keys: string[];
}

function batchOf(value: Json | undefined, name: string, generation: number): Batch | undefined {
  const { rows, requests, responses, bodies } = Object(value) as Partial<Batch>;
  if (!Array.isArray(rows) || !Array.isArray(requests) || !Array.isArray(responses)) {
    return undefined; // deleted meanwhile, or nothing of ours
  }
  return { name, generation, keys: [], rows, requests, responses, bodies: bodies ?? [] };
}

/** Packs bodies into few values. */
function pack(entries: LogEntry[]): {
  blocks: Uint8Array[];
  requests: (Place | null)[];
  responses: (Place | null)[];
} {
  const lists: Uint8Array[][] = [];
  let size = Infinity;
  const place = (payload: Payload | undefined): Place | null => {
    if (payload === undefined) return null;
    const { bytes, complete } = payload;
    if (size + bytes.length > packed) {
      lists.push([]);
      size = 0;
    }
    lists.at(-1)!.push(bytes);
    size += bytes.length;
    return [lists.length - 1, size - bytes.length, bytes.length, complete ? 1 : 0];
  };
  const requests: (Place | null)[] = [], responses: (Place | null)[] = [];
  for (const { request, response } of entries) {
    requests.push(place(request));
    responses.push(place(response));
  }
  return { blocks: lists.map(joined), requests, responses };
}

function joined(parts: Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

/** Keeps keys of processes apart. */
function random(): string {
  return crypto.getRandomValues(new Uint32Array(1))[0]!.toString(36).padStart(7, "0");
}
