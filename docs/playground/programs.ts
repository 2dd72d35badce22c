// The programs of the playgrounds, by the name that a page asks for: `<Playground program="select" />`. They take their time,
// so that there is something to see.

export const programs = {
  front: `import { Channel, select, time } from "@sluice/channels";

const prices = new Channel(3);
const orders = new Channel();

async function feed() {
  for (const price of [101, 102, 99, 100, 103]) {
    await time.sleep(300);
    await prices.send(price);
  }
  await time.sleep(2000); // a quiet stretch
  prices.close();
}
async function customer() {
  for (const order of ["buy 5", "sell 2"]) {
    await time.sleep(700);
    await orders.send(order);
  }
}
void feed();
void customer();

for (;;) {
  const r = await select({ price: prices, order: orders, quiet: time.after(1000) });
  if (r.name === "quiet") console.log("quiet for a second");
  else if (!r.ok) break; // prices has ended
  else console.log(r.name, r.value);
  await time.sleep(200); // the work
}
console.log("closed");
`,
  rendezvous: `import { Channel, time } from "@sluice/channels";

const greetings = new Channel(); // no buffer: a send waits for its receiver

async function alice() {
  for (const word of ["hello", "how are you", "bye"]) {
    await greetings.send(word); // waits until bob comes
    console.log("alice said", word);
  }
  greetings.close();
}
async function bob() {
  for (;;) {
    await time.sleep(800);
    const { value, ok } = await greetings.receive();
    if (!ok) return;
    console.log("bob heard", value);
  }
}
await Promise.all([alice(), bob()]);
`,
  buffer: `import { Channel, time } from "@sluice/channels";

const jobs = new Channel(3); // three may lie ready

async function boss() {
  for (let i = 1; i <= 8; i += 1) {
    await jobs.send(i); // waits when the buffer is full
    console.log("ordered", i);
    await time.sleep(150);
  }
  jobs.close();
}
async function worker() {
  for await (const job of jobs) {
    await time.sleep(500);
    console.log("done with", job);
  }
}
await Promise.all([boss(), worker()]);
`,
  close: `import { Channel, time } from "@sluice/channels";

const steps = new Channel(4);
for (const step of [1, 2, 3]) await steps.send(step);
steps.close(); // nothing more comes; what is there still arrives

async function walker() {
  for await (const step of steps) {
    console.log("step", step);
    await time.sleep(500);
  }
  console.log("the loop has ended");
}
await walker();
`,
  select: `import { Channel, select, time } from "@sluice/channels";

const left = new Channel();
const right = new Channel();

async function sender(channel, name, pause) {
  for (let i = 1; i <= 3; i += 1) {
    await time.sleep(pause);
    await channel.send(name + i);
  }
}
void sender(left, "left ", 400);
void sender(right, "right ", 650);

for (let i = 0; i < 6; i += 1) {
  const r = await select({ left, right }); // one of them; the other keeps its place
  console.log(r.name, "→", r.value);
}
`,
  timer: `import { Channel, select, time } from "@sluice/channels";

const replies = new Channel();

async function server() {
  await time.sleep(600);
  await replies.send("fast");
  await time.sleep(1600);
  await replies.send("slow");
}
void server();

for (let i = 0; i < 3; i += 1) {
  const r = await select({ reply: replies, timeout: time.after(1000) });
  console.log(r.name === "timeout" ? "a second has passed" : r.value);
}
`,
  race: `import { Channel, time } from "@sluice/channels";

const messages = new Channel();

async function sender() {
  await time.sleep(1000);
  await messages.send("hello");
  console.log("sent: somebody took it");
}
void sender();

const late = (pause) => time.sleep(pause).then(() => "late");

const first = await Promise.race([messages.receive(), late(500)]);
console.log(first); // that receive still waits
await time.sleep(1000); // … and takes the message
const second = await Promise.race([messages.receive(), late(500)]);
console.log(second, "- hello is lost");
`,
  "race-not": `import { Channel, select, time } from "@sluice/channels";

const messages = new Channel();

async function sender() {
  await time.sleep(1000);
  await messages.send("hello");
  console.log("sent: somebody took it");
}
void sender();

const late = (pause) => time.after(pause);

const first = await select({ message: messages, late: late(500) });
console.log(first.name); // nobody waits any more
await time.sleep(1000); // … so the message waits
const second = await select({ message: messages, late: late(500) });
console.log(second.name, "-", second.value);
`,
  deadlock: `import { Channel, time } from "@sluice/channels";

const soup = new Channel();
const bill = new Channel();

async function kitchen() {
  await time.sleep(500);
  await bill.receive(); // first the money
  await soup.send("soup");
}
async function guest() {
  await soup.receive(); // first the soup
  await bill.send(12);
}
await Promise.all([kitchen(), guest()]);
`,
} satisfies Record<string, string>;

export type ProgramName = keyof typeof programs;
