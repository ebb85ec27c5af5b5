/**
 * Who speaks: the resource and the scope of all that is exported.
 *
 * @module
 */
import { version } from "../version.ts";
import { attributeJson } from "./span-writer.ts";
import { nameOf } from "./attribute.ts";
import { schemaURL } from "./names.ts";
import { utf8, Wire } from "./wire.ts";

/** What stands before spans or figures, in both encodings. */
export interface Prefixes {
  /** Fields of `ResourceSpans` or `ResourceMetrics`. */
  resource: Uint8Array;
  /** Fields of `ScopeSpans` or `ScopeMetrics`. */
  scope: Uint8Array;
  spansJson: string;
  metricsJson: string;
}

const scopeName = "@sluice/gateway";

/** @param attributes Of the resource. */
export function prefixesOf(attributes: Readonly<Record<string, string>>): Prefixes {
  const wire = new Wire();
  wire.nested(0x0a, () => {
    for (const [name, value] of Object.entries(attributes)) {
      wire.nested(0x0a, () => {
        wire.raw(nameOf(name).key);
        wire.nested(0x12, () => wire.text(0x0a, value));
      });
    }
  });
  wire.field(0x1a, utf8(schemaURL));
  const scope = new Wire();
  scope.nested(0x0a, () => {
    scope.text(0x0a, scopeName);
    scope.text(0x12, version);
  });
  const list = Object.entries(attributes).map(([name, value]) =>
    attributeJson(nameOf(name), value)
  );
  const prefix = (outer: string, inner: string, items: string) =>
    `{"${outer}":[{"resource":{"attributes":[${list.join()}]},"schemaUrl":"${schemaURL}",` +
    `"${inner}":[{"scope":{"name":"${scopeName}","version":"${version}"},"${items}":[`;
  return {
    resource: wire.written(),
    scope: scope.written(),
    spansJson: prefix("resourceSpans", "scopeSpans", "spans"),
    metricsJson: prefix("resourceMetrics", "scopeMetrics", "metrics"),
  };
}
