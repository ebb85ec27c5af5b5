import { strict as assert } from "node:assert";
import { describe, it } from "node:test";
import { ApiError } from "../../core/management/answer.ts";
import { filtersOf, oldFiltersOf } from "../../core/management/filters.ts";
import type { LogFilter } from "../../core/storage/ports.ts";

const read = (query: string) => filtersOf(new URLSearchParams(query));
const old = (query: string) => oldFiltersOf(new URLSearchParams(query));

function refusal(query: string, reader = read): { message: string; path: string } {
  try {
    const found = reader(query);
    assert.fail(`Read as ${JSON.stringify(found)}`);
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    assert.equal(error.status, 400);
    const [{ code, message, path }] = error.problems as [typeof error.problems[0]];
    assert.equal(code, 7001);
    return { message, path: path!.join(".") };
  }
}

describe("filters", () => {
  const two: LogFilter[] = [
    { key: "cached", operator: "eq", value: [true] },
    { key: "model", operator: "neq", value: ["openai/gpt-4o", "a b&c"] },
  ];
  const json = JSON.stringify(two);
  const forms: Record<string, string> = {
    "dotted and repeated, as the SDKs send it":
      "filters.key=cached&filters.operator=eq&filters.value=true" +
      "&filters.key=model&filters.operator=neq&filters.value=openai/gpt-4o&filters.value=a+b%26c",
    "dotted, in the order of the caller's object":
      "filters.operator=eq&filters.value=true&filters.key=cached" +
      "&filters.operator=neq&filters.value=openai/gpt-4o&filters.value=a%20b%26c&filters.key=model",
    "dotted, values first": "filters.value=true&filters.key=cached&filters.operator=eq" +
      "&filters.value=openai/gpt-4o&filters.value=a+b%26c&filters.key=model&filters.operator=neq",
    "brackets with numbers":
      "filters[0][key]=cached&filters[0][operator]=eq&filters[0][value][]=true" +
      "&filters[1][key]=model&filters[1][operator]=neq" +
      "&filters[1][value][0]=openai/gpt-4o&filters[1][value][1]=a+b%26c",
    "brackets, the other way round":
      "filters[1][value]=openai/gpt-4o&filters[1][value]=a+b%26c&filters[1][operator]=neq" +
      "&filters[1][key]=model&filters[0][value]=true&filters[0][operator]=eq&filters[0][key]=cached",
    "encoded brackets": "filters%5B0%5D%5Bkey%5D=cached&filters%5B0%5D%5Boperator%5D=eq" +
      "&filters%5B0%5D%5Bvalue%5D=true&filters%5B1%5D%5Bkey%5D=model" +
      "&filters%5B1%5D%5Boperator%5D=neq&filters%5B1%5D%5Bvalue%5D=openai/gpt-4o" +
      "&filters%5B1%5D%5Bvalue%5D=a+b%26c",
    "empty brackets": "filters[][key]=cached&filters[][operator]=eq&filters[][value][]=true" +
      "&filters[][key]=model&filters[][operator]=neq" +
      "&filters[][value][]=openai/gpt-4o&filters[][value][]=a+b%26c",
    "dots with numbers": "filters.0.key=cached&filters.0.operator=eq&filters.0.value=true" +
      "&filters.1.key=model&filters.1.operator=neq" +
      "&filters.1.value=openai/gpt-4o&filters.1.value=a+b%26c",
    "one JSON array": `filters=${encodeURIComponent(json)}`,
    "a JSON object each": two.map((one) => `filters=${encodeURIComponent(JSON.stringify(one))}`)
      .join("&"),
    "a JSON object each, in brackets": two.map((one, i) =>
      `filters[${i}]=${encodeURIComponent(JSON.stringify(one))}`
    ).join("&"),
  };
  for (const [form, query] of Object.entries(forms)) {
    it(`are read: ${form}`, () => assert.deepEqual(read(`page=1&${query}&search=x`), two));
  }

  it("are read in columns, where each has one value", () => {
    const keys = "filters.key=cached&filters.key=cost&filters.operator=eq&filters.operator=gt";
    assert.deepEqual(read(`${keys}&filters.value=true&filters.value=0.5`), [
      { key: "cached", operator: "eq", value: [true] },
      { key: "cost", operator: "gt", value: [0.5] },
    ]);
    const query = `${keys}&filters.value=1&filters.value=2&filters.value=3`;
    assert.match(refusal(query).message, /which values belong to which key/);
  });

  it("are none without a word of them", () => assert.deepEqual(read("page=1&filtering=x"), []));

  const values: [key: string, operator: string, given: unknown, value: unknown[]][] = [
    ["success", "eq", "1", [true]],
    ["success", "eq", false, [false]],
    ["success", "eq", null, [null]],
    ["tokens_in", "gt", "10", [10]],
    ["tokens_in", "gt", 10.5, [10]],
    ["tokens_in", "lt", "10.5", [11]],
    ["cost", "lt", "1e-5", [0.00001]],
    ["cost", "eq", "", [null]],
    ["feedback", "eq", -1, [-1]],
    ["created_at", "gt", "2026-01-02T03:04:05Z", [Date.UTC(2026, 0, 2, 3, 4, 5)]],
    ["created_at", "gt", "2026-01-02T03:04:05 02:00", [Date.UTC(2026, 0, 2, 1, 4, 5)]],
    ["created_at", "lt", 1_700_000_000_000, [1_700_000_000_000]],
    ["provider", "eq", 7, ["7"]],
    ["dlp_action", "eq", "", [null]],
    ["path", "contains", "chat", ["chat"]],
    ["metadata.value", "eq", "42", ["42"]],
    ["metadata.value", "eq", "", ["", null]],
    ["metadata.value", "eq", 42, [42]],
    ["metadata.value", "neq", true, [true]],
    ["metadata.value", "contains", "42", ["42"]],
  ];
  for (const [key, operator, given, value] of values) {
    it(`compare ${key} ${operator} ${JSON.stringify(given)} in the type of the field`, () => {
      const query = new URLSearchParams({
        filters: JSON.stringify([{ key, operator, value: [given] }]),
      });
      assert.deepEqual(filtersOf(query), [{ key, operator, value }]);
    });
  }

  it("take a value that is no list", () => {
    const query = `filters=${
      encodeURIComponent('{"key":"provider","operator":"eq","value":"openai"}')
    }`;
    assert.deepEqual(read(query), [{ key: "provider", operator: "eq", value: ["openai"] }]);
  });

  const one = (filter: unknown) => `filters=${encodeURIComponent(JSON.stringify(filter))}`;
  const wrong: [what: string, query: string, message: RegExp, path: string][] = [
    ["text that is no JSON", "filters=provider", /JSON was expected/, "query.filters"],
    ["an empty text", "filters=", /JSON was expected/, "query.filters"],
    ["another type", "filters=7", /an object of key/, "query.filters.0"],
    ["null", "filters=null", /an object of key/, "query.filters.0"],
    ["nested lists", "filters=[[[]]]", /an object of key/, "query.filters.0"],
    ["no key", one({ operator: "eq", value: [1] }), /'key' is missing/, "query.filters.0.key"],
    [
      "an unknown key",
      one({ key: "modle", operator: "eq", value: [1] }),
      /unknown key 'modle'; did you mean 'model'/,
      "query.filters.0.key",
    ],
    [
      "a key of every object",
      one({ key: "__proto__", operator: "eq", value: [1] }),
      /unknown key/,
      "query.filters.0.key",
    ],
    [
      "an unknown operator",
      one({ key: "model", operator: "like", value: [1] }),
      /must be one of eq, neq, contains, lt, gt/,
      "query.filters.0.operator",
    ],
    ["no operator", one({ key: "model", value: [1] }), /'operator'/, "query.filters.0.operator"],
    ["no value", one({ key: "model", operator: "eq" }), /'value'/, "query.filters.0.value"],
    [
      "an empty value",
      one({ key: "model", operator: "eq", value: [] }),
      /'value'/,
      "query.filters.0.value",
    ],
    [
      "too many values",
      one({ key: "model", operator: "eq", value: Array(201).fill("x") }),
      /1 to 200/,
      "query.filters.0.value",
    ],
    ["too many filters", one(Array(51).fill({})), /at most 50/, "query.filters"],
    [
      "text where a number belongs",
      one({ key: "cost", operator: "gt", value: ["much"] }),
      /'cost' cannot be compared with 'much'/,
      "query.filters.0.value",
    ],
    [
      "an object with methods of its own",
      one({ key: "cost", operator: "gt", value: [{ toString: 1 }] }),
      /with an object/,
      "query.filters.0.value",
    ],
    [
      "a number that is none",
      "filters.key=cost&filters.operator=gt&filters.value=NaN",
      /cannot be compared/,
      "query.filters.0.value",
    ],
    [
      "a number without bounds",
      `filters=${encodeURIComponent('[{"key":"cost","operator":"gt","value":[1e999]}]')}`,
      /cannot be compared/,
      "query.filters.0.value",
    ],
    [
      "a date that is none",
      one({ key: "created_at", operator: "gt", value: ["yesterday"] }),
      /cannot be compared/,
      "query.filters.0.value",
    ],
    [
      "null where there is no order",
      one({ key: "cost", operator: "gt", value: [null] }),
      /cannot be compared/,
      "query.filters.0.value",
    ],
    [
      "contains for a number",
      one({ key: "cost", operator: "contains", value: [1] }),
      /'contains' is for text/,
      "query.filters.0.operator",
    ],
    [
      "an order for a boolean",
      one({ key: "success", operator: "lt", value: [true] }),
      /'lt' is for numbers and text/,
      "query.filters.0.operator",
    ],
    ["a misspelt name", "filter[0][key]=model", /not a way to write/, "query.filter[0][key]"],
    ["a misspelt member", "filters[0][kye]=model", /not a way to write/, "query.filters[0][kye]"],
  ];
  for (const [what, query, message, path] of wrong) {
    it(`refuse ${what}`, () => {
      const found = refusal(query);
      assert.match(found.message, message);
      assert.equal(found.path, path);
    });
  }
});

describe("parameters from before filters", () => {
  it("become filters, their bounds included", () => {
    const day = Date.UTC(2026, 0, 2);
    assert.deepEqual(
      old(
        "success=true&provider=openai&feedback=0&min_tokens_in=5&max_total_tokens=9&start_date=2026-01-02&end_date=2026-01-02",
      ),
      [
        { key: "success", operator: "eq", value: [true] },
        { key: "feedback", operator: "eq", value: [-1] },
        { key: "provider", operator: "eq", value: ["openai"] },
        { key: "created_at", operator: "gt", value: [day - 1] },
        { key: "created_at", operator: "lt", value: [day + 1] },
        { key: "tokens_in", operator: "gt", value: [4] },
        { key: "tokens", operator: "lt", value: [10] },
      ],
    );
    const [cost] = old("min_cost=0.25");
    const bound = cost!.value[0] as number;
    assert.ok(bound < 0.25 && bound > 0.24999);
  });

  for (const query of ["success=maybe", "min_cost=x", "start_date=soon", "max_duration="]) {
    it(`refuse ${query}`, () => {
      const name = query.split("=")[0]!;
      const { message, path } = refusal(query, old);
      assert.match(message, new RegExp(`Parameter '${name}' must be`));
      assert.equal(path, `query.${name}`);
    });
  }
});
