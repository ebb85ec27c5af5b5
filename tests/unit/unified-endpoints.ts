/** What the tests of the unified API's other endpoints share. */
import type { Json } from "../../core/formats/json.ts";
import type { GatewayOptions } from "../../mod.ts";
import { log } from "../../plugins/log.ts";
import { loadFixture } from "../support/fixtures.ts";
import { type Answer, json, type Scripted, scripted, type Seen } from "./scripted.ts";

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

/** The JSON of a body that was sent. */
// deno-lint-ignore no-explicit-any
export const sent = ({ body }: Seen): any => JSON.parse(body);
/** An answer that is no JSON. */
export const bytes = (type: string, ...values: number[]): Answer => () =>
  new Response(new Uint8Array(values), { headers: { "content-type": type } });

/** Sends a form. */
export async function upload(
  { gateway }: Scripted,
  path: string,
  fields: Record<string, string | File | (string | File)[]>,
  headers: Record<string, string> = {},
): Promise<Response> {
  const form = new FormData();
  for (const [name, value] of Object.entries(fields)) {
    for (const one of [value].flat()) form.append(name, one);
  }
  return await gateway.fetch(
    new Request(`http://gateway.test${path}`, { method: "POST", body: form, headers }),
  );
}

/** The fields of a form that was sent; only text is told apart. */
export async function fields({ body, headers }: Seen): Promise<Record<string, unknown>> {
  const form = await new Response(body, { headers: { "content-type": headers["content-type"]! } })
    .formData();
  return Object.fromEntries(
    await Promise.all(
      [...form].map(async ([name, value]) => [
        name,
        typeof value === "string" ? value : `${value.name}: ${await value.text()}`,
      ]),
    ),
  );
}

export { json };
