/** Requests to the API as a stranger makes them, and what a refusal looks like. */
import { assert } from "@effect/vitest"
import { Effect } from "effect"
import { API_TOKEN } from "../testing/coreHarness.ts"

export interface Answer {
  readonly status: number
  readonly type: string
  readonly body: Record<string, unknown>
}

/** A request as a stranger makes it, not through our own client. */
export const ask = (url: string, method: string, path: string, body?: unknown, token: string | undefined = API_TOKEN) =>
  Effect.promise(async (): Promise<Answer> => {
    const response = await fetch(`${url}${path}`, {
      method,
      headers: {
        "content-type": "application/json",
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` })
      },
      ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) })
    })
    const text = await response.text()
    const type = response.headers.get("content-type") ?? ""
    return { status: response.status, type, body: type.includes("json") ? JSON.parse(text) : { text } }
  })

export const assertProblem = (answer: Answer, status: number, text: RegExp) => {
  assert.strictEqual(answer.status, status, JSON.stringify(answer))
  assert.match(answer.type, /application\/problem\+json/)
  assert.match(JSON.stringify(answer.body), text)
}
