/**
 * The audit log: who changed what, when, from what to what (spec 8.10). Secrets are masked before anything
 * is written.
 *
 * @module
 */
import { digestKey, type Json, type KV } from "../storage/ports.ts";

/** One change. */
export interface AuditRow {
  /** Ids sort by time. */
  id: string;
  /** RFC 3339. */
  at: string;
  /** `token:` and the beginning of the admin token's SHA-256, or `loopback`. */
  actor: string;
  /** Address of the client, where it is known. */
  ip: string | null;
  action: "create" | "update" | "delete" | "purge" | "rotate";
  /** `ai_gateway.gateway`, `ai_gateway.custom_provider`, ... */
  resource_type: string;
  resource_id: string;
  /** Empty for what belongs to the account. */
  gateway_id: string;
  /** As it was before; null where it was not there. */
  old: Json;
  /** As it is now; null where it is gone. */
  new: Json;
}

/** Which rows. */
export interface AuditSelection {
  /** Of one gateway; all unless given. */
  gateway?: string;
  action?: string | undefined;
  actor?: string | undefined;
  resource_type?: string | undefined;
  resource_id?: string | undefined;
}

/** Rows that are kept; the oldest go first. */
const most = 10_000;
/** Writes after which the number of rows is looked at. */
const often = 100;
/** Seconds that a row is kept. */
const lifetime = 400 * 86_400;
/** Rows that are read at a time. */
const batch = 32;
const root = "audit:";

/** Rows of the audit log, in the store of keys. */
export class AuditLog {
  readonly #kv: KV;
  readonly #now: () => number;
  #writes = 0;
  #last = 0;
  #sequence = 0;

  /** @param now Milliseconds since 1970. */
  constructor(kv: KV, now: () => number) {
    this.#kv = kv;
    this.#now = now;
  }

  /** Stores a row. */
  async add(row: Omit<AuditRow, "id" | "at">): Promise<void> {
    const at = this.#now();
    const id = this.#nextId(at);
    const folder = await folderOf(row.gateway_id);
    const masked: AuditRow = {
      id,
      at: new Date(at).toISOString(),
      ...row,
      old: mask(row.old),
      new: mask(row.new),
    };
    await this.#kv.set(folder + id, JSON.parse(JSON.stringify(masked)) as Json, lifetime);
    if (this.#writes++ % often === 0) await this.#prune();
  }

  /** Milliseconds, the number of the row in them, and what keeps processes apart. */
  #nextId(at: number): string {
    this.#sequence = at > this.#last ? 0 : this.#sequence + 1;
    this.#last = Math.max(at, this.#last);
    const digits = (value: number, size: number) => String(value).padStart(size, "0");
    return `${digits(this.#last, 13)}-${digits(this.#sequence, 6)}-${
      crypto.randomUUID().slice(0, 8)
    }`;
  }

  /** A page of rows, the newest first, and how many there are. */
  async list(
    { gateway, ...wanted }: AuditSelection,
    { offset, limit }: { offset: number; limit: number },
  ): Promise<{ rows: AuditRow[]; total: number }> {
    const places = newestFirst(
      await this.#kv.keys(gateway === undefined ? root : await folderOf(gateway)),
    );
    const conditions = Object.entries(wanted).filter(([, value]) => value !== undefined);
    if (conditions.length === 0) {
      const rows = await this.#read(places.slice(offset, offset + limit));
      return { rows, total: places.length };
    }
    const rows = (await this.#read(places)).filter((row) =>
      conditions.every(([name, value]) => row[name as keyof AuditRow] === value)
    );
    return { rows: rows.slice(offset, offset + limit), total: rows.length };
  }

  async #read(places: readonly string[]): Promise<AuditRow[]> {
    const rows: AuditRow[] = [];
    for (let i = 0; i < places.length; i += batch) {
      const found = await Promise.all(places.slice(i, i + batch).map((at) => this.#kv.get(at)));
      for (const row of found) {
        if (typeof row === "object" && row !== null && "resource_type" in row) {
          rows.push(row as unknown as AuditRow);
        }
      }
    }
    return rows;
  }

  async #prune(): Promise<void> {
    const places = newestFirst(await this.#kv.keys(root));
    for (const at of places.slice(most)) await this.#kv.delete(at);
  }
}

async function folderOf(gateway: string): Promise<string> {
  return `${root}${(await digestKey(gateway)).slice(0, 32)}:`;
}

function newestFirst(places: readonly string[]): string[] {
  const idOf = (place: string) => place.slice(place.lastIndexOf(":") + 1);
  return [...places].sort((a, b) => idOf(a) < idOf(b) ? 1 : -1);
}

const masked = "••••";
/** Members whose values are credentials, or hold them. */
const secret = /^(?:authorization|secret|key|token|password)$/;

/** The same, without what may be a credential. */
export function mask(value: Json | undefined): Json {
  if (Array.isArray(value)) return value.map(mask);
  if (typeof value !== "object" || value === null) return value ?? null;
  return Object.fromEntries(
    Object.entries(value).map(([name, member]) => {
      if (name === "headers") return [name, maskHeaders(member)];
      if (typeof member === "string" && /(?:^|_)url$/.test(name)) {
        return [name, member.replace(/\?.*$/s, `?${masked}`)];
      }
      // What a filter is about is a name, and no key of anything.
      if (name === "filters") return [name, member];
      return [name, secret.test(name) && typeof member === "string" ? masked : mask(member)];
    }),
  );
}

/** Names stay, since they tell what changed. */
function maskHeaders(headers: Json): Json {
  if (typeof headers === "string") {
    try {
      return JSON.stringify(maskHeaders(JSON.parse(headers) as Json));
    } catch {
      return masked;
    }
  }
  if (typeof headers !== "object" || headers === null || Array.isArray(headers)) {
    return headers === null ? null : masked;
  }
  return Object.fromEntries(Object.keys(headers).map((name) => [name, masked]));
}
