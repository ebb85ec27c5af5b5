/** Going back to the configuration, or deleting the gateway. */
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { call } from "../../api.ts";
import { Confirm } from "../../ui/confirm.tsx";
import { keepDraft } from "./drafts.ts";
import type { Gateway } from "./fields.ts";
import { useWords } from "./words.ts";

export function Danger({ gateway, path, onReset, onGone }: {
  gateway: Gateway;
  path: string;
  onReset(): Promise<void> | void;
  onGone(): void;
}): JSX.Element | null {
  const { w } = useWords();
  const [asked, setAsked] = useState(false);
  const { id, source, overrides } = gateway;
  if (source === "config") return null;
  const goes = source === "stored";
  const action = w(goes ? "remove" : "reset");
  return (
    <section class="card danger-zone">
      <div class="head">
        <h2>{w(goes ? "danger" : "danger.reset")}</h2>
      </div>
      <div class="card-body row">
        <p class="soft grow">
          {goes ? w("remove.about") : w("reset.about", { count: overrides.length })}
        </p>
        <button type="button" class="button danger" onClick={() => setAsked(true)}>{action}</button>
      </div>
      {asked && (
        <Confirm
          title={action}
          action={action}
          {...goes && { typed: id }}
          onClose={() => setAsked(false)}
          run={async () => {
            await call("DELETE", path);
            keepDraft(id, {});
            if (goes) onGone();
            else await onReset();
          }}
        >
          {goes ? w("remove.sure", { name: id }) : (
            <>
              <p>{w("reset.sure")}</p>
              <ul class="bare mono">
                {overrides.map((name) => <li key={name}>{name}</li>)}
              </ul>
            </>
          )}
        </Confirm>
      )}
    </section>
  );
}
