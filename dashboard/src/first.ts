/**
 * Runs before all else: asks for what the page is going to show while the code that shows it is on its way.
 * What is not the page's usual address it asks for itself.
 */
import { askEarly } from "./early.ts";
import { analysisPath, day } from "./pages/overview/ask.ts";

const { state } = document.documentElement.dataset;
if (state && globalThis.early === undefined) {
  const { account = "local" } = JSON.parse(state) as { account?: string };
  const id = new URLSearchParams(location.search).get("gateway") ??
    localStorage.getItem("sluice.gateway") ?? "default";
  const api = `/client/v4/accounts/${encodeURIComponent(account)}/ai-gateway`;
  const gateway = `${api}/gateways/${encodeURIComponent(id)}`;
  const hundred = "per_page=100";
  const list = `?${hundred}&page=1`;
  const analysis = (...asked: [by: string, limit: number, isSum?: boolean, isCompared?: boolean]) =>
    api + analysisPath(id, day, ...asked);
  const asks: Record<string, () => string[]> = {
    overview: () => [
      analysis("", 1),
      analysis("model", 20, true),
      `${gateway}/logs?per_page=20`,
    ],
    logs: () => [
      `${gateway}/logs?per_page=1`,
      `${gateway}/logs?after=&per_page=50`,
      `${gateway}/virtual_keys?${hundred}`,
    ],
    gateways: () => [`${api}/gateways${list}`],
    keys: () => [`${gateway}/virtual_keys${list}`],
    providers: () => [
      `${api}/custom-providers${list}`,
      `${api}/providers?per_page=1000`,
      `${gateway}/provider_configs?${hundred}`,
    ],
    health: () => [analysis("provider", 100, false, false), "/health?full=1", "/metrics"],
  };
  const [page, rest] = location.pathname.split("/").slice(2);
  const urls = rest || !/^(\?gateway=[^&]*)?$/.test(location.search)
    ? []
    : asks[page || "overview"]?.() ?? [];
  askEarly([...urls, `${api}/gateways?${hundred}`]);
}
// The first format of all takes long to be made, and the page's code is not there yet.
setTimeout(() => new Intl.NumberFormat());
