/**
 * Locally, workerd ends a chunked answer cleanly whatever happens to its source. So that a stream cut
 * upstream does not look whole, it gets a last event that says so, in its own format. Streams that the log
 * watches have that already.
 *
 * @module
 */
import { tells } from "../../core/streams/observe.ts";
import { splitURL } from "../../core/path.ts";
import { errorEvent, streamShape } from "../../core/streams/error-event.ts";
import { pump } from "../pump.ts";

const mishap = {
  code: "upstream_cut",
  message: "The provider broke off before its answer was complete",
};

/** The answer, with a mark where its stream is cut. Answers with a declared length need none. */
export function marked(response: Response, url: string): Response {
  const contentType = response.headers.get("content-type") ?? "";
  const { path } = splitURL(url);
  if (
    tells in response || response.body === null || response.headers.has("content-length") ||
    streamShape(contentType, path) === undefined
  ) return response;
  let tail: Uint8Array | undefined;
  // Through JavaScript, at three times the platform's own cost: its pipe would fail the answer, which
  // workerd then ends cleanly.
  const body = pump(response.body, (controller) => {
    const mark = errorEvent({ contentType, path, format: undefined, tail }, mishap);
    if (mark !== undefined) controller.enqueue(mark);
    controller.close();
  }, (chunk) => tail = chunk);
  return new Response(body, response);
}
