// A stranger's project: our files alone, under the stranger's compiler and its options.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { symlinkSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join, normalize } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { sets, source, table } from "./sets.ts";

const compilers = ["typescript-5.8", "typescript-5.9", "typescript-6", "typescript-7"] as const;

type Options = Readonly<Record<string, unknown>>;

/** What every project must have said, one way or another. */
const least: Options = {
  target: "es2023",
  module: "nodenext",
  types: ["node"],
  rewriteRelativeImportExtensions: true,
  skipLibCheck: true,
};

const strictest: Options = {
  strict: true,
  alwaysStrict: true,
  allowUnreachableCode: false,
  allowUnusedLabels: false,
  erasableSyntaxOnly: true,
  exactOptionalPropertyTypes: true,
  forceConsistentCasingInFileNames: true,
  isolatedModules: true,
  isolatedDeclarations: true,
  declaration: true,
  moduleDetection: "force",
  noFallthroughCasesInSwitch: true,
  noImplicitOverride: true,
  noImplicitReturns: true,
  noPropertyAccessFromIndexSignature: true,
  noUncheckedIndexedAccess: true,
  noUncheckedSideEffectImports: true,
  noUnusedLocals: true,
  noUnusedParameters: true,
  verbatimModuleSyntax: true,
};

const bundler: Options = {
  rewriteRelativeImportExtensions: false,
  allowImportingTsExtensions: true,
  noEmit: true,
  moduleResolution: "bundler",
};

const optionTable: readonly [claim: string, options: Options][] = [
  ["strict, and nothing else", { strict: true }],
  ["all that is strict switched on", strictest],
  ["all that is strict, and the libraries checked too", { ...strictest, skipLibCheck: false }],
  ["null checks without the rest of strict", { strict: false, strictNullChecks: true }],
  ["module node18", { ...strictest, module: "node18" }],
  ["module esnext, resolved for a bundler", { ...strictest, ...bundler, module: "esnext" }],
  ["module preserve, resolved for a bundler", { ...strictest, ...bundler, module: "preserve" }],
  ["the types of the DOM", { ...strictest, lib: ["es2023", "dom", "dom.iterable"] }],
  ["the types of ES2022 alone", { ...strictest, lib: ["es2022"] }],
  ["the newest types", { ...strictest, lib: ["esnext"] }],
  ["target ES2022", { ...strictest, target: "es2022" }],
  ["target ES2017, with newer types", { ...strictest, target: "es2017", lib: ["es2022"] }],
  ["target esnext", { ...strictest, target: "esnext" }],
  ["fields that are assigned", { ...strictest, useDefineForClassFields: false }],
];

interface Project {
  readonly claim: string;
  readonly files: readonly string[];
  readonly options: Options;
  /** Which `@types/node` is installed. */
  readonly types?: "node" | "node-22" | "node-24" | "node-26";
  readonly packageType?: "module" | "commonjs";
}

/** Copies the files of a project into an empty folder. */
function lay(folder: string, project: Project): void {
  const { files, options, types = "node", packageType = "module" } = project;
  for (const file of files) cpSync(join(source, file), join(folder, "plinth", file));
  mkdirSync(join(folder, "node_modules/@types"), { recursive: true });
  const installed = fileURLToPath(new URL(`node_modules/@types/${types}`, import.meta.url));
  symlinkSync(installed, join(folder, "node_modules/@types/node"));
  writeFileSync(join(folder, "package.json"), JSON.stringify({ type: packageType }));
  const compilerOptions = { ...least, rootDir: "plinth", outDir: "dist", ...options };
  const settings = { compilerOptions, include: ["plinth"] };
  writeFileSync(join(folder, "tsconfig.json"), JSON.stringify(settings));
}

/** Compiles projects in one run, which is much faster; answers what is said of each. */
async function compile(compiler: string, projects: readonly Project[]): Promise<readonly string[]> {
  const parent = mkdtempSync(join(tmpdir(), "plinth-vendoring-"));
  const names = projects.map((_, index) => `project-${index}`);
  for (const [index, project] of projects.entries()) lay(join(parent, `project-${index}`), project);
  const tsc = fileURLToPath(new URL(`node_modules/${compiler}/bin/tsc`, import.meta.url));
  const args = [tsc, "--build", "--verbose", ...names];
  const report = await new Promise<string>((resolve) => {
    execFile(process.execPath, args, { cwd: parent }, (_, stdout, stderr) => {
      resolve(stdout + stderr);
    });
  });
  rmSync(parent, { recursive: true });
  const lines = report.split("\n");
  return names.map((name) => {
    const said = lines.filter((line) => line.startsWith(`${name}/`));
    const built = lines.filter((line) => line.includes("Building project"));
    return built.some((line) => line.includes(`${name}/`)) ? said.join("\n") : `Not built: ${report}`;
  });
}

function importsOf(file: string): readonly string[] {
  const text = readFileSync(join(source, file), "utf8");
  return [...text.matchAll(/\bfrom "(\.[^"]+)";$/gm)].map(([, from = ""]) => {
    return normalize(join(dirname(file), from));
  });
}

function closureOf(wanted: readonly string[]): readonly string[] {
  const files = new Set(wanted);
  // What is added while the set is walked is walked too.
  for (const file of files) for (const imported of importsOf(file)) files.add(imported);
  return [...files].sort();
}

const everything = readdirSync(source, { recursive: true, encoding: "utf8" }).filter((file) => {
  return file.endsWith(".ts");
});

for (const { name, wanted, needed } of sets) {
  test(`the set "${name}" has what its files import, and nothing else`, () => {
    assert.deepEqual([...wanted, ...needed].sort(), closureOf(wanted));
  });
}

test("the documentation names exactly these sets", () => {
  const page = readFileSync(join(source, "../docs/vendoring.md"), "utf8");
  const [found] = /(?:^\|.*\n)+/m.exec(page) ?? [];
  assert.equal(found?.trimEnd(), table());
});

const programs = /^(?:server|hash-password)\.ts$/;
const projects: readonly Project[] = [
  ...sets.map(({ name, wanted, needed }) => {
    const claim = `the set "${name}" compiles, all that is strict switched on`;
    return { claim, files: [...wanted, ...needed], options: strictest };
  }),
  ...optionTable.map(([under, options]) => {
    return { claim: `everything compiles under ${under}`, files: everything, options };
  }),
  ...(["node", "node-22", "node-24", "node-26"] as const).map((types) => {
    const claim = `everything compiles with @types/node ${versionOf(`@types/${types}`)}`;
    return { claim, files: everything, options: strictest, types };
  }),
  {
    // A module of CommonJS cannot wait at its top, as the programs do.
    claim: "everything but the programs compiles in a package that is CommonJS",
    files: everything.filter((file) => !programs.test(file)),
    options: { ...strictest, verbatimModuleSyntax: false },
    packageType: "commonjs",
  },
];

/** Shows that an error is seen: this file needs others. */
const incomplete = { claim: "incomplete", files: ["session.ts"], options: strictest };

for (const compiler of compilers) {
  test(`with TypeScript ${versionOf(compiler)}`, async (context) => {
    const [wrong, ...said] = await compile(compiler, [incomplete, ...projects]);
    await context.test("an incomplete set does not compile", () => {
      assert.match(wrong ?? "", /Cannot find module '\.\/session-id\.ts'/);
    });
    for (const [index, { claim }] of projects.entries()) {
      await context.test(claim, () => assert.equal(said[index], ""));
    }
  });
}

function versionOf(name: string): string {
  const path = createRequire(import.meta.url).resolve(`${name}/package.json`);
  const { version }: { readonly version: string } = JSON.parse(readFileSync(path, "utf8"));
  return version;
}
