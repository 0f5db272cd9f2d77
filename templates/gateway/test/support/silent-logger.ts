import { createLogger } from "../../src/logger.ts";

/** A logger for tests, which would rather not be heard. */
export const log = createLogger();
log.level = "silent";
