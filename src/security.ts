// Security functions: who may reach a group of routes. And the check against other sites' requests.

import type { IncomingHttpHeaders } from "node:http";
import type { Reply } from "./reply.ts";
import type { Request } from "./request.ts";
import type { MaybePromise } from "./session-store.ts";

/** What a security function decides: only `allowed: true` lets a request in. */
export type Decision<Auth> =
  | { readonly allowed: true; readonly auth: Auth }
  | { readonly allowed: false; readonly reply: Reply };

/** Decides about a request. What it establishes is the second argument of the controllers. */
export type Security<Auth> = (request: Request) => MaybePromise<Decision<Auth>>;

/** Lets a request in, with what was established. */
export function allow<Auth>(auth: Auth): Decision<Auth> {
  return { allowed: true, auth };
}

/** Refuses a request with this reply: a redirection, the form again, a 401. */
export function deny(reply: Reply): Decision<never> {
  return { allowed: false, reply };
}

/** Lets everyone in, and establishes nothing. */
export const anyone: Security<undefined> = () => allow(undefined);

/** Tells whether a method changes nothing by its definition (RFC 9110, section 9.2.1). */
export function isSafeMethod(method: string): boolean {
  return method === "GET" || method === "HEAD" || method === "OPTIONS";
}

/**
 * Tells whether a browser sent this from a page of another site or origin, as Go's
 * `http.CrossOriginProtection` does, which needs no tokens: by `Sec-Fetch-Site`, else by `Origin`
 * against `Host`. A client that sends neither is no browser, and has no cookies to be abused.
 */
export function isCrossOrigin(headers: IncomingHttpHeaders): boolean {
  const site = headers["sec-fetch-site"];
  if (site !== undefined) return site !== "same-origin" && site !== "none";
  const { origin, host = "" } = headers;
  if (origin === undefined) return false;
  const ours = host.toLowerCase();
  return origin !== `https://${ours}` && origin !== `http://${ours}`;
}

/**
 * Tells whether a person came here by a link of this site or by typing the address: so that a GET
 * may change something, as for logging out. Other sites' links, images and prefetches may not: as
 * far as browsers tell, which is over https, or to this very machine.
 */
export function isDeliberateVisit(method: string, headers: IncomingHttpHeaders): boolean {
  const { "sec-fetch-dest": destination = "document", "sec-purpose": purpose = "" } = headers;
  const isPage = destination === "document" && !purpose.includes("prefetch");
  return method === "GET" && isPage && !isCrossOrigin(headers);
}
