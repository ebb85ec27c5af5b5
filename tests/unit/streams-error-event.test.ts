/** The last event of a stream that did not come to its end, behind every recorded stream cut anywhere. */
import { strict as assert } from "node:assert";
import { describe, it } from "node:test";
import { AwsFrames } from "../../core/formats/aws-frames.ts";
import { readAnswer, type Recorded } from "../../core/formats/read.ts";
import type { FormatName } from "../../core/provider.ts";
import { errorEvent, streamShape } from "../../core/streams/error-event.ts";
import { providers } from "../../mod.ts";
import { recordedOf } from "../support/answers.ts";
import { fixtureNames, loadFixture } from "../support/fixtures.ts";

const message = "The provider broke off before its answer was complete";
const mishap = { code: "upstream_cut", message };
const formats = new Map<string, FormatName | undefined>(
  providers.map(({ slug, format }) => [slug, format]),
);

const streams = fixtureNames().map((name) => ({ name, recorded: recordedOf(loadFixture(name)) }))
  .filter(({ recorded: { contentType, path, status } }) =>
    status < 300 && streamShape(contentType, path) !== undefined
  );

/** Where events end. */
function boundaries({ head, contentType, path }: Recorded): number[] {
  const ends: number[] = [];
  switch (streamShape(contentType, path)) {
    case "aws": {
      const frames = new AwsFrames(head);
      return Array.from({ length: frames.length }, (_, i) => frames.end(i));
    }
    case "lines":
      head.forEach((byte, i) => byte === 0x0a && ends.push(i + 1));
      return ends;
    case "sse": {
      const text = new TextDecoder("latin1").decode(head);
      for (const { index, 0: blank } of text.matchAll(/\n\n|\r\n\r\n/g)) {
        ends.push(index + blank.length);
      }
      return ends;
    }
    default:
      // Between the elements of an array.
      for (const { index } of new TextDecoder().decode(head).matchAll(/^[,\]]/gm)) ends.push(index);
      return ends;
  }
}

function appended(recorded: Recorded, length: number): Recorded | undefined {
  const { contentType, path, provider, head } = recorded;
  const sent = head.subarray(0, length);
  const last = errorEvent({ contentType, path, format: formats.get(provider), tail: sent }, mishap);
  return last && { ...recorded, head: new Uint8Array([...sent, ...last]) };
}

describe("the error event behind a recorded stream", () => {
  it("is there for over a hundred recordings", () => assert.ok(streams.length > 100));

  for (const { name, recorded } of streams) {
    it(`${name}`, () => {
      const shape = streamShape(recorded.contentType, recorded.path);
      const ends = boundaries(recorded);
      assert.ok(ends.length > 0);
      // The last is the end itself.
      const some = ends.slice(0, -1).filter((_, i) => i % Math.ceil(ends.length / 12) === 0);
      for (const end of [0, ...some]) {
        const { error, end: proof } = readAnswer(appended(recorded, end)!);
        assert.equal(error?.message, message, `Behind ${end} bytes`);
        // Cohere has an event for both.
        if (!/^cohere\/(?!compat)/.test(name)) assert.notEqual(proof, "proven");
      }
      // In the middle of an event: a reader of lines comes by it.
      if (shape !== "sse" && shape !== "lines") return;
      for (const end of some) {
        const { error } = readAnswer(appended(recorded, end + 9)!);
        assert.equal(error?.message, message, `Behind ${end + 9} bytes`);
      }
    });
  }
});

describe("the error event", () => {
  const decoder = new TextDecoder();
  const text = (
    path: string,
    { contentType = "text/event-stream", format, tail }: {
      contentType?: string;
      format?: FormatName;
      tail?: string;
    } = {},
  ) => {
    const bytes = tail === undefined ? undefined : new TextEncoder().encode(tail);
    const event = errorEvent({ path, contentType, format, tail: bytes }, mishap);
    return event && decoder.decode(event);
  };
  const full = { message, type: "api_error", param: null, code: "upstream_cut" };

  it("of OpenAI's chat has no name", () => {
    for (const path of ["chat/completions", "v1/completions", "openai/v1/chat/completions"]) {
      assert.equal(text(path), `data: ${JSON.stringify({ error: full })}\n\n`);
    }
  });

  it("of Responses goes on counting", () => {
    const of = (tail?: string) => {
      const event = text("responses", tail === undefined ? {} : { tail })!;
      assert.ok(event.startsWith("event: error\ndata: "));
      return JSON.parse(event.slice("event: error\ndata: ".length)) as Record<string, unknown>;
    };
    assert.deepEqual(
      of('data: {"type":"a","sequence_number":6}\n\ndata: {"sequence_number": 7}\n\n'),
      {
        type: "error",
        code: "upstream_cut",
        message,
        param: null,
        sequence_number: 8,
        error: full,
      },
    );
    assert.equal(of()["sequence_number"], 0);
    assert.equal(of('data: {"sequence_number":99999999999999999999999}\n\n')["sequence_number"], 0);
  });

  it("of Anthropic is an error of its API, wherever it is served", () => {
    const error = { type: "error", error: { type: "api_error", message } };
    const expected = `event: error\ndata: ${JSON.stringify(error)}\n\n`;
    for (
      const path of [
        "v1/messages",
        "anthropic/v1/messages",
        "v1/projects/p/locations/l/publishers/anthropic/models/claude:streamRawPredict",
      ]
    ) assert.equal(text(path), expected, path);
  });

  it("of Google has its codes, in events and in an array", () => {
    const path = "v1beta/models/gemini:streamGenerateContent";
    const error = { error: { code: 503, message, status: "UNAVAILABLE" } };
    assert.equal(text(path), `data: ${JSON.stringify(error)}\n\n`);
    const contentType = "application/json; charset=UTF-8";
    for (const tail of ["", "[", '[{"a":1}', '[{"a":1}\n,', '[{"a":[]}\r\n,\r\n{"a":"]"}\n']) {
      const array = JSON.parse(tail + text(path, { contentType, tail })!) as unknown[];
      assert.deepEqual(array.at(-1), error, tail);
    }
    assert.equal(text(path, { contentType, tail: "[{}]\n" }), undefined);
    assert.equal(text("v1beta/models/gemini:generateContent", { contentType }), undefined);
  });

  it("of Cohere is its end, with the reason", () => {
    const event = text("v2/chat", { format: "cohere-v2" })!;
    assert.match(
      event,
      /^event: message-end\ndata: \{.*"finish_reason":"ERROR".*\}\n\ndata: \[DONE\]\n\n$/,
    );
    const line = text("v1/chat", { format: "cohere-v2", contentType: "application/stream+json" })!;
    assert.equal(JSON.parse(line).event_type, "stream-end");
  });

  it("of Ollama is a line", () => {
    for (const tail of ["", '{"done":false}\n', '{"do']) {
      const line = text("api/chat", { contentType: "application/x-ndjson", tail })!;
      assert.equal(line.startsWith("\n"), tail.endsWith("o"));
      assert.deepEqual(JSON.parse(line), { error: message, error_type: "upstream_cut" });
    }
  });

  it("of Bedrock is an exception with its checksums", () => {
    const contentType = "application/vnd.amazon.eventstream";
    const bytes = errorEvent(
      { path: "model/m/converse-stream", contentType, format: undefined },
      mishap,
    )!;
    const view = new DataView(bytes.buffer);
    assert.equal(view.getUint32(0), bytes.length);
    assert.equal(view.getUint32(8), crc(bytes.subarray(0, 8)));
    assert.equal(view.getUint32(bytes.length - 4), crc(bytes.subarray(0, -4)));
    assert.match(decoder.decode(bytes), /:exception-type.{3}modelStreamErrorException/s);
  });

  it("of any other stream is one that most clients take for an error", () => {
    const expected = `event: error\ndata: ${JSON.stringify({ type: "error", error: full })}\n\n`;
    for (const path of ["", "own/stream", "@cf/meta/llama", "audio/speech"]) {
      assert.equal(text(path), expected);
    }
  });

  it("ends an event that was cut, and no other", () => {
    const before = (tail: string) => /^\s*/.exec(text("chat/completions", { tail })!)![0];
    for (const tail of ["", "data: a\n\n", "data: a\r\n\r\n", ": x\n\n"]) {
      assert.equal(before(tail), "");
    }
    for (const tail of ["data: a\n", "data: a\r\n"]) assert.equal(before(tail), "\n");
    for (const tail of ["d", "data: a", "data: a\n\nda"]) assert.equal(before(tail), "\n\n");
  });

  it("is there for streams alone", () => {
    for (const contentType of ["", "application/json", "text/plain", "audio/mpeg", "text/html"]) {
      assert.equal(text("chat/completions", { contentType }), undefined, contentType);
    }
  });
});

/** IEEE CRC-32, by its definition. */
function crc(bytes: Uint8Array): number {
  let rest = 0xffffffff;
  for (const byte of bytes) {
    for (let bit = 0; bit < 8; bit++) {
      const one = ((rest ^ (byte >> bit)) & 1) === 1;
      rest >>>= 1;
      if (one) rest ^= 0xedb88320;
    }
  }
  return ~rest >>> 0;
}
