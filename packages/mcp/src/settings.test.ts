import { AuditError } from "@vouchtrail/events";
import { expect, test } from "vitest";
import { readSettings } from "./settings.ts";

function refusalOf(variables: Record<string, string>): AuditError {
  try {
    readSettings(variables);
  } catch (error) {
    if (error instanceof AuditError) return error;
  }
  throw new Error("It was not refused.");
}

test("MCP-14: a server and a key are named by either of their variables, and what is empty or was not filled in counts as absent", () => {
  expect(readSettings({})).toMatchObject({
    backend: "server",
    url: "http://127.0.0.1:7431",
    agent: "mcp-client",
    isAgentNamed: false,
    key: undefined,
  });
  expect(readSettings({ VOUCHTRAIL_URL: "http://a", AUDIT_LOG_URL: "http://b", VOUCHTRAIL_KEY: "k", AUDIT_TOKEN: "t" })).toMatchObject({
    url: "http://b",
    key: "t",
  });
  const placeholder = (name: string): string => `\${${name}}`;
  const unfilled = { AGENT_ID: placeholder("AGENT_ID"), AUDIT_TOKEN: placeholder("user_config.token"), AUDIT_LOG_URL: "" };
  expect(readSettings(unfilled)).toMatchObject({ isAgentNamed: false, key: undefined, url: "http://127.0.0.1:7431" });
  expect(readSettings({ AGENT_ID: "ops/bot" })).toMatchObject({ agent: "ops/bot", sourceName: "ops/bot" });
});

test("MCP-15: PostgreSQL needs its own URL; another backend is refused with advice", () => {
  expect(readSettings({ AUDIT_BACKEND: "postgres", AUDIT_DATABASE_URL: "postgres://u@h/d" })).toMatchObject({
    backend: "postgres",
    url: undefined,
  });
  expect(refusalOf({ AUDIT_BACKEND: "mongodb" }).message).toMatch(/server or postgres.*AUDIT_LOG_URL/);
  expect(refusalOf({ AUDIT_BACKEND: "postgres" }).message).toContain("AUDIT_DATABASE_URL");
  expect(refusalOf({ AUDIT_BACKEND: "postgres", AUDIT_DATABASE_URL: "mysql://u:secret@h/d" }).message).not.toContain("secret");
});

test("MCP-14: a name that cannot be an actor's and a URL that is none or holds a key are refused by the name of their variable", () => {
  for (const agent of ["a\nb", "x".repeat(201), "\ud800"])
    expect(refusalOf({ AGENT_ID: agent })).toMatchObject({ code: "CONFIG_INVALID", path: "AGENT_ID" });
  for (const url of ["nonsense", "ftp://h", "http://u:secret@h"]) {
    const error = refusalOf({ AUDIT_LOG_URL: url });
    expect(error.path).toBe("AUDIT_LOG_URL");
    expect(error.message).not.toContain("secret");
  }
});
