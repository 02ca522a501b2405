import type { AuditError } from "@vouchtrail/events";
import type { EngineOptions } from "./engine.ts";
import type { Repair, SearchEngine } from "./search-engine.ts";

/** Methods that the process answers. */
export type EngineMethod = Exclude<keyof SearchEngine, "close">;

/** From the server to the process of the search index. */
export type ToEngine =
  | { readonly kind: "open"; readonly options: EngineOptions }
  | { readonly kind: "call"; readonly id: number; readonly method: EngineMethod; readonly parameter: unknown }
  | { readonly kind: "abort"; readonly id: number }
  /** Asks whether it still hears. */
  | { readonly kind: "ping" }
  | { readonly kind: "close" };

export interface EngineFault {
  readonly code: AuditError["code"];
  readonly message: string;
  readonly path?: string;
  /** What DuckDB said, for the log. */
  readonly cause?: string;
}

/** From the process to the server. */
export type FromEngine =
  | { readonly kind: "opened" }
  | { readonly kind: "answer"; readonly id: number; readonly value: unknown }
  | { readonly kind: "error"; readonly id: number; readonly fault: EngineFault }
  /** Files were taken away outside of `apply`: the follower asks for the cursor again. */
  | { readonly kind: "rewound" }
  | { readonly kind: "repaired"; readonly repair: Repair }
  | { readonly kind: "pong" }
  | { readonly kind: "failed"; readonly fault: EngineFault };
