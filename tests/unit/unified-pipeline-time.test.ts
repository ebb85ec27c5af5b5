/** Providers that are slow, silent or gone, as each official client gets to know. */
import { strict as assert } from "node:assert";
import { describe, it } from "node:test";
import { retry, timeout } from "../../mod.ts";
import type { ChatEvent } from "../../core/unified/chat.ts";
import { clients } from "../support/unified-clients.ts";
import { gatewayOver } from "../support/unified-gateway.ts";
import {
  answerOf,
  failed,
  providersOf,
  said,
  streamOf,
  toldOf,
} from "../support/unified-provider.ts";

const begun: ChatEvent[] = [
  { type: "start", id: "a", model: "m" },
  { type: "part_start", choice: 0, part: 0, value: { type: "text", text: "" } },
  { type: "text", choice: 0, part: 0, text: "Hel" },
];

/** Of each format one, none of the client's own, which passes as it came. */
const others = (format: string) =>
  providersOf.filter((one) => one.format !== format && one.name !== "vertex");

for (const client of clients) {
  describe(`${client.name} over a provider`, () => {
    it("that does not answer in time gets its SDK's error of status 504", async () => {
      for (const { model } of others(client.format)) {
        const gateway = gatewayOver(
          (sent) =>
            new Promise<Response>((_, reject) => {
              sent.signal.addEventListener("abort", () => reject(sent.signal.reason));
            }),
          { plugins: [timeout({ firstByte: 5 })] },
        );
        await assert.rejects(
          client.ask(gateway, { model, stream: true }),
          (error: { status?: number }) => error.status === 504,
        );
      }
    });

    it("that falls silent in its stream gets an error, and the provider is let go", async () => {
      for (const { format, model } of others(client.format)) {
        const gone = Promise.withResolvers<void>();
        const gateway = gatewayOver(async (sent) => {
          const { request, url } = await toldOf(format, sent);
          const whole = streamOf(format, { ...request, stream: true }, url, begun);
          const bytes = new Uint8Array(await whole.arrayBuffer());
          const body = new ReadableStream({
            start(controller) {
              controller.enqueue(bytes);
              sent.signal.addEventListener("abort", () => {
                controller.error(sent.signal.reason);
                gone.resolve();
              });
            },
          });
          return new Response(body, { headers: whole.headers });
        }, { plugins: [timeout({ idle: 8 })] });
        await assert.rejects(client.ask(gateway, { model, stream: true }));
        await gone.promise;
      }
    });

    it("that is busy once is asked again, in the same words", async () => {
      for (const { format, model } of others(client.format)) {
        const sent: string[] = [];
        const gateway = gatewayOver(async (request) => {
          sent.push(await request.clone().text());
          if (sent.length === 1) {
            return failed(format, { status: 503, kind: "overloaded", message: "busy" });
          }
          const told = await toldOf(format, request);
          return said(format, told, answerOf(format, [{ type: "text", text: "Yes" }]));
        }, { plugins: [retry({ attempts: 2, delay: 0 })] });
        assert.equal((await client.ask(gateway, { model, stream: true })).text, "Yes");
        assert.equal(sent.length, 2);
        assert.equal(sent[0], sent[1]);
      }
    });

    it("whose answer with status 200 is an error, or none at all, gets an error", async () => {
      for (const { format, model } of others(client.format)) {
        for (const stream of [true, false]) {
          for (
            const answer of [
              () => failed(format, { status: 200, kind: "server", message: "Out of order" }),
              () => Response.json({}),
            ]
          ) {
            await assert.rejects(
              client.ask(gatewayOver(answer), { model, stream }),
              ({ status = 0, message }: { status?: number; message: string }) => {
                assert.ok(status >= 400, `${format}: ${status}`);
                assert.match(
                  message,
                  /Out of order|not what its format says|without an answer|502/,
                );
                return true;
              },
            );
          }
        }
      }
    });
  });
}
