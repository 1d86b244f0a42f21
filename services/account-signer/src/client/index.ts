export { AuditEntry, IsolationProof, IssuedUser, SIGNER_SUBJECT, UserName } from "./protocol.ts"
export { SignerClient, SignerError } from "./SignerClient.ts"
