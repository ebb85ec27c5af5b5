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
  | "empty"
  | "emptyHint"
  | "waiting"
  | "arrived"
  | "open"
  | "latest"
  | "models"
  | "model"
  | "share"
  | "keyHint"
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
    empty: "Send the first request",
    emptyHint: "Any client will do. With curl it is:",
    keyHint: "The key is your provider's own; it goes to that provider and nowhere else.",
    waiting: "Waiting for it …",
    arrived: "It has arrived.",
    open: "See it in the logs",
    latest: "Latest requests",
    models: "Models",
    model: "Model",
    share: "Share",
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
    empty: "发送第一个请求",
    emptyHint: "任何客户端都可以。用 curl 如下：",
    keyHint: "密钥是您在提供商处的密钥，只会发送给该提供商。",
    waiting: "正在等待请求……",
    arrived: "请求已到达。",
    open: "在日志中查看",
    latest: "最近的请求",
    models: "模型",
    model: "模型",
    share: "占比",
    traffic: "请求随时间的变化",
  },
};
