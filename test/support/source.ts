import { readdirSync, readFileSync } from 'node:fs'
import { join, posix } from 'node:path'

/** One source file: `text` as written, `code` without comments and without what is in strings. */
export interface Source {
  readonly path: string
  readonly text: string
  readonly code: string
}

/** The TypeScript below `folder`, tests left out unless asked for; paths are relative to it. */
export function sourcesBelow(folder: string, { tests = false } = {}): Source[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.ts') && (tests || !path.endsWith('.test.ts')))
    .toSorted()
    .map((path) => source(path, readFileSync(join(folder, path), 'utf8')))
}

export function source(path: string, text: string): Source {
  return { path, text, code: bare(text) }
}

/** What a file imports, re-exports or loads: `../base/clock.ts`, `node:fs`, `commander`. */
export function importsOf({ code }: Source): string[] {
  const forms = /\b(?:from|import|require)\b\s*\(?\s*(['"])(?<specifier>[^'"\n]+)\1/g
  return [...code.matchAll(forms)].map((form) => form.groups?.['specifier'] ?? '')
}

/** The file below the same root that a relative import names. */
export function resolveImport(path: string, specifier: string): string {
  return posix.normalize(posix.join(posix.dirname(path), specifier))
}

/**
 * Blanks comments and what is in strings and templates (but not the name of an import, nor what stands in a `${}`),
 * keeping every line where it is.
 */
function bare(text: string): string {
  const pieces =
    /(?<quoted>'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*")|(?<template>`(?:\\[\s\S]|[^`\\])*`)|(?<comment>\/\*[\s\S]*?\*\/|\/\/[^\n]*)|(?<regex>(?<=[=(,:;!&|?[]\s*)\/(?![*/])(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\[\n])+\/)/g
  return text.replaceAll(pieces, (piece: string, ...rest: unknown[]) => {
    const kind = rest.at(-1) as Record<string, string | undefined>
    const isSpecifier = /\b(?:from|import|require)\s*\(?\s*$/.test(text.slice(0, rest.at(-3) as number).slice(-20))
    if (kind['regex'] !== undefined || (kind['quoted'] !== undefined && isSpecifier)) return piece
    if (kind['quoted'] !== undefined) return `${piece[0]}${' '.repeat(piece.length - 2)}${piece.at(-1)}`
    if (kind['comment'] !== undefined) return piece.replaceAll(/[^\n]/g, ' ')
    return piece.replaceAll(/(?<hole>\$\{[^{}]*\})|[^\n]/g, (_, hole?: string) => hole ?? ' ')
  })
}
