/**
 * Lets one loop sleep until somebody wakes it. A wake-up that comes before the sleep is not lost.
 */
export class Wakeup {
  #woken = false;
  #resume = () => {};

  wake(): void {
    this.#woken = true;
    this.#resume();
  }

  /** Sleep until woken, but no longer than `ms`; tell whether somebody did wake it. */
  async sleep(ms: number): Promise<boolean> {
    if (!this.#woken) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, ms);
        this.#resume = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    const woken = this.#woken;
    this.#woken = false;
    return woken;
  }
}
