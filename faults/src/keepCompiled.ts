/**
 * Loaded into core before anything else (`node --import`): keeps what Node compiles, so that the next one of many starts
 * takes half the time. A process that is killed writes nothing at its end, so it is written soon after the start.
 */
import { enableCompileCache, flushCompileCache } from "node:module"

const STARTED_BY_MS = 3_000

enableCompileCache(process.env.FAULTS_COMPILE_CACHE)
setTimeout(flushCompileCache, STARTED_BY_MS).unref()
