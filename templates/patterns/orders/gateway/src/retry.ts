import { setTimeout as sleep } from "node:timers/promises";
import { Unavailable } from "./errors.ts";
import type { Logger } from "./logger.ts";

/** How long to wait after the given number of failed attempts, in ms. */
export type Backoff = (attempt: number) => number;

/** Exponential, up to 5 s; the jitter keeps processes from retrying all at the same moment. */
export const exponential: Backoff = (attempt) =>
  Math.min(100 * 2 ** (attempt - 1), 5_000) * (0.5 + Math.random() / 2);

export interface RetryOptions {
  log: Logger;
  signal?: AbortSignal;
  backoff?: Backoff;
}

/** Retry `work` for as long as it fails with `Unavailable`; any other error is thrown at once. */
export async function whileUnavailable<T>(
  work: () => Promise<T>,
  { log, signal, backoff = exponential }: RetryOptions,
): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof Unavailable)) throw error;
      log.warn({ err: error, attempt }, "dependency unavailable, trying again");
      await sleep(backoff(attempt), undefined, signal && { signal });
    }
  }
}
