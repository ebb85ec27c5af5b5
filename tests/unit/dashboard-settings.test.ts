/** The dashboard has an input for every setting of a gateway. */
import { strict as assert } from "node:assert";
import { it } from "node:test";
import { gatewaySettings } from "../../core/config/schema.ts";
import { sections } from "../../dashboard/src/pages/gateways/fields.ts";

/** Virtual keys have a page of their own; routes are not served yet. */
const elsewhere = ["tokens", "routes"];

it("every setting of a gateway can be changed on its page", () => {
  const shown = sections.flatMap(({ settings }) => settings.map(({ name }) => name as string));
  const all = Object.keys(gatewaySettings).filter((name) => !elsewhere.includes(name));
  assert.deepEqual(shown.toSorted(), all.toSorted());
});
