/** Cloudflare Access in front of the gateway. */
import type { JSX } from "preact";
import { TextField } from "../../ui/input.tsx";
import { Switch } from "../../ui/mod.tsx";
import type { Access } from "./fields.ts";
import { useWords } from "./words.ts";

export function AccessInput({ access, error, onChange }: {
  access: Access | null;
  error: string | undefined;
  onChange(access: Access | null): void;
}): JSX.Element {
  const { w } = useWords();
  return (
    <div class="stack">
      <Switch
        label={w("access.switch")}
        hint={w("access.switch.hint")}
        checked={access !== null}
        onChange={(on) => onChange(on ? { team_domain: "", audience: "" } : null)}
      />
      {access !== null && (
        <div class="grid">
          <TextField
            label={w("access.team")}
            type="url"
            required
            mono
            placeholder="https://team.cloudflareaccess.com"
            error={error}
            value={access.team_domain}
            onChange={(team_domain) => onChange({ ...access, team_domain })}
          />
          <TextField
            label={w("access.audience")}
            hint={w("access.audience.hint")}
            required
            mono
            value={[access.audience].flat().join(",")}
            onChange={(text) =>
              onChange({ ...access, audience: text.includes(",") ? text.split(",") : text })}
          />
        </div>
      )}
    </div>
  );
}
