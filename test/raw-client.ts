// A client that sends bytes as they are, for what no http client would send.

import { once } from "node:events";
import { connect } from "node:net";
import type { Socket } from "node:net";

/** Opens a connection; what comes back is text, a character for each byte. */
export async function openSocket(port: number): Promise<Socket> {
  const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true }).setEncoding("latin1");
  await once(socket, "connect");
  return socket;
}

/** What comes back until the server ends the connection. */
export async function readToEnd(socket: Socket): Promise<string> {
  let text = "";
  socket.on("data", (part: string) => (text += part));
  await once(socket, "end");
  return text;
}

/** Sends text, and answers all that comes back until the server ends the connection. */
export async function exchange(port: number, text: string | Uint8Array): Promise<string> {
  const socket = await openSocket(port);
  socket.write(text);
  const answer = await readToEnd(socket);
  socket.destroy();
  return answer;
}

export interface RawAnswer {
  readonly status: number;
  /** By name in lower case; those of a repeated field are joined. */
  readonly headers: ReadonlyMap<string, string>;
  readonly body: string;
}

/** Takes what came back apart, by `Content-Length`. */
export function answersIn(text: string): readonly RawAnswer[] {
  if (text === "") return [];
  const end = text.indexOf("\r\n\r\n") + 4;
  const [first = "", ...lines] = text.slice(0, end - 4).split("\r\n");
  const headers = new Map<string, string>();
  for (const line of lines) {
    const colon = line.indexOf(":");
    const [name, value] = [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
    headers.set(name, headers.has(name) ? `${headers.get(name)}, ${value}` : value);
  }
  const bodyEnd = end + Number(headers.get("content-length") ?? 0);
  const [, status] = /^HTTP\/1\.1 (\d{3}) /.exec(first) ?? [];
  const answer = { status: Number(status), headers, body: text.slice(end, bodyEnd) };
  return [answer, ...answersIn(text.slice(bodyEnd))];
}
