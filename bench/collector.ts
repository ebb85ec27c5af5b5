// A collector that takes all and looks at nothing: its own process, so that none of it is counted.
import { createServer } from "node:http";

const server = createServer((req, res) => {
  req.resume().once("end", () => res.writeHead(200, { "content-length": 0 }).end());
});
server.listen(0, "127.0.0.1", () => {
  const address = server.address();
  if (address && typeof address !== "string") console.log(`http://127.0.0.1:${address.port}`);
});
