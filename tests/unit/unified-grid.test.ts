/** docs/compatibility.md says what is so. `UPDATE_DOCS=1` writes it anew. */
import { strict as assert } from "node:assert";
import { readFileSync, writeFileSync } from "node:fs";
import { it } from "node:test";
import { compatibility } from "../support/unified-grid.ts";

const file = new URL("../../docs/compatibility.md", import.meta.url);

it("the page of compatibility is what the codecs do", async () => {
  const page = await compatibility();
  assert.doesNotMatch(page, /UNTOLD/, "Something was neither told to the provider nor reported");
  if (process.env["UPDATE_DOCS"]) writeFileSync(file, page);
  // Spaces that line columns up are the formatter's.
  const plain = (text: string) => text.replace(/[ \n]+/g, " ").replace(/-{3,}/g, "---");
  assert.equal(plain(readFileSync(file, "utf8")), plain(page));
});
