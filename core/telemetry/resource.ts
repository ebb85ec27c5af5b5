/**
 * Who speaks: the resource and the scope of all that is exported.
 *
 * @module
 */
import { version } from "../version.ts";
import { attributeJson } from "./span-writer.ts";
import { nameOf } from "./attribute.ts";
import { schemaURL } from "./names.ts";
import { Wire } from "./wire.ts";

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
  wire.nested(1, () => {
    for (const [name, value] of Object.entries(attributes)) {
      wire.nested(1, () => {
        wire.raw(nameOf(name).key);
        wire.nested(2, () => wire.writeStringField(1, value));
      });
    }
  });
  wire.writeStringField(3, schemaURL);
  const scope = new Wire();
  scope.nested(1, () => {
    scope.writeStringField(1, scopeName);
    scope.writeStringField(2, version);
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
