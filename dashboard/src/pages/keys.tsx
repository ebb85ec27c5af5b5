import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { account, call, get } from "../api.ts";
import { type Dictionary, useLocale } from "../i18n.ts";
import type { PageProps } from "../shell.tsx";
import { Copy, Dialog, Empty, Failure, Field, messageOf, Skeleton, useLoaded } from "../ui/mod.tsx";

interface VirtualKey {
  id: string;
  name: string;
  preview: string;
  enabled: boolean;
  expires_at: string | null;
  last_used_at?: string | null;
  models?: string[];
  limits?: { limit: number; window: number; unit: string }[];
  key?: string;
}

interface ProviderKey {
  id: string;
  provider_slug: string;
  alias: string;
  default_config: boolean;
  secret_preview: string;
  modified_at: string;
}

const words = {
  en: {
    virtual: "Virtual keys",
    virtualHint: "What your apps use instead of a provider's key, in any SDK's field for one.",
    provider: "Provider keys",
    providerHint: "Lent to requests with a virtual key. Encrypted; nobody can read them again.",
    add: "New key",
    name: "Name",
    key: "Key",
    state: "State",
    on: "On",
    off: "Off",
    expired: "Expired",
    used: "Last used",
    never: "never",
    limits: "Limits",
    models: "Models",
    modelsHint: "One pattern per line, such as gpt-4o* or anthropic/*. Empty: all.",
    expires: "Expires",
    limit: "Requests per minute",
    limitHint: "Empty: no limit of its own.",
    made: "Your new key",
    madeHint: "Take it now: it is not shown again.",
    use: "Use it as the API key of any client of this gateway.",
    turnOff: "Turn off",
    turnOn: "Turn on",
    sure: "Delete '{name}'? Whoever uses it gets no answer any more.",
    slug: "Provider",
    alias: "Alias",
    secret: "Secret",
    secretHint: "The key as the provider gave it.",
    none: "No keys yet",
    noneVirtual: "Make one for each app, and you will know who uses what.",
    noneProvider: "Store a provider's key, and your apps need none.",
  },
  zh: {
    virtual: "虚拟密钥",
    virtualHint: "您的应用用它代替提供商的密钥，填入任何 SDK 的密钥字段即可。",
    provider: "提供商密钥",
    providerHint: "借给带有虚拟密钥的请求使用。加密保存，之后无人能再读取。",
    add: "新建密钥",
    name: "名称",
    key: "密钥",
    state: "状态",
    on: "启用",
    off: "停用",
    expired: "已过期",
    used: "上次使用",
    never: "从未",
    limits: "限制",
    models: "模型",
    modelsHint: "每行一个模式，例如 gpt-4o* 或 anthropic/*。留空表示全部。",
    expires: "过期时间",
    limit: "每分钟请求数",
    limitHint: "留空表示没有单独的限制。",
    made: "您的新密钥",
    madeHint: "请现在保存：它不会再次显示。",
    use: "把它用作本网关任何客户端的 API 密钥。",
    turnOff: "停用",
    turnOn: "启用",
    sure: "删除“{name}”？使用它的应用将无法再得到回答。",
    slug: "提供商",
    alias: "别名",
    secret: "密钥内容",
    secretHint: "提供商给您的密钥。",
    none: "还没有密钥",
    noneVirtual: "为每个应用建一个，就能知道谁用了什么。",
    noneProvider: "保存提供商的密钥，您的应用就不再需要它。",
  },
} satisfies Dictionary;

export function Keys({ gateway }: PageProps): JSX.Element {
  const { t } = useLocale();
  const base = `/gateways/${encodeURIComponent(gateway)}`;
  return (
    <>
      <div class="head">
        <h1>{t("nav.keys")}</h1>
      </div>
      <VirtualKeys base={`${base}/virtual_keys`} gateway={gateway} />
      <ProviderKeys base={`${base}/provider_configs`} />
    </>
  );
}

function VirtualKeys({ base, gateway }: { base: string; gateway: string }): JSX.Element {
  const locale = useLocale();
  const { t } = locale;
  const w = locale.of(words);
  const [adding, setAdding] = useState(false);
  const [made, setMade] = useState<VirtualKey>();
  const [problem, setProblem] = useState<unknown>();
  const { value, error, reload } = useLoaded(
    base,
    (signal) => get<VirtualKey[]>(`${base}?per_page=100`, signal),
  );
  const change = (work: Promise<unknown>) => work.then(reload, setProblem);
  const stateOf = ({ enabled, expires_at }: VirtualKey) =>
    expires_at !== null && Date.parse(expires_at) <= Date.now()
      ? <span class="badge warn">{w("expired")}</span>
      : <span class={`badge ${enabled ? "good" : ""}`}>{w(enabled ? "on" : "off")}</span>;
  return (
    <section class="card">
      <div class="head">
        <h2>{w("virtual")}</h2>
        <button type="button" class="button primary" onClick={() => setAdding(true)}>
          {w("add")}
        </button>
      </div>
      <div class="card-body stack">
        <p class="soft">{w("virtualHint")}</p>
        {problem !== undefined && <Failure error={problem} />}
        {value === undefined
          ? error === undefined ? <Skeleton /> : <Failure error={error} onRetry={reload} />
          : value.result.length === 0
          ? <Empty title={w("none")}>{w("noneVirtual")}</Empty>
          : (
            <div class="table-wrap" tabIndex={0}>
              <table class="table">
                <thead>
                  <tr>
                    <th>{w("name")}</th>
                    <th>{w("key")}</th>
                    <th>{w("state")}</th>
                    <th>{w("models")}</th>
                    <th>{w("limits")}</th>
                    <th>{w("used")}</th>
                    <th>
                      <span class="hush">{t("delete")}</span>
                    </th>
                  </tr>
                </thead>
                <tbody>
                  {value.result.map((one) => (
                    <tr key={one.id}>
                      <td>{one.name}</td>
                      <td class="mono">{one.preview}</td>
                      <td>{stateOf(one)}</td>
                      <td>{one.models?.join(", ") ?? "*"}</td>
                      <td>
                        {one.limits?.map(({ limit, unit, window }) =>
                          `${limit} ${unit} / ${window} s`
                        )
                          .join(", ") ?? "–"}
                      </td>
                      <td>{one.last_used_at ? locale.time(one.last_used_at) : w("never")}</td>
                      <td>
                        <div class="row">
                          <button
                            type="button"
                            class="button"
                            onClick={() =>
                              change(call("PATCH", `${base}/${one.id}`, { enabled: !one.enabled }))}
                          >
                            {w(one.enabled ? "turnOff" : "turnOn")}
                          </button>
                          <button
                            type="button"
                            class="button danger"
                            onClick={() =>
                              confirm(w("sure", { name: one.name })) &&
                              change(call("DELETE", `${base}/${one.id}`))}
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
        <NewVirtualKey
          base={base}
          onClose={() => setAdding(false)}
          onMade={(key) => {
            setAdding(false);
            setMade(key);
            reload();
          }}
        />
      )}
      {made !== undefined && (
        <Dialog title={w("made")} onClose={() => setMade(undefined)}>
          <p class="soft">{w("madeHint")}</p>
          <pre class="code wrap" tabIndex={0}>{made.key}</pre>
          <div class="row">
            <Copy text={made.key ?? ""} />
          </div>
          <p class="soft">{w("use")}</p>
          <pre class="code wrap" tabIndex={0}>
            {`curl ${location.origin}/v1/${account}/${gateway}/compat/chat/completions \\\n` +
              `  -H "Authorization: Bearer ${made.key}" …`}
          </pre>
        </Dialog>
      )}
    </section>
  );
}

function NewVirtualKey(
  { base, onClose, onMade }: { base: string; onClose(): void; onMade(key: VirtualKey): void },
): JSX.Element {
  const locale = useLocale();
  const { t } = locale;
  const w = locale.of(words);
  const [name, setName] = useState("");
  const [models, setModels] = useState("");
  const [expires, setExpires] = useState("");
  const [limit, setLimit] = useState("");
  const [problem, setProblem] = useState<unknown>();
  const submit = async (event: Event) => {
    event.preventDefault();
    const globs = models.split("\n").map((line) => line.trim()).filter(Boolean);
    try {
      const { result } = await call<VirtualKey>("POST", base, {
        name,
        ...globs.length > 0 && { models: globs },
        ...expires !== "" && { expires_at: new Date(expires).toISOString() },
        ...limit !== "" && { limits: [{ limit: Number(limit), window: 60, unit: "requests" }] },
      });
      onMade(result);
    } catch (error) {
      setProblem(error);
    }
  };
  return (
    <Dialog title={w("add")} onClose={onClose}>
      <form class="stack" onSubmit={submit}>
        <Field label={w("name")}>
          {(given) => (
            <input
              {...given}
              class="input"
              required
              maxLength={256}
              value={name}
              onInput={(event) => setName(event.currentTarget.value)}
            />
          )}
        </Field>
        <Field label={w("models")} hint={w("modelsHint")}>
          {(given) => (
            <textarea
              {...given}
              class="input mono"
              value={models}
              onInput={(event) => setModels(event.currentTarget.value)}
            />
          )}
        </Field>
        <Field label={w("limit")} hint={w("limitHint")}>
          {(given) => (
            <input
              {...given}
              class="input"
              type="number"
              min="1"
              value={limit}
              onInput={(event) => setLimit(event.currentTarget.value)}
            />
          )}
        </Field>
        <Field label={w("expires")}>
          {(given) => (
            <input
              {...given}
              class="input"
              type="datetime-local"
              value={expires}
              onInput={(event) => setExpires(event.currentTarget.value)}
            />
          )}
        </Field>
        {problem !== undefined && (
          <p class="bad" role="alert">{messageOf(problem, t("error.offline"))}</p>
        )}
        <div class="row end">
          <button type="button" class="button" onClick={onClose}>{t("cancel")}</button>
          <button type="submit" class="button primary">{w("add")}</button>
        </div>
      </form>
    </Dialog>
  );
}

function ProviderKeys({ base }: { base: string }): JSX.Element {
  const locale = useLocale();
  const { t } = locale;
  const w = locale.of(words);
  const [adding, setAdding] = useState(false);
  const [problem, setProblem] = useState<unknown>();
  const { value, error, reload } = useLoaded(
    base,
    (signal) => get<ProviderKey[]>(`${base}?per_page=100`, signal),
  );
  return (
    <section class="card">
      <div class="head">
        <h2>{w("provider")}</h2>
        <button type="button" class="button primary" onClick={() => setAdding(true)}>
          {w("add")}
        </button>
      </div>
      <div class="card-body stack">
        <p class="soft">{w("providerHint")}</p>
        {problem !== undefined && <Failure error={problem} />}
        {value === undefined
          ? error === undefined ? <Skeleton /> : <Failure error={error} onRetry={reload} />
          : value.result.length === 0
          ? <Empty title={w("none")}>{w("noneProvider")}</Empty>
          : (
            <div class="table-wrap" tabIndex={0}>
              <table class="table">
                <thead>
                  <tr>
                    <th>{w("slug")}</th>
                    <th>{w("alias")}</th>
                    <th>{w("key")}</th>
                    <th>
                      <span class="hush">{t("delete")}</span>
                    </th>
                  </tr>
                </thead>
                <tbody>
                  {value.result.map((one) => (
                    <tr key={one.id}>
                      <td>{one.provider_slug}</td>
                      <td>{one.alias}</td>
                      <td class="mono">{one.secret_preview}</td>
                      <td>
                        <button
                          type="button"
                          class="button danger"
                          onClick={() =>
                            confirm(w("sure", { name: `${one.provider_slug} ${one.alias}` })) &&
                            call("DELETE", `${base}/${one.id}`).then(reload, setProblem)}
                        >
                          {t("delete")}
                        </button>
                      </td>
                    </tr>
                  ))}
                </tbody>
              </table>
            </div>
          )}
      </div>
      {adding && (
        <NewProviderKey
          base={base}
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

function NewProviderKey(
  { base, onClose, onMade }: { base: string; onClose(): void; onMade(): void },
): JSX.Element {
  const locale = useLocale();
  const { t } = locale;
  const w = locale.of(words);
  const [form, setForm] = useState({ provider_slug: "openai", alias: "default", secret: "" });
  const [problem, setProblem] = useState<unknown>();
  const { value: providers } = useLoaded(
    "providers",
    (signal) => get<{ slug: string }[]>("/providers?per_page=1000", signal),
  );
  const submit = async (event: Event) => {
    event.preventDefault();
    try {
      await call("POST", base, { ...form, default_config: form.alias === "default" });
      onMade();
    } catch (error) {
      setProblem(error);
    }
  };
  return (
    <Dialog title={w("add")} onClose={onClose}>
      <form class="stack" onSubmit={submit}>
        <Field label={w("slug")}>
          {(given) => (
            <select
              {...given}
              class="input"
              value={form.provider_slug}
              onChange={(event) => setForm({ ...form, provider_slug: event.currentTarget.value })}
            >
              {(providers?.result ?? [{ slug: "openai" }]).map(({ slug }) => (
                <option key={slug} value={slug}>{slug}</option>
              ))}
            </select>
          )}
        </Field>
        <Field label={w("alias")}>
          {(given) => (
            <input
              {...given}
              class="input"
              required
              value={form.alias}
              onInput={(event) => setForm({ ...form, alias: event.currentTarget.value })}
            />
          )}
        </Field>
        <Field label={w("secret")} hint={w("secretHint")}>
          {(given) => (
            <input
              {...given}
              class="input"
              type="password"
              autocomplete="off"
              required
              value={form.secret}
              onInput={(event) => setForm({ ...form, secret: event.currentTarget.value })}
            />
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
