/**
 * Files that are there whole or not at all.
 *
 * @module
 */
import { mkdir, open, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";
import process from "node:process";
import type { WriteFile } from "../core/export/config.ts";

/** Written beside its place, to the disk, and then moved there. */
export const writeFile: WriteFile = async (path, bytes) => {
  const half = `${path}.${process.pid}.part`;
  await mkdir(dirname(path), { recursive: true });
  try {
    const file = await open(half, "w");
    try {
      await file.writeFile(bytes);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(half, path);
  } catch (error) {
    await rm(half, { force: true });
    throw error;
  }
};
