// `npm run docs`: writes docs/config.md, docs/errors.md, docs/metrics.md, docs/sdk-api.md and the plugin's copy of the hook command from the built packages and their source. `--check` only tells whether they are up to date.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { root, setUp } from "./setup.mjs";

const isChecking = process.argv.includes("--check");
if (!isChecking) setUp();
const { sdkApiPage } = await import("./sdk-api.mjs");
const { PLUGIN_COMMAND, pluginCommandText } = await import("./plugin.mjs");
const { ERRORS } = await import("../packages/events/dist/index.js");
const { configOptions } = await import("../packages/server/dist/config/config.js");
const { createMetrics } = await import("../packages/server/dist/metrics.js");

const pages = {
  "docs/config.md": configPage(),
  "docs/errors.md": errorsPage(),
  "docs/metrics.md": metricsPage(),
  "docs/sdk-api.md": sdkApiPage(),
  // The plugin is copied without the rest of the repository, so it has the hook command in it.
  [PLUGIN_COMMAND]: pluginCommandText(),
};
let staleCount = 0;
for (const [name, text] of Object.entries(pages)) {
  const path = join(root, name);
  if (readOrEmpty(path) === text) continue;
  staleCount += 1;
  if (!isChecking) writeFileSync(path, text);
  process.stderr.write(`${name} ${isChecking ? "is out of date: npm run docs writes it" : "written"}\n`);
}
if (isChecking && staleCount > 0) process.exit(1);

function readOrEmpty(path) {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}

function cell(text) {
  return String(text).replaceAll("|", "\\|");
}

function configPage() {
  const rows = configOptions().map(({ path, environment, type, default: value, description }) => {
    const shown = value === undefined ? "" : `\`${cell(JSON.stringify(value))}\``;
    return `| \`${path}\` | \`${environment}\` | ${cell(type)} | ${shown} | ${cell(description)} |`;
  });
  return `# Configuration

Flags go over environment variables, these over the file, that over the defaults. The file is YAML: \`--config\`, else \`VOUCHTRAIL_CONFIG\`, else
\`./vouchtrail.yaml\`. \`\${NAME}\` in it is replaced by an environment variable. An option that does not exist is an error. An option that is
accepted and does nothing yet is a warning at every start.

Secrets are no options: \`VOUCHTRAIL_ADMIN_KEY\` sets the administration key, everything else lies in the folder \`secrets\` of the data directory.
\`VOUCHTRAIL_STATE\` moves the folder where checkpoints are remembered. This page is written by \`npm run docs\`.

| option | environment | value | default | what it does |
|---|---|---|---|---|
${rows.join("\n")}
`;
}

function errorsPage() {
  const sections = Object.entries(ERRORS).map(([code, { status, isRetryable, title }]) => {
    const retry = isRetryable ? "Retry: yes, the same request with the same ids." : "Retry: no, the same request is refused again.";
    return `## ${code}\n\nHTTP status ${status}. ${retry}\n\n${title}\n`;
  });
  return `# Errors

Branch on the code, never on the message. Over HTTP an error is \`{ "error": { "code", "message", "path"?, "requestId" } }\`; the errors of single
events stand in \`errors\` as \`{ position, code, path, message }\`. The status is that of a request refused as a whole: when all events of a request are
refused one by one, it is 400, when some are, 207. This page is written by \`npm run docs\`.

${sections.join("\n")}`;
}

function metricsPage() {
  const metrics = createMetrics();
  // Registers its gauges; they are read only when somebody asks.
  metrics.watch({});
  metrics.watchEffects(async () => undefined);
  const rows = metrics.registry
    .getMetricsAsArray()
    .map(
      ({ name, type, help, labelNames = [] }) =>
        `| \`${name}\` | ${type} | ${labelNames.map((label) => `\`${label}\``).join(", ")} | ${cell(help)} |`,
    )
    .sort();
  return `# Metrics

\`GET /metrics\` answers in the Prometheus format and needs the scope \`read\`, from a key without a tenant: it counts what all tenants do. This page is written by \`npm run docs\`.

| metric | kind | labels | meaning |
|---|---|---|---|
${rows.join("\n")}
`;
}
