// Who is measured, in the order of the table. `name` is the file in `folder`, `package` where its version is read.

const inMemory = [
  { name: "sluice", title: "ours" },
  { name: "go", title: "Go" },
  { name: "node", title: "by hand" },
  { name: "medium", title: "medium", package: "medium" },
  { name: "thi.ng", title: "thi.ng/csp", package: "@thi.ng/csp" },
  { name: "js-csp", title: "js-csp", package: "js-csp" },
  { name: "ts-chan", title: "ts-chan", package: "ts-chan" },
  { name: "chan", title: "chan", package: "chan" },
  { name: "effect", title: "effect", package: "effect" },
  { name: "it-pushable", title: "it-pushable", package: "it-pushable" },
  { name: "rxjs", title: "rxjs", package: "rxjs" },
];

const sockets = [
  { name: "sluice", title: "ours" },
  { name: "sluice-try", title: "ours, try first" },
  { name: "sluice-many", title: "ours, batches" },
  { name: "ws", title: "ws", package: "ws" },
  { name: "ws-high-water", title: "ws, high-water" },
  { name: "events.on", title: "events.on" },
  { name: "ws-stream", title: "ws stream" },
  { name: "undici", title: "undici", package: "undici" },
];

const servers = [
  { name: "sluice", title: "ours" },
  { name: "ws", title: "ws", package: "ws" },
];

export const subjects = { subjects: inMemory, sockets, servers };
