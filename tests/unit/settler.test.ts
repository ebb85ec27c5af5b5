/** Work after answers. */
import { strict as assert } from "node:assert";
import { describe, it } from "node:test";
import { Settler } from "../../core/settler.ts";

describe("the settler", () => {
  it("does the rest where a piece fails, and tells of the failure", async () => {
    const done: number[] = [];
    const errors: unknown[] = [];
    const settler = new Settler(10, () => {}, (error) => errors.push(error));
    settler.push(() => void done.push(1));
    settler.push(() => {
      throw "at once";
    });
    settler.push(() => Promise.reject("later"));
    settler.push(async () => void done.push(2));
    await settler.drain();
    await settler.run(() => Promise.reject("by itself"));
    assert.deepEqual(done, [1, 2]);
    assert.deepEqual(errors, ["at once", "later", "by itself"]);
    assert.equal(settler.waiting, 0);
  });

  it("counts what waits and what is being done, and sheds what is too much", async () => {
    let shed = 0;
    const gate = Promise.withResolvers<void>();
    const settler = new Settler(2, () => shed++, () => {});
    settler.push(() => gate.promise);
    settler.push(() => {});
    settler.push(() => {});
    const drained = settler.drain();
    await Promise.resolve();
    assert.deepEqual([settler.waiting, shed], [2, 1]);
    gate.resolve();
    await drained;
    assert.equal(settler.waiting, 0);
  });
});
