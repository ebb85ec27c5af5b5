import { strict as assert } from "node:assert";
import { describe, it } from "node:test";
import { topLevelString } from "../../core/scan.ts";

const model = (json: string) => topLevelString(new TextEncoder().encode(json), "model");

describe("topLevelString", () => {
  const cases: [json: string, found: string | undefined][] = [
    ['{"model":"a"}', "a"],
    [' \n{ "messages" : [{"model":"no","x":"{"}], "model" : "a/b:c" }', "a/b:c"],
    ['{"a":{"model":"no"},"model":"yes"}', "yes"],
    ['{"a":"model","b":"x"}', undefined],
    ['{"a":"\\"model\\":\\"no\\"","model":"yes"}', "yes"],
    ['{"a":"\\\\","model":"yes"}', "yes"],
    ['{"model":1,"b":"x"}', undefined],
    ['{"model":null,"b":"x"}', undefined],
    ['{"model":["x"]}', undefined],
    ['{"model":{"a":"x"},"b":"y"}', undefined],
    ['[{"model":"a"}]', undefined],
    ['"model"', undefined],
    ['{"model":"tab\\there"}', undefined],
    ['{"model":"line\nbreak"}', undefined],
    ['{"modell":"a","mode":"b"}', undefined],
    ['{"model":"cut', undefined],
    ["", undefined],
    ['{"model"', undefined],
  ];
  for (const [json, found] of cases) {
    it(JSON.stringify(json), () => assert.equal(model(json), found));
  }

  it("agrees with JSON.parse on what has a plain model, cut anywhere or not", () => {
    const json = '{"a":[1,{"model":"x"}],"s":"\\u0022}{","model":"gpt-4o","z":true}';
    for (let cut = 0; cut <= json.length; cut++) {
      const found = model(json.slice(0, cut));
      assert.ok(found === undefined || found === "gpt-4o", `${cut}: ${found}`);
    }
    assert.equal(model(json), JSON.parse(json).model);
  });

  it("stops at its limit", () => {
    const json = `{"a":"${"x".repeat(70_000)}","model":"m"}`;
    assert.equal(model(json), undefined);
  });
});
