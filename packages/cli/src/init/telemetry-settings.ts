import { isLoopback } from "./loopback.ts";

/** What makes one agent send its telemetry. */
export interface TelemetrySettings {
  readonly agent: "claude-code" | "codex" | "gemini-cli";
  /** Where the text belongs: a shell's start file, or a file of settings. */
  readonly place: string;
  readonly text: string;
}

/** Holds the API key: it is never written out. */
const KEY_VARIABLE = "AUDIT_TOKEN";

/**
 * What makes each agent that speaks OpenTelemetry send it to a server, to be put into its settings by hand: environments and TOML have no one place that
 * could be changed and changed back.
 *
 * @param url Of the server, without a path. One on another machine gets the API key of `$AUDIT_TOKEN`. Rule: INIT-13. Names: docs of the agents as of November 2026.
 */
export function telemetrySettings(url: string): readonly TelemetrySettings[] {
  const isKeySent = !isLoopback(url);
  return [
    {
      agent: "claude-code",
      place: "the environment that it is started in, or `env` in its settings",
      text: [
        "export CLAUDE_CODE_ENABLE_TELEMETRY=1",
        "export OTEL_LOGS_EXPORTER=otlp",
        "export OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf",
        `export OTEL_EXPORTER_OTLP_ENDPOINT=${url}`,
        "export OTEL_LOG_TOOL_DETAILS=1",
        ...(isKeySent ? [`export OTEL_EXPORTER_OTLP_HEADERS="Authorization=Bearer $${KEY_VARIABLE}"`] : []),
      ].join("\n"),
    },
    {
      agent: "codex",
      place: "~/.codex/config.toml",
      text: [
        "[otel]",
        'exporter = "otlp-http"',
        "[otel.exporter.otlp-http]",
        `endpoint = "${url}/v1/logs"`,
        'protocol = "binary"',
        ...(isKeySent ? [`headers = { "authorization" = "Bearer <the key in $${KEY_VARIABLE}>" }`] : []),
      ].join("\n"),
    },
    {
      agent: "gemini-cli",
      place: "~/.gemini/settings.json",
      text: JSON.stringify({ telemetry: { enabled: true, target: "local", otlpEndpoint: url, otlpProtocol: "http" } }, null, 2),
    },
  ];
}
