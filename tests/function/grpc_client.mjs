// gRPC's own client for JavaScript against `scia function`: every case is a method of `cases`, and says what is wrong by
// throwing. Usage: node grpc_client.mjs NODE_MODULES PROTO_DIR TARGET [TLS_DIR [CASES]]; prints { case: "ok" | error } as JSON.
import { createRequire } from "node:module";
import assert from "node:assert/strict";
import fs from "node:fs";
import net from "node:net";
import http2 from "node:http2";
import path from "node:path";

const [modules, protos, target, tlsDir, wanted] = process.argv.slice(2);
const require = createRequire(path.join(modules, "x.js"));
const grpc = require("@grpc/grpc-js");
const loader = require("@grpc/proto-loader");
const options = { keepCase: true, longs: Number, enums: String, defaults: false, oneofs: true, includeDirs: [protos] };
const load = (file) => grpc.loadPackageDefinition(loader.loadSync(file, options));

const credentials = tlsDir
  ? grpc.credentials.createSsl(fs.readFileSync(`${tlsDir}/ca.crt`), fs.readFileSync(`${tlsDir}/tls.key`), fs.readFileSync(`${tlsDir}/tls.crt`))
  : grpc.credentials.createInsecure();
const v1 = load("fn/v1/run_function.proto").apiextensions.fn.proto.v1.FunctionRunnerService;
const v1beta1 = load("fn/v1beta1/run_function.proto").apiextensions.fn.proto.v1beta1.FunctionRunnerService;
const health = load("grpc/health/v1/health.proto").grpc.health.v1.Health;
const reflection = load("grpc/reflection/v1/reflection.proto").grpc.reflection.v1.ServerReflection;
const reflectionAlpha = load("grpc/reflection/v1alpha/reflection.proto").grpc.reflection.v1alpha.ServerReflection;
const channelOptions = { "grpc.max_send_message_length": -1, "grpc.max_receive_message_length": -1 };
const connect = (service) => new service(target, credentials, channelOptions);

// A JSON value as google.protobuf.Value, and back (the loader has its own well-known types, in camel case).
const toValue = (v) =>
  v === null ? { nullValue: "NULL_VALUE" }
  : typeof v === "number" ? { numberValue: v }
  : typeof v === "string" ? { stringValue: v }
  : typeof v === "boolean" ? { boolValue: v }
  : Array.isArray(v) ? { listValue: { values: v.map(toValue) } }
  : { structValue: toStruct(v) };
const toStruct = (o) => ({ fields: Object.fromEntries(Object.entries(o).map(([k, v]) => [k, toValue(v)])) });
const fromValue = (v) =>
  v.kind === "nullValue" ? null
  : v.kind === "structValue" ? fromStruct(v.structValue)
  : v.kind === "listValue" ? (v.listValue.values ?? []).map(fromValue)
  : v[v.kind];
const fromStruct = (s) => Object.fromEntries(Object.entries(s?.fields ?? {}).map(([k, v]) => [k, fromValue(v)]));

const xr = { apiVersion: "example.org/v1", kind: "XR", metadata: { name: "shop" }, spec: { region: "eu", count: 3 } };
const bucket = { apiVersion: "example.org/v1", kind: "Bucket", metadata: { name: "b" } };
const patchInput = (resources, more = {}) => toStruct({ apiVersion: "pt.fn.crossplane.io/v1beta1", kind: "Resources", resources, ...more });
const kcl = (source, more = {}) => toStruct({ apiVersion: "krm.kcl.dev/v1alpha1", kind: "KCLInput", spec: { source, ...more } });
const request = (more = {}) => ({ meta: { tag: "t" }, observed: { composite: { resource: toStruct(xr) } }, ...more });

function call(service, body, deadlineMs = 10000) {
  const client = connect(service);
  return new Promise((resolve, reject) => {
    client.RunFunction(body, { deadline: Date.now() + deadlineMs }, (error, answer) => {
      client.close();
      error ? reject(error) : resolve(answer);
    });
  });
}

const unary = (client, method, body) =>
  new Promise((resolve, reject) => client[method](body, (error, answer) => (error ? reject(error) : resolve(answer))));
const fails = async (promise, code, pattern) => {
  const error = await promise.then(() => assert.fail("it was answered"), (e) => e);
  assert.equal(error.code, code, error.message);
  assert.match(error.details, pattern);
};
const later = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

const cases = {
  async both_versions_answer() {
    for (const service of [v1, v1beta1]) {
      const answer = await call(service, request());
      assert.equal(answer.meta.tag, "t");
      assert.equal(answer.meta.ttl.seconds, 60);
    }
  },

  async ready_resources_become_ready() {
    const ready = { ...bucket, status: { conditions: [{ type: "Ready", status: "True" }] } };
    const answer = await call(v1, request({
      observed: { composite: { resource: toStruct(xr) }, resources: { a: { resource: toStruct(ready) }, b: { resource: toStruct(bucket) } } },
      desired: { resources: { a: { resource: toStruct(bucket) }, b: { resource: toStruct(bucket) }, c: { resource: toStruct(bucket) } } },
    }));
    assert.equal(answer.desired.resources.a.ready, "READY_TRUE");
    assert.ok(!answer.desired.resources.b.ready && !answer.desired.resources.c.ready);
    assert.deepEqual(fromStruct(answer.desired.resources.a.resource), bucket);
  },

  async patches_and_transforms() {
    const answer = await call(v1, request({
      input: patchInput([{
        name: "bucket",
        base: bucket,
        patches: [
          { type: "FromCompositeFieldPath", fromFieldPath: "spec.region", toFieldPath: "spec.location", transforms: [{ type: "map", map: { eu: "Europe" } }] },
          { type: "CombineFromComposite", combine: { variables: [{ fromFieldPath: "metadata.name" }, { fromFieldPath: "spec.region" }], strategy: "string", string: { fmt: "%s-%s" } }, toFieldPath: "metadata.annotations[example.org/id]" },
          { type: "FromCompositeFieldPath", fromFieldPath: "spec.count", toFieldPath: "spec.sizes[1]", transforms: [{ type: "math", math: { type: "Multiply", multiply: 2 } }] },
        ],
      }]),
    }));
    assert.deepEqual(fromStruct(answer.desired.resources.bucket.resource), {
      ...bucket,
      metadata: { name: "b", annotations: { "example.org/id": "shop-eu" } },
      spec: { location: "Europe", sizes: [null, 6] },
    });
    assert.deepEqual(fromStruct(answer.desired.composite.resource), { apiVersion: xr.apiVersion, kind: xr.kind });
  },

  async environment_configs_are_asked_for_and_merged() {
    const input = toStruct({ apiVersion: "environmentconfigs.fn.crossplane.io/v1beta1", kind: "Input", spec: { environmentConfigs: [{ type: "Reference", ref: { name: "base" } }] } });
    const first = await call(v1, request({ input }));
    const selector = first.requirements.resources["environment-config-0"];
    assert.equal(selector.match_name, "base");
    const config = { apiVersion: "apiextensions.crossplane.io/v1beta1", kind: "EnvironmentConfig", metadata: { name: "base" }, data: { zone: "a", list: [1] } };
    const second = await call(v1, request({ input, required_resources: { "environment-config-0": { items: [{ resource: toStruct(config) }] } } }));
    const environment = fromStruct(second.context)["apiextensions.crossplane.io/environment"];
    assert.deepEqual(environment, { zone: "a", list: [1], apiVersion: "internal.crossplane.io/v1alpha1", kind: "Environment" });
  },

  async bad_input_is_a_fatal_result() {
    const answer = await call(v1, request({ input: patchInput([{ base: bucket }]) }));
    assert.equal(answer.results[0].severity, "SEVERITY_FATAL");
    assert.equal(answer.results[0].message, "invalid Function input: resources[0].name: Required value: name is required");
  },

  async kcl_programs_make_resources() {
    const input = kcl(`oxr = option("params").oxr
_status = {**option("params").dxr, status.seen = oxr.spec.count}
items = [_status] + [{
    apiVersion = "v1"
    kind = "ConfigMap"
    metadata.name = "\${oxr.metadata.name}-\${i}"
    metadata.annotations = {"krm.kcl.dev/ready" = "True"}
    data.region = oxr.spec.region
} for i in range(oxr.spec.count)]
`);
    for (let round = 0; round < 2; round++) {
      const answer = await call(v1, request({ input }));
      assert.equal(answer.results, undefined);
      assert.deepEqual(Object.keys(answer.desired.resources).sort(), ["shop-0", "shop-1", "shop-2"]);
      assert.equal(answer.desired.resources["shop-1"].ready, "READY_TRUE");
      assert.deepEqual(fromStruct(answer.desired.resources["shop-1"].resource), {
        apiVersion: "v1", kind: "ConfigMap", metadata: { name: "shop-1", annotations: {} }, data: { region: "eu" },
      });
      assert.equal(fromStruct(answer.desired.composite.resource).status.seen, 3);
    }
  },

  async kcl_errors_are_fatal_results_with_their_place() {
    const wrong = { "a = 1\nb = a +\n": /prog\.k:2:/, "a = 1\nb: str = a\n": /prog\.k:2:/, "a = [1]\nb = a[7]\n": /prog\.k:2:/, 'assert False, "no good"': /no good/ };
    for (const [source, pattern] of Object.entries(wrong)) {
      const answer = await call(v1, request({ input: kcl(source) }));
      assert.equal(answer.results[0].severity, "SEVERITY_FATAL");
      assert.match(answer.results[0].message, /^failed to run kcl function pipelines: /);
      assert.match(answer.results[0].message, pattern);
    }
  },

  async kcl_programs_that_never_end_are_ended() {
    const loops = [
      "f = lambda n {\n    f(n + 1)\n}\na = f(0)\n",
      "a = [x * y for x in range(100000) for y in range(100000)]\n",
      'a = "x" * 10000000000\n',
      "a = [[i] * 100000 for i in range(100000)]\n",
    ];
    for (const source of loops) {
      const outcome = await call(v1, request({ input: kcl(source) }), 5000).then((a) => a.results[0].severity, (e) => e.code);
      assert.ok(outcome === "SEVERITY_FATAL" || outcome === grpc.status.DEADLINE_EXCEEDED, `${outcome} of ${source}`);
    }
    assert.equal((await call(v1, request())).meta.tag, "t");
  },

  async kcl_asks_for_resources() {
    const input = kcl(`items = [{
    apiVersion = "meta.krm.kcl.dev/v1alpha1"
    kind = "RequiredResources"
    requirements = {a = {apiVersion = "v1", kind = "Secret", name = "s", namespace = "n"}, b = {apiVersion = "v1", kind = "Secret", matchLabels = {x = "y"}}}
}, {
    apiVersion = "meta.krm.kcl.dev/v1alpha1"
    kind = "Conditions"
    conditions = [{target = "CompositeAndClaim", condition = {type = "Deep", status = "True", reason = "Because"}}]
}, {
    apiVersion = "meta.krm.kcl.dev/v1alpha1"
    kind = "Context"
    data = {told = "yes"}
}]
`);
    const answer = await call(v1, request({ input, context: toStruct({ before: 1 }) }));
    assert.deepEqual(answer.requirements.resources.a, { api_version: "v1", kind: "Secret", match_name: "s", namespace: "n", match: "match_name", _namespace: "namespace" });
    assert.deepEqual(answer.requirements.resources.b.match_labels, { labels: { x: "y" } });
    assert.equal(answer.conditions[0].status, "STATUS_CONDITION_TRUE");
    assert.equal(answer.conditions[0].target, "TARGET_COMPOSITE_AND_CLAIM");
    assert.deepEqual(fromStruct(answer.context), { before: 1, told: "yes" });
  },

  async values_of_every_kind_come_back() {
    const values = { a: null, b: true, c: [1, [2.5, { d: "é" }], []], e: {}, f: -0.25, g: 1e300, h: "", i: 9007199254740991 };
    const answer = await call(v1, request({ context: toStruct(values) }));
    assert.deepEqual(fromStruct(answer.context), values);
  },

  async malformed_messages_are_refused() {
    const raw = grpc.makeGenericClientConstructor({ Run: { path: "/apiextensions.fn.proto.v1.FunctionRunnerService/RunFunction", requestStream: false, responseStream: false, requestSerialize: (b) => b, responseDeserialize: (b) => b } }, "Raw");
    for (const bytes of [[0x0a, 0x05], [0xff], [0x0a, 0x03, 0x0a, 0x01, 0xff], Array(1000).fill(0x12)]) {
      const client = new raw(target, credentials);
      await fails(unary(client, "Run", Buffer.from(bytes)), grpc.status.INVALID_ARGUMENT, /RunFunctionRequest/);
      client.close();
    }
  },

  async unknown_methods_are_unimplemented() {
    const raw = grpc.makeGenericClientConstructor({ Run: { path: "/no.Service/Method", requestStream: false, responseStream: false, requestSerialize: (b) => b, responseDeserialize: (b) => b } }, "Raw");
    const client = new raw(target, credentials);
    await fails(unary(client, "Run", Buffer.alloc(0)), grpc.status.UNIMPLEMENTED, /no method \/no.Service\/Method/);
    client.close();
  },

  async oversized_messages_are_refused() {
    const body = request({ context: toStruct({ text: "x".repeat(5 * 1024 * 1024) }) });
    await fails(call(v1, body), grpc.status.RESOURCE_EXHAUSTED, /larger than max \(\d+ vs. 4194304\)/);
  },

  async large_messages_pass() {
    const text = "x".repeat(3 * 1024 * 1024);
    const answer = await call(v1, request({ context: toStruct({ text }) }));
    assert.equal(fromStruct(answer.context).text, text);
  },

  async compressed_messages_are_expanded() {
    const text = "x".repeat(1024 * 1024);
    const client = new v1(target, credentials, { ...channelOptions, "grpc.default_compression_algorithm": 2 });
    const answer = await unary(client, "RunFunction", request({ context: toStruct({ text }) }));
    assert.equal(fromStruct(answer.context).text, text);
    const bomb = unary(client, "RunFunction", request({ context: toStruct({ text: "x".repeat(20 * 1024 * 1024) }) }));
    await fails(bomb, grpc.status.RESOURCE_EXHAUSTED, /after decompression larger than max 4194304/);
    client.close();
  },

  async compressed_streams_are_expanded() {
    const client = new health(target, credentials, { "grpc.default_compression_algorithm": 2 });
    assert.equal((await unary(client, "Check", {})).status, "SERVING");
    client.close();
  },

  async unknown_compression_is_refused() {
    const client = new v1(target, credentials, { "grpc.default_compression_algorithm": 1 });
    await fails(unary(client, "RunFunction", request()), grpc.status.UNIMPLEMENTED, /grpc-encoding "deflate"/);
    client.close();
  },

  async sixty_four_clients_at_once() {
    const input = patchInput([{ name: "bucket", base: bucket, patches: [{ fromFieldPath: "spec.region" }] }]);
    const clients = Array.from({ length: 64 }, () => connect(v1));
    await Promise.all(clients.map(async (client) => {
      for (let i = 0; i < 20; i++) {
        const answer = await unary(client, "RunFunction", request({ meta: { tag: `${i}` }, input }));
        assert.equal(answer.meta.tag, `${i}`);
        assert.equal(fromStruct(answer.desired.resources.bucket.resource).spec.region, "eu");
      }
      client.close();
    }));
  },

  async many_streams_of_one_connection() {
    const client = connect(v1);
    const answers = await Promise.all(Array.from({ length: 500 }, (_, i) => unary(client, "RunFunction", request({ meta: { tag: `${i}` } }))));
    answers.forEach((answer, i) => assert.equal(answer.meta.tag, `${i}`));
    client.close();
  },

  async a_client_that_hangs_up_harms_nobody() {
    for (let i = 0; i < 20; i++) {
      const client = connect(v1);
      const pending = client.RunFunction(request({ context: toStruct({ text: "x".repeat(1024 * 1024) }) }), () => {});
      await later(i % 5);
      i % 2 ? pending.cancel() : client.close();
    }
    assert.equal((await call(v1, request())).meta.tag, "t");
  },

  async a_socket_that_breaks_off_harms_nobody() {
    const [host, port] = target.split(":");
    for (const text of ["", "GET / HTTP/1.1\r\n\r\n", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\x04\x08"]) {
      const socket = net.connect(Number(port), host);
      socket.on("error", () => {});
      socket.write(text);
      await later(20);
      socket.destroy();
    }
    assert.equal((await call(v1, request())).meta.tag, "t");
  },

  async deadlines_in_the_past_pass() {
    await fails(call(v1, request(), -1), grpc.status.DEADLINE_EXCEEDED, /./);
  },

  async what_is_no_grpc_gets_a_status_of_http() {
    if (tlsDir) return;
    const session = http2.connect(`http://${target}`);
    const ask = (headers) => new Promise((resolve) => {
      const stream = session.request(headers);
      stream.on("response", (h) => resolve(h[":status"]));
      stream.end();
    });
    assert.equal(await ask({ ":method": "GET", ":path": "/" }), 405);
    assert.equal(await ask({ ":method": "POST", ":path": "/", "content-type": "text/plain" }), 415);
    session.close();
  },

  async health_is_told() {
    const client = connect(health);
    assert.equal((await unary(client, "Check", {})).status, "SERVING");
    assert.equal((await unary(client, "Check", { service: "apiextensions.fn.proto.v1.FunctionRunnerService" })).status, "SERVING");
    await fails(unary(client, "Check", { service: "none" }), grpc.status.NOT_FOUND, /unknown service/);
    const watch = client.Watch({});
    const first = await new Promise((resolve, reject) => watch.once("data", resolve).once("error", reject));
    assert.equal(first.status, "SERVING");
    watch.on("error", () => {});
    watch.cancel();
    client.close();
  },

  async services_describe_themselves() {
    for (const service of [reflection, reflectionAlpha]) {
      const client = connect(service);
      const stream = client.ServerReflectionInfo();
      const ask = (body) => new Promise((resolve, reject) => {
        stream.once("data", resolve).once("error", reject);
        stream.write(body);
      });
      const names = (await ask({ list_services: "" })).list_services_response.service.map((s) => s.name);
      assert.ok(names.includes("apiextensions.fn.proto.v1.FunctionRunnerService") && names.includes("grpc.health.v1.Health"), names.join());
      const symbol = await ask({ file_containing_symbol: "apiextensions.fn.proto.v1.FunctionRunnerService" });
      assert.equal(symbol.file_descriptor_response.file_descriptor_proto.length, 3);
      const method = await ask({ file_containing_symbol: "apiextensions.fn.proto.v1beta1.FunctionRunnerService.RunFunction" });
      assert.ok(method.file_descriptor_response.file_descriptor_proto[0].includes("v1beta1"));
      const file = await ask({ file_by_filename: "google/protobuf/struct.proto" });
      assert.equal(file.file_descriptor_response.file_descriptor_proto.length, 1);
      assert.equal((await ask({ file_by_filename: "none.proto" })).error_response.error_code, 5);
      stream.end();
      await new Promise((resolve) => stream.once("end", resolve).resume());
      client.close();
    }
  },
};

const results = {};
for (const [name, run] of Object.entries(cases)) {
  if (!new RegExp(wanted ?? "").test(name)) continue;
  try {
    await run();
    results[name] = "ok";
  } catch (error) {
    results[name] = String(error?.stack ?? error);
  }
}
console.log(JSON.stringify(results));
process.exit(0);
