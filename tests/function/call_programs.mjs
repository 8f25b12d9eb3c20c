// Calls `scia function` with KCL programs, one after another, while another client goes on asking for something small.
// Usage: node call_programs.mjs NODE_MODULES PROTO_DIR TARGET PROGRAMS.json DEADLINE_MS; prints { outcomes: { name:
// severity of the first result or status }, others: answers of the small calls, failed: those that had none }.
import { createRequire } from "node:module";
import fs from "node:fs";
import path from "node:path";

const [modules, protos, target, programs, deadlineMs] = process.argv.slice(2);
const require = createRequire(path.join(modules, "x.js"));
const grpc = require("@grpc/grpc-js");
const loader = require("@grpc/proto-loader");
const options = { keepCase: true, enums: String, oneofs: true, includeDirs: [protos] };
const service = grpc.loadPackageDefinition(loader.loadSync("fn/v1/run_function.proto", options)).apiextensions.fn.proto.v1.FunctionRunnerService;
const text = (s) => ({ stringValue: s });
const struct = (fields) => ({ fields });
const input = (source) => struct({
  apiVersion: text("krm.kcl.dev/v1alpha1"), kind: text("KCLInput"), spec: { structValue: struct({ source: text(source) }) },
});

function call(client, body, ms) {
  return new Promise((resolve) => {
    client.RunFunction(body, { deadline: Date.now() + ms }, (error, answer) =>
      resolve(error ? (Object.keys(grpc.status).find((name) => grpc.status[name] === error.code)) : (answer.results?.[0]?.severity ?? "OK")));
  });
}

const outcomes = {};
let others = 0, failed = 0, done = false;

async function askSmall() {
  const client = new service(target, grpc.credentials.createInsecure());
  while (!done) {
    (await call(client, { meta: { tag: "small" } }, Number(deadlineMs))) === "OK" ? others++ : failed++;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  client.close();
}

async function askAll() {
  const client = new service(target, grpc.credentials.createInsecure(), { "grpc.max_send_message_length": -1 });
  for (const [name, source] of Object.entries(JSON.parse(fs.readFileSync(programs))))
    outcomes[name] = await call(client, { input: input(source) }, Number(deadlineMs));
  client.close();
  done = true;
}

await Promise.all([askSmall(), askAll()]);
console.log(JSON.stringify({ outcomes, others, failed }));
