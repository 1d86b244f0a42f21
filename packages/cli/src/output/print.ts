/**
 * What a command says: a document for programs with `--json`, text for people without.
 */
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import { Json, type Settings } from "../Settings.ts"

/** Prints `document` as JSON, or what `text` makes of it. */
export const print = <A>(document: A, text: (document: A) => string): Effect.Effect<void, never, Settings> =>
  Effect.flatMap(Json, (isJson) => Console.log(isJson ? JSON.stringify(document) : text(document)))
