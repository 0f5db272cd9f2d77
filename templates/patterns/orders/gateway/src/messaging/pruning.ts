import { setTimeout as sleep } from "node:timers/promises";
import { type BackgroundTask, runInBackground } from "../background.ts";
import type { Query } from "../database/database.ts";
import type { Logger } from "../logger.ts";

// A topic keeps an event for 8 days, a dead letter 8 more, and it is put back for 21 days at most,
// to be kept for 8 again: 29 days, and one for good measure.
const KEEP_DAYS = 30;
const EVERY_MS = 3_600_000;

type Wait = (ms: number, signal: AbortSignal) => Promise<void>;
const passTime: Wait = (ms, signal) => sleep(ms, undefined, { signal });

/**
 * Forget handled events that cannot come again, so that the inbox does not grow for ever. Not at
 * the start: where everything was off for weeks, the topics still hold what they held then, and
 * what was not committed is delivered again.
 */
export function pruneInbox(query: Query, log: Logger, wait: Wait = passTime): BackgroundTask {
  async function prune(signal: AbortSignal): Promise<void> {
    for (;;) {
      await wait(EVERY_MS, signal);
      await query("DELETE FROM inbox WHERE received_at < now() - make_interval(days => $1)", [
        KEEP_DAYS,
      ]);
    }
  }
  return runInBackground("inbox pruning", prune, log);
}
