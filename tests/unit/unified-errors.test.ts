/** Errors of providers and of the gateway, as each official client raises them. */
import { strict as assert } from "node:assert";
import { describe, it } from "node:test";
import type { ChatEvent, ChatFault, FaultKind } from "../../core/unified/chat.ts";
import { GatewayError } from "../../mod.ts";
import { type Client, clients } from "../support/unified-clients.ts";
import { loadFixture } from "../support/fixtures.ts";
import { gatewayOver } from "../support/unified-gateway.ts";
import { failed, providersOf, streamOf, toldOf } from "../support/unified-provider.ts";

// deno-lint-ignore no-explicit-any
type Json = any;

const kinds: readonly [status: number, kind: FaultKind, raised: string][] = [
  [400, "invalid_request", "BadRequestError"],
  [401, "authentication", "AuthenticationError"],
  [403, "permission", "PermissionDeniedError"],
  [404, "not_found", "NotFoundError"],
  [429, "rate_limit", "RateLimitError"],
  [500, "server", "InternalServerError"],
  [503, "overloaded", "InternalServerError"],
];

const message = "The words of the provider";

async function raised(asking: Promise<unknown>): Promise<Json> {
  try {
    await asking;
  } catch (error) {
    return error;
  }
  throw new Error("It did not fail");
}

/** Google's SDK has one class, with the status in it. */
function assertRaised(client: Client, error: Json, status: number, name: string): void {
  assert.equal(error.status, status, String(error));
  if (client.name === "google") assert.equal(error.name, "ApiError");
  // Anthropic's has classes of their own for two of them.
  else if (client.name === "anthropic" && status === 503) {
    assert.equal(error.constructor.name, "ServiceUnavailableError");
  } else if (client.name === "anthropic" && status === 504) {
    assert.equal(error.constructor.name, "GatewayTimeoutError");
  } else assert.equal(error.constructor.name, name);
}

for (const client of clients) {
  describe(`errors of providers, raised by ${client.name}`, () => {
    for (const { name, format, model } of providersOf) {
      it(name, async () => {
        for (const [status, kind, expected] of kinds) {
          const fault: ChatFault = { status, kind, message };
          const gateway = gatewayOver(() => failed(format, fault, { "retry-after": "7" }));
          for (const stream of [false, true]) {
            const error = await raised(client.ask(gateway, { model, stream }));
            assertRaised(client, error, status, expected);
            assert.match(error.message, /The words of the provider/);
            if (client.name !== "google") assert.equal(error.headers.get("retry-after"), "7");
          }
        }
      });

      it(`${name}, in the middle of a stream`, async () => {
        const events: ChatEvent[] = [
          { type: "start", id: "a", model: "m" },
          { type: "part_start", choice: 0, part: 0, value: { type: "text", text: "" } },
          { type: "text", choice: 0, part: 0, text: "Hel" },
          { type: "error", fault: { status: 503, kind: "overloaded", message } },
        ];
        const gateway = gatewayOver(async (sent) => {
          const { request, url } = await toldOf(format, sent);
          return streamOf(format, { ...request, stream: true }, url, events);
        });
        const error = await raised(client.ask(gateway, { model, stream: true }));
        assert.match(String(error.message), /The words of the provider/);
      });

      it(`${name}, whose stream breaks off`, async () => {
        const gateway = gatewayOver(async (sent) => {
          const { request, url } = await toldOf(format, sent);
          return streamOf(format, { ...request, stream: true }, url, [
            { type: "start", id: "a", model: "m" },
            { type: "part_start", choice: 0, part: 0, value: { type: "text", text: "" } },
            { type: "text", choice: 0, part: 0, text: "Hel" },
          ]);
        });
        if (client.format === format && name !== "bedrock-invoke") return; // passes as it came
        const error = await raised(client.ask(gateway, { model, stream: true }));
        assert.match(String(error.message ?? error), /.+/);
      });
    }
  });

  describe(`failures of the gateway, raised by ${client.name}`, () => {
    const model = "anthropic/claude-haiku-4-5";
    const never = () => {
      throw new Error("Nothing was to be sent");
    };

    it("a model that nobody has", async () => {
      const error = await raised(client.ask(gatewayOver(never), { model: "nobody-has-it" }));
      assertRaised(client, error, 400, "BadRequestError");
      assert.match(error.message, /provider\/model/);
    });

    it("a provider that there is not", async () => {
      const error = await raised(client.ask(gatewayOver(never), { model: "opnai/gpt-4o" }));
      assertRaised(client, error, 400, "BadRequestError");
      assert.match(error.message, /did you mean 'openai'/);
    });

    it("a missing gateway token", async () => {
      const { auth } = await import("../../mod.ts");
      const gateway = gatewayOver(never, {
        plugins: [auth()],
        gateways: { default: { authentication: true } },
      });
      const error = await raised(client.ask(gateway, { model }));
      assertRaised(client, error, 401, "AuthenticationError");
    });

    it("a rate limit, with the time to wait", async () => {
      const { rateLimit } = await import("../../mod.ts");
      const answer = () =>
        failed("anthropic-messages", { status: 400, kind: "invalid_request", message });
      const gateway = gatewayOver(answer, {
        plugins: [rateLimit()],
        gateways: { default: { rate_limiting_limit: 1 } },
      });
      await raised(client.ask(gateway, { model }));
      const error = await raised(client.ask(gateway, { model }));
      assertRaised(client, error, 429, "RateLimitError");
      if (client.name !== "google") assert.match(error.headers.get("retry-after"), /^\d+$/);
    });

    it("a provider that cannot be reached", async () => {
      const gateway = gatewayOver(() => Promise.reject(new TypeError("fetch failed")));
      const error = await raised(client.ask(gateway, { model }));
      assertRaised(client, error, 502, "InternalServerError");
      assert.match(error.message, /anthropic/);
    });

    it("a provider whose answer breaks off", async () => {
      const gateway = gatewayOver(() => {
        const body = new ReadableStream({
          start: (controller) => controller.enqueue(new TextEncoder().encode('{"choices":[')),
          pull: (controller) => controller.error(new Error("Broken")),
        }, { highWaterMark: 0 });
        return new Response(body, { headers: { "content-type": "application/json" } });
      });
      for (const { model, format } of providersOf) {
        if (format === client.format) continue; // is handed on as it comes
        const error = await raised(client.ask(gateway, { model, stream: false }));
        assertRaised(client, error, 502, "InternalServerError");
        assert.match(error.message, /broke off before its answer was complete/);
      }
    });

    it("a provider that takes too long", async () => {
      const gateway = gatewayOver(() => {
        throw new GatewayError(504, 2005, "Provider 'anthropic' did not answer in time");
      });
      const error = await raised(client.ask(gateway, { model }));
      assertRaised(client, error, 504, "InternalServerError");
    });
  });
}

describe("a prompt that is too long, in each provider's own words", () => {
  const recordings: readonly [model: string, recording: string][] = [
    ["anthropic/claude-sonnet-4-5", "anthropic/messages-error-400"],
    ["aws-bedrock/us.amazon.nova-2-lite-v1:0", "amazon-bedrock/converse-error-400"],
    ["cohere/command-a-reasoning-08-2025", "cohere/v2-chat-error-400"],
    ["openrouter/some/model", "openrouter/chat-error-400"],
  ];
  for (const [model, recording] of recordings) {
    it(model, async () => {
      const { status, responseBody } = loadFixture(recording);
      const gateway = gatewayOver(() =>
        new Response(new Uint8Array(responseBody), {
          status,
          headers: { "content-type": "application/json" },
        })
      );
      for (const client of clients) {
        const error = await raised(client.ask(gateway, { model }));
        assert.equal(error.status, 400);
        // Agents look for these to shorten what they have.
        if (client.name.startsWith("openai")) {
          assert.equal(error.code, "context_length_exceeded", client.name);
        }
        if (client.name === "anthropic") assert.match(error.message, /prompt is too long/);
      }
    });
  }
});
