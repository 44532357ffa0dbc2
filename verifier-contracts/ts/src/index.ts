/** zkml proofs for dApps: files to typed values, words to tensors, verifiers to a chain. */
export {
  batchVerifierAbi,
  modelRegistryAbi,
  optimisticInferenceAbi,
  zkmlConsumerAbi,
  zkmlVerifierAbi,
} from "./abi.js";
export { decodeVerify, encodeVerify, verifyArgs, type VerifyArguments, type VerifyFunction } from "./calldata.js";
export * as fieldCodec from "./codec.js";
export {
  carriesContext,
  contextHash,
  contextIntegers,
  contextSlot,
  contextWords,
  insertContext,
  nullifierOf,
  type ContextSlot,
  type ContextUse,
} from "./context.js";
export {
  checkVerifier,
  checkVk,
  deployVerifier,
  runtimeCode,
  type DeployOptions,
  type Deployed,
  type Reader,
  type Sender,
} from "./deploy.js";
export {
  decodeDeployment,
  MAX_CODE,
  MAX_DEPLOYMENT_BYTES,
  MAX_INIT_CODE,
  parseDeployment,
  srsId,
  verifierInitCode,
  vkCode,
  type Deployment,
  type Fork,
  type SrsG2,
} from "./deployment.js";
export { CodecError, FormatError, MismatchError, TransactionError, ZkmlError, type CodecReason } from "./errors.js";
export { BASE_FIELD_MODULUS, FIELD_MODULUS } from "./field.js";
export {
  estimateAll,
  estimateVerify,
  intrinsicGas,
  predictVerify,
  transactionGas,
  type GasEstimate,
} from "./gas.js";
export type { Text } from "./json.js";
export { decodeProof, MAX_PROOF_BYTES, MAX_PROOF_FILE_BYTES, openProof, parseProof, type Proof } from "./proof.js";
export {
  checkModel,
  modelIdOf,
  ModelState,
  registerArgs,
  registerModel,
  type Commitments,
  type RegisteredModel,
  type Registration,
} from "./registry.js";
export {
  CONTEXT_BYTES,
  ContextKind,
  countWords,
  decodeSchema,
  encodeSchema,
  MAX_SCHEMA_BYTES,
  MAX_WORDS,
  parseSchema,
  placesOf,
  schemaStruct,
  wordsOf,
  type Schema,
  type StructFields,
  type Tensor,
} from "./schema.js";
export {
  decodeInstances,
  decodeTensor,
  encodeInputs,
  encodeTensor,
  quantise,
  valuesOf,
  type Named,
  type Statement,
  type Values,
} from "./statement.js";
export { revertName, verifyProof, type Verdict } from "./verify.js";
