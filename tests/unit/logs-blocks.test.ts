// What blocks of rows hold: a walk that leaves blocks out meets the rows that one through all of them meets.
import { strict as assert } from "node:assert";
import { describe, it } from "node:test";
import { LogBlocks } from "../../core/storage/logs-sql-blocks.ts";
import { Query } from "../../core/storage/logs-sql-filter.ts";
import { sqlWalks } from "../../core/storage/logs-sql-walk.ts";
import { sqlLogs } from "../../core/storage/logs-sql.ts";
import type { LogFilter, Logs, LogSelection } from "../../core/storage/ports.ts";
import type { SqlDatabase, SqlRow } from "../../core/storage/sql.ts";
import { openSqlite } from "../../runtimes/sqlite.ts";
import { all, ids, noon, row } from "../support/log-row.ts";
import { randomEntries, randomSelection, source } from "../support/logs-random.ts";

const size = 8;

/** A log in SQLite, what its blocks hold, and the walks that make use of it. */
function open() {
  const opened = openSqlite(":memory:");
  const database: SqlDatabase = opened.database;
  const logs = sqlLogs(database);
  const blocks = new LogBlocks(
    async (sql, ...values) => await database.prepare(sql).all(...values) as SqlRow[],
    size,
  );
  const run = async (sql: string, { values }: Query) =>
    await database.prepare(sql).all(...values) as SqlRow[];
  const query = () => new Query("sqlite", true);
  const walks = sqlWalks("sqlite", query, run, () => Promise.resolve(blocks));
  return { logs, blocks, walks, [Symbol.asyncDispose]: () => database.dispose() };
}

const filter = (
  key: LogFilter["key"],
  operator: LogFilter["operator"],
  ...value: LogFilter["value"]
) => ({ key, operator, value }) satisfies LogFilter;
const rowsIn = (spans: [number, number][] | undefined) =>
  spans?.reduce((sum, [low, high]) => sum + high - low + 1, 0);

async function agree(logs: Logs, walks: Pick<Logs, "walk" | "tally">, selection: LogSelection) {
  const expected = ids(await logs.list(selection, all));
  const what = JSON.stringify(selection);
  const found: string[] = [];
  let after: string | undefined;
  for (;;) {
    const page = await walks.walk!(selection, {
      limit: 7,
      milliseconds: 1000,
      ...after && { after },
    });
    found.push(...ids(page.rows));
    if (page.next === null) break;
    after = page.next;
  }
  assert.deepEqual(found, expected, what);
  const tally = await walks.tally!(selection, 1000);
  assert.deepEqual(tally, { count: expected.length, exact: true }, what);
}

describe("blocks of log rows", () => {
  it("are left out where they hold nothing of what is asked for, and only there", async () => {
    await using opened = open();
    const { logs, blocks, walks } = opened;
    const random = source(5);
    await logs.append(randomEntries(random, 100, noon));
    await blocks.read();
    let known = 0;
    for (let i = 0; i < 300; i++) {
      const { order_by: _, ...selection } = randomSelection(random, noon);
      if (await blocks.spans(selection, 1000) !== undefined) known++;
      await agree(logs, walks, selection);
    }
    assert.ok(known > 60, `${known} of 300 selections could leave blocks out`);
  });

  it("with one rare row are found by each of its fields", async () => {
    await using opened = open();
    const { logs, blocks, walks } = opened;
    const entries = Array.from({ length: 20 * size }, (_, i) => ({
      row: row(`row-${i}`, { created_at: noon + i, metadata: { team: "search" } }),
    }));
    const rare = row("rare", {
      created_at: noon + 50,
      provider: "rare-provider",
      model: "rare-provider/Rare-Model",
      user_agent: "Rare Agent/1.0",
      cost: 77,
      status_code: 418,
      error: { code: null, message: "A rare mishap" },
      metadata: { team: "rare team", number: 4.5, flag: true },
    });
    await logs.append([...entries.slice(0, 50), { row: rare }, ...entries.slice(50)]);
    await blocks.read();
    const selections: LogSelection[] = [
      ...[
        [filter("provider", "eq", "rare-provider")],
        [filter("model", "eq", "Rare-Model")],
        [filter("user_agent", "contains", "RARE agent")],
        [filter("cost", "gt", 70)],
        [filter("status_code", "eq", 418)],
        [filter("metadata.key", "eq", "number")],
        [filter("metadata.value", "eq", "rare team")],
        [filter("metadata.value", "eq", "4.50")],
        [filter("metadata.key", "eq", "flag"), filter("metadata.value", "eq", true)],
        [filter("metadata.value", "contains", "re tea")],
      ].map((filters) => ({ gateway: "default", filters })),
      { gateway: "default", search: "rare mish" },
      { search: "RARE-MODEL" },
    ];
    for (const selection of selections) {
      const spans = await blocks.spans(selection, 1000);
      const what = JSON.stringify({ selection, spans });
      // Its own block, and the one that is not full.
      assert.ok((rowsIn(spans) ?? Infinity) <= 3 * size, what);
      const { rows } = await walks.walk!(selection, { limit: 10, milliseconds: 1000 });
      assert.deepEqual(ids(rows), ["rare"], what);
    }
    const none = { gateway: "other", filters: [filter("provider", "eq", "openai")] };
    assert.ok((rowsIn(await blocks.spans(none, 1000)) ?? Infinity) <= 2 * size);
  });

  it("have rows that came, changed or went since", async () => {
    await using opened = open();
    const { logs, blocks, walks } = opened;
    const entries = Array.from({ length: 10 * size }, (_, i) => ({ row: row(`row-${i}`, {}) }));
    await logs.append(entries);
    await blocks.read();
    const renamed: LogSelection = { filters: [filter("metadata.value", "eq", "renamed")] };
    await agree(logs, walks, renamed);
    await logs.patch("default", "row-3", { metadata: { team: "renamed" } });
    await agree(logs, walks, renamed);
    await agree(logs, walks, { search: "renamed" });
    await logs.patch("default", "row-4", { feedback: 1 });
    await agree(logs, walks, { filters: [filter("feedback", "eq", 1)] });
    await logs.append([{ row: row("late", { provider: "late", created_at: noon - 5 }) }]);
    const late: LogSelection = { filters: [filter("provider", "eq", "late")] };
    await agree(logs, walks, late);
    await logs.delete({ filters: [filter("id", "lt", "row-2")] }, 1000);
    await blocks.read();
    await agree(logs, walks, {});
    await agree(logs, walks, late);
  });
});
