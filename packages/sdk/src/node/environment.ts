/** What the SDK reads from the environment of its process, so that a service can be set up without code. */
export interface SdkEnvironment {
  /** `VOUCHTRAIL_URL`, else `AUDIT_LOG_URL`: base URL of the server. */
  readonly url: string | undefined;
  /** `VOUCHTRAIL_KEY`: API key with the scope `ingest`. */
  readonly key: string | undefined;
  /** `VOUCHTRAIL_SPOOL`: folder of the spool. */
  readonly spoolDirectory: string | undefined;
  /** `VOUCHTRAIL_SOURCE`: name of the program. */
  readonly sourceName: string | undefined;
  /** `VOUCHTRAIL_TENANT`. */
  readonly tenant: string | undefined;
  /** `NODE_ENV` is `production`. */
  readonly isProduction: boolean;
}

/** Empty variables count as absent. */
export function readEnvironment(variables: Readonly<Record<string, string | undefined>> = process.env): SdkEnvironment {
  const get = (...names: readonly string[]): string | undefined =>
    names.map((name) => variables[name]).find((value) => value !== undefined && value !== "");
  return {
    url: get("VOUCHTRAIL_URL", "AUDIT_LOG_URL"),
    key: get("VOUCHTRAIL_KEY"),
    spoolDirectory: get("VOUCHTRAIL_SPOOL"),
    sourceName: get("VOUCHTRAIL_SOURCE"),
    tenant: get("VOUCHTRAIL_TENANT"),
    isProduction: get("NODE_ENV") === "production",
  };
}
