/** Limits beside the gateway's own: for each key, model, provider or user. */
import type { JSX } from "preact";
import { SelectField, TextField } from "../../ui/input.tsx";
import { TextList } from "../../ui/lists.tsx";
import { Icon } from "../../ui/mod.tsx";
import type { RateRule } from "./fields.ts";
import { useWords } from "./words.ts";

const fresh: RateRule = { unit: "requests", limit: 60, window: 60, by: ["key"] };

export function RulesInput({ rules, error, onChange }: {
  rules: readonly RateRule[];
  error: string | undefined;
  onChange(rules: RateRule[]): void;
}): JSX.Element {
  const { w } = useWords();
  const set = (at: number, rule: RateRule) =>
    onChange(rules.map((each, i) => i === at ? rule : each));
  return (
    <fieldset class="group">
      <legend class="label">{w("rate_limits")}</legend>
      <p class="hint soft">{w("rate_limits.hint")}</p>
      {rules.map((rule, i) => (
        <Rule
          key={i}
          n={i + 1}
          rule={rule}
          onChange={(next) => set(i, next)}
          onRemove={() => onChange(rules.filter((_, at) => at !== i))}
        />
      ))}
      {error && <p class="bad" role="alert">{error}</p>}
      <div>
        <button type="button" class="button small" onClick={() => onChange([...rules, fresh])}>
          <Icon name="plus" />
          {w("rule.add")}
        </button>
      </div>
    </fieldset>
  );
}

function Rule({ n, rule, onChange, onRemove }: {
  n: number;
  rule: RateRule;
  onChange(rule: RateRule): void;
  onRemove(): void;
}): JSX.Element {
  const { w } = useWords();
  /** Without what says nothing. */
  const set = (change: Partial<RateRule>) => {
    const next = { ...rule, ...change };
    if (next.unit === "concurrent") {
      delete next.window;
      delete next.technique;
    } else next.window ??= 60;
    for (const name of ["by", "models", "providers"] as const) {
      if (next[name]?.length === 0) delete next[name];
    }
    if (next.name === "") delete next.name;
    onChange(next);
  };
  return (
    <div class="boxed" role="group" aria-label={w("rule.n", { n })}>
      <div class="head">
        <h3>{w("rule.n", { n })}</h3>
        <button
          type="button"
          class="button plain icon"
          aria-label={w("rule.remove", { n })}
          onClick={onRemove}
        >
          <Icon name="close" />
        </button>
      </div>
      <div class="grid narrow">
        <TextField
          label={w("rule.limit")}
          type="number"
          min={1}
          step={1}
          required
          value={Number.isNaN(rule.limit) ? "" : String(rule.limit)}
          onChange={(text) => set({ limit: text === "" ? NaN : Number(text) })}
        />
        <SelectField
          label={w("rule.unit")}
          value={rule.unit}
          options={(["requests", "tokens", "concurrent"] as const)
            .map((unit) => [unit, w(`rule.unit.${unit}`)])}
          onChange={(unit) => set({ unit: unit as RateRule["unit"] })}
        />
        {rule.unit !== "concurrent" && (
          <TextField
            label={w("rule.window")}
            type="number"
            min={1}
            required
            value={rule.window === undefined || Number.isNaN(rule.window)
              ? ""
              : String(rule.window)}
            onChange={(text) => set({ window: text === "" ? NaN : Number(text) })}
          />
        )}
      </div>
      <div class="grid halves">
        <TextList
          label={w("rule.by")}
          hint={w("rule.by.hint")}
          values={rule.by ?? []}
          onChange={(by) => set({ by })}
        />
        <TextList
          label={w("rule.models")}
          hint={w("rule.models.hint")}
          values={rule.models ?? []}
          onChange={(models) => set({ models })}
        />
        <TextList
          label={w("rule.providers")}
          values={rule.providers ?? []}
          onChange={(providers) => set({ providers })}
        />
        <TextField
          label={w("rule.name")}
          hint={w("rule.name.hint")}
          maxLength={64}
          value={rule.name ?? ""}
          onChange={(name) => set({ name })}
        />
      </div>
    </div>
  );
}
