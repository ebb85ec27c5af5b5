// Every recorded answer, read: against figures that were derived from the recordings on their own (see
// tests/fixtures/README.md), whole, cut, and with only its beginning and end kept.
import { strict as assert } from "node:assert";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { readAnswer, type Reading, type Recorded } from "../../core/formats/read.ts";
import { recordedOf, withGap } from "../support/answers.ts";
import { fixtureNames, loadFixture } from "../support/fixtures.ts";

interface Expected {
  usage?: Reading["usage"];
  model?: string;
  finish?: string;
  end: Reading["end"];
}

const expected: Record<string, Expected> = JSON.parse(
  readFileSync(new URL("../fixtures/usage.json", import.meta.url), "utf8"),
);
const cases = fixtureNames().map((name) => ({ name, recorded: recordedOf(loadFixture(name)) }));
const succeeded = cases.filter(({ recorded }) => recorded.status < 300);
const streams = succeeded.filter(({ recorded }) => readAnswer(recorded).streamed);

/** Nobody's figures may say that a part is more than its whole. */
function assertSound({ usage }: Reading, what: string): void {
  if (usage === undefined) return;
  const { input = Infinity, output = Infinity, cache_read = 0, cache_write = 0 } = usage;
  for (const [name, value] of Object.entries(usage)) {
    if (name === "units") continue;
    assert.ok(Number.isFinite(value) && value >= 0, `${what}: ${name} is ${value}`);
    if (name !== "cost") assert.ok(Number.isInteger(value), `${what}: ${name} is ${value}`);
  }
  assert.ok(cache_read + cache_write <= input, `${what}: more cached than there was`);
  assert.ok((usage.cache_write_1h ?? 0) <= cache_write, `${what}: more kept than written`);
  assert.ok((usage.reasoning ?? 0) <= output, `${what}: more reasoning than output`);
  assert.ok((usage.input_audio ?? 0) <= input, `${what}: more sound than input`);
  assert.ok((usage.output_image ?? 0) <= output, `${what}: more image than output`);
}

describe("recorded answers", () => {
  it("have their figures in usage.json, each of them", () => {
    assert.deepEqual(Object.keys(expected).sort(), cases.map(({ name }) => name).sort());
    assert.ok(Object.values(expected).filter(({ usage }) => usage).length > 550);
  });

  for (const { name, recorded } of cases) {
    it(name, () => {
      const { usage, model, finish, end } = expected[name]!;
      const reading = readAnswer(recorded);
      assert.deepEqual(reading.usage, usage);
      assert.equal(reading.end, end);
      if (recorded.status < 300 && reading.modelType !== "other") {
        assert.equal(reading.model, model);
        assert.equal(reading.finish, finish);
      }
      if (recorded.status >= 400) assert.ok(reading.error!.message.length > 5);
      assertSound(reading, name);
      assert.equal(typeof reading.text(), "string");
    });
  }
});

describe("a body that was cut", () => {
  it("never throws, and tells nothing that is unsound", () => {
    for (const { name, recorded } of cases) {
      const { head } = recorded;
      for (let part = 0; part <= 24; part++) {
        const length = Math.floor((head.length * part) / 24);
        const cut = readAnswer({ ...recorded, head: head.subarray(0, length) });
        assertSound(cut, `${name} cut at ${length}`);
        cut.text();
        assertSound(readAnswer({ ...recorded, head: head.subarray(length) }), `${name}, its end`);
      }
    }
  });

  it("is missing its end while no event was terminal", () => {
    const terminal =
      /"finish_?[rR]eason":\s*["\d]|_stop"|response\.(?:completed|incomplete|failed)|messageStop|message-end|completed"|"done":true|"blockReason"/;
    let tried = 0;
    for (const { name, recorded } of streams) {
      if (name.includes("/invoke-with-")) continue; // in base64
      for (const part of [0.3, 0.6, 0.9]) {
        const head = recorded.head.subarray(0, Math.floor(recorded.head.length * part));
        if (terminal.test(new TextDecoder().decode(head))) continue;
        tried++;
        assert.equal(readAnswer({ ...recorded, head }).end, "missing", `${name} at ${part}`);
      }
    }
    assert.ok(tried > 250, `${tried}`);
  });

  it("is missing its end when it is JSON", () => {
    for (const { name, recorded } of succeeded) {
      if (!/json/.test(recorded.contentType) || readAnswer(recorded).streamed) continue;
      const head = recorded.head.subarray(
        0,
        new TextDecoder().decode(recorded.head).trimEnd().length - 1,
      );
      assert.notEqual(readAnswer({ ...recorded, head }).end, "proven", name);
    }
  });
});

describe("the first content", () => {
  it("is where the first event ends that has some", () => {
    let tried = 0;
    for (const { name, recorded } of streams) {
      const { firstContent } = readAnswer(recorded);
      if (firstContent === undefined) {
        assert.equal(readAnswer(recorded).text(), "", name);
        continue;
      }
      tried++;
      assert.ok(firstContent > 0 && firstContent <= recorded.head.length, name);
      const until = { ...recorded, head: recorded.head.subarray(0, firstContent) };
      assert.equal(readAnswer(until).firstContent, firstContent, name);
      // Without its last bracket the event is none; an array's elements need no more.
      if (/^\s*\[/.test(new TextDecoder().decode(until.head))) continue;
      const short = until.head.subarray(0, until.head.lastIndexOf(0x7d));
      assert.equal(readAnswer({ ...recorded, head: short }).firstContent, undefined, name);
    }
    assert.ok(tried > 120, `${tried}`);
  });

  it("is not told of answers that are no streams", () => {
    for (const { name, recorded } of succeeded) {
      const reading = readAnswer(recorded);
      if (!reading.streamed) assert.equal(reading.firstContent, undefined, name);
    }
  });
});

describe("a body of which the middle was not kept", () => {
  /** Where its figures stand in the bytes. */
  function figures({ head }: Recorded): number {
    const text = new TextDecoder("latin1").decode(head);
    const key = /"(?:usage|tool_usage|usageMetadata|x_groq|meta|prompt_eval_count|metrics)"\s*:/g;
    const found = [...text.matchAll(key)].map(({ index }) => index);
    return found[0] ?? 0;
  }

  it("has the same figures when they are in what was kept", () => {
    let tried = 0;
    for (const { name, recorded } of succeeded) {
      const whole = readAnswer(recorded);
      if (whole.usage?.input === undefined || whole.streamed) continue;
      const start = figures(recorded);
      // A hole in front of the figures, and everything else.
      const head = Math.floor(start * 0.4);
      const tail = recorded.head.length - Math.floor(start * 0.9);
      if (start < 200) continue;
      tried++;
      const reading = readAnswer(withGap(recorded, head, tail));
      assert.deepEqual(reading.usage, whole.usage, name);
      assert.notEqual(reading.end, "missing", name);
    }
    assert.ok(tried > 200, `${tried}`);
  });

  it("has those figures or none, never wrong ones", () => {
    for (const { name, recorded } of succeeded) {
      const whole = readAnswer(recorded);
      if (whole.streamed) continue;
      for (let part = 1; part < 10; part++) {
        const head = Math.floor((recorded.head.length * part) / 10);
        const tail = Math.floor((recorded.head.length * (10 - part)) / 10 * 0.8);
        const { usage = {} } = readAnswer(withGap(recorded, head, tail));
        for (const [figure, value] of Object.entries(usage)) {
          if (figure === "units") continue;
          const was = whole.usage?.[figure as "input"];
          assert.equal(value, was, `${name}: ${figure} with ${head} and ${tail} bytes kept`);
        }
      }
    }
  });

  it("is a stream with the same end when its last events were kept", () => {
    let tried = 0;
    for (const { name, recorded } of streams) {
      const whole = readAnswer(recorded);
      const { length } = recorded.head;
      // Small ones have no event that is not cut.
      if (length < 4000 || whole.end !== "proven" || whole.usage === undefined) continue;
      tried++;
      const kept = Math.floor(length * 0.45);
      const reading = readAnswer(withGap(recorded, kept, kept));
      assert.deepEqual(reading.usage, whole.usage, name);
      assert.notEqual(reading.end, "missing", name);
      if (whole.firstContent! < kept) assert.equal(reading.firstContent, whole.firstContent, name);
    }
    assert.ok(tried > 60, `${tried}`);
  });

  it("is whole when nothing is between the two", () => {
    for (const { name, recorded } of succeeded) {
      const half = Math.floor(recorded.head.length / 2);
      const reading = readAnswer(withGap(recorded, half, recorded.head.length - half));
      const whole = readAnswer(recorded);
      assert.deepEqual(
        { ...reading, text: reading.text() },
        { ...whole, text: whole.text() },
        name,
      );
    }
  });
});
