/* SPDX-License-Identifier: MIT */
/* All challenges, by category, with a filter that outlives the way into one and back. */
import { signal } from '@preact/signals'
import type { RefObject } from 'preact'
import { useRef } from 'preact/hooks'
import type { Challenge } from '../api'
import { playerById } from '../board'
import {
  distinct,
  filterChallenges,
  groupByCategory,
  isFiltering,
  noFilter,
  type Filter,
} from '../challenges'
import { formatNumber, formatPoints } from '../clock'
import { words } from '../i18n'
import { board } from '../live'
import { Icon } from '../parts/icons'
import { useAhead } from '../parts/later'
import { Screen } from '../parts/screen'
import { paths } from '../route'
import { challenges, challengesFailed, loadChallenges } from '../session'

const filter = signal<Filter>(noFilter)

function change(part: Partial<Filter>): void {
  filter.value = { ...filter.value, ...part }
}

function Choice(props: {
  label: string
  value: string
  options: readonly string[]
  onChange: (value: string) => void
}) {
  return (
    <label class="grid gap-1 text-sm">
      <span class="text-soft">{props.label}</span>
      <select
        class="field"
        value={props.value}
        onChange={(e) => props.onChange(e.currentTarget.value)}
      >
        <option value="">{words.value.challenges.all}</option>
        {props.options.map((option) => (
          <option key={option} value={option}>
            {option}
          </option>
        ))}
      </select>
    </label>
  )
}

function FilterBar(props: {
  all: readonly Challenge[]
  shown: number
  field: RefObject<HTMLInputElement>
}) {
  const t = words.value.challenges
  const { text, category, difficulty, unsolved } = filter.value
  return (
    <form
      class="filter"
      role="search"
      aria-label={t.filter}
      onSubmit={(event) => event.preventDefault()}
    >
      <label class="grid flex-1 gap-1 text-sm">
        <span class="text-soft">{t.search}</span>
        <input
          ref={props.field}
          type="search"
          class="field"
          value={text}
          onInput={(event) => change({ text: event.currentTarget.value })}
        />
      </label>
      <Choice
        label={t.category}
        value={category}
        options={distinct(props.all, 'category')}
        onChange={(value) => change({ category: value })}
      />
      <Choice
        label={t.difficulty}
        value={difficulty}
        options={distinct(props.all, 'difficulty')}
        onChange={(value) => change({ difficulty: value })}
      />
      <label class="check pb-2.5">
        <input
          type="checkbox"
          checked={unsolved}
          onChange={(event) => change({ unsolved: event.currentTarget.checked })}
        />
        <span>{t.unsolved}</span>
      </label>
      <p role="status" class="sr-only">
        {isFiltering(filter.value) ? t.shown(props.shown) : ''}
      </p>
    </form>
  )
}

function SolveCount(props: { id: number }) {
  const t = words.value.challenges
  const known = board.value.challenges.get(props.id)
  if (known === undefined || known.solves === 0) return <span>{t.noSolves}</span>
  const first = known.first === null ? null : playerById(board.value, known.first)
  return (
    <>
      <span>{t.solves(known.solves)}</span>
      {first !== null && (
        <span class="min-w-0 truncate">
          {t.first} <bdi>{first.name}</bdi>
        </span>
      )}
    </>
  )
}

/* The link covers the whole card, so all of it can be clicked and the keyboard has one stop. */
function Card(props: { challenge: Challenge }) {
  const t = words.value.challenges
  const { id, title, difficulty, points, solved, locked, requirements } = props.challenge
  const missing = requirements.filter((needed) => !needed.solved)
  return (
    <article
      class="card cursor-pointer"
      data-state={locked ? 'locked' : solved ? 'solved' : 'open'}
    >
      <div class="flex items-start justify-between gap-3">
        <h3 class="card-title" dir="auto">
          <a href={paths.challenge(id)} class="card-link">
            {title}
          </a>
        </h3>
        <p class="card-points">
          <span aria-hidden="true">{formatNumber.value(points)}</span>
          <span class="sr-only">{formatPoints.value(points)}</span>
        </p>
      </div>
      <div class="card-more">
        {solved && (
          <span class="chip chip-good">
            <Icon name="check" />
            {t.solved}
          </span>
        )}
        {locked && (
          <span class="chip">
            <Icon name="lock" />
            {t.locked}
          </span>
        )}
        {difficulty !== '' && <span class="chip">{difficulty}</span>}
        {locked ? (
          <span class="min-w-0" dir="auto">
            {t.unlocks} {missing.map((needed) => needed.title).join(', ')}
          </span>
        ) : (
          <SolveCount id={id} />
        )}
      </div>
    </article>
  )
}

function Progress(props: { all: readonly Challenge[] }) {
  const solved = props.all.filter((challenge) => challenge.solved).length
  const text = words.value.challenges.progress(solved, props.all.length)
  return (
    <div class="flex items-center gap-3 text-sm text-soft">
      <span>{text}</span>
      <progress
        class="progress"
        max={Math.max(1, props.all.length)}
        value={solved}
        aria-label={text}
      />
    </div>
  )
}

function Groups() {
  const t = words.value
  const field = useRef<HTMLInputElement>(null)
  const all = challenges.value
  if (all === null) {
    if (!challengesFailed.value) return <p class="text-soft">{t.common.loading}</p>
    return (
      <div class="note note-bad" role="alert">
        <p>{t.common.away}</p>
        <button type="button" class="button mt-3" onClick={() => void loadChallenges()}>
          {t.common.retry}
        </button>
      </div>
    )
  }
  if (all.length === 0) return <p class="text-soft">{t.challenges.empty}</p>
  const shown = filterChallenges(all, filter.value)
  const clear = (): void => {
    change(noFilter)
    field.current?.focus() /* its button goes */
  }
  return (
    <>
      <FilterBar all={all} shown={shown.length} field={field} />
      {shown.length === 0 && (
        <p class="panel p-6 text-soft">
          {t.challenges.none}{' '}
          <button type="button" class="button button-small ml-2" onClick={clear}>
            {t.challenges.clear}
          </button>
        </p>
      )}
      {groupByCategory(shown).map(({ category, challenges: group }) => (
        <section
          key={category}
          class="mb-9"
          aria-label={category === '' ? t.challenges.other : category}
        >
          <h2 class="section-title mb-3">
            <bdi>{category === '' ? t.challenges.other : category}</bdi>
          </h2>
          <div class="cards">
            {group.map((challenge) => (
              <Card key={challenge.id} challenge={challenge} />
            ))}
          </div>
        </section>
      ))}
    </>
  )
}

export function ChallengesView() {
  useAhead()
  return (
    <Screen
      title={words.value.challenges.title}
      aside={challenges.value !== null && <Progress all={challenges.value} />}
    >
      <Groups />
    </Screen>
  )
}
