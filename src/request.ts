// A request as controllers see it. What costs something is done when it is asked for.

import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from "node:http";
import { checkFormHeaders, formTooLarge, hasBody, maxFormSize, parseForm } from "./form.ts";
import { HttpError } from "./reply.ts";
import type { Session } from "./session.ts";

/** A request, for controllers and security functions. */
export interface Request {
  /** As sent: also `HEAD`, where a `GET` route answers. */
  readonly method: string;
  /** As sent, up to the `?`: nothing is decoded and no dot segment is removed. */
  readonly path: string;
  /** The `:name` segments of the route, percent-decoded. */
  readonly params: ReadonlyMap<string, string>;
  readonly query: URLSearchParams;
  readonly headers: IncomingHttpHeaders;
  /** Who sent it, as far as the proxies can be trusted that the server was told of. */
  readonly address: string;
  readonly session: Session;
  /** Whether the client has left: no answer reaches it any more. */
  readonly hasLeft: boolean;

  /**
   * The fields of the form that was sent; without a body there are none.
   *
   * @throws {HttpError} 400, 413 or 415 when it is no form of at most 8 KiB and 16 fields.
   */
  form(this: object): Promise<ReadonlyMap<string, string>>;
}

/** The parameters of a path that has none. */
export const noParams: ReadonlyMap<string, string> = new Map();

/** A `Request` over the message and the response of node:http. */
export class IncomingRequest implements Request {
  readonly method: string;
  readonly path: string;
  /** Set when the route is found. */
  params: ReadonlyMap<string, string> = noParams;
  readonly headers: IncomingHttpHeaders;
  readonly session: Session;
  readonly #message: IncomingMessage;
  readonly #response: ServerResponse;
  readonly #hops: number;
  #form: Promise<ReadonlyMap<string, string>> | undefined;

  /** `hops` is how many trusted proxies stand before the server. */
  constructor(message: IncomingMessage, response: ServerResponse, session: Session, hops: number) {
    const { method, url = "", headers } = message;
    const queryStart = url.indexOf("?");
    this.method = method ?? "";
    this.path = queryStart === -1 ? url : url.slice(0, queryStart);
    this.headers = headers;
    this.session = session;
    this.#message = message;
    this.#response = response;
    this.#hops = hops;
  }

  get query(): URLSearchParams {
    return new URLSearchParams(this.#message.url?.slice(this.path.length));
  }

  get address(): string {
    return addressOf(this.#message, this.#hops);
  }

  get hasLeft(): boolean {
    return this.#message.socket.destroyed;
  }

  /** Whether a body was announced and its end not seen: the connection cannot be used again. */
  get hasUnreadBody(): boolean {
    return hasBody(this.headers) && !this.#message.readableEnded;
  }

  form(): Promise<ReadonlyMap<string, string>> {
    this.#form ??= this.#readForm();
    // A form that nobody waits for must not end the process.
    this.#form.catch(() => {});
    return this.#form;
  }

  async #readForm(): Promise<ReadonlyMap<string, string>> {
    if (!hasBody(this.headers)) return new Map();
    checkFormHeaders(this.headers);
    // The client waits to hear that its body is wanted (RFC 9110, section 10.1.1).
    const { expect } = this.headers;
    if (expect !== undefined && this.#message.httpVersion === "1.1") this.#response.writeContinue();
    return parseForm(await this.#readBody());
  }

  #readBody(): Promise<Uint8Array> {
    return new Promise((resolve, reject) => {
      const chunks: Uint8Array[] = [];
      let size = 0;
      this.#message.on("data", (chunk: Uint8Array) => {
        size += chunk.length;
        if (size > maxFormSize) return reject(formTooLarge());
        chunks.push(chunk);
      });
      const breakOff = (): void => reject(new HttpError(400, "Send the whole form."));
      if (this.#message.destroyed) breakOff();
      this.#message.on("close", breakOff);
      this.#message.on("end", () => {
        this.#message.off("close", breakOff); // Comes always: to make its error takes time.
        resolve(Buffer.concat(chunks));
      });
    });
  }
}

/**
 * Finds the address of who sent a message: the n-th from the right in `X-Forwarded-For`, where
 * each of n trusted proxies added one; everything further left is the client's own claim. Without
 * proxies, or when the field is not as they would write it, the address of the connection.
 */
export function addressOf({ socket, headers }: IncomingMessage, trustedProxies: number): string {
  const peer = socket.remoteAddress ?? "unknown";
  if (trustedProxies === 0) return peer;
  const addresses = String(headers["x-forwarded-for"] ?? "").split(",");
  const written = addresses[addresses.length - trustedProxies]?.trim() ?? "";
  // Some proxies write the port, which is another with each connection.
  const address = written.replace(/^(?:([\d.]+)|\[([\da-f:.]+)\]):\d+$/i, "$1$2");
  const isAddress = /^(?:[\d.]{7,15}|(?=.{2,45}$)[\da-f:]*:[\da-f:]*[\d.]*)$/i.test(address);
  return isAddress ? address : peer;
}
