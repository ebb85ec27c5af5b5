// The playground in a real browser: what goes to models, and what comes back from several of them.
import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { after, before, describe, it } from "node:test";
import type { Browser, Page } from "playwright-core";
import { violationsOf } from "../support/axe.ts";
import { noBrowser, openBrowser } from "../support/browser.ts";
import { type RunningGateway, startGateway } from "../support/gateway.ts";

const pixel = Buffer.from(
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==",
  "base64",
);

interface Asked {
  model: string;
  stream?: boolean;
  temperature?: number;
  messages: { role: string; content: unknown; tool_calls?: { id: string }[] }[];
  tools?: { function: { name: string } }[];
}

/** What the provider was asked, the latest last. */
const asked: Asked[] = [];
/** Lets streams that wait go on. */
const goOn: (() => void)[] = [];

/** Each model says its own name; one with tools calls the first of them; "wait" holds a stream open. */
const upstream = createServer((req, res) => {
  const parts: Buffer[] = [];
  req.on("data", (part: Buffer) => parts.push(part)).on("end", async () => {
    const body = JSON.parse(Buffer.concat(parts).toString()) as Asked;
    asked.push(body);
    const last = JSON.stringify(body.messages.at(-1));
    if (last.includes("fail")) {
      res.writeHead(500, { "content-type": "application/json" });
      return res.end(JSON.stringify({ error: { message: "The model fell over" } }));
    }
    const usage = { prompt_tokens: 1200, completion_tokens: 500, total_tokens: 1700 };
    const calls = body.tools !== undefined && body.messages.at(-1)!.role === "user";
    const text = `${body.model} has ${body.messages.length}`;
    const message = calls
      ? {
        role: "assistant",
        content: null,
        tool_calls: [{
          index: 0,
          id: "call_7",
          type: "function",
          function: { name: body.tools![0]!.function.name, arguments: '{"city":"Turin"}' },
        }],
      }
      : { role: "assistant", content: text };
    const finish_reason = calls ? "tool_calls" : "stop";
    if (body.stream !== true) {
      res.writeHead(200, { "content-type": "application/json" });
      return res.end(JSON.stringify({
        id: "c",
        object: "chat.completion",
        created: 1,
        model: body.model,
        choices: [{ index: 0, message, finish_reason }],
        usage,
      }));
    }
    res.writeHead(200, { "content-type": "text/event-stream" });
    const write = (choices: unknown[], more: object = {}) =>
      res.write(
        `data: ${
          JSON.stringify({
            id: "c",
            object: "chat.completion.chunk",
            created: 1,
            model: body.model,
            choices,
            ...more,
          })
        }\n\n`,
      );
    if (last.includes("wait")) {
      write([{ index: 0, delta: { role: "assistant", content: "Half an " } }]);
      await new Promise<void>((resolve) => goOn.push(resolve));
      write([{ index: 0, delta: { content: "answer." } }]);
    } else write([{ index: 0, delta: message }]);
    write([{ index: 0, delta: {}, finish_reason }]);
    write([], { usage });
    res.end("data: [DONE]\n\n");
  });
});

describe("the playground", { skip: noBrowser }, () => {
  let browser: Browser;
  let gateway: RunningGateway;
  let page: Page;
  const column = (model: string) => page.getByRole("region", { name: model, exact: true });
  const say = async (text: string) => {
    await page.getByLabel("Message").fill(text);
    await page.getByRole("button", { name: "Send", exact: true }).click();
  };
  before(async () => {
    await new Promise<void>((resolve) => upstream.listen(0, "127.0.0.1", resolve));
    const base_url = `http://127.0.0.1:${(upstream.address() as AddressInfo).port}/v1`;
    gateway = await startGateway("node", {
      config: {
        providers: { openai: { base_url }, groq: { base_url } },
        keys: { openai: { default: { value: "sk-x" } }, groq: { default: { value: "sk-x" } } },
      },
    });
    browser = await openBrowser();
    const context = await browser.newContext({
      locale: "en-US",
      bypassCSP: true, // for axe
    });
    page = await context.newPage();
    await page.goto(`${gateway.url}/dashboard/playground`);
  });
  after(async () => {
    await browser?.close();
    await gateway?.stop("SIGKILL");
    upstream.close();
  });

  it("asks several models at once, each in its column, with times, tokens and cost", async () => {
    await page.getByLabel("Models").fill("groq/llama-3.3-70b-versatile");
    await page.keyboard.press("Enter");
    await say("Who are you?");
    const one = column("openai/gpt-4o-mini"), other = column("groq/llama-3.3-70b-versatile");
    await one.getByText("gpt-4o-mini has 1", { exact: true }).waitFor();
    await other.getByText("llama-3.3-70b-versatile has 1", { exact: true }).waitFor();
    await one.getByText("1,200 / 500").waitFor();
    await one.getByText("$0.000480").waitFor(); // $0.15 and $0.60 for a million tokens
    for (const name of ["First token", "Total"]) {
      const figure = one.locator("dl > div", { has: page.getByText(name, { exact: true }) });
      assert.match(await figure.locator("dd").innerText(), /^[\d.]+ m?s$/);
    }
    await other.getByRole("link", { name: "Open in the logs" }).waitFor();
  });

  it("offers models by their names", async () => {
    const offered = await page.locator("datalist option").evaluateAll((all) =>
      all.map((one) => (one as HTMLOptionElement).value)
    );
    assert.ok(offered.includes("openai/gpt-4o"));
  });

  it("goes on with what was said, and each model has its own answers", async () => {
    await say("And now?");
    await column("openai/gpt-4o-mini").getByText("gpt-4o-mini has 3", { exact: true }).waitFor();
    await column("groq/llama-3.3-70b-versatile")
      .getByText("llama-3.3-70b-versatile has 3", { exact: true }).waitFor();
    const { messages } = asked.findLast(({ model }) => model === "gpt-4o-mini")!;
    assert.deepEqual(messages.map(({ role, content }) => [role, content]), [
      ["user", "Who are you?"],
      ["assistant", "gpt-4o-mini has 1"],
      ["user", "And now?"],
    ]);
    await page.getByRole("button", { name: "Remove groq/llama-3.3-70b-versatile" }).click();
    await page.getByRole("button", { name: "New conversation" }).click();
    await page.getByText("Say something").waitFor();
  });

  it("shows an answer as it comes, and may be stopped", async () => {
    await say("wait for it");
    const one = column("openai/gpt-4o-mini");
    await one.getByText("Half an", { exact: true }).waitFor();
    goOn.splice(0).forEach((go) => go());
    await one.getByText("Half an answer.", { exact: true }).waitFor();
    await say("wait again");
    await one.getByText("Half an", { exact: true }).waitFor();
    await page.getByRole("button", { name: "Stop" }).click();
    await one.getByText("Stopped", { exact: true }).waitFor();
    goOn.splice(0).forEach((go) => go());
    await page.getByRole("button", { name: "New conversation" }).click();
  });

  it("sends instructions, images and settings", async () => {
    await page.getByRole("heading", { name: "Settings" }).click();
    await page.getByLabel("Instructions").fill("Be short.");
    await page.getByLabel("Temperature").fill("0.3");
    await page.getByLabel("Show answers as they come").uncheck();
    await page.locator("input[type=file]").setInputFiles({
      name: "dot.png",
      mimeType: "image/png",
      buffer: pixel,
    });
    await page.getByRole("img", { name: "dot.png" }).waitFor();
    await say("What is it?");
    const one = column("openai/gpt-4o-mini");
    await one.getByText("gpt-4o-mini has 2", { exact: true }).waitFor();
    const image = one.getByRole("img");
    assert.equal(await image.evaluate((img) => (img as HTMLImageElement).naturalWidth), 1);
    const { stream = false, temperature, messages } = asked.at(-1)!;
    assert.deepEqual({ stream, temperature, messages }, {
      stream: false,
      temperature: 0.3,
      messages: [
        { role: "system", content: "Be short." },
        {
          role: "user",
          content: [
            { type: "text", text: "What is it?" },
            {
              type: "image_url",
              image_url: { url: `data:image/png;base64,${pixel.toString("base64")}` },
            },
          ],
        },
      ],
    });
    await page.getByRole("button", { name: "New conversation" }).click();
  });

  it("lets a model call tools, and takes what they return", async () => {
    await page.getByLabel("Tools", { exact: true }).fill("[{");
    await page.getByText("This is not a list of tools as JSON").waitFor();
    await page.getByLabel("Tools", { exact: true }).fill("");
    await page.getByRole("button", { name: "Put in an example" }).click();
    await page.getByLabel("Show answers as they come").check();
    await say("How is the weather?");
    const one = column("openai/gpt-4o-mini");
    await one.locator(".logs-call", { hasText: "get_weather" }).getByText('"city": "Turin"')
      .waitFor();
    await one.getByLabel("What get_weather returns").fill("sunny");
    await one.getByRole("button", { name: "Send results" }).click();
    await one.getByText("gpt-4o-mini has 4", { exact: true }).waitFor();
    const [, , call, result] = asked.at(-1)!.messages;
    assert.equal(call!.tool_calls![0]!.id, "call_7");
    assert.deepEqual(result, { role: "tool", tool_call_id: "call_7", content: "sunny" });
  });

  it("breaks no rule of accessibility, wide and narrow, light and dark", async () => {
    for (const width of [390, 1280]) {
      await page.setViewportSize({ width, height: 900 });
      for (const colorScheme of ["dark", "light"] as const) {
        await page.emulateMedia({ colorScheme });
        assert.deepEqual(await violationsOf(page), [], `${width}, ${colorScheme}`);
      }
    }
  });

  it("keeps its own question for models out of the log", async () => {
    const path = "/client/v4/accounts/a/ai-gateway/gateways/default/logs";
    const { result } = await (await fetch(gateway.url + path)).json() as {
      result: { provider: string }[];
    };
    assert.deepEqual([...new Set(result.map(({ provider }) => provider))].sort(), [
      "groq",
      "openai",
    ]);
  });

  it("says what went wrong, and goes on without it", async () => {
    await page.getByLabel("Tools", { exact: true }).fill("");
    await page.getByRole("button", { name: "New conversation" }).click();
    await say("fail");
    const one = column("openai/gpt-4o-mini");
    await one.getByText("The model fell over").waitFor();
    await say("Again?");
    await one.getByText("gpt-4o-mini has 2", { exact: true }).waitFor(); // the instructions, too
  });

  it("remembers the models and settings", async () => {
    await page.reload();
    await page.getByRole("button", { name: "Remove openai/gpt-4o-mini" }).waitFor();
    assert.equal(await page.getByLabel("Instructions").inputValue(), "Be short.");
  });
});
