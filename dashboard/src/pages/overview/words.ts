import type { Dictionary } from "../../i18n.ts";

type Name =
  | "requests"
  | "errors"
  | "tokens"
  | "cost"
  | "hits"
  | "p50"
  | "p90"
  | "first"
  | "of"
  | "open"
  | "latest"
  | "models"
  | "model"
  | "saved"
  | "traffic";

export const words: Dictionary<Name> = {
  en: {
    requests: "Requests",
    errors: "Failed",
    tokens: "Tokens in / out",
    cost: "Cost",
    hits: "From the cache",
    saved: "Saved by the cache",
    p50: "Latency, median",
    p90: "Latency, 90%",
    first: "First token, median",
    of: "The latest {count} requests, since {since}",
    open: "See it in the logs",
    latest: "Latest requests",
    models: "Models",
    model: "Model",
    traffic: "Requests over time",
  },
  zh: {
    requests: "请求",
    errors: "失败",
    tokens: "输入 / 输出 Token",
    cost: "费用",
    hits: "来自缓存",
    saved: "缓存节省",
    p50: "延迟中位数",
    p90: "延迟（90%）",
    first: "首个 Token 中位数",
    of: "最近 {count} 个请求，自 {since} 起",
    open: "在日志中查看",
    latest: "最近的请求",
    models: "模型",
    model: "模型",
    traffic: "请求随时间的变化",
  },
};
