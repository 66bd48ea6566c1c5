// A server on a free port of this machine, and clients for it: one that speaks HTTP, one raw.

import { once } from "node:events";
import { request as httpRequest } from "node:http";
import type { IncomingHttpHeaders, OutgoingHttpHeaders, Server } from "node:http";
import { connect } from "node:net";
import type { Socket } from "node:net";
import { createHandler } from "../src/handler.ts";
import type { HandlerOptions } from "../src/handler.ts";
import { createHttpServer } from "../src/http-server.ts";
import { Router } from "../src/router.ts";
import type { Endpoint } from "../src/router.ts";
import { SessionManager } from "../src/session-manager.ts";
import { MemoryStore } from "../src/stores/memory-store.ts";

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  /** The whole values of `Set-Cookie`. */
  readonly cookies: readonly string[];
  readonly body: string;
}

export interface TestServer {
  readonly server: Server;
  readonly port: number;
  /** What the handler's `onFault` was told. */
  readonly faults: readonly unknown[];
  /** Sends one request on a connection of its own. An array is a field sent several times. */
  ask(
    method: string,
    path: string,
    headers?: OutgoingHttpHeaders,
    body?: string | Uint8Array,
  ): Promise<Answer>;
  /** Opens a connection that sends what it is told, byte by byte. */
  connect(stays?: boolean): Promise<RawClient>;
  close(): Promise<void>;
}

export type ServerOptions = Partial<Omit<HandlerOptions, "router">>;

export async function startServer(
  endpoints: readonly Endpoint[],
  options: ServerOptions = {},
): Promise<TestServer> {
  const faults: unknown[] = [];
  const handler = createHandler({
    router: new Router(endpoints),
    sessions: new SessionManager({ store: new MemoryStore(), secure: false }),
    onFault: (error) => faults.push(error),
    ...options,
  });
  return listen(createHttpServer(handler), faults);
}

/** Lets a server listen, with the clients for it. */
export async function listen(server: Server, faults: unknown[] = []): Promise<TestServer> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  return {
    server,
    port,
    faults,
    ask: (method, path, headers = {}, body = "") => ask(port, method, path, headers, body),
    connect: (stays = false) => RawClient.open(port, stays),
    async close(): Promise<void> {
      server.close();
      server.closeAllConnections();
      await once(server, "close");
    },
  };
}

async function ask(
  port: number,
  method: string,
  path: string,
  headers: OutgoingHttpHeaders,
  body: string | Uint8Array,
): Promise<Answer> {
  const request = httpRequest({ port, host: "127.0.0.1", method, path, headers, agent: false });
  request.end(body);
  const [response] = await once(request, "response");
  let text = "";
  for await (const chunk of response.setEncoding("utf8")) text += chunk;
  const { statusCode: status, headers: fields } = response;
  return { status, headers: fields, cookies: fields["set-cookie"] ?? [], body: text };
}

export const formType = "application/x-www-form-urlencoded";

/** The headers of a form, with others. */
export function formHeaders(more: OutgoingHttpHeaders = {}): OutgoingHttpHeaders {
  return { "content-type": formType, ...more };
}

/** A TCP connection: text in and out is one character a byte. */
export class RawClient {
  readonly socket: Socket;
  #received = "";
  #wake = (): void => {};

  /** One that stays does not close its end when the server does. */
  static async open(port: number, stays: boolean): Promise<RawClient> {
    const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
    await once(socket, "connect");
    return new RawClient(socket, stays);
  }

  constructor(socket: Socket, stays: boolean) {
    this.socket = socket;
    socket.setEncoding("latin1").on("data", (text) => {
      this.#received += text;
      this.#wake();
    });
    // A reset ends a connection like any other end: what was received by then counts.
    socket.on("error", () => {}).on("end", () => stays || socket.end());
    socket.on("close", () => this.#wake());
  }

  get received(): string {
    return this.#received;
  }

  send(text: string): this {
    this.socket.write(text, "latin1");
    return this;
  }

  /** Waits until so many answers are complete; answers them all. */
  async answers(count: number): Promise<readonly RawAnswer[]> {
    return this.#until((answers) => answers.length >= count);
  }

  /** Waits for one answer. */
  async answer(): Promise<RawAnswer> {
    const [answer] = await this.answers(1);
    if (answer === undefined) throw new Error("The connection was closed without an answer");
    return answer;
  }

  /** Waits until the server closes the connection; answers what it has sent. */
  async closed(): Promise<readonly RawAnswer[]> {
    return this.#until(() => false);
  }

  async #until(isEnough: (answers: readonly RawAnswer[]) => boolean) {
    while (!isEnough(parseAnswers(this.#received)) && !this.socket.closed) {
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
    return parseAnswers(this.#received);
  }
}

export interface RawAnswer {
  readonly status: number;
  /** By name, in lower case; values of a repeated one are joined by ", ". */
  readonly headers: ReadonlyMap<string, string>;
  readonly body: string;
}

/** Takes apart answers that stand one after another, each with its `Content-Length`. */
function parseAnswers(text: string): readonly RawAnswer[] {
  const answers: RawAnswer[] = [];
  let rest = text;
  for (;;) {
    const end = rest.indexOf("\r\n\r\n");
    if (end === -1) return answers;
    const [first = "", ...lines] = rest.slice(0, end).split("\r\n");
    const headers = new Map<string, string>();
    for (const line of lines) {
      const colon = line.indexOf(":");
      const name = line.slice(0, colon).toLowerCase();
      const before = headers.get(name);
      const value = line.slice(colon + 1).trim();
      headers.set(name, before === undefined ? value : `${before}, ${value}`);
    }
    const length = Number(headers.get("content-length") ?? 0);
    const body = rest.slice(end + 4, end + 4 + length);
    if (body.length < length) return answers;
    answers.push({ status: Number(first.split(" ")[1]), headers, body });
    rest = rest.slice(end + 4 + length);
  }
}
