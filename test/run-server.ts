// Starts the server as a process of its own, on a free port.

import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { after } from "node:test";
import { sourceArguments } from "./run-source.ts";

export interface RunningServer {
  readonly url: string;
  readonly process: ChildProcess;
  /** What it has written so far. */
  output(): { readonly stdout: string; readonly stderr: string };
  /** Sends a signal and waits for the end; answers the exit code. */
  stop(signal?: NodeJS.Signals): Promise<number | null>;
}

export interface FinishedRun {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

type Environment = Readonly<Record<string, string>>;

const source = sourceArguments("src/server.ts");
const children = new Set<ChildProcess>();
// A test that fails stops no server: the run would never end, or would leave it behind.
const endAll = (): void => children.forEach((child) => child.kill("SIGKILL"));
after(endAll);
process.once("exit", endAll);

function start(environment: Environment, args: readonly string[], directory?: string) {
  // Nothing of the test's own environment but what Node, the coverage and the mutation need.
  const { PATH, NODE_V8_COVERAGE, __STRYKER_ACTIVE_MUTANT__ } = process.env;
  const child = spawn(process.execPath, args, {
    cwd: directory,
    env: { PATH, NODE_V8_COVERAGE, __STRYKER_ACTIVE_MUTANT__, ...environment },
    stdio: ["ignore", "pipe", "pipe"],
  });
  children.add(child);
  let stdout = "";
  let stderr = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
  return { child, output: () => ({ stdout, stderr }) };
}

/** Runs the server until it ends by itself. Its output may be one that nobody reads. */
export async function runToEnd(
  environment: Environment,
  args: readonly string[] = [],
  directory?: string,
  isRead: boolean = true,
): Promise<FinishedRun> {
  const { child, output } = start(environment, [...source, ...args], directory);
  if (!isRead) child.stdout.destroy();
  await once(child, "close");
  return { code: child.exitCode, ...output() };
}

/** Runs the server until it listens: from its source, unless Node is given another program. */
export async function runServer(
  environment: Environment = {},
  directory?: string,
  program: readonly string[] = source,
): Promise<RunningServer> {
  const { child, output } = start({ PORT: "0", ...environment }, program, directory);
  const ended = once(child, "close");
  while (!output().stdout.includes('"event":"start"') || !output().stderr.includes("listens on")) {
    const written = [once(child.stdout, "data"), once(child.stderr, "data")];
    const event = await Promise.race([...written, ended]);
    if (child.exitCode !== null) throw new Error(`Server ended: ${event} ${output().stderr}`);
  }
  const url = output().stderr.match(/http:\S+/)?.[0] ?? "";
  async function stop(signal: NodeJS.Signals = "SIGTERM"): Promise<number | null> {
    child.kill(signal);
    await ended;
    return child.exitCode;
  }
  return { url, process: child, output, stop };
}
