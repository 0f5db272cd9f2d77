import { deadline, type Policy } from "./policy.ts";

const DEADLINE_MS = 1_000;

/** The policy of the calls to one service. */
export function policyFor(_service: string): Policy {
  return deadline(DEADLINE_MS);
}
