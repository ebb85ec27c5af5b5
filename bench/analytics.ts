// Analytics and log pages over a million rows in SQLite: `npm run bench -- --analytics`.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { foldAfter, sqliteFolding } from "../core/storage/logs-sql-rollups.ts";
import { migrateSync } from "../core/storage/logs-sql-schema.ts";
import { sqlLogs } from "../core/storage/logs-sql.ts";
import { createGateway, type Logs } from "../mod.ts";
import { openSqlite } from "../runtimes/sqlite.ts";
import { monthOf } from "./analytics-rows.ts";

const rows = 1_000_000, batch = 250;
const day = 86_400_000;

type Ask = (path: string) => Promise<{ result: unknown[]; result_info?: { next?: string | null } }>;

function p95(times: number[]): number {
  return times.toSorted((a, b) => a - b)[Math.ceil(times.length * 0.95) - 1]!;
}

/** CPU of what analytics add to the writing of rows, in microseconds for a row. */
async function writing(folder: string, hour: number): Promise<number> {
  const make = monthOf(rows, hour);
  const all = Array.from({ length: 64_000 }, (_, i) => {
    const { row } = make(i);
    row.created_at = hour - 600_000 + i;
    return row;
  });
  const rounds: number[] = [];
  // The first one is a warm-up.
  for (let round = 0; round <= 5; round++) {
    const { database, sql } = openSqlite(join(folder, `writing${round}.db`), 32_768);
    const instance = await database.getInstance() as Parameters<typeof migrateSync>[0];
    migrateSync(instance);
    const folding = sqliteFolding(instance, { names: [], now: () => hour });
    const began = process.cpuUsage();
    for (let from = 0; from < all.length; from += foldAfter * batch) {
      // A batch notes itself in the transaction that writes its rows, which is not counted here.
      sql.transaction(() => {
        for (let i = from; i < from + foldAfter * batch; i += batch) {
          folding.note(i + 1, i + batch);
          folding.count(all.slice(i, i + batch));
        }
      });
      await folding.fold();
    }
    const { user, system } = process.cpuUsage(began);
    if (round > 0) rounds.push((user + system) / all.length);
    await database.dispose();
  }
  return rounds.toSorted((a, b) => a - b)[2]!;
}

const filter = (key: string, operator: string, ...value: unknown[]) => ({ key, operator, value });
const selections: Record<string, string> = Object.fromEntries(
  Object.entries({
    "all": [],
    "a provider": [filter("provider", "eq", "groq")],
    "a model": [filter("model", "eq", "gpt-4o")],
    "failures": [filter("success", "eq", false)],
    "status 429": [filter("status_code", "eq", 429)],
    "cached": [filter("cached", "eq", true)],
    "a key": [filter("key_id", "eq", "key-web")],
    "a team": [filter("metadata.key", "eq", "team"), filter("metadata.value", "eq", "growth")],
    "a user": [filter("metadata.key", "eq", "user"), filter("metadata.value", "eq", "u77")],
    "dear ones": [filter("cost", "gt", 0.0014)],
    "slow ones": [filter("duration", "gt", 15_000)],
    "many tokens": [filter("tokens_out", "gt", 890)],
    "an agent": [filter("user_agent", "contains", "python")],
    "a rare agent": [filter("user_agent", "eq", "rare-agent/1.0")],
    "none": [filter("path", "eq", "/nothing")],
  }).map(([name, filters]) => [name, `filters=${encodeURIComponent(JSON.stringify(filters))}`]),
);
Object.assign(selections, { "search": "search=growth", "search, rare": "search=rare-agent" });

/** Times of all pages, up to five behind each other; milliseconds. */
async function pages(ask: Ask): Promise<Map<string, number[]>> {
  const found = new Map<string, number[]>();
  for (const [name, query] of Object.entries(selections)) {
    const times: number[] = [];
    for (const direction of ["desc", "asc"]) {
      for (let after: string | null = "", i = 0; after !== null && i < 5; i++) {
        const began = performance.now();
        const place: string = encodeURIComponent(after);
        const path = `logs?per_page=50&order_by_direction=${direction}&${query}&after=${place}`;
        const { result_info } = await ask(path);
        times.push(performance.now() - began);
        after = result_info?.next ?? null;
      }
    }
    found.set(name, times);
  }
  return found;
}

async function numbered(ask: Ask): Promise<Map<string, number[]>> {
  const found = new Map<string, number[]>();
  for (const [name, query] of Object.entries(selections)) {
    const times: number[] = [];
    for (const page of [1, 2]) {
      const began = performance.now();
      await ask(`logs?per_page=50&page=${page}&${query}`);
      times.push(performance.now() - began);
    }
    found.set(name, times);
  }
  return found;
}

function table(title: string, found: Map<string, number[]>): void {
  console.log(`\n${title}`);
  for (const [name, times] of found) {
    const [median = 0] = times.toSorted((a, b) => a - b).slice(times.length >> 1);
    console.log(
      `  ${name.padEnd(34)} median ${median.toFixed(1).padStart(7)} ms  ` +
        `p95 ${p95(times).toFixed(1).padStart(7)} ms`,
    );
  }
  console.log(`  ${"together".padEnd(34)} p95 ${p95([...found.values()].flat()).toFixed(1)} ms`);
}

function bar(what: string, most: number, found: number, unit: string): boolean {
  const ok = found <= most;
  console.log(
    `${ok ? "pass" : "FAIL"}  ${what.padEnd(64)} ${found.toFixed(2)} ${unit} (${most})`,
  );
  return ok;
}

/** Measures, prints, and tells whether all bars were met. */
export async function analytics(): Promise<boolean> {
  const folder = mkdtempSync(join(tmpdir(), "sluice-bench-"));
  try {
    const now = Date.now();
    const cpu = await writing(folder, now);
    const { database } = openSqlite(join(folder, "logs.db"), 32_768);
    const logs: Logs = sqlLogs(database);
    const make = monthOf(rows, now);
    const began = performance.now();
    for (let i = 0; i < rows; i += batch) {
      await logs.append(Array.from({ length: batch }, (_, n) => make(i + n)));
    }
    const seconds = (performance.now() - began) / 1000;
    console.log(`${rows} rows of 30 days written in ${seconds.toFixed(0)} s`);
    const gateway = createGateway({ stores: { logs }, admin: { loopback: true } });
    const ask: Ask = async (path) => {
      const url = `http://127.0.0.1/client/v4/accounts/a/ai-gateway/gateways/default/${path}`;
      const response = await gateway.fetch(new Request(url));
      const text = await response.text();
      if (!response.ok) throw new Error(`${path}: ${response.status} ${text.slice(0, 300)}`);
      return JSON.parse(text);
    };
    const month = `analytics?start=${now - 30 * day}&end=${now}&interval=day`;
    const questions: Record<string, string> = {
      "totals by day": month,
      "totals by day, compared": `${month}&compare=true`,
      "by provider and model": `${month}&group_by=provider,model`,
      "by key": `${month}&group_by=key`,
      "by status": `${month}&group_by=status`,
      "one provider": `${month}&filters.key=provider&filters.operator=eq&filters.value=openai`,
      "totals by hour": month.replace("=day", "=hour"),
    };
    const overview = new Map<string, number[]>();
    for (const [name, question] of Object.entries(questions)) {
      await ask(question);
      const times: number[] = [];
      for (let i = 0; i < 30; i++) {
        const start = performance.now();
        await ask(question);
        times.push(performance.now() - start);
      }
      overview.set(name, times);
    }
    const walked = await pages(ask);
    table("Overview of 30 days", overview);
    table("Pages behind a row ('after')", walked);
    table("Pages by number ('page') of a process that has just begun", await numbered(ask));
    const waited = performance.now();
    for (let rare = Infinity; rare > 100 && performance.now() - waited < 60_000;) {
      const start = performance.now();
      await ask(`logs?per_page=50&page=1&${selections["none"]}`);
      rare = performance.now() - start;
    }
    const later = ((performance.now() - waited) / 1000).toFixed(1);
    console.log(`  what blocks of rows hold is known ${later} s later`);
    const byNumber = await numbered(ask);
    table("Pages by number from then on", byNumber);
    console.log();
    const met = [
      bar("overview of 30 days, p95", 50, p95([...overview.values()].flat()), "ms"),
      bar("filtered log page behind a row, p95", 100, p95([...walked.values()].flat()), "ms"),
      bar("filtered log page by number, p95", 100, p95([...byNumber.values()].flat()), "ms"),
      bar("CPU that sums add to a row", 2, cpu, "us"),
    ];
    await gateway.close();
    await database.dispose();
    return met.every((ok) => ok);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
