/**
 * Messages to webhooks, signed as Standard Webhooks has it (https://www.standardwebhooks.com):
 * HMAC-SHA256 over id, time and body, so that a receiver knows who sent them, and that they are not old.
 *
 * @module
 */
import { toBase64 } from "../unified/base64.ts";

/** A message as it waits to be delivered. */
export interface Message {
  /** The same each time that it is tried. */
  id: string;
  /** JSON text. */
  body: string;
  /** Place in `alerts.webhooks`, and its address, in case the list has changed. */
  hook: number;
  url: string;
  /** So far. */
  tries: number;
  /** Milliseconds since 1970. */
  nextAt: number;
}

/** Seconds until the next try after each one that failed; then it is given up. */
const waits: readonly number[] = [5, 60, 300, 1800, 7200, 18_000, 36_000];
/** Milliseconds for an answer. */
const limit = 10_000;

/** Bytes of a secret, or nothing where it is none. */
export function secretBytes(secret: string): Uint8Array<ArrayBuffer> | undefined {
  try {
    const text = atob(secret.replace(/^whsec_/, ""));
    if (!secret.startsWith("whsec_") || text.length < 24 || text.length > 64) return undefined;
    return Uint8Array.from(text, (c) => c.charCodeAt(0));
  } catch {
    return undefined;
  }
}

/** Headers of a message. @param at Milliseconds since 1970. */
export async function signed(
  secret: Uint8Array<ArrayBuffer>,
  { id, body }: Pick<Message, "id" | "body">,
  at: number,
): Promise<Record<string, string>> {
  const timestamp = String(Math.floor(at / 1000));
  const key = await crypto.subtle.importKey(
    "raw",
    secret,
    { name: "HMAC", hash: "SHA-256" },
    false,
    [
      "sign",
    ],
  );
  const text = new TextEncoder().encode(`${id}.${timestamp}.${body}`);
  const signature = new Uint8Array(await crypto.subtle.sign("HMAC", key, text));
  return {
    "webhook-id": id,
    "webhook-timestamp": timestamp,
    "webhook-signature": `v1,${toBase64(signature)}`,
  };
}

/** What became of a try. */
export type Outcome = "delivered" | "later" | "dead";

/** Sends a message once; of one that is to be tried again, `tries` and `nextAt` say so. Never rejects. */
export async function deliver(
  message: Message,
  secret: Uint8Array<ArrayBuffer>,
  { fetch, now }: { fetch: typeof globalThis.fetch; now(): number },
): Promise<Outcome> {
  let gone = false;
  try {
    const response = await fetch(message.url, {
      method: "POST",
      redirect: "manual",
      headers: { "content-type": "application/json", ...await signed(secret, message, now()) },
      body: message.body,
      signal: AbortSignal.timeout(limit),
    });
    await response.body?.cancel();
    if (response.ok) return "delivered";
    gone = response.status === 410; // the receiver's word for "no more of these"
  } catch {
    // As a refusal.
  }
  const wait = waits[message.tries++];
  if (gone || wait === undefined) return "dead";
  message.nextAt = now() + wait * 1000;
  return "later";
}
