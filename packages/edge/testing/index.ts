export { type Leaf, makeSite, startLeaf } from "./site.ts"
export { startUplink, type Uplink } from "./uplink.ts"
