// The program that makes an entry of USERS: `node dist/hash-password.js <name>`.

import { defaultParameters, hashPassword, isScryptParameters } from "./login/password.ts";
import { typedLine } from "./login/typed-line.ts";
import { isUserName } from "./login/users.ts";

const usage = `Usage: node dist/hash-password.js <name>

Reads a password, from the terminal without showing it or as the first line of a pipe, and prints
an entry for the variable USERS. Set that in single quotes: between double ones a shell replaces $.
The variable SCRYPT is the cost. Give the server the same [${defaultParameters}].
`;

async function readPassword(prompt: string): Promise<string> {
  const { stdin, stderr } = process;
  stdin.setEncoding("utf8");
  // Raw mode comes before the prompt, or the terminal would show what is typed in between.
  if (stdin.isTTY) {
    stdin.setRawMode(true);
    stderr.write(prompt);
  }
  let keys = "";
  for await (const chunk of stdin) {
    keys += String(chunk);
    // No password takes 1,000 keys.
    if (typedLine(keys).state === "typing" && keys.length < 1_000) continue;
    if (stdin.isTTY) {
      stdin.setRawMode(false);
      stderr.write("\n");
    }
    break;
  }
  const { text, state } = typedLine(keys);
  if (state === "interrupted") throw new Error("Interrupted");
  return text;
}

async function makeEntry(name: string): Promise<string> {
  if (!isUserName(name)) {
    throw new TypeError("Cannot use this name: 1 to 64 characters, no space, colon or control");
  }
  const parameters = process.env["SCRYPT"] || defaultParameters;
  if (!isScryptParameters(parameters)) {
    throw new TypeError("Cannot use SCRYPT: take one of the four that the server's --help names");
  }
  const password = await readPassword(`Password for ${name}: `);
  // A browser can send no arrow key, and not what U+FFFD stands for: bytes that are not UTF-8.
  if (/[\p{Cc}\ufffd]/u.test(password)) {
    const why = "it has a control character or U+FFFD, or is not UTF-8";
    throw new TypeError(`Cannot use this password: ${why}`);
  }
  return `${name}:${await hashPassword(password, { parameters })}`;
}

const [name, ...others] = process.argv.slice(2);
if (name === undefined || name === "--help" || others.length > 0) {
  process.exitCode = name === "--help" ? 0 : 1;
  (name === "--help" ? process.stdout : process.stderr).write(usage);
} else {
  await makeEntry(name).then(console.log, (error: Error) => {
    console.error(error.message);
    process.exitCode = 1;
  });
}
