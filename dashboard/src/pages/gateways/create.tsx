import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { account, ApiFailure, call } from "../../api.ts";
import { useForm } from "../../ui/form.ts";
import { TextField } from "../../ui/input.tsx";
import { Dialog, Switch } from "../../ui/mod.tsx";
import { useWords } from "./words.ts";

export function NewGateway(
  { onClose, onMade }: { onClose(): void; onMade(id: string): void },
): JSX.Element {
  const { w, t } = useWords();
  const form = useForm(["id", "cache_ttl"]);
  const [id, setId] = useState("");
  const [left, setLeft] = useState(false);
  const [authentication, setAuthentication] = useState(false);
  const [cache, setCache] = useState("0");
  const isId = /^[a-z0-9_]+(?:-[a-z0-9_]+)*$/.test(id) && id.length <= 64;
  const isTaken = form.error instanceof ApiFailure && form.error.status === 409;
  const submit = async (event: Event) => {
    event.preventDefault();
    setLeft(true);
    if (!isId) return;
    const done = await form.send(() =>
      call("POST", "/gateways", {
        id,
        authentication,
        cache_ttl: Number(cache),
        // What Cloudflare asks for in every one.
        cache_invalidate_on_update: false,
        collect_logs: true,
        rate_limiting_interval: 60,
        rate_limiting_limit: 0,
      })
    );
    if (done) onMade(id);
  };
  return (
    <Dialog title={w("add")} onClose={onClose}>
      <form class="stack" onSubmit={submit} noValidate>
        <TextField
          label={w("id")}
          hint={`${w("id.rule")} ${w("id.hint")}`}
          error={left && !isId ? w("id.rule") : isTaken ? w("id.taken") : form.at("id")}
          mono
          autocomplete="off"
          maxLength={64}
          value={id}
          onBlur={() => setLeft(id !== "")}
          onChange={(text) => {
            // As people write names.
            setId(text.toLowerCase().replace(/\s+/g, "-"));
            form.clear();
          }}
        />
        <Switch
          label={w("create.auth")}
          hint={w("create.auth.hint")}
          checked={authentication}
          onChange={setAuthentication}
        />
        <TextField
          label={w("create.cache")}
          hint={w("create.cache.hint")}
          error={form.at("cache_ttl")}
          type="number"
          min={0}
          value={cache}
          onChange={setCache}
        />
        {isId && (
          <p class="soft">
            {w("create.url")} <code>{`${location.origin}/v1/${account}/${id}`}</code>
          </p>
        )}
        {form.rest && !isTaken && <p class="bad" role="alert">{form.rest}</p>}
        <div class="row end">
          <button type="button" class="button" onClick={onClose}>{t("cancel")}</button>
          <button type="submit" class="button primary" disabled={form.busy}>{w("create")}</button>
        </div>
      </form>
    </Dialog>
  );
}
