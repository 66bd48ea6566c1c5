// What README and the docs show of a terminal and of the wire is run, in order, and compared.
//
// In a ```console block, "$ " starts a command and the rest is what it prints. A ```http block is
// a request as it is sent, a line "---", and the answer up to the end of the connection. "…" is
// anything on its line, or any lines where it stands alone. Each document has a server of its own.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import { runServer } from "./run-server.ts";

/** The address that the docs write, in place of the one that is free here. */
const written = "127.0.0.1:8080";

interface Transcript {
  /** As in "docs/cookies.md:12". */
  readonly place: string;
  readonly language: string;
  readonly body: string;
}

interface Scene {
  readonly directory: string;
  readonly host: string;
}

interface Exchange {
  readonly sent: string;
  readonly expected: string;
}

function transcriptsOf(document: string): readonly Transcript[] {
  const text = readFileSync(new URL(`../${document}`, import.meta.url), "utf8");
  const fences = [...text.matchAll(/^```(console|http)\n([\s\S]*?)^```$/gm)];
  return fences.map(({ 1: language = "", 2: body = "", index }) => {
    const line = text.slice(0, index).split("\n").length;
    return { place: `${document}:${line}`, language, body };
  });
}

/** The commands of a console block, each with what it prints. */
function commandsOf(body: string): readonly Exchange[] {
  return body.split(/^\$ /m).slice(1).map((part) => {
    const end = part.indexOf("\n");
    if (end === -1) return { sent: part, expected: "" };
    return { sent: part.slice(0, end), expected: part.slice(end + 1).trimEnd() };
  });
}

/** Tells whether an output is as expected, where "…" stands for anything. */
function fits(expected: string, output: string): boolean {
  const lines = expected.split("\n").map((line) => {
    if (line === "…") return "(?:.*\\n)*";
    const pieces = line.split("…").map((piece) => piece.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&"));
    return `${pieces.join(".*")}\\n`;
  });
  return new RegExp(`^${lines.join("")}$`).test(`${output}\n`);
}

function asWritten(output: string, host: string): string {
  return output.replaceAll("\r\n", "\n").replaceAll(host, written).trimEnd();
}

async function runCommand(command: string, { directory, host }: Scene): Promise<string> {
  const child = spawn("bash", ["-c", command.replaceAll(written, host)], {
    cwd: directory,
    env: { PATH: process.env["PATH"] },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => (output += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (output += text));
  await once(child, "close");
  return asWritten(output, host);
}

/** Sends bytes, and answers what comes back until the server ends the connection. */
async function exchange(sent: string, { host }: Scene): Promise<string> {
  const socket = connect(Number(host.split(":")[1]), "127.0.0.1").setEncoding("utf8");
  let answer = "";
  socket.on("data", (text: string) => (answer += text));
  socket.write(sent.replaceAll(written, host));
  await once(socket, "close");
  return asWritten(answer, host);
}

function check({ expected }: Exchange, output: string, place: string): void {
  if (!fits(expected, output)) assert.equal(output, expected, place);
}

async function play({ language, body, place }: Transcript, scene: Scene): Promise<void> {
  if (language === "http") {
    const [request = "", answer = ""] = body.split(/^---\n/m);
    // Behind a body there is no line end, behind the blank line after the fields there is.
    const sent = request.replace(/(?<!\n)\n$/, "").replaceAll("\n", "\r\n");
    check({ sent, expected: answer.trimEnd() }, await exchange(sent, scene), place);
    return;
  }
  for (const command of commandsOf(body)) {
    check(command, await runCommand(command.sent, scene), `${place}: ${command.sent}`);
  }
}

async function playAll(transcripts: readonly Transcript[]): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), "plinth-"));
  const server = await runServer({ DEMO_PASSWORD: "correct-horse", SCRYPT: "ln=14,r=8,p=5" });
  try {
    const scene = { directory, host: new URL(server.url).host };
    for (const transcript of transcripts) await play(transcript, scene);
  } finally {
    await server.stop();
    rmSync(directory, { recursive: true });
  }
}

const names = readdirSync(new URL("../docs", import.meta.url));
const pages = names.filter((name) => name.endsWith(".md")).map((name) => `docs/${name}`);

describe("transcripts", { concurrency: 2 }, () => {
  for (const document of ["README.md", ...pages]) {
    const transcripts = transcriptsOf(document);
    if (transcripts.length === 0) continue;
    test(`${document} shows what happens`, () => playAll(transcripts));
  }
});
