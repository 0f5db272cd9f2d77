/** The result of a check, with any detail that helps to find the reason. */
export interface CheckResult {
  status: "ok" | "unavailable";
  [detail: string]: unknown;
}

/** Checks one thing that this process depends on. */
export type Check = () => CheckResult | Promise<CheckResult>;

/** Run all checks at once; one that throws or misses the deadline counts as unavailable. */
export async function runChecks(
  checks: Record<string, Check>,
  deadlineMs = 1_000,
): Promise<Record<string, CheckResult>> {
  const results = await Promise.all(
    Object.entries(checks).map(
      async ([name, check]) => [name, await runCheck(check, deadlineMs)] as const,
    ),
  );
  return Object.fromEntries(results);
}

async function runCheck(check: Check, deadlineMs: number): Promise<CheckResult> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error(`no answer in ${deadlineMs} ms`)), deadlineMs);
  try {
    return await Promise.race([check(), late]);
  } catch (error) {
    return {
      status: "unavailable",
      reason: error instanceof Error ? error.message : String(error),
    };
  } finally {
    clearTimeout(timer);
  }
}
