// The log in memory; it is what the other logs are compared with.
import { strict as assert } from "node:assert";
import { describe, it } from "node:test";
import { memoryLogs } from "../../core/storage/logs-memory.ts";
import { compareText } from "../../core/storage/logs-match.ts";
import { row } from "../support/log-row.ts";
import { logsContract } from "../support/logs-contract.ts";

logsContract("memory", { open: () => memoryLogs(), selections: 50 });

describe("memoryLogs", () => {
  it("holds as many rows as it may, the last that came", async () => {
    const logs = memoryLogs({ maxRows: 10 });
    for (let i = 0; i < 100; i++) await logs.append([{ row: row(`r${i}`) }]);
    const rows = await logs.list({}, { offset: 0, limit: 100 });
    assert.deepEqual(rows.map(({ id }) => id), Array.from({ length: 10 }, (_, i) => `r${99 - i}`));
    assert.equal(await logs.count({ gateway: "default" }), 10);
  });

  it("holds as many bytes of bodies as it may", async () => {
    const logs = memoryLogs({ maxBytes: 1000 });
    const body = { bytes: new Uint8Array(300), complete: true };
    for (let i = 0; i < 20; i++) await logs.append([{ row: row(`r${i}`), request: body }]);
    assert.equal(await logs.count({}), 3);
    await logs.delete({}, 2);
    await logs.append([{ row: row("a"), request: body, response: body }]);
    assert.equal(await logs.count({}), 2);
  });
});

describe("compareText", () => {
  it("compares as UTF-8 does", () => {
    const sorted = ["", "A", "a", "ab", "ä", "\u{d7ff}", "\u{e000}", "\u{ff5e}", "\u{10000}"];
    assert.deepEqual([...sorted].reverse().sort(compareText), sorted);
    const bytes = (text: string) => Array.from(new TextEncoder().encode(text));
    const hex = (text: string) => bytes(text).map((byte) => byte.toString(16).padStart(2, "0"));
    assert.deepEqual(sorted.map(hex).map(String).sort(), sorted.map(hex).map(String));
  });
});
