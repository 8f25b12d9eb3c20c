// Calls `scia function` with all KCL programs at once, over one connection. Says "called" as soon as one is answered, then
// what became of all. Usage: node call_at_once.mjs NODE_MODULES PROTO_DIR TARGET PROGRAMS.json
import fs from "node:fs";
import { kclInput, load } from "./grpc_programs.mjs";

const [modules, protos, target, programs] = process.argv.slice(2);
const { connect, call } = load(modules, protos);
const client = connect(target);
const calls = Object.values(JSON.parse(fs.readFileSync(programs))).map((source) => call(client, { input: kclInput(source) }, 60000));
await Promise.race(calls);
console.log("called");
console.log(JSON.stringify(await Promise.all(calls)));
client.close();
