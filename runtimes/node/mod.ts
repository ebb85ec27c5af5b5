/**
 * `@sluice/gateway/node`: the fast way to embed a gateway in a Node server.
 *
 * ```ts
 * import { createGateway } from "@sluice/gateway";
 * import { nodeServer, nodeTransport } from "@sluice/gateway/node";
 *
 * const gateway = createGateway({ transport: nodeTransport() });
 * nodeServer(gateway).server.listen(8787);
 * ```
 *
 * @module
 */
export { type NodeServer, nodeServer } from "./server.ts";
export { nodeTransport } from "./transport.ts";
