import { DEFAULT_URL } from "../connection.ts";

/** How the plugin begins, by which it is known again. */
export const OPENCODE_PLUGIN_MARK = "// Vouchtrail for OpenCode:";

/**
 * The plugin that tells the trail what OpenCode does: one file, because OpenCode loads every file of its plugin folder. It never throws, never changes what it is given, and waits a bounded time, and not at
 * all while the server does not answer. `plugins/opencode/vouchtrail.js` is a copy.
 *
 * @param url Of the server. The default one leaves the choice to the environment. Rules: INIT-12, HOOK-23. Format: types of `@opencode-ai/plugin` 1.18.33.
 */
export function opencodePluginText(url: string): string {
  const server = url === DEFAULT_URL ? `process.env.AUDIT_LOG_URL || process.env.VOUCHTRAIL_URL || "${url}"` : JSON.stringify(url);
  return `${OPENCODE_PLUGIN_MARK} it tells the audit trail what the agent does, and never stands in its way.
// "vouchtrail init opencode" writes this file, and with --undo removes it. Environment: AUDIT_TOKEN (the API key), AGENT_ID.
const SERVER = ${server};
const WAIT_MS = 1_000;
/** Events that are told beside prompts and calls. */
const TOLD = ["session.created", "session.idle", "session.compacted", "session.error", "session.deleted", "permission.replied"];

let isAnswering = true;

function bodyOf(hook) {
  try {
    return JSON.stringify(hook);
  } catch {
    // What is no JSON is told without its content.
    const { hook_event_name, sessionID, callID, tool } = hook;
    return JSON.stringify({ hook_event_name, sessionID, callID, tool, content_withheld: true });
  }
}

async function post(hook) {
  try {
    const key = process.env.AUDIT_TOKEN || process.env.VOUCHTRAIL_KEY;
    const agentId = process.env.AGENT_ID;
    const response = await fetch(\`\${SERVER.replace(/[/]+$/, "")}/hooks/opencode\`, {
      method: "POST",
      headers: {
        "content-type": "application/json",
        ...(key ? { authorization: \`Bearer \${key}\` } : {}),
        ...(agentId ? { "x-vouchtrail-agent-id": encodeURIComponent(agentId) } : {}),
      },
      body: bodyOf(hook),
      signal: AbortSignal.timeout(WAIT_MS),
    });
    await response.arrayBuffer();
    isAnswering = true;
  } catch {
    isAnswering = false;
  }
}

/** While the server does not answer, the agent does not wait for it. */
async function tell(name, makeMembers) {
  try {
    const told = post({ hook_event_name: name, ...makeMembers() });
    if (isAnswering) await told;
  } catch {
    // Whatever fails here, the agent must not hear of it.
  }
}

export const VouchtrailPlugin = async () => ({
  "tool.execute.before": (input, output) =>
    tell("tool.execute.before", () => ({
      sessionID: input.sessionID,
      callID: input.callID,
      tool: input.tool,
      args: output.args,
    })),
  "tool.execute.after": (input, output) =>
    tell("tool.execute.after", () => ({
      sessionID: input.sessionID,
      callID: input.callID,
      tool: input.tool,
      args: input.args,
      output,
    })),
  "chat.message": (input, output) =>
    tell("chat.message", () => ({
      sessionID: input.sessionID,
      prompt: (output.parts || [])
        .filter((part) => part.type === "text" && !part.synthetic)
        .map((part) => part.text)
        .join("\\n"),
    })),
  "permission.ask": (permission) =>
    tell("permission.ask", () => ({
      sessionID: permission.sessionID,
      callID: permission.callID,
      tool: permission.type,
      args: permission.metadata,
      permission,
    })),
  event: async ({ event }) => {
    if (!event || !TOLD.includes(event.type)) return;
    await tell(event.type, () => {
      const properties = event.properties || {};
      return { sessionID: properties.sessionID || properties.info?.id, properties };
    });
  },
});
`;
}
