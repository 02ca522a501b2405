// What telemetry costs the server, beside the same events as plain JSON. `npm run bench -- --otlp`.
import { JsonLogsSerializer, ProtobufLogsSerializer } from "@opentelemetry/otlp-transformer";
import { resourceFromAttributes } from "@opentelemetry/resources";
import { InMemoryLogRecordExporter, LoggerProvider, SimpleLogRecordProcessor } from "@opentelemetry/sdk-logs";
import { fromOtlpLog } from "@vouchtrail/events";
import { Pool } from "undici";
import type { Measured } from "./child.ts";
import { median } from "./figures.ts";
import { formatNumber, formatTable } from "./report.ts";
import { startVouchtrail, type Workspace } from "./scenario.ts";

/** Log records of one request: what an exporter sends every five seconds of a busy agent, and more. */
const BATCH_RECORDS = 100;
const BATCHES = 150;
const CONNECTIONS = 4;
const ROUNDS = 3;
const START_MS = Date.UTC(2026, 0, 5);

/** One request in every form: the records of an exporter in both encodings, and the events that they become. */
interface Batch {
  readonly json: Uint8Array;
  readonly protobuf: Uint8Array;
  readonly events: Uint8Array;
}

/** Results of tools as Claude Code tells them, about 700 bytes of attributes each; numbers go on from `first`. */
async function makeBatch(first: number): Promise<Batch> {
  const exporter = new InMemoryLogRecordExporter();
  const provider = new LoggerProvider({
    resource: resourceFromAttributes({ "service.name": "claude-code", "service.version": "2.1.240" }),
    processors: [new SimpleLogRecordProcessor({ exporter })],
  });
  const logger = provider.getLogger("com.anthropic.claude_code.events", "2.1.240");
  const events: unknown[] = [];
  for (let number = first; number < first + BATCH_RECORDS; number++) {
    const attributes = {
      "event.name": "tool_result",
      "event.timestamp": new Date(START_MS + number * 1_000).toISOString(),
      "event.sequence": number,
      "session.id": `7c1f0a52-0000-4000-8000-${String(number % 50).padStart(12, "0")}`,
      "user.id": "b1946ac92492d2347c6235b4d2611184",
      "user.email": "dev@example.org",
      tool_name: "Bash",
      tool_use_id: `toolu_01${String(number).padStart(22, "0")}`,
      success: "true",
      duration_ms: "412",
      tool_parameters: JSON.stringify({
        bash_command: "npm",
        full_command: `npm test -- --shard ${number % 9}/9`,
        description: "Run the tests",
      }),
    };
    logger.emit({ body: "claude_code.tool_result", attributes, timestamp: START_MS + number * 1_000 });
    events.push(
      ...fromOtlpLog(
        {
          resource: { "service.name": "claude-code", "service.version": "2.1.240" },
          scope: { name: "com.anthropic.claude_code.events", version: "2.1.240" },
          attributes,
          body: "claude_code.tool_result",
          timeUnixNano: `${START_MS + number * 1_000}000000`,
          droppedCount: 0,
          severityNumber: 0,
        },
        { tenant: "default" },
      ).map(({ id: _, ...event }) => event),
    );
  }
  await provider.forceFlush();
  const records = exporter.getFinishedLogRecords();
  return {
    json: JsonLogsSerializer.serializeRequest(records) ?? new Uint8Array(),
    protobuf: ProtobufLogsSerializer.serializeRequest(records) ?? new Uint8Array(),
    events: Buffer.from(JSON.stringify(events)),
  };
}

interface Form {
  readonly name: string;
  readonly path: string;
  readonly type: string;
  readonly of: (batch: Batch) => Uint8Array;
}
const FORMS: readonly Form[] = [
  { name: "POST /v1/logs, JSON", path: "/v1/logs", type: "application/json", of: ({ json }) => json },
  { name: "POST /v1/logs, protobuf", path: "/v1/logs", type: "application/x-protobuf", of: ({ protobuf }) => protobuf },
  { name: "POST /api/v1/events, the same events", path: "/api/v1/events", type: "application/json", of: ({ events }) => events },
];

interface LoadRound {
  readonly perSecond: number;
  readonly cpuUs: number;
  readonly bytes: number;
}

/** Sends new records in each form, in turns, to one server. */
export async function measureOtlp(workspace: Workspace, out: (text: string) => void): Promise<void> {
  const server = await startVouchtrail(await workspace.folder("otlp-server"));
  let first = 0;
  const rounds = new Map<Form, LoadRound[]>(FORMS.map((form) => [form, []]));
  for (let round = -1; round < ROUNDS; round++) {
    for (const form of FORMS) {
      const bodies: Uint8Array[] = [];
      for (let batch = 0; batch < BATCHES; batch++, first += BATCH_RECORDS) bodies.push(form.of(await makeBatch(first)));
      const measured = await load(server, form, bodies);
      // The first round only warms the server up.
      if (round >= 0) rounds.get(form)?.push(measured);
    }
  }
  await server.close();
  out(
    `Requests of ${BATCH_RECORDS} records, ${CONNECTIONS} connections, medians of ${ROUNDS} rounds of ${BATCHES * BATCH_RECORDS} records:\n`,
  );
  out(
    formatTable(
      ["what", "bytes a record", "records per second", "CPU µs of the server a record"],
      [...rounds].map(([{ name }, of]) => [
        name,
        ...[of.map(({ bytes }) => bytes), of.map(({ perSecond }) => perSecond), of.map(({ cpuUs }) => cpuUs)].map((figures) =>
          formatNumber(median(figures)),
        ),
      ]),
    ),
  );
}

async function load(server: Measured, { path, type }: Form, bodies: readonly Uint8Array[]): Promise<LoadRound> {
  const pool = new Pool(server.url, { connections: CONNECTIONS, pipelining: 1 });
  const before = await server.usage();
  const startedMs = performance.now();
  let next = 0;
  const send = async (): Promise<void> => {
    for (let body = bodies[next++]; body !== undefined; body = bodies[next++]) {
      const answer = await pool.request({ path, method: "POST", headers: { "content-type": type }, body });
      const text = await answer.body.text();
      if (answer.statusCode >= 300 || text.includes("partialSuccess")) throw new Error(`${answer.statusCode}: ${text.slice(0, 500)}`);
    }
  };
  await Promise.all(Array.from({ length: CONNECTIONS }, send));
  const seconds = (performance.now() - startedMs) / 1_000;
  await server.searchable();
  const after = await server.usage();
  await pool.close();
  const records = bodies.length * BATCH_RECORDS;
  return {
    perSecond: records / seconds,
    cpuUs: (after.own.cpuUs - before.own.cpuUs) / records,
    bytes: bodies.reduce((sum, body) => sum + body.length, 0) / records,
  };
}
