/** `pagent/mcp`: MCP servers under supervision, for hosts that use the official SDK. */
export { McpServer } from './mcp-server.ts'
export { McpServers, type McpServersOptions, mcpServer } from './mcp-servers.ts'
export type { McpServerSpec } from './spec.ts'
export { McpTransport } from './transport.ts'
