/**
 * JSON Schema in the dialect of a target: every provider takes a part of it, each another one. What a
 * target cannot be held to is told to the model in words and to the caller as lost.
 *
 * Done for all targets: `allOf` is merged, `oneOf` is said as `anyOf`, `const` as `enum`, OpenAPI's
 * spellings (`nullable`, `STRING`) as JSON Schema's.
 *
 * @module
 */
import { type Json, list, object, written } from "../formats/json.ts";
import type { Lost } from "./lost.ts";
import { apart, guessed, inclusive, isNull, silent, told, types } from "./json-schema/kinds.ts";
import { append, joined, resolved } from "./json-schema/merge.ts";

/** What a target takes. */
export interface SchemaRules {
  /** Keywords that it knows; `type`, `properties`, `required` and the like have to be among them. */
  keywords: readonly string[];
  /** Of some keywords it knows only these values, or those that match. */
  values?: Readonly<Record<string, readonly unknown[] | RegExp>>;
  /** It knows no `$ref`: what is referred to takes its place. */
  inlineRefs?: boolean;
  /** A definition may refer to itself. Never so with `inlineRefs`. */
  recursion?: boolean;
  /** Every object says `additionalProperties: false`. */
  closed?: boolean;
  /** Every property is required; those that were not may be null instead. */
  allRequired?: boolean;
  /** An object has at least one required property. */
  someRequired?: boolean;
  /** Every schema names its type. */
  typed?: boolean;
  /** `enum` is for strings only. */
  stringEnums?: boolean;
  /** `propertyOrdering` is told where the client does not, since the target forgets their order. */
  ordering?: boolean;
  /** How null is said. Default `type-array`. */
  nullable?: "type-array" | "nullable" | "any-of";
}

/** Levels of a schema; beyond it is an open object. */
const deepest = 64;
/** Schemas within a schema, references followed. */
const most = 5000;
/** Longest value that is told in words. */
const longest = 300;

/**
 * The schema as the target takes it, a new one; the same one gives the same bytes.
 *
 * @param lost Told `${at}.${keyword}` for each constraint that does not hold any more, `${at}.$ref` for a
 * recursion or a reference to nowhere, `${at}.size` for what is too deep or too much.
 * @param at Such as `output.schema` or `tools.parameters`.
 */
export function lowerSchema(schema: Json, rules: SchemaRules, lost: Lost, at: string): Json {
  return new Lowering(schema, rules, lost, at).run();
}

class Lowering {
  readonly #root: Json;
  readonly #rules: SchemaRules;
  readonly #known: ReadonlySet<string>;
  readonly #drop: (keyword: string) => void;
  #left = most;
  /** References that are being followed. */
  readonly #open = new Set<string>(["#"]);
  /** Name in `$defs` by reference. */
  readonly #names = new Map<string, string>();
  readonly #taken = new Set<string>();
  readonly #defs: [string, Json][] = [];

  constructor(root: Json, rules: SchemaRules, lost: Lost, at: string) {
    this.#root = root;
    this.#rules = rules;
    this.#known = new Set(rules.keywords);
    this.#drop = (keyword) => lost.drop(`${at}.${keyword}`);
  }

  run(): Json {
    const out = this.#lower(this.#root, 0);
    if (this.#defs.length > 0) out.$defs = Object.fromEntries(this.#defs);
    return out;
  }

  #lower(schema: unknown, depth: number): Json {
    const entered: string[] = [];
    const flat = this.#flat(schema, entered, depth, depth === 0);
    const out = flat === undefined ? this.#anything() : this.#write(flat, entered, depth);
    for (const ref of entered) this.#open.delete(ref);
    return out;
  }

  /** Stands for what cannot be said. */
  #anything(): Json {
    const out: Json = { type: "object" };
    if (this.#rules.closed === true) {
      Object.assign(out, { properties: {}, required: [], additionalProperties: false });
    }
    return out;
  }

  /** The schema with its references followed and its `allOf` merged; nothing for one that is cut. */
  #flat(schema: unknown, entered: string[], depth: number, inline: boolean): Json | undefined {
    if (depth > deepest || --this.#left < 0) {
      this.#drop("size");
      return undefined;
    }
    const node = object(schema) ?? {};
    const own: Json = {};
    for (const key of Object.keys(node)) {
      if (key !== "$ref" && key !== "allOf" && key !== "__proto__") own[key] = node[key];
    }
    let flat = own;
    if (typeof node.$ref === "string") {
      const ref = node.$ref;
      const open = this.#open.has(ref);
      const siblings = Object.keys(own).some((key) => !silent.has(key));
      const inlined = this.#rules.inlineRefs === true || inline && !open || siblings && !open;
      if (!inlined && (!open || this.#rules.recursion === true)) {
        if (siblings) this.#drop("$ref");
        return this.#refer(ref, depth);
      }
      const target = open ? undefined : resolved(this.#root, ref);
      if (target === undefined) {
        this.#drop("$ref");
        return undefined;
      }
      this.#open.add(ref);
      entered.push(ref);
      const inner = this.#flat(target, entered, depth + 1, true);
      if (inner === undefined) return undefined;
      flat = joined(own, inner, () => this.#drop("$ref"));
    }
    for (const branch of list(node.allOf)) {
      const inner = this.#flat(branch, entered, depth + 1, true);
      if (inner !== undefined) flat = joined(flat, inner, () => this.#drop("allOf"));
    }
    return flat;
  }

  /** A reference that stays one. */
  #refer(ref: string, depth: number): Json | undefined {
    if (ref === "#") return { $ref: ref };
    let name = this.#names.get(ref);
    if (name === undefined) {
      const target = resolved(this.#root, ref);
      if (target === undefined) {
        this.#drop("$ref");
        return undefined;
      }
      const wanted = ref.slice(ref.lastIndexOf("/") + 1).replace(/[^\w.-]/g, "_") || "definition";
      name = wanted;
      for (let count = 2; this.#taken.has(name); count++) name = `${wanted}_${count}`;
      this.#names.set(ref, name);
      this.#taken.add(name);
      const place = this.#defs.push([name, {}]) - 1;
      const open = this.#open.has(ref);
      this.#open.add(ref);
      this.#defs[place] = [name, this.#lower(target, depth + 1)];
      if (!open) this.#open.delete(ref);
    }
    return { $ref: `#/$defs/${name}` };
  }

  #write(flat: Json, entered: string[], depth: number): Json {
    if (typeof flat.$ref === "string") return { $ref: flat.$ref };
    const named = (Array.isArray(flat.type) ? flat.type : [flat.type])
      .filter((type) => typeof type === "string").map((type) => type.toLowerCase());
    let own = types.filter((type) => named.includes(type));
    if (own.includes("number")) own = own.filter((type) => type !== "integer");
    let nullable = flat.nullable === true || named.includes("null");
    if (nullable && own.length === 0 && named.length > 0) return this.#onlyNull();
    const choices = this.#choices(flat);
    if (choices.some(isNull)) nullable = true;
    const real = choices.filter((choice) => !isNull(choice));
    const { anyOf: _, oneOf: __, ...rest } = flat;
    if (choices.length > 0 && real.length === 0) return this.#onlyNull();
    if (real.length === 1) {
      const only = this.#flat(real[0], entered, depth + 1, false);
      if (only === undefined) return this.#nullish(this.#anything(), nullable);
      if (only.$ref === undefined) {
        const whole = joined(rest, only, () => this.#drop("anyOf"));
        if (nullable) whole.nullable = true;
        return this.#write(whole, entered, depth + 1);
      }
    }
    if (real.length > 1 && this.#rules.closed === true && rest.properties !== undefined) {
      // Closed objects do not add up: each of the choices is a whole one.
      const { title, description, $defs: _$, definitions: _d, ...base } = rest;
      const anyOf = real.map((choice) => ({ allOf: [base, choice] }));
      return this.#write({ title, description, nullable, anyOf }, entered, depth);
    }
    const out: Json = {};
    const notes: string[] = [];
    if (own.length > 1 && real.length === 0 && this.#rules.nullable === "nullable") {
      const anyOf = apart(rest, own);
      return this.#write({ ...rest, type: [], nullable, anyOf }, entered, depth);
    }
    const values = this.#enum(flat, notes);
    if (values?.some((value) => value === null)) nullable = true;
    const inner = values?.filter((value) => value !== null);
    if (values !== undefined && inner?.length === 0) return this.#onlyNull();
    if (own.length === 0 && real.length === 0 && (inner !== undefined || this.#rules.typed)) {
      const guess = guessed(flat);
      if (guess !== undefined) own = [guess];
      else if (this.#rules.typed === true) {
        this.#drop("type");
        own = ["string"];
      }
    }
    if (own.length > 0) out.type = own.length === 1 ? own[0] : own;
    for (const key of Object.keys(rest)) this.#keyword(key, rest, out, notes, depth);
    if (inner !== undefined) out.enum = inner;
    if (real.length > 0) {
      if (this.#known.has("anyOf")) out.anyOf = real.map((one) => this.#lower(one, depth + 1));
      else this.#drop("anyOf");
    }
    this.#shape(out, rest);
    this.#tuple(rest, out, depth);
    if (notes.length > 0) out.description = append(out.description, notes.join("; "));
    return this.#nullish(out, nullable);
  }

  #choices(flat: Json): readonly unknown[] {
    const any = list(flat.anyOf);
    if (any.length === 0) return list(flat.oneOf);
    if (list(flat.oneOf).length > 0) this.#drop("oneOf");
    return any;
  }

  /** The values that are left, or nothing where any is. */
  #enum(flat: Json, notes: string[]): unknown[] | undefined {
    const values = "const" in flat ? [flat.const] : list(flat.enum);
    if (values.length === 0) return undefined;
    const plain = values.every((value) => typeof value !== "object" || value === null);
    const strings = this.#rules.stringEnums !== true ||
      values.every((value) => typeof value === "string" || value === null);
    if (plain && strings && this.#known.has("enum")) return [...new Set(values)];
    this.#drop("enum");
    const text = written(values);
    if (text.length <= longest) notes.push(`enum: ${text}`);
    return undefined;
  }

  #keyword(key: string, from: Json, out: Json, notes: string[], depth: number): void {
    const value = from[key];
    switch (key) {
      case "type":
      case "nullable":
      case "const":
      case "enum":
      case "prefixItems":
        return;
      case "properties":
        return this.#properties(value, from.propertyOrdering, out, depth);
      case "required":
        return; // with the properties
      case "items":
        if (!Array.isArray(value)) out.items = this.#lower(value, depth + 1);
        return;
      case "additionalProperties":
        return this.#additional(value, out, notes, depth);
      case "description":
        if (typeof value === "string") out.description = value;
        return;
    }
    const allowed = this.#rules.values?.[key];
    if (
      this.#known.has(key) && (allowed === undefined ||
        (allowed instanceof RegExp
          ? typeof value === "string" && allowed.test(value)
          : allowed.includes(value)))
    ) {
      out[key] = value;
      return;
    }
    const [limit, bound] = inclusive(key, from) ?? [];
    if (limit !== undefined && this.#known.has(limit)) return void (out[limit] ??= bound);
    if (silent.has(key) || value === undefined || value === false && key === "uniqueItems") return;
    if (!told.has(key)) this.#drop(key);
    const text = written(value);
    if (text !== "" && text.length <= longest) notes.push(`${key}: ${text}`);
  }

  #properties(value: unknown, ordering: unknown, out: Json, depth: number): void {
    const entries = Object.entries(object(value) ?? {}).filter(([, schema]) => schema !== false);
    const places = list(ordering);
    if (places.length > 0 && !this.#known.has("propertyOrdering")) {
      const place = new Map(places.map((name, index) => [name, index]));
      const of = ([name]: [string, unknown]) => place.get(name) ?? places.length;
      entries.sort((a, b) => of(a) - of(b));
    }
    out.properties = Object.fromEntries(
      entries.map(([name, schema]) => [name, this.#lower(schema, depth + 1)]),
    );
  }

  #additional(value: unknown, out: Json, notes: string[], depth: number): void {
    if (this.#rules.closed === true) {
      if (value === false) return;
      this.#drop("additionalProperties");
      if (object(value) !== undefined) {
        const text = written(value);
        if (text.length <= longest) notes.push(`additionalProperties: ${text}`);
      }
    } else if (this.#known.has("additionalProperties")) {
      out.additionalProperties = object(value) === undefined
        ? value !== false
        : this.#lower(value, depth + 1);
    } else if (value !== true) this.#drop("additionalProperties");
  }

  /** What an object has to have. */
  #shape(out: Json, from: Json): void {
    const properties = object(out.properties);
    if (properties === undefined && out.type !== "object") return;
    const names = Object.keys(properties ?? {});
    const wanted = list(from.required).filter((name) => typeof name === "string");
    const own = new Set(names);
    let required = [...new Set(wanted)].filter((name) => own.has(name));
    if (required.length < wanted.length && properties !== undefined) this.#drop("required");
    const { allRequired, someRequired, closed, ordering } = this.#rules;
    if (allRequired === true) {
      const always = new Set(required);
      if (always.size < own.size) {
        this.#drop("required");
        out.properties = Object.fromEntries(
          Object.entries(properties ?? {}).map(([name, schema]) => [
            name,
            always.has(name) ? schema : this.#nullish(schema as Json, true),
          ]),
        );
      }
      required = names;
    } else if (someRequired === true && required.length === 0 && names.length > 0) {
      this.#drop("required");
      required = names.slice(0, 1);
    }
    if (closed === true) {
      out.properties ??= {};
      out.additionalProperties = false;
    }
    if (required.length > 0 || allRequired === true) out.required = required;
    if (ordering === true && out.propertyOrdering === undefined && names.length > 1) {
      out.propertyOrdering = names;
    }
  }

  /** Positions of an array, for targets that know only one schema for all. */
  #tuple(from: Json, out: Json, depth: number): void {
    const places = Array.isArray(from.items) ? from.items : list(from.prefixItems);
    if (places.length > 0) {
      const lowered = places.slice(0, most).map((place) => this.#lower(place, depth + 1));
      if (this.#known.has("prefixItems")) out.prefixItems = lowered;
      else {
        this.#drop("prefixItems");
        const texts = new Map(lowered.map((one) => [written(one), one]));
        if (typeof from.items === "object" && !Array.isArray(from.items) && out.items) {
          texts.set(written(out.items), out.items as Json);
        }
        const different = [...texts.values()];
        out.items = different.length === 1 ? different[0] : { anyOf: different };
      }
    }
    if (out.type === "array" && out.items === undefined && this.#rules.typed === true) {
      this.#drop("items");
      out.items = { type: "string" };
    }
  }

  #onlyNull(): Json {
    if (this.#rules.nullable !== "nullable") return { type: "null" };
    return { type: "string", nullable: true };
  }

  /** The same, or null. */
  #nullish(schema: Json, nullable: boolean): Json {
    if (!nullable) return schema;
    const how = this.#rules.nullable ?? "type-array";
    if (how === "nullable") return { ...schema, nullable: true };
    if (how === "type-array" && schema.type !== undefined && schema.anyOf === undefined) {
      const named = Array.isArray(schema.type) ? schema.type : [schema.type];
      if (named.includes("null")) return schema;
      const out: Json = { ...schema, type: [...named, "null"] };
      if (Array.isArray(schema.enum)) out.enum = [...schema.enum, null];
      return out;
    }
    const { anyOf, description, ...rest } = schema;
    // Anything may be null already.
    if (anyOf === undefined && Object.keys(rest).length === 0) return schema;
    const only = anyOf !== undefined && Object.keys(rest).length === 0;
    const branches = only ? list(anyOf) : [anyOf === undefined ? rest : { ...rest, anyOf }];
    if (branches.some(isNull)) return schema;
    const out: Json = { anyOf: [...branches, { type: "null" }] };
    if (description !== undefined) out.description = description;
    return out;
  }
}
