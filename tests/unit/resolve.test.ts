/** Names as the machine knows them. */
import { strict as assert } from "node:assert";
import { describe, it } from "node:test";
import { resolveName } from "../../runtimes/resolve.ts";

describe("resolveName", () => {
  it("gives all addresses of a name", async () => {
    const found = await resolveName("localhost");
    assert.ok(found.includes("127.0.0.1") || found.includes("::1"), String(found));
  });

  it("rejects where there is none", async () => {
    await assert.rejects(resolveName("nobody.invalid"));
  });
});
