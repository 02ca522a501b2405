#!/usr/bin/env node
import { createProgram } from "./program.ts";
import { openTerminal } from "./terminal.ts";

// The one place that takes the real streams, the real environment and the real process.
let exitCode: number | undefined;
const program = createProgram({
  terminal: openTerminal(process.stdout, process.stderr, process.env),
  environment: process.env,
  stdin: process.stdin,
  exit: (code) => {
    exitCode = code;
  },
});

// A reader that has seen enough, such as head, is no fault.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE") throw error;
  process.exit(0);
});

async function run(): Promise<void> {
  await program.parseAsync();
  await Promise.all([process.stdout, process.stderr].map((stream) => new Promise((resolve) => stream.write("", resolve))));
  // Ends here even if a connection is kept open for the next request that never comes.
  if (exitCode !== undefined) process.exit(exitCode);
}

// Not awaited at the top level: a command may import a part of the program that itself waits until this module is done.
void run();
