/**
 * Responses that a client may name later (`store`, on unless told otherwise), for providers that keep none
 * themselves: the conversation up to an answer, in items of the Responses API, under the answer's id.
 *
 * Each holds its whole conversation, so that going on with it is one read, however long it is. Instructions
 * are not part of it: they hold for one request.
 *
 * @module
 */
import { Code, GatewayError } from "../error.ts";
import { type Json, list, object, parse, string, worded } from "../formats/json.ts";
import { digestKey, type KV } from "../storage/ports.ts";
import { itemId, responseOfItem } from "./codecs/openai-responses/shape.ts";

/** What is kept. */
export interface StoredResponse {
  /** The response object as the client got it. */
  response: Json;
  /** What was asked: items of this request, and of all before it that it goes on from. */
  input: Json[];
}

/** Limits of {@link remember}. */
export interface StoreLimits {
  /** Seconds; 30 days unless given, as OpenAI has it. */
  ttl?: number;
  /** Most bytes of one response with its conversation; 4 MiB unless given. */
  bytes?: number;
}

const month = 30 * 24 * 3600;
const mostBytes = 4 * 1024 * 1024;
const encoder = new TextEncoder();
const decoder = new TextDecoder();

/**
 * Under what one caller's responses are kept: nobody else can name them.
 *
 * @param caller Id of a virtual key, or the credential itself; only a digest is kept.
 */
export async function ownerOf(account: string, gateway: string, caller: string): Promise<string> {
  return await digestKey(JSON.stringify([account, gateway, caller]));
}

/** Whether a response's id was made by this gateway; others are a provider's. */
export function isStored(id: unknown): id is string {
  return typeof id === "string" && /^resp_sl[0-9a-f]{1,40}$/.test(id);
}

function keyOf(owner: string, id: string): string {
  return `responses:${owner}:${id}`;
}

/**
 * Keeps a response. False when it is not to be kept (`store: false`), is none of ours or is too large.
 *
 * @param body The request, as {@link continued} gave it.
 * @param response As the client gets it.
 */
export async function remember(
  kv: KV,
  owner: string,
  body: Json,
  response: Json,
  { ttl = month, bytes = mostBytes }: StoreLimits = {},
): Promise<boolean> {
  const { id } = response;
  if (body.store === false || !isStored(id)) return false;
  const given = typeof body.input === "string"
    ? [{ role: "user", content: body.input }]
    : list(body.input);
  const input = given.flatMap(objects).map((item, index) => listed(item, id, index));
  const value = encoder.encode(JSON.stringify({ response, input } satisfies StoredResponse));
  if (value.length > bytes) return false;
  await kv.setBytes(keyOf(owner, id), value, ttl);
  return true;
}

/** An item as it is listed: with an id, and a message's content as parts. */
function listed(item: Json, response: string, index: number): Json {
  const type = string(item.type) ?? "message";
  const [kind] = kinds.find(([, pattern]) => pattern.test(type)) ?? ["item"];
  const { content } = item;
  const text = item.role === "assistant" ? "output_text" : "input_text";
  return {
    id: itemId(kind, response, `i${index}`),
    type,
    ...type === "message" && { status: "completed" },
    ...item,
    ...typeof content === "string" && {
      content: [{ type: text, text: content, ...text === "output_text" && { annotations: [] } }],
    },
  };
}

const kinds: readonly (readonly [string, RegExp])[] = [
  ["msg", /^message$/],
  ["fco", /^function_call_output$/],
  ["fc", /^function_call$/],
  ["rs", /^reasoning$/],
];

/** A response that was kept; nothing where there is none, or none of this owner. */
export async function recall(
  kv: KV,
  owner: string,
  id: unknown,
): Promise<StoredResponse | undefined> {
  if (!isStored(id)) return undefined;
  const value = await kv.getBytes(keyOf(owner, id));
  const stored = value && object(parse(decoder.decode(value)));
  const response = object(stored?.response);
  if (response === undefined) return undefined;
  return { response, input: list(stored!.input).flatMap(objects) };
}

/** Forgets a response. False when there was none. */
export async function forget(kv: KV, owner: string, id: unknown): Promise<boolean> {
  if (!isStored(id) || await recall(kv, owner, id) === undefined) return false;
  await kv.delete(keyOf(owner, id));
  return true;
}

/** The item, if it is one. */
function objects(item: unknown): Json[] {
  const one = object(item);
  return one === undefined ? [] : [one];
}

/** The items of a conversation up to and with the answer. */
export function itemsOf({ input, response }: StoredResponse): Json[] {
  return [...input, ...list(response.output).flatMap(objects)];
}

/**
 * A request's body that stands for itself: what `previous_response_id` and `item_reference` name is in its
 * input. Throws a `GatewayError` (400) where the response that it goes on from is not kept; a reference
 * that leads nowhere stays, and whoever reads the body refuses it.
 *
 * @param kv Nothing where no responses are kept.
 */
export async function continued(kv: KV | undefined, owner: string, body: Json): Promise<Json> {
  const previous = body.previous_response_id ?? undefined;
  const given = typeof body.input === "string"
    ? [{ role: "user", content: body.input }]
    : list(body.input);
  if (previous === undefined && !given.some(isReference)) return body;
  let before: Json[] = [];
  if (previous !== undefined) {
    const stored = kv && await recall(kv, owner, previous);
    if (stored === undefined) {
      throw new GatewayError(
        400,
        Code.badRequest,
        `Previous response with id '${worded(previous).slice(0, 80)}' not found; ` +
          "send the conversation in 'input'",
      );
    }
    before = itemsOf(stored);
  }
  const input = await resolved(kv, owner, given, before);
  const { previous_response_id: _, ...others } = body;
  return { ...others, input: [...before, ...input] };
}

/** The last one's conversation has most of what the others name, so it is asked first. */
async function resolved(
  kv: KV | undefined,
  owner: string,
  given: readonly unknown[],
  before: readonly Json[],
): Promise<unknown[]> {
  const known = new Map<string, Json>();
  const asked = new Set<string>();
  const learn = (items: readonly Json[]) => {
    for (const item of items) if (typeof item.id === "string") known.set(item.id, item);
  };
  learn(before);
  for (const item of given.toReversed()) {
    if (kv === undefined || !isReference(item) || known.has(item.id)) continue;
    const response = responseOfItem(item.id);
    if (response === undefined || asked.has(response)) continue;
    asked.add(response);
    const stored = await recall(kv, owner, response);
    if (stored !== undefined) learn(itemsOf(stored));
  }
  const there = new Set(before.map(({ id }) => id));
  return given.flatMap((item) => {
    if (!isReference(item)) return [item];
    // What the conversation has already is not said twice.
    return there.has(item.id) ? [] : [known.get(item.id) ?? item];
  });
}

function isReference(item: unknown): item is { id: string } {
  const one = object(item);
  return typeof one?.id === "string" &&
    (one.type === "item_reference" || ((one.type ?? null) === null && !("role" in one)));
}

/**
 * The body that answers `GET /responses/{id}`, `DELETE /responses/{id}` or
 * `GET /responses/{id}/input_items`. Throws a `GatewayError` of status 404, 405 or 400.
 *
 * @param rest What follows `responses/`.
 */
export async function serveStored(
  kv: KV,
  owner: string,
  method: string,
  rest: string,
  query: URLSearchParams,
): Promise<Json> {
  const [id = "", what] = rest.split("/");
  const allowed = what === undefined ? ["GET", "DELETE"] : ["GET"];
  if (!/^(?:input_items)?$/.test(what ?? "") || rest.split("/").length > 2) {
    throw new GatewayError(404, Code.unknownRoute, `Stored responses have no '${what}'`);
  }
  if (!allowed.includes(method)) {
    const message = `A stored response takes ${allowed.join(" and ")}`;
    throw new GatewayError(405, Code.badMethod, message, {
      headers: { allow: allowed.join(", ") },
    });
  }
  if (method === "DELETE") {
    if (!await forget(kv, owner, id)) throw missing(id);
    return { id, object: "response", deleted: true };
  }
  const stored = await recall(kv, owner, id);
  if (stored === undefined) throw missing(id);
  if (what === "input_items") return inputItems(stored, query);
  if (query.get("stream") === "true") {
    throw new GatewayError(
      400,
      Code.badRequest,
      "A stored response is given as a whole; leave out 'stream'",
    );
  }
  return stored.response;
}

function missing(id: string): GatewayError {
  const message = `Response with id '${id.slice(0, 80)}' not found`;
  return new GatewayError(404, Code.badRequest, message);
}

/** One page of what was asked. Query: `order` (`desc` unless `asc`), `limit` (1 to 100, 20), `after`. */
export function inputItems({ input }: StoredResponse, query: URLSearchParams): Json {
  const items = query.get("order") === "asc" ? input : input.toReversed();
  const asked = Number(query.get("limit") ?? 20);
  const limit = Number.isInteger(asked) ? Math.min(Math.max(asked, 1), 100) : 20;
  const after = query.get("after");
  const from = after === null ? 0 : items.findIndex(({ id }) => id === after) + 1;
  const data = items.slice(from, from + limit);
  return {
    object: "list",
    data,
    first_id: data[0]?.id ?? null,
    last_id: data.at(-1)?.id ?? null,
    has_more: from + limit < items.length,
  };
}
