/** `pagent/lsp`: language servers as workers. */
export { type LanguageServerOptions, languageServer } from './language-server.ts'
export {
  type ChannelMessageReader,
  type ChannelMessageWriter,
  type Disposable,
  type Event,
  messageStreams,
} from './message-streams.ts'
