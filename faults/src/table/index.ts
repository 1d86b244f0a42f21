/** Every fault. */
import type { Fault } from "../Fault.ts"
import { coreFaults } from "./core.ts"
import { dataFaults } from "./data.ts"
import { natsFaults } from "./nats.ts"
import { networkFaults } from "./network.ts"
import { postgresFaults } from "./postgres.ts"

export const faults: ReadonlyArray<Fault> = [
  ...coreFaults,
  ...postgresFaults,
  ...natsFaults,
  ...networkFaults,
  ...dataFaults
]
