/** Providers: one's own, and all that requests may name. */
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import type { PageProps } from "../shell.tsx";
import "./keys.css";
import "./providers.css";
import { All } from "./providers/all.tsx";
import { CustomProviders } from "./providers/custom.tsx";
import { useWords } from "./providers/words.ts";

export function Providers({ gateway }: PageProps): JSX.Element {
  const { t } = useWords();
  const [round, setRound] = useState(0);
  return (
    <>
      <div class="head">
        <h1>{t("nav.providers")}</h1>
      </div>
      <CustomProviders onChanged={() => setRound(round + 1)} />
      <All gateway={gateway} round={round} />
    </>
  );
}
