/**
 * Which runtime this is: the one Web API that tells it is `navigator.userAgent`.
 *
 * @module
 */

/** The runtimes that have an entry of their own; anything else is a Web platform. */
export type RuntimeName = "bun" | "deno" | "node" | "workers" | "web";

/** Read when asked, not at import: some bundlers run modules elsewhere. */
export function runtimeName(): RuntimeName {
  const agent = globalThis.navigator?.userAgent ?? "";
  if (agent.startsWith("Bun/")) return "bun";
  if (agent.startsWith("Deno/")) return "deno";
  if (agent.startsWith("Node.js/")) return "node";
  return agent === "Cloudflare-Workers" ? "workers" : "web";
}
