// The dashboard in a real browser: a new user's way through it, and every page as it looks.
import assert from "node:assert/strict";
import { createServer } from "node:http";
import { readFileSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { createRequire } from "node:module";
import { after, before, describe, it } from "node:test";
import type { Browser, BrowserContext, Page } from "playwright-core";
import { noBrowser, openBrowser } from "../support/browser.ts";
import { type RunningGateway, startGateway } from "../support/gateway.ts";

const token = "an-admin-token-of-forty-characters-0123";
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const pages = ["overview", "logs", "gateways", "keys", "providers", "playground", "health"];

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

const send = (gateway: RunningGateway, text: string, headers: Record<string, string> = {}) =>
  fetch(`${gateway.url}/v1/chat/completions`, {
    method: "POST",
    headers: { "content-type": "application/json", authorization: "Bearer sk-mine", ...headers },
    body: JSON.stringify({
      model: "openai/gpt-4o-mini",
      messages: [{ role: "user", content: text }],
    }),
  });

/** Goes to a page by its link, as a user does. */
async function visit(page: Page, name: string): Promise<void> {
  await page.getByRole("navigation").getByRole("link", { name, exact: true }).click();
}

for (const runtime of ["bun", "workers"] as const) {
  describe(`a new user on ${runtime}`, { skip: noBrowser }, () => {
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

    it("sends the first request, and sees it arrive", async () => {
      const line = await page.locator("pre.code").innerText();
      assert.match(line, new RegExp(`curl ${gateway.url}/v1/chat/completions`));
      assert.equal((await send(gateway, "Hello")).status, 200);
      await page.getByText("The latest 1 requests").waitFor();
    });

    it("turns the cache on, and sees a hit", async () => {
      await visit(page, "Gateways");
      await page.getByLabel("Answers are kept for (s)").fill("600");
      await page.getByRole("button", { name: "Save" }).click();
      await page.getByText("Saved; in force").or(page.getByText("Some settings of")).first()
        .waitFor();
      assert.equal((await send(gateway, "Again")).headers.get("cf-aig-cache-status"), "MISS");
      assert.equal((await send(gateway, "Again")).headers.get("cf-aig-cache-status"), "HIT");
      await visit(page, "Overview");
      await page.getByText("33.3%").waitFor();
      const saved = page.locator(".figure", { hasText: "Saved by the cache" }).locator(".value");
      assert.match(await saved.innerText(), /^\$0\.0*[1-9]/);
    });

    it("makes a key, limits it, and finds the refusal in the logs", async () => {
      await visit(page, "Keys");
      await page.getByRole("button", { name: "New key" }).first().click();
      await page.getByLabel("Name").fill("an app");
      await page.getByLabel("Requests per minute").fill("1");
      await page.getByRole("dialog").getByRole("button", { name: "New key" }).click();
      const made = page.getByText(/^sl-[A-Za-z0-9]{40,}$/).or(page.getByRole("alert"));
      const key = (await made.first().innerText()).trim();
      assert.match(key, /^sl-/);
      const own = { "cf-aig-authorization": `Bearer ${key}` };
      assert.equal((await send(gateway, "One", own)).status, 200);
      const refused = await send(gateway, "Two", own);
      assert.equal(refused.status, 429);
      await page.getByRole("dialog").getByRole("button", { name: "Close" }).click();
      await visit(page, "Logs");
      await page.getByText("429").first().waitFor();
    });

    it("signs out", async () => {
      await page.getByRole("button", { name: "Sign out" }).click();
      await page.getByLabel("Admin token").waitFor();
      await page.reload();
      await page.getByLabel("Admin token").waitFor();
    });
  });
}

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
            await page.evaluate(axe);
            const violations = await page.evaluate(async () => {
              const run = (globalThis as unknown as {
                axe: {
                  run(): Promise<{ violations: { id: string; nodes: { html: string }[] }[] }>;
                };
              }).axe.run;
              return (await run()).violations.map(({ id, nodes }) => `${id}: ${nodes[0]?.html}`);
            });
            assert.deepEqual(violations, [], name);
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
