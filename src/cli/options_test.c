/* Option tables: what is taken, what is refused. */

#include "base/clock.h"
#include "base/str.h"
#include "options.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const struct cli_command COMMAND = { .name = "try", .usage = "", .summary = "", .help = "" };

struct parsed {
	bool flag;
	const char *text;
	int64_t number, duration;
	char **args;
};

/* argv[0] is added; words end with NULL. */
static int parse(struct parsed *p, const char *const *words)
{
	static char *argv[16], *owned[16];
	static int argc;
	const struct cli_option options[] = {
		{ "flag", 'f', CLI_FLAG, &p->flag, NULL, "" },
		{ "text", 't', CLI_STRING, &p->text, "TEXT", "" },
		{ "number", 0, CLI_NUMBER, &p->number, "N", "" },
		{ "duration", 0, CLI_DURATION, &p->duration, "DURATION", "" },
		{ 0 },
	};
	/* What is parsed points into the words, so they live until the next call; parsing changes their order. */
	while (argc > 0)
		free(owned[--argc]);
	owned[argc++] = xstrdup("try");
	for (; *words; words++)
		owned[argc++] = xstrdup(*words);
	owned[argc] = NULL;
	memcpy(argv, owned, sizeof(argv));
	*p = (struct parsed){ 0 };
	return cli_parse(&COMMAND, options, argc, argv, &p->args);
}
#define PARSE(p, ...) parse(p, (const char *const[]){ __VA_ARGS__, NULL })

static void test_options_mix_with_arguments(void **state)
{
	struct parsed p;
	(void)state;
	assert_int_equal(PARSE(&p, "one", "-f", "--text=x", "two", "--number", "7", "--duration", "1m30s"), 0);
	assert_true(p.flag);
	assert_string_equal(p.text, "x");
	assert_int_equal(p.number, 7);
	assert_int_equal(p.duration, 90 * NS_PER_S);
	assert_int_equal(strv_len(p.args), 2);
	assert_string_equal(p.args[0], "one");
	assert_string_equal(p.args[1], "two");
}

static void test_options_end_at_two_dashes(void **state)
{
	struct parsed p;
	(void)state;
	assert_int_equal(PARSE(&p, "--", "-f", "--text"), 0);
	assert_false(p.flag);
	assert_int_equal(strv_len(p.args), 2);
	assert_string_equal(p.args[0], "-f");
}

static void test_options_that_are_wrong(void **state)
{
	static const struct {
		const char *words[4], *reason;
	} cases[] = {
		{ { "--nothing", NULL }, "an unknown option" },       { { "-x", NULL }, "an unknown letter" },
		{ { "--text", NULL }, "a value is missing" },         { { "--number", "7x", NULL }, "not a number" },
		{ { "--number", "-1", NULL }, "below the smallest" }, { { "--duration", "soon", NULL }, "not a duration" },
		{ { "--flag=yes", NULL }, "a flag has no value" },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct parsed p;
		if (parse(&p, cases[i].words) != CLI_USAGE)
			fail_msg("not refused: %s", cases[i].reason);
	}
}

static void test_options_give_help(void **state)
{
	struct parsed p;
	(void)state;
	assert_int_equal(PARSE(&p, "--help"), 1);
	assert_int_equal(PARSE(&p, "-h"), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_options_mix_with_arguments),
		cmocka_unit_test(test_options_end_at_two_dashes),
		cmocka_unit_test(test_options_that_are_wrong),
		cmocka_unit_test(test_options_give_help),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
