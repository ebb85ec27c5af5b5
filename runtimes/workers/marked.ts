/**
 * Locally, workerd ends a chunked answer cleanly whatever happens to its source. So that a stream cut
 * upstream does not look whole, it gets a last event that says so, in its own framing.
 *
 * @module
 */
import { pump } from "../pump.ts";

const message = "The provider broke off before its answer was complete";
const encoder = new TextEncoder();

/** The answer, with a mark where its stream is cut. Answers with a declared length need none. */
export function marked(response: Response): Response {
  const type = response.headers.get("content-type") ?? "";
  const mark = markOf(type);
  if (mark === undefined || response.body === null || response.headers.has("content-length")) {
    return response;
  }
  // Through JavaScript, at three times the platform's own cost: its pipe would fail the answer, which
  // workerd then ends cleanly.
  const body = pump(response.body, (controller) => {
    controller.enqueue(mark);
    controller.close();
  });
  return new Response(body, response);
}

function markOf(contentType: string): Uint8Array | undefined {
  const error = { type: "api_error", code: "upstream_cut", message };
  if (/^text\/event-stream\b/i.test(contentType)) {
    // Event name and payload that the SDKs of OpenAI, Anthropic and Google all take for an error;
    // the blank line ends what was cut in the middle.
    return encoder.encode(
      `\n\nevent: error\ndata: ${JSON.stringify({ type: "error", error })}\n\n`,
    );
  }
  if (/^application\/(?:x-ndjson|stream\+json|jsonl)\b/i.test(contentType)) {
    return encoder.encode(`\n${JSON.stringify({ error })}\n`);
  }
  if (/^application\/vnd\.amazon\.eventstream\b/i.test(contentType)) return awsErrorFrame();
  return undefined;
}

/** An error message of AWS's event stream encoding (smithy.io, "Amazon Event Stream Specification"). */
function awsErrorFrame(): Uint8Array<ArrayBuffer> {
  const headers = [
    ...stringHeader(":message-type", "error"),
    ...stringHeader(":error-code", "UpstreamCut"),
    ...stringHeader(":error-message", message),
  ];
  const length = 12 + headers.length + 4;
  const frame = new Uint8Array(length);
  const view = new DataView(frame.buffer);
  view.setUint32(0, length);
  view.setUint32(4, headers.length);
  view.setUint32(8, crc32(frame.subarray(0, 8)));
  frame.set(headers, 12);
  view.setUint32(length - 4, crc32(frame.subarray(0, length - 4)));
  return frame;
}

function stringHeader(name: string, value: string): number[] {
  const string = 7;
  return [
    name.length,
    ...encoder.encode(name),
    string,
    value.length >> 8,
    value.length & 255,
    ...encoder.encode(value),
  ];
}

/** IEEE CRC-32, bit by bit: it runs once for a stream that broke. */
function crc32(bytes: Uint8Array): number {
  let crc = ~0;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return ~crc >>> 0;
}
