/** The settings of a gateway. Only what was changed is saved. */
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { ApiFailure, call } from "../../api.ts";
import { Confirm } from "../../ui/confirm.tsx";
import { Copy, Dialog, messageOf } from "../../ui/mod.tsx";
import { Danger } from "./danger.tsx";
import { type Changes, draftOf, keepDraft } from "./drafts.ts";
import { type Gateway, isSame, type Section, sections, withoutEffect } from "./fields.ts";
import { faultOf, SettingInput } from "./setting.tsx";
import { universalExample } from "./snippets.ts";
import { useWords } from "./words.ts";

export function Settings({ gateway, path, onSaved, onGone }: {
  gateway: Gateway;
  path: string;
  onSaved(): Promise<void> | void;
  onGone(): void;
}): JSX.Element {
  const words = useWords();
  const { w, t } = words;
  const [changes, setChanges] = useState<Changes>(draftOf(gateway.id));
  const [problem, setProblem] = useState<unknown>();
  const [state, setState] = useState<"idle" | "busy" | "saved">("idle");
  const [purging, setPurging] = useState(false);
  const [purged, setPurged] = useState<number>();
  const update = (next: Changes) => {
    keepDraft(gateway.id, next);
    setChanges(next);
  };
  const set = (name: string, value: unknown) => {
    const { [name]: _, ...rest } = changes;
    update(isSame(value, gateway[name]) ? rest : { ...rest, [name]: value });
    setState("idle");
  };
  const problems = problem instanceof ApiFailure ? problem.problems : [];
  const shown = new Set<unknown>(sections.flatMap(({ settings }) => settings.map((s) => s.name)));
  const lost = problems.filter(({ path }) => !shown.has(path?.[1]));
  const count = Object.keys(changes).length;
  const isFaulty = sections.some(({ settings }) =>
    settings.some((s) => s.name in changes && faultOf(words, s, changes[s.name]) !== undefined)
  );
  const submit = async (event: Event) => {
    event.preventDefault();
    setState("busy");
    try {
      await call("PATCH", path, changes);
      setProblem(undefined);
      update({});
      await onSaved();
      setState("saved");
    } catch (error) {
      setProblem(error);
      setState("idle");
    }
  };
  const kept = withoutEffect.filter((name) => {
    const value = gateway[name];
    return value !== null && value !== undefined && value !== false;
  });
  const isChanged = gateway.source === "config+stored";
  const about = gateway.source === "stored"
    ? undefined
    : gateway.id === "default"
    ? w(isChanged ? "default.changed" : "default.none")
    : w(isChanged ? "overridden" : "overridden.none");
  return (
    <div class="settings">
      <nav class="jump" aria-label={w("sections")}>
        {sections.map(({ name }) => <a key={name} href={`#set-${name}`} onClick={jump}>{w(name)}
        </a>)}
      </nav>
      <form class="stack" onSubmit={submit}>
        {about && <p class="note">{about}</p>}
        {sections.map((section) => (
          <section class="card" key={section.name} id={`set-${section.name}`} tabIndex={-1}>
            <div class="head">
              <h2>{w(section.name)}</h2>
              {section.name === "cache" && (
                <>
                  <span role="status" aria-live="polite" class="good">
                    {purged !== undefined && w("purge.done", { count: words.number(purged) })}
                  </span>
                  <button
                    type="button"
                    class="button small"
                    onClick={() => setPurging(true)}
                  >
                    {w("purge")}
                  </button>
                </>
              )}
            </div>
            <div class="card-body stack">
              <p class="soft">{w(`${section.name}.about`)}</p>
              <div class="fields">
                {section.settings.map((setting) => (
                  <SettingInput
                    key={setting.name}
                    setting={setting}
                    value={setting.name in changes ? changes[setting.name] : gateway[setting.name]}
                    isDirty={setting.name in changes}
                    isOverridden={gateway.source === "config+stored" &&
                      gateway.overrides.includes(setting.name)}
                    problems={problems}
                    onChange={(value) => set(setting.name, value)}
                  />
                ))}
              </div>
              <Beside section={section} gateway={gateway.id} />
            </div>
          </section>
        ))}
        {kept.length > 0 && <p class="soft">{w("without", { names: kept.join(", ") })}</p>}
        <div class="save-bar" data-shown={count > 0 || state === "saved" || problem !== undefined}>
          <span role="status" aria-live="polite" class="said">
            {problem !== undefined && (problems.length === 0 || lost.length > 0)
              ? (
                <span class="bad">
                  {lost.map(({ message }) => message).join(" ") ||
                    messageOf(problem, t("error.offline"))}
                </span>
              )
              : count > 0
              ? <span class="badge warn">{w("dirty", { count })}</span>
              : state === "saved" && <span class="good">{w("saved")}</span>}
          </span>
          <button
            type="button"
            class="button"
            disabled={count === 0}
            onClick={() => {
              update({});
              setProblem(undefined);
            }}
          >
            {w("discard")}
          </button>
          <button
            type="submit"
            class="button primary"
            disabled={count === 0 || isFaulty || state === "busy"}
          >
            {t("save")}
          </button>
        </div>
      </form>
      <Danger
        gateway={gateway}
        path={path}
        onReset={async () => {
          update({});
          await onSaved();
        }}
        onGone={onGone}
      />
      {purging && (
        <Confirm
          title={w("purge")}
          action={w("purge")}
          onClose={() => setPurging(false)}
          run={async () => {
            const { result } = await call<{ purged: number }>("POST", `${path}/cache/purge`, {
              all: true,
            });
            setPurged(result.purged);
          }}
        >
          {w("purge.sure")}
        </Confirm>
      )}
    </div>
  );
}

/** The place is not a place of the router's. */
function jump(event: MouseEvent): void {
  event.preventDefault();
  const id = (event.currentTarget as HTMLAnchorElement).hash.slice(1);
  const section = document.getElementById(id);
  section?.scrollIntoView({ block: "start" });
  section?.focus({ preventScroll: true });
}

/** What belongs to a section and is no setting. */
function Beside({ section, gateway }: { section: Section; gateway: string }): JSX.Element | null {
  const { w } = useWords();
  const [open, setOpen] = useState(false);
  if (section.name !== "retries") return null;
  const example = universalExample(gateway);
  return (
    <div class="note">
      <span>{w("fallback.about")}</span>
      <div>
        <button type="button" class="button small" onClick={() => setOpen(true)}>
          {w("fallback.show")}
        </button>
      </div>
      {open && (
        <Dialog title={w("fallback")} onClose={() => setOpen(false)}>
          <pre class="code" tabIndex={0}>{example}</pre>
          <div class="row">
            <Copy text={example} />
          </div>
        </Dialog>
      )}
    </div>
  );
}
