/**
 * The deadline of what has to come, in ms. Longer than it takes on a slow machine that has a lot
 * else to do: only a failure costs all of it.
 */
export const PATIENCE_MS = 300_000;
