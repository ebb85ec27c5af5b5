/** The request as code. */
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { account } from "../../api.ts";
import { unifiedBase } from "../../playkey.ts";
import { Copy, Empty } from "../../ui/mod.tsx";
import type { Bodies } from "./bodies.ts";
import type { Row } from "./row.ts";
import { type Snippet, snippetsOf } from "./snippets.ts";
import { formatOf } from "./unified.ts";
import type { Words } from "./words.ts";

/** Characters that are shown; all of them are copied. */
const most = 20_000;

export function Code(
  { row, bodies, gateway, words: { w } }: {
    row: Row;
    bodies: Bodies;
    gateway: string;
    words: Words;
  },
): JSX.Element {
  const [name, setName] = useState<Snippet["name"]>("curl");
  const { request, asked } = bodies;
  if (request === undefined || request.json === undefined || asked === undefined) {
    const why = request === undefined ? "code.none" : request.isCut ? "code.cut" : "code.binary";
    return (
      <Empty title={w("code.not")}>
        <p>{w(why)}</p>
      </Empty>
    );
  }
  const snippets = snippetsOf({
    unified: location.origin + unifiedBase(gateway),
    native: `${location.origin}/v1/${account}/${
      encodeURIComponent(gateway)
    }/${row.provider}${row.path}`,
    model: row.model,
    format: formatOf(row, request.json),
    method: row.method,
    json: request.json,
    asked,
  });
  const { code } = snippets.find((one) => one.name === name) ?? snippets[0]!;
  return (
    <div class="stack">
      <div class="logs-code">
        <div class="row">
          {snippets.map((one) => (
            <button
              key={one.name}
              type="button"
              class="chip"
              aria-pressed={code === one.code}
              onClick={() => setName(one.name)}
            >
              {w(`code.${one.name}`)}
            </button>
          ))}
        </div>
        <Copy text={code} />
      </div>
      <pre
        class="code wrap"
        tabIndex={0}
      >{code.length > most ? `${code.slice(0, most)}…` : code}</pre>
      <p class="soft">{w("code.key")}</p>
    </div>
  );
}
