/** Inputs for several texts, and for names with values. */
import type { ComponentChildren, JSX } from "preact";
import { useState } from "preact/hooks";
import { type Dictionary, useLocale } from "../i18n.ts";
import { Field, Icon } from "./mod.tsx";

const words = {
  en: { add: "Add", remove: "Remove {name}", name: "Name", value: "Value" },
  zh: { add: "添加", remove: "移除 {name}", name: "名称", value: "值" },
} satisfies Dictionary;

/** Texts as chips; Enter or a comma adds what was typed, and so does leaving the field. */
export function TextList({ label, hint, error, values, placeholder, list, onChange }: {
  label: string;
  hint?: ComponentChildren;
  error?: string | undefined;
  values: readonly string[];
  placeholder?: string;
  /** Id of a `datalist` with suggestions. */
  list?: string;
  onChange(values: string[]): void;
}): JSX.Element {
  const w = useLocale().of(words);
  const [text, setText] = useState("");
  const add = () => {
    const found = text.split(/[\s,，]+/).filter((each) => each !== "" && !values.includes(each));
    setText("");
    if (found.length > 0) onChange([...values, ...found]);
  };
  return (
    <Field label={label} error={error} {...hint !== undefined && { hint }}>
      {(given) => (
        <div class="chips-input">
          {values.map((each) => (
            <span class="chip on mono" key={each}>
              {each}
              <button
                type="button"
                class="chip-x"
                aria-label={w("remove", { name: each })}
                onClick={() => onChange(values.filter((other) => other !== each))}
              >
                <Icon name="close" />
              </button>
            </span>
          ))}
          <input
            {...given}
            class="mono"
            list={list}
            value={text}
            spellcheck={false}
            autocapitalize="off"
            placeholder={values.length === 0 ? placeholder : undefined}
            onInput={(event) => setText(event.currentTarget.value)}
            onBlur={add}
            onKeyDown={(event) => {
              if (event.key === "Enter" || event.key === "," || event.key === "，") {
                if (text.trim() === "") return;
                event.preventDefault();
                add();
              } else if (event.key === "Backspace" && text === "") onChange(values.slice(0, -1));
            }}
          />
        </div>
      )}
    </Field>
  );
}

/** Rows of a name and a value. */
export function Pairs({ label, hint, error, pairs, secret = false, onChange }: {
  label: string;
  hint?: string;
  error?: string | undefined;
  pairs: readonly (readonly [string, string])[];
  /** Values are not to be read over a shoulder. */
  secret?: boolean;
  onChange(pairs: [string, string][]): void;
}): JSX.Element {
  const w = useLocale().of(words);
  const set = (at: number, part: 0 | 1, text: string) =>
    onChange(
      pairs.map(([name, value], i) =>
        i !== at ? [name, value] : part === 0 ? [text, value] : [name, text]
      ),
    );
  return (
    <fieldset class="group">
      <legend class="label">{label}</legend>
      {hint && <p class="hint soft">{hint}</p>}
      {pairs.map(([name, value], i) => (
        <div class="pair" key={i}>
          <input
            class="input mono"
            aria-label={`${label}: ${w("name")} ${i + 1}`}
            placeholder={w("name")}
            value={name}
            spellcheck={false}
            onInput={(event) => set(i, 0, event.currentTarget.value)}
          />
          <input
            class="input mono"
            type={(secret ? "password" : "text") as "text"}
            autocomplete="off"
            aria-label={`${label}: ${w("value")} ${i + 1}`}
            placeholder={w("value")}
            value={value}
            spellcheck={false}
            onInput={(event) => set(i, 1, event.currentTarget.value)}
          />
          <RemoveButton
            name={name || String(i + 1)}
            onClick={() => onChange(pairs.filter((_, at) => at !== i).map(([a, b]) => [a, b]))}
          />
        </div>
      ))}
      {error && <p class="error bad" role="alert">{error}</p>}
      <div>
        <button
          type="button"
          class="button small"
          onClick={() => onChange([...pairs.map(([a, b]): [string, string] => [a, b]), ["", ""]])}
        >
          <Icon name="plus" />
          {w("add")}
          <span class="hush">{label}</span>
        </button>
      </div>
    </fieldset>
  );
}

/** A cross that takes a row out of a list. */
export function RemoveButton({ name, onClick }: { name: string; onClick(): void }): JSX.Element {
  const w = useLocale().of(words);
  return (
    <button
      type="button"
      class="button plain icon"
      aria-label={w("remove", { name })}
      onClick={onClick}
    >
      <Icon name="close" />
    </button>
  );
}
