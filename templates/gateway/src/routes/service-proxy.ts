import type { IncomingHttpHeaders } from "node:http";
import type { Readable } from "node:stream";
import type { FastifyPluginAsync, FastifyReply, FastifyRequest } from "fastify";
import type { Dispatcher } from "undici";
import { Abandoned } from "../clients/policy.ts";
import type { ProxiedService } from "../clients/proxied-services.ts";
import { asUpstreamFailed } from "../clients/upstream.ts";
import { Problem, problemResponse } from "../problem.ts";

// How long a service may pause while it sends its answer.
const PAUSE_MS = 10_000;
const METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"] as const;

// They belong to one connection, and there are two: to the client and to the service.
const HOP_BY_HOP = [
  "connection",
  "keep-alive",
  "proxy-authenticate",
  "proxy-authorization",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
];

type Method = (typeof METHODS)[number];
type Headers = IncomingHttpHeaders;

export interface ServiceProxyOptions {
  services: { get(name: string): ProxiedService | undefined };
}

const schema = {
  tags: ["services"],
  summary: "Goes to a service",
  description: "A call under /api/{service} goes through as it is, and the answer comes back so.",
  response: {
    404: problemResponse("There is no such service, or it has no such thing"),
    502: problemResponse("The service could not be reached"),
    504: problemResponse("The service did not answer in time"),
    default: { description: "What the service answers" },
  },
};

/** /api/{service}/*: pass calls on to a service, and its answers back, whatever they are. */
export const serviceProxy: FastifyPluginAsync<ServiceProxyOptions> = async (app, { services }) => {
  // Bodies are neither read nor checked here: they stream through.
  app.removeAllContentTypeParsers();
  app.addContentTypeParser("*", (_request, body, done) => done(null, body));

  // One route for all, since services come and go while the gateway runs. A call that the gateway
  // answers itself has a path of its own, which goes first.
  for (const [url, hide] of [
    ["/api/:service/*", false],
    ["/api/:service", true],
  ] as const) {
    app.route<{ Params: { service: string } }>({
      method: [...METHODS],
      url,
      schema: { ...schema, hide },
      handler: async (request, reply) => {
        const service = services.get(request.params.service);
        if (!service) return reply.callNotFound();
        return passOn(request, reply, service);
      },
    });
  }
};

async function passOn(request: FastifyRequest, reply: FastifyReply, service: ProxiedService) {
  const route = routeOf(service);
  // As it came, not as the router decoded it: the service has a router of its own.
  const url = request.raw.url ?? "";
  if (!url.startsWith(route)) return reply.callNotFound();
  const rest = url.slice(route.length);

  const answer = await send(request, reply, rest.startsWith("/") ? rest : `/${rest}`, service);
  const { location, ...headers } = endToEnd(answer.headers);
  reply.code(answer.statusCode).headers(headers);
  // The service does not know under which path it can be reached from the outside.
  if (location) reply.header("location", location.replace(/^\/(?!\/)/, `${route}/`));
  return reply.send(answer.body);
}

/** Send the request to the service, and wait until its answer begins. */
async function send(
  request: FastifyRequest,
  reply: FastifyReply,
  path: string,
  service: ProxiedService,
): Promise<Dispatcher.ResponseData> {
  // A client that has gone waits for nothing.
  const gone = new AbortController();
  reply.raw.once("close", () => gone.abort());
  const call = (signal: AbortSignal) =>
    service.pool
      .request({
        method: request.method as Method,
        path,
        headers: requestHeaders(request, service),
        body: (request.body as Readable | undefined) ?? null,
        bodyTimeout: PAUSE_MS,
        signal: AbortSignal.any([signal, gone.signal]),
      })
      .catch((error) => {
        throw gone.signal.aborted ? new Abandoned("The client has gone") : error;
      });
  try {
    // These alone have no body, which could be sent only once.
    const repeatable = request.method === "GET" || request.method === "HEAD";
    return await service.policy(call, { repeatable });
  } catch (cause) {
    // Nobody is there to read it, but the log is not to tell of a service in trouble.
    if (cause instanceof Abandoned) throw new Problem(499, cause.message);
    throw asUpstreamFailed(service.name, cause);
  }
}

function routeOf({ name }: ProxiedService): string {
  return `/api/${name}`;
}

function requestHeaders(request: FastifyRequest, service: ProxiedService): Headers {
  const { host, expect, "content-length": length, ...headers } = endToEnd(request.headers);
  const forwardedFor = headers["x-forwarded-for"];
  return {
    ...headers,
    ...(request.body ? length && { "content-length": length } : {}),
    "x-forwarded-for": forwardedFor ? `${forwardedFor}, ${request.ip}` : request.ip,
    "x-forwarded-host": request.host,
    "x-forwarded-proto": request.protocol,
    "x-forwarded-prefix": routeOf(service),
    "x-request-id": request.id,
  };
}

/** The headers without those that end with a connection. */
function endToEnd(headers: Headers): Headers {
  const named = String(headers.connection ?? "")
    .toLowerCase()
    .split(/\s*,\s*/);
  const dropped = new Set([...HOP_BY_HOP, ...named]);
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !dropped.has(name)));
}
