/**
 * JSON of which only the beginning or only the end was kept, read without guessing: brackets and
 * strings are told apart exactly (a quote inside a string is always escaped), so text that a model
 * wrote can never pass for structure around it. What is cut through is left out.
 *
 * @module
 */
import { parse } from "./json.ts";

/** Stands in for the keys of {@link parseEnding} that are lost. */
export const lostKey = "?";

/** Figures that are cut through would be wrong ones. */
const figures = /(?:,\s*)?"(?:usage|usageMetadata|meta|metadata|metrics|predictions)"\s*:\s*$/;

/**
 * The value of which `text` is the beginning: whole members, and the start of a string at the end. A
 * `usage` of which a part is missing is left out.
 */
export function parseBeginning(text: string): unknown {
  const closers: string[] = [];
  const opened: number[] = [];
  let safe = 0; // everything before is whole
  let at = 0;
  for (; at < text.length; at++) {
    const char = text.charCodeAt(at);
    if (char === 0x22) { // "
      const end = closingQuote(text, at + 1);
      if (end < 0) break;
      at = end;
    } else if (char === 0x7b || char === 0x5b) { // { [
      closers.push(char === 0x7b ? "}" : "]");
      opened.push(at);
      safe = at + 1;
    } else if (char === 0x7d || char === 0x5d) { // } ]
      if (closers.pop() !== text[at]) return undefined;
      opened.pop();
      safe = at + 1;
      if (closers.length === 0) break;
    } else if (char === 0x2c) { // ,
      safe = at;
    }
  }
  for (let depth = 1; depth < Math.min(opened.length, 4); depth++) {
    const start = Math.max(0, opened[depth]! - 64);
    const cut = figures.exec(text.slice(start, opened[depth]));
    if (cut === null) continue;
    closers.length = depth;
    safe = start + cut.index;
    at = text.length;
    break;
  }
  const close = closers.toReversed().join("");
  if (at < text.length && closers.length > 0 && isValue(text, at, closers.at(-1)!)) {
    // A long text that is cut is worth having; a number is not, and an escape must be whole.
    const value = parse(text.replace(/(?:\\u[\da-f]{0,3}|\\)$/i, "") + '"' + close);
    if (value !== undefined) return value;
  }
  return parse(text.slice(0, safe) + close);
}

/**
 * The value of which `text` is the end, from the first member that is whole; {@link lostKey} stands for
 * the keys of objects that began before. Depth is counted from the end, so that a member is found only
 * where it really is.
 */
export function parseEnding(text: string): unknown {
  const closers: string[] = [];
  const commas: number[] = []; // by depth, the leftmost with only whole members to its right
  scan: for (let at = text.length - 1; at >= 0; at--) {
    switch (text.charCodeAt(at)) {
      case 0x22: // "
        at = openingQuote(text, at - 1);
        if (at < 0) break scan;
        break;
      case 0x7d: // }
      case 0x5d: // ]
        closers.push(text[at]!);
        break;
      case 0x7b: // {
      case 0x5b: // [
        if (closers.pop() !== (text[at] === "{" ? "}" : "]")) return undefined;
        if (closers.length === 0) return parse(text.slice(at));
        commas.length = Math.min(commas.length, closers.length + 1);
        break;
      case 0x2c: // ,
        if (closers.length > 0) commas[closers.length] = at;
    }
  }
  let depth = closers.length;
  while (depth > 0 && commas[depth] === undefined) depth--;
  if (depth === 0) return undefined;
  let open = "";
  for (let level = 0; level < depth; level++) {
    open += closers[level] === "]" ? "[" : level + 1 < depth ? `{"${lostKey}":` : "{";
  }
  return parse(open + text.slice(commas[depth]! + 1));
}

/** Where the nth element (from 0) of the array ends that `text` begins with. */
export function endOfElement(text: string, index: number): number {
  let depth = 0;
  let at = text.indexOf("[");
  for (; at >= 0 && at < text.length; at++) {
    const char = text.charCodeAt(at);
    if (char === 0x22) {
      at = closingQuote(text, at + 1);
      if (at < 0) break;
    } else if (char === 0x7b || char === 0x5b) depth++;
    else if ((char === 0x7d || char === 0x5d) && --depth === 1 && index-- === 0) return at + 1;
  }
  return text.length;
}

/** Where the string ends whose content begins at `at`; negative when it does not. */
function closingQuote(text: string, at: number): number {
  let end = text.indexOf('"', at);
  while (end >= 0 && isEscaped(text, end)) end = text.indexOf('"', end + 1);
  return end;
}

/** Where the string begins whose content ends at `at`; negative when it does not. */
function openingQuote(text: string, at: number): number {
  let start = at < 0 ? -1 : text.lastIndexOf('"', at);
  while (start > 0 && isEscaped(text, start)) start = text.lastIndexOf('"', start - 1);
  return start;
}

function isEscaped(text: string, at: number): boolean {
  let start = at;
  while (start > 0 && text.charCodeAt(start - 1) === 0x5c) start--;
  return (at - start) % 2 === 1;
}

/** True when a string that begins at `at` is a value, not a key. */
function isValue(text: string, at: number, closer: string): boolean {
  if (closer === "]") return true;
  let before = at - 1;
  while (before >= 0 && text.charCodeAt(before) <= 0x20) before--;
  return text[before] === ":";
}
