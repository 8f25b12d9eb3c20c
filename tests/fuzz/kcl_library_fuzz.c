/* KCL's library of functions, with texts that the input gives: "N\0A\0B\0C", where N, from 'A', chooses a program of
 * the table and the texts become its options. Whatever they are, it ends within its limits, as a value or as an error.
 */

#include "codec/json.h"
#include "lang/kcl/kcl.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define TEXTS "a = option('a')\nb = option('b')\nc = option('c')\n"

/* What raises for most texts is caught, so that the rest of the program is reached. */
static const char *const PROGRAMS[] = {
	"import template\n" TEXTS
	"v = template.execute(a, {s = b, n = 3, l = [1, {x = 'y'}, []], d = {k.z = 1, e = {}}, t = True})\n",
	"import regex\n" TEXTS "v = [regex.match(b, a), regex.search(b, a), regex.findall(b, a)]\n",
	"import regex\n" TEXTS "v = [regex.replace(b, a, c), regex.split(b, a), regex.compile(a)]\n",
	"import yaml\n" TEXTS "v = yaml.decode_all(a)\n"
	"assert len(yaml.decode_all(yaml.encode_all(v))) == len(v), 'DIFFERS'\nw = yaml.validate(b)\n",
	"import json\n" TEXTS "v = json.decode(a)\n"
	"assert json.decode(json.encode(v, indent=4)) == v, 'DIFFERS'\nw = json.merge(v, json.decode(b))\n",
	TEXTS "v = a.format(b, 1, -2.5, [c, 1], {k = 1}, k = {x = [1]}, n = 12345678)\n",
	TEXTS "v = [a.count(b), a.find(b), a.rfind(b), a.startswith(b), a.endswith(b), a.split(b), a.rsplit(b, 2)]\n"
		  "w = [a.replace(b, c, 5), a.strip(b), a.join([b, c]), a.splitlines(True), a.title(), a.capitalize()]\n",
	"import runtime\n" TEXTS "v = [runtime.catch(lambda { int(a) }), runtime.catch(lambda { float(b) }), "
	"runtime.catch(lambda { int(c, 16) })]\n",
	TEXTS "hash = {\"${a}\" = 1, \"x${b}\" = 2}\n"
		  "v = [bool(b), str(c), list(a), sorted(list(b)), zip(a, b, c), len(a), a + b * 3, b in a, a < b, hash]\n",
	"import datetime\n" TEXTS
	"v = [datetime.validate(a, b), datetime.now(c), datetime.is_rfc3339(a), datetime.is_iso8601(a)]\n",
	"import net\nimport runtime\n" TEXTS "v = [runtime.catch(f) for f in [lambda { net.to_IP4(a) }, "
	"lambda { net.IP_string(a) }, lambda { net.parse_CIDR(a) }, lambda { net.is_IP_in_CIDR(b, a) }, "
	"lambda { net.CIDR_subnet(a, 3, 2) }, lambda { net.CIDR_host(a, 5) }, lambda { net.CIDR_netmask(a) }, "
	"lambda { net.CIDR_subnets(a, [4, 4, 8, 4]) }, lambda { net.split_host_port(a) }, lambda { net.parse_IP(a) }, "
	"lambda { net.to_IP6(c) }, lambda { net.fqdn(c) }]]\n",
	"import units\nimport runtime\n" TEXTS "v = [runtime.catch(f) for f in [lambda { units.to_Gi(a) }, "
	"lambda { units.to_m(b) }, lambda { units.to_K(c) }]]\n",
	"import base64\nimport base32\nimport runtime\n" TEXTS
	"assert base64.decode(base64.encode(a)) == a and base32.decode(base32.encode(b)) == b, 'DIFFERS'\n"
	"v = [runtime.catch(lambda { base64.decode(b) }), runtime.catch(lambda { base32.decode(c) })]\n",
	"import crypto\n" TEXTS "v = [crypto.md5(a), crypto.sha1(a), crypto.sha224(a), crypto.sha256(a), "
	"crypto.sha384(a), crypto.sha512(a), crypto.blake3(a)]\n",
	TEXTS "v = \"${a}-${b: #json}-${c: #yaml}\"\nw = {\"${a}\" = {(b) = c}}\nx = str(w)\n",
	TEXTS "v = [a[i:j:k] for i in [0, -3, 9] for j in [2, -1] for k in [1, -2, 7]]\n",
	"import manifests\nimport yaml\n" TEXTS "manifests.yaml_stream([yaml.decode(a), b], {sep = c})\n",
	"import runtime\n" TEXTS
	"v = [a.lower(), a.upper(), a.isalpha(), a.isdigit(), a.isalnum(), a.isspace(), a.istitle()]\n"
	"w = [a.removeprefix(b), a.removesuffix(c), a.chars(), a.lstrip(), a.rstrip(b), a.islower(), a.isupper()]\n"
	"x = [runtime.catch(lambda { a.index(b) }), runtime.catch(lambda { a.rindex(b, 1, 5) })]\n",
	"import template\n" TEXTS "v = template.html_escape(a)\nw = [typeof(a), a == b, b is c, a not in b]\n",
};

static struct kcl_program *program(size_t i)
{
	static struct kcl_program *programs[ARRAY_SIZE(PROGRAMS)];
	const struct kcl_source source = { .name = "library.k", .text = PROGRAMS[i], .len = strlen(PROGRAMS[i]) };
	const struct kcl_compile_options options = { .sources = &source, .sources_len = 1 };
	struct kcl_diagnostics d = { 0 };

	if (!programs[i] && !(programs[i] = kcl_compile(&options, &d))) {
		_cleanup_buf_ struct buf why = BUF_INIT(1 << 20);

		kcl_diagnostics_write(&d, NULL, NULL, &why);
		fputs(buf_str(&why), stderr);
		abort();
	}
	kcl_diagnostics_clear(&d);
	return programs[i];
}

static json_t *next_text(const char **at, const char *end)
{
	const char *stop = *at < end ? memchr(*at, '\0', (size_t)(end - *at)) : end;
	json_t *text = json_string_lossy(*at, (size_t)((stop ? stop : end) - *at));

	*at = stop && stop < end ? stop + 1 : end;
	return text;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct kcl_context *context;
	const char *at = (const char *)data + 2, *end = (const char *)data + size;
	struct kcl_option given[3] = { { .name = "a" }, { .name = "b" }, { .name = "c" } };
	_cleanup_buf_ struct buf out = BUF_INIT(8 << 20);
	_cleanup_err_ struct err err = { 0 };
	struct kcl_diagnostics d = { 0 };

	if (size < 2)
		return 0;
	for (size_t i = 0; i < ARRAY_SIZE(given); i++)
		given[i].value = next_text(&at, end);
	const struct kcl_eval_options options = {
		.options = given,
		.options_len = ARRAY_SIZE(given),
		.limits = { .steps = 1000000, .memory = (size_t)32 << 20, .depth = 200, .output = 1 << 20 },
	};
	if (!context)
		context = kcl_context_new();
	struct kcl_result *r = kcl_evaluate(program((uint8_t)(data[0] - 'A') % ARRAY_SIZE(PROGRAMS)), context, &options,
	                                    &d);

	if ((r == NULL) != (d.errors > 0) || (d.errors > 0 && strcmp(d.items[0].message, "DIFFERS") == 0))
		abort();
	if (r)
		kcl_result_yaml(r, &out, &err);
	kcl_result_free(r);
	kcl_diagnostics_clear(&d);
	for (size_t i = 0; i < ARRAY_SIZE(given); i++)
		json_decref(json_unconst(given[i].value));
	return 0;
}
