/** How streams end for their clients, format by format: whole, cut, unfinished, in error. */
import { strict as assert } from "node:assert";
import { describe, it } from "node:test";
import { log } from "../../mod.ts";
import type { Reading } from "../../core/formats/read.ts";
import { both, type Ending, observe, type Observer } from "../../core/streams/observe.ts";
import { type Ended, lastWords } from "../../core/streams/ending.ts";
import { eventStream } from "../support/answers.ts";
import { type Answer, chat, cut, native, scripted, stall, stream } from "./scripted.ts";

const named = (event: { type: string }) =>
  `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`;
const data = (event: unknown) => `data: ${JSON.stringify(event)}\n\n`;
const line = (value: unknown) => `${JSON.stringify(value)}\n`;
const decoded = (bytes: Uint8Array) => new TextDecoder("latin1").decode(bytes);

interface Wire {
  name: string;
  path: string;
  contentType?: string;
  /** Content, without proof of an end. */
  begun: (string | Uint8Array)[];
  /** The proof. */
  proof: (string | Uint8Array)[];
  /** An error of the provider's own. */
  fault: string | Uint8Array;
  /** What tells that it was cut. */
  told: RegExp;
}

const aws = (...messages: (readonly [string, unknown])[]) => eventStream(messages);
const gemini = (text: string, finishReason?: string) => ({
  candidates: [{ content: { parts: [{ text }] }, ...finishReason && { finishReason } }],
});

const wires: Wire[] = [
  {
    name: "OpenAI chat",
    path: "openai/chat/completions",
    begun: [chat.role, chat.text("Hi")],
    proof: [chat.stop, chat.done],
    fault: chat.error({ message: "m" }),
    told: /^data: \{"error":\{"message":"The provider .*"code":"upstream_cut"\}\}\n\n$/,
  },
  {
    name: "OpenAI completions",
    path: "openai/completions",
    begun: [data({ choices: [{ index: 0, text: "Hi", finish_reason: null }] })],
    proof: [data({ choices: [{ index: 0, text: "", finish_reason: "stop" }] }), chat.done],
    fault: chat.error({ message: "m" }),
    told: /^data: \{"error":\{/,
  },
  {
    name: "OpenAI responses",
    path: "openai/responses",
    begun: [
      `event: response.output_text.delta\n${
        data({ type: "response.output_text.delta", delta: "Hi", sequence_number: 4 })
      }`,
    ],
    proof: [
      `event: response.completed\n${
        data({ type: "response.completed", response: { object: "response", status: "completed" } })
      }`,
    ],
    fault: `event: error\n${data({ type: "error", message: "m", code: "c" })}`,
    told: /^event: error\ndata: \{"type":"error".*"sequence_number":5/,
  },
  {
    name: "Anthropic messages",
    path: "anthropic/v1/messages",
    begun: [
      `event: message_start\n${data({ type: "message_start", message: { model: "m" } })}`,
      `event: content_block_delta\n${
        data({ type: "content_block_delta", delta: { type: "text_delta", text: "Hi" } })
      }`,
    ],
    proof: [named({ type: "message_stop" })],
    fault: `event: error\n${data({ type: "error", error: { type: "api_error", message: "m" } })}`,
    told: /^event: error\ndata: \{"type":"error","error":\{"type":"api_error"/,
  },
  {
    name: "Gemini in events",
    path: "google-ai-studio/v1beta/models/m:streamGenerateContent?alt=sse",
    begun: [data(gemini("Hi"))],
    proof: [data(gemini("", "STOP"))],
    fault: data({ error: { code: 500, message: "m", status: "INTERNAL" } }),
    told: /^data: \{"error":\{"code":503,.*"UNAVAILABLE"\}\}\n\n$/,
  },
  {
    name: "Gemini in an array",
    path: "google-ai-studio/v1beta/models/m:streamGenerateContent",
    contentType: "application/json",
    begun: [`[${JSON.stringify(gemini("Hi"))}`],
    proof: [`,\r\n${JSON.stringify(gemini("", "STOP"))}\n]`],
    fault: `,\n${JSON.stringify({ error: { code: 500, message: "m" } })}]`,
    told: /^,\n\{"error":\{"code":503,.*\}\}\n\]$/,
  },
  {
    name: "Bedrock converse",
    path: "aws-bedrock/bedrock-runtime/us-east-1/model/m/converse-stream",
    contentType: "application/vnd.amazon.eventstream",
    begun: [
      aws(["messageStart", { role: "assistant" }]),
      aws(["contentBlockDelta", { delta: { text: "Hi" } }]),
    ],
    proof: [aws(["messageStop", { stopReason: "end_turn" }], ["metadata", { usage: {} }])],
    fault: aws(["throttlingException", { message: "m" }]),
    told: /:exception-type.{3}modelStreamErrorException.*The provider broke off/s,
  },
  {
    name: "Cohere chat",
    path: "cohere/v2/chat",
    begun: [
      `event: content-delta\n${
        data({ type: "content-delta", delta: { message: { content: { text: "Hi" } } } })
      }`,
    ],
    proof: [
      `event: message-end\n${data({ type: "message-end", delta: { finish_reason: "COMPLETE" } })}`,
      chat.done,
    ],
    fault: `event: message-end\n${
      data({ type: "message-end", delta: { finish_reason: "ERROR", error: "m" } })
    }`,
    told: /^event: message-end\ndata: .*"finish_reason":"ERROR".*\n\ndata: \[DONE\]\n\n$/,
  },
  {
    name: "Ollama chat",
    path: "ollama/api/chat",
    contentType: "application/x-ndjson",
    begun: [line({ model: "m", message: { content: "Hi" }, done: false })],
    proof: [line({ model: "m", message: { content: "" }, done: true })],
    fault: line({ error: "m" }),
    told: /^\{"error":"The provider broke off[^\n]*\}\n$/,
  },
  {
    name: "Workers AI",
    path: "workers-ai/@cf/meta/llama-3",
    begun: [data({ response: "Hi" })],
    proof: [data({ response: "", usage: { total_tokens: 1 } }), chat.done],
    fault: data({ error: { message: "m" } }),
    told: /^event: error\ndata: \{"type":"error","error":\{"message":"The provider/,
  },
];

for (const { name, path, contentType = "text/event-stream", begun, proof, fault, told } of wires) {
  describe(name, () => {
    const sent = (parts: (string | Uint8Array)[]) =>
      parts.map((part) => typeof part === "string" ? part : decoded(part)).join("");

    async function ask(parts: Parameters<typeof stream>[0]) {
      const { post, rows } = scripted({ plugins: [log()] }, [stream(parts, { contentType })]);
      const response = await post(`/v1/acc/default/${path}`, { stream: true });
      const text = decoded(await response.bytes());
      const [row, ...more] = await rows();
      assert.deepEqual(more, []);
      return { text, row: [row!.success, row!.end], status: response.status };
    }

    it("that is whole is as it was", async () => {
      const parts = [...begun, ...proof];
      assert.deepEqual(await ask(parts), {
        text: sent(parts),
        row: [true, "complete"],
        status: 200,
      });
    });

    it("that breaks behind its end is as it was", async () => {
      const parts = [...begun, ...proof];
      assert.deepEqual(await ask([...parts, cut]), {
        text: sent(parts),
        row: [true, "complete"],
        status: 200,
      });
    });

    for (const [how, ending] of [["breaks off", [cut]], ["ends without its end", []]] as const) {
      it(`that ${how} gets an error`, async () => {
        const { text, row } = await ask([...begun, ...ending]);
        assert.ok(text.startsWith(sent(begun)));
        assert.match(text.slice(sent(begun).length), told);
        assert.deepEqual(row, [false, "upstream_cut"]);
      });

      it(`that ${how} in an error of its provider's gets no other`, async () => {
        const parts = [...begun, fault];
        assert.deepEqual(await ask([...parts, ...ending]), {
          text: sent(parts),
          row: [false, "error"],
          status: 200,
        });
      });
    }

    it("that breaks off before anything came gets an error", async () => {
      const { text, row } = await ask([cut]);
      assert.match(text, /The provider broke off/);
      assert.deepEqual(row, [false, "upstream_cut"]);
    });
  });
}

describe("a stream that is cut", () => {
  const text = chat.text("Hi");
  const withHeaders = (answer: Answer, headers: Record<string, string>): Answer => async (seen) => {
    const { body, headers: own } = await answer(seen);
    return new Response(body, { headers: { ...Object.fromEntries(own), ...headers } });
  };

  it("breaks the connection where its length was declared", async () => {
    const answer = withHeaders(stream([text, cut]), { "content-length": "1000" });
    const { post, rows } = scripted({ plugins: [log()] }, [answer]);
    const response = await post(native, {});
    await assert.rejects(response.text());
    assert.deepEqual((await rows()).map(({ end }) => end), ["upstream_cut"]);
  });

  it("breaks the connection where nobody watches it", async () => {
    const { post } = scripted({}, [stream([text, cut])]);
    await assert.rejects((await post(native, {})).text());
  });

  it("in the middle of an event gets the error as an event of its own", async () => {
    const { post } = scripted({ plugins: [log()] }, [stream([text, 'data: {"cho', cut])]);
    const body = await (await post(native, {})).text();
    assert.match(body, /\n\ndata: \{"cho\n\ndata: \{"error":\{.*\n\n$/);
  });

  it("gets no error when it is its client that left", async () => {
    const { post, rows } = scripted({ plugins: [log()] }, [stream([text, stall])]);
    const reader = (await post(native, {})).body!.getReader();
    await reader.read();
    await reader.cancel();
    assert.deepEqual((await rows()).map(({ end }) => end), ["client_abort"]);
  });

  it("is known by its last event, however long it was", async () => {
    const long = Array.from({ length: 400 }, (_, i) => chat.text(`${i} ${"x".repeat(1000)}`));
    const run = async (...end: (string | typeof cut)[]) => {
      const { post, rows } = scripted({ plugins: [log()] }, [stream([...long, ...end])]);
      const body = await (await post(native, {})).text();
      return [body.slice(long.join("").length), (await rows())[0]!.end];
    };
    assert.deepEqual(await run(chat.stop, chat.done), [chat.stop + chat.done, "complete"]);
    assert.deepEqual(await run(chat.stop, chat.done, cut), [chat.stop + chat.done, "complete"]);
    const [last, end] = await run();
    assert.match(last!, /upstream_cut/);
    assert.equal(end, "upstream_cut");
  });
});

describe("a stream of a format that nobody knows", () => {
  const ask = async (parts: Parameters<typeof stream>[0], path = "openai/own/stream") => {
    const { post } = scripted({ plugins: [log()] }, [stream(parts)]);
    return await (await post(`/v1/acc/default/${path}`, {})).text();
  };
  it("is over when it ends, also when it is empty", async () => {
    assert.equal(await ask(["data: a\n\n"]), "data: a\n\n");
    assert.equal(await ask(['data: {"n":0}\n\n']), 'data: {"n":0}\n\n');
    assert.equal(await ask([": comment\n\n"]), ": comment\n\n");
    assert.equal(await ask([]), "");
  });
  it("gets an error that most clients know when it breaks off", async () => {
    assert.match(
      await ask(["data: a\n\n", cut]),
      /^data: a\n\nevent: error\ndata: \{"type":"error"/,
    );
  });
});

describe("a stream of which not all was kept that should have been", () => {
  const ctx = { path: "chat/completions", provider: { format: "openai-chat" } } as Ended["ctx"];
  const reading: Reading = {
    streamed: true,
    end: "missing",
    modelType: "chat",
    text: () => "",
  };
  const ended = (ending: Ending, tail?: Uint8Array) =>
    lastWords({
      ctx,
      contentType: "text/event-stream",
      ending,
      stopped: undefined,
      reading,
      tail,
    });
  it("may be whole, unless it broke off", () => {
    assert.equal(ended("closed"), undefined);
    assert.ok(ended("broken"));
    assert.ok(ended("closed", new Uint8Array(0)));
    assert.equal(ended("cancelled"), undefined);
    assert.equal(ended("dropped"), undefined);
  });
});

describe("an empty stream", () => {
  it("is none where there should be an answer of a model", async () => {
    const { post, rows } = scripted({ plugins: [log()] }, [stream([])]);
    const response = await post(native, {});
    assert.match(await response.text(), /upstream_cut/);
    assert.deepEqual((await rows()).map(({ success }) => success), [false]);
  });
});

describe("two observers of one body", () => {
  const watching = (last?: string) => {
    const seen: string[] = [];
    const observer: Observer = {
      begin: ({ waiting }) => void seen.push(`begin ${waiting}`),
      chunk: (bytes) => void seen.push(decoded(bytes)),
      end(how) {
        seen.push(how);
        return last === undefined ? undefined : new TextEncoder().encode(last);
      },
    };
    return { seen, observer };
  };
  const run = async (first: Observer, second: Observer, ...parts: (string | typeof cut)[]) => {
    const source = (await stream(parts)({} as never)) as Response;
    return await observe(source, both(first, second)!).text();
  };

  it("see the same; what the first adds, the second takes for a break", async () => {
    const [first, second] = [watching("!"), watching("?")];
    assert.equal(await run(first.observer, second.observer, "a", "b"), "ab!");
    assert.deepEqual(first.seen, ["begin false", "a", "b", "closed"]);
    assert.deepEqual(second.seen, ["begin false", "a", "b", "broken"]);
  });

  it("may mend a break, or leave it", async () => {
    const [mending, second] = [watching(""), watching()];
    assert.equal(await run(mending.observer, second.observer, "a", cut), "a");
    assert.deepEqual(second.seen.at(-1), "closed");
    const [third, fourth] = [watching(), watching()];
    await assert.rejects(run(third.observer, fourth.observer, "a", cut));
    assert.deepEqual([third.seen.at(-1), fourth.seen.at(-1)], ["broken", "broken"]);
    assert.equal(both(undefined, undefined), undefined);
    assert.equal(both(undefined, third.observer), third.observer);
  });
});
