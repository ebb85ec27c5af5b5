// The built package, as npm would install it, answers a request.
import { createGateway } from "../dist/mod.js";
import { nodeServer } from "../dist/runtimes/node/mod.js";

const response = await createGateway().fetch(new Request("http://gateway/health"));
const { status } = await response.json();
if (status !== "ok" || typeof nodeServer !== "function") {
  throw new Error("The built package does not work");
}
