/**
 * Attributes of OTLP: their names, each with what it begins with in both encodings, made once.
 *
 * @module
 */
import { Wire } from "./wire.ts";

/** A name, ready to be written. */
export interface Name {
  readonly name: string;
  /** `KeyValue.key` on the wire. */
  readonly key: Uint8Array;
  /** `{"key":"name","value":{` */
  readonly json: string;
}

/** What an attribute may say. */
export type Value = string | number | boolean | readonly string[];

/** A number of which it matters that it is a fraction, also where it is whole. */
export class Double {
  readonly value: number;
  constructor(value: number) {
    this.value = value;
  }
}

/** Makes a name ready. */
export function nameOf(name: string): Name {
  const wire = new Wire(64);
  wire.writeStringField(1, name);
  return { name, key: wire.written(), json: `{"key":${JSON.stringify(name)},"value":{` };
}

/** Attributes in their order. */
export type Attributes = readonly (readonly [Name, Value | Double])[];
