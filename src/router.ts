// Routes in groups, as the article has them, and the tree that finds one for a request.

import { HttpError, status, withHeaders } from "./reply.ts";
import type { Reply } from "./reply.ts";
import { noParams } from "./request.ts";
import type { Request } from "./request.ts";
import type { Decision, Security } from "./security.ts";
import type { MaybePromise } from "./session-store.ts";

/** Answers a request. `auth` is what the group's security function established. */
export type Controller<Auth = unknown> = (request: Request, auth: Auth) => MaybePromise<Reply>;

/** A route before it is in a group. */
export interface Route<Auth> {
  readonly method: "GET" | "POST";
  readonly path: string;
  readonly controller: Controller<Auth>;
}

/** A route with its security function applied: nobody can reach the controller without it. */
export interface Endpoint {
  readonly method: string;
  readonly path: string;
  readonly run: (request: Request) => MaybePromise<Reply>;
}

/** Routes that share a prefix and a security function. */
export interface Group<Auth> {
  readonly prefix: string;
  readonly security: Security<Auth>;
  readonly routes: readonly Route<NoInfer<Auth>>[];
}

/** A route for GET, and so for HEAD. A segment `:name` takes anything; see `Request.params`. */
export function get<Auth>(path: string, controller: Controller<Auth>): Route<Auth> {
  return { method: "GET", path, controller };
}

/** A route for POST. */
export function post<Auth>(path: string, controller: Controller<Auth>): Route<Auth> {
  return { method: "POST", path, controller };
}

/** Puts routes behind a security function. A controller that expects another does not compile. */
export function group<Auth>({ prefix, security, routes }: Group<Auth>): readonly Endpoint[] {
  return routes.map(({ method, path, controller }) => ({
    method,
    path: prefix + path,
    run(request: Request): MaybePromise<Reply> {
      const answer = (decision: Decision<Auth>): MaybePromise<Reply> =>
        decision.allowed === true ? controller(request, decision.auth) : decision.reply;
      const decision = security(request);
      return decision instanceof Promise ? decision.then(answer) : answer(decision);
    },
  }));
}

/** What answers a request, and the parameters of its path. */
export interface Match {
  readonly endpoint: Endpoint;
  readonly params: ReadonlyMap<string, string>;
}

/** Where a path ends, or goes on. */
class Node {
  /** By segment; ":" stands for a parameter of any name. */
  readonly children: Map<string, Node> = new Map();
  /** By method. */
  readonly endpoints: Map<string, Endpoint> = new Map();
}

/**
 * Finds endpoints by path: in a step for each segment, however many routes there are; in more only
 * where a parameter and a static segment stand side by side.
 */
export class Router {
  readonly #root = new Node();

  /** @throws {TypeError} when a path is malformed, or two endpoints answer the same requests. */
  constructor(endpoints: readonly Endpoint[]) {
    for (const endpoint of endpoints) this.#add(endpoint);
  }

  /**
   * Static segments win over parameters, from the left, whatever the order of declaration.
   *
   * @throws {HttpError} 404 or 405 when nothing answers, 400 when a parameter is malformed.
   */
  match(method: string, path: string): Match {
    const segments = path.split("/");
    const node = find(this.#root, segments, 1); // The first stands before the "/": empty.
    if (node === undefined) throw new HttpError(404, "There is no such page.");
    const endpoint = node.endpoints.get(method === "HEAD" ? "GET" : method);
    if (endpoint !== undefined) return { endpoint, params: paramsOf(endpoint, segments) };
    const Allow = allowed(node);
    const run = (): Reply => withHeaders(status(204), { Allow });
    if (method === "OPTIONS") return { endpoint: { method, path, run }, params: noParams };
    throw new HttpError(405, `This page takes ${Allow}, and nothing else.`, { Allow });
  }

  #add(endpoint: Endpoint): void {
    const { method, path } = endpoint;
    const segments = path.split("/").slice(1);
    const names = segments.filter((segment) => segment.startsWith(":"));
    // Static segments are compared as they come: unreserved characters (RFC 3986, section 2.3).
    const isPath = /^\/$|^(?:\/(?::[A-Za-z]\w*|[\w.~-]+))+$/.test(path);
    if (!isPath || new Set(names).size < names.length) {
      throw new TypeError(`Cannot route ${method} ${JSON.stringify(path)}: write it as /a/:name`);
    }
    let node = this.#root;
    for (const segment of segments) {
      const name = segment.startsWith(":") ? ":" : segment;
      const child = node.children.get(name) ?? new Node();
      node.children.set(name, child);
      node = child;
    }
    const other = node.endpoints.get(method);
    if (other !== undefined) {
      throw new TypeError(`Cannot route ${method} ${path}: ${other.path} is there already`);
    }
    node.endpoints.set(method, endpoint);
  }
}

function find(node: Node, segments: readonly string[], index: number): Node | undefined {
  const segment = segments[index];
  if (segment === undefined) return node.endpoints.size > 0 ? node : undefined;
  const child = node.children.get(segment);
  const found = child && find(child, segments, index + 1);
  const parameter = segment === "" ? undefined : node.children.get(":");
  return found ?? (parameter && find(parameter, segments, index + 1));
}

function paramsOf({ path }: Endpoint, segments: readonly string[]): ReadonlyMap<string, string> {
  if (!path.includes(":")) return noParams;
  const params = new Map<string, string>();
  const names = path.split("/");
  for (const [index, segment] of segments.entries()) {
    const name = names[index];
    if (name?.startsWith(":")) params.set(name.slice(1), decodeSegment(segment));
  }
  return params;
}

function decodeSegment(segment: string): string {
  try {
    const text = decodeURIComponent(segment);
    if (!/\p{Cc}/u.test(text)) return text;
  } catch {
    // Not UTF-8, or half an escape: refused like a control character.
  }
  throw new HttpError(400, "The address is not well-formed.");
}

/** The value of `Allow` (RFC 9110, section 10.2.1). */
function allowed(node: Node): string {
  const methods = node.endpoints.has("GET") ? ["GET", "HEAD"] : [];
  return [...methods, "OPTIONS", ...(node.endpoints.has("POST") ? ["POST"] : [])].join(", ");
}
