/**
 * A gateway under `/ai` of a Hono app. Bun (`bun run`) and Deno (`deno serve`) start this file as it is,
 * Workers deploys it; on Node it is `serve(app)` of `@hono/node-server`.
 */
import { Hono } from "hono";
import { mount } from "hono/mount";
import { createGateway, standardPlugins } from "../mod.ts";

const gateway = createGateway({
  plugins: standardPlugins(),
  gateways: { default: { rate_limiting_limit: 100, rate_limiting_interval: 60 } },
  providers: {
    openai: { base_url: process.env["OPENAI_BASE_URL"] ?? "https://api.openai.com/v1" },
  },
});

const app = new Hono();
app.get("/", (c) => c.text("The app"));
// An OpenAI client has `baseURL: "http://localhost:3000/ai/openai"`.
app.all("/ai/*", mount(gateway.fetch));

export default app;
