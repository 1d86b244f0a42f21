import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync
} from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterEach, assert, beforeEach, describe, it } from "@effect/vitest"
import { BufferError } from "../src/BufferError.ts"
import { DiskBuffer, type DiskBufferOptions } from "../src/DiskBuffer.ts"

let folder = ""
const opened: Array<DiskBuffer> = []
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "bulkhead-edge-buffer-"))
})
afterEach(async () => {
  for (const buffer of opened.splice(0)) await buffer.close()
  rmSync(folder, { recursive: true, force: true })
})

const open = async (options: Partial<DiskBufferOptions> = {}) => {
  const defaults = { folder, bytesMax: 8_000, whenFull: "refuse", fsync: false } as const
  const buffer = await DiskBuffer.open({ ...defaults, ...options })
  opened.push(buffer)
  return buffer
}

const message = (text: string) => ({ subject: "logs.syslog", payload: new TextEncoder().encode(text) })
const texts = async (buffer: DiskBuffer, countMax = 1_000) =>
  (await buffer.peek(countMax)).map(({ payload }) => new TextDecoder().decode(payload))
const numbers = (from: number, to: number) => Array.from({ length: to - from }, (_, at) => `${from + at}`.padEnd(80))
const segments = () => readdirSync(folder).filter((name) => name.endsWith(".segment"))

/** Reads and acknowledges everything. */
const drain = async (buffer: DiskBuffer) => {
  const found: Array<string> = []
  for (let window = await buffer.peek(7); window.length > 0; window = await buffer.peek(7)) {
    found.push(...window.map(({ payload }) => new TextDecoder().decode(payload)))
    const last = window.at(-1)
    if (last !== undefined) await buffer.acknowledge(last)
  }
  return found
}

describe("DiskBuffer", () => {
  it("gives back what was appended, in order, over restarts, each under one id", async () => {
    const first = await open({ fsync: true })
    await Promise.all(numbers(0, 60).map((text) => first.append([message(text)])))
    const [oldest, second] = await first.peek(2)
    if (oldest === undefined || second === undefined) return assert.fail("two are there")
    await first.acknowledge(oldest)
    const again = await open()
    assert.deepStrictEqual(await texts(again, 3), numbers(1, 4))
    const [same] = await again.peek(1)
    assert.strictEqual(same === undefined ? "" : again.idOf(same), first.idOf(second))
    assert.deepStrictEqual(await drain(again), numbers(1, 60))
    assert.deepStrictEqual(segments(), [])
    await again.append([message("later")])
    assert.deepStrictEqual(await texts(again), ["later"])
  })

  it("refuses what has no room, and takes it once a part is sent", async () => {
    const buffer = await open()
    const results = await Promise.allSettled(numbers(0, 100).map((text) => buffer.append([message(text)])))
    const taken = results.filter(({ status }) => status === "fulfilled").length
    assert.strictEqual(taken, 80)
    assert.isAtMost(buffer.bytes, 8_000)
    assert.isTrue(buffer.isFull)
    assert.deepStrictEqual(await drain(buffer), numbers(0, 80))
    await buffer.append([message("more")])
    assert.isFalse(buffer.isFull)
  })

  it("gives up the oldest with a count where it is so set, and keeps the order", async () => {
    const buffer = await open({ whenFull: "drop-oldest" })
    for (const text of numbers(0, 200)) await buffer.append([message(text)])
    assert.isAtMost(buffer.bytes, 8_000)
    const left = await drain(buffer)
    assert.deepStrictEqual(left, numbers(200 - left.length, 200))
    assert.strictEqual(buffer.lost.dropped_oldest, 200 - left.length)
    assert.isAbove(left.length, 60)
  })

  it("gives up the oldest while it is being read and nothing else", async () => {
    const buffer = await open({ whenFull: "drop-oldest" })
    for (const text of numbers(0, 70)) await buffer.append([message(text)])
    const window = await buffer.peek(3)
    for (const text of numbers(70, 200)) await buffer.append([message(text)])
    const last = window.at(-1)
    if (last !== undefined) await buffer.acknowledge(last)
    const left = await drain(buffer)
    assert.deepStrictEqual(left, numbers(200 - left.length, 200))
  })

  it("cuts off what a crash left half written", async () => {
    const buffer = await open()
    await buffer.append([message("whole")])
    await buffer.append([message("torn")])
    const path = join(folder, segments()[0] ?? "")
    truncateSync(path, readFileSync(path).byteLength - 2)
    const again = await open()
    assert.deepStrictEqual(await texts(again), ["whole"])
    await again.append([message("next")])
    assert.deepStrictEqual(await drain(await open()), ["whole", "next"])
  })

  it("skips what is damaged, and counts it", async () => {
    const buffer = await open()
    for (const text of numbers(0, 30)) await buffer.append([message(text)])
    const path = join(folder, segments()[0] ?? "")
    const bytes = readFileSync(path)
    bytes[150] = (bytes[150] ?? 0) ^ 1
    writeFileSync(path, bytes)
    const left = await drain(buffer)
    assert.deepStrictEqual(left, [...numbers(0, 1), ...numbers(10, 30)])
    assert.strictEqual(buffer.lost.corrupt, 9)
  })

  it("takes appends again after the disk has failed", async () => {
    const buffer = await open()
    await buffer.append([message("before")])
    for (const text of numbers(0, 10)) await buffer.append([message(text)])
    await drain(buffer)
    rmSync(folder, { recursive: true })
    const failed = await Promise.allSettled(numbers(0, 20).map((text) => buffer.append([message(text)])))
    assert.include(
      failed.map((each) => (each.status === "rejected" ? each.reason.reason : "")),
      "disk"
    )
    assert.include(buffer.problem ?? "", "ENOENT")
  })

  it("refuses while the disk is full, keeps what it has, and goes on when there is room", async () => {
    const buffer = await open()
    for (const text of numbers(0, 10)) await buffer.append([message(text)])
    // The next file: whatever is written there, the system says that the device is full.
    const next = join(folder, `${"11".padStart(16, "0")}.segment`)
    symlinkSync("/dev/full", next)
    const error = await buffer.append([message("too much")]).catch((reason: unknown) => reason)
    assert.instanceOf(error, BufferError)
    assert.match(String(error), /ENOSPC.*make room/)
    assert.include(buffer.problem ?? "", "ENOSPC")
    assert.deepStrictEqual(await texts(buffer), numbers(0, 10))
    rmSync(next)
    await buffer.append([message("there is room")])
    assert.isUndefined(buffer.problem)
    assert.deepStrictEqual(await drain(await open()), [...numbers(0, 10), "there is room"])
  })

  it("frees what is sent also while the disk has no room for the cursor, and goes on behind it", async () => {
    const buffer = await open()
    for (const text of numbers(0, 60)) await buffer.append([message(text)])
    const before = segments().length
    mkdirSync(join(folder, "cursor.json.new"))
    assert.deepStrictEqual(await drain(buffer), numbers(0, 60))
    assert.isBelow(segments().length, before)
    assert.include(buffer.problem ?? "", "cannot write how far")
    rmSync(join(folder, "cursor.json.new"), { recursive: true })
    await buffer.append([message("next")])
    assert.deepStrictEqual(await drain(buffer), ["next"])
    assert.isUndefined(buffer.problem)
    assert.deepStrictEqual(await drain(await open()), [])
  })
})
