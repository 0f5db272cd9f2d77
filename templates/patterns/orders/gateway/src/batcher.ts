import { Unavailable } from "./errors.ts";

const MAX = 500;

interface Entry<Item, Result> {
  item: Item;
  resolve: (result: Result) => void;
  reject: (error: unknown) => void;
}

/**
 * Gathers the items that come in while the call before is under way, and hands them over together:
 * under load many share one statement and one commit, and a single one never waits.
 */
export class Batcher<Item, Result> {
  readonly #work: (items: Item[]) => Promise<Result[]>;
  readonly #waiting: Entry<Item, Result>[] = [];
  #busy = false;

  /** `work` returns a result for each item, in their order. */
  constructor(work: (items: Item[]) => Promise<Result[]>) {
    this.#work = work;
  }

  add(item: Item): Promise<Result> {
    const { promise, resolve, reject } = Promise.withResolvers<Result>();
    this.#waiting.push({ item, resolve, reject });
    if (!this.#busy) void this.#run();
    return promise;
  }

  async #run(): Promise<void> {
    this.#busy = true;
    while (this.#waiting.length > 0) await this.#settle(this.#waiting.splice(0, MAX));
    this.#busy = false;
  }

  async #settle(batch: Entry<Item, Result>[]): Promise<void> {
    try {
      const results = await this.#work(batch.map(({ item }) => item));
      for (const [index, { resolve }] of batch.entries()) resolve(results[index] as Result);
    } catch (error) {
      if (batch.length === 1 || error instanceof Unavailable) {
        for (const { reject } of batch) reject(error);
      } else {
        // One of them failed the call for all. On their own, only that one fails.
        for (const entry of batch) await this.#settle([entry]);
      }
    }
  }
}
