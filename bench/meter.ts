/** What a measured process says of itself. */
export interface Usage {
  /** User and system time of all its threads since it began, in microseconds. */
  readonly cpuUs: number;
  /** Largest resident memory so far, in bytes. */
  readonly residentPeakBytes: number;
}

/** Asked over the channel between the processes. */
export type MeterQuestion = "usage" | "idle" | "close";
export type MeterAnswer = { readonly ready: string } | { readonly usage: Usage } | { readonly done: MeterQuestion };

export function usageOfThisProcess(): Usage {
  const { userCPUTime, systemCPUTime, maxRSS } = process.resourceUsage();
  return { cpuUs: userCPUTime + systemCPUTime, residentPeakBytes: maxRSS * 1_024 };
}

/**
 * Tells the parent process where this one listens and answers its questions. Only a process that was forked has a parent to tell.
 *
 * @param parts.idle Resolves when work in the background is done.
 */
export function answerParent(url: string, parts: { idle(): Promise<void>; close(): Promise<void> }): void {
  const tell = (answer: MeterAnswer): void => {
    process.send?.(answer);
  };
  process.on("message", (question: MeterQuestion) => {
    if (question === "usage") tell({ usage: usageOfThisProcess() });
    else if (question === "idle") void parts.idle().then(() => tell({ done: question }));
    else {
      void parts.close().then(() => {
        tell({ done: question });
        process.disconnect();
      });
    }
  });
  tell({ ready: url });
}
