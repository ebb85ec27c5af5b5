/** Where traces go. */
import type { JSX } from "preact";
import { SelectField, TextField } from "../../ui/input.tsx";
import { Pairs } from "../../ui/lists.tsx";
import { Icon } from "../../ui/mod.tsx";
import type { Receiver } from "./fields.ts";
import { useWords } from "./words.ts";

const most = 5;

export function ReceiversInput({ receivers, error, onChange }: {
  receivers: readonly Receiver[];
  error: string | undefined;
  onChange(receivers: Receiver[]): void;
}): JSX.Element {
  const { w } = useWords();
  const set = (at: number, change: Partial<Receiver>) =>
    onChange(receivers.map((each, i) => {
      if (i !== at) return each;
      const next = { ...each, ...change };
      if (next.authorization === "") delete next.authorization;
      return next;
    }));
  return (
    <fieldset class="group">
      <legend class="label">{w("otel")}</legend>
      {receivers.map((receiver, i) => (
        <div class="boxed" key={i} role="group" aria-label={w("otel.n", { n: i + 1 })}>
          <div class="head">
            <h3>{w("otel.n", { n: i + 1 })}</h3>
            <button
              type="button"
              class="button plain icon"
              aria-label={w("otel.remove", { n: i + 1 })}
              onClick={() =>
                onChange(receivers.filter((_, at) =>
                  at !== i
                ))}
            >
              <Icon name="close" />
            </button>
          </div>
          <TextField
            label={w("otel.url")}
            hint={w("otel.url.hint")}
            type="url"
            required
            mono
            value={receiver.url}
            onChange={(url) =>
              set(i, { url })}
          />
          <div class="grid">
            <TextField
              label={w("otel.authorization")}
              hint={w("otel.authorization.hint")}
              type="password"
              autocomplete="off"
              mono
              value={receiver.authorization ?? ""}
              onChange={(authorization) => set(i, { authorization })}
            />
            <SelectField
              label={w("otel.content_type")}
              value={receiver.content_type ?? "json"}
              options={[["json", "JSON"], ["protobuf", "Protobuf"]]}
              onChange={(text) => set(i, { content_type: text as "json" | "protobuf" })}
            />
          </div>
          <Pairs
            label={w("otel.headers")}
            secret
            pairs={Object.entries(receiver.headers ?? {})}
            onChange={(pairs) => set(i, { headers: Object.fromEntries(pairs) })}
          />
        </div>
      ))}
      {error && <p class="bad" role="alert">{error}</p>}
      {receivers.length < most && (
        <div>
          <button
            type="button"
            class="button small"
            onClick={() => onChange([...receivers, { url: "", headers: {} }])}
          >
            <Icon name="plus" />
            {w("otel.add")}
          </button>
        </div>
      )}
    </fieldset>
  );
}
