import { addHostOf, type ProgramCall, type ProgramReader, readArguments, readFiles } from "./program-call.ts";
import type { ShellWord } from "./shell-word.ts";
import { readSql } from "./sql-text.ts";

interface DatabaseProgram {
  readonly statements: readonly string[];
  readonly scripts: readonly string[];
  readonly hosts: readonly string[];
  readonly valued: readonly string[];
  /** Where SQL stands among the operands, if it does; a database file is before it. */
  readonly sqlOperand?: number;
}

const PROGRAMS: Readonly<Record<string, DatabaseProgram>> = {
  psql: {
    statements: ["-c", "--command"],
    scripts: ["-f", "--file"],
    hosts: ["-h", "--host"],
    valued: ["-U", "--username", "-d", "--dbname", "-p", "--port", "-v", "--set", "-P", "-o", "--output", "-F"],
  },
  mysql: {
    statements: ["-e", "--execute"],
    scripts: [],
    hosts: ["-h", "--host"],
    valued: ["-u", "--user", "-P", "--port", "-D", "--database"],
  },
  mariadb: { statements: ["-e", "--execute"], scripts: [], hosts: ["-h", "--host"], valued: ["-u", "--user", "-P", "-D"] },
  sqlite3: { statements: ["-cmd"], scripts: ["-init"], hosts: [], valued: ["-separator"], sqlOperand: 1 },
  duckdb: { statements: ["-c", "-s"], scripts: ["-f", "-init"], hosts: [], valued: [], sqlOperand: 1 },
  "clickhouse-client": {
    statements: ["-q", "--query"],
    scripts: ["--queries-file"],
    hosts: ["-h", "--host"],
    valued: ["-u", "--user", "-d", "--port"],
  },
  bq: { statements: [], scripts: [], hosts: [], valued: [], sqlOperand: 1 },
  sqlcmd: { statements: ["-Q", "-q"], scripts: ["-i"], hosts: ["-S"], valued: ["-U", "-P", "-d"] },
};

function readDatabase(call: ProgramCall, program: DatabaseProgram): void {
  const { finding, input } = call;
  const read = readArguments(call.words, new Set([...program.statements, ...program.scripts, ...program.hosts, ...program.valued]));
  const sql: ShellWord[] = [...read.valuesOf(...program.statements)];
  read.operands.forEach((word, i) => {
    if (program.sqlOperand !== undefined && i >= program.sqlOperand) sql.push(word);
    else if (finding.addUrl(word.text)) return;
    else if (program.sqlOperand !== undefined && call.program !== "bq") readFiles([word], call);
  });
  for (const { text } of read.valuesOf(...program.hosts)) addHostOf(text, finding);
  for (const { text } of read.valuesOf("-d", "--dbname")) finding.addUrl(text);
  const scripts = read.valuesOf(...program.scripts);
  readFiles(scripts, call);
  if (scripts.length > 0) finding.markUnread("script");
  for (const { text, isComplete } of sql) {
    readStatement(text, call);
    if (!isComplete) finding.markUnread("script");
  }
  if (sql.length > 0 || scripts.length > 0) return;
  if (input.kind === "text" && input.text !== "") {
    for (const line of input.text.startsWith("\\") || input.text.startsWith(".") ? input.text.split("\n") : [input.text])
      readStatement(line, call);
    if (!input.isComplete) finding.markUnread("script");
  } else if (input.kind !== "none") finding.markUnread("script");
  else if (read.has("-l", "--list")) finding.raise("readonly");
  else finding.markUnread("script");
}

/** SQL, or a command of the client itself: `\dt`, `.tables`. */
function readStatement(text: string, call: ProgramCall): void {
  const command = text.trim();
  if (
    /^(?:\\(?:d\S*|l\+?|conninfo|timing|x|q|sf|sv|pset|echo)|\.(?:tables|schema|databases|mode|headers|indexes|quit|width))(?:\s|$)/.test(
      command,
    )
  ) {
    const table = /^(?:\\d\+?|\.schema)\s+([\w."]+)/.exec(command)?.[1];
    if (table !== undefined) call.finding.addTable(table);
    call.finding.raise("readonly");
  } else if (/^[\\.]/.test(command)) call.finding.markUnread("script");
  else if (command !== "") readSql(command, call.finding);
}

/** Whole databases: in or out. */
function dumps(call: ProgramCall): void {
  const read = readArguments(
    call.words,
    new Set(["-h", "--host", "-U", "-u", "-d", "--dbname", "-p", "-f", "--file", "-t", "--table", "-F", "-n"]),
  );
  call.finding.raise(/dump/.test(call.program) ? "readonly" : "admin");
  if (read.has("-f", "--file")) call.finding.raise("read-write");
  for (const { text } of read.valuesOf("-h", "--host")) addHostOf(text, call.finding);
  for (const { text } of read.valuesOf("-t", "--table")) call.finding.addTable(text);
  readFiles(read.valuesOf("-f", "--file"), call);
  for (const { text } of [...read.operands, ...read.valuesOf("-d", "--dbname")]) call.finding.addUrl(text);
}

/** Stores with commands of their own: what is no known reading is taken for writing. */
function redis(call: ProgramCall): void {
  const read = readArguments(call.words, new Set(["-h", "-p", "-a", "-n", "-u", "--user"]), true);
  const verb = read.operands[0]?.text.toLowerCase() ?? "";
  const isReading = /^(?:get|mget|keys|scan|hget|hgetall|hkeys|lrange|smembers|zrange|ttl|type|exists|info|ping|dbsize|strlen|llen)$/.test(
    verb,
  );
  call.finding.raise(isReading ? "readonly" : /^(?:flush|config|shutdown|acl|debug|script)/.test(verb) ? "admin" : "read-write");
  for (const { text } of read.valuesOf("-h")) addHostOf(text, call.finding);
  for (const { text } of read.valuesOf("-u")) call.finding.addUrl(text);
}

export const DATABASE_READERS: Readonly<Record<string, ProgramReader>> = {
  ...Object.fromEntries(Object.entries(PROGRAMS).map(([name, program]) => [name, (call: ProgramCall) => readDatabase(call, program)])),
  pg_dump: dumps,
  pg_dumpall: dumps,
  mysqldump: dumps,
  pg_restore: dumps,
  dropdb: dumps,
  createdb: dumps,
  createuser: dumps,
  dropuser: dumps,
  "redis-cli": redis,
};
