import { setTimeout as sleep } from "node:timers/promises";
import { Unavailable } from "./errors.ts";
import type { Logger } from "./logger.ts";

/** How long to wait after the failure number `attempt`, in ms. */
export type Backoff = (attempt: number) => number;

/**
 * Twice as long each time, up to 5 s; the random half keeps processes from all coming back at the
 * same moment.
 */
export const exponential: Backoff = (attempt) =>
  Math.min(100 * 2 ** (attempt - 1), 5_000) * (0.5 + Math.random() / 2);

/** What a loop that tries again needs to know. */
export interface RetryOptions {
  log: Logger;
  signal?: AbortSignal;
  backoff?: Backoff;
}

/**
 * Do `work`, again and again for as long as what it needs is away.
 * Any other error is the caller's: it would be the same the next time.
 */
export async function whileUnavailable<T>(
  work: () => Promise<T>,
  { log, signal, backoff = exponential }: RetryOptions,
): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof Unavailable)) throw error;
      log.warn({ err: error, attempt }, "will try again");
      await sleep(backoff(attempt), undefined, signal && { signal });
    }
  }
}
