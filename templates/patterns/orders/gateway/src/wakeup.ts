/** Lets a loop sleep until it is woken; a wake-up that comes before the sleep is not lost. */
export class Wakeup {
  #woken = false;
  #resume = () => {};

  wake(): void {
    this.#woken = true;
    this.#resume();
  }

  /** Sleep until woken, at most `ms`; returns whether it was woken. */
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
