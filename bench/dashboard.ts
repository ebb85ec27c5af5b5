// The dashboard in Chromium: `npm run bench -- --dashboard`. What it loads, how soon it can be used, how soon
// a request is seen in it, and how a long log scrolls.
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { cpus, loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import type { Browser, BrowserContext, Page } from "playwright-core";
import { assets, documents } from "../core/dashboard/assets.ts";
import { sqlLogs } from "../core/storage/logs-sql.ts";
import { openSqlite } from "../runtimes/sqlite.ts";
import { noBrowser, openBrowser } from "../tests/support/browser.ts";
import { type RunningGateway, startGateway } from "../tests/support/gateway.ts";
import { monthOf } from "./analytics-rows.ts";
import { median } from "./measure.ts";
import { type Bar, barTable } from "./report.ts";
import type { Family } from "./targets.ts";

const rows = 100_000, batch = 250;
const loads = 9, requests = 20;
const token = "an-admin-token-of-the-bench-0123456789";
const pages = ["overview", "logs", "gateways", "keys", "providers", "playground", "health"];

/** What scripts note in the page that is measured. */
interface Noting {
  /** Milliseconds since the navigation began. */
  ready?: number;
  /** Milliseconds since 1970 when a model's name was first painted. */
  seen: Map<string, number>;
  /** Milliseconds between two frames. */
  frames: number[];
}

function bar(name: string, limit: number, value: number, unit: string): Bar {
  return { name, limit, value, unit, pass: value <= limit };
}

function line(what: string, times: number[], unit = "ms"): void {
  const sorted = times.toSorted((a, b) => a - b);
  const [least, most] = [sorted[0]!, sorted.at(-1)!];
  console.log(
    `  ${what.padEnd(44)} median ${median(sorted).toFixed(1).padStart(7)} ${unit}, ` +
      `${least.toFixed(1)} to ${most.toFixed(1)}`,
  );
}

function size(): Bar {
  const bytes = Object.values(assets).reduce((sum, { gzip }) => sum + atob(gzip).length, 0) +
    Object.values(documents).reduce((sum, text) => sum + gzipSync(text).length, 0);
  return bar("all files of the dashboard, gzipped", 120, bytes / 1024, "KB");
}

/** A page is ready when its heading and its data are there and it takes events. */
function noteReady(): void {
  const look = (): void => {
    const main = document.querySelector("main.content");
    if (main?.querySelector("h1") == null || main.querySelector(".skeleton") !== null) {
      requestAnimationFrame(look);
      return;
    }
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => (globalThis as unknown as Noting).ready = performance.now();
    port2.postMessage(0); // behind the frame that is being drawn
  };
  requestAnimationFrame(look);
}

/** Nothing cached, and signed in. */
async function fresh(browser: Browser, { url }: RunningGateway): Promise<BrowserContext> {
  const context = await browser.newContext({
    locale: "en-US",
    viewport: { width: 1280, height: 800 },
  });
  const headers = { authorization: `Bearer ${token}` };
  const response = await context.request.post(`${url}/dashboard/session`, { headers });
  if (!response.ok()) throw new Error(`Signing in: ${response.status()}`);
  return context;
}

async function coldLoads(browser: Browser, gateway: RunningGateway): Promise<Bar> {
  const { url, runtime } = gateway;
  let worst = 0;
  const cpu: number[] = [];
  for (const name of pages) {
    const times: number[] = [];
    for (let i = 0; i <= loads; i++) {
      const context = await fresh(browser, gateway);
      await context.addInitScript(noteReady);
      const page = await context.newPage();
      const tools = await context.newCDPSession(page);
      await tools.send("Performance.enable", { timeDomain: "threadTicks" });
      await page.goto(`${url}/dashboard/${name}`);
      const ready = await page.waitForFunction(() => (globalThis as unknown as Noting).ready);
      if (i > 0) times.push(await ready.jsonValue() ?? Infinity); // the first one is a warm-up
      const { metrics } = await tools.send("Performance.getMetrics");
      cpu.push(1000 * metrics.find(({ name }) => name === "TaskDuration")!.value);
      await context.close();
    }
    line(`${runtime}: cold load of ${name}`, times);
    worst = Math.max(worst, median(times));
  }
  line(`${runtime}: CPU of the page's own thread`, cpu);
  return bar(`${runtime}: cold load until interactive, slowest page`, 300, worst, "ms");
}

/** Notes when a row is painted that has the name of a model in it. */
function noteRows(): void {
  const noting = globalThis as unknown as Noting;
  noting.seen = new Map();
  const look = (): void => {
    for (const [name] of document.body.innerText.matchAll(/seen-\w+-\d+/g)) {
      if (noting.seen.has(name)) continue;
      noting.seen.set(name, Infinity);
      requestAnimationFrame(() =>
        noting.seen.set(name, performance.timeOrigin + performance.now())
      );
    }
  };
  new MutationObserver(look).observe(document.body, { subtree: true, childList: true });
}

async function liveRows(browser: Browser, gateway: RunningGateway): Promise<Bar> {
  const { url, runtime } = gateway;
  const context = await fresh(browser, gateway);
  const page = await context.newPage();
  await page.goto(`${url}/dashboard/logs`);
  await page.getByText("Requests appear as they end").waitFor({ state: "attached" });
  await page.evaluate(noteRows);
  const times: number[] = [];
  for (let i = 0; i < requests; i++) {
    const response = await fetch(`${url}/v1/chat/completions`, {
      method: "POST",
      headers: { "content-type": "application/json", authorization: "Bearer sk-mine" },
      body: JSON.stringify({
        model: `openai/seen-${runtime}-${i}`,
        messages: [{ role: "user", content: "Hello" }],
        stream: i % 2 === 1,
      }),
    });
    await response.text();
    const ended = performance.timeOrigin + performance.now();
    const seen = await page.waitForFunction((name) => {
      const at = (globalThis as unknown as Noting).seen.get(name);
      return at === Infinity ? undefined : at;
    }, `seen-${runtime}-${i}`);
    times.push(await seen.jsonValue() as number - ended);
  }
  await context.close();
  line(`${runtime}: row seen after the answer's end`, times);
  return bar(
    `${runtime}: row in the live view after its end, latest`,
    1000,
    Math.max(...times),
    "ms",
  );
}

/** Notes every frame from now on. */
function noteFrames(): void {
  const noting = globalThis as unknown as Noting;
  noting.frames = [];
  let before = performance.now();
  const look = (now: number): void => {
    noting.frames.push(now - before);
    before = now;
    requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
}

/** Ways of going through a long list. */
const ways: Record<string, (page: Page) => Promise<void>> = {
  async "wheel"(page) {
    await page.mouse.move(640, 500);
    for (let i = 0; i < 150; i++) await page.mouse.wheel(0, 400);
    for (let i = 0; i < 50; i++) await page.mouse.wheel(0, -900);
  },
  async "bar dragged from top to bottom and back"(page) {
    await page.getByRole("grid").evaluate(async (grid) => {
      const frame = () => new Promise((resolve) => requestAnimationFrame(resolve));
      for (const to of [1, 0]) {
        for (let i = 0; i <= 200; i++) {
          grid.scrollTop = grid.scrollHeight * Math.abs(1 - to - i / 200);
          await frame();
        }
      }
    });
  },
  async "keys"(page) {
    await page.getByRole("grid").focus();
    for (let i = 0; i < 100; i++) await page.keyboard.press("PageDown");
    await page.keyboard.press("End");
    for (let i = 0; i < 100; i++) await page.keyboard.press("ArrowUp");
    await page.keyboard.press("Home");
  },
};

async function scrolling(browser: Browser, gateway: RunningGateway): Promise<Bar> {
  const { url } = gateway;
  const context = await fresh(browser, gateway);
  const page = await context.newPage();
  await page.goto(`${url}/dashboard/logs`);
  await page.locator(".logs-row").nth(10).waitFor();
  const count = Number(await page.getByRole("grid").getAttribute("aria-rowcount")) - 1;
  if (count < rows) throw new Error(`The list has ${count} rows of ${rows}`);
  let worst = 0;
  for (const [name, go] of Object.entries(ways)) {
    await page.evaluate(noteFrames);
    await go(page);
    await page.waitForLoadState("networkidle");
    const frames = await page.evaluate(() => (globalThis as unknown as Noting).frames);
    line(`${count} rows, ${name}: ${frames.length} frames`, frames);
    worst = Math.max(worst, ...frames);
    await page.reload();
    await page.locator(".logs-row").nth(10).waitFor();
  }
  await context.close();
  return bar(`longest frame while ${count} rows are scrolled`, 50, worst, "ms");
}

/** A file with rows of a month, as a gateway leaves it behind. */
async function fill(folder: string): Promise<void> {
  const { database } = openSqlite(join(folder, "sluice-logs.db"), 32_768);
  const logs = sqlLogs(database);
  const make = monthOf(rows, Date.now());
  for (let i = 0; i < rows; i += batch) {
    await logs.append(Array.from({ length: batch }, (_, n) => make(i + n)));
  }
  await database.dispose();
}

/** A provider that answers at once, as a stream where one is asked for. */
const provider = createServer((req, res) => {
  let text = "";
  req.setEncoding("utf8").on("data", (part) => text += part).on("end", () => {
    const { model, stream } = JSON.parse(text) as { model: string; stream?: boolean };
    const answer = { id: "chatcmpl-1", created: 1, model };
    const usage = { prompt_tokens: 1200, completion_tokens: 500, total_tokens: 1700 };
    res.setHeader("content-type", stream ? "text/event-stream" : "application/json");
    const said = { role: "assistant", content: "Hello there" };
    if (!stream) {
      const choices = [{ index: 0, message: said, finish_reason: "stop" }];
      res.end(JSON.stringify({ ...answer, object: "chat.completion", choices, usage }));
      return;
    }
    const chunk = { ...answer, object: "chat.completion.chunk" };
    for (const [delta, finish_reason] of [[said, null], [{}, "stop"]]) {
      res.write(
        `data: ${JSON.stringify({ ...chunk, choices: [{ index: 0, delta, finish_reason }] })}\n\n`,
      );
    }
    res.end("data: [DONE]\n\n");
  });
});

/** Runs all on each family; true when all bars hold. */
export async function dashboard(families: readonly Family[]): Promise<boolean> {
  if (noBrowser !== undefined) throw new Error(noBrowser);
  const folder = mkdtempSync(join(tmpdir(), "sluice-bench-"));
  await new Promise<void>((resolve) => provider.listen(0, "127.0.0.1", resolve));
  const base = `http://127.0.0.1:${(provider.address() as AddressInfo).port}/v1`;
  const browser = await openBrowser();
  const bars = [size()];
  try {
    await fill(folder);
    for (const family of families) {
      if (family === "nginx") continue;
      const gateway = await startGateway(family, {
        bare: true,
        config: { providers: { openai: { base_url: base } } },
        env: { SLUICE_ADMIN_TOKEN: token, ...family !== "workers" && { SLUICE_DATA: folder } },
      });
      try {
        bars.push(await liveRows(browser, gateway), await coldLoads(browser, gateway));
        if (family === "bun") bars.push(await scrolling(browser, gateway));
      } finally {
        await gateway.stop();
      }
    }
  } finally {
    await browser.close();
    provider.close();
    rmSync(folder, { recursive: true, force: true });
  }
  console.log(`\n${barTable(bars)}`);
  console.log(`\n${cpus().length} cores, load ${loadavg()[0]!.toFixed(1)} at the end`);
  return bars.every(({ pass }) => pass);
}
