// The overview and the health of providers in a real browser, over rows that are known one by one.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import type { Browser, Locator, Page } from "playwright-core";
import type { LogRow } from "../../core/log/row.ts";
import { sqlLogs } from "../../core/storage/logs-sql.ts";
import { openSqlite } from "../../runtimes/sqlite.ts";
import { noBrowser, openBrowser } from "../support/browser.ts";
import { type RunningGateway, startGateway } from "../support/gateway.ts";
import { row } from "../support/log-row.ts";

const hour = 3_600_000;

/** 40 rows of the last six hours, and 20 of the day before. */
function rowsUntil(now: number): LogRow[] {
  let made = 0;
  const one = (ago: number, members: Partial<LogRow>): LogRow => {
    const id = `0192${String(made++).padStart(4, "0")}-0000-7000-8000-000000000000`;
    return row(id, { created_at: now - ago, ...members });
  };
  const cost = (sum: number) => ({
    cost: sum,
    cost_parts: {
      input: sum,
      cache_read: 0,
      cache_write: 0,
      output: 0,
      other: 0,
      source: "table" as const,
    },
  });
  const took = (ms: number) => ({
    duration: ms + 500,
    streamed: true,
    timings: { total: ms + 500, latency: ms, first_byte: ms, first_token: ms + 100 },
  });
  const failed = (status_code: number): Partial<LogRow> => ({
    provider: "anthropic",
    model: "anthropic/claude-haiku-4",
    status_code,
    success: false,
    end: "complete",
    tokens_in: null,
    tokens_out: null,
    usage: null,
    cost: null,
    cost_parts: null,
    error: { code: status_code, message: "No" },
  });
  const many = (count: number, each: (i: number) => LogRow) =>
    Array.from({ length: count }, (_, i) => each(i));
  return [
    ...many(20, (i) =>
      one((i % 6) * hour + 60_000, {
        ...took(200),
        ...cost(0.01),
        tokens_in: 100,
        tokens_out: 50,
        key_id: "key-of-the-web",
        metadata: { team: "blue" },
      })),
    ...many(10, (i) =>
      one((i % 6) * hour + 60_000, {
        ...took(1000),
        ...cost(0.02),
        provider: "anthropic",
        model: "anthropic/claude-haiku-4",
        tokens_in: 1000,
        tokens_out: 0,
        metadata: { team: "red" },
      })),
    ...many(5, () =>
      one(60_000, {
        cached: true,
        ...cost(0),
        cost_parts: { ...cost(0).cost_parts, source: "cache", saved: 0.01 },
        tokens_in: 100,
        tokens_out: 50,
      })),
    ...many(3, () => one(60_000, failed(500))),
    ...many(2, () => one(60_000, failed(429))),
    ...many(
      20,
      () => one(25 * hour, { ...took(100), ...cost(0.02), tokens_in: 100, tokens_out: 50 }),
    ),
  ];
}

describe("the overview", { skip: noBrowser }, () => {
  const data = mkdtempSync(join(tmpdir(), "sluice-overview-"));
  let browser: Browser;
  let gateway: RunningGateway;
  let page: Page;
  before(async () => {
    const { database } = openSqlite(join(data, "sluice-logs.db"));
    await sqlLogs(database).append(rowsUntil(Date.now()).map((one) => ({ row: one })));
    await database.dispose();
    gateway = await startGateway("node", { env: { SLUICE_DATA: data } });
    browser = await openBrowser();
    page = await (await browser.newContext({ locale: "en-US" })).newPage();
  });
  after(async () => {
    await browser?.close();
    await gateway?.stop("SIGKILL");
    rmSync(data, { recursive: true, force: true });
  });
  const show = async (path: string) => {
    await page.goto(`${gateway.url}/dashboard/${path}`);
    await page.getByRole("heading", { level: 1 }).waitFor();
  };
  const figure = (name: string) =>
    page.locator(".figure", { has: page.getByText(name, { exact: true }) });
  const chart = (name: string) =>
    page.locator(".chart", { has: page.getByRole("heading", { name, exact: true }) });
  const legend = (of: Locator, name: string) =>
    of.locator("li", { has: page.getByText(name, { exact: true }) }).locator(".num");

  it("has the day at a glance, against the day before", async () => {
    await show("overview");
    const wanted = {
      "Requests": ["40", "+100%"],
      "Failed": ["12.5%", "none before"],
      "Tokens": ["13,750", "+358%"], // of 3,000
      "Cost": ["$0.4000", "0%"],
      "From the cache": ["12.5%", "none before"],
      "Saved by the cache": ["$0.0500", "none before"],
    };
    for (const [name, [value, change]] of Object.entries(wanted)) {
      await figure(name).locator(".value", { hasText: value! }).waitFor();
      await figure(name).locator(".change").getByText(change!, { exact: true }).waitFor();
    }
    await figure("Failed").getByText("5 of 40").waitFor();
    await figure("Requests").getByText("The time before: 20").waitFor({ state: "attached" });
  });

  it("has percentiles of latency and first token, off by 1.5% at most", async () => {
    const ms = async (place: Locator) => {
      const [, value, unit] = /^([\d.]+) (m?s)$/.exec(await place.innerText())!;
      return Number(value) * (unit === "s" ? 1000 : 1);
    };
    const wanted = { "Latency": [200, 1000, 1000], "First token": [300, 1100, 1100] };
    for (const [name, times] of Object.entries(wanted)) {
      for (const [i, percentile] of ["Median", "90%", "99%"].entries()) {
        const told = await ms(legend(chart(name), percentile));
        // Rounded to a tenth of a second beyond one.
        assert.ok(Math.abs(told - times[i]!) <= times[i]! * .015 + 50 * Number(times[i]! >= 1000));
      }
    }
  });

  it("reads the values of a step where one points, and by keys", async () => {
    const traffic = chart("Traffic");
    assert.equal(await legend(traffic, "From the cache").innerText(), "5");
    const slider = traffic.getByRole("slider", { name: "Traffic" });
    await slider.focus();
    await page.keyboard.press("End");
    await page.keyboard.press("Home");
    // 24 hours ago there was nothing yet; all charts tell of the same step.
    assert.equal(await legend(traffic, "From the cache").innerText(), "0");
    assert.equal(await legend(chart("Cost"), "Cost").innerText(), "$0.00");
    assert.match(await slider.getAttribute("aria-valuetext") ?? "", /Answered 0, .*Failed 0/);
    await page.keyboard.press("Escape");
    assert.equal(await legend(traffic, "From the cache").innerText(), "5");
    const { x, y, width, height } = (await slider.boundingBox())!;
    await page.mouse.move(x + 2, y + height / 2);
    await legend(traffic, "From the cache").getByText("0", { exact: true }).waitFor();
    await page.mouse.move(x + width / 2, y - 60);
    await legend(traffic, "From the cache").getByText("5", { exact: true }).waitFor();
  });

  it("tells failures apart by what they were", async () => {
    assert.equal(await legend(chart("Failed"), "Rate limited").innerText(), "2");
    assert.equal(await legend(chart("Failed"), "Provider failed (5xx)").innerText(), "3");
  });

  const splits: [by: string, group: string, cells: Record<string, string>][] = [
    ["provider", "anthropic", { Attempts: "15", Failed: "33.3%", Cost: "$0.2000" }],
    ["model", "openai/gpt-4o-mini", { Attempts: "25", Failed: "0%", Saved: "$0.0500" }],
    ["key", "key-of-the-web", { Attempts: "20", Cost: "$0.2000" }],
    ["status", "429", { Attempts: "2", Failed: "100%" }],
    ["cached", "From the cache", { Attempts: "5", Saved: "$0.0500" }],
    ["metadata.team", "red", { Attempts: "10", Tokens: "10K / 0" }],
  ];
  for (const [by, group, cells] of splits) {
    it(`splits by ${by}`, async () => {
      await show("overview");
      await page.getByLabel("Tell apart").selectOption(by);
      const line = page.locator("table.groups tbody tr", {
        has: page.getByText(group, { exact: true }),
      });
      await line.waitFor();
      const heads = await page.locator("table.groups th").allInnerTexts();
      const found = await line.locator("td").allInnerTexts();
      for (const [head, value] of Object.entries(cells)) {
        assert.equal(found[heads.indexOf(head)], value, head);
      }
      assert.equal(await legend(chart("Traffic"), group).innerText(), cells["Attempts"]);
      assert.match(page.url(), new RegExp(`by=${by}`));
    });
  }

  it("goes from a group to its rows", async () => {
    await page.locator("table.groups").getByRole("link", { name: "red" }).click();
    await page.getByText("10 requests").waitFor();
    await page.getByRole("button", { name: "team is red", exact: true }).waitFor();
  });

  it("looks at other times, which the address keeps", async () => {
    await show("overview");
    await page.getByRole("combobox", { name: "Time" }).selectOption("7d");
    await figure("Requests").locator(".value", { hasText: "60" }).waitFor();
    await page.reload();
    await figure("Requests").locator(".value", { hasText: "60" }).waitFor();
    await page.getByRole("combobox", { name: "Time" }).selectOption("1h");
    await figure("Failed").getByText(/^5 of /).waitFor();
    await page.getByRole("combobox", { name: "Time" }).selectOption("own");
    const dialog = page.getByRole("dialog");
    await dialog.getByLabel("From").fill("2020-01-01T00:00");
    await dialog.getByLabel("To").fill("2020-01-02T00:00");
    await dialog.getByRole("button", { name: "Show" }).click();
    await page.getByText("Nothing happened in this time.").waitFor();
    assert.match(page.url(), /from=2020/);
  });

  it("fits a phone, tables and all", async () => {
    await page.setViewportSize({ width: 390, height: 800 });
    for (const path of ["overview?by=model", "health"]) {
      await show(path);
      await page.locator("tbody tr").first().waitFor();
      const over = await page.evaluate(() =>
        document.documentElement.scrollWidth - document.documentElement.clientWidth
      );
      assert.ok(over <= 0, `${path} is wider than the screen`);
    }
    await page.setViewportSize({ width: 1280, height: 800 });
  });

  it("shows how providers are: failures, why, and how fast", async () => {
    await show("health");
    const line = page.locator("table.providers tbody tr", { hasText: "anthropic" });
    await line.getByText("Failing", { exact: true }).waitFor();
    await line.getByText("33.3%", { exact: true }).waitFor();
    await line.getByText("Rate limited: 2").waitFor();
    await line.getByText("Provider failed (5xx): 3").waitFor();
    await line.getByText("1 s / 1 s").waitFor();
    await page.locator("table.providers tbody tr", { hasText: "openai" })
      .getByText("Fine", { exact: true }).waitFor();
  });

  it("shows the stores, and what was given up", async () => {
    for (const name of ["Cache", "Limits", "Keys and settings", "Logs"]) {
      await page.getByRole("row", { name: new RegExp(`^${name} sqlite Up`) }).waitFor();
    }
    const shed = page.locator("dl.shed > div", { hasText: "Log rows dropped" });
    assert.equal(await shed.locator("dd").innerText(), "0");
    await page.getByText("No traces or metrics have been sent").waitFor();
    await page.getByRole("heading", { name: "All counters of this process" }).click();
    await page.getByText("sluice_store_up").first().waitFor();
  });
});

it("says which store is away, and what that means", { skip: noBrowser }, async () => {
  // Nobody listens there.
  const gateway = await startGateway("node", { env: { REDIS_URL: "redis://127.0.0.1:9" } });
  const browser = await openBrowser();
  try {
    const page = await (await browser.newContext({ locale: "en-US" })).newPage();
    await page.goto(`${gateway.url}/dashboard/health`);
    await page.getByText("Away", { exact: true }).first().waitFor();
    await page.getByText("Without a store the gateway goes on").waitFor();
  } finally {
    await browser.close();
    await gateway.stop("SIGKILL");
  }
});

it("shows what telemetry has sent", { skip: noBrowser }, async () => {
  const collector = createServer((req, res) => req.resume().on("end", () => res.end("{}")));
  await new Promise<void>((resolve) => collector.listen(0, "127.0.0.1", resolve));
  const endpoint = `http://127.0.0.1:${(collector.address() as AddressInfo).port}`;
  const gateway = await startGateway("node", {
    env: {
      OTEL_EXPORTER_OTLP_ENDPOINT: endpoint,
      OTEL_EXPORTER_OTLP_PROTOCOL: "http/json",
      OTEL_BSP_SCHEDULE_DELAY: "10",
    },
    config: { providers: { openai: { base_url: endpoint } } },
  });
  const browser = await openBrowser();
  try {
    const answer = await fetch(`${gateway.url}/v1/a/default/openai/chat/completions`, {
      method: "POST",
      headers: { "content-type": "application/json", authorization: "Bearer sk-mine" },
      body: '{"model":"gpt-4o","messages":[]}',
    });
    await answer.text();
    const page = await (await browser.newContext({ locale: "en-US" })).newPage();
    await page.goto(`${gateway.url}/dashboard/health`);
    await page.locator("dl.shed > div", { hasText: /^Sent/ })
      .filter({ has: page.locator("dd", { hasText: /^[1-9]/ }) }).first().waitFor();
  } finally {
    await browser.close();
    await gateway.stop("SIGKILL");
    collector.close();
  }
});
