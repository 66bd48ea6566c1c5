// Runs a server as a process of its own, until it says where it listens.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

export interface RunningProcess {
  readonly url: string;
  /** Ends it, and waits for that. */
  kill(signal?: NodeJS.Signals): Promise<void>;
}

/** Runs a program, named from here, that writes a line with its address, on either output. */
export async function runProcess(
  program: string,
  environment: Readonly<Record<string, string>>,
): Promise<RunningProcess> {
  const path = fileURLToPath(new URL(program, import.meta.url));
  const env = { PATH: process.env["PATH"], PORT: "0", ...environment };
  const child = spawn(process.execPath, [path], { env, stdio: ["ignore", "ignore", "pipe"] });
  const end = () => child.kill("SIGKILL");
  process.once("exit", end);
  child.once("exit", () => process.off("exit", end));
  const ended = once(child, "exit");
  const lines: string[] = [];
  for await (const line of createInterface(child.stderr)) {
    lines.push(line);
    const [url] = /http:\S+/.exec(line) ?? [];
    if (url === undefined) continue;
    child.stderr.resume();
    return {
      url,
      async kill(signal = "SIGKILL") {
        child.kill(signal);
        await ended;
      },
    };
  }
  throw new Error(`Cannot run ${program}: ${lines.join("\n")}`);
}
