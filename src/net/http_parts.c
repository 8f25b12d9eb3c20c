/* A body of many pieces. They are gathered record by record as the socket takes them, so what is copied stays in the
 * processor's cache and no block as large as the body is ever made. */
#include "http_server_internal.h"

static size_t part_size(const struct http_part *part)
{
	return strlen(part->before) + (part->bytes ? part->bytes->len - part->skip : 0);
}

struct http_parts *http_parts_new(struct http_part *list, size_t len)
{
	struct http_parts *p = new0(struct http_parts);

	p->list = list;
	p->len = len;
	for (size_t i = 0; i < len; i++)
		p->size += part_size(&list[i]);
	return p;
}

struct http_parts *http_parts_free(struct http_parts *p)
{
	if (!p)
		return NULL;
	for (size_t i = 0; i < p->len; i++)
		bytes_unref(p->list[i].bytes);
	free(p->list);
	free(p);
	return NULL;
}

static size_t copy_from(const char *data, size_t len, size_t at, char *to, size_t room)
{
	size_t n = at < len ? len - at : 0;

	if (n > room)
		n = room;
	memcpy(to, data + at, n);
	return n;
}

size_t http_parts_take(struct http_parts *p, char *data, size_t room)
{
	size_t n = 0;

	while (p->next < p->len && n < room) {
		const struct http_part *part = &p->list[p->next];
		size_t before = strlen(part->before), size = part_size(part), begin = p->at;

		if (p->at < before)
			p->at += copy_from(part->before, before, p->at, data + n, room - n);
		n += p->at - begin;
		begin = p->at;
		if (part->bytes && p->at >= before) {
			const char *rest = part->bytes->data + part->skip;
			p->at += copy_from(rest, size - before, p->at - before, data + n, room - n);
			n += p->at - begin;
		}
		if (p->at < size)
			break;
		p->next++;
		p->at = 0;
	}
	p->sent += n;
	return n;
}

bool http_parts_is_sent(const struct http_parts *p)
{
	return p->sent == p->size;
}
