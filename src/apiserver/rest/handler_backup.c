/* GET /scia/backup: all objects of one moment, in the form of a backup (store_backup.h), while the server works. What
 * is encrypted on the disk is encrypted in it too. */
#include "base/clock.h"
#include "handler.h"
#include "respond.h"
#include "server.h"
#include "store/store_backup.h"

#define PIECE ((size_t)64 * 1024)
/* Of what was read but not sent, so that a slow client costs no memory; and how long it may take to send that: the
 * snapshot keeps what is replaced meanwhile. */
#define WAITING_MAX ((size_t)4 * 1024 * 1024)
#define PATIENCE_NS (60 * NS_PER_S)
#define LOOK_NS (5 * NS_PER_MS)
#define BACKUPS_MAX 2

struct sending {
	struct http_stream *stream;
	struct buf piece; /* small records together */
};

static bool send_pending(struct sending *s)
{
	bool ok = s->piece.len == 0 || http_stream_write(s->stream, s->piece.data, s->piece.len);

	buf_reset(&s->piece);
	return ok;
}

/* Waits for the client. False when it is gone, or takes next to nothing. */
static bool await_room(struct sending *s)
{
	int64_t until = clock_mono_ns() + PATIENCE_NS;

	if (http_stream_waiting(s->stream) < WAITING_MAX)
		return true;
	while (http_stream_waiting(s->stream) > WAITING_MAX / 2 && !http_stream_is_closed(s->stream) &&
	       clock_mono_ns() < until)
		clock_sleep_ns(LOOK_NS);
	return http_stream_waiting(s->stream) <= WAITING_MAX / 2 && !http_stream_is_closed(s->stream);
}

static int send_data(void *self, const void *data, size_t len, struct err *err)
{
	struct sending *s = self;
	bool ok = s->piece.len + len <= PIECE || (await_room(s) && send_pending(s));

	if (ok && len <= PIECE)
		buf_append(&s->piece, data, len);
	else
		ok = ok && http_stream_write(s->stream, data, len);
	return ok ? 0 : err_set(err, ERR_UNAVAILABLE, "the client is gone or too slow");
}

static void send_backup(struct api_request *req)
{
	struct http_headers headers = { 0 };
	struct sending s = { .piece = BUF_INIT(PIECE) };
	_cleanup_(store_backup_writer_freep) struct store_backup_writer *writer = store_backup_writer_new(
		&(struct store_backup_sink){ .write = send_data, .self = &s });
	_cleanup_err_ struct err err = { 0 };

	api_respond_headers(req, "application/octet-stream", &headers);
	s.stream = http_respond_stream(TAKE_PTR(req->http), 200, &headers, NULL, NULL);
	http_headers_clear(&headers);
	/* What breaks off has no end, which whoever reads it notices. */
	if (store_backup(req->server->store, writer, &err) < 0)
		log_warn(req->server->log, "a backup was broken off: %s", err_message(&err));
	else
		send_pending(&s);
	http_stream_end(s.stream);
	buf_clear(&s.piece);
	api_request_done(req, 200);
}

void handle_backup(struct api_request *req)
{
	struct apiserver *server = req->server;
	_cleanup_err_ struct err err = { 0 };

	if (atomic_fetch_add(&server->backups, 1) < BACKUPS_MAX) {
		send_backup(req);
	} else {
		err_set(&err, ERR_TOO_MANY_REQUESTS, "%d backups are being made already, try again later", BACKUPS_MAX);
		api_respond_err(req, &err);
	}
	atomic_fetch_sub(&server->backups, 1);
}
