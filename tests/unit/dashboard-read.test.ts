/** What the dashboard shows of recorded requests and answers is what they say. */
import { strict as assert } from "node:assert";
import { describe, it } from "node:test";
import { type Answer, answerOf } from "../../dashboard/src/read/answer.ts";
import type { Piece } from "../../dashboard/src/read/pieces.ts";
import { askedOf } from "../../dashboard/src/read/request.ts";
import { AnswerReader } from "../../dashboard/src/read/stream.ts";
import { argsOf, recordedChats, type Recording } from "../support/unified-told.ts";

const recordings = recordedChats();
/** Several answers of one conversation were recorded behind each other; the last one is shown. */
const glued = /^anthropic\/vercel-stream-tool-search/;

/** As the stream came, cut anywhere. */
function read({ streamed, type, body }: Recording): Answer {
  if (!streamed) return answerOf(JSON.parse(new TextDecoder().decode(body)));
  const reader = new AnswerReader(type);
  for (let at = 0; at < body.length; at += 97) reader.push(body.subarray(at, at + 97));
  reader.end();
  return reader.answer;
}

const joined = (pieces: readonly Piece[], ...kinds: Piece["kind"][]): string =>
  pieces.flatMap((piece) => "text" in piece && kinds.includes(piece.kind) ? [piece.text] : [])
    .join("").replace(/!\[image\]\(data:[^)]*\)/g, "").replace(/[\s…]+/g, "");

describe("the dashboard's readers", () => {
  for (const recording of recordings) {
    const { name, told } = recording;
    if (glued.test(name)) continue;
    it(`show the answer of ${name}`, () => {
      const pieces = read(recording).choices[0]?.pieces ?? [];
      const text = told.text.replace(/!\[image\]\(data:[^)]*\)/g, "");
      assert.equal(joined(pieces, "text", "refusal"), text.replace(/[\s…]+/g, ""));
      assert.equal(joined(pieces, "reasoning"), told.thoughts.replace(/[\s…]+/g, ""));
      const names = told.calls.map((call) => call.name); // a provider's own tools are no calls there
      const calls = pieces.flatMap((piece) =>
        piece.kind === "call" && names.includes(piece.name)
          ? [{ name: piece.name, args: argsOf(piece.arguments) }]
          : []
      );
      assert.deepEqual(calls, told.calls);
    });
  }

  it("show every recorded request: its turns and tools, nothing of which is unknown", () => {
    let turns = 0, tools = 0;
    for (const { name, requestBody } of recordings) {
      if (requestBody === undefined) continue;
      const body = JSON.parse(requestBody.toString());
      const asked = askedOf(body);
      assert.ok(asked.turns.length > 0, name);
      turns += asked.turns.length;
      tools += asked.tools.length;
      for (const tool of asked.tools) assert.notEqual(tool.name, "", name);
      const parameters = Object.keys(asked.parameters);
      for (const apart of ["messages", "contents", "tools", "input"]) {
        assert.ok(!parameters.includes(apart), `${name} shows '${apart}' twice`);
      }
    }
    assert.ok(turns > 500 && tools > 100, `${turns} turns, ${tools} tools`);
  });

  it("show an image as an image, whichever format it came in", () => {
    const data = "iVBORw0KGgo=";
    const url = `data:image/png;base64,${data}`;
    const parts = [
      { type: "image_url", image_url: { url } },
      { type: "input_image", image_url: url },
      { type: "image", source: { type: "base64", media_type: "image/png", data } },
      { inlineData: { mimeType: "image/png", data } },
      { image: { format: "png", source: { bytes: data } } },
    ];
    for (const part of parts) {
      const { turns: [turn] } = askedOf({ messages: [{ role: "user", content: [part] }] });
      assert.deepEqual(
        turn?.pieces.map((piece) => piece.kind === "media" && [piece.media, piece.url]),
        [["image", url]],
      );
    }
  });

  it("read what no format has without failing", () => {
    const odd = [null, 1, "x", [], [[[]]], {}, { choices: [null, 3] }, { messages: 5, tools: "x" }];
    for (const value of [...odd, { content: [{ type: "text", text: 5 }] }, { __proto__: null }]) {
      assert.ok(Array.isArray(answerOf(value).choices));
      assert.ok(Array.isArray(askedOf(value).turns));
      const reader = new AnswerReader("text/event-stream");
      reader.push(new TextEncoder().encode(`data: ${JSON.stringify(value)}\n\ndata: [DONE]\n\n`));
      reader.end();
      assert.ok(Array.isArray(reader.answer.choices));
    }
  });

  it("keep what came of a stream that failed, and say why", () => {
    const reader = new AnswerReader("text/event-stream");
    const events = [
      { choices: [{ index: 0, delta: { content: "Half" } }] },
      { error: { message: "Overloaded", type: "server_error" } },
    ];
    for (const event of events) {
      reader.push(new TextEncoder().encode(`data: ${JSON.stringify(event)}\n\n`));
    }
    reader.end();
    assert.deepEqual(reader.answer.choices[0]?.pieces, [{ kind: "text", text: "Half" }]);
    assert.equal(reader.answer.error, "Overloaded");
  });
});
