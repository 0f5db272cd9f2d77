/** Something that this process depends on is down: the same call may succeed later. */
export class Unavailable extends Error {
  override readonly name: string = "Unavailable";
  /** The HTTP status of a request that fails because of it. */
  readonly status: number = 503;
}
