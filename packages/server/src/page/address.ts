/** What the page shows, as the part of its address behind `#`: it can be shared, and going back works. Rule: PAGE-7. */

/** One entry by the id of its event. The tenant is there when more than one may have the id. */
export interface EventAddress {
  readonly id: string;
  readonly tenant?: string;
}

export interface PageAddress {
  /** The text of the search box. */
  readonly query: string;
  readonly isLive: boolean;
  /** Whether entries that tell of reading the trail are listed as well. */
  readonly hasReads: boolean;
  /** The entry that is open. */
  readonly event?: EventAddress;
}

/** Reads what stands behind `#`, with or without it. What it does not know it leaves out; every text is an address. */
export function parseAddress(hash: string): PageAddress {
  const parameters = new URLSearchParams(hash.replace(/^#/, ""));
  const id = parameters.get("event") ?? "";
  const tenant = parameters.get("tenant") ?? "";
  const event = tenant === "" ? { id } : { id, tenant };
  return {
    query: parameters.get("q") ?? "",
    isLive: parameters.get("live") === "1",
    hasReads: parameters.get("reads") === "1",
    ...(id === "" ? {} : { event }),
  };
}

/** The address with its `#`. An address without anything is `#`. */
export function formatAddress({ query, isLive, hasReads, event }: PageAddress): string {
  const parameters = new URLSearchParams();
  if (query !== "") parameters.set("q", query);
  if (isLive) parameters.set("live", "1");
  if (hasReads) parameters.set("reads", "1");
  if (event !== undefined) parameters.set("event", event.id);
  if (event?.tenant !== undefined && event.tenant !== "") parameters.set("tenant", event.tenant);
  return `#${parameters.toString()}`;
}
