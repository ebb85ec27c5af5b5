/**
 * `Headers` without the platform's cost: on Node that class alone takes longer than the rest of a
 * proxied request. Names are kept in lower case; validation is the HTTP parser's, at both ends.
 *
 * @module
 */

type Value = string | string[] | undefined;

/** A plain list of headers that looks like `Headers`. */
export class NodeHeaders implements Headers {
  readonly #values: Map<string, string | string[]> = new Map();

  /** @param init As `node:http` and undici parse them: names in lower case. */
  constructor(init: Readonly<Record<string, Value>>) {
    for (const name in init) {
      const value = init[name];
      if (value !== undefined) this.#values.set(name, value);
    }
  }

  get(name: string): string | null {
    const value = this.#values.get(name) ?? this.#values.get(name.toLowerCase());
    return value === undefined ? null : typeof value === "string" ? value : value.join(", ");
  }

  has(name: string): boolean {
    return this.#values.has(name.toLowerCase());
  }

  set(name: string, value: string): void {
    this.#values.set(checkedName(name), checkedValue(value));
  }

  append(name: string, value: string): void {
    const key = checkedName(name);
    const known = this.#values.get(key);
    const added = checkedValue(value);
    if (known === undefined) this.#values.set(key, added);
    else {this.#values.set(
        key,
        key === "set-cookie" ? [known, added].flat() : `${this.get(key)}, ${added}`,
      );}
  }

  delete(name: string): void {
    this.#values.delete(name.toLowerCase());
  }

  getSetCookie(): string[] {
    return [this.#values.get("set-cookie") ?? []].flat();
  }

  forEach(callback: (value: string, name: string, parent: Headers) => void, self?: unknown): void {
    for (const [name, value] of this.#values) {
      callback.call(self, typeof value === "string" ? value : value.join(", "), name, this);
    }
  }

  *entries(): ReturnType<Headers["entries"]> {
    for (const [name, value] of this.#values) {
      // Cookies cannot be joined: a comma may be part of one.
      if (name === "set-cookie") { for (const one of [value].flat()) yield [name, one]; }
      else yield [name, this.get(name) ?? ""];
    }
  }

  keys(): ReturnType<Headers["keys"]> {
    return this.#values.keys();
  }

  *values(): ReturnType<Headers["values"]> {
    for (const name of this.#values.keys()) yield this.get(name) ?? "";
  }

  [Symbol.iterator](): ReturnType<Headers["entries"]> {
    return this.entries();
  }

  /** What `console.log` shows: names only, for values may be keys. */
  [Symbol.for("nodejs.util.inspect.custom")](): string {
    return `NodeHeaders { ${[...this.keys()].join(", ")} }`;
  }

  /** For `ServerResponse.writeHead`: names and values in turn, repeated headers as they came. */
  toRaw(): string[] {
    const raw: string[] = [];
    for (const [name, value] of this.#values) {
      if (typeof value === "string") raw.push(name, value);
      else for (const one of value) raw.push(name, one);
    }
    return raw;
  }
}

// Code that asks `instanceof Headers` gets the answer that it means.
Object.setPrototypeOf(NodeHeaders.prototype, Headers.prototype);

/** Names that the gateway sets on each answer. */
const usual: ReadonlySet<string> = new Set([
  "cf-aig-event-id",
  "cf-aig-log-id",
  "cf-aig-model",
  "cf-aig-provider",
  "cf-aig-request-id",
  "cf-aig-step",
  "server-timing",
  "x-ratelimit-limit-requests",
  "x-ratelimit-limit-tokens",
  "x-ratelimit-remaining-requests",
  "x-ratelimit-remaining-tokens",
  "x-ratelimit-reset-requests",
  "x-ratelimit-reset-tokens",
  "x-sluice-cost",
  "x-sluice-tokens-in",
  "x-sluice-tokens-out",
]);

function checkedName(name: string): string {
  if (usual.has(name)) return name;
  if (!/^[\w!#$%&'*+.^`|~-]+$/.test(name)) throw new TypeError(`Invalid header name '${name}'`);
  return name.toLowerCase();
}

function checkedValue(value: string): string {
  const text = String(value).trim();
  if (/[^\t\x20-\x7e\x80-\xff]/.test(text)) throw new TypeError("Invalid header value");
  return text;
}
