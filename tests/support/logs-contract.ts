// What every log does, whatever stands behind it.
import { strict as assert } from "node:assert";
import { after, before, beforeEach, describe, it } from "node:test";
import type { LogRow } from "../../core/log/row.ts";
import { memoryLogs } from "../../core/storage/logs-memory.ts";
import type {
  LogFilter,
  LogOrder,
  Logs,
  LogSelection,
  LogSizes,
} from "../../core/storage/ports.ts";
import { all, clear, ids, noon, row } from "./log-row.ts";
import { arrivalsContract } from "./logs-contract-arrivals.ts";
import { walksContract } from "./logs-contract-walks.ts";
import { filtersContract } from "./logs-contract-filters.ts";
import { rowsContract } from "./logs-contract-rows.ts";
import { randomEntries, randomSelection, source } from "./logs-random.ts";

export interface LogsContract {
  /** Opens a log; what it holds is deleted by the tests. */
  open(): Logs | Promise<Logs>;
  skip?: string | false;
  /** Most bytes of a body that must go in; 1 MiB unless given. */
  size?: number;
  /** Selections of the comparison with the log in memory; 300 unless given. */
  selections?: number;
  /** Arrivals show some seconds late. */
  late?: boolean;
}

export function logsContract(
  name: string,
  { open, skip = false, size = 2 ** 20, selections = 300, late = false }: LogsContract,
): void {
  describe(`Logs: ${name}`, { skip }, () => {
    let logs: Logs;
    before(async () => {
      logs = await open();
    });
    after(async () => await logs?.close());

    const write = (...rows: LogRow[]) => logs.append(rows.map((row) => ({ row })));
    const found = async (selection: LogSelection) => ids(await logs.list(selection, all));

    rowsContract(() => logs, size);
    filtersContract(() => logs);
    if (!late) arrivalsContract(() => logs);
    walksContract(() => logs, Math.ceil(selections / 5));

    describe("order", () => {
      beforeEach(() => clear(logs));

      it("is by time, the latest first, then by arrival", async () => {
        await write(
          row("b", { created_at: noon + 1 }),
          row("c", { created_at: noon }),
          row("a", { created_at: noon + 1 }),
          row("d", { created_at: noon + 0.5 }),
        );
        await write(row("e", { created_at: noon + 1 }));
        const latest = ["e", "a", "b", "d", "c"];
        assert.deepEqual(await found({}), latest);
        assert.deepEqual(await found({ gateway: "default" }), latest);
        assert.deepEqual(await found({ direction: "desc", order_by: "created_at" }), latest);
        assert.deepEqual(await found({ direction: "asc" }), latest.toReversed());
      });

      it("may be by each field, with what is not known at the end both ways", async () => {
        await write(
          row("1", { provider: "b", model: "b/x", model_type: "", cost: 2, tokens_in: 5 }),
          row("2", {
            provider: "a",
            model: "a/x",
            model_type: "chat",
            cost: null,
            tokens_in: null,
          }),
          row("3", { provider: "B", model: "b/X", model_type: "image", cost: 0, tokens_in: 10 }),
        );
        await write(
          row("4", { cached: true, success: false, feedback: 1, tokens_out: null, duration: 1 }),
          row("5", { feedback: -1, tokens_out: 7, duration: 9000 }),
        );
        const expected: [LogOrder, string][] = [
          ["provider", "32145"],
          ["model", "23145"],
          ["model_type", "12453"],
          ["success", "41235"],
          ["cached", "12354"],
          ["cost", "34512"],
          ["tokens_in", "13452"],
          ["tokens_out", "51234"],
          ["duration", "41235"],
          ["feedback", "54123"],
        ];
        for (const [order_by, order] of expected) {
          const up = (await found({ order_by, direction: "asc" })).join("");
          assert.equal(up, order, order_by);
        }
        assert.equal((await found({ order_by: "cost", direction: "desc" })).join(""), "15432");
        assert.equal((await found({ order_by: "feedback" })).join(""), "45321");
      });

      it("does not change between pages", async () => {
        await write(...Array.from({ length: 50 }, (_, i) => row(`r${i}`, { cost: i % 3 })));
        const pages: string[] = [];
        for (let offset = 0; offset < 50; offset += 7) {
          pages.push(...ids(await logs.list({ order_by: "cost" }, { offset, limit: 7 })));
        }
        assert.deepEqual(pages, await found({ order_by: "cost" }));
        assert.equal(new Set(pages).size, 50);
        assert.deepEqual(await logs.list({}, { offset: 50, limit: 7 }), []);
      });
    });

    describe("search", () => {
      beforeEach(() => clear(logs));

      it("looks into ids, names, path, user agent, metadata and errors, whatever the case", async () => {
        await write(
          row("a-Needle"),
          row("b", { event_id: "x-needle" }),
          row("c", { provider: "needle" }),
          row("d", { model: "x/NEEDLE" }),
          row("e", { path: "/needle" }),
          row("f", { user_agent: "needle" }),
          row("g", { metadata: { needle: 1 } }),
          row("h", { metadata: { a: "the needle" } }),
          row("i", { error: { code: null, message: "no needle" } }),
          row("j", {
            error: { code: "needle", message: "" },
            key_id: "needle",
            finish_reason: "needle",
          }),
          row("k", { user_agent: "100% of it_" }),
        );
        const text = "abcdefghi".split("").map((id) => id === "a" ? "a-Needle" : id);
        assert.deepEqual(await found({ search: "nEEdle", direction: "asc" }), text);
        assert.equal(await logs.count({ search: "needle", gateway: "default" }), 9);
        assert.deepEqual(await found({ search: "0% o" }), ["k"]);
        assert.deepEqual(await found({ search: "it_" }), ["k"]);
        assert.deepEqual(await found({ search: "1_0%" }), []);
        assert.deepEqual(await found({ search: "\\" }), []);
        assert.deepEqual(await found({ search: "needle ".repeat(50) }), []);
        assert.equal((await found({ search: "" })).length, 11);
        const filters: LogFilter[] = [{ key: "provider", operator: "neq", value: ["openai"] }];
        assert.deepEqual(await found({ search: "needle", filters }), ["c"]);
      });
    });

    describe("extremes", () => {
      beforeEach(() => clear(logs));

      it("are those of the rows that have the figure", async () => {
        await write(
          row("a", { cost: 0.5, duration: 10, tokens_in: 5, tokens_out: null }),
          row("b", { cost: null, duration: 0.25, tokens_in: 1, tokens_out: 2 }),
          row("c", { cost: 0.25, gateway: "other" }),
        );
        assert.deepEqual(await logs.extremes({ gateway: "default" }), {
          min_cost: 0.5,
          max_cost: 0.5,
          min_duration: 0.25,
          max_duration: 10,
          min_tokens_in: 1,
          max_tokens_in: 5,
          min_tokens_out: 2,
          max_tokens_out: 2,
          min_total_tokens: 3,
          max_total_tokens: 5,
        });
        const filters: LogFilter[] = [{ key: "id", operator: "eq", value: ["b"] }];
        assert.equal((await logs.extremes({ filters })).max_cost, null);
      });

      it("are null where there is nothing", async () => {
        const found = await logs.extremes({});
        assert.equal(Object.keys(found).length, 10);
        assert.deepEqual(new Set(Object.values(found)), new Set([null]));
      });
    });

    describe("sums", () => {
      beforeEach(() => clear(logs));

      const sums = async (...selections: LogSelection[]) => await logs.sums!(selections);
      const cost: LogFilter[] = [{ key: "cost", operator: "gt", value: [0] }];
      const rated: LogFilter[] = [{ key: "feedback", operator: "neq", value: [null] }];

      it("are over the rows of any selection, each row once", async () => {
        await write(
          row("a", { cost: 0.5, duration: 10, feedback: 1 }),
          row("b", { cost: null, duration: 0.5, feedback: -1 }),
          row("c", { cost: 0.25, duration: 4, feedback: null }),
          row("d", { cost: 8, duration: 8, feedback: 1, gateway: "other" }),
        );
        assert.deepEqual(await sums({ gateway: "default" }), {
          rows: 3,
          cost: 0.75,
          costs: 2,
          duration: 14.5,
          durations: 3,
          likes: 1,
          feedbacks: 2,
        });
        const both = await sums(
          { gateway: "default", filters: cost },
          { gateway: "default", filters: rated },
        );
        assert.deepEqual([both.rows, both.cost, both.duration], [3, 0.75, 14.5]);
        const one = await sums({ gateway: "default", filters: [...cost, ...rated] });
        assert.deepEqual([one.rows, one.cost, one.likes, one.feedbacks], [1, 0.5, 1, 1]);
      });

      it("are 0 where there is nothing", async () => {
        await write(row("a"));
        for (const found of [await sums({ gateway: "none" }), await sums()]) {
          assert.equal(Object.keys(found).length, 7);
          assert.deepEqual(new Set(Object.values(found)), new Set([0]));
        }
      });
    });

    describe("sizes", () => {
      beforeEach(() => clear(logs));

      it("are of a gateway's bodies, the latest first, page by page", async () => {
        const text = (text: string) => ({ bytes: new TextEncoder().encode(text), complete: true });
        await logs.append([
          { row: row("a"), request: text("12345"), response: text("é") },
          { row: row("b"), request: text("1") },
          { row: row("c", { gateway: "other" }), request: text("123") },
        ]);
        await logs.append([{ row: row("d") }, { row: row("e"), response: text("1234") }]);
        const found: number[] = [];
        let pages = 0;
        let before: string | null | undefined;
        for (; before !== null; pages++) {
          const page: LogSizes = await logs.sizes!("default", before, 3);
          found.push(...page.bytes);
          before = page.next;
        }
        assert.deepEqual(found, [4, 0, 1, 7]);
        assert.ok(pages <= 3);
        assert.deepEqual(await logs.sizes!("none", undefined, 3), { bytes: [], next: null });
      });
    });

    describe("gateways", () => {
      beforeEach(() => clear(logs));

      it("do not see each other's rows", async () => {
        await write(row("a"), row("b", { gateway: "other" }), row("c", { gateway: "Ä/'; --" }));
        assert.deepEqual(await found({ gateway: "other" }), ["b"]);
        assert.deepEqual(await found({ gateway: "Ä/'; --" }), ["c"]);
        assert.deepEqual(await found({ gateway: "none" }), []);
        assert.equal(await logs.count({ gateway: "other" }), 1);
        assert.equal(await logs.count({ gateway: "none" }), 0);
        assert.equal(await logs.count({}), 3);
        assert.equal(await logs.get("other", "a"), undefined);
        assert.equal(await logs.patch("other", "a", { feedback: 1 }), false);
        assert.equal(await logs.delete({ gateway: "other" }, 10), 1);
        assert.deepEqual(await found({ direction: "asc" }), ["a", "c"]);
      });
    });

    it(`selects as the log in memory does, ${selections} times at random`, async () => {
      await clear(logs);
      const random = source(20260131);
      const memory = memoryLogs();
      for (let batch = 0; batch < 5; batch++) {
        const entries = randomEntries(random, 30, noon);
        await memory.append(entries);
        await logs.append(entries);
      }
      for (let i = 0; i < selections; i++) {
        const selection = randomSelection(random, noon);
        const told = JSON.stringify(selection);
        const page = { offset: random.int(20), limit: 1 + random.int(40) };
        assert.deepEqual(
          ids(await logs.list(selection, page)),
          ids(await memory.list(selection, page)),
          `list ${told}`,
        );
        assert.equal(await logs.count(selection), await memory.count(selection), `count ${told}`);
        if (i % 5 === 0) {
          const wanted = await memory.extremes(selection);
          assert.deepEqual(await logs.extremes(selection), wanted, `extremes ${told}`);
          const other = randomSelection(random, noon);
          const sums = async ({ sums }: Logs): Promise<number[]> => {
            const { rows, costs, durations, likes, feedbacks } = await sums!([selection, other]);
            return [rows, costs, durations, likes, feedbacks];
          };
          const seen = `sums ${told}, ${JSON.stringify(other)}`;
          assert.deepEqual(await sums(logs), await sums(memory), seen);
        }
        if (i % 50 === 49) {
          const gone = await memory.delete(selection, 3);
          assert.equal(await logs.delete(selection, 3), gone, `delete ${told}`);
          assert.deepEqual(await found({}), ids(await memory.list({}, all)), `after ${told}`);
        }
      }
    });
  });
}
