// The log in a real browser: rows as they come, what narrows them, and all that one of them tells.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import type { Browser, BrowserContext, Locator, Page } from "playwright-core";
import { logFields } from "../../core/storage/ports.ts";
import { sqlLogs } from "../../core/storage/logs-sql.ts";
import { openSqlite } from "../../runtimes/sqlite.ts";
import { violationsOf } from "../support/axe.ts";
import { noBrowser, openBrowser } from "../support/browser.ts";
import { type RunningGateway, runtimes, startGateway } from "../support/gateway.ts";
import { row } from "../support/log-row.ts";

const token = "an-admin-token-of-forty-characters-0123";
const pixel =
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";

const chunk = (delta: unknown, more: object = {}) =>
  `data: ${
    JSON.stringify({
      id: "chatcmpl-1",
      object: "chat.completion.chunk",
      created: 1,
      model: "m",
      choices: [{ index: 0, delta, finish_reason: null, ...more }],
    })
  }\n\n`;

/** Thoughts, words and a call in pieces; whole where no stream is asked for; "fail" fails. */
const upstream = createServer((req, res) => {
  const parts: Buffer[] = [];
  req.on("data", (part: Buffer) => parts.push(part)).on("end", () => {
    const text = Buffer.concat(parts).toString();
    const asked = JSON.parse(text) as { model: string; stream?: boolean };
    const usage = { prompt_tokens: 1200, completion_tokens: 500, total_tokens: 1700 };
    if (text.includes("fail")) {
      res.writeHead(500, { "content-type": "application/json" });
      return res.end(JSON.stringify({ error: { message: "The model fell over" } }));
    }
    if (asked.stream !== true) {
      res.writeHead(200, { "content-type": "application/json" });
      return res.end(JSON.stringify({
        id: "chatcmpl-1",
        object: "chat.completion",
        created: 1,
        model: asked.model,
        choices: [{
          index: 0,
          message: { role: "assistant", content: `This is ${asked.model}` },
          finish_reason: "stop",
        }],
        usage,
      }));
    }
    res.writeHead(200, { "content-type": "text/event-stream" });
    if (asked.model === "gpt-4o") {
      res.write(chunk({ role: "assistant", content: "Rain in " }) + chunk({ content: "Genoa." }));
    } else {
      res.write(
        chunk({ role: "assistant", reasoning_content: "They want " }) +
          chunk({ reasoning_content: "the weather." }) +
          chunk({ content: "Sun in " }) + chunk({ content: "Turin." }) +
          chunk({
            tool_calls: [{
              index: 0,
              id: "call_1",
              type: "function",
              function: { name: "weather", arguments: '{"city":' },
            }],
          }) + chunk({ tool_calls: [{ index: 0, function: { arguments: '"Turin"}' } }] }),
      );
    }
    res.write(chunk({}, { finish_reason: "stop" }));
    res.end(`data: ${JSON.stringify({ choices: [], usage })}\n\ndata: [DONE]\n\n`);
  });
});

const question = {
  model: "openai/gpt-4o-mini",
  stream: true,
  temperature: 0.25,
  messages: [
    { role: "system", content: "You are a weatherman." },
    {
      role: "user",
      content: [
        { type: "text", text: "What is it like there?" },
        { type: "image_url", image_url: { url: `data:image/png;base64,${pixel}` } },
      ],
    },
  ],
  tools: [{
    type: "function",
    function: { name: "weather", description: "The weather of a city", parameters: {} },
  }],
};

for (const runtime of ["node", "bun", "workers"] as const) {
  if (!runtimes.includes(runtime)) continue;
  // What the page does by itself is the same everywhere.
  const itOnce = runtime === "node" ? it : () => {};
  describe(`logs on ${runtime}`, { skip: noBrowser }, () => {
    let browser: Browser;
    let gateway: RunningGateway;
    let context: BrowserContext;
    let page: Page;
    const send = async (body: unknown, headers: Record<string, string> = {}) => {
      const response = await fetch(`${gateway.url}/v1/chat/completions`, {
        method: "POST",
        headers: {
          "content-type": "application/json",
          authorization: "Bearer sk-mine",
          "user-agent": "OpenAI/JS 6.49.0",
          ...headers,
        },
        body: JSON.stringify(body),
      });
      await response.text();
      return response.headers.get("cf-aig-log-id")!;
    };
    const ask = (content: string, headers?: Record<string, string>) =>
      send({ model: "openai/gpt-4o-mini", messages: [{ role: "user", content }] }, headers);
    const rows = () => page.locator(".logs-row");
    const show = async (path: string) => {
      await page.goto(`${gateway.url}/dashboard/logs${path}`);
      await page.getByRole("heading", { level: 1 }).waitFor();
    };
    const tab = (name: string) => page.getByRole("tab", { name, exact: true }).click();
    const figure = (place: Locator, name: string) =>
      place.locator("dl > div", { has: page.getByText(name, { exact: true }) }).locator("dd");

    before(async () => {
      await new Promise<void>((resolve) => upstream.listen(0, "127.0.0.1", resolve));
      const base_url = `http://127.0.0.1:${(upstream.address() as AddressInfo).port}/v1`;
      gateway = await startGateway(runtime, {
        config: {
          gateways: { default: { cache_ttl: 60 } },
          providers: { openai: { base_url }, groq: { base_url } },
          keys: { openai: { default: { value: "sk-x" } }, groq: { default: { value: "sk-x" } } },
          open: true,
        },
        // A worker never knows that it is on this machine.
        ...runtime === "workers" && { env: { SLUICE_ADMIN_TOKEN: token } },
      });
      browser = await openBrowser();
      context = await browser.newContext({
        locale: "en-US",
        viewport: { width: 1400, height: 900 },
        bypassCSP: true, // for axe
      });
      await context.grantPermissions(["clipboard-read", "clipboard-write"]);
      page = await context.newPage();
      if (runtime !== "workers") return;
      await page.goto(`${gateway.url}/dashboard`);
      await page.getByLabel("Admin token").fill(token);
      await page.getByRole("button", { name: "Sign in" }).click();
      await page.getByRole("navigation").waitFor();
    });
    after(async () => {
      await browser?.close();
      await gateway?.stop("SIGKILL");
      upstream.close();
    });

    it("shows a request at the top once it is over, without being asked again", async () => {
      await ask("The first");
      await show("");
      await rows().first().waitFor();
      await page.getByText("Requests appear as they end").waitFor({ state: "attached" });
      await ask("Another", { "cf-aig-metadata": JSON.stringify({ team: "blue" }) });
      await rows().first().getByText("team=blue").waitFor();
      await page.getByText("2 requests").waitFor();
    });

    it("keeps what comes back while it is paused", async () => {
      await page.getByRole("button", { name: /^Live/ }).click();
      await ask("fail, please", { "cf-aig-skip-cache": "true" });
      await page.getByRole("button", { name: "1 new" }).click();
      await rows().first().getByText("500").waitFor();
    });

    it("polls where no events come through", async () => {
      const other = await context.newPage();
      await other.route("**/logs/live*", (route) => route.fulfill({ status: 501 }));
      await other.goto(`${gateway.url}/dashboard/logs`);
      await other.getByText("The list is read every second").waitFor({ state: "attached" });
      await ask("Polled", { "cf-aig-metadata": JSON.stringify({ team: "polled" }) });
      await other.locator(".logs-row").first().getByText("team=polled").waitFor();
      await other.close();
    });

    it("has a filter for everything that the API filters by", async () => {
      await show("");
      await page.getByRole("button", { name: "Add filter" }).click();
      const offered = await page.getByRole("dialog").getByLabel("What").locator("option")
        .evaluateAll((all) => all.map((one) => (one as HTMLOptionElement).value));
      // The time has its own field; two are the same on every row; names and values are one.
      const apart = ["created_at", "wholesale", "dlp_action", "metadata.key", "metadata.value"];
      const wanted = logFields.filter((name) => !apart.includes(name));
      assert.deepEqual([...wanted, "metadata"].filter((name) => !offered.includes(name)), []);
    });

    it("narrows the list by chips, which the address keeps", async () => {
      const dialog = page.getByRole("dialog");
      await dialog.getByLabel("What").selectOption("metadata");
      await dialog.getByLabel("Name").fill("team");
      await dialog.getByLabel("Value").fill("blue");
      await dialog.getByRole("button", { name: "Apply" }).click();
      await page.getByText("1 request", { exact: true }).waitFor();
      await page.reload();
      await page.getByText("1 request", { exact: true }).waitFor();
      await page.getByRole("button", { name: "team is blue", exact: true }).waitFor();
      await page.getByRole("button", { name: "Failed" }).click();
      await page.getByText("No request fits").waitFor();
      await page.getByRole("button", { name: "Remove filter: team is blue" }).click();
      await rows().first().getByText("500").waitFor();
      assert.equal(await rows().count(), 1);
      await page.getByRole("button", { name: "Failed" }).click();
      await page.getByRole("button", { name: "Add filter" }).click();
      await dialog.getByLabel("What").selectOption("tokens_in");
      await dialog.getByLabel("Value").fill("5000");
      await dialog.getByRole("button", { name: "Apply" }).click();
      await page.getByText("No request fits").waitFor();
      await page.getByRole("button", { name: "Input tokens over 5000", exact: true }).waitFor();
    });

    it("finds text", async () => {
      await show("");
      await page.getByLabel("Search requests").fill("fell over");
      await page.getByText("1 request", { exact: true }).waitFor();
      await rows().first().getByText("500").waitFor();
      assert.match(page.url(), /q=fell/);
    });

    it("remembers the columns", async () => {
      await show("");
      await page.getByRole("button", { name: "Columns" }).click();
      await page.getByLabel("Client", { exact: true }).check();
      await page.getByLabel("Cost", { exact: true }).uncheck();
      await page.keyboard.press("Escape");
      await page.reload();
      await rows().first().getByText("OpenAI/JS 6.49.0").waitFor();
      const heads = await page.getByRole("columnheader").allInnerTexts();
      assert.deepEqual([heads.includes("Client"), heads.includes("Cost")], [true, false]);
    });

    it("opens a row to its times, tokens, money and metadata", async () => {
      const id = await send(question, { "cf-aig-metadata": JSON.stringify({ team: "red" }) });
      await show("");
      await rows().first().getByText("team=red").waitFor();
      await page.getByRole("grid").focus();
      await page.keyboard.press("ArrowDown");
      await page.keyboard.press("Enter");
      const detail = page.getByRole("dialog", { name: "gpt-4o-mini" });
      await detail.waitFor();
      assert.ok(page.url().includes(id));
      const fall = detail.locator(".logs-waterfall");
      for (const name of ["Answered", "First byte", "First token", "End"]) {
        assert.match(await figure(fall, name).innerText(), /^[\d.]+ m?s$/);
      }
      for (const kind of ["gateway", "head", "token", "rest"]) {
        assert.equal(await fall.locator(`dt.${kind}`).count(), 1);
      }
      await detail.getByText("1,200").first().waitFor();
      // $0.15 and $0.60 for a million tokens.
      assert.equal(await figure(detail, "Total").innerText(), "$0.000480");
      assert.equal(await figure(detail, "input").innerText(), "$0.000180");
      assert.equal(await figure(detail, "output").innerText(), "$0.000300");
      await detail.getByRole("button", { name: "team = red" }).waitFor();
      assert.equal(await figure(detail, "From cache").innerText(), "No");
    });

    it("shows what was said: text, image, thoughts and calls, put together from a stream", async () => {
      await tab("Conversation");
      const turn = (name: string) =>
        page.locator(".logs-turn", { has: page.getByRole("heading", { name, exact: true }) });
      await turn("System").getByText("You are a weatherman.").waitFor();
      await turn("User").getByText("What is it like there?").waitFor();
      const image = turn("User").getByRole("img");
      assert.equal(await image.evaluate((one) => (one as HTMLImageElement).naturalWidth), 1);
      const answer = turn("Answer");
      await answer.getByText("Sun in Turin.").waitFor();
      await answer.getByText("They want the weather.").waitFor();
      await answer.locator(".logs-call", { hasText: "weather" }).getByText('"city": "Turin"')
        .waitFor();
      await page.getByText("The weather of a city").waitFor();
      await page.getByText("0.25", { exact: true }).waitFor();
    });

    it("shows the bytes, and gives them as a file", async () => {
      await tab("Raw");
      await page.locator("pre", { hasText: "data: [DONE]" }).waitFor();
      const saved = page.waitForEvent("download");
      await page.getByRole("link", { name: "Download" }).first().click();
      const stream = await (await saved).createReadStream();
      const parts: Buffer[] = [];
      for await (const part of stream) parts.push(part as Buffer);
      assert.deepEqual(JSON.parse(Buffer.concat(parts).toString()), {
        ...question,
        model: "gpt-4o-mini", // as it went to the provider
      });
    });

    itOnce("gives it as code", async () => {
      await tab("Code");
      const pre = page.getByRole("tabpanel").locator("pre");
      const wanted = {
        "curl": /^curl .*\/v1\/\w+\/default\/compat\/chat\/completions/,
        "OpenAI, Python": /client\.chat\.completions\.create/,
        "OpenAI, TypeScript": /client\.chat\.completions\.create/,
        "Anthropic, Python": /client\.messages\.(?:create|stream)/,
        "Anthropic, TypeScript": /client\.messages\.(?:create|stream)/,
      };
      for (const [name, code] of Object.entries(wanted)) {
        await page.getByRole("button", { name, exact: true }).click();
        await page.getByRole("button", { name, exact: true, pressed: true }).waitFor();
        const text = await pre.innerText();
        assert.match(text, code);
        assert.match(text, /weatherman/);
        await page.getByRole("tabpanel").getByRole("button", { name: "Copy" }).click();
        await page.getByText("Copied").waitFor();
        assert.equal(await page.evaluate(() => navigator.clipboard.readText()), text);
        await page.getByRole("tabpanel").getByRole("button", { name: "Copy" }).waitFor();
      }
    });

    it("runs it again with another model, and compares", async () => {
      await tab("Run again");
      const panel = page.getByRole("tabpanel");
      await panel.getByLabel("Model").fill("openai/gpt-4o");
      await panel.getByRole("button", { name: "Run", exact: true }).click();
      await panel.getByText("Rain in Genoa.").waitFor();
      await panel.getByText("Sun in Turin.").waitFor();
      const cost = panel.getByRole("row", { name: /^Cost/ });
      await cost.getByText("+1,566.7%").waitFor(); // $2.50 and $10 for a million tokens
      assert.equal(await cost.getByRole("cell").nth(1).innerText(), "$0.008000");
      await panel.getByRole("row", { name: /^Input/ }).getByText("1,200").first().waitFor();
      await panel.getByRole("row", { name: /^Duration/ }).waitFor();
      await panel.getByRole("button", { name: "Difference" }).click();
      await panel.locator("del", { hasText: "Sun" }).waitFor();
      await panel.locator("ins", { hasText: "Rain" }).waitFor();
    });

    itOnce("breaks no rule of accessibility, wide and narrow, light and dark", async () => {
      const names = ["Overview", "Conversation", "Raw", "Code", "Run again"];
      for (const width of [1400, 390]) {
        await page.setViewportSize({ width, height: 900 });
        for (const colorScheme of ["light", "dark"] as const) {
          await page.emulateMedia({ colorScheme });
          for (const name of names) {
            await tab(name);
            await page.getByRole("tab", { name, selected: true }).waitFor();
            await page.getByRole("tabpanel").getByRole("status").waitFor({ state: "detached" });
            assert.deepEqual(await violationsOf(page), [], `${name}, ${width}, ${colorScheme}`);
            if (name !== "Run again") continue;
            await page.getByLabel("Model").fill("openai/gpt-4o");
            await page.getByRole("button", { name: "Run", exact: true }).click();
            await page.getByText("Rain in Genoa.").waitFor();
            assert.deepEqual(await violationsOf(page), [], `compared, ${width}, ${colorScheme}`);
          }
        }
      }
      await page.setViewportSize({ width: 1400, height: 900 });
      await page.emulateMedia({ colorScheme: "light" });
    });

    it("takes thumbs and a score", async () => {
      const saved = () =>
        page.waitForResponse((response) => response.request().method() === "PATCH");
      const held = Promise.withResolvers<void>();
      await page.route("**/logs/*", async (route) => {
        if (route.request().method() === "PATCH") await held.promise;
        await route.continue();
      });
      const first = saved();
      await page.getByRole("button", { name: "Good answer" }).click();
      await page.getByRole("button", { name: "Good answer", pressed: true }).waitFor();
      const score = page.getByLabel("Score, 0 to 100");
      await score.fill("80");
      // The answer to the thumb comes while the score is typed.
      held.resolve();
      assert.equal((await first).status(), 200);
      await page.unroute("**/logs/*");
      await page.evaluate(() =>
        new Promise((done) => requestAnimationFrame(() => setTimeout(done)))
      );
      assert.equal(await score.inputValue(), "80");
      const second = saved();
      await page.keyboard.press("Tab");
      assert.equal((await second).status(), 200);
      await page.reload();
      await page.getByRole("button", { name: "Good answer", pressed: true }).waitFor();
      assert.equal(await page.getByLabel("Score, 0 to 100").inputValue(), "80");
    });

    it("tells the tries and steps of a request, and goes from one to the other", async () => {
      const step = (provider: string, content: string) => ({
        provider,
        endpoint: "chat/completions",
        headers: { authorization: "Bearer sk-x", "content-type": "application/json" },
        query: { model: "gpt-4o-mini", messages: [{ role: "user", content }] },
      });
      const response = await fetch(`${gateway.url}/v1/a/default`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify([step("openai", "fail"), step("groq", "Well?")]),
      });
      assert.equal(response.status, 200);
      await show("/" + response.headers.get("cf-aig-log-id"));
      const fall = page.locator(".logs-waterfall ol");
      await fall.getByText("groq 200").waitFor();
      await page.getByText("Step 2, try 2").waitFor();
      await fall.getByRole("button", { name: "openai 500" }).click();
      await page.getByText("The model fell over").waitFor();
      await page.keyboard.press("Escape");
      await page.getByRole("dialog").waitFor({ state: "detached" });
    });

    it("says what came from the cache, and what that saved", async () => {
      await ask("Twice");
      const id = await ask("Twice");
      await show("/" + id);
      const detail = page.getByRole("dialog");
      await figure(detail, "Saved by the cache").getByText("$0.000480").waitFor();
      assert.equal(await figure(detail, "From cache").innerText(), "Yes");
      await detail.getByText("From cache", { exact: true }).first().waitFor();
    });
  });
}

describe("a long log", { skip: noBrowser }, () => {
  const count = 420;
  const data = mkdtempSync(join(tmpdir(), "sluice-logs-"));
  let browser: Browser;
  let gateway: RunningGateway;
  before(async () => {
    const { database } = openSqlite(join(data, "sluice-logs.db"));
    const from = Date.now() - 3600_000;
    await sqlLogs(database).append(
      Array.from({ length: count }, (_, i) => ({
        row: row(`0192${String(i).padStart(4, "0")}-0000-7000-8000-000000000000`, {
          created_at: from + Math.floor(i / 3), // several at a time
          model: `openai/number-${i}`,
        }),
      })),
    );
    await database.dispose();
    gateway = await startGateway("node", { env: { SLUICE_DATA: data } });
    browser = await openBrowser();
  });
  after(async () => {
    await browser?.close();
    await gateway?.stop("SIGKILL");
    rmSync(data, { recursive: true, force: true });
  });

  it("is gone through from the first to the last row, each of them once", async () => {
    const context = await browser.newContext({ locale: "en-US" });
    const page = await context.newPage();
    await page.goto(`${gateway.url}/dashboard/logs`);
    await page.getByText(`${count} requests`).waitFor();
    const grid = page.getByRole("grid");
    await grid.focus();
    const seen: string[] = [];
    while (seen.at(-1) !== "number-0") {
      const at = seen.length;
      assert.ok(at < count, `number-0 is not among ${seen.length} rows`);
      await page.keyboard.press("ArrowDown");
      const row = page.locator(`#log-${at}[aria-selected=true]`);
      const name = row.getByText(/^number-\d+$/);
      await name.waitFor();
      seen.push(await name.innerText());
    }
    assert.deepEqual(
      [...seen].sort(),
      Array.from({ length: count }, (_, i) => `number-${i}`).sort(),
    );
    await context.close();
  });

  it("shows its other end at once, and what is in between", async () => {
    const context = await browser.newContext({ locale: "en-US" });
    const page = await context.newPage();
    await page.goto(`${gateway.url}/dashboard/logs`);
    await page.getByText(`${count} requests`).waitFor();
    const grid = page.getByRole("grid");
    await grid.focus();
    await page.keyboard.press("End");
    await page.locator(`#log-${count - 1}`).getByText(/^number-[012]$/).waitFor();
    await grid.evaluate((box) => box.scrollTop = box.scrollHeight / 2);
    await page.locator(`#log-${count / 2}`).getByText(/^number-\d+$/).waitFor();
    await context.close();
  });
});
