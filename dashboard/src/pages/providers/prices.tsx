/** What the models of a custom provider cost. People think in a million tokens, the API in one. */
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { call } from "../../api.ts";
import { useForm } from "../../ui/form.ts";
import { SelectField, TextField } from "../../ui/input.tsx";
import { Dialog, Failure, Icon, Skeleton } from "../../ui/mod.tsx";
import { More, usePages } from "../../ui/pages.tsx";
import type { Cost, Custom } from "./types.ts";
import { useWords } from "./words.ts";

const million = 1_000_000;
/** Without the dust of binary fractions. */
const clean = (value: number): number => Number(value.toPrecision(12));
const toMillion = (cost: number | null | undefined): number | null =>
  cost === null || cost === undefined ? null : clean(cost * million);
const toOne = (text: string): number | null => text === "" ? null : clean(Number(text) / million);
const path = "/custom-providers/costs";

function kindsOf({ token_pricing }: Cost): Record<string, number> {
  return JSON.parse(token_pricing ?? "{}") as Record<string, number>;
}

export function Prices(
  { provider, onClose }: { provider: Custom; onClose(): void },
): JSX.Element {
  const { w, money } = useWords();
  const pages = usePages<Cost>(`${path}?account_provider_id=${provider.id}`);
  const { items, error, reload } = pages;
  const [form, setForm] = useState<Cost | "new">();
  const [problem, setProblem] = useState<unknown>();
  const change = (work: Promise<unknown>) => {
    setProblem(undefined);
    work.then(reload, setProblem);
  };
  return (
    <Dialog title={w("prices.title", { name: provider.name })} onClose={onClose}>
      <p class="soft">{w("prices.about")}</p>
      {problem !== undefined && <Failure error={problem} />}
      {items === undefined
        ? error === undefined
          ? <Skeleton lines={3} height={28} />
          : <Failure error={error} onRetry={reload} />
        : items.length === 0
        ? <p>{w("prices.none")}</p>
        : (
          <ul class="prices">
            {items.map((cost) => (
              <li key={cost.id}>
                <input
                  type="checkbox"
                  role="switch"
                  class="toggle"
                  aria-label={w("price.on", { name: cost.model })}
                  checked={cost.enable}
                  onChange={(event) =>
                    change(call("PATCH", `${path}/${cost.id}`, {
                      enable: event.currentTarget.checked,
                    }))}
                />
                <div class="what">
                  <span class="mono">{cost.model}</span>
                  {cost.model_rule !== "equals" && (
                    <span class="soft small-print">{w(`rule.${cost.model_rule}`)}</span>
                  )}
                  <span class="soft small-print">
                    {`${w("in")} ${money(toMillion(cost.cost_in))} · ` +
                      `${w("out")} ${money(toMillion(cost.cost_out))}`}
                  </span>
                </div>
                <button type="button" class="button small" onClick={() => setForm(cost)}>
                  {w("edit")}
                  <span class="hush">{cost.model}</span>
                </button>
                <button
                  type="button"
                  class="button plain icon"
                  aria-label={w("price.remove", { name: cost.model })}
                  onClick={() => change(call("DELETE", `${path}/${cost.id}`))}
                >
                  <Icon name="close" />
                </button>
              </li>
            ))}
          </ul>
        )}
      <More pages={pages} />
      {form === undefined
        ? (
          <div>
            <button type="button" class="button" onClick={() => setForm("new")}>
              <Icon name="plus" />
              {w("price.add")}
            </button>
          </div>
        )
        : (
          <PriceForm
            key={form === "new" ? "new" : form.id}
            provider={provider}
            old={form === "new" ? undefined : form}
            onClose={() => setForm(undefined)}
            onDone={() => {
              setForm(undefined);
              reload();
            }}
          />
        )}
    </Dialog>
  );
}

function PriceForm({ provider, old, onClose, onDone }: {
  provider: Custom;
  old: Cost | undefined;
  onClose(): void;
  onDone(): void;
}): JSX.Element {
  const { w, t } = useWords();
  const form = useForm(["model", "cost_in", "cost_out", "token_pricing"]);
  const kinds = old ? kindsOf(old) : {};
  const [model, setModel] = useState(old?.model ?? "");
  const [rule, setRule] = useState<string>(old?.model_rule ?? "equals");
  const [input, setInput] = useState(String(toMillion(old?.cost_in) ?? ""));
  const [output, setOutput] = useState(String(toMillion(old?.cost_out) ?? ""));
  const [cached, setCached] = useState(String(toMillion(kinds.input_cached_tokens) ?? ""));
  const submit = async (event: Event) => {
    event.preventDefault();
    const { input_cached_tokens: _, ...others } = kinds;
    const pricing = {
      ...others,
      ...cached !== "" && { input_cached_tokens: toOne(cached) },
    };
    const body = {
      model: model.trim(),
      model_rule: rule,
      cost_in: toOne(input),
      cost_out: toOne(output),
      token_pricing: Object.keys(pricing).length > 0 ? pricing : null,
    };
    const done = await form.send(() =>
      old === undefined
        ? call("POST", path, { account_provider_id: provider.id, ...body })
        : call("PATCH", `${path}/${old.id}`, body)
    );
    if (done) onDone();
  };
  const dollars = (
    label: string,
    value: string,
    onChange: (text: string) => void,
    error: string | undefined,
    hint?: string,
  ) => (
    <TextField
      label={label}
      hint={hint}
      error={error}
      type="number"
      inputMode="decimal"
      min={0}
      step="any"
      value={value}
      onChange={onChange}
    />
  );
  return (
    <form class="stack price-form" onSubmit={submit}>
      <div class="grid">
        <TextField
          label={w("model")}
          error={form.at("model")}
          required
          mono
          value={model}
          onChange={setModel}
        />
        <SelectField
          label={w("rule")}
          value={rule}
          options={(["equals", "starts-with", "contains"] as const)
            .map((each) => [each, w(`rule.${each}`)])}
          onChange={setRule}
        />
      </div>
      <div class="grid narrow-fields">
        {dollars(w("in.unit"), input, setInput, form.at("cost_in"))}
        {dollars(w("out.unit"), output, setOutput, form.at("cost_out"))}
        {dollars(w("cached.unit"), cached, setCached, form.at("token_pricing"), w("cached.hint"))}
      </div>
      {form.rest && <p class="bad" role="alert">{form.rest}</p>}
      <div class="row end">
        <button type="button" class="button" onClick={onClose}>{t("cancel")}</button>
        <button type="submit" class="button primary" disabled={form.busy}>{w("price.save")}</button>
      </div>
    </form>
  );
}
