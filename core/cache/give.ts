/**
 * What a client is given, and what is said of it.
 *
 * @module
 */
import type { Context } from "../context.ts";
import type { Feed } from "../streams/feed.ts";
import { mutable } from "../headers.ts";
import type { Next } from "../plugin.ts";
import type { About, Entry } from "./entry.ts";
import type { Lasting } from "./flight.ts";
import { typeOf } from "./forms.ts";
import { bodyIn } from "./hot.ts";
import type { Asked } from "./identity.ts";
import { asksWhy } from "./pass.ts";
import type { Policy } from "./policy.ts";
import { replayed } from "./replay.ts";
import { type Facts, served } from "./served.ts";

/** `cf-aig-cache-status`; the first two are Cloudflare's. */
export type Status = "HIT" | "MISS" | "STALE" | "COALESCED";

/** One request, as long as it is answered. */
export interface Job {
  ctx: Context;
  next: Next;
  policy: Policy;
  asked: Asked;
  sent: Uint8Array;
  began: number;
}

/** The provider's answer. */
export function giveOwn(ctx: Context, answer: Response, why: string): Response {
  const response = mutable(answer);
  response.headers.set("cf-aig-cache-status", "MISS");
  if (asksWhy(ctx)) response.headers.set("x-sluice-cache-reason", why);
  count(ctx, "MISS");
  return response;
}

/** An answer that was stored. */
export function giveStored(job: Job, entry: Entry, status: "HIT" | "STALE"): Response {
  const { ctx, asked, policy, sent } = job;
  const { about } = entry;
  const body = bodyIn(entry, asked.forms, asked.form)!;
  const isOther = body !== entry.body;
  const headers = isOther
    ? { ...entry.headers, "content-type": typeOf(asked.form) }
    : entry.headers;
  const contentType = headers["content-type"] ?? "";
  note(job, about, { about, end: "complete", contentType, body, sent });
  const age = Math.max(0, Math.floor((ctx.host.now() - entry.stored) / 1000));
  const pace = isOther ? undefined : entry.pace;
  const how = replayed(body, pace, policy.replay);
  return give(job, { status: entry.status, headers }, how, status, { age: String(age) });
}

/** The answer of an identical request, which may still be on its way. */
export function giveShared(
  job: Job,
  head: Lasting,
  body: Uint8Array | Feed,
  facts: Facts | Promise<Facts>,
): Response {
  note(job, undefined, facts);
  return give(job, head, body, "COALESCED");
}

/** Tells whoever else wants to know that this cost nothing. */
function note(
  { ctx, asked }: Job,
  about: About | undefined,
  facts: Facts | Promise<Facts>,
): void {
  ctx.shared.cached = true;
  const model = about?.model || asked.model;
  if (model !== "") ctx.shared.model = model;
  ctx.set(served, facts);
}

function give(
  { ctx }: Job,
  { status, headers }: Lasting,
  body: Uint8Array | Feed,
  how: Status,
  more?: Record<string, string>,
): Response {
  count(ctx, how);
  const own: Record<string, string> = {
    ...headers,
    "cf-aig-cache-status": how,
    "x-sluice-cost": "0",
    ...more,
  };
  if (body instanceof Uint8Array) own["content-length"] = String(body.byteLength);
  if (asksWhy(ctx)) own["x-sluice-cache-reason"] = how.toLowerCase();
  return ctx.host.respond({ status, headers: own }, body, ctx.request);
}

const labels: Readonly<Record<Status, Readonly<Record<string, string>>>> = {
  HIT: Object.freeze({ status: "hit" }),
  MISS: Object.freeze({ status: "miss" }),
  STALE: Object.freeze({ status: "stale" }),
  COALESCED: Object.freeze({ status: "coalesced" }),
};

function count({ host }: Context, status: Status): void {
  const help = "Requests that may be answered from the cache";
  host.metrics.count("sluice_cache_requests_total", help, labels[status]);
}
