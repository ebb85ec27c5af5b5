/** What figures are told apart by. */
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { useLocale } from "../../i18n.ts";
import { Dialog, Field } from "../../ui/mod.tsx";
import type { Row } from "./latest.tsx";
import { type Name, words } from "./words.ts";

const dimensions = ["provider", "model", "key", "status", "cached"] as const;
const prefix = "metadata.";

/** @param isTitle Begins with a large letter. */
export function dimensionName(w: (name: Name) => string, by: string, isTitle = false): string {
  if (by.startsWith(prefix)) return by.slice(prefix.length);
  const name = w(by === "key" ? "byKey" : by === "cached" ? "byCache" : by as Name);
  return isTitle ? name.charAt(0).toUpperCase() + name.slice(1) : name;
}

/** Names of the entries that rows have. */
function entriesIn(rows: readonly Row[]): string[] {
  const found = new Set<string>();
  for (const { metadata } of rows) {
    try {
      for (const name of Object.keys(JSON.parse(metadata ?? "{}"))) found.add(name);
    } catch { /* none that can be read */ }
  }
  return [...found].sort().slice(0, 30);
}

export function Split(
  { by, rows, onChange }: {
    by: string;
    /** Some, for the entries of metadata that there are. */
    rows: readonly Row[];
    onChange(by: string): void;
  },
): JSX.Element {
  const locale = useLocale();
  const { t } = locale;
  const w = locale.of(words);
  const [entry, setEntry] = useState<string>();
  const entries = entriesIn(rows);
  const own = by.startsWith(prefix) ? by.slice(prefix.length) : undefined;
  if (own !== undefined && !entries.includes(own)) entries.unshift(own);
  return (
    <>
      <label>
        <span class="hush">{w("split")}</span>
        <select
          class="input"
          value={by}
          onChange={(event) => {
            const { value } = event.currentTarget;
            event.currentTarget.value = by;
            if (value === prefix) setEntry("");
            else onChange(value);
          }}
        >
          <option value="">{w("split.none")}</option>
          {dimensions.map((name) => (
            <option key={name} value={name}>{w("by", { what: dimensionName(w, name) })}</option>
          ))}
          <optgroup label={w("metadata")}>
            {entries.map((name) => (
              <option key={name} value={prefix + name}>{w("by", { what: name })}</option>
            ))}
            <option value={prefix}>{w("split.other")}</option>
          </optgroup>
        </select>
      </label>
      {entry !== undefined && (
        <Dialog title={w("metadata")} onClose={() => setEntry(undefined)}>
          <form
            class="stack"
            onSubmit={(event) => {
              event.preventDefault();
              setEntry(undefined);
              onChange(prefix + entry.trim());
            }}
          >
            <Field label={w("split.entry")} hint={w("split.hint")}>
              {(given) => (
                <input
                  {...given}
                  class="input"
                  required
                  maxLength={256}
                  value={entry}
                  onInput={(event) => setEntry(event.currentTarget.value)}
                />
              )}
            </Field>
            <div class="row end">
              <button type="button" class="button" onClick={() => setEntry(undefined)}>
                {t("cancel")}
              </button>
              <button type="submit" class="button primary" disabled={entry.trim() === ""}>
                {w("show")}
              </button>
            </div>
          </form>
        </Dialog>
      )}
    </>
  );
}
