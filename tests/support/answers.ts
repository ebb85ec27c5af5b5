// Recorded answers as the gateway hands them to the reader of formats.
import { strict as assert } from "node:assert";
import { it } from "node:test";
import { readAnswer, type Reading, type Recorded } from "../../core/formats/read.ts";
import type { Fixture } from "./fixtures.ts";
import { routeOf } from "./routes.ts";

/** The whole answer of a case, under the path that it has behind the gateway's slug. */
export function recordedOf(fixture: Fixture): Recorded {
  const route = routeOf(fixture)?.path.replace(/\?.*/, "").split("/").slice(4) ?? [];
  const [provider = "", ...rest] = route;
  // Partners of Hugging Face have a path each.
  const path = provider === "huggingface" ? new URL(fixture.url).pathname.slice(1) : rest.join("/");
  const type = Object.entries(fixture.responseHeaders).findLast(([name]) =>
    name.toLowerCase() === "content-type"
  );
  return {
    provider,
    format: undefined,
    path,
    status: fixture.status,
    contentType: isEventStream(fixture) ? "application/vnd.amazon.eventstream" : type?.[1] ?? "",
    head: new Uint8Array(fixture.responseBody),
  };
}

/** One case was kept without headers. */
function isEventStream(fixture: Fixture): boolean {
  return fixture.name === "amazon-bedrock/kong-eventstream-chunk";
}

/** The same with only its first and last bytes kept. */
export function withGap(recorded: Recorded, head: number, tail: number): Recorded {
  const { head: body } = recorded;
  return {
    ...recorded,
    head: body.subarray(0, head),
    tail: body.subarray(body.length - tail),
    skipped: body.length - head - tail,
  };
}

/** An answer that was not recorded. */
export function answer(body: string | Uint8Array, about: Partial<Recorded> = {}): Recorded {
  return {
    provider: "openai",
    format: undefined,
    path: "chat/completions",
    status: 200,
    contentType: "application/json",
    head: typeof body === "string" ? new TextEncoder().encode(body) : body,
    ...about,
  };
}

/** An answer in JSON. */
export function json(body: unknown, about: Partial<Recorded> = {}): Recorded {
  return answer(JSON.stringify(body), about);
}

/** An answer in server-sent events. */
export function events(body: string, about: Partial<Recorded> = {}): Recorded {
  return answer(body, { contentType: "text/event-stream", ...about });
}

/** What a reading is expected to tell; `said` is its text. Members that are not named are not checked. */
export type Expected = Partial<Reading> & { said?: string };

/** One test per row. */
export function checkReadings(
  rows: readonly (readonly [what: string, recorded: Recorded, expected: Expected])[],
): void {
  for (const [what, recorded, { said, ...members }] of rows) {
    it(what, () => {
      const reading = readAnswer(recorded);
      for (const [name, value] of Object.entries(members)) {
        assert.deepEqual(reading[name as keyof Reading], value, name);
      }
      if (said !== undefined) assert.equal(reading.text(), said);
    });
  }
}

/** Server-sent events; an object is written as JSON, with its `type` as the event's name if `named`. */
export function sse(events: readonly unknown[], named = false): string {
  return events.map((event) => {
    const data = typeof event === "string" ? event : JSON.stringify(event);
    const type = named ? (event as { type?: string }).type : undefined;
    return `${type === undefined ? "" : `event: ${type}\n`}data: ${data}\n\n`;
  }).join("");
}

/** Amazon's event stream of `[event type, payload]`; an `Exception` is one. Checksums are left out. */
export function eventStream(
  messages: readonly (readonly [type: string, payload: unknown])[],
): Uint8Array {
  const encoder = new TextEncoder();
  const parts = messages.flatMap(([type, payload]) => {
    const kind = type.endsWith("Exception") ? "exception" : "event";
    const headers = [[`:${kind}-type`, type], [":message-type", kind]].flatMap(([name, value]) => {
      const [key, text] = [encoder.encode(name), encoder.encode(value)];
      return [key.length, ...key, 7, text.length >> 8, text.length & 255, ...text];
    });
    const body = encoder.encode(JSON.stringify(payload));
    const message = new Uint8Array(16 + headers.length + body.length);
    const view = new DataView(message.buffer);
    view.setUint32(0, message.length);
    view.setUint32(4, headers.length);
    message.set(headers, 12);
    message.set(body, 12 + headers.length);
    return [...message];
  });
  return Uint8Array.from(parts);
}

/** The payload of Bedrock's `invoke-with-response-stream`. */
export function chunk(event: unknown): readonly [type: string, payload: unknown] {
  const bytes = new TextEncoder().encode(JSON.stringify(event));
  return ["chunk", { bytes: btoa(String.fromCharCode(...bytes)), p: "abc" }];
}
