// Pages behind a row: the same rows as a list, in pieces that cost the same wherever they are.
import { strict as assert } from "node:assert";
import { before, describe, it } from "node:test";
import { InputError } from "../../core/storage/key.ts";
import { memoryLogs } from "../../core/storage/logs-memory.ts";
import type { Logs, LogSelection } from "../../core/storage/ports.ts";
import { all, clear, ids, noon, row } from "./log-row.ts";
import { randomEntries, randomSelection, source } from "./logs-random.ts";

/** All that a walk meets, page by page. */
export async function walk(
  logs: Logs,
  selection: LogSelection,
  limit: number,
  milliseconds = 1000,
): Promise<string[]> {
  const found: string[] = [];
  for (let after: string | undefined, pages = 0;; pages++) {
    const page = await logs.walk!(selection, { limit, milliseconds, ...after && { after } });
    assert.ok(page.rows.length <= limit);
    found.push(...ids(page.rows));
    if (page.next === null) return found;
    after = page.next;
    assert.ok(pages < 10_000, "the walk does not end");
  }
}

export function walksContract(log: () => Logs, questions: number): void {
  describe("walks", () => {
    const random = source(23);
    before(async () => {
      await clear(log());
      const entries = randomEntries(random, 120, noon);
      for (let i = 0; i < entries.length; i += 20) await log().append(entries.slice(i, i + 20));
    });

    it("meet the rows of a list in their order, whatever the page holds", async () => {
      for (let i = 0; i < questions; i++) {
        const { order_by: _, ...selection } = randomSelection(random, noon);
        const expected = ids(await log().list(selection, all));
        const what = JSON.stringify(selection);
        // With no time at all, a page is what was found at once.
        const found = await walk(log(), selection, 1 + random.int(30), i % 2 === 0 ? 1000 : 0);
        assert.deepEqual(found, expected, what);
        const tally = await log().tally?.(selection, 10_000);
        if (tally) assert.deepEqual(tally, { count: expected.length, exact: true }, what);
      }
    });

    it("go on behind any row of the gateway", async () => {
      const everything = ids(await log().list({ gateway: "default" }, all));
      const after = everything[40]!;
      const page = { limit: 5, milliseconds: 1000 };
      const { rows } = await log().walk!({ gateway: "default" }, { ...page, after });
      assert.deepEqual(ids(rows), everything.slice(41, 46));
      const up = await log().walk!({ gateway: "default", direction: "asc" }, { ...page, after });
      assert.deepEqual(ids(up.rows), everything.slice(35, 40).reverse());
    });

    it("go on where a row was, and say so where it is not known", async () => {
      const page = { limit: 3, milliseconds: 1000 };
      const first = await log().walk!({ gateway: "default" }, page);
      await log().delete(
        { filters: [{ key: "id", operator: "eq", value: [first.rows.at(-1)!.id] }] },
        1,
      );
      const rest = ids(await log().list({ gateway: "default" }, all)).slice(2);
      const next = await log().walk!({ gateway: "default" }, { ...page, after: first.next! });
      const seen = ids(first.rows);
      // Those of the same time may come once more.
      const fresh = ids(next.rows).filter((id) => !seen.includes(id));
      assert.deepEqual(fresh, rest.slice(0, fresh.length));
      await assert.rejects(log().walk!({}, { ...page, after: "none" }), InputError);
    });

    it("agree with a log in memory that is given the same rows", async () => {
      const reference = memoryLogs();
      await clear(log());
      const rows = Array.from({ length: 30 }, (_, i) => row(`w${i}`, { created_at: noon + i % 7 }));
      for (const each of [log(), reference]) await each.append(rows.map((row) => ({ row })));
      for (const direction of ["asc", "desc"] as const) {
        assert.deepEqual(
          await walk(log(), { direction }, 4),
          await walk(reference, { direction }, 4),
        );
      }
    });
  });
}
