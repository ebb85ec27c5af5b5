// What requests tell: recorded ones, forms, and what is cut or broken.
import { strict as assert } from "node:assert";
import { describe, it } from "node:test";
import { readRequest } from "../../core/formats/request.ts";
import { fixtureNames, loadFixture } from "../support/fixtures.ts";

const bytes = (text: string) => new TextEncoder().encode(text);
const read = (body: unknown, path = "chat/completions") =>
  readRequest({ contentType: "application/json", path, body: bytes(JSON.stringify(body)) });

describe("requests", () => {
  it("that were recorded tell their model and stream", () => {
    let models = 0;
    for (const name of fixtureNames()) {
      const { requestBody } = loadFixture(name);
      const text = requestBody?.toString() ?? "";
      if (!text.startsWith("{")) continue;
      const body = JSON.parse(text);
      const request = readRequest({ contentType: "", path: "", body: bytes(text) });
      assert.equal(request.model, body.model ?? body.model_id, name);
      assert.equal(request.stream, body.stream, name);
      if (request.model !== undefined) models++;
      if (body.messages?.[0]?.content?.length > 0 && typeof body.messages[0].content === "string") {
        assert.ok(request.text().includes(body.messages[0].content), name);
      }
      // Cut anywhere: what is read was there.
      for (let part = 1; part < 16; part++) {
        const body = bytes(text).subarray(0, Math.floor((text.length * part) / 16));
        const cut = readRequest({ contentType: "application/json", path: "", body });
        assert.ok(cut.model === undefined || request.model!.startsWith(cut.model), name);
        assert.equal(typeof cut.text(), "string", name);
      }
    }
    assert.ok(models > 300, `${models}`);
  });

  const rows: [what: string, body: unknown, text: string][] = [
    [
      "OpenAI",
      {
        model: "m",
        user: "me",
        messages: [
          { role: "system", content: "Be brief" },
          {
            role: "user",
            content: [
              { type: "text", text: "What is this?" },
              { type: "image_url", image_url: { url: "data:image/png;base64,AAAA" } },
            ],
          },
          {
            role: "assistant",
            content: null,
            tool_calls: [{ id: "call_1", function: { name: "look", arguments: '{"at":1}' } }],
          },
          { role: "tool", tool_call_id: "call_1", content: "A cat" },
        ],
      },
      'Be brief\nWhat is this?\nlook\n{"at":1}\nA cat',
    ],
    [
      "Responses",
      {
        instructions: "Be brief",
        input: [{ type: "message", role: "user", content: [{ type: "input_text", text: "Hi" }] }],
        include: ["reasoning.encrypted_content"],
      },
      "Be brief\nHi",
    ],
    [
      "Anthropic",
      {
        system: [{ type: "text", text: "Be brief", cache_control: { type: "ephemeral" } }],
        messages: [{
          role: "user",
          content: [
            {
              type: "document",
              source: { type: "base64", media_type: "application/pdf", data: "AAAA" },
            },
            { type: "tool_result", tool_use_id: "t", content: [{ type: "text", text: "A cat" }] },
          ],
        }],
        tools: [{ name: "look", input_schema: { properties: { at: {} } } }],
      },
      'Be brief\nA cat\n[{"name":"look","input_schema":{"properties":{"at":{}}}}]',
    ],
    [
      "Gemini",
      {
        systemInstruction: { parts: [{ text: "Be brief" }] },
        contents: [{
          role: "user",
          parts: [{ text: "Hi" }, { inlineData: { mimeType: "image/png", data: "AAAA" } }],
        }],
        generationConfig: { responseMimeType: "text/plain" },
      },
      "Be brief\nHi",
    ],
    [
      "Bedrock",
      { system: [{ text: "Be brief" }], messages: [{ role: "user", content: [{ text: "Hi" }] }] },
      "Be brief\nHi",
    ],
    [
      "Cohere",
      {
        message: "Hi",
        chat_history: [{ role: "USER", message: "Before" }],
        documents: [{ id: "1", data: { text: "A fact" } }],
      },
      "Hi\nBefore\nA fact",
    ],
    ["reranking", { query: "q", documents: ["a", { text: "b" }], top_n: 1 }, "q\na\nb"],
    ["embeddings", { input: ["a", "b"], encoding_format: "base64" }, "a\nb"],
    ["Vertex AI", { instances: [{ content: "a" }], parameters: { x: "y" } }, "a"],
    ["Replicate", { version: "v", input: { prompt: "a", image: "data:image/png;base64,AA" } }, "a"],
    ["nothing", {}, ""],
  ];
  for (const [what, body, text] of rows) {
    it(`of ${what} tell their text`, () => assert.equal(read(body).text(), text));
  }

  it("that are cut tell what there is", () => {
    const body = JSON.stringify({
      model: "m",
      stream: true,
      messages: [{ role: "user", content: 'One "two" thr\\ee four' }],
    });
    const cut = body.slice(0, body.indexOf("four") + 2);
    const request = readRequest({ contentType: "", path: "", body: bytes(cut) });
    assert.equal(request.model, "m");
    assert.equal(request.stream, true);
    assert.equal(request.text(), 'One "two" thr\\ee fo');
  });

  it("ask for a stream by their path as well", () => {
    assert.equal(read({}, "v1beta/models/g:streamGenerateContent").stream, true);
    assert.equal(read({}, "model/m/converse-stream").stream, true);
    assert.equal(read({}, "model/m/invoke-with-response-stream").stream, true);
    assert.equal(read({}, "model/m/converse").stream, undefined);
    assert.equal(read({ stream: false }).stream, false);
    assert.equal(read({ stream: "yes", model: 5 }).stream, undefined);
    assert.equal(read({ stream: "yes", model: 5 }).model, undefined);
  });
});

describe("forms", () => {
  const form = (parts: string[], boundary = "bnd") =>
    parts.map((part) => `--${boundary}\r\n${part}\r\n`).join("") + `--${boundary}--\r\n`;
  const file = (size: number) =>
    'Content-Disposition: form-data; name="file"; filename="a.wav"\r\n' +
    `Content-Type: audio/wav\r\n\r\n${"\u0001".repeat(size)}`;
  const field = (name: string, value: string) =>
    `Content-Disposition: form-data; name="${name}"\r\n\r\n${value}`;
  const readForm = (body: string, contentType = "multipart/form-data; boundary=bnd") =>
    readRequest({ contentType, path: "audio/transcriptions", body: bytes(body) });

  it("tell their fields, before and behind a file of any size", () => {
    for (const size of [10, 500_000]) {
      const before = readForm(form([field("model", "whisper-1"), file(size)]));
      const behind = readForm(
        form([file(size), field("prompt", "Hi"), field("model", "whisper-1")]),
      );
      assert.equal(before.model, "whisper-1");
      assert.equal(behind.model, "whisper-1");
      assert.equal(behind.text(), "Hi");
    }
  });

  it("may quote their boundary, and say that they want a stream", () => {
    const body = form([field("model", "m"), field("stream", "true")], "a b");
    const request = readForm(body, 'multipart/form-data; charset=utf-8; boundary="a b"');
    assert.equal(request.model, "m");
    assert.equal(request.stream, true);
  });

  it("of which only the beginning is there tell what they can", () => {
    const body = form([field("model", "m"), file(100)]);
    for (let length = 0; length < body.length; length++) {
      const { model } = readForm(body.slice(0, length));
      assert.ok(model === undefined || model === "m", `${model}`);
    }
    assert.equal(readForm(body.slice(0, -100)).model, "m");
  });

  it("are not mistaken for one by what a file holds", () => {
    const inside = form([field("model", "fake")], "other");
    assert.equal(readForm(form([file(5) + inside, field("model", "m")])).model, "m");
    // Nor by what stands in front of it.
    assert.equal(
      readForm(field("model", "fake") + "\r\n" + form([field("n", "1")])).model,
      undefined,
    );
    assert.equal(readForm("no form at all").model, undefined);
    assert.equal(readForm("--bnd\r\n", "multipart/form-data").model, undefined);
  });
});

describe("other bodies", () => {
  it("tell nothing", () => {
    for (const body of ["", "ID3\u0003", "[1,2]", "null", '"model"', "{", "\ufeff", "<xml/>"]) {
      const request = readRequest({ contentType: "audio/wav", path: "listen", body: bytes(body) });
      assert.equal(request.model, undefined, body);
      assert.equal(request.stream, undefined, body);
      assert.equal(request.text(), "", body);
    }
  });
});
