/** `node runtimes/node.ts` (Node 22.18 and later). */
import type { AddressInfo } from "node:net";
import { boot } from "./boot.ts";
import { nodeServer } from "./node/server.ts";
import { nodeTransport } from "./node/transport.ts";

await boot("node", (gateway, { port, hostname, waitUntil }) =>
  new Promise((resolve, reject) => {
    const server = nodeServer(gateway, waitUntil);
    server.once("error", reject);
    server.listen(port, hostname, () => {
      const stop = () => new Promise((done) => server.close(done).closeIdleConnections());
      resolve({ port: (server.address() as AddressInfo).port, stop });
    });
  }), { transport: nodeTransport() });
