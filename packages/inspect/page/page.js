// Draws each look that the server tells. Whatever comes from the program is text, and never markup.

const id = (name) => document.getElementById(name);
const SVG = "http://www.w3.org/2000/svg";
const KEPT = 600; // looks: five minutes

function made(tag, className, ...children) {
  const element = document.createElement(tag);
  if (className !== "") element.className = className;
  element.append(...children);
  return element;
}

function drawn(tag, attributes, text) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, String(value));
  if (text !== undefined) element.textContent = text;
  return element;
}

function age(milliseconds) {
  if (milliseconds < 1000) return `${Math.round(milliseconds)} ms`;
  if (milliseconds < 120_000) return `${(milliseconds / 1000).toFixed(1)} s`;
  return `${Math.round(milliseconds / 60_000)} min`;
}

// A line of the program, without the folders that all of them share.
function place(calledAt, before = "") {
  const short = calledAt.replace(/(?:file:\/\/)?[^\s()]*?([^\s()/\\]+[/\\][^\s()/\\]+:\d+:\d+)/, "$1");
  const code = made("code", "", `${before}${short}`);
  code.title = calledAt;
  return code;
}

function tube({ length, capacity }) {
  const share = capacity === 0 ? 0 : Math.min(1, length / capacity);
  const label = capacity === 0 ? "rendezvous" : `${length} of ${capacity}`;
  const svg = drawn("svg", { class: "tube", role: "img", "aria-label": label });
  svg.append(
    drawn("rect", { class: "fill", x: 0, y: "15%", width: `${share * 100}%`, height: "70%", opacity: 0.35 }),
    drawn("path", { class: "wall", d: "M0 5.5H4000" }),
    drawn("path", { class: "wall", d: "M0 30H4000" }),
    drawn("text", { x: "50%", y: "62%" }, label),
  );
  return svg;
}

// Who waits on one side of a channel: the report has no object to go by, only what it says in words.
function side(channel, waits, at, isSend) {
  const count = isSend ? channel.sendersWaiting : channel.receiversWaiting;
  const box = made("div", `side ${isSend ? "senders" : "receivers"}`);
  if (count === 0) {
    box.append(made("span", "faint", isSend ? "no sender waits" : "no receiver waits"));
    return box;
  }
  const who = isSend ? "sender" : "receiver";
  box.append(made("div", "", `${count} ${count === 1 ? `${who} waits` : `${who}s wait`}`));
  if (channel.name === undefined) return box;
  const words = new Set(
    isSend ? [`a receiver on channel "${channel.name}"`] : [`a value on channel "${channel.name}"`],
  );
  for (const one of waits.filter(({ waitsFor }) => waitsFor.some((text) => words.has(text))).slice(0, 3)) {
    const row = made("div", "waits", `${one.count} × ${one.operation}, ${age(at - one.since)} `);
    row.append(place(one.calledAt));
    box.append(row);
  }
  return box;
}

function channelOf(channel, look, rate) {
  const head = made(
    "div",
    "head",
    made("span", "name", channel.name ?? `unnamed ${channel.kind}`),
    made("span", `verdict ${channel.verdict.replace(" ", "-")}`, channel.verdict),
    made(
      "span",
      "faint",
      [
        channel.kind,
        `${rate} a second`,
        `${channel.received} received`,
        channel.dropped > 0 && `${channel.dropped} dropped`,
        `at most ${channel.highest} in it`,
        channel.oldestWait !== undefined && `waiting for ${age(channel.oldestWait)}`,
        channel.closed && "closed",
        ...Object.entries(channel.details ?? {}).map(
          ([name, value]) => `${name} ${typeof value === "number" ? Math.round(value * 10) / 10 : value}`,
        ),
      ]
        .filter(Boolean)
        .join(" · "),
    ),
  );
  const pipe = made(
    "div",
    "pipe",
    side(channel, look.waits, look.at, true),
    tube(channel),
    side(channel, look.waits, look.at, false),
  );
  const item = made("li", "channel", head, pipe, place(channel.createdAt, "made by "));
  item.dataset.channel = channel.name ?? "";
  item.dataset.verdict = channel.verdict;
  return item;
}

function listed(list, items, none) {
  id(list).replaceChildren(...(items.length === 0 ? [made("li", "none", none)] : items));
}

function wait(count, operation, waitsFor, calledAt, more) {
  return made(
    "li",
    "",
    made("span", "count", count),
    made(
      "span",
      "what",
      `${operation} waits for ${waitsFor.join(", ") || "no channel"}${more}`,
      made("br", ""),
      place(calledAt),
    ),
  );
}

const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const times = [];
const latenesses = [];
let plot;

function plotted() {
  const box = id("lateness");
  plot?.destroy();
  const axis = { stroke: () => colour("--faint"), grid: { stroke: () => colour("--line"), width: 1 } };
  plot = new uPlot(
    {
      width: box.clientWidth - 16,
      height: 170,
      cursor: { show: false },
      legend: { show: false },
      scales: { y: { range: (_plot, _low, high) => [0, Math.max(5, high * 1.1)] } },
      axes: [axis, { ...axis, size: 60, values: (_plot, all) => all.map((value) => `${value} ms`) }],
      series: [
        {},
        { stroke: () => colour("--water"), width: 1.5, points: { show: false }, fill: () => `${colour("--water")}30` },
      ],
    },
    [times, latenesses],
    box,
  );
}

let before;

function show(look) {
  if (look.copies === 0) {
    id("state").textContent = "Nothing is recorded there: call record() of @sluice/channels/inspect";
    return;
  }
  id("state").textContent = look.truncated ? "live, a part of it" : "live";
  const numbers = {
    waiting: look.parked,
    "parked before": look.unknown,
    timers: look.armed,
    "loop late": `${look.lateness.toFixed(1)} ms`,
    completions: look.turns.completions,
    "budgets spent": look.turns.budgeted,
    "longest turn": `${look.turns.longest.toFixed(1)} ms`,
  };
  id("numbers").replaceChildren(
    ...Object.entries(numbers).map(([name, value]) =>
      made("div", "", made("dt", "", name), made("dd", "", String(value))),
    ),
  );
  times.push(look.at / 1000);
  latenesses.push(look.lateness);
  if (times.length > KEPT) [times, latenesses].forEach((list) => list.shift());
  plot.setData([times, latenesses]);
  const seconds = before === undefined ? 0 : (look.at - before.at) / 1000;
  listed(
    "channels",
    look.channels.map((channel, i) => {
      const earlier = before?.channels[i]?.received ?? channel.received;
      return channelOf(channel, look, seconds > 0 ? Math.round(Math.max(0, channel.received - earlier) / seconds) : 0);
    }),
    "No channel was made since recording began",
  );
  listed(
    "waits",
    look.waits.map(({ operation, waitsFor, calledAt, count, since }) =>
      wait(`${count} ×`, operation, waitsFor, calledAt, `, the first for ${age(look.at - since)}`),
    ),
    "Nobody waits",
  );
  listed(
    "abandoned",
    look.abandoned.map(({ operation, waitsFor, calledAt }) => wait("", operation, waitsFor, calledAt, "")),
    "Nobody, as far as the collector told",
  );
  before = look;
}

plotted();
addEventListener("resize", () => plot.setSize({ width: id("lateness").clientWidth - 16, height: 170 }));
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", plotted);

const looks = new EventSource("looks");
looks.addEventListener("title", ({ data }) => {
  id("title").textContent = JSON.parse(data);
});
looks.addEventListener("look", ({ data }) => show(JSON.parse(data)));
looks.addEventListener("gone", ({ data }) => {
  id("state").textContent = JSON.parse(data);
  id("state").className = "gone";
  looks.close();
});
