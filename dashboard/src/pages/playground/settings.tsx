/** What is asked of all models alike. */
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { AreaField, TextField } from "../../ui/input.tsx";
import { Switch } from "../../ui/mod.tsx";
import { exampleTools } from "./talk.ts";
import type { Words } from "./words.ts";

export interface Form {
  models: string[];
  system: string;
  stream: boolean;
  temperature: string;
  max: string;
  tools: string;
}

export const usual: Form = {
  models: ["openai/gpt-4o-mini"],
  system: "",
  stream: true,
  temperature: "",
  max: "1024",
  tools: "",
};

export function Settings({ form, set, providerKey, setKey, wrong, words: { w } }: {
  form: Form;
  set(change: Partial<Form>): void;
  providerKey: string;
  setKey(key: string): void;
  /** What is wrong with the tools. */
  wrong: string | undefined;
  words: Words;
}): JSX.Element {
  const [isOpen] = useState(wrong !== undefined); // and then as the reader has it
  return (
    <details class="card play-settings" open={isOpen}>
      <summary>
        <h2>{w("settings")}</h2>
      </summary>
      <div class="card-body halves">
        <div class="stack">
          <AreaField
            label={w("system")}
            value={form.system}
            onChange={(system) => set({ system })}
          />
          <div class="halves">
            <TextField
              label={w("temperature")}
              type="number"
              min={0}
              max={2}
              step="any"
              value={form.temperature}
              onChange={(temperature) => set({ temperature })}
            />
            <TextField
              label={w("max")}
              type="number"
              min={1}
              value={form.max}
              onChange={(max) => set({ max })}
            />
          </div>
          <TextField
            label={w("key")}
            hint={w("keyHint")}
            type="password"
            autocomplete="off"
            value={providerKey}
            onChange={setKey}
          />
          <Switch
            label={w("stream")}
            checked={form.stream}
            onChange={(stream) => set({ stream })}
          />
        </div>
        <div class="stack">
          <AreaField
            label={w("tools")}
            hint={w("toolsHint")}
            error={wrong && w("toolsWrong", { why: wrong })}
            rows={9}
            value={form.tools}
            onChange={(tools) => set({ tools })}
          />
          {form.tools === "" && (
            <div>
              <button
                type="button"
                class="button small"
                onClick={() => set({ tools: exampleTools })}
              >
                {w("toolsExample")}
              </button>
            </div>
          )}
        </div>
      </div>
    </details>
  );
}
