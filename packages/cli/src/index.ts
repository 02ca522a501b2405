// The whole public surface of the command line. A new line here is public API.
export { type Client, type ClientReceipt, createClient, type SendResult } from "./client.ts";
export { EXIT } from "./exit-code.ts";
