import { access } from "node:fs/promises";
import { AuditError, createPriceFinder, type FindPrice, SHIPPED_MODEL_PRICES } from "@vouchtrail/events";
import { loadServer } from "./load-server.ts";

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * The prices of models: those of the configuration before the shipped ones.
 *
 * @param file Named explicitly: it must be there and valid. Else the configuration is looked for where the server looks for it, and one that
 *   cannot be read is only told: what it says about a server must not keep a transcript from being recorded.
 * @param warn Told what is wrong, in one line.
 * @throws {AuditError} `CONFIG_INVALID`, for a file that was named.
 */
export async function loadPrices(file: string | undefined, environment: Environment, warn: (message: string) => void): Promise<FindPrice> {
  // The server's parts take long to load: only where there is something to read.
  const isNamed = [file, environment.VOUCHTRAIL_CONFIG, environment.VOUCHTRAIL_PRICES].some((name) => name !== undefined && name !== "");
  if (!isNamed && !(await isThere("./vouchtrail.yaml"))) return createPriceFinder(SHIPPED_MODEL_PRICES);
  const { loadConfig } = await loadServer();
  try {
    const { config } = await loadConfig({ environment, ...(file === undefined ? {} : { file }) });
    return createPriceFinder(config.prices, SHIPPED_MODEL_PRICES);
  } catch (error) {
    if (file !== undefined || !(error instanceof AuditError)) throw error;
    warn(`${error.message} Costs are estimated by the shipped prices only.`);
    return createPriceFinder(SHIPPED_MODEL_PRICES);
  }
}

async function isThere(file: string): Promise<boolean> {
  try {
    await access(file);
    return true;
  } catch {
    return false; // The question was whether it is.
  }
}
