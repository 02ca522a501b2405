import { type OutboxPlace, outboxNames, quoteName, quoteText } from "./outbox-names.ts";

export interface OutboxSqlOptions extends OutboxPlace {
  /** Role of the application: it may add rows and nothing else, not even read them. Without one, grant it yourself. */
  readonly writerRole?: string;
  /** Role of the relay, the only one that may delete rows, with its members. Default: the owner of the table. */
  readonly relayRole?: string;
}

/**
 * SQL that makes an outbox: its table, the table of refused rows, their guard and the grants. For a migration; it may be run again. PostgreSQL 14 or newer.
 *
 * Schema and roles must exist. Run it as a role that is neither the writer nor the relay: the owner of a table can switch its guard off, and so can a superuser.
 * Without `writerRole` and `relayRole` one role does everything, and the guard stops accidents only.
 *
 * Rows that were refused wait until somebody looks at them. To send them again, as the owner: insert their `id` and `event` into the outbox, and
 * delete them as the relay.
 *
 * @throws {AuditError} `CONFIG_INVALID`: a name cannot be one in PostgreSQL.
 *
 * Rule: SDK-54.
 */
export function outboxSql(options: OutboxSqlOptions = {}): string {
  const { table, refused, guard } = outboxNames(options);
  const relay = options.relayRole === undefined ? "" : quoteText(options.relayRole);
  const parts = [
    `CREATE TABLE IF NOT EXISTS ${table} (
  number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  id uuid NOT NULL UNIQUE,
  event json NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now()
);`,
    // An event that was put back may be refused again: its id is no key here.
    `CREATE TABLE IF NOT EXISTS ${refused} (
  number bigint PRIMARY KEY,
  id uuid NOT NULL,
  event json NOT NULL,
  created_at timestamptz NOT NULL,
  code text NOT NULL,
  path text NOT NULL,
  message text NOT NULL,
  refused_at timestamptz NOT NULL DEFAULT now()
);`,
    guardSql(guard),
    ...[table, refused].map(
      (guarded) => `CREATE OR REPLACE TRIGGER vouchtrail_guard BEFORE UPDATE OR DELETE OR TRUNCATE ON ${guarded}
  FOR EACH STATEMENT EXECUTE FUNCTION ${guard}(${relay});`,
    ),
    `REVOKE ALL ON ${table}, ${refused} FROM PUBLIC;`,
  ];
  if (options.writerRole !== undefined) {
    const writer = quoteName(options.writerRole, "writerRole");
    parts.push(
      `REVOKE ALL ON ${table}, ${refused} FROM ${writer};`,
      // Not the other columns: the number and the time are the database's own.
      `GRANT INSERT (id, event) ON ${table} TO ${writer};`,
    );
    if (options.schema !== undefined) parts.push(`GRANT USAGE ON SCHEMA ${quoteName(options.schema, "schema")} TO ${writer};`);
  }
  if (options.relayRole !== undefined) {
    const role = quoteName(options.relayRole, "relayRole");
    parts.push(
      `GRANT SELECT, DELETE ON ${table} TO ${role};`,
      // Only a role that may update a column may lock a row. The guard refuses the update itself.
      `GRANT UPDATE (number) ON ${table} TO ${role};`,
      `GRANT SELECT, INSERT, DELETE ON ${refused} TO ${role};`,
    );
    if (options.schema !== undefined) parts.push(`GRANT USAGE ON SCHEMA ${quoteName(options.schema, "schema")} TO ${role};`);
  }
  return `${parts.join("\n")}\n`;
}

/** Refuses what grants cannot refuse: what the owner does by accident, and a relay that changes rows. The role arrives as an argument: nothing is pasted into code. */
function guardSql(guard: string): string {
  return `CREATE OR REPLACE FUNCTION ${guard}() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $guard$
DECLARE
  relay name := coalesce(TG_ARGV[0]::name, (SELECT pg_get_userbyid(relowner) FROM pg_class WHERE oid = TG_RELID));
BEGIN
  IF TG_OP = 'DELETE' AND pg_has_role(current_user, relay, 'USAGE') THEN
    RETURN NULL;
  END IF;
  RAISE EXCEPTION '% of % is refused: rows are added, and deleted by the relay once the trail has them', TG_OP, TG_TABLE_NAME
    USING ERRCODE = 'insufficient_privilege';
END
$guard$;`;
}
