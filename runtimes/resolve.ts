/**
 * Names by the machine's own resolver.
 *
 * @module
 */
import { lookup } from "node:dns/promises";

/** All addresses of a name, as connections would use them; rejects where there are none. */
export async function resolveName(name: string): Promise<string[]> {
  return (await lookup(name, { all: true })).map(({ address }) => address);
}
