/**
 * One setting: how it is read, and how it describes itself, in one place, so that neither can be changed without the
 * other. What it reads is an environment variable, or a value of the settings file, of its name.
 */
import { Config, Option, Redacted, Schema } from "effect"

/** What a person is told of a setting. */
export interface SettingDescription {
  /** `EDGE_BUFFER_BYTES_MAX`. */
  readonly name: string
  /** What kind of value it takes, with its unit and limits, in Markdown. */
  readonly kind: string
  /** What holds where it is not set, in Markdown; undefined where there is nothing such. */
  readonly fallback: string | undefined
  /** Whether a service does not start without it. */
  readonly isRequired: boolean
  readonly meaning: string
}

/** The smallest and the largest value; without the latter, as much as a number holds exactly. */
export interface Range {
  readonly from: number
  readonly to?: number
}

/** A setting. Those that the functions here make are required, until `or` or `optional` says otherwise. */
export class Setting<out A> {
  readonly description: SettingDescription
  readonly config: Config.Config<A>

  private constructor(description: SettingDescription, config: Config.Config<A>) {
    this.description = description
    this.config = config
  }

  static #required<A>(name: string, kind: string, meaning: string, config: Config.Config<A>): Setting<A> {
    return new Setting({ name, kind, meaning, fallback: undefined, isRequired: true }, config)
  }

  /** Any text; `kind` says what it is: `text`, `path`, `address`. */
  static text(name: string, meaning: string, kind = "text"): Setting<string> {
    return Setting.#required(name, kind, meaning, Config.String(name))
  }

  /** A text that no log and no error shows. */
  static secret(name: string, meaning: string): Setting<Redacted.Redacted<string>> {
    return Setting.#required(name, "secret", meaning, Config.Redacted(name))
  }

  /** Texts between commas. */
  static texts(name: string, meaning: string, kind = "texts"): Setting<ReadonlyArray<string>> {
    return Setting.#required(name, `${kind}, commas`, meaning, Config.map(Config.String(name), itemsOf))
  }

  /** An absolute URL. */
  static url(name: string, meaning: string): Setting<URL> {
    return Setting.#required(name, "URL", meaning, Config.URL(name))
  }

  /** Texts between commas, none of which a log or an error shows; none where it is not set. */
  static secrets(name: string, meaning: string): Setting<ReadonlyArray<Redacted.Redacted<string>>> {
    const config = Config.Redacted(name).pipe(
      Config.map((list) => itemsOf(Redacted.value(list)).map((item) => Redacted.make(item))),
      Config.withDefault([])
    )
    return new Setting({ name, kind: "secrets, commas", meaning, fallback: undefined, isRequired: false }, config)
  }

  /** `true` or `false`; `yes`, `on` and `1`, `no`, `off` and `0` are taken as well. */
  static boolean(name: string, meaning: string): Setting<boolean> {
    return Setting.#required(name, "`true`, `false`", meaning, Config.Boolean(name))
  }

  /** One of some words. */
  static choice<const Words extends ReadonlyArray<string>>(
    name: string,
    words: Words,
    meaning: string
  ): Setting<Words[number]> {
    const kind = words.map((word) => `\`${word}\``).join(", ")
    return Setting.#required(name, kind, meaning, Config.schema(Schema.Literals(words), name))
  }

  /** A whole number; `unit` is what is counted: `bytes`, `messages`, `milliseconds`. */
  static whole(name: string, unit: string, range: Range, meaning: string): Setting<number> {
    const { from, to = Number.MAX_SAFE_INTEGER } = range
    const limits = range.to === undefined ? `${from} or more` : `${from} to ${to}`
    return Setting.#required(name, `${unit}, ${limits}`, meaning, wholeNumber(name, from, to))
  }

  /** A port of TCP or UDP. */
  static port(name: string, meaning: string): Setting<number> {
    return Setting.#required(name, "port", meaning, wholeNumber(name, 1, 65_535))
  }

  /** `value` where it is not set; `words` say what that is where the value itself is another on each machine. */
  or<const B>(value: B, words = `\`${value}\``): Setting<A | B> {
    const description = { ...this.description, fallback: words, isRequired: false }
    return new Setting(description, this.config.pipe(Config.withDefault(value)))
  }

  /** Undefined where it is not set. */
  get optional(): Setting<A | undefined> {
    return this.otherwise(undefined)
  }

  /** Undefined where it is not set; `words` say what then holds. */
  otherwise(words: string | undefined): Setting<A | undefined> {
    const config = Config.option(this.config).pipe(Config.map(Option.getOrUndefined))
    return new Setting({ ...this.description, fallback: words, isRequired: false }, config)
  }
}

const wholeNumber = (name: string, minimum: number, maximum: number): Config.Config<number> =>
  Config.schema(Schema.Int.check(Schema.isBetween({ minimum, maximum })), name)

const itemsOf = (list: string): ReadonlyArray<string> =>
  list
    .split(",")
    .map((item) => item.trim())
    .filter((item) => item !== "")
