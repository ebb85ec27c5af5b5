// The unified API of a running gateway: the official clients, providers of each format behind it.
import assert from "node:assert/strict";
import type { IncomingMessage, ServerResponse } from "node:http";
import { Readable } from "node:stream";
import type { ReadableStream } from "node:stream/web";
import { it } from "node:test";
import type { ChatEvent, ChatFormat } from "../../core/unified/chat.ts";
import { onEachRuntime } from "../support/suite.ts";
import { type Client, clients, type Fetch } from "../support/unified-clients.ts";
import {
  answerOf,
  failed,
  providersOf,
  said,
  streamOf,
  toldOf,
} from "../support/unified-provider.ts";
import { within } from "../support/client.ts";

const slugs = [
  "mistral",
  "openai",
  "anthropic",
  "google-ai-studio",
  "google-vertex-ai",
  "aws-bedrock",
  "cohere",
];

onEachRuntime(
  ({ url }) => ({
    config: {
      gateways: { default: {}, spare: { fallback: ["anthropic/claude-haiku-4-5"] } },
      providers: Object.fromEntries(
        slugs.map((slug) => [
          slug,
          { base_url: url, ...slug === "google-vertex-ai" && { project: "some-project" } },
        ]),
      ),
    },
  }),
  (bench, runtime) => {
    const gateway: Fetch = (request) =>
      fetch(bench.gateway.url + new URL(request.url).pathname + new URL(request.url).search, {
        method: request.method,
        headers: request.headers,
        signal: request.signal,
        ...request.body && { body: request.body, duplex: "half" },
      } as RequestInit);

    /** Lets the provider answer by a function over what it was asked in its format. */
    const play = (
      format: ChatFormat,
      answer: (told: Awaited<ReturnType<typeof toldOf>>) => Response,
    ) => {
      bench.upstream.reset();
      bench.upstream.handle((req, res, seen) => void respond(req, res, seen.body, format, answer));
    };

    const plainly = (format: ChatFormat) =>
      play(format, (told) =>
        said(
          format,
          told,
          answerOf(format, [
            { type: "text", text: "Let me look." },
            {
              type: "tool_call",
              id: "call_aaaaaaaaa",
              name: "weather",
              arguments: '{"city":"Paris"}',
            },
          ]),
        ));

    for (const client of clients) {
      it(`${client.name} reaches providers of every format, plain and streamed`, async () => {
        for (const { name, format, model } of providersOf) {
          plainly(format);
          for (const stream of [false, true]) {
            const told = await within(5000, `${name} ${stream}`, ask(client, model, stream));
            assert.equal(told.text, "Let me look.", name);
            assert.deepEqual(told.calls, [{ name: "weather", args: { city: "Paris" } }], name);
            assert.equal(told.why, "tools", name);
            assert.equal(told.usage?.input, 20, name);
            assert.equal(told.usage?.output, 10, name);
          }
        }
      });

      it(`${client.name} raises a provider's error, also in the middle of a stream`, async () => {
        for (const { name, format, model } of providersOf) {
          play(
            format,
            () => failed(format, { status: 429, kind: "rate_limit", message: "Too many" }),
          );
          await assert.rejects(
            ask(client, model, true),
            (error: { status?: number; message: string }) => {
              assert.equal(error.status, 429, name);
              assert.match(error.message, /Too many/, name);
              return true;
            },
          );
          const events: ChatEvent[] = [
            { type: "start", id: "a", model: "m" },
            { type: "part_start", choice: 0, part: 0, value: { type: "text", text: "" } },
            { type: "text", choice: 0, part: 0, text: "Hel" },
            { type: "error", fault: { status: 503, kind: "overloaded", message: "Too busy" } },
          ];
          play(
            format,
            ({ request, url }) => streamOf(format, { ...request, stream: true }, url, events),
          );
          await assert.rejects(ask(client, model, true), /Too busy/, name);
          // Cut: no terminal event, the connection closes cleanly.
          play(
            format,
            ({ request, url }) =>
              streamOf(format, { ...request, stream: true }, url, events.slice(0, 3)),
          );
          if (client.format !== format) await assert.rejects(ask(client, model, true), name);
        }
      });
    }

    it("answers with the gateway's headers, and with what was dropped", async () => {
      plainly("anthropic-messages");
      const response = await gateway(
        new Request("http://g/v1/acc/default/compat/v1/chat/completions", {
          method: "POST",
          headers: { authorization: "Bearer sk-mine", "content-type": "application/json" },
          body: JSON.stringify({
            model: "anthropic/claude-haiku-4.5",
            seed: 1,
            messages: [{ role: "user", content: "Hi" }],
          }),
        }),
      );
      assert.equal(response.status, 200);
      assert.equal(response.headers.get("x-sluice-dropped"), "seed");
      assert.equal(response.headers.get("cf-aig-provider"), "anthropic");
      assert.equal(response.headers.get("cf-aig-model"), "claude-haiku-4-5");
      const [seen] = bench.upstream.requests;
      assert.equal(seen!.headers["x-api-key"], "sk-mine");
      assert.equal(seen!.headers["authorization"], undefined);
    });

    it("passes on a whole number that is longer than the runtime's", async () => {
      plainly("anthropic-messages");
      const args = '{"id":12345678901234567890}';
      const call = { name: "weather", arguments: args };
      const response = await gateway(
        new Request("http://g/v1/chat/completions", {
          method: "POST",
          headers: { authorization: "Bearer k", "content-type": "application/json" },
          body: JSON.stringify({
            model: "anthropic/claude-haiku-4-5",
            messages: [
              { role: "user", content: "Hi" },
              { role: "assistant", tool_calls: [{ id: "c", type: "function", function: call }] },
              { role: "tool", tool_call_id: "c", content: "Yes" },
            ],
            tools: [{ type: "function", function: { name: "weather" } }],
          }),
        }),
      );
      assert.equal(response.status, 200);
      await response.text();
      assert.ok(bench.upstream.requests.at(-1)!.body.includes(`"input":${args}`), runtime);
    });

    it("asks the models that stand in, where a gateway names some", async () => {
      bench.upstream.reset();
      bench.upstream.handle((req, res, seen) => {
        const format = req.url!.endsWith("/messages") ? "anthropic-messages" : "openai-chat";
        const busy = { status: 503, kind: "overloaded", message: "busy" } as const;
        return void respond(
          req,
          res,
          seen.body,
          format,
          (told) =>
            format === "openai-chat"
              ? failed(format, busy)
              : said(format, told, answerOf(format, [{ type: "text", text: "Here I am" }])),
        );
      });
      const response = await gateway(
        new Request("http://g/v1/acc/spare/compat/chat/completions", {
          method: "POST",
          headers: { authorization: "Bearer k", "content-type": "application/json" },
          body: JSON.stringify({
            model: "openai/gpt-4o-mini",
            messages: [{ role: "user", content: "Hi" }],
          }),
        }),
      );
      assert.match(await response.text(), /Here I am/);
      assert.equal(response.headers.get("cf-aig-step"), "1", runtime);
      assert.equal(response.headers.get("cf-aig-provider"), "anthropic", runtime);
    });

    it("serves Cloudflare's REST paths, and lists models", async () => {
      plainly("cohere-v2");
      const response = await gateway(
        new Request("http://g/client/v4/accounts/acc/ai/v1/chat/completions", {
          method: "POST",
          headers: { "cf-aig-gateway-id": "default", "content-type": "application/json" },
          body: JSON.stringify({
            model: "cohere/command-a-03-2025",
            messages: [{ role: "user", content: "Hi" }],
          }),
        }),
      );
      assert.equal(response.status, 200);
      const models = await (await gateway(new Request("http://g/v1/models"))).json() as {
        data: { id: string }[];
      };
      assert.ok(models.data.some(({ id }) => id === "openai/gpt-4o-mini"), runtime);
    });

    function ask(client: Client, model: string, stream: boolean) {
      return client.ask(gateway, { model, stream, tools: ["weather"] });
    }
  },
);

async function respond(
  req: IncomingMessage,
  res: ServerResponse,
  body: Buffer,
  format: ChatFormat,
  answer: (told: Awaited<ReturnType<typeof toldOf>>) => Response,
): Promise<void> {
  const sent = new Request(`http://provider${req.url}`, {
    method: "POST",
    body: new Uint8Array(body),
  });
  const response = answer(await toldOf(format, sent));
  res.writeHead(response.status, Object.fromEntries(response.headers));
  Readable.fromWeb(response.body as ReadableStream).pipe(res);
}
