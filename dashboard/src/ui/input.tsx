/** Fields with the inputs that most of them have. */
import type { ComponentChildren, JSX } from "preact";
import { Field } from "./mod.tsx";

interface Common {
  label: string;
  hint?: ComponentChildren;
  error?: string | undefined;
}

const about = ({ label, hint, error }: Common) => ({
  label,
  error,
  ...hint !== undefined && { hint },
});

export function TextField(
  { label, hint, error, value, onChange, mono = false, ...input }: Common & {
    value: string;
    onChange(value: string): void;
    /** In the type of code. */
    mono?: boolean;
    type?: "text" | "number" | "password" | "url" | "datetime-local";
    autocomplete?: "off";
    inputMode?: "decimal" | "numeric";
    required?: boolean;
    placeholder?: string;
    maxLength?: number;
    min?: number | string;
    max?: number;
    step?: number | "any";
    onBlur?: () => void;
  },
): JSX.Element {
  return (
    <Field {...about({ label, hint, error })}>
      {(given) => (
        <input
          {...input as { type: "text" }}
          {...given}
          class={`input ${mono ? "mono" : ""}`}
          {...mono && { spellcheck: false, autocapitalize: "off" }}
          value={value}
          onInput={(event) => onChange(event.currentTarget.value)}
        />
      )}
    </Field>
  );
}

export function AreaField({ value, onChange, rows = 3, ...rest }: Common & {
  value: string;
  onChange(value: string): void;
  rows?: number;
  placeholder?: string;
  required?: boolean;
}): JSX.Element {
  return (
    <Field {...about(rest)}>
      {(given) => (
        <textarea
          {...given}
          class="input mono"
          rows={rows}
          spellcheck={false}
          placeholder={rest.placeholder}
          required={rest.required}
          value={value}
          onInput={(event) => onChange(event.currentTarget.value)}
        />
      )}
    </Field>
  );
}

export function SelectField({ value, options, onChange, ...rest }: Common & {
  value: string;
  options: readonly (readonly [value: string, title: string])[];
  onChange(value: string): void;
}): JSX.Element {
  return (
    <Field {...about(rest)}>
      {(given) => (
        <select
          {...given}
          class="input wide"
          value={value}
          onChange={(event) => onChange(event.currentTarget.value)}
        >
          {options.map(([name, title]) => <option key={name} value={name}>{title}</option>)}
        </select>
      )}
    </Field>
  );
}
