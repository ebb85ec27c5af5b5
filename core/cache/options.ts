/**
 * What the plugin `cache` can be told.
 *
 * @module
 */
import type { Replay } from "./policy.ts";

/** Options of the plugin `cache`. */
export interface CacheOptions {
  /** How a stored stream is sent; over the gateway's `cache_replay`, under `cf-aig-cache-replay`. */
  replay?: Replay;
  /** Most bytes of an answer that is stored; 10 MiB unless given. */
  entryBytes?: number;
  /** Most bytes of answers in the memory of this process; 32 MiB unless given, 0 for none. */
  memoryBytes?: number;
  /** `false`: identical requests at the same time are all sent. */
  coalesce?: boolean;
}
