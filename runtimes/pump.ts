/**
 * A body read in JavaScript, where a platform does the wrong thing when an upstream breaks off.
 *
 * @module
 */

/**
 * The same chunks at the same pace.
 *
 * @param onBreak Ends the stream when the upstream breaks off: closes it, or fails it.
 * @param onChunk Sees what passes.
 */
export function pump(
  body: ReadableStream<Uint8Array>,
  onBreak: (controller: ReadableStreamDefaultController<Uint8Array>) => void,
  onChunk?: (chunk: Uint8Array) => void,
): ReadableStream<Uint8Array> {
  const reader = body.getReader();
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      try {
        const { done, value } = await reader.read();
        if (done) return controller.close();
        onChunk?.(value);
        controller.enqueue(value);
      } catch {
        onBreak(controller);
      }
    },
    cancel: (reason) => reader.cancel(reason),
  }, { highWaterMark: 0 });
}
