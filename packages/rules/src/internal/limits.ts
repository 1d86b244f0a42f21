/**
 * What one process of the engine may use.
 */

/** Within the engine, which ends a function that runs longer itself, where it can. Milliseconds. */
export const FUNCTION_TIMEOUT_MS = 500

/** Compiled rules that a process keeps. */
export const RULES_KEPT_MAX = 1_000

/** Data of a process, bytes; kept by the kernel. V8 and the engine need a third of it. */
export const MEMORY_BYTES_MAX = 700 * 1024 * 1024
