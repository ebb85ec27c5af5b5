/**
 * Who changed what: `audit_logs` of the account and of a gateway. Sluice's own, beside Cloudflare's API.
 *
 * @module
 */
import type { Host } from "../host.ts";
import { AuditLog, type AuditRow } from "../settings/audit.ts";
import { digestKey, type Json } from "../storage/ports.ts";
import type { Result } from "./answer.ts";
import type { Call, Resource } from "./resource.ts";
import { pageOf } from "./schema.ts";
import { listQueryOf } from "./schema-settings.ts";

/** `audit_logs`. */
export const audit: Resource = {
  "GET audit_logs": list,
  "GET gateways/:gateway/audit_logs": list,
};

/** What a handler tells of a change. */
export interface Change {
  action: AuditRow["action"];
  /** Without `ai_gateway.` in front. */
  type: string;
  id: string;
  /** Empty for what belongs to the account. */
  gateway?: string;
  old?: unknown;
  new?: unknown;
}

/** Writes down a change that was made; never rejects. */
export type Audit = (change: Change) => Promise<void>;

/** The writer for requests of one client. */
export function auditBy(host: Host, log: AuditLog, actor: string, ip: string | undefined): Audit {
  return async (change) => {
    try {
      await log.add({
        actor,
        ip: ip ?? null,
        action: change.action,
        resource_type: `ai_gateway.${change.type}`,
        resource_id: change.id,
        gateway_id: change.gateway ?? "",
        old: (change.old ?? null) as Json,
        new: (change.new ?? null) as Json,
      });
    } catch (error) {
      // The change is made: the operator learns of it here at least.
      host.report(
        `A change has no row in the audit log: ${actor} ${change.action} ${change.type} '${change.id}'`,
        error,
      );
    }
  };
}

/** Who somebody with the token is; the token itself is told to nobody. */
export async function actorOf(token: string | undefined): Promise<string> {
  return token ? `token:${(await digestKey(token)).slice(0, 12)}` : "loopback";
}

async function list({ host, params: { gateway }, query }: Call): Promise<Result> {
  const { page, per_page, offset, limit } = pageOf(query, 100);
  const { action, actor, resource_type, resource_id } = listQueryOf(query);
  const { rows, total } = await new AuditLog(host.stores.keys, host.now).list(
    { ...gateway !== "" && { gateway }, action, actor, resource_type, resource_id },
    { offset, limit },
  );
  return { result: rows, info: { page, per_page, count: rows.length, total_count: total } };
}
