import { Command } from "commander";
import type { CommandContext } from "./command-context.ts";
import { addBundle } from "./commands/bundle.ts";
import { addCompleteness } from "./commands/completeness.ts";
import { addDoctor } from "./commands/doctor.ts";
import { addEffects } from "./commands/effects.ts";
import { addEmit } from "./commands/emit.ts";
import { addEvents } from "./commands/events.ts";
import { addExplain } from "./commands/explain.ts";
import { addExport } from "./commands/export.ts";
import { addGet } from "./commands/get.ts";
import { addImport } from "./commands/import.ts";
import { addInit } from "./commands/init.ts";
import { addKeys } from "./commands/keys.ts";
import { addLedger } from "./commands/ledger.ts";
import { addMcpProxy } from "./commands/mcp-proxy.ts";
import { addProof } from "./commands/proof.ts";
import { addReport } from "./commands/report.ts";
import { addSearch } from "./commands/search.ts";
import { addIndex } from "./commands/search-index.ts";
import { addServe } from "./commands/serve.ts";
import { addSession } from "./commands/session.ts";
import { addSessions } from "./commands/sessions.ts";
import { addSources } from "./commands/sources.ts";
import { addSql } from "./commands/sql.ts";
import { addStats } from "./commands/stats.ts";
import { addTail } from "./commands/tail.ts";
import { addVerify } from "./commands/verify.ts";
import { VERSION } from "./version.ts";

/** The command line `vouchtrail`: every command, none of it run yet. */
export function createProgram(context: CommandContext): Command {
  const program = new Command("vouchtrail")
    .description("An audit trail that vouches for itself: take events in, read them back, and prove that nothing was changed.")
    .version(VERSION)
    .showHelpAfterError("(vouchtrail <command> --help shows how it is used)")
    .addHelpText(
      "after",
      "\nExamples:\n  vouchtrail serve\n  vouchtrail init claude-code\n  vouchtrail import ~/.claude/projects\n  vouchtrail verify",
    );
  addServe(program, context);
  addEmit(program, context);
  addImport(program, context);
  addInit(program, context);
  addTail(program, context);
  addSearch(program, context);
  addStats(program, context);
  addSources(program, context);
  addEffects(program, context);
  addSessions(program, context);
  addSession(program, context);
  addCompleteness(program, context);
  addReport(program, context);
  addSql(program, context);
  addGet(program, context);
  addExplain(program, context);
  addBundle(program, context);
  addProof(program, context);
  addExport(program, context);
  addVerify(program, context);
  addKeys(program, context);
  addLedger(program, context);
  addIndex(program, context);
  addEvents(program, context);
  addMcpProxy(program, context);
  addDoctor(program, context);
  return program;
}
