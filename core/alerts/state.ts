/**
 * What was raised, and which messages wait: one value in the store, so that all processes know and
 * nothing is lost with one of them. Written under a lease.
 *
 * @module
 */
import type { Json, KV } from "../storage/ports.ts";
import type { AlertName } from "./config.ts";
import type { Message } from "./webhooks.ts";

/** An alert that holds. */
export interface Raised {
  alert: AlertName;
  subject: string;
  /** Milliseconds since 1970. */
  since: number;
}

/** See the module. */
export interface AlertState {
  raised: Raised[];
  waiting: Message[];
}

const at = "alerts:state";

/** Reads the state; what is no state is none. */
export async function readState(kv: KV): Promise<AlertState> {
  const found = Object(await kv.get(at)) as Partial<AlertState>;
  return {
    raised: Array.isArray(found.raised) ? found.raised : [],
    waiting: Array.isArray(found.waiting) ? found.waiting : [],
  };
}

/** Writes the state. */
export async function writeState(kv: KV, state: AlertState): Promise<void> {
  await kv.set(at, state as unknown as Json);
}
