// A way to a server that can be cut as networks are: what is sent is swallowed, and nobody is told.

import { once } from "node:events";
import { connect, createServer } from "node:net";
import type { Socket } from "node:net";

export interface Network {
  readonly port: number;
  /** From now on nothing arrives, and no connection ends. */
  cut(): void;
  /** New connections are as good as before. Those that were cut stay silent for ever. */
  mend(): void;
  stop(): Promise<void>;
}

/** Passes on what is sent to a port of its own. */
export async function networkTo(port: number): Promise<Network> {
  const sockets = new Set<Socket>();
  let isCut = false;
  const server = createServer((near) => {
    const far = connect(port, "127.0.0.1");
    for (const [from, to] of [[near, far], [far, near]] as const) {
      sockets.add(from);
      from.on("data", (bytes) => to.write(bytes));
      from.on("error", () => {});
      from.on("close", () => {
        to.destroy();
        sockets.delete(from);
      });
    }
    if (isCut) silence();
  });
  function silence(): void {
    for (const socket of sockets) socket.removeAllListeners("data").on("data", () => {});
  }
  await once(server.listen(0, "127.0.0.1"), "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("Cannot listen");
  return {
    port: address.port,
    cut() {
      isCut = true;
      silence();
    },
    mend() {
      isCut = false;
    },
    async stop() {
      server.close();
      for (const socket of sockets) socket.destroy();
      await once(server, "close");
    },
  };
}
