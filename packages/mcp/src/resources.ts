import { type McpServer, ResourceTemplate } from "@modelcontextprotocol/server";
import { AuditError, parseFilter } from "@vouchtrail/events";
import { RECENT_ENTRIES, TIMELINE_ENTRIES_DEFAULT } from "./limits.ts";
import { fittingAnswer } from "./tools/answer.ts";
import { readerOf, type ToolPlace } from "./tools/tool.ts";

const RECENT_URI = "vouchtrail://events/recent";
const JSON_TYPE = "application/json";

/** What a client may put before its model: recent events, and one session. Rule: MCP-32. */
export function addResources({ server, caller }: ToolPlace): void {
  server.registerResource(
    "recent-events",
    RECENT_URI,
    { title: "Recent events", description: `The newest ${RECENT_ENTRIES} deeds of the audit trail.`, mimeType: JSON_TYPE },
    async (uri) => {
      checkScope();
      const page = await readerOf(caller).search({ filter: parseFilter({}), limit: RECENT_ENTRIES, deeds: true, wait: true });
      return contents(uri, page);
    },
  );
  addSession(server);

  function addSession(to: McpServer): void {
    to.registerResource(
      "session",
      // Sessions are not listed: there may be very many, and search_events finds them.
      new ResourceTemplate("vouchtrail://sessions/{id}", { list: undefined }),
      { title: "Session", description: "One session of an agent as a story.", mimeType: JSON_TYPE },
      async (uri, { id }) => {
        checkScope();
        const sessionId = decodeURIComponent(typeof id === "string" ? id : "");
        return contents(uri, await readerOf(caller).session({ id: sessionId, limit: TIMELINE_ENTRIES_DEFAULT, wait: true }));
      },
    );
  }

  function checkScope(): void {
    if (!caller.scopes.has("read")) throw new AuditError("SCOPE_MISSING", { message: 'The key lacks the scope "read".' });
  }
}

function contents(uri: URL, answer: object): { contents: { uri: string; mimeType: string; text: string }[] } {
  return { contents: [{ uri: uri.href, mimeType: JSON_TYPE, text: JSON.stringify(fittingAnswer(answer)) }] };
}
