import type { JSX } from "preact";
import { useLocale } from "../i18n.ts";
import type { PageProps } from "../shell.tsx";

export function Logs(_props: PageProps): JSX.Element {
  const { t } = useLocale();
  return (
    <div class="head">
      <h1>{t("nav.logs")}</h1>
    </div>
  );
}
