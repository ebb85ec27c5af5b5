/** What several pages are made of. */
import type { ComponentChildren, JSX } from "preact";
import { useEffect, useId, useLayoutEffect, useRef, useState } from "preact/hooks";
import { ApiFailure } from "../api.ts";
import type { Soon } from "../early.ts";
import { useLocale } from "../i18n.ts";
import { Icon, type IconName } from "./icons.tsx";

export { Icon, type IconName };

/** A label, its input, and what there is to say of it. The input gets `id` and `aria-describedby`. */
export function Field(
  { label, hint, error, children }: {
    label: string;
    hint?: ComponentChildren;
    error?: string | undefined;
    children: (
      given: { id: string; "aria-describedby"?: string; "aria-invalid"?: boolean },
    ) => JSX.Element;
  },
): JSX.Element {
  const id = useId();
  const about = hint !== undefined || error !== undefined ? `${id}-about` : undefined;
  return (
    <div class="field">
      <label for={id}>{label}</label>
      {children({
        id,
        ...about && { "aria-describedby": about },
        ...error !== undefined && { "aria-invalid": true },
      })}
      {about && (
        <div id={about}>
          {error !== undefined && <div class="error">{error}</div>}
          {hint !== undefined && <div class="hint">{hint}</div>}
        </div>
      )}
    </div>
  );
}

/** On or off, with a plain explanation. */
export function Switch(
  { label, hint, checked, onChange }: {
    label: string;
    hint?: string;
    checked: boolean;
    onChange(on: boolean): void;
  },
): JSX.Element {
  return (
    <label class="switch">
      <input
        type="checkbox"
        role="switch"
        checked={checked}
        onChange={(event) => onChange(event.currentTarget.checked)}
      />
      <span>
        <span class="label">{label}</span>
        {hint && <span class="soft" style={{ display: "block" }}>{hint}</span>}
      </span>
    </label>
  );
}

/** A modal dialog; closes with Escape. */
export function Dialog(
  { title, onClose, children }: { title: string; onClose(): void; children: ComponentChildren },
): JSX.Element {
  const ref = useRef<HTMLDialogElement>(null);
  const id = useId();
  useEffect(() => {
    const dialog = ref.current;
    if (!dialog || dialog.open) return;
    dialog.showModal();
    // Not the button that closes it, which comes first.
    dialog.querySelector<HTMLElement>("input, select, textarea")?.focus();
  }, []);
  const { t } = useLocale();
  return (
    <dialog ref={ref} class="dialog" aria-labelledby={id} onClose={onClose}>
      <div>
        <div class="head">
          <h2 id={id}>{title}</h2>
          <button
            type="button"
            class="button plain icon"
            aria-label={t("close")}
            onClick={() => ref.current?.close()}
          >
            <Icon name="close" />
          </button>
        </div>
        {children}
      </div>
    </dialog>
  );
}

/** Text to take along. */
export function Copy({ text, label }: { text: string; label?: string }): JSX.Element {
  const { t } = useLocale();
  const [done, setDone] = useState(false);
  const copy = async () => {
    await navigator.clipboard.writeText(text);
    setDone(true);
    setTimeout(() => setDone(false), 1500);
  };
  return (
    <button type="button" class="button" onClick={copy}>
      <Icon name={done ? "check" : "copy"} />
      <span aria-live="polite">{done ? t("copied") : label ?? t("copy")}</span>
    </button>
  );
}

/** Grey bars in the shape of what is to come, so that nothing jumps. */
export function Skeleton(
  { lines = 3, height = 14 }: { lines?: number; height?: number },
): JSX.Element {
  const { t } = useLocale();
  return (
    <div class="stack" role="status" aria-label={t("loading")}>
      {Array.from(
        { length: lines },
        (_, i) => (
          <span
            class="skeleton"
            key={i}
            style={{ height: `${height}px`, width: `${100 - (i % 3) * 12}%` }}
          />
        ),
      )}
    </div>
  );
}

/** Nothing is here yet: what it will be, and how to begin. */
export function Empty(
  { title, children }: { title: string; children?: ComponentChildren },
): JSX.Element {
  return (
    <div class="empty">
      <h2>{title}</h2>
      {children}
    </div>
  );
}

/** What went wrong, in words for people, and a way on. */
export function Failure({ error, onRetry }: { error: unknown; onRetry?: () => void }): JSX.Element {
  const { t } = useLocale();
  return (
    <div class="note bad" role="alert">
      <strong>{t("error.title")}</strong>
      <span>{messageOf(error, t("error.offline"))}</span>
      {onRetry && (
        <div>
          <button type="button" class="button" onClick={onRetry}>{t("retry")}</button>
        </div>
      )}
    </div>
  );
}

/** The words of a failure. */
export function messageOf(error: unknown, offline: string): string {
  if (error instanceof ApiFailure) return error.status === 0 ? offline : error.message;
  return error instanceof Error ? error.message : String(error);
}

interface Begun<T> {
  found: Soon<T>;
  stop: AbortController;
}

function begin<T>(load: (signal: AbortSignal) => Soon<T>): Begun<T> {
  const stop = new AbortController();
  try {
    return { found: load(stop.signal), stop };
  } catch (error) {
    return { found: Promise.reject(error), stop };
  }
}

/**
 * What is loaded, again whenever `key` changes; the old value stays until the new one is there. What the
 * document has asked for is there from the beginning.
 */
export function useLoaded<T>(key: string, load: (signal: AbortSignal) => Soon<T>): {
  value: T | undefined;
  error: unknown;
  loading: boolean;
  reload(): void;
} {
  const first = useRef<Begun<T>>(undefined);
  const [state, setState] = useState<{ value?: T; error?: unknown; loading: boolean }>(() => {
    const { found } = first.current = begin(load);
    return found instanceof Promise ? { loading: true } : { value: found, loading: false };
  });
  const [round, setRound] = useState(0);
  // Before the picture is drawn, or what is asked for comes a frame later.
  useLayoutEffect(() => {
    const { found, stop } = first.current ?? begin(load);
    if (first.current === undefined) setState((old) => ({ ...old, loading: true }));
    if (first.current === undefined || found instanceof Promise) {
      Promise.resolve(found).then(
        (value) => stop.signal.aborted || setState({ value, loading: false }),
        (error) => stop.signal.aborted || setState((old) => ({ ...old, error, loading: false })),
      );
    }
    first.current = undefined;
    return () => stop.abort();
  }, [key, round]);
  return {
    value: state.value,
    error: state.error,
    loading: state.loading,
    reload: () => setRound((n) => n + 1),
  };
}
