/**
 * Which keys a table has, and in which row each is: in memory, so that a look for what is not there asks
 * no database, and the table needs no index in the order of keys, which costs most of a write.
 *
 * @module
 */

/** Part of the places that may be taken: the fuller, the longer a search. */
const fullest = 0.6;
const gone = -1;

/** Places of a table of keys, one for each hash of a key. */
interface Places {
  hashes: Float64Array;
  /** 0 is free, -1 is one whose row is gone. */
  ids: Float64Array;
  /** Seconds since 1970. */
  expires: Uint32Array;
}

/** 53 bits of a key: two of the same are one here, so whoever reads a row compares the key in it. */
export function hashOf(key: string): number {
  let a = 0x9e3779b1;
  let b = 0x85ebca6b;
  for (let i = 0; i < key.length; i++) {
    const code = key.charCodeAt(i);
    a = Math.imul(a ^ code, 0x01000193);
    b = Math.imul(b + code, 0xc2b2ae35) ^ b >>> 15;
  }
  a = Math.imul(a ^ a >>> 15, 0x2c1b3c6d);
  b = Math.imul(b ^ b >>> 13, 0x297a2d39);
  return ((b ^ a >>> 12) >>> 11) * 2 ** 32 + ((a ^ b >>> 14) >>> 0);
}

/** Row ids by hash, 33 bytes for each at most. */
export class Directory {
  #places: Places = placesFor(1024);
  #taken = 0;
  /** Rows up to this id are gone. */
  floor = 0;

  /** The row of a hash, or nothing. */
  get(hash: number): number | undefined {
    const { hashes, ids } = this.#places;
    const mask = ids.length - 1;
    for (let at = hash & mask;; at = at + 1 & mask) {
      const id = ids[at]!;
      if (id === 0) return undefined;
      if (hashes[at] === hash) return id > this.floor ? id : undefined;
    }
  }

  /**
   * A row is there; of several with one hash the latest counts.
   *
   * @param expires Milliseconds since 1970, `Infinity` for never.
   * @param now Milliseconds since 1970.
   */
  set(hash: number, id: number, expires: number, now: number): void {
    if (this.#taken >= this.#places.ids.length * fullest) this.#renew(now);
    if (put(this.#places, hash, id, Math.min(Math.ceil(expires / 1000), 2 ** 32 - 1))) {
      this.#taken++;
    }
  }

  /** The row is gone. */
  delete(hash: number, id: number): void {
    const { hashes, ids } = this.#places;
    const mask = ids.length - 1;
    for (let at = hash & mask; ids[at] !== 0; at = at + 1 & mask) {
      if (hashes[at] !== hash) continue;
      if (ids[at] === id) ids[at] = gone;
      return;
    }
  }

  /** Leaves out what is gone or has expired; larger, where that is not much. */
  #renew(now: number): void {
    const { hashes, ids, expires } = this.#places;
    const lives = (at: number) => ids[at]! > this.floor && expires[at]! * 1000 > now;
    let left = 0;
    for (let at = 0; at < ids.length; at++) if (lives(at)) left++;
    const larger = left > ids.length * fullest / 2;
    const places = placesFor(ids.length * (larger ? 2 : 1));
    for (let at = 0; at < ids.length; at++) {
      if (lives(at)) put(places, hashes[at]!, ids[at]!, expires[at]!);
    }
    this.#places = places;
    this.#taken = left;
  }
}

function placesFor(count: number): Places {
  return {
    hashes: new Float64Array(count),
    ids: new Float64Array(count),
    expires: new Uint32Array(count),
  };
}

/** True when another place is taken now. */
function put({ hashes, ids, expires }: Places, hash: number, id: number, until: number): boolean {
  const mask = ids.length - 1;
  let at = hash & mask;
  while (ids[at] !== 0 && hashes[at] !== hash) at = at + 1 & mask;
  const isNew = ids[at] === 0;
  if (ids[at]! > id) return false;
  hashes[at] = hash;
  ids[at] = id;
  expires[at] = until;
  return isNew;
}
