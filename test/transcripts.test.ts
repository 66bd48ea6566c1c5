// What README and the docs show of a terminal and of the wire is run, in order, and compared.
//
// In a ```console block, "$ " starts a command and the rest is what it prints. A ```http block is
// a request as it is sent, a line "---", and the answer up to the end of the connection. "…" is
// anything on its line, or any lines where it stands alone. Each document has a server of its own,
// and a directory with `dist`.

import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { documents, fencesOf, top } from "./docs.ts";
import type { Fence } from "./docs.ts";
import { runServer } from "./run-server.ts";
import type { RunningServer } from "./run-server.ts";

/** The address that the docs write, in place of the one that is free here. */
const written = "127.0.0.1:8080";

interface Scene {
  readonly directory: string;
  readonly host: string;
}

interface Exchange {
  readonly sent: string;
  readonly expected: string;
}

const folder = mkdtempSync(join(tmpdir(), "plinth-"));
const built = join(folder, "dist");
after(() => rmSync(folder, { recursive: true }));

/** Builds the server. Where nothing is installed, and so no compiler, Node runs the source itself. */
function build(): void {
  mkdirSync(built);
  writeFileSync(join(folder, "package.json"), '{ "type": "module" }');
  const compiler = join(top, "node_modules/typescript/bin/tsc");
  if (existsSync(compiler)) {
    execFileSync(process.execPath, [compiler, "--project", top, "--outDir", built]);
    return;
  }
  for (const name of ["server", "cookie"]) {
    const source = JSON.stringify(join(top, "src", `${name}.ts`));
    writeFileSync(join(built, `${name}.js`), `export * from ${source};\n`);
  }
}

build();

function start(environment: Readonly<Record<string, string>>): Promise<RunningServer> {
  return runServer({ SCRYPT: "ln=14,r=8,p=5", ...environment }, folder, [join(built, "server.js")]);
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

async function play({ document, line, language, body }: Fence, scene: Scene): Promise<void> {
  const place = `${document}:${line}`;
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

async function playAll(transcripts: readonly Fence[]): Promise<void> {
  const directory = mkdtempSync(join(folder, "run-"));
  symlinkSync(built, join(directory, "dist"));
  const { url, stop } = await start({ DEMO_PASSWORD: "correct-horse" });
  try {
    const scene = { directory, host: new URL(url).host };
    for (const transcript of transcripts) await play(transcript, scene);
  } finally {
    await stop();
  }
}

describe("transcripts", { concurrency: 2 }, () => {
  for (const document of documents()) {
    const transcripts = fencesOf(document).filter(({ language }) => /^(?:console|http)$/.test(language));
    if (transcripts.length === 0) continue;
    test(`${document} shows what happens`, () => playAll(transcripts));
  }

  test("README shows what the server prints when it starts", async () => {
    const { url, output, stop } = await start({});
    await stop();
    const expected = fencesOf("README.md").find(({ language }) => language === "text")?.body ?? "";
    const { stdout, stderr } = output();
    const [started = ""] = stdout.split("\n");
    const printed = asWritten(`${started}\n${stderr}`, new URL(url).host);
    check({ sent: "", expected }, printed, "README.md");
  });
});
