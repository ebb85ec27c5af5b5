/** The stored bodies of a row, and what they say. */
import { ApiFailure, base } from "../../api.ts";
import { type Answer, answerOf } from "../../read/answer.ts";
import { type Asked, askedOf } from "../../read/request.ts";
import { AnswerReader } from "../../read/stream.ts";
import { useLoaded } from "../../ui/mod.tsx";
import { logsPath, type Row } from "./row.ts";

export interface Body {
  bytes: Uint8Array<ArrayBuffer>;
  /** Media type. */
  type: string;
  /** Only the beginning was kept. */
  isCut: boolean;
  /** The bytes as text; nothing where they are none. */
  text: string | undefined;
  /** Nothing where it is no JSON. */
  json: unknown;
}

export interface Bodies {
  /** Nothing where none was kept. */
  request: Body | undefined;
  response: Body | undefined;
  asked: Asked | undefined;
  answer: Answer | undefined;
}

async function load(url: string, signal: AbortSignal): Promise<Body | undefined> {
  const response = await fetch(url, { signal });
  if (response.status === 404) return undefined;
  if (!response.ok) throw new ApiFailure(response.status, response.statusText);
  const bytes = new Uint8Array(await response.arrayBuffer());
  const type = response.headers.get("content-type") ?? "";
  return bodyOf(bytes, type, response.headers.has("x-sluice-truncated"));
}

function bodyOf(bytes: Uint8Array<ArrayBuffer>, type: string, isCut: boolean): Body {
  let text: string | undefined;
  let json: unknown;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(bytes, { stream: isCut });
    json = JSON.parse(text);
  } catch { /* no text, or no JSON */ }
  // deno-lint-ignore no-control-regex
  if (text !== undefined && /[\x00-\x08]/.test(text.slice(0, 4096))) text = undefined;
  return { bytes, type, isCut, text, json };
}

function answerIn({ bytes, text, json, type }: Body): Answer | undefined {
  try {
    if (json !== undefined && !/ndjson|jsonl/.test(type)) return answerOf(json);
    const isStream = /event-?stream|ndjson|jsonl/.test(type) ||
      /^(?:event|data|id):/.test(text ?? "");
    if (!isStream) return undefined;
    const reader = new AnswerReader(type);
    reader.push(bytes);
    reader.end();
    return reader.answer.choices.length > 0 || reader.answer.error ? reader.answer : undefined;
  } catch {
    return undefined; // nested too deep, say
  }
}

function askedIn(body: Body): Asked | undefined {
  try {
    return body.json === undefined ? undefined : askedOf(body.json);
  } catch {
    return undefined;
  }
}

/** Loads both once they are wanted. */
export function useBodies(
  gateway: string,
  row: Row | undefined,
): { value: Bodies | undefined; error: unknown; reload(): void } {
  return useLoaded(`${gateway} ${row?.id}`, async (signal): Promise<Bodies | undefined> => {
    if (row === undefined) return undefined;
    const path = base + logsPath(gateway, row.id);
    const [request, response] = await Promise.all([
      load(`${path}/request`, signal),
      load(`${path}/response`, signal),
    ]);
    // The list knows the type also where half of a JSON text is called plain.
    if (response !== undefined && row.streamed) response.type = row.response_content_type;
    return {
      request,
      response,
      asked: request && askedIn(request),
      answer: response && answerIn(response),
    };
  });
}
