import type { PaintScene } from './scene.ts'
import { ACCENT } from './scene.ts'

const PAGE: readonly (readonly [heading: string, keys: readonly (readonly [key: string, does: string])[]])[] = [
  [
    'Look',
    [
      ['↑ ↓ or j k, PgUp PgDn, g G', 'move; G follows what comes'],
      ['Enter or l', 'one worker: its lines, as they come'],
      ['p', 'its life before this one; again: this one'],
      ['d', 'all that is known of it'],
      ['/', 'filter; /!text is all others; Esc shows all'],
      ['N C M R, O', 'by name, CPU, memory, restarts; as in the file'],
      ['Tab', 'to the lines below the list, and back'],
      ['w t', 'wrap long lines; times in front of them'],
    ],
  ],
  [
    'Do',
    [
      ['r s', 'restart; stop, or start what does not run'],
      ['Ctrl-K', 'SIGKILL: see that it is started again'],
      ['i', 'write lines to its stdin'],
      ['space', 'mark: r, s and Ctrl-K are about all marked'],
      [':', 'start stop restart kill NAME, signal HUP NAME,'],
      ['', 'send NAME LINE, logs previous status NAME,'],
      ['', 'sort KEY, filter TEXT, quit'],
    ],
  ],
  [
    'Leave',
    [
      ['Esc', 'back'],
      ['q or Ctrl-C', 'quit; the fleet goes on'],
      ['Ctrl-Z Ctrl-L', 'stop for a while; draw anew'],
    ],
  ],
  [
    'Columns',
    [
      ['RST', 'restarts since the fleet was started'],
      ['CPU', 'share of one core, and its last seconds'],
      ['MEMORY', 'of it and all it has started, and of its limit'],
      ['MSG/S', 'lines or messages a second, to it and from it'],
      ['LAST EXIT', 'why its last life ended'],
    ],
  ],
]

const KEYS = 28

/** All keys, and what they do. */
export function helpPage({ paint }: PaintScene['ink'], width: number): string[] {
  const isNarrow = width < 72
  const lines: string[] = []
  for (const [heading, keys] of PAGE) {
    if (lines.length > 0) lines.push('')
    lines.push(paint('bold', heading))
    for (const [key, does] of keys) {
      if (!isNarrow) lines.push(`  ${paint(ACCENT, key.padEnd(KEYS))}${does}`)
      else lines.push(...(key === '' ? [] : [`  ${paint(ACCENT, key)}`]), `    ${does}`)
    }
  }
  return lines
}
