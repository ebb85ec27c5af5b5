/**
 * Stored answers in the memory of this process, ready to be sent.
 *
 * @module
 */
import { convert, type Form, type FormsName } from "./forms.ts";
import { endOfLife, type Entry } from "./entry.ts";

/** What an entry takes beside its body and its key, roughly. */
const overhead = 1024;

/** Entries by the text of their request; what was not used for longest goes first. */
export class Hot {
  readonly #entries = new Map<
    string,
    { entry: Entry; gateway: string; key: string | undefined; size: number }
  >();
  /** From the longest unused on. Kept: a new walk each time would go through all that was deleted. */
  #ages: Iterator<string> = this.#entries.keys();
  #bytes = 0;

  /** Bytes that are held. */
  get bytes(): number {
    return this.#bytes;
  }

  /** An entry that is still kept, or nothing. */
  get(text: string, now: number): Entry | undefined {
    const found = this.#entries.get(text);
    if (found === undefined) return undefined;
    this.#entries.delete(text);
    if (now >= endOfLife(found.entry)) {
      this.#bytes -= found.size;
      return undefined;
    }
    this.#entries.set(text, found);
    return found.entry;
  }

  /** @param most Bytes that may be held; an entry that alone is over that is not. */
  put(
    text: string,
    entry: Entry,
    about: { gateway: string; key: string | undefined },
    most: number,
  ): void {
    this.delete(text);
    // Other forms are as large, and kept with it.
    const forms = entry.form === "own" ? 1 : 2;
    const size = text.length + forms * entry.body.byteLength + overhead;
    if (size > most) return;
    const { gateway, key } = about;
    this.#entries.set(text, { entry, gateway, key, size });
    this.#bytes += size;
    while (this.#bytes > most) {
      const { value, done } = this.#ages.next();
      if (done) this.#ages = this.#entries.keys();
      else this.delete(value);
    }
  }

  /** Nothing happens when it is not there. */
  delete(text: string): void {
    const found = this.#entries.get(text);
    if (found === undefined) return;
    this.#entries.delete(text);
    this.#bytes -= found.size;
  }

  /** Lets go of the entries of a gateway for which the test is true. */
  drop(gateway: string, test: (entry: Entry, key: string | undefined) => boolean): void {
    for (const [text, found] of this.#entries) {
      if (found.gateway === gateway && test(found.entry, found.key)) this.delete(text);
    }
  }
}

/** Other forms of entries, each made once; false where there is none. */
const converted = new WeakMap<Entry, Map<Form, Uint8Array | false>>();

/** The body of an entry in a form, or nothing where it has no such form. */
export function bodyIn(
  entry: Entry,
  name: FormsName | undefined,
  form: Form,
): Uint8Array | undefined {
  if (entry.form === form) return entry.body;
  let made = converted.get(entry);
  if (made === undefined) converted.set(entry, made = new Map());
  let body = made.get(form);
  if (body === undefined) {
    made.set(form, body = convert(name, entry.body, entry.form, form) ?? false);
  }
  return body === false ? undefined : body;
}
