/**
 * Figures as providers report them, on their way to a {@link Usage}: checked, merged when they come in
 * parts, and brought to one algebra at the end.
 *
 * @module
 */
import type { Usage } from "../usage/usage.ts";
import type { Json } from "./json.ts";

/** Usage while it is being put together. */
export interface Counts extends Usage {
  /** Input without what was read from or written to a cache, where a provider counts it so. */
  uncached?: number;
}

/** No answer has more; beyond it is a mistake or a lie. */
const most = 1e12;

/** A count of tokens, or nothing. */
export function count(value: unknown): number | undefined {
  return Number.isInteger(value) && value as number >= 0 && value as number <= most
    ? value as number
    : undefined;
}

/** Seconds, dollars: a quantity that may have a fraction, or nothing. */
export function amount(value: unknown): number | undefined {
  return typeof value === "number" && value >= 0 && value <= most ? value : undefined;
}

/** The sum of those that are there, or nothing where none is. */
export function sum(...values: (number | undefined)[]): number | undefined {
  let total: number | undefined;
  for (const value of values) if (value !== undefined) total = (total ?? 0) + value;
  return total;
}

/** Takes over what is there. */
export function merge(into: Counts, from: Counts): void {
  for (const key in from) {
    const value = from[key as keyof Counts];
    if (value === undefined) continue;
    if (key === "units") into.units = { ...into.units, ...from.units };
    else (into as Json)[key] = value;
  }
}

/** Units by name, zero left out. Names are the provider's, so they are checked. */
export function units(
  ...named: (Json | undefined | readonly [name: string, value: unknown])[]
): Record<string, number> | undefined {
  let found: Record<string, number> | undefined;
  for (const one of named) {
    if (one === undefined) continue;
    const entries = Array.isArray(one) ? [one] : Object.entries(one);
    for (const [name, raw] of entries.slice(0, 32)) {
      const value = amount(raw);
      if (value && /^[A-Za-z]\w{0,63}$/.test(name)) (found ??= {})[name] = value;
    }
  }
  return found;
}

/** The usage that they come to, or nothing where nothing was told. A part is never more than its whole. */
export function settle(counts: Counts): Usage | undefined {
  const { uncached, ...told } = counts;
  if (uncached !== undefined) {
    told.input = uncached + (told.cache_read ?? 0) + (told.cache_write ?? 0);
  }
  const usage: Usage = {};
  let any = false;
  for (const key in told) {
    const value = told[key as keyof Usage];
    if (value === undefined) continue;
    any = true;
    (usage as Json)[key] = value;
  }
  if (!any) return undefined;
  const { input, output } = usage;
  if (input !== undefined) {
    cap(usage, "cache_read", input);
    cap(usage, "cache_write", input - (usage.cache_read ?? 0));
    cap(usage, "input_audio", input);
    cap(usage, "input_image", input);
    cap(usage, "input_video", input);
  }
  if (output !== undefined) {
    cap(usage, "reasoning", output);
    cap(usage, "output_audio", output);
    cap(usage, "output_image", output);
  }
  cap(usage, "cache_write_1h", usage.cache_write ?? 0);
  cap(usage, "cache_read_audio", Math.min(usage.cache_read ?? 0, usage.input_audio ?? 0));
  return usage;
}

type Part = Exclude<keyof Usage, "units">;

function cap(usage: Usage, part: Part, whole: number): void {
  const value = usage[part];
  if (value !== undefined && value > whole) usage[part] = whole;
}
