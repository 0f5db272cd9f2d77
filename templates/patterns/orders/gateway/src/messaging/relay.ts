import { setTimeout as sleep } from "node:timers/promises";
import { type BackgroundTask, runInBackground } from "../background.ts";
import type { Database, Query } from "../database/database.ts";
import type { CheckResult } from "../health.ts";
import type { Logger } from "../logger.ts";
import { Wakeup } from "../wakeup.ts";
import type { Broker, Message } from "./broker.ts";
import {
  type Batch,
  markPublished,
  markRefused,
  prunePublished,
  readUnpublished,
} from "./outbox.ts";
import { publishAll } from "./publishing.ts";

const LOCK = 2;
const POLL_MS = 500;
// Under load a batch is at least what is committed within this time; a single event never waits.
const PAUSE_MS = 10;
const PRUNE_MS = 3_600_000;
const STALLED_MS = 10_000;

/**
 * Publishes the events of the outbox, oldest first. A crash between publishing and marking an event
 * publishes it twice, never not at all; consumers drop the duplicate.
 *
 * Only one replica publishes, so that events keep their order: the one whose connection holds the
 * lock. When it dies, so does its connection, and another takes over.
 */
export class Relay {
  readonly #database: Database;
  readonly #broker: Broker;
  readonly #topics: string[];
  readonly #log: Logger;
  readonly #wakeup = new Wakeup();
  readonly #task: BackgroundTask;
  #leading = false;
  #lastRound = 0;
  #lastPrune = 0;

  constructor(database: Database, broker: Broker, topics: string[], log: Logger) {
    this.#database = database;
    this.#broker = broker;
    this.#topics = topics;
    this.#log = log;
    this.#task = runInBackground("relay", (signal) => this.#run(signal), log);
  }

  /** Look into the outbox now, because an event was committed. */
  wake(): void {
    this.#wakeup.wake();
  }

  check = (): CheckResult => {
    const stalled = Date.now() - this.#lastRound > STALLED_MS;
    return { status: stalled ? "unavailable" : "ok", leading: this.#leading };
  };

  /** Publish what is left and stop. */
  async stop(): Promise<void> {
    const stopped = this.#task.stop();
    this.#wakeup.wake();
    await stopped;
  }

  async #run(signal: AbortSignal): Promise<void> {
    await this.#broker.ensureTopics(this.#topics);
    const { query, close } = await this.#database.connect();
    try {
      // A mark that a crash of the database takes back costs no more than a duplicate.
      await query("SET synchronous_commit = off");
      for (;;) {
        // Read before the round: what was committed until now is published before the end.
        const stopping = signal.aborted;
        this.#leading ||= await tryLock(query);
        const batch = this.#leading ? await this.#publishBatch(query) : undefined;
        this.#lastRound = Date.now();
        if (batch?.full) continue;
        if (stopping) return;
        if (batch?.messages.length) await sleep(PAUSE_MS);
        await this.#wakeup.sleep(POLL_MS);
      }
    } finally {
      this.#leading = false;
      await close();
    }
  }

  async #publishBatch(query: Query): Promise<Batch> {
    const batch = await readUnpublished(query);
    const { seqs, messages } = batch;
    if (messages.length > 0) {
      const refusals = await publishAll(this.#broker, messages);
      for (const [place, refusal] of refusals) {
        const { topic, key, headers } = messages[place] as Message;
        this.#log.error({ topic, key, id: headers.ce_id, refusal }, "event cannot be published");
        await markRefused(query, seqs[place] as string, refusal);
      }
      await markPublished(
        query,
        seqs.filter((_, place) => !refusals.has(place)),
      );
    }
    if (Date.now() - this.#lastPrune > PRUNE_MS) {
      await prunePublished(query);
      this.#lastPrune = Date.now();
    }
    return batch;
  }
}

async function tryLock(query: Query): Promise<boolean> {
  const [row] = await query<{ locked: boolean }>("SELECT pg_try_advisory_lock($1) AS locked", [
    LOCK,
  ]);
  return row?.locked ?? false;
}
