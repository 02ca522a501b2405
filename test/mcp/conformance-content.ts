import { type CallToolResult, completable, fromJsonSchema, type McpServer, ResourceTemplate } from "@modelcontextprotocol/server";
import { z } from "zod/v4";

const PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg==";
const WAV = "UklGRiYAAABXQVZFZm10IBAAAAABAAEAQB8AAAB9AAACABAAZGF0YQIAAAA=";
const IMAGE = { type: "image", data: PNG, mimeType: "image/png" } as const;
/** Every tool and prompt needs a description. */
export const SUITE = { description: "What the conformance suite of MCP asks for." };

/** What the suite expects in the list as it stands here, keyword for keyword. */
const SCHEMA_2020 = {
  $schema: "https://json-schema.org/draft/2020-12/schema",
  type: "object",
  $defs: {
    address: {
      $anchor: "addressDef",
      type: "object",
      properties: { street: { type: "string" }, city: { type: "string" } },
    },
  },
  properties: {
    name: { type: "string" },
    address: { $ref: "#/$defs/address" },
    contactMethod: { type: "string", enum: ["phone", "email"] },
    phone: { type: "string" },
    email: { type: "string" },
  },
  allOf: [{ anyOf: [{ required: ["phone"] }, { required: ["email"] }] }],
  if: { properties: { contactMethod: { const: "phone" } }, required: ["contactMethod"] },
  // biome-ignore lint/suspicious/noThenProperty: A keyword of JSON Schema.
  then: { required: ["phone"] },
  else: { required: ["email"] },
  additionalProperties: false,
} as const;

export function textResult(text: string): CallToolResult {
  return { content: [{ type: "text", text }] };
}

/** Tools, resources and prompts that answer at once. */
export function addContent(server: McpServer): void {
  addTools(server);
  addTalkingTools(server);
  addResources(server);
  addPrompts(server);
}

function addTools(server: McpServer): void {
  server.registerTool("test_simple_text", SUITE, () => textResult("This is a simple text response for testing."));
  server.registerTool("test_image_content", SUITE, () => ({ content: [IMAGE] }));
  server.registerTool("test_audio_content", SUITE, () => ({ content: [{ type: "audio", data: WAV, mimeType: "audio/wav" }] }));
  server.registerTool("test_embedded_resource", SUITE, () => {
    const resource = { uri: "test://embedded-resource", mimeType: "text/plain", text: "This is an embedded resource content." };
    return { content: [{ type: "resource", resource }] };
  });
  server.registerTool("test_multiple_content_types", SUITE, () => {
    const resource = { uri: "test://mixed-content-resource", mimeType: "application/json", text: '{"test":"data","value":123}' };
    return { content: [{ type: "text", text: "Multiple content types test:" }, IMAGE, { type: "resource", resource }] };
  });
  server.registerTool("test_error_handling", SUITE, () => {
    throw new Error("This tool intentionally returns an error for testing");
  });
  server.registerTool("json_schema_2020_12_tool", { ...SUITE, inputSchema: fromJsonSchema(SCHEMA_2020) }, () => textResult("valid"));
  server.registerTool(
    "test_custom_header",
    { ...SUITE, inputSchema: z.object({ region: z.string().meta({ "x-mcp-header": "Region" }) }) },
    ({ region }) => textResult(region),
  );
}

/** Tools that tell something before they answer. */
function addTalkingTools(server: McpServer): void {
  server.registerTool("test_tool_with_progress", SUITE, async ({ mcpReq }) => {
    const progressToken = mcpReq._meta?.progressToken;
    for (const progress of [0, 50, 100]) {
      if (progressToken !== undefined)
        await mcpReq.notify({ method: "notifications/progress", params: { progressToken, progress, total: 100 } });
    }
    return textResult(String(progressToken));
  });
  server.registerTool("test_tool_with_logging", SUITE, async ({ mcpReq }) => {
    await mcpReq.log("info", "Tool execution started");
    await mcpReq.log("info", "Tool processing data");
    await mcpReq.log("info", "Tool execution completed");
    return textResult("Logged.");
  });
  server.registerTool("test_logging_tool", SUITE, async ({ mcpReq }) => {
    await mcpReq.log("info", "Logged.");
    return textResult("Logged.");
  });
}

function addResources(server: McpServer): void {
  server.registerResource("static-text", "test://static-text", { mimeType: "text/plain" }, ({ href: uri }) => ({
    contents: [{ uri, mimeType: "text/plain", text: "This is the content of the static text resource." }],
  }));
  server.registerResource("static-binary", "test://static-binary", { mimeType: "image/png" }, ({ href: uri }) => ({
    contents: [{ uri, mimeType: "image/png", blob: PNG }],
  }));
  server.registerResource(
    "template",
    new ResourceTemplate("test://template/{id}/data", { list: undefined }),
    { mimeType: "application/json" },
    ({ href: uri }, { id }) => ({
      contents: [{ uri, mimeType: "application/json", text: JSON.stringify({ id, templateTest: true, data: `Data for ID: ${id}` }) }],
    }),
  );
}

function addPrompts(server: McpServer): void {
  server.registerPrompt("test_simple_prompt", SUITE, () => ({
    messages: [{ role: "user", content: { type: "text", text: "This is a simple prompt for testing." } }],
  }));
  const arg1 = completable(z.string(), (typed) => ["paris", "party"].filter((city) => city.startsWith(typed)));
  server.registerPrompt("test_prompt_with_arguments", { ...SUITE, argsSchema: z.object({ arg1, arg2: z.string() }) }, (given) => ({
    messages: [{ role: "user", content: { type: "text", text: `Prompt with arguments: arg1='${given.arg1}', arg2='${given.arg2}'` } }],
  }));
  server.registerPrompt(
    "test_prompt_with_embedded_resource",
    { ...SUITE, argsSchema: z.object({ resourceUri: z.string() }) },
    ({ resourceUri }) => {
      const resource = { uri: resourceUri, mimeType: "text/plain", text: "Embedded resource content for testing." };
      return {
        messages: [
          { role: "user", content: { type: "resource", resource } },
          { role: "user", content: { type: "text", text: "Please process the embedded resource above." } },
        ],
      };
    },
  );
  server.registerPrompt("test_prompt_with_image", SUITE, () => ({
    messages: [
      { role: "user", content: IMAGE },
      { role: "user", content: { type: "text", text: "Please analyze the image above." } },
    ],
  }));
}
