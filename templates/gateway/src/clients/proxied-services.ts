/** A service that is open to the outside: what comes in under `route` goes to `url`. */
export interface ProxiedService {
  name: string;
  route: string;
  url: string;
}

/**
 * Find the services that upstreams.env gives a route: with NOTES_ROUTE=/api/notes, calls below
 * /api/notes go to NOTES_URL. Only what is named so is open, never an upstream by default.
 */
export function readProxiedServices(env: NodeJS.ProcessEnv): ProxiedService[] {
  return Object.entries(env).flatMap(([variable, route]) => {
    const prefix = /^(\w+)_ROUTE$/.exec(variable)?.[1];
    if (!prefix || !route?.startsWith("/api/")) return [];

    const url = env[`${prefix}_URL`];
    if (!url) throw new Error(`Wrong environment: ${variable} is set, but ${prefix}_URL is not`);
    return [{ name: prefix.toLowerCase().replaceAll("_", "-"), route, url }];
  });
}
