import { createRequire } from "node:module";

const { version } = createRequire(import.meta.url)("@vouchtrail/server/package.json") as { version: string };

/** Version of the product; all packages share it. */
export const VERSION: string = version;
