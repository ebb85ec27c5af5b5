/** What forms have in common: busy while they send, and what was wrong, told at its field. */
import { useState } from "preact/hooks";
import { ApiFailure } from "../api.ts";
import { useLocale } from "../i18n.ts";
import { messageOf } from "./mod.tsx";

export interface FormState {
  busy: boolean;
  /** Of a field of the body, whatever is below it. */
  at(name: string): string | undefined;
  /** Of none of the fields that the form shows. */
  rest: string | undefined;
  error: unknown;
  clear(): void;
  /** True where it went well. */
  send(work: () => Promise<unknown>): Promise<boolean>;
}

/** @param fields Names of the fields that show what is wrong with them. */
export function useForm(fields: readonly string[]): FormState {
  const { t } = useLocale();
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>();
  const problems = error instanceof ApiFailure ? error.problems : [];
  const fieldOf = (path: readonly (string | number)[] | undefined) =>
    path?.[0] === "body" && fields.includes(String(path[1])) ? String(path[1]) : undefined;
  const placed = problems.filter(({ path }) => fieldOf(path) !== undefined);
  const lost = problems.filter(({ path }) => fieldOf(path) === undefined);
  return {
    busy,
    error,
    at: (name) =>
      placed.filter(({ path }) => fieldOf(path) === name).map(({ message }) => message).join(" ") ||
      undefined,
    rest: error === undefined
      ? undefined
      : problems.length > 0
      ? lost.map(({ message }) => message).join(" ") || undefined
      : messageOf(error, t("error.offline")),
    clear: () => setError(undefined),
    async send(work) {
      setBusy(true);
      setError(undefined);
      try {
        await work();
        return true;
      } catch (cause) {
        setError(cause);
        return false;
      } finally {
        setBusy(false);
      }
    },
  };
}
