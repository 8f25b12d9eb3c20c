// What scripts share that call `scia function` with KCL programs.
import { createRequire } from "node:module";
import path from "node:path";

export function load(modules, protos) {
  const require = createRequire(path.join(modules, "x.js"));
  const grpc = require("@grpc/grpc-js");
  const loader = require("@grpc/proto-loader");
  const options = { keepCase: true, enums: String, oneofs: true, includeDirs: [protos] };
  const service = grpc.loadPackageDefinition(loader.loadSync("fn/v1/run_function.proto", options)).apiextensions.fn.proto.v1.FunctionRunnerService;
  const connect = (target) => new service(target, grpc.credentials.createInsecure(), { "grpc.max_send_message_length": -1 });

  // The severity of the first result ("OK" when there is none), or the status of a call without an answer.
  const call = (client, body, ms) =>
    new Promise((resolve) => {
      client.RunFunction(body, { deadline: Date.now() + ms }, (error, answer) =>
        resolve(error ? Object.keys(grpc.status).find((name) => grpc.status[name] === error.code) : (answer.results?.[0]?.severity ?? "OK")));
    });
  return { connect, call };
}

const text = (s) => ({ stringValue: s });
const struct = (fields) => ({ fields });

export const kclInput = (source) =>
  struct({ apiVersion: text("krm.kcl.dev/v1alpha1"), kind: text("KCLInput"), spec: { structValue: struct({ source: text(source) }) } });
