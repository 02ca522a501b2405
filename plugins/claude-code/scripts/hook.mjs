// Hands the plugin's options to the hook command, which reads its settings from the environment. What is set there already counts more.
const OPTIONS = {
  AUDIT_LOG_URL: "CLAUDE_PLUGIN_OPTION_URL",
  AUDIT_TOKEN: "CLAUDE_PLUGIN_OPTION_TOKEN",
  AGENT_ID: "CLAUDE_PLUGIN_OPTION_AGENT_ID",
};
for (const [name, option] of Object.entries(OPTIONS)) {
  const value = process.env[option];
  if (value && !process.env[name]) process.env[name] = value;
}
await import("./agent-audit-log.mjs");
