import type { Pool } from "undici";
import { deadline, type Policy } from "./policy.ts";

const DEADLINE_MS = 1_000;
// How long a service that calls go through to may take until its answer begins.
const PROXY_DEADLINE_MS = 10_000;

/** The policy of the gateway's own calls to one service. */
export function policyFor(_service: string): Policy {
  return deadline(DEADLINE_MS);
}

/** The policy of the calls that go through to one service. */
export function proxyPolicyFor(_service: string, _pool: Pool): Policy {
  return deadline(PROXY_DEADLINE_MS);
}

/** Forget what was learnt about a service that is gone: here, nothing. */
export function forgetService(_service: string): void {}
