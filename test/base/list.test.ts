import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type Linked, List } from '../../src/base/queues/list.ts'

class Node implements Linked {
  readonly name: string
  before: this | undefined = undefined
  after: this | undefined = undefined

  constructor(name: string) {
    this.name = name
  }
}

const namesOf = (list: List<Node>): string => Array.from(list, ({ name }) => name).join('')

function listOf(names: string): { list: List<Node>; nodes: Node[] } {
  const list = new List<Node>()
  const nodes = Array.from(names, (name) => new Node(name))
  for (const node of nodes) list.addBehind(list.last, node)
  return { list, nodes }
}

void describe('a list', () => {
  for (const [index, left] of ['bcd', 'acd', 'abd', 'abc'].entries())
    void it(`can be left at place ${index} and entered again at its end`, () => {
      const { list, nodes } = listOf('abcd')
      const node = nodes[index] as Node
      assert.equal(list.remove(node), true)
      assert.equal(namesOf(list), left)
      assert.deepEqual([node.before, node.after], [undefined, undefined], 'what has left holds nobody')
      list.addBehind(list.last, node)
      assert.equal(namesOf(list), left + node.name)
    })

  void it('is entered behind anybody, or at the head', () => {
    const { list, nodes } = listOf('ab')
    list.addBehind(nodes[0], new Node('x'))
    list.addBehind(undefined, new Node('y'))
    assert.equal(namesOf(list), 'yaxb')
    assert.deepEqual([list.first?.name, list.last?.name], ['y', 'b'])
  })

  void it('does not mind who leaves twice, or was never there', () => {
    const { list, nodes } = listOf('ab')
    assert.equal(list.remove(new Node('c')), false)
    assert.equal(list.remove(nodes[0] as Node), true)
    assert.equal(list.remove(nodes[0] as Node), false)
    assert.equal(namesOf(list), 'b')
  })

  void it('can be left by each as it is passed', () => {
    const { list } = listOf('abc')
    const seen: string[] = []
    for (const node of list) {
      seen.push(node.name)
      list.remove(node)
    }
    assert.equal(seen.join(''), 'abc')
    assert.equal(list.first, undefined)
  })
})
