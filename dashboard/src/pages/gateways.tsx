import type { JSX } from "preact";
import { useLocale } from "../i18n.ts";
import type { PageProps } from "../shell.tsx";

export function Gateways(_props: PageProps): JSX.Element {
  const { t } = useLocale();
  return (
    <div class="head">
      <h1>{t("nav.gateways")}</h1>
    </div>
  );
}
