/** Asks once more before something goes that does not come back. */
import type { ComponentChildren, JSX } from "preact";
import { useState } from "preact/hooks";
import { type Dictionary, useLocale } from "../i18n.ts";
import { Dialog, Field, messageOf } from "./mod.tsx";

const words = {
  en: { type: "Type {name} to confirm" },
  zh: { type: "输入 {name} 以确认" },
} satisfies Dictionary;

/** @param typed What must be typed first; a press is enough without it. */
export function Confirm({ title, action, typed, onClose, run, children }: {
  title: string;
  action: string;
  typed?: string;
  onClose(): void;
  /** What is done; the dialog stays, and says why, while it does not succeed. */
  run(): Promise<unknown>;
  children: ComponentChildren;
}): JSX.Element {
  const locale = useLocale();
  const { t } = locale;
  const w = locale.of(words);
  const [text, setText] = useState("");
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<unknown>();
  const submit = async (event: Event) => {
    event.preventDefault();
    setBusy(true);
    try {
      await run();
      onClose();
    } catch (error) {
      setProblem(error);
      setBusy(false);
    }
  };
  return (
    <Dialog title={title} onClose={onClose}>
      <form class="stack" onSubmit={submit}>
        <div class="soft">{children}</div>
        {typed !== undefined && (
          <Field label={w("type", { name: typed })}>
            {(given) => (
              <input
                {...given}
                class="input mono"
                autocomplete="off"
                spellcheck={false}
                value={text}
                onInput={(event) => setText(event.currentTarget.value)}
              />
            )}
          </Field>
        )}
        {problem !== undefined && (
          <p class="bad" role="alert">{messageOf(problem, t("error.offline"))}</p>
        )}
        <div class="row end">
          <button type="button" class="button" onClick={onClose}>{t("cancel")}</button>
          <button
            type="submit"
            class="button destroy"
            disabled={busy || (typed !== undefined && text.trim() !== typed)}
          >
            {action}
          </button>
        </div>
      </form>
    </Dialog>
  );
}
