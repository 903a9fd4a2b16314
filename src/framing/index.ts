/** `pagent/framing`: bytes ⇄ messages, without any Node module. */
export { type ContentLengthOptions, contentLength } from './content-length.ts'
export type { Decoder, Emit, Framing, OverlongPolicy, Report } from './framing.ts'
export { type JsonOptions, json } from './json.ts'
export { type JsonRpcOptions, jsonRpc } from './json-rpc/json-rpc.ts'
export { type LengthPrefixedOptions, lengthPrefixed } from './length-prefixed.ts'
export { type LinesOptions, lines } from './lines.ts'
export { raw } from './raw.ts'
export { type StructuredOptions, structured } from './structured/structured.ts'
