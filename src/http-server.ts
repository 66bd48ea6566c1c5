// The http server around a handler: time-outs, limits, and answers to what is not even HTTP.

import { createServer, ServerResponse, STATUS_CODES } from "node:http";
import type { IncomingMessage, Server } from "node:http";
import { fieldsOf, securityHeaders } from "./handler.ts";
import type { Handler } from "./handler.ts";
import { HttpError, text } from "./reply.ts";
import type { Reply } from "./reply.ts";

/** What an http server can be told. */
export interface HttpServerOptions {
  /** Milliseconds an idle connection is kept. Behind a proxy: longer than it keeps one. */
  readonly keepAliveTimeout?: number | undefined;
  /** Fields of the answers to malformed requests. Default: `securityHeaders(false)`. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** Makes the reply to a malformed request, and must not throw. Default: one line of text. */
  readonly renderError?: ((error: HttpError, message?: IncomingMessage) => Reply) | undefined;
}

const second = 1000;

// Node's own limits let a client that sends a byte a second stay for 43 s and more.
const limits = {
  connectionsCheckingInterval: 2 * second,
  headersTimeout: 10 * second,
  requestTimeout: 20 * second,
  maxHeaderSize: 16 * 1024,
  // A repeated Host, Origin or Content-Type becomes "a, b", which no check takes for one of them.
  joinDuplicateHeaders: true,
  // The handler refuses what has none: with every field that an answer carries.
  requireHostHeader: false,
};

const malformed = new HttpError(400, "Send a well-formed request.");
const refusals: ReadonlyMap<string, HttpError> = new Map([
  ["HPE_HEADER_OVERFLOW", new HttpError(431, "Send fewer or shorter header fields.")],
  ["ERR_HTTP_REQUEST_TIMEOUT", new HttpError(408, "The request took too long. Send it again.")],
]);

/** Makes a server that is not listening yet. */
export function createHttpServer(handler: Handler, options: HttpServerOptions = {}): Server {
  const { keepAliveTimeout = 5 * second, headers = securityHeaders(false) } = options;
  const { renderError = (error) => text(`${error.message}\n`, error.status) } = options;
  const answer: Handler = (message, response) => {
    // While it closes: a busy proxy would keep its connection, until its requests are cut off.
    if (hasListened && !server.listening) response.shouldKeepAlive = false;
    // Node marks the last answer of a connection, but would answer more, with a bare 503.
    if ("maxRequestsOnConnectionReached" in response && response.maxRequestsOnConnectionReached) {
      response.shouldKeepAlive = false;
    }
    handler(message, response);
  };
  const server = createServer({ ...limits, keepAliveTimeout }, answer);
  let hasListened = false; // Never, if another server hands its connections to this one.
  server.once("listening", () => (hasListened = true));
  // Ends a connection on which nothing moves: its client takes no answer, or has vanished.
  server.timeout = 30 * second;
  server.maxConnections = 10_000;
  server.maxRequestsPerSocket = 1000;
  // No limit: their size has one, and Node would drop the last of too many, which a proxy adds.
  server.maxHeadersCount = 0;
  // With a listener, node:http sends no "100 Continue" by itself: forms are refused unread.
  server.on("checkContinue", answer);
  server.on("checkExpectation", answer);
  // Nothing listens for CONNECT: Node then ends the connection. Nor for Upgrade: it is ignored.
  server.on("clientError", (error: NodeJS.ErrnoException, socket) => {
    const pending = "_httpMessage" in socket ? socket._httpMessage : undefined;
    const isAnswering = pending instanceof ServerResponse;
    const isSent = isAnswering && pending.headersSent;
    // The client would take the refusal for the answer to an earlier request, which has none yet.
    const isMistakable = isAnswering && pending.req.complete && !isSent;
    if (!socket.writable || isMistakable) return void socket.destroy();
    const refusal = refusals.get(String(error.code)) ?? malformed;
    const request = isAnswering ? pending.req : undefined;
    const last = isSent ? "" : written(renderError(refusal, request), headers);
    socket.end(last, () => socket.destroy());
  });
  return server;
}

/** A reply as it goes out where node:http offers no response to write it with. */
function written(reply: Reply, headers: Readonly<Record<string, string>>): string {
  const fields = fieldsOf(reply, Object.entries(headers), false, true);
  const lines = fields.map((text, at) => (at % 2 === 0 ? `${text}: ` : `${text}\r\n`));
  const start = `HTTP/1.1 ${reply.status} ${STATUS_CODES[reply.status]}\r\n`;
  const date = `Date: ${new Date().toUTCString()}\r\n`; // RFC 9110, section 6.6.1.
  return `${start}${lines.join("")}${date}\r\n${reply.body}`;
}
