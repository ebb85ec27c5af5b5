/**
 * @module
 */

/** Version of the package; a test holds it against `package.json` and `deno.json`. */
export const version: string = "0.1.0";
