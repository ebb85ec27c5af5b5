/**
 * The way upstream on Node: undici's dispatcher, a fifth of the cost of the platform's `fetch`.
 *
 * @module
 */
import { Transform } from "node:stream";
import { Agent } from "undici";
import { originOf } from "../../core/path.ts";
import { bodyTooLarge, type Exchange, type Transport } from "../../core/upstream.ts";
import { NodeRequest } from "./request.ts";
import { Answer, type UpstreamResponse } from "./response.ts";

/** Connections are kept and shared; nothing ever times out on its own: models may think for long. */
export function nodeTransport(): Transport {
  const agent = new Agent({
    headersTimeout: 0,
    bodyTimeout: 0,
    keepAliveTimeout: 20_000,
    maxHeaderSize: 64 * 1024,
    connect: { timeout: 10_000 },
  });
  return (exchange) =>
    new Promise<UpstreamResponse>((resolve, reject) => {
      const { url, method, headers, client, signal } = exchange;
      const answer = new Answer(resolve, reject);
      const leave = () => answer.abort("The client left");
      if (client instanceof NodeRequest) {
        if (client.outgoing.closed) return leave();
        client.outgoing.once("close", leave);
      } else client.signal.addEventListener("abort", leave);
      signal?.addEventListener("abort", () => answer.abort("Aborted"));

      const origin = originOf(url);
      agent.dispatch({
        origin,
        path: url.slice(origin.length) || "/",
        method,
        headers,
        body: bodyOf(exchange),
      }, answer);
    }) as Promise<unknown> as Promise<Response>;
}

function bodyOf({ body, client, method, bodyLimit }: Exchange): Uint8Array | Transform | null {
  if (body !== undefined) return body;
  if (method === "GET" || method === "HEAD") return null;
  if (!(client instanceof NodeRequest)) {
    throw new TypeError("A body needs a request of this runtime");
  }
  const { incoming } = client;
  const { "content-length": length, "transfer-encoding": chunked } = incoming.headers;
  if (chunked === undefined && (length === undefined || Number(length) === 0)) return null;

  // Not `pipeline`: an upstream that answers early destroys its end, and must not take the client's
  // socket along, on which the answer is to go out.
  let size = 0;
  const through = new Transform({
    transform(chunk: Uint8Array, _encoding, done) {
      size += chunk.byteLength;
      if (size > bodyLimit) done(bodyTooLarge(bodyLimit));
      else done(null, chunk);
    },
  });
  incoming.once("close", () => incoming.complete || through.destroy(new Error("The client left")));
  return incoming.pipe(through);
}
