// One request's journey, from node:http and back. Only this file touches a ServerResponse.

import type { IncomingMessage, ServerResponse } from "node:http";
import { isTooLarge, SessionStoreError } from "./checked-store.ts";
import { HttpError, status, text, withCookie, withHeaders } from "./reply.ts";
import type { Reply } from "./reply.ts";
import { IncomingRequest } from "./request.ts";
import type { Request } from "./request.ts";
import type { Router } from "./router.ts";
import { isCrossOrigin, isSafeMethod } from "./security.ts";
import type { SessionManager } from "./session-manager.ts";

/** What a handler needs, and what it can be told. Its hooks must not fail, at once or later. */
export interface HandlerOptions {
  readonly router: Router;
  readonly sessions: SessionManager;
  /** Fields of every answer that has no own. Default: `securityHeaders(false)`. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** The names of this server; others are answered 421. Default: any name. */
  readonly allowedHosts?: readonly string[] | undefined;
  /** How many proxies add to `X-Forwarded-For`. Default: 0, the field is not believed. */
  readonly trustedProxies?: number | undefined;
  /** Makes the reply of an error. Default: one line of plain text. */
  readonly renderError?: ((error: HttpError, message: IncomingMessage) => Reply) | undefined;
  /** Is told of what should not have happened. The visitor is told nothing of it. */
  readonly onFault?: ((error: unknown, message: IncomingMessage) => void) | undefined;
  /** Is told of each reply, just before it is sent. */
  readonly onReply?: ((reply: Reply, request: Request) => void) | undefined;
}

/** A listener for `request`, `checkContinue` and `checkExpectation` of an http server. */
export type Handler = (message: IncomingMessage, response: ServerResponse) => void;

/** The fields that every answer carries (OWASP HTTP Headers). HSTS only where https is spoken. */
export function securityHeaders(overHttps: boolean): Readonly<Record<string, string>> {
  return {
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    // With "no-referrer", browsers send `Origin: null` with a form, and isCrossOrigin refuses it.
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    ...(overHttps ? { "Strict-Transport-Security": "max-age=63072000" } : {}),
  };
}

/** Makes a handler. Whatever a client sends, it answers, and does not throw. */
export function createHandler(options: HandlerOptions): Handler {
  const { router, sessions, trustedProxies = 0, allowedHosts = [] } = options;
  const { headers = securityHeaders(false), onFault = () => {}, onReply = () => {} } = options;
  const { renderError = (error) => text(`${error.message}\n`, error.status) } = options;
  const hosts = new Set(allowedHosts.map((name) => name.toLowerCase()));
  const commonFields = Object.entries(headers);
  /** Connections that carry one more answer: what else they bring is not done (RFC 9112, 9.6). */
  const closing = new WeakSet<object>();

  async function answer(message: IncomingMessage, response: ServerResponse): Promise<void> {
    // 1. Take the request apart. The session is looked up when it is used, the body when asked for.
    const { cookie: cookieHeader } = message.headers;
    const session = sessions.open(cookieHeader);
    const request = new IncomingRequest(message, response, session, trustedProxies);

    let reply: Reply;
    try {
      // 2. Refuse what node:http lets through, and what comes from other sites.
      refuse(message, hosts);
      // 3. Let the route answer, behind its security function.
      const { endpoint, params } = router.match(request.method, request.path);
      request.params = params;
      const answering = endpoint.run(request);
      reply = answering instanceof Promise ? await answering : answering;
      // 4. Commit the session, before the first byte is sent. If it is gone, the reply is dropped.
      const committing = sessions.commit(session, cookieHeader);
      const { gone, cookie } = committing instanceof Promise ? await committing : committing;
      if (gone) reply = renderError(new HttpError(401, "Your session has ended. Log in."), message);
      if (cookie !== undefined) reply = withCookie(reply, cookie);
    } catch (error) {
      // 5. Nothing was committed, or nobody knows: no success, no cookie, no word of the cause.
      const visible = visibleError(error);
      if (visible.status >= 500 && error !== visible) onFault(error, message);
      reply = withHeaders(renderError(visible, message), visible.headers);
    }

    // 6. Send it, all at once.
    onReply(reply, request);
    const isLast = request.hasUnreadBody;
    const fields = fieldsOf(reply, commonFields, session.wasLookedUp, isLast);
    response.writeHead(reply.status, fields);
    if (!isLast) return void response.end(reply.body);
    closing.add(message.socket);
    // A reset could overtake the answer: let what is still sent go by (RFC 9112, section 9.6).
    response.flushHeaders();
    response.write(reply.body);
    message.resume().once("close", () => response.end());
  }

  return (message, response) => {
    if (closing.has(message.socket)) return;
    if (message.headers.upgrade !== undefined) {
      // The request is answered as any other, but Node drops a part of what follows it.
      response.shouldKeepAlive = false;
      closing.add(message.socket);
    }
    answer(message, response).catch((error: unknown) => {
      // A reply that cannot be sent: its header has a line break, or `renderError` failed.
      onFault(error, message);
      if (response.headersSent) return void response.destroy();
      response.writeHead(500, fieldsOf(status(500), commonFields, false, true)).end();
    });
  };
}

/** The field `Host`: uri-host [ ":" port ] (RFC 9110, section 7.2). Two of them do not match. */
export const hostField: RegExp = /^(?:[\w.-]+|\[[\da-f:.]+\])(?::\d{1,5})?$/i;

function refuse(message: IncomingMessage, hosts: ReadonlySet<string>): void {
  const { httpVersion, method = "", url = "", headers } = message;
  const { host = "", expect } = headers;
  const coding = headers["transfer-encoding"]?.toLowerCase();
  if (httpVersion !== "1.1" && httpVersion !== "1.0") throw new HttpError(505, "Use HTTP/1.1.");
  // Only origin-form (RFC 9112, section 3.2.1): "//host" would be another site in a redirection.
  if (!/^\/(?!\/)[\x21-\x7e]*$/.test(url)) throw new HttpError(400, "Ask for a path, as /login.");
  if (!hostField.test(host)) throw new HttpError(400, "Send one Host field, with a host name.");
  if (hosts.size > 0 && !hosts.has(host.toLowerCase())) {
    throw new HttpError(421, "This server does not answer for this host name.");
  }
  // A proxy may see such a body end elsewhere (RFC 9112, section 6.1).
  if (coding !== undefined && (coding !== "chunked" || httpVersion === "1.0")) {
    throw new HttpError(400, "Send the body as it is, or in chunks of HTTP/1.1.");
  }
  if (expect !== undefined && expect.toLowerCase() !== "100-continue") {
    throw new HttpError(417, "Send the request without Expect.");
  }
  if (!isSafeMethod(method) && isCrossOrigin(headers)) {
    throw new HttpError(403, "This came from another site. Open the page here, and try again.");
  }
}

/** What a visitor may know of an error. */
function visibleError(error: unknown): HttpError {
  if (error instanceof HttpError) return error;
  if (isTooLarge(error)) return new HttpError(413, "Your session is full.");
  if (error instanceof SessionStoreError) {
    const headers = { "Retry-After": "5" };
    return new HttpError(503, "The server is busy or in trouble. Try again soon.", headers);
  }
  return new HttpError(500, "Something went wrong on our side. Try again later.");
}

/** All fields of a reply, flat: names and values in turn, as `writeHead` takes them fastest. */
export function fieldsOf(
  { status, headers, cookies, body }: Reply,
  commonFields: readonly (readonly [name: string, value: string])[],
  sawSession: boolean,
  isLast: boolean,
): string[] {
  const fields: string[] = [];
  for (const [name, value] of commonFields) {
    if (headers[name] === undefined) fields.push(name, value);
  }
  for (const [name, value] of Object.entries(headers)) {
    if (name !== "Cache-Control") fields.push(name, value);
  }
  for (const cookie of cookies) fields.push("Set-Cookie", cookie);
  // What depends on a session or gives a cookie is for one visitor, whatever the controller says.
  const isPersonal = sawSession || cookies.length > 0;
  const caching = isPersonal ? undefined : headers["Cache-Control"];
  fields.push("Cache-Control", caching ?? "no-store");
  if (sawSession) fields.push("Vary", "Cookie");
  // RFC 9110, section 11.6.1: a 401 names a scheme. No browser opens a dialog for this one.
  const lacksScheme = status === 401 && headers["WWW-Authenticate"] === undefined;
  if (lacksScheme) fields.push("WWW-Authenticate", 'Session realm="login"');
  // What is left of the body would be read as the next request (RFC 9112, section 9.3).
  if (isLast) fields.push("Connection", "close");
  // RFC 9110, section 8.6: a 204 has none, and with a 304 it would be that of the page.
  if (status !== 204 && status !== 304) {
    fields.push("Content-Length", String(Buffer.byteLength(body)));
  }
  return fields;
}
