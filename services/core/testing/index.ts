/** Core on real servers, for tests of what talks to it: `startCore` without accounts, `startPlatform` with the signer. */
export { API_TOKEN, startCore } from "./coreHarness.ts"
export { encode, ocsfEvent } from "./events.ts"
export { connectAs, issue, publish, query, startPlatform } from "./lifecycleHarness.ts"
