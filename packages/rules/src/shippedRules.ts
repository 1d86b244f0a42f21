/**
 * The rules that come with the platform: two for syslog, one for SNMP, which a new tenant has, and templates to start
 * from.
 */
import type { Jdm } from "./Jdm.ts"
import type { RuleResult } from "./RuleSet.ts"

/** A rule, and where a new tenant has it. */
export interface ShippedRule {
  readonly name: string
  readonly description: string
  readonly content: Jdm
  readonly result: RuleResult
  /** The group in which a new tenant has it; undefined for a template. */
  readonly group?: string
}

/** A model of expressions alone, each a field of the result; the message's own come with them where it passes through. */
const expressions = (fields: Readonly<Record<string, string>>, passThrough = false): Jdm => ({
  nodes: [
    { id: "input", name: "message", type: "inputNode", position: { x: 80, y: 120 } },
    {
      id: "decide",
      name: "decide",
      type: "expressionNode",
      position: { x: 360, y: 120 },
      content: {
        expressions: Object.entries(fields).map(([key, value]) => ({ id: key, key, value })),
        passThrough
      }
    },
    { id: "output", name: "result", type: "outputNode", position: { x: 640, y: 120 } }
  ],
  edges: [
    { id: "input-decide", type: "edge", sourceId: "input", targetId: "decide" },
    { id: "decide-output", type: "edge", sourceId: "decide", targetId: "output" }
  ]
})

/** The severity of a header of ArcSight's Common Event Format, `CEF:0|vendor|product|version|id|name|severity|…`. */
const CEF_TEXT = "string(short_message ?? message ?? '')"
const CEF_SEVERITY = `(split(${CEF_TEXT}, '|')[6] ?? '')`
const isCef = `contains(${CEF_TEXT}, 'CEF:')`
const isOneOf = (words: ReadonlyArray<string>) =>
  `(${CEF_SEVERITY} in [${words.map((word) => `'${word}'`).join(", ")}])`

/** Whether the trap is one of the standard ones, which `snmpTrapOID.0` names. */
const isTrap = (numbers: ReadonlyArray<number>) =>
  `some(varbinds ?? [], contains(string(#.oid ?? ''), '1.3.6.1.6.3.1.1.4.1.0') and (${numbers
    .map((number) => `endsWith(string(#.value ?? ''), '1.3.6.1.6.3.1.1.5.${number}')`)
    .join(" or ")}))`

export const SHIPPED_RULES: ReadonlyArray<ShippedRule> = [
  {
    name: "passthrough",
    description: "Changes nothing: a template to start from",
    content: {
      nodes: [
        { id: "input", name: "message", type: "inputNode", position: { x: 80, y: 120 } },
        { id: "output", name: "result", type: "outputNode", position: { x: 400, y: 120 } }
      ],
      edges: [{ id: "input-output", type: "edge", sourceId: "input", targetId: "output" }]
    },
    result: "overlay"
  },
  {
    name: "strip_full_message",
    description: "Takes away full_message, which repeats what the other fields say",
    // The engine gives on all other fields, and no field that is null.
    content: expressions({ full_message: "null" }, true),
    result: "replace",
    group: "syslog"
  },
  {
    name: "cef_severity",
    description: "Reads the severity of a CEF header: 0 to 3 Low, 4 to 6 Medium, 7 and 8 High, 9 and 10 Very High",
    content: expressions({
      severity: [
        `not (${isCef}) ? severity`,
        `${isOneOf(["9", "10", "Very-High"])} ? 'Very High'`,
        `${isOneOf(["7", "8", "High"])} ? 'High'`,
        `${isOneOf(["4", "5", "6", "Medium"])} ? 'Medium'`,
        `${isOneOf(["0", "1", "2", "3", "Low"])} ? 'Low'`,
        "severity"
      ].join(" : ")
    }),
    result: "overlay",
    group: "syslog"
  },
  {
    name: "snmp_severity",
    description:
      "Gives the standard traps a severity: linkDown High; starts, refusals and lost neighbours Medium; linkUp Low",
    content: expressions({
      severity: [
        `${isTrap([3])} ? 'High'`,
        `${isTrap([1, 2, 5, 6])} ? 'Medium'`,
        `${isTrap([4])} ? 'Low'`,
        "severity"
      ].join(" : ")
    }),
    result: "overlay",
    group: "snmp"
  }
]
