// A worker whose stores are called from outside: `{ store, method, args, now }` in, `{ value }` or
// `{ error }` out.
import type { Stores } from "../../core/storage/ports.ts";
import { openWorkerStores } from "../../runtimes/workers/stores.ts";
import { replace, revive } from "./stores-remote.ts";

export { SluiceCounters } from "../../runtimes/workers/counter-object.ts";

const reports: string[] = [];
let clock = 0;
let stores: Stores | undefined;

export default {
  async fetch(request: Request, env: Record<string, unknown>): Promise<Response> {
    stores ??= openWorkerStores(env, {
      now: () => clock,
      report: (message) => reports.push(message),
    });
    const { store, method, args, now } = JSON.parse(await request.text(), revive);
    if (store === "reports") return reply({ value: reports });
    if (store === "drivers") {
      return reply({ value: Object.values(stores).map(({ driver }) => driver) });
    }
    if (store === "clean") {
      const namespace = env["SLUICE_COUNTERS"] as {
        idFromName(name: string): unknown;
        get(id: unknown): { clean(): Promise<void> };
      };
      await namespace.get(namespace.idFromName(method)).clean();
      return reply({});
    }
    clock = now;
    const target = stores[store as keyof Stores] as unknown as Record<
      string,
      (...args: unknown[]) => Promise<unknown>
    >;
    try {
      return reply({ value: await target[method]!(...args) });
    } catch (error) {
      return reply({ error: error instanceof TypeError ? "TypeError" : String(error) });
    }
  },
};

function reply(value: unknown): Response {
  return new Response(JSON.stringify(value, replace));
}
