// npm may run under an old Node: the driver itself needs the one from node_modules.
import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";

const node = fileURLToPath(new URL("../node_modules/.bin/node", import.meta.url));
const driver = fileURLToPath(new URL("driver.ts", import.meta.url));
const child = spawn(node, [driver, ...process.argv.slice(2)], { stdio: "inherit" });
// Ctrl-C reaches both; the driver cleans up and ends, then this does.
process.on("SIGINT", () => {});
process.on("SIGTERM", () => child.kill("SIGTERM"));
child.once("error", (error) => {
  console.error(`"${node}" did not start: ${error.message}. Run "npm install" first`);
  process.exit(1);
});
child.once("exit", (code) => process.exit(code ?? 1));
