/** A gateway that keeps a log, with somebody who may manage it. */
import { strict as assert } from "node:assert";
import { type GatewayOptions, log } from "../../mod.ts";
import { type Recording, recording } from "./upstream.ts";

export const token = "an-admin-token-for-tests";

/** Parsed JSON, which is compared, not typed. */
// deno-lint-ignore no-explicit-any
export type Json = any;

export interface Answer {
  status: number;
  headers: Headers;
  body: Json;
}

export interface Asking {
  body?: unknown;
  headers?: Record<string, string>;
}

export interface Managed extends Recording {
  /** Sends a request below `ai-gateway/`. */
  call(method: string, path: string, asking?: Asking): Promise<Answer>;
  /** Sends it below `ai-gateway/gateways/default/`, expects a success, and gives `result`. */
  ok(method: string, path: string, body?: unknown): Promise<Json>;
  /** Makes a request to a provider and gives the id of its log row. */
  logged(path?: string, init?: RequestInit): Promise<string>;
}

/** All that Cloudflare asks for in a gateway, its id aside. */
export const least = {
  cache_invalidate_on_update: false,
  cache_ttl: 0,
  collect_logs: true,
  rate_limiting_interval: 0,
  rate_limiting_limit: 0,
};

export const chat = {
  id: "chatcmpl-1",
  object: "chat.completion",
  model: "gpt-4o-mini",
  choices: [{ index: 0, message: { role: "assistant", content: "Hi" }, finish_reason: "stop" }],
  usage: {
    prompt_tokens: 12,
    completion_tokens: 5,
    total_tokens: 17,
    prompt_tokens_details: { cached_tokens: 4 },
    completion_tokens_details: { reasoning_tokens: 2 },
  },
};

// Bun's `Response.json` has a charset in its type.
const answerChat = () =>
  new Response(JSON.stringify(chat), { headers: { "content-type": "application/json" } });

export function managed(
  options: GatewayOptions = {},
  answer: () => Response = answerChat,
): Managed {
  const given = recording({ plugins: [log()], admin: { token }, ...options }, answer);
  const { gateway, ask } = given;
  const call: Managed["call"] = async (method, path, { body, headers } = {}) => {
    const text = body === undefined || typeof body === "string" ? body : JSON.stringify(body);
    const url = `http://localhost:8787/client/v4/accounts/acc/ai-gateway/${path}`;
    const response = await gateway.fetch(
      new Request(url, {
        method,
        headers: {
          authorization: `Bearer ${token}`,
          ...text !== undefined && { "content-type": "application/json" },
          ...headers,
        },
        ...text !== undefined && { body: text as string },
      }),
    );
    const said = await response.text();
    const isJson = response.headers.get("content-type")?.includes("json");
    return {
      status: response.status,
      headers: response.headers,
      body: isJson && said !== "" ? JSON.parse(said) : said,
    };
  };
  return {
    ...given,
    call,
    async ok(method, path, body) {
      const answer = await call(method, `gateways/default/${path}`, { body });
      assert.equal(answer.status, 200, JSON.stringify(answer.body));
      assert.equal(answer.body.success, true);
      assert.deepEqual([answer.body.errors, answer.body.messages], [[], []]);
      return answer.body.result;
    },
    async logged(path = "/openai/chat/completions", init = {}) {
      const { response } = await ask(path, {
        method: "POST",
        body: '{"model":"gpt-4o-mini","messages":[{"role":"user","content":"Hello"}]}',
        ...init,
        headers: { "content-type": "application/json", ...init.headers as Record<string, string> },
      });
      await response.arrayBuffer();
      return response.headers.get("cf-aig-log-id")!;
    },
  };
}

/** The one shape of a failure; gives code, message and path of the first error. */
export function problem({ status, body }: Answer): [number, number, string, string?] {
  assert.deepEqual(Object.keys(body).sort(), ["errors", "messages", "result", "success"]);
  assert.equal(body.success, false);
  assert.equal(body.result, null);
  const { code, message, path } = body.errors[0];
  assert.match(message, /^[A-Z'].*[^.]$/);
  return [status, code, message, ...path === undefined ? [] : [path.join(".")]] as never;
}
