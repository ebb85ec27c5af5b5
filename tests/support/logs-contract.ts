// What every log does, whatever stands behind it.
import { strict as assert } from "node:assert";
import { after, before, beforeEach, describe, it } from "node:test";
import type { LogEntry, LogRow } from "../../core/log/row.ts";
import { memoryLogs } from "../../core/storage/logs-memory.ts";
import type { LogFilter, LogOrder, Logs, LogSelection } from "../../core/storage/ports.ts";
import { randomEntries, randomSelection, source } from "./logs-random.ts";

export interface LogsContract {
  /** Opens a log; what it holds is deleted by the tests. */
  open(): Logs | Promise<Logs>;
  skip?: string | false;
  /** Most bytes of a body that must go in; 1 MiB unless given. */
  size?: number;
  /** Selections of the comparison with the log in memory; 300 unless given. */
  selections?: number;
}

/** A time that rows of these tests are created at. */
export const noon = Date.UTC(2026, 0, 31, 12);

/** A row with nothing special; `id` is any text. */
export function row(id: string, members: Partial<LogRow> = {}): LogRow {
  const duration = members.duration ?? 812.5;
  return {
    id,
    event_id: id,
    request_id: id,
    created_at: noon,
    gateway: "default",
    provider: "openai",
    model: "openai/gpt-4o-mini",
    model_type: "chat",
    path: "/v1/chat/completions",
    method: "POST",
    request_type: "native",
    request_content_type: "application/json",
    response_content_type: "application/json",
    status_code: 200,
    success: true,
    cached: false,
    step: 0,
    attempt: 0,
    duration,
    timings: { total: duration, latency: 400.25, first_byte: 401, first_token: null },
    streamed: false,
    end: "complete",
    finish_reason: "stop",
    tokens_in: 12,
    tokens_out: 34,
    usage: { input: 12, output: 34, cache_read: 2 },
    usage_quality: "reported",
    cost: 0.000123,
    cost_parts: {
      input: 0.1,
      cache_read: 0,
      cache_write: 0,
      output: 0.000023,
      other: 0,
      source: "table",
    },
    custom_cost: false,
    metadata: null,
    feedback: null,
    score: null,
    authentication: false,
    wholesale: false,
    byok: null,
    compatibilityMode: false,
    user_agent: "OpenAI/JS 6.49.0",
    key_id: null,
    error: null,
    dlp_action: null,
    request_size: 100,
    response_size: 200,
    ...members,
  };
}

const bytes = (text: string) => new TextEncoder().encode(text);
const ids = (rows: LogRow[]) => rows.map(({ id }) => id);
const all = { offset: 0, limit: 1000 };

export function logsContract(
  name: string,
  { open, skip = false, size = 2 ** 20, selections = 300 }: LogsContract,
): void {
  describe(`Logs: ${name}`, { skip }, () => {
    let logs: Logs;
    before(async () => {
      logs = await open();
    });
    after(async () => await logs?.close());

    const clear = async () => {
      while (await logs.delete({}, 10_000) > 0);
    };
    const write = (...rows: LogRow[]) => logs.append(rows.map((row) => ({ row })));
    const found = async (selection: LogSelection) => ids(await logs.list(selection, all));

    describe("rows", () => {
      beforeEach(clear);

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
        metadata: { team: "red", n: 1.5, yes: true, no: null, "a key": "ä 漢 😀 \"'\\ \n" },
        feedback: -1,
        score: 99.5,
        authentication: true,
        byok: "second",
        compatibilityMode: true,
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
          assert.deepEqual(await logs.list({}, all), [written]);
          assert.deepEqual(await logs.get("default", "a"), written);
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
          assert.deepEqual(await logs.get("default", written.id), written);
        }
      });

      it("are what was given, not what became of it", async () => {
        const written = row("a");
        await write(written);
        written.model = "changed";
        (await logs.list({}, all))[0]!.usage!.input = 99;
        assert.deepEqual(await logs.get("default", "a"), row("a"));
      });

      it("are written once, however often they are given", async () => {
        await logs.append([{ row: row("a", { model: "first" }) }]);
        const again = { bytes: bytes("again"), complete: true };
        const entries = [row("a", { model: "second" }), row("b", { model: "first" })];
        await logs.append(entries.map((row) => ({ row, request: again })));
        await logs.append([{ row: row("b", { model: "second" }) }, { row: row("c") }]);
        await logs.append([{ row: row("d", { model: "first" }) }, { row: row("d") }]);
        assert.equal(await logs.count({}), 4);
        assert.equal(await logs.count({ gateway: "default" }), 4);
        for (const id of ["a", "b", "d"]) {
          assert.equal((await logs.get("default", id))?.model, "first", id);
        }
        assert.equal(await logs.payload("default", "a", "request"), undefined);
        assert.equal((await logs.payload("default", "b", "request"))?.complete, true);
      });

      it("may be none", async () => {
        await logs.append([]);
        assert.equal(await logs.count({}), 0);
        assert.deepEqual(await logs.list({}, all), []);
      });

      it("may be many at once", async () => {
        const rows = Array.from({ length: 700 }, (_, i) => row(`r${i}`, { created_at: noon + i }));
        await write(...rows);
        assert.equal(await logs.count({}), 700);
        assert.deepEqual(
          ids(await logs.list({}, { offset: 250, limit: 3 })),
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
        await logs.append([
          { row: row("b") },
          { row: hostile, request: { bytes: Uint8Array.of(0, 255), complete: true } },
          { row: row("c") },
        ]);
        assert.equal(await logs.count({}), 3);
        const filters: LogFilter[] = [{ key: "tokens_in", operator: "gt", value: [1e299] }];
        assert.equal((await found({ filters })).length, 1);
        assert.equal(await logs.count({ search: "'; DELETE FROM sluice_logs; --" }), 0);
      });
    });

    describe("order", () => {
      beforeEach(clear);

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

    describe("filters", () => {
      const rows: LogRow[] = [
        row("a", { event_id: "e1", metadata: { team: "red", n: 1, on: true } }),
        row("b", { event_id: "e1", step: 1, cached: true, metadata: { team: "blue", n: "1" } }),
        row("c", {
          created_at: noon + 1000,
          provider: "groq",
          model: "groq/meta-llama/llama-3",
          model_type: "",
          status_code: 429,
          success: false,
          cost: null,
          tokens_in: null,
          tokens_out: null,
          usage_quality: null,
          end: "error",
          feedback: -1,
          key_id: "key-1",
          authentication: true,
          metadata: { team: null, other: "100%_sure" },
        }),
        row("d", {
          created_at: noon + 2000,
          gateway: "other",
          model: "",
          cost: 0,
          tokens_in: 0,
          tokens_out: null,
          duration: 5000,
          feedback: 1,
          dlp_action: "BLOCK",
          user_agent: "Mozilla/5.0 (X11) Käse",
          compatibilityMode: true,
          request_type: "compat",
          path: "/x",
          metadata: {},
        }),
      ];
      before(async () => {
        await clear();
        await write(...rows);
      });

      /** `key operator value,value`; values that look like JSON are JSON. */
      function parse(text: string): LogFilter[] {
        return text.split(" & ").map((part) => {
          const [key, operator, ...rest] = part.split(" ");
          const value = rest.join(" ").split(",").map((each) => {
            try {
              return JSON.parse(each);
            } catch {
              return each;
            }
          });
          return { key, operator, value } as LogFilter;
        });
      }

      const expected: [filters: string, ids: string][] = [
        ["id eq a", "a"],
        ["id eq a,d,zz", "ad"],
        ["id neq a,d", "bc"],
        ["id lt c", "ab"],
        ["id gt b,c", "cd"],
        ["event_id eq e1", "ab"],
        ["event_id eq e1,c", "abc"],
        ["event_id eq a", ""],
        ["event_id neq e1", "cd"],
        ["event_id contains E", "ab"],
        ["event_id contains d", "d"],
        ["provider eq openai", "abd"],
        ["provider eq OpenAI", ""],
        ["provider neq openai", "c"],
        ["provider contains PEN,zz", "abd"],
        ["provider lt h", "c"],
        ["model eq openai/gpt-4o-mini", "ab"],
        ["model eq gpt-4o-mini", "ab"],
        ["model eq meta-llama/llama-3", "c"],
        ["model eq llama-3", ""],
        ["model eq gpt-4o-mini,groq/meta-llama/llama-3", "abc"],
        ["model neq gpt-4o-mini", "cd"],
        ["model contains LLAMA", "c"],
        ["model eq null", "d"],
        ["model neq null", "abc"],
        ['model eq ""', "d"],
        ["model_type eq chat,null", "abcd"],
        ["model_type eq null", "c"],
        ["status_code eq 429", "c"],
        ['status_code eq "429"', "c"],
        ["status_code gt 399", "c"],
        ["status_code neq 429,500", "abd"],
        ["status_code contains 42", ""],
        ["success eq false", "c"],
        ['success eq "true"', "abd"],
        ["success eq 1", "abd"],
        ['success neq "1"', "c"],
        ["success eq yes", ""],
        ["success neq yes", "abcd"],
        ["success gt false", ""],
        ["cached eq true", "b"],
        ["cached eq true,false", "abcd"],
        ["cached eq null", ""],
        ["authentication eq true", "c"],
        ["wholesale eq false", "abcd"],
        ["compatibilityMode eq true", "d"],
        ["cost eq 0", "d"],
        ["cost eq null", "c"],
        ["cost eq null,0", "cd"],
        ["cost neq null", "abd"],
        ["cost neq 0", "abc"],
        ["cost gt 0.0001", "ab"],
        ["cost lt 0.0001", "d"],
        ["cost lt 0.0001,1", "abd"],
        ["cost gt 0.0001,1", "ab"],
        ["cost gt null", ""],
        ["tokens eq 46", "ab"],
        ["tokens eq 0", "d"],
        ["tokens eq null", "c"],
        ["tokens_in gt 5", "ab"],
        ["tokens_out eq null", "cd"],
        ["duration gt 4999.5", "d"],
        ['duration gt "4999.5"', "d"],
        ["duration gt x", ""],
        ["feedback eq 1", "d"],
        ["feedback eq -1", "c"],
        ["feedback eq 0", "c"],
        ['feedback eq "0"', "c"],
        ["feedback eq null", "ab"],
        ["feedback neq 0,1", "ab"],
        [`created_at gt ${noon}`, "cd"],
        ["created_at gt 2026-01-31T12:00:00.500Z", "cd"],
        ["created_at lt 2026-01-31T13:00:01+01:00", "ab"],
        ["created_at eq 2026-01-31T12:00:01Z", "c"],
        [`created_at lt "${noon + 1}"`, "ab"],
        ["request_type eq compat", "d"],
        ["request_content_type contains JSON", "abcd"],
        ["response_content_type eq text/event-stream", ""],
        ["dlp_action eq BLOCK", "d"],
        ["dlp_action eq null", "abc"],
        ["dlp_action neq BLOCK", "abc"],
        ["user_agent contains mozilla", "d"],
        ["user_agent contains käse", "d"],
        ["user_agent neq OpenAI/JS 6.49.0", "d"],
        ["path eq /x", "d"],
        ["step eq 1", "b"],
        ["step gt 0", "b"],
        ["key_id eq key-1", "c"],
        ["key_id eq null", "abd"],
        ["key_id neq key-1", "abd"],
        ["key_id contains KEY", "c"],
        ["end eq error", "c"],
        ["usage_quality eq null", "c"],
        ["metadata.key eq team", "abc"],
        ["metadata.key eq n,other", "abc"],
        ["metadata.key neq team", "d"],
        ["metadata.key contains EA", "abc"],
        ["metadata.key eq null", "d"],
        ["metadata.key eq TEAM", ""],
        ["metadata.value eq red", "a"],
        ["metadata.value eq red,blue", "ab"],
        ["metadata.value eq 1", "ab"],
        ['metadata.value eq "1"', "ab"],
        ["metadata.value eq true", "a"],
        ["metadata.value neq red", "bcd"],
        ["metadata.value contains ED", "a"],
        ["metadata.value contains %_", "c"],
        ["metadata.value contains l%e", ""],
        ["metadata.value gt 0", "a"],
        ["metadata.value lt c", "bc"],
        ["metadata.value eq null", "cd"],
        ["metadata.key eq team & metadata.value eq red", "a"],
        ["metadata.key eq n & metadata.value eq red", ""],
        ["metadata.key eq team & metadata.value neq red", "bc"],
        ["metadata.key eq team & metadata.value eq null", "c"],
        ["metadata.key eq team & metadata.value neq null", "ab"],
        ["metadata.key eq team,n & metadata.value eq 1", "ab"],
        ["metadata.key eq team & success eq true & metadata.value eq 1", "ab"],
        ["provider eq openai & cached eq false & cost gt 0", "a"],
        ["id eq a,b & event_id eq e1 & step eq 1", "b"],
      ];
      for (const [text, wanted] of expected) {
        it(text, async () => {
          const filters = parse(text);
          assert.equal((await found({ filters, direction: "asc" })).join(""), wanted);
          assert.equal(await logs.count({ filters }), wanted.length);
          const other = wanted.includes("d") ? ["d"] : [];
          assert.deepEqual(await found({ filters, gateway: "other" }), other);
        });
      }

      it("without values are true of nothing, and their opposite of everything", async () => {
        for (const key of ["id", "event_id", "model", "cost", "cached", "metadata.key"] as const) {
          assert.deepEqual(await found({ filters: [{ key, operator: "eq", value: [] }] }), []);
          const none = await found({ filters: [{ key, operator: "neq", value: [] }] });
          assert.equal(none.length, 4, key);
        }
      });

      it("by a field, operator or order that does not exist are refused", async () => {
        const wrong = [
          { filters: [{ key: "id = id OR id", operator: "eq", value: [1] }] },
          { filters: [{ key: "__proto__", operator: "eq", value: [1] }] },
          { filters: [{ key: "id", operator: "= id OR id =", value: [1] }] },
          { order_by: "id; DROP TABLE sluice_logs; --" },
        ] as unknown as LogSelection[];
        for (const selection of wrong) {
          await assert.rejects(logs.list(selection, all), TypeError);
          await assert.rejects(logs.delete(selection, 10), TypeError);
        }
        assert.equal((await found({})).length, 4);
      });

      it("take as many values as the management API does", async () => {
        const many = Array.from({ length: 200 }, (_, i) => `v${i}`);
        const filters = ["id", "event_id", "provider", "model", "metadata.value"].map((key) => ({
          key,
          operator: "neq",
          value: many,
        })) as LogFilter[];
        assert.equal(await logs.count({ filters }), 4);
        filters.push({ key: "user_agent", operator: "contains", value: [...many, "6.49"] });
        filters.push({ key: "cost", operator: "neq", value: many.map((_, i) => i + 1) });
        assert.deepEqual(await found({ filters, direction: "asc" }), ["a", "b", "c"]);
      });
    });

    describe("search", () => {
      beforeEach(clear);

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
      beforeEach(clear);

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

    describe("bodies", () => {
      beforeEach(clear);

      it("come back as they were, with their type", async () => {
        const every = Uint8Array.from({ length: 256 }, (_, i) => i);
        const part = Uint8Array.from([9, 1, 2, 3, 9]).subarray(1, 4);
        await logs.append([
          { row: row("z") },
          {
            row: row("a", { response_content_type: "text/event-stream" }),
            request: { bytes: every, complete: true },
            response: { bytes: part, complete: false },
          },
          { row: row("b", { request_content_type: "" }), request: { bytes: part, complete: true } },
        ]);
        assert.deepEqual(await logs.payload("default", "a", "request"), {
          bytes: every,
          type: "application/json",
          complete: true,
        });
        assert.deepEqual(await logs.payload("default", "a", "response"), {
          bytes: Uint8Array.of(1, 2, 3),
          type: "text/event-stream",
          complete: false,
        });
        assert.equal((await logs.payload("default", "b", "request"))?.type, "");
        assert.equal(await logs.payload("default", "b", "response"), undefined);
        assert.equal(await logs.payload("default", "z", "request"), undefined);
        assert.equal(await logs.payload("default", "none", "request"), undefined);
        assert.equal(await logs.payload("other", "a", "request"), undefined);
      });

      it("may be empty", async () => {
        const empty = { bytes: new Uint8Array(), complete: true };
        await logs.append([{ row: row("a"), request: empty }]);
        const found = await logs.payload("default", "a", "request");
        assert.deepEqual(found, { ...empty, type: "application/json" });
      });

      it(`may have ${size} bytes, next to others`, async () => {
        const large = Uint8Array.from({ length: size }, (_, i) => (i * 31) >> 3);
        const entries = ["a", "b", "c"].map((id): LogEntry => ({
          row: row(id),
          request: { bytes: bytes(id), complete: true },
          response: { bytes: large, complete: true },
        }));
        await logs.append(entries);
        for (const id of ["a", "b", "c"]) {
          const request = await logs.payload("default", id, "request");
          assert.deepEqual(request?.bytes, bytes(id));
          const response = (await logs.payload("default", id, "response"))!;
          assert.equal(response.bytes.length, size);
          assert.ok(response.bytes.every((byte, i) => byte === large[i]), "the bytes differ");
        }
      });

      it("are those that were given, not what became of them", async () => {
        const body = Uint8Array.of(1, 2);
        await logs.append([{ row: row("a"), request: { bytes: body, complete: true } }]);
        body[0] = 9;
        const found = (await logs.payload("default", "a", "request"))!;
        assert.deepEqual([...found.bytes], [1, 2]);
        found.bytes[0] = 9;
        assert.deepEqual([...(await logs.payload("default", "a", "request"))!.bytes], [1, 2]);
      });
    });

    describe("gateways", () => {
      beforeEach(clear);

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

    describe("patch", () => {
      beforeEach(clear);

      it("changes what it names and leaves the rest", async () => {
        const written = row("a", { metadata: { team: "red" }, score: 5 });
        await write(written, row("b"));
        assert.equal(await logs.patch("default", "a", { feedback: 1 }), true);
        assert.deepEqual(await logs.get("default", "a"), { ...written, feedback: 1 });
        assert.equal(await logs.patch("default", "a", { feedback: -1, score: 0.5 }), true);
        assert.equal(await logs.patch("default", "a", { metadata: { n: 1, on: false } }), true);
        const patched = { ...written, feedback: -1, score: 0.5, metadata: { n: 1, on: false } };
        assert.deepEqual(await logs.get("default", "a"), patched);
        assert.deepEqual(await logs.get("default", "b"), row("b"));
        const filters: LogFilter[] = [
          { key: "metadata.key", operator: "eq", value: ["n"] },
          { key: "feedback", operator: "eq", value: [-1] },
        ];
        assert.deepEqual(await found({ filters }), ["a"]);
        const clear = { feedback: null, score: null, metadata: null };
        assert.equal(await logs.patch("default", "a", clear), true);
        assert.deepEqual(await logs.get("default", "a"), { ...written, ...clear });
      });

      it("tells whether there is such a row, also when there is nothing to change", async () => {
        await write(row("a"));
        assert.equal(await logs.patch("default", "a", {}), true);
        assert.equal(await logs.patch("default", "none", {}), false);
        assert.equal(await logs.patch("default", "none", { feedback: 1 }), false);
        assert.equal(await logs.count({}), 1);
      });
    });

    describe("delete", () => {
      beforeEach(clear);

      const body = { bytes: bytes("x"), complete: true };

      it("takes the earliest first, and no more than it may", async () => {
        await write(...["c", "a", "b", "d"].map((id, i) => row(id, { created_at: noon - i })));
        assert.equal(await logs.delete({ gateway: "default" }, 2), 2);
        assert.deepEqual(await found({}), ["c", "a"]);
        assert.equal(await logs.delete({ direction: "desc" }, 1), 1);
        assert.deepEqual(await found({}), ["a"]);
        assert.equal(await logs.delete({}, 10), 1);
        assert.equal(await logs.delete({}, 10), 0);
        assert.equal(await logs.count({ gateway: "default" }), 0);
      });

      it("goes by filters, search and order", async () => {
        await write(
          row("a", { cost: 3 }),
          row("b", { cost: 1, user_agent: "curl" }),
          row("c", { cost: null }),
          row("d", { cost: 2 }),
        );
        const filters: LogFilter[] = [{ key: "cost", operator: "neq", value: [null] }];
        assert.equal(await logs.delete({ filters, order_by: "cost", direction: "desc" }, 1), 1);
        assert.deepEqual(await found({ direction: "asc" }), ["b", "c", "d"]);
        assert.equal(await logs.delete({ search: "CURL" }, 10), 1);
        assert.equal(
          await logs.delete({ filters: [{ key: "id", operator: "eq", value: [] }] }, 9),
          0,
        );
        assert.equal(await logs.delete({ filters }, 0), 0);
        assert.deepEqual(await found({ direction: "asc" }), ["c", "d"]);
        assert.equal(await logs.count({ gateway: "default" }), 2);
      });

      it("takes bodies along, and leaves those of other rows", async () => {
        const entries = ["a", "b"].map((id) => ({ row: row(id), request: body, response: body }));
        await logs.append(entries);
        assert.equal(
          await logs.delete({ filters: [{ key: "id", operator: "eq", value: ["a"] }] }, 9),
          1,
        );
        assert.equal(await logs.get("default", "a"), undefined);
        assert.equal(await logs.payload("default", "a", "request"), undefined);
        assert.equal((await logs.payload("default", "b", "response"))?.bytes.length, 1);
        await logs.append([{ row: row("a") }]);
        assert.equal(await logs.payload("default", "a", "request"), undefined);
        assert.equal(await logs.count({}), 2);
      });

      it("deletes more than it takes in one go", async () => {
        const rows = Array.from({ length: 1000 }, (_, i) => row(`r${i}`, { created_at: noon + i }));
        await write(...rows);
        assert.equal(await logs.delete({ gateway: "default" }, 995), 995);
        assert.deepEqual(await found({}), ["r999", "r998", "r997", "r996", "r995"]);
        assert.equal(await logs.count({ gateway: "default" }), 5);
      });
    });

    it(`selects as the log in memory does, ${selections} times at random`, async () => {
      await clear();
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
