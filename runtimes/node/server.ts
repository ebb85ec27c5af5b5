/**
 * An HTTP server for a gateway on Node.
 *
 * @module
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { Gateway } from "../../core/gateway.ts";
import { isNotForClients } from "../../core/headers.ts";
import { NodeRequest } from "./request.ts";
import { reasonPhrase, UpstreamResponse } from "./response.ts";

/** Limits against clients that send slowly, in milliseconds. */
const slow = {
  headersTimeout: 15_000,
  requestTimeout: 15 * 60_000,
  connectionsCheckingInterval: 5_000,
};

/** A gateway's server, with a stop that waits for answers in flight and for nothing else. */
export interface NodeServer {
  server: Server;
  /** Stops accepting; resolves when the last answer is out. */
  stop(): Promise<void>;
}

/** Builds the server; the caller listens. */
export function nodeServer(
  gateway: Gateway,
  waitUntil: (work: Promise<unknown>) => void = () => {},
): NodeServer {
  const server = createServer(
    { ...slow, keepAliveTimeout: 75_000, maxHeaderSize: 64 * 1024 },
    async (incoming, outgoing) => {
      const request = new NodeRequest(incoming, outgoing);
      const platform = { waitUntil, ip: () => incoming.socket.remoteAddress };
      try {
        const response = await gateway.fetch(request as unknown as Request, platform);
        await send(response, incoming, outgoing);
      } catch {
        if (outgoing.headersSent) outgoing.destroy(); // an answer that broke must not look whole
        else outgoing.writeHead(502, { "connection": "close" }).end();
      }
    },
  );
  const sockets = new Set<Socket>();
  server.on("connection", (socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
  });
  const stop = () =>
    new Promise<void>((done) => {
      // Connections that are kept alive become idle one by one.
      const sweep = setInterval(() => server.closeIdleConnections(), 50);
      server.close(() => done(clearInterval(sweep)));
      // Connections opened ahead of need count as busy for Node.
      for (const socket of sockets) if (socket.bytesRead === 0) socket.destroy();
    });
  return { server, stop };
}

/** Writes the answer; the promise is there only where a Web stream is read. */
function send(
  response: Response,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
): Promise<void> | undefined {
  if (outgoing.destroyed) {
    void response.body?.cancel();
    return;
  }
  const answer = response instanceof UpstreamResponse ? response.take() : undefined;
  const headers = response instanceof UpstreamResponse
    ? response.headers.toRaw()
    : [...response.headers].flat();
  // What is left of an upload that nobody will read would otherwise be read to its end.
  if (!incoming.complete && !isShort(incoming)) headers.push("connection", "close");
  outgoing.writeHead(response.status, reasonPhrase(response.statusText), headers);

  if (answer === undefined) {
    if (response.body !== null && incoming.method !== "HEAD") return write(response.body, outgoing);
    outgoing.end();
    return;
  }
  const whole = answer.takeWhole();
  if (whole !== undefined) {
    outgoing.end(whole);
    return;
  }
  answer.attach({
    data: (chunk) => outgoing.write(chunk),
    end(trailers) {
      const kept = Object.entries(trailers).filter(([name]) => !isNotForClients(name));
      if (kept.length > 0) outgoing.addTrailers(Object.fromEntries(kept) as Record<string, string>);
      outgoing.end();
    },
    fail: () => outgoing.destroy(),
  });
  outgoing.on("drain", () => answer.resume());
  // Chunks written above have taken the head along.
  if (!outgoing.writableEnded) outgoing.flushHeaders();
}

/** A Web stream, at the client's pace. */
async function write(body: ReadableStream<Uint8Array>, outgoing: ServerResponse): Promise<void> {
  const reader = body.getReader();
  outgoing.once("close", () => reader.cancel().catch(() => {}));
  outgoing.flushHeaders();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    if (!outgoing.write(value)) {
      await new Promise<void>((go) => {
        outgoing.once("drain", go);
        outgoing.once("close", go);
      });
      if (outgoing.destroyed) return;
    }
  }
  outgoing.end();
}

function isShort(incoming: IncomingMessage): boolean {
  return incoming.headers["transfer-encoding"] === undefined &&
    Number(incoming.headers["content-length"] ?? 0) <= 64 * 1024;
}
