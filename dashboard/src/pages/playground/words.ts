import { type Dictionary, type Locale, useLocale } from "../../i18n.ts";

const en = {
  models: "Models",
  modelsHint: "provider/model, up to four: they answer side by side.",
  settings: "Settings",
  system: "Instructions",
  stream: "Show answers as they come",
  temperature: "Temperature",
  max: "Most tokens",
  tools: "Tools",
  toolsHint: "JSON: functions that models may call. You give what they return.",
  toolsExample: "Put in an example",
  toolsWrong: "This is not a list of tools as JSON: {why}",
  key: "Key",
  keyHint:
    "A provider's key. Empty: the keys that the gateway holds. It stays in this page's memory.",
  prompt: "Message",
  promptHint: "Enter sends, Shift and Enter is a new line. Images may be pasted or dropped.",
  image: "Add images",
  imageBig: "“{name}” is over 10 MB.",
  removeImage: "Remove {name}",
  send: "Send",
  stop: "Stop",
  clear: "New conversation",
  first: "First token",
  total: "Total",
  tokens: "Tokens",
  cost: "Cost",
  dropped: "Left out, because this provider has no word for it: {what}",
  cached: "From the cache",
  stopped: "Stopped",
  empty: "Say something: each model answers in a column of its own.",
  result: "What {name} returns",
  sendResults: "Send results",
  row: "Open in the logs",
} satisfies Record<string, string>;

const words: Dictionary<keyof typeof en> = {
  en,
  zh: {
    models: "模型",
    modelsHint: "填写 provider/model，最多四个：它们会并排回答。",
    settings: "设置",
    system: "系统提示",
    stream: "边生成边显示",
    temperature: "温度",
    max: "最多 Token 数",
    tools: "工具",
    toolsHint: "JSON：模型可以调用的函数，返回结果由你填写。",
    toolsExample: "填入示例",
    toolsWrong: "不是 JSON 格式的工具列表：{why}",
    key: "密钥",
    keyHint: "提供商密钥。留空则使用网关保存的密钥。只保存在此页面的内存中。",
    prompt: "消息",
    promptHint: "Enter 发送，Shift+Enter 换行。可以粘贴或拖入图片。",
    image: "添加图片",
    imageBig: "“{name}”超过 10 MB。",
    removeImage: "移除 {name}",
    send: "发送",
    stop: "停止",
    clear: "新对话",
    first: "首个 Token",
    total: "总计",
    tokens: "Token",
    cost: "费用",
    dropped: "该提供商不支持，已省略：{what}",
    cached: "来自缓存",
    stopped: "已停止",
    empty: "发送一条消息，每个模型会在各自的栏中回答。",
    result: "{name} 的返回结果",
    sendResults: "发送结果",
    row: "在日志中打开",
  },
};

export type Words = Locale & {
  w(name: keyof typeof en, values?: Record<string, string | number>): string;
};

export function useWords(): Words {
  const locale = useLocale();
  return { ...locale, w: locale.of(words) };
}
