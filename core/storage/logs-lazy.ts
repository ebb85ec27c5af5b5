/**
 * A log whose store is loaded with its first use: what a Worker reads at its start stays small.
 *
 * @module
 */
import type { Logs } from "./ports.ts";

/**
 * The store that `open` loads, once it is needed; one of ours, which has everything.
 *
 * @param driver Of that store.
 */
export function lazyLogs(driver: string, open: () => Promise<Logs>): Logs {
  let opened: Logs | undefined;
  // No promise is kept: on Workers one request may not wait for what another has begun.
  const logs = async (): Promise<Logs> => {
    if (opened !== undefined) return opened;
    const made = await open();
    return opened ??= made;
  };
  return {
    driver,
    append: async (entries) => (await logs()).append(entries),
    list: async (selection, page) => (await logs()).list(selection, page),
    count: async (selection) => (await logs()).count(selection),
    extremes: async (selection) => (await logs()).extremes(selection),
    async sums(selections) {
      const own = await logs();
      return await own.sums!(selections);
    },
    async sizes(gateway, before, limit) {
      const own = await logs();
      return await own.sizes!(gateway, before, limit);
    },
    get: async (gateway, id) => (await logs()).get(gateway, id),
    payload: async (gateway, id, which) => (await logs()).payload(gateway, id, which),
    patch: async (gateway, id, patch) => (await logs()).patch(gateway, id, patch),
    arrivals: async (after, limit) => await (await logs()).arrivals?.(after, limit) ?? [],
    lastPlace: async () => await (await logs()).lastPlace!(),
    async walk(selection, page) {
      const own = await logs();
      return await own.walk!(selection, page);
    },
    async tally(selection, milliseconds) {
      const own = await logs();
      if (own.tally !== undefined) return await own.tally(selection, milliseconds);
      return { count: await own.count(selection), exact: true };
    },
    analyze: async (query) => await (await logs()).analyze!(query),
    delete: async (selection, limit) => (await logs()).delete(selection, limit),
    close: async () => opened?.close(),
  };
}
