/** Rows as they are stored, as events. */
import { strict as assert } from "node:assert";
import { it } from "node:test";
import { createGateway, log } from "../../mod.ts";

const api = "http://127.0.0.1/client/v4/accounts/a/ai-gateway/gateways/default/logs/live";

function gatewayWithLog() {
  return createGateway({
    plugins: [log()],
    admin: { loopback: true },
    fetch: () => Promise.resolve(Response.json({ ok: true })),
  });
}

const ask = (gateway: ReturnType<typeof gatewayWithLog>, path: string) =>
  gateway.fetch(new Request(`http://127.0.0.1${path}`, { method: "POST", body: "{}" }));

it("rows are sent once they are stored, those that the filters let through", async () => {
  const gateway = gatewayWithLog();
  const filter = "filters.key=provider&filters.operator=eq&filters.value=groq";
  const response = await gateway.fetch(new Request(`${api}?${filter}`));
  assert.equal(response.headers.get("content-type"), "text/event-stream");
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
  assert.equal((await reader.read()).value, ": live\n\n");
  for (const slug of ["openai", "groq"]) {
    await (await ask(gateway, `/${slug}/chat/completions`)).text();
  }
  await gateway.flush();
  const { value = "" } = await reader.read();
  const [, data = ""] = /^id: \S+\nevent: row\ndata: (.*)\n\n$/.exec(value) ?? [];
  assert.equal((JSON.parse(data) as { provider: string }).provider, "groq");
  await reader.cancel();
  await gateway.close();
});

it("a filter that means nothing is an error, and no stream", async () => {
  const gateway = gatewayWithLog();
  const wrong = "filters.key=nothing&filters.operator=eq&filters.value=1";
  const response = await gateway.fetch(new Request(`${api}?${wrong}`));
  assert.equal(response.status, 400);
  await gateway.close();
});
