/** What a measured process says of itself, without its children. */
export interface Usage {
  /** User and system time of all its threads since it began, in microseconds. */
  readonly cpuUs: number;
  /** Largest resident memory so far, in bytes. */
  readonly residentPeakBytes: number;
}

/** How far a server and its search index are. */
export interface Progress {
  /** Durable entries. */
  readonly treeSize: number;
  /** Entries below it can be found. */
  readonly searchedTo: number;
}

/**
 * Asked over the channel between the processes. `hold` stops the process of the search index where it stands and `release` lets it go on: what
 * the server costs in between is the accept path alone.
 */
export type MeterQuestion = "usage" | "progress" | "idle" | "searchable" | "hold" | "release" | "close";
export interface MeterRequest {
  readonly id: number;
  readonly question: MeterQuestion;
}
export type MeterAnswer =
  | { readonly ready: string }
  | { readonly id: number; readonly usage?: Usage; readonly progress?: Progress; readonly failed?: string };

/** What a measured program can do; what it has no use for is left out. */
export interface MeterParts {
  /** Resolves when work in the background is done. */
  idle?(): Promise<void>;
  /** Resolves when everything that is durable can be found. */
  searchable?(): Promise<void>;
  progress?(): Progress;
  hold?(): void;
  release?(): void;
  close(): Promise<void>;
}

export function usageOfThisProcess(): Usage {
  const { userCPUTime, systemCPUTime, maxRSS } = process.resourceUsage();
  return { cpuUs: userCPUTime + systemCPUTime, residentPeakBytes: maxRSS * 1_024 };
}

/** Tells the parent process where this one listens and answers its questions. Only a process that was forked has a parent to tell. */
export function answerParent(url: string, parts: MeterParts): void {
  const tell = (answer: MeterAnswer): void => {
    process.send?.(answer);
  };
  const answer = async ({ id, question }: MeterRequest): Promise<MeterAnswer> => {
    if (question === "usage") return { id, usage: usageOfThisProcess() };
    if (question === "progress") return { id, progress: parts.progress?.() ?? { treeSize: 0, searchedTo: 0 } };
    await parts[question]?.();
    return { id };
  };
  let isClosed = false;
  process.on("message", (request: MeterRequest) => {
    void answer(request)
      .catch((error: unknown): MeterAnswer => ({ id: request.id, failed: String(error) }))
      .then((said) => {
        tell(said);
        if (request.question !== "close") return;
        isClosed = true;
        process.disconnect();
      });
  });
  process.once("disconnect", () => {
    if (isClosed) return;
    // The benchmark was ended: nothing of it may stay behind, least of all a process that stands still.
    parts.release?.();
    process.exit(1);
  });
  tell({ ready: url });
}
