// A relay that works for as long as its process lives.
import { Pool } from "pg";
import { createOutboxRelay } from "../../packages/sdk/dist/node/postgres/index.js";

const [connectionString, url, table] = process.argv.slice(2);
createOutboxRelay({ pool: new Pool({ connectionString }), url, table, batchSize: 10, intervalMs: 20, logger: false }).start();
