// What a new user does first, from the start of the gateway to the first refusal, with the page and curl alone.
import assert from "node:assert/strict";
import { execFile, spawnSync } from "node:child_process";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { after, before, describe, it } from "node:test";
import { promisify } from "node:util";
import type { Browser, Page } from "playwright-core";
import { noBrowser, openBrowser } from "../support/browser.ts";
import { runtimes, startGateway } from "../support/gateway.ts";

const token = "an-admin-token-of-forty-characters-0123";
const ownKey = "sk-the-new-user-s-own";
/** What a request costs: gpt-4o-mini is $0.15 and $0.60 for a million tokens. */
const cost = /^\$0\.000480*$/;
const noCurl = spawnSync("curl", ["--version"]).error && "curl is not there";

/** A provider that takes one key, and answers with one sentence. */
const provider = createServer((req, res) => {
  req.resume().on("end", () => {
    res.setHeader("content-type", "application/json");
    if (req.headers.authorization !== `Bearer ${ownKey}`) {
      res.writeHead(401).end('{"error":{"message":"Incorrect API key provided"}}');
      return;
    }
    const message = { role: "assistant", content: "Hello there" };
    res.end(JSON.stringify({
      id: "chatcmpl-1",
      object: "chat.completion",
      created: 1,
      model: "gpt-4o-mini",
      choices: [{ index: 0, message, finish_reason: "stop" }],
      usage: { prompt_tokens: 1200, completion_tokens: 500, total_tokens: 1700 },
    }));
  });
});

/** Runs a line as the page shows it; `text` is asked instead of its "Hello". */
async function run(line: string, text = "Hello") {
  assert.match(line, /^curl http/);
  const { stdout } = await promisify(execFile)("bash", [
    "-c",
    line.replace(/^curl /, "curl -si ").replace('"Hello"', JSON.stringify(text)),
  ], { env: { PATH: process.env.PATH, OPENAI_API_KEY: ownKey } });
  const [head, body] = stdout.split("\r\n\r\n") as [string, string];
  return {
    status: Number(head.split(" ")[1]),
    cache: /^cf-aig-cache-status: (.*)$/im.exec(head)?.[1],
    body: JSON.parse(body),
  };
}

/** Goes to a page by its link, as a user does. */
const visit = (page: Page, name: string): Promise<void> =>
  page.getByRole("navigation").getByRole("link", { name, exact: true }).click();
/** A figure of the overview. */
const figure = (page: Page, name: string, value: string | RegExp) =>
  page.locator(".figure", { hasText: name }).locator(".value", { hasText: value });

describe("a new user, from the start to the first refusal", { skip: noBrowser ?? noCurl }, () => {
  let browser: Browser;
  before(async () => {
    await new Promise<void>((resolve) => provider.listen(0, "127.0.0.1", resolve));
    browser = await openBrowser();
  });
  after(async () => {
    await browser?.close();
    provider.close();
  });

  for (const runtime of ["bun", "workers"] as const) {
    if (!runtimes.includes(runtime)) continue;
    it(`on ${runtime}`, async () => {
      const base = `http://127.0.0.1:${(provider.address() as AddressInfo).port}/v1`;
      await using started = new AsyncDisposableStack();
      const gateway = await startGateway(runtime, {
        config: { providers: { openai: { base_url: base } } },
        // A worker never knows that it is on this machine.
        ...runtime === "workers" && { env: { SLUICE_ADMIN_TOKEN: token } },
      });
      started.defer(async () => void await gateway.stop("SIGKILL"));
      const context = await browser.newContext({ locale: "en-US" });
      started.defer(() => context.close());
      const page = await context.newPage();

      // Open the page.
      await page.goto(`${gateway.url}/dashboard`);
      if (runtime === "workers") {
        await page.getByLabel("Admin token").fill(token);
        await page.getByRole("button", { name: "Sign in" }).click();
      }

      // Follow its first steps with curl, and see the request arrive.
      await page.getByRole("heading", { name: "Send the first request" }).waitFor();
      const line = await page.locator("pre.code").innerText();
      const first = await run(line);
      assert.equal(first.status, 200);
      assert.equal(first.body.choices[0].message.content, "Hello there");
      assert.equal(first.cache, undefined);
      await figure(page, "Cost", cost).waitFor();
      await page.getByRole("cell", { name: /gpt-4o-mini/ }).first().waitFor();

      // Turn caching on; see a hit, and the money that it saved.
      await visit(page, "Gateways");
      await page.getByRole("link", { name: "Settings default" }).click();
      await page.getByLabel("Answers are kept for (s)").fill("600");
      await page.getByRole("button", { name: "Save" }).click();
      await page.getByText("Saved; in force").waitFor();
      assert.equal((await run(line)).cache, "MISS");
      assert.equal((await run(line)).cache, "HIT");
      await visit(page, "Overview");
      await figure(page, "Saved by the cache", cost).waitFor();
      await figure(page, "From the cache", "33.3%").waitFor();
      await visit(page, "Logs");
      await page.getByRole("button", { name: "From cache" }).click();
      await page.getByRole("row", { name: /gpt-4o-mini/ }).waitFor();

      // Make a virtual key, and use it as the page says.
      await visit(page, "Keys");
      await page.getByRole("button", { name: "New key" }).click();
      const dialog = page.getByRole("dialog");
      await dialog.getByLabel("Name").fill("my app");
      await dialog.getByRole("button", { name: "New key" }).click();
      const withKey = await dialog.locator("pre.code", { hasText: "curl" }).innerText();
      assert.match(withKey, /sl-[A-Za-z0-9]{40,}/);
      await dialog.getByRole("button", { name: "I have saved it" }).click();
      assert.equal((await run(withKey, "One")).status, 200);

      // Limit it, and hit the limit.
      await page.getByRole("button", { name: "Edit my app" }).click();
      await dialog.getByRole("button", { name: "Add a limit" }).click();
      await dialog.getByLabel("At most").fill("1");
      await dialog.getByRole("button", { name: "Save" }).click();
      await page.getByRole("cell", { name: "1 request / minute" }).waitFor();
      assert.equal((await run(withKey, "Two")).status, 200);
      const refused = await run(withKey, "Three");
      assert.equal(refused.status, 429);

      // Find the 429 in the log, with what the caller was told.
      await visit(page, "Logs");
      await page.getByRole("button", { name: "Failed" }).click();
      await page.getByRole("row", { name: /429/ }).click();
      await page.getByText(refused.body.error.message).first().waitFor();
    });
  }
});
