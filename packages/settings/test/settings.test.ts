import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { ConfigProvider, Effect, Layer, Redacted } from "effect"
import {
  describeSettings,
  layerSettingsFile,
  readSettings,
  Setting,
  type SettingGroup,
  settingsTable,
  withSettingsTable
} from "../src/index.ts"

const settings = {
  file: Setting.text("SHOP_CONFIG_FILE", "a file with settings", "path").optional,
  name: Setting.text("SHOP_NAME", "what the shop is called"),
  door: { port: Setting.port("SHOP_PORT", "where it is open").or(80) },
  stock: {
    itemsMax: Setting.whole("SHOP_ITEMS_MAX", "items", { from: 1, to: 10 }, "on the shelf").or(5),
    bytesMax: Setting.whole("SHOP_BYTES_MAX", "bytes", { from: 1 }, "in the cellar").or(7),
    order: Setting.choice("SHOP_ORDER", ["new", "old"], "what is sold first | last").or("new"),
    isOpen: Setting.boolean("SHOP_OPEN", "whether it is open").or(true)
  },
  keys: Setting.secrets("SHOP_KEYS", "who may enter"),
  towns: Setting.texts("SHOP_TOWNS", "where there are others", "towns").or(["Ulm"]),
  site: Setting.url("SHOP_SITE", "where it is on the web").otherwise("nowhere"),
  till: Setting.text("SHOP_TILL", "where the money is").or("this one", "the machine's own"),
  safe: Setting.secret("SHOP_SAFE", "opens the safe").optional
}

const readFrom = <const Group extends SettingGroup>(group: Group, environment: Record<string, string>) =>
  readSettings(group).parse(ConfigProvider.fromEnvRecord(environment))

describe("readSettings", () => {
  it.effect("gives values and defaults in the shape of the group", () =>
    Effect.gen(function* () {
      const values = yield* readFrom(settings, {
        SHOP_NAME: "corner",
        SHOP_ORDER: "old",
        SHOP_KEYS: "a, b,",
        SHOP_TOWNS: "Aue, Bonn",
        SHOP_SITE: "https://shop.example",
        SHOP_SAFE: "c"
      })
      const { keys, safe, towns, site, till, ...rest } = values
      assert.deepStrictEqual(towns, ["Aue", "Bonn"])
      assert.strictEqual(site?.host, "shop.example")
      assert.strictEqual(till, "this one")
      assert.deepStrictEqual(rest, {
        file: undefined,
        name: "corner",
        door: { port: 80 },
        stock: { itemsMax: 5, bytesMax: 7, order: "old", isOpen: true }
      })
      assert.deepStrictEqual(keys.map(Redacted.value), ["a", "b"])
      assert.notInclude(JSON.stringify(values), '"c"')
      assert.strictEqual(safe === undefined ? "" : Redacted.value(safe), "c")
    })
  )

  it.effect.each([
    [{}, "SHOP_NAME"],
    [{ SHOP_NAME: "x", SHOP_PORT: "70000" }, "SHOP_PORT"],
    [{ SHOP_NAME: "x", SHOP_ITEMS_MAX: "11" }, "SHOP_ITEMS_MAX"],
    [{ SHOP_NAME: "x", SHOP_ORDER: "odd" }, "SHOP_ORDER"],
    [{ SHOP_NAME: "x", SHOP_OPEN: "perhaps" }, "SHOP_OPEN"],
    [{ SHOP_NAME: "x", SHOP_SITE: "no site" }, "SHOP_SITE"]
  ] as const)("refuses %j and names the setting", ([environment, name]) =>
    Effect.map(Effect.flip(readFrom(settings, environment)), (error) => assert.include(error.message, name))
  )
})

describe("settingsTable", () => {
  it("has a row for each setting, with its kind, limits and default", () => {
    assert.strictEqual(
      settingsTable(describeSettings(settings)),
      [
        "| setting | value | default | meaning |",
        "|---|---|---|---|",
        "| `SHOP_CONFIG_FILE` | path | — | a file with settings |",
        "| `SHOP_NAME` | text | required | what the shop is called |",
        "| `SHOP_PORT` | port | `80` | where it is open |",
        "| `SHOP_ITEMS_MAX` | items, 1 to 10 | `5` | on the shelf |",
        "| `SHOP_BYTES_MAX` | bytes, 1 or more | `7` | in the cellar |",
        "| `SHOP_ORDER` | `new`, `old` | `new` | what is sold first \\| last |",
        "| `SHOP_OPEN` | `true`, `false` | `true` | whether it is open |",
        "| `SHOP_KEYS` | secrets, commas | — | who may enter |",
        "| `SHOP_TOWNS` | towns, commas | `Ulm` | where there are others |",
        "| `SHOP_SITE` | URL | nowhere | where it is on the web |",
        "| `SHOP_TILL` | text | the machine's own | where the money is |",
        "| `SHOP_SAFE` | secret | — | opens the safe |"
      ].join("\n")
    )
  })

  it("replaces what stands between its marks, and nothing else", () => {
    const marks = ["<!-- Settings: written by `npm run generate`. -->", "<!-- /Settings -->"]
    const once = withSettingsTable(`above\n${marks[0]}\nold\n${marks[1]}\nbelow\n`, describeSettings(settings))
    assert.match(once, /^above\n<!-- Settings.*\n\| setting [\s\S]* the safe \|\n<!-- \/Settings -->\nbelow\n$/)
    assert.strictEqual(withSettingsTable(once, describeSettings(settings)), once)
    assert.throws(() => withSettingsTable("nothing", []), "has no place")
  })

  it("takes the marks of its name where a document has several", () => {
    const document = "<!-- Settings of a: written by `npm run generate`. -->\n<!-- /Settings -->\n"
    const two = `${document}between\n${document.replace(" of a:", " of b:")}`
    const [first, second] = withSettingsTable(two, describeSettings(settings), "b").split("between")
    assert.strictEqual(first, document)
    assert.include(second, "SHOP_NAME")
  })
})

describe("layerSettingsFile", () => {
  const file = Effect.fnUntraced(function* (content: string) {
    const folder = yield* Effect.acquireRelease(
      Effect.sync(() => mkdtempSync(join(tmpdir(), "bulkhead-settings-"))),
      (made) => Effect.sync(() => rmSync(made, { recursive: true }))
    )
    const path = join(folder, "shop.json")
    writeFileSync(path, content)
    return path
  })

  const readWith = (environment: Record<string, string>) =>
    Effect.flatMap(readSettings(settings), Effect.succeed).pipe(
      Effect.provide(
        layerSettingsFile(settings.file, settings).pipe(
          Layer.provideMerge(ConfigProvider.layer(ConfigProvider.fromEnvRecord(environment)))
        )
      )
    )

  it.effect("is behind the environment, and before the defaults", () =>
    Effect.gen(function* () {
      const path = yield* file('{"SHOP_NAME": "file", "SHOP_ITEMS_MAX": 9, "SHOP_OPEN": false, "OTHER_THING": 1}')
      const values = yield* readWith({ SHOP_CONFIG_FILE: path, SHOP_NAME: "environment" })
      assert.strictEqual(values.name, "environment")
      assert.deepStrictEqual(values.stock, { itemsMax: 9, bytesMax: 7, order: "new", isOpen: false })
    })
  )

  it.effect.each([
    ['{"SHOP_NAMES": "x", "SHOP_KEYS": "secret"}', "there is no setting SHOP_NAMES"],
    ['{"SHOP_KEYS": "secret", "SHOP_NAME": ["x"]}', "no JSON object of texts, numbers and booleans"],
    ['{"SHOP_ITEMS_MAX": 11, "SHOP_KEYS": "secret"}', "SHOP_ITEMS_MAX: Expected a value between 1 and 10"],
    ["{", "no JSON object of texts, numbers and booleans"]
  ] as const)("refuses %s with the variable, the path and what is wrong, without the values", ([content, problem]) =>
    Effect.gen(function* () {
      const path = yield* file(content)
      const { message } = yield* Effect.flip(readWith({ SHOP_CONFIG_FILE: path }))
      assert.include(message, `SHOP_CONFIG_FILE="${path}"`)
      assert.include(message, problem)
      assert.notInclude(message, "secret")
    })
  )

  it.effect("refuses a path where nothing can be read", () =>
    Effect.map(Effect.flip(readWith({ SHOP_CONFIG_FILE: "/nowhere" })), ({ message }) =>
      assert.include(message, 'SHOP_CONFIG_FILE="/nowhere": cannot be read (ENOENT)')
    )
  )
})
