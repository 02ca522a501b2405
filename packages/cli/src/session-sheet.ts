import type { SessionSummary } from "@vouchtrail/events";
import { durationText } from "./duration-text.ts";
import { secondsText } from "./hit-table.ts";
import type { Sheet } from "./sheet.ts";
import { countText, printable, type Terminal } from "./terminal.ts";

/** Sessions, one a row. In JSON, NDJSON and CSV with all that the server tells of them. */
export function sessionSheet(sessions: readonly SessionSummary[], { color }: Terminal): Sheet {
  const number = (value: unknown): string => countText(Number(value));
  const numberOrNothing = (value: unknown): string => (value === 0 ? "" : number(value));
  const names = (value: unknown): string => printable((value as readonly string[]).join(", "));
  const right = { align: "right", isWhole: true } as const;
  const columns = [
    { name: "id", title: "SESSION", isWhole: true },
    { name: "tenant", title: "TENANT" },
    { name: "agents", title: "AGENTS", text: (value: unknown) => mainAgents(value as readonly string[]) },
    { name: "users", title: "USERS", text: names },
    { name: "startedAt", title: "STARTED (UTC)", isWhole: true, text: (value: unknown) => secondsText(String(value)), paint: color.dim },
    { name: "durationMs", title: "TOOK", ...right, text: (value: unknown) => durationText(Number(value)) },
    { name: "prompts", title: "PROMPTS", ...right, text: numberOrNothing },
    { name: "toolCalls", title: "CALLS", ...right, text: number },
    { name: "failures", title: "FAILED", ...right, text: numberOrNothing, paint: color.red },
    { name: "denials", title: "DENIED", ...right, text: numberOrNothing, paint: color.yellow },
    { name: "tokensOutput", title: "TOKENS OUT", ...right, text: numberOrNothing },
    { name: "costUsd", title: "COST", ...right, text: (value: unknown) => (value === 0 ? "" : `$${Number(value).toFixed(2)}`) },
    { name: "vantagePoints", title: "TOLD BY", text: names },
    { name: "verdict", title: "VERDICT", isWhole: true, paint: (text: string, value: unknown) => paintVerdict(text, String(value), color) },
    { name: "holeCount", title: "HOLES", ...right, text: numberOrNothing, paint: color.red },
  ];
  return {
    columns,
    rows: sessions.map((session) => columns.map(({ name }) => session[name as keyof SessionSummary])),
  };
}

export function paintVerdict(text: string, verdict: string, color: Terminal["color"]): string {
  return verdict === "complete" ? color.green(text) : verdict === "incomplete" ? color.red(text) : color.yellow(text);
}

/** Subagents are told as a number behind their agent. */
function mainAgents(agents: readonly string[]): string {
  const main = agents.filter((agent) => !agents.some((other) => agent.startsWith(`${other}/`)));
  const rest = agents.length - main.length;
  return `${printable(main.join(", "))}${rest === 0 ? "" : ` +${rest}`}`;
}
