// MCP for the audit trail: tools over any reader and log, and the door of a server. A new line here is public API.
export type { AuditLog, LogReceipt, Recorded } from "./audit-log.ts";
export { type AuditMcpServerOptions, createAuditMcpServer } from "./audit-mcp-server.ts";
export type { McpCaller } from "./caller.ts";
export { createEmitterLog } from "./emitter-log.ts";
export { createDoor, createMcpDoor, type McpDoor } from "./mcp-door.ts";
export { VERSION } from "./version.ts";
