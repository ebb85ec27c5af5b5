import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { call, get } from "../api.ts";
import { type Dictionary, useLocale } from "../i18n.ts";
import type { PageProps } from "../shell.tsx";
import { Dialog, Empty, Failure, Field, messageOf, Skeleton, useLoaded } from "../ui/mod.tsx";

interface Provider {
  slug: string;
  aliases?: string[];
  base_url: string;
  format: string;
  source: string;
}

interface Custom {
  id: string;
  name: string;
  slug: string;
  requested_as: string;
  base_url: string;
  enable: boolean;
}

const words = {
  en: {
    custom: "Custom providers",
    customHint: "Any server with an API of a known format; asked for as custom-<slug>/model.",
    add: "New provider",
    name: "Name",
    slug: "Slug",
    url: "Base URL",
    urlHint: "https, or this machine. With the version segment where there is one.",
    format: "Format",
    state: "State",
    on: "On",
    off: "Off",
    turnOff: "Turn off",
    turnOn: "Turn on",
    sure: "Delete '{name}'?",
    none: "None yet",
    noneHint: "Your own model server, or a provider that is not in the list below.",
    builtin: "All providers",
    search: "Search",
    also: "also {names}",
  },
  zh: {
    custom: "自定义提供商",
    customHint: "任何使用已知格式 API 的服务器；以 custom-<slug>/模型 的形式请求。",
    add: "新建提供商",
    name: "名称",
    slug: "标识",
    url: "基础 URL",
    urlHint: "https 或本机地址；如有版本段请包含在内。",
    format: "格式",
    state: "状态",
    on: "启用",
    off: "停用",
    turnOff: "停用",
    turnOn: "启用",
    sure: "删除“{name}”？",
    none: "还没有",
    noneHint: "您自己的模型服务器，或下方列表中没有的提供商。",
    builtin: "所有提供商",
    search: "搜索",
    also: "亦称 {names}",
  },
} satisfies Dictionary;

const formats = ["openai-chat", "openai-responses", "anthropic-messages", "gemini", "cohere-v2"];

export function Providers(_props: PageProps): JSX.Element {
  const locale = useLocale();
  const { t } = locale;
  return (
    <>
      <div class="head">
        <h1>{t("nav.providers")}</h1>
      </div>
      <CustomProviders />
      <All />
    </>
  );
}

function CustomProviders(): JSX.Element {
  const locale = useLocale();
  const { t } = locale;
  const w = locale.of(words);
  const [adding, setAdding] = useState(false);
  const [problem, setProblem] = useState<unknown>();
  const { value, error, reload } = useLoaded(
    "custom",
    (signal) => get<Custom[]>("/custom-providers?per_page=100", signal),
  );
  const change = (work: Promise<unknown>) => work.then(reload, setProblem);
  return (
    <section class="card">
      <div class="head">
        <h2>{w("custom")}</h2>
        <button type="button" class="button primary" onClick={() => setAdding(true)}>
          {w("add")}
        </button>
      </div>
      <div class="card-body stack">
        <p class="soft">{w("customHint")}</p>
        {problem !== undefined && <Failure error={problem} />}
        {value === undefined
          ? error === undefined ? <Skeleton /> : <Failure error={error} onRetry={reload} />
          : value.result.length === 0
          ? <Empty title={w("none")}>{w("noneHint")}</Empty>
          : (
            <div class="table-wrap" tabIndex={0}>
              <table class="table">
                <thead>
                  <tr>
                    <th>{w("name")}</th>
                    <th>{w("slug")}</th>
                    <th>{w("url")}</th>
                    <th>{w("state")}</th>
                    <th>
                      <span class="hush">{t("delete")}</span>
                    </th>
                  </tr>
                </thead>
                <tbody>
                  {value.result.map((one) => (
                    <tr key={one.id}>
                      <td>{one.name}</td>
                      <td class="mono">{one.requested_as}</td>
                      <td class="mono">{one.base_url}</td>
                      <td>
                        <span class={`badge ${one.enable ? "good" : ""}`}>
                          {w(one.enable ? "on" : "off")}
                        </span>
                      </td>
                      <td>
                        <div class="row">
                          <button
                            type="button"
                            class="button"
                            onClick={() =>
                              change(call("PATCH", `/custom-providers/${one.id}`, {
                                enable: !one.enable,
                              }))}
                          >
                            {w(one.enable ? "turnOff" : "turnOn")}
                          </button>
                          <button
                            type="button"
                            class="button danger"
                            onClick={() =>
                              confirm(w("sure", { name: one.name })) &&
                              change(call("DELETE", `/custom-providers/${one.id}`))}
                          >
                            {t("delete")}
                          </button>
                        </div>
                      </td>
                    </tr>
                  ))}
                </tbody>
              </table>
            </div>
          )}
      </div>
      {adding && (
        <NewProvider
          onClose={() => setAdding(false)}
          onMade={() => {
            setAdding(false);
            reload();
          }}
        />
      )}
    </section>
  );
}

function NewProvider({ onClose, onMade }: { onClose(): void; onMade(): void }): JSX.Element {
  const locale = useLocale();
  const { t } = locale;
  const w = locale.of(words);
  const [form, setForm] = useState({ name: "", slug: "", base_url: "", format: "openai-chat" });
  const [problem, setProblem] = useState<unknown>();
  const submit = async (event: Event) => {
    event.preventDefault();
    try {
      await call("POST", "/custom-providers", { ...form, enable: true });
      onMade();
    } catch (error) {
      setProblem(error);
    }
  };
  const text = (name: "name" | "slug" | "base_url", hint?: string) => (
    <Field label={w(name === "base_url" ? "url" : name)} {...hint !== undefined && { hint }}>
      {(given) => (
        <input
          {...given}
          class="input"
          required
          value={form[name]}
          onInput={(event) => setForm({ ...form, [name]: event.currentTarget.value })}
        />
      )}
    </Field>
  );
  return (
    <Dialog title={w("add")} onClose={onClose}>
      <form class="stack" onSubmit={submit}>
        {text("name")}
        {text("slug")}
        {text("base_url", w("urlHint"))}
        <Field label={w("format")}>
          {(given) => (
            <select
              {...given}
              class="input"
              value={form.format}
              onChange={(event) => setForm({ ...form, format: event.currentTarget.value })}
            >
              {formats.map((name) => <option key={name} value={name}>{name}</option>)}
            </select>
          )}
        </Field>
        {problem !== undefined && (
          <p class="bad" role="alert">{messageOf(problem, t("error.offline"))}</p>
        )}
        <div class="row end">
          <button type="button" class="button" onClick={onClose}>{t("cancel")}</button>
          <button type="submit" class="button primary">{t("save")}</button>
        </div>
      </form>
    </Dialog>
  );
}

function All(): JSX.Element {
  const locale = useLocale();
  const w = locale.of(words);
  const [sought, setSought] = useState("");
  const { value, error, reload } = useLoaded(
    "providers",
    (signal) => get<Provider[]>("/providers?per_page=1000", signal),
  );
  const found = value?.result.filter(({ slug, aliases = [] }) =>
    [slug, ...aliases].some((name) => name.includes(sought.trim().toLowerCase()))
  );
  return (
    <section class="card">
      <div class="head">
        <h2>{w("builtin")}</h2>
      </div>
      <div class="card-body stack">
        <Field label={w("search")}>
          {(given) => (
            <input
              {...given}
              class="input"
              type="search"
              value={sought}
              onInput={(event) => setSought(event.currentTarget.value)}
            />
          )}
        </Field>
        {found === undefined
          ? error === undefined
            ? <Skeleton lines={8} />
            : <Failure error={error} onRetry={reload} />
          : (
            <div class="table-wrap" tabIndex={0}>
              <table class="table">
                <thead>
                  <tr>
                    <th>{w("slug")}</th>
                    <th>{w("url")}</th>
                    <th>{w("format")}</th>
                  </tr>
                </thead>
                <tbody>
                  {found.map(({ slug, aliases = [], base_url, format }) => (
                    <tr key={slug}>
                      <td>
                        {slug}
                        {aliases.length > 0 && (
                          <span class="soft">{` ${w("also", { names: aliases.join(", ") })}`}</span>
                        )}
                      </td>
                      <td class="mono">{base_url}</td>
                      <td class="mono">{format}</td>
                    </tr>
                  ))}
                </tbody>
              </table>
            </div>
          )}
      </div>
    </section>
  );
}
