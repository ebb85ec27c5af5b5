// The dashboard in a real browser: what its pages do, and every one of them as it looks.
import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { after, before, describe, it } from "node:test";
import type { Browser, BrowserContext, Page } from "playwright-core";
import { violationsOf } from "../support/axe.ts";
import { noBrowser, openBrowser } from "../support/browser.ts";
import { type RunningGateway, runtimes, startGateway } from "../support/gateway.ts";

const token = "an-admin-token-of-forty-characters-0123";
const pages = [
  ...["overview", "logs", "gateways", "gateways/default", "gateways/default?tab=settings"],
  ...["gateways/default?tab=audit", "keys", "keys/provider", "providers", "playground", "health"],
];

/** A provider that answers with one sentence. */
const upstream = createServer((req, res) => {
  req.resume().on("end", () => {
    res.writeHead(200, { "content-type": "application/json" });
    res.end(JSON.stringify({
      id: "chatcmpl-1",
      object: "chat.completion",
      created: 1,
      model: "gpt-4o-mini",
      choices: [{
        index: 0,
        message: { role: "assistant", content: "Hello there" },
        finish_reason: "stop",
      }],
      usage: { prompt_tokens: 1200, completion_tokens: 500, total_tokens: 1700 },
    }));
  });
});

let browser: Browser;

before(async () => {
  if (noBrowser !== undefined) return;
  await new Promise<void>((resolve) => upstream.listen(0, "127.0.0.1", resolve));
  browser = await openBrowser();
});
after(async () => {
  await browser?.close();
  upstream.close();
});

const start = (runtime: RunningGateway["runtime"], env: Record<string, string> = {}) =>
  startGateway(runtime, {
    bare: true,
    config: {
      providers: {
        openai: { base_url: `http://127.0.0.1:${(upstream.address() as AddressInfo).port}/v1` },
      },
    },
    env,
  });

const send = (gateway: RunningGateway, text: string) =>
  fetch(`${gateway.url}/v1/chat/completions`, {
    method: "POST",
    headers: { "content-type": "application/json", authorization: "Bearer sk-mine" },
    body: JSON.stringify({
      model: "openai/gpt-4o-mini",
      messages: [{ role: "user", content: text }],
    }),
  });

for (const runtime of ["bun", "workers"] as const) {
  describe(`a session on ${runtime}`, { skip: noBrowser }, () => {
    let gateway: RunningGateway;
    let context: BrowserContext;
    let page: Page;
    before(async () => {
      gateway = await start(runtime, { SLUICE_ADMIN_TOKEN: token });
      context = await browser.newContext({ locale: "en-US" });
      page = await context.newPage();
    });
    after(async () => {
      await context?.close();
      await gateway?.stop("SIGKILL");
    });

    it("signs in, with the right token only", async () => {
      await page.goto(`${gateway.url}/dashboard`);
      const field = page.getByLabel("Admin token");
      await field.fill("wrong");
      await page.getByRole("button", { name: "Sign in" }).click();
      await page.getByText("That is not the admin token.").waitFor();
      await field.fill(token);
      await page.getByRole("button", { name: "Sign in" }).click();
      await page.getByRole("heading", { name: "Send the first request" }).waitFor();
      const [cookie] = await context.cookies();
      assert.equal(cookie?.name, "sluice_session");
      assert.equal(cookie.httpOnly, true);
      assert.equal(cookie.sameSite, "Strict");
      assert.ok(!cookie.value.includes(token));
      const stolen = await fetch(
        `${gateway.url}/client/v4/accounts/a/ai-gateway/gateways/default/logs`,
        {
          headers: {
            cookie: `${cookie.name}=${cookie.value}`,
            origin: "https://evil.test",
            "sec-fetch-site": "cross-site",
          },
        },
      );
      assert.equal(stolen.status, 401);
    });

    it("signs out", async () => {
      await page.getByRole("button", { name: "Sign out" }).click();
      await page.getByLabel("Admin token").waitFor();
      await page.reload();
      await page.getByLabel("Admin token").waitFor();
    });
  });
}

for (const runtime of ["node", "bun", "workers"] as const) {
  if (!runtimes.includes(runtime)) continue;
  describe(`gateways, keys and providers on ${runtime}`, { skip: noBrowser }, () => {
    const account = "acc"; // the configuration names one, as in the documentation
    let gateway: RunningGateway;
    let context: BrowserContext;
    let page: Page;
    const api = async (path: string): Promise<unknown> => {
      const base = `${gateway.url}/client/v4/accounts/${account}/ai-gateway`;
      const headers = { authorization: `Bearer ${token}` };
      const response = await fetch(base + path, runtime === "workers" ? { headers } : {});
      assert.equal(response.status, 200);
      return (await response.json() as { result: unknown }).result;
    };
    before(async () => {
      const port = (upstream.address() as AddressInfo).port;
      gateway = await startGateway(runtime, {
        bare: true,
        config: {
          account,
          gateways: { team: { retry_max_attempts: 2 } },
          providers: { openai: { base_url: `http://127.0.0.1:${port}/v1` } },
          keys: { openai: { default: { value: "sk-of-the-configuration" } } },
        },
        env: {
          // A worker never knows that it is on this machine.
          ...runtime === "workers" && { SLUICE_ADMIN_TOKEN: token },
          SLUICE_MASTER_KEY: "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=",
        },
      });
      context = await browser.newContext({ locale: "en-US" });
      page = await context.newPage();
      await page.goto(`${gateway.url}/dashboard/gateways`);
      if (runtime !== "workers") return;
      await page.getByLabel("Admin token").fill(token);
      await page.getByRole("button", { name: "Sign in" }).click();
    });
    after(async () => {
      await context?.close();
      await gateway?.stop("SIGKILL");
    });

    it("makes a gateway, and says at the field what its id may be", async () => {
      await page.getByRole("button", { name: "New gateway" }).click();
      const form = page.getByRole("dialog");
      await form.getByLabel("Id").fill("a--b");
      await form.getByRole("button", { name: "Create" }).click();
      await form.locator(".error", { hasText: "1 to 64 small letters" }).waitFor();
      await form.getByLabel("Id").fill("team");
      await form.getByRole("button", { name: "Create" }).click();
      await form.locator(".error", { hasText: "There is a gateway of this name" }).waitFor();
      await form.getByLabel("Id").fill("apps");
      await form.getByRole("button", { name: "Create" }).click();
      await page.getByRole("heading", { name: "apps", exact: true }).waitFor();
      assert.equal(await page.locator("header select").first().inputValue(), "apps");
    });

    it("saves what was changed and nothing else, and goes back to the configuration", async () => {
      await page.goto(`${gateway.url}/dashboard/gateways/team?tab=settings`);
      const tries = page.getByLabel("Tries", { exact: true });
      await tries.fill("9");
      await page.getByText("A whole number from 1 to 5.").waitFor();
      assert.equal(await page.getByRole("button", { name: "Save" }).isEnabled(), false);
      await tries.fill("3");
      // Another page, and back: it is not lost.
      await page.getByRole("link", { name: "All gateways" }).click();
      await page.getByText("Unsaved changes").waitFor();
      await page.getByRole("link", { name: "Settings team" }).click();
      assert.equal(await tries.inputValue(), "3");
      const sent = page.waitForRequest((request) => request.method() === "PATCH");
      await page.getByRole("button", { name: "Save" }).click();
      assert.deepEqual((await sent).postDataJSON(), { retry_max_attempts: 3 });
      await page.getByText("Saved; in force").waitFor();
      await page.getByText("changed here", { exact: true }).waitFor();
      await page.getByRole("tab", { name: "Changes" }).click();
      await page.locator("summary").first().click();
      const row = page.getByRole("row", { name: /retry_max_attempts/ });
      assert.deepEqual(await row.getByRole("cell").allInnerTexts(), [
        "retry_max_attempts",
        "2",
        "3",
      ]);
      await page.getByRole("tab", { name: "Settings" }).click();
      await page.getByRole("button", { name: "Back to the configuration" }).click();
      await page.getByRole("dialog").getByRole("button", { name: "Back to the configuration" })
        .click();
      await page.getByText("What you change here wins over the file").waitFor();
      assert.equal(await tries.inputValue(), "2");
    });

    it("names models that stand in for another", async () => {
      await page.getByLabel("Fallback", { exact: true })
        .fill("anthropic/claude-haiku-4-5\ngroq/llama-3.3-70b-versatile");
      const sent = page.waitForRequest((request) => request.method() === "PATCH");
      await page.getByRole("button", { name: "Save" }).click();
      assert.deepEqual((await sent).postDataJSON(), {
        fallback: ["anthropic/claude-haiku-4-5", "groq/llama-3.3-70b-versatile"],
      });
      await page.getByText("Saved; in force").waitFor();
    });

    it("shows what the API refuses at the setting that it is about", async () => {
      await page.getByLabel("Masked before it is stored").fill("([a");
      await page.getByRole("button", { name: "Save" }).click();
      await page.locator("[data-setting=log_redact] .error", { hasText: "regular expression" })
        .waitFor();
      await page.getByRole("button", { name: "Discard" }).click();
    });

    it("deletes a gateway once its name is typed", async () => {
      await page.goto(`${gateway.url}/dashboard/gateways/apps?tab=settings`);
      await page.getByRole("button", { name: "Delete this gateway" }).click();
      const sure = page.getByRole("dialog");
      const button = sure.getByRole("button", { name: "Delete this gateway" });
      assert.equal(await button.isEnabled(), false);
      await sure.getByLabel("Type apps to confirm").fill("apps");
      await button.click();
      await page.getByRole("heading", { name: "Gateways" }).waitFor();
      const left = await api("/gateways") as { id: string }[];
      assert.deepEqual(left.map(({ id }) => id), ["default", "team"]);
    });

    it("gives lines that work, and tries them", async () => {
      await page.goto(`${gateway.url}/dashboard/gateways/default`);
      await page.getByRole("button", { name: "Send a test request" }).click();
      await page.getByText("Hello there", { exact: true }).waitFor();
      await page.getByText("1,200 → 500").waitFor();
      await page.getByRole("link", { name: "Open its row" }).click();
      await page.waitForURL(/\/dashboard\/logs\/./);
      await page.goto(`${gateway.url}/dashboard/gateways/default?provider=openai`);
      await page.getByLabel("Key in the examples").selectOption("own");
      const line = await page.locator("pre.code", { hasText: "curl" }).first().innerText();
      assert.ok(
        line.startsWith(`curl ${gateway.url}/v1/${account}/default/openai/chat/completions`),
      );
      assert.match(line, /Authorization: Bearer \$OPENAI_API_KEY/);
      assert.doesNotMatch(line, /cf-aig-authorization/);
      await page.getByRole("tab", { name: "Settings" }).click();
      await page.getByLabel("Require a key").check();
      await page.getByRole("button", { name: "Save" }).click();
      await page.getByText("Saved; in force").waitFor();
      await page.getByRole("tab", { name: "Connect" }).click();
      await page.getByLabel("Key in the examples").selectOption("own");
      await page.getByText("cf-aig-authorization: Bearer $SLUICE_KEY").first().waitFor();
    });

    it("stores a provider's key, and never shows it again", async () => {
      const secret = "sk-ant-api03-a-secret-of-many-letters";
      await page.goto(`${gateway.url}/dashboard/keys?add=anthropic`);
      const form = page.getByRole("dialog");
      await form.getByLabel("Secret").fill(secret);
      await form.getByRole("button", { name: "Save" }).click();
      await page.getByRole("row", { name: /anthropic/ }).waitFor();
      assert.ok(!(await page.content()).includes(secret));
      await page.goto(`${gateway.url}/dashboard/providers`);
      await page.getByRole("row", { name: /^anthropic .* Stored/ }).waitFor();
      await page.getByRole("row", { name: /^openai .* Configuration/ }).waitFor();
    });

    it("changes a virtual key, turns it off, deletes it", async () => {
      await page.goto(`${gateway.url}/dashboard/keys?add=virtual`);
      const form = page.getByRole("dialog");
      await form.getByLabel("Name").fill("bot");
      await form.getByLabel("Models").fill("gpt-4o*, anthropic/*");
      await form.getByRole("button", { name: "New key" }).click();
      // There is a provider key to lend: the key alone will do.
      const line = await form.locator("pre.code", { hasText: "curl" }).innerText();
      assert.match(line, /"Authorization: Bearer sl-/);
      assert.doesNotMatch(line, /cf-aig-authorization/);
      await page.getByRole("button", { name: "I have saved it" }).click();
      await page.getByRole("button", { name: "Edit bot" }).click();
      await form.getByRole("button", { name: "Remove anthropic/*" }).click();
      await form.getByRole("button", { name: "Save" }).click();
      await page.getByRole("cell", { name: "gpt-4o*", exact: true }).waitFor();
      await page.getByLabel("Turn on bot").uncheck();
      const row = page.getByRole("row", { name: /^bot / });
      await row.getByText("Off", { exact: true }).waitFor();
      const [key] = (await api("/gateways/default/virtual_keys") as Record<string, unknown>[])
        .filter(({ name }) => name === "bot");
      assert.deepEqual([key?.models, key?.enabled], [["gpt-4o*"], false]);
      await page.getByRole("button", { name: "Delete bot" }).click();
      await form.getByRole("button", { name: "Delete" }).click();
      await row.waitFor({ state: "detached" });
    });

    it("makes a custom provider with prices for a million tokens", async () => {
      await page.goto(`${gateway.url}/dashboard/providers`);
      await page.getByRole("button", { name: "New provider" }).click();
      const form = page.getByRole("dialog");
      await form.getByLabel("Name").fill("My Box");
      assert.equal(await form.getByLabel("Slug").inputValue(), "my-box");
      await form.getByLabel("Base URL").fill("http://10.0.0.1/v1");
      await form.getByRole("button", { name: "Save" }).click();
      await form.locator(".error", { hasText: "'base_url' must be https" }).waitFor();
      await form.getByLabel("Base URL").fill("https://box.example.com/v1");
      await form.getByRole("button", { name: "Save" }).click();
      await page.getByRole("button", { name: "Prices My Box" }).click();
      await page.getByRole("button", { name: "Add a price" }).click();
      await page.getByLabel("Model").fill("big");
      await page.getByLabel("Input ($ / 1M)", { exact: true }).fill("0.15");
      await page.getByLabel("Output ($ / 1M)").fill("0.6");
      await page.getByRole("button", { name: "Save price" }).click();
      await page.getByText("Input $0.1500 · Output $0.6000").waitFor();
      const [cost] = await api("/custom-providers/costs") as Record<string, unknown>[];
      assert.deepEqual([cost?.cost_in, cost?.cost_out], [1.5e-7, 6e-7]);
    });
  });
}

it("says what is missing before provider keys can be stored", { skip: noBrowser }, async () => {
  const gateway = await start("node");
  const context = await browser.newContext({ locale: "en-US" });
  try {
    const page = await context.newPage();
    await page.goto(`${gateway.url}/dashboard/keys/provider`);
    await page.getByText("export SLUICE_MASTER_KEY=").waitFor();
    assert.equal(await page.getByRole("button", { name: "New key" }).isEnabled(), false);
  } finally {
    await context.close();
    await gateway.stop("SIGKILL");
  }
});

describe("every page", { skip: noBrowser }, () => {
  let gateway: RunningGateway;
  before(async () => {
    gateway = await start("node");
    for (let i = 0; i < 5; i++) await send(gateway, `Number ${i}`);
  });
  after(() => gateway?.stop("SIGKILL"));

  for (const colorScheme of ["light", "dark"] as const) {
    for (const width of [1280, 390]) {
      for (const language of ["en", "zh"]) {
        it(`${colorScheme}, ${width} wide, in ${language}`, async () => {
          const context = await browser.newContext({
            colorScheme,
            viewport: { width, height: 800 },
            locale: language === "zh" ? "zh-CN" : "en-US",
            bypassCSP: true, // for axe alone; the page's own complaints are looked at below
          });
          const page = await context.newPage();
          const complaints: string[] = [];
          page.on("pageerror", (error) => complaints.push(error.message));
          for (const name of pages) {
            await page.goto(`${gateway.url}/dashboard/${name}`);
            await page.getByRole("heading", { level: 1 }).waitFor();
            await page.waitForLoadState("networkidle");
            const overflows = await page.evaluate(() =>
              document.documentElement.scrollWidth > document.documentElement.clientWidth
            );
            assert.equal(overflows, false, `${name} is wider than the screen`);
            assert.deepEqual(await violationsOf(page), [], name);
          }
          assert.deepEqual(complaints, []);
          await context.close();
        });
      }
    }
  }

  it("opens without a token on this machine, and breaks no rule of its own policy", async () => {
    const context = await browser.newContext({ locale: "en-US" });
    const page = await context.newPage();
    const complaints: string[] = [];
    page.on("console", (message) => message.type() === "error" && complaints.push(message.text()));
    for (const name of pages) {
      await page.goto(`${gateway.url}/dashboard/${name}`);
      await page.getByRole("heading", { level: 1 }).waitFor();
    }
    assert.deepEqual(complaints.filter((text) => /policy|refused/i.test(text)), []);
    await context.close();
  });
});
