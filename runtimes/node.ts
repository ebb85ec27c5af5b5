/** `node runtimes/node.ts` (Node 22.18 and later). */
import type { AddressInfo } from "node:net";
import { boot } from "./boot.ts";
import { nodeServer, nodeTransport } from "./node/mod.ts";

await boot("node", (gateway, { port, hostname, waitUntil }) => {
  const { server, stop } = nodeServer(gateway, waitUntil);
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, hostname, () => {
      resolve({ port: (server.address() as AddressInfo).port, stop });
    });
  });
}, { transport: nodeTransport() });
