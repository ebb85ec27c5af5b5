// How a page of the dashboard comes to be: what it asks for, and what it does where that goes wrong.
import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { after, before, describe, it } from "node:test";
import type { Browser, BrowserContext, Page } from "playwright-core";
import { noBrowser, openBrowser } from "../support/browser.ts";
import { type RunningGateway, startGateway } from "../support/gateway.ts";

const token = "an-admin-token-of-forty-characters-0123";

describe("a page that is opened", { skip: noBrowser }, () => {
  /** Answers every request as a provider, and is a page of another site with a link. */
  const other = createServer((req, res) => {
    req.resume().on("end", () => {
      if (req.method === "GET") {
        res.setHeader("content-type", "text/html");
        return res.end(`<a href="${gateway.url}/dashboard/keys">The dashboard</a>`);
      }
      const message = { role: "assistant", content: "Hello" };
      res.setHeader("content-type", "application/json");
      res.end(JSON.stringify({ model: "m", choices: [{ index: 0, message }] }));
    });
  });
  let browser: Browser;
  let gateway: RunningGateway;
  let context: BrowserContext;
  let page: Page;
  before(async () => {
    await new Promise<void>((resolve) => other.listen(0, resolve));
    const { port } = other.address() as AddressInfo;
    gateway = await startGateway("node", {
      config: {
        account: "team_1",
        providers: { openai: { base_url: `http://127.0.0.1:${port}` } },
      },
      env: { SLUICE_ADMIN_TOKEN: token },
    });
    for (let i = 0; i < 60; i++) {
      const response = await fetch(`${gateway.url}/v1/chat/completions`, {
        method: "POST",
        headers: { "content-type": "application/json", authorization: "Bearer sk-mine" },
        body: JSON.stringify({ model: "openai/m", messages: [{ role: "user", content: "Hi" }] }),
      });
      assert.equal(response.status, 200, await response.text());
    }
    browser = await openBrowser();
    context = await browser.newContext({ locale: "en-US" });
    const headers = { authorization: `Bearer ${token}` };
    await context.request.post(`${gateway.url}/dashboard/session`, { headers });
    page = await context.newPage();
  });
  after(async () => {
    await browser?.close();
    await gateway?.stop("SIGKILL");
    other.close();
  });

  const shows = async (name: string) => {
    await page.getByRole("heading", { level: 1, name }).waitFor();
    await page.locator("main .skeleton").first().waitFor({ state: "detached" });
  };

  for (const name of ["Overview", "Logs", "Gateways", "Keys", "Providers", "Health"]) {
    it(`asks for each thing once: ${name}`, async () => {
      const asked: string[] = [];
      const note = (request: { url(): string; resourceType(): string }) =>
        request.resourceType() === "fetch" &&
        asked.push(request.url().replace(/(start|end)=[^&]*/g, "$1"));
      page.on("request", note);
      await page.goto(`${gateway.url}/dashboard/${name.toLowerCase()}`);
      await shows(name);
      page.off("request", note);
      assert.ok(asked.length > 1, asked.join());
      assert.deepEqual(asked.filter((url, i) => asked.indexOf(url) !== i), []);
      assert.deepEqual(asked.filter((url) => url.endsWith("/session")), []);
    });
  }

  it("says what it could not load, and loads it when asked to", async () => {
    await page.route("**/custom-providers?*", (route) => route.abort(), { times: 1 });
    await page.goto(`${gateway.url}/dashboard/providers`);
    await page.getByText("The gateway does not answer").waitFor();
    await page.getByRole("row", { name: /^anthropic / }).waitFor();
    await page.getByRole("button", { name: "Try again" }).click();
    await page.getByRole("alert").waitFor({ state: "detached" });
    await page.getByRole("heading", { name: "None yet" }).waitFor();
  });

  it("shows what has changed since when it is come back to", async () => {
    await page.goto(`${gateway.url}/dashboard/keys`);
    await page.getByRole("button", { name: "New key" }).click();
    const form = page.getByRole("dialog");
    await form.getByLabel("Name").fill("later");
    await form.getByRole("button", { name: "New key" }).click();
    await page.getByRole("button", { name: "I have saved it" }).click();
    await page.getByRole("link", { name: "Health" }).click();
    await shows("Health");
    await page.getByRole("link", { name: "Keys" }).click();
    await page.getByRole("row", { name: /^later / }).waitFor();
  });

  it("knows who is signed in where another site leads to it", async () => {
    const { port } = other.address() as AddressInfo;
    await page.goto(`http://localhost:${port}/`);
    await page.getByRole("link", { name: "The dashboard" }).click();
    await page.waitForURL(`${gateway.url}/dashboard/keys`);
    await shows("Keys");
  });

  it("asks for the token again once it does not count any more", async () => {
    await page.goto(`${gateway.url}/dashboard/providers`);
    await shows("Providers");
    await context.clearCookies();
    await page.getByRole("link", { name: "Logs" }).click();
    await page.getByLabel("Admin token").waitFor();
  });
});
