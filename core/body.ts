/**
 * Bodies within their limit.
 *
 * @module
 */
import { Code, GatewayError } from "./error.ts";

/** The refusal of a body over the limit. */
export function bodyTooLarge(limit: number): GatewayError {
  return new GatewayError(
    413,
    Code.bodyTooLarge,
    `The request body is over ${limit} bytes (limits.body_bytes)`,
  );
}

/** Refuses a request that declares too long a body; one that declares none is counted as it comes. */
export function assertDeclaredLength(headers: Headers, limit: number): void {
  const declared = headers.get("content-length");
  if (declared !== null && Number(declared) > limit) throw bodyTooLarge(limit);
}

/** The whole body, or a refusal as soon as it is over the limit. */
export async function readBody(request: Request, limit: number): Promise<Uint8Array> {
  // A declared length has been checked, and the server holds the client to it.
  if (request.headers.has("content-length")) return request.bytes();
  const chunks: Uint8Array[] = [];
  let size = 0;
  if (request.body !== null) {
    for await (const chunk of request.body as unknown as AsyncIterable<Uint8Array>) {
      size += chunk.byteLength;
      if (size > limit) throw bodyTooLarge(limit);
      chunks.push(chunk);
    }
  }
  const whole = new Uint8Array(size);
  let at = 0;
  for (const chunk of chunks) {
    whole.set(chunk, at);
    at += chunk.byteLength;
  }
  return whole;
}

/** Counts a body that streams through. */
export function limited(
  limit: number,
  onOverflow: (error: GatewayError) => void,
  onChunk?: (chunk: Uint8Array) => void,
): TransformStream<Uint8Array, Uint8Array> {
  let size = 0;
  return new TransformStream({
    transform(chunk, controller) {
      size += chunk.byteLength;
      onChunk?.(chunk);
      if (size <= limit) return controller.enqueue(chunk);
      const error = bodyTooLarge(limit);
      onOverflow(error);
      controller.error(error);
    },
  });
}
