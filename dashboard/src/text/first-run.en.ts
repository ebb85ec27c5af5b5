/** Words for an empty gateway. */
export const en = {
  "title": "Send the first request",
  "any": "Any client of OpenAI's API works: give it this base URL.",
  "curl": "curl",
  "python": "Python",
  "typescript": "TypeScript",
  "language": "Example in",
  "key":
    "The key is your own at the provider, or a virtual key where the gateway holds the provider's. Another provider's model works as well, such as anthropic/claude-haiku-4-5.",
  "auth": "This gateway asks for a virtual key.",
  "auth.make": "Make one",
  "auth.key": "With a virtual key the gateway uses the provider key that you have stored.",
  "waiting": "Waiting for the request …",
  "arrived": "It has arrived",
  "open": "Look at it",
} as const;
