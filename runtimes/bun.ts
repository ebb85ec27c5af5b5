/** `bun run runtimes/bun.ts`. */
import process from "node:process";
import { clientOf } from "../core/cache/apart.ts";
import { tame } from "../core/streams/observe.ts";
import { type Transport, webTransport } from "../core/upstream.ts";
import { boot } from "./boot.ts";
import { pump } from "./pump.ts";

/** The part of Bun that is used here; its own types redeclare the globals of the others. */
interface BunServer {
  port: number;
  stop(): Promise<void>;
  timeout(request: Request, seconds: number): void;
  requestIP(request: Request): { address: string } | null;
}
declare const Bun: {
  serve(options: {
    port: number;
    hostname: string;
    development: boolean;
    reusePort: boolean;
    maxRequestBodySize: number;
    fetch(request: Request, server: BunServer): Response | Promise<Response>;
    error(error: Error): Response;
  }): BunServer;
};

// Bun sends 256 requests upstream at a time unless told otherwise before it starts: the same process
// starts once more, with that said.
const most = "BUN_CONFIG_MAX_HTTP_REQUESTS";
if (process.env[most] === undefined && process.execve !== undefined) {
  const again = [
    process.execPath,
    "--max-http-header-size=65536",
    ...process.execArgv,
    ...process.argv.slice(1),
  ];
  process.execve(process.execPath, again, { ...process.env, [most]: "65336" });
}

/** Queries in which nothing could be a key. */
const harmless = /\?(?:(?:alt|beta|api-version|model|limit|after|before)=[^&]*(?:&|$))*$/;

/** A request that came through this server; true once its answer may fail with a text that has a key. */
const loud = Symbol("loud");
type Served = Request & { [loud]?: boolean };

/** On an upstream that breaks off, Bun prints the error of the body, whose text has the whole URL. */
function mayTell(url: string): boolean {
  return url.includes("?") && !harmless.test(url);
}

function quietFetch(...[input, init]: Parameters<typeof fetch>): Promise<Response> {
  const answer = fetch(input, init);
  return mayTell(String(input)) ? answer.then(quiet) : answer;
}

function quiet(response: Response): Response {
  if (response.body === null) return response;
  const body = pump(response.body, (controller) => controller.error(new Error("Upstream cut")));
  return new Response(body, response);
}

const plain = webTransport();
const careful = webTransport(quietFetch as typeof fetch);

/** Answers are made quiet on their way out, where most have been already by whoever read them. */
const transport: Transport = (exchange) => {
  if (!mayTell(exchange.url)) return plain(exchange);
  const client: Served = clientOf(exchange.client);
  if (client[loud] === undefined) return careful(exchange);
  client[loud] = true;
  return plain(exchange);
};

await boot("bun", (gateway, { port, hostname, waitUntil }) => {
  const server = Bun.serve({
    port,
    hostname,
    development: false,
    reusePort: false, // on unless said: a second gateway would share the port in silence
    maxRequestBodySize: Number.MAX_SAFE_INTEGER, // the gateway has its own limit and its own 413
    async fetch(request: Served, server) {
      server.timeout(request, 0); // else a stream that is silent for 10 s is cut
      request[loud] = false;
      const ip = () => server.requestIP(request)?.address;
      const response = await gateway.fetch(request, { waitUntil, ip });
      return request[loud] && !(tame in response) ? quiet(response) : response;
    },
    error: () => new Response(null, { status: 500 }), // else Bun prints upstream URLs, keys included
  });
  return { port: server.port, stop: () => server.stop() };
}, { fetch: quietFetch as typeof fetch, transport });
