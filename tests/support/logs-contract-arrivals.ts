// Rows in the order of arrival: who follows them misses none.
import { strict as assert } from "node:assert";
import { beforeEach, describe, it } from "node:test";
import type { LogRow } from "../../core/log/row.ts";
import type { Logs } from "../../core/storage/ports.ts";
import { clear, noon, row } from "./log-row.ts";

/** All that came behind a place, page by page. */
export async function follow(
  logs: Logs,
  after?: string,
  limit = 2,
): Promise<{ ids: string[]; place: string | undefined }> {
  const ids: string[] = [];
  for (let place = after;;) {
    const page = await logs.arrivals!(place, limit);
    if (page.length === 0) return { ids, place };
    ids.push(...page.map(({ row }) => row.id));
    place = page.at(-1)!.place;
  }
}

export function arrivalsContract(log: () => Logs): void {
  const write = (...rows: LogRow[]) => log().append(rows.map((row) => ({ row })));

  describe("arrivals", () => {
    beforeEach(() => clear(log()));

    it("come in their order, whatever time they say, of all gateways", async () => {
      await write(row("a1", { created_at: noon }), row("a2", { created_at: noon - 5 }));
      await write(row("a3", { created_at: noon + 5, gateway: "other" }));
      await write(row("a2"), row("a4", { created_at: noon - 100 }));
      const { ids, place } = await follow(log());
      assert.deepEqual(ids, ["a1", "a2", "a3", "a4"]);
      assert.deepEqual(await follow(log(), place), { ids: [], place });
      await write(row("a5", { created_at: noon - 1000, metadata: { a: 1 } }));
      const [next, ...more] = await log().arrivals!(place, 10);
      assert.deepEqual(next?.row, row("a5", { created_at: noon - 1000, metadata: { a: 1 } }));
      assert.deepEqual(more, []);
    });

    it("go on behind rows that were deleted, and miss none that came in their place", async () => {
      await write(row("b1"), row("b2"), row("b3"));
      const { place } = await follow(log());
      await log().delete({}, 10);
      await write(row("b4"), row("b5"));
      const { ids, place: then } = await follow(log(), place);
      assert.deepEqual(ids, ["b4", "b5"]);
      await log().delete({ direction: "desc" }, 1);
      await write(row("b6"));
      const rest = (await follow(log(), then)).ids;
      // A KV forgets how far a batch was seen when the last row that was is deleted.
      assert.deepEqual(rest.filter((id) => id !== "b4"), ["b6"]);
    });

    it("begin anew where the place is not of this store", async () => {
      await write(row("c1"), row("c2"));
      for (const place of ["", "nonsense", "999999999999999:x", "another:0", "1:x", "\0"]) {
        assert.deepEqual((await follow(log(), place)).ids, ["c1", "c2"], place);
      }
    });

    it("are all there when several write at once", async () => {
      const seen: string[] = [];
      let place: string | undefined;
      let writing = true;
      const writers = Promise.all(Array.from({ length: 6 }, async (_, writer) => {
        for (let batch = 0; batch < 6; batch++) {
          const rows = [0, 1, 2].map((i) => row(`d${writer}-${batch}-${i}`));
          await write(...rows);
        }
      })).finally(() => writing = false);
      for (;;) {
        const last = !writing;
        const page = await log().arrivals!(place, 7);
        seen.push(...page.map(({ row }) => row.id));
        place = page.at(-1)?.place ?? place;
        if (last && page.length === 0) break;
      }
      await writers;
      assert.equal(seen.length, 108);
      assert.equal(new Set(seen).size, 108);
    });
  });
}
