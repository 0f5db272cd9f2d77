/** Something that this process needs is away for the moment: the same call may work later. */
export class Unavailable extends Error {
  override readonly name: string = "Unavailable";
  /** What an HTTP client is told when the error gets as far as its request. */
  readonly status: number = 503;
}
