// The http server around a handler: time-outs, limits, and answers to what is not even HTTP.

import { createServer, ServerResponse } from "node:http";
import type { Server } from "node:http";
import { securityHeaders } from "./handler.ts";
import type { Handler } from "./handler.ts";

/** What an http server can be told. */
export interface HttpServerOptions {
  /** Milliseconds an idle connection is kept. Behind a proxy: longer than it keeps one. */
  readonly keepAliveTimeout?: number | undefined;
  /** Fields of the answers to malformed requests. Default: `securityHeaders(false)`. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
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

const reasons: ReadonlyMap<string, string> = new Map([
  ["HPE_HEADER_OVERFLOW", "431 Request Header Fields Too Large"],
  ["ERR_HTTP_REQUEST_TIMEOUT", "408 Request Timeout"],
]);

/** Makes a server that is not listening yet. */
export function createHttpServer(handler: Handler, options: HttpServerOptions = {}): Server {
  const { keepAliveTimeout = 5 * second, headers = securityHeaders(false) } = options;
  const answer: Handler = (message, response) => {
    // Node marks the last answer of a connection, but would answer more, with a bare 503.
    if ("maxRequestsOnConnectionReached" in response && response.maxRequestsOnConnectionReached) {
      response.shouldKeepAlive = false;
    }
    handler(message, response);
  };
  const server = createServer({ ...limits, keepAliveTimeout }, answer);
  // Where a client takes no answer, or has vanished, nothing moves.
  server.timeout = 30 * second;
  server.maxConnections = 10_000;
  server.maxRequestsPerSocket = 1000;
  // Their size is bounded. Of too many, Node would leave out the last, as a proxy adds them.
  server.maxHeadersCount = 0;
  // With a listener, node:http sends no "100 Continue" by itself: forms are refused unread.
  server.on("checkContinue", answer);
  server.on("checkExpectation", answer);
  // Nothing listens for CONNECT: Node then ends the connection. Nor for Upgrade: it is ignored.
  server.on("clientError", (error: NodeJS.ErrnoException, socket) => {
    const pending = "_httpMessage" in socket ? socket._httpMessage : undefined;
    const isAnswering = pending instanceof ServerResponse;
    const isSent = isAnswering && pending.headersSent;
    const reason = reasons.get(String(error.code)) ?? "400 Bad Request";
    // An earlier request, which has no answer yet, would take this one for its own.
    if (!socket.writable || (isAnswering && pending.req.complete && !isSent)) socket.destroy();
    else socket.end(isSent ? "" : bareAnswer(reason, headers), () => socket.destroy());
  });
  return server;
}

function bareAnswer(reason: string, headers: Readonly<Record<string, string>>): string {
  const body = `${reason}\n`;
  const fields = {
    ...headers,
    "Cache-Control": "no-store",
    "Content-Type": "text/plain; charset=utf-8",
    "Content-Length": String(body.length),
    Connection: "close",
  };
  const lines = Object.entries(fields).map(([name, value]) => `${name}: ${value}\r\n`);
  return `HTTP/1.1 ${reason}\r\n${lines.join("")}\r\n${body}`;
}
