import { BODY_BYTES_MAX, DEFAULT_PRIVACY_POLICY, DISCLOSURE_BYTES_MAX } from "@vouchtrail/events";
import { PATTERN_CHARS_MAX, PATTERNS_MAX } from "@vouchtrail/events/sensitivity";
import { z } from "zod";
import { ENGINE_MEMORY_BYTES, QUERY_TIMEOUT_MS } from "../followers/search/limits.ts";
import { OTLP_BODY_BYTES_MAX } from "../otlp/limits.ts";

/**
 * The one schema of the configuration: types, bounds, defaults and docs. Environment names follow from the paths (`http.port` is
 * `VOUCHTRAIL_HTTP_PORT`), `docs/config.md` is written from it.
 */
const names = (values: Iterable<string>) =>
  z
    .array(z.string().min(1).max(128))
    .max(1_000)
    .default([...values]);

const duration = z.string().regex(/^\d+(ms|s|m|h|d|w|y)$/, "Expected a duration such as 30d.");
const size = z.string().regex(/^\d+\s*(B|KB|MB|GB|TB)$/i, "Expected a size such as 100MB.");

const patterns = z
  .array(
    z
      .string()
      .min(1)
      .max(PATTERN_CHARS_MAX)
      .regex(/^!?\s*[^\s!]/, "Expected a pattern; one that begins with ! exempts."),
  )
  .max(PATTERNS_MAX)
  .default([]);

/** The `audit:` block as the agent audit logging document has it. */
const AuditSchema = z.strictObject({
  content_logging: z
    .strictObject({
      file_contents: z
        .boolean()
        .default(false)
        .describe("Keep the contents of files that agents read and write. Off: path, length and hash."),
      query_results: z.boolean().default(false).describe("Keep the rows of query results. Off: row count, length and hash."),
      bash_output: z
        .union([z.boolean(), z.literal("truncate")])
        .default("truncate")
        .describe("Keep the output of shell commands: true, false, or truncate to the first characters."),
      bash_output_chars_max: z.int().min(0).max(1_000_000).default(500).describe("Characters kept by truncate."),
    })
    .prefault({}),
  redaction: z
    .strictObject({
      patterns: z.array(z.string().min(1).max(1_000)).max(100).default([]).describe("RE2 patterns; each whole match is replaced."),
      replacement: z.string().min(1).max(100).default("[REDACTED]").describe("What stands in place of a secret."),
      keys: names([]).describe("More names of keys whose values are secret."),
    })
    .prefault({}),
  destination: z.enum(["file", "victorialogs", "postgres", "webhook"]).optional().describe("Not available yet."),
  path: z.string().optional().describe("Of the file destination. Not available yet."),
  rotation: z
    .strictObject({
      max_size: size.optional().describe("Of the file destination. Not available yet."),
      max_age: duration.optional().describe("Of the file destination. Not available yet."),
      compress: z.boolean().optional().describe("Of the file destination. Not available yet."),
    })
    .optional()
    .describe("Of the file destination. Not available yet."),
  url: z.string().optional().describe("Of the VictoriaLogs destination. Not available yet."),
  stream: z.string().optional().describe("Of the VictoriaLogs destination. Not available yet."),
  format: z.literal("json").optional().describe("Of the VictoriaLogs destination. Not available yet."),
  labels: z.record(z.string(), z.string()).optional().describe("Of the VictoriaLogs destination. Not available yet."),
  retention: z
    .strictObject({
      hot: duration.optional().describe("Not available yet: everything is kept."),
      warm: duration.optional().describe("Not available yet: everything is kept."),
      cold: duration.optional().describe("Not available yet: everything is kept."),
    })
    .optional()
    .describe("Not available yet: everything is kept."),
  pii_retention: duration.optional().describe("Not available yet: nothing is erased by age."),
});

const AlertsSchema = z
  .array(z.strictObject({ name: z.string().min(1), condition: z.string().min(1), window: duration, action: z.string().min(1) }))
  .max(1_000);

const usd = z.number().min(0).max(1_000_000);

/** Prices of models, in US dollars per million tokens. Shape: `ModelPrice`. */
const PricesSchema = z
  .array(
    z.strictObject({
      model: z.string().min(1).max(200),
      from: z.iso.date(),
      inputUsd: usd,
      outputUsd: usd,
      cacheReadUsd: usd,
      cacheWriteUsd: usd,
      cacheWrite1hUsd: usd.optional(),
    }),
  )
  .max(1_000);

export const ConfigSchema = z.strictObject({
  data: z.string().min(1).default("./vouchtrail-data").describe("The data directory."),
  state: z
    .string()
    .min(1)
    .optional()
    .describe("Folder outside the data directory where the newest checkpoint is remembered. Default: the state folder of the user."),
  origin: z
    .string()
    .min(1)
    .max(255)
    .regex(/^[^\s+]+$/, "White space and + are not allowed.")
    .optional()
    .describe("Name of the ledger in checkpoints, best a URL without scheme. Fixed when the ledger is made; default: a random name."),
  http: z
    .strictObject({
      host: z.string().min(1).default("127.0.0.1").describe("Address to listen on. Beyond loopback, API keys must exist."),
      port: z.int().min(0).max(65_535).default(7431).describe("Port to listen on; 0 takes a free one."),
      hosts: names([]).describe("Further names that the Host header may have."),
      origins: names([]).describe("Web origins, such as https://audit.example.org, whose pages may call the API."),
      bodyBytesMax: z
        .int()
        .min(65_536)
        .max(256 * 1_048_576)
        .default(BODY_BYTES_MAX)
        .describe("Bytes of one request body."),
      connectionsMax: z.int().min(16).max(65_536).default(8_192).describe("Connections at a time."),
      loopbackWithoutKey: z.boolean().default(true).describe("Let programs on this machine read and write without a key."),
    })
    .prefault({}),
  ledger: z
    .strictObject({
      checkpointIntervalMs: z
        .int()
        .min(50)
        .max(60_000)
        .default(1_000)
        .describe("Longest time in milliseconds that an entry stays unsigned."),
      heartbeatMinutes: z
        .int()
        .min(1)
        .max(1_440)
        .default(60)
        .describe("Minutes without entries after which one says that the server lives."),
    })
    .prefault({}),
  limits: z
    .strictObject({
      disclosureBytesMax: z
        .int()
        .min(4_096)
        .max(16 * 1_048_576)
        .default(DISCLOSURE_BYTES_MAX)
        .describe("Bytes of the content of one event. What is over is cut to a preview with length and hash."),
    })
    .prefault({}),
  search: z
    .strictObject({
      memoryMegabytes: z
        .int()
        .min(256)
        .max(1_048_576)
        .default(ENGINE_MEMORY_BYTES / 1_048_576)
        .describe("Memory that the query engine of the search index may take, in a process of its own."),
      threads: z.int().min(1).max(256).optional().describe("Threads of one query. Default: as many as there are cores, at most 4."),
      queryTimeoutMs: z
        .int()
        .min(100)
        .max(3_600_000)
        .default(QUERY_TIMEOUT_MS)
        .describe("Longest time in milliseconds that a query may run."),
    })
    .prefault({}),
  privacy: z
    .strictObject({
      personalTargets: names(DEFAULT_PRIVACY_POLICY.personalTargets).describe("Target types that are persons: their ids can be erased."),
      impersonalTargets: names(DEFAULT_PRIVACY_POLICY.impersonalTargets).describe("Target types whose ids stay readable in the leaf."),
      contextIds: z.enum(["leaf", "personal"]).default("leaf").describe("Where session and trace ids go; personal makes them erasable."),
    })
    .prefault({}),
  sensitivity: z
    .strictObject({
      derive: z
        .boolean()
        .default(true)
        .describe(
          "Derive permission level, resources and the sensitive flag of tool calls from their inputs, where the sender names none.",
        ),
      defaults: z.boolean().default(true).describe("Use the built-in patterns too; docs/spec/sensitivity.md lists them."),
      paths: patterns.describe("Sensitive files, such as *.pem or ~/.ssh/**, beside the built-in ones; what begins with ! is exempt."),
      hosts: patterns.describe("Sensitive hosts, such as *.internal.example.org."),
      tables: patterns.describe("Sensitive database tables, such as customers or payroll.*."),
      commands: patterns.describe("Commands that show sensitive data, such as pass or kubectl get secret*."),
      mcpServers: patterns.describe("MCP servers with sensitive data, by name."),
    })
    .prefault({}),
  otlp: z
    .strictObject({
      bodyBytesMax: z
        .int()
        .min(65_536)
        .max(256 * 1_048_576)
        .default(OTLP_BODY_BYTES_MAX)
        .describe("Bytes of one OTLP request, also after decompression."),
      keepOther: z
        .boolean()
        .default(false)
        .describe("Keep log records and spans that tell of no known action too, as otel.log and otel.span."),
    })
    .prefault({}),
  hooks: z
    .strictObject({
      redactToolOutput: z
        .boolean()
        .default(false)
        .describe("Answer a hook with the output of its tool without the secrets in it, so that the model does not see them."),
    })
    .prefault({}),
  prices: PricesSchema.default([]).describe(
    "What models cost from a date on, in US dollars per million tokens: { model, from, inputUsd, outputUsd, cacheReadUsd, cacheWriteUsd, cacheWrite1hUsd }. Comes before the shipped list prices; read by import.",
  ),
  log: z
    .strictObject({
      level: z.enum(["fatal", "error", "warn", "info", "debug", "silent"]).default("info").describe("Least level that is logged."),
    })
    .prefault({}),
  audit: AuditSchema.prefault({}),
  alerts: AlertsSchema.default([]).describe("Not available yet: nothing is alerted."),
});

export type Config = z.output<typeof ConfigSchema>;
