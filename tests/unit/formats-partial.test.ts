// JSON of which a part is missing.
import { strict as assert } from "node:assert";
import { describe, it } from "node:test";
import { parseBeginning, parseEnding } from "../../core/formats/partial-json.ts";

const value = {
  a: 'quo"te \\" and \\\\ back',
  list: [1, [2, { b: "}" }], "]", { c: [] }],
  empty: {},
  deep: { deeper: { deepest: [{ d: "\u2028é\\u0041" }] } },
  last: -1.5e3,
};
const text = JSON.stringify(value);
const pretty = JSON.stringify(value, null, 2);

/** Every member of `part` is in `whole`; a string may be the beginning of one. */
function assertWithin(part: unknown, whole: unknown, what: string, lost = false): void {
  if (typeof part === "string") return assert.ok(String(whole).startsWith(part), what);
  if (typeof part !== "object" || part === null) return assert.equal(part, whole, what);
  for (const [key, member] of Object.entries(part)) {
    if (lost && (key === "?" || Array.isArray(part))) continue;
    assert.ok(Object.hasOwn(whole as object, key), `${what}: ${key}`);
    assertWithin(member, (whole as Record<string, unknown>)[key], `${what}.${key}`, lost);
  }
}

describe("the beginning of JSON", () => {
  it("has what was whole, wherever it is cut", () => {
    for (const json of [text, pretty]) {
      for (let length = 1; length <= json.length; length++) {
        const part = parseBeginning(json.slice(0, length));
        assert.equal(typeof part, "object", json.slice(0, length));
        assertWithin(part, value, json.slice(0, length));
      }
      assert.deepEqual(parseBeginning(json), value);
    }
  });

  it("has the beginning of a text, but of no number and no key", () => {
    assert.deepEqual(parseBeginning('{"a":"tex'), { a: "tex" });
    assert.deepEqual(parseBeginning('{"a":["x","tex'), { a: ["x", "tex"] });
    assert.deepEqual(parseBeginning('{"a":"tex\\'), { a: "tex" });
    assert.deepEqual(parseBeginning('{"a":"tex\\u00'), { a: "tex" });
    assert.deepEqual(parseBeginning('{"a":1,"b":12'), { a: 1 });
    assert.deepEqual(parseBeginning('{"a":1,"ke'), { a: 1 });
    assert.deepEqual(parseBeginning('{"a":1,"key":'), { a: 1 });
    assert.deepEqual(parseBeginning('{"a":tru'), {});
  });

  it("has no figures of which some are missing", () => {
    assert.deepEqual(parseBeginning('{"id":1,"usage":{"in":5,"out":1'), { id: 1 });
    assert.deepEqual(parseBeginning('{"id":1,"usage": {"in":5,"more":{"x":1},"y":"z'), { id: 1 });
    assert.deepEqual(parseBeginning('{"usage":{"in":5}'), { usage: { in: 5 } });
    assert.deepEqual(parseBeginning('{"r":{"id":1,"usage":{"in":5'), { r: { id: 1 } });
    assert.deepEqual(parseBeginning('{"usage":{"in":5'), {});
  });

  it("is none where there is none", () => {
    for (const wrong of ["", "x", "}", "]", '{"a":1]', '"a', "{]"]) {
      const part = parseBeginning(wrong);
      assert.ok(part === undefined || typeof part !== "object", wrong);
    }
  });
});

describe("the end of JSON", () => {
  it("has what was whole, wherever it begins", () => {
    for (const json of [text, pretty]) {
      for (let start = 0; start < json.length - 1; start++) {
        const part = parseEnding(json.slice(start));
        assertWithin(part ?? {}, value, json.slice(start), true);
      }
      assert.deepEqual(parseEnding(json), value);
    }
  });

  it("has members at the depth where they are", () => {
    assert.deepEqual(parseEnding('ext","u":1},"v":2}'), { "?": { u: 1 }, v: 2 });
    assert.deepEqual(parseEnding('"b":[1,2]},{"c":3}],"v":{"w":2}}'), {
      "?": [{ c: 3 }],
      v: { w: 2 },
    });
    assert.deepEqual(parseEnding('12,"v":2}'), { v: 2 });
    assert.deepEqual(parseEnding(',{"v":2}]'), [{ v: 2 }]);
  });

  it("is not misled by quotes and brackets in a text", () => {
    assert.deepEqual(parseEnding('\\",\\"v\\":1}","w":2}'), { w: 2 });
    assert.deepEqual(parseEnding('x\\\\","w":"}{,\\"v\\":1"}'), { w: '}{,"v":1' });
    assert.equal(parseEnding('and then, "he" said}'), undefined);
  });

  it("is none where there is none", () => {
    for (const wrong of ["", "x", "}", "]", "1}", '"a"}', "{]", '"', '\\"', "[}"]) {
      assert.equal(parseEnding(wrong), undefined, wrong);
    }
  });
});
