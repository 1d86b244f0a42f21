/**
 * A feature flag: a typed switch with a default, a description and an owner, so that whoever finds it later knows what
 * it does and whom to ask before removing it.
 */
import { Schema } from "effect"

/** What every flag says of itself. */
export interface FlagDefinition<A> {
  /** The environment variable, and the first token of its keys in the bucket: A-Z, 0-9 and _. */
  readonly key: string
  readonly description: string
  /** Who answers for it: a team or a package. */
  readonly owner: string
  readonly default: A
}

/** A flag. Its values are written as text everywhere: in the environment, in the bucket, on a command line. */
export interface Flag<A> extends FlagDefinition<A> {
  /** The allowed texts, for people. */
  readonly allowed: string
  /** The value of a text; undefined for a text that is none. */
  readonly parse: (text: string) => A | undefined
  print(value: A): string
}

/** A text that is no value of its flag; the last good value stays in force. */
export class FlagValueInvalid extends Schema.TaggedError<FlagValueInvalid>("@bulkhead/flags/FlagValueInvalid")(
  "FlagValueInvalid",
  { flag: Schema.String, value: Schema.String, allowed: Schema.String, source: Schema.String }
) {
  readonly isRetryable = false
  override get message(): string {
    return `${this.source}: ${JSON.stringify(this.value)} is no value of flag ${this.flag}; allowed is ${this.allowed}`
  }
}

const KEY = /^[A-Z][A-Z0-9_]*$/
const VALUE_SHOWN_LENGTH_MAX = 80

const checked = <A>(flag: Flag<A>): Flag<A> => {
  if (!KEY.test(flag.key)) throw new Error(`flag key "${flag.key}" is not made of A-Z, 0-9 and _`)
  return flag
}

/** Declares a flag that is on or off. Throws for a key that no environment variable can have. */
export const booleanFlag = (definition: FlagDefinition<boolean>): Flag<boolean> =>
  checked({
    ...definition,
    allowed: "true, 1, yes, on, false, 0, no or off",
    parse: (text) => {
      const word = text.trim().toLowerCase()
      if (["true", "1", "yes", "on"].includes(word)) return true
      return ["false", "0", "no", "off"].includes(word) ? false : undefined
    },
    print: String
  })

/** Declares a flag that is one of a few words. Throws for a key that no environment variable can have. */
export const choiceFlag = <const A extends string>(
  definition: FlagDefinition<A> & { readonly choices: ReadonlyArray<A> }
): Flag<A> =>
  checked({
    ...definition,
    allowed: definition.choices.join(", "),
    parse: (text) => definition.choices.find((choice) => choice === text.trim().toLowerCase()),
    print: String
  })

/** The value that a text stands for, or why it stands for none. `source` says where the text was found. */
export const readValue = <A>(flag: Flag<A>, text: string, source: string): A | FlagValueInvalid =>
  flag.parse(text) ??
  new FlagValueInvalid({ flag: flag.key, value: text.slice(0, VALUE_SHOWN_LENGTH_MAX), allowed: flag.allowed, source })
