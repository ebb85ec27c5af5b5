/**
 * Streams of providers that are cut, scrambled or malformed, through the whole gateway: nothing throws,
 * nothing hangs, and no client's stream ends as if it were whole when it is not.
 */
import { strict as assert } from "node:assert";
import { describe, it } from "node:test";
import type { ChatEvent, ChatFormat } from "../../core/unified/chat.ts";
import { codecs } from "../support/unified-codecs.ts";
import { assemble } from "../../core/unified/assemble.ts";
import { framerFor } from "../../core/unified/framing.ts";
import { assertOrder } from "../support/chat-events.ts";
import { dice } from "../support/exchanges.ts";
import { endOf, isError, plainRequest } from "../support/unified-ends.ts";
import { gatewayOver, speaking } from "../support/unified-gateway.ts";
import { unanswered } from "../support/unified-explained.ts";
import { type Json, modelOf, recordedChats, type Recording } from "../support/unified-told.ts";

const formats = Object.keys(codecs) as ChatFormat[];
const recordings = recordedChats();
const streams = recordings.filter(({ streamed, body, name }) =>
  streamed && body.length < 60_000 && !unanswered.some((one) => one.name.test(name))
);
const wholes = recordings.filter(({ streamed, body }) => !streamed && body.length < 30_000);
const [utf8, fromUtf8] = [new TextEncoder(), new TextDecoder()];

/** Text of a body of text; bytes of AWS stay what they are. */
const isText = ({ type }: Recording) => !type.includes("amazon");

interface Read {
  events: ChatEvent[];
}

/** What a provider's stream is read as, when it comes in these pieces. */
function read(
  { format, slug, model }: Recording,
  type: string,
  pieces: Iterable<Uint8Array>,
): Read {
  const events: ChatEvent[] = [];
  const emit = (event: ChatEvent) => void events.push(event);
  const target = { provider: slug, model, requestId: "0190-abcd", now: () => 0 };
  const reader = codecs[format].readStream(target);
  const framer = framerFor(type, (event) => reader.event(event, emit));
  for (const piece of pieces) framer.push(piece);
  framer.end();
  reader.end(emit);
  return { events };
}

function* singly(bytes: Uint8Array): Generator<Uint8Array> {
  for (let at = 0; at < bytes.length; at++) yield bytes.subarray(at, at + 1);
}

describe("a recorded stream", () => {
  it("is the same in pieces of a byte, whatever ends its lines", () => {
    for (const recording of streams) {
      const { type, body, name } = recording;
      const { events } = read(recording, type, [body]);
      assertOrder(events);
      assert.equal(events.at(-1)?.type, "end", name);
      if (body.length > 20_000) continue;
      assert.deepEqual(read(recording, type, singly(body)).events, events, name);
      if (!isText(recording)) continue;
      const text = fromUtf8.decode(body).replaceAll("\r\n", "\n");
      for (const ending of ["\n", "\r\n", "\r"]) {
        const bytes = utf8.encode(text.replaceAll("\n", ending));
        assert.deepEqual(read(recording, type, [bytes]).events, events, name);
        if (body.length > 4000) continue;
        assert.deepEqual(read(recording, type, singly(bytes)).events, events, name);
      }
    }
  });

  it("is the same in two pieces, cut anywhere", () => {
    const kinds = new Set<string>();
    for (const recording of streams) {
      const { type, body, format } = recording;
      const kind = `${format} ${type.split(";")[0]}`;
      if (body.length > 3500 || kinds.has(kind)) continue;
      kinds.add(kind);
      for (const ending of isText(recording) ? ["\n", "\r\n", "\r"] : [""]) {
        const text = fromUtf8.decode(body).replaceAll("\r\n", "\n");
        const bytes = ending === "" ? body : utf8.encode(text.replaceAll("\n", ending));
        const whole = JSON.stringify(read(recording, type, [bytes]).events);
        for (let cut = 1; cut < bytes.length; cut++) {
          const pieces = [bytes.subarray(0, cut), bytes.subarray(cut)];
          const again = JSON.stringify(read(recording, type, pieces).events);
          assert.equal(again, whole, `${recording.name} cut at ${cut}`);
        }
      }
    }
    assert.ok(kinds.size >= 5, [...kinds].join());
  });

  it("is the same as lines of JSON", () => {
    const recording = streams.find(({ format, slug }) =>
      format === "openai-chat" && slug === "groq"
    )!;
    const { events } = read(recording, recording.type, [recording.body]);
    const lines = fromUtf8.decode(recording.body).split(/\r?\n/)
      .filter((line) => line.startsWith("data: {")).map((line) => `${line.slice(6)}\n`).join("");
    for (const text of [lines, lines.trimEnd(), lines.replaceAll("\n", "\r\n\r\n")]) {
      const bytes = utf8.encode(text);
      for (const pieces of [[bytes], singly(bytes)]) {
        assert.deepEqual(read(recording, "application/x-ndjson", pieces).events, events);
      }
    }
  });

  it("has arguments that are JSON, unless it was cut off", () => {
    let calls = 0;
    for (const recording of streams) {
      const { events } = read(recording, recording.type, [recording.body]);
      for (const { parts, finish } of assemble(events).choices) {
        for (const part of parts) {
          if (part.type !== "tool_call" || part.custom || finish === "length") continue;
          calls++;
          if (part.arguments !== "") {
            assert.equal(typeof JSON.parse(part.arguments), "object", recording.name);
          }
        }
      }
    }
    assert.ok(calls > 50, `${calls}`);
  });
});

/** What a client gets for a stream of these bytes. */
async function got(
  { slug, format, type }: Recording,
  model: string,
  body: BodyInit,
  client: ChatFormat,
  { stream = true, contentType = type } = {},
): Promise<{ status: number; type: string; bytes: Uint8Array }> {
  const gateway = gatewayOver(
    () => new Response(body, { headers: { "content-type": contentType } }),
    { adapters: [speaking(slug, format)] },
  );
  const response = await gateway(plainRequest(client, model, stream));
  return {
    status: response.status,
    type: response.headers.get("content-type") ?? "",
    bytes: new Uint8Array(await response.arrayBuffer()),
  };
}

const shown = (bytes: Uint8Array) => fromUtf8.decode(bytes.subarray(-300));

/** Where the provider begins to say that it is done. */
const done: Record<ChatFormat, RegExp> = {
  "openai-chat": /"finish_reason": ?"/,
  "openai-responses": /response\.(?:completed|incomplete)/,
  "anthropic-messages": /"message_delta"|"stop_reason": ?"/,
  gemini: /"finishReason"|"promptFeedback"/,
  "bedrock-converse": /messageStop/,
  "cohere-v2": /"message-end"/,
};

describe("a stream that is cut", () => {
  it("before its end is an error for every client", async () => {
    let cuts = 0;
    for (const [index, recording] of streams.entries()) {
      if (!isText(recording) && recording.format === "anthropic-messages") continue; // in base64
      const { body, format, name } = recording;
      const text = new TextDecoder("latin1").decode(body);
      const end = text.search(done[format]);
      if (end < 0) continue;
      const chance = dice(1, index);
      // The event that says so, and its frame, come whole or not at all.
      const limit = isText(recording)
        ? Math.max(text.lastIndexOf("\n\n", end), text.lastIndexOf("\r\n\r\n", end))
        : end - 60;
      if (limit < 20) continue;
      for (const client of formats) {
        if (client === format) continue;
        const cut = Math.floor(chance() * limit);
        const { status, type, bytes } = await got(
          recording,
          modelOf(recording),
          body.slice(0, cut) as Uint8Array<ArrayBuffer>,
          client,
        );
        cuts++;
        assert.equal(status, 200);
        assert.equal(
          endOf(client, type, bytes),
          "error",
          `${name} for ${client} at ${cut}: ${shown(bytes)}`,
        );
      }
    }
    assert.ok(cuts > 500, `${cuts}`);
  });

  it("by its connection is an error for every client", async () => {
    for (const format of formats) {
      const recording = streams.find((one) => one.format === format && one.body.length > 500)!;
      for (const client of formats) {
        if (client === format) continue;
        let sent = false;
        const body = new ReadableStream({
          pull(controller) {
            if (sent) return controller.error(new Error("reset"));
            sent = true;
            controller.enqueue(recording.body.slice(0, 300));
          },
        });
        const { status, type, bytes } = await got(recording, modelOf(recording), body, client);
        assert.equal(status, 200);
        assert.equal(endOf(client, type, bytes), "error", `${format} for ${client}`);
      }
    }
  });
});

const odd: Json[] = [
  ...[null, true, 0, -1, 1e308, NaN, "", "x".repeat(2000), "\ud800", [], {}, [[]], [null]],
  { __proto__: null, constructor: 1 },
  JSON.parse('{"__proto__": {"type": "text"}, "toString": 1}'),
  JSON.parse(`${"[".repeat(200)}${"]".repeat(200)}`),
];

/** Another value somewhere in a piece of JSON. */
function altered(value: Json, chance: () => number): Json {
  const spots: [Json, string | number][] = [];
  const walk = (at: Json) => {
    if (typeof at !== "object" || at === null) return;
    for (const key of Object.keys(at)) {
      spots.push([at, key]);
      walk(at[key]);
    }
  };
  walk(value);
  const pick = <T>(list: readonly T[]): T => list[Math.floor(chance() * list.length)]!;
  for (let times = 1 + Math.floor(chance() * 2); times > 0 && spots.length > 0; times--) {
    const [at, key] = pick(spots);
    if (chance() < 0.3) delete at[key];
    else at[key] = structuredClone(pick(odd));
  }
  return value;
}

/** The bytes of a stream, not as they were. */
function mutated(recording: Recording, chance: () => number): Uint8Array {
  const { body } = recording;
  const kind = Math.floor(chance() * 6);
  if (!isText(recording) || kind === 0) {
    const bytes = body.slice();
    for (let times = 1 + Math.floor(chance() * 8); times > 0; times--) {
      bytes[Math.floor(chance() * bytes.length)] = Math.floor(chance() * 256);
    }
    return bytes;
  }
  const events = fromUtf8.decode(body).split(/(?<=\n\n|\r\n\r\n)/);
  const at = () => Math.floor(chance() * events.length);
  if (kind === 1) events.splice(at(), 1);
  else if (kind === 2) events.splice(at(), 0, events[at()]!);
  else if (kind === 3) [events[0], events[events.length - 1]] = [events[at()]!, events[at()]!];
  else {
    for (let times = 1 + Math.floor(chance() * 3); times > 0; times--) {
      const index = at();
      events[index] = events[index]!.replace(/^data: ?(\{.*\})$/m, (line, json) => {
        try {
          return `data: ${JSON.stringify(altered(JSON.parse(json), chance))}`;
        } catch {
          return line;
        }
      });
    }
  }
  return utf8.encode(events.join(""));
}

describe("a malformed answer", () => {
  it("of a stream ends as the client's format says, for every client", async () => {
    for (let n = 0; n < 1800; n++) {
      const chance = dice(7, n);
      const recording = streams[Math.floor(chance() * streams.length)]!;
      const others = formats.filter((one) => one !== recording.format);
      const client = others[Math.floor(chance() * others.length)]!;
      const bytes = mutated(recording, chance) as Uint8Array<ArrayBuffer>;
      const stream = chance() < 0.85;
      const answer = await got(recording, modelOf(recording), bytes, client, { stream });
      const about = `${n}: ${recording.name} for ${client}: ${answer.status} ${
        shown(answer.bytes)
      }`;
      if (stream && answer.status === 200) {
        assert.notEqual(endOf(client, answer.type, answer.bytes), "silent", about);
      } else {
        const body = JSON.parse(fromUtf8.decode(answer.bytes));
        if (answer.status >= 400) assert.ok(isError(client, body), about);
        assert.notEqual(answer.status, 500, about);
      }
    }
  });

  it("of a whole one is an answer or an error, for every client", async () => {
    for (let n = 0; n < 1800; n++) {
      const chance = dice(11, n);
      const recording = wholes[Math.floor(chance() * wholes.length)]!;
      const others = formats.filter((one) => one !== recording.format);
      const client = others[Math.floor(chance() * others.length)]!;
      const json = JSON.parse(fromUtf8.decode(recording.body));
      const text = chance() < 0.8
        ? JSON.stringify(altered(json, chance))
        : fromUtf8.decode(recording.body).slice(0, Math.floor(chance() * 300));
      const stream = chance() < 0.4;
      const answer = await got(recording, modelOf(recording), text, client, { stream });
      const about = `${n}: ${recording.name} for ${client}: ${answer.status} ${
        shown(answer.bytes)
      }`;
      assert.notEqual(answer.status, 500, about);
      if (answer.status >= 400) {
        assert.ok(isError(client, JSON.parse(fromUtf8.decode(answer.bytes))), about);
      } else if (stream) assert.notEqual(endOf(client, answer.type, answer.bytes), "silent", about);
    }
  });

  it("of another type is an answer or an error, for every client", async () => {
    const types = [
      ...["text/html", "text/plain", "application/json", "application/octet-stream", ""],
      ...["text/event-stream", "application/x-ndjson", "application/vnd.amazon.eventstream"],
    ];
    for (const format of formats) {
      const recording = recordings.find((one) => one.format === format && one.streamed)!;
      for (const contentType of types) {
        for (const body of ["", "<html>", "{}", "[]", "null", "data: {}\n\n", "data: [DONE]\n\n"]) {
          for (const client of formats) {
            if (client === format) continue;
            for (const stream of [true, false]) {
              const answer = await got(recording, modelOf(recording), body, client, {
                stream,
                contentType,
              });
              const about = `'${body}' as '${contentType}' of ${format} for ${client}: ` +
                `${answer.status} ${shown(answer.bytes)}`;
              if (answer.status >= 400) {
                assert.notEqual(answer.status, 500, about);
                assert.ok(isError(client, JSON.parse(fromUtf8.decode(answer.bytes))), about);
              } else if (stream) {
                assert.notEqual(endOf(client, answer.type, answer.bytes), "silent", about);
              }
            }
          }
        }
      }
    }
  });
});

describe("a malformed request", () => {
  it("is told to its client, or left to the provider", async () => {
    const requests = recordings.filter(({ requestBody }) => requestBody?.[0] === 0x7b)
      .filter(({ requestBody }) => requestBody!.length < 30_000);
    const targets: Record<string, Recording> = {};
    for (const format of formats) {
      targets[format] = wholes.find((one) => one.format === format && one.slug !== "azure-openai")!;
    }
    let refused = 0;
    for (let n = 0; n < 1800; n++) {
      const chance = dice(13, n);
      const { format: client, requestBody, url } =
        requests[Math.floor(chance() * requests.length)]!;
      const target = targets[formats[Math.floor(chance() * formats.length)]!]!;
      const gateway = gatewayOver(
        () =>
          new Response(target.body as Uint8Array<ArrayBuffer>, {
            headers: { "content-type": target.type },
          }),
        { adapters: [speaking(target.slug, target.format)] },
      );
      const plain = plainRequest(
        client,
        modelOf(target),
        /stream/i.test(url.replace(/^\w+:\/\/[^/]+/, "")),
      );
      const body = altered(JSON.parse(requestBody!.toString()), chance);
      if ("model" in (await plain.clone().json())) body.model = modelOf(target);
      const response = await gateway(new Request(plain, { body: JSON.stringify(body) }));
      const bytes = new Uint8Array(await response.arrayBuffer());
      const about = `${n}: ${client} to ${target.format}: ${response.status} ${shown(bytes)} ${
        JSON.stringify(body).slice(0, 500)
      }`;
      assert.ok(response.status < 500, about);
      if (response.status < 400) continue;
      refused++;
      assert.ok(isError(client, JSON.parse(fromUtf8.decode(bytes))), about);
    }
    assert.ok(refused > 50, `${refused}`);
  });
});
