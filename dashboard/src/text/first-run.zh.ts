import type { en } from "./first-run.en.ts";

/** 空网关的文字。 */
export const zh: Record<keyof typeof en, string> = {
  "title": "发送第一个请求",
  "any": "任何兼容 OpenAI API 的客户端都可以使用，只需填入此 Base URL。",
  "curl": "curl",
  "python": "Python",
  "typescript": "TypeScript",
  "language": "示例语言",
  "key":
    "密钥填您在提供商处的密钥；如果网关已存储提供商密钥，也可以填虚拟密钥。其他提供商的模型同样可用，例如 anthropic/claude-haiku-4-5。",
  "auth": "此网关需要虚拟密钥。",
  "auth.make": "创建虚拟密钥",
  "auth.key": "使用虚拟密钥时，网关会使用您存储的提供商密钥。",
  "waiting": "正在等待请求…",
  "arrived": "请求已到达",
  "open": "查看请求",
};
