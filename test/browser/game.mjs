// SPDX-License-Identifier: MIT
// game.mjs - a small game for the double that has one of everything a challenge can have.

export const challenges = [
  {
    id: 1,
    title: 'Warm up',
    category: 'Misc',
    difficulty: 'easy',
    points: 50,
    description: [
      '# A heading',
      'Some *text*, a [link](/images/map.png), a [far link](https://example.org/), and `code`.',
      '```python\nprint("flag{%s}" % "x" * 3)  # a comment\n```',
      '| a | b |\n|---|---|\n| 1 | 2 |',
      '> quoted',
    ].join('\n\n'),
    content: '- one\n- two',
    testflag: 'flag{1}',
    hints: [
      { id: 1, text: 'The **first** hint', cost: 5 },
      { id: 2, text: 'The second hint', cost: 10 },
    ],
  },
  {
    id: 2,
    title: 'Locked away',
    category: 'Misc',
    difficulty: 'hard',
    points: 100,
    description: 'Behind the door.',
    testflag: 'flag{2}',
    requirements: [1],
  },
  {
    id: 3,
    title: 'Solved before',
    category: 'Crypto',
    difficulty: 'easy',
    points: 20,
    description: 'An old one.',
    testflag: 'flag{3}',
  },
]

/** Players 1 to 4; player 1 is logged in by most tests and has solved challenge 3. */
export const players = () =>
  ['Ada', 'CryptoCats', 'nightowl', null].map((name, index) => ({
    id: index + 1,
    username: `p${index + 1}`,
    password: 'secret',
    name,
    score: 0,
    solves: 0,
    ts: null,
  }))
