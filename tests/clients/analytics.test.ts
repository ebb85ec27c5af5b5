// Figures of what was asked for, pages of the log and rows as they come, on each runtime.
import assert from "node:assert/strict";
import { eachRuntime, type World } from "./setup.ts";

const token = "an-admin-token-for-the-test";

const configure = (origin: string) => ({
  allow_private_providers: true,
  providers: { groq: { base_url: `${origin}/openai/v1` } },
});

async function chat(world: World, team: string): Promise<string> {
  const { request } = world.answer("groq/chat-tool-call");
  const response = await fetch(`${world.base("groq")}/chat/completions`, {
    method: "POST",
    headers: {
      authorization: "Bearer sk-test",
      "content-type": "application/json",
      "cf-aig-metadata": JSON.stringify({ team }),
    },
    body: JSON.stringify(request),
  });
  await response.arrayBuffer();
  return response.headers.get("cf-aig-log-id")!;
}

eachRuntime("analytics", configure, (world, test) => {
  test("analytics of what was asked for, and pages behind a row", async () => {
    const ids = [await chat(world, "green"), await chat(world, "green")];
    const get = async (path: string) => {
      const api = `${world.gateway.url}/client/v4/accounts/acc/ai-gateway/gateways/default/${path}`;
      const response = await fetch(api, { headers: { authorization: `Bearer ${token}` } });
      assert.equal(response.status, 200, await response.clone().text());
      return await response.json();
    };
    const filters = encodeURIComponent(JSON.stringify([
      { key: "metadata.key", operator: "eq", value: ["team"] },
      { key: "metadata.value", operator: "eq", value: ["green"] },
    ]));
    const { answer } = world.answer("groq/chat-tool-call");
    const some = await get(`analytics?group_by=metadata.team,model&filters=${filters}`);
    assert.equal(some.result.totals.requests, 2);
    assert.equal(some.result.totals.tokens_in, 2 * answer.usage.prompt_tokens);
    assert.deepEqual(some.result.series[0].group, {
      "metadata.team": "green",
      model: `groq/${answer.model}`,
    });
    const all = await get("analytics?group_by=provider&interval=minute");
    assert.ok(all.result.totals.requests >= 2);
    assert.deepEqual(all.result.series.map(({ group }: { group: unknown }) => group), [
      { provider: "groq" },
    ]);
    const first = await get(`logs?per_page=1&after=&filters=${filters}`);
    assert.deepEqual(first.result.map(({ id }: { id: string }) => id), [ids[1]]);
    const next = encodeURIComponent(first.result_info.next);
    const second = await get(`logs?per_page=1&after=${next}&filters=${filters}`);
    assert.deepEqual(second.result.map(({ id }: { id: string }) => id), [ids[0]]);
  });

  test("rows as they come", async () => {
    const leave = new AbortController();
    const api = `${world.gateway.url}/client/v4/accounts/acc/ai-gateway/gateways/default/logs/live`;
    const response = await fetch(api, {
      headers: { authorization: `Bearer ${token}` },
      signal: leave.signal,
    });
    assert.equal(response.headers.get("content-type"), "text/event-stream");
    const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
    assert.equal((await reader.read()).value, ": live\n\n");
    const ids: string[] = [];
    let text = "";
    for (let i = 0; i < 2; i++) {
      const id = await chat(world, "live");
      ids.push(id);
      while (!text.includes(`id: ${id}\n`)) text += (await reader.read()).value;
    }
    assert.deepEqual([...text.matchAll(/^id: (.*)$/gm)].map(([, id]) => id), ids);
    leave.abort();
  });
}, { SLUICE_ADMIN_TOKEN: token });
