// Stand-ins for a provider: one speaks HTTP, the other writes raw bytes to a socket.
import http from "node:http";
import net, { type AddressInfo } from "node:net";

export interface UpstreamRequest {
  method: string;
  /** The request target exactly as it came. */
  target: string;
  headers: Record<string, string | string[] | undefined>;
  rawHeaders: string[];
  body: Buffer;
  /** Resolves when the connection closed before the answer was finished. */
  aborted: Promise<void>;
}

export type Handler = (
  req: http.IncomingMessage,
  res: http.ServerResponse,
  seen: UpstreamRequest,
) => void;

export interface Upstream {
  url: string;
  port: number;
  requests: UpstreamRequest[];
  /** The next request that nobody took yet; waits for it. */
  next(): Promise<UpstreamRequest>;
  /** With `stream`, `fn` runs before the body was read, and `seen.body` stays empty: `fn` reads `req`. */
  handle(fn: Handler, options?: { stream?: boolean }): void;
  /** Forgets handler and requests. */
  reset(): void;
  close(): Promise<void>;
}

/** Milliseconds in which any working gateway has passed a request on. */
const arrival = 10_000;

const answerEmpty: Handler = (_req, res) => {
  res.setHeader("content-type", "application/json");
  res.end("{}");
};

export async function startUpstream(): Promise<Upstream> {
  let handler = answerEmpty;
  let stream = false;
  let taken = 0;
  let waiting: Array<(seen: UpstreamRequest) => void> = [];
  const requests: UpstreamRequest[] = [];

  const arrived = (seen: UpstreamRequest) => {
    requests.push(seen);
    const waiter = waiting.shift();
    if (!waiter) return;
    taken++;
    waiter(seen);
  };

  const server = http.createServer({ maxHeaderSize: 512 * 1024 }, (req, res) => {
    const seen: UpstreamRequest = {
      method: req.method!,
      target: req.url!,
      headers: req.headers,
      rawHeaders: req.rawHeaders,
      body: Buffer.alloc(0),
      aborted: new Promise((resolve) => {
        res.on("close", () => res.writableFinished || resolve());
      }),
    };
    req.on("error", () => {});
    res.on("error", () => {});
    if (stream) {
      arrived(seen);
      handler(req, res, seen);
      return;
    }
    const parts: Buffer[] = [];
    req.on("data", (part: Buffer) => parts.push(part));
    req.on("end", () => {
      seen.body = Buffer.concat(parts);
      arrived(seen);
      handler(req, res, seen);
    });
  });
  // A provider keeps connections open; the gateway may well reuse them.
  server.keepAliveTimeout = 60_000;
  server.requestTimeout = 0;
  server.on("clientError", (_error, socket) => socket.destroy());
  const port = await listen(server);

  return {
    url: `http://127.0.0.1:${port}`,
    port,
    requests,
    next() {
      const untaken = requests[taken];
      if (untaken) {
        taken++;
        return Promise.resolve(untaken);
      }
      return new Promise((resolve, reject) => {
        const late = () =>
          reject(new Error(`No request came to the upstream within ${arrival} ms`));
        const timer = setTimeout(late, arrival);
        waiting.push((seen) => {
          clearTimeout(timer);
          resolve(seen);
        });
      });
    },
    handle(fn, options) {
      handler = fn;
      stream = options?.stream ?? false;
    },
    reset() {
      handler = answerEmpty;
      stream = false;
      taken = 0;
      waiting = [];
      requests.length = 0;
    },
    close() {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

export interface RawUpstream {
  url: string;
  port: number;
  /** The heads of all requests that came, request line first. */
  heads: string[];
  close(): Promise<void>;
}

/**
 * Calls `fn` for the head of each request, whose body it skips if its length is declared; `fn` writes
 * the answer, byte for byte.
 */
export async function startRawUpstream(
  fn: (socket: net.Socket, head: string) => void,
): Promise<RawUpstream> {
  const heads: string[] = [];
  const sockets = new Set<net.Socket>();
  const server = net.createServer((socket) => {
    sockets.add(socket);
    socket.setNoDelay(true);
    socket.on("close", () => sockets.delete(socket));
    socket.on("error", () => {});
    let text = "";
    let toSkip = 0;
    // The gateway may send its next request on the same connection.
    socket.on("data", (part: Buffer) => {
      text += part.toString("latin1");
      const skipped = Math.min(toSkip, text.length);
      text = text.slice(skipped);
      toSkip -= skipped;
      const end = text.indexOf("\r\n\r\n");
      if (toSkip || end < 0) return;
      const head = text.slice(0, end);
      toSkip = Number(head.match(/\r\ncontent-length: *(\d+)/i)?.[1] ?? 0);
      const body = text.slice(end + 4);
      text = body.slice(toSkip);
      toSkip = Math.max(0, toSkip - body.length);
      heads.push(head);
      fn(socket, head);
    });
  });
  const port = await listen(server);
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    heads,
    close() {
      for (const socket of sockets) socket.destroy();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

/** A port of this machine on which nobody listens. */
export async function closedPort(): Promise<number> {
  const server = net.createServer();
  const port = await listen(server);
  await new Promise((resolve) => server.close(resolve));
  return port;
}

function listen(server: net.Server): Promise<number> {
  return new Promise((resolve, reject) => {
    server.on("error", reject);
    server.listen(0, "127.0.0.1", () => resolve((server.address() as AddressInfo).port));
  });
}
