import type { Jdm } from "../src/index.ts"

/** A model of one function, for tests of what runs rules. */
export const functionRule = (source: string): Jdm => ({
  nodes: [
    { id: "input", name: "message", type: "inputNode" },
    { id: "function", name: "function", type: "functionNode", content: { source } },
    { id: "output", name: "result", type: "outputNode" }
  ],
  edges: [
    { id: "1", sourceId: "input", targetId: "function" },
    { id: "2", sourceId: "function", targetId: "output" }
  ]
})
