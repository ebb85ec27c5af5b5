/** A gateway over a `fetch` that records what it is asked and answers as told. */
import { createGateway, type Gateway, type GatewayOptions } from "../../mod.ts";

export interface Sent {
  url: string;
  method: string;
  headers: Record<string, string>;
  body: string;
}

export interface Recording {
  gateway: Gateway;
  sent: Sent[];
  reports: string[];
  /** Sends a request to `{gw}` + path and gives the answer and what went upstream for it. */
  ask(path: string, init?: RequestInit): Promise<{ response: Response; sent: Sent | undefined }>;
}

type Answer = (url: string, init: RequestInit) => Response | Promise<Response>;

export function recording(
  options: GatewayOptions = {},
  answer: Answer = () => Response.json({ ok: true }),
): Recording {
  const sent: Sent[] = [];
  const reports: string[] = [];
  const gateway = createGateway({
    report: (message) => reports.push(message),
    ...options,
    fetch: async (input, init = {}) => {
      const url = String(input);
      sent.push({
        url,
        method: init.method ?? "GET",
        headers: { ...init.headers as Record<string, string> },
        body: init.body ? await new Response(init.body).text() : "",
      });
      return answer(url, init);
    },
  });
  return {
    gateway,
    sent,
    reports,
    async ask(path, init = {}) {
      const before = sent.length;
      const headers = new Headers(init.headers);
      if (typeof init.body === "string" && !headers.has("content-length")) {
        headers.set("content-length", String(new TextEncoder().encode(init.body).length));
      }
      const url = path.startsWith("http") ? path : `http://gateway.test/v1/acc/default${path}`;
      const response = await gateway.fetch(new Request(url, { ...init, headers }));
      return { response, sent: sent[before] };
    },
  };
}

/** Code and message of a gateway error. */
export async function errorOf(
  response: Response,
): Promise<{ status: number; code: number; message: string }> {
  const body = await response.json() as { error: { code: number; message: string }[] };
  const { code, message } = body.error[0]!;
  return { status: response.status, code, message };
}
