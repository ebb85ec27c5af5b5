/**
 * Error answers without the gateway's own key, which a provider may quote. Loaded for the first failure of a
 * request with a lent key.
 *
 * @module
 */
import { withBody } from "../streams/observe.ts";

/** What is shorter may well be a word of the answer. */
const shortest = 8;
const star = 0x2a;

/**
 * An error answer for whoever asked: a provider may quote what it refuses, and they have no business with the
 * gateway's key.
 *
 * @param sent Headers that went upstream.
 */
export function withoutKey(
  response: Response,
  key: string,
  sent: Readonly<Record<string, string>>,
): Response {
  // What an OAuth exchange made of the key, too.
  const bearer = /^bearer +(\S+)$/i.exec(sent.authorization ?? "")?.[1];
  // Credentials of several parts are shown to no provider as they are.
  const secrets = [...new Set([key, bearer ?? key])]
    .filter((secret) => secret.length >= shortest && !secret.startsWith("{"));
  return secrets.length === 0 ? response : masked(response, secrets);
}

/**
 * The answer with a star for each byte of the secrets, in headers and body, so that its length stays. A body
 * that is compressed other than by gzip goes on as it is.
 */
function masked(response: Response, secrets: readonly string[]): Response {
  const { headers } = response;
  for (const [name, value] of [...headers]) {
    let text = value;
    for (const secret of secrets) text = text.replaceAll(secret, "*".repeat(secret.length));
    if (text !== value) headers.set(name, text);
  }
  const encoding = headers.get("content-encoding") ?? "identity";
  if (response.body === null || !/^(?:identity|gzip|x-gzip)$/i.test(encoding)) return response;
  let body: ReadableStream<Uint8Array> = response.body;
  if (encoding.toLowerCase() !== "identity") {
    body = body.pipeThrough(new DecompressionStream("gzip") as unknown as Starring);
    headers.delete("content-encoding");
    headers.delete("content-length");
  }
  for (const secret of secrets) body = body.pipeThrough(starring(secret));
  return withBody(response, body as ReadableStream<Uint8Array<ArrayBuffer>>);
}

type Starring = TransformStream<Uint8Array, Uint8Array>;

function starring(secret: string): Starring {
  const key = new TextEncoder().encode(secret);
  /** The end of what came, where it may be the beginning of the secret. */
  let kept = new Uint8Array();
  return new TransformStream({
    transform(chunk, controller) {
      const bytes = new Uint8Array(kept.length + chunk.length);
      bytes.set(kept);
      bytes.set(chunk, kept.length);
      let at = bytes.indexOf(key[0]!);
      while (at >= 0) {
        let same = 1;
        while (same < key.length && at + same < bytes.length && bytes[at + same] === key[same]) {
          same++;
        }
        if (at + same === bytes.length && same < key.length) break;
        if (same === key.length) bytes.fill(star, at, at + same);
        at = bytes.indexOf(key[0]!, at + 1);
      }
      const end = at < 0 ? bytes.length : at;
      kept = bytes.slice(end);
      if (end > 0) controller.enqueue(bytes.subarray(0, end));
    },
    flush(controller) {
      if (kept.length > 0) controller.enqueue(kept);
    },
  });
}
