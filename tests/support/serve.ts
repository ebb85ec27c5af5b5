// Serves a module on Node: `serve.ts <file> <export>`, the export being an app with `fetch` or a handler.
import { serve } from "@hono/node-server";
import { resolve } from "node:path";
import process from "node:process";
import { pathToFileURL } from "node:url";

const [file = "", name = ""] = process.argv.slice(2);
const { [name]: served } = await import(pathToFileURL(resolve(file)).href);
serve({
  fetch: typeof served === "function" ? served : served.fetch,
  port: Number(process.env["PORT"]),
  hostname: "127.0.0.1",
});
