/** The bytes as they are stored. */
import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { Copy } from "../../ui/mod.tsx";
import type { Bodies, Body } from "./bodies.ts";
import { Part } from "./facts.tsx";
import type { Row } from "./row.ts";
import type { Words } from "./words.ts";

/** Characters that are shown, and bytes of what is no text. */
const most = 200_000, mostBytes = 2048;

export function Raw(
  { row, bodies, words }: { row: Row; bodies: Bodies; words: Words },
): JSX.Element {
  const { w } = words;
  const [isPretty, setPretty] = useState(true);
  const parts = [
    ["request", bodies.request, row.request_size],
    ["response", bodies.response, row.response_size],
  ] as const;
  return (
    <div class="stack">
      <label class="switch">
        <input
          type="checkbox"
          role="switch"
          checked={isPretty}
          onChange={() => setPretty(!isPretty)}
        />
        <span class="label">{w("raw.pretty")}</span>
      </label>
      {parts.map(([name, body, size]) => (
        <Part key={name} title={w(name)}>
          {body === undefined ? <p class="soft">{w("body.none")}</p> : (
            <Bytes
              body={body}
              size={size ?? null}
              name={`${row.id}-${name}`}
              isPretty={isPretty}
              words={words}
            />
          )}
        </Part>
      ))}
    </div>
  );
}

function Bytes(
  { body, size, name, isPretty, words: { w, bytes, number } }: {
    body: Body;
    size: number | null;
    name: string;
    isPretty: boolean;
    words: Words;
  },
): JSX.Element {
  const { text, json, isCut, type } = body;
  const [url, setUrl] = useState<string>();
  useEffect(() => {
    // As bytes: what a provider or a caller wrote may be a page.
    const made = URL.createObjectURL(new Blob([body.bytes], { type: "application/octet-stream" }));
    setUrl(made);
    return () => URL.revokeObjectURL(made);
  }, [body]);
  const shown = text === undefined
    ? hex(body.bytes.subarray(0, mostBytes))
    : isPretty && json !== undefined
    ? JSON.stringify(json, null, 2)
    : text;
  return (
    <>
      <div class="row">
        <span class="badge">{type.split(";", 1)[0] || w("type.none")}</span>
        <span class="soft">
          {size !== null && size !== body.bytes.length
            ? w("size.of", { kept: bytes(body.bytes.length), all: bytes(size) })
            : bytes(body.bytes.length)}
        </span>
        {isCut && <span class="badge warn">{w("cut")}</span>}
        <span class="grow" />
        {text !== undefined && <Copy text={text} />}
        <a class="button" href={url} download={name}>{w("download")}</a>
      </div>
      <pre class="code wrap logs-raw" tabIndex={0}>{shown.slice(0, most)}</pre>
      {(shown.length > most || (text === undefined && body.bytes.length > mostBytes)) && (
        <p class="soft">{w("raw.more", { n: number(text === undefined ? mostBytes : most) })}</p>
      )}
    </>
  );
}

/** Sixteen bytes a line, with what they are as text. */
function hex(bytes: Uint8Array): string {
  const lines: string[] = [];
  for (let at = 0; at < bytes.length; at += 16) {
    const part = bytes.subarray(at, at + 16);
    const codes = Array.from(part, (byte) => byte.toString(16).padStart(2, "0")).join(" ");
    const chars = Array.from(
      part,
      (byte) => byte > 31 && byte < 127 ? String.fromCharCode(byte) : ".",
    );
    lines.push(`${at.toString(16).padStart(6, "0")}  ${codes.padEnd(47)}  ${chars.join("")}`);
  }
  return lines.join("\n");
}
