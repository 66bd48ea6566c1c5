// A redis-server of the test's own: on a free port, in a directory that goes with it.

import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { Redis } from "ioredis";
import { createClient } from "redis";
import type { SendCommand } from "../../src/stores/redis-store.ts";

export interface RedisServer {
  readonly port: number;
  /** Sends the running process a signal: SIGKILL crashes it, SIGSTOP freezes it. */
  kill(signal: NodeJS.Signals): Promise<void>;
  /** Starts it again on the same port and in the same directory. */
  restart(): Promise<void>;
  /** Ends it, and removes its directory. */
  stop(): Promise<void>;
}

/** Starts the redis-server of the system, without snapshots unless the options say otherwise. */
export async function startRedis(...options: string[]): Promise<RedisServer> {
  const directory = await mkdtemp(join(tmpdir(), "plinth-redis-"));
  const port = await freePort();
  const basic = ["--port", `${port}`, "--bind", "127.0.0.1", "--dir", directory, "--save", ""];
  let server = await launch([...basic, ...options]);
  async function kill(signal: NodeJS.Signals): Promise<void> {
    const ended = once(server, "exit");
    server.kill(signal);
    if (signal === "SIGKILL" || signal === "SIGTERM") await ended;
  }
  return {
    port,
    kill,
    async restart() {
      server = await launch([...basic, ...options]);
    },
    async stop() {
      if (server.exitCode === null && server.signalCode === null) await kill("SIGKILL");
      await rm(directory, { recursive: true });
    },
  };
}

async function launch(options: string[]): Promise<ChildProcess> {
  const server = spawn("redis-server", options, { stdio: ["ignore", "pipe", "inherit"] });
  const end = () => server.kill("SIGKILL");
  process.once("exit", end);
  server.once("exit", () => process.off("exit", end));
  for await (const line of createInterface(server.stdout)) {
    if (/Ready to accept connections/.test(line)) {
      server.stdout.resume();
      return server;
    }
  }
  throw new Error("Cannot start redis-server");
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

/** The clients that people use, each as a function that sends a command. */
export const clients = {
  async redis(port: number): Promise<Connection> {
    const client = createClient({ socket: { port, reconnectStrategy: false } });
    client.on("error", () => {});
    await client.connect();
    return {
      send: (...args) => client.sendCommand(args),
      close: () => void (client.isOpen && client.destroy()),
    };
  },
  async ioredis(port: number): Promise<Connection> {
    const options = { port, lazyConnect: true, retryStrategy: () => null, enableReadyCheck: false };
    const client = new Redis(options);
    client.on("error", () => {});
    await client.connect();
    return {
      send: (...args) => client.call(...args),
      close: () => client.disconnect(),
    };
  },
};
