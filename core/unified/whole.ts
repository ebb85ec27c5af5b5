/**
 * Answers that are read as a whole. One that breaks off is the provider's failure, and not the gateway's.
 *
 * @module
 */
import { Code, GatewayError, isGatewayError } from "../error.ts";

/** All bytes of an answer; rejects with a 502 where its provider breaks off. */
export async function wholeBytes(response: Response): Promise<Uint8Array<ArrayBuffer>> {
  try {
    return new Uint8Array(await response.arrayBuffer());
  } catch (cause) {
    if (isGatewayError(cause)) throw cause;
    const message = "The provider broke off before its answer was complete";
    throw new GatewayError(502, Code.upstreamFailed, message, { cause });
  }
}

const decoder = new TextDecoder();

/** The same as text. */
export async function wholeText(response: Response): Promise<string> {
  return decoder.decode(await wholeBytes(response));
}
