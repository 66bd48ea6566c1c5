// The program that makes an entry of USERS, met through a pipe and a terminal.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { existsSync } from "node:fs";
import { test } from "node:test";
import { verifyPassword } from "../src/login/password.ts";
import { parseUsers } from "../src/login/users.ts";
import { sourceArguments } from "./run-source.ts";

const program = sourceArguments("src/hash-password.ts");
const prompt = "Password for ada: ";
const badName = "Cannot use this name: 1 to 64 characters, no space, colon or control\n";
const badPassword = "Cannot use this password: it has a control character or U+FFFD, or is not UTF-8\n";
const tooLong = "Cannot hash the password: it is over 256 bytes\n";

interface Run {
  readonly code: number | null;
  readonly output: string;
  readonly errors: string;
}

const children = new Set<ChildProcess>();
// A test that fails leaves no program behind, which would wait for its keys.
process.once("exit", () => children.forEach((child) => child.kill()));

/** Runs a command to its end. Its input is sent when `after` was put out, and stays open or ends. */
function run(
  command: string,
  args: readonly string[],
  input: string | Uint8Array,
  { after = "", stays = false, SCRYPT = "" } = {},
): Promise<Run> {
  return new Promise((resolve, reject) => {
    // Of a locale that is not there, a shell on the terminal would say so first.
    const child = spawn(command, args, { env: { ...process.env, LC_ALL: "C", SCRYPT } });
    children.add(child);
    let output = "";
    let errors = "";
    let isSent = false;
    const send = (): void => {
      if (isSent || !output.includes(after)) return;
      isSent = true;
      child.stdin.write(input);
      if (!stays) child.stdin.end();
    };
    child.stdin.on("error", () => {}); // A program that does not read closes the pipe early.
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      output += text;
      send();
    });
    child.stderr.setEncoding("utf8").on("data", (text: string) => (errors += text));
    child.on("error", reject);
    child.on("close", (code) => resolve({ code, output, errors }));
    send();
  });
}

function hashFromPipe(args: readonly string[], input: string | Uint8Array, SCRYPT?: string): Promise<Run> {
  return run(process.execPath, [...program, ...args], input, { SCRYPT });
}

/** Tells whether a line is an entry of USERS that lets ada in with this password. */
async function letsIn(line: string, password: string): Promise<boolean> {
  const parsed = parseUsers(line);
  assert.ok("users" in parsed, JSON.stringify(parsed));
  const passwordHash = await parsed.users.findHash("ada");
  assert.ok(passwordHash, "no user was parsed");
  return verifyPassword(password, passwordHash);
}

test("the first line of a pipe becomes an entry of USERS, and is shown nowhere", async () => {
  const { code, output, errors } = await hashFromPipe(["ada"], " correct horse é \r\nmore\n");
  assert.deepEqual({ code, errors }, { code: 0, errors: "" });
  assert.match(output, /^ada:\$scrypt\$ln=17,r=8,p=1\$[\w+/]{22}\$[\w+/]{43}\n$/);
  // With the blanks at its ends.
  assert.equal(await letsIn(output, " correct horse é "), true);
});

test("what cannot become an entry is refused in one line, and with exit code 1", async () => {
  for (const [claim, args, input, errors] of [
    ["an empty pipe", ["ada"], "", "Cannot hash the password: it is empty\n"],
    ["an arrow key, and no line end", ["ada"], "a\x1b[Ab", badPassword],
    ["Latin-1", ["ada"], Buffer.from("caf\xe9\n", "latin1"), badPassword],
    ["half a letter at the end", ["ada"], Buffer.from("é").subarray(0, 1), badPassword],
    ["a line that is too long", ["ada"], "x".repeat(100_000), tooLong],
    ["Ctrl-C", ["ada"], "abc\x03", "Interrupted\n"],
    ["a name with a space", ["a da"], "P\n", badName],
  ] as const) {
    assert.deepEqual(await hashFromPipe(args, input), { code: 1, output: "", errors }, claim);
  }
});

test("an entry has the cost that SCRYPT names, and a SCRYPT of none is refused", async () => {
  const { code, output, errors } = await hashFromPipe(["ada"], "P\n", "ln=14,r=8,p=5");
  assert.deepEqual({ code, errors }, { code: 0, errors: "" });
  assert.match(output, /^ada:\$scrypt\$ln=14,r=8,p=5\$/);
  assert.equal(await letsIn(output, "P"), true);
  const refusal = "Cannot use SCRYPT: take one of the four that the server's --help names\n";
  const refused = await hashFromPipe(["ada"], "P\n", "ln=10,r=8,p=1");
  assert.deepEqual(refused, { code: 1, output: "", errors: refusal });
});

test("a line that has not ended after 1,000 characters is not waited for", async () => {
  const args = [...program, "ada"];
  const refused = await run(process.execPath, args, "x".repeat(1000), { stays: true });
  assert.deepEqual(refused, { code: 1, output: "", errors: tooLong });
});

test("a password that comes byte by byte is one, the longest too", async () => {
  const pieces = `import { Readable } from "node:stream";
const bytes = Buffer.from("é".repeat(128) + "\\n");
const value = Readable.from([...bytes].map((byte) => Buffer.of(byte)), { objectMode: false });
Object.defineProperty(process, "stdin", { value });`;
  const source = `data:text/javascript,${encodeURIComponent(pieces)}`;
  const args = ["--import", source, ...program, "ada"];
  const { output } = await run(process.execPath, args, "");
  assert.equal(await letsIn(output, "é".repeat(128)), true);
});

test("--help tells how to use it; a wrong use is told the same, as an error", async () => {
  const help = await hashFromPipe(["--help"], "");
  assert.match(help.output, /^Usage: node dist\/hash-password\.js <name>\n/);
  assert.deepEqual({ ...help, output: "" }, { code: 0, output: "", errors: "" });
  const misuse = { code: 1, output: "", errors: help.output };
  assert.deepEqual(await hashFromPipe([], "P\n"), misuse);
  assert.deepEqual(await hashFromPipe(["ada", "secret"], "P\n"), misuse);
});

// A terminal needs the program `script` of util-linux, which gives one to the command it runs.
if (process.platform === "linux" && existsSync("/usr/bin/script")) {
  const command = [process.execPath, ...program, "ada"].map((part) => `'${part}'`).join(" ");
  const onTerminal = (keys: string, then = ""): Promise<Run> => {
    const args = ["-qefc", command + then, "/dev/null"];
    return run("/usr/bin/script", args, keys, { after: prompt, stays: true });
  };

  test("a terminal asks for the password, and does not show it", async () => {
    const { code, output } = await onTerminal("corect\x15correct hores\x7f\x7fse\r");
    assert.equal(code, 0);
    const [asked, entry = "", end] = output.split("\r\n");
    assert.deepEqual([asked, end], [prompt, ""]);
    assert.equal(await letsIn(entry, "correct horse"), true);
  });

  test("Ctrl-C on a terminal gives up, and nothing is put out", async () => {
    const { code, output } = await onTerminal("correct\x03");
    assert.deepEqual({ code, output }, { code: 1, output: `${prompt}\r\nInterrupted\r\n` });
  });

  test("a terminal shows again what is typed, when the program has ended", async () => {
    const { output } = await onTerminal("correct\x03", "; stty -a");
    assert.match(output, /Interrupted\r\n[^]* icanon [^]* echo /);
  });
}
