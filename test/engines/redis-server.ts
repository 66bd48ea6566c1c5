// A redis-server of the test's own: on a free port, in a directory that goes with it.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import Redis from "ioredis";
import { createClient } from "redis";
import type { SendCommand } from "../../src/stores/redis-store.ts";

export interface RedisServer {
  readonly port: number;
  readonly pid: number;
  /** Ends it with SIGTERM, or as said, and removes its directory. */
  stop(signal?: NodeJS.Signals): Promise<void>;
}

/** Starts Debian's redis-server, without snapshots unless the options say otherwise. */
export async function startRedis(...options: string[]): Promise<RedisServer> {
  const directory = await mkdtemp(join(tmpdir(), "plinth-redis-"));
  const port = await freePort();
  const basic = ["--port", String(port), "--bind", "127.0.0.1", "--dir", directory, "--save", ""];
  const server = spawn("redis-server", [...basic, ...options], { stdio: ["ignore", "pipe", "inherit"] });
  const ended = once(server, "exit");
  for await (const line of createInterface(server.stdout)) {
    if (/Ready to accept connections/.test(line)) break;
  }
  server.stdout.resume();
  if (server.pid === undefined || server.exitCode !== null) throw new Error("Cannot start redis-server");
  return {
    port,
    pid: server.pid,
    async stop(signal = "SIGTERM") {
      server.kill(signal);
      await ended;
      await rm(directory, { recursive: true });
    },
  };
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  if (address === null || typeof address === "string") throw new Error("Cannot find a free port");
  return address.port;
}

export interface Connection {
  readonly send: SendCommand;
  /** Cuts the connection for good: what is sent afterwards is rejected. */
  close(): void;
}

export type Connect = (port: number) => Promise<Connection>;

/** The clients that people use, each as a function that sends a command. */
export const clients: Readonly<Record<string, Connect>> = {
  async redis(port) {
    const client = createClient({ socket: { port, reconnectStrategy: false } });
    client.on("error", () => {});
    await client.connect();
    let isOpen = true;
    return {
      send: (...args) => client.sendCommand(args),
      close: () => void (isOpen && ((isOpen = false), client.destroy())),
    };
  },
  async ioredis(port) {
    const client = new Redis({ port, lazyConnect: true, retryStrategy: () => null });
    client.on("error", () => {});
    await client.connect();
    return {
      send: (command = "", ...args) => client.call(command, ...args),
      close: () => client.disconnect(),
    };
  },
};
