// What tools touch, beside the event itself: it brings a parser of shell commands, which only intake needs.
export { type DeriveOptions, deriveSecurity } from "./derive-security.ts";
export { RESOURCE_TYPES, type ResourceType } from "./finding.ts";
export { PATTERN_CHARS_MAX, PATTERNS_MAX } from "./limits.ts";
export { createSensitivityRules, type SensitivityOptions, type SensitivityRules } from "./sensitivity-rules.ts";
