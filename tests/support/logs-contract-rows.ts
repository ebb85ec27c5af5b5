// What is written, changed and deleted, whatever stands behind the log.
import { strict as assert } from "node:assert";
import { beforeEach, describe, it } from "node:test";
import type { LogEntry, LogRow } from "../../core/log/row.ts";
import type { LogFilter, Logs, LogSelection } from "../../core/storage/ports.ts";
import { all, clear, ids, noon, row } from "./log-row.ts";

const bytes = (text: string) => new TextEncoder().encode(text);

/** @param size Bytes of a body that must go in. */
export function rowsContract(log: () => Logs, size: number): void {
  const write = (...rows: LogRow[]) => log().append(rows.map((row) => ({ row })));
  const found = async (selection: LogSelection) => ids(await log().list(selection, all));

  describe("rows", () => {
    beforeEach(() => clear(log()));

    const full: Partial<LogRow> = {
      event_id: "an event of a client's own",
      request_id: "req-2",
      provider: "anthropic",
      model: "anthropic/claude",
      status_code: 529,
      success: false,
      cached: true,
      step: 2,
      attempt: 3,
      timings: { total: 812.5, latency: 0.1 + 0.2, first_byte: 1.5, first_token: 2.25 },
      streamed: true,
      end: "upstream_cut",
      custom_cost: true,
      cost_parts: {
        input: 0,
        cache_read: 0,
        cache_write: 0,
        output: 0,
        other: 0,
        source: "cache",
        saved: 0.0125,
      },
      metadata: { team: "red", n: 1.5, yes: true, no: null, "a key": "ä 漢 😀 \"'\\ \n" },
      feedback: -1,
      score: 99.5,
      authentication: true,
      byok: "second",
      compatibilityMode: true,
      dropped: ["seed", "logit_bias"],
      key_id: "key-1",
      error: { code: "overloaded_error", message: "Overloaded, 'try' \"later\"; DROP TABLE" },
      dlp_action: "FLAG",
    };
    const none: Partial<LogRow> = {
      model: "",
      model_type: "",
      path: "",
      user_agent: "",
      request_content_type: "",
      response_content_type: "",
      timings: { total: 812.5, latency: 0, first_byte: null, first_token: null },
      finish_reason: null,
      tokens_in: null,
      tokens_out: null,
      usage: null,
      usage_quality: null,
      cost: null,
      cost_parts: null,
      error: { code: null, message: "" },
      request_size: null,
      response_size: null,
    };
    for (const [what, members] of [["all", full], ["few", none]] as const) {
      it(`come back as they were, with ${what} of their members`, async () => {
        const written = row("a", members);
        await write(written);
        assert.deepEqual(await log().list({}, all), [written]);
        assert.deepEqual(await log().get("default", "a"), written);
      });
    }

    it("keep usage and errors of every kind", async () => {
      const rows = [
        row("a", { usage: { input: 1, units: { web_search_requests: 2 } }, tokens_out: 0 }),
        row("b", { error: { code: 2014, message: "No" }, usage: {} }),
        row("c", { metadata: {} }),
        row("d", { metadata: JSON.parse('{"__proto__":"x","constructor":1}') }),
      ];
      await write(...rows);
      for (const written of rows) {
        assert.deepEqual(await log().get("default", written.id), written);
      }
    });

    it("are what was given, not what became of it", async () => {
      const written = row("a");
      await write(written);
      written.model = "changed";
      (await log().list({}, all))[0]!.usage!.input = 99;
      assert.deepEqual(await log().get("default", "a"), row("a"));
    });

    it("are written once, however often they are given", async () => {
      await log().append([{ row: row("a", { model: "first" }) }]);
      const again = { bytes: bytes("again"), complete: true };
      const entries = [row("a", { model: "second" }), row("b", { model: "first" })];
      await log().append(entries.map((row) => ({ row, request: again })));
      await log().append([{ row: row("b", { model: "second" }) }, { row: row("c") }]);
      await log().append([{ row: row("d", { model: "first" }) }, { row: row("d") }]);
      assert.equal(await log().count({}), 4);
      assert.equal(await log().count({ gateway: "default" }), 4);
      for (const id of ["a", "b", "d"]) {
        assert.equal((await log().get("default", id))?.model, "first", id);
      }
      assert.equal(await log().payload("default", "a", "request"), undefined);
      assert.equal((await log().payload("default", "b", "request"))?.complete, true);
    });

    it("may be none", async () => {
      await log().append([]);
      assert.equal(await log().count({}), 0);
      assert.deepEqual(await log().list({}, all), []);
    });

    it("may be many at once", async () => {
      const rows = Array.from({ length: 700 }, (_, i) => row(`r${i}`, { created_at: noon + i }));
      await write(...rows);
      assert.equal(await log().count({}), 700);
      assert.deepEqual(
        ids(await log().list({}, { offset: 250, limit: 3 })),
        ["r449", "r448", "r447"],
      );
    });

    it("of hostile make go in, or at least do no harm", async () => {
      const lone = "\ud800";
      const hostile = row("a\0b", {
        model: `x\0y${lone}`,
        event_id: `e\0${lone}`,
        user_agent: "\0",
        path: `/${"p".repeat(5000)}`,
        metadata: { [`k\0${lone}`]: `v\0${lone}`, huge: 1e300 },
        error: { code: `c\0${lone}`, message: `m\0${lone}` },
        finish_reason: `\0${lone}`,
        usage: { input: 1e300, output: -5, units: { [`\0${lone}`]: 1 } },
        tokens_in: 1e300,
        tokens_out: -5,
        cost: Infinity,
        duration: NaN,
        timings: { total: NaN, latency: NaN, first_byte: Infinity, first_token: -Infinity },
        score: -0,
      });
      await log().append([
        { row: row("b") },
        { row: hostile, request: { bytes: Uint8Array.of(0, 255), complete: true } },
        { row: row("c") },
      ]);
      assert.equal(await log().count({}), 3);
      const filters: LogFilter[] = [{ key: "tokens_in", operator: "gt", value: [1e299] }];
      assert.equal((await found({ filters })).length, 1);
      assert.equal(await log().count({ search: "'; DELETE FROM sluice_logs; --" }), 0);
    });
  });

  describe("bodies", () => {
    beforeEach(() => clear(log()));

    it("come back as they were, with their type", async () => {
      const every = Uint8Array.from({ length: 256 }, (_, i) => i);
      const part = Uint8Array.from([9, 1, 2, 3, 9]).subarray(1, 4);
      await log().append([
        { row: row("z") },
        {
          row: row("a", { response_content_type: "text/event-stream" }),
          request: { bytes: every, complete: true },
          response: { bytes: part, complete: false },
        },
        { row: row("b", { request_content_type: "" }), request: { bytes: part, complete: true } },
      ]);
      assert.deepEqual(await log().payload("default", "a", "request"), {
        bytes: every,
        type: "application/json",
        complete: true,
      });
      assert.deepEqual(await log().payload("default", "a", "response"), {
        bytes: Uint8Array.of(1, 2, 3),
        type: "text/event-stream",
        complete: false,
      });
      assert.equal((await log().payload("default", "b", "request"))?.type, "");
      assert.equal(await log().payload("default", "b", "response"), undefined);
      assert.equal(await log().payload("default", "z", "request"), undefined);
      assert.equal(await log().payload("default", "none", "request"), undefined);
      assert.equal(await log().payload("other", "a", "request"), undefined);
    });

    it("may be empty", async () => {
      const empty = { bytes: new Uint8Array(), complete: true };
      await log().append([{ row: row("a"), request: empty }]);
      const found = await log().payload("default", "a", "request");
      assert.deepEqual(found, { ...empty, type: "application/json" });
    });

    it(`may have ${size} bytes, next to others`, async () => {
      const large = Uint8Array.from({ length: size }, (_, i) => (i * 31) >> 3);
      const entries = ["a", "b", "c"].map((id): LogEntry => ({
        row: row(id),
        request: { bytes: bytes(id), complete: true },
        response: { bytes: large, complete: true },
      }));
      await log().append(entries);
      for (const id of ["a", "b", "c"]) {
        const request = await log().payload("default", id, "request");
        assert.deepEqual(request?.bytes, bytes(id));
        const response = (await log().payload("default", id, "response"))!;
        assert.equal(response.bytes.length, size);
        assert.ok(response.bytes.every((byte, i) => byte === large[i]), "the bytes differ");
      }
    });

    it("are those that were given, not what became of them", async () => {
      const body = Uint8Array.of(1, 2);
      await log().append([{ row: row("a"), request: { bytes: body, complete: true } }]);
      body[0] = 9;
      const found = (await log().payload("default", "a", "request"))!;
      assert.deepEqual([...found.bytes], [1, 2]);
      found.bytes[0] = 9;
      assert.deepEqual([...(await log().payload("default", "a", "request"))!.bytes], [1, 2]);
    });
  });

  describe("patch", () => {
    beforeEach(() => clear(log()));

    it("changes what it names and leaves the rest", async () => {
      const written = row("a", { metadata: { team: "red" }, score: 5 });
      await write(written, row("b"));
      assert.equal(await log().patch("default", "a", { feedback: 1 }), true);
      assert.deepEqual(await log().get("default", "a"), { ...written, feedback: 1 });
      assert.equal(await log().patch("default", "a", { feedback: -1, score: 0.5 }), true);
      assert.equal(await log().patch("default", "a", { metadata: { n: 1, on: false } }), true);
      const patched = { ...written, feedback: -1, score: 0.5, metadata: { n: 1, on: false } };
      assert.deepEqual(await log().get("default", "a"), patched);
      assert.deepEqual(await log().get("default", "b"), row("b"));
      const filters: LogFilter[] = [
        { key: "metadata.key", operator: "eq", value: ["n"] },
        { key: "feedback", operator: "eq", value: [-1] },
      ];
      assert.deepEqual(await found({ filters }), ["a"]);
      const clear = { feedback: null, score: null, metadata: null };
      assert.equal(await log().patch("default", "a", clear), true);
      assert.deepEqual(await log().get("default", "a"), { ...written, ...clear });
    });

    it("tells whether there is such a row, also when there is nothing to change", async () => {
      await write(row("a"));
      assert.equal(await log().patch("default", "a", {}), true);
      assert.equal(await log().patch("default", "none", {}), false);
      assert.equal(await log().patch("default", "none", { feedback: 1 }), false);
      assert.equal(await log().count({}), 1);
    });
  });

  describe("delete", () => {
    beforeEach(() => clear(log()));

    const body = { bytes: bytes("x"), complete: true };

    it("takes the earliest first, and no more than it may", async () => {
      await write(...["c", "a", "b", "d"].map((id, i) => row(id, { created_at: noon - i })));
      assert.equal(await log().delete({ gateway: "default" }, 2), 2);
      assert.deepEqual(await found({}), ["c", "a"]);
      assert.equal(await log().delete({ direction: "desc" }, 1), 1);
      assert.deepEqual(await found({}), ["a"]);
      assert.equal(await log().delete({}, 10), 1);
      assert.equal(await log().delete({}, 10), 0);
      assert.equal(await log().count({ gateway: "default" }), 0);
    });

    it("goes by filters, search and order", async () => {
      await write(
        row("a", { cost: 3 }),
        row("b", { cost: 1, user_agent: "curl" }),
        row("c", { cost: null }),
        row("d", { cost: 2 }),
      );
      const filters: LogFilter[] = [{ key: "cost", operator: "neq", value: [null] }];
      assert.equal(await log().delete({ filters, order_by: "cost", direction: "desc" }, 1), 1);
      assert.deepEqual(await found({ direction: "asc" }), ["b", "c", "d"]);
      assert.equal(await log().delete({ search: "CURL" }, 10), 1);
      assert.equal(
        await log().delete({ filters: [{ key: "id", operator: "eq", value: [] }] }, 9),
        0,
      );
      assert.equal(await log().delete({ filters }, 0), 0);
      assert.deepEqual(await found({ direction: "asc" }), ["c", "d"]);
      assert.equal(await log().count({ gateway: "default" }), 2);
    });

    it("takes bodies along, and leaves those of other rows", async () => {
      const entries = ["a", "b"].map((id) => ({ row: row(id), request: body, response: body }));
      await log().append(entries);
      assert.equal(
        await log().delete({ filters: [{ key: "id", operator: "eq", value: ["a"] }] }, 9),
        1,
      );
      assert.equal(await log().get("default", "a"), undefined);
      assert.equal(await log().payload("default", "a", "request"), undefined);
      assert.equal((await log().payload("default", "b", "response"))?.bytes.length, 1);
      await log().append([{ row: row("a") }]);
      assert.equal(await log().payload("default", "a", "request"), undefined);
      assert.equal(await log().count({}), 2);
    });

    it("deletes more than it takes in one go", async () => {
      const rows = Array.from({ length: 1000 }, (_, i) => row(`r${i}`, { created_at: noon + i }));
      await write(...rows);
      assert.equal(await log().delete({ gateway: "default" }, 995), 995);
      assert.deepEqual(await found({}), ["r999", "r998", "r997", "r996", "r995"]);
      assert.equal(await log().count({ gateway: "default" }), 5);
    });
  });
}
