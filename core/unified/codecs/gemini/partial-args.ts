/**
 * Arguments that Vertex AI streams: values by their JSON path, texts in pieces.
 *
 * @module
 */
import { type Json, list, object, worded } from "../../../formats/json.ts";

const deepest = 32;

/** Puts one call's arguments together. */
export class PartialArgs {
  readonly #args: Json = {};

  /** Takes the `args` and `partialArgs` of one event. */
  add(call: Json): void {
    Object.assign(this.#args, object(call.args));
    for (const value of list(call.partialArgs)) {
      const one = object(value);
      if (one === undefined) continue;
      const found = valueOf(one);
      if (found !== undefined) this.#set(steps(worded(one.jsonPath)), found);
    }
  }

  /** JSON text of what came so far. */
  get text(): string {
    return JSON.stringify(this.#args);
  }

  #set(path: readonly (string | number)[], value: unknown): void {
    let at: Json = this.#args;
    for (const [i, step] of path.entries()) {
      const last = i === path.length - 1;
      const key = Array.isArray(at) ? Math.min(Number(step), at.length) : step;
      if (key === "__proto__" || Number.isNaN(key)) return;
      const had = Object.hasOwn(at, key) ? at[key] : undefined;
      if (last) {
        at[key] = typeof had === "string" && typeof value === "string" ? had + value : value;
      } else {
        const inside = typeof had === "object" && had !== null
          ? had
          : typeof path[i + 1] === "number"
          ? []
          : {};
        at[key] = inside;
        at = inside as Json;
      }
    }
  }
}

function valueOf(one: Json): unknown {
  if (one.stringValue !== undefined) return worded(one.stringValue);
  if (one.numberValue !== undefined) return one.numberValue;
  if (one.boolValue !== undefined) return one.boolValue;
  return "nullValue" in one ? null : undefined;
}

/** `$.a['b c'][0]` as names and positions. */
function steps(path: string): (string | number)[] {
  const found: (string | number)[] = [];
  const step = /\.([^.[\]]+)|\[(\d{1,6})\]|\['((?:[^'\\]|\\.)*)'\]|\["((?:[^"\\]|\\.)*)"\]/y;
  step.lastIndex = path.startsWith("$") ? 1 : 0;
  for (let match = step.exec(path); match !== null; match = step.exec(path)) {
    const [, name, position, single, double] = match;
    found.push(
      position !== undefined ? Number(position) : name ??
        (single ?? double ?? "").replace(/\\(.)/g, "$1"),
    );
    if (found.length >= deepest) break;
  }
  return found;
}
