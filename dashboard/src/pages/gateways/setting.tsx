/** One setting: its input, what it means, and whether it is changed. */
import type { JSX } from "preact";
import type { Problem } from "../../api.ts";
import { AreaField, SelectField, TextField } from "../../ui/input.tsx";
import { lasting } from "../../ui/lasting.ts";
import { Switch } from "../../ui/mod.tsx";
import { AccessInput } from "./access.tsx";
import type { Access, RateRule, Receiver, Setting } from "./fields.ts";
import { ReceiversInput } from "./receivers.tsx";
import { RulesInput } from "./rules.tsx";
import { type Name, useWords, type Words } from "./words.ts";

interface Given {
  setting: Setting;
  value: unknown;
  isDirty: boolean;
  isOverridden: boolean;
  problems: readonly Problem[];
  onChange(value: unknown): void;
}

export function SettingInput(given: Given): JSX.Element {
  const words = useWords();
  const { w } = words;
  const { setting, value, isDirty, isOverridden, problems, onChange } = given;
  const { name } = setting;
  const hint = hintOf(words, name);
  const error = problems.filter(({ path }) => path?.[1] === name).map(({ message }) => message)
    .join(" ") || (setting.kind === "number" ? faultOf(words, setting, value) : undefined);
  const label = w(name);
  const marks = (
    <>
      {isOverridden && <span class="badge accent">{w("changed")}</span>}
      {isDirty && <span class="badge warn">{w("dirty.mark")}</span>}
    </>
  );
  let input: JSX.Element;
  let isWide = false;
  switch (setting.kind) {
    case "switch":
      isWide = true;
      input = (
        <>
          <Switch
            label={label}
            {...hint !== undefined && { hint }}
            checked={value === true}
            onChange={onChange}
          />
          {name === "open" && value === true && <p class="note warn">{w("open.warn")}</p>}
          {error && <p class="bad" role="alert">{error}</p>}
        </>
      );
      break;
    case "choice":
      input = (
        <SelectField
          label={label}
          hint={hint}
          error={error}
          value={String(value)}
          options={setting.options.map((each) => [each, w(`${name}.${each}` as Name)] as const)}
          onChange={onChange}
        />
      );
      break;
    case "number": {
      const unit = setting.unit && w(`unit.${setting.unit}`);
      const read = readOut(words, setting, value);
      input = (
        <TextField
          label={unit === undefined ? label : w("label.unit", { label, unit })}
          hint={hint === undefined && read === undefined ? undefined : (
            <>
              {read && <span class="read">{read}</span>}
              {hint}
            </>
          )}
          error={error}
          type="number"
          inputMode={setting.parts ? "decimal" : "numeric"}
          min={setting.min ?? 0}
          {...setting.max !== undefined && { max: setting.max }}
          step={setting.parts ? "any" : 1}
          required
          value={Number.isNaN(value) ? "" : String(value)}
          onChange={(text) => onChange(text === "" ? NaN : Number(text))}
        />
      );
      break;
    }
    case "lines":
      isWide = true;
      input = (
        <AreaField
          label={label}
          hint={hint}
          error={error}
          value={(value as string[]).join("\n")}
          onChange={(text) => onChange(text === "" ? [] : text.split("\n"))}
        />
      );
      break;
    case "text":
      isWide = true;
      input = (
        <AreaField
          label={label}
          hint={hint}
          error={error}
          value={(value as string | null) ?? ""}
          onChange={(text) => onChange(text === "" ? null : text)}
        />
      );
      break;
    case "rules":
      isWide = true;
      input = <RulesInput rules={value as RateRule[]} error={error} onChange={onChange} />;
      break;
    case "receivers":
      isWide = true;
      input = <ReceiversInput receivers={value as Receiver[]} error={error} onChange={onChange} />;
      break;
    case "access":
      isWide = true;
      input = <AccessInput access={value as Access | null} error={error} onChange={onChange} />;
      break;
  }
  return (
    <div class={`setting ${isWide ? "whole" : ""}`} data-setting={name}>
      {input}
      {(isDirty || isOverridden) && <div class="row marks">{marks}</div>}
    </div>
  );
}

const hinted = new Set<string>([
  ...["cache_ttl", "cache_stale_while_revalidate", "cache_stale_if_error", "rate_limiting_limit"],
  ...[
    "retry_max_attempts",
    "fallback",
    "timeout_first_byte",
    "timeout_idle",
    "timeout_total",
    "collect_logs",
  ],
  ...["collect_log_payload", "log_retention_days", "log_retention_bytes", "log_redact"],
  ...["logpush", "logpush_public_key"],
  ...["authentication", "open", "byok_only"],
]);

function hintOf({ w }: Words, name: Name): string | undefined {
  return hinted.has(name) ? w(`${name}.hint` as Name) : undefined;
}

type NumberSetting = Extract<Setting, { kind: "number" }>;

/** What is wrong with a number, before it is sent. */
export function faultOf({ w }: Words, setting: Setting, value: unknown): string | undefined {
  if (setting.kind !== "number") return undefined;
  const { min = 0, max = Infinity, parts = false } = setting;
  const isFine = typeof value === "number" && value >= min && value <= max &&
    (parts || Number.isSafeInteger(value));
  if (isFine) return undefined;
  return max !== Infinity
    ? w("number.between", { min, max })
    : min > 0
    ? w("number.min", { min })
    : w(parts ? "number.any" : "number.whole");
}

/** The number in larger units, or what it means. */
function readOut(words: Words, { name, unit }: NumberSetting, value: unknown): string | undefined {
  const { w, bytes, number } = words;
  if (typeof value !== "number" || Number.isNaN(value)) return undefined;
  if (name === "retry_max_attempts") return value === 1 ? w("is.once") : undefined;
  if (name === "rate_limiting_limit" && value === 0) return w("is.none");
  if (name === "log_retention_days") return value === 0 ? w("is.forever") : undefined;
  if ((name.startsWith("timeout_") || name === "log_retention_bytes") && value === 0) {
    return w("is.none");
  }
  if (name.startsWith("cache_") && value === 0) return w("is.off");
  if (unit === "B") return w("is", { value: bytes(value) });
  if (unit === "s" && value >= 60) return w("is", { value: lasting(words, value) });
  if (unit === "ms" && value >= 1000) return w("is", { value: lasting(words, value / 1000) });
  return unit === undefined && value >= 10_000 ? w("is", { value: number(value) }) : undefined;
}
