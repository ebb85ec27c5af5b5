/** Keys of a gateway: those that callers show, and those that providers are shown. */
import type { JSX } from "preact";
import { go, hrefOf } from "../router.ts";
import type { PageProps } from "../shell.tsx";
import { Tabs } from "../ui/tabs.tsx";
import "./keys.css";
import { ProviderKeys } from "./keys/provider.tsx";
import { VirtualKeys } from "./keys/virtual.tsx";
import { useWords } from "./keys/words.ts";

const tabs = ["virtual", "provider"] as const;

export function Keys({ gateway, place }: PageProps): JSX.Element {
  const { w, t } = useWords();
  /** `virtual`, or the provider that a key is to be stored for. */
  const adding = place.query.get("add") ?? undefined;
  const asked = adding === undefined || adding === "virtual" ? place.rest : "provider";
  const tab = asked === "provider" ? "provider" : "virtual";
  return (
    <>
      <div class="head">
        <h1>{t("nav.keys")}</h1>
      </div>
      <Tabs
        label={w("tabs")}
        tabs={tabs.map((name) => ({ name, title: w(name) }))}
        value={tab}
        onChange={(name) => go(hrefOf("keys", name === "virtual" ? "" : name), true)}
      >
        {tab === "virtual"
          ? <VirtualKeys key={gateway} gateway={gateway} adding={adding !== undefined} />
          : <ProviderKeys key={gateway} gateway={gateway} adding={adding} />}
      </Tabs>
    </>
  );
}
