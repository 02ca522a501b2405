/** What the measured servers take for the key of their operator. It opens nothing else. */
export const ADMIN_KEY = "benchmark-administration-key";
