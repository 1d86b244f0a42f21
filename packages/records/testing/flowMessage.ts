/**
 * A flow as a collector publishes it: one FlowMessage in protobuf, without its length.
 */
import { FlowMessage } from "../src/generated/flow.ts"

const none = FlowMessage.decode(new Uint8Array(0))

/** The flow of a client of a site to a server outside, or back; `index` says which, `receivedNanos` when it was seen. */
export const flowMessage = (index: number, receivedNanos: bigint): Uint8Array => {
  const client = Uint8Array.of(10, 1, (index >> 4) & 0x0f, index & 0x0f)
  const server = Uint8Array.of(192, 0, 2, index % 200)
  const isAnswer = index % 2 === 1
  const [clientPort, serverPort] = [32_768 + (index % 20_000), [443, 53, 22, 8_080][index % 4] ?? 443]
  return FlowMessage.encode({
    ...none,
    type: 4,
    samplingRate: 100n,
    sequenceNum: index,
    srcAddr: isAnswer ? server : client,
    dstAddr: isAnswer ? client : server,
    srcPort: isAnswer ? serverPort : clientPort,
    dstPort: isAnswer ? clientPort : serverPort,
    proto: serverPort === 53 ? 17 : 6,
    bytes: BigInt(400 + (index % 9_000)),
    packets: BigInt(1 + (index % 12)),
    samplerAddress: Uint8Array.of(10, 1, 0, 1),
    inIf: 3,
    outIf: 7,
    tcpFlags: 24,
    etype: 0x0800,
    timeReceivedNs: receivedNanos,
    timeFlowStartNs: receivedNanos - 2_000_000_000n,
    timeFlowEndNs: receivedNanos - 100_000_000n
  }).finish()
}
