/* grpc.health.v1.Health: is it serving? "" asks for the server, a service's name for that. */

#include "grpc_internal.h"

#include "base/str.h"
#include "codec/protobuf.h"

enum { SERVING = 1, NOT_SERVING = 2, SERVICE_UNKNOWN = 3 };

static const struct pb_field REQUEST[] = { { 1, "service", PB_STRING, PB_SINGLE, NULL }, { 0 } };

static bool has_service(const struct grpc_server *s, const char *name)
{
	size_t len = strlen(name);

	for (size_t i = 0; i < s->methods_len; i++)
		if (strncmp(s->methods[i].path + 1, name, len) == 0 && s->methods[i].path[1 + len] == '/')
			return true;
	return len == 0;
}

/* One of the above; -1: the message is malformed. */
static int status_of(struct grpc_server *s, const void *message, size_t len)
{
	_cleanup_json_ json_t *request = pb_decode(REQUEST, message, len, NULL);
	const char *service = json_get_str(request, "service");

	if (!request)
		return -1;
	if (!has_service(s, service ? service : ""))
		return SERVICE_UNKNOWN;
	return atomic_load(&s->stopping) ? NOT_SERVING : SERVING;
}

static void send_status(struct grpc_call *call, int status)
{
	const uint8_t answer[] = { 1 << 3, (uint8_t)status };

	grpc_call_send(call, answer, sizeof(answer));
}

static enum grpc_status malformed(char **ret_message)
{
	*ret_message = xstrdup("grpc: the message is no HealthCheckRequest");
	return GRPC_INVALID_ARGUMENT;
}

enum grpc_status grpc_health_check(void *self, struct grpc_call *call, const void *message, size_t len,
                                   char **ret_message)
{
	int status = status_of(self, message, len);

	if (status < 0)
		return malformed(ret_message);
	if (status == SERVICE_UNKNOWN) {
		*ret_message = xstrdup("unknown service");
		return GRPC_NOT_FOUND;
	}
	send_status(call, status);
	return GRPC_OK;
}

enum grpc_status grpc_health_watch(void *self, struct grpc_call *call, const void *message, size_t len,
                                   char **ret_message)
{
	int status = status_of(self, message, len);

	if (status < 0)
		return malformed(ret_message);
	send_status(call, status);
	return GRPC_OK;
}

void grpc_health_tell(struct grpc_server *s)
{
	for (struct grpc_connection *c = s->connections; c; c = c->next) {
		struct grpc_call *next;

		for (struct grpc_call *call = c->calls; call; call = next) {
			next = call->next;
			if (!call->method || call->method->stream != grpc_health_watch || call->ended)
				continue;
			send_status(call, NOT_SERVING);
			grpc_call_finish(call, GRPC_UNAVAILABLE, xstrdup("grpc: the server stops"));
		}
	}
}
