/**
 * Redis through unstorage's driver and the client under it, made to fail fast: nothing is queued while
 * Redis is away, nothing is sent twice, and the client goes on connecting for ever.
 *
 * @module
 */
import type { Redis as Client } from "ioredis";
import { Buffer } from "node:buffer";
import redisDriver, { type RedisOptions } from "unstorage/drivers/redis";
import type { KVDriver } from "../core/storage/kv.ts";
import type { RedisScripts } from "../core/storage/redis.ts";

/** A Redis that may be away. */
export interface Redis extends RedisScripts {
  /** For `kvOver`; keys are those of Redis. */
  driver: KVDriver;
  /** Why it did not answer at the start; it is tried again all the time. */
  away?: Error;
  close(): void;
}

/** Milliseconds that a start waits for Redis. */
const patience = 2000;

/** What Redis says to a wrong user, password or database; without its own it would take the first. */
const refusal = /^(?:WRONGPASS|NOAUTH|NOPERM|ERR (?:invalid password|AUTH|(?:invalid )?DB index))/;

/** Opens a client. Rejects when Redis refuses the user or database; that it is away is no error. */
export async function openRedis(options: RedisOptions): Promise<Redis> {
  const driver = redisDriver({
    connectTimeout: 5000,
    // A connection that swallows commands is closed, or each of them would have to be waited for.
    socketTimeout: 5000,
    keepAlive: 30_000,
    enableOfflineQueue: false,
    // What was sent may have been carried out: to send it again would count it twice.
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    retryStrategy: (times) => Math.min(times * 100, 1000),
    // After a failover the old primary refuses to write: reconnecting finds the new one.
    reconnectOnError: (error) => error.message.startsWith("READONLY"),
    disableClientInfo: true,
    scanCount: 1000,
    ...options,
  });
  const client = driver.getInstance!() as Client;
  let last: Error | undefined;
  // Without a listener the client prints each failed attempt.
  client.on("error", (error: Error) => last = error);
  await ready(client);
  if (last !== undefined && refusal.test(last.message)) {
    client.disconnect();
    throw last;
  }

  /** The client itself would only say that there is no connection, and not why. */
  function check(): void {
    if (client.status === "ready") return;
    const code = (last as { code?: unknown } | undefined)?.code;
    throw Object.assign(new Error("Redis is away", { cause: last }), {
      code: typeof code === "string" ? code : "ECONNREFUSED",
    });
  }

  const { getItem, setItem, removeItem, getKeys } = driver;
  let scripts = 0;
  return {
    away: client.status === "ready" ? undefined : last ?? new Error("No answer"),
    driver: {
      name: "redis",
      getItem: (key) => (check(), getItem(key)),
      setItem: (key, value, options) => (check(), setItem!(key, value, options)),
      removeItem: (key) => (check(), removeItem!(key, {})),
      getKeys: (base) => (check(), getKeys(base, {})),
      // The driver of unstorage knows text only.
      getItemRaw: (key) => (check(), client.getBuffer(key)),
      async setItemRaw(key, value, { ttl }) {
        check();
        const bytes = Buffer.from(value.buffer, value.byteOffset, value.byteLength);
        await (ttl === undefined ? client.set(key, bytes) : client.set(key, bytes, "EX", ttl));
      },
    },
    script(lua) {
      // A command of its own sends the script's hash, and its text only where Redis does not know it.
      const name = `sluice${scripts++}`;
      client.defineCommand(name, { numberOfKeys: 1, lua });
      const run = (client as unknown as Record<string, (...args: unknown[]) => Promise<unknown>>)[
        name
      ]!;
      return async (...args) => (check(), await run.apply(client, args));
    },
    close: () => client.disconnect(),
  };
}

/** Waits for the connection, for the first failure of it, and not for ever. */
async function ready(client: Client): Promise<void> {
  const settled = Promise.withResolvers<void>();
  const timer = setTimeout(settled.resolve, patience);
  client.once("ready", settled.resolve);
  client.once("error", () => settled.resolve());
  await settled.promise;
  clearTimeout(timer);
}
