import { InvalidArgumentError } from "commander";

export interface TypedId {
  readonly type: string;
  readonly id: string;
}

/** `user:u-17`: what stands before the first colon is the type. */
export function typedIdOf(text: string): TypedId {
  const colon = text.indexOf(":");
  if (colon < 1 || colon === text.length - 1) throw new InvalidArgumentError("Write it as type:id, such as user:u-17.");
  return { type: text.slice(0, colon), id: text.slice(colon + 1) };
}

/** `name=value`, added to the labels given before. */
export function addLabel(text: string, labels: Readonly<Record<string, string>> = {}): Record<string, string> {
  const equals = text.indexOf("=");
  if (equals < 1) throw new InvalidArgumentError("Write it as name=value.");
  return { ...labels, [text.slice(0, equals)]: text.slice(equals + 1) };
}

/** One more value of an option that may be given several times. */
export function addValue(text: string, values: readonly string[] = []): readonly string[] {
  return [...values, text];
}

/** A whole number from `min` on. */
export function wholeNumberFrom(min: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!/^-?\d+$/.test(text) || !Number.isSafeInteger(value) || value < min)
      throw new InvalidArgumentError(`It must be a whole number from ${min} on.`);
    return value;
  };
}
