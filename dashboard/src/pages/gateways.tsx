/** All gateways; or one of them: how to reach it, its settings, and who changed them. */
import type { JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { get } from "../api.ts";
import { go, hrefOf } from "../router.ts";
import type { PageProps } from "../shell.tsx";
import { Failure, Skeleton, useLoaded } from "../ui/mod.tsx";
import { Tabs } from "../ui/tabs.tsx";
import "./gateways.css";
import { Audit } from "./gateways/audit.tsx";
import { Connect } from "./gateways/connect.tsx";
import type { Gateway } from "./gateways/fields.ts";
import { List } from "./gateways/list.tsx";
import { Settings } from "./gateways/settings.tsx";
import { useWords } from "./gateways/words.ts";

const tabs = ["connect", "settings", "audit"] as const;

export function Gateways({ gateway, place, onGateway }: PageProps): JSX.Element {
  const id = place.rest;
  const isFirst = useRef(true);
  // Who chooses another one in the bar is taken to it.
  useEffect(() => {
    if (!isFirst.current && id !== "" && id !== gateway) {
      go(hrefOf("gateways", gateway, Object.fromEntries(place.query)), true);
    }
    isFirst.current = false;
  }, [gateway]);
  if (id !== "") {
    return <One key={id} id={id} gateway={gateway} place={place} onGateway={onGateway} />;
  }
  return (
    <List
      onMade={(made) => {
        onGateway(made);
        go(hrefOf("gateways", made));
      }}
    />
  );
}

function One(
  { id, gateway, place, onGateway }: PageProps & { id: string },
): JSX.Element {
  const { w } = useWords();
  const path = `/gateways/${encodeURIComponent(id)}`;
  const { value, error, reload } = useLoaded(path, (signal) => get<Gateway>(path, signal));
  const before = useRef(gateway);
  // The one of the address is the one that is looked at, once it is known to be there; whoever has chosen
  // another one since then is on the way to it.
  useEffect(() => {
    if (value !== undefined && gateway === before.current) onGateway(id);
  }, [value !== undefined]);
  const asked = place.query.get("tab");
  const tab = tabs.find((name) => name === asked) ?? "connect";
  return (
    <>
      <div class="crumbs">
        <a href={hrefOf("gateways")}>{w("back")}</a>
      </div>
      <div class="head">
        <h1>{id}</h1>
      </div>
      <Tabs
        label={w("tabs")}
        tabs={tabs.map((name) => ({ name, title: w(name) }))}
        value={tab}
        onChange={(name) => go(hrefOf("gateways", id, { tab: name }), true)}
      >
        {value === undefined
          ? error === undefined
            ? <Skeleton lines={8} height={36} />
            : <Failure error={error} onRetry={reload} />
          : tab === "connect"
          ? (
            <Connect
              gateway={id}
              authentication={value.result.authentication}
              asked={place.query.get("provider") ?? ""}
            />
          )
          : tab === "audit"
          ? <Audit path={path} />
          : (
            <Settings
              gateway={value.result}
              path={path}
              onSaved={reload}
              onGone={() => {
                onGateway("default");
                go(hrefOf("gateways"));
              }}
            />
          )}
      </Tabs>
    </>
  );
}
