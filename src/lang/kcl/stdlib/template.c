#include "stdlib/template.h"

#include "output/plan.h"

struct render {
	struct kcl_heap *h;
	const char *start;
	struct kcl_text out;
};

/* ---- values ---- */

void kcl_put_html_escaped(struct kcl_text *t, const char *s, size_t len)
{
	static const char specials[] = "&<>\"'`=";
	static const char *const escapes[] = { "&amp;", "&lt;", "&gt;", "&quot;", "&#x27;", "&#x60;", "&#x3D;" };

	for (size_t i = 0; i < len; i++) {
		const char *p = strchr(specials, s[i]);

		if (p)
			kcl_text_puts(t, escapes[p - specials]);
		else
			kcl_text_putc(t, s[i]);
	}
}

/* Lists show their items, dicts only that they are some. */
static void put_shown(struct kcl_text *t, struct kcl_value v)
{
	if (kcl_as_dict(v))
		return kcl_text_puts(t, "[object]");
	if (v.kind == KCL_NONE || v.kind == KCL_UNDEFINED || v.kind == KCL_FUNCTION || v.kind == KCL_TYPE)
		return;
	if (v.kind == KCL_STR)
		return kcl_text_put_str(t, v.str);
	if (v.kind != KCL_LIST)
		return kcl_put_json(t, v, NULL);
	kcl_stack_check(t->h);
	kcl_text_putc(t, '[');
	for (uint32_t i = 0; i < v.list->len; i++) {
		kcl_text_puts(t, i ? ", " : "");
		put_shown(t, v.list->items[i]);
	}
	kcl_text_putc(t, ']');
}

static bool is_raw(const struct kcl_tag *tag)
{
	return tag->body_end - tag->body > 4 && memcmp(tag->body, "raw", 3) == 0 && isspace((unsigned char)tag->body[3]);
}

static void put_value(struct render *r, const struct kcl_template_scope *scope, const struct kcl_tag *tag)
{
	struct kcl_value v = kcl_template_expression(r->h, scope, tag->body, tag->body_end);
	struct kcl_text shown = { .h = r->h };

	if (is_raw(tag) && v.kind != KCL_STR)
		return kcl_put_json(&r->out, v, NULL);
	put_shown(&shown, v);
	if (shown.len == 0)
		return;
	if (tag->unescaped || is_raw(tag))
		kcl_text_put(&r->out, shown.data, shown.len);
	else
		kcl_put_html_escaped(&r->out, shown.data, shown.len);
}

/* ---- blocks ---- */

/* Renders up to the {{else}} or {{/…}} that belongs to what began before p, which is *ret_stop then, or to the end
 * (false). Nothing is shown without scope. */
static bool render(struct render *r, const struct kcl_template_scope *scope, const char *p, struct kcl_tag *ret_stop);

static size_t word(const char *p, const char *end)
{
	const char *s = p;

	while (p < end && !isspace((unsigned char)*p))
		p++;
	return (size_t)(p - s);
}

static void each_item(struct render *r, const struct kcl_template_scope *outer, struct kcl_value of, const char *body)
{
	const struct kcl_dict *d = kcl_as_dict(of);
	uint32_t len = d ? d->len : of.list->len;
	struct kcl_tag stop;

	for (uint32_t i = 0; i < len; i++) {
		struct kcl_template_scope scope = { .self = d ? d->pairs[i].value : of.list->items[i],
			                                .index = kcl_int(i),
			                                .key = d ? kcl_str_value(d->pairs[i].key) : kcl_int(i),
			                                .first = i == 0,
			                                .last = i + 1 == len,
			                                .outer = outer };

		kcl_steps(r->h, 1);
		render(r, &scope, body, &stop);
	}
}

/* What a block helper does with its first part: nothing where it is not the one that is shown. */
static bool show_block(struct render *r, const struct kcl_template_scope *scope, const char *name, size_t len,
                       struct kcl_value v, bool inverted, const char *body)
{
	struct kcl_template_scope inner = { .self = v, .outer = scope };
	bool each = len == 4 && memcmp(name, "each", 4) == 0, with = len == 4 && memcmp(name, "with", 4) == 0;
	bool unless = len == 6 && memcmp(name, "unless", 6) == 0, truth = kcl_template_truth(v);
	struct kcl_tag stop;

	if (inverted || unless)
		truth = !truth;
	if (!truth)
		return false;
	if (each && !inverted && (v.kind == KCL_LIST || kcl_as_dict(v)))
		each_item(r, scope, v, body);
	else if (!each)
		render(r, with ? &inner : scope, body, &stop);
	return true;
}

/* From behind {{#…}} to behind its {{/…}}; {{else if …}} continues as another block. */
static const char *render_block(struct render *r, const struct kcl_template_scope *scope, const struct kcl_tag *open)
{
	const char *body = open->next, *name = open->body, *end = open->body_end;
	bool done = scope == NULL, inverted = open->inverted;
	struct kcl_tag stop;

	for (;;) {
		size_t len = word(name, end);
		bool known = (len == 2 && memcmp(name, "if", 2) == 0) || (len == 4 && memcmp(name, "each", 4) == 0) ||
		             (len == 4 && memcmp(name, "with", 4) == 0) || (len == 6 && memcmp(name, "unless", 6) == 0);
		bool otherwise = name == end;

		if (!known && !otherwise && !inverted)
			kcl_raise(r->h, "render template failed: helper '%.*s' not defined", (int)len, name);
		if (!done && otherwise)
			render(r, scope, body, &stop);
		else if (!done)
			done = show_block(r, scope, name, len, kcl_template_expression(r->h, scope, known ? name + len : name, end),
			                  inverted, body);
		if (!render(r, NULL, body, &stop))
			kcl_raise(r->h, "register template failed: block '%.*s' is not closed", (int)(open->body_end - open->body),
			          open->body);
		if (stop.kind == KCL_TAG_CLOSE)
			return stop.next;
		body = stop.next;
		name = stop.body;
		end = stop.body_end;
		inverted = false;
	}
}

static bool render(struct render *r, const struct kcl_template_scope *scope, const char *p, struct kcl_tag *ret_stop)
{
	struct kcl_tag tag;

	kcl_stack_check(r->h);
	while (kcl_tag_next(r->h, r->start, p, &tag)) {
		kcl_steps(r->h, 1 + (uint64_t)(tag.next - p) / 64);
		if (scope)
			kcl_text_put(&r->out, p, (size_t)(tag.text_end - p));
		p = tag.next;
		if (tag.kind == KCL_TAG_CLOSE || tag.kind == KCL_TAG_ELSE) {
			*ret_stop = tag;
			return true;
		}
		if (tag.kind == KCL_TAG_OPEN)
			p = render_block(r, scope, &tag);
		else if (tag.kind == KCL_TAG_VALUE && scope)
			put_value(r, scope, &tag);
	}
	if (scope)
		kcl_text_puts(&r->out, p);
	return false;
}

static KCL_BUILTIN(template_execute)
{
	struct kcl_heap *h = kcl_vm_heap(vm);
	const struct kcl_str *text = kcl_arg_need_str(vm, args, 0, "template",
	                                              "execute() takes exactly one argument (0 given)");
	struct render r = { .h = h, .start = text->s, .out = { .h = h } };
	struct kcl_template_scope scope = { .self = kcl_dict(h, 0) };
	struct kcl_tag stop;

	(void)self;
	kcl_arg(args, 1, "data", &scope.self);
	if (!kcl_as_dict(scope.self))
		kcl_raise(h, "invalid dict value");
	if (render(&r, &scope, text->s, &stop))
		kcl_raise(h, "register template failed: '%.*s' closes no block", (int)(stop.body_end - stop.body), stop.body);
	return kcl_text_str(&r.out);
}

static KCL_BUILTIN(template_html_escape)
{
	const struct kcl_str *s = kcl_arg_need_str(vm, args, 0, "data",
	                                           "html_escape() takes exactly one argument (0 given)");
	struct kcl_text t = { .h = kcl_vm_heap(vm) };

	(void)self;
	kcl_steps(t.h, s->len / 16);
	kcl_put_html_escaped(&t, s->s, s->len);
	return kcl_text_str(&t);
}

const struct kcl_builtin kcl_template_rows[] = {
	{ "execute", "(template: str, data?: {str:any}) -> str", template_execute, NULL,
	  "A Handlebars template filled in." },
	{ "html_escape", "(data: str) -> str", template_html_escape, NULL,
	  "The text with HTML's special characters escaped." },
	{ 0 },
};
