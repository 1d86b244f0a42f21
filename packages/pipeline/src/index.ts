export type { LaneProgress } from "./LaneProgress.ts"
export { type LaneOptions, runLane } from "./runLane.ts"
export type { LaneSource } from "./seatLane.ts"
