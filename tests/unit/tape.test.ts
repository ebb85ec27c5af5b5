/** The tape and how bodies are shown to it. */
import { strict as assert } from "node:assert";
import { describe, it } from "node:test";
import { type Ending, observe } from "../../core/streams/observe.ts";
import { Allowance, joined, Tape, wholeBody } from "../../core/streams/tape.ts";

const bytes = (text: string) => new TextEncoder().encode(text);
const text = (parts: readonly Uint8Array[], size: number) =>
  new TextDecoder().decode(joined(parts, size));

function taped(
  chunks: string[],
  { head = 100, tail = 100, allowance = new Allowance(1000) } = {},
): Tape {
  const tape = new Tape({ head, tail }, allowance);
  for (const chunk of chunks) tape.chunk(bytes(chunk));
  tape.end("closed");
  return tape;
}

describe("a tape", () => {
  it("keeps a short body whole", () => {
    const tape = taped(["ab", "cd"]);
    assert.equal(text(tape.head, tape.headSize), "abcd");
    assert.deepEqual([tape.size, tape.tailSize, tape.times.length], [4, 0, 2]);
  });

  it("keeps beginning and end of a long one, and knows how much is missing", () => {
    const tape = taped(["abcd", "efgh", "ijkl", "mnop"], { head: 6, tail: 5 });
    assert.equal(text(tape.head, tape.headSize), "abcdef");
    assert.ok("abcdefghijklmnop".endsWith(text(tape.tail, tape.tailSize)));
    assert.ok(tape.tailSize <= 5 && tape.tailSize > 0);
    assert.equal(tape.size, 16);
  });

  it("cuts one chunk that is longer than everything it may keep", () => {
    const tape = taped(["abcdefghij"], { head: 3, tail: 2 });
    assert.equal(text(tape.head, tape.headSize), "abc");
    assert.equal(text(tape.tail, tape.tailSize), "ij");
  });

  it("keeps nothing beyond what all tapes may hold, and gives it back", () => {
    const allowance = new Allowance(4);
    const first = taped(["abcd"], { allowance });
    const second = taped(["efgh"], { allowance });
    assert.deepEqual([second.headSize, second.starved, second.size], [0, true, 4]);
    first.release();
    assert.equal(taped(["ijkl"], { allowance }).headSize, 4);
  });

  it("knows when a byte came", () => {
    const tape = taped(["ab", "cd"]);
    assert.equal(tape.timeAt(1), tape.times[0]);
    assert.equal(tape.timeAt(2), tape.times[1]);
    assert.equal(tape.timeAt(4), undefined);
  });
});

describe("an observed body", () => {
  function watched(source: UnderlyingDefaultSource<Uint8Array>) {
    const seen: string[] = [];
    const ending = Promise.withResolvers<Ending>();
    const stream = new ReadableStream<Uint8Array>(source, { highWaterMark: 0 });
    const response = observe(new Response(stream as BodyInit, { status: 201 }), {
      chunk: (chunk) => seen.push(new TextDecoder().decode(chunk)),
      end: ending.resolve,
    });
    return { response, seen, ending: ending.promise };
  }

  it("passes as it came", async () => {
    const parts = ["a", "bc", "d".repeat(40_000)];
    const { response, seen, ending } = watched({
      pull(controller) {
        const part = parts[seen.length];
        if (part === undefined) controller.close();
        else controller.enqueue(bytes(part));
      },
    });
    assert.equal(response.status, 201);
    assert.equal(await response.text(), parts.join(""));
    assert.equal(seen.join(""), parts.join(""));
    assert.equal(await ending, "closed");
  });

  it("fails when its source does", async () => {
    const { response, ending } = watched({
      pull: (controller) => controller.error(new Error("reset")),
    });
    await assert.rejects(response.text());
    assert.equal(await ending, "broken");
  });

  it("closes its source as soon as the reader leaves, also while nothing comes", async () => {
    const left = Promise.withResolvers<void>();
    const { response } = watched({
      start: (controller) => controller.enqueue(bytes("a")),
      pull: () => new Promise(() => {}),
      cancel: () => left.resolve(),
    });
    const reader = response.body!.getReader();
    await reader.read();
    await reader.cancel();
    await left.promise;
  });

  it("has ended when all of it was read ahead", async () => {
    const ended = Promise.withResolvers<Ending>();
    const watched = observe(new Response("abc"), { chunk() {}, end: (how) => ended.resolve(how) });
    const { response, bytes } = await wholeBody(watched, 3);
    assert.equal(new TextDecoder().decode(bytes), "abc");
    assert.equal(await ended.promise, "closed");
    assert.equal(await response.text(), "abc");
  });

  it("ends at once when there is none", async () => {
    const ending = Promise.withResolvers<Ending>();
    observe(new Response(null), { chunk() {}, end: ending.resolve });
    assert.equal(await ending.promise, "closed");
  });
});
