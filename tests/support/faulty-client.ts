// A client of the faulty provider, as the gateway's clients are: some leave, most wait, one key for all.
import http from "node:http";
import type { Exchange } from "./exchanges.ts";
import type { FaultyUpstream } from "./faults.ts";
import type { RunningGateway, RuntimeName } from "./gateway.ts";

/** Of the gateway. */
export const virtualKey = "sl-virtual0key0of0the0faults0test012345678";

/** Milliseconds after which a request hangs. */
export const hang = 20_000;

/** What a client has seen. */
export interface Outcome {
  exchange: Exchange;
  /** Number of the request, where the exchange has one of its own. */
  n?: number;
  /** 0 when no head came. */
  status: number;
  headers: http.IncomingHttpHeaders;
  body: Buffer;
  ended: "whole" | "broken" | "left" | "hung";
}

export const eventOf = (n: number): string => `fault-${n}`;
export const nameOf = ({ exchange: { n, wire, streamed, fault } }: Outcome): string =>
  `${n} (${wire.name}, ${streamed ? "stream" : "JSON"}, ${fault})`;

/**
 * Whether the platform may miss that a client leaves: Deno does before an answer began, unless the request
 * was so short that it came in one read; workerd does in the very millisecond in which an answer begins.
 */
export function mayMiss(runtime: RuntimeName, { fault, streamed }: Exchange): boolean {
  if (runtime === "workers") return fault === "stall" && !streamed;
  return runtime === "deno" && (fault === "stall-head" || fault === "stall" && !streamed);
}

/** Sends one request, and sees what becomes of it. */
export function perform(
  gateway: RunningGateway,
  upstream: FaultyUpstream,
  exchange: Exchange,
  agent: http.Agent,
): Promise<Outcome> {
  const { n, wire, streamed, fault, sends, chunked } = exchange;
  const { hostname, port } = new URL(gateway.url);
  const outcome: Outcome = {
    exchange,
    status: 0,
    headers: {},
    body: Buffer.alloc(0),
    ended: "hung",
  };
  return new Promise((resolve) => {
    const req = http.request({
      host: hostname,
      port,
      path: `/v1/acc/default/${exchange.path}`,
      method: "POST",
      agent,
      headers: {
        ...exchange.headers,
        "cf-aig-event-id": eventOf(n),
        // In a header of its own, or in place of the provider's key.
        ...n % 2 === 0
          ? { "cf-aig-authorization": `Bearer ${virtualKey}` }
          : { [wire.key[0]]: wire.key[1] + virtualKey },
        ...!chunked && { "content-length": Buffer.byteLength(exchange.body) },
      },
    });
    const parts: Buffer[] = [];
    let length = 0;
    const end = (ended: Outcome["ended"]) => {
      if (outcome.ended !== "hung") return;
      clearTimeout(timer);
      outcome.ended = ended;
      outcome.body = Buffer.concat(parts);
      resolve(outcome);
    };
    const timer = setTimeout(() => {
      outcome.body = Buffer.concat(parts);
      resolve(outcome);
      req.destroy();
    }, hang);
    const leave = () => {
      end("left");
      // workerd alone takes a mere FIN for a client that still listens.
      if (gateway.runtime === "workers") req.socket!.resetAndDestroy();
      else req.destroy();
      // In the cases of `mayMiss` the provider has to end it.
      if (mayMiss(gateway.runtime, exchange)) setTimeout(() => upstream.release(n), 500);
    };
    if (fault === "stall-head") void upstream.arrived(n).then(leave);
    if (fault === "stall" && !streamed) {
      // A short answer may be held until it is whole.
      void upstream.arrived(n).then(() => setTimeout(leave, n % 100));
    }
    req.on("response", (res) => {
      outcome.status = res.statusCode!;
      outcome.headers = res.headers;
      res.on("data", (part: Buffer) => {
        parts.push(part);
        length += part.length;
        if (!streamed || length < sends.length) return;
        if (fault === "cut-reset" || fault === "cut-fin") upstream.proceed(n);
        if (fault === "stall") leave();
      });
      res.on("end", () => end(res.complete ? "whole" : "broken"));
      res.on("error", () => end("broken"));
      res.on("close", () => end("broken"));
    });
    req.on("error", () => {
      // The gateway closed a connection that it had kept for this client, before it saw the request.
      const stale = req.reusedSocket && outcome.status === 0 && outcome.ended === "hung" &&
        upstream.came(n) === 0;
      if (!stale) return end("broken");
      clearTimeout(timer);
      resolve(perform(gateway, upstream, exchange, new http.Agent()));
    });
    req.end(exchange.body);
  });
}
