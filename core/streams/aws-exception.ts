/**
 * One message of Amazon's event stream, written: an exception.
 *
 * @module
 */
import { AwsMessages } from "../formats/aws-encode.ts";

/** The message with its checksums. */
export function awsException(type: string, payload: unknown): Uint8Array {
  return new AwsMessages("exception", type).write(payload);
}
