import { AsyncLocalStorage } from "node:async_hooks";
import type { AuditContext } from "../ambient.ts";

/** A context, and what is known of it only when an event is recorded. */
interface Layer {
  readonly known: AuditContext;
  /** All of the context as it is now; absent where nothing of it can change. */
  readonly resolve?: () => AuditContext;
}

const storage = new AsyncLocalStorage<Layer>();

/**
 * Runs `work` so that every event recorded in it, also in what it awaits, says who acts for whom where it does not say so itself. A context inside
 * another one adds to it.
 */
export function withAuditContext<Result>(context: AuditContext, work: () => Result): Result {
  return storage.run(layer(context, undefined), work);
}

/** The context that the caller runs in. */
export function currentAuditContext(): AuditContext | undefined {
  const store = storage.getStore();
  return store?.resolve === undefined ? store?.known : store.resolve();
}

/** A context that can be entered more than once. */
export interface AuditScope {
  run<Result>(work: () => Result): Result;
}

/**
 * A context inside that of the caller.
 *
 * @param late Asked each time that an event is recorded, for what is not known at the beginning: who has signed in, for example. It must not throw.
 */
export function createAuditScope(context: AuditContext, late: () => AuditContext): AuditScope {
  const store = layer(context, late);
  return { run: (work) => storage.run(store, work) };
}

function layer(context: AuditContext, late: (() => AuditContext) | undefined): Layer {
  const outer = storage.getStore();
  const known = merge(outer?.known, context);
  if (late === undefined && outer?.resolve === undefined) return { known };
  const resolve = (): AuditContext => {
    const own = merge(outer?.resolve?.() ?? outer?.known, context);
    return late === undefined ? own : merge(own, late());
  };
  return { known, resolve };
}

function merge(outer: AuditContext | undefined, inner: AuditContext): AuditContext {
  if (outer === undefined) return inner;
  const labels = outer.labels === undefined && inner.labels === undefined ? undefined : { ...outer.labels, ...inner.labels };
  return { ...outer, ...inner, ...(labels === undefined ? {} : { labels }) };
}
