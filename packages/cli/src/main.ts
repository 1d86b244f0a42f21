#!/usr/bin/env node
/**
 * Starts `bulkhead`. What Node compiles is kept for the next start, in the user's own cache: a cache that others can
 * write to would let them run code as this user.
 */
import { enableCompileCache } from "node:module"
import { homedir } from "node:os"
import { join } from "node:path"

const caches = process.env.XDG_CACHE_HOME || join(homedir(), ".cache")
enableCompileCache(join(caches, "bulkhead", "compiled"))

const { run } = await import("./run.ts")
run()
