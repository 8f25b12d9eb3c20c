/* The real API server, for controllers to be tested against. */

#include "apiserver/apiserver.h"
#include "codec/embedded.h"
#include "codec/yaml.h"
#include "testing/testing.h"

extern const struct embedded_file TESTING_CRDS[];

struct testing_api *testing_api_start(void)
{
	struct testing_api *api = new0(struct testing_api);
	_cleanup_err_ struct err err = { 0 };
	const char *crds[32] = { 0 };

	for (size_t i = 0; TESTING_CRDS[i].name && i + 1 < ARRAY_SIZE(crds); i++)
		crds[i] = TESTING_CRDS[i].text;
	api->dir = testing_dir();
	struct apiserver_config config = { .data_dir = api->dir, .crds = crds };
	assert_ok(apiserver_start(&config, &api->server, &err), &err);
	struct kube_client_config client = { 0 };
	assert_ok(kube_config_load(apiserver_kubeconfig_path(api->server), NULL, &client, &err), &err);
	assert_ok(kube_client_new(&client, &api->client, &err), &err);
	kube_client_config_clear(&client);
	return api;
}

void testing_api_stop(struct testing_api *api)
{
	kube_client_unref(api->client);
	apiserver_stop(api->server);
	testing_remove(api->dir);
	free(api);
}

int64_t testing_api_version(struct testing_api *api)
{
	_cleanup_json_ json_t *items = NULL;
	_cleanup_free_ char *text = NULL;
	_cleanup_err_ struct err err = { 0 };
	int64_t version = 0;
	struct kube_list_options options = { .limit = 1 };
	assert_ok(kube_list(api->client, &KUBE_NAMESPACE, NULL, &options, &items, &text, &err), &err);
	assert_true(str_to_i64(text, 1, INT64_MAX, &version));
	return version;
}

static json_t *parse(const char *yaml)
{
	_cleanup_err_ struct err err = { 0 };
	json_t *v = yaml_parse(yaml, strlen(yaml), "test", &err);
	if (!v)
		fail_msg("%s", err_message(&err));
	return v;
}

json_t *testing_create(struct testing_api *api, const struct kube_type *type, const char *yaml)
{
	_cleanup_json_ json_t *object = parse(yaml);
	_cleanup_free_ char *version = kube_type_api_version(type);
	_cleanup_err_ struct err err = { 0 };
	json_t *created = NULL;
	json_put_str(object, "apiVersion", version);
	json_put_str(object, "kind", type->kind);
	assert_ok(kube_create(api->client, type, object, &created, &err), &err);
	return created;
}

json_t *testing_get(struct testing_api *api, const struct kube_type *type, const char *ns, const char *name)
{
	_cleanup_err_ struct err err = { 0 };
	json_t *object = NULL;
	if (kube_get(api->client, type, ns, name, &object, &err) < 0 && err.kind != ERR_NOT_FOUND)
		fail_msg("%s", err_message(&err));
	return object;
}

bool testing_exists(struct testing_api *api, const struct kube_type *type, const char *ns, const char *name)
{
	_cleanup_json_ json_t *object = testing_get(api, type, ns, name);
	return object != NULL;
}

static void patch(struct testing_api *api, const struct kube_type *type, const char *ns, const char *name,
                  const char *yaml, const char *subresource)
{
	_cleanup_json_ json_t *value = parse(yaml);
	_cleanup_err_ struct err err = { 0 };
	struct kube_patch_options options = { .field_manager = "kubectl-edit", .subresource = subresource };
	assert_ok(kube_patch(api->client, type, ns, name, KUBE_PATCH_MERGE, value, &options, NULL, &err), &err);
}

void testing_patch(struct testing_api *api, const struct kube_type *type, const char *ns, const char *name,
                   const char *yaml)
{
	patch(api, type, ns, name, yaml, NULL);
}

void testing_patch_status(struct testing_api *api, const struct kube_type *type, const char *ns, const char *name,
                          const char *yaml)
{
	patch(api, type, ns, name, yaml, "status");
}

void testing_delete(struct testing_api *api, const struct kube_type *type, const char *ns, const char *name)
{
	_cleanup_err_ struct err err = { 0 };
	assert_ok(kube_delete(api->client, type, ns, name, NULL, KUBE_BACKGROUND, &err), &err);
}

bool testing_condition_is(struct testing_api *api, const struct kube_type *type, const char *ns, const char *name,
                          const char *condition, const char *status)
{
	_cleanup_json_ json_t *object = testing_get(api, type, ns, name);
	return kube_condition_is(object, condition, status);
}

int testing_events(struct testing_api *api, const char *ns, const char *name, const char *reason, char **ret_message)
{
	_cleanup_json_ json_t *events = NULL;
	_cleanup_err_ struct err err = { 0 };
	size_t i;
	json_t *event;
	int count = 0;

	if (ret_message)
		*ret_message = NULL;
	assert_ok(kube_list(api->client, &KUBE_EVENT, ns, &(struct kube_list_options){ 0 }, &events, NULL, &err), &err);
	json_array_foreach (events, i, event) {
		const char *about = json_str_at(event, "regarding", "name", NULL);
		if (!about)
			about = json_str_at(event, "involvedObject", "name", NULL);
		if (!str_eq(about, name) || !str_eq(json_get_str(event, "reason"), reason))
			continue;
		int64_t series = json_int(json_at(event, "series", "count", NULL), 0);
		count += (int)(series ? series : json_get_int(event, "count", 1));
		if (ret_message) {
			const char *note = json_get_str(event, "note");
			free(*ret_message);
			*ret_message = xstrdup_or_null(note ? note : json_get_str(event, "message"));
		}
	}
	return count;
}
