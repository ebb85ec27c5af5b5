/**
 * Rows as they come: `gateways/{gateway}/logs/live`. Those of this process are sent at once, those that
 * others write to the same store within a second or so.
 *
 * @module
 */
import type { LogRow } from "../log/row.ts";
import { matcherOf } from "../storage/logs-match.ts";
import type { LogSelection } from "../storage/ports.ts";
import { rowJson } from "./log-json.ts";
import type { Call } from "./resource.ts";

/** Milliseconds between two signs of life; Bun closes what is silent for ten seconds. */
const heartbeat = 5000;
/** Milliseconds between two looks at the store; isolates have all rows from there, and look more often. */
const pause = 1000, immediatePause = 400;
/** Rows that a look brings. */
const atOnce = 200;
/** Events that may wait for a slow reader. */
const mostWaiting = 1000;
/** Ids that are remembered, for a row may come both ways. */
const remembered = 5000;
const encoder = new TextEncoder();

/** Server-sent events `row`, a row as in the list each; the filters of the list hold. */
export function live({ host, request }: Call, selection: LogSelection): Response {
  const matches = matcherOf(selection);
  const { logs } = host.stores;
  let end = () => {};
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      let open = true;
      const sent = new Set<string>();
      const send = (text: string) => {
        if (!open) return;
        // Whoever does not read is not written to for ever.
        if ((controller.desiredSize ?? 0) < -mostWaiting) return end();
        controller.enqueue(encoder.encode(text));
      };
      const tell = (rows: readonly LogRow[]) => {
        for (const row of rows) {
          if (!matches(row) || sent.has(row.id)) continue;
          sent.add(row.id);
          if (sent.size > remembered) {
            for (const oldest of sent) {
              sent.delete(oldest);
              break;
            }
          }
          send(`id: ${row.id}\nevent: row\ndata: ${JSON.stringify(rowJson(row))}\n\n`);
        }
      };
      // Isolates know nothing of each other's rows: there, all come from the store.
      const unwatch = host.immediate ? () => {} : host.log.watch(tell);
      const beat = setInterval(() => send(": \n\n"), heartbeat);
      let look: ReturnType<typeof setTimeout> | undefined;
      let place: string | undefined;
      let begun = false;
      const follow = async () => {
        try {
          if (!begun) {
            place = await logs.lastPlace!();
            begun = true;
          }
          for (let found = atOnce; open && found === atOnce;) {
            const rows = await logs.arrivals!(place, atOnce);
            found = rows.length;
            place = rows.at(-1)?.place ?? place;
            tell(rows.map(({ row }) => row));
          }
        } catch {
          // The store is away; the next look may find it.
        }
        if (open) look = setTimeout(follow, host.immediate ? immediatePause : pause);
      };
      end = () => {
        end = () => {};
        open = false;
        clearInterval(beat);
        clearTimeout(look);
        unwatch();
        try {
          controller.close();
        } catch { /* the client has left */ }
      };
      request.signal.addEventListener("abort", () => end());
      send(": live\n\n");
      const shared = logs.driver !== "memory" || host.immediate;
      if (shared && logs.arrivals !== undefined && logs.lastPlace !== undefined) void follow();
    },
    cancel: () => end(),
  });
  return new Response(body, {
    headers: { "content-type": "text/event-stream", "cache-control": "no-store" },
  });
}
