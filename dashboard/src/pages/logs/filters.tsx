/** Filters as chips, and the dialog that makes one. */
import type { JSX } from "preact";
import { useId, useState } from "preact/hooks";
import { soon } from "../../api.ts";
import { then } from "../../early.ts";
import { Dialog, Field as Labelled, Icon, useLoaded } from "../../ui/mod.tsx";
import { type Field, fieldOf, fields, operatorsOf } from "./fields.ts";
import { type Chip, chipsOf, type Filter, type Operator, type Query } from "./query.ts";
import type { Rows } from "./rows.ts";
import { type Name, useWords, type Words } from "./words.ts";

interface Key {
  id: string;
  name: string;
}

/** What is said of a value of a field. */
function valueName(
  { w }: Words,
  { key, kind }: Field,
  value: string,
  keys: readonly Key[],
): string {
  if (kind === "yes") return w(value === "true" ? "yes" : "no");
  if (kind === "key") return keys.find(({ id }) => id === value)?.name ?? value;
  if (kind === "choice" && (key === "end" || key === "feedback" || key === "usage_quality")) {
    return w(`${key}.${value}` as Name);
  }
  return value === "" ? w("nothing") : value;
}

const fieldName = ({ w }: Words, key: string): string =>
  key.startsWith("metadata.") && !/^metadata\.(?:key|value)$/.test(key)
    ? key.slice("metadata.".length)
    : fields.some((field) => field.key === key)
    ? w(`field.${key}` as Name)
    : key;

export function FilterChips(
  { query, gateway, rows, onChange }: {
    query: Query;
    gateway: string;
    rows: Rows | undefined;
    onChange(filters: Filter[]): void;
  },
): JSX.Element {
  const words = useWords();
  const { w } = words;
  const [edited, setEdited] = useState<Chip | "new">();
  const { value: keys = [] } = useLoaded(
    `keys ${gateway}`,
    (signal) =>
      then(
        soon<Key[]>(`/gateways/${encodeURIComponent(gateway)}/virtual_keys?per_page=100`, signal),
        ({ result }) => result,
      ),
  );
  const chips = chipsOf(query.filters);
  const put = (chip: Chip | "new", filters: readonly Filter[]) => {
    const next = [...query.filters];
    if (chip === "new") next.push(...filters);
    else next.splice(chip.at, chip.count, ...filters);
    onChange(next);
  };
  const quick = (key: string, value: string, name: Name) => {
    const found = chips.find((chip) =>
      chip.key === key && chip.operator === "eq" && chip.values.join() === value
    );
    return (
      <button
        type="button"
        class="chip"
        aria-pressed={found !== undefined}
        onClick={() =>
          found === undefined
            ? put("new", [{ key, operator: "eq", values: [value] }])
            : put(found, [])}
      >
        {w(name)}
      </button>
    );
  };
  const isQuick = ({ key, operator, values }: Chip) =>
    operator === "eq" &&
    [["success", "false"], ["cached", "true"]].some(([name, value]) =>
      key === name && values.join() === value
    );
  return (
    <div class="row logs-chips" role="group" aria-label={w("filters")}>
      {quick("success", "false", "quick.failed")}
      {quick("cached", "true", "quick.cached")}
      {chips.filter((chip) => !isQuick(chip)).map((chip) => {
        const field = fieldOf(chip.key);
        const values = chip.values.map((value) => valueName(words, field, value, keys)).join(", ");
        const name = `${fieldName(words, chip.key)} ${w(`op.${chip.operator}`)} ${values}`;
        return (
          <span class="chip on" key={`${chip.at} ${name}`}>
            <button
              type="button"
              class="clip"
              onClick={() => setEdited(chip)}
              title={w("filter.edit")}
            >
              {name}
            </button>
            <button
              type="button"
              class="cross"
              aria-label={w("filter.remove", { name })}
              onClick={() => put(chip, [])}
            >
              <Icon name="close" />
            </button>
          </span>
        );
      })}
      <button type="button" class="chip" onClick={() => setEdited("new")}>
        <Icon name="plus" />
        {w("filter.add")}
      </button>
      {edited !== undefined && (
        <FilterDialog
          chip={edited === "new" ? undefined : edited}
          keys={keys}
          rows={rows}
          onDone={(filters) => {
            put(edited, filters);
            setEdited(undefined);
          }}
          onClose={() => setEdited(undefined)}
        />
      )}
    </div>
  );
}

function FilterDialog(
  { chip, keys, rows, onDone, onClose }: {
    chip: Chip | undefined;
    keys: readonly Key[];
    rows: Rows | undefined;
    onDone(filters: Filter[]): void;
    onClose(): void;
  },
): JSX.Element {
  const words = useWords();
  const { w } = words;
  const [key, setKey] = useState(chip === undefined ? "provider" : fieldOf(chip.key).key);
  const [operator, setOperator] = useState<Operator>(chip?.operator ?? "eq");
  const [entry, setEntry] = useState(chip?.count === 2 ? chip.key.slice("metadata.".length) : "");
  const [values, setValues] = useState<string[]>([...chip?.values ?? []]);
  const list = useId();
  const field = fieldOf(key);
  const operators = operatorsOf(field);
  const op = operators.includes(operator) ? operator : operators[0]!;
  const choices = field.kind === "yes"
    ? ["true", "false"]
    : field.kind === "key"
    ? keys.map(({ id }) => id)
    : field.choices;
  const suggested = field.from === undefined ? [] : rows?.valuesOf(field.from) ?? [];
  const given = choices === undefined
    ? values.map((value) => value.trim()).filter(Boolean)
    : values.filter((value) => choices.includes(value));
  const isReady = field.kind === "entry"
    ? entry.trim() !== "" || given.length > 0
    : given.length > 0;

  const submit = (event: Event) => {
    event.preventDefault();
    if (field.kind !== "entry") return onDone([{ key, operator: op, values: given }]);
    const name: Filter = { key: "metadata.key", operator: "eq", values: [entry.trim()] };
    const value: Filter = { key: "metadata.value", operator: op, values: given };
    onDone([...entry.trim() === "" ? [] : [name], ...given.length === 0 ? [] : [value]]);
  };
  return (
    <Dialog title={w(chip === undefined ? "filter.add" : "filter.edit")} onClose={onClose}>
      <form class="stack" onSubmit={submit}>
        <Labelled label={w("filter.field")}>
          {(input) => (
            <select
              {...input}
              class="input"
              value={key}
              onChange={(event) => {
                const { value } = event.currentTarget;
                setKey(value);
                setOperator(operatorsOf(fieldOf(value))[0]!);
                setValues([]);
              }}
            >
              {(["what", "how", "cost", "who", "more"] as const).map((group) => (
                <optgroup key={group} label={w(`group.${group}`)}>
                  {fields.filter((one) =>
                    one.group === group
                  ).map((one) => (
                    <option key={one.key} value={one.key}>{fieldName(words, one.key)}</option>
                  ))}
                </optgroup>
              ))}
            </select>
          )}
        </Labelled>
        {field.kind === "entry" && (
          <Labelled label={w("filter.entry")} hint={w("filter.entry.hint")}>
            {(input) => (
              <input
                {...input}
                class="input"
                value={entry}
                onInput={(event) => setEntry(event.currentTarget.value)}
              />
            )}
          </Labelled>
        )}
        {operators.length > 1 && (
          <Labelled label={w("filter.how")}>
            {(input) => (
              <select
                {...input}
                class="input"
                value={op}
                onChange={(event) => setOperator(event.currentTarget.value as Operator)}
              >
                {operators.map((one) => <option key={one} value={one}>{w(`op.${one}`)}</option>)}
              </select>
            )}
          </Labelled>
        )}
        {choices !== undefined
          ? (
            <fieldset class="logs-choices">
              <legend class="label">{w("filter.value")}</legend>
              {choices.length === 0 && <p class="soft">{w("filter.none")}</p>}
              {choices.map((value) => (
                <label key={value}>
                  <input
                    type={field.kind === "yes" ? "radio" : "checkbox"}
                    name={list}
                    checked={values.includes(value)}
                    onChange={(event) => {
                      const isOn = event.currentTarget.checked;
                      if (field.kind === "yes") setValues([value]);
                      else {setValues(
                          isOn ? [...values, value] : values.filter((one) => one !== value),
                        );}
                    }}
                  />
                  {valueName(words, field, value, keys)}
                </label>
              ))}
            </fieldset>
          )
          : (
            <Labelled
              label={w("filter.value")}
              hint={field.unit
                ? w(field.unit)
                : field.kind === "number"
                ? undefined
                : w("filter.several")}
            >
              {(input) => (
                <input
                  {...input}
                  class="input"
                  list={suggested.length > 0 ? list : undefined}
                  {...field.kind === "number" && { type: "number", step: "any" }}
                  value={values.join(" | ")}
                  onInput={(event) => {
                    const { value } = event.currentTarget;
                    setValues(field.kind === "number" ? [value] : value.split(" | "));
                  }}
                />
              )}
            </Labelled>
          )}
        {suggested.length > 0 && (
          <datalist id={list}>{suggested.map((one) => <option key={one} value={one} />)}</datalist>
        )}
        <div class="row end">
          <button type="button" class="button" onClick={onClose}>{words.t("cancel")}</button>
          <button type="submit" class="button primary" disabled={!isReady}>
            {w("filter.apply")}
          </button>
        </div>
      </form>
    </Dialog>
  );
}
