// Calls `scia function` with KCL programs, one after another, while another client goes on asking for something small.
// Usage: node call_programs.mjs NODE_MODULES PROTO_DIR TARGET PROGRAMS.json DEADLINE_MS; prints { outcomes: { name:
// severity of the first result or status }, others: answers of the small calls, failed: those that had none }.
import fs from "node:fs";
import { kclInput, load } from "./grpc_programs.mjs";

const [modules, protos, target, programs, deadlineMs] = process.argv.slice(2);
const { connect, call } = load(modules, protos);
const outcomes = {};
let others = 0, failed = 0, done = false;

async function askSmall() {
  const client = connect(target);
  while (!done) {
    (await call(client, { meta: { tag: "small" } }, Number(deadlineMs))) === "OK" ? others++ : failed++;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  client.close();
}

async function askAll() {
  const client = connect(target);
  for (const [name, source] of Object.entries(JSON.parse(fs.readFileSync(programs))))
    outcomes[name] = await call(client, { input: kclInput(source) }, Number(deadlineMs));
  client.close();
  done = true;
}

await Promise.all([askSmall(), askAll()]);
console.log(JSON.stringify({ outcomes, others, failed }));
