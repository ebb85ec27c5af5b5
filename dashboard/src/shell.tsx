/** Signing in, the frame around every page, and what all pages know: gateway, language, appearance. */
import type { ComponentChildren, JSX } from "preact";
import { useEffect, useLayoutEffect, useState } from "preact/hooks";
import { call, onSignedOut, setAccount, soon } from "./api.ts";
import { earlyAnswers, forgetEarly, then } from "./early.ts";
import { type Language, LocaleContext, localeFor, useLocale } from "./i18n.ts";
import { followLinks, hrefOf, type Place, placeNow, usePlace } from "./router.ts";
import type { Word } from "./text/en.ts";
import { Failure, Field, Icon, type IconName, messageOf, Skeleton, useLoaded } from "./ui/mod.tsx";

/** What a page gets. */
export interface PageProps {
  /** Id of the gateway that is looked at. */
  gateway: string;
  place: Place;
  /** Looks at another one. */
  onGateway(id: string): void;
}

interface Session {
  signed_in: boolean;
  token: boolean;
  account?: string;
  version?: string;
  runtime?: string;
}

const pages: readonly {
  name: string;
  icon: IconName;
  load(): Promise<(props: PageProps) => JSX.Element>;
}[] = [
  {
    name: "overview",
    icon: "overview",
    load: () => import("./pages/overview.tsx").then((m) => m.Overview),
  },
  { name: "logs", icon: "logs", load: () => import("./pages/logs.tsx").then((m) => m.Logs) },
  {
    name: "gateways",
    icon: "gateways",
    load: () => import("./pages/gateways.tsx").then((m) => m.Gateways),
  },
  { name: "keys", icon: "keys", load: () => import("./pages/keys.tsx").then((m) => m.Keys) },
  {
    name: "providers",
    icon: "providers",
    load: () => import("./pages/providers.tsx").then((m) => m.Providers),
  },
  {
    name: "playground",
    icon: "playground",
    load: () => import("./pages/playground.tsx").then((m) => m.Playground),
  },
  {
    name: "health",
    icon: "health",
    load: () => import("./pages/health.tsx").then((m) => m.Health),
  },
];

type Component = (props: PageProps) => JSX.Element;
const loaded = new Map<string, Component>();
const pageOf = (name: string) => pages.find((page) => page.name === name) ?? pages[0]!;

async function load(name: string): Promise<void> {
  const page = pageOf(name);
  loaded.set(page.name, await page.load());
}

async function ask(): Promise<Session> {
  const session = await call<never>("GET", "/dashboard/session") as unknown as Session;
  if (session.account !== undefined) setAccount(session.account);
  return session;
}

/** Of who is signed in, the document says it. */
function told(): Session | undefined {
  const { state } = document.documentElement.dataset;
  if (!state) return undefined;
  const session = JSON.parse(state) as Session;
  if (session.account !== undefined) setAccount(session.account);
  return session;
}

globalThis.early ??= new Map(); // what has not been asked for by now, the page asks for

let first = told();
const asked = first === undefined ? ask().then((answer) => first = answer) : Promise.resolve(first);
const within = (ms: number, what: Promise<unknown>): Promise<unknown> =>
  Promise.race([what, new Promise((resolve) => setTimeout(resolve, ms))]);
/** What the first picture is made of; it is drawn without when that takes long. */
export const ready: Promise<unknown> = within(
  300,
  Promise.allSettled([asked, load(placeNow().page)]),
).then(() => within(100, earlyAnswers()));

type Theme = "light" | "dark" | "system";
const dark = matchMedia("(prefers-color-scheme: dark)");

function show(theme: Theme): void {
  document.documentElement.dataset.theme = theme === "system"
    ? (dark.matches ? "dark" : "light")
    : theme;
}

const kept = <T extends string>(name: string, usual: T): T =>
  (localStorage.getItem(`sluice.${name}`) as T | null) ?? usual;
const keep = (name: string, value: string): void => localStorage.setItem(`sluice.${name}`, value);
show(kept("theme", "system"));

export function App(): JSX.Element {
  const [language, setLanguage] = useState<Language>(
    kept("language", navigator.language.startsWith("zh") ? "zh" : "en"),
  );
  const [theme, setTheme] = useState<Theme>(kept("theme", "system"));
  const [session, setSession] = useState(first);
  const [error, setError] = useState<unknown>();

  const enter = (answer = ask()) => {
    setError(undefined);
    answer.then(setSession, setError);
  };
  useEffect(() => enter(asked), []);
  useLayoutEffect(() => {
    const out = () => setSession((old) => old && { ...old, signed_in: false });
    onSignedOut.add(out);
    return () => void onSignedOut.delete(out);
  }, []);
  useEffect(() => {
    show(theme);
    keep("theme", theme);
    const look = () => show(theme);
    dark.addEventListener("change", look);
    return () => dark.removeEventListener("change", look);
  }, [theme]);
  useEffect(() => {
    document.documentElement.lang = language === "zh" ? "zh-CN" : "en";
    keep("language", language);
  }, [language]);

  return (
    <LocaleContext.Provider value={localeFor(language)}>
      {error !== undefined
        ? (
          <main class="signin">
            <Failure error={error} onRetry={() => enter()} />
          </main>
        )
        : session === undefined
        ? (
          <main class="signin">
            <div class="card">
              <Skeleton />
            </div>
          </main>
        )
        : session.signed_in
        ? (
          <Frame
            session={session}
            theme={theme}
            setTheme={setTheme}
            language={language}
            setLanguage={setLanguage}
          />
        )
        : <SignIn onDone={() => enter()} />}
    </LocaleContext.Provider>
  );
}

function SignIn({ onDone }: { onDone(): void }): JSX.Element {
  const { t } = useLocale();
  const [token, setToken] = useState("");
  const [problem, setProblem] = useState<string>();
  const [busy, setBusy] = useState(false);
  const submit = async (event: Event) => {
    event.preventDefault();
    setBusy(true);
    try {
      const response = await fetch("/dashboard/session", {
        method: "POST",
        headers: { authorization: `Bearer ${token.trim()}` },
      });
      if (response.ok) return onDone();
      setProblem(
        response.status === 429
          ? t("signin.slow")
          : response.status === 401
          ? t("signin.wrong")
          : await response.text(),
      );
    } catch (error) {
      setProblem(messageOf(error, t("error.offline")));
    } finally {
      setBusy(false);
    }
  };
  return (
    <main class="signin">
      <form class="card" onSubmit={submit}>
        <div class="brand" style={{ padding: 0 }}>
          <Icon name="brand" />Sluice
        </div>
        <h1>{t("signin.title")}</h1>
        <Field label={t("signin.token")} hint={t("signin.hint")} error={problem}>
          {(given) => (
            <input
              {...given}
              class="input"
              type="password"
              autocomplete="current-password"
              required
              value={token}
              onInput={(event) => setToken(event.currentTarget.value)}
            />
          )}
        </Field>
        <button type="submit" class="button primary" disabled={busy || token.trim() === ""}>
          {t("signin.go")}
        </button>
      </form>
    </main>
  );
}

function Frame(
  { session, theme, setTheme, language, setLanguage }: {
    session: Session;
    theme: Theme;
    setTheme(theme: Theme): void;
    language: Language;
    setLanguage(language: Language): void;
  },
): JSX.Element {
  const { t } = useLocale();
  const place = usePlace();
  const [open, setOpen] = useState(false);
  const [gateway, setGateway] = useState(place.query.get("gateway") ?? kept("gateway", "default"));
  // A gateway that was made a moment ago on its page is to be there as well.
  const { value: gateways = [gateway] } = useLoaded(
    `${place.page} ${gateway}`,
    (signal) =>
      then(
        soon<{ id: string }[]>("/gateways?per_page=100", signal),
        ({ result }) => result.map(({ id }) => id),
      ),
  );
  useEffect(() => keep("gateway", gateway), [gateway]);
  useEffect(() => setOpen(false), [place.page]);

  const page = pageOf(place.page);
  const Page = loaded.get(page.name);
  useEffect(() => Page && forgetEarly(), [Page]); // it has asked
  const [, setCount] = useState(0);
  useEffect(() => {
    document.title = `${t(`nav.${page.name}` as Word)} · Sluice`;
    if (!loaded.has(page.name)) void load(page.name).then(() => setCount((n) => n + 1));
  }, [page.name, language]);

  const signOut = () => call("DELETE", "/dashboard/session").then(() => location.reload());
  return (
    <div class="shell" onClick={followLinks}>
      <a class="skip" href="#content">{t("nav.skip")}</a>
      {open && (
        <button
          type="button"
          class="scrim"
          aria-label={t("close")}
          onClick={() => setOpen(false)}
        />
      )}
      <aside class="side" data-open={open}>
        <a class="brand" href={hrefOf("overview")}>
          <Icon name="brand" />Sluice
        </a>
        <nav class="nav" aria-label={t("nav.menu")}>
          {pages.map(({ name, icon }) => (
            <a
              key={name}
              href={hrefOf(name)}
              aria-current={page.name === name ? "page" : undefined}
            >
              <Icon name={icon} />
              {t(`nav.${name}` as Word)}
            </a>
          ))}
        </nav>
        <div class="side-foot">
          <Picker
            label={t("language")}
            value={language}
            onChange={(value) => setLanguage(value as Language)}
          >
            <option value="en">English</option>
            <option value="zh">中文</option>
          </Picker>
          <Picker label={t("theme")} value={theme} onChange={(value) => setTheme(value as Theme)}>
            <option value="system">{t("theme.system")}</option>
            <option value="light">{t("theme.light")}</option>
            <option value="dark">{t("theme.dark")}</option>
          </Picker>
          <span>{session.version} · {session.runtime}</span>
          {session.token && (
            <button type="button" class="button" onClick={signOut}>{t("signout")}</button>
          )}
        </div>
      </aside>
      <div class="main">
        <header class="top">
          <button
            type="button"
            class="button plain icon only-narrow"
            aria-label={t("nav.menu")}
            aria-expanded={open}
            onClick={() => setOpen(true)}
          >
            <Icon name="menu" />
          </button>
          <Picker label={t("gateway")} value={gateway} onChange={setGateway}>
            {(gateways.includes(gateway) ? gateways : [gateway, ...gateways]).map((id) => (
              <option key={id} value={id}>{id}</option>
            ))}
          </Picker>
        </header>
        <main class="content" id="content" tabIndex={-1}>
          {Page
            ? <Page gateway={gateway} place={place} onGateway={setGateway} />
            : <Skeleton lines={6} height={20} />}
        </main>
      </div>
    </div>
  );
}

function Picker(
  { label, value, onChange, children }: {
    label: string;
    value: string;
    onChange(value: string): void;
    children: ComponentChildren;
  },
): JSX.Element {
  return (
    <label>
      <span class="hush">{label}</span>
      <select class="input" value={value} onChange={(event) => onChange(event.currentTarget.value)}>
        {children}
      </select>
    </label>
  );
}
