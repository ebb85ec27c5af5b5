/** From when to when. */
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { Dialog, Field } from "../../ui/mod.tsx";
import { type Query, type RangeName, ranges } from "./query.ts";
import { type Name, useWords } from "./words.ts";

/** As an input of the reader's own time has it. */
function local(time: string): string {
  const at = new Date(time);
  if (time === "" || Number.isNaN(at.getTime())) return "";
  return new Date(at.getTime() - at.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}

const universal = (text: string): string => text === "" ? "" : new Date(text).toISOString();

export function TimeRange(
  { query, onChange }: { query: Query; onChange(query: Query): void },
): JSX.Element {
  const { w, t, time } = useWords();
  const [isOpen, setOpen] = useState(false);
  const [from, setFrom] = useState("");
  const [to, setTo] = useState("");
  const isOwn = query.range === "" && (query.from !== "" || query.to !== "");
  const choose = (value: string) => {
    if (value !== "own") {
      return onChange({ ...query, range: value as RangeName | "", from: "", to: "" });
    }
    setFrom(local(query.from));
    setTo(local(query.to));
    setOpen(true);
  };
  return (
    <>
      <label>
        <span class="hush">{w("range")}</span>
        <select
          class="input"
          value={isOwn ? "shown" : query.range}
          onChange={(event) => {
            const { value } = event.currentTarget;
            event.currentTarget.value = isOwn ? "shown" : query.range;
            choose(value);
          }}
        >
          <option value="">{w("range.all")}</option>
          {Object.keys(ranges).map((name) => (
            <option key={name} value={name}>{w(`range.${name}` as Name)}</option>
          ))}
          {isOwn && (
            <option value="shown">
              {query.from && time(query.from)} – {query.to && time(query.to)}
            </option>
          )}
          <option value="own">{w("range.own")}</option>
        </select>
      </label>
      {isOpen && (
        <Dialog title={w("range.own")} onClose={() => setOpen(false)}>
          <form
            class="stack"
            onSubmit={(event) => {
              event.preventDefault();
              setOpen(false);
              onChange({ ...query, range: "", from: universal(from), to: universal(to) });
            }}
          >
            {([["range.from", from, setFrom], ["range.to", to, setTo]] as const).map((
              [name, value, set],
            ) => (
              <Field key={name} label={w(name)}>
                {(given) => (
                  <input
                    {...given}
                    class="input"
                    type="datetime-local"
                    value={value}
                    onInput={(event) => set(event.currentTarget.value)}
                  />
                )}
              </Field>
            ))}
            <div class="row end">
              <button type="button" class="button" onClick={() => setOpen(false)}>
                {t("cancel")}
              </button>
              <button type="submit" class="button primary">{w("filter.apply")}</button>
            </div>
          </form>
        </Dialog>
      )}
    </>
  );
}
