/** To choose from when to when. */
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { type Dictionary, useLocale } from "../i18n.ts";
import type { Range, RangeName } from "../range.ts";
import { Dialog, Field } from "./mod.tsx";

type Own = "title" | "all" | "own" | "from" | "to" | "apply" | "order";

const words: Dictionary<RangeName | Own> = {
  en: {
    title: "Time",
    all: "All of the time",
    "15m": "Last 15 minutes",
    "1h": "Last hour",
    "24h": "Last 24 hours",
    "7d": "Last 7 days",
    "30d": "Last 30 days",
    "90d": "Last 90 days",
    own: "From … to …",
    from: "From",
    to: "To",
    apply: "Show",
    order: "The end must be behind the beginning.",
  },
  zh: {
    title: "时间",
    all: "全部时间",
    "15m": "最近 15 分钟",
    "1h": "最近 1 小时",
    "24h": "最近 24 小时",
    "7d": "最近 7 天",
    "30d": "最近 30 天",
    "90d": "最近 90 天",
    own: "自定义时间…",
    from: "开始时间",
    to: "结束时间",
    apply: "显示",
    order: "结束时间必须晚于开始时间。",
  },
};

/** As an input of the reader's own time has it. */
function local(time: string): string {
  const at = new Date(time);
  if (time === "" || Number.isNaN(at.getTime())) return "";
  return new Date(at.getTime() - at.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}

const universal = (text: string): string => text === "" ? "" : new Date(text).toISOString();

export function RangePicker(
  { value, names, isOpen = false, onChange }: {
    value: Range;
    names: readonly RangeName[];
    /** All of the time may be chosen, and times that are open on a side. */
    isOpen?: boolean;
    onChange(range: Range): void;
  },
): JSX.Element {
  const locale = useLocale();
  const { t, time } = locale;
  const w = locale.of(words);
  const [own, setOwn] = useState<{ from: string; to: string }>();
  const isOwn = value.range === "" && (value.from !== "" || value.to !== "");
  const isReversed = own !== undefined && own.from !== "" && own.to !== "" && own.from >= own.to;
  return (
    <>
      <label>
        <span class="hush">{w("title")}</span>
        <select
          class="input"
          value={isOwn ? "shown" : value.range}
          onChange={(event) => {
            const { value: chosen } = event.currentTarget;
            event.currentTarget.value = isOwn ? "shown" : value.range;
            if (chosen === "own") setOwn({ from: local(value.from), to: local(value.to) });
            else onChange({ range: chosen as RangeName | "", from: "", to: "" });
          }}
        >
          {isOpen && <option value="">{w("all")}</option>}
          {names.map((name) => <option key={name} value={name}>{w(name)}</option>)}
          {isOwn && (
            <option value="shown">
              {value.from && time(value.from)} – {value.to && time(value.to)}
            </option>
          )}
          <option value="own">{w("own")}</option>
        </select>
      </label>
      {own !== undefined && (
        <Dialog title={w("own")} onClose={() => setOwn(undefined)}>
          <form
            class="stack"
            onSubmit={(event) => {
              event.preventDefault();
              if (isReversed) return;
              setOwn(undefined);
              onChange({ range: "", from: universal(own.from), to: universal(own.to) });
            }}
          >
            {(["from", "to"] as const).map((name) => (
              <Field
                key={name}
                label={w(name)}
                error={name === "to" && isReversed ? w("order") : undefined}
              >
                {(given) => (
                  <input
                    {...given}
                    class="input"
                    type="datetime-local"
                    required={!isOpen && name === "from"}
                    value={own[name]}
                    onInput={(event) => setOwn({ ...own, [name]: event.currentTarget.value })}
                  />
                )}
              </Field>
            ))}
            <div class="row end">
              <button type="button" class="button" onClick={() => setOwn(undefined)}>
                {t("cancel")}
              </button>
              <button type="submit" class="button primary">{w("apply")}</button>
            </div>
          </form>
        </Dialog>
      )}
    </>
  );
}
