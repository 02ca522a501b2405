// Verifies a ledger folder in a process of its own and prints what it cost as JSON. Argument: the folder.
import { verifyLedgerFolder } from "@vouchtrail/server";
import { usageOfThisProcess } from "./meter.ts";

const before = usageOfThisProcess();
const startedMs = performance.now();
const report = await verifyLedgerFolder({ folder: process.argv[2] ?? "" });
const seconds = (performance.now() - startedMs) / 1_000;
const { cpuUs, residentPeakBytes } = usageOfThisProcess();
process.stdout.write(
  JSON.stringify({ verdict: report.verdict, entries: report.entries, seconds, cpuUs: cpuUs - before.cpuUs, residentPeakBytes }),
);
