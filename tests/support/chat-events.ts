// Events of a chat's stream: from recordings, and whether they keep the order that is promised.
import { strict as assert } from "node:assert";
import type { Event } from "../../core/formats/frames.ts";
import type { ChatEvent } from "../../core/unified/chat.ts";
import type { StreamReader, StreamWriter } from "../../core/unified/codec.ts";
import { framerFor } from "../../core/unified/framing.ts";

/** The events of a body, as its framing has them. */
export function framed(bytes: Uint8Array, type = "text/event-stream"): Event[] {
  const events: Event[] = [];
  const framer = framerFor(type, (event) => void events.push(event));
  framer.push(bytes);
  framer.end();
  return events;
}

/** What a reader makes of them, its end included. */
export function readAll(reader: StreamReader, events: readonly Event[]): ChatEvent[] {
  const read: ChatEvent[] = [];
  for (const event of events) reader.event(event, (one) => void read.push(one));
  reader.end((one) => void read.push(one));
  return read;
}

/** What a writer makes of events, as text. */
export function writeAll(writer: StreamWriter, events: readonly ChatEvent[]): string {
  return events.map((event) => writer.write(event)).join("");
}

/** Fails unless the events are in the order that `ChatEvent` promises. */
export function assertOrder(events: readonly ChatEvent[]): void {
  const open = new Map<number, number>();
  const parts = new Map<number, number>();
  const finished = new Set<number>();
  for (const [i, event] of events.entries()) {
    const last = i === events.length - 1;
    if (event.type === "end" || event.type === "error") {
      assert.ok(last, `'${event.type}' is the last event`);
      if (event.type === "end") assert.equal(open.size, 0, "no part is open at the end");
      continue;
    }
    if (event.type === "start") assert.equal(i, 0, "'start' is the first event");
    if (!("choice" in event)) continue;
    assert.ok(!finished.has(event.choice), `'${event.type}' after the choice finished`);
    if (event.type === "finish") {
      assert.ok(!open.has(event.choice), "no part is open when its choice finishes");
      finished.add(event.choice);
    } else if (event.type === "part_start") {
      assert.ok(!open.has(event.choice), "one part is open at a time");
      assert.equal(event.part, parts.get(event.choice) ?? 0, "parts are counted");
      open.set(event.choice, event.part);
      parts.set(event.choice, event.part + 1);
    } else {
      assert.equal(open.get(event.choice), event.part, `'${event.type}' of the open part`);
      if (event.type === "part_end") open.delete(event.choice);
    }
  }
  const end = events.at(-1)?.type;
  assert.ok(end === "end" || end === "error", `the last event is '${end}'`);
}
