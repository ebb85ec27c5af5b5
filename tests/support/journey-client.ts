// A client whose requests go through the whole chain.
import http from "node:http";
import type { FaultyUpstream } from "./faults.ts";
import { eventOf, hang, type Outcome, virtualKey } from "./faulty-client.ts";
import type { RunningGateway } from "./gateway.ts";
import type { Journey } from "./journeys.ts";

/** Sends one request, and sees what becomes of it. The exchange of its outcome is the last that it knows of. */
export function travel(
  gateway: RunningGateway,
  upstream: FaultyUpstream,
  journey: Journey,
  agent: http.Agent,
): Promise<Outcome> {
  const { n, steps, body } = journey;
  const exchanges = steps.flatMap(({ attempts }) => attempts);
  const { hostname, port } = new URL(gateway.url);
  const outcome: Outcome = {
    exchange: exchanges[0]!,
    n,
    status: 0,
    headers: {},
    body: Buffer.alloc(0),
    ended: "hung",
  };
  return new Promise((resolve) => {
    const req = http.request({
      host: hostname,
      port,
      path: `/v1/acc/default${journey.path && "/"}${journey.path}`,
      method: "POST",
      agent,
      headers: {
        ...journey.headers,
        "cf-aig-event-id": eventOf(n),
        "cf-aig-authorization": `Bearer ${virtualKey}`,
        "cf-aig-metadata": JSON.stringify({ user: journey.user }),
        "content-length": Buffer.byteLength(body),
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
    };
    if (journey.leaves) {
      const { n } = exchanges[0]!;
      // It has been heard of by then, and is waited for.
      void upstream.arrived(n).then(() => setTimeout(leave, 100 + n % 100));
    }
    req.on("response", (res) => {
      outcome.status = res.statusCode!;
      outcome.headers = res.headers;
      const id = res.headers["x-request-id"];
      const found = exchanges.find(({ n }) => id === `up-${n}`);
      if (found !== undefined) outcome.exchange = found;
      const { fault, sends } = outcome.exchange;
      res.on("data", (part: Buffer) => {
        parts.push(part);
        length += part.length;
        if (found === undefined || length < sends.length) return;
        if (fault === "cut-reset" || fault === "cut-fin") upstream.proceed(found.n);
        if (fault === "stall") leave();
      });
      res.on("end", () => end(res.complete ? "whole" : "broken"));
      res.on("error", () => end("broken"));
      res.on("close", () => end("broken"));
    });
    req.on("error", () => {
      // The gateway closed a connection that it had kept for this client, before it saw the request.
      const came = steps.some(({ number }) => upstream.came(number) > 0);
      const stale = req.reusedSocket && outcome.status === 0 && outcome.ended === "hung" && !came;
      if (!stale) return end("broken");
      clearTimeout(timer);
      resolve(travel(gateway, upstream, journey, new http.Agent()));
    });
    req.end(body);
  });
}
