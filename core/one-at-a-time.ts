/**
 * Work that is begun on and on, and done once at a time.
 *
 * @module
 */

/**
 * A call while work is under way does nothing; the last one waits for it, and works again.
 *
 * @param immediate Nothing may wait for, or hang on, what another request has begun (Workers): each call
 * works.
 * @param work Never rejects.
 */
export function oneAtATime(
  immediate: boolean,
  work: (last: boolean) => Promise<void>,
): (last?: boolean) => Promise<void> {
  let running: Promise<void> | undefined;
  return async (last = false) => {
    if (immediate) return await work(last);
    if (running !== undefined) {
      if (!last) return;
      await running;
    }
    running = work(last).finally(() => running = undefined);
    await running;
  };
}
