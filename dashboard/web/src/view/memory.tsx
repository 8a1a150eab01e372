/** *Where did the memory go?* */
import { MemoryChart } from '../draw/memory-chart.ts'
import { causesAt } from '../draw/memory-data.ts'
import { CHART_HEIGHT } from '../draw/memory-plot.ts'
import { vmSizeIsShown } from '../draw/memory-scale.ts'
import { bytes, seconds } from '../format.ts'
import { CAUSES, type Cause } from '../palette.ts'
import { changed, momentOf, run, showVmSize, textTick, variants } from '../state.ts'
import { Total, type VariantStore } from '../store/variant.ts'
import { ChartHost } from './picture.tsx'
import { Section } from './section.tsx'
import { Swatch } from './swatch.tsx'
import { DataTable, LegendBox } from './tables.tsx'

export function MemoryView() {
  return (
    <Section
      id="memory"
      question="Where did the memory go?"
      lookFor="Look for the gap between the blue live bytes and the black RSS line: everything
        coloured in it is free, and yet resident. Hatched red cannot go back: a live block sits
        above it."
      panel={(variant) => (
        <ChartHost
          name="memory"
          height={CHART_HEIGHT}
          label={`Resident memory of ${variant.description.label} over time, by cause.`}
          make={(element) => new MemoryChart(element, variant)}
        />
      )}
      legend={<Legend />}
      table={() => <MemoryTable />}
    />
  )
}

/** Legend and readout in one: each cause with its bytes at the moment, variant by variant. */
function Legend() {
  textTick.value
  const limit = run.value?.memoryLimit ?? null
  return (
    <LegendBox label="Resident memory by cause">
      <table class="legend" data-readout="memory">
        <caption class="visually-hidden">Resident memory by cause at the moment looked at</caption>
        {variants.value.length > 1 && (
          <thead>
            <tr>
              <th scope="col">Cause</th>
              {variants.value.map(({ description }, place) => (
                <th scope="col" key={place}>
                  {description.label}
                </th>
              ))}
              <td />
            </tr>
          </thead>
        )}
        <tbody>
          <tr class="total">
            <th scope="row">
              <i class="line-mark ink" />
              RSS
            </th>
            {variants.value.map((variant, place) => (
              <td key={place}>{totalText(variant, Total.RSS)}</td>
            ))}
            <td class="meaning">
              {limit === null ? 'resident in all' : `resident in all; limit ${bytes(limit)}`}
            </td>
          </tr>
          {CAUSES.map((_, place) => CAUSES[CAUSES.length - 1 - place]!).map((cause) => (
            <tr key={cause.key}>
              <th scope="row" title={cause.meaning}>
                <Swatch token={cause.key} />
                {cause.label}
              </th>
              {variants.value.map((variant, place) => (
                <td key={place}>{causeText(variant, cause.key)}</td>
              ))}
              <td class="meaning">{cause.meaning}</td>
            </tr>
          ))}
          <VmSizeRow />
        </tbody>
      </table>
    </LegendBox>
  )
}

/** Address space may dwarf what is resident: shown on demand when it does. */
function VmSizeRow() {
  textTick.value
  return (
    <tr>
      <th scope="row">
        <label>
          <input
            type="checkbox"
            checked={vmSizeIsShown()}
            onChange={(event) => {
              showVmSize.value = event.currentTarget.checked
              textTick.value++
              changed()
            }}
          />
          VmSize
        </label>
      </th>
      {variants.value.map((variant, place) => (
        <td key={place}>{totalText(variant, Total.VM_SIZE)}</td>
      ))}
      <td class="meaning">address space mapped; dashed</td>
    </tr>
  )
}

function totalText(variant: VariantStore, column: number): string {
  const row = variant.totals.rowAt(momentOf(variant))
  return row < 0 ? '–' : bytes(variant.totals.at(row, column))
}

function causeText(variant: VariantStore, cause: Cause): string {
  const causes = causesAt(variant, momentOf(variant))
  const value = causes?.[CAUSES.findIndex(({ key }) => key === cause)]
  return value === undefined ? '–' : bytes(value)
}

/** Rows of the table at most: the latest ones. */
const ROWS_MAX = 200

function MemoryTable() {
  textTick.value
  const rows = variants.value.flatMap((variant) =>
    variant.marks
      .slice(-ROWS_MAX)
      .map((mark) => [
        seconds(mark.t / 1e9),
        variant.description.label,
        mark.label === '' ? mark.reason : mark.label,
        bytes(mark.anatomy.rss),
        ...CAUSES.map(({ key }) => bytes(mark.anatomy[key])),
      ]),
  )
  return (
    <DataTable
      caption="RSS by cause at each safepoint"
      columns={['Time', 'Variant', 'Safepoint', 'RSS', ...CAUSES.map(({ label }) => label)]}
      rows={rows}
    />
  )
}
