/**
 * Embeddings and rankings, in one form for all providers.
 *
 * @module
 */
import type { Usage } from "../usage/usage.ts";

/** What the vectors are for, where a model tells that apart. */
export type EmbedTask = "query" | "document" | "classification" | "clustering";

/** Texts and images to embed. */
export interface EmbedRequest {
  /** As the provider names it. */
  model: string;
  input: string[];
  /** Data URLs; their vectors follow those of the texts. */
  images?: string[];
  dimensions?: number;
  task?: EmbedTask;
}

/** One vector for each text, then each image, in order. */
export interface EmbedAnswer {
  embeddings: number[][];
  usage?: Usage;
}

/** Documents to rank by a query. */
export interface RerankRequest {
  /** As the provider names it. */
  model: string;
  query: string;
  documents: string[];
  /** Most results; all when absent. */
  top_n?: number;
  /** The results are to hold their documents. */
  return_documents?: boolean;
}

/** The best first. */
export interface RerankAnswer {
  id?: string;
  results: { index: number; relevance_score: number; document?: string }[];
  usage?: Usage;
}
