/**
 * What a resource of the management API is: a table from method and path to a handler.
 *
 * @module
 */
import type { Host } from "../host.ts";
import { addressFault } from "../settings/address.ts";
import { leadsInside } from "../settings/reach.ts";
import type { Setup } from "../config/setup.ts";
import type { Result } from "./answer.ts";
import type { Audit } from "./audit.ts";

/** Variable segments of a path. */
export interface Params {
  /** Id of a gateway that exists; empty on paths without one. */
  gateway: string;
  /** Decoded; empty on paths without one. */
  id: string;
}

/** One request of somebody who may manage the gateway. */
export interface Call {
  readonly host: Host;
  /** As configured; what is in force is `host.settings`. */
  readonly setup: Setup;
  readonly request: Request;
  /** As in the URL. */
  readonly account: string;
  /** The gateway listens on this machine alone. */
  readonly loopback: boolean;
  /** Writes down a change. */
  readonly audit: Audit;
  readonly params: Readonly<Params>;
  readonly query: URLSearchParams;
  /** JSON of POST, PUT and PATCH, not checked yet; else undefined. */
  readonly body: unknown;
}

/** Why the gateway may not be told to ask there, as the end of a sentence; nothing where it may. */
export async function addressFaultOf(
  { setup: { config, resolve }, loopback }: Call,
  url: string,
): Promise<string | undefined> {
  const rules = { any: config.allow_private_providers, loopback };
  const fault = addressFault(url, rules);
  if (fault !== undefined || !await leadsInside(url, rules, resolve)) return fault;
  return "has a name that leads to an inner address; set 'allow_private_providers' in the configuration to " +
    "allow it";
}

/** Answers a call, or throws an `ApiError`. */
export type Handler = (call: Call) => Promise<Result | Response>;

/** Handlers by method and path below `ai-gateway/`: `"GET gateways/:gateway/logs/:id"`. */
export type Resource = Readonly<Record<string, Handler>>;

/** What a method and a path lead to. */
export type Match =
  | { kind: "handler"; handler: Handler; params: Params }
  | { kind: "method"; allow: string[] }
  | { kind: "none" };

/** Finds a handler by method and decoded segments. */
export type Matcher = (method: string, segments: readonly string[]) => Match;

/** Joins resources into one table. */
export function createMatcher(resources: readonly Resource[]): Matcher {
  const table = resources.flatMap((resource) =>
    Object.entries(resource).map(([route, handler]) => {
      const [method = "", path = ""] = route.split(" ");
      return { method, pattern: path.split("/"), handler };
    })
  );
  return (method, segments) => {
    const there = table.filter(({ pattern }) => fits(pattern, segments));
    const found = there.find((row) => row.method === method);
    if (found !== undefined) {
      const params = paramsOf(found.pattern, segments);
      return { kind: "handler", handler: found.handler, params };
    }
    if (there.length === 0) return { kind: "none" };
    return { kind: "method", allow: there.map((row) => row.method) };
  };
}

/** True when each segment of a pattern is that segment, or a `:name` for any that is not empty. */
function fits(pattern: readonly string[], segments: readonly string[]): boolean {
  return pattern.length === segments.length &&
    pattern.every((part, i) => part.startsWith(":") ? segments[i] !== "" : part === segments[i]);
}

function paramsOf(pattern: readonly string[], segments: readonly string[]): Params {
  const params: Params = { gateway: "", id: "" };
  for (const [i, part] of pattern.entries()) {
    if (part === ":gateway") params.gateway = segments[i]!;
    else if (part === ":id") params.id = segments[i]!;
  }
  return params;
}
