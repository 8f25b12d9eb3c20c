/* From wishes, analysis and suggestions to what is built and run. */

#include "catalogue.h"
#include "tiers.h"

#include "base/quantity.h"
#include "base/str.h"

#define NODES_MAX 100

struct build {
	struct decision_draft *d;
	const struct decision_input *input;
	enum decision_strategy strategy;
	enum catalogue_cloud cloud;
	json_t *config;
	int64_t cpu_milli, memory_mib; /* of one replica; 0: not known */
};

static const json_t *wish(const struct build *b, const char *field)
{
	return json_object_get(decision_draft_wished(b->d, field), "value");
}

static int64_t wish_int(const struct build *b, const char *field, int64_t otherwise)
{
	const json_t *value = wish(b, field);

	return json_is_number(value) ? (int64_t)json_number_value(value) : otherwise;
}

static int64_t suggested_int(const struct build *b, const char *field, int64_t otherwise)
{
	return json_int(json_object_get(b->d->suggestions, field), otherwise);
}

static void put_copy(struct build *b, const char *field, const json_t *value)
{
	if (value && !json_is_null(value))
		json_put(b->config, field, json_deep_copy(value));
}

/* config[field]: the wish, else what the analysis says, else what was suggested. */
static void put_best(struct build *b, const char *field, const char *analysis_key)
{
	const json_t *value = wish(b, field);

	if (!value)
		value = json_object_get(b->input->analysis, analysis_key);
	if (!value)
		value = json_object_get(b->d->suggestions, field);
	put_copy(b, field, value);
}

static void put_program(struct build *b)
{
	put_best(b, "framework", "framework");
	put_best(b, "installCommand", "installCommand");
	put_best(b, "buildCommand", "buildCommand");
	put_best(b, "startCommand", "startCommand");
	if (!wish(b, "startCommand"))
		put_copy(b, "staticDir", json_object_get(b->input->analysis, "staticDir"));
	put_best(b, "appPort", "port");
	put_best(b, "healthPath", "healthPath");
}

static void put_cpu(struct build *b, int64_t milli)
{
	if (milli % 1000)
		json_put(b->config, "cpu", json_strf("%lldm", (long long)milli));
	else
		json_put(b->config, "cpu", json_strf("%lld", (long long)milli / 1000));
}

static void put_memory(struct build *b, int64_t mib)
{
	if (mib % 1024)
		json_put(b->config, "memory", json_strf("%lldMi", (long long)mib));
	else
		json_put(b->config, "memory", json_strf("%lldGi", (long long)mib / 1024));
}

/* The machine that was asked for; false when none was. One of another cloud is said to be one. */
static bool wished_machine(struct build *b, const char *field, struct catalogue_machine *ret)
{
	const char *name = json_string_value(wish(b, field));

	return name && catalogue_machine_parse(name, ret);
}

/* A machine type on a provider that has none says how much a replica gets. */
static void machine_as_limits(struct build *b, int64_t *cpu, int64_t *memory)
{
	struct catalogue_machine machine;

	if (b->cloud != CLOUD_NONE || !wished_machine(b, "instanceType", &machine))
		return;
	if (!machine.memory_mib) {
		decision_draft_warn(b->d, "%s is a machine type of %s and has no meaning here: ignored.", machine.name,
		                    catalogue_cloud_title(machine.cloud));
		return;
	}
	*cpu = machine.cpu_milli;
	*memory = machine.memory_mib;
	decision_draft_warn(
		b->d, "%s is a machine type of %s: here it limits the application to %lld CPUs and %lld MiB of memory.",
		machine.name, catalogue_cloud_title(machine.cloud), (long long)machine.cpu_milli / 1000,
		(long long)machine.memory_mib);
}

/* One of cpu and memory: what was asked for in numbers, by machine, by size; else what was suggested. */
static int64_t choose(struct build *b, const char *field, int64_t by_machine, int64_t by_size)
{
	bool is_cpu = str_eq(field, "cpu");
	const json_t *value = wish(b, field);
	int64_t amount = 0;

	if (!value && by_machine)
		return by_machine;
	if (!value && by_size)
		return by_size;
	if (!value)
		value = json_object_get(b->d->suggestions, field);
	if (!json_is_string(value))
		return 0;
	if (is_cpu ? !quantity_parse_milli(json_string_value(value), &amount)
	           : !quantity_parse(json_string_value(value), &amount)) {
		decision_draft_warn(b->d, "\"%s\" is no quantity for %s: ignored.", json_string_value(value), field);
		return 0;
	}
	return is_cpu ? amount : (amount + (1 << 20) - 1) >> 20;
}

static void put_size(struct build *b)
{
	int64_t machine_cpu = 0, machine_memory = 0, cpu = 0, memory = 0;
	bool on_machine = b->strategy == DECISION_VM && b->cloud != CLOUD_NONE;

	machine_as_limits(b, &machine_cpu, &machine_memory);
	catalogue_size(json_string_value(wish(b, "size")), &cpu, &memory);
	b->cpu_milli = choose(b, "cpu", machine_cpu, cpu);
	b->memory_mib = choose(b, "memory", machine_memory, memory);
	/* On a machine of its own the application has the machine, unless somebody said otherwise. */
	if (b->cpu_milli && (!on_machine || wish(b, "cpu")))
		put_cpu(b, b->cpu_milli);
	if (b->memory_mib && (!on_machine || wish(b, "memory")))
		put_memory(b, b->memory_mib);
}

/* The wish for a machine on this cloud, or the equivalent of one of another; false when there is none. */
static bool machine_here(struct build *b, const char *field, struct catalogue_machine *ret)
{
	struct catalogue_machine asked;

	if (!wished_machine(b, field, &asked))
		return false;
	*ret = asked;
	if (asked.cloud == b->cloud)
		return true;
	if (!asked.memory_mib) {
		decision_draft_warn(b->d, "%s is a machine type of %s, the provider is %s: ignored.", asked.name,
		                    catalogue_cloud_title(asked.cloud), catalogue_cloud_title(b->cloud));
		return false;
	}
	catalogue_machine_for(b->cloud, asked.cpu_milli, asked.memory_mib, ret);
	decision_draft_warn(b->d, "%s is a machine type of %s, the provider is %s: %s is of the same size.", asked.name,
	                    catalogue_cloud_title(asked.cloud), catalogue_cloud_title(b->cloud), ret->name);
	return true;
}

static void put_instance(struct build *b)
{
	const char *suggested = json_get_str(b->d->suggestions, "instanceType");
	struct catalogue_machine machine;

	if (machine_here(b, "instanceType", &machine)) {
		json_put_str(b->config, "instanceType", machine.name);
	} else if (suggested) {
		json_put_str(b->config, "instanceType", suggested);
	} else {
		/* A quarter of the memory is the system's. */
		catalogue_machine_for(b->cloud, b->cpu_milli, b->memory_mib * 5 / 4, &machine);
		json_put_str(b->config, "instanceType", machine.name);
	}
}

/* How many nodes hold that many replicas, with some room left for the cluster's own. */
static int64_t nodes_for(const struct build *b, const struct catalogue_machine *node, int64_t replicas)
{
	int64_t by_cpu = b->cpu_milli && node->cpu_milli ? node->cpu_milli * 85 / 100 / b->cpu_milli : replicas;
	int64_t by_memory = b->memory_mib && node->memory_mib ? node->memory_mib * 75 / 100 / b->memory_mib : replicas;
	int64_t each = by_cpu < by_memory ? by_cpu : by_memory, nodes;

	if (each < 1)
		each = 1;
	nodes = (replicas + each - 1) / each;
	if (nodes < 2 && replicas > 1)
		nodes = 2; /* one machine may fail */
	return nodes < 1 ? 1 : nodes > NODES_MAX ? NODES_MAX : nodes;
}

static void put_nodes(struct build *b)
{
	const char *suggested = json_get_str(b->d->suggestions, "nodeType");
	int64_t replicas = json_get_int(b->config, "maxReplicas", json_get_int(b->config, "replicas", 1)), nodes;
	int64_t cpu = b->cpu_milli * 2, memory = b->memory_mib * 5 / 2;
	struct catalogue_machine node;

	if (!machine_here(b, "nodeType", &node) && !machine_here(b, "instanceType", &node)) {
		if (!suggested || !catalogue_machine_parse(suggested, &node))
			catalogue_machine_for(b->cloud, cpu < 2000 ? 2000 : cpu, memory < 4096 ? 4096 : memory, &node);
	}
	nodes = wish_int(b, "nodes", suggested_int(b, "nodes", 0));
	json_put_str(b->config, "nodeType", node.name);
	json_put_int(b->config, "nodes", nodes > 0 ? nodes : nodes_for(b, &node, replicas));
}

static int64_t clamp(int64_t n, int64_t low, int64_t high)
{
	return n < low ? low : n > high ? high : n;
}

/* Kubernetes: a fixed number, or a range to scale in. Wishes win over suggestions; a number asked for suspends the
 * suggestion of a range. */
static void put_cluster_replicas(struct build *b)
{
	int64_t asked = wish_int(b, "replicas", -1), replicas;
	int64_t min = wish_int(b, "minReplicas", -1), max = wish_int(b, "maxReplicas", -1);

	if (asked < 0 && b->cloud == CLOUD_NONE)
		asked = wish_int(b, "nodes", -1); /* "two nodes", where there are none, are two of it */
	if (min >= 0 && max >= 0 && min > max) {
		decision_draft_warn(b->d, "At least %lld and at most %lld replicas are asked for: %lld it is.", (long long)min,
		                    (long long)max, (long long)max);
		min = max;
	}
	if (asked < 0 && min < 0)
		min = suggested_int(b, "minReplicas", -1);
	if (asked < 0 && max < 0)
		max = suggested_int(b, "maxReplicas", -1);
	if (min > max && max >= 0)
		min = max;
	replicas = asked >= 0 ? asked : suggested_int(b, "replicas", min > 0 ? min : 1);
	if (asked >= 0 && ((min >= 0 && asked < min) || (max >= 0 && asked > max)))
		decision_draft_warn(b->d, "%lld replicas are asked for, and a number from %lld to %lld: it is within that.",
		                    (long long)asked, (long long)(min < 0 ? 0 : min), (long long)(max < 0 ? 1000 : max));
	replicas = clamp(replicas, min < 0 ? 0 : min, max < 0 ? 1000 : max);
	json_put_int(b->config, "replicas", replicas);
	if (max > replicas || (max > min && min >= 0)) {
		json_put_int(b->config, "minReplicas", min < 0 ? replicas : min);
		json_put_int(b->config, "maxReplicas", max);
	}
}

static void put_vm_replicas(struct build *b)
{
	int64_t asked = wish_int(b, "replicas", wish_int(b, "minReplicas", 1));

	if (asked < 1)
		asked = 1;
	if (asked > 1 && b->cloud == CLOUD_NONE) {
		decision_draft_warn(b->d, "A VM runs one copy here: for %lld replicas ask for Kubernetes.", (long long)asked);
		asked = 1;
	}
	json_put_int(b->config, "replicas", asked);
}

static void put_serverless_replicas(struct build *b)
{
	int64_t min = wish_int(b, "minReplicas", 0), max;
	const json_t *to_zero = decision_draft_value(b->d, "scaleToZero");

	max = wish_int(b, "maxReplicas",
	               wish_int(b, "replicas", suggested_int(b, "maxReplicas", suggested_int(b, "replicas", 1))));
	if (max < 1)
		max = 1;
	if (json_is_false(to_zero) && min < 1)
		min = 1;
	if (min > max)
		max = min;
	json_put_int(b->config, "minReplicas", min);
	json_put_int(b->config, "maxReplicas", max);
	json_put_bool(b->config, "scaleToZero", min == 0);
	put_copy(b, "idleSeconds", decision_draft_value(b->d, "idleSeconds"));
}

/* A wish that can have no effect is said, not swallowed. */
static void warn_meaningless(struct build *b)
{
	static const struct {
		const char *field, *title;
	} fields[] = { { "instanceType", "a machine type" },
		           { "nodeType", "a type of nodes" },
		           { "nodes", "a number of nodes" },
		           { "volumeSize", "a disk size" } };

	for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
		bool is_used = json_object_get(b->config, fields[i].field) ||
		               (str_eq(fields[i].field, "instanceType") &&
		                (b->cloud == CLOUD_NONE || b->strategy == DECISION_KUBERNETES)) ||
		               (str_eq(fields[i].field, "nodes") && b->cloud == CLOUD_NONE &&
		                b->strategy == DECISION_KUBERNETES);
		if (!is_used && decision_draft_wished(b->d, fields[i].field))
			decision_draft_warn(b->d, "\"%s\": %s has no meaning for strategy %s on provider type %s.",
			                    json_get_str(decision_draft_wished(b->d, fields[i].field), "text"), fields[i].title,
			                    decision_strategy_name(b->strategy), b->input->provider_type);
	}
}

static void put_region(struct build *b)
{
	const json_t *asked = wish(b, "region");

	if (asked)
		put_copy(b, "region", asked);
	else if (!str_empty(b->input->default_region))
		json_put_str(b->config, "region", b->input->default_region);
	else if (b->cloud != CLOUD_NONE)
		put_copy(b, "region", json_object_get(b->d->suggestions, "region"));
}

json_t *decision_config(struct decision_draft *d, const struct decision_input *input, enum decision_strategy strategy)
{
	struct build b = { .d = d, .input = input, .strategy = strategy, .config = json_object() };
	bool on_cloud;

	catalogue_cloud_parse(input->provider_type, &b.cloud);
	on_cloud = b.cloud != CLOUD_NONE;
	put_program(&b);
	put_size(&b);
	if (strategy == DECISION_KUBERNETES)
		put_cluster_replicas(&b);
	else if (strategy == DECISION_VM)
		put_vm_replicas(&b);
	else
		put_serverless_replicas(&b);
	if (on_cloud && strategy == DECISION_VM)
		put_instance(&b);
	if (on_cloud && strategy == DECISION_KUBERNETES)
		put_nodes(&b);
	if (on_cloud && strategy == DECISION_VM)
		put_copy(&b, "volumeSize", decision_draft_value(d, "volumeSize"));
	else if (on_cloud && strategy == DECISION_KUBERNETES)
		put_copy(&b, "volumeSize", wish(&b, "volumeSize"));
	put_region(&b);
	put_copy(&b, "expectedRPS", wish(&b, "expectedRPS"));
	put_copy(&b, "maxMonthlyCost", wish(&b, "maxMonthlyCost"));
	warn_meaningless(&b);
	return b.config;
}
