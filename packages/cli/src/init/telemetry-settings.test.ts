import { spawnSync } from "node:child_process";
import { expect, test } from "vitest";
import { telemetrySettings } from "./telemetry-settings.ts";

test("INIT-13: the settings name the server, and no key for one on this machine", () => {
  for (const { agent, text } of telemetrySettings("http://127.0.0.1:7431")) {
    expect(text, agent).toContain("http://127.0.0.1:7431");
    expect(text, agent).not.toMatch(/Authorization|AUDIT_TOKEN/i);
  }
  const [claude, codex, gemini] = telemetrySettings("https://audit.example.org");
  expect(claude?.text).toContain("Bearer $AUDIT_TOKEN");
  expect(codex?.text).toContain('endpoint = "https://audit.example.org/v1/logs"');
  expect(JSON.parse(gemini?.text ?? "")).toMatchObject({ telemetry: { otlpEndpoint: "https://audit.example.org" } });
});

test("INIT-13: a shell takes what is printed for Claude Code, and fills the key in", () => {
  const [claude] = telemetrySettings("https://audit.example.org");
  const script = `${claude?.text}\nprintf '%s|%s' "$OTEL_EXPORTER_OTLP_ENDPOINT" "$OTEL_EXPORTER_OTLP_HEADERS"`;
  const { stdout, status } = spawnSync("sh", ["-c", script], { env: { AUDIT_TOKEN: "k-1" }, encoding: "utf8" });
  expect([status, stdout]).toEqual([0, "https://audit.example.org|Authorization=Bearer k-1"]);
});
