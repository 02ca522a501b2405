import { AuditError } from "@vouchtrail/events";
import { runStdioServer } from "./stdio-server.ts";

// The program: everything that it takes from its process is taken here.
try {
  await runStdioServer({
    environment: process.env,
    input: process.stdin,
    output: process.stdout,
    // Standard output belongs to the protocol.
    warn: (message) => void process.stderr.write(`mcp-audit-logger: ${message}\n`),
    onStop: (stop) => {
      for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, stop);
    },
  });
} catch (error) {
  const message = error instanceof AuditError ? error.message : "It could not start. This is a fault of the program; please report it.";
  process.stderr.write(`mcp-audit-logger: ${message}\n`);
  process.exitCode = 2;
}
