/** A value that is bound to `$1`, `$2` … of a statement. Whole numbers are bigints, and cast where they stand. */
export type StatementValue = string | bigint | boolean;

/** SQL with its values beside it: nothing that came from outside ever stands in the text. */
export interface Statement {
  readonly sql: string;
  readonly values: readonly StatementValue[];
}

/** Runs one statement and gives its rows, as the driver has them. The statements of one question see one moment of the index. */
export type RunStatement = (statement: Statement) => Promise<readonly (readonly unknown[])[]>;
