// A request message as node:http would make it, of a connection that nobody has to open.

import { IncomingMessage } from "node:http";
import { Socket } from "node:net";

export function messageFrom(address: string | undefined, forwardedFor: string | undefined): IncomingMessage {
  const socket = Object.defineProperty(new Socket(), "remoteAddress", { value: address });
  const message = new IncomingMessage(socket);
  if (forwardedFor !== undefined) message.headers["x-forwarded-for"] = forwardedFor;
  return message;
}
