#include "printer.h"

#include "base/clock.h"
#include "base/str.h"
#include "codec/jsonpath.h"
#include "codec/yaml.h"

#define COLUMNS_MAX 16
#define OUTPUT_MAX ((size_t)256 * 1024 * 1024)

struct text_table {
	size_t columns, rows;
	char **cells; /* row after row, the headers first */
};

char *harmless(const char *text)
{
	char *copy = xstrdup(text);
	for (char *c = copy; *c; c++) {
		if (((unsigned char)*c < 0x20 && *c != '\n' && *c != '\t') || *c == 0x7f)
			*c = '?';
	}
	return copy;
}

struct text_table *text_table_new(const char *const *headers)
{
	struct text_table *t = new0(struct text_table);
	while (headers[t->columns] && t->columns < COLUMNS_MAX)
		t->columns++;
	text_table_row(t, headers);
	return t;
}

void text_table_row(struct text_table *t, const char *const *cells)
{
	t->cells = xreallocarray(t->cells, (t->rows + 1) * t->columns, sizeof(*t->cells));
	for (size_t i = 0; i < t->columns; i++) {
		char *cell = harmless(cells[i] ? cells[i] : "<none>");
		cell[strcspn(cell, "\n\t")] = '\0'; /* a row is a line */
		t->cells[t->rows * t->columns + i] = cell;
	}
	t->rows++;
}

/* Characters, not bytes: UTF-8 continuation bytes take no place. */
static size_t display_width(const char *s)
{
	size_t n = 0;
	for (; *s; s++)
		n += ((unsigned char)*s & 0xC0) != 0x80;
	return n;
}

void text_table_print(struct text_table *t, FILE *out)
{
	size_t width[COLUMNS_MAX] = { 0 };
	for (size_t i = 0; i < t->rows * t->columns; i++) {
		size_t n = display_width(t->cells[i]);
		if (n > width[i % t->columns])
			width[i % t->columns] = n;
	}
	for (size_t i = 0; i < t->rows * t->columns; i++) {
		bool is_last = i % t->columns == t->columns - 1;
		fputs(t->cells[i], out);
		for (size_t n = display_width(t->cells[i]); !is_last && n < width[i % t->columns] + 3; n++)
			fputc(' ', out);
		if (is_last)
			fputc('\n', out);
		free(t->cells[i]);
	}
	free(t->cells);
	free(t);
}

static void print_name(const json_t *object, FILE *out)
{
	const char *version = json_get_str(object, "apiVersion"), *kind = json_get_str(object, "kind");
	const char *slash = version ? strchr(version, '/') : NULL;
	_cleanup_free_ char *lower = xstrdup(kind ? kind : "object");
	str_lower(lower);
	fprintf(out, "%s%s%.*s/%s\n", lower, slash ? "." : "", slash ? (int)(slash - version) : 0, version ? version : "",
	        json_str_at(object, "metadata", "name", NULL));
}

static int print_jsonpath(const json_t *object, const char *template, FILE *out, struct err *err)
{
	_cleanup_buf_ struct buf text = BUF_INIT(OUTPUT_MAX);
	struct jsonpath *path = jsonpath_parse(template, err);
	if (!path)
		return err_wrap(err, "jsonpath");
	int r = jsonpath_print(path, object, &text, err);
	jsonpath_free(path);
	if (r == 0)
		fwrite(buf_str(&text), 1, text.len, out);
	if (r == 0 && isatty(fileno(out)))
		fputc('\n', out);
	return r;
}

int print_object(const json_t *object, const char *format, FILE *out, struct err *err)
{
	_cleanup_buf_ struct buf text = BUF_INIT(OUTPUT_MAX);
	const char *template = str_after(format, "jsonpath=");
	if (template)
		return print_jsonpath(object, template, out, err);
	if (str_eq(format, "name")) {
		const json_t *items = json_object_get(object, "items");
		size_t i;
		json_t *item;
		if (!items)
			print_name(object, out);
		json_array_foreach (items, i, item)
			print_name(item, out);
		return 0;
	}
	if (str_eq(format, "json")) {
		json_write_pretty(object, &text);
		buf_putc(&text, '\n');
	} else if (str_eq(format, "yaml")) {
		yaml_write(object, &text);
	} else {
		return err_set(err, ERR_BAD_REQUEST,
		               "there is no output format \"%s\": table, wide, json, yaml, name, jsonpath=TEMPLATE", format);
	}
	fwrite(buf_str(&text), 1, text.len, out);
	return 0;
}

bool use_colour(FILE *out)
{
	return isatty(fileno(out)) && str_empty(getenv("NO_COLOR")) && !str_eq(getenv("TERM"), "dumb");
}

const char *age_of(const char *timestamp, char *buf, size_t size)
{
	int64_t then;
	if (!timestamp || !rfc3339_parse(timestamp, &then)) {
		snprintf(buf, size, "<unknown>");
		return buf;
	}
	int64_t age = clock_wall_ns() - then;
	return duration_human(age > 0 ? age : 0, buf, size);
}
