// The audit proxy in front of an MCP server. A new line here is public API.
export type { ProxyIdentity } from "./call-event.ts";
export { type HttpProxy, type HttpProxyOptions, openHttpProxy } from "./http-proxy.ts";
export { openProxyRecorder, type ProxyRecorder, type ProxyRecorderOptions } from "./recorder.ts";
export { type RunSettings, readRunSettings, serverEnvironment } from "./run-settings.ts";
export { serverNameOf } from "./shown-command.ts";
export { type ServerEnd, type StdioProxy, type StdioProxyOptions, startStdioProxy } from "./stdio-proxy.ts";
