/** Google's generateContent, as it was recorded. */
import { strict as assert } from "node:assert";
import { describe, it } from "node:test";
import { isGatewayError } from "../../core/error.ts";
import type { Event } from "../../core/formats/frames.ts";
import { assemble } from "../../core/unified/assemble.ts";
import type { ChatAnswer, ChatEvent, Part } from "../../core/unified/chat.ts";
import { gemini, geminiArray } from "../../core/unified/codecs/gemini.ts";
import { finishOf } from "../../core/unified/codecs/gemini/answer-read.ts";
import { eventsOf } from "../../core/unified/events.ts";
import { Lost } from "../../core/unified/lost.ts";
import { assertOrder, framed, readAll, writeAll } from "../support/chat-events.ts";
import type { Fixture } from "../support/fixtures.ts";
import { asked, type Json, modelOf, recordings, target, told } from "./unified-gemini.ts";

const encoder = new TextEncoder();
const requests = recordings.filter(({ requestBody }) => requestBody !== undefined);
const good = recordings.filter(({ status, name }) => status === 200 && told[name] !== undefined);
const isStream = ({ responseBody }: Fixture) => /^\s*(?:data:|\[)/.test(responseBody.toString());
const bodyOf = ({ responseBody }: Fixture) => responseBody.toString();

function eventsIn(fixture: Fixture): Event[] {
  const text = bodyOf(fixture).trimStart();
  return text.startsWith("data:")
    ? framed(encoder.encode(text))
    : [{ json: JSON.parse(text) as unknown }];
}

function told200(fixture: Fixture, answer: ChatAnswer) {
  const { usage, model, finish } = told[fixture.name]!;
  assert.deepEqual(answer.usage, usage);
  if (model !== undefined) assert.equal(answer.model, model);
  const [choice] = answer.choices;
  const called = choice!.parts.some(({ type }) => type === "tool_call");
  assert.equal(choice!.finish, finishOf(finish, called));
}

/** What every client of the format has to get again; of texts side by side a stream makes one. */
function essence({ id, model, choices, usage }: ChatAnswer): Json {
  return {
    id,
    model,
    usage,
    choices: choices.map(({ extra: _, parts, ...choice }) => {
      const whole: Json[] = [];
      for (const part of parts) {
        const { citations: __, ...one } = part as Part & { citations?: unknown };
        const last = whole.at(-1);
        if (one.type === "text" && last?.type === "text" && last.signature === undefined) {
          Object.assign(last, one, { text: last.text + one.text });
        } else whole.push(one);
      }
      return { ...choice, parts: whole };
    }),
  };
}

describe("recorded requests of Google's clients", () => {
  for (const fixture of requests) {
    it(`${fixture.name} is the same after it was read and written`, () => {
      const model = modelOf(fixture);
      const place = { model, stream: isStream(fixture) };
      const body = JSON.parse(fixture.requestBody!.toString());
      const request = gemini.readRequest(body, place);
      const lost = new Lost();
      const again = gemini.writeRequest(request, target(model), lost);
      assert.deepEqual(lost.names, []);
      assert.deepEqual(gemini.readRequest(JSON.parse(JSON.stringify(again)), place), request);
    });
  }

  it("are enough to mean something", () => assert.ok(requests.length > 40));
});

describe("recorded answers of Google's models", () => {
  for (const fixture of good.filter((one) => !isStream(one))) {
    const body = JSON.parse(bodyOf(fixture));
    it(`${fixture.name} says what was told`, () => {
      told200(fixture, gemini.readAnswer(body, target()));
    });

    it(`${fixture.name} is the same after it was read and written`, () => {
      const answer = gemini.readAnswer(body, target());
      const again = JSON.parse(JSON.stringify(gemini.writeAnswer(answer, asked())));
      assert.deepEqual(gemini.readAnswer(again, target()), answer);
    });

    it(`${fixture.name} is the same as a stream`, () => {
      const answer = gemini.readAnswer(body, target());
      const events = [...eventsOf(answer)];
      const text = writeAll(gemini.writeStream(asked()), events);
      const again = readAll(gemini.readStream(target()), framed(encoder.encode(text)));
      assertOrder(again);
      assert.deepEqual(essence(assemble(again, "gemini")), essence(answer));
    });
  }
});

describe("recorded streams of Google's models", () => {
  for (const fixture of good.filter(isStream)) {
    it(`${fixture.name} says what was told, in order`, () => {
      const events = readAll(gemini.readStream(target()), eventsIn(fixture));
      assertOrder(events);
      assert.equal(events.at(-1)!.type, "end");
      told200(fixture, assemble(events, "gemini"));
      for (const part of assemble(events).choices.flatMap(({ parts }) => parts)) {
        if (part.type === "tool_call") JSON.parse(part.arguments);
      }
    });

    it(`${fixture.name} is the same after it was read and written`, () => {
      const events = readAll(gemini.readStream(target()), eventsIn(fixture));
      const text = writeAll(gemini.writeStream(asked()), events);
      const again = readAll(gemini.readStream(target()), framed(encoder.encode(text)));
      assert.deepEqual(essence(assemble(again)), essence(assemble(events)));
      const array: unknown = JSON.parse(writeAll(geminiArray.writeStream(asked()), events));
      const third = readAll(gemini.readStream(target()), [{ json: array }]);
      assert.deepEqual(third, again);
    });

    it(`${fixture.name} that was cut is an error`, () => {
      const events = eventsIn(fixture);
      const [first] = events;
      const parts = Array.isArray(first!.json) ? first!.json.map((json) => ({ json })) : events;
      const firstEnd = parts.findIndex(({ json }) =>
        /"finishReason"/.test(JSON.stringify(json ?? null))
      );
      const read = readAll(gemini.readStream(target()), parts.slice(0, firstEnd));
      assertOrder(read);
      const last = read.at(-1)!;
      assert.ok(last.type === "error" && last.fault.status === 502);
    });
  }

  it("have arguments that Vertex AI streams", () => {
    const name = "google-ai-studio/vercel-gc-stream-stream-tool-call-arguments";
    const fixture = good.find((one) => one.name === name)!;
    const { choices } = assemble(readAll(gemini.readStream(target()), eventsIn(fixture)));
    const calls = choices[0]!.parts.filter((part) => part.type === "tool_call");
    assert.deepEqual(calls.map((call) => [call.name, call.arguments]), [
      ["getWeather", '{"location":"Boston"}'],
      ["getWeather", '{"location":"San Francisco"}'],
    ]);
    assert.equal(new Set(calls.map(({ id }) => id)).size, 2);
    assert.equal(calls[0]!.signature?.format, "gemini");
  });

  it("have sources where the text is", () => {
    const name = "google-ai-studio/generate-content-server-tools-citations-cached";
    const fixture = good.find((one) => one.name === name)!;
    const [choice] = gemini.readAnswer(JSON.parse(bodyOf(fixture)), target()).choices;
    const [text] = choice!.parts.filter((part) => part.type === "text");
    const segments = /"groundingSupports":[^]*/.exec(bodyOf(fixture))![0];
    assert.equal(text!.citations?.length, 10);
    for (const { start, end, url } of text!.citations!) {
      assert.ok(url!.startsWith("https://vertexaisearch.cloud.google.com/"));
      const words = JSON.stringify(text!.text.slice(start, end)).slice(1, -1);
      assert.ok(segments.includes(words) || /—/.test(words), words);
    }
  });
});

describe("streams that somebody broke", () => {
  const streams = good.filter(isStream).map(eventsIn);
  const junk: unknown[] = [
    null,
    0,
    -1,
    1e308,
    "",
    "x",
    true,
    [],
    {},
    [[]],
    { parts: 1 },
    { parts: [null, 1, "x", [], {}] },
    { functionCall: { name: 1, args: "x", partialArgs: [{ jsonPath: "$.__proto__.x[9]" }] } },
    { candidates: [{ index: -1 }, { index: 1e9 }, { index: "a" }] },
  ];

  /** The same for the same seed. */
  function random(seed: number): (below: number) => number {
    let state = seed;
    return (below) => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      return state % below;
    };
  }

  /** One value somewhere is another one. */
  function broken(value: unknown, pick: (below: number) => number): unknown {
    if (typeof value !== "object" || value === null || pick(8) === 0) {
      return junk[pick(junk.length)];
    }
    const keys = Object.keys(value);
    if (keys.length === 0) return junk[pick(junk.length)];
    const key = keys[pick(keys.length)]!;
    const copy = (Array.isArray(value) ? [...value] : { ...value }) as Json;
    copy[key] = broken(copy[key], pick);
    return copy;
  }

  it("end in order, with an end or an error, and can be written", () => {
    const pick = random(7);
    for (let round = 0; round < 3000; round++) {
      const events = streams[pick(streams.length)]!.map((event) =>
        pick(3) > 0
          ? event
          : pick(9) === 0
          ? { text: "{broken" }
          : { json: broken(event.json, pick) }
      );
      const read: ChatEvent[] = readAll(gemini.readStream(target()), events);
      assertOrder(read);
      const text = writeAll(gemini.writeStream(asked()), read);
      for (const { json } of framed(encoder.encode(text))) assert.equal(typeof json, "object");
      for (const part of assemble(read).choices.flatMap(({ parts }) => parts)) {
        if (part.type === "tool_call" && read.at(-1)!.type === "end") JSON.parse(part.arguments);
      }
    }
  });

  it("let answers be read that are none", () => {
    const pick = random(11);
    const answers = good.filter((one) => !isStream(one)).map((one) => JSON.parse(bodyOf(one)));
    for (let round = 0; round < 2000; round++) {
      const body = broken(answers[pick(answers.length)], pick) as Json;
      let answer: ChatAnswer;
      try {
        answer = gemini.readAnswer(typeof body === "object" && body !== null ? body : {}, target());
      } catch (error) {
        assert.equal((error as Error).name, "GatewayError");
        continue;
      }
      JSON.stringify(gemini.writeAnswer(answer, asked()));
    }
  });

  it("let requests be read that are none, or refuse them", () => {
    const pick = random(13);
    const bodies = requests.map((one) => JSON.parse(one.requestBody!.toString()) as Json);
    let refused = 0;
    for (let round = 0; round < 3000; round++) {
      let body: unknown = bodies[pick(bodies.length)];
      for (let i = pick(3); i >= 0; i--) body = broken(body, pick);
      if (typeof body !== "object" || body === null || Array.isArray(body)) continue;
      try {
        const request = gemini.readRequest(body as Json, {});
        JSON.stringify(gemini.writeRequest(request, target("gemini-3-flash"), new Lost()));
        const foreign = { ...request, format: "openai-chat" as const };
        JSON.stringify(gemini.writeRequest(foreign, target("gemini-2.0-flash"), new Lost()));
      } catch (error) {
        assert.ok(isGatewayError(error) && error.status === 400, String(error));
        refused++;
      }
    }
    assert.ok(refused > 100);
  });

  it("leave no trace in prototypes", () => {
    const events = [
      { jsonPath: "$.__proto__.bad", stringValue: "x" },
      { jsonPath: "$['constructor']['prototype']['bad']", stringValue: "x" },
      { jsonPath: "$.list[99999].a", numberValue: 1 },
      { jsonPath: "$['it\\'s'][0]", boolValue: true },
      { jsonPath: "$.none", nullValue: "NULL_VALUE" },
    ].map((partial, i) => ({
      json: {
        candidates: [{
          content: {
            parts: [{
              functionCall: {
                ...i === 0 && { name: "f" },
                partialArgs: [partial],
                ...i < 4 && { willContinue: true },
              },
            }],
          },
          ...i === 4 && { finishReason: "STOP" },
        }],
      },
    }));
    const { choices } = assemble(readAll(gemini.readStream(target()), events));
    const [call] = choices[0]!.parts;
    assert.equal(
      call!.type === "tool_call" && call.arguments,
      '{"constructor":{"prototype":{"bad":"x"}},"list":[{"a":1}],"it\'s":[true],"none":null}',
    );
    assert.equal(({} as Json).bad, undefined);
  });
});
