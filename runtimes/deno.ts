/** `deno run -A runtimes/deno.ts`, and the entry for Deno Deploy. */
import { boot } from "./boot.ts";

/** The part of Deno that is used here; its own types redeclare the globals of the others. */
declare const Deno: {
  serve(
    options: {
      port: number;
      hostname: string;
      automaticCompression: boolean;
      onListen(at: { port: number }): void;
    },
    handler: (
      request: Request,
      info: { remoteAddr: { hostname?: string } },
    ) => Response | Promise<Response>,
  ): { addr: { port: number }; shutdown(): Promise<void> };
};

await boot("deno", (gateway, { port, hostname, waitUntil }) => {
  const server = Deno.serve(
    // Bytes go out as they came: Deno would compress them again.
    { port, hostname, automaticCompression: false, onListen: () => {} },
    (request, info) => gateway.fetch(request, { waitUntil, ip: () => info.remoteAddr.hostname }),
  );
  return { port: server.addr.port, stop: () => server.shutdown() };
});
