/** Tools whose names a provider would refuse: it knows them by others, the client by its own. */
import { strict as assert } from "node:assert";
import { describe, it } from "node:test";
import type { ChatFormat } from "../../core/unified/chat.ts";
import { clients } from "../support/unified-clients.ts";
import { gatewayOver } from "../support/unified-gateway.ts";
import { answerOf, providersOf, said, toldOf } from "../support/unified-provider.ts";

const taken: Readonly<Record<ChatFormat, RegExp>> = {
  "openai-chat": /^[a-zA-Z0-9_-]{1,64}$/,
  "openai-responses": /^[a-zA-Z0-9_-]{1,64}$/,
  "anthropic-messages": /^[a-zA-Z0-9_-]{1,128}$/,
  gemini: /^[a-zA-Z_][a-zA-Z0-9_.:-]{0,63}$/,
  "bedrock-converse": /^[a-zA-Z0-9_-]{1,64}$/,
  "cohere-v2": /^[a-zA-Z0-9_-]{1,64}$/,
};

const names = ["files.read:v2", "1st", "über", "a".repeat(100), `${"a".repeat(100)}b`, "plain"];

describe("names of tools", () => {
  for (const client of clients) {
    for (const { name, format, model } of providersOf) {
      if (client.format === format) continue;
      it(`of ${client.name} are taken by ${name}, and come back`, async () => {
        for (const stream of [false, true]) {
          const asked: string[][] = [];
          const gateway = gatewayOver(async (sent) => {
            // As it stands in the body: the codec that plays the provider reads its own spelling back.
            const text = await sent.clone().text();
            const told = await toldOf(format, sent);
            const found = [...text.matchAll(/"name":"([^"]*)"/g)].map(([, one]) => one!);
            asked.push(found);
            for (const one of found) assert.match(one, taken[format]);
            assert.equal(new Set(found).size, names.length);
            return said(
              format,
              told,
              answerOf(
                format,
                told.request.tools!.map((tool, i) => ({
                  type: "tool_call",
                  id: `call_aaaa${i}`,
                  name: "name" in tool ? tool.name : "",
                  arguments: "{}",
                })),
              ),
            );
          });
          for (let i = 0; i < 2; i++) {
            const { calls } = await client.ask(gateway, { model, stream, tools: names });
            assert.deepEqual(calls.map(({ name }) => name), names);
          }
          assert.deepEqual(asked[0], asked[1]); // or the provider's cache of the prompt is of no use
        }
      });
    }
  }
});
