/**
 * What an answer cost.
 *
 * @module
 */

/** US dollars; the sum is the row's `cost`. */
export interface CostParts {
  /** Input that was neither read from nor written to a provider's cache. */
  input: number;
  cache_read: number;
  cache_write: number;
  output: number;
  /** Everything priced by another unit than a text token: requests, searches, images. */
  other: number;
  /** Where the price is from. */
  source: "table" | "provider" | "request" | "config";
}
