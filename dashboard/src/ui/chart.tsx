/** Charts of throughput and delivery time. The page also has the numbers as a table, for screen readers. */
import { useEffect, useRef } from 'preact/hooks';
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import type { OperationReport } from '@fanfare/client';
import { formatTime } from '../format.ts';

type Report = Pick<OperationReport, 'buckets' | 'stepSeconds'>;

const HEIGHT = 210;

/** Rates per second. Steps without messages count as zero; the last step is omitted while it is incomplete. */
function toSeries({ buckets, stepSeconds }: Report, isLive: boolean): uPlot.AlignedData {
  const [first, last] = [buckets[0], buckets.at(-1)];
  if (first === undefined || last === undefined) return [[], [], [], [], []];
  const by = new Map(buckets.map((each) => [each.at.getTime() / 1_000, each]));
  const from = first.at.getTime() / 1_000 - stepSeconds;
  const to = last.at.getTime() / 1_000 + (isLive ? -stepSeconds : stepSeconds);
  const data: (number | null)[][] = [[], [], [], [], []];
  for (let at = from; at <= to; at += stepSeconds) {
    const bucket = by.get(at);
    data[0]?.push(at);
    data[1]?.push((bucket?.submitted ?? 0) / stepSeconds);
    data[2]?.push((bucket?.settled ?? 0) / stepSeconds);
    data[3]?.push(bucket?.latency50 ?? null);
    data[4]?.push(bucket?.latency95 ?? null);
  }
  return data as uPlot.AlignedData;
}

function drawOptions(
  width: number,
  colour: (name: string) => string,
): Omit<uPlot.Options, 'series'> {
  const axis = {
    stroke: colour('--muted'),
    grid: { stroke: colour('--line'), width: 1 },
    ticks: { show: false },
    font: '12px "Public Sans Variable", system-ui, sans-serif',
  };
  return {
    width,
    height: HEIGHT,
    cursor: { y: false, points: { size: 6 } },
    legend: { live: false },
    scales: { x: { time: true }, y: { range: (_u, _min, max) => [0, Math.max(1, max * 1.1)] } },
    axes: [
      {
        ...axis,
        grid: { show: false },
        space: 80,
        size: 30,
        values: (_u, ticks) => ticks.map((tick) => formatTime(new Date(tick * 1_000))),
      },
      { ...axis, size: 56, values: (_u, ticks) => ticks.map((tick) => String(tick)) },
    ],
  };
}

/** Draws the chart, and redraws it when the size, the numbers or the colours change. */
function Plot(props: {
  readonly data: uPlot.AlignedData;
  readonly series: (colour: (name: string) => string) => uPlot.Series[];
}) {
  const box = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const data = useRef(props.data);
  data.current = props.data;
  useEffect(() => {
    const element = box.current;
    if (element === null) return;
    const draw = () => {
      plot.current?.destroy();
      const style = getComputedStyle(element);
      const colour = (name: string) => style.getPropertyValue(name).trim();
      const options = drawOptions(element.clientWidth, colour);
      plot.current = new uPlot(
        { ...options, series: [{}, ...props.series(colour)] },
        data.current,
        element,
      );
    };
    draw();
    const room = new ResizeObserver(() =>
      plot.current?.setSize({ width: element.clientWidth, height: HEIGHT }),
    );
    room.observe(element);
    const scheme = matchMedia('(prefers-color-scheme: dark)');
    scheme.addEventListener('change', draw);
    return () => {
      room.disconnect();
      scheme.removeEventListener('change', draw);
      plot.current?.destroy();
      plot.current = null;
    };
  }, []);
  useEffect(() => {
    plot.current?.setData(props.data);
  }, [props.data]);
  return <div class="plot" ref={box} aria-hidden="true" />;
}

/** A line. Short series also get points: a single step would be invisible. */
function line(label: string, stroke: string, isDashed: boolean, count: number): uPlot.Series {
  return {
    label,
    stroke,
    width: 2,
    spanGaps: true,
    points: { show: count < 12 },
    ...(isDashed ? { dash: [6, 3] } : { fill: `color-mix(in srgb, ${stroke} 10%, transparent)` }),
  };
}

export function ThroughputChart(props: { readonly report: Report; readonly isLive: boolean }) {
  const { report, isLive } = props;
  const [x, submitted, settled, half, most] = toSeries(report, isLive);
  const count = report.buckets.length;
  return (
    <div class="charts">
      <figure>
        <figcaption>Messages per second</figcaption>
        <Plot
          data={[x, submitted, settled] as uPlot.AlignedData}
          series={(colour) => [
            line('Submitted', colour('--sent'), false, count),
            line('Receipts', colour('--delivered'), true, count),
          ]}
        />
      </figure>
      <figure>
        <figcaption>Seconds from submission to receipt</figcaption>
        <Plot
          data={[x, half, most] as uPlot.AlignedData}
          series={(colour) => [
            line('Median', colour('--accent'), false, count),
            line('95th percentile', colour('--undelivered'), true, count),
          ]}
        />
      </figure>
    </div>
  );
}
