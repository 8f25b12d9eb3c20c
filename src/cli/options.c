#include "options.h"

#include "base/clock.h"
#include "base/fs.h"
#include "base/str.h"

#include <getopt.h>

#define OPTIONS_MAX 32
#define LONG_BASE 256
#define ALIAS_MAX 48

/* "-n, --namespace NAME"; its length. */
static int format_option(const struct cli_option *o, char *buf, size_t size)
{
	char letter[8] = "    ";
	if (o->short_name)
		snprintf(letter, sizeof(letter), "-%c, ", o->short_name);
	return snprintf(buf, size, "%s--%s%s%s", letter, o->name, o->value ? " " : "", o->value ? o->value : "");
}

static void print_help(const struct cli_command *command, const struct cli_option *options)
{
	char left[64];
	int width = 0;
	printf("%s\n\nusage: scia %s %s\n", command->summary, command->name, command->usage);
	if (options[0].name)
		printf("\n");
	for (const struct cli_option *o = options; o->name; o++) {
		int len = format_option(o, left, sizeof(left));
		width = len > width ? len : width;
	}
	for (const struct cli_option *o = options; o->name; o++) {
		format_option(o, left, sizeof(left));
		printf("  %-*s  %s\n", width, left, o->help);
	}
	if (!str_empty(command->help))
		printf("\n%s", command->help);
}

static int take(const struct cli_command *command, const struct cli_option *o, const char *value)
{
	switch (o->kind) {
	case CLI_FLAG:
		*(bool *)o->target = true;
		return 0;
	case CLI_STRING:
		*(const char **)o->target = value;
		return 0;
	case CLI_STRINGS:
		strv_push(o->target, value);
		return 0;
	case CLI_NUMBER:
		if (str_to_i64(value, 0, INT64_MAX, o->target))
			return 0;
		return cli_usage(command, "--%s wants a whole number; got \"%s\"", o->name, value);
	case CLI_DURATION:
		if (duration_parse(value, o->target))
			return 0;
		return cli_usage(command, "--%s wants a duration such as 90s or 5m; got \"%s\"", o->name, value);
	}
	return CLI_USAGE;
}

/* A long option is also known with '_' for each '-', and the other way round: upstreams write either. */
static void add_alias(const struct option *of, char alias[static ALIAS_MAX], struct option *ret)
{
	char from = strchr(of->name, '-') ? '-' : '_';
	size_t i = 0;

	for (; of->name[i] && i < ALIAS_MAX - 1; i++)
		alias[i] = of->name[i] != from ? of->name[i] : from == '-' ? '_' : '-';
	alias[i] = '\0';
	*ret = (struct option){ alias, of->has_arg, NULL, of->val };
}

/* Fills getopt's tables: values of long options lie above all characters. */
static void build_tables(const struct cli_option *options, struct option *longs, char *shorts,
                         char (*aliases)[ALIAS_MAX])
{
	size_t n = 0, s = 0;
	shorts[s++] = ':'; /* errors are ours to word */
	for (; options[n].name && n < OPTIONS_MAX; n++) {
		bool has_value = options[n].kind != CLI_FLAG;
		longs[n] = (struct option){ options[n].name, has_value ? required_argument : no_argument, NULL,
			                        LONG_BASE + (int)n };
		if (!options[n].short_name)
			continue;
		shorts[s++] = options[n].short_name;
		if (has_value)
			shorts[s++] = ':';
	}
	longs[n] = (struct option){ "help", no_argument, NULL, 'h' };
	for (size_t i = 0, more = n + 1; i < n; i++)
		if (strpbrk(longs[i].name, "-_"))
			add_alias(&longs[i], aliases[i], &longs[more++]);
	shorts[s++] = 'h';
	shorts[s] = '\0';
}

static const struct cli_option *find_option(const struct cli_option *options, int val)
{
	if (val >= LONG_BASE)
		return &options[val - LONG_BASE];
	for (const struct cli_option *o = options; o->name; o++) {
		if (o->short_name == val)
			return o;
	}
	return NULL;
}

int cli_parse(const struct cli_command *command, const struct cli_option *options, int argc, char **argv,
              char ***ret_args)
{
	struct option longs[2 * OPTIONS_MAX + 2] = { 0 };
	char aliases[OPTIONS_MAX][ALIAS_MAX];
	char shorts[2 * OPTIONS_MAX + 4];
	int val;

	build_tables(options, longs, shorts, aliases);
	optind = 0; /* GNU: begin anew */
	while ((val = getopt_long(argc, argv, shorts, longs, NULL)) != -1) {
		if (val == '?')
			return cli_usage(command, "unknown option %s", argv[optind - 1]);
		if (val == ':')
			return cli_usage(command, "%s wants a value", argv[optind - 1]);
		const struct cli_option *option = find_option(options, val);
		if (!option) {
			print_help(command, options);
			return 1;
		}
		int r = take(command, option, optarg);
		if (r != 0)
			return r;
	}
	*ret_args = argv + optind;
	return 0;
}

/* Without a kubeconfig of the user's, the embedded control plane of this machine is meant, where it keeps its own. */
static int load_embedded(struct kube_client_config *config, struct err *err)
{
	const char *home = getenv("HOME"), *data = getenv("XDG_DATA_HOME");
	_cleanup_free_ char *in_home = xasprintf("%s/.local/share/scia/kubeconfig", home ? home : "");
	_cleanup_free_ char *in_data = xasprintf("%s/scia/kubeconfig", data ? data : "/nonexistent");
	const char *const candidates[] = { in_data, in_home, "/var/lib/scia/kubeconfig" };
	for (size_t i = 0; i < ARRAY_SIZE(candidates); i++) {
		if (access(candidates[i], R_OK) == 0) {
			err_clear(err);
			return kube_config_load(candidates[i], NULL, config, err);
		}
	}
	return -1;
}

int client_connect(const struct client_options *o, struct kube_client **ret, char **ret_ns, struct err *err)
{
	struct kube_client_config config = { 0 };
	int r = kube_config_load(o->kubeconfig, o->context, &config, err);
	if (r < 0 && !o->kubeconfig && !o->context && str_empty(getenv("KUBECONFIG")))
		r = load_embedded(&config, err);
	if (r < 0) {
		/* What was not found is the way there, not what was asked for. */
		err->kind = ERR_UNAVAILABLE;
		return err_wrap(err, "no API server to talk to (start one with `scia up`, or set KUBECONFIG)");
	}
	if (!config.field_manager)
		config.field_manager = xstrdup("scia-cli");
	r = kube_client_new(&config, ret, err);
	if (r == 0)
		*ret_ns = xstrdup(o->ns ? o->ns : kube_client_default_namespace(*ret));
	kube_client_config_clear(&config);
	return r;
}
