import { type Locale, useLocale } from "../../i18n.ts";
import { en } from "../../text/providers.en.ts";
import { zh } from "../../text/providers.zh.ts";

export type Name = keyof typeof en;

/** The page's own words, and the common ones. */
export function useWords(): Locale & {
  w(name: Name, values?: Record<string, string | number>): string;
} {
  const locale = useLocale();
  return { ...locale, w: locale.of({ en, zh }) };
}
