/**
 * An answer on its way from the provider to its client, kept so that others can have it.
 *
 * @module
 */
import type { Context } from "../context.ts";
import { Code, GatewayError } from "../error.ts";
import { feedOf } from "../streams/feed.ts";
import type { Reading } from "../formats/read.ts";
import { knownOf } from "../known.ts";
import type { End } from "../log/row.ts";
import { observe } from "../streams/observe.ts";
import { joined, Tape, wholeBody } from "../streams/tape.ts";
import { type CostParts, totalOf } from "../usage/cost.ts";
import type { About, Entry, Pace } from "./entry.ts";
import type { Done } from "./flight.ts";
import type { Asked } from "./identity.ts";
import { judge, lastingHeaders, mayStore } from "./judge.ts";
import type { Policy } from "./policy.ts";
import { Relay } from "./relay.ts";
import { paceOf } from "./replay.ts";

/** What is recorded, and what for. */
export interface Recording {
  ctx: Context;
  asked: Asked;
  policy: Policy;
  /** {@link Entry.began}. */
  began: number;
  /** As `Found.other`. */
  other: Entry | undefined;
  /** Most bytes of an answer that is stored. */
  limit: number;
  /** Most bytes of answers in memory. */
  memory: number;
}

/** Answers up to this size that say their length are waited for. */
const short = 64 * 1024;

/** A short answer that says its length, with its body, if that comes at once; else what to use instead. */
export function shortAnswer(ctx: Context, response: Response): Short | Promise<Short> {
  const known = knownOf(response);
  return known === undefined ? readShort(ctx, response) : { response, body: known.bytes };
}

interface Short {
  response: Response;
  body?: Uint8Array;
}

async function readShort(ctx: Context, response: Response): Promise<Short> {
  const { headers } = response;
  const length = Number(headers.get("content-length") ?? Infinity);
  const type = headers.get("content-type") ?? "";
  if (
    !(length <= short) || type.startsWith("text/event-stream") || headers.has("content-encoding")
  ) {
    return { response };
  }
  try {
    const { response: next, bytes } = await wholeBody(response, length);
    return { response: next, ...bytes !== undefined && { body: bytes } };
  } catch (cause) {
    const message = `Provider '${ctx.provider.slug}' broke off before its answer was complete`;
    const error = new GatewayError(502, Code.upstreamFailed, message, { cause });
    ctx.shared.failure = error; // no refusal of a plugin's
    throw error;
  }
}

/** Takes note of an answer that is all there. */
export function keepWhole(recording: Recording, response: Response, body: Uint8Array): About {
  const { about, stored } = settle(
    recording,
    response,
    body,
    undefined,
    knownOf(response)?.reading,
  );
  if (stored !== undefined) recording.ctx.waitUntil(stored);
  return about;
}

/** Lets an answer pass to its one client, and keeps it once it has ended. */
export function keepPassing(recording: Recording, response: Response): Response {
  const { ctx, limit } = recording;
  const begin = performance.now();
  const tape = new Tape({ head: limit, tail: 0 }, ctx.host.allowance);
  const done = Promise.withResolvers<void>();
  ctx.waitUntil(done.promise);
  tape.onEnd = () => {
    if (tape.ending === "closed" && tape.size === tape.headSize && !tape.starved) {
      const sizes = tape.head.map((chunk) => chunk.byteLength);
      const body = joined(tape.head, tape.size);
      const { stored } = settle(recording, response, body, paceOf(sizes, tape.times, begin));
      done.resolve(stored);
    } else done.resolve();
    tape.release();
  };
  return observe(response, tape, ctx.request.signal);
}

/**
 * Lets an answer pass to several clients, and keeps it once it has ended.
 *
 * @param onOver Called when nobody can join any more, or need to: the answer is stored, or will not be.
 */
export function relayed(
  recording: Recording,
  response: Response,
  onOver: () => void,
): { relay: Relay; done: Promise<Done | undefined> } {
  const { ctx, limit } = recording;
  const begin = performance.now();
  const { promise, resolve } = Promise.withResolvers<Done | undefined>();
  const relay = new Relay(feedOf(response), {
    limit,
    allowance: ctx.host.allowance,
    onOverflow: onOver,
    onEnd() {
      let done: Done | undefined;
      if (relay.ending === "closed" && relay.whole) {
        const body = relay.bytes();
        const pace = paceOf(relay.sizes(), relay.times, begin);
        const { about, end } = settle(recording, response, body, pace);
        done = { about, body, end };
      }
      onOver();
      relay.settle();
      resolve(done);
    },
  });
  return { relay, done: promise };
}

/** Judges an answer, and stores it if it is good. */
function settle(
  { ctx, asked, policy, began, other, limit, memory }: Recording,
  response: Response,
  body: Uint8Array,
  pace: Pace | undefined,
  reading?: Reading,
): { about: About; end: End; stored: void | Promise<void> } {
  const { host } = ctx;
  const { status, headers } = response;
  const length = headers.get("content-length");
  const { about, end, refused } = judge(ctx, asked, {
    status,
    contentType: headers.get("content-type") ?? "",
    body,
    length: length === null ? undefined : Number(length),
    reading,
  });
  if (refused !== undefined || !mayStore(response) || body.byteLength > limit) {
    return { about, end, stored: undefined };
  }
  const entry: Entry = {
    status,
    headers: lastingHeaders(response),
    // A small body must not keep a large buffer alive.
    body: body.buffer.byteLength > 2 * body.byteLength ? body.slice() : body,
    form: asked.form,
    pace: about.streamed ? pace : undefined,
    about,
    model: asked.model,
    began,
    stored: host.now(),
    ttl: policy.ttl,
    keep: Math.max(policy.staleWhileRevalidate, policy.staleIfError),
  };
  const ready = price(ctx, about);
  return { about, end, stored: host.cache.take(asked, entry, { other, memory, ready }) };
}

/** US dollars by the price list, whatever the request says that it pays. */
function price({ host }: Context, about: About): Promise<void> | undefined {
  const { provider, model, usage } = about;
  if (usage === null) return undefined;
  const found = host.pricer.cost({ provider, model, usage, at: host.now() });
  const set = (parts: CostParts | null) => {
    about.cost = parts === null ? null : totalOf(parts);
  };
  if (found instanceof Promise) return found.then(set);
  set(found);
  return undefined;
}
