import { setTimeout as sleep } from "node:timers/promises";
import type { Logger } from "./logger.ts";
import { exponential } from "./retry.ts";

const STOP_MS = 3_000;

/** Work that runs beside the requests for as long as the process lives. */
export interface BackgroundTask {
  /** Abort the signal of the work and wait for its end, for a limited time. */
  stop(): Promise<void>;
}

/** Run `work` until its signal aborts; whenever it fails, it is started again after a backoff. */
export function runInBackground(
  name: string,
  work: (signal: AbortSignal) => Promise<void>,
  log: Logger,
): BackgroundTask {
  const stopping = new AbortController();
  const ended = keepRunning(name, work, stopping.signal, log);
  return {
    async stop() {
      stopping.abort();
      await Promise.race([ended, sleep(STOP_MS, undefined, { ref: false })]);
    },
  };
}

async function keepRunning(
  name: string,
  work: (signal: AbortSignal) => Promise<void>,
  signal: AbortSignal,
  log: Logger,
): Promise<void> {
  for (let failures = 0; !signal.aborted; ) {
    const started = Date.now();
    try {
      await work(signal);
    } catch (error) {
      if (signal.aborted) return;
      // A failure after a long run is a new problem: back to the shortest wait.
      failures = Date.now() - started > 30_000 ? 1 : failures + 1;
      log.warn({ err: error, task: name, failures }, "background task failed, starting it again");
      await sleep(exponential(failures), undefined, { signal }).catch(() => {});
    }
  }
}
