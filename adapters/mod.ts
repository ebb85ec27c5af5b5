/**
 * The built-in providers. To add one, add a row: see `CONTRIBUTING.md`.
 *
 * @module
 */
import type { Provider } from "../core/provider.ts";
import { awsBedrock } from "./aws-bedrock.ts";
import { azureOpenAI } from "./azure-openai.ts";
import { baseten } from "./baseten.ts";
import { fal } from "./fal.ts";
import { googleVertexAI } from "./google-vertex-ai.ts";
import { huggingface } from "./huggingface.ts";
import { replicate } from "./replicate.ts";
import { rows } from "./rows.ts";
import { workersAI } from "./workers-ai.ts";

/** Every built-in provider. */
export const providers: readonly Provider[] = [
  ...rows,
  awsBedrock,
  azureOpenAI,
  baseten,
  fal,
  googleVertexAI,
  huggingface,
  replicate,
  workersAI,
];
