/** Routes that are counted by name; further ones are counted together as `other`, so that made-up addresses fill no memory. */
const ROUTES_MAX = 1_000;
/** Characters of a route. */
const ROUTE_CHARS_MAX = 200;
const OTHER = "other";

/** Counts requests that changed something and recorded no event, by route. */
export interface UnauditedRequests {
  /** @returns Whether this is the first one of the route. */
  count(route: string): boolean;
  /** How many by route, for example `POST /orders/:id`. */
  byRoute(): ReadonlyMap<string, number>;
  /** The counter `audit_unaudited_requests_total` with the label `route`, in the text format of Prometheus: to be appended to what the application exposes. */
  prometheusText(): string;
  clear(): void;
}

/** An empty counter. At most 1,000 routes have a name of their own in it. */
export function createUnauditedRequests(): UnauditedRequests {
  const counts = new Map<string, number>();
  return {
    count(route) {
      const name = route.slice(0, ROUTE_CHARS_MAX);
      const key = counts.has(name) || counts.size < ROUTES_MAX ? name : OTHER;
      const before = counts.get(key) ?? 0;
      counts.set(key, before + 1);
      return before === 0;
    },
    byRoute: () => new Map(counts),
    prometheusText() {
      const lines = [...counts].map(([route, count]) => `audit_unaudited_requests_total{route="${escapeLabel(route)}"} ${count}\n`);
      return `# HELP audit_unaudited_requests_total State-changing requests during which no audit event was recorded.\n# TYPE audit_unaudited_requests_total counter\n${lines.join("")}`;
    },
    clear: () => counts.clear(),
  };
}

/** What all adapters of this process count in unless they are given a counter of their own. */
export const auditUnauditedRequests: UnauditedRequests = createUnauditedRequests();

function escapeLabel(text: string): string {
  return text.replace(/[\\"\n]/g, (char) => (char === "\n" ? "\\n" : `\\${char}`));
}
