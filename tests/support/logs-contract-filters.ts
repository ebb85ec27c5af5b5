// What filters select, whatever stands behind the log.
import { strict as assert } from "node:assert";
import { before, describe, it } from "node:test";
import type { LogRow } from "../../core/log/row.ts";
import type { LogFilter, Logs, LogSelection } from "../../core/storage/ports.ts";
import { all, clear, ids, noon, row } from "./log-row.ts";

export function filtersContract(log: () => Logs): void {
  const write = (...rows: LogRow[]) => log().append(rows.map((row) => ({ row })));
  const found = async (selection: LogSelection) => ids(await log().list(selection, all));

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
      await clear(log());
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
      ['metadata.value eq "1.0"', "a"],
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
        assert.equal(await log().count({ filters }), wanted.length);
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

    it("are not taken in by metadata that looks like more than it is", async () => {
      const metadata: LogRow["metadata"][] = [
        { team: "blue", 'x"team': "red" },
        { team: "blue", note: '"team":"red"' },
        { team: "blue", 'a":"b': 'team":"red' },
        { ":1,": "blue", "": 1, ":": 2, n: 3 },
        { team: "red\\", ",": "}", "}": "," },
      ];
      await log().append(metadata.map((metadata, i) => ({ row: row(`m${i}`, { metadata }) })));
      const value = async (name: string, text: string) => {
        const filters = parse(`metadata.key eq x & metadata.value eq x`);
        filters[0]!.value = [name];
        filters[1]!.value = [text];
        return (await found({ filters, direction: "asc" })).filter((id) => id.startsWith("m"));
      };
      assert.deepEqual(await value("team", "red"), []);
      assert.deepEqual(await value("team", "blue"), ["m0", "m1", "m2"]);
      assert.deepEqual(await value(":1,", ":2,"), []);
      assert.deepEqual(await value(":1,", "blue"), ["m3"]);
      assert.deepEqual(await value("", "1"), ["m3"]);
      assert.deepEqual(await value("team", "red\\"), ["m4"]);
      assert.deepEqual(await value('x"team', "red"), ["m0"]);
      assert.deepEqual(await value(",", "}"), ["m4"]);
      for (const [i] of metadata.entries()) {
        await log().delete({ filters: [{ key: "id", operator: "eq", value: [`m${i}`] }] }, 1);
      }
    });

    it("count tokens of which only one kind is known", async () => {
      await log().append([{
        row: row("t", { tokens_in: null, tokens_out: 7, gateway: "tokens" }),
      }]);
      for (const value of [7, "7"]) {
        const filters: LogFilter[] = [{ key: "tokens", operator: "eq", value: [value] }];
        assert.deepEqual(await found({ filters }), ["t"]);
      }
      await log().delete({ gateway: "tokens" }, 1);
    });

    it("by a field, operator or order that does not exist are refused", async () => {
      const wrong = [
        { filters: [{ key: "id = id OR id", operator: "eq", value: [1] }] },
        { filters: [{ key: "__proto__", operator: "eq", value: [1] }] },
        { filters: [{ key: "id", operator: "= id OR id =", value: [1] }] },
        { order_by: "id; DROP TABLE sluice_logs; --" },
      ] as unknown as LogSelection[];
      for (const selection of wrong) {
        await assert.rejects(log().list(selection, all), TypeError);
        await assert.rejects(log().delete(selection, 10), TypeError);
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
      assert.equal(await log().count({ filters }), 4);
      filters.push({ key: "user_agent", operator: "contains", value: [...many, "6.49"] });
      filters.push({ key: "cost", operator: "neq", value: many.map((_, i) => i + 1) });
      assert.deepEqual(await found({ filters, direction: "asc" }), ["a", "b", "c"]);
    });
  });
}
