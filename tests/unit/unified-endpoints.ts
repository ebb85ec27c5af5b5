/** What the tests of the unified API's other endpoints share. */
import type { Json } from "../../core/formats/json.ts";
import type { GatewayOptions } from "../../mod.ts";
import { log } from "../../plugins/log.ts";
import { loadFixture } from "../support/fixtures.ts";
import { type Answer, json, type Scripted, scripted } from "./scripted.ts";

/** A gateway with a log. */
export function gateway(script: Answer[], options: GatewayOptions = {}): Scripted {
  return scripted({ plugins: [log()], ...options }, script);
}

/** An answer as it was recorded. */
export function recorded(name: string): Answer {
  const { status, responseHeaders, responseBody } = loadFixture(name);
  return () =>
    new Response(new Uint8Array(responseBody), {
      status,
      headers: { "content-type": "application/json", ...responseHeaders },
    });
}

/** The JSON of a recorded request and its answer. */
export function exchange(name: string): { request: Json; readonly answer: Json } {
  const { requestBody, responseBody } = loadFixture(name);
  return {
    request: requestBody === undefined ? {} : JSON.parse(String(requestBody)),
    get answer() {
      return JSON.parse(String(responseBody));
    },
  };
}

/** JSON of an answer, whatever it holds. */
// deno-lint-ignore no-explicit-any
export async function read(response: Response | Promise<Response>): Promise<any> {
  return await (await response).json();
}

export { json };
