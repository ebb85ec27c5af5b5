/** One spelling for JSON that means the same, and another for whatever does not. */
import { strict as assert } from "node:assert";
import { describe, it } from "node:test";
import { canonical, textOf } from "../../core/cache/canonical.ts";
import { fixtureNames, loadFixture } from "../support/fixtures.ts";

const spelling = (json: string) => canonical(json)?.text;

type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

/** Numbers in a row that look random and are the same each time. */
function source(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state * 1103515245 + 12345) % 2147483648;
    return Math.floor(state / 2147483648 * below);
  };
}

/** The same value with keys in another order and other white space. */
function respelled(value: Json, random: (below: number) => number): string {
  const space = () => ["", " ", "\n\t", "\r\n "][random(4)]!;
  if (Array.isArray(value)) {
    return `[${value.map((item) => space() + respelled(item, random) + space()).join(",")}]`;
  }
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const members = Object.entries(value);
  for (let i = members.length - 1; i > 0; i--) {
    const j = random(i + 1);
    [members[i], members[j]] = [members[j]!, members[i]!];
  }
  const texts = members.map(([key, item]) =>
    `${space()}${JSON.stringify(key)}${space()}:${space()}${respelled(item, random)}${space()}`
  );
  return `{${texts.join(",")}}`;
}

/** All values that differ from this one in a single place. */
function* changed(value: Json): Generator<Json> {
  if (Array.isArray(value)) {
    for (const [i, item] of value.entries()) {
      for (const other of changed(item)) yield value.with(i, other);
      yield value.toSpliced(i, 1);
      yield value.toSpliced(i, 0, item);
    }
    yield [...value, null];
    if (value.length > 1 && JSON.stringify(value[0]) !== JSON.stringify(value[1])) {
      yield [value[1]!, value[0]!, ...value.slice(2)];
    }
  } else if (typeof value === "object" && value !== null) {
    for (const [key, item] of Object.entries(value)) {
      for (const other of changed(item)) yield { ...value, [key]: other };
      const { [key]: _, ...rest } = value;
      yield rest;
      yield { ...rest, [`${key}_`]: item };
    }
    yield { ...value, "": null };
  } else if (typeof value === "string") {
    yield `${value} `;
    yield `${value}"`;
    yield null;
  } else if (typeof value === "number") {
    yield value + 1;
    yield String(value);
  } else yield value === null ? false : !value;
}

const requests = fixtureNames().map((name) => {
  try {
    return loadFixture(name).requestBody?.toString() ?? "";
  } catch {
    return ""; // a case without an answer
  }
}).filter((body) => body.startsWith("{") && body.length < 3000);

describe("the canonical spelling", () => {
  it("is the same for recorded requests in any order of keys and with any white space", () => {
    assert.ok(requests.length > 50);
    for (const [seed, body] of requests.entries()) {
      const random = source(seed + 1);
      const wanted = spelling(JSON.stringify(JSON.parse(body)));
      assert.ok(wanted !== undefined);
      for (let i = 0; i < 3; i++) {
        assert.equal(spelling(respelled(JSON.parse(body), random)), wanted);
      }
    }
  });

  it("is JSON that means the same", () => {
    for (const body of requests) {
      assert.deepEqual(JSON.parse(spelling(body)!), JSON.parse(body));
    }
  });

  it("is another for a request that differs in any one place", () => {
    for (const body of requests.filter((_, i) => i % 5 === 0)) {
      const wanted = spelling(body);
      let count = 0;
      for (const other of changed(JSON.parse(body))) {
        if (count++ > 400) break;
        if (typeof other !== "object" || Array.isArray(other)) continue;
        assert.notEqual(spelling(JSON.stringify(other)), wanted, JSON.stringify(other));
      }
    }
  });

  it("does not care how a character is escaped", () => {
    assert.equal(spelling('{"a":"\\u0041\\u00e9\\/\\n"}'), spelling('{"a":"Aé/\\n"}'));
    assert.equal(spelling('{"\\u0061":1}'), spelling('{"a":1}'));
    assert.equal(spelling('{"a":"\\ud83d\\ude00"}'), spelling('{"a":"😀"}'));
  });

  const different: [string, string, string][] = [
    [
      "digits that a float does not have",
      '{"a":12345678901234567890}',
      '{"a":12345678901234567891}',
    ],
    ["numbers over the largest float", '{"a":1e400}', '{"a":1e401}'],
    ["a number and its fraction", '{"a":1}', '{"a":1.0}'],
    ["zero and less", '{"a":0}', '{"a":-0}'],
    ["a number and its text", '{"a":1}', '{"a":"1"}'],
    ["a key that is there twice", '{"a":1,"a":2}', '{"a":2}'],
    ["two keys of one name in another order", '{"a":1,"a":2}', '{"a":2,"a":1}'],
    ["__proto__ and nothing", '{"a":1,"__proto__":{"b":2}}', '{"a":1}'],
    ["__proto__ of two kinds", '{"__proto__":{"b":2}}', '{"__proto__":{"b":3}}'],
    ["text that looks like a member", '{"a":"b\\",\\"c\\":\\"d"}', '{"a":"b","c":"d"}'],
    ["a quote at the end and none", '{"a":"b\\\\"}', '{"a":"b\\""}'],
    ["an empty list and an empty object", '{"a":[]}', '{"a":{}}'],
    ["lists that are joined", '{"a":[[1],[2]]}', '{"a":[[1,2]]}'],
    ["text of two forms of one letter", '{"a":"é"}', '{"a":"e\u0301"}'],
    ["null and nothing", '{"a":null}', "{}"],
    ["lone halves of a pair", '{"a":"\\ud800"}', '{"a":"\\ud801"}'],
  ];
  for (const [what, one, other] of different) {
    it(`tells apart ${what}`, () => {
      assert.ok(spelling(one) !== undefined && spelling(other) !== undefined);
      assert.notEqual(spelling(one), spelling(other));
    });
  }

  it("keeps the order of more keys than are sorted one by one", () => {
    const keys = Array.from({ length: 200 }, (_, i) => `k${(i * 71) % 200}`);
    const json = (names: string[]) => `{${names.map((name) => `"${name}":1`).join(",")}}`;
    assert.equal(spelling(json(keys)), spelling(json(keys.toReversed())));
    const twice = ['"k":1', ...Array.from({ length: 50 }, (_, i) => `"a${i}":0`), '"k":2'];
    assert.notEqual(spelling(`{${twice.join()}}`), spelling(`{${twice.toReversed().join()}}`));
  });

  const none: [string, string][] = [
    ["no object", "[1]"],
    ["no JSON", '{"a":tru}'],
    ["what follows an object", '{"a":1}{'],
    ["a comma too many", '{"a":1,}'],
    ["a number of another language", '{"a":NaN}'],
    ["a number that begins with zero", '{"a":012}'],
    ["nothing", ""],
    ["a text without end", '{"a":"b'],
    ["a text that ends in an escape", '{"a":"b\\"'],
    ["too deep", `{"a":${"[".repeat(200)}${"]".repeat(200)}}`],
    ["far too deep", `{"a":${"[".repeat(1_000_000)}`],
    ["too many values", `{"a":[${"1,".repeat(100_000)}1]}`],
  ];
  for (const [what, body] of none) {
    it(`has none for ${what}`, () => {
      assert.equal(canonical(body), undefined);
    });
  }

  it("is of UTF-8 alone: what is none could become the same as something else", () => {
    assert.equal(textOf(Uint8Array.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d])), undefined);
    assert.equal(textOf(Uint8Array.from([0xef, 0xbb, 0xbf, 0x7b, 0x7d])), "\ufeff{}");
  });

  it("leaves out members at the top alone, and gives them back", () => {
    const read = canonical(
      '{"b":{"stream":1},"stream":true,"model":"m\\u0041","stream_options":{"b":1,"a":2}}',
      ["stream", "stream_options"],
    )!;
    assert.equal(read.text, '{"b":{"stream":1},"model":"mA"}');
    assert.deepEqual({ ...read.left }, { '"stream"': "true", '"stream_options"': '{"a":2,"b":1}' });
    assert.equal(read.model, "mA");
    assert.equal(
      canonical('{"stream":true,"stream":false}', ["stream"]),
      undefined,
    );
  });
});
