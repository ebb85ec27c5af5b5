/** JSON Schema in the dialects of the targets. */
import { strict as assert } from "node:assert";
import { describe, it } from "node:test";
import type { Json } from "../../core/formats/json.ts";
import { lowerSchema, type SchemaRules } from "../../core/unified/json-schema.ts";
import * as dialects from "../../core/unified/json-schema/rules.ts";
import { Lost } from "../../core/unified/lost.ts";

const { anthropicSchema, cohereSchema, geminiJsonSchema, geminiSchema, openAIStrict } = dialects;

function lower(schema: Json, rules: SchemaRules): { schema: Json; lost: string[] } {
  const lost = new Lost();
  const before = structuredClone(schema);
  const lowered = lowerSchema(schema, rules, lost, "s");
  assert.deepEqual(schema, before, "the input was changed");
  const again = lowerSchema(before, rules, new Lost(), "s");
  assert.equal(JSON.stringify(lowered), JSON.stringify(again), "not the same bytes");
  return { schema: lowered, lost: lost.names.map((name) => name.replace(/^s\./, "")).sort() };
}

const person: Json = {
  $schema: "https://json-schema.org/draft/2020-12/schema",
  type: "object",
  properties: {
    name: { type: "string", minLength: 1, description: "Full name" },
    age: { type: ["integer", "null"], minimum: 0 },
    address: { $ref: "#/$defs/Address" },
  },
  required: ["name", "age", "address"],
  additionalProperties: false,
  $defs: {
    Address: {
      type: "object",
      properties: { zip: { type: "string", pattern: "^\\d+$" } },
      required: ["zip"],
      additionalProperties: false,
    },
  },
};

const tree: Json = {
  type: "object",
  properties: {
    value: { type: "string" },
    children: { type: "array", items: { $ref: "#" } },
  },
  required: ["value", "children"],
  additionalProperties: false,
};

describe("a schema for Gemini's responseSchema", () => {
  it("is OpenAPI: nullable, references inlined, the order of properties told", () => {
    const { schema, lost } = lower(person, geminiSchema);
    assert.deepEqual(schema, {
      type: "object",
      properties: {
        name: { type: "string", minLength: 1, description: "Full name" },
        age: { type: "integer", minimum: 0, nullable: true },
        address: {
          type: "object",
          properties: { zip: { type: "string", pattern: "^\\d+$" } },
          required: ["zip"],
        },
      },
      required: ["name", "age", "address"],
      propertyOrdering: ["name", "age", "address"],
    });
    assert.deepEqual(lost, ["additionalProperties"]);
  });

  it("has enums of strings only, and a type everywhere", () => {
    const { schema, lost } = lower({
      properties: {
        unit: { const: "C" },
        level: { enum: [1, 2, 3] },
        either: { type: ["string", "number"], maxLength: 3, maximum: 4 },
        any: {},
        list: { type: "array" },
      },
    }, geminiSchema);
    assert.deepEqual((schema.properties as Json).unit, { type: "string", enum: ["C"] });
    assert.deepEqual((schema.properties as Json).level, {
      type: "integer",
      description: "enum: [1,2,3]",
    });
    assert.deepEqual((schema.properties as Json).either, {
      anyOf: [{ type: "string", maxLength: 3 }, { type: "number", maximum: 4 }],
    });
    assert.deepEqual((schema.properties as Json).any, { type: "string" });
    assert.deepEqual((schema.properties as Json).list, {
      type: "array",
      items: { type: "string" },
    });
    assert.deepEqual(lost, ["enum", "items", "type"]);
  });
});

describe("a schema for Gemini's responseJsonSchema", () => {
  it("keeps what is on Google's list and says the rest in words", () => {
    const { schema, lost } = lower(person, geminiJsonSchema);
    assert.deepEqual((schema.properties as Json).name, {
      type: "string",
      description: "Full name\nminLength: 1",
    });
    assert.deepEqual((schema.properties as Json).age, { type: ["integer", "null"], minimum: 0 });
    assert.equal(schema.additionalProperties, false);
    assert.equal("$defs" in schema, false);
    assert.deepEqual(lost, ["minLength", "pattern"]);
  });

  it("says exclusive limits of integers as inclusive ones", () => {
    const { schema, lost } = lower({
      type: "object",
      properties: {
        a: { type: ["integer", "null"], exclusiveMinimum: 0, exclusiveMaximum: 9.5 },
        b: { type: "number", exclusiveMinimum: 0 },
      },
    }, geminiJsonSchema);
    assert.deepEqual(schema.properties, {
      a: { type: ["integer", "null"], minimum: 1, maximum: 9 },
      b: { type: "number", description: "exclusiveMinimum: 0" },
    });
    assert.deepEqual(lost, ["exclusiveMinimum"]);
  });

  it("has no titles, and only Google's formats", () => {
    const { schema, lost } = lower({
      title: "T",
      type: "object",
      properties: {
        a: { title: "A", type: "string", format: "uuid" },
        title: { type: "string", format: "date" },
      },
    }, geminiJsonSchema);
    assert.deepEqual(schema, {
      type: "object",
      properties: {
        a: { type: "string", description: 'format: "uuid"' },
        title: { type: "string", format: "date" },
      },
    });
    assert.deepEqual(lost, ["format"]);
    assert.equal(lower({ title: "T", type: "object" }, openAIStrict).schema.title, "T");
  });

  it("cuts a recursion to an open object", () => {
    const { schema, lost } = lower(tree, geminiJsonSchema);
    assert.deepEqual((schema.properties as Json).children, {
      type: "array",
      items: { type: "object" },
    });
    assert.deepEqual(lost, ["$ref"]);
  });
});

describe("a schema for OpenAI's strict mode", () => {
  it("closes every object, requires every property and lets optional ones be null", () => {
    const { schema, lost } = lower({
      type: "object",
      properties: {
        a: { type: "string" },
        b: { enum: ["x", "y"] },
        c: { type: "object", properties: { d: { type: "number" } } },
        e: { anyOf: [{ type: "string" }, { type: "number" }] },
      },
      required: ["a"],
    }, openAIStrict);
    assert.deepEqual(schema, {
      type: "object",
      properties: {
        a: { type: "string" },
        b: { type: ["string", "null"], enum: ["x", "y", null] },
        c: {
          type: ["object", "null"],
          properties: { d: { type: ["number", "null"] } },
          additionalProperties: false,
          required: ["d"],
        },
        e: { anyOf: [{ type: "string" }, { type: "number" }, { type: "null" }] },
      },
      additionalProperties: false,
      required: ["a", "b", "c", "e"],
    });
    assert.deepEqual(lost, ["required"]);
  });

  it("keeps references and recursion", () => {
    const { schema, lost } = lower(tree, openAIStrict);
    assert.deepEqual(schema, tree);
    assert.deepEqual(lost, []);
    const root = lower({ $ref: "#/definitions/Node", definitions: { Node: linked } }, openAIStrict);
    assert.deepEqual(root.schema, {
      type: "object",
      properties: { next: { anyOf: [{ $ref: "#/$defs/Node" }, { type: "null" }] } },
      required: ["next"],
      additionalProperties: false,
      $defs: {
        Node: {
          type: "object",
          properties: { next: { anyOf: [{ $ref: "#/$defs/Node" }, { type: "null" }] } },
          required: ["next"],
          additionalProperties: false,
        },
      },
    });
    assert.deepEqual(root.lost, []);
  });

  it("makes each choice a whole object, since closed ones do not add up", () => {
    const { schema } = lower({
      type: "object",
      properties: { a: { type: "string" }, b: { type: "string" } },
      anyOf: [{ required: ["a"] }, { properties: { c: { const: 1 } }, required: ["c"] }],
    }, openAIStrict);
    const [first, second] = schema.anyOf as Json[];
    assert.deepEqual(Object.keys(first!.properties as Json), ["a", "b"]);
    assert.deepEqual(Object.keys(second!.properties as Json), ["a", "b", "c"]);
    assert.equal("properties" in schema, false);
  });
});

const linked: Json = {
  type: "object",
  properties: { next: { anyOf: [{ $ref: "#/definitions/Node" }, { type: "null" }] } },
  required: ["next"],
  additionalProperties: false,
};

describe("a schema for Anthropic", () => {
  it("keeps what its own SDK keeps", () => {
    const { schema, lost } = lower({
      type: "object",
      properties: {
        id: { type: "string", format: "uuid" },
        color: { type: "string", format: "color" },
        some: { type: "array", items: { type: "number", maximum: 3 }, minItems: 1, maxItems: 4 },
      },
      required: ["id"],
    }, anthropicSchema);
    assert.deepEqual(schema, {
      type: "object",
      properties: {
        id: { type: "string", format: "uuid" },
        color: { type: "string", description: 'format: "color"' },
        some: {
          type: "array",
          items: { type: "number", description: "maximum: 3" },
          minItems: 1,
          description: "maxItems: 4",
        },
      },
      additionalProperties: false,
      required: ["id"],
    });
    assert.deepEqual(lost, ["format", "maxItems", "maximum"]);
  });

  it("refers, but not to itself", () => {
    const { schema, lost } = lower(
      {
        type: "object",
        properties: { n: { $ref: "#/definitions/Node" } },
        definitions: {
          Node: linked,
        },
      },
      anthropicSchema,
    );
    assert.deepEqual((schema.properties as Json).n, { $ref: "#/$defs/Node" });
    assert.deepEqual(lost, ["$ref"]);
  });
});

describe("a schema for Cohere", () => {
  it("has a required property in every object, and no anchors in patterns", () => {
    const { schema, lost } = lower({
      type: "object",
      properties: {
        a: { type: "string", pattern: "^x" },
        b: { type: "string", pattern: "[a-z]+" },
      },
    }, cohereSchema);
    assert.deepEqual(schema, {
      type: "object",
      properties: {
        a: { type: "string", description: 'pattern: "^x"' },
        b: { type: "string", pattern: "[a-z]+" },
      },
      required: ["a"],
    });
    assert.deepEqual(lost, ["pattern", "required"]);
  });
});

describe("a schema for anybody", () => {
  it("has its allOf merged, oneOf as anyOf, const as enum", () => {
    const { schema, lost } = lower({
      allOf: [
        { type: "object", properties: { a: { type: "number", minimum: 1 } }, required: ["a"] },
        { properties: { a: { maximum: 5 }, b: { const: true } }, required: ["b"] },
      ],
      description: "Both",
      oneOf: [{ $ref: "#/$defs/X" }, { type: "object", properties: { y: { type: "string" } } }],
      $defs: { X: { type: "object", properties: { x: { type: "string" } } } },
    }, geminiJsonSchema);
    assert.deepEqual(schema, {
      type: "object",
      description: "Both",
      properties: {
        a: { type: "number", minimum: 1, maximum: 5 },
        b: { type: "boolean", enum: [true] },
      },
      required: ["a", "b"],
      anyOf: [
        { type: "object", properties: { x: { type: "string" } } },
        { type: "object", properties: { y: { type: "string" } } },
      ],
    });
    assert.deepEqual(lost, []);
  });

  it("reads OpenAPI's spellings", () => {
    const { schema } = lower({
      type: "OBJECT",
      properties: {
        b: { type: "STRING", nullable: true },
        a: { type: "INTEGER" },
      },
      propertyOrdering: ["a", "b"],
    }, anthropicSchema);
    assert.equal(
      JSON.stringify(schema.properties),
      '{"a":{"type":"integer"},"b":{"type":["string","null"]}}',
    );
  });

  it("says tuples as arrays of one of them", () => {
    const { schema, lost } = lower({
      type: "array",
      prefixItems: [{ type: "string" }, { type: "number" }],
    }, openAIStrict);
    assert.deepEqual(schema.items, { anyOf: [{ type: "string" }, { type: "number" }] });
    assert.deepEqual(lost, ["prefixItems"]);
  });

  it("names what it drops, and keeps silent about what holds nothing", () => {
    const { schema, lost } = lower({
      $id: "x",
      $comment: "y",
      type: "object",
      properties: { a: { type: "array", items: {}, uniqueItems: false, default: [] } },
      patternProperties: { "^x": {} },
      not: { required: ["b"] },
      additionalProperties: true,
    }, geminiJsonSchema);
    assert.deepEqual(lost, ["not", "patternProperties"]);
    assert.match(String(schema.description), /not: \{"required":\["b"\]\}/);
  });

  const hostile: [string, Json][] = [
    ["nothing", {}],
    ["wrong types", { type: 5, properties: 3, required: "a", items: 7, anyOf: "x", enum: {} }],
    ["wrong types inside", { type: ["x", null, {}], properties: { a: 1, b: null, c: false } }],
    ["references to nowhere", { properties: { a: { $ref: "http://x/y" }, b: { $ref: "#/%" } } }],
    ["a reference to itself", { $ref: "#" }],
    ["references in a ring", {
      $ref: "#/$defs/a",
      $defs: { a: { $ref: "#/$defs/b" }, b: { $ref: "#/$defs/a" } },
    }],
    [
      "names of prototypes",
      JSON.parse(
        '{"type":"object","properties":{"__proto__":{"type":"string"},"constructor":{"type":"number"}},' +
          '"__proto__":{"x":1},"$ref":"#/__proto__/x"}',
      ),
    ],
    ["nulls only", { anyOf: [{ type: "null" }, { const: null }] }],
    ["values that are objects", { enum: [{ a: 1 }, [1]], const: { b: 2 } }],
    ["an allOf of opposites", { allOf: [{ type: "string" }, { type: "number" }, false, null] }],
    ["great depth", nested(5000)],
    ["great depth by anyOf", nested(5000, (inner) => ({ anyOf: [inner] }))],
    ["great depth by allOf", nested(5000, (inner) => ({ allOf: [inner] }))],
    ["references that double", doubling(40)],
    ["many properties", {
      type: "object",
      properties: Object.fromEntries(Array.from({ length: 20_000 }, (_, i) => [`p${i}`, {}])),
    }],
  ];
  for (const [what, schema] of hostile) {
    for (const [name, rules] of Object.entries(dialects)) {
      it(`survives ${what} (${name})`, () => {
        const lowered = lowerSchema(schema, rules, new Lost(), "s");
        assert.ok(JSON.stringify(lowered).length < 2e6);
      });
    }
  }
});

function nested(
  depth: number,
  wrap = (inner: Json): Json => ({ type: "array", items: inner }),
): Json {
  let schema: Json = { type: "string" };
  for (let i = 0; i < depth; i++) schema = wrap(schema);
  return schema;
}

/** Each definition holds the next one twice. */
function doubling(depth: number): Json {
  const $defs: Json = {};
  for (let i = 0; i < depth; i++) {
    const next = { $ref: `#/$defs/d${i + 1}` };
    $defs[`d${i}`] = { type: "object", properties: { a: next, b: next }, required: ["a", "b"] };
  }
  $defs[`d${depth}`] = { type: "string" };
  return { $ref: "#/$defs/d0", $defs };
}
