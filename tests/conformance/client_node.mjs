// Kubernetes' JavaScript client against the API: node client_node.mjs KUBECONFIG NAMESPACE FOLDER_OF_THE_CLIENT.
// Prints {case: "ok" or what went wrong}. test_client_node.py makes a test of each.
import assert from "node:assert/strict";

const [kubeconfig, ns, folder] = process.argv.slice(2);
const k8s = await import(`${folder}/dist/index.js`);
const config = new k8s.KubeConfig();
config.loadFromFile(kubeconfig);
const core = config.makeApiClient(k8s.CoreV1Api);
const custom = config.makeApiClient(k8s.CustomObjectsApi);
const objects = k8s.KubernetesObjectApi.makeApiClient(config);
const widgets = { group: "example.org", version: "v1", namespace: ns, plural: "widgets" };
const typed = (type) => k8s.setHeaderOptions("Content-Type", type);

async function until(check, ms = 10000) {
  const end = Date.now() + ms;
  for (;;) {
    const value = await check();
    if (value) return value;
    assert.ok(Date.now() < end, "it did not come true");
    await new Promise((r) => setTimeout(r, 20));
  }
}

async function fails(promise, code, reason) {
  const error = await promise.then(() => null, (e) => e);
  assert.ok(error, "it did not fail");
  assert.equal(error.code, code);
  assert.equal(JSON.parse(typeof error.body === "string" ? error.body : JSON.stringify(error.body)).reason, reason);
}

const map = (name, data = {}, meta = {}) => ({ apiVersion: "v1", kind: "ConfigMap", metadata: { name, namespace: ns, ...meta }, data });

const cases = {
  async typed_objects() {
    const made = await core.createNamespacedConfigMap({ namespace: ns, body: map("typed", { a: "1" }) });
    assert.ok(made.metadata.creationTimestamp instanceof Date && made.metadata.uid);
    made.data.b = "2";
    const replaced = await core.replaceNamespacedConfigMap({ namespace: ns, name: "typed", body: made });
    assert.deepEqual(replaced.data, { a: "1", b: "2" });
    await fails(core.replaceNamespacedConfigMap({ namespace: ns, name: "typed", body: made }), 409, "Conflict");
    await fails(core.createNamespacedConfigMap({ namespace: ns, body: map("typed") }), 409, "AlreadyExists");
    const status = await core.deleteNamespacedConfigMap({ namespace: ns, name: "typed" });
    assert.equal(status.status, "Success");
    await fails(core.readNamespacedConfigMap({ namespace: ns, name: "typed" }), 404, "NotFound");
  },

  async lists_and_pages() {
    for (let i = 0; i < 5; i++) await core.createNamespacedConfigMap({ namespace: ns, body: map(`page-${i}`, {}, { labels: { page: "yes" } }) });
    const names = [];
    let token;
    do {
      const page = await core.listNamespacedConfigMap({ namespace: ns, labelSelector: "page=yes", limit: 2, _continue: token });
      names.push(...page.items.map((o) => o.metadata.name));
      token = page.metadata._continue;
    } while (token);
    assert.deepEqual(names, ["page-0", "page-1", "page-2", "page-3", "page-4"]);
    const gone = await core.deleteCollectionNamespacedConfigMap({ namespace: ns, labelSelector: "page=yes" });
    assert.ok(gone);
    assert.equal((await core.listNamespacedConfigMap({ namespace: ns, labelSelector: "page=yes" })).items.length, 0);
  },

  async patch_strategies() {
    await core.createNamespacedServiceAccount({ namespace: ns, body: { metadata: { name: "patched" }, secrets: [{ name: "a" }] } });
    const target = { namespace: ns, name: "patched" };
    const json = await core.patchNamespacedServiceAccount({ ...target, body: [{ op: "add", path: "/metadata/labels", value: { a: "b" } }] },
      typed(k8s.PatchStrategy.JsonPatch));
    assert.deepEqual(json.metadata.labels, { a: "b" });
    const merge = await core.patchNamespacedServiceAccount({ ...target, body: { metadata: { labels: { a: null, c: "d" } } } }, typed(k8s.PatchStrategy.MergePatch));
    assert.deepEqual(merge.metadata.labels, { c: "d" });
    const strategic = await core.patchNamespacedServiceAccount({ ...target, body: { secrets: [{ name: "b" }] } }, typed(k8s.PatchStrategy.StrategicMergePatch));
    assert.deepEqual(strategic.secrets.map((s) => s.name).sort(), ["a", "b"]);
  },

  async server_side_apply() {
    const body = map("applied", { mine: "1" });
    const made = await core.patchNamespacedConfigMap({ namespace: ns, name: "applied", body, fieldManager: "js" }, typed(k8s.PatchStrategy.ServerSideApply));
    assert.equal(made.metadata.managedFields[0].manager, "js");
    assert.equal(made.metadata.managedFields[0].operation, "Apply");
    const other = { namespace: ns, name: "applied", body: map("applied", { mine: "2" }), fieldManager: "other" };
    await fails(core.patchNamespacedConfigMap(other, typed(k8s.PatchStrategy.ServerSideApply)), 409, "Conflict");
    const forced = await core.patchNamespacedConfigMap({ ...other, force: true }, typed(k8s.PatchStrategy.ServerSideApply));
    assert.equal(forced.data.mine, "2");
  },

  async object_api() {
    const spec = { apiVersion: "example.org/v1", kind: "Widget", metadata: { name: "generic", namespace: ns }, spec: { color: "blue" } };
    const made = await objects.create(spec);
    assert.equal(made.spec.color, "blue");
    assert.equal((await objects.read(spec)).metadata.uid, made.metadata.uid);
    const patched = await objects.patch({ ...spec, spec: { color: "green" } }, undefined, undefined, undefined, undefined, k8s.PatchStrategy.MergePatch);
    assert.equal(patched.spec.color, "green");
    const applied = await objects.patch({ ...spec, spec: { size: 3 } }, undefined, undefined, "js", true, k8s.PatchStrategy.ServerSideApply);
    assert.equal(applied.spec.size, 3);
    const list = await objects.list("example.org/v1", "Widget", ns);
    assert.deepEqual(list.items.map((o) => o.metadata.name), ["generic"]);
    await objects.delete(spec);
    await fails(objects.read(spec), 404, "NotFound");
  },

  async custom_objects() {
    const body = { apiVersion: "example.org/v1", kind: "Widget", metadata: { name: "c" }, spec: { color: "red" } };
    const made = await custom.createNamespacedCustomObject({ ...widgets, body });
    assert.equal(made.spec.color, "red");
    const got = await custom.getNamespacedCustomObject({ ...widgets, name: "c" });
    assert.equal(got.metadata.uid, made.metadata.uid);
    const status = await custom.patchNamespacedCustomObjectStatus({ ...widgets, name: "c", body: { status: { phase: "Up" } } }, typed(k8s.PatchStrategy.MergePatch));
    assert.equal(status.status.phase, "Up");
    const listed = await custom.listNamespacedCustomObject({ ...widgets, fieldSelector: "spec.color=red" });
    assert.equal(listed.items.length, 1);
    await fails(custom.createNamespacedCustomObject({ ...widgets, body: { ...body, metadata: { name: "d" }, spec: { color: "pink" } } }), 422, "Invalid");
    await custom.deleteNamespacedCustomObject({ ...widgets, name: "c" });
  },

  async watch() {
    const seen = [];
    const start = (await core.listNamespacedConfigMap({ namespace: ns })).metadata.resourceVersion;
    const watch = new k8s.Watch(config);
    let ended = false;
    const controller = await watch.watch(`/api/v1/namespaces/${ns}/configmaps`, { resourceVersion: start, allowWatchBookmarks: true, labelSelector: "w=1" },
      (phase, obj) => seen.push(`${phase} ${obj.metadata.name}`), () => { ended = true; });
    await core.createNamespacedConfigMap({ namespace: ns, body: map("w", {}, { labels: { w: "1" } }) });
    await core.patchNamespacedConfigMap({ namespace: ns, name: "w", body: { data: { x: "y" } } }, typed(k8s.PatchStrategy.MergePatch));
    await core.deleteNamespacedConfigMap({ namespace: ns, name: "w" });
    await until(() => seen.length === 3);
    assert.deepEqual(seen, ["ADDED w", "MODIFIED w", "DELETED w"]);
    controller.abort();
    await until(() => ended);
  },

  async informer() {
    const events = [];
    const informer = k8s.makeInformer(config, `/api/v1/namespaces/${ns}/configmaps`, () => core.listNamespacedConfigMap({ namespace: ns, labelSelector: "i=1" }), "i=1");
    for (const verb of ["add", "update", "delete"]) informer.on(verb, (o) => events.push(`${verb} ${o.metadata.name}`));
    informer.on("error", (e) => events.push(`error ${e}`));
    await core.createNamespacedConfigMap({ namespace: ns, body: map("there", {}, { labels: { i: "1" } }) });
    await informer.start();
    await until(() => events.includes("add there"));
    await core.createNamespacedConfigMap({ namespace: ns, body: map("new", {}, { labels: { i: "1" } }) });
    await core.patchNamespacedConfigMap({ namespace: ns, name: "new", body: { metadata: { labels: { i: "2" } } } }, typed(k8s.PatchStrategy.MergePatch));
    await core.patchNamespacedConfigMap({ namespace: ns, name: "there", body: { data: { a: "b" } } }, typed(k8s.PatchStrategy.MergePatch));
    await until(() => events.includes("update there"));
    assert.deepEqual(events, ["add there", "add new", "delete new", "update there"]);
    assert.deepEqual(informer.get("there", ns).data, { a: "b" });
    assert.equal(informer.list(ns).length, 1);
    await informer.stop();
  },

  async yaml_of_several_objects() {
    const docs = k8s.loadAllYaml(`apiVersion: v1\nkind: Secret\nmetadata: {name: y, namespace: ${ns}}\nstringData: {a: b}\n---\n` +
      `apiVersion: example.org/v1\nkind: Widget\nmetadata: {name: y, namespace: ${ns}}\nspec: {}\n`);
    for (const doc of docs) await objects.create(doc);
    const secret = await core.readNamespacedSecret({ namespace: ns, name: "y" });
    assert.equal(Buffer.from(secret.data.a, "base64").toString(), "b");
    for (const doc of docs) await objects.delete(doc);
  },

  async namespaces() {
    await core.createNamespace({ body: { metadata: { name: `${ns}-js` } } });
    const gone = await core.deleteNamespace({ name: `${ns}-js` });
    assert.ok(gone);
    await until(async () => !(await core.listNamespace()).items.some((n) => n.metadata.name === `${ns}-js`));
    assert.match((await config.makeApiClient(k8s.VersionApi).getCode()).gitVersion, /^v1\./);
  },
};

const results = {};
for (const [name, run] of Object.entries(cases)) results[name] = await run().then(() => "ok", (e) => String(e.stack || e));
console.log(JSON.stringify(results));
process.exit(0);
