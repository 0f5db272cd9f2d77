import { Pool } from "undici";

const CONNECTIONS = 50;
// Shorter than uvicorn's 5 s, so that no request is sent on a connection that is just being closed.
const KEEP_ALIVE_MS = 4_000;

/** Open connections to a service as they are needed, and keep them for the next calls. */
export function connectPool(url: string): Pool {
  return new Pool(url, {
    connections: CONNECTIONS,
    keepAliveTimeout: KEEP_ALIVE_MS,
    keepAliveMaxTimeout: KEEP_ALIVE_MS,
  });
}
