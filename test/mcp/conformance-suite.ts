import { spawn } from "node:child_process";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { findNewerNode, hasFrameworks } from "../../scripts/frameworks.mjs";

const SUITE = fileURLToPath(new URL("../frameworks/node_modules/@modelcontextprotocol/conformance/dist/index.js", import.meta.url));
export const BASELINE: string = fileURLToPath(new URL("conformance-baseline.yml", import.meta.url));
const newerNode = findNewerNode();
/** Whether the suite and a Node.js that runs it are there. */
export const isSuiteRunnable: boolean = hasFrameworks() && newerNode !== undefined;

/** What one run of the suite told. */
export interface SuiteRun {
  readonly exitCode: number | null;
  readonly output: string;
  /** Ids of checks that failed or warned, by scenario; scenarios that the revision does not score are here too. */
  readonly scenarios: ReadonlyMap<string, readonly string[]>;
  /** Entries of the baseline that were met. */
  readonly expected: readonly string[];
}

interface Check {
  readonly id: string;
  readonly status: "SUCCESS" | "FAILURE" | "WARNING" | "INFO" | "SKIPPED";
}

/** Runs what a revision requires of a server, at the wire of that revision. Nothing of it stays on the disk. */
export async function runSuite(url: string, revision: string): Promise<SuiteRun> {
  const folder = await mkdtemp(join(tmpdir(), "vouchtrail-conformance-run-"));
  try {
    const options = ["server", "--url", url, "--requirements", revision, "--expected-failures", BASELINE, "--output-dir", folder];
    const program = spawn(newerNode ?? process.execPath, [SUITE, ...options], {
      cwd: folder,
      env: { PATH: process.env.PATH ?? "", NO_COLOR: "1" },
      stdio: ["ignore", "pipe", "pipe"],
    });
    let output = "";
    for (const stream of [program.stdout, program.stderr]) stream.setEncoding("utf8").on("data", (text: string) => (output += text));
    const exitCode = await new Promise<number | null>((resolve, reject) => {
      program.once("error", reject);
      program.once("close", resolve);
    });
    return {
      exitCode,
      output,
      scenarios: await readScenarios(folder),
      expected: [...output.matchAll(/^ {2}~ (.+)$/gm)].map(([, entry = ""]) => entry),
    };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function readScenarios(folder: string): Promise<Map<string, readonly string[]>> {
  const scenarios = new Map<string, readonly string[]>();
  for (const name of await readdir(folder)) {
    const [, scenario] = /^server-(.+)-\d{4}-\d\d-\d\dT[\d-]+Z$/.exec(name) ?? [];
    if (scenario === undefined) continue;
    const checks: readonly Check[] = JSON.parse(await readFile(join(folder, name, "checks.json"), "utf8"));
    const failed = checks.filter(({ status }) => status === "FAILURE" || status === "WARNING");
    scenarios.set(
      scenario,
      failed.map(({ id }) => id),
    );
  }
  return scenarios;
}
