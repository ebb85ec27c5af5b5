/**
 * The way upstream on Node: undici's dispatcher, a fifth of the cost of the platform's `fetch`.
 *
 * @module
 */
import { Readable, Transform } from "node:stream";
import type { ReadableStream as WebStream } from "node:stream/web";
import { Agent } from "undici";
import { originOf } from "../../core/path.ts";
import { bodyTooLarge } from "../../core/body.ts";
import type { Exchange, Transport } from "../../core/upstream.ts";
import { NodeRequest } from "./request.ts";
import { nodeRespond } from "./respond.ts";
import { Answer, type UpstreamResponse } from "./response.ts";

/** Connections are kept and shared; nothing ever times out on its own: models may think for long. */
export function nodeTransport(): Transport {
  const agent = new Agent({
    headersTimeout: 0,
    bodyTimeout: 0,
    keepAliveTimeout: 20_000,
    maxHeaderSize: 64 * 1024,
    connect: { timeout: 10_000 },
    // undici does not reset an HTTP/2 stream whose upload was aborted: such streams pile up until the
    // provider takes no more.
    allowH2: false,
  });
  const transport: Transport = (exchange) =>
    new Promise<UpstreamResponse>((resolve, reject) => {
      const { url, method, headers, client, signal } = exchange;
      const answer = new Answer(resolve, reject);
      if (client instanceof NodeRequest) {
        if (client.outgoing.closed) return answer.abort("The client left");
        answer.followClient(client.outgoing);
      } else answer.follow(client.signal, "cancelled");
      // Whoever gave it is not the client, and the client is to be told.
      if (signal !== undefined) answer.follow(signal, "broken");
      if (answer.done) return;

      const origin = originOf(url);
      agent.dispatch({
        origin,
        path: pathOf(url, origin),
        method,
        headers,
        body: bodyOf(exchange),
      }, answer);
    }) as Promise<unknown> as Promise<Response>;
  return Object.assign(transport, { respond: nodeRespond });
}

function pathOf(url: string, origin: string): string {
  const path = url.slice(origin.length);
  return path.startsWith("/") ? path : `/${path}`;
}

function bodyOf(
  { body, client, method, bodyLimit, onSent }: Exchange,
): Uint8Array | Readable | null {
  if (body !== undefined) return body;
  if (method === "GET" || method === "HEAD") return null;
  const through = counted(bodyLimit, onSent);
  if (!(client instanceof NodeRequest)) {
    return client.body === null ? null : Readable.fromWeb(client.body as WebStream).pipe(through);
  }
  const { incoming } = client;
  const { "content-length": length, "transfer-encoding": chunked } = incoming.headers;
  if (chunked === undefined && (length === undefined || Number(length) === 0)) return null;
  // Not `pipeline`: an upstream that answers early destroys its end, and must not take the client's
  // socket along, on which the answer is to go out.
  incoming.once("close", () => incoming.complete || through.destroy(new Error("The client left")));
  return incoming.pipe(through);
}

function counted(limit: number, onChunk?: (chunk: Uint8Array) => void): Transform {
  let size = 0;
  return new Transform({
    transform(chunk: Uint8Array, _encoding, done) {
      size += chunk.byteLength;
      onChunk?.(chunk);
      if (size > limit) done(bodyTooLarge(limit));
      else done(null, chunk);
    },
  });
}
