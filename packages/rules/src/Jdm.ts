/**
 * A rule as it is written: a JSON Decision Model of GoRules, with the nodes and edges that its editor makes.
 */
import { Schema } from "effect"

/** Characters of a rule as JSON. */
export const RULE_LENGTH_MAX = 256 * 1024

/** Nodes that reach another decision would need a file of ours, so a rule stands alone. */
const NODE_TYPES = [
  "inputNode",
  "outputNode",
  "expressionNode",
  "decisionTableNode",
  "functionNode",
  "switchNode"
] as const

const Node = Schema.StructWithRest(
  Schema.Struct({ id: Schema.String, name: Schema.String, type: Schema.Literals(NODE_TYPES) }),
  [Schema.Record(Schema.String, Schema.Unknown)]
)

const Edge = Schema.StructWithRest(
  Schema.Struct({ id: Schema.String, sourceId: Schema.String, targetId: Schema.String }),
  [Schema.Record(Schema.String, Schema.Unknown)]
)

const isShort = Schema.makeFilter((model: unknown) => {
  const length = JSON.stringify(model).length
  return length <= RULE_LENGTH_MAX
    ? undefined
    : `the rule has ${length} characters, the limit is ${RULE_LENGTH_MAX}: split it into several`
})

export const Jdm = Schema.StructWithRest(
  Schema.Struct({ nodes: Schema.Array(Node).check(Schema.isMaxLength(500)), edges: Schema.Array(Edge) }),
  [Schema.Record(Schema.String, Schema.Unknown)]
)
  .check(isShort)
  .annotate({ identifier: "Jdm" })
export type Jdm = typeof Jdm.Type
