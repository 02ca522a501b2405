import {
  AuditError,
  type EventFilter,
  FILTER_NAMES,
  filterParameters,
  nearestName,
  parseFilter,
  TIME_FILTER_NAMES,
} from "@vouchtrail/events";

/** What a route takes beside filters. */
export interface QueryNames {
  /** Parameters that stand at most once. */
  readonly single?: readonly string[];
  /** Parameters that may stand several times. */
  readonly repeated?: readonly string[];
  readonly hasFilters?: boolean;
}

/** The parameters of a request, taken apart. */
export interface Query {
  readonly filter: EventFilter;
  text(name: string): string | undefined;
  texts(name: string): readonly string[];
  /** A whole number, as text from 0 to 2^53-1. */
  wholeNumber(name: string): number | undefined;
  /** `true` or `false`. */
  truth(name: string): boolean | undefined;
  /** `wait=searchable`. */
  wait(): boolean;
  /** Everything that was asked for, in a fixed form and order; without the place within pages. */
  parameters(): readonly (readonly [name: string, value: string])[];
}

/** Where somebody goes on is no part of what is asked for. */
const PLACES: ReadonlySet<string> = new Set(["cursor", "after"]);
const LABEL = "label.";

/**
 * Takes the query of a request apart. A name that the route does not take is an error, and so is one that stands twice where once is all that
 * makes sense: a misspelt filter that is passed over would show more than was asked for.
 *
 * @throws {AuditError} `FILTER_INVALID` with the name as path. Rule: READING-8.
 */
export function parseQuery(raw: unknown, { single = [], repeated = [], hasFilters = true }: QueryNames): Query {
  const own = new Map<string, readonly string[]>();
  const filters: Record<string, unknown> = Object.create(null) as Record<string, unknown>;
  for (const [name, value] of Object.entries(raw as Readonly<Record<string, string | string[]>>)) {
    const values = [value].flat();
    if (single.includes(name) || repeated.includes(name)) {
      if (single.includes(name) && values.length > 1) throw invalid(name, `${name} stands at most once.`);
      if (values.some((text) => text === "")) throw invalid(name, `${name} has no value.`);
      own.set(name, values);
    } else if (hasFilters && isFilter(name)) filters[name] = value;
    else throw unknownName(name, [...single, ...repeated], hasFilters);
  }
  const filter = parseFilter(filters);

  const text = (name: string): string | undefined => own.get(name)?.[0];
  return {
    filter,
    text,
    texts: (name) => own.get(name) ?? [],
    wholeNumber(name) {
      const digits = text(name);
      if (digits === undefined) return undefined;
      const number = Number(digits);
      if (!/^\d{1,16}$/.test(digits) || !Number.isSafeInteger(number)) throw invalid(name, `${name} is a whole number.`);
      return number;
    },
    truth(name) {
      const written = text(name);
      if (written !== undefined && written !== "true" && written !== "false") throw invalid(name, `${name} is true or false.`);
      return written === undefined ? undefined : written === "true";
    },
    wait() {
      const written = text("wait");
      if (written !== undefined && written !== "searchable") throw invalid("wait", 'The only thing to wait for here is "searchable".');
      return written !== undefined;
    },
    parameters() {
      const options = [...single, ...repeated]
        .filter((name) => !PLACES.has(name))
        .flatMap((name) => (own.get(name) ?? []).map((value) => [name, value] as const));
      return [...filterParameters(filter), ...options];
    },
  };
}

function isFilter(name: string): boolean {
  const names: readonly string[] = [...FILTER_NAMES, ...TIME_FILTER_NAMES];
  return names.includes(name) || name.startsWith(LABEL);
}

function unknownName(name: string, own: readonly string[], hasFilters: boolean): AuditError {
  const names = [...(hasFilters ? [...FILTER_NAMES, ...TIME_FILTER_NAMES] : []), ...own];
  const nearest = nearestName(name, names);
  const known = names.length === 0 ? "It takes none." : `There are: ${[...names, ...(hasFilters ? ["label.<name>"] : [])].join(", ")}.`;
  const guess = nearest === undefined ? "" : `Did you mean "${nearest}"? `;
  return invalid(name.slice(0, 64), `There is no parameter "${name.slice(0, 64)}" here. ${guess}${known}`);
}

function invalid(path: string, message: string): AuditError {
  return new AuditError("FILTER_INVALID", { path, message });
}
