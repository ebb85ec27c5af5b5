/** The limits of a virtual key. */
import type { JSX } from "preact";
import { SelectField, TextField } from "../../ui/input.tsx";
import { RemoveButton } from "../../ui/lists.tsx";
import { Icon } from "../../ui/mod.tsx";
import type { KeyLimit } from "./types.ts";
import { type Name, useWords, type Words } from "./words.ts";

const windows = [60, 3600, 86_400, 2_592_000];

function per({ w, number }: Words, window: number): string {
  return windows.includes(window)
    ? w(`limit.per.${window}` as Name)
    : w("limit.per.other", { count: number(window) });
}

/** `100 requests / minute` */
export function limitSaid(words: Words, { limit, unit, window }: KeyLimit): string {
  const { w, number } = words;
  return w("limit.said", {
    count: number(limit, limit >= 100_000),
    unit: w(limit === 1 ? `limit.one.${unit}` : `limit.${unit}`),
    per: per(words, window),
  });
}

export function Limits({ limits, error, onChange }: {
  limits: readonly KeyLimit[];
  error: string | undefined;
  onChange(limits: KeyLimit[]): void;
}): JSX.Element {
  const words = useWords();
  const { w } = words;
  const set = (at: number, change: Partial<KeyLimit>) =>
    onChange(limits.map((each, i) => i === at ? { ...each, ...change } : each));
  return (
    <fieldset class="group">
      <legend class="label">{w("limits")}</legend>
      {limits.map(({ limit, unit, window }, i) => (
        <div class="limit" key={i} role="group" aria-label={w("limit.n", { n: i + 1 })}>
          <TextField
            label={w("limit.count")}
            type="number"
            min={1}
            step={1}
            required
            value={Number.isNaN(limit) ? "" : String(limit)}
            onChange={(text) =>
              set(i, { limit: text === "" ? NaN : Number(text) })}
          />
          <SelectField
            label={w("limit.unit")}
            value={unit}
            options={(["requests", "tokens"] as const).map((name) => [name, w(`limit.${name}`)])}
            onChange={(name) =>
              set(i, { unit: name as KeyLimit["unit"] })}
          />
          <SelectField
            label={w("limit.per")}
            value={String(window)}
            options={[...new Set([...windows, window])].map((each) => [
              String(each),
              per(words, each),
            ])}
            onChange={(text) =>
              set(i, { window: Number(text) })}
          />
          <RemoveButton
            name={w("limit.n", { n: i + 1 })}
            onClick={() =>
              onChange(limits.filter((_, at) => at !== i))}
          />
        </div>
      ))}
      {error && <p class="bad" role="alert">{error}</p>}
      <div>
        <button
          type="button"
          class="button small"
          onClick={() => onChange([...limits, { limit: 60, unit: "requests", window: 60 }])}
        >
          <Icon name="plus" />
          {w("limit.add")}
        </button>
      </div>
    </fieldset>
  );
}
