// A thing that a client says, and the request that does not say it.

// deno-lint-ignore no-explicit-any
export type Json = any;

/** Bodies without a model, of one client. */
export interface Feature {
  name: string;
  body: Json;
  without: Json;
}

/** Collects the features of a client over its plainest request. */
export class Features {
  readonly all: Feature[] = [];
  readonly plain: Json;

  constructor(plain: Json) {
    this.plain = plain;
  }

  /** @param without All else that it needs. */
  add(name: string, more: Json, without: Json = {}): this {
    const base = { ...this.plain, ...without };
    this.all.push({ name, body: { ...base, ...more }, without: base });
    return this;
  }

  /** Members of the body, each with a value that is no default. */
  members(values: Json, inside?: string): this {
    for (const [name, value] of Object.entries(values)) {
      this.add(name, inside ? { [inside]: { [name]: value } } : { [name]: value });
    }
    return this;
  }

  /** Parts beside a text. @param turn Makes the body of parts. */
  parts(turn: (...parts: Json[]) => Json, parts: Record<string, Json>): this {
    for (const [name, part] of Object.entries(parts)) this.add(name, turn(part), turn());
    return this;
  }
}
